//! A token: by it one thread, its owner, waits until it is called.
//!
//! # State
//! `called`: set by whoever calls, cleared by the owner. The owner hands the token out once before each
//! wait, so one caller at a time has it.
//!
//! # Invariants
//! T9 (no lost wake-up): a call comes before the owner's check of `called`, which then sees it, or
//! before the owner sleeps, which then does not, or wakes it. A spurious wake-up, or one by a stranger
//! who unparks the thread, finds `called` unset and sleeps again.

use std::time::Duration;

use crate::primitives::{AtomicBool, Deadline, Ordering, Parker};

pub(crate) struct Token {
    called: AtomicBool,
    parker: Parker,
}

impl Token {
    /// A token of this thread.
    pub(crate) fn new() -> Self {
        Self {
            called: AtomicBool::new(false),
            parker: Parker::here(),
        }
    }

    /// Ends the owner's wait, this one or the next.
    pub(crate) fn call(&self) {
        // ORDERING: Release pairs with the Acquire in `wait`: what the caller did is visible to whoever
        // was called. Relaxed would leave that to the lock that the owner takes next.
        self.called.store(true, Ordering::Release);
        self.parker.unpark();
    }

    /// Blocks until called. For the owner alone.
    pub(crate) fn wait(&self) {
        while !self.was_called() {
            self.parker.park();
        }
    }

    /// Blocks until called, or for this long: whether it was called. If not, the token is still out.
    pub(crate) fn wait_timeout(&self, patience: Duration) -> bool {
        let deadline = Deadline::after(patience);
        loop {
            if self.was_called() {
                return true;
            }
            if self.parker.park_by(&deadline) {
                return self.was_called();
            }
        }
    }

    fn was_called(&self) -> bool {
        // ORDERING: Acquire pairs with the Release in `call`.
        let called = self.called.load(Ordering::Acquire);
        if called {
            // ORDERING: Relaxed: the next caller has the token from the owner, which hands it out later.
            self.called.store(false, Ordering::Relaxed);
        }
        called
    }
}
