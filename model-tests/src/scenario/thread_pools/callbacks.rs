//! Callbacks: called once, by whoever ends the task.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use brigade::{CallbackHandle, TaskError};

use super::scenario;
use super::stage::{Fate, Stage, Value};
use crate::scenario::bench::Leaving;
use crate::scenario::{Scenario, Subject};
use crate::world::Shared;

/// What a callback was told.
#[derive(Default)]
struct Told {
    calls: AtomicUsize,
    values: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Told {
    fn call(&self, end: &Result<Value, TaskError>) {
        self.calls.fetch_add(1, SeqCst);
        let kind = match end {
            Ok(_) => &self.values,
            Err(TaskError::Cancelled) => &self.cancelled,
            Err(_) => return,
        };
        kind.fetch_add(1, SeqCst);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(SeqCst) > 0
    }

    /// It was called once, with what happened.
    fn check_over(&self, fate: &Fate) {
        let calls = self.calls.load(SeqCst);
        assert_eq!(calls, 1, "P2 calls of a callback");
        let told = self.values.load(SeqCst) > 0;
        assert_eq!(told, fate.has_run(), "P2 a callback got another end");
        fate.check_over();
    }
}

fn spawn_with_callback(stage: &Stage) -> (Arc<Fate>, Arc<Told>, CallbackHandle) {
    let (fate, task) = stage.work();
    let told = Arc::new(Told::default());
    let tell = Arc::clone(&told);
    let handle = stage
        .pool
        .spawn_with_callback(task, move |end| tell.call(&end));
    let handle = handle.unwrap_or_else(|refused| panic!("W4 {refused}"));
    (fate, told, handle)
}

/// The one thread may begin the task while it is cancelled; who cancels it calls the callback.
fn callback_cancel(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, told, handle) = spawn_with_callback(&stage);
    let won = handle.cancel();
    assert!(!(won && fate.has_run()), "W1 a cancelled task ran");
    assert_eq!(won, told.is_cancelled(), "P2 a cancel and its callback");
    stage.shut_down();
    told.check_over(&fate);
}

/// It is cancelled, and the pool aborted: the callback is called by one of them.
fn callback_cancel_abort(world: &Shared) {
    type Called = (Stage, CallbackHandle, Arc<Fate>, Arc<Told>);
    let stage = Stage::new(world, 0, 1, |it| it);
    let (fate, told, handle) = spawn_with_callback(&stage);
    let stage = Leaving::new(
        (stage, handle, fate, told),
        |(stage, _, fate, told): &Called| {
            told.check_over(fate);
            stage.settle();
        },
    );
    stage.spawn(|(stage, ..): &Called| drop(stage.pool.abort()));
    stage.act(|(_, handle, _, told): &Called| {
        let won = handle.cancel();
        assert_eq!(won, told.is_cancelled(), "P2 a cancel and its callback");
    });
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario(
            Subject::Handle,
            "callback-cancel",
            &["P2", "W1"],
            Some(4),
            callback_cancel,
        ),
        scenario(
            Subject::Handle,
            "callback-cancel-abort",
            &["P2", "W1"],
            None,
            callback_cancel_abort,
        ),
    ]
}
