//! In which order calls are run, and that none is nested in another.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use brigade::{OnLoop, Performed, RunError};

use super::scenario;
use super::stage::Stage;
use crate::scenario::Scenario;
use crate::world::Shared;

/// Quits after so many calls.
fn counted(left: &Arc<AtomicUsize>) -> impl FnOnce(&OnLoop) + Send + use<> {
    let left = Arc::clone(left);
    move |on| {
        if left.fetch_sub(1, SeqCst) == 1 {
            assert!(on.handle().quit().is_ok(), "W3 a quit lost");
        }
    }
}

fn one_caller(world: &Shared) {
    let stage = Stage::new(world);
    let left = Arc::new(AtomicUsize::new(3));
    stage.actor(move |caller| {
        for _ in 0..3 {
            assert!(caller.call_and(counted(&left)), "W4 nobody had quit");
        }
    });
    stage.run();
}

fn two_callers(world: &Shared) {
    let stage = Stage::new(world);
    let left = Arc::new(AtomicUsize::new(4));
    for _ in 0..2 {
        let left = Arc::clone(&left);
        stage.actor(move |caller| {
            for _ in 0..2 {
                assert!(caller.call_and(counted(&left)), "W4 nobody had quit");
            }
        });
    }
    stage.run();
}

/// A call calls: that one comes later, and after those that wait.
fn nested_call(world: &Shared) {
    let stage = Stage::new(world);
    let left = Arc::new(AtomicUsize::new(3));
    let (outer, inner, other) = (counted(&left), counted(&left), counted(&left));
    let nested = Arc::new(AtomicUsize::new(0));
    let first = stage.caller();
    let inside = first.clone();
    let taken = first.call_and(move |on| {
        let ran = Arc::clone(&nested);
        let taken = inside.call_and(move |on| {
            ran.fetch_add(1, SeqCst);
            inner(on);
        });
        assert!(taken, "W4 nobody had quit");
        assert_eq!(nested.load(SeqCst), 0, "W6 a call was nested in another");
        outer(on);
    });
    assert!(taken, "W4 nobody had quit");
    stage.actor(move |caller| {
        assert!(caller.call_and(other), "W4 nobody had quit");
    });
    stage.run();
}

/// Inside of a call the loop is not run, nor stepped; another loop of this thread is not run, but stepped.
fn nested_run(world: &Shared) {
    let stage = Stage::new(world);
    let event_loop = Rc::new(stage.event_loop);
    let handle = event_loop.handle();
    let (inner, seen) = (Rc::clone(&event_loop), Rc::new(Cell::new(0)));
    let told = Rc::clone(&seen);
    let spawned = event_loop.here().spawn(async move {
        let nested = inner.run();
        assert!(
            matches!(nested, Err(RunError::Nested)),
            "W6 a run was nested"
        );
        let busy = inner.step();
        assert_eq!(busy, Performed::Busy, "W6 a step was nested");
        told.set(1);
    });
    assert!(spawned.is_ok(), "E1 it was not taken");
    let held = Arc::clone(world);
    let actor = brigade::primitives::thread::spawn("actor", move || {
        let _held = held;
        assert!(handle.quit().is_ok(), "W3 a quit lost");
    });
    drop(actor.expect("an actor starts"));
    let ran = event_loop.run();
    assert!(
        ran.is_ok_and(|calls| calls.is_empty()),
        "E3 something is left"
    );
    // Its poll was accepted before the quit.
    assert_eq!(seen.get(), 1, "E1 a future that was taken was not polled");
}

/// Stepped by hand beside a caller; an end is an end.
fn stepped(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        caller.call();
        caller.block();
        caller.quit();
    });
    for _ in 0..2 {
        stage.event_loop.step();
    }
    stage.end();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("order-one-caller", &["E1", "W7"], None, one_caller),
        scenario("order-two-callers", &["E1", "W7"], Some(3), two_callers),
        scenario("nested-call", &["E1", "W6", "W7"], None, nested_call),
        scenario("nested-run", &["W6"], None, nested_run),
        scenario("stepped", &["E1", "E3", "W6"], Some(3), stepped),
    ]
}
