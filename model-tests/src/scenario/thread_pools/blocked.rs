//! Waits that a pool cannot see, and is told of.

use std::sync::Arc;

use brigade::{JoinHandle, blocking};

use super::scenario;
use super::stage::{Flag, Stage};
use crate::scenario::{Scenario, Subject};
use crate::world::Shared;

/// The guide's wedge: on a pool of one thread, a task waits for the one queued behind it.
fn blocked(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.blocking_cap(1));
    let flag = Arc::new(Flag::default());
    let (waits, tells) = (Arc::clone(&flag), flag);
    let (held, held_too) = (Arc::clone(world), Arc::clone(world));
    let waits = stage.pool.spawn(move || {
        let _held = held;
        blocking(|| waits.wait());
    });
    let told = stage.pool.execute(move || {
        let _held = held_too;
        tells.tell();
    });
    assert!(told.is_ok(), "W4 it has not quit");
    let end = waits.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 it waited");
    let now = stage.pool.statistics();
    assert!(
        now.now.idle + now.now.busy <= 1,
        "P1 a thread too many stays: {now}"
    );
    stage.settle();
}

/// The same, while the pool quits.
fn blocked_quit(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.blocking_cap(1));
    let flag = Arc::new(Flag::default());
    let (waits, tells) = (Arc::clone(&flag), flag);
    let (held, held_too) = (Arc::clone(world), Arc::clone(world));
    let waits = stage.pool.execute(move || {
        let _held = held;
        blocking(|| waits.wait());
    });
    let told = stage.pool.execute(move || {
        let _held = held_too;
        tells.tell();
    });
    assert!(waits.is_ok() && told.is_ok(), "W4 it has not quit");
    let end = stage.pool.shutdown();
    assert!(end.is_ok(), "P4 the pool did not end");
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            Subject::ThreadPool,
            "blocked",
            &["P3", "P1", "T1"],
            Some(2),
            blocked,
        ),
        scenario(
            Subject::ThreadPool,
            "blocked-quit",
            &["P3", "P4"],
            Some(3),
            blocked_quit,
        ),
    ]
}
