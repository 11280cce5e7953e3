//! How tasks leave the line other than by being fetched: cancelled, run in place, given back.
//!
//! # Invariants
//! - W1: whether a task is in the line is decided with the lock held, by its number; so is that it leaves.
//!   It is fetched, or withdrawn, or given back.
//! - W8, W9: its closure is run or dropped without the lock, and a panic of that is told.
//! - T2: what became of it is counted in the same critical section; that one run in place has ended, in
//!   the one after it, before its outcome is announced.

use super::{Crew, Guard, Request};
use crate::completion::Withdraw;
use crate::contain::{Payload, contain, quietly};
use crate::primitives::Arc;
use crate::probe::{Subject, What};
use crate::task::{Job, Task};
use crate::team::ledger::Event;
use crate::turn;

impl Crew {
    /// Drops a task that is in the line; no, if it is not.
    pub(crate) fn cancel(self: &Arc<Self>, serial: usize, task: &dyn Withdraw) -> bool {
        let number = task.identity().number();
        let won = self.withdraw(serial, task, Event::Cancelled, What::Cancelled(number));
        if won && let Err(payload) = turn::theirs(|| task.cancel()) {
            self.tell_panic(payload);
        }
        won
    }

    /// Runs a task that is in the line, here and now; no, if it is not.
    pub(crate) fn run_in_place(self: &Arc<Self>, serial: usize, task: &dyn Withdraw) -> bool {
        let number = task.identity().number();
        if !self.withdraw(serial, task, Event::InPlace, What::InPlace(number)) {
            return false;
        }
        self.object.tell(|| What::Started(number));
        turn::theirs(|| task.run_in_place());
        self.object.tell(|| What::Stopped {
            task: number,
            panicked: false,
        });
        let mut state = self.state.lock();
        self.object
            .tell(|| What::Taken(Subject::EndInPlace(number)));
        state.ledger.apply(Event::EndedInPlace);
        self.settle(state, None);
        task.announce();
        true
    }

    fn withdraw(
        self: &Arc<Self>,
        serial: usize,
        task: &dyn Withdraw,
        event: Event<Job>,
        what: What,
    ) -> bool {
        let mut state = self.state.lock();
        if !(state.ledger.is_in_line(serial) && task.withdraw()) {
            return false;
        }
        self.object.tell(|| what);
        state.ledger.apply(event);
        self.settle(state, None);
        true
    }

    /// Refuses new work. What waits is run; but where the sizes never began, and nothing can run it, it is
    /// given back.
    pub(crate) fn finish(self: &Arc<Self>) -> Vec<Task> {
        let state = self.state.lock();
        if state.ledger.has_begun() {
            drop(state);
            self.ask(Request::Quit);
            return Vec::new();
        }
        self.abort_with(state)
    }

    /// Refuses new work, and gives back what waits, in order; but for what is not to leave as a task,
    /// which is dropped here. A second call gives back nothing.
    pub(crate) fn abort(self: &Arc<Self>) -> Vec<Task> {
        self.abort_with(self.state.lock())
    }

    fn abort_with<'a>(self: &'a Arc<Self>, mut state: Guard<'a>) -> Vec<Task> {
        if !state.ledger.accept(&Event::Abort) {
            return Vec::new();
        }
        self.object.tell(|| What::Asked(Subject::Abort));
        self.object.tell(|| What::Taken(Subject::Abort));
        state.ledger.apply(Event::Abort);
        let mut jobs = Vec::new();
        while let Some(job) = state.ledger.give_back() {
            let task = job.identity().number();
            self.object.tell(|| What::GivenBack(task));
            jobs.push(job);
        }
        self.changes.note();
        self.settle(state, None);
        let mut tasks = Vec::with_capacity(jobs.len());
        for job in jobs {
            if job.stays() {
                if let Err(payload) = turn::theirs(|| contain(|| drop(job))) {
                    self.tell_panic(payload);
                }
            } else {
                tasks.push(Task::from(job));
            }
        }
        tasks
    }

    /// Tells the owner of a panic that was not a running task's; nobody, if all has ended.
    pub(crate) fn tell_panic(&self, payload: Payload) {
        let given = self.state.lock().given.clone();
        match given {
            Some(given) => {
                given.handlers.panicked(payload);
                turn::theirs(|| quietly(|| drop(given)));
            }
            None => turn::theirs(|| quietly(|| drop(payload))),
        }
    }
}
