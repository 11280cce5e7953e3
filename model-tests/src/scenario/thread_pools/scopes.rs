//! Scopes: not over before their tasks are.

use std::sync::Arc;

use brigade::{JoinHandle, TaskError};

use super::scenario;
use super::stage::Stage;
use crate::scenario::bench::Leaving;
use crate::scenario::{Scenario, Subject};
use crate::world::{Exclusive, Shared};

/// Two tasks borrow; when the scope is over, what they borrowed is free, and what they did is seen.
fn scope(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (one, two) = (Exclusive::new(), Exclusive::new());
    stage.pool.scope(|scope| {
        scope.spawn(|| one.pass());
        scope.spawn(|| two.pass());
    });
    one.pass();
    two.pass();
    stage.settle();
}

/// A task of a scope spawns another, which the scope waits for as well.
fn scope_nested(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (one, two) = (Exclusive::new(), Exclusive::new());
    stage.pool.scope(|scope| {
        let (one, two) = (&one, &two);
        scope.spawn(move || {
            one.pass();
            scope.spawn(move || two.pass());
        });
    });
    one.pass();
    two.pass();
    stage.settle();
}

/// A task of the pool's only thread has a scope: what nobody else can run, it runs itself.
fn scope_inside(world: &Shared) {
    let stage = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&stage);
    let outer = stage.pool.spawn(move || {
        let one = Exclusive::new();
        inner.pool.scope(|scope| {
            scope.spawn(|| one.pass());
        });
        one.pass();
    });
    let end = outer.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 the scope ended");
    stage.settle();
}

/// The handle of a task is leaked: the scope waits all the same.
fn scope_leaked(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let one = Exclusive::new();
    stage
        .pool
        .scope(|scope| std::mem::forget(scope.spawn(|| one.pass())));
    one.pass();
    stage.settle();
}

/// The pool is aborted meanwhile: the task runs, or is dropped where it is; never after the scope.
fn scope_abort(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), Stage::settle);
    stage.spawn(|stage: &Stage| {
        let tasks = stage.pool.abort();
        assert!(tasks.is_empty(), "W1 a task of a scope left as a task");
    });
    stage.act(|stage: &Stage| {
        let one = Exclusive::new();
        let end = stage.pool.scope(|scope| scope.spawn(|| one.pass()).join());
        let ran = end.is_ok();
        assert!(ran || matches!(end, Err(TaskError::Closed)), "P2 {end:?}");
        one.pass();
    });
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(Subject::Scope, "ends", &["P3", "W5", "T9"], Some(3), scope),
        scenario(
            Subject::Scope,
            "nested",
            &["P3", "W5"],
            Some(3),
            scope_nested,
        ),
        scenario(
            Subject::Scope,
            "inside",
            &["P3", "W5"],
            Some(4),
            scope_inside,
        ),
        scenario(Subject::Scope, "leaked", &["W5"], Some(4), scope_leaked),
        scenario(Subject::Scope, "abort", &["W1", "P2"], None, scope_abort),
    ]
}
