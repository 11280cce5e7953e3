//! The shell: takes events to the ledger through the coordinator, and carries out what it decides.
//!
//! # State
//! `state`, one mutex over the ledger and the snapshot last published; locked for a few moves at a
//! time, never while anything is called that is not ours.
//!
//! # How an event gets to the ledger
//!
//! | the coordinator | an event that a user asks for | an event of ours |
//! |---|---|---|
//! | can run it now ([`ExclusiveWorker::run_now`]) | accepted and applied in one step | applied in a step |
//! | queues it | accepted under the mutex, then queued as a [`Step`] | queued as a [`Step`] |
//! | refuses it (a stranger quit it), or drops it | handed back; the team quits | applied without it |
//!
//! A step applies the event and takes the ledger's decisions until there are none. Only
//! [`Action::Create`] is carried out within the step (without the mutex); all others are left to the
//! thread's [`turn`], which carries them out after the coordinator's exclusion has ended and before
//! the outermost call returns.
//!
//! # Invariants
//! - W2: a task that a coordinator refuses goes back to its caller, the caller's own.
//! - W4: acceptance and quit are each one critical section of `state`.
//! - W9: the factory is called in the coordinator's turn but outside `state`; user's tasks, handlers
//!   and workers in neither.
//! - T2: `statistics` reads the snapshot that the last step published.
//! - T6: quits are counted as delivered in the ledger before `Finish` can be decided, because
//!   another thread may carry out a later decision earlier.
//! - H3: the last dropped [`Team`] quits. T10: the ledger's workers are given out when it ends, and a
//!   ticket lets go of the shell when it ends, so nothing is left that refers to it.
//!
//! The exclusion of steps is the coordinator's, and the order of work rests on it; the soundness of
//! the ledger rests on the mutex alone, so it survives a coordinator that breaks its laws or dies.

use std::error::Error;
use std::fmt;

use super::handlers::{CreationError, CreationFailed, Handlers};
use super::ledger::{Action, Event, Ledger, Made};
use super::statistics::Statistics;
use super::team_lock::TeamLock;
use super::tickets::{Abandon, Dispatch, Finish, Left, ReportFailed, Retire, Step};
use crate::contain::{Payload, contain, quietly};
use crate::handle::{Handle, LastDrop};
use crate::primitives::{Arc, Mutex, MutexGuard};
use crate::task::{Job, Once, Task};
use crate::turn;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Now, Refused, Worker};

type Factory<W> = dyn Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync;

pub(super) struct Shell<C: ExclusiveWorker, W: Worker> {
    coordinator: C,
    factory: Box<Factory<W>>,
    pub(super) handlers: Handlers,
    state: Mutex<State<W>>,
}

struct State<W> {
    ledger: Ledger<Arc<W>, Job>,
    published: Statistics,
}

type Asked<W> = Event<Arc<W>, Job>;

impl<C: ExclusiveWorker, W: Worker> Shell<C, W> {
    /// Takes what a user asks for to the ledger, or hands it back.
    fn ask(self: &Arc<Self>, event: Asked<W>) -> Result<(), Asked<W>> {
        let mut event = Some(event);
        let mut refused = None;
        turn::open(|| {
            let now = self.run_now(&mut || {
                if let Some(event) = event.take() {
                    refused = self.step_if_accepted(event).err();
                }
            });
            match (now, event.take()) {
                (_, None) => {}
                (Now::Refused, Some(unseen)) => refused = self.refused(unseen).err(),
                (Now::Queue | Now::Ran, Some(unseen)) => refused = self.queue(unseen).err(),
            }
        });
        refused.map_or(Ok(()), Err)
    }

    /// Takes an event of ours to the ledger, by whatever way is left.
    pub(super) fn report(self: &Arc<Self>, event: Asked<W>) {
        let mut event = Some(event);
        self.run_now(&mut || {
            if let Some(event) = event.take() {
                self.step(event);
            }
        });
        if let Some(event) = event {
            // Refused or not, a `Step` sees to it that its event is applied.
            let step = Task::ticket(self.ticket(event));
            quietly(|| drop(self.coordinator.execute(step)));
        }
    }

    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        contain(|| self.coordinator.run_now(step)).unwrap_or_else(|payload| {
            self.handlers.panicked(payload);
            Now::Queue
        })
    }

    fn ticket(self: &Arc<Self>, event: Asked<W>) -> Step<C, W> {
        Step {
            shell: Arc::clone(self),
            event: Some(event),
        }
    }

    fn queue(self: &Arc<Self>, event: Asked<W>) -> Result<(), Asked<W>> {
        if !self.state.lock().accept(&event) {
            return Err(event);
        }
        let step = Task::ticket(self.ticket(event));
        let refused = match contain(|| self.coordinator.execute(step)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(refused)) => refused.into_task(),
            Err(payload) => {
                // The step, dropped by the unwinding, has seen to its event.
                self.handlers.panicked(payload);
                return Ok(());
            }
        };
        let event = match refused.take::<Step<C, W>>() {
            Ok(mut step) => step.event.take(),
            Err(strange) => {
                self.handlers.abandoned(strange);
                None
            }
        };
        match event {
            None => Ok(()),
            // Nothing is accepted after it, so it stands.
            Some(Event::Quit) => {
                self.step(Event::Quit);
                Ok(())
            }
            Some(event) => {
                let mut state = self.state.lock();
                state.withdraw(&event);
                // It may be what the end was waiting for.
                self.settle(state);
                self.refused(event)
            }
        }
    }

    /// The coordinator refused an event that is not accepted. To quit is what follows from that; all
    /// else goes back.
    fn refused(self: &Arc<Self>, event: Asked<W>) -> Result<(), Asked<W>> {
        if let Event::Quit = event {
            return self.step_if_accepted(event);
        }
        self.coordinator_lost();
        Err(event)
    }

    fn step_if_accepted(self: &Arc<Self>, event: Asked<W>) -> Result<(), Asked<W>> {
        let mut state = self.state.lock();
        if !state.accept(&event) {
            return Err(event);
        }
        state.ledger.apply(event);
        self.settle(state);
        Ok(())
    }

    /// One step of the coordinator.
    pub(super) fn step(self: &Arc<Self>, event: Asked<W>) {
        let mut state = self.state.lock();
        state.ledger.apply(event);
        self.settle(state);
    }

    /// The coordinator refused a step that it should not have, or dropped one.
    pub(super) fn step_without_coordinator(self: &Arc<Self>, event: Asked<W>) {
        self.step(event);
        self.coordinator_lost();
    }

    /// Without a coordinator there is no order left to keep: the team quits and finishes its work.
    fn coordinator_lost(self: &Arc<Self>) {
        // An `Err` says that it had quit before.
        let _ = self.step_if_accepted(Event::Quit);
    }

    /// Counts retirements as delivered, which may be what the end was waiting for.
    pub(super) fn left(self: &Arc<Self>, count: usize) {
        let mut state = self.state.lock();
        state.ledger.left(count);
        self.settle(state);
    }

    /// Takes the ledger's decisions until there are none, publishes its numbers, and leaves what was
    /// decided to this thread's turn.
    fn settle<'a>(self: &'a Arc<Self>, mut state: MutexGuard<'a, State<W>>) {
        let mut errands = Errands::default();
        let mut retired = 0;
        loop {
            if cfg!(debug_assertions) {
                state.ledger.check();
            }
            let shell = || Arc::clone(self);
            match state.ledger.decide(retired) {
                None => break,
                Some(Action::Create(now)) => {
                    drop(state);
                    let made = self.create(&now, &mut errands);
                    state = self.state.lock();
                    state.ledger.made(made);
                }
                Some(Action::Dispatch(worker, job)) => errands.leave(Dispatch {
                    shell: shell(),
                    worker,
                    job,
                }),
                Some(Action::Retire(worker)) => {
                    retired += 1;
                    errands.leave(Retire {
                        shell: shell(),
                        worker,
                    });
                }
                Some(Action::Refused) => {
                    let failed = failed(RefusedItsTask.into(), &state.ledger.statistics());
                    errands.leave(self.report_failed(failed));
                }
                Some(Action::Abandon(job)) => errands.leave(Abandon {
                    shell: shell(),
                    job,
                }),
                Some(Action::Finish) => {
                    retired = 0;
                    errands.leave(Finish { shell: shell() });
                }
            }
        }
        if cfg!(debug_assertions) {
            state.ledger.check_settled();
        }
        state.published = state.ledger.statistics();
        drop(state);
        if retired > 0 {
            errands.leave(Left {
                shell: Arc::clone(self),
                count: retired,
            });
        }
        errands.run_stranded();
    }

    fn create(self: &Arc<Self>, now: &Statistics, errands: &mut Errands) -> Made<Arc<W>> {
        let error = match turn::theirs(|| contain(|| (self.factory)(now))) {
            Ok(Ok(Some(worker))) => return Made::Worker(Arc::new(worker)),
            Ok(Ok(None)) => return Made::AtLimit,
            Ok(Err(error)) => error,
            Err(payload) => {
                let message = message(&payload);
                quietly(|| drop(payload));
                Box::new(FactoryPanicked(message))
            }
        };
        errands.leave(self.report_failed(failed(error, now)));
        Made::Failed
    }

    fn report_failed(self: &Arc<Self>, failed: CreationFailed) -> ReportFailed<C, W> {
        ReportFailed {
            shell: Arc::clone(self),
            failed: Box::new(failed),
        }
    }

    /// The worker refused its task or dropped it.
    pub(super) fn lost(self: &Arc<Self>, worker: &Arc<W>, job: Job) {
        self.quit_worker(worker);
        self.report(Event::Lost(job));
    }

    pub(super) fn quit_worker(&self, worker: &Arc<W>) {
        // A stranger may have quit it already.
        turn::theirs(|| {
            quietly(|| {
                let _ = worker.quit();
            });
        });
    }

    pub(super) fn quit_coordinator(&self) {
        // A stranger may have quit it already.
        turn::theirs(|| {
            quietly(|| {
                let _ = self.coordinator.quit();
            });
        });
    }
}

impl<W> State<W> {
    fn accept(&mut self, event: &Asked<W>) -> bool {
        let accepted = self.ledger.accept(event);
        if accepted && matches!(event, Event::Arrived(_)) {
            self.published.accepted = self.published.accepted.wrapping_add(1);
            self.published.in_flight += 1;
        }
        accepted
    }

    fn withdraw(&mut self, event: &Asked<W>) {
        self.ledger.withdraw(event);
        if let Event::Arrived(_) = event {
            self.published.accepted = self.published.accepted.wrapping_sub(1);
            self.published.in_flight -= 1;
        }
    }
}

/// Leaves errands to the thread's turn. Where there is none (see [`turn::errand`]), keeps them until
/// the lock is released.
#[derive(Default)]
struct Errands(Vec<Task>);

impl Errands {
    fn leave(&mut self, errand: impl Once) {
        self.0.extend(turn::errand(errand).err());
    }

    fn run_stranded(self) {
        for errand in self.0 {
            quietly(|| errand.run());
        }
    }
}

fn failed(error: CreationError, now: &Statistics) -> CreationFailed {
    CreationFailed {
        error,
        waiting: now.backlogged,
        workers: now.workers(),
    }
}

fn message(payload: &Payload) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)").to_owned()
}

#[derive(Debug)]
struct FactoryPanicked(String);

impl fmt::Display for FactoryPanicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the worker factory panicked: {}", self.0)
    }
}

impl Error for FactoryPanicked {}

#[derive(Debug)]
struct RefusedItsTask;

impl fmt::Display for RefusedItsTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a worker refused or dropped its task before any new worker had finished one")
    }
}

impl Error for RefusedItsTask {}

/// Spreads tasks over workers through one exclusive coordinator.
///
/// Generic over its coordinator `C` and its workers `W`; [`pool`](crate::pool) is the team of threads.
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
    /// calling thread. The fastest coordinator, and the one that a [`pool`](crate::pool) has; the
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
    /// It is called in the coordinator's turn, by one thread at a time, under no other lock; it may
    /// call the team, but should not take long.
    pub fn new(
        coordinator: C,
        factory: impl Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync + 'static,
        handlers: Handlers,
    ) -> Self {
        Self(Handle::new(Owner(Arc::new(Shell {
            coordinator,
            factory: Box::new(factory),
            handlers,
            state: Mutex::new(State {
                ledger: Ledger::new(),
                published: Statistics::default(),
            }),
        }))))
    }

    fn ask(&self, event: Asked<W>) -> Result<(), AlreadyQuit> {
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
        self.0.0.state.lock().published
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
