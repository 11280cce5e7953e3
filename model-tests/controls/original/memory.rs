//! The original's memory worker (`twisted._threads._memory`): a list, and a marker for the end in it.
//!
//! Ported from Twisted. Copyright (c) 2001-2026 Twisted Matrix Laboratories and others, under the MIT
//! licence; the whole notice stands in `LICENSES/twisted-MIT.txt`.
//!
//! Each operation on the list is atomic, as under Python's global lock, and each is a critical section
//! of its own: the quit check and the append, the looks of a perform and its pop. What the original
//! raises, an error where the marker is called or an empty list popped, is a panic.

use std::collections::VecDeque;

use crate::contain::{PanicHandler, hook_only, reporting};
use crate::primitives::{Arc, Mutex};
use crate::quit::Quit;
use crate::task::Task;
use crate::turn::turn;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

/// Makes a worker whose tasks are run by hand, and what runs them.
#[must_use]
pub fn memory_worker() -> (MemoryWorker, Performer) {
    memory_worker_with(hook_only())
}

/// The same, with a handler for the panics of its tasks.
#[must_use]
pub fn memory_worker_with(on_panic: PanicHandler) -> (MemoryWorker, Performer) {
    let memory = Arc::new(Memory {
        on_panic,
        quit: Quit::new(),
        pending: Mutex::new(VecDeque::new()),
    });
    (MemoryWorker(Arc::clone(&memory)), Performer(memory))
}

enum Entry {
    Work(Task),
    NoMoreWork,
}

struct Memory {
    on_panic: PanicHandler,
    quit: Quit,
    pending: Mutex<VecDeque<Entry>>,
}

/// A handle of a memory worker.
#[derive(Clone)]
pub struct MemoryWorker(Arc<Memory>);

impl MemoryWorker {
    /// Queues a task, if the flag is not set.
    ///
    /// # Errors
    /// [`Refused`] after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let task = task.into();
        if self.0.quit.is_set() {
            return Err(Refused::new(task));
        }
        self.0.pending.lock().push_back(Entry::Work(task));
        Ok(())
    }

    /// Sets the flag, and queues the marker.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.quit.set()?;
        self.0.pending.lock().push_back(Entry::NoMoreWork);
        Ok(())
    }
}

impl Worker for MemoryWorker {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl ExclusiveWorker for MemoryWorker {}

/// What one [`Performer::perform`] did; the original says only whether it ran a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Performed {
    /// It ran the oldest task.
    Ran,
    /// The list was empty.
    Nothing,
    /// The marker was the oldest.
    Ended,
    /// Never.
    Busy,
}

impl Performed {
    /// Whether a task was run.
    #[must_use]
    pub fn ran(self) -> bool {
        self == Self::Ran
    }
}

/// Runs the tasks of a memory worker, one per call.
pub struct Performer(Arc<Memory>);

impl Performer {
    /// Runs the oldest task, unless that is the marker.
    pub fn perform(&self) -> Performed {
        if self.0.pending.lock().is_empty() {
            return Performed::Nothing;
        }
        if matches!(self.0.pending.lock().front(), Some(Entry::NoMoreWork)) {
            return Performed::Ended;
        }
        let oldest = self.0.pending.lock().pop_front();
        match oldest {
            Some(Entry::Work(task)) => {
                turn(|| reporting(&self.0.on_panic, || task.run()));
            }
            Some(Entry::NoMoreWork) => panic!("the marker is no task"),
            None => panic!("pop from an empty list"),
        }
        Performed::Ran
    }

    /// Performs until there is nothing to do, and says how many tasks that were.
    pub fn drain(&self) -> usize {
        std::iter::from_fn(|| self.perform().ran().then_some(())).count()
    }
}
