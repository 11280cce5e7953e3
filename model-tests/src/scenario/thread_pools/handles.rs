//! Handles: joined, timed, polled, cancelled and dropped, while their task begins, ends and is taken away.

use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use brigade::{JoinHandle, TaskError};

use super::scenario;
use super::stage::{A_WHILE, Fate, Flag, Stage, Value, lock};
use crate::scenario::bench::Leaving;
use crate::scenario::{Scenario, Subject};
use crate::world::{Exclusive, OnPurpose, Shared};

/// The one thread may begin the task while its handle cancels it.
fn cancel(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    let won = handle.cancel();
    assert!(!(won && fate.has_run()), "W1 a cancelled task ran");
    let end = handle.join();
    stage.judge(&fate, &end);
    let cancelled = matches!(end, Err(TaskError::Cancelled));
    assert_eq!(won, cancelled, "P2 a cancel says what did not happen");
    drop(end);
    fate.check_over();
    stage.settle();
}

fn join(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    stage.join(&fate, handle);
    fate.check_over();
    stage.settle();
}

/// What the submitter did is seen by the task, and what the task did by the joiner.
fn visible(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let exclusive = Exclusive::new();
    exclusive.pass();
    let inside = Arc::clone(&exclusive);
    let handle = stage.pool.spawn(move || inside.pass());
    let end = handle.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P2 it ran");
    exclusive.pass();
    stage.settle();
}

/// The handle is dropped while the task may end: the value goes once.
fn detach(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    drop(handle);
    assert!(
        stage.pool.wait_idle().is_ok(),
        "P4 it is not its own thread"
    );
    fate.check_over();
    stage.settle();
}

/// The same of a panic: it is told once, by whoever finds it last.
fn detach_panic(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let held = Arc::clone(world);
    let handle = stage.pool.spawn(move || {
        let _held = held;
        std::panic::panic_any(OnPurpose);
    });
    drop(handle);
    assert!(
        stage.pool.wait_idle().is_ok(),
        "P4 it is not its own thread"
    );
    let told = stage.panics.load(SeqCst);
    assert_eq!(told, 1, "W8 a panic was told {told} times");
    stage.settle();
}

/// A join gives up, and is made again.
fn timeout(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    match handle.join_timeout(A_WHILE) {
        Ok(end) => stage.judge(&fate, &end),
        Err(handle) => stage.join(&fate, handle),
    }
    fate.check_over();
    stage.settle();
}

/// The handle is polled; its waker is called once there is an outcome.
fn future(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, mut handle) = stage.spawn();
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&flag));
    let mut poll = || Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
    let end = match poll() {
        Poll::Ready(end) => end,
        Poll::Pending => {
            flag.wait();
            let Poll::Ready(end) = poll() else {
                panic!("T9 a waker was called before there was an outcome");
            };
            end
        }
    };
    stage.judge(&fate, &end);
    drop(end);
    fate.check_over();
    stage.settle();
}

pub(super) type Held = (Stage, Mutex<Option<JoinHandle<Value>>>, Arc<Fate>);

/// A task that waits, as no thread was started, and its handle.
pub(super) fn held(stage: Stage) -> Arc<Leaving<Held>> {
    let (fate, handle) = stage.spawn();
    Leaving::new(
        (stage, Mutex::new(Some(handle)), fate),
        |(stage, handle, fate): &Held| {
            let handle = lock(handle).take();
            if let Some(handle) = handle {
                stage.join(fate, handle);
            }
            fate.check_over();
            stage.settle();
        },
    )
}

pub(super) fn take((_, handle, _): &Held) -> Option<JoinHandle<Value>> {
    lock(handle).take()
}

/// A pool that never started is cancelled at and aborted: the task goes to one of them.
fn cancel_abort(world: &Shared) {
    let stage = held(Stage::new(world, 0, 1, |it| it));
    stage.spawn(|(stage, ..)| drop(stage.pool.abort()));
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            let (stage, _, fate) = all;
            let won = handle.cancel();
            stage.world.tell(3, usize::from(won));
            stage.join(fate, handle);
        }
    });
}

/// Two cancel what waits: one of them has.
fn cancel_cancel(world: &Shared) {
    type Twice = (Stage, JoinHandle<Value>, Arc<Fate>, AtomicUsize);
    let cancel = |(_, handle, _, won): &Twice| {
        won.fetch_add(usize::from(handle.cancel()), SeqCst);
    };
    let stage = Stage::new(world, 0, 1, |it| it);
    let (fate, handle) = stage.spawn();
    let stage = Leaving::new(
        (stage, handle, fate, AtomicUsize::new(0)),
        |(stage, handle, fate, won): &Twice| {
            assert_eq!(won.load(SeqCst), 1, "P2 cancels that won");
            assert!(handle.is_finished(), "P2 it was cancelled");
            assert!(!fate.has_run(), "W1 a cancelled task ran");
            fate.check_over();
            let now = stage.pool.statistics().now;
            assert_eq!(now.cancelled, 1, "T2 {now}");
            stage.settle();
        },
    );
    stage.spawn(cancel);
    stage.act(cancel);
}

/// What waits is cancelled while the pool quits: nothing is left that would keep it from ending.
fn cancel_quit(world: &Shared) {
    let stage = held(Stage::new(world, 0, 1, |it| it));
    stage.spawn(|(stage, ..)| {
        stage.quit();
        let end = stage.pool.shutdown();
        assert!(end.is_ok(), "P4 the pool did not end");
    });
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            let (stage, _, fate) = all;
            stage.world.tell(3, usize::from(handle.cancel()));
            stage.join(fate, handle);
        }
    });
}

/// The pool starts while its one task is cancelled.
fn cancel_start(world: &Shared) {
    let stage = held(Stage::new(world, 0, 1, |it| it));
    stage.spawn(|(stage, ..)| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            let (stage, _, fate) = all;
            let won = handle.cancel();
            assert!(!(won && fate.has_run()), "W1 a cancelled task ran");
            stage.join(fate, handle);
        }
    });
}

/// A task of the pool's only thread joins another: it runs it in place.
fn in_place(world: &Shared) {
    wedge(world, 1);
}

/// The same, while a second thread may fetch it.
fn in_place_or_fetched(world: &Shared) {
    wedge(world, 2);
}

fn wedge(world: &Shared, threads: usize) {
    let stage = Arc::new(Stage::started(world, threads, threads, |it| it));
    let inner = Arc::clone(&stage);
    let outer = stage.pool.spawn(move || {
        let (fate, handle) = inner.spawn();
        inner.join(&fate, handle);
        fate.check_over();
    });
    let end = outer.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 it joined");
    stage.settle();
}

/// A task joins one of another pool, and counts as blocking in its own.
fn two_pools(world: &Shared) {
    let one = Stage::started(world, 1, 1, |it| it.blocking_cap(0));
    let other = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&other);
    let outer = one.pool.spawn(move || {
        let (fate, handle) = inner.spawn();
        inner.join(&fate, handle);
    });
    let end = outer.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 it joined");
    one.settle();
    other.settle();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            Subject::Handle,
            "cancel",
            &["P2", "W1", "T2", "T10"],
            Some(4),
            cancel,
        ),
        scenario(
            Subject::Handle,
            "join",
            &["P2", "T2", "T9", "T10"],
            Some(4),
            join,
        ),
        scenario(Subject::Handle, "visible", &["W5"], Some(4), visible),
        scenario(
            Subject::Handle,
            "detach",
            &["P2", "W1", "T10"],
            Some(4),
            detach,
        ),
        scenario(
            Subject::Handle,
            "detach-panic",
            &["W8"],
            Some(4),
            detach_panic,
        ),
        scenario(Subject::Handle, "timeout", &["P2", "T9"], Some(4), timeout),
        scenario(Subject::Handle, "future", &["P2", "T9"], Some(4), future),
        scenario(
            Subject::Handle,
            "cancel-abort",
            &["P2", "W1"],
            None,
            cancel_abort,
        ),
        scenario(
            Subject::Handle,
            "cancel-quit",
            &["P2", "T6", "T9"],
            None,
            cancel_quit,
        ),
        scenario(
            Subject::Handle,
            "cancel-start",
            &["P2", "W1"],
            Some(4),
            cancel_start,
        ),
        scenario(
            Subject::Handle,
            "cancel-twice",
            &["P2", "W1", "T2"],
            None,
            cancel_cancel,
        ),
        scenario(
            Subject::Handle,
            "in-place",
            &["P3", "W1", "T2"],
            Some(4),
            in_place,
        ),
        scenario(
            Subject::Handle,
            "in-place-or-fetched",
            &["P3", "W1", "T2"],
            Some(2),
            in_place_or_fetched,
        ),
        scenario(Subject::Handle, "two-pools", &["P3"], Some(2), two_pools),
    ]
}
