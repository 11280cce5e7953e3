//! What an event loop's calls allocate, and what it keeps of them.
//!
//! One test, because the allocator counts for the whole process.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

#[path = "common/allocator.rs"]
mod allocator;

use std::sync::mpsc;

use brigade::{EventLoop, OnLoop, Performed};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

const CALLS: usize = 2_000;

/// How many allocations the best of some rounds makes: the harness's thread may allocate in any.
fn least(round: impl Fn()) -> usize {
    for _ in 0..3 {
        round(); // what is kept once is there
    }
    let measured = (0..5).map(|_| {
        let before = allocator::allocations();
        round();
        allocator::allocations() - before
    });
    measured.min().unwrap()
}

/// A call whose captures have so many bytes.
fn call<const WORDS: usize>() -> impl FnOnce(&OnLoop) + Send + 'static {
    let captured: [usize; WORDS] = std::array::from_fn(|n| n);
    let call = move |on: &OnLoop| {
        assert!(on.handle().is_on_loop_thread());
        assert_eq!(captured[WORDS - 1], WORDS - 1);
    };
    assert_eq!(size_of_val(&call), WORDS * size_of::<usize>());
    call
}

fn drain(event_loop: &EventLoop) -> usize {
    std::iter::from_fn(|| (event_loop.step() == Performed::Ran).then_some(())).count()
}

/// Gives the loop's own thread this many calls at a time, which it steps through.
fn in_bursts<const WORDS: usize>(event_loop: &EventLoop, burst: usize) -> usize {
    let handle = event_loop.handle();
    least(|| {
        for _ in 0..CALLS / burst {
            for _ in 0..burst {
                handle.call_from_thread(call::<WORDS>()).unwrap();
            }
            assert_eq!(drain(event_loop), burst);
        }
    })
}

#[test]
fn t10_a_call_allocates_nothing_in_steady_state_and_a_flood_is_given_back() {
    let event_loop = EventLoop::new();
    assert_eq!(in_bursts::<5>(&event_loop, 1), 0, "40 bytes, one by one");
    assert_eq!(in_bursts::<5>(&event_loop, 1_000), 0, "40 bytes");
    assert_eq!(in_bursts::<6>(&event_loop, 1_000), 0, "48 bytes");
    assert_eq!(in_bursts::<7>(&event_loop, 1_000), CALLS, "a box each");

    // From another thread, into a loop that sleeps between the calls.
    let (give, given) = mpsc::sync_channel(1);
    let handle = event_loop.handle();
    let caller = std::thread::spawn(move || {
        let allocated = least(|| {
            for _ in 0..CALLS {
                let give = give.clone();
                handle
                    .call_from_thread(move |_| give.send(()).unwrap())
                    .unwrap();
                given.recv().unwrap();
            }
        });
        handle.stop().unwrap();
        allocated
    });
    event_loop.run().unwrap();
    assert_eq!(caller.join().unwrap(), 0, "between threads");

    // A confined value, a future and a deferred result leave nothing behind; nor does a flood.
    let event_loop = EventLoop::new();
    let on = event_loop.here();
    let round = |floods: usize| {
        for _ in 0..floods {
            for n in 0..100_000 {
                on.handle().call_from_thread(call::<5>()).unwrap();
                if n % 100 == 0 {
                    drop(on.confine([n; 100]));
                    on.spawn(async move { assert!(n < 100_000) }).unwrap();
                }
            }
            assert_eq!(drain(&event_loop), 102_000);
        }
    };
    round(1);
    let before = allocator::live_bytes();
    round(5);
    let after = allocator::live_bytes();
    // 100,000 calls of 40 bytes take 4 MB while they wait.
    assert!(after < before + 20_000, "{before} bytes, then {after}");
    assert!(after < 1 << 20, "{after} bytes");
}
