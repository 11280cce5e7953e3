//! Where threads run.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where the two sides of a pool run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything on core 0.
    One,
    /// The submitters on core 0, the workers on core 1.
    Apart,
}

impl Mode {
    pub const ALL: [Self; 2] = [Self::One, Self::Apart];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Apart => "apart",
        }
    }

    /// Workers that have the submitter on the other side.
    #[must_use]
    pub fn workers(self) -> Place {
        match self {
            Self::One => Place::on(&[0]),
            Self::Apart => Place::on(&[1]),
        }
    }

    /// Workers that submit to each other: spread over the cores.
    #[must_use]
    pub fn spread(self) -> Place {
        match self {
            Self::One => Place::on(&[0]),
            Self::Apart => Place::on(&[0, 1]),
        }
    }

    /// For rows about creating threads, which inherit this: both cores, if there are two.
    #[must_use]
    pub fn cores(self) -> &'static [usize] {
        match self {
            Self::One => &[0],
            Self::Apart => &[0, 1],
        }
    }
}

/// Binds the calling thread, and those that it creates, to these cores.
///
/// # Panics
/// If there are no such cores.
pub fn bind(cores: &[usize]) {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    sched_setaffinity(None, &set).expect("the machine has cores 0 and 1, and lets us use them");
}

/// The cores of one pool's workers, given out one by one.
pub struct Place {
    number: usize,
    cores: &'static [usize],
    next: AtomicUsize,
}

thread_local! {
    /// Which place this thread has taken, and the core.
    static TAKEN: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

impl Place {
    fn on(cores: &'static [usize]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        Self {
            number: NUMBER.fetch_add(1, Relaxed),
            cores,
            next: AtomicUsize::new(0),
        }
    }

    /// Binds the calling worker, if it is not yet.
    pub fn take(&self) {
        if TAKEN.get().is_none_or(|(number, _)| number != self.number) {
            let core = self.cores[self.next.fetch_add(1, Relaxed) % self.cores.len()];
            bind(&[core]);
            TAKEN.set(Some((self.number, core)));
        }
    }

    /// Whether the calling worker is bound as it should be.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        let Some((number, core)) = TAKEN.get() else {
            return false;
        };
        let set = sched_getaffinity(None).is_ok_and(|set| set.count() == 1 && set.is_set(core));
        number == self.number && set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_keeps_its_core_and_a_stranger_has_none() {
        let place = Place::on(&[0]);
        assert!(!place.is_taken());
        place.take();
        assert!(place.is_taken());
        place.take();
        assert_eq!(place.next.load(Relaxed), 1);
        assert!(!Place::on(&[0]).is_taken(), "of another pool");
        std::thread::scope(|scope| {
            // It inherits the core, and has not taken its place.
            scope.spawn(|| assert!(!place.is_taken()));
        });
    }
}
