//! Futures that the loop drives, and who wakes them.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Poll, Waker};

use brigade::primitives::Mutex;

use super::scenario;
use super::stage::Stage;
use crate::scenario::Scenario;
use crate::world::Shared;

#[derive(Default)]
struct Inside {
    open: bool,
    waker: Option<Waker>,
}

/// What a future waits for, and another thread opens: at any moment of a poll, also between its last look and
/// its return.
#[derive(Default)]
pub(super) struct Gate(Mutex<Inside>);

impl Gate {
    pub(super) fn open(&self) {
        let mut inside = self.0.lock();
        inside.open = true;
        let waker = inside.waker.take();
        drop(inside);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn passed(self: Arc<Self>) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            let mut inside = self.0.lock();
            if inside.open {
                return Poll::Ready(());
            }
            inside.waker = Some(context.waker().clone());
            drop(inside);
            drop(self.0.lock());
            Poll::Pending
        })
    }
}

/// Pending once, having woken itself.
pub(super) fn yields() -> impl Future<Output = ()> {
    let mut again = false;
    poll_fn(move |context| {
        if again {
            return Poll::Ready(());
        }
        again = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// Woken by itself, inside of its poll. Meanwhile another calls.
fn wakes_itself(world: &Shared) {
    let stage = Stage::new(world);
    let caller = stage.caller();
    let spawned = stage.event_loop.here().spawn(async move {
        yields().await;
        assert!(caller.quit(), "W3 a quit lost");
    });
    assert!(spawned.is_ok(), "E1 it was not taken");
    stage.actor(|caller| {
        caller.call();
    });
    stage.run();
}

/// Woken by another thread, while the loop ends.
fn woken_at_the_end(world: &Shared) {
    let stage = Stage::new(world);
    let gate = Arc::new(Gate::default());
    let (opens, held) = (Arc::clone(&gate), Arc::clone(world));
    let spawned = stage.event_loop.here().spawn(async move {
        gate.passed().await;
        drop(held);
    });
    assert!(spawned.is_ok(), "E1 it was not taken");
    stage.actor(move |_| opens.open());
    stage.event_loop.step();
    stage.end();
}

/// The loop runs until a future is done, and lives on.
fn run_until(world: &Shared) {
    let stage = Stage::new(world);
    let gate = Arc::new(Gate::default());
    let opens = Arc::clone(&gate);
    stage.actor(move |caller| {
        opens.open();
        caller.block_and(|on| assert!(on.handle().quit().is_ok(), "W3 a quit lost"));
    });
    let end = stage.event_loop.run_until(gate.passed());
    match end {
        Ok(()) => stage.run(),
        Err(brigade::RunError::Stopped(calls)) => {
            assert!(calls.is_empty(), "E3 a call was given back after a quit");
        }
        Err(other) => panic!("E1 {other}"),
    }
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("future-wakes-itself", &["E1", "T9"], None, wakes_itself),
        scenario(
            "future-woken-at-the-end",
            &["E3", "T10"],
            None,
            woken_at_the_end,
        ),
        scenario("run-until", &["E1", "T9"], Some(3), run_until),
    ]
}
