//! Recording a history, telling histories apart, and printing them.

use super::{accepted, did, performed, ran};
use crate::linear::{Distinct, History, Object, Op, Ret, Threads, check};

#[test]
fn threads_are_numbered_as_they_come() {
    let mut threads = Threads::new();
    let numbers = ["b", "a", "b", "c"].map(|name| threads.number(name));
    assert_eq!(numbers, [0, 1, 0, 2]);
}

#[test]
fn a_perform_is_told_which_task_ran_inside_it() {
    let mut history = History::new();
    accepted(&mut history, 0, 7);
    assert_eq!(history.ran(0), None);
    history.call(0, Op::Perform);
    assert_eq!(history.ran(0), None);
    history.call(0, Op::Run(7));
    // Inside the task, none has run.
    assert_eq!(history.ran(0), None);
    did(&mut history, 0, Op::Perform, Ret::Busy);
    assert_eq!(history.ran(0), None);
    ran(&mut history, 1, 9);
    history.returned(0, Ret::Done);
    assert_eq!(history.ran(0), Some(7));
    assert_eq!(history.ran(1), None);
    history.returned(0, Ret::Ran(7));
    assert_eq!(history.ran(0), None);
}

#[test]
fn each_distinct_history_is_checked_once() {
    let mut distinct = Distinct::new();
    let memory = [Object::MemoryWorker];
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    assert_eq!(distinct.check(&history, &memory), Ok(true));
    assert_eq!(distinct.check(&history.clone(), &memory), Ok(false));
    assert_eq!(
        distinct.check(&history, &[Object::ThreadWorker]),
        Ok(true),
        "another object may say otherwise"
    );
    history.finish();
    let error = distinct
        .check(&history, &memory)
        .expect_err("it lost a task");
    assert_eq!(error.property(), "W1");
    performed(&mut history, 1, 0);
    assert_eq!(distinct.check(&history, &memory), Ok(true));
    assert_eq!(distinct.len(), 4);
}

#[test]
fn the_error_draws_lanes() {
    let mut history = History::new();
    history.call(0, Op::Perform);
    history.call(1, Op::Execute(0));
    did(&mut history, 2, Op::Quit, Ret::Ok);
    history.call(0, Op::Run(0));
    history.returned(0, Ret::Done);
    history.returned(1, Ret::Ok);
    history.returned(0, Ret::Ran(0));
    did(&mut history, 2, Op::Quit, Ret::Ok);
    history.call(1, Op::IsSet);
    let error = check(&history, Object::MemoryWorker).expect_err("two quits won");
    let expected = "\
W3 a memory worker cannot: quit → Ok
thread 0   [perform → ran 0     ]
  inside 1              [run 0]
thread 1    [execute 0 → Ok    ]               [is_set…
thread 2     [quit → Ok]         [!! quit → Ok]
";
    assert_eq!(error.to_string(), expected);
}
