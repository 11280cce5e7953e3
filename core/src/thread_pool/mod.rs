//! The thread pool: sizes, names, results, ends, and no wedge. A composition, without `unsafe` or atomics:
//! all that is decided between threads is decided by the crew (`team::crew`) and the completion cells.
//!
//! | file | holds |
//! |---|---|
//! | this one | [`ThreadPool`], what users hold |
//! | [`builder`] | how it is made, and what it can be told then |
//! | [`roster`] | its threads: names, hooks, ends |
//! | [`place`] | which pool a thread belongs to, and `blocking` |
//! | [`join_handle`], [`callback`] | results |
//! | [`full`] | what happens when too many tasks wait |
//! | [`ending`] | shutdown, abort, phases |
//! | [`statistics`] | the numbers |
//! | [`around`] | what is done around a task, for those: |
//! | [`observe`], [`tracing`], [`context`], [`stall`] | who wants to know, or to carry something along |
//! | [`keeper`] | the one thread of its own that a pool has where something depends on time |
//!
//! # Invariants
//! P1, by the ledger (`team::sizes`); P2, P3 in the handles; P4, P5, P6 in how it ends. H3: the last handle
//! dropped quits. Nothing here is held while anything of a user's is called.

#![forbid(unsafe_code)]

mod around;
mod builder;
mod callback;
mod context;
mod ending;
mod full;
mod join_handle;
mod keeper;
mod observe;
mod place;
mod roster;
mod stall;
mod statistics;
#[cfg(feature = "tracing")]
mod tracing;

use std::error::Error;
use std::fmt;
use std::panic::Location;

pub use builder::{BuildError, Builder};
pub use callback::CallbackHandle;
pub use ending::{Phase, ShutdownError};
pub use full::{Rejected, WhenFull};
pub use join_handle::JoinHandle;
pub use observe::{Observer, TaskId};
pub use place::blocking;
pub use roster::ThreadInfo;
pub use stall::{StallReport, StalledTask};
pub use statistics::PoolStatistics;
#[cfg(feature = "tracing")]
pub use tracing::Traced;

use around::Around;
use ending::Ending;
use keeper::Keeper;
use roster::Roster;

use crate::completion::completion;
use crate::handle::{Handle, LastDrop};
use crate::primitives::Arc;
use crate::scope::Scope;
use crate::task::{Job, Task};
use crate::team::{Crew, Request};
use crate::turn;
use crate::worker::{AlreadyQuit, Refused, Worker};

/// A pool of threads between a minimum and a maximum: runs closures, gives their results back, and ends
/// cleanly.
///
/// The original's `ThreadPool`. Tasks wait in one line, in the order in which they were taken, and each
/// thread fetches its next from there. Handles are cheap to clone; the last one dropped quits the pool, as
/// [`ThreadPool::quit`] does, and waits for nothing: what was taken is still run, and then the threads end.
/// To be sure of that before the process ends, [shut it down](ThreadPool::shutdown).
///
/// ```
/// use brigade::ThreadPool;
///
/// # brigade::primitives::example(|| {
/// let pool = ThreadPool::new();
/// let words = ["team", "worker", "pool"];
/// let lengths: Vec<_> = words.map(|word| pool.spawn(|| word.len()).unwrap()).into();
/// let total: usize = lengths.into_iter().map(|length| length.join().unwrap()).sum();
/// assert_eq!(total, 14);
/// pool.shutdown().unwrap();
/// # });
/// ```
pub struct ThreadPool(Handle<Owner>);

/// What the users of a pool share; its threads share the crew.
struct Owner(Shared);

struct Shared {
    crew: Arc<Crew>,
    /// Neither is anything done around its tasks, nor is its line bounded.
    plain: bool,
    roster: Arc<Roster>,
    ending: Arc<Ending>,
    keeper: Option<Arc<Keeper>>,
    around: Option<Arc<Around>>,
    when_full: Option<WhenFull>,
}

impl LastDrop for Owner {
    fn last_handle_dropped(&self) {
        if let Some(keeper) = &self.0.keeper {
            keeper.hurry();
        }
        // Nobody has quit it: the answer is yes.
        let _ = self.0.crew.ask(Request::Quit);
        self.0.ending.reach(Phase::Draining);
    }
}

/// Why a pool was not given other sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResizeError {
    /// There can be no pool of such sizes.
    Sizes(BuildError),
    /// The pool takes no more work, and needs no sizes.
    Closed,
}

impl fmt::Display for ResizeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sizes(error) => error.fmt(f),
            Self::Closed => f.write_str("the thread pool takes no more work"),
        }
    }
}

impl Error for ResizeError {}

impl ThreadPool {
    /// A pool of 5 to 20 threads, as the original's, that has started.
    #[must_use]
    pub fn new() -> Self {
        let pool = Self::builder().build();
        let pool = pool.unwrap_or_else(|_| unreachable!("the defaults can be built"));
        // Nobody has quit it.
        let _ = pool.start();
        pool
    }

    /// Makes a pool in a manner of your own.
    pub fn builder() -> Builder {
        Builder::new()
    }

    fn of(shared: Shared) -> Self {
        Self(Handle::new(Owner(shared)))
    }

    fn shared(&self) -> &Shared {
        &self.0.0
    }

    fn crew(&self) -> &Arc<Crew> {
        &self.shared().crew
    }

    fn roster(&self) -> &Roster {
        &self.shared().roster
    }

    fn ending(&self) -> &Ending {
        &self.shared().ending
    }

    fn keeper(&self) -> Option<&Keeper> {
        self.shared().keeper.as_deref()
    }

    /// What comes before each quit.
    fn note_quit(&self) {
        self.0.note_quit();
        if let Some(keeper) = self.keeper() {
            keeper.hurry();
        }
    }

    fn ask(&self, request: Request) -> Result<(), AlreadyQuit> {
        if self.crew().ask(request) {
            Ok(())
        } else {
            Err(AlreadyQuit)
        }
    }

    /// Has threads made from now on: the minimum at once, and more for what waits. A second start changes
    /// nothing.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if the pool was quit before.
    pub fn start(&self) -> Result<(), AlreadyQuit> {
        self.ask(Request::Start)
    }

    /// Takes a closure or a [`Task`], to be run on one of the pool's threads. `Ok` means that it will be run,
    /// unless the pool is aborted before it has begun, or can have no thread at all
    /// ([`Builder::on_abandoned`]).
    ///
    /// What the caller did before is visible in the task. Waits for no thread of the pool, but may start
    /// one; if the line is [bounded](Builder::bound), it does what that says.
    ///
    /// # Errors
    /// [`Rejected`], with the task: the pool was quit, or is full.
    #[inline]
    #[track_caller]
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Rejected> {
        let shared = self.shared();
        if !shared.plain {
            return self.execute_specially(task, Location::caller());
        }
        match shared.crew.execute(Job::from(task.into())) {
            Ok(_) => Ok(()),
            Err(job) => Err(closed(job)),
        }
    }

    /// Not inlined, so that the way of all others may be.
    #[inline(never)]
    fn execute_specially(
        &self,
        task: impl Into<Task>,
        caller: &'static Location<'static>,
    ) -> Result<(), Rejected> {
        self.execute_as(task.into(), self.shared().when_full, caller)
    }

    /// [`ThreadPool::execute`], but a task for which there is no room is handed back, whatever the pool does
    /// otherwise.
    ///
    /// # Errors
    /// [`Rejected`], with the task.
    #[track_caller]
    pub fn try_execute(&self, task: impl Into<Task>) -> Result<(), Rejected> {
        self.execute_as(task.into(), Some(WhenFull::Refuse), Location::caller())
    }

    fn execute_as(
        &self,
        task: Task,
        when_full: Option<WhenFull>,
        caller: &'static Location<'static>,
    ) -> Result<(), Rejected> {
        let task = match &self.shared().around {
            Some(around) => Task::new(around.wrap(caller, move || task.run())),
            None => task,
        };
        self.submit_job(Job::from(task), when_full).map(drop)
    }

    fn submit_job(&self, job: Job, when_full: Option<WhenFull>) -> Result<usize, Rejected> {
        match when_full {
            Some(when_full) => self.submit(job, when_full),
            None => {
                let taken = self.crew().execute(job);
                taken.map_err(closed)
            }
        }
    }

    /// [`ThreadPool::execute`] with a handle to the result. Allocates once.
    ///
    /// # Errors
    /// As [`ThreadPool::execute`].
    #[track_caller]
    pub fn spawn<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<T>, Rejected> {
        let shared = self.shared();
        if !shared.plain {
            return self.spawn_specially(task, Location::caller());
        }
        let (job, awaited) = completion(task);
        match shared.crew.execute(job) {
            Ok(serial) => Ok(JoinHandle::new(Arc::clone(&shared.crew), awaited, serial)),
            Err(job) => Err(closed(job)),
        }
    }

    /// Not inlined, so that the way of all others may be.
    #[inline(never)]
    fn spawn_specially<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
        caller: &'static Location<'static>,
    ) -> Result<JoinHandle<T>, Rejected> {
        let (job, awaited) = match &self.shared().around {
            Some(around) => completion(around.wrap(caller, task)),
            None => completion(task),
        };
        let serial = self.submit_job(job, self.shared().when_full)?;
        Ok(JoinHandle::new(Arc::clone(self.crew()), awaited, serial))
    }

    /// Runs `body`, in which tasks can be spawned that borrow whatever outlives this call; returns when all of
    /// them are over.
    ///
    /// The calling thread runs those that no thread has begun when `body` has returned. So a scope needs no
    /// thread of the pool: it ends on a pool that has not started or was shut down, and inside of the pool's
    /// own tasks.
    ///
    /// # Panics
    /// With the panic of `body`, or with the first panic of a task whose handle was not joined; both when
    /// all tasks are over.
    ///
    /// ```
    /// use brigade::ThreadPool;
    ///
    /// # brigade::primitives::example(|| {
    /// let pool = ThreadPool::new();
    /// let mut numbers = vec![1, 2, 3, 4];
    /// let (low, high) = numbers.split_at_mut(2);
    /// pool.scope(|scope| {
    ///     scope.spawn(|| low.iter_mut().for_each(|n| *n *= 10));
    ///     scope.spawn(|| high.iter_mut().for_each(|n| *n *= 100));
    /// });
    /// assert_eq!(numbers, [10, 20, 300, 400]);
    /// # });
    /// ```
    pub fn scope<'env, R>(
        &self,
        body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
    ) -> R {
        let crew = Arc::clone(self.crew());
        let while_waiting = Box::new(move |wait: &mut dyn FnMut()| place::waiting(&crew, wait));
        crate::scope::scope(self.crew(), while_waiting, body)
    }

    /// Gives the pool other sizes. Too many threads leave, idle ones now and busy ones when their task has
    /// ended; too few are made now, within the maximum. To a pool that has these sizes it does nothing; of
    /// several calls, the last counts.
    ///
    /// # Errors
    /// [`ResizeError`]: there can be no such pool, or it was quit.
    pub fn resize(&self, min: usize, max: usize) -> Result<(), ResizeError> {
        builder::check_sizes(min, max).map_err(ResizeError::Sizes)?;
        let asked = self.ask(Request::Resize(min, max));
        asked.map_err(|AlreadyQuit| ResizeError::Closed)
    }

    /// Starts up to `n` threads now, within the maximum; `usize::MAX` is as many as that allows.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn grow(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.ask(Request::Grow(n))
    }

    /// Makes `n` threads leave, but none of the minimum: idle ones now, busy ones when their task has ended.
    /// This is no limit: later work may start new ones.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn shrink(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.ask(Request::Shrink(Some(n)))
    }

    /// The numbers as they are.
    #[must_use]
    pub fn statistics(&self) -> PoolStatistics {
        let now = self.crew().statistics();
        let (sizes, peaks) = (self.crew().sizes(), self.crew().peaks());
        let totals = self.roster().totals();
        let [least, most, _] = sizes.numbers();
        PoolStatistics {
            now,
            sizes: (least, most),
            blocking: sizes.blocking(),
            made: totals.made,
            gone: totals.gone,
            most_threads: peaks.workers,
            most_waiting: peaks.waiting,
        }
    }

    /// Whether the calling thread is one of this pool's, or in a handler or start policy of it.
    #[must_use]
    pub fn is_own_thread(&self) -> bool {
        place::is_at(self.crew())
    }
}

#[cold]
fn closed(job: Job) -> Rejected {
    Rejected::Closed(job.into())
}

impl Default for ThreadPool {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for ThreadPool {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Worker for ThreadPool {
    /// As [`ThreadPool::execute`]; a task that is handed back because there is no room is refused as well.
    fn execute(&self, task: Task) -> Result<(), Refused> {
        // A team may call this, and what is done around a task is a user's.
        let taken = turn::theirs(|| self.execute(task));
        taken.map_err(|rejected| Refused::new(rejected.into_task()))
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl fmt::Debug for ThreadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadPool")
            .field(&self.statistics())
            .finish()
    }
}
