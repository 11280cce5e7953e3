//! The same of a pool that keeps sizes, of tasks that leave the line, and of callers that wait for room.

use super::*;

/// A pool of so many workers, whose line holds so many tasks.
fn keeps(least: usize, most: usize, bound: usize) -> Team {
    let terms = Terms {
        least,
        most,
        cap: 1,
        bound,
    };
    let mut pool = Team::pool();
    pool.take(&Keep(terms)).unwrap();
    pool
}

/// The start, of one that has one worker at least: worker 1, which rests.
fn begun() -> Vec<team::Action> {
    let made = [ask_factory(0), Made(1), Settled];
    trace![request(Begin), made, [Looked(1), Rested(1), Settled]]
}

/// It has task 1.
fn one_busy() -> Vec<team::Action> {
    let called = [Called(1), Settled, Looked(1), Assign(1, 1), Settled];
    trace![begun(), waiting(1), called]
}

/// And task 2 waits.
fn one_waits() -> Vec<team::Action> {
    trace![one_busy(), waiting(2), [ask_factory(1), AtLimit, Settled]]
}

/// It ends its task, and looks.
fn ends(worker: usize, task: usize) -> Vec<team::Action> {
    trace![runs(task), [Ended(worker, task)]]
}

/// It is retired in the step that is open.
fn retires(worker: usize) -> [team::Action; 5] {
    [
        Retire(worker),
        Settled,
        WorkerQuit(worker),
        Left(1),
        Settled,
    ]
}

/// It is retired in the step that is open, in which the pool ends.
fn retires_last(worker: usize) -> [team::Action; 4] {
    [Retire(worker), Finish, Settled, WorkerQuit(worker)]
}

/// The quit of one whose worker rests.
fn ended() -> Vec<team::Action> {
    let called = [Called(1), Settled, Looked(1)];
    trace![begun(), request(Quit), called, retires_last(1)]
}

#[test]
fn p1_t1_there_are_as_many_workers_as_are_kept() {
    // Before the start none is made, and then as many as the least.
    let none = trace![waiting(1), [ask_factory(0)]];
    whole(keeps(1, 2, 9), &trace![&none, [AtLimit, Settled]]);
    bad("T1", keeps(1, 2, 9), &none, &Made(1));
    whole(keeps(1, 2, 9), &begun());
    bad("T3", keeps(1, 2, 9), &request(Begin), &Settled);
    bad(
        "T3",
        keeps(1, 2, 9),
        &trace![request(Begin), [ask_factory(0)]],
        &AtLimit,
    );

    // One that has died is replaced.
    let dies = trace![one_busy(), ends(1, 1), [Settled, Gone(1)]];
    bad("T3", keeps(1, 1, 9), &dies, &Settled);
    let again = [ask_factory(0), Made(2), Settled];
    whole(keeps(1, 1, 9), &trace![&dies, again]);

    // Other sizes: those that are missing are made, those too many leave.
    let more = trace![begun(), request(Resize(2, 2))];
    bad("T3", keeps(1, 1, 9), &more, &Settled);
    let two = trace![
        more,
        [
            ask_factory(1),
            Made(2),
            Settled,
            Looked(2),
            Rested(2),
            Settled
        ]
    ];
    let fewer = trace![two, request(Resize(0, 1))];
    bad("T5", keeps(1, 1, 9), &fewer, &Settled);
    let leaves = trace![fewer, [Called(2), Settled, Looked(2)], retires(2)];
    whole(keeps(1, 1, 9), &leaves);

    // The answer is judged by what was kept at some moment since the question.
    let lowered = trace![
        begun(),
        request(Resize(2, 2)),
        [ask_factory(1)],
        request(Resize(1, 1)),
        [Settled]
    ];
    whole(keeps(1, 1, 9), &trace![&lowered, [AtLimit, Settled]]);
    good(keeps(1, 1, 9), &trace![&lowered, [Made(2)]]);

    // A shrink leaves the least.
    let shrunk = trace![begun(), request(Shrink(None)), [Settled]];
    whole(keeps(1, 1, 9), &shrunk);
}

#[test]
fn p1_debts_are_forgiven_for_those_that_are_missing() {
    let two = trace![
        one_busy(),
        request(Resize(2, 2)),
        [ask_factory(1), Made(2), Settled],
        waiting(2),
        [Settled, Looked(2), Assign(2, 2), Settled]
    ];
    let owes = trace![two, request(Resize(1, 1)), [Settled]];
    bad("T5", keeps(1, 1, 9), &trace![&owes, ends(1, 1)], &Rested(1));
    let forgiven = trace![owes, request(Resize(2, 2))];
    bad("T3", keeps(1, 1, 9), &forgiven, &ask_factory(2));
    good(
        keeps(1, 1, 9),
        &trace![forgiven, [Settled], ends(1, 1), [Rested(1), Settled]],
    );
}

/// Worker 1 has task 1, task 3 waits for worker 2, which is awake, and one of them owes to leave.
fn one_of_two_owes() -> Vec<team::Action> {
    let two = [ask_factory(1), Made(2), Settled];
    let second = trace![waiting(2), [Settled, Looked(2), Assign(2, 2), Settled]];
    let awake = trace![ends(2, 2), [Settled], waiting(3), [Settled]];
    let owes = trace![request(Resize(1, 1)), [Settled]];
    trace![one_busy(), request(Resize(2, 2)), two, second, awake, owes]
}

#[test]
fn p1_one_that_owes_to_leave_stays_for_one_that_has_died() {
    let dies = trace![
        one_of_two_owes(),
        [Gone(2), ask_factory(1), AtLimit, Settled]
    ];
    let last = trace![dies, ends(1, 1), [Assign(1, 3), Settled], ends(1, 3)];
    bad("T5", keeps(1, 1, 9), &last, &Retire(1));
    whole(keeps(1, 1, 9), &trace![last, [Rested(1), Settled]]);
}

#[test]
fn t5_one_that_owes_to_leave_does_so_when_its_task_is_withdrawn() {
    let pool = || keeps(0, 1, 9);
    // The task waits for a worker that has begun, and owes to leave.
    let made = [ask_factory(0), Made(1), Settled];
    let begins = trace![request(Begin), [Settled], waiting(1), made];
    let owes = trace![begins, request(Shrink(None)), [Settled]];
    let leaving = Snapshot {
        leaving: 1,
        accepted: 1,
        cancelled: 1,
        ..Snapshot::default()
    };
    let cancels = trace![&owes, [Cancel(1), Settled, Statistics(leaving), Looked(1)]];
    bad("T5", pool(), &cancels, &Rested(1));
    whole(pool(), &trace![cancels, retires(1)]);
    let in_place = trace![owes, [InPlace(1), Settled, Looked(1)]];
    bad("T5", pool(), &in_place, &Rested(1));
}

#[test]
fn t1_p1_one_that_blocks_counts_apart() {
    // Work waits, and there is room for one more.
    let blocks = trace![one_waits(), [Start(1)], request(Enter)];
    bad("T3", keeps(1, 1, 9), &blocks, &Settled);
    let second = [Looked(2), Assign(2, 2), Settled];
    let two = trace![blocks, [ask_factory(1), Made(2), Settled], second];
    // It blocks no more, and one owes to leave.
    let exits = trace![two, request(Exit), [Settled, stop(1), Ended(1, 1)]];
    bad("T5", keeps(1, 1, 9), &exits, &Rested(1));
    good(keeps(1, 1, 9), &trace![exits, retires(1)]);
    let twice = trace![one_busy(), [Ask(Exit)]];
    bad("T1", keeps(1, 1, 9), &twice, &TakeRequest(Exit));
    bad("T6", keeps(1, 1, 9), &ended(), &Ask(Enter));
}

/// Of a pool with no least, workers 1 and 2 rest, 2 since later.
fn two_rest() -> Vec<team::Action> {
    let made = [ask_factory(0), Made(1), ask_factory(1), Made(2), Settled];
    let rests = |n| [Looked(n), Rested(n), Settled];
    let grows = trace![request(Begin), [Settled], request(Grow(2))];
    trace![grows, made, rests(1), rests(2)]
}

#[test]
fn t5_p1_a_worker_leaves_for_idleness_that_is_not_needed() {
    let pool = || keeps(0, 2, 9);
    let expires = trace![two_rest(), [Expired(1)]];
    whole(pool(), &trace![&expires, retires(1)]);
    bad("T5", pool(), &expires, &Rested(1));
    bad("T5", pool(), &expires, &Settled);
    bad("T4", team(), &[], &Expired(1));

    // By the least, or by what waits.
    bad("P1", keeps(1, 1, 9), &begun(), &Expired(1));
    let one = trace![two_rest(), waiting(1), [Called(2), Settled]];
    let both = trace![&one, waiting(2), [Settled]];
    bad("P1", pool(), &both, &Expired(1));
    let assigns = trace![&one, [Expired(1)]];
    bad("T5", pool(), &assigns, &Assign(1, 1));

    // It was called, or shall leave for another reason.
    bad("T9", pool(), &one, &Expired(2));
    let quit = trace![one, request(Quit), [Settled]];
    bad("T5", pool(), &quit, &Expired(1));
}

#[test]
fn w1_t2_what_waits_is_cancelled_or_runs_in_place() {
    let pool = || keeps(1, 1, 9);
    let rests = trace![ends(1, 1), [Rested(1), Settled]];
    let cancelled = trace![one_waits(), [Cancel(2), Settled]];
    whole(pool(), &trace![&cancelled, &rests]);
    bad("W1", pool(), &one_waits(), &Cancel(1));
    bad("W1", pool(), &one_waits(), &InPlace(1));
    bad("W1", pool(), &cancelled, &Cancel(2));
    bad("W1", pool(), &cancelled, &Start(2));
    let looks = trace![cancelled, ends(1, 1)];
    bad("T4", pool(), &looks, &Assign(1, 2));

    let in_place = trace![one_waits(), [InPlace(2), Settled]];
    let numbers = Snapshot {
        busy: 1,
        accepted: 2,
        in_place: 1,
        ..Snapshot::default()
    };
    let shown = trace![&in_place, [Statistics(numbers)], runs(2)];
    whole(pool(), &trace![&shown, [EndedInPlace(2), Settled], &rests]);
    unfinished("W1", pool(), &trace![shown, rests]);
    bad("W1", pool(), &in_place, &EndedInPlace(2));
    let started = trace![in_place, [Start(2)]];
    bad("W1", pool(), &started, &Start(2));
}

#[test]
fn t6_the_end_waits_for_what_runs_in_place() {
    let pool = || keeps(1, 1, 9);
    let in_place = trace![one_waits(), [InPlace(2), Settled]];
    let quit = trace![in_place, request(Quit), [Settled], ends(1, 1)];
    bad("T6", pool(), &trace![&quit, [Retire(1)]], &Finish);
    let end = trace![quit, retires(1), runs(2), [EndedInPlace(2)]];
    bad("T6", pool(), &end, &Settled);
    whole(pool(), &trace![end, [Finish, Settled]]);
}

#[test]
fn w1_t4_an_abort_gives_back_what_waits() {
    let pool = || keeps(1, 1, 9);
    let two_wait = trace![one_waits(), waiting(3), [ask_factory(1), AtLimit, Settled]];
    let aborts = trace![&two_wait, request(Abort)];
    bad("T4", pool(), &aborts, &GiveBack(3));
    bad("W1", pool(), &aborts, &Settled);
    let given = trace![&aborts, [GiveBack(2), GiveBack(3), Settled]];
    bad("W1", pool(), &given, &Start(2));
    whole(pool(), &trace![&given, ends(1, 1), retires_last(1)]);
    // It may come after a quit, and not after the end.
    let after = trace![&two_wait, request(Quit), [Settled], request(Abort)];
    good(pool(), &trace![after, [GiveBack(2), GiveBack(3), Settled]]);
    bad("T6", pool(), &ended(), &Ask(Abort));
    let without = trace![two_wait, waiting(4)];
    bad("W1", pool(), &without, &GiveBack(2));

    // A failure is reason to ask, but not before that.
    let failed = trace![
        request(Begin),
        [Settled],
        waiting(1),
        [ask_factory(0), Failed, Settled],
        request(Abort)
    ];
    bad("W1", keeps(0, 1, 9), &failed, &ask_factory(0));
}

#[test]
fn p1_t9_where_the_line_is_full_callers_wait_for_room() {
    let pool = || keeps(1, 1, 1);
    let full = one_waits();
    good(pool(), &trace![&full, [Full(3)]]);
    bad("W2", pool(), &full, &Full(2));
    bad("P1", pool(), &full, &Accept(3));
    bad("P1", pool(), &one_busy(), &Full(2));
    bad("P1", pool(), &one_busy(), &Queue(2));

    let queued = trace![full, [Queue(3)]];
    bad("W6", pool(), &queued, &Admit);
    bad("P1", pool(), &trace![&queued, request(Raised)], &Admit);
    bad("T9", pool(), &trace![begun(), waiting(1)], &Admit);
    let room = trace![&queued, ends(1, 1), [Assign(1, 2)]];
    bad("T9", pool(), &room, &Settled);
    let admitted = trace![room, [Admit, Settled]];
    // Room is kept for it.
    bad("P1", pool(), &admitted, &Accept(4));
    bad("T9", pool(), &admitted, &Back(4));
    let back = trace![admitted, [Back(3)]];
    bad("T9", pool(), &back, &Accept(4));
    bad("T9", pool(), &back, &Looked(1));
    let taken = [ask_factory(1), AtLimit, Settled];
    good(pool(), &trace![back, waiting(3), taken]);

    // A quit admits all, who are refused.
    let quit = trace![&queued, request(Quit)];
    bad("T9", pool(), &quit, &Settled);
    let admitted = trace![quit, [Admit, Settled]];
    bad("W4", pool(), &admitted, &Full(4));
    let refused = trace![admitted, [Back(3), Refuse(3)], ends(1, 1), [Assign(1, 2)]];
    let end = trace![refused, [Settled], ends(1, 2), retires_last(1)];
    whole(pool(), &end);
}

#[test]
fn t9_room_that_was_kept_is_there_whoever_dies() {
    let pool = || keeps(0, 1, 1);
    let asks = trace![request(Begin), [Settled], waiting(1), [ask_factory(0)]];
    let queued = trace![asks, [Queue(2)]];
    unfinished(
        "T9",
        pool(),
        &trace![waiting(1), [ask_factory(0), AtLimit, Settled, Queue(2)]],
    );
    let made = trace![queued, [Made(1), Admit, Settled]];
    let dies = trace![made, [Gone(1), RefusedFirst, Settled, CreationReported]];
    unfinished("T9", pool(), &dies);
    bad("P1", pool(), &dies, &Accept(3));
    let back = trace![dies, [Back(2)]];
    unfinished("T9", pool(), &back);
    good(pool(), &trace![back, waiting(2), [ask_factory(0)]]);
}

/// In these each of the wrong models shows what is wrong with it.
fn small(keeps: Keeping) -> Bounds {
    Bounds {
        limit: 0,
        tasks: 2,
        resizes: 0,
        grain: Grain::Coarse,
        coordinator: Coordinator::None,
        keeps: Some(keeps),
        ..SMALL
    }
}

#[track_caller]
fn breaks(flaw: Flaw, bounds: Bounds, invariant: &str) {
    let right = explore("right", &TeamSystem::new(bounds));
    assert!(right.sound(), "{right:#?}");
    let wrong = explore("wrong", &TeamSystem::flawed(flaw, bounds));
    let found = wrong.broken.iter().any(|it| it.starts_with(invariant));
    assert!(found, "not found: {wrong:#?}");
}

#[track_caller]
fn comes_to(flaw: Flaw, bounds: Bounds, what: &str) {
    let all = |start| reachable(start).into_iter().find_map(|it| it.broken());
    assert_eq!(all(TeamSystem::new(bounds)), None);
    let wrong = reachable(TeamSystem::flawed(flaw, bounds));
    let found: HashSet<_> = wrong.iter().filter_map(TeamSystem::broken).collect();
    assert!(found.contains(what), "not found: {found:?}");
}

#[track_caller]
fn strands(flaw: Flaw, bounds: Bounds) {
    let right = progress(&TeamSystem::new(bounds));
    assert!(right.holds(), "{right:?}");
    let found = progress(&TeamSystem::flawed(flaw, bounds));
    assert!(found.stranded > 0, "{found:?}");
}

#[test]
fn control_w1_a_cancelled_task_that_runs_is_rejected() {
    let cancels = Keeping {
        cancels: 1,
        ..Keeping::of(0, 1)
    };
    let why = "W1 a task started that was cancelled or given back";
    comes_to(Flaw::RunsTheCancelled, small(cancels), why);
}

#[test]
fn control_t9_a_void_place_that_keeps_the_end_strands_states() {
    let cancels = Keeping {
        cancels: 1,
        ..Keeping::of(0, 1)
    };
    strands(Flaw::VoidKeepsTheEnd, small(cancels));
}

#[test]
fn control_p1_an_exit_that_lowers_nothing_is_rejected() {
    let mut blocks = Keeping::of(1, 1);
    (blocks.terms.cap, blocks.blocks) = (1, 1);
    let invariant = "P1 no more workers stay";
    breaks(Flaw::ExitLowersNothing, small(blocks), invariant);
}

#[test]
fn control_t9_a_quit_that_admits_none_strands_those_that_wait() {
    let mut queues = Keeping::of(0, 1);
    (queues.terms.bound, queues.queues) = (1, 1);
    strands(Flaw::QuitAdmitsNone, small(queues));
    breaks(Flaw::QuitAdmitsNone, small(queues), "T9 no caller waits");
}

#[test]
fn control_w1_an_abort_that_leaves_work_is_rejected() {
    let aborts = Keeping {
        aborts: 1,
        ..Keeping::of(0, 1)
    };
    let why = "W1 an abort leaves a task that waits";
    comes_to(Flaw::AbortLeavesWork, small(aborts), why);
}

#[test]
fn control_p1_an_expiry_below_the_least_is_rejected() {
    let expires = Keeping {
        expiries: 1,
        ..Keeping::of(1, 1)
    };
    let invariant = "P1 a worker that is missing";
    breaks(Flaw::ExpiresTooMany, small(expires), invariant);
}

#[test]
fn control_p1_a_start_that_asks_for_none_is_rejected() {
    let invariant = "P1 a worker that is missing";
    breaks(Flaw::StartAsksForNone, small(Keeping::of(1, 1)), invariant);
}

#[test]
fn symmetry_leaves_no_state_of_a_pool_that_keeps_sizes_out() {
    let mut all = Keeping::of(1, 1);
    (all.terms.bound, all.terms.cap) = (1, 1);
    (all.queues, all.cancels, all.in_place) = (1, 1, 1);
    (all.blocks, all.expiries) = (1, 1);
    let bounds = Bounds {
        tasks: 3,
        ..small(all)
    };
    same_with_and_without_symmetry(bounds);
}
