//! Ten million tasks through a pool of two threads: each runs once, and all memory comes back.
//!
//! `BRIGADE_SCALE` sets another number of tasks.

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
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use common::{Count, Threads};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

/// Each task flips its own bit. The threads start at the first task, or else when all are waiting.
/// Says how many were then.
fn flip_each_bit_once(tasks: usize, at_once: bool) -> usize {
    let (threads, limit) = (Threads::new(), Count::new());
    let most = limit.clone();
    let pool = brigade::pool(move || most.get(), threads.start());
    limit.set(if at_once { 2 } else { 0 });
    let words = tasks.div_ceil(64);
    let bits: Arc<[AtomicU64]> = (0..words).map(|_| AtomicU64::new(0)).collect();
    for n in 0..tasks {
        let bits = Arc::clone(&bits);
        pool.execute(move || {
            let bit = 1 << (n % 64);
            let before = bits[n / 64].fetch_xor(bit, Ordering::Relaxed);
            assert_eq!(before & bit, 0, "task {n} runs a second time");
        })
        .unwrap();
    }
    let backlogged = pool.statistics().backlogged;
    limit.set(2);
    pool.limit_raised().unwrap();
    pool.quit().unwrap();
    threads.join_all();
    let now = pool.statistics();
    assert_eq!((now.accepted, now.done), (tasks, tasks));
    assert_eq!((threads.started(), Arc::strong_count(&bits)), (0, 1));
    let flipped: usize = bits
        .iter()
        .map(|word| word.load(Ordering::Relaxed).count_ones() as usize)
        .sum();
    assert_eq!(flipped, tasks);
    backlogged
}

/// Until what this thread keeps for itself is there, and the harness's main thread, which allocates as
/// well, has gone to sleep.
fn warm_up() {
    let (mut same, mut before) = (0, 0);
    for _ in 0..1000 {
        flip_each_bit_once(1000, true);
        let now = allocator::live_bytes();
        same = if now == before { same + 1 } else { 0 };
        before = now;
        if same == 20 {
            return;
        }
    }
    panic!("each thousand tasks leave something behind");
}

#[test]
fn w1_t10_ten_million_tasks_each_run_once_and_all_memory_comes_back() {
    let tasks = std::env::var("BRIGADE_SCALE").map_or(10_000_000, |text| text.parse().unwrap());
    warm_up();
    for (tasks, at_once) in [(tasks, true), (tasks / 10, false)] {
        let (before, begin) = (allocator::live_bytes(), Instant::now());
        let backlogged = flip_each_bit_once(tasks, at_once);
        let (after, took) = (allocator::live_bytes(), begin.elapsed());
        println!("{tasks} tasks in {took:?}, {backlogged} backlogged when the last was submitted");
        assert_eq!(after, before, "live bytes");
    }
}
