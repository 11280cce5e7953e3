//! The team and the pool.

use super::{accepted, broken, did, explained, ran};
use crate::linear::{History, Numbers, Object, Op, Ret};

const TEAM: Object = Object::Team {
    limit: 2,
    in_order: false,
};
const OF_ONE: Object = Object::Team {
    limit: 1,
    in_order: true,
};

fn said(history: &mut History, thread: usize, numbers: Numbers) {
    did(history, thread, Op::Statistics, Ret::Numbers(numbers));
}

/// The numbers of a team that has accepted as many tasks as are somewhere.
fn numbers(backlogged: usize, busy: usize, done: usize) -> Numbers {
    Numbers {
        backlogged,
        busy,
        done,
        accepted: backlogged + busy + done,
        ..Numbers::default()
    }
}

#[test]
fn t2_the_numbers_count_what_was_accepted() {
    let mut history = History::new();
    did(&mut history, 0, Op::Grow(1), Ret::Ok);
    accepted(&mut history, 0, 0);
    history.call(1, Op::Execute(1));
    // The second may, or may not, be counted yet; once it is, it stays so.
    said(&mut history, 0, numbers(0, 1, 0));
    said(&mut history, 0, numbers(1, 1, 0));
    history.returned(1, Ret::Ok);
    ran(&mut history, 2, 0);
    said(&mut history, 0, numbers(0, 1, 1));
    ran(&mut history, 3, 1);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    history.finish();
    explained(&history, TEAM);
}

#[test]
fn t2_the_numbers_forget_an_accepted_task() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 1, 1);
    said(&mut history, 0, numbers(0, 1, 0));
    broken(&history, TEAM, "T2");
}

#[test]
fn t2_the_numbers_count_a_task_that_nobody_gave() {
    let mut history = History::new();
    said(&mut history, 0, numbers(1, 0, 0));
    broken(&history, TEAM, "T2");
}

#[test]
fn t2_the_numbers_go_back() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    history.call(1, Op::Execute(1));
    said(&mut history, 0, numbers(2, 0, 0));
    said(&mut history, 0, numbers(1, 0, 0));
    broken(&history, TEAM, "T2");
}

#[test]
fn t2_the_numbers_do_not_add_up() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    for (total, backlogged) in [(1, 0), (2, 1), (0, 1)] {
        let mut history = history.clone();
        let now = Numbers {
            accepted: total,
            backlogged,
            ..Numbers::default()
        };
        said(&mut history, 0, now);
        broken(&history, TEAM, "T2");
    }
}

#[test]
fn t2_abandoned_before_a_quit() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    let now = Numbers {
        accepted: 1,
        abandoned: 1,
        ..Numbers::default()
    };
    said(&mut history, 0, now);
    broken(&history, TEAM, "T2");
}

#[test]
fn t1_more_workers_are_counted_than_there_may_be() {
    for idle in [1, 2] {
        let mut history = History::new();
        accepted(&mut history, 0, 0);
        let now = Numbers {
            idle,
            ..numbers(0, 1, 0)
        };
        said(&mut history, 0, now);
        if idle == 1 {
            explained(&history, TEAM);
        } else {
            broken(&history, TEAM, "T1");
        }
    }
}

#[test]
fn t3_a_worker_is_said_to_idle_while_work_waits() {
    for idle in [0, 1] {
        let mut history = History::new();
        accepted(&mut history, 0, 0);
        let now = Numbers {
            idle,
            ..numbers(1, 0, 0)
        };
        said(&mut history, 0, now);
        if idle == 0 {
            explained(&history, TEAM);
        } else {
            broken(&history, TEAM, "T3");
        }
    }
}

#[test]
fn t2_done_and_not_run() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    history.call(1, Op::Run(0));
    said(&mut history, 0, numbers(0, 1, 0));
    explained(&history, TEAM);
    said(&mut history, 0, numbers(0, 0, 1));
    broken(&history, TEAM, "T2");
}

#[test]
fn t2_done_decreases() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    ran(&mut history, 1, 0);
    said(&mut history, 0, numbers(0, 0, 1));
    said(&mut history, 0, numbers(0, 1, 0));
    broken(&history, TEAM, "T2");
}

#[test]
fn t2_a_task_that_runs_is_said_to_wait() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    history.call(1, Op::Run(0));
    said(&mut history, 0, numbers(1, 0, 0));
    broken(&history, TEAM, "T2");
}

#[test]
fn w4_every_request_is_refused_after_a_quit() {
    for op in [
        Op::Execute(0),
        Op::Grow(1),
        Op::Shrink(Some(1)),
        Op::Shrink(None),
        Op::LimitRaised,
    ] {
        let refusal = match op {
            Op::Execute(_) => Ret::Refused,
            _ => Ret::AlreadyQuit,
        };
        for (ret, after) in [(Ret::Ok, false), (refusal, true)] {
            let mut history = History::new();
            did(&mut history, 0, op, refusal);
            broken(&history, TEAM, "W4");

            let mut history = History::new();
            did(&mut history, 0, Op::Quit, Ret::Ok);
            did(&mut history, 1, op, ret);
            if after {
                explained(&history, TEAM);
            } else {
                broken(&history, TEAM, "W4");
            }
        }
    }
}

#[test]
fn w3_two_quits_that_won() {
    let mut history = History::new();
    history.call(0, Op::Quit);
    history.call(1, Op::Quit);
    history.returned(1, Ret::Ok);
    history.returned(0, Ret::Ok);
    broken(&history, TEAM, "W3");
}

#[test]
fn w1_a_task_run_twice() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    ran(&mut history, 1, 0);
    ran(&mut history, 2, 0);
    broken(&history, TEAM, "W1");
}

#[test]
fn w1_a_task_is_lost() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    accepted(&mut history, 0, 1);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    ran(&mut history, 1, 1);
    explained(&history, TEAM);
    history.finish();
    broken(&history, TEAM, "W1");
}

#[test]
fn w2_a_refused_task_runs() {
    let mut history = History::new();
    did(&mut history, 0, Op::Quit, Ret::Ok);
    did(&mut history, 0, Op::Execute(0), Ret::Refused);
    ran(&mut history, 1, 0);
    broken(&history, TEAM, "W2");
}

#[test]
fn t1_more_runs_at_a_time_than_there_may_be_workers() {
    let mut history = History::new();
    for task in 0..3 {
        accepted(&mut history, 0, task);
    }
    history.call(1, Op::Run(0));
    history.call(2, Op::Run(1));
    explained(&history, TEAM);
    history.call(3, Op::Run(2));
    broken(&history, TEAM, "T1");
}

#[test]
fn t4_one_worker_takes_tasks_as_they_came() {
    for first in [0, 1] {
        let mut history = History::new();
        accepted(&mut history, 0, 0);
        accepted(&mut history, 1, 1);
        ran(&mut history, 2, first);
        explained(&history, TEAM);
        if first == 0 {
            explained(&history, OF_ONE);
        } else {
            broken(&history, OF_ONE, "T4");
        }
    }
}

#[test]
fn t7_a_task_is_abandoned_after_a_quit() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    let mut early = history.clone();
    early.told(0, Op::Abandoned(0));
    broken(&early, TEAM, "T7");

    history.call(0, Op::Quit);
    let now = Numbers {
        accepted: 1,
        abandoned: 1,
        ..Numbers::default()
    };
    said(&mut history, 1, now);
    history.told(0, Op::Abandoned(0));
    history.returned(0, Ret::Ok);
    let mut forgotten = history.clone();
    said(&mut forgotten, 1, numbers(1, 0, 0));
    broken(&forgotten, TEAM, "T2");
    history.finish();
    explained(&history, TEAM);
}

#[test]
fn w1_an_abandoned_task_runs() {
    let mut history = History::new();
    accepted(&mut history, 0, 0);
    did(&mut history, 0, Op::Quit, Ret::Ok);
    history.told(1, Op::Abandoned(0));
    ran(&mut history, 1, 0);
    broken(&history, TEAM, "W1");
}
