//! Under an engine, a thread sleeps on a mutex and a condition variable: `park` and `unpark` are no
//! operations to loom. And nobody lingers, because an engine has no time to wait for.

use std::time::Duration;

use super::{Condvar, Mutex};

/// Where the thread that made it sleeps.
#[derive(Default)]
pub struct Parker {
    unparked: Mutex<bool>,
    woken: Condvar,
}

impl Parker {
    /// A place for this thread to sleep.
    #[must_use]
    pub fn here() -> Self {
        Self::default()
    }

    /// Blocks this thread, which must be the one that made it, until an [`Parker::unpark`] since the
    /// last time, **or until it is woken spuriously**.
    #[track_caller]
    pub fn park(&self) {
        let mut unparked = self.unparked.lock();
        if !*unparked {
            unparked = self.woken.wait(unparked);
        }
        *unparked = false;
    }

    /// As [`Parker::park`], but also returns, and says yes, where time is up: see [`Deadline`].
    #[must_use]
    #[track_caller]
    pub fn park_by(&self, deadline: &Deadline) -> bool {
        let mut unparked = self.unparked.lock();
        let mut late = false;
        if !*unparked {
            (unparked, late) = self.woken.wait_by(unparked, deadline);
        }
        *unparked = false;
        late
    }

    /// Wakes the thread, or spares it its next sleep.
    #[track_caller]
    pub fn unpark(&self) {
        *self.unparked.lock() = true;
        self.woken.notify_one();
    }
}

/// When to wait no longer. An engine has no time: the n-th wait of an execution, if that is chosen, is
/// one that ends early (see [`choice`](super::choice)), and a wait with a deadline then says that it is
/// late.
#[derive(Clone, Copy, Debug)]
pub struct Deadline;

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(_: Duration) -> Self {
        Self
    }
}

/// Counts the changes of what a lock guards; here, nothing, for whoever would linger looks at once.
#[derive(Debug, Default)]
pub struct Changes {}

impl Changes {
    /// Notes a change.
    pub fn note(&self) {}

    /// How many there have been.
    #[must_use]
    pub fn count(&self) -> usize {
        0
    }

    /// Does not wait.
    #[must_use]
    pub fn linger(&self, _: usize) -> bool {
        false
    }
}
