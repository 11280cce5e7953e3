//! The loop's pool: there from the beginning, with its first thread at its first use.
//!
//! # State
//! One mutex over two flags, each of which is set once.
//!
//! | `begun` | `used` | the pool |
//! |---|---|---|
//! | no | no | has no thread, and no task |
//! | no | yes | keeps its tasks until the loop begins to run |
//! | yes | no | has no thread |
//! | yes | yes | was started, by whoever set the second flag |
//!
//! # Invariants
//! The pool is started once, by whoever finds in one critical section that it is the second.
//! W9: it is started outside of the mutex, as that calls a user's start policy.

use std::mem;

use crate::primitives::Mutex;
use crate::probe::{Object, What};
use crate::thread_pool::ThreadPool;

#[derive(Default)]
struct Flags {
    begun: bool,
    used: bool,
}

pub(super) struct FirstUse {
    flags: Mutex<Flags>,
    pool: ThreadPool,
    /// The least threads that it is to have.
    pub(super) least: usize,
}

impl FirstUse {
    pub(super) fn new(pool: ThreadPool) -> Self {
        let (least, _) = pool.statistics().sizes;
        Self {
            flags: Mutex::default(),
            pool,
            least,
        }
    }

    /// The pool, without that being a use of it.
    pub(super) fn unused(&self) -> &ThreadPool {
        &self.pool
    }

    /// The pool, which is used from now on.
    pub(super) fn get(&self, object: Object) -> &ThreadPool {
        let mut flags = self.flags.lock();
        let starts = !mem::replace(&mut flags.used, true) && flags.begun;
        object.tell(|| What::PoolUsed { starts });
        drop(flags);
        self.start(starts);
        &self.pool
    }

    /// The loop runs from now on.
    pub(super) fn begin(&self, object: Object) {
        let mut flags = self.flags.lock();
        let starts = !mem::replace(&mut flags.begun, true) && flags.used;
        object.tell(|| What::LoopBegun { starts });
        drop(flags);
        self.start(starts);
    }

    fn start(&self, starts: bool) {
        if starts {
            // An `Err` says that a user has ended the pool before: then there is nothing to start.
            let _ = self.pool.start();
        }
    }
}
