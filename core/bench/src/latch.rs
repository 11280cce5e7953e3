//! A count that goes down, and one thread that sleeps until it is 0.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::clock::PATIENCE;

pub struct Latch {
    left: AtomicUsize,
    waiter: Thread,
}

impl Latch {
    /// The calling thread is the one to wait.
    #[must_use]
    pub fn new(count: usize) -> Self {
        Self {
            left: AtomicUsize::new(count),
            waiter: thread::current(),
        }
    }

    pub fn set(&self, count: usize) {
        // ORDERING: Relaxed; whoever counts down got this latch, or its task, from us after this.
        self.left.store(count, Ordering::Relaxed);
    }

    pub fn count_down(&self) {
        // ORDERING: Release pairs with the Acquire in `wait`: the waiter sees what was done.
        let left = self.left.fetch_sub(1, Ordering::Release);
        assert!(left > 0, "something ran twice");
        if left == 1 {
            self.waiter.unpark();
        }
    }

    /// # Panics
    /// If it takes for ever.
    pub fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        // ORDERING: Acquire pairs with the Release in `count_down`.
        while self.left.load(Ordering::Acquire) > 0 {
            assert!(Instant::now() < deadline, "a task was lost");
            thread::park_timeout(PATIENCE);
        }
    }
}

/// Counts down when it is dropped: kept by a thread, it says when that thread has ended.
pub struct Guard(pub Arc<Latch>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.count_down();
    }
}
