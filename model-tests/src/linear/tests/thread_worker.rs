//! The thread worker.

use super::{accepted, broken, did, explained, ran};
use crate::linear::{History, Object, Op, Ret};

const THREAD: Object = Object::ThreadWorker;

#[test]
fn w7_first_in_first_out() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    history.call(2, Op::Run(0));
    // A task that is given while another runs, by that one.
    accepted(&mut history, 2, 1);
    accepted(&mut history, 1, 2);
    history.returned(2, Ret::Done);
    ran(&mut history, 2, 1);
    ran(&mut history, 2, 2);
    history.finish();
    explained(&history, THREAD);
}

#[test]
fn w7_a_task_overtakes() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 1, 1);
    ran(&mut history, 2, 1);
    broken(&history, THREAD, "W7");
}

#[test]
fn w7_two_threads_see_two_orders() {
    // Either order of 0 and 1 is possible; but 1 before 2 before 0 was decided by the returns.
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    accepted(&mut history, 1, 1);
    accepted(&mut history, 1, 2);
    history.returned(0, Ret::Ok);
    let mut other = history.clone();
    ran(&mut history, 2, 1);
    ran(&mut history, 2, 0);
    ran(&mut history, 2, 2);
    explained(&history, THREAD);
    ran(&mut other, 2, 2);
    broken(&other, THREAD, "W7");
}

#[test]
fn w6_overlapping_runs() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 0, 1);
    history.call(2, Op::Run(0));
    history.call(3, Op::Run(1));
    broken(&history, THREAD, "W6");
}

#[test]
fn h1_two_threads() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 0, 1);
    ran(&mut history, 2, 0);
    ran(&mut history, 3, 1);
    broken(&history, THREAD, "H1");
}

#[test]
fn h2_what_was_accepted_before_the_quit_is_lost() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 0, 1);
    did(&mut history, 1, Op::Quit, Ret::Ok);
    ran(&mut history, 2, 0);
    explained(&history, THREAD);
    history.finish();
    broken(&history, THREAD, "W1");
}

#[test]
fn w1_a_task_run_twice() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    ran(&mut history, 2, 0);
    ran(&mut history, 2, 0);
    broken(&history, THREAD, "W1");
}

#[test]
fn w1_a_task_runs_before_it_was_given() {
    let mut history = History::new();
    ran(&mut history, 2, 0);
    accepted(&mut history, 0, 0);
    broken(&history, THREAD, "W1");
}

#[test]
fn w2_a_refused_task_runs() {
    let mut history = History::new();
    did(&mut history, 0, Op::Quit, Ret::Ok);
    did(&mut history, 0, Op::Execute(0), Ret::Refused);
    ran(&mut history, 2, 0);
    broken(&history, THREAD, "W2");
}
