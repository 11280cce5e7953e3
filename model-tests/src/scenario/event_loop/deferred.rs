//! Results that come back: the callback is called once, on the loop's thread; and the pool that they come from.

use super::scenario;
use super::stage::{Caller, Stage};
use crate::scenario::Scenario;
use crate::world::Shared;

/// A loop with a deferred result.
fn with_result(world: &Shared) -> Stage {
    let stage = Stage::new(world);
    let mut callback = stage.caller().callback();
    let on = stage.event_loop.here();
    let deferred = on.defer_to_thread(|| 7, move |_, result| callback.call(&result));
    assert!(deferred.is_ok(), "E4 it was not taken");
    stage
}

fn stop(world: &Shared) {
    let stage = with_result(world);
    stage.actor(|it| {
        it.stop();
    });
    stage.run();
}

fn quit(world: &Shared) {
    let stage = with_result(world);
    stage.actor(|it| {
        it.quit();
    });
    stage.run();
}

/// The loop has begun, so the pool works meanwhile.
fn end(world: &Shared) {
    let stage = with_result(world);
    stage.event_loop.step();
    stage.end();
}

fn dropped(world: &Shared) {
    let stage = with_result(world);
    stage.event_loop.step();
    stage.drop_loop();
}

/// It never ran, and so did the pool: the callback is told. Meanwhile another calls.
fn never_ran(world: &Shared) {
    let stage = with_result(world);
    stage.actor(|it| {
        it.call();
    });
    stage.end();
}

/// The first use of the pool, which ends the loop.
fn use_pool(caller: &Caller) {
    let quits = caller.clone();
    let taken = caller.handle.call_in_thread(move || {
        quits.quit();
    });
    // The other may have ended both.
    caller.world().tell(7, usize::from(taken.is_ok()));
}

fn use_begin(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(use_pool);
    stage.run();
}

fn use_use(world: &Shared) {
    let stage = Stage::new(world);
    stage.actor(use_pool);
    stage.actor(use_pool);
    stage.run();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("deferred-stop", &["E4", "E3"], Some(2), stop),
        scenario("deferred-quit", &["E4", "E3"], Some(2), quit),
        scenario("deferred-end", &["E4", "E3"], Some(3), end),
        scenario("deferred-dropped", &["E4", "E3"], Some(3), dropped),
        scenario("deferred-never-ran", &["E4", "E3"], None, never_ran),
        scenario("pool-use-begin", &["E1", "T9"], Some(3), use_begin),
        scenario("pool-use-use", &["E1", "T9"], Some(2), use_use),
    ]
}
