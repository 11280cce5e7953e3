//! The specification of a thread worker: its tasks run in order, on one thread.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Accept(task)` | open | the task joins the queue's end | W1 W4 |
//! | `Refuse(task)` | closed | – | W2 W4 |
//! | `Quit { won }` | `won` says that it was open | closed | W3 W4 |
//! | `Start(thread, task)` | no task runs; it is the oldest; the thread is the first one's | it runs | H1 W6 W7 |
//! | `Stop(thread, task)` | it runs there | it has ended | W1 W6 |
//! | `ThreadEnded(thread)` | closed; no task runs or waits; the thread is the first one's | ended | H1 H2 |
//! | `BodyDropped` | no task runs; not ended | closed, ended; what waits is to be dropped | W1 |
//! | `Drop(task)` | it is to be dropped | it has ended | W1 |
//!
//! The last two stand for a start policy that drops the body instead of running it.

use std::collections::{BTreeSet, VecDeque};

use super::{Machine, TaskId, ThreadId, Violation, rule};

/// A thread worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Thread {
    closed: bool,
    queue: VecDeque<TaskId>,
    running: Option<TaskId>,
    /// The thread that was seen first.
    thread: Option<ThreadId>,
    thread_ended: bool,
    /// Queued when the body was dropped.
    to_drop: BTreeSet<TaskId>,
    ended: BTreeSet<TaskId>,
}

/// What happens to a thread worker.
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
    /// The task began on the thread.
    Start(ThreadId, TaskId),
    /// The task ended on the thread.
    Stop(ThreadId, TaskId),
    /// The thread found itself closed and drained.
    ThreadEnded(ThreadId),
    /// What should have run the tasks is being dropped instead.
    BodyDropped,
    /// The task was dropped with the body.
    Drop(TaskId),
}

impl Thread {
    fn knows(&self, task: TaskId) -> bool {
        self.queue.contains(&task)
            || self.running == Some(task)
            || self.to_drop.contains(&task)
            || self.ended.contains(&task)
    }

    fn same_thread(&mut self, thread: ThreadId) -> Result<(), Violation> {
        let first = *self.thread.get_or_insert(thread);
        rule(first == thread, "H1", "there is a second thread")?;
        rule(!self.thread_ended, "H2", "the thread had ended")
    }
}

impl Machine for Thread {
    type Action = Action;

    fn properties(action: &Action) -> &'static [&'static str] {
        match action {
            Action::Accept(_) => &["W1", "W4"],
            Action::Refuse(_) => &["W2", "W4"],
            Action::Quit { .. } => &["W3", "W4"],
            Action::Start(..) => &["H1", "W6", "W7"],
            Action::Stop(..) => &["W1", "W6"],
            Action::ThreadEnded(_) => &["H1", "H2"],
            Action::BodyDropped | Action::Drop(_) => &["W1"],
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
            Action::Start(thread, task) => {
                self.same_thread(thread)?;
                rule(self.running.is_none(), "W6", "two tasks overlap")?;
                let known = self.queue.contains(&task);
                rule(known, "W1", "a task started that does not wait")?;
                let oldest = self.queue.front() == Some(&task);
                rule(oldest, "W7", "a task started that is not the oldest")?;
                self.queue.pop_front();
                self.running = Some(task);
            }
            Action::Stop(thread, task) => {
                self.same_thread(thread)?;
                let runs = self.running == Some(task);
                rule(runs, "W6", "a task stopped that does not run")?;
                self.running = None;
                self.ended.insert(task);
            }
            Action::ThreadEnded(thread) => {
                self.same_thread(thread)?;
                rule(self.closed, "H2", "the thread ended before any quit")?;
                let drained = self.queue.is_empty() && self.running.is_none();
                rule(drained, "H2", "the thread ended before its tasks")?;
                self.thread_ended = true;
            }
            Action::BodyDropped => {
                let idle = self.running.is_none() && !self.thread_ended;
                rule(idle, "W1", "a body was dropped twice, or in use")?;
                self.closed = true;
                self.thread_ended = true;
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
        rule(ended, "W1", "an accepted task had no end")?;
        let why = "the worker was quit, and its thread did not end";
        rule(!self.closed || self.thread_ended, "H2", why)
    }
}
