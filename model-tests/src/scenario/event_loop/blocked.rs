//! Callers who wait: each is told what happened, whatever becomes of the loop.

use std::future::pending;

use super::futures::yields;
use super::scenario;
use super::stage::{Caller, Stage};
use crate::scenario::Scenario;
use crate::world::Shared;

fn run_against(world: &Shared, waits: fn(&Caller), other: fn(&Caller)) {
    let stage = Stage::new(world);
    stage.actor(waits);
    stage.actor(other);
    stage.run();
}

fn stop(world: &Shared) {
    run_against(world, Caller::block, |it| {
        it.stop();
    });
}

fn quit(world: &Shared) {
    run_against(world, Caller::block, |it| {
        it.quit();
    });
}

/// The call itself stops the loop, and has a value all the same.
fn stops_within(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|caller| {
        caller.block_and(|on| assert!(on.handle().stop().is_ok(), "E3 a stop lost"));
    });
    stage.run();
}

fn two_end(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(Caller::block);
    stage.actor(Caller::block);
    stage.end();
}

fn end(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(Caller::block);
    stage.end();
}

fn dropped(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(Caller::block);
    stage.drop_loop();
}

/// The future is never done: only the end tells its caller.
fn future_stop(world: &Shared) {
    run_against(
        world,
        |it| it.block_until(|_| pending()),
        |it| {
            it.stop();
        },
    );
}

/// The future needs a second poll, before which the loop may end.
fn future_quit(world: &Shared) {
    run_against(
        world,
        |it| it.block_until(|_| yields()),
        |it| {
            it.quit();
        },
    );
}

fn future_dropped(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(|it| it.block_until(|_| pending()));
    for _ in 0..2 {
        stage.event_loop.step();
    }
    stage.drop_loop();
}

/// On the loop's own thread, inside of a call and before: an error, and no wait.
fn own_thread(world: &Shared) {
    let stage = Stage::new(world);
    let inside = stage.caller();
    inside.block_on_own_thread();
    let call = inside.clone();
    let taken = call.call_and(move |_| inside.block_on_own_thread());
    assert!(taken, "W4 nobody had quit");
    stage.actor(|caller| {
        caller.quit();
    });
    stage.run();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("blocked-stop", &["E3", "T9"], Some(3), stop),
        scenario("blocked-quit", &["E3", "T9"], Some(3), quit),
        scenario("blocked-stops-within", &["E3"], None, stops_within),
        scenario("blocked-two-end", &["E3", "T9"], Some(3), two_end),
        scenario("blocked-end", &["E3", "T9"], None, end),
        scenario("blocked-dropped", &["E3", "T9"], None, dropped),
        scenario("blocked-future-stop", &["E3", "T9"], Some(3), future_stop),
        scenario("blocked-future-quit", &["E3", "T9"], Some(3), future_quit),
        scenario(
            "blocked-future-dropped",
            &["E3", "T9"],
            None,
            future_dropped,
        ),
        scenario("blocked-own-thread", &["E2"], None, own_thread),
    ]
}
