//! How a pool ends, and who waits for it.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use brigade::JoinHandle;

use super::scenario;
use super::stage::{A_WHILE, Stage, lock};
use crate::engine::set_up;
use crate::scenario::bench::Leaving;
use crate::scenario::{Scenario, Subject};
use crate::world::Shared;

fn wait_idle(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    stage.execute();
    assert!(
        stage.pool.wait_idle().is_ok(),
        "P4 it is not its own thread"
    );
    lock(&stage.fates)
        .iter()
        .for_each(|fate| fate.check_over_when_idle());
    stage.settle();
}

/// The same, while another submits: what was accepted before is over.
fn wait_idle_execute(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), Stage::settle);
    let (fate, task) = stage.bench().work();
    let taken = stage.bench().pool.execute(move || drop(task()));
    assert!(taken.is_ok(), "W4 it has not quit");
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| {
        let end = stage.pool.wait_idle();
        assert!(end.is_ok(), "P4 it is not its own thread");
        fate.check_over_when_idle();
    });
}

/// Two shut it down: for both, no thread is left when they have.
fn shutdown_shutdown(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), Stage::settle);
    stage.spawn(Stage::shut_down);
    stage.act(Stage::shut_down);
}

/// Of two threads, whichever leaves first is joined by the other, and that one by whoever shuts it down.
fn shutdown_two_threads(world: &Shared) {
    let stage = Stage::started(world, 2, 2, |it| it);
    stage.shut_down();
}

/// A thread may leave for idleness while the pool is shut down.
fn shutdown_idle(world: &Shared) {
    let stage = Stage::started(world, 0, 1, |it| it.idle_timeout(A_WHILE));
    set_up(|| assert!(stage.pool.grow(1).is_ok(), "P1 it has not quit"));
    stage.shut_down();
}

/// A task shuts its own pool down: it is told, and the pool ends.
fn shutdown_inside(world: &Shared) {
    let stage = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&stage);
    let task = stage.pool.spawn(move || inner.pool.shutdown().is_err());
    let end = task.map(JoinHandle::join);
    assert!(
        matches!(end, Ok(Ok(true))),
        "P4 a shutdown inside of the pool waited"
    );
    let end = stage.pool.shutdown();
    assert!(end.is_ok(), "P4 the pool did not end");
}

/// It is shut down while its task runs and spawns another, which is refused or run.
fn shutdown_task(world: &Shared) {
    let stage = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&stage);
    let task = stage.pool.execute(move || inner.execute());
    assert!(task.is_ok(), "W4 it has not quit");
    stage.shut_down();
    lock(&stage.fates).iter().for_each(|fate| {
        assert_eq!(fate.captures_gone.load(SeqCst), 1, "W1 a task is left");
    });
}

/// The last handle is dropped while a task runs, or waits.
fn dropped(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    drop(stage);
    let end = handle.join();
    assert!(end.is_ok(), "P6 a task was lost with the last handle");
    drop(end);
    fate.check_over();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(Subject::ThreadPool, "wait-idle", &["T9"], None, wait_idle),
        scenario(
            Subject::ThreadPool,
            "wait-idle-execute",
            &["T9"],
            Some(3),
            wait_idle_execute,
        ),
        scenario(
            Subject::ThreadPool,
            "shutdown-two-threads",
            &["P4", "P5"],
            Some(4),
            shutdown_two_threads,
        ),
        scenario(
            Subject::ThreadPool,
            "shutdown-idle",
            &["P1", "P5"],
            None,
            shutdown_idle,
        ),
        scenario(
            Subject::ThreadPool,
            "shutdown-twice",
            &["P4", "P5"],
            Some(2),
            shutdown_shutdown,
        ),
        scenario(
            Subject::ThreadPool,
            "shutdown-task",
            &["P5", "W1"],
            None,
            shutdown_task,
        ),
        scenario(
            Subject::ThreadPool,
            "shutdown-inside",
            &["P4"],
            Some(2),
            shutdown_inside,
        ),
        scenario(Subject::ThreadPool, "dropped", &["P6", "H3"], None, dropped),
    ]
}
