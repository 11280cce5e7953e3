//! The search against stateright's tester, which looks for an order by other means and remembers
//! nothing, on random small histories: some that a worker made, some with an answer changed.

use std::fmt::Debug;

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::{History, Object, Op, Ret};
use crate::linear::Event;
use crate::linear::objects::Visit;
use crate::linear::search::Sequential;
use crate::linear::steps::{Action, Step, steps};

/// One of our objects, as stateright wants it: an action can happen, or it cannot.
#[derive(Clone, Debug)]
struct Adapted<S>(S);

impl<S: Sequential> SequentialSpec for Adapted<S> {
    type Op = Action;
    type Ret = bool;

    fn invoke(&mut self, action: &Action) -> bool {
        let mut next = self.0.clone();
        let can = next.take(*action);
        if can {
            self.0 = next;
        }
        can
    }
}

/// What stateright's tester says. Each step is a thread of its own, which calls at the beginning of
/// the step's window and returns at its end.
struct Stateright<'a>(&'a [Step]);

impl Visit for Stateright<'_> {
    type Output = bool;

    fn visit<S: Sequential + Debug>(self, object: S) -> bool {
        let mut tester = LinearizabilityTester::new(Adapted(object));
        let ends = self
            .0
            .iter()
            .map(|step| step.to.unwrap_or(0).max(step.from));
        for at in 0..=ends.max().unwrap_or(0) {
            for (thread, step) in self.0.iter().enumerate() {
                if step.from == at {
                    tester
                        .on_invoke(thread, step.action)
                        .expect("each thread calls once");
                }
            }
            for (thread, step) in self.0.iter().enumerate() {
                if step.to == Some(at) {
                    tester.on_return(thread, true).expect("each call returns");
                }
            }
        }
        tester.is_consistent()
    }
}

/// Xorshift: the same histories in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).expect("it is below n")
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}

/// A worker that takes one step at a time, written apart from the objects: threads call, take effect
/// and return in random turns.
#[derive(Default)]
struct Simulated {
    history: History,
    quit: bool,
    queue: Vec<usize>,
    performing: bool,
    given: usize,
    threads: [Thread; 3],
}

#[derive(Clone, Copy, Default)]
enum Thread {
    #[default]
    Free,
    Called(Op),
    /// A `perform` has taken the task.
    Took(usize),
    Runs(usize),
    Ran(usize),
    Returns(Ret),
}

impl Simulated {
    fn turn(&mut self, thread: usize, may_call: bool, ops: &[Op], random: &mut Random) {
        self.threads[thread] = match self.threads[thread] {
            Thread::Free if may_call => {
                let op = match random.of(ops) {
                    Op::Execute(_) => {
                        self.given += 1;
                        Op::Execute(self.given)
                    }
                    op => op,
                };
                self.history.call(thread, op);
                Thread::Called(op)
            }
            Thread::Free => Thread::Free,
            Thread::Called(op) => self.effect(op),
            Thread::Took(task) => {
                self.history.call(thread, Op::Run(task));
                Thread::Runs(task)
            }
            Thread::Runs(task) => {
                self.history.returned(thread, Ret::Done);
                Thread::Ran(task)
            }
            Thread::Ran(task) => {
                self.performing = false;
                Thread::Returns(Ret::Ran(task))
            }
            Thread::Returns(ret) => {
                self.history.returned(thread, ret);
                Thread::Free
            }
        };
    }

    fn effect(&mut self, op: Op) -> Thread {
        let quit = self.quit;
        Thread::Returns(match op {
            Op::Execute(task) if !quit => {
                self.queue.push(task);
                Ret::Ok
            }
            Op::Execute(_) => Ret::Refused,
            Op::Quit => {
                self.quit = true;
                if quit { Ret::AlreadyQuit } else { Ret::Ok }
            }
            Op::IsSet => Ret::Set(quit),
            _ if self.performing => Ret::Busy,
            _ if !self.queue.is_empty() => {
                self.performing = true;
                return Thread::Took(self.queue.remove(0));
            }
            _ if quit => Ret::Ended,
            _ => Ret::Nothing,
        })
    }

    /// A history of some calls, of which some may not have returned.
    fn history(ops: &[Op], random: &mut Random) -> History {
        let mut simulated = Self::default();
        let mut left = 2 + random.below(4);
        for _ in 0..40 {
            let thread = random.below(3);
            let before = simulated.history.events().len();
            simulated.turn(thread, left > 0, ops, random);
            let called = simulated.history.events().get(before);
            let run = |op: &Op| matches!(op, Op::Run(_));
            left -= usize::from(matches!(called, Some(Event::Call { op, .. }) if !run(op)));
        }
        simulated.history
    }
}

/// The history with one of its answers changed.
fn tampered(history: &History, random: &mut Random) -> History {
    let events = history.events();
    let changed = random.below(events.len());
    let mut copy = History::new();
    for (at, event) in events.iter().enumerate() {
        match *event {
            Event::Call { thread, object, op } => copy.call_on(object, thread, op),
            Event::Return { thread, ret } if at >= changed && ret != Ret::Done => {
                let other = match ret {
                    Ret::Ok => random.of(&[Ret::Refused, Ret::AlreadyQuit, Ret::Ok]),
                    Ret::Refused | Ret::AlreadyQuit => Ret::Ok,
                    Ret::Set(set) => Ret::Set(!set),
                    _ => random.of(&[Ret::Nothing, Ret::Ended, Ret::Busy]),
                };
                copy.returned(thread, if at == changed { other } else { ret });
            }
            Event::Return { thread, ret } => copy.returned(thread, ret),
        }
    }
    copy
}

fn compare(object: Object, ops: &[Op]) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut found = [0, 0];
    for round in 0..3000 {
        let mut history = Simulated::history(ops, &mut random);
        let genuine = round % 2 == 0;
        if !genuine {
            history = tampered(&history, &mut random);
        }
        let steps = steps(history.events(), 0);
        if steps.len() > 9 {
            // stateright's tester tries all orders.
            continue;
        }
        let ours = object.explains(&steps, false);
        assert_eq!(ours, object.with(Stateright(&steps)), "{history:?}");
        assert!(ours || !genuine, "a worker made this: {history:?}");
        found[usize::from(ours)] += 1;
    }
    assert!(
        found.iter().all(|count| *count > 300),
        "few histories of one kind: {found:?}"
    );
}

#[test]
fn w3_w4_the_search_agrees_with_staterights_on_quit_flags() {
    compare(Object::QuitFlag, &[Op::Quit, Op::IsSet]);
}

#[test]
fn w1_w4_w7_the_search_agrees_with_staterights_on_tasks_given_at_once() {
    let ops = [Op::Execute(0), Op::Execute(0), Op::Execute(0), Op::Perform];
    compare(Object::MemoryWorker, &ops);
}

#[test]
fn w1_w4_m1_m2_the_search_agrees_with_staterights_on_memory_workers() {
    let ops = [
        Op::Execute(0),
        Op::Execute(0),
        Op::Quit,
        Op::Perform,
        Op::Perform,
    ];
    compare(Object::MemoryWorker, &ops);
}
