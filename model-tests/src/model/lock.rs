//! The specification of a lock worker: each task runs on the thread that submits it.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Accept(thread, task)` | open | the task is the thread's last | W1 W4 L4 |
//! | `Refuse(task)` | closed | – | W2 W4 |
//! | `Quit { won }` | `won` says that it was open | closed | W3 W4 L3 |
//! | `Start(thread, task)` | no task runs; it is the thread's first | it runs | L1 L2 W6 W7 |
//! | `Stop(thread, task)` | it runs | it has ended | W1 W6 |
//! | `Return(thread, task)` | the task has ended, and all that the thread accepted | – | L1 L2 |
//!
//! A task accepted while its thread runs one, of this lock worker or of another, waits for that
//! one's end and for those accepted before it: the exclusion and the order of a thread say so.
//! Nobody has to return for another thread's task to start. `Return` is about an outermost call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Machine, TaskId, ThreadId, Violation, rule};

/// A lock worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lock {
    closed: bool,
    /// What each thread accepted and has not started, in order.
    accepted: BTreeMap<ThreadId, VecDeque<TaskId>>,
    running: Option<(ThreadId, TaskId)>,
    ended: BTreeSet<(ThreadId, TaskId)>,
}

/// What happens to a lock worker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An `execute` on the thread was accepted.
    Accept(ThreadId, TaskId),
    /// An `execute` was refused.
    Refuse(TaskId),
    /// A `quit`.
    Quit {
        /// Whether the caller was told that it was the one.
        won: bool,
    },
    /// The thread has the lock, and begins the task.
    Start(ThreadId, TaskId),
    /// The task has ended; the lock is about to be released.
    Stop(ThreadId, TaskId),
    /// The thread's outermost `execute`, which was given the task, returned.
    Return(ThreadId, TaskId),
}

impl Lock {
    fn knows(&self, task: TaskId) -> bool {
        let waits = |queue: &VecDeque<TaskId>| queue.contains(&task);
        self.accepted.values().any(waits)
            || self.running.is_some_and(|(_, it)| it == task)
            || self.ended.iter().any(|&(_, it)| it == task)
    }

    fn first(&self, thread: ThreadId) -> Option<TaskId> {
        self.accepted.get(&thread)?.front().copied()
    }
}

impl Machine for Lock {
    type Action = Action;

    fn properties(action: &Action) -> &'static [&'static str] {
        match action {
            Action::Accept(..) => &["W1", "W4", "L4"],
            Action::Refuse(_) => &["W2", "W4"],
            Action::Quit { .. } => &["W3", "W4", "L3"],
            Action::Start(..) => &["L1", "L2", "W6", "W7"],
            Action::Stop(..) => &["W1", "W6"],
            Action::Return(..) => &["L1", "L2"],
        }
    }

    fn take(&mut self, action: &Action) -> Result<(), Violation> {
        match *action {
            Action::Accept(thread, task) => {
                rule(!self.closed, "W4", "a task was accepted after the quit")?;
                rule(!self.knows(task), "W1", "a task was accepted twice")?;
                self.accepted.entry(thread).or_default().push_back(task);
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
                rule(self.running.is_none(), "W6", "two tasks overlap")?;
                let own = self.accepted.get(&thread);
                let own = own.is_some_and(|tasks| tasks.contains(&task));
                let why = "a task started on a thread where it does not wait";
                rule(own, "L1", why)?;
                let why = "a task overtook one that its thread accepted before";
                rule(self.first(thread) == Some(task), "W7", why)?;
                if let Some(tasks) = self.accepted.get_mut(&thread) {
                    tasks.pop_front();
                }
                self.accepted.retain(|_, tasks| !tasks.is_empty());
                self.running = Some((thread, task));
            }
            Action::Stop(thread, task) => {
                let runs = self.running == Some((thread, task));
                rule(runs, "W6", "a task stopped that does not run there")?;
                self.running = None;
                self.ended.insert((thread, task));
            }
            Action::Return(thread, task) => {
                let ran = self.ended.contains(&(thread, task));
                rule(ran, "L1", "a call returned before its task ended")?;
                let none = self.first(thread).is_none();
                let runs = self.running.is_some_and(|(on, _)| on == thread);
                let why = "a call returned before what was nested in it ended";
                rule(none && !runs, "L2", why)?;
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Violation> {
        let ended = self.accepted.is_empty() && self.running.is_none();
        rule(ended, "W1", "an accepted task had no end")
    }
}
