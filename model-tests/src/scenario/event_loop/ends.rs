//! How a loop ends, against those who call it: what was accepted is run or given back, what was not is handed
//! back.

use super::scenario;
use super::stage::{Caller, Stage};
use crate::scenario::Scenario;
use crate::world::Shared;

/// Two others act, while the loop runs.
fn both(world: &Shared, one: fn(&Caller), other: fn(&Caller)) {
    let stage = Stage::new(world);
    stage.actor(one);
    stage.actor(other);
    stage.run();
}

fn quit(caller: &Caller) {
    caller.quit();
}

fn stop(caller: &Caller) {
    caller.stop();
}

fn call_quit(world: &Shared) {
    both(
        world,
        |it| {
            it.call();
        },
        quit,
    );
}

fn execute_quit(world: &Shared) {
    both(
        world,
        |it| {
            it.execute_and(|| ());
        },
        quit,
    );
}

fn call_stop(world: &Shared) {
    both(
        world,
        |it| {
            it.call();
        },
        stop,
    );
}

fn calls_stop(world: &Shared) {
    let stage = Stage::new(world);
    for _ in 0..2 {
        assert!(stage.caller().call(), "W4 nobody had quit");
    }
    stage.actor(|caller| {
        caller.stop();
        assert!(!caller.call(), "W4 a call was accepted after the stop");
    });
    stage.run();
}

fn quit_quit(world: &Shared) {
    both(world, quit, quit);
}

fn stop_stop(world: &Shared) {
    let stage = Stage::new(world);
    assert!(stage.caller().call(), "W4 nobody had quit");
    stage.actor(stop);
    stage.actor(stop);
    stage.run();
}

/// A stop may come after the quit, or win against it.
fn stop_quit(world: &Shared) {
    let stage = Stage::new(world);
    assert!(stage.caller().call(), "W4 nobody had quit");
    stage.actor(quit);
    stage.actor(stop);
    stage.run();
}

fn end(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        caller.call();
        caller.quit();
    });
    stage.end();
}

/// The loop is dropped: what waits is dropped with it.
fn dropped(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        caller.call();
        caller.call();
    });
    stage.drop_loop();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("call-quit", &["E1", "W2", "W4"], Some(3), call_quit),
        scenario("execute-quit", &["E1", "W2", "W4"], Some(3), execute_quit),
        scenario("call-stop", &["E3", "W2", "W4"], Some(3), call_stop),
        scenario("calls-stop", &["E3", "W4"], None, calls_stop),
        scenario("quit-quit", &["W3", "T9"], Some(3), quit_quit),
        scenario("stop-stop", &["E3"], Some(3), stop_stop),
        scenario("stop-quit", &["E3", "W3"], Some(3), stop_quit),
        scenario("call-end", &["E3", "W4"], None, end),
        scenario("call-dropped", &["E3", "W4"], None, dropped),
    ]
}
