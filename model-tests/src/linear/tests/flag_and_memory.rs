//! The quit flag and the memory worker.

use super::{accepted, broken, did, explained, performed, ran};
use crate::linear::{History, Object, Op, Ret};

const FLAG: Object = Object::QuitFlag;
const MEMORY: Object = Object::MemoryWorker;

#[test]
fn w3_of_two_sets_at_once_either_wins() {
    for winner in [0, 1] {
        let mut history = History::new();
        history.call(0, Op::Quit);
        history.call(1, Op::Quit);
        for thread in [0, 1] {
            let ret = if thread == winner {
                Ret::Ok
            } else {
                Ret::AlreadyQuit
            };
            history.returned(thread, ret);
        }
        explained(&history, FLAG);
    }
}

#[test]
fn w3_two_sets_that_won() {
    let mut history = History::new();
    history.call(0, Op::Quit);
    history.call(1, Op::Quit);
    history.returned(0, Ret::Ok);
    history.returned(1, Ret::Ok);
    for object in [FLAG, MEMORY, Object::LockWorker, Object::ThreadWorker] {
        broken(&history, object, "W3");
    }
}

#[test]
fn w3_nobody_won() {
    let mut history = History::new();
    did(&mut history, 0, Op::Quit, Ret::AlreadyQuit);
    broken(&history, FLAG, "W3");
}

#[test]
fn w3_a_set_that_has_not_returned_may_have_won() {
    let mut history = History::new();
    history.call(1, Op::Quit);
    did(&mut history, 0, Op::IsSet, Ret::Set(false));
    explained(&history, FLAG);
    did(&mut history, 0, Op::Quit, Ret::AlreadyQuit);
    explained(&history, FLAG);
    did(&mut history, 0, Op::IsSet, Ret::Set(false));
    broken(&history, FLAG, "W4");
}

#[test]
fn w4_the_flag_is_not_seen_after_a_set_has_returned() {
    let mut history = History::new();
    did(&mut history, 0, Op::Quit, Ret::Ok);
    did(&mut history, 1, Op::IsSet, Ret::Set(false));
    broken(&history, FLAG, "W4");
}

#[test]
fn w4_the_flag_is_seen_and_then_not() {
    let mut history = History::new();
    history.call(0, Op::Quit);
    did(&mut history, 1, Op::IsSet, Ret::Set(true));
    explained(&history, FLAG);
    did(&mut history, 2, Op::IsSet, Ret::Set(false));
    broken(&history, FLAG, "W4");
}

#[test]
fn h3_the_last_handle_dropped_quits() {
    let mut history = History::new();
    history.told(0, Op::Clone);
    history.told(1, Op::DropHandle);
    did(&mut history, 0, Op::Perform, Ret::Nothing);
    history.told(0, Op::DropHandle);
    did(&mut history, 0, Op::Perform, Ret::Ended);
    explained(&history, MEMORY);
    history.told(0, Op::DropHandle);
    broken(&history, MEMORY, "H3");
}

#[test]
fn w4_an_execute_accepted_after_a_quit_had_returned() {
    let mut history = History::new();
    did(&mut history, 0, Op::Quit, Ret::Ok);
    accepted(&mut history, 1, 0);
    for object in [MEMORY, Object::LockWorker, Object::ThreadWorker] {
        broken(&history, object, "W4");
    }
}

#[test]
fn w4_an_execute_beside_a_quit_may_go_either_way() {
    for ret in [Ret::Ok, Ret::Refused] {
        let mut history = History::new();
        history.call(0, Op::Quit);
        history.call(1, Op::Execute(0));
        history.returned(0, Ret::Ok);
        history.returned(1, ret);
        explained(&history, MEMORY);
    }
}

#[test]
fn w4_refused_though_nobody_quit() {
    let mut history = History::new();
    did(&mut history, 0, Op::Execute(0), Ret::Refused);
    broken(&history, MEMORY, "W4");
}

#[test]
fn m1_the_oldest_first() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(1, Op::Execute(1));
    history.returned(0, Ret::Ok);
    history.returned(1, Ret::Ok);
    // They were given at once, so either may be the older.
    performed(&mut history, 0, 1);
    performed(&mut history, 1, 0);
    did(&mut history, 0, Op::Perform, Ret::Nothing);
    history.finish();
    explained(&history, MEMORY);
}

#[test]
fn m1_a_lost_order() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 1, 1);
    performed(&mut history, 2, 1);
    broken(&history, MEMORY, "M1");
}

#[test]
fn m1_nothing_though_a_task_waits() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    did(&mut history, 1, Op::Perform, Ret::Nothing);
    broken(&history, MEMORY, "M1");
}

#[test]
fn m1_a_perform_that_ran_a_task_and_says_nothing() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    history.call(1, Op::Perform);
    ran(&mut history, 1, 0);
    history.returned(1, Ret::Nothing);
    broken(&history, MEMORY, "M1");
}

#[test]
fn m1_a_perform_that_says_it_ran_what_did_not_run_inside_it() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    did(&mut history, 1, Op::Perform, Ret::Ran(0));
    broken(&history, MEMORY, "M1");
}

#[test]
fn m1_two_tasks_in_one_perform() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 0, 1);
    history.call(1, Op::Perform);
    ran(&mut history, 1, 0);
    ran(&mut history, 1, 1);
    broken(&history, MEMORY, "M1");
}

#[test]
fn m2_ended_before_an_accepted_task_was_performed() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    did(&mut history, 1, Op::Perform, Ret::Ended);
    broken(&history, MEMORY, "M2");
}

#[test]
fn m2_ended_beside_an_execute_that_was_then_accepted() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    did(&mut history, 1, Op::Quit, Ret::Ok);
    did(&mut history, 1, Op::Perform, Ret::Ended);
    explained(&history, MEMORY);
    history.returned(0, Ret::Ok);
    broken(&history, MEMORY, "W4");
}

#[test]
fn m2_ended_though_nobody_quit() {
    let mut history = History::new();
    did(&mut history, 0, Op::Perform, Ret::Ended);
    broken(&history, MEMORY, "M2");
}

#[test]
fn m2_after_a_quit_it_drains() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    performed(&mut history, 1, 0);
    did(&mut history, 1, Op::Perform, Ret::Ended);
    history.finish();
    explained(&history, MEMORY);
}

#[test]
fn m2_a_dropped_performer_quits_and_drops_what_is_queued() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    history.told(1, Op::DropPerformer);
    did(&mut history, 0, Op::Execute(1), Ret::Refused);
    history.finish();
    explained(&history, MEMORY);
}

#[test]
fn w6_busy_only_while_another_performs() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    history.call(0, Op::Perform);
    history.call(1, Op::Perform);
    history.call(0, Op::Run(0));
    history.returned(1, Ret::Busy);
    // The task performs its own worker.
    did(&mut history, 0, Op::Perform, Ret::Busy);
    history.returned(0, Ret::Done);
    // Its perform has not returned: it may, or may not, have let go.
    did(&mut history, 1, Op::Perform, Ret::Busy);
    did(&mut history, 1, Op::Perform, Ret::Nothing);
    explained(&history, MEMORY);
    history.returned(0, Ret::Ran(0));
    explained(&history, MEMORY);
    did(&mut history, 1, Op::Perform, Ret::Busy);
    broken(&history, MEMORY, "M1");
}

#[test]
fn w6_a_task_nested_in_another() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 0, 1);
    history.call(0, Op::Perform);
    history.call(0, Op::Run(0));
    history.call(0, Op::Perform);
    history.call(0, Op::Run(1));
    broken(&history, MEMORY, "W6");
}

#[test]
fn w1_a_task_run_twice() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    performed(&mut history, 1, 0);
    performed(&mut history, 1, 0);
    broken(&history, MEMORY, "W1");
}

#[test]
fn w1_a_task_that_nobody_gave() {
    let mut history = History::new();
    performed(&mut history, 0, 0);
    broken(&history, MEMORY, "W1");
}

#[test]
fn w1_an_accepted_task_is_lost() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    explained(&history, MEMORY);
    history.finish();
    broken(&history, MEMORY, "W1");
}

#[test]
fn w1_a_task_never_ends() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(1, Op::Perform);
    history.call(1, Op::Run(0));
    explained(&history, MEMORY);
    history.finish();
    broken(&history, MEMORY, "W1");
}

#[test]
fn w2_a_refused_task_runs() {
    let mut history = History::new();
    did(&mut history, 0, Op::Quit, Ret::Ok);
    did(&mut history, 0, Op::Execute(0), Ret::Refused);
    performed(&mut history, 1, 0);
    broken(&history, MEMORY, "W2");
}

#[test]
fn w2_a_task_runs_and_is_then_refused() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    performed(&mut history, 1, 0);
    did(&mut history, 1, Op::Quit, Ret::Ok);
    history.returned(0, Ret::Refused);
    broken(&history, MEMORY, "W2");
}

#[test]
fn w1_an_execute_that_has_not_returned_may_have_been_accepted() {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    did(&mut history, 1, Op::Perform, Ret::Nothing);
    performed(&mut history, 1, 0);
    explained(&history, MEMORY);
}
