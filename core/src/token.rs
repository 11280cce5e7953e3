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

use crate::primitives::{AtomicBool, Ordering, Parker};

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
        // ORDERING: Acquire pairs with the Release in `call`.
        while !self.called.load(Ordering::Acquire) {
            self.parker.park();
        }
        // ORDERING: Relaxed: the next caller has the token from the owner, which hands it out later.
        self.called.store(false, Ordering::Relaxed);
    }
}
