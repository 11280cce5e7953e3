//! A thread pool keeps nothing of its threads that have ended.
//!
//! One test, because the allocator counts for the whole process.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

#[allow(dead_code, reason = "the other half is used by another file")]
#[path = "common/allocator.rs"]
mod allocator;
#[path = "common/thread_pools.rs"]
mod thread_pools;

use brigade::ThreadPool;
use thread_pools::{started, until};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

#[test]
fn t10_ended_threads_are_not_kept() {
    let watchdog = thread_pools::watchdog();
    let pool = started(ThreadPool::builder().sizes(0, 1));
    let turn_over = |threads: usize| {
        for _ in 0..threads {
            let gone = pool.statistics().gone;
            pool.execute(|| ()).unwrap();
            pool.wait_idle().unwrap();
            pool.shrink(1).unwrap();
            until(|| pool.statistics().gone > gone);
        }
    };
    turn_over(100); // what is kept once is there
    let before = allocator::live_bytes();
    turn_over(1000);
    let after = allocator::live_bytes();
    assert_eq!(pool.statistics().made, 1100);
    // Each thread that is kept would take 100 bytes or more; the harness may take a few.
    assert!(after < before + 20_000, "{before} bytes, then {after}");
    pool.shutdown().unwrap();
    drop(watchdog);
}
