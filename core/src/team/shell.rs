//! The shell: takes events to the ledger through the coordinator, and carries out what it decides.
//!
//! # State
//! `state`, one mutex over the ledger, the snapshot last published, and what the owner gave (the
//! factory and the handlers); locked for a few moves at a time, never while anything is called that is
//! not ours.
//!
//! # How an event gets to the ledger
//!
//! | the coordinator | an event that a user asks for | an event of ours |
//! |---|---|---|
//! | can run it now ([`ExclusiveWorker::run_now`]) | accepted and applied in one step | applied in a step |
//! | queues it | accepted under the mutex, then queued as a [`Step`] | queued as a [`Step`] |
//! | refuses it (a stranger quit it) | handed back, unless it is a quit; the team quits | applied without it |
//! | accepts and drops it | applied without it; the team quits | the same |
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
//! - T2: `statistics` reads the snapshot that the last step published, to which an acceptance that
//!   is still on its way to the coordinator is added at once.
//! - T6: quits are counted as delivered in the ledger before `Finish` can be decided, because
//!   another thread may carry out a later decision earlier. Those decided in the same step need no
//!   counting: one thread carries them out in the order decided.
//! - T1: a retired worker counts until it has been told to quit. If the factory's answer has to wait
//!   for that, whoever counts it asks again: right after the step that retired it, on its thread.
//! - T10: the ledger's workers are given out when it ends; what the owner gave goes with the end, or
//!   with the last errand that uses it; a ticket lets go of the shell when it ends. Only the
//!   coordinator, which has been quit, stays until the last handle is dropped.
//!
//! The exclusion of steps is the coordinator's, and the order of work rests on it; the soundness of
//! the ledger rests on the mutex alone, so it survives a coordinator that breaks its laws or dies.

use std::ops::Deref;

use super::backlog::Backlog;
use super::handlers::{CreationError, CreationFailed, FactoryPanicked, Handlers, RefusedItsTask};
use super::ledger::{Action, Event, Ledger, Look, Made};
use super::statistics::Statistics;
use super::tickets::{Abandon, Dispatch, Finish, Left, ReportFailed, Retire, Step};
use crate::contain::{Payload, contain, quietly};
use crate::primitives::{Arc, Mutex, MutexGuard};
use crate::probe::{Kind, Object, Subject, What};
use crate::task::{Job, Once, Task};
use crate::turn;
use crate::worker::{ExclusiveWorker, Now, Worker};

pub(super) type Factory<W> = dyn Fn(&Statistics) -> Result<Option<W>, CreationError> + Send + Sync;

pub(super) struct Shell<C: ExclusiveWorker, W: Worker> {
    coordinator: C,
    object: Object,
    state: Mutex<State<W>>,
}

struct State<W> {
    ledger: Ledger<Arc<Member<W>>, Backlog>,
    published: Statistics,
    /// `None` once the team has ended.
    given: Option<Arc<Given<W>>>,
}

/// A worker of the team.
pub(super) struct Member<W> {
    worker: W,
    object: Object,
}

impl<W> Deref for Member<W> {
    type Target = W;
    fn deref(&self) -> &W {
        &self.worker
    }
}

/// What the owner gave.
pub(super) struct Given<W> {
    factory: Box<Factory<W>>,
    pub(super) handlers: Handlers,
}

/// What a step takes in.
pub(super) enum Heard<W> {
    Of(Event<Job>),
    /// The worker's task has ended.
    Ended(Arc<Member<W>>),
}

impl<C: ExclusiveWorker, W: Worker> Shell<C, W> {
    pub(super) fn new(coordinator: C, factory: Box<Factory<W>>, handlers: Handlers) -> Self {
        Self {
            coordinator,
            object: Object::of(Kind::Team),
            state: Mutex::new(State {
                ledger: Ledger::new(),
                published: Statistics::default(),
                given: Some(Arc::new(Given { factory, handlers })),
            }),
        }
    }

    /// The snapshot of the last step.
    pub(super) fn statistics(&self) -> Statistics {
        let state = self.state.lock();
        let now = state.published;
        self.object.tell(|| What::Statistics(now.numbers()));
        now
    }

    /// Whose events the team's are.
    pub(super) fn object(&self) -> Object {
        self.object
    }

    /// Accepts what a user asks for, or says no.
    fn accept(&self, state: &mut State<W>, event: &Event<Job>) -> bool {
        let accepted = state.accept(event);
        let what = if accepted { What::Asked } else { What::Denied };
        self.object.tell(|| what(subject(event)));
        accepted
    }

    /// A step takes the event in, and settles.
    fn apply(self: &Arc<Self>, mut state: MutexGuard<'_, State<W>>, heard: Heard<W>) {
        let (event, ended) = match heard {
            Heard::Of(event) => (event, None),
            Heard::Ended(worker) => (Event::Ended, Some(worker)),
        };
        self.object.tell(|| {
            What::Taken(match &ended {
                Some(worker) => Subject::End(worker.object.number()),
                None => subject(&event),
            })
        });
        state.ledger.apply(event);
        self.settle(state, ended);
    }

    /// Takes what a user asks for to the ledger, or hands it back.
    pub(super) fn ask(self: &Arc<Self>, event: Event<Job>) -> Result<(), Event<Job>> {
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
    pub(super) fn report(self: &Arc<Self>, heard: Heard<W>) {
        let mut event = Some(heard);
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
            self.panicked(payload);
            Now::Queue
        })
    }

    /// Tells the owner of a panic. Once the team has ended, which no task outlives, what is left to
    /// panic is a coordinator of a stranger's, and the process's panic hook has told of it.
    pub(super) fn panicked(&self, payload: Payload) {
        self.object.tell(|| What::PanicReported);
        self.tell(payload, Handlers::panicked);
    }

    /// Hands the owner a task that a coordinator or a worker gave back instead of ours.
    pub(super) fn strange(&self, task: Task) {
        self.tell(task, Handlers::abandoned);
    }

    fn tell<T>(&self, what: T, tell: fn(&Handlers, T)) {
        let given = self.state.lock().given.clone();
        match given {
            Some(given) => {
                tell(&given.handlers, what);
                release(given);
            }
            None => release(what),
        }
    }

    fn ticket(self: &Arc<Self>, heard: Heard<W>) -> Step<C, W> {
        Step {
            shell: Arc::clone(self),
            heard: Some(heard),
        }
    }

    fn queue(self: &Arc<Self>, event: Event<Job>) -> Result<(), Event<Job>> {
        if !self.accept(&mut self.state.lock(), &event) {
            return Err(event);
        }
        let step = Task::ticket(self.ticket(Heard::Of(event)));
        let refused = match contain(|| self.coordinator.execute(step)) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(refused)) => refused.into_task(),
            Err(payload) => {
                // The step, dropped by the unwinding, has seen to its event.
                self.panicked(payload);
                return Ok(());
            }
        };
        let heard = match refused.take::<Step<C, W>>() {
            Ok(mut step) => step.heard.take(),
            Err(strange) => {
                self.strange(strange);
                None
            }
        };
        match heard {
            // Nothing is accepted after a quit, so it stands.
            Some(heard @ (Heard::Ended(_) | Heard::Of(Event::Quit))) => {
                self.step(heard);
                Ok(())
            }
            None => Ok(()),
            Some(Heard::Of(event)) => {
                let mut state = self.state.lock();
                state.withdraw(&event);
                self.object.tell(|| What::Withdrawn(subject(&event)));
                // It may be what the end was waiting for.
                self.settle(state, None);
                self.refused(event)
            }
        }
    }

    /// The coordinator refused an event that is not accepted. To quit is what follows from that; all
    /// else goes back.
    fn refused(self: &Arc<Self>, event: Event<Job>) -> Result<(), Event<Job>> {
        if let Event::Quit = event {
            return self.step_if_accepted(event);
        }
        self.coordinator_lost();
        self.object.tell(|| What::Denied(subject(&event)));
        Err(event)
    }

    fn step_if_accepted(self: &Arc<Self>, event: Event<Job>) -> Result<(), Event<Job>> {
        let mut state = self.state.lock();
        if !self.accept(&mut state, &event) {
            return Err(event);
        }
        self.apply(state, Heard::Of(event));
        Ok(())
    }

    /// One step of the coordinator.
    pub(super) fn step(self: &Arc<Self>, heard: Heard<W>) {
        self.apply(self.state.lock(), heard);
    }

    /// The coordinator refused a step that it should not have, or dropped one.
    pub(super) fn step_without_coordinator(self: &Arc<Self>, heard: Heard<W>) {
        self.step(heard);
        self.coordinator_lost();
    }

    /// Without a coordinator there is no order left to keep: the team quits and finishes its work.
    fn coordinator_lost(self: &Arc<Self>) {
        // An `Err` says that it had quit before.
        let _ = self.step_if_accepted(Event::Quit);
    }

    /// Counts retirements as delivered, which may be what the end, or the factory, was waiting for.
    pub(super) fn left(self: &Arc<Self>, count: usize) {
        let mut state = self.state.lock();
        self.object.tell(|| What::Left(count));
        state.ledger.left(count);
        self.settle(state, None);
    }

    /// Takes the ledger's decisions until there are none, publishes its numbers, and leaves what was
    /// decided to this thread's turn. `awake`: a worker that has come to be so.
    fn settle<'a>(
        self: &'a Arc<Self>,
        mut state: MutexGuard<'a, State<W>>,
        mut awake: Option<Arc<Member<W>>>,
    ) {
        let mut errands = Errands::default();
        let mut retired = 0;
        loop {
            if cfg!(debug_assertions) {
                state.ledger.check();
            }
            if let Some(worker) = awake.take() {
                retired += self.look(&mut state, worker, &mut errands);
                continue;
            }
            let Some(action) = state.ledger.decide(retired) else {
                break;
            };
            match action {
                Action::Call(worker) => awake = Some(worker),
                Action::Create => {
                    let now = state.ledger.statistics();
                    self.object.tell(|| What::FactoryAsked(now.workers()));
                    let given = state.given.clone();
                    drop(state);
                    let made = given.map_or(Err(Made::AtLimit), |given| {
                        let made = self.create(&given, &now, &mut errands);
                        release(given);
                        made
                    });
                    state = self.state.lock();
                    self.object.tell(|| match &made {
                        Ok(worker) => What::WorkerMade(worker.object.number()),
                        Err(Made::AtLimit) => What::AtLimit,
                        Err(_) => What::CreationFailed,
                    });
                    state
                        .ledger
                        .made(made.as_ref().map_or_else(|&no| no, |_| Made::Worker));
                    awake = made.ok();
                }
                Action::Refused => {
                    self.object.tell(|| What::FirstRefused);
                    let now = state.ledger.statistics();
                    let failed = CreationFailed::new(RefusedItsTask.into(), &now);
                    errands.extend(state.given.clone().map(|given| ReportFailed {
                        given,
                        object: self.object,
                        failed: Box::new(failed),
                    }));
                }
                Action::Abandon => {
                    if let Some(job) = state.ledger.abandon() {
                        let task = job.identity().number();
                        self.object.tell(|| What::Abandoned(task));
                        errands.extend(state.given.clone().map(|given| Abandon {
                            given,
                            object: self.object,
                            job,
                        }));
                    }
                }
                // No caller waits for a team: it has no bound, and cannot be asked to be idle.
                Action::Admit | Action::Idle => {}
                Action::Finish => {
                    self.object.tell(|| What::Finished);
                    retired = 0;
                    errands.leave(Finish {
                        shell: Arc::clone(self),
                        given: state.given.take(),
                    });
                }
            }
        }
        if cfg!(debug_assertions) {
            state.ledger.check_settled();
        }
        state.published = state.ledger.statistics();
        self.object.tell(|| What::Settled);
        drop(state);
        if retired > 0 {
            errands.leave(Left {
                shell: Arc::clone(self),
                count: retired,
            });
        }
        errands.run_stranded();
    }

    /// Looks for a task on the worker's behalf. How many shall leave: one, or none.
    fn look(
        self: &Arc<Self>,
        state: &mut State<W>,
        worker: Arc<Member<W>>,
        errands: &mut Errands,
    ) -> usize {
        let shell = Arc::clone(self);
        let number = worker.object.number();
        match state.ledger.look() {
            Look::Task(job) => {
                let task = job.identity().number();
                self.object.tell(|| What::Assigned(number, task));
                errands.leave(Dispatch { shell, worker, job });
                0
            }
            Look::Leave => {
                self.object.tell(|| What::Retired(number));
                errands.leave(Retire { shell, worker });
                1
            }
            Look::Nothing => {
                state.ledger.rest(worker);
                0
            }
        }
    }

    fn create(
        &self,
        given: &Arc<Given<W>>,
        now: &Statistics,
        errands: &mut Errands,
    ) -> Result<Arc<Member<W>>, Made> {
        let error = match turn::theirs(|| contain(|| (given.factory)(now))) {
            Ok(Ok(Some(worker))) => {
                let object = Object::new();
                return Ok(Arc::new(Member { worker, object }));
            }
            Ok(Ok(None)) => return Err(Made::AtLimit),
            Ok(Err(error)) => error,
            Err(payload) => {
                let error = FactoryPanicked::new(&payload);
                quietly(|| drop(payload));
                error.into()
            }
        };
        errands.leave(ReportFailed {
            given: Arc::clone(given),
            object: self.object,
            failed: Box::new(CreationFailed::new(error, now)),
        });
        Err(Made::Failed)
    }

    /// The worker refused its task or dropped it.
    pub(super) fn lost(self: &Arc<Self>, worker: &Arc<Member<W>>, job: Job) {
        self.quit_worker(worker);
        self.report(Heard::Of(Event::Lost(job)));
    }

    pub(super) fn quit_worker(&self, worker: &Arc<Member<W>>) {
        self.object
            .tell(|| What::WorkerQuit(worker.object.number()));
        // A stranger may have quit it already.
        turn::theirs(|| {
            quietly(|| {
                let _ = worker.quit();
            });
        });
    }

    pub(super) fn quit_coordinator(&self) {
        self.object.tell(|| What::CoordinatorQuit);
        // A stranger may have quit it already.
        turn::theirs(|| {
            quietly(|| {
                let _ = self.coordinator.quit();
            });
        });
    }
}

impl<W> State<W> {
    fn accept(&mut self, event: &Event<Job>) -> bool {
        let accepted = self.ledger.accept(event);
        if accepted && matches!(event, Event::Arrived(_)) {
            self.published.accepted = self.published.accepted.wrapping_add(1);
            self.published.in_flight += 1;
        }
        accepted
    }

    fn withdraw(&mut self, event: &Event<Job>) {
        self.ledger.withdraw(event);
        if let Event::Arrived(_) = event {
            self.published.accepted = self.published.accepted.wrapping_sub(1);
            self.published.in_flight -= 1;
        }
    }
}

/// What the event is about. Ends and departures are told by whoever knows the worker.
fn subject(event: &Event<Job>) -> Subject {
    match event {
        Event::Arrived(job) => Subject::Task(job.identity().number()),
        Event::Grow(n) => Subject::Grow(*n),
        Event::Shrink(n) => Subject::Shrink(*n),
        Event::Raised => Subject::Raised,
        Event::Quit => Subject::Quit,
        Event::Start => Subject::Start,
        Event::Resize(least, most) => Subject::Resize(*least, *most),
        Event::Enter => Subject::Enter,
        Event::Exit => Subject::Exit,
        Event::Abort => Subject::Abort,
        // Only of a crew, which tells them itself, are tasks withdrawn.
        Event::Cancelled | Event::InPlace | Event::EndedInPlace => Subject::EndInPlace(0),
        Event::Ended => Subject::End(0),
        Event::Gone => Subject::Gone(0),
        Event::Lost(job) => Subject::Loss(job.identity().number()),
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

    fn extend(&mut self, errand: Option<impl Once>) {
        if let Some(errand) = errand {
            self.leave(errand);
        }
    }

    fn run_stranded(self) {
        for errand in self.0 {
            quietly(|| errand.run());
        }
    }
}

/// Drops what is a user's: their drop may call anything of ours, and panic.
pub(super) fn release<T>(theirs: T) {
    turn::theirs(|| quietly(|| drop(theirs)));
}
