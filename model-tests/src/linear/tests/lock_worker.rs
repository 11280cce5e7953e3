//! The lock worker, alone and crossed with another.

use super::{accepted, broken, did, explained, ran};
use crate::linear::{History, Object, Op, Ret, check_all};

const LOCK: Object = Object::LockWorker;

/// An `execute` whose task ran inside it, on its thread.
fn executed(history: &mut History, thread: usize, task: usize) {
    history.call(thread, Op::Execute(task));
    ran(history, thread, task);
    history.returned(thread, Ret::Ok);
}

#[test]
fn l1_each_task_runs_inside_its_call() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(1, Op::Execute(1));
    history.call(0, Op::Run(0));
    history.returned(0, Ret::Done);
    history.call(1, Op::Run(1));
    history.returned(0, Ret::Ok);
    history.returned(1, Ret::Done);
    history.returned(1, Ret::Ok);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    history.finish();
    explained(&history, LOCK);
}

#[test]
fn l1_the_call_returned_before_its_task_had_run() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    ran(&mut history, 0, 0);
    history.finish();
    broken(&history, LOCK, "L1");
}

#[test]
fn l1_the_task_ran_on_another_thread() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    ran(&mut history, 1, 0);
    history.returned(0, Ret::Ok);
    broken(&history, LOCK, "L1");
}

#[test]
fn w6_overlapping_runs() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(1, Op::Execute(1));
    history.call(0, Op::Run(0));
    history.call(1, Op::Run(1));
    history.returned(0, Ret::Done);
    history.returned(1, Ret::Done);
    broken(&history, LOCK, "W6");
}

#[test]
fn w1_a_task_run_twice() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    ran(&mut history, 0, 0);
    ran(&mut history, 0, 0);
    history.returned(0, Ret::Ok);
    broken(&history, LOCK, "W1");
}

#[test]
fn l2_nested_tasks_run_before_the_outermost_call_returns() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(0, Op::Run(0));
    accepted(&mut history, 0, 1);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    did(&mut history, 0, Op::Execute(2), Ret::Refused);
    history.returned(0, Ret::Done);
    let mut early = history.clone();
    ran(&mut history, 0, 1);
    history.returned(0, Ret::Ok);
    history.finish();
    explained(&history, LOCK);

    early.returned(0, Ret::Ok);
    ran(&mut early, 0, 1);
    broken(&early, LOCK, "L2");
}

#[test]
fn w6_a_nested_task_runs_at_once() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(0, Op::Run(0));
    executed(&mut history, 0, 1);
    broken(&history, LOCK, "W6");
}

#[test]
fn l3_a_nested_task_is_lost_by_a_quit() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(0, Op::Run(0));
    accepted(&mut history, 0, 1);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    history.returned(0, Ret::Done);
    explained(&history, LOCK);
    history.returned(0, Ret::Ok);
    broken(&history, LOCK, "L2");
    history.finish();
    broken(&history, LOCK, "W1");
}

#[test]
fn w7_nested_tasks_in_the_order_given() {
    for swapped in [false, true] {
        let mut history = History::new();
        history.call(0, Op::Execute(0));
        history.call(0, Op::Run(0));
        accepted(&mut history, 0, 1);
        accepted(&mut history, 0, 2);
        history.returned(0, Ret::Done);
        for task in if swapped { [2, 1] } else { [1, 2] } {
            ran(&mut history, 0, task);
        }
        history.returned(0, Ret::Ok);
        if swapped {
            broken(&history, LOCK, "W7");
        } else {
            explained(&history, LOCK);
        }
    }
}

/// Two threads, each giving a task to one of two workers that gives one to the other.
fn crossed(nested_early: bool) -> History {
    let mut history = History::new();
    for thread in [0, 1] {
        history.call_on(thread, thread, Op::Execute(thread));
        history.call_on(thread, thread, Op::Run(thread));
    }
    for thread in [0, 1] {
        let (other, nested) = (1 - thread, 2 + thread);
        history.call_on(other, thread, Op::Execute(nested));
        history.returned(thread, Ret::Ok);
    }
    for thread in [0, 1] {
        history.returned(thread, Ret::Done);
        let (other, nested) = (1 - thread, 2 + thread);
        if nested_early {
            history.returned(thread, Ret::Ok);
        }
        if thread == 1 || nested_early {
            history.call_on(other, thread, Op::Run(nested));
            history.returned(thread, Ret::Done);
        }
    }
    if !nested_early {
        history.call_on(1, 0, Op::Run(2));
        history.returned(0, Ret::Done);
        history.returned(1, Ret::Ok);
        history.returned(0, Ret::Ok);
    }
    history
}

#[test]
fn l4_two_crossing_workers_run_what_was_nested_inside_the_outermost_calls() {
    let mut history = crossed(false);
    history.finish();
    if let Err(error) = check_all(&history, &[LOCK, LOCK]) {
        panic!("{error}");
    }
}

#[test]
fn l4_a_call_returned_before_what_was_nested_in_it_ran() {
    let history = crossed(true);
    let error = check_all(&history, &[LOCK, LOCK]).expect_err("a task ran too late");
    // Thread 0's task runs while thread 1 has not left its own.
    assert_eq!(error.property(), "W6", "{error}");

    let mut history = History::new();
    history.call_on(0, 0, Op::Execute(0));
    history.call_on(0, 0, Op::Run(0));
    history.call_on(1, 0, Op::Execute(1));
    history.returned(0, Ret::Ok);
    history.returned(0, Ret::Done);
    history.returned(0, Ret::Ok);
    history.call_on(1, 0, Op::Run(1));
    history.returned(0, Ret::Done);
    let error = check_all(&history, &[LOCK, LOCK]).expect_err("a task ran too late");
    assert_eq!(error.property(), "L4", "{error}");
}

#[test]
fn l4_a_thread_holds_two_lock_workers() {
    let mut history = History::new();
    history.call_on(0, 0, Op::Execute(0));
    history.call_on(0, 0, Op::Run(0));
    history.call_on(1, 0, Op::Execute(1));
    history.call_on(1, 0, Op::Run(1));
    for ret in [Ret::Done, Ret::Ok, Ret::Done, Ret::Ok] {
        history.returned(0, ret);
    }
    history.finish();
    let error = check_all(&history, &[LOCK, LOCK]).expect_err("two were held");
    assert_eq!(error.property(), "L4", "{error}");
}
