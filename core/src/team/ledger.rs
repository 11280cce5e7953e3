//! The ledger: who is idle, who is busy, what waits, and what follows from that.
//!
//! Plain sequential data. [`Ledger::apply`] takes in what happened, [`Ledger::decide`] gives out what
//! to do next, one action at a time, until there is none. It takes no locks and calls no closures, so
//! it can be enumerated, fuzzed and proved. `W` is a worker, `T` a task; the ledger only moves them.
//!
//! # State
//!
//! | `phase` | new work | workers | next |
//! |---|---|---|---|
//! | `Running` | accepted | stay, unless shrunk | `Quitting`, by a quit |
//! | `Quitting` | refused | leave when no work waits or is in flight | `Ended`, when nothing is outstanding |
//! | `Ended` | refused | none | – |
//!
//! The numbers of workers: `idle` (here), `busy` (out with a task), `making` (one is being made),
//! `leaving` (retired, and not yet counted as told to quit). `debt` busy workers shall leave when
//! their task ends. `tries` and `growing` are how often a worker may still be asked for, for the
//! backlog and for a `grow`.
//!
//! Only the shell touches a ledger, under its mutex.
//!
//! # Invariants
//! Checked by [`Ledger::check`] at every step in debug builds, and by the enumeration below.
//! - T1 *limit*: a worker is asked for one at a time, with the numbers as they then are. One that is
//!   leaving counts until it was told to quit.
//! - T2 *conservation*: accepted = in flight + backlog + busy + done + abandoned; a task for which
//!   a worker is being made stays in the backlog.
//! - T3 *work conserving*: settled, no worker idles while work waits; T3 also lists when one is
//!   asked for.
//! - T4 *order*: the backlog is first in, first out, and new work joins its end.
//! - T5 *sizing*: settled, `debt` ≤ busy; the last worker never leaves while work waits; the idle are last in,
//!   first out.
//! - T6 *quit*: `Finish` is given once, with nothing idle, busy, being made, waiting, in flight or
//!   leaving.
//! - T7 *nothing silent*: work is abandoned only while quitting, with no worker and no try left.
//! - T8 *creation and refusal*: a failure loses nothing and grants a try to the next step; a lost
//!   worker's task goes to the front.

use std::collections::VecDeque;

use super::statistics::Statistics;

/// What happened.
pub(super) enum Event<W, T> {
    /// A task came.
    Arrived(T),
    /// Make up to this many workers.
    Grow(usize),
    /// Lose this many workers, or all.
    Shrink(Option<usize>),
    /// The factory's limit may have risen.
    Raised,
    /// Accept no more, finish, and end.
    Quit,
    /// A worker's task ended.
    Ended(W),
    /// A worker refused its task or dropped it; the worker is gone, the task is here.
    Lost(T),
}

/// What a request for a worker came to.
pub(super) enum Made<W> {
    /// A worker.
    Worker(W),
    /// The limit is reached.
    AtLimit,
    /// It failed.
    Failed,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Action<W, T> {
    /// Give the task to the worker.
    Dispatch(W, T),
    /// Ask the factory for a worker, and tell [`Ledger::made`].
    Create(Statistics),
    /// Quit the worker, and tell [`Ledger::left`].
    Retire(W),
    /// Hand the task to the owner: it can never run.
    Abandon(T),
    /// Tell the owner that a worker which refused its first task counts as a failed creation.
    Refused,
    /// Quit the coordinator.
    Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Running,
    Quitting,
    Ended,
}

/// Why the factory is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reason {
    Work,
    Growth,
    LastTry,
}

#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
pub(super) struct Ledger<W, T> {
    /// Set when a quit is accepted, which may be before its step: nothing is accepted from then on.
    closed: bool,
    phase: Phase,
    idle: Vec<W>,
    backlog: VecDeque<T>,
    busy: usize,
    /// The factory is being asked, and why.
    making: Option<Reason>,
    /// Since the factory was asked, the limit was raised, a worker left, or another was wanted: if it
    /// answers that there are enough, that may no longer be so, or not be the answer to all.
    outdated: bool,
    /// The factory answered that there are enough while some are leaving: it is not asked again
    /// before one has left.
    blocked: bool,
    leaving: usize,
    /// Idle workers, from the top, that shall leave now.
    dismissed: usize,
    debt: usize,
    tries: usize,
    growing: usize,
    /// The last creation failed: the next step that finds work waiting tries again.
    retry: bool,
    /// No task has ended since a worker was made: losing one now counts as a failed creation, or a
    /// factory of workers that refuse would be asked for ever.
    unproven: bool,
    refused: bool,
    last_tried: bool,
    /// Tasks accepted and not yet seen by a step, and other requests.
    in_flight: usize,
    asked: usize,
    accepted: usize,
    done: usize,
    abandoned: usize,
}

impl<W, T> Ledger<W, T> {
    pub(super) fn new() -> Self {
        Self {
            closed: false,
            phase: Phase::Running,
            idle: Vec::new(),
            backlog: VecDeque::new(),
            busy: 0,
            making: None,
            outdated: false,
            blocked: false,
            leaving: 0,
            dismissed: 0,
            debt: 0,
            tries: 0,
            growing: 0,
            retry: false,
            unproven: false,
            refused: false,
            last_tried: false,
            in_flight: 0,
            asked: 0,
            accepted: 0,
            done: 0,
            abandoned: 0,
        }
    }

    /// Accepts what a user asks for, or says no, after a quit. What is accepted has to be applied or
    /// withdrawn.
    pub(super) fn accept(&mut self, event: &Event<W, T>) -> bool {
        if self.closed {
            return false;
        }
        match event {
            Event::Arrived(_) => {
                self.in_flight += 1;
                self.accepted = self.accepted.wrapping_add(1);
            }
            Event::Quit => {
                self.asked += 1;
                self.closed = true;
            }
            _ => self.asked += 1,
        }
        true
    }

    /// Takes an acceptance back: the coordinator refused it. Not for a quit, which stands.
    pub(super) fn withdraw(&mut self, event: &Event<W, T>) {
        if let Event::Arrived(_) = event {
            self.in_flight -= 1;
            self.accepted = self.accepted.wrapping_sub(1);
        } else {
            self.asked -= 1;
        }
    }

    /// Takes in what happened; what a user asked for was accepted before.
    pub(super) fn apply(&mut self, event: Event<W, T>) {
        // Not by a loss, which may itself be what the retry is for: that would go on for ever.
        if self.retry && !matches!(event, Event::Lost(_)) {
            self.retry = false;
            self.tries += 1;
        }
        match &event {
            Event::Arrived(_) => self.in_flight -= 1,
            Event::Ended(_) | Event::Lost(_) => self.busy -= 1,
            _ => self.asked -= 1,
        }
        match event {
            Event::Arrived(task) => {
                self.backlog.push_back(task);
                if self.idle.is_empty() {
                    self.tries += 1;
                    self.outdated = true;
                }
            }
            Event::Grow(n) if self.phase == Phase::Running => {
                self.growing = self.growing.saturating_add(n);
                self.outdated = true;
            }
            Event::Shrink(n) if self.phase == Phase::Running => {
                let n = n.unwrap_or(usize::MAX);
                self.dismissed = n.min(self.idle.len());
                let owed = self.debt.saturating_add(n - self.dismissed);
                self.debt = owed.min(self.busy);
            }
            Event::Grow(_) | Event::Shrink(_) => {}
            Event::Raised => {
                self.outdated = true;
                self.tries = self.backlog.len();
            }
            Event::Quit => {
                self.phase = Phase::Quitting;
                self.debt = 0;
                self.growing = 0;
            }
            Event::Ended(worker) => {
                self.done = self.done.wrapping_add(1);
                self.unproven = false;
                self.last_tried = false;
                // One that is only being made may yet not be had.
                let another = self.busy > 0;
                if self.debt > 0 && (self.backlog.is_empty() || another) {
                    self.debt -= 1;
                    self.dismissed = 1;
                }
                self.idle.push(worker);
            }
            Event::Lost(task) => {
                self.outdated = true;
                self.debt = self.debt.min(self.busy);
                self.backlog.push_front(task);
                if self.unproven {
                    self.refused = true;
                    self.retry = true;
                } else {
                    self.tries += 1;
                }
            }
        }
    }

    /// Takes in what came of an [`Action::Create`].
    pub(super) fn made(&mut self, made: Made<W>) {
        let reason = self.making.take();
        match made {
            Made::Worker(worker) => {
                self.unproven = true;
                self.idle.push(worker);
                if self.backlog.is_empty() && self.debt > 0 {
                    self.debt -= 1;
                    self.dismissed = 1;
                }
            }
            // Asked again for whatever wants one: now, or when they have left.
            Made::AtLimit if self.outdated || self.leaving > 0 => {
                self.blocked = !self.outdated;
                match reason {
                    Some(Reason::Work) => self.tries += 1,
                    Some(Reason::Growth) if self.phase == Phase::Running => self.growing += 1,
                    Some(Reason::Growth) | None => {}
                    Some(Reason::LastTry) => self.last_tried = false,
                }
            }
            Made::AtLimit => (self.tries, self.growing) = (0, 0),
            Made::Failed => (self.tries, self.growing, self.retry) = (0, 0, true),
        }
    }

    /// Takes in that `n` retired workers have been told to quit, after which the factory may have
    /// room.
    pub(super) fn left(&mut self, n: usize) {
        self.leaving -= n;
        self.outdated = true;
        self.blocked = false;
    }

    /// What to do next; `None` when there is nothing, until something happens. `retired`: how many
    /// retirements the caller has been given and will deliver before whatever is decided now, so that
    /// the end need not wait for them to be counted.
    pub(super) fn decide(&mut self, retired: usize) -> Option<Action<W, T>> {
        if self.dismissed > 0 {
            self.dismissed -= 1;
            return self.retire();
        }
        if !self.backlog.is_empty()
            && let Some(worker) = self.idle.pop()
        {
            self.busy += 1;
            return self
                .backlog
                .pop_front()
                .map(|task| Action::Dispatch(worker, task));
        }
        self.tries = self.tries.min(self.backlog.len());
        if self.making.is_none() && !self.blocked {
            if self.tries > 0 {
                self.tries -= 1;
                return Some(self.create(Reason::Work));
            }
            if self.growing > 0 {
                self.growing -= 1;
                return Some(self.create(Reason::Growth));
            }
        }
        if self.refused {
            self.refused = false;
            return Some(Action::Refused);
        }
        if self.phase == Phase::Quitting {
            return self.decide_quitting(retired);
        }
        None
    }

    fn decide_quitting(&mut self, retired: usize) -> Option<Action<W, T>> {
        if self.backlog.is_empty() {
            if self.in_flight > 0 {
                return None;
            }
            if !self.idle.is_empty() {
                return self.retire();
            }
            let outstanding = self.busy + self.asked > 0 || self.making.is_some();
            if !outstanding && self.leaving == retired {
                (self.leaving, self.blocked) = (0, false);
                self.phase = Phase::Ended;
                return Some(Action::Finish);
            }
            return None;
        }
        // Work waits, and the rules above found neither an idle worker nor a try left.
        if self.busy > 0 || self.making.is_some() || self.blocked {
            return None;
        }
        if !self.last_tried {
            self.last_tried = true;
            return Some(self.create(Reason::LastTry));
        }
        self.abandoned = self.abandoned.wrapping_add(1);
        self.backlog.pop_front().map(Action::Abandon)
    }

    fn create(&mut self, reason: Reason) -> Action<W, T> {
        self.making = Some(reason);
        self.outdated = false;
        Action::Create(self.statistics())
    }

    fn retire(&mut self) -> Option<Action<W, T>> {
        let worker = self.idle.pop()?;
        self.leaving += 1;
        Some(Action::Retire(worker))
    }

    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            idle: self.idle.len(),
            busy: self.busy,
            leaving: self.leaving,
            backlogged: self.backlog.len(),
            in_flight: self.in_flight,
            accepted: self.accepted,
            done: self.done,
            abandoned: self.abandoned,
        }
    }

    /// The invariants that hold between any two calls.
    pub(super) fn check(&self) {
        let known = self.in_flight + self.backlog.len() + self.busy;
        let ended = self.done.wrapping_add(self.abandoned);
        assert_eq!(self.accepted, ended.wrapping_add(known), "T2 conservation");
        assert!(
            self.debt <= self.busy + self.idle.len(),
            "T5 debt exceeds the workers there are"
        );
        assert!(
            !self.blocked || self.leaving > 0,
            "T9 nobody is left to wait for"
        );
        if self.phase == Phase::Ended {
            let left = self.idle.len() + known + self.leaving + self.asked;
            let nothing = left == 0 && self.making.is_none();
            assert!(nothing, "T6 something is outstanding after the end");
        }
    }

    /// The invariants that hold besides when there is nothing left to decide.
    pub(super) fn check_settled(&self) {
        self.check();
        let waiting = !self.backlog.is_empty();
        assert!(
            self.idle.is_empty() || !waiting,
            "T3 a worker idles while work waits"
        );
        assert_eq!(self.dismissed, 0, "T5 a dismissed worker stayed");
        assert!(self.debt <= self.busy, "T5 an idle worker owes to leave");
        if self.making.is_none() && !self.blocked {
            assert_eq!(
                (self.tries, self.growing),
                (0, 0),
                "T3 a worker was not asked for"
            );
            let stranded = self.phase != Phase::Running && waiting && self.busy == 0;
            assert!(!stranded, "T7 work that can never run was kept");
        }
    }
}

#[cfg(test)]
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod tests;
