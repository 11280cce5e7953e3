//! The ledger, rule by rule and then enumerated: every state that it can reach with a few tasks and
//! workers, whatever the users ask for, the factory answers and the workers do, in any order.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::VecDeque;

use super::*;

mod enumeration;
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
    Finish,
}
use Did::{Abandon, Create, Dispatch, Finish, Refused, Retire};

/// How the factory answers, to the end of the list; after that, it is at its limit.
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
        Self {
            ledger: Ledger::new(),
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
                Action::Admit | Action::Idle => unreachable!("no caller waits"),
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
