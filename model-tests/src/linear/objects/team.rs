//! The team, as far as calls and runs tell: it is not seen which worker has which task.
//!
//! Properties: W1, W2, W3, W4; T1 (no more tasks run at a time, and no more workers are counted, than
//! there may be workers); T2 (the numbers); T3 (none says that one idles while work waits); T4 (with one worker: first in, first out); T7 (a task is
//! given up only after a quit, and never runs).
//!
//! # The numbers
//! Exactly the tasks accepted so far are counted as accepted, and they are all somewhere. A task is
//! counted as busy before it starts, as done after it has ended, and as abandoned before its owner is
//! handed it. What is counted as done or abandoned stays so. None of this is another for a pool, whose
//! numbers are those of the moment: a task that is promised to a worker counts as busy.

use std::collections::{BTreeSet, VecDeque};

use super::gate::{Gate, agrees};
use crate::linear::history::{Numbers, Op, Ret};
use crate::linear::search::Sequential;
use crate::linear::steps::Action;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(in crate::linear) struct Team {
    limit: usize,
    in_order: bool,
    gate: Gate,
    /// Oldest first where the order matters, by number where it does not: then states that differ
    /// only in the order are one.
    waiting: VecDeque<usize>,
    running: BTreeSet<usize>,
    ended: usize,
    /// Tasks that the owner was handed.
    handed: usize,
    /// What the numbers said last.
    said_done: usize,
    said_abandoned: usize,
}

impl Team {
    pub(super) fn new(limit: usize, in_order: bool) -> Self {
        Self {
            limit,
            in_order,
            gate: Gate::default(),
            waiting: VecDeque::new(),
            running: BTreeSet::new(),
            ended: 0,
            handed: 0,
            said_done: 0,
            said_abandoned: 0,
        }
    }

    fn accept(&mut self, task: usize) {
        let at = if self.in_order {
            self.waiting.len()
        } else {
            self.waiting.partition_point(|other| *other < task)
        };
        self.waiting.insert(at, task);
    }

    fn start(&mut self, task: usize) -> bool {
        let at = self.waiting.iter().position(|other| *other == task);
        let next = at.filter(|at| !self.in_order || *at == 0);
        let can = next.is_some() && self.running.len() < self.limit;
        if let Some(at) = next {
            self.waiting.remove(at);
            self.running.insert(task);
        }
        can
    }

    fn hand_back(&mut self, task: usize) -> bool {
        let at = self.waiting.iter().position(|other| *other == task);
        self.handed += 1;
        self.gate.quit && at.and_then(|at| self.waiting.remove(at)).is_some()
    }

    fn may_say(&mut self, now: Numbers) -> bool {
        let started = self.running.len() + self.ended;
        let accepted = self.waiting.len() + started + self.handed;
        let somewhere = now.in_flight + now.backlogged + now.busy + now.done + now.abandoned;
        let may = now.accepted == accepted
            && somewhere == accepted
            && started <= now.busy + now.done
            && (self.said_done..=self.ended).contains(&now.done)
            && now.abandoned >= self.said_abandoned.max(self.handed)
            && (now.abandoned == 0 || self.gate.quit)
            && (now.idle == 0 || now.backlogged == 0)
            && now.idle + now.busy <= self.limit;
        self.said_done = now.done;
        self.said_abandoned = now.abandoned;
        may
    }
}

impl Sequential for Team {
    fn take(&mut self, action: Action) -> bool {
        match action {
            Action::Call(Op::Execute(task), ret) => {
                let answer = self.gate.offered();
                if answer == Ret::Ok {
                    self.accept(task);
                }
                agrees(ret, answer)
            }
            Action::Call(Op::Grow(_) | Op::Shrink(_) | Op::LimitRaised, ret) => {
                agrees(ret, self.gate.asked())
            }
            Action::Call(Op::Statistics, ret) => match ret {
                Some(Ret::Numbers(now)) => self.may_say(now),
                other => other.is_none(),
            },
            Action::Call(Op::Abandoned(task), _) => self.hand_back(task),
            Action::Call(op, ret) => self.gate.take(op, ret),
            Action::Start(task) => self.start(task),
            Action::End(task) => {
                self.ended += 1;
                self.running.remove(&task)
            }
            Action::Take(_) | Action::Release(_) => false,
        }
    }

    fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.running.is_empty()
    }

    fn is_in_order(&self) -> bool {
        self.in_order
    }
}
