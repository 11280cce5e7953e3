//! The reference model itself: that it takes good traces, and that each of its rules rejects a bad
//! one, by the right property. Then its exploration, and wrong models which that has to reject.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::HashSet;
use std::fmt::Debug;

use brigade_model_tests::model::Machine;
use brigade_model_tests::model::explore::team::{Bounds, Coordinator, Grain, Keeping, TeamSystem};
use brigade_model_tests::model::explore::{System, configurations, explore, never_seen, progress};
use brigade_model_tests::model::lock::{self, Lock};
use brigade_model_tests::model::memory::{self, Memory};
use brigade_model_tests::model::pool::{self, Pool};
use brigade_model_tests::model::quit::{self, Quit};
use brigade_model_tests::model::team::Action::*;
use brigade_model_tests::model::team::Request::{self, *};
use brigade_model_tests::model::team::{self, Flaw, Snapshot, Team, Terms};
use brigade_model_tests::model::thread::{self, Thread};

/// Takes a trace that is allowed.
#[track_caller]
fn good<M: Machine>(mut machine: M, trace: &[M::Action]) -> M {
    for (at, action) in trace.iter().enumerate() {
        let taken = machine.take(action);
        assert!(taken.is_ok(), "{at}: {action:?}: {taken:?} in {machine:?}");
        let ids = M::properties(action);
        assert!(!ids.is_empty(), "{action:?} carries nothing");
    }
    machine
}

/// Takes a trace that may be the whole of an execution.
#[track_caller]
fn whole<M: Machine>(machine: M, trace: &[M::Action]) {
    let end = good(machine, trace).end();
    assert!(end.is_ok(), "{end:?}");
}

/// Takes a trace, after which the next action breaks the property, and is no other's business.
#[track_caller]
fn bad<M: Machine>(property: &str, machine: M, trace: &[M::Action], next: &M::Action) {
    let mut machine = good(machine, trace);
    let broken = machine
        .take(next)
        .expect_err(&format!("{next:?} was taken"));
    assert_eq!(broken.property, property, "{broken}");
}

/// Takes a trace that cannot be the whole of an execution.
#[track_caller]
fn unfinished<M: Machine + Debug>(property: &str, machine: M, trace: &[M::Action]) {
    let broken = good(machine, trace).end().expect_err("it may end here");
    assert_eq!(broken.property, property, "{broken}");
}

#[test]
fn w3_w4_the_flag_is_set_once_and_seen() {
    use quit::Action::{Seen, Set};
    let set = Set { won: true };
    let lost = Set { won: false };
    let trace = [
        Seen { set: false },
        set.clone(),
        lost.clone(),
        Seen { set: true },
    ];
    whole(Quit::default(), &trace);
    let twice = [set.clone(), lost.clone()];
    bad("W3", Quit::default(), &twice, &set);
    bad("W3", Quit::default(), &[], &lost);
    bad("W4", Quit::default(), &[set], &Seen { set: false });
    bad("W4", Quit::default(), &[], &Seen { set: true });
}

#[test]
fn m1_m2_a_memory_worker_is_performed_in_order_and_drains() {
    use memory::Action::*;
    let new = Memory::default;
    let two = [Accept(1), Accept(2)];
    let running = [Accept(1), Accept(2), Start(1)];
    let closed = [Accept(1), Quit { won: true }];
    let dropped = [Accept(1), Accept(2), PerformerDropped];
    whole(
        new(),
        &[
            Nothing,
            Accept(1),
            Accept(2),
            Start(1),
            Busy,
            Accept(3),
            Stop(1),
            Quit { won: true },
            Quit { won: false },
            Refuse(4),
            Start(2),
            Stop(2),
            PerformerDropped,
            Drop(3),
        ],
    );
    whole(new(), &[Quit { won: true }, Ended]);
    bad("M1", new(), &two, &Start(2));
    bad("M1", new(), &two, &Nothing);
    bad("W6", new(), &running, &Start(2));
    bad("W6", new(), &running, &Nothing);
    bad("W6", new(), &running, &Stop(2));
    bad("W6", new(), &two, &Busy);
    bad("W1", new(), &two, &Start(3));
    bad("W1", new(), &two, &Accept(2));
    bad("W4", new(), &closed, &Accept(2));
    bad("W4", new(), &two, &Refuse(3));
    bad("W2", new(), &closed, &Refuse(1));
    bad("W3", new(), &closed, &Quit { won: true });
    bad("W3", new(), &two, &Quit { won: false });
    bad("M2", new(), &closed, &Ended);
    bad("M2", new(), &[], &Ended);
    bad("M2", new(), &[Quit { won: true }], &Nothing);
    bad("M2", new(), &running, &PerformerDropped);
    bad("W4", new(), &dropped, &Accept(3));
    for after in [Start(1), Nothing, Ended, Busy] {
        bad("M2", new(), &dropped, &after);
    }
    bad("W1", new(), &dropped, &Drop(3));
    unfinished("W1", new(), &two);
    unfinished("W1", new(), &running);
    unfinished("W1", new(), &dropped);
}

#[test]
fn l1_l2_l3_w7_a_lock_worker_runs_each_task_on_its_thread() {
    use lock::Action::*;
    let new = Lock::default;
    let nested = [Accept(0, 1), Start(0, 1), Accept(0, 2), Accept(0, 3)];
    whole(
        new(),
        &[
            Accept(0, 1),
            Start(0, 1),
            Accept(1, 4),
            Accept(0, 2),
            Quit { won: true },
            Quit { won: false },
            Refuse(5),
            Stop(0, 1),
            Start(1, 4),
            Stop(1, 4),
            Return(1, 4),
            Start(0, 2),
            Stop(0, 2),
            Return(0, 1),
        ],
    );
    bad("W6", new(), &nested, &Start(0, 2));
    bad("W6", new(), &nested, &Stop(1, 1));
    let stopped = [&nested[..], &[Stop(0, 1)]].concat();
    bad("W7", new(), &stopped, &Start(0, 3));
    bad("L1", new(), &stopped, &Start(1, 2));
    bad("L2", new(), &stopped, &Return(0, 1));
    bad("L1", new(), &[Accept(0, 1)], &Return(0, 1));
    let within = [&stopped[..], &[Start(0, 2)]].concat();
    bad("L2", new(), &within, &Return(0, 1));
    bad("W1", new(), &nested, &Accept(1, 3));
    bad("W1", new(), &stopped, &Accept(0, 1));
    bad("W4", new(), &nested, &Refuse(4));
    let quit = [Accept(0, 1), Quit { won: true }];
    bad("W4", new(), &quit, &Accept(0, 2));
    bad("W2", new(), &quit, &Refuse(1));
    bad("W3", new(), &quit, &Quit { won: true });
    bad("W3", new(), &nested, &Quit { won: false });
    unfinished("W1", new(), &nested);
    unfinished("W1", new(), &quit);
}

#[test]
fn h1_h2_w7_a_thread_worker_has_one_thread_which_drains() {
    use thread::Action::*;
    let new = Thread::default;
    let two = [Accept(1), Accept(2)];
    let running = [Accept(1), Accept(2), Start(7, 1)];
    let quit = [Accept(1), Quit { won: true }];
    whole(
        new(),
        &[
            Accept(1),
            Start(7, 1),
            Accept(2),
            Quit { won: true },
            Quit { won: false },
            Refuse(3),
            Stop(7, 1),
            Start(7, 2),
            Stop(7, 2),
            ThreadEnded(7),
        ],
    );
    whole(new(), &[Accept(1), BodyDropped, Refuse(2), Drop(1)]);
    bad("W7", new(), &two, &Start(7, 2));
    bad("W1", new(), &two, &Start(7, 3));
    bad("W1", new(), &two, &Accept(1));
    bad("W6", new(), &running, &Start(7, 2));
    bad("W6", new(), &running, &Stop(7, 2));
    bad("H1", new(), &running, &Stop(8, 1));
    let stopped = [&running[..], &[Stop(7, 1)]].concat();
    bad("H1", new(), &stopped, &Start(8, 2));
    bad("H2", new(), &[Accept(1)], &ThreadEnded(7));
    bad("H2", new(), &quit, &ThreadEnded(7));
    let ended = [Quit { won: true }, ThreadEnded(7)];
    bad("H2", new(), &ended, &ThreadEnded(7));
    bad("W4", new(), &quit, &Accept(2));
    bad("W4", new(), &two, &Refuse(3));
    bad("W2", new(), &quit, &Refuse(1));
    bad("W3", new(), &quit, &Quit { won: true });
    bad("W3", new(), &two, &Quit { won: false });
    bad("W1", new(), &running, &BodyDropped);
    bad("W1", new(), &[Accept(1), BodyDropped], &Drop(2));
    unfinished("W1", new(), &two);
    unfinished("W1", new(), &running);
    unfinished("W1", new(), &[Accept(1), BodyDropped]);
    unfinished("H2", new(), &[Quit { won: true }]);
}

const ALL: Request = Shrink(None);

fn ask_factory(workers: usize) -> team::Action {
    AskFactory { workers }
}

fn stop(task: usize) -> team::Action {
    Stop {
        task,
        panicked: false,
    }
}

/// Each task comes, and gets a new worker of the same number.
fn at_work(numbers: &[usize]) -> Vec<team::Action> {
    let one = |(workers, &n): (usize, &usize)| {
        let asks = ask_factory(workers);
        [Accept(n), Take(n), asks, Made(n), Assign(n, n), Settled]
    };
    numbers.iter().enumerate().flat_map(one).collect()
}

/// The worker's task of the same number runs.
fn runs(n: usize) -> [team::Action; 2] {
    [Start(n), stop(n)]
}

/// It does, and a step that nothing follows from sees its end.
fn works(n: usize) -> Vec<team::Action> {
    [&runs(n)[..], &[Ended(n, n), Settled]].concat()
}

fn request(request: Request) -> [team::Action; 2] {
    [Ask(request), TakeRequest(request)]
}

fn waiting(task: usize) -> [team::Action; 2] {
    [Accept(task), Take(task)]
}

macro_rules! trace {
    ($($part:expr),* $(,)?) => {{
        let mut all: Vec<team::Action> = Vec::new();
        $(all.extend($part.iter().cloned());)*
        all
    }};
}

fn team() -> Team {
    Team::default()
}

#[test]
fn t2_t4_t6_a_team_runs_a_task_and_ends() {
    let numbers = Snapshot {
        busy: 1,
        accepted: 1,
        ..Snapshot::default()
    };
    let two = Snapshot {
        in_flight: 1,
        accepted: 2,
        ..numbers
    };
    let one = trace![at_work(&[1]), [Statistics(numbers)]];
    whole(
        team(),
        &trace![
            one,
            [
                Accept(2),
                Statistics(two),
                Take(2),
                ask_factory(1),
                AtLimit,
                Settled
            ],
            runs(1),
            [
                Ended(1, 1),
                Assign(1, 2),
                Settled,
                Ask(Quit),
                Refuse(3),
                Deny(Quit)
            ],
            [TakeRequest(Quit), Settled, Deny(Grow(1)), Start(2)],
            [
                Stop {
                    task: 2,
                    panicked: true
                },
                PanicReported,
                Ended(1, 2)
            ],
            [Retire(1), Finish, Settled, WorkerQuit(1), CoordinatorQuit],
        ],
    );
    bad("T2", team(), &one, &Statistics(two));
    bad("W4", team(), &one, &Refuse(2));
    bad("W4", team(), &one, &Deny(Raised));
    bad("W3", team(), &one, &Deny(Quit));
    let quit = trace![one, [Ask(Quit)]];
    bad("W4", team(), &quit, &Accept(2));
    bad("W4", team(), &quit, &Ask(Raised));
    bad("W3", team(), &quit, &Ask(Quit));
    bad("W2", team(), &quit, &Refuse(1));
    bad("T6", team(), &quit, &WithdrawRequest(Quit));
    unfinished("T9", team(), &[Ask(Quit)]);
}

#[test]
fn w1_a_task_has_one_end() {
    let one = at_work(&[1]);
    bad("W1", team(), &one, &Accept(1));
    bad("W1", team(), &one, &Take(1));
    bad("W1", team(), &one, &stop(1));
    bad("W1", team(), &one, &Ended(1, 1));
    let running = trace![one, [Start(1)]];
    bad("W1", team(), &running, &Start(1));
    bad("W1", team(), &running, &Ended(1, 1));
    bad("W1", team(), &running, &Lost(1, 1));
    let stopped = trace![running, [stop(1)]];
    bad("W1", team(), &stopped, &Start(1));
    bad("W1", team(), &stopped, &stop(1));
    bad("W1", team(), &stopped, &Ended(2, 1));
    let ended = trace![one, works(1)];
    bad("W1", team(), &ended, &Start(1));
    bad("W1", team(), &ended, &Ended(1, 1));
    unfinished("W1", team(), &running);
    unfinished("W1", team(), &[Accept(1)]);
    whole(team(), &ended);
}

#[test]
fn w8_t8_each_panic_and_failure_is_reported_once() {
    let panicked = Stop {
        task: 1,
        panicked: true,
    };
    let panicked = trace![at_work(&[1]), [Start(1), panicked, Ended(1, 1), Settled]];
    unfinished("W8", team(), &panicked);
    let reported = trace![panicked, [PanicReported]];
    whole(team(), &reported);
    bad("W8", team(), &reported, &PanicReported);
    let failed = trace![waiting(1), [ask_factory(0), Failed, Settled]];
    unfinished("T8", team(), &failed);
    let reported = trace![failed, [CreationReported]];
    // The task waits, as said in the report.
    whole(team(), &reported);
    bad("T8", team(), &reported, &CreationReported);
}

#[test]
fn w6_steps_do_not_overlap() {
    let open = waiting(1);
    bad("W6", team(), &trace![[Accept(2)], open], &Take(2));
    bad("W6", team(), &[], &Settled);
    bad("W6", team(), &at_work(&[1]), &Finish);
    // While the factory is asked, others may be taken.
    let asking = trace![open, [ask_factory(0)], waiting(2), [Settled]];
    whole(
        team(),
        &trace![
            asking,
            [
                Made(1),
                Assign(1, 1),
                ask_factory(1),
                Made(2),
                Assign(2, 2),
                Settled
            ],
            works(1),
            works(2),
        ],
    );
    bad(
        "T1",
        team(),
        &trace![open, [ask_factory(0)], waiting(2)],
        &ask_factory(0),
    );
    bad("T1", team(), &open, &Made(1));
    // In the step of a withdrawal it is not asked.
    let withdrawn = trace![
        open,
        [ask_factory(0)],
        [Accept(2), Made(1), Assign(1, 1), Settled]
    ];
    let withdrawn = trace![withdrawn, [Withdraw(2)]];
    bad("W6", team(), &withdrawn, &ask_factory(1));
    unfinished(
        "W1",
        team(),
        &trace![at_work(&[1]), waiting(2), [ask_factory(1)]],
    );
    unfinished("T9", team(), &trace![request(Grow(1)), [ask_factory(0)]]);
}

#[test]
fn t1_the_factory_is_told_the_right_number_and_makes_new_workers() {
    let retired = trace![
        at_work(&[1]),
        works(1),
        request(ALL),
        [Retire(1), Settled],
        waiting(2)
    ];
    bad("T1", team(), &retired, &ask_factory(0));
    let asked = trace![retired, [ask_factory(1)]];
    bad("T1", team(), &asked, &Made(1));
    good(team(), &trace![asked, [Made(2), Assign(2, 2), Settled]]);
}

/// A worker was retired and is not gone, and the factory has said that there are enough.
fn at_limit_while_leaving() -> Vec<team::Action> {
    let idle = trace![at_work(&[1]), works(1), request(ALL), [Retire(1), Settled]];
    trace![idle, waiting(2), [ask_factory(1), AtLimit, Settled]]
}

#[test]
fn t1_t9_a_retired_worker_counts_until_it_was_told_to_quit() {
    let waits = at_limit_while_leaving();
    let again = trace![waits, [Accept(3), Take(3)]];
    bad("T9", team(), &again, &ask_factory(1));
    bad("T6", team(), &waits, &Left(1));
    let left = trace![waits, [WorkerQuit(1), Left(1)]];
    // The step that counts it asks, and may be interrupted by others.
    bad("T3", team(), &left, &Settled);
    bad("T1", team(), &left, &ask_factory(1));
    let made = [Made(2), Assign(2, 2), Settled];
    whole(team(), &trace![left, [ask_factory(0)], made, works(2)]);
    let others = trace![
        left,
        [ask_factory(0)],
        waiting(3),
        [Settled, Made(2), Assign(2, 2)]
    ];
    bad("T3", team(), &others, &Settled);
    let next = [ask_factory(1), Made(3), Assign(3, 3), Settled];
    whole(team(), &trace![others, next, works(2), works(3)]);
    // A failure is tried again by the next step of the coordinator, which this is not.
    let idle = trace![at_work(&[1]), works(1), request(ALL), [Retire(1), Settled]];
    let failed = trace![idle, waiting(2), [ask_factory(1), Failed, Settled]];
    let failed = trace![failed, [WorkerQuit(1), Left(1)]];
    bad("T3", team(), &failed, &ask_factory(0));
    whole(team(), &trace![failed, [Settled, CreationReported]]);
    unfinished("T6", team(), &waits);
    bad("T6", team(), &left[..left.len() - 1], &WorkerQuit(1));
}

#[test]
fn t1_t9_a_worker_that_left_since_the_question_makes_an_answer_out_of_date() {
    let idle = trace![at_work(&[1]), works(1), request(ALL), [Retire(1), Settled]];
    let asked = trace![idle, waiting(2), [ask_factory(1)]];
    let left = trace![asked, [WorkerQuit(1), Left(1), Settled, AtLimit]];
    let again = [ask_factory(0), Made(2), Assign(2, 2), Settled];
    whole(team(), &trace![left, again, works(2)]);
    bad("T3", team(), &left, &Settled);
}

#[test]
fn t3_a_worker_is_asked_for_when_there_is_reason_and_only_then() {
    bad("T3", team(), &waiting(1), &Settled);
    let at_limit = trace![waiting(1), [ask_factory(0), AtLimit]];
    bad("T3", team(), &at_limit, &ask_factory(0));
    let full = trace![at_limit, [Settled]];
    bad("T3", team(), &trace![full, request(Raised)], &Settled);
    bad("T3", team(), &request(Grow(1)), &Settled);
    let grown = trace![request(Grow(1)), [ask_factory(0), Made(1)]];
    bad("T3", team(), &grown, &ask_factory(1));
    bad(
        "T3",
        team(),
        &trace![grown, [Settled], waiting(1)],
        &ask_factory(1),
    );
    bad(
        "T3",
        team(),
        &trace![grown, [Settled], waiting(1)],
        &Settled,
    );
    let failed = trace![waiting(1), [ask_factory(0), Failed]];
    bad("T3", team(), &failed, &ask_factory(0));
    // The next step tries again.
    let next = trace![failed, [Settled], request(Shrink(Some(1)))];
    bad("T3", team(), &next, &Settled);
    let tries = [ask_factory(0), Made(1), Assign(1, 1), Settled];
    whole(team(), &trace![next, tries, [CreationReported], works(1)]);
    // A raise for each that waits.
    let two = trace![full, waiting(2), [ask_factory(0), AtLimit, Settled]];
    let raised = trace![
        two,
        request(Raised),
        [ask_factory(0), Made(1), Assign(1, 1)]
    ];
    bad("T3", team(), &raised, &Settled);
    good(team(), &trace![raised, [ask_factory(1), AtLimit, Settled]]);
}

#[test]
fn t3_an_answer_that_is_out_of_date_keeps_the_reasons() {
    let asked = trace![waiting(1), [ask_factory(0)]];
    let raised = trace![asked, request(Raised), [Settled, AtLimit]];
    bad("T3", team(), &raised, &Settled);
    let more = trace![asked, waiting(2), [Settled, AtLimit]];
    bad("T3", team(), &more, &Settled);
    let grown = trace![asked, request(Grow(1)), [Settled, AtLimit]];
    bad("T3", team(), &grown, &Settled);
    // Once more than there are reasons, because the one used up may be out of date.
    let again = [ask_factory(0), Made(1), Assign(1, 1)];
    good(
        team(),
        &trace![grown, again, [ask_factory(1), AtLimit, Settled]],
    );
    bad(
        "T3",
        team(),
        &trace![grown, again, [ask_factory(1), AtLimit]],
        &ask_factory(1),
    );
}

#[test]
fn t4_t5_order_of_tasks_and_of_workers() {
    let two = trace![at_work(&[1, 2]), works(1), works(2)];
    let next = trace![two, waiting(3)];
    bad("T5", team(), &next, &Assign(1, 3));
    good(team(), &trace![next, [Assign(2, 3), Settled]]);
    bad(
        "T5",
        team(),
        &trace![two, request(Shrink(Some(1)))],
        &Retire(1),
    );
    let busy = at_work(&[1]);
    let full = [ask_factory(1), AtLimit, Settled];
    let queued = trace![
        busy,
        waiting(2),
        full,
        waiting(3),
        full,
        runs(1),
        [Ended(1, 1)]
    ];
    bad("T4", team(), &queued, &Assign(1, 3));
    bad("T3", team(), &queued, &Settled);
    // The task of a lost worker is the first again.
    let lost = trace![busy, waiting(2), full, [WorkerQuit(1), Lost(1, 1)]];
    let next = trace![
        lost,
        [RefusedFirst, Settled],
        request(Raised),
        [ask_factory(0), Made(2)]
    ];
    bad("T4", team(), &next, &Assign(2, 2));
    good(
        team(),
        &trace![next, [Assign(2, 1), ask_factory(1), AtLimit, Settled]],
    );
}

#[test]
fn t5_sizing() {
    let idle = trace![at_work(&[1]), works(1)];
    bad("T5", team(), &trace![idle, request(Grow(1))], &Retire(1));
    bad("T5", team(), &trace![idle, request(ALL)], &Settled);
    let retired = trace![idle, request(ALL), [Retire(1), Settled]];
    unfinished("T6", team(), &retired);
    let told = trace![retired, [WorkerQuit(1)]];
    unfinished("T6", team(), &told);
    whole(team(), &trace![told, [Left(1), Settled]]);
    bad("T5", team(), &trace![idle, request(ALL)], &ask_factory(1));
    // A debt is paid when the task ends, and is no more than the workers there are.
    let owes = trace![
        at_work(&[1]),
        request(Shrink(Some(3))),
        [Settled],
        runs(1),
        [Ended(1, 1)]
    ];
    bad("T5", team(), &owes, &Settled);
    let paid = trace![owes, [Retire(1), Settled, WorkerQuit(1), Left(1), Settled]];
    let second = [
        Accept(2),
        Take(2),
        ask_factory(0),
        Made(2),
        Assign(2, 2),
        Settled,
    ];
    whole(team(), &trace![paid, second, works(2)]);
    // Not by the last one while work waits.
    let full = [ask_factory(1), AtLimit, Settled];
    let last = trace![
        at_work(&[1]),
        waiting(2),
        full,
        request(ALL),
        [Settled],
        runs(1)
    ];
    bad("T5", team(), &trace![last, [Ended(1, 1)]], &Retire(1));
    good(team(), &trace![last, [Ended(1, 1), Assign(1, 2), Settled]]);
    // But by another.
    let two = trace![
        at_work(&[1, 2]),
        waiting(3),
        [ask_factory(2), AtLimit, Settled]
    ];
    let owes = trace![
        two,
        request(Shrink(Some(1))),
        [Settled],
        runs(1),
        [Ended(1, 1)]
    ];
    bad("T5", team(), &owes, &Assign(1, 3));
    good(team(), &trace![owes, [Retire(1), Settled]]);
    // By a new one that has nothing to do.
    let grown = trace![at_work(&[1]), request(ALL), [Settled], request(Grow(1))];
    let grown = trace![grown, [ask_factory(1), Made(2)]];
    bad("T5", team(), &grown, &Settled);
    good(team(), &trace![grown, [Retire(2), Settled]]);
    // A quit voids it.
    let quit = trace![
        two,
        request(ALL),
        [Settled],
        request(Quit),
        [Settled],
        runs(1)
    ];
    let quit = trace![quit, [Ended(1, 1)]];
    bad("T6", team(), &quit, &Retire(1));
    good(team(), &trace![quit, [Assign(1, 3), Settled]]);
}

#[test]
fn t6_the_end() {
    let idle = trace![at_work(&[1, 2]), works(1), works(2)];
    let quit = trace![idle, request(Quit)];
    bad("T6", team(), &quit, &Settled);
    bad("T6", team(), &quit, &Finish);
    let retired = trace![quit, [Retire(2), Retire(1)]];
    bad("T6", team(), &retired, &Settled);
    bad("T6", team(), &retired, &CoordinatorQuit);
    let finished = trace![retired, [Finish, Settled]];
    bad("T6", team(), &retired, &Left(1));
    bad("T6", team(), &finished, &CoordinatorQuit);
    let told = trace![finished, [WorkerQuit(1), WorkerQuit(2)]];
    bad("T6", team(), &told, &WorkerQuit(2));
    unfinished("T6", team(), &told);
    let ended = trace![told, [CoordinatorQuit]];
    whole(team(), &ended);
    bad("T6", team(), &ended, &CoordinatorQuit);
    unfinished("T6", team(), &finished);
    // Retired by a step before: the end waits for them to be counted.
    let shrunk = trace![
        idle,
        request(ALL),
        [Retire(2), Retire(1), Settled],
        request(Quit)
    ];
    bad("T6", team(), &shrunk, &Finish);
    let left = trace![shrunk, [Settled, WorkerQuit(2), WorkerQuit(1), Left(2)]];
    bad("T6", team(), &left, &Settled);
    whole(team(), &trace![left, [Finish, Settled, CoordinatorQuit]]);
    // Nothing in flight, asked for or busy.
    let flying = trace![idle, [Accept(3), Ask(Raised)], request(Quit)];
    bad("T6", team(), &flying, &Retire(2));
    bad("T6", team(), &flying, &Finish);
    let flying = trace![flying, [Settled, Take(3), Assign(2, 3), Retire(1)]];
    bad("T6", team(), &flying, &Finish);
    bad("T6", team(), &at_work(&[1]), &WorkerQuit(2));
    let running = trace![at_work(&[1]), [Start(1)]];
    bad("T6", team(), &running, &WorkerQuit(1));
}

#[test]
fn t7_work_that_can_never_run_is_given_to_the_owner() {
    let waits = trace![waiting(1), [ask_factory(0), AtLimit, Settled]];
    bad("T7", team(), &trace![waits, request(Raised)], &Abandon(1));
    let quit = trace![waits, request(Quit)];
    bad("T7", team(), &quit, &Abandon(1));
    bad("T7", team(), &quit, &Settled);
    let tried = trace![quit, [ask_factory(0), AtLimit]];
    bad("T7", team(), &tried, &Settled);
    let abandoned = trace![tried, [Abandon(1)]];
    bad("T6", team(), &abandoned, &Settled);
    bad("T7", team(), &abandoned, &AbandonedGiven(2));
    let ended = trace![abandoned, [Finish, Settled, CoordinatorQuit]];
    unfinished("W1", team(), &ended);
    let given = trace![ended, [AbandonedGiven(1)]];
    whole(team(), &given);
    bad("T7", team(), &given, &AbandonedGiven(1));
    let two = trace![waits, waiting(2), [ask_factory(0), AtLimit, Settled]];
    let tried = trace![two, request(Quit), [ask_factory(0), AtLimit]];
    bad("T4", team(), &tried, &Abandon(2));
    let busy = trace![
        at_work(&[1]),
        waiting(2),
        [ask_factory(1), AtLimit, Settled]
    ];
    bad("T7", team(), &trace![busy, request(Quit)], &Abandon(2));
    // One that is asked for because an answer was out of date may be the last try.
    let asked = trace![waiting(1), [ask_factory(0)], request(Quit), [Settled]];
    let lost = trace![
        asked,
        [Made(1), Assign(1, 1), Settled, WorkerQuit(1), Lost(1, 1)]
    ];
    let lost = trace![lost, [RefusedFirst, ask_factory(0)]];
    good(team(), &trace![lost, [Failed, Abandon(1), Finish, Settled]]);
    let asked = trace![
        waiting(1),
        [Accept(2), ask_factory(0)],
        request(Quit),
        [Settled]
    ];
    let two = trace![
        asked,
        [Take(2), Settled, Made(1), Assign(1, 1), ask_factory(1)]
    ];
    let outdated = trace![
        two,
        [WorkerQuit(1), Lost(1, 1), RefusedFirst, Settled, AtLimit]
    ];
    bad("T7", team(), &outdated, &Abandon(1));
    good(
        team(),
        &trace![outdated, [ask_factory(0), Failed, Abandon(1), Abandon(2)]],
    );
    // A reason that waits for a worker to leave comes before it.
    let leaving = trace![at_limit_while_leaving(), request(Quit), [Settled]];
    let left = trace![leaving, [WorkerQuit(1), Left(1)]];
    bad("T7", team(), &left, &Settled);
    bad("T7", team(), &left, &Abandon(2));
    let asked = trace![left, [ask_factory(0)]];
    good(team(), &trace![asked, [Made(2), Assign(2, 2), Settled]]);
    let tried = [AtLimit, ask_factory(0), AtLimit, Abandon(2), Finish];
    good(team(), &trace![asked, tried, [Settled]]);
    // It may wait for that itself, and is then made in the step of the `Left`.
    let grown = trace![
        at_work(&[1]),
        works(1),
        request(Grow(1)),
        [ask_factory(1), Made(2), Settled]
    ];
    let leaving = trace![
        grown,
        waiting(3),
        [Assign(2, 3), Settled],
        request(ALL),
        [Retire(1), Settled],
        request(Quit),
        [Settled]
    ];
    let lost = trace![leaving, [WorkerQuit(2), Lost(2, 3), RefusedFirst]];
    good(team(), &trace![lost, [ask_factory(1), Failed, Abandon(3)]]);
    let left = trace![lost, [Settled, WorkerQuit(1), Left(1)]];
    bad("T7", team(), &left, &Settled);
    let tried = [ask_factory(0), Failed, Abandon(3), Finish, Settled];
    good(team(), &trace![left, tried]);
}

#[test]
fn t8_a_worker_that_refuses_is_retired_and_its_task_goes_to_another() {
    let one = at_work(&[1]);
    bad("T8", team(), &one, &Lost(1, 1));
    let told = trace![one, [WorkerQuit(1)]];
    bad("T8", team(), &told, &Start(1));
    bad("T6", team(), &told, &WorkerQuit(1));
    let lost = trace![told, [Lost(1, 1)]];
    bad("T8", team(), &lost, &Settled);
    bad("T3", team(), &lost, &ask_factory(0));
    let reported = trace![lost, [RefusedFirst, Settled, CreationReported]];
    whole(team(), &reported);
    bad("T8", team(), &trace![lost, [RefusedFirst]], &RefusedFirst);
    // One that is lost later is replaced at once.
    let proven = trace![one, works(1), waiting(2), [Assign(1, 2), Settled]];
    let lost = trace![proven, [WorkerQuit(1), Lost(1, 2)]];
    bad("T3", team(), &lost, &Settled);
    bad("T8", team(), &lost, &RefusedFirst);
    let replaced = [ask_factory(0), Made(2), Assign(2, 2), Settled];
    whole(
        team(),
        &trace![lost, replaced, [Start(2), stop(2), Ended(2, 2), Settled]],
    );
}

#[test]
fn t2_what_a_coordinator_refuses_is_withdrawn() {
    let asked = [Accept(1), Ask(Grow(1))];
    let none = Snapshot::default();
    whole(
        team(),
        &trace![
            asked,
            [
                Withdraw(1),
                Settled,
                Statistics(none),
                WithdrawRequest(Grow(1)),
                Settled
            ],
            request(Quit),
            [Finish, Settled, CoordinatorQuit, Refuse(1)],
        ],
    );
    bad("T2", team(), &at_work(&[1]), &Withdraw(1));
    bad("T2", team(), &asked, &WithdrawRequest(Raised));
    bad("T2", team(), &asked, &TakeRequest(Raised));
    // It may be what the end was waiting for.
    let last = trace![[Accept(1)], request(Quit), [Settled, Withdraw(1)]];
    bad("T6", team(), &last, &Settled);
}

#[test]
fn t1_t3_a_pool_keeps_to_its_limit() {
    use pool::Action::{Limit, Team};
    let asked = [Accept(1), Take(1), ask_factory(0)].map(Team);
    bad("T1", Pool::new(0), &asked, &Team(Made(1)));
    bad("T3", Pool::new(1), &asked, &Team(AtLimit));
    for answer in [Made(1), AtLimit, Failed] {
        let raised = [&asked[..], &[Limit(1), Team(answer)]].concat();
        good(Pool::new(0), &raised);
    }
    let lowered = [&asked[..], &[Limit(0), Team(AtLimit), Team(Settled)]].concat();
    whole(Pool::new(2), &lowered);
    // It counts those that were not told to quit.
    let retired = trace![
        at_work(&[1]),
        works(1),
        request(ALL),
        [Retire(1), Settled],
        waiting(2)
    ];
    let retired: Vec<_> = trace![retired, [ask_factory(1)]]
        .into_iter()
        .map(Team)
        .collect();
    bad("T1", Pool::new(1), &retired, &Team(Made(2)));
    good(
        Pool::new(1),
        &[&retired[..], &[Team(WorkerQuit(1)), Team(Made(2))]].concat(),
    );
}

/// The larger ones are explored by the binary `model`.
#[test]
fn t9_every_state_of_small_configurations() {
    let mut rows = Vec::new();
    for configuration in configurations() {
        if configuration.quick {
            let row = configuration.explore();
            println!("{row}");
            assert!(row.sound(), "{row:#?}");
            rows.push(row);
        }
    }
    let states: usize = rows.iter().map(|row| row.unique).sum();
    assert!(states > 100_000, "cut short: {states} states");
    let missing = never_seen(&rows);
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

/// A configuration in which each of the wrong models shows what is wrong with it.
const SMALL: Bounds = Bounds {
    limit: 1,
    raises: 0,
    tasks: 2,
    resizes: 1,
    failures: 0,
    losses: 0,
    withdrawals: 0,
    grain: Grain::Fine,
    coordinator: Coordinator::Exclusive,
    keeps: None,
};

#[path = "model/event_loop.rs"]
mod event_loop;

#[path = "model/fetching.rs"]
mod fetching;

#[path = "model/keeping.rs"]
mod keeping;

/// The exploration of the wrong model breaks the invariant, and that of the right one does not.
#[track_caller]
fn rejected(flaw: Flaw, invariant: &str) {
    let right = explore("right", &TeamSystem::new(SMALL));
    assert!(right.sound(), "{right:#?}");
    let wrong = explore("wrong", &TeamSystem::flawed(flaw, SMALL));
    let found = wrong.broken.iter().any(|it| it.starts_with(invariant));
    assert!(found, "not found: {wrong:#?}");
}

#[test]
fn control_w1_a_duplicated_start_is_rejected() {
    rejected(Flaw::DuplicatedStart, "W1");
}

#[test]
fn control_t6_a_coordinator_that_is_not_last_is_rejected() {
    rejected(Flaw::CoordinatorNotLast, "T6");
}

#[test]
fn control_t5_an_uncapped_debt_is_rejected() {
    rejected(Flaw::UncappedDebt, "T5");
}

#[test]
fn control_t9_a_missing_wake_up_strands_states() {
    let found = progress(&TeamSystem::flawed(Flaw::MissingWakeUp, SMALL));
    assert!(found.stranded > 0 && found.endless == 0, "{found:?}");
}

#[test]
fn control_t9_asking_for_ever_is_a_cycle() {
    let found = progress(&TeamSystem::flawed(Flaw::AsksForEver, SMALL));
    assert!(found.endless > 0, "{found:?}");
}

fn reachable(start: TeamSystem) -> HashSet<TeamSystem> {
    let mut seen = HashSet::from([start.clone()]);
    let mut next = vec![start];
    while let Some(state) = next.pop() {
        for it in state.moves() {
            if seen.insert(it.to.clone()) {
                next.push(it.to);
            }
        }
    }
    seen
}

fn same_with_and_without_symmetry(bounds: Bounds) {
    let without = reachable(TeamSystem::new(bounds).without_symmetry());
    let with = reachable(TeamSystem::new(bounds));
    assert!(without.len() > with.len(), "there was none to use");
    let representatives = without.into_iter().map(TeamSystem::representative);
    let representatives = representatives.collect::<HashSet<_>>();
    let apart = |a: &HashSet<_>, b: &HashSet<_>| a.difference(b).next().map(|it| format!("{it:?}"));
    assert_eq!(
        apart(&representatives, &with),
        None,
        "not reached by symmetry"
    );
    assert_eq!(
        apart(&with, &representatives),
        None,
        "reached by symmetry alone"
    );
}

#[test]
fn symmetry_leaves_no_state_out() {
    same_with_and_without_symmetry(Bounds {
        failures: 1,
        losses: 1,
        limit: 2,
        coordinator: Coordinator::Overlapping,
        ..SMALL
    });
}
