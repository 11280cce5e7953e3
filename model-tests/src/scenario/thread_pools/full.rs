//! A bounded line, whose callers wait for room.

use std::sync::Arc;

use brigade::WhenFull;

use super::handles::{Held, held, take};
use super::scenario;
use super::stage::{Flag, Stage};
use crate::scenario::bench::Leaving;
use crate::scenario::{Scenario, Subject};
use crate::world::Shared;

/// A line of one is full; a caller waits for room.
fn full(world: &Shared, last: fn(&Stage)) -> Arc<Leaving<Stage>> {
    let stage = Stage::new(world, 0, 1, |it| it.bound(1, WhenFull::Wait));
    stage.execute();
    Leaving::new(stage, last)
}

fn full_quit(world: &Shared) {
    let stage = full(world, Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(Stage::quit);
}

/// The same, where no room comes before the caller that waits for it is turned away.
fn full_quit_held(world: &Shared) {
    type Held = (Stage, Arc<Flag>);
    let stage = Stage::started(world, 1, 1, |it| it.bound(1, WhenFull::Wait));
    let flag = Arc::new(Flag::default());
    let (waits, held) = (Arc::clone(&flag), Arc::clone(world));
    let first = stage.pool.execute(move || {
        let _held = held;
        waits.wait();
    });
    assert!(first.is_ok(), "W4 it has not quit");
    stage.execute();
    let stage = Leaving::new((stage, flag), |(stage, _): &Held| stage.settle());
    stage.spawn(|(stage, flag): &Held| {
        stage.execute();
        flag.tell();
    });
    stage.act(|(stage, _): &Held| stage.quit());
}

fn full_abort(world: &Shared) {
    let stage = full(world, Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| drop(stage.pool.abort()));
}

/// Room comes as a thread fetches the task that waits.
fn full_start(world: &Shared) {
    let stage = full(world, Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
}

/// Room comes as a task ends, and the thread has the next by the short way of a flood.
fn full_end(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.bound(1, WhenFull::Wait));
    for _ in 0..3 {
        stage.execute();
    }
    stage.settle();
}

/// Room comes as the task that waits is cancelled.
fn full_cancel(world: &Shared) {
    let stage = Stage::new(world, 0, 1, |it| it.bound(1, WhenFull::Wait));
    let stage = held(stage);
    stage.spawn(|(stage, ..): &Held| stage.execute());
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            assert!(handle.cancel(), "P2 a task that waits was not cancelled");
        }
    });
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            Subject::ThreadPool,
            "full-quit",
            &["T9", "W4"],
            None,
            full_quit,
        ),
        scenario(
            Subject::ThreadPool,
            "full-quit-held",
            &["T9", "W4"],
            Some(3),
            full_quit_held,
        ),
        scenario(
            Subject::ThreadPool,
            "full-abort",
            &["T9", "W1"],
            None,
            full_abort,
        ),
        scenario(
            Subject::ThreadPool,
            "full-start",
            &["T9", "P1"],
            Some(3),
            full_start,
        ),
        scenario(
            Subject::ThreadPool,
            "full-end",
            &["T9", "P1"],
            Some(4),
            full_end,
        ),
        scenario(
            Subject::ThreadPool,
            "full-cancel",
            &["T9", "P1"],
            None,
            full_cancel,
        ),
    ]
}
