//! Under an engine, a thread sleeps on a mutex and a condition variable: `park` and `unpark` are no
//! operations to loom. And nobody lingers, because an engine has no time to wait for.

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

    /// Wakes the thread, or spares it its next sleep.
    #[track_caller]
    pub fn unpark(&self) {
        *self.unparked.lock() = true;
        self.woken.notify_one();
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
    pub fn linger(&self, _: usize, _: bool) -> bool {
        false
    }
}
