//! The traits [`Worker`] and [`ExclusiveWorker`], their laws, and what they refuse with.

use std::error::Error;
use std::fmt;

use crate::primitives::Arc;
use crate::task::Task;

/// Takes tasks, and can be quit.
///
/// The original's `IWorker`: `execute` is its `do`, which is a keyword here.
///
/// # Laws
/// The trait promises little: an implementation may run a task at once, later, elsewhere, or never.
/// What it must keep is that
///
/// - a task is run at most once; one that was refused is in the error, whole and not run;
/// - of all calls of `quit`, exactly one returns `Ok`; after it, every `execute` is refused;
/// - what the caller did before `execute` is visible in the task.
///
/// A task that is accepted and then dropped without being run is not an error to whoever submitted
/// it to a bare worker; a [`Team`](crate::Team) notices it, and gives the task to another worker.
pub trait Worker: Send + Sync + 'static {
    /// Accepts `task`, to be run in whatever way this worker runs tasks.
    ///
    /// # Errors
    /// [`Refused`], with the task in it, if the worker has been quit.
    fn execute(&self, task: Task) -> Result<(), Refused>;

    /// Refuses every later `execute`. Tasks accepted before are not affected.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit before.
    fn quit(&self) -> Result<(), AlreadyQuit>;
}

/// A [`Worker`] whose tasks never overlap.
///
/// The original's `IExclusiveWorker`. A [`Team`](crate::Team) needs one as its coordinator.
///
/// # Laws
/// - No two tasks of one exclusive worker run at the same time, and each sees what the one before it
///   did. A task that submits to its own worker does not run the new task inside itself.
/// - The tasks of one caller run in the order in which they were given.
///
/// A worker that runs tasks on a thread of its own should run each in [`turn`](crate::turn), so that
/// what a coordinator's step decided is carried out after the step.
///
/// Nothing here is a safety contract: a team over a worker that breaks these laws gives up the order
/// of its steps, not its memory safety.
pub trait ExclusiveWorker: Worker {
    /// Runs `step` now, on this thread, exclusively, if that is possible.
    ///
    /// A worker that runs tasks inside `execute` can offer its turn without a task being made, which
    /// lets a team decide and answer in one critical section. The answer [`Now::Queue`] is always
    /// allowed, and is the default.
    ///
    /// # Laws
    /// `step` has run exactly once if the answer is [`Now::Ran`], and not at all otherwise.
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        let _ = step;
        Now::Queue
    }
}

/// What [`ExclusiveWorker::run_now`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Now {
    /// It ran the step.
    Ran,
    /// It has been quit.
    Refused,
    /// It cannot run the step here and now; submit it as a task.
    Queue,
}

/// The worker has been quit; here is the task back, whole and not run.
#[derive(Debug)]
pub struct Refused(Task);

impl Refused {
    /// An error that hands `task` back.
    #[must_use]
    pub fn new(task: Task) -> Self {
        Self(task)
    }

    /// The refused task.
    #[must_use]
    pub fn into_task(self) -> Task {
        self.0
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the worker has been quit and refused the task")
    }
}

impl Error for Refused {}

/// The worker had been quit before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyQuit;

impl fmt::Display for AlreadyQuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("already quit")
    }
}

impl Error for AlreadyQuit {}

impl<W: Worker + ?Sized> Worker for Arc<W> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        (**self).execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        (**self).quit()
    }
}

impl<W: ExclusiveWorker + ?Sized> ExclusiveWorker for Arc<W> {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        (**self).run_now(step)
    }
}

impl<W: Worker + ?Sized> Worker for Box<W> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        (**self).execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        (**self).quit()
    }
}

impl<W: ExclusiveWorker + ?Sized> ExclusiveWorker for Box<W> {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        (**self).run_now(step)
    }
}
