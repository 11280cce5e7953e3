//! The ledger, rule by rule and then enumerated: every state that it can reach with a few tasks and
//! workers, whatever the users ask for, the factory answers and the workers do, in any order.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::VecDeque;

use super::*;

mod enumeration;
mod keeping;
mod search;
mod shortly;

/// In the number of a task: its place in the line is void.
const VOID: u8 = 0x80;

impl Line for VecDeque<u8> {
    type Task = u8;
    type Slot = Option<u8>;
    fn len(&self) -> usize {
        self.len()
    }
    fn push(&mut self, task: u8) {
        self.push_back(task);
    }
    fn put_back(&mut self, task: u8) {
        self.push_front(task);
    }
    fn pop(&mut self) -> Option<u8> {
        self.pop_front()
    }
    fn pop_into(&mut self, slot: &mut Option<u8>) -> bool {
        *slot = self.pop_front();
        slot.is_some()
    }
    fn drop_void(&mut self) -> usize {
        let before = self.len();
        while self.front().is_some_and(|task| task & VOID != 0) {
            self.pop_front();
        }
        before - self.len()
    }
}

type Numbered = Ledger<u8, VecDeque<u8>>;

/// What came of an [`Action`], or of a worker's look, in a form that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Dispatch(u8, u8),
    Create,
    Retire(u8),
    Abandon(u8),
    Refused,
    Admit,
    Idle,
    Finish,
}
use Did::{Abandon, Admit, Create, Dispatch, Finish, Idle, Refused, Retire};

/// How the factory answers, to the end of the list; after that, it is at its limit. Where the ledger keeps
/// the limit, it is asked below that only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Worker,
    AtLimit,
    Failed,
}

/// A ledger whose steps are taken by hand. Workers and tasks are numbered as they come.
struct Bench {
    ledger: Numbered,
    answers: VecDeque<Answer>,
    workers: u8,
    tasks: u8,
}

impl Bench {
    fn new() -> Self {
        Self::of(Ledger::new())
    }

    /// With the least, the most and the cap, and with as many answers as are wanted. It has not begun.
    fn keeping(least: usize, most: usize, cap: usize) -> Self {
        Self::bounded([least, most, cap], usize::MAX)
    }

    /// And so many tasks may wait.
    fn bounded([least, most, cap]: [usize; 3], bound: usize) -> Self {
        let mut bench = Self::of(Ledger::of(Sizes::new(least, most, cap), bound));
        bench.answer(&[Answer::Worker; 99]);
        bench
    }

    fn of(ledger: Numbered) -> Self {
        Self {
            ledger,
            answers: VecDeque::new(),
            workers: 0,
            tasks: 0,
        }
    }

    /// A ledger with `n` workers, numbered from 0, that have a task each, with the same number.
    fn busy(n: u8) -> Self {
        let mut bench = Self::new();
        for task in 0..n {
            bench.answer(&[Answer::Worker]);
            assert_eq!(bench.task(), [Create, Dispatch(task, task)]);
        }
        bench
    }

    /// The same where sizes are kept; of these, `n` are made.
    fn busy_keeping(n: u8, least: usize, most: usize, cap: usize) -> Self {
        let mut bench = Self::keeping(0, most, cap);
        assert_eq!(bench.ask(Event::Start), []);
        for task in 0..n {
            assert_eq!(bench.task(), [Create, Dispatch(task, task)]);
        }
        assert_eq!(bench.ask(Event::Resize(least, most)), []);
        bench
    }

    fn answer(&mut self, answers: &[Answer]) {
        self.answers.extend(answers);
    }

    fn ask(&mut self, event: Event<u8>) -> Vec<Did> {
        assert!(self.ledger.accept(&event), "the team has quit");
        self.apply(event)
    }

    fn task(&mut self) -> Vec<Did> {
        self.tasks += 1;
        self.ask(Event::Arrived(self.tasks - 1))
    }

    fn apply(&mut self, event: Event<u8>) -> Vec<Did> {
        self.ledger.apply(event);
        self.settle(None)
    }

    fn ended(&mut self, worker: u8) -> Vec<Did> {
        self.ledger.apply(Event::Ended);
        self.settle(Some(worker))
    }

    fn withdraw(&mut self, task: u8, event: Event<u8>) -> Vec<Did> {
        let mut places = self.ledger.backlog.iter_mut();
        *places.find(|it| **it == task).unwrap() |= VOID;
        self.apply(event)
    }

    fn cancel(&mut self, task: u8) -> Vec<Did> {
        self.withdraw(task, Event::Cancelled)
    }

    /// What it gives back, and what follows.
    fn abort(&mut self) -> (Vec<u8>, Vec<Did>) {
        assert!(self.ledger.accept(&Event::Abort));
        self.ledger.apply(Event::Abort);
        let given = std::iter::from_fn(|| self.ledger.give_back()).collect();
        (given, self.settle(None))
    }

    /// A worker has rested for long.
    fn expire(&mut self, worker: u8) -> Rest {
        self.ledger.expire(|it| *it == worker)
    }

    fn left(&mut self, n: usize) -> Vec<Did> {
        self.ledger.left(n);
        self.settle(None)
    }

    fn settle(&mut self, mut awake: Option<u8>) -> Vec<Did> {
        let mut all = Vec::new();
        let mut retired = 0;
        loop {
            self.ledger.check();
            if let Some(worker) = awake.take() {
                let did = look(&mut self.ledger, worker);
                retired += usize::from(did == Some(Retire(worker)));
                all.extend(did);
                continue;
            }
            let Some(action) = self.ledger.decide(retired) else {
                self.ledger.check_settled();
                assert_eq!(self.ledger.awake, 0);
                return all;
            };
            match action {
                Action::Call(worker) => awake = Some(worker),
                Action::Create if self.ledger.workers() >= self.ledger.limit() => {
                    self.ledger.made(Made::AtLimit);
                }
                Action::Create => {
                    all.push(Create);
                    let made = match self.answers.pop_front().unwrap_or(Answer::AtLimit) {
                        Answer::Worker => {
                            awake = Some(self.workers);
                            self.workers += 1;
                            Made::Worker
                        }
                        Answer::AtLimit => Made::AtLimit,
                        Answer::Failed => Made::Failed,
                    };
                    self.ledger.made(made);
                }
                Action::Abandon => all.extend(self.ledger.abandon().map(Abandon)),
                Action::Refused => all.push(Refused),
                Action::Finish => all.push(Finish),
                Action::Admit => all.push(Admit),
                Action::Idle => all.push(Idle),
            }
        }
    }
}

/// Looks on the worker's behalf, as the shell does.
fn look(ledger: &mut Numbered, worker: u8) -> Option<Did> {
    match ledger.look() {
        Look::Task(task) => Some(Dispatch(worker, task)),
        Look::Leave => Some(Retire(worker)),
        Look::Nothing => {
            ledger.rest(worker);
            None
        }
    }
}

#[test]
fn t3_grow_makes_at_most_so_many_and_stops_at_the_limit() {
    let mut bench = Bench::new();
    bench.answer(&[Answer::Worker; 3]);
    assert_eq!(bench.ask(Event::Grow(2)), [Create, Create]);
    assert_eq!(bench.ask(Event::Grow(usize::MAX)), [Create, Create]);
    assert_eq!(bench.ledger.statistics().idle, 3);
}

#[test]
fn t3_a_raise_tries_for_the_whole_backlog_and_no_more() {
    let mut bench = Bench::new();
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.task(), [Create]);
    bench.answer(&[Answer::Worker; 9]);
    let raised = bench.ask(Event::Raised);
    assert_eq!(raised, [Create, Dispatch(0, 0), Create, Dispatch(1, 1)]);
}

#[test]
fn t4_new_work_joins_the_end_and_a_lost_worker_s_task_the_front() {
    let mut bench = Bench::busy(2);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.ended(1), [Dispatch(1, 2)]);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.apply(Event::Lost(0)), [Create]);
    assert_eq!(bench.ended(1), [Dispatch(1, 0)]);
    assert_eq!(bench.ended(1), [Dispatch(1, 3)]);
}

#[test]
fn t5_a_debt_is_capped_by_the_workers_there_are() {
    let mut bench = Bench::busy(2);
    assert_eq!(bench.ask(Event::Shrink(Some(9))), []);
    assert_eq!(bench.ask(Event::Shrink(None)), []);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.ended(1), [Retire(1)]);
    bench.answer(&[Answer::Worker]);
    // The debt is paid: a worker made later stays.
    assert_eq!(bench.task(), [Create, Dispatch(2, 2)]);
    assert_eq!(bench.ended(2), []);
    assert_eq!(bench.ledger.statistics().idle, 1);
}

#[test]
fn t5_the_last_worker_stays_while_work_waits_then_leaves() {
    let mut bench = Bench::busy(1);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.ask(Event::Shrink(Some(1))), []);
    assert_eq!(bench.ended(0), [Dispatch(0, 1)]);
    assert_eq!(bench.ended(0), [Retire(0)]);
}

#[test]
fn t5_a_departure_by_debt_under_a_backlog_makes_no_new_worker() {
    let mut bench = Bench::busy(2);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.ask(Event::Shrink(Some(1))), []);
    bench.answer(&[Answer::Worker]);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.ended(1), [Dispatch(1, 2)]);
}

#[test]
fn t5_a_worker_made_by_grow_under_debt_is_quit_at_once() {
    let mut bench = Bench::busy(2);
    assert_eq!(bench.ask(Event::Shrink(Some(1))), []);
    bench.answer(&[Answer::Worker; 2]);
    // The first pays the debt, the second stays.
    assert_eq!(bench.ask(Event::Grow(2)), [Create, Retire(2), Create]);
    assert_eq!(bench.ended(0), []);
}

#[test]
fn t5_a_worker_made_for_a_task_under_debt_runs_it() {
    let mut bench = Bench::busy(1);
    assert_eq!(bench.ask(Event::Shrink(Some(1))), []);
    bench.answer(&[Answer::Worker]);
    assert_eq!(bench.task(), [Create, Dispatch(1, 1)]);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.ended(1), []);
}

#[test]
fn t5_a_quit_voids_the_debt() {
    let mut bench = Bench::busy(2);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.ask(Event::Shrink(None)), []);
    assert_eq!(bench.ask(Event::Quit), []);
    // Both go on until the backlog is done.
    assert_eq!(bench.ended(0), [Dispatch(0, 2)]);
    assert_eq!(bench.ended(1), [Dispatch(1, 3)]);
    assert_eq!(bench.ended(1), [Retire(1)]);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.left(2), [Finish]);
}

#[test]
fn t5_the_idle_are_last_in_first_out() {
    let mut bench = Bench::busy(3);
    for worker in [1, 2, 0] {
        assert_eq!(bench.ended(worker), []);
    }
    assert_eq!(bench.task(), [Dispatch(0, 3)]);
    assert_eq!(bench.ask(Event::Shrink(Some(1))), [Retire(2)]);
    assert_eq!(bench.task(), [Dispatch(1, 4)]);
}

/// Below, the factory is being asked while another step is taken, as under
/// [`TeamLock`](super::super::TeamLock).
fn asked_for_a_task(mut bench: Bench) -> Bench {
    let task = Event::Arrived(bench.tasks);
    bench.tasks += 1;
    assert!(bench.ledger.accept(&task));
    bench.ledger.apply(task);
    assert!(matches!(bench.ledger.decide(0), Some(Action::Create)));
    bench
}

#[test]
fn t3_a_raise_while_the_factory_is_asked_is_not_lost() {
    let mut bench = asked_for_a_task(Bench::new());
    assert_eq!(bench.ask(Event::Raised), []);
    bench.ledger.made(Made::AtLimit);
    bench.answer(&[Answer::Worker]);
    assert_eq!(bench.settle(None), [Create, Dispatch(0, 0)]);
}

#[test]
fn t3_a_limit_that_was_reached_with_a_worker_since_lost_is_asked_again() {
    let mut bench = Bench::busy(1);
    assert_eq!(bench.ended(0), []);
    assert_eq!(bench.task(), [Dispatch(0, 1)]);
    let mut bench = asked_for_a_task(bench);
    assert_eq!(bench.apply(Event::Lost(1)), []);
    bench.ledger.made(Made::AtLimit);
    // For the task that it was asked for, and for the lost worker's.
    bench.answer(&[Answer::Worker, Answer::AtLimit]);
    assert_eq!(bench.settle(None), [Create, Dispatch(1, 1), Create]);
}

#[test]
fn t3_another_task_while_the_factory_is_asked_is_asked_for_by_itself() {
    let mut bench = asked_for_a_task(Bench::new());
    assert_eq!(bench.task(), []);
    bench.ledger.made(Made::AtLimit);
    bench.answer(&[Answer::Worker, Answer::AtLimit]);
    assert_eq!(bench.settle(None), [Create, Dispatch(0, 0), Create]);
}

#[test]
fn t5_the_last_worker_stays_while_another_is_only_being_made() {
    let mut bench = Bench::busy(1);
    assert_eq!(bench.ask(Event::Shrink(Some(1))), []);
    let mut bench = asked_for_a_task(bench);
    assert_eq!(bench.ended(0), [Dispatch(0, 1)]);
    bench.ledger.made(Made::AtLimit);
    assert_eq!(bench.settle(None), []);
    assert_eq!(bench.ended(0), [Retire(0)]);
}

#[test]
fn t6_the_end_waits_for_all_that_is_outstanding() {
    let mut bench = Bench::busy(1);
    let shrink = Event::Shrink(Some(1));
    assert!(bench.ledger.accept(&shrink));
    assert!(bench.ledger.accept(&Event::Arrived(1)));
    assert!(bench.ledger.accept(&Event::Quit));
    assert!(!bench.ledger.accept(&Event::Quit), "a second quit");
    assert!(!bench.ledger.accept(&Event::Arrived(2)), "after the quit");
    assert_eq!(bench.apply(Event::Quit), []);
    // Not while a task is in flight: the worker would be missed.
    assert_eq!(bench.ended(0), []);
    assert_eq!(bench.apply(Event::Arrived(1)), [Dispatch(0, 1)]);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.left(1), []);
    assert_eq!(bench.apply(shrink), [Finish]);
}

#[test]
fn t7_work_is_abandoned_only_after_one_last_try() {
    let mut bench = Bench::new();
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(
        bench.ask(Event::Quit),
        [Create, Abandon(0), Abandon(1), Finish]
    );
}

#[test]
fn t7_a_last_try_that_gives_a_worker_saves_the_backlog() {
    let mut bench = Bench::new();
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.task(), [Create]);
    bench.answer(&[Answer::Worker]);
    assert_eq!(bench.ask(Event::Quit), [Create, Dispatch(0, 0)]);
    assert_eq!(bench.ended(0), [Dispatch(0, 1)]);
    // Nobody else's quits are still to be delivered, so the end may follow at once.
    assert_eq!(bench.ended(0), [Retire(0), Finish]);
}

#[test]
fn t7_a_worker_lost_at_the_end_is_tried_for_once_more() {
    let mut bench = Bench::busy(1);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.ask(Event::Quit), []);
    assert_eq!(bench.ended(0), [Dispatch(0, 1)]);
    let lost = bench.apply(Event::Lost(1));
    assert_eq!(lost, [Create, Create, Abandon(1), Finish]);
}

#[test]
fn t8_a_failure_keeps_the_task_and_the_next_step_tries_again() {
    let mut bench = Bench::new();
    bench.answer(&[Answer::Failed, Answer::Failed, Answer::Worker]);
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.ask(Event::Grow(0)), [Create]);
    assert_eq!(bench.ask(Event::Grow(0)), [Create, Dispatch(0, 0)]);
    assert_eq!(bench.ask(Event::Grow(0)), []);
}

/// A factory whose workers all refuse is asked once a step, not for ever.
#[test]
fn t8_a_fresh_worker_that_refuses_is_a_failed_creation() {
    let mut bench = Bench::new();
    bench.answer(&[Answer::Worker; 9]);
    assert_eq!(bench.task(), [Create, Dispatch(0, 0)]);
    assert_eq!(bench.apply(Event::Lost(0)), [Refused]);
    assert_eq!(
        bench.task(),
        [Create, Dispatch(1, 0), Create, Dispatch(2, 1)]
    );
    // Two at once: the step that takes in the second refusal is no reason to try again.
    assert_eq!(bench.apply(Event::Lost(0)), [Refused]);
    assert_eq!(bench.apply(Event::Lost(1)), [Refused]);
    // What asks next is.
    assert_eq!(bench.ask(Event::Grow(0)), [Create, Dispatch(3, 1)]);
    assert_eq!(bench.apply(Event::Lost(1)), [Refused]);
    assert_eq!(
        bench.ask(Event::Quit),
        [Create, Dispatch(4, 1)],
        "the next step's try"
    );
    assert_eq!(
        bench.apply(Event::Lost(1)),
        [Refused, Create, Dispatch(5, 1)],
        "the last try"
    );
    assert_eq!(
        bench.apply(Event::Lost(1)),
        [Refused, Abandon(1), Abandon(0), Finish]
    );
}

#[test]
fn p1_a_worker_that_counted_as_coming_and_does_not_come_is_asked_for_again() {
    let mut ledger = Numbered::of(Sizes::new(1, 1, 0), usize::MAX);
    let ask = |ledger: &mut Numbered, event: Event<u8>| {
        assert!(ledger.accept(&event));
        ledger.apply(event);
    };
    let asks = |ledger: &mut Numbered| matches!(ledger.decide(0), Some(Action::Create));
    ask(&mut ledger, Event::Start);
    assert!(asks(&mut ledger));
    ledger.made(Made::Worker);
    ask(&mut ledger, Event::Arrived(0));
    assert!(matches!(ledger.look(), Look::Task(0)));
    ask(&mut ledger, Event::Arrived(1));
    assert!(asks(&mut ledger), "for the task");
    // The least is two now. That worker counts as the second; but it was asked for when one was the most.
    ask(&mut ledger, Event::Resize(2, 2));
    ledger.apply(Event::Ended);
    assert!(matches!(ledger.look(), Look::Task(1)));
    assert!(ledger.decide(0).is_none());
    ledger.made(Made::AtLimit);
    assert!(asks(&mut ledger), "for the least");
    ledger.made(Made::Worker);
    assert!(ledger.decide(0).is_none());
    ledger.check_settled();
}

#[test]
fn p1_before_the_start_nobody_is_made() {
    let mut bench = Bench::keeping(2, 3, 0);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.ask(Event::Grow(2)), []);
    assert_eq!(bench.ask(Event::Resize(1, 2)), []);
    assert_eq!((bench.ledger.workers(), bench.ledger.limit()), (0, 0));
}

#[test]
fn p1_a_start_makes_the_least_and_more_for_what_waits() {
    let mut bench = Bench::keeping(2, 9, 0);
    assert_eq!(bench.ask(Event::Start), [Create, Create]);
    assert_eq!(bench.ask(Event::Start), [], "twice is as good as once");

    let mut bench = Bench::keeping(2, 3, 0);
    for _ in 0..4 {
        assert_eq!(bench.task(), []);
    }
    let starts = bench.ask(Event::Start);
    let dispatches = |n| [Create, Dispatch(n, n)];
    assert_eq!(starts, [0, 1, 2].map(dispatches).concat());
}

#[test]
fn p1_a_resize_is_to_a_target() {
    let mut bench = Bench::keeping(1, 4, 0);
    assert_eq!(bench.ask(Event::Start), [Create]);
    assert_eq!(bench.ask(Event::Resize(3, 4)), [Create, Create]);
    assert_eq!(bench.ask(Event::Resize(3, 4)), []);
    assert_eq!(bench.task(), [Dispatch(2, 0)]);
    // Of those too many, who rests leaves now, and who is busy later.
    assert_eq!(bench.ask(Event::Resize(0, 1)), [Retire(1), Retire(0)]);
    assert_eq!(bench.left(2), []);
    assert_eq!(bench.ask(Event::Resize(0, 1)), []);
    assert_eq!(bench.ended(2), []);
    assert_eq!(bench.ledger.workers(), 1);
}

#[test]
fn p1_a_higher_most_wakes_what_waits() {
    let mut bench = Bench::busy_keeping(1, 0, 1, 0);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.task(), []);
    let raised = bench.ask(Event::Resize(0, 2));
    assert_eq!(raised, [Create, Dispatch(1, 1)]);
}

#[test]
fn p1_a_resize_forgives_those_that_are_missing_and_makes_only_the_others() {
    let mut bench = Bench::busy_keeping(3, 0, 3, 0);
    assert_eq!(bench.ask(Event::Resize(1, 1)), []);
    assert_eq!(bench.ledger.debt, 2);
    assert_eq!(bench.ask(Event::Resize(2, 4)), [], "one of them stays");
    assert_eq!(bench.ask(Event::Resize(4, 4)), [Create]);
    for worker in [0, 1, 2] {
        assert_eq!(bench.ended(worker), []);
    }
    assert_eq!(bench.ledger.workers(), 4);
}

#[test]
fn p1_who_owes_to_leave_stays_for_what_waits_if_there_is_room_again() {
    let mut bench = Bench::busy_keeping(2, 0, 2, 0);
    assert_eq!(bench.ask(Event::Resize(0, 1)), []);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.ask(Event::Resize(0, 2)), []);
    assert_eq!(bench.ended(0), [Dispatch(0, 2)]);
    assert_eq!(bench.ended(0), []);
    assert_eq!(bench.ended(1), []);
}

#[test]
fn p1_a_shrink_leaves_the_least() {
    let mut bench = Bench::busy_keeping(3, 1, 3, 0);
    assert_eq!(bench.ask(Event::Shrink(Some(9))), []);
    assert_eq!(bench.ask(Event::Shrink(None)), []);
    assert_eq!(bench.ledger.debt, 2);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.ended(1), [Retire(1)]);
    assert_eq!(bench.ended(2), []);
    assert_eq!(bench.ask(Event::Shrink(None)), []);
}

#[test]
fn p1_a_worker_that_is_made_when_the_most_has_fallen_leaves() {
    let mut bench = Bench::busy_keeping(1, 0, 2, 0);
    let task = Event::Arrived(1);
    assert!(bench.ledger.accept(&task));
    bench.ledger.apply(task);
    assert!(matches!(bench.ledger.decide(0), Some(Action::Create)));
    assert_eq!(bench.ask(Event::Resize(0, 1)), []);
    bench.ledger.made(Made::Worker);
    // It is as good as the other for the task; one of them owes to leave.
    assert_eq!(bench.settle(Some(1)), [Dispatch(1, 1)]);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.ended(1), []);
}

#[test]
fn t1_one_that_blocks_counts_apart_up_to_the_cap() {
    let mut bench = Bench::busy_keeping(2, 0, 2, 1);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.ask(Event::Enter), [Create, Dispatch(2, 2)]);
    assert_eq!(bench.ask(Event::Enter), [], "the cap is one");
    assert_eq!(bench.ledger.limit(), 3);
    // The cap still counts for the other.
    assert_eq!(bench.ask(Event::Exit), []);
    assert_eq!((bench.ledger.limit(), bench.ledger.debt), (3, 0));
    assert_eq!(bench.ask(Event::Exit), []);
    assert_eq!((bench.ledger.limit(), bench.ledger.debt), (2, 1));
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.ended(1), [Dispatch(1, 3)]);
}

#[test]
fn t1_an_exit_lets_one_that_rests_leave_at_once() {
    let mut bench = Bench::busy_keeping(1, 0, 1, 1);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.ask(Event::Enter), [Create, Dispatch(1, 1)]);
    assert_eq!(bench.ended(1), []);
    assert_eq!(bench.ask(Event::Exit), [Retire(1)]);
}

/// One that blocks may wait for the very task that waits.
#[test]
fn t5_the_last_that_does_not_block_stays_while_work_waits() {
    let mut bench = Bench::busy_keeping(2, 0, 2, 1);
    assert_eq!(bench.ask(Event::Enter), []);
    assert_eq!(bench.ask(Event::Shrink(None)), []);
    assert_eq!(bench.ledger.debt, 2);
    bench.answers.clear();
    assert_eq!(bench.task(), [Create]);
    assert_eq!(bench.ended(0), [Dispatch(0, 2)]);
    assert_eq!(bench.ended(0), [Retire(0)]);
}

#[test]
fn t6_one_may_block_while_all_drains() {
    let mut bench = Bench::busy_keeping(1, 1, 1, 1);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.ask(Event::Quit), []);
    assert_eq!(bench.ask(Event::Enter), [Create, Dispatch(1, 1)]);
    assert_eq!(bench.ended(1), [Retire(1)]);
    assert_eq!(bench.left(1), []);
    assert_eq!(bench.ask(Event::Exit), []);
    assert_eq!(bench.ended(0), [Retire(0), Finish]);
}

#[test]
fn p1_after_a_failure_the_next_step_asks_for_all_that_are_missing() {
    let mut bench = Bench::keeping(3, 3, 0);
    bench.answers.push_front(Answer::Failed);
    assert_eq!(bench.ask(Event::Start), [Create], "it fails");
    assert_eq!(bench.ask(Event::Raised), [Create, Create, Create]);
    assert_eq!(bench.ask(Event::Raised), []);
}

#[test]
fn p1_one_that_has_died_is_replaced() {
    let mut bench = Bench::busy_keeping(1, 1, 1, 0);
    // It has ended a task, and is awake.
    bench.ledger.apply(Event::Ended);
    assert!(bench.ledger.decide(0).is_none());
    assert_eq!(bench.apply(Event::Gone), [Create]);
    assert_eq!(bench.ledger.workers(), 1);
}

/// A ledger of two workers of which one owes to leave: one has a task, the other is about to look for its
/// own.
fn one_of_two_owes() -> Bench {
    let mut bench = Bench::busy_keeping(2, 2, 2, 0);
    bench.ledger.apply(Event::Ended);
    assert!(bench.ledger.decide(0).is_none());
    let task = Event::Arrived(2);
    assert!(bench.ledger.accept(&task));
    bench.ledger.apply(task);
    assert!(bench.ledger.decide(0).is_none());
    assert!(bench.ledger.accept(&Event::Resize(1, 1)));
    bench.ledger.apply(Event::Resize(1, 1));
    assert!(bench.ledger.decide(0).is_none());
    assert_eq!((bench.ledger.debt, bench.ledger.awake), (1, 1));
    bench
}

/// Who was left paid its debt, and nobody was there.
#[test]
fn p1_one_that_owes_to_leave_stays_for_one_that_has_died() {
    let mut bench = one_of_two_owes();
    assert_eq!(bench.apply(Event::Gone), [], "the limit is reached");
    assert_eq!(bench.ended(0), [Dispatch(0, 2)]);
    assert_eq!(bench.ended(0), []);
    assert_eq!(bench.ledger.workers(), 1);

    // If its death counts as a failure, from the next step on.
    let mut bench = one_of_two_owes();
    bench.ledger.unproven = true;
    assert_eq!(bench.apply(Event::Gone), [Refused]);
    assert_eq!(bench.ended(0), [Dispatch(0, 2)]);
    assert_eq!(bench.ended(0), []);
    assert_eq!(bench.ledger.workers(), 1);
}

/// It stayed, and rested, for as long as nothing came.
#[test]
fn t5_one_that_owes_to_leave_does_so_when_its_task_is_withdrawn() {
    for event in [Event::Cancelled, Event::InPlace] {
        let mut bench = one_of_two_owes();
        assert!(bench.ledger.accept(&Event::Resize(0, 1)));
        bench.ledger.apply(Event::Resize(0, 1));
        assert!(bench.ledger.accept(&Event::Shrink(None)));
        bench.ledger.apply(Event::Shrink(None));
        assert_eq!(bench.ledger.debt, 2);
        bench.ledger.backlog[0] |= VOID;
        bench.ledger.apply(event);
        assert_eq!((bench.ledger.debt, bench.ledger.dismissed), (1, 1));
        assert_eq!(bench.settle(Some(1)), [Retire(1)]);
        assert_eq!(bench.ended(0), [Retire(0)]);
    }
}

#[test]
fn p1_who_rests_for_long_leaves_unless_it_is_needed() {
    let mut bench = Bench::busy_keeping(3, 1, 3, 0);
    for worker in [0, 1, 2] {
        assert_eq!(bench.expire(worker), Rest::Called, "it does not rest");
        assert_eq!(bench.ended(worker), []);
    }
    // Any that rests may, not the last alone.
    assert_eq!(bench.expire(1), Rest::Leaves);
    assert_eq!(bench.ledger.statistics().leaving, 1);
    assert_eq!(bench.left(1), []);
    assert_eq!(bench.expire(0), Rest::Leaves);
    assert_eq!(bench.left(1), []);
    assert_eq!(bench.expire(2), Rest::Stays, "it is the least");
    assert_eq!(bench.task(), [Dispatch(2, 3)]);
    assert_eq!(bench.ask(Event::Resize(0, 3)), []);
    assert_eq!(bench.ended(2), []);
    assert_eq!(bench.expire(2), Rest::Leaves);
}

#[test]
fn p1_who_rests_for_long_stays_for_what_waits_and_for_the_end() {
    let mut bench = Bench::busy_keeping(2, 0, 2, 0);
    for worker in [0, 1] {
        assert_eq!(bench.ended(worker), []);
    }
    for task in [2, 3] {
        assert!(bench.ledger.accept(&Event::Arrived(task)));
        bench.ledger.apply(Event::Arrived(task));
    }
    let Some(Action::Call(1)) = bench.ledger.decide(0) else {
        panic!("nobody was called");
    };
    assert_eq!(bench.expire(1), Rest::Called);
    assert_eq!(bench.expire(0), Rest::Stays, "work waits");
    assert_eq!(bench.settle(Some(1)), [Dispatch(1, 2), Dispatch(0, 3)]);
    assert_eq!(bench.ended(0), []);
    assert!(bench.ledger.accept(&Event::Quit));
    bench.ledger.apply(Event::Quit);
    assert_eq!(bench.expire(0), Rest::Stays, "it is about to be called");
    assert_eq!(bench.settle(None), [Retire(0)]);
}

#[test]
fn w1_a_cancelled_task_is_gone_at_once_wherever_it_was() {
    for cancelled in 1..=3 {
        let mut bench = Bench::busy_keeping(1, 0, 1, 0);
        for _ in 1..=3 {
            assert_eq!(bench.task(), []);
        }
        assert_eq!(bench.cancel(cancelled), []);
        let now = bench.ledger.statistics();
        assert_eq!((now.backlogged, now.cancelled), (2, 1));
        for task in (1..=3).filter(|task| *task != cancelled) {
            assert_eq!(bench.ended(0), [Dispatch(0, task)]);
        }
        assert_eq!(bench.ended(0), []);
        assert_eq!(bench.ledger.statistics().done, 3);
    }
}

#[test]
fn t6_void_places_keep_nothing_from_ending() {
    let mut bench = Bench::busy_keeping(1, 0, 1, 0);
    for _ in 1..=3 {
        assert_eq!(bench.task(), []);
    }
    assert_eq!(bench.ask(Event::Quit), []);
    for task in [2, 3, 1] {
        assert_eq!(bench.cancel(task), []);
    }
    assert!(bench.ledger.backlog.is_empty(), "what is void is kept");
    assert_eq!(bench.ended(0), [Retire(0), Finish]);
}

/// And the short ways of a flood are closed as long as there are void places.
#[test]
fn w1_a_short_end_gives_nobody_a_void_place() {
    let mut bench = Bench::busy_keeping(1, 0, 1, 0);
    for _ in 1..=3 {
        assert_eq!(bench.task(), []);
    }
    assert!(bench.ledger.calm);
    assert_eq!(bench.cancel(2), []);
    let mut next = None;
    assert!(!bench.ledger.end_shortly(&mut next));
    assert_eq!(bench.ended(0), [Dispatch(0, 1)]);
    assert!(bench.ledger.end_shortly(&mut next));
    assert_eq!(next, Some(3));
}

#[test]
fn t6_the_end_waits_for_what_runs_in_place() {
    let mut bench = Bench::busy_keeping(1, 0, 1, 0);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.withdraw(1, Event::InPlace), []);
    let now = bench.ledger.statistics();
    assert_eq!((now.in_place, now.backlogged, now.busy), (1, 0, 1));
    assert_eq!(bench.ask(Event::Quit), []);
    assert_eq!(bench.ended(0), [Retire(0)]);
    assert_eq!(bench.left(1), []);
    assert_eq!(bench.apply(Event::EndedInPlace), [Finish]);
    assert_eq!(bench.ledger.statistics().done, 2);
}

#[test]
fn w1_an_abort_gives_back_what_waits_in_order() {
    let mut bench = Bench::busy_keeping(1, 1, 1, 0);
    for _ in 1..=4 {
        assert_eq!(bench.task(), []);
    }
    assert_eq!(bench.cancel(3), []);
    assert_eq!(bench.abort(), (vec![1, 2, 4], vec![]));
    let now = bench.ledger.statistics();
    assert_eq!((now.returned, now.cancelled, now.busy), (3, 1, 1));
    assert!(!bench.ledger.accept(&Event::Arrived(5)), "it has quit");
    assert_eq!(bench.abort(), (vec![], vec![]), "a second time");
    assert_eq!(bench.ended(0), [Retire(0), Finish]);
    assert!(!bench.ledger.accept(&Event::Abort), "after the end");
}

#[test]
fn w1_an_abort_after_a_quit_gives_back_what_waits() {
    let mut bench = Bench::busy_keeping(1, 1, 1, 0);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.ask(Event::Quit), []);
    assert_eq!(bench.abort(), (vec![1], vec![]));
    assert_eq!(bench.ended(0), [Retire(0), Finish]);
}

#[test]
fn w1_an_abort_of_what_never_began_gives_all_back_and_ends() {
    let mut bench = Bench::keeping(2, 3, 0);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.abort(), (vec![0, 1], vec![Finish]));
}

#[test]
fn p1_only_what_waits_takes_room() {
    let mut bench = Bench::bounded([0, 1, 0], 2);
    // Before the start, all that comes waits.
    assert_eq!(bench.task(), []);
    assert!(bench.ledger.has_room());
    assert_eq!(bench.task(), []);
    assert!(!bench.ledger.has_room());
    assert_eq!(bench.ask(Event::Start), [Create, Dispatch(0, 0)]);
    assert!(bench.ledger.has_room());
    assert_eq!(bench.task(), []);
    assert!(!bench.ledger.has_room());
    assert_eq!(bench.cancel(1), []);
    assert!(bench.ledger.has_room());
    assert_eq!(bench.ended(0), [Dispatch(0, 2)]);
    assert_eq!(bench.ended(0), []);
    // One that rests is room, too.
    for _ in 0..2 {
        bench.tasks += 1;
        assert!(bench.ledger.accept(&Event::Arrived(bench.tasks)));
        bench.ledger.apply(Event::Arrived(bench.tasks));
    }
    assert_eq!(bench.ledger.statistics().backlogged, 1);
    assert!(bench.ledger.has_room());
}

/// Another that comes does not take the room of one that was called for it.
#[test]
fn t9_room_is_kept_for_who_was_admitted() {
    let mut bench = Bench::bounded([0, 1, 0], 1);
    assert_eq!(bench.ask(Event::Start), []);
    assert_eq!(bench.task(), [Create, Dispatch(0, 0)]);
    assert_eq!(bench.task(), []);
    bench.ledger.queue();
    bench.ledger.queue();
    assert_eq!(bench.settle(None), []);
    assert_eq!(bench.ended(0), [Dispatch(0, 1), Admit]);
    assert!(!bench.ledger.has_room());
    // The first is back, and then the second has room.
    bench.ledger.readmit();
    assert_eq!(bench.task(), []);
    assert_eq!(bench.cancel(2), [Admit]);
    assert!(!bench.ledger.has_room());
    bench.ledger.readmit();
    assert_eq!(bench.task(), []);
}

/// By a quit or an abort, by a resize, and by all else that makes room.
#[test]
fn t9_a_caller_that_queues_is_called_by_whatever_makes_room() {
    type Makes = fn(&mut Bench) -> Vec<Did>;
    let all: [(Makes, &[Did]); 6] = [
        (|bench| bench.ask(Event::Quit), &[Admit]),
        (|bench| bench.abort().1, &[Admit]),
        (|bench| bench.cancel(1), &[Admit]),
        (|bench| bench.withdraw(1, Event::InPlace), &[Admit]),
        (
            |bench| bench.ask(Event::Resize(0, 2)),
            &[Create, Dispatch(1, 1), Admit],
        ),
        (
            |bench| bench.ask(Event::Enter),
            &[Create, Dispatch(1, 1), Admit],
        ),
    ];
    for (makes_room, expected) in all {
        let mut bench = Bench::bounded([0, 1, 1], 1);
        assert_eq!(bench.ask(Event::Start), []);
        assert_eq!(bench.task(), [Create, Dispatch(0, 0)]);
        assert_eq!(bench.task(), []);
        bench.ledger.queue();
        assert_eq!(makes_room(&mut bench), expected);
    }
}

/// The short way of an end made room without a word.
#[test]
fn t9_no_short_end_while_a_caller_queues() {
    let mut bench = Bench::bounded([0, 1, 0], 1);
    assert_eq!(bench.ask(Event::Start), []);
    assert_eq!(bench.task(), [Create, Dispatch(0, 0)]);
    assert_eq!(bench.task(), []);
    assert!(bench.ledger.calm);
    bench.ledger.queue();
    assert!(!bench.ledger.end_shortly(&mut None));
}

#[test]
fn t9_who_waits_for_the_rest_is_called_when_nothing_waits_or_runs() {
    let mut bench = Bench::busy_keeping(1, 0, 1, 0);
    assert_eq!(bench.task(), []);
    assert!(bench.ledger.await_idle());
    assert!(bench.ledger.await_idle());
    assert_eq!(bench.withdraw(1, Event::InPlace), []);
    assert_eq!(bench.ended(0), []);
    assert_eq!(bench.apply(Event::EndedInPlace), [Idle]);
    assert!(!bench.ledger.await_idle(), "it is so");

    // What is given back waits no more.
    let mut bench = Bench::keeping(0, 1, 0);
    assert_eq!(bench.task(), []);
    assert!(bench.ledger.await_idle());
    assert_eq!(bench.abort(), (vec![0], vec![Idle, Finish]));
}

#[test]
fn w1_a_task_is_in_the_line_by_its_number() {
    for before in [0, usize::MAX - 1, usize::MAX] {
        let mut bench = Bench::busy_keeping(1, 0, 1, 0);
        // As if so many had come and gone, which may wrap around.
        bench.ledger.accepted = bench.ledger.accepted.wrapping_add(before);
        bench.ledger.done = before;
        let first = bench.ledger.serial();
        assert!(!bench.ledger.is_in_line(first), "it runs");
        let serials: Vec<_> = (1..=3)
            .map(|_| {
                assert_eq!(bench.task(), []);
                bench.ledger.serial()
            })
            .collect();
        let in_line = |bench: &Bench| -> Vec<bool> {
            let serials = serials.iter();
            serials.map(|it| bench.ledger.is_in_line(*it)).collect()
        };
        assert_eq!(in_line(&bench), [true; 3]);
        assert!(!bench.ledger.is_in_line(serials[2].wrapping_add(1)));
        // Its place is void, and there until it comes first.
        assert_eq!(bench.cancel(2), []);
        assert_eq!(in_line(&bench), [true; 3]);
        assert_eq!(bench.ended(0), [Dispatch(0, 1)]);
        assert_eq!(in_line(&bench), [false, false, true]);
        assert_eq!(bench.cancel(3), []);
        assert_eq!(in_line(&bench), [false; 3]);
    }
}

#[test]
fn high_water_marks_stay() {
    let mut bench = Bench::busy_keeping(2, 0, 2, 1);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.task(), []);
    assert_eq!(bench.ask(Event::Enter), [Create, Dispatch(2, 2)]);
    assert_eq!(bench.cancel(3), []);
    assert_eq!(bench.ask(Event::Exit), []);
    for worker in [0, 1, 2] {
        bench.ended(worker);
    }
    assert_eq!(
        bench.ledger.workers() - bench.ledger.statistics().leaving,
        2
    );
    let peaks = bench.ledger.peaks();
    assert_eq!((peaks.workers, peaks.waiting), (3, 2));
}
