//! Sizes that are kept, while threads begin, rest and leave.

use super::scenario;
use super::stage::{A_WHILE, Stage, lock};
use crate::engine::set_up;
use crate::scenario::bench::Leaving;
use crate::scenario::{Scenario, Subject};
use crate::world::Shared;

/// A thread above the least may leave while a task comes for it.
fn idle_execute(world: &Shared) {
    let stage = Stage::started(world, 0, 1, |it| it.idle_timeout(A_WHILE));
    set_up(|| assert!(stage.pool.grow(1).is_ok(), "P1 it has not quit"));
    let (fate, handle) = stage.spawn();
    stage.join(&fate, handle);
    stage.settle();
}

/// The same, while the pool quits, or shrinks.
fn idle_quit(world: &Shared) {
    let stage = Stage::started(world, 0, 1, |it| it.idle_timeout(A_WHILE));
    set_up(|| assert!(stage.pool.grow(1).is_ok(), "P1 it has not quit"));
    assert!(stage.pool.shrink(1).is_ok(), "P1 it has not quit");
    stage.settle();
}

/// A thread of the least stays, however long it rests.
fn idle_least(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.idle_timeout(A_WHILE));
    let (fate, handle) = stage.spawn();
    stage.join(&fate, handle);
    let now = stage.pool.statistics();
    assert_eq!(now.now.idle, 1, "P1 a thread of the least left: {now}");
    stage.settle();
}

fn resize_execute(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 2, |it| it), Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| assert!(stage.pool.resize(0, 1).is_ok(), "P1 it has not quit"));
}

fn resize_quit(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), Stage::settle);
    stage.spawn(Stage::quit);
    stage.act(|stage: &Stage| {
        stage
            .world
            .tell(4, usize::from(stage.pool.resize(2, 2).is_ok()));
    });
}

fn resize_resize(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), |stage: &Stage| {
        let now = stage.pool.statistics();
        let (least, most) = now.sizes;
        let staying = now.now.idle + now.now.busy;
        assert!(least <= staying && staying <= most, "P1 {now}");
        stage.settle();
    });
    stage.spawn(|stage: &Stage| assert!(stage.pool.resize(2, 2).is_ok(), "P1 it has not quit"));
    stage.act(|stage: &Stage| assert!(stage.pool.resize(0, 1).is_ok(), "P1 it has not quit"));
}

fn resize_shrink(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 2, |it| it), Stage::settle);
    stage.spawn(|stage: &Stage| assert!(stage.pool.shrink(2).is_ok(), "P1 it has not quit"));
    stage.act(|stage: &Stage| assert!(stage.pool.resize(2, 2).is_ok(), "P1 it has not quit"));
}

fn start_execute(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), |stage: &Stage| {
        let now = stage.pool.statistics().now;
        assert_eq!(now.backlogged, 0, "T3 work waits below the most: {now}");
        stage.settle();
    });
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
}

/// A pool starts while it is shut down: what waits is run, or given back.
fn start_shutdown(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), Stage::settle);
    stage.bench().execute();
    stage.spawn(|stage: &Stage| {
        stage.world.tell(4, usize::from(stage.pool.start().is_ok()));
    });
    stage.act(|stage: &Stage| {
        let end = stage.pool.shutdown();
        let given_back = end.map(|tasks| tasks.len());
        let ran = lock(&stage.fates).iter().filter(|it| it.has_run()).count();
        assert_eq!(given_back, Ok(1 - ran), "W1 a task is lost");
    });
}

/// A pool starts while it is aborted.
fn start_abort(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), Stage::settle);
    stage.bench().execute();
    stage.spawn(|stage: &Stage| {
        stage.world.tell(4, usize::from(stage.pool.start().is_ok()));
    });
    stage.act(|stage: &Stage| {
        let given_back = stage.pool.abort().len();
        assert!(
            stage.pool.abort().is_empty(),
            "W1 a task was given back twice"
        );
        let end = stage.pool.shutdown().map(|tasks| tasks.len());
        assert_eq!(end, Ok(0), "P4 the pool did not end");
        let ran = lock(&stage.fates).iter().filter(|it| it.has_run()).count();
        assert_eq!(given_back + ran, 1, "W1 a task is lost");
    });
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            Subject::ThreadPool,
            "idle-execute",
            &["P1", "T9"],
            Some(4),
            idle_execute,
        ),
        scenario(
            Subject::ThreadPool,
            "idle-least",
            &["P1"],
            Some(4),
            idle_least,
        ),
        scenario(
            Subject::ThreadPool,
            "idle-quit",
            &["P1", "T6"],
            None,
            idle_quit,
        ),
        scenario(
            Subject::ThreadPool,
            "resize-execute",
            &["P1", "T1"],
            Some(4),
            resize_execute,
        ),
        scenario(
            Subject::ThreadPool,
            "resize-quit",
            &["P1", "T6"],
            Some(3),
            resize_quit,
        ),
        scenario(
            Subject::ThreadPool,
            "resize-resize",
            &["P1"],
            Some(3),
            resize_resize,
        ),
        scenario(
            Subject::ThreadPool,
            "resize-shrink",
            &["P1", "T5"],
            Some(3),
            resize_shrink,
        ),
        scenario(
            Subject::ThreadPool,
            "start-execute",
            &["P1", "T3"],
            Some(4),
            start_execute,
        ),
        scenario(
            Subject::ThreadPool,
            "start-shutdown",
            &["W1", "P4"],
            Some(4),
            start_shutdown,
        ),
        scenario(
            Subject::ThreadPool,
            "start-abort",
            &["W1", "P4"],
            Some(4),
            start_abort,
        ),
    ]
}
