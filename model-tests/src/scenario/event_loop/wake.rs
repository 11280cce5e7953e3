//! A loop that may sleep is woken: what another thread does is all that can end it.

use std::sync::Arc;

use super::futures::Gate;
use super::scenario;
use super::stage::Stage;
use crate::scenario::Scenario;
use crate::world::Shared;

fn call(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        let taken = caller.call_and(|on| assert!(on.handle().quit().is_ok(), "W3 a quit lost"));
        assert!(taken, "W4 nobody had quit");
    });
    stage.run();
}

fn execute(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        let quits = caller.clone();
        let taken = caller.execute_and(move || assert!(quits.quit(), "W3 a quit lost"));
        assert!(taken, "W4 nobody had quit");
    });
    stage.run();
}

fn blocking_call(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        caller.block_and(|on| assert!(on.handle().quit().is_ok(), "W3 a quit lost"));
    });
    stage.run();
}

/// The future quits; its answer may come before the end, or with it.
fn blocking_future(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        let quits = caller.clone();
        caller.block_until(move |_| async move { assert!(quits.quit(), "W3 a quit lost") });
    });
    stage.run();
}

fn deferred(world: &Shared) {
    let stage = Stage::new(world);
    let mut callback = stage.caller().callback();
    let deferred = stage.event_loop.here().defer_to_thread(
        || 7,
        move |_, result| {
            callback.call(&result);
            assert!(callback.caller.quit(), "W3 a quit lost");
        },
    );
    assert!(deferred.is_ok(), "E4 it was not taken");
    stage.run();
}

fn waker(world: &Shared) {
    let stage = Stage::new(world);
    let gate = Arc::new(Gate::default());
    let (opens, caller) = (Arc::clone(&gate), stage.caller());
    let spawned = stage.event_loop.here().spawn(async move {
        gate.passed().await;
        assert!(caller.quit(), "W3 a quit lost");
    });
    assert!(spawned.is_ok(), "E1 it was not taken");
    stage.actor(move |_| opens.open());
    stage.run();
}

fn quit(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| assert!(caller.quit(), "W3 a quit lost"));
    stage.run();
}

fn stop(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| assert!(caller.stop(), "E3 a stop lost"));
    stage.run();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("wake-call", &["E1", "T9", "W5"], None, call),
        scenario("wake-execute", &["E1", "T9", "W5"], None, execute),
        scenario(
            "wake-blocking-call",
            &["E1", "E3", "T9"],
            None,
            blocking_call,
        ),
        scenario(
            "wake-blocking-future",
            &["E1", "E3", "T9"],
            None,
            blocking_future,
        ),
        scenario("wake-deferred", &["E1", "E4", "T9"], Some(3), deferred),
        scenario("wake-waker", &["E1", "T9"], None, waker),
        scenario("wake-quit", &["E1", "T9", "W3"], None, quit),
        scenario("wake-stop", &["E1", "E3", "T9"], None, stop),
    ]
}
