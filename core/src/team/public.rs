//! [`Team`]: what users hold.
//!
//! # Invariants
//! H3: the last dropped [`Team`] quits, and does not wait; what works for the team shares the shell,
//! not the handles.

use std::fmt;

use super::handlers::{CreationError, Handlers};
use super::ledger::Event;
use super::shell::Shell;
use super::statistics::Statistics;
use super::team_lock::TeamLock;
use crate::handle::{Handle, LastDrop};
use crate::primitives::Arc;
use crate::task::{Job, Task};
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

/// Spreads tasks over workers through one exclusive coordinator.
///
/// Generic over its coordinator `C` and its workers `W`; a [`pool`](crate::pool) is a team of threads
/// that fetch their tasks themselves.
/// A team is itself a [`Worker`]. Handles are cheap to clone; the last one dropped quits the team, as
/// [`Team::quit`] does, and waits for nothing but a coordinator step in progress.
///
/// Every call hands what it has to the coordinator. A [`LockWorker`](crate::LockWorker) decides
/// before the call returns; a [`MemoryWorker`](crate::MemoryWorker) when it is performed. Tasks are
/// assigned in the order in which the coordinator took them.
///
/// ```
/// use brigade::{Handlers, LockWorker, Team, memory_worker};
///
/// # brigade::primitives::example(|| {
/// // One worker, stepped by hand.
/// let (worker, performer) = memory_worker();
/// let once = std::sync::Mutex::new(Some(worker));
/// let team = Team::new(
///     LockWorker::new(),
///     move |_| Ok(once.lock().unwrap().take()),
///     Handlers::new(),
/// );
/// team.execute(|| println!("one")).unwrap();
/// team.execute(|| println!("two")).unwrap();
/// assert_eq!(team.statistics().backlogged, 1);
/// performer.drain();
/// assert_eq!(team.statistics().done, 2);
/// team.quit().unwrap();
/// assert!(team.execute(|| ()).is_err());
/// # });
/// ```
pub struct Team<C: ExclusiveWorker, W: Worker>(Handle<Owner<C, W>>);

/// What the users of a team share; all else shares the shell.
struct Owner<C: ExclusiveWorker, W: Worker>(Arc<Shell<C, W>>);

impl<C: ExclusiveWorker, W: Worker> LastDrop for Owner<C, W> {
    fn last_handle_dropped(&self) {
        // An `Err` says that the team lost its coordinator, and quit, before.
        let _ = self.0.ask(Event::Quit);
    }
}

impl<W: Worker> Team<TeamLock, W> {
    /// A team that is coordinated by its own lock: every call is decided before it returns, on the
    /// calling thread. The fastest coordinator; the
    /// arguments are those of [`Team::new`].
    pub fn locked(
        factory: impl Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync + 'static,
        handlers: Handlers,
    ) -> Self {
        Self::new(TeamLock::of_one_team(), factory, handlers)
    }
}

impl<C: ExclusiveWorker, W: Worker> Team<C, W> {
    /// A team without workers.
    ///
    /// `factory` is asked for a worker whenever one is wanted, with the team's numbers as they then
    /// are: `Ok(None)` says that there are enough (asked again at the next arrival that finds none
    /// idle), `Err` that it failed (asked again at the next step of the coordinator, and reported).
    /// It is called in the coordinator's turn, or right after it on the same thread where a worker had
    /// to leave first; by one thread at a time, under no other lock; it may call the team, but should
    /// not take long.
    pub fn new(
        coordinator: C,
        factory: impl Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync + 'static,
        handlers: Handlers,
    ) -> Self {
        let shell = Shell::new(coordinator, Box::new(factory), handlers);
        Self(Handle::new(Owner(Arc::new(shell))))
    }

    fn ask(&self, event: Event<Job>) -> Result<(), AlreadyQuit> {
        self.0.0.ask(event).map_err(|_| AlreadyQuit)
    }

    /// Accepts a closure or a [`Task`]. `Ok` means that it will be run, or, if it never can be (see
    /// [`Handlers::on_abandoned`]), handed to the owner.
    ///
    /// What the caller did before is visible in the task. May wait for the coordinator, as its
    /// `execute` does; never for a worker, unless the workers run tasks on the submitting thread.
    ///
    /// # Errors
    /// [`Refused`], with the task, after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let asked = self.0.0.ask(Event::Arrived(Job::from(task.into())));
        match asked {
            Err(Event::Arrived(job)) => Err(Refused::new(Task::from(job))),
            _ => Ok(()),
        }
    }

    /// Refuses new work, finishes what was accepted, then quits every worker once and the coordinator
    /// last. Does not wait for any of that.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if the team was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.note_quit();
        self.ask(Event::Quit)
    }

    /// Makes up to `n` workers now, until the factory gives no more. `usize::MAX` is as many as it
    /// gives.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn grow(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.ask(Event::Grow(n))
    }

    /// Makes `n` workers leave: idle ones now, busy ones when their task has ended, and no more than
    /// there are. The last one stays while work waits. This is no limit: later work may make new ones.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn shrink(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.ask(Event::Shrink(Some(n)))
    }

    /// [`Team::shrink`] by all workers there are.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn shrink_all(&self) -> Result<(), AlreadyQuit> {
        self.ask(Event::Shrink(None))
    }

    /// Says that the factory would now give workers that it refused before: tasks that wait get some.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn limit_raised(&self) -> Result<(), AlreadyQuit> {
        self.ask(Event::Raised)
    }

    /// The numbers as of the coordinator's last step. Waits for no coordinator, and never for long.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.0.0.statistics()
    }
}

impl<C: ExclusiveWorker, W: Worker> Clone for Team<C, W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: ExclusiveWorker, W: Worker> Worker for Team<C, W> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl<C: ExclusiveWorker, W: Worker> fmt::Debug for Team<C, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Team").field(&self.statistics()).finish()
    }
}
