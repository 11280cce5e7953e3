//! The same of a pool, whose workers fetch their tasks.

use super::*;

fn pool() -> Team {
    Team::pool()
}

/// Worker 1 is made for task 1, and has it.
fn one_busy() -> Vec<team::Action> {
    let made = [ask_factory(0), Made(1), Settled];
    trace![waiting(1), made, [Looked(1), Assign(1, 1), Settled]]
}

/// It has run it, and rests.
fn one_rests() -> Vec<team::Action> {
    trace![one_busy(), runs(1), [Ended(1, 1), Rested(1), Settled]]
}

/// Worker 1 is made by a grow, and awake.
fn one_awake() -> Vec<team::Action> {
    trace![request(Grow(1)), [ask_factory(0), Made(1), Settled]]
}

/// Workers 1 and 2 rest, 2 since later.
fn two_rest() -> Vec<team::Action> {
    let made = [ask_factory(0), Made(1), ask_factory(1), Made(2), Settled];
    let rests = |n| [Looked(n), Rested(n), Settled];
    trace![request(Grow(2)), made, rests(1), rests(2)]
}

/// The factory has none, of so many.
fn full(workers: usize) -> [team::Action; 3] {
    [ask_factory(workers), AtLimit, Settled]
}

/// It looks, and leaves.
fn leaves(worker: usize) -> [team::Action; 6] {
    [
        Looked(worker),
        Retire(worker),
        Settled,
        WorkerQuit(worker),
        Left(1),
        Settled,
    ]
}

fn numbers([idle, busy, leaving, backlogged, accepted, done]: [usize; 6]) -> [team::Action; 1] {
    [Statistics(Snapshot {
        idle,
        busy,
        leaving,
        backlogged,
        accepted,
        done,
        ..Snapshot::default()
    })]
}

#[test]
fn t2_t6_a_pool_runs_tasks_and_ends() {
    whole(
        pool(),
        &trace![
            waiting(1),
            [ask_factory(0)],
            numbers([0, 0, 0, 1, 1, 0]),
            [Made(1), Settled],
            numbers([0, 1, 0, 0, 1, 0]),
            [Looked(1), Assign(1, 1), Settled],
            numbers([0, 1, 0, 0, 1, 0]),
            waiting(2),
            full(1),
            numbers([0, 1, 0, 1, 2, 0]),
            runs(1),
            [Ended(1, 1), Assign(1, 2), Settled],
            runs(2),
            // It stays awake, looks again, and rests.
            [Ended(1, 2), Settled, Looked(1), Settled],
            numbers([1, 0, 0, 0, 2, 2]),
            [Looked(1), Rested(1), Settled],
            numbers([1, 0, 0, 0, 2, 2]),
            waiting(3),
            [Called(1), Settled],
            numbers([0, 1, 0, 0, 3, 2]),
            request(Quit),
            [Settled, Refuse(4), Looked(1), Assign(1, 3), Settled],
            runs(3),
            [Ended(1, 3), Retire(1), Finish, Settled, WorkerQuit(1)],
            numbers([0, 0, 0, 0, 3, 3]),
        ],
    );
    // One that rests is called by the quit. It leaves when it looks.
    let looks = [Looked(1), Retire(1), Finish, Settled, WorkerQuit(1)];
    let called = trace![one_rests(), request(Quit), [Called(1), Settled]];
    whole(pool(), &trace![called, looks.clone()]);
    whole(
        pool(),
        &trace![one_awake(), request(Quit), [Settled], looks],
    );
    // One that is awake may be at the end.
    whole(pool(), &one_awake());
}

#[test]
fn t2_w6_a_pool_decides_in_one_critical_section_and_shows_its_numbers() {
    bad("T2", pool(), &one_rests(), &numbers([0, 1, 0, 0, 1, 0])[0]);
    bad("T2", pool(), &[Accept(1)], &numbers([0, 0, 0, 0, 1, 0])[0]);
    bad("T2", pool(), &[Accept(1)], &Ask(Raised));
    bad("T2", pool(), &[Ask(Raised)], &Accept(1));
    for call in [
        Accept(2),
        Ask(Raised),
        numbers([0, 0, 0, 1, 1, 0])[0].clone(),
    ] {
        bad("W6", pool(), &waiting(1), &call);
    }
    bad("W6", pool(), &trace![one_awake(), waiting(1)], &Looked(1));
    bad("T2", pool(), &[], &Withdraw(1));
    bad("T2", pool(), &[], &WithdrawRequest(Raised));
    let ended = trace![request(Quit), [Finish, Settled]];
    whole(pool(), &ended);
    bad("T6", pool(), &ended, &CoordinatorQuit);
    // Others' business goes on meanwhile.
    let taken = trace![one_busy(), [Accept(2), Start(1), Take(2), stop(1)]];
    good(pool(), &trace![taken, full(1)]);
}

#[test]
fn t4_what_hands_tasks_out_is_not_fetched_from() {
    let idle = trace![at_work(&[1]), works(1)];
    bad("T4", team(), &idle, &Looked(1));
    bad("T4", team(), &idle, &Gone(1));
    let open = trace![idle, waiting(2)];
    bad("T4", team(), &open, &Called(1));
    bad("T4", team(), &open, &Rested(1));
}

#[test]
fn t9_who_looks_takes_what_waits_and_calls_the_next() {
    bad("T9", pool(), &one_busy(), &Looked(1));
    bad("T9", pool(), &one_rests(), &Looked(1));
    bad("W6", pool(), &one_awake(), &Rested(1));
    let looks = trace![waiting(1), [ask_factory(0), Made(1), Settled], [Looked(1)]];
    bad("T9", pool(), &looks, &Rested(1));
    bad("T9", pool(), &looks, &Settled);
    let other = trace![one_awake(), request(Grow(1)), [ask_factory(1), Made(2)]];
    let other = trace![other, [Settled, Looked(1)]];
    bad("T9", pool(), &other, &Rested(2));
    bad("T5", pool(), &other, &Retire(2));
    // A task wakes the last to rest, if nobody is awake.
    let comes = trace![two_rest(), waiting(3)];
    bad("T9", pool(), &comes, &Settled);
    bad("T5", pool(), &comes, &Called(1));
    let called = trace![comes, [Called(2)]];
    bad("T3", pool(), &called, &Called(1));
    bad(
        "T3",
        pool(),
        &trace![two_rest(), request(Grow(1))],
        &Called(2),
    );
    let second = trace![called, [Settled], waiting(4)];
    bad("T3", pool(), &second, &Called(1));
    bad("T3", pool(), &second, &ask_factory(2));
    // Who takes it calls the next, if more waits.
    let takes = trace![second, [Settled, Looked(2)]];
    bad("T4", pool(), &takes, &Assign(2, 4));
    bad("T4", pool(), &takes, &Assign(1, 3));
    let takes = trace![takes, [Assign(2, 3)]];
    bad("T9", pool(), &takes, &Settled);
    bad("T4", pool(), &takes, &Assign(2, 4));
    bad("T9", pool(), &takes, &Rested(2));
    let next = [Called(1), Settled, Looked(1), Assign(1, 4), Settled];
    good(pool(), &trace![takes, next]);
    // The end is later.
    let made = trace![waiting(1), [ask_factory(0), Made(1), Settled]];
    unfinished("T3", pool(), &made);
    unfinished("T3", pool(), &trace![comes, [Called(2), Settled]]);
    whole(pool(), &trace![waiting(1), full(0)]);
}

#[test]
fn t9_nobody_waits_for_the_factory_who_could_have_a_task() {
    let failed = [ask_factory(1), Failed, Settled, CreationReported];
    let two = trace![one_busy(), waiting(2), full(1), waiting(3), failed];
    let ended = trace![two, runs(1), [Ended(1, 1)]];
    bad("T9", pool(), &ended, &ask_factory(1));
    let takes = trace![ended, [Assign(1, 2)]];
    bad("T3", pool(), &takes, &Settled);
    good(pool(), &trace![takes, full(1)]);
    // Nor who is to be called. A look may ask again after a failure, or leave it.
    let comes = trace![two_rest(), waiting(3), [Called(2), Settled], waiting(4)];
    let failed = [ask_factory(2), Failed, Settled, CreationReported];
    let comes = trace![comes, [Settled], waiting(5), failed];
    let takes = trace![comes, [Looked(2), Assign(2, 3)]];
    bad("T9", pool(), &takes, &ask_factory(2));
    good(pool(), &trace![takes, [Called(1), Settled]]);
    let asked = trace![takes, [Called(1)], full(2)];
    good(pool(), &asked);
    bad(
        "T3",
        pool(),
        &trace![asked, [Looked(1), Assign(1, 4)]],
        &ask_factory(2),
    );
}

#[test]
fn t3_a_worker_is_asked_for_what_is_promised_to_none() {
    // One that is awake is enough for one task, and no reason is left when it is promised.
    let one = trace![one_awake(), waiting(1)];
    bad("T3", pool(), &one, &ask_factory(1));
    let two = trace![one, [Settled], waiting(2)];
    bad("T3", pool(), &two, &Settled);
    bad("T1", pool(), &two, &ask_factory(0));
    let made = [ask_factory(1), Made(2), Settled];
    good(pool(), &trace![two, made, numbers([0, 2, 0, 0, 2, 0])]);
    // A raise asks for no more than the backlog.
    let limited = trace![two, full(1), request(Raised), [ask_factory(1), Made(2)]];
    bad("T3", pool(), &limited, &ask_factory(2));
    good(pool(), &trace![limited, [Settled]]);
}

#[test]
fn t5_the_dismissed_leave_when_they_look_and_those_that_rest_are_called() {
    let one = trace![two_rest(), request(Shrink(Some(1)))];
    bad("T5", pool(), &one, &Settled);
    bad("T5", pool(), &one, &Retire(2));
    bad("T5", pool(), &one, &Called(1));
    let one = trace![one, [Called(2)]];
    bad("T3", pool(), &one, &Called(1));
    let one = trace![one, [Settled], numbers([1, 0, 1, 0, 0, 0]), [Looked(2)]];
    let retired = trace![one, [Retire(2), Settled]];
    bad("T6", pool(), &retired, &numbers([1, 0, 1, 0, 0, 0])[0]);
    bad("T6", pool(), &retired, &Accept(1));
    bad("T6", pool(), &retired, &Left(1));
    bad(
        "T6",
        pool(),
        &trace![retired, [WorkerQuit(2)]],
        &Ask(Raised),
    );
    let left = trace![retired, [WorkerQuit(2), Left(1), Settled]];
    whole(pool(), &trace![left, numbers([1, 0, 0, 0, 0, 0])]);
    let both = trace![two_rest(), request(ALL), [Called(2)]];
    bad("T5", pool(), &both, &Settled);
    let both = trace![both, [Called(1), Settled], leaves(1)];
    unfinished("T6", pool(), &both);
    whole(pool(), &trace![both, leaves(2)]);
    // Work that comes meanwhile needs one more who looks.
    let comes = trace![one, [Retire(2), Settled, WorkerQuit(2), Left(1), Settled]];
    bad("T9", pool(), &trace![comes, waiting(1)], &Settled);
    let one = trace![two_rest(), request(Shrink(Some(1)))];
    let comes = trace![one, [Called(2), Settled], waiting(1)];
    bad("T9", pool(), &comes, &Settled);
    let both = trace![comes, [Called(1), Settled], leaves(1)];
    whole(
        pool(),
        &trace![
            both,
            [Looked(2), Assign(2, 1), Settled],
            runs(1),
            [Ended(2, 1), Settled]
        ],
    );
    // One that is awake counts as leaving, and can have no task.
    let due = trace![one_awake(), request(ALL), [Settled]];
    bad("T5", pool(), &trace![one_awake(), request(ALL)], &Retire(1));
    unfinished("T6", pool(), &due);
    let due = trace![due, numbers([0, 0, 1, 0, 0, 0]), waiting(2)];
    bad("T3", pool(), &due, &Settled);
    let looks = trace![due, full(1), [Looked(1)]];
    bad("T5", pool(), &looks, &Assign(1, 2));
    bad("T5", pool(), &looks, &Rested(1));
    bad("T5", pool(), &looks, &Settled);
    let left = trace![looks, [Retire(1), Settled, WorkerQuit(1), Left(1)]];
    bad("T3", pool(), &left, &Settled);
    good(pool(), &trace![left, [ask_factory(0), Made(2), Settled]]);
    // What is promised stays.
    let called = trace![two_rest(), waiting(3), [Called(2), Settled], request(ALL)];
    bad("T9", pool(), &called, &Settled);
    let left = trace![called, [Called(1), Settled], leaves(1)];
    let takes = trace![left, numbers([0, 1, 0, 0, 1, 0]), [Looked(2)]];
    bad("T5", pool(), &takes, &Retire(2));
    // It owes to leave after that.
    let ended = trace![takes, [Assign(2, 3), Settled], runs(3), [Ended(2, 3)]];
    bad("T5", pool(), &ended, &Rested(2));
    good(pool(), &trace![ended, [Retire(2), Settled]]);
}

#[test]
fn t5_debts_are_paid() {
    let owes = trace![one_busy(), request(ALL), [Settled]];
    let ended = trace![owes, runs(1), [Ended(1, 1)]];
    bad("T5", pool(), &ended, &Settled);
    let left = [Retire(1), Settled, WorkerQuit(1), Left(1), Settled];
    whole(pool(), &trace![ended, left]);
    // Not by the last one while work waits.
    let last = trace![owes, waiting(2), full(1), runs(1), [Ended(1, 1)]];
    bad("T5", pool(), &last, &Retire(1));
    good(pool(), &trace![last, [Assign(1, 2), Settled]]);
    // By a new one that has nothing to do, when it looks.
    let grown = trace![owes, request(Grow(1)), [ask_factory(1), Made(2), Settled]];
    let looks = trace![grown, numbers([0, 1, 1, 0, 1, 0]), [Looked(2)]];
    bad("T5", pool(), &looks, &Settled);
    let left = trace![looks, [Retire(2), Settled, WorkerQuit(2), Left(1), Settled]];
    good(
        pool(),
        &trace![left, runs(1), [Ended(1, 1), Rested(1), Settled]],
    );
    // But one that is made for a task takes it.
    let made = trace![owes, waiting(2), [ask_factory(1), Made(2), Settled]];
    bad("T5", pool(), &trace![made, [Looked(2)]], &Retire(2));
    // A quit voids it.
    let quit = trace![owes, waiting(2), full(1), request(Quit), [Settled]];
    let ended = trace![quit, runs(1), [Ended(1, 1)]];
    bad("T6", pool(), &ended, &Retire(1));
    good(pool(), &trace![ended, [Assign(1, 2), Settled]]);
}

#[test]
fn t6_a_quit_retires_who_finds_nothing() {
    let rests = trace![two_rest(), request(Quit)];
    bad("T6", pool(), &rests, &Settled);
    bad("T5", pool(), &rests, &Retire(2));
    bad("T6", pool(), &trace![rests, [Called(2)]], &Settled);
    let all = trace![rests, [Called(2), Called(1), Settled], leaves(1)];
    unfinished("T6", pool(), &all);
    let awake = trace![one_awake(), request(Quit), [Settled]];
    bad(
        "T5",
        pool(),
        &trace![one_awake(), request(Quit)],
        &Retire(1),
    );
    unfinished("T6", pool(), &awake);
    let looks = trace![awake, [Looked(1)]];
    bad("T6", pool(), &looks, &Settled);
    bad("T6", pool(), &looks, &Rested(1));
    bad("T6", pool(), &looks, &Finish);
    let retired = trace![looks, [Retire(1)]];
    bad("T6", pool(), &retired, &Settled);
    let finished = trace![retired, [Finish, Settled]];
    unfinished("T6", pool(), &finished);
    bad("T6", pool(), &finished, &Left(1));
    // Not before the work is done.
    let works = trace![one_rests(), waiting(2), [Called(1), Settled]];
    let looks = trace![works, request(Quit), [Settled, Looked(1)]];
    bad("T6", pool(), &looks, &Retire(1));
    // Nor while a dismissal is due.
    let due = trace![one_awake(), request(ALL), [Settled], request(Quit)];
    bad("T6", pool(), &due, &Finish);
}

#[test]
fn t7_work_is_abandoned_when_no_worker_is_left_for_it() {
    let due = trace![one_awake(), request(ALL), [Settled], waiting(1), full(1)];
    let quit = trace![due, request(Quit)];
    bad("T7", pool(), &quit, &Abandon(1));
    let left = trace![
        quit,
        [Settled, Looked(1), Retire(1), Settled],
        [WorkerQuit(1), Left(1)]
    ];
    bad("T7", pool(), &left, &Settled);
    bad("T7", pool(), &left, &Abandon(1));
    let tried = [ask_factory(0), AtLimit, ask_factory(0), AtLimit];
    let given = [Abandon(1), Finish, Settled, AbandonedGiven(1)];
    whole(pool(), &trace![left, tried, given]);
    // It is not, while one is free.
    let awake = trace![one_awake(), waiting(1), [Settled], request(Quit)];
    bad("T7", pool(), &awake, &Abandon(1));
}

#[test]
fn t8_one_that_is_gone_is_a_failed_creation_or_replaced_or_was_dismissed() {
    bad("T8", pool(), &one_rests(), &Gone(1));
    bad("T8", pool(), &one_busy(), &Gone(1));
    let gone = trace![one_awake(), [Gone(1)]];
    bad("T8", pool(), &gone, &Settled);
    let told = trace![gone, [RefusedFirst, Settled]];
    unfinished("T8", pool(), &told);
    bad("T8", pool(), &told, &Gone(1));
    bad("T9", pool(), &told, &Looked(1));
    let told = trace![told, [CreationReported], numbers([0; 6])];
    whole(pool(), &told);
    // It may have died by when it is counted: in the same critical section, before all else.
    let made = trace![waiting(1), [ask_factory(0), Made(1)]];
    let gone = trace![made, [Gone(1)]];
    bad("T8", pool(), &gone, &Settled);
    good(pool(), &trace![gone, [RefusedFirst, Settled]]);
    let two = trace![one_awake(), request(Grow(1)), [ask_factory(1), Made(2)]];
    bad("W6", pool(), &two, &Gone(1));
    let more = trace![request(Grow(2)), [ask_factory(0), Made(1)]];
    let more = trace![more, [ask_factory(1), Made(2)]];
    bad("W6", pool(), &more, &Gone(1));
    // What it could have done is reason to try again at the next step, which it is not itself.
    let waits = trace![one_awake(), waiting(1), [Settled, Gone(1), RefusedFirst]];
    bad("T3", pool(), &waits, &ask_factory(0));
    let next = trace![waits, [Settled], request(Grow(0))];
    bad("T3", pool(), &next, &Settled);
    // Later it is replaced, for work that waits.
    let proven = trace![one_busy(), runs(1), [Ended(1, 1), Settled]];
    let gone = trace![proven, [Gone(1)]];
    bad("T8", pool(), &gone, &RefusedFirst);
    whole(pool(), &trace![gone, [Settled]]);
    let gone = trace![proven, waiting(2), [Settled, Gone(1)]];
    bad("T3", pool(), &gone, &Settled);
    bad("T1", pool(), &gone, &ask_factory(1));
    good(pool(), &trace![gone, [ask_factory(0), Made(2), Settled]]);
    // By one that rests, if there is one.
    let called = trace![two_rest(), waiting(3), [Called(2), Settled, Gone(2)]];
    let called = trace![called, [RefusedFirst]];
    bad("T9", pool(), &called, &Settled);
    let called = trace![called, [Called(1)]];
    bad("T3", pool(), &called, &ask_factory(1));
    good(pool(), &trace![called, [Settled]]);
    // One that was dismissed is no failure. It has left, so the factory is asked again.
    let due = trace![one_awake(), request(ALL), [Settled]];
    let gone = trace![due, [Gone(1)]];
    bad("T8", pool(), &gone, &RefusedFirst);
    whole(pool(), &trace![gone, [Settled], numbers([0; 6])]);
    let gone = trace![due, waiting(1), full(1), [Gone(1)]];
    bad("T3", pool(), &gone, &Settled);
    bad("T1", pool(), &gone, &ask_factory(1));
    good(pool(), &trace![gone, [ask_factory(0), Made(2), Settled]]);
    // Nobody is left to do what it was promised: the debt is no more than the busy.
    let owes = trace![one_awake(), waiting(1), [Settled], request(ALL), [Settled]];
    let gone = trace![owes, [Gone(1), RefusedFirst, Settled, CreationReported]];
    let tried = trace![gone, request(Raised), [ask_factory(0), Made(2)]];
    let looks = trace![tried, [Settled, Looked(2), Assign(2, 1), Settled]];
    let ended = trace![looks, runs(1), [Ended(2, 1)]];
    bad("T5", pool(), &ended, &Retire(2));
}

const FETCHING: Bounds = Bounds {
    limit: 2,
    resizes: 2,
    grain: Grain::Coarse,
    coordinator: Coordinator::None,
    ..SMALL
};

#[track_caller]
fn strands(flaw: Flaw) {
    let right = progress(&TeamSystem::new(FETCHING));
    assert!(right.holds(), "{right:?}");
    let found = progress(&TeamSystem::flawed(flaw, FETCHING));
    assert!(found.stranded > 0, "{found:?}");
}

#[test]
fn control_t9_a_pool_without_a_chain_strands_states() {
    strands(Flaw::NoChain);
}

#[test]
fn control_t9_a_rest_while_work_waits_strands_states() {
    strands(Flaw::RestsWhileWorkWaits);
}

/// What is to be seen sometimes is seen in pools, too.
#[test]
fn every_sight_is_seen_in_pools() {
    let all = configurations().into_iter();
    let pool = |name: &str| name.ends_with("fetching") || name.ends_with("keeping");
    let pools = all.filter(|it| it.quick && pool(&it.name));
    let rows: Vec<_> = pools.map(|it| it.explore()).collect();
    let missing = never_seen(&rows);
    let exclusive = |it: &String| it.contains("exclusive");
    assert!(missing.iter().all(exclusive), "never seen: {missing:?}");
}

#[test]
fn symmetry_leaves_no_state_of_a_pool_out() {
    let bounds = Bounds {
        failures: 1,
        losses: 1,
        resizes: 1,
        ..FETCHING
    };
    same_with_and_without_symmetry(bounds);
}
