//! The specification of a memory worker: a queue that is performed by hand, one task at a time.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Accept(task)` | open | the task joins the queue's end | W1 W4 |
//! | `Refuse(task)` | closed | – | W2 W4 |
//! | `Quit { won }` | `won` says that it was open | closed | W3 W4 |
//! | `Start(task)` | no task runs; it is the oldest | it runs | M1 W6 W7 |
//! | `Stop(task)` | it runs | it has ended | W1 W6 |
//! | `Nothing` | no task runs, none waits, open | – | M1 |
//! | `Ended` | no task runs, none waits, closed | – | M2 |
//! | `Busy` | a task runs | – | W6 |
//! | `PerformerDropped` | no task runs | closed; what waits is to be dropped | M2 |
//! | `Drop(task)` | it is to be dropped | it has ended | W1 M2 |
//!
//! `Start`, `Nothing`, `Ended` and `Busy` come of a `perform`, of which there is none after
//! `PerformerDropped`.

use std::collections::{BTreeSet, VecDeque};

use super::{Machine, TaskId, Violation, rule};

/// A memory worker and its performer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    closed: bool,
    queue: VecDeque<TaskId>,
    running: Option<TaskId>,
    performer_dropped: bool,
    /// Queued when the performer was dropped.
    to_drop: BTreeSet<TaskId>,
    ended: BTreeSet<TaskId>,
}

/// What happens to a memory worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An `execute` was accepted.
    Accept(TaskId),
    /// An `execute` was refused.
    Refuse(TaskId),
    /// A `quit`.
    Quit {
        /// Whether the caller was told that it was the one.
        won: bool,
    },
    /// A `perform` took the task.
    Start(TaskId),
    /// The exclusion of the task ended.
    Stop(TaskId),
    /// A `perform` found nothing to do.
    Nothing,
    /// A `perform` said that nothing will come.
    Ended,
    /// A `perform` found a task being performed.
    Busy,
    /// The performer is being dropped.
    PerformerDropped,
    /// The task was dropped after the performer.
    Drop(TaskId),
}

impl Memory {
    fn knows(&self, task: TaskId) -> bool {
        self.queue.contains(&task)
            || self.running == Some(task)
            || self.to_drop.contains(&task)
            || self.ended.contains(&task)
    }

    fn performs(&self) -> Result<(), Violation> {
        let why = "a performer was used after its drop";
        rule(!self.performer_dropped, "M2", why)
    }

    fn nothing_waits(&self, property: &'static str) -> Result<(), Violation> {
        self.performs()?;
        let none = self.running.is_none();
        rule(none, "W6", "a perform did not say that a task runs")?;
        let why = "a perform ran no task though one waits";
        rule(self.queue.is_empty(), property, why)
    }
}

impl Machine for Memory {
    type Action = Action;

    fn properties(action: &Action) -> &'static [&'static str] {
        match action {
            Action::Accept(_) => &["W1", "W4"],
            Action::Refuse(_) => &["W2", "W4"],
            Action::Quit { .. } => &["W3", "W4"],
            Action::Start(_) => &["M1", "W6", "W7"],
            Action::Stop(_) => &["W1", "W6"],
            Action::Nothing => &["M1"],
            Action::Ended | Action::PerformerDropped => &["M2"],
            Action::Busy => &["W6"],
            Action::Drop(_) => &["W1", "M2"],
        }
    }

    fn take(&mut self, action: &Action) -> Result<(), Violation> {
        match *action {
            Action::Accept(task) => {
                rule(!self.closed, "W4", "a task was accepted after the quit")?;
                rule(!self.knows(task), "W1", "a task was accepted twice")?;
                self.queue.push_back(task);
            }
            Action::Refuse(task) => {
                rule(self.closed, "W4", "a task was refused before any quit")?;
                let why = "a refused task had been accepted";
                rule(!self.knows(task), "W2", why)?;
            }
            Action::Quit { won } => {
                let why = "not exactly one quit was told so";
                rule(won != self.closed, "W3", why)?;
                self.closed = true;
            }
            Action::Start(task) => {
                self.performs()?;
                rule(self.running.is_none(), "W6", "two tasks overlap")?;
                let known = self.queue.contains(&task);
                rule(known, "W1", "a task started that does not wait")?;
                let oldest = self.queue.front() == Some(&task);
                rule(oldest, "M1", "a task started that is not the oldest")?;
                self.queue.pop_front();
                self.running = Some(task);
            }
            Action::Stop(task) => {
                let runs = self.running == Some(task);
                rule(runs, "W6", "a task stopped that does not run")?;
                self.running = None;
                self.ended.insert(task);
            }
            Action::Nothing => {
                self.nothing_waits("M1")?;
                let why = "a perform did not say that nothing will come";
                rule(!self.closed, "M2", why)?;
            }
            Action::Ended => {
                self.nothing_waits("M2")?;
                let why = "a perform said that nothing will come, before any quit";
                rule(self.closed, "M2", why)?;
            }
            Action::Busy => {
                self.performs()?;
                let runs = self.running.is_some();
                rule(runs, "W6", "a perform was refused though no task runs")?;
            }
            Action::PerformerDropped => {
                let idle = self.running.is_none() && !self.performer_dropped;
                rule(idle, "M2", "a performer was dropped twice, or in use")?;
                self.closed = true;
                self.performer_dropped = true;
                self.to_drop.extend(self.queue.drain(..));
            }
            Action::Drop(task) => {
                let due = self.to_drop.remove(&task);
                rule(due, "W1", "a task was dropped that was not to be")?;
                self.ended.insert(task);
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Violation> {
        let ended = self.queue.is_empty() && self.running.is_none() && self.to_drop.is_empty();
        rule(ended, "W1", "an accepted task had no end")
    }
}
