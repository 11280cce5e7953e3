//! One test of this crate's own code, on real threads, under loom and under shuttle: the feature says
//! which.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use brigade::ThreadPool;
use brigade::primitives::{Arc, thread};
use brigade::test_kit::{Explorer, explore, note};
use brigade_downstream::Cached;

/// A pool of one thread, small enough for an engine.
fn pool() -> ThreadPool {
    let pool = ThreadPool::builder().sizes(0, 1).build().unwrap();
    pool.start().unwrap();
    pool
}

#[test]
fn two_who_ask_get_the_value() {
    explore(|| {
        let pool = pool();
        let cached = Arc::new(Cached::new(|| 42));
        let (theirs, pools) = (Arc::clone(&cached), pool.clone());
        let reader = thread::spawn("reader", move || {
            assert_eq!(theirs.get(&pools), Some(42));
            note("has the value");
        });
        assert_eq!(cached.get(&pool), Some(42));
        note("has the value");
        reader.unwrap().join().unwrap();
        pool.shutdown().unwrap();
    });
}

/// Bounds of one's own.
#[test]
fn a_pool_that_has_ended_loads_nothing() {
    let explored = Explorer::new().preemptions(None).runs(10).run(|| {
        let pool = pool();
        pool.shutdown().unwrap();
        assert_eq!(Cached::new(|| 42).get(&pool), None);
    });
    println!("{explored}");
    assert!(explored.executions > 0);
}
