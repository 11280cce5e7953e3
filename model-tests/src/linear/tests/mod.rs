//! Histories that some order explains, and histories that none does, for each object.

mod cross_check;
mod flag_and_memory;
mod lock_worker;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod on_threads;
mod recording;
mod speed;
mod team;
mod thread_worker;

use super::{History, Object, Op, Ret, check};

/// A call that returned before anything else happened.
fn did(history: &mut History, thread: usize, op: Op, ret: Ret) {
    history.call(thread, op);
    history.returned(thread, ret);
}

/// A task that ran before anything else happened.
fn ran(history: &mut History, thread: usize, task: usize) {
    did(history, thread, Op::Run(task), Ret::Done);
}

/// An `execute` that was accepted before anything else happened.
fn accepted(history: &mut History, thread: usize, task: usize) {
    did(history, thread, Op::Execute(task), Ret::Ok);
}

/// A `perform` that ran a task, before anything else happened.
fn performed(history: &mut History, thread: usize, task: usize) {
    history.call(thread, Op::Perform);
    ran(history, thread, task);
    history.returned(thread, Ret::Ran(task));
}

#[track_caller]
fn explained(history: &History, object: Object) {
    if let Err(error) = check(history, object) {
        panic!("{error}");
    }
}

/// No order explains it, and this property is the one that broke.
#[track_caller]
fn broken(history: &History, object: Object, property: &str) {
    match check(history, object) {
        Ok(()) => panic!("{property} not seen to be broken: {history:?}"),
        Err(error) => assert_eq!(error.property(), property, "{error}"),
    }
}
