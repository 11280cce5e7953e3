//! The original's team (`twisted._threads._team.Team`): everything that it decides is decided, and
//! carried out, inside its coordinator.
//!
//! Ported from Twisted. Copyright (c) 2001-2026 Twisted Matrix Laboratories and others, under the MIT
//! licence; the whole notice stands in `LICENSES/twisted-MIT.txt`.
//!
//! Each access to an attribute is atomic, as under Python's global lock: here the attributes stand in
//! one mutex, taken for each access by itself. That the rest excludes itself is the coordinator's part,
//! so this port is for coordinators that do exclude: lock workers and memory workers. `done` is
//! counted besides, for our statistics, and decides nothing. What the original raises out of a step,
//! where a factory fails or a worker refuses, loses the same task here.

use std::collections::VecDeque;
use std::fmt;

mod backlog;
mod crew;
mod handlers;
mod ledger;
mod sizes;
mod statistics;
mod team_lock;

pub(crate) use crew::{Crew, NotTaken, Request, Terms};
pub use handlers::{CreationError, CreationFailed, Handlers};
pub(crate) use sizes::Sizes;
pub use statistics::Statistics;
pub use team_lock::TeamLock;

use crate::contain::contain;
use crate::primitives::{Arc, Mutex};
use crate::quit::Quit;
use crate::task::Task;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

type Factory<W> = dyn Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync;

/// Spreads tasks over workers through one exclusive coordinator.
pub struct Team<C: ExclusiveWorker, W: Worker>(Arc<Inner<C, W>>);

struct Inner<C: ExclusiveWorker, W: Worker> {
    quit: Quit,
    coordinator: C,
    create_worker: Box<Factory<W>>,
    handlers: Handlers,
    state: Mutex<State<W>>,
}

struct State<W> {
    idle: Vec<Arc<W>>,
    busy: usize,
    pending: VecDeque<Task>,
    should_quit_coordinator: bool,
    to_shrink: usize,
    done: usize,
}

impl<C: ExclusiveWorker, W: Worker> Inner<C, W> {
    /// Has the coordinator do `step`, or hands back that it has quit.
    fn coordinate(
        self: &Arc<Self>,
        step: impl FnOnce(&Arc<Self>) + Send + 'static,
    ) -> Result<(), AlreadyQuit> {
        let this = Arc::clone(self);
        let answer = self.coordinator.execute(Task::new(move || step(&this)));
        answer.map_err(|_| AlreadyQuit)
    }

    fn statistics(&self) -> Statistics {
        let idle = self.state.lock().idle.len();
        let busy = self.state.lock().busy;
        let backlogged = self.state.lock().pending.len();
        let done = self.state.lock().done;
        Statistics {
            idle,
            busy,
            backlogged,
            done,
            accepted: busy + backlogged + done,
            ..Statistics::default()
        }
    }

    fn create_worker(&self) -> Option<Arc<W>> {
        let now = self.statistics();
        match (self.create_worker)(&now) {
            Ok(worker) => worker.map(Arc::new),
            Err(error) => {
                self.handlers.creation_failed(CreationFailed {
                    error,
                    waiting: now.backlogged,
                    workers: now.workers(),
                });
                None
            }
        }
    }

    fn quit_idlers(&self, n: Option<usize>) {
        let n = n.unwrap_or_else(|| {
            let idle = self.state.lock().idle.len();
            idle + self.state.lock().busy
        });
        for _ in 0..n {
            let idler = self.state.lock().idle.pop();
            match idler {
                Some(worker) => drop(worker.quit()),
                None => self.state.lock().to_shrink += 1,
            }
        }
        let should_quit = self.state.lock().should_quit_coordinator;
        if should_quit && self.state.lock().busy == 0 {
            drop(self.coordinator.quit());
        }
    }

    fn coordinate_this_task(self: &Arc<Self>, task: Task) {
        let idler = self.state.lock().idle.pop();
        let Some(worker) = idler.or_else(|| self.create_worker()) else {
            self.state.lock().pending.push_back(task);
            return;
        };
        self.state.lock().busy += 1;
        let (this, own) = (Arc::clone(self), Arc::clone(&worker));
        // A worker that refuses raises here, and the task is lost.
        drop(worker.execute(Task::new(move || {
            if let Err(payload) = contain(|| task.run()) {
                this.handlers.panicked(payload);
            }
            drop(this.coordinate(|this| {
                this.state.lock().busy -= 1;
                this.state.lock().done += 1;
                this.recycle_worker(own);
            }));
        })));
    }

    fn recycle_worker(self: &Arc<Self>, worker: Arc<W>) {
        self.state.lock().idle.push(Arc::clone(&worker));
        let oldest = self.state.lock().pending.pop_front();
        if let Some(task) = oldest {
            self.coordinate_this_task(task);
            return;
        }
        if self.state.lock().should_quit_coordinator {
            self.quit_idlers(None);
            return;
        }
        if self.state.lock().to_shrink > 0 {
            self.state.lock().to_shrink -= 1;
            self.state
                .lock()
                .idle
                .retain(|idle| !Arc::ptr_eq(idle, &worker));
            drop(worker.quit());
        }
    }
}

impl<W: Worker> Team<TeamLock, W> {
    /// A team that is coordinated by a lock of its own.
    pub fn locked(
        factory: impl Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync + 'static,
        handlers: Handlers,
    ) -> Self {
        Self::new(TeamLock::of_one_team(), factory, handlers)
    }
}

impl<C: ExclusiveWorker, W: Worker> Team<C, W> {
    /// A team without workers.
    pub fn new(
        coordinator: C,
        factory: impl Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync + 'static,
        handlers: Handlers,
    ) -> Self {
        Self(Arc::new(Inner {
            quit: Quit::new(),
            coordinator,
            create_worker: Box::new(factory),
            handlers,
            state: Mutex::new(State {
                idle: Vec::new(),
                busy: 0,
                pending: VecDeque::new(),
                should_quit_coordinator: false,
                to_shrink: 0,
                done: 0,
            }),
        }))
    }

    fn check(&self) -> Result<(), AlreadyQuit> {
        if self.0.quit.is_set() {
            return Err(AlreadyQuit);
        }
        Ok(())
    }

    /// Performs a task in an idle worker or in a new one, if the flag is not set.
    ///
    /// # Errors
    /// [`Refused`], with the task, after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let task = task.into();
        if self.check().is_err() {
            return Err(Refused::new(task));
        }
        // The caller of the original keeps its task, whatever is raised; so it stands in a slot.
        let slot = Arc::new(std::sync::Mutex::new(Some(task)));
        let take = |slot: &std::sync::Mutex<Option<Task>>| {
            let mut slot = slot
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            slot.take()
        };
        let taken = Arc::clone(&slot);
        let answer = self.0.coordinate(move |this| {
            if let Some(task) = take(&taken) {
                this.coordinate_this_task(task);
            }
        });
        match answer {
            Ok(()) => Ok(()),
            Err(AlreadyQuit) => take(&slot).map_or(Ok(()), |task| Err(Refused::new(task))),
        }
    }

    /// Stops accepting, and shuts down all idle workers.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if the team was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.quit.set()?;
        self.0.coordinate(|this| {
            this.state.lock().should_quit_coordinator = true;
            this.quit_idlers(None);
        })
    }

    /// Makes up to `n` workers.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn grow(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.check()?;
        self.0.coordinate(move |this| {
            for _ in 0..n {
                let Some(worker) = this.create_worker() else {
                    return;
                };
                this.recycle_worker(worker);
            }
        })
    }

    /// Shuts down `n` workers.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn shrink(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.check()?;
        self.0.coordinate(move |this| this.quit_idlers(Some(n)))
    }

    /// Shuts down all workers.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn shrink_all(&self) -> Result<(), AlreadyQuit> {
        self.check()?;
        self.0.coordinate(|this| this.quit_idlers(None))
    }

    /// The original has nothing of the kind.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn limit_raised(&self) -> Result<(), AlreadyQuit> {
        self.check()
    }

    /// The numbers, read one after another.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.0.statistics()
    }
}

impl<C: ExclusiveWorker, W: Worker> Clone for Team<C, W> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
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
        f.debug_struct("Team").finish_non_exhaustive()
    }
}
