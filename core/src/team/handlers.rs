//! What a team tells its owner: panics, failures, and work that could never run.

use std::error::Error;
use std::fmt;

use super::statistics::Statistics;
use crate::contain::{Payload, contain, message, quietly};
use crate::task::Task;
use crate::turn;

/// Why a worker factory gave no worker, other than for a limit.
pub type CreationError = Box<dyn Error + Send + Sync + 'static>;

/// A worker could not be made. The tasks wait; the team's next step tries again.
#[derive(Debug)]
pub struct CreationFailed {
    /// The factory's error, or its panic or the worker's first refusal put into words.
    pub error: CreationError,
    /// Tasks waiting for a worker.
    pub waiting: usize,
    /// Workers that live. With none, nothing happens to the waiting tasks until the team is called
    /// again: see [`Team::limit_raised`](crate::Team::limit_raised).
    pub workers: usize,
}

impl CreationFailed {
    pub(super) fn new(error: CreationError, now: &Statistics) -> Self {
        Self {
            error,
            waiting: now.backlogged,
            workers: now.workers(),
        }
    }
}

impl fmt::Display for CreationFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "could not make a worker ({} tasks waiting, {} workers): {}",
            self.waiting, self.workers, self.error
        )
    }
}

impl Error for CreationFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.error)
    }
}

type Handler<T> = Box<dyn Fn(T) + Send + Sync>;

/// The owner's handlers. All run outside every lock of ours, on the thread that came upon what they
/// report, and may call anything of ours. A panic in one is contained.
///
/// ```
/// use brigade::Handlers;
///
/// let handlers = Handlers::new()
///     .on_panic(|_| eprintln!("a task panicked"))
///     .on_abandoned(|task| drop(task));
/// ```
pub struct Handlers {
    panicked: Handler<Payload>,
    creation_failed: Handler<CreationFailed>,
    abandoned: Handler<Task>,
    ended: Handler<()>,
}

impl Handlers {
    /// The defaults: a panic is left to the process's panic hook, which has printed it; a failed
    /// creation and an abandoned task are printed to standard error.
    #[must_use]
    pub fn new() -> Self {
        Self {
            panicked: Box::new(drop),
            creation_failed: Box::new(|failed| print(&failed)),
            abandoned: Box::new(|_| print(&"a task could never run and was abandoned")),
            ended: Box::new(drop),
        }
    }

    /// Called with what a task, or the drop of one that was not run, panicked with. A task may be run
    /// or dropped by the handler of abandoned ones, so a panic in that comes here as well.
    #[must_use]
    pub fn on_panic(mut self, handler: impl Fn(Payload) + Send + Sync + 'static) -> Self {
        self.panicked = Box::new(handler);
        self
    }

    /// Called when the factory errs or panics, or makes a worker that refuses its first task.
    #[must_use]
    pub fn on_creation_failed(
        mut self,
        handler: impl Fn(CreationFailed) + Send + Sync + 'static,
    ) -> Self {
        self.creation_failed = Box::new(handler);
        self
    }

    /// Called with each accepted task that can never run: the team has quit, no worker lives, and
    /// one last try to make one gave none.
    #[must_use]
    pub fn on_abandoned(mut self, handler: impl Fn(Task) + Send + Sync + 'static) -> Self {
        self.abandoned = Box::new(handler);
        self
    }

    /// Called once, when the team or the pool has ended: it was quit, all that it accepted is over, and
    /// every worker has been told to quit. Of a pool, the thread that calls this may be its last, about to
    /// end.
    #[must_use]
    pub fn on_end(mut self, handler: impl Fn() + Send + Sync + 'static) -> Self {
        self.ended = Box::new(move |()| handler());
        self
    }

    pub(super) fn ended(&self) {
        call(&self.ended, ());
    }

    pub(super) fn panicked(&self, payload: Payload) {
        call(&self.panicked, payload);
    }

    pub(super) fn creation_failed(&self, failed: CreationFailed) {
        call(&self.creation_failed, failed);
    }

    pub(super) fn abandoned(&self, task: Task) {
        // Whoever drops the task, a panic in that is a task's, and has somebody to be reported to.
        if let Err(payload) = turn::theirs(|| contain(|| (self.abandoned)(task))) {
            self.panicked(payload);
        }
    }
}

fn call<T>(handler: &Handler<T>, report: T) {
    turn::theirs(|| quietly(|| handler(report)));
}

fn print(what: &dyn fmt::Display) {
    use std::io::Write as _;
    // Not `eprintln!`, which panics when standard error is closed.
    let _ = writeln!(std::io::stderr(), "brigade: {what}");
}

impl Default for Handlers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Handlers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers").finish_non_exhaustive()
    }
}

/// The factory panicked, with this message.
#[derive(Debug)]
pub(super) struct FactoryPanicked(String);

impl FactoryPanicked {
    pub(super) fn new(payload: &Payload) -> Self {
        Self(message(payload).to_owned())
    }
}

impl fmt::Display for FactoryPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker factory panicked: {}", self.0)
    }
}

impl Error for FactoryPanicked {}

/// A refusal that counts as a failed creation.
#[derive(Debug)]
pub(super) struct RefusedItsTask;

impl fmt::Display for RefusedItsTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a worker refused or dropped its task before any new worker had finished one")
    }
}

impl Error for RefusedItsTask {}
