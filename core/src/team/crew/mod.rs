//! A crew: the threads of a pool, which fetch their tasks from the ledger themselves.
//!
//! | file | holds |
//! |---|---|
//! | this one | what is asked of a crew, and how what follows is carried out |
//! | [`birth`] | how its threads come to be |
//! | [`hand`] | what a thread does |
//! | [`withdrawal`] | how tasks leave the line otherwise: cancelled, run in place, given back |
//! | [`room`] | callers that wait for room, where the line is bounded |
//!
//! # State
//! `state`, one short lock over the ledger, what the owner gave, and the thread that is being started;
//! held for a few moves at a time, never while anything is called that is not ours. A limit to be asked
//! is asked without it. `raises` counts the raises of the limit; it is written with the lock held, and read
//! without.
//!
//! | a thread | holds | next |
//! |---|---|---|
//! | begins, perhaps before its start policy has returned | nothing | waits until it is counted, and looks |
//! | looks, with the lock | nothing | runs, leaves, or has found nothing |
//! | runs a task, without the lock | the task | its task ends, and it looks, in one critical section |
//! | has found nothing | nothing | lingers a little, then looks a last time, and rests |
//! | rests | nothing; its token lies in the ledger | whoever takes the token calls it, and it looks; or, as it was not called for long, it leaves |
//!
//! # How a call becomes a decision
//! A step is one critical section: take in what happened, take the ledger's decisions until there are
//! none. Threads are called, and the owner is told, after it; a thread is started between two. A submit
//! asks for the limit *before* its step, because that is a user's code; so that the step can decide at
//! once that there are enough threads, which it does for each task of a flood. An answer older than
//! the last raise is asked for again. Where the ledger keeps the limit, nobody is asked.
//!
//! # Invariants
//! - W1, W4: to accept a task is to put it into the backlog: one critical section. A task leaves the
//!   backlog in the critical section in which a thread fetches it; none queues behind a running one.
//! - W5: by the lock. W8: a task's panic is caught, and the thread goes on. W9: see above.
//! - T1: a thread is counted before it looks, and told to leave when it looks.
//! - T4: tasks are fetched in the order in which they were accepted.
//! - T9: a thread rests in the critical section in which it found nothing. While work waits and a thread
//!   rests, another is about to look (the ledger's T3), and if it takes a task it calls the next.
//! - T10: what the owner gave goes with the end, but for the limit, which goes with the last handle.
//!
//! Why threads are called one at a time: a submitter pays for one call at most, however long its
//! burst; and a thread that is awake already saves the next from being called for nothing.

mod birth;
mod hand;
mod room;
mod withdrawal;

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::time::Duration;

use birth::Unborn;
pub(crate) use room::NotTaken;

use super::backlog::Backlog;
use super::handlers::{CreationError, CreationFailed, FactoryPanicked, Handlers, RefusedItsTask};
use super::ledger::{Action, Event, Ledger, Made};
use super::sizes::Sizes;
use super::statistics::{Peaks, Statistics};
use crate::contain::{Payload, contain, quietly};
use crate::primitives::{Arc, AtomicUsize, Changes, Ordering};
use crate::probe::{Kind, Object, Subject, What};
use crate::short_lock::{LedgerGuard, LedgerLock, lock_soon};
use crate::start::{Body, Thread};
use crate::task::{Job, Task};
use crate::token::Token;
use crate::turn;

/// What a user asks for, other than to run a task.
#[derive(Clone, Copy)]
pub(crate) enum Request {
    Grow(usize),
    Shrink(Option<usize>),
    Raised,
    Quit,
    Start,
    Resize(usize, usize),
    Enter,
    Exit,
}

/// How many threads there may be.
pub(crate) enum Limit {
    /// As many as this says, whenever it is asked.
    Asked(Box<dyn Fn() -> usize + Send + Sync>),
    /// As many as the ledger says.
    Kept,
}

/// What a crew goes by.
pub(crate) struct Terms {
    pub(crate) limit: Limit,
    pub(crate) sizes: Sizes,
    /// How many tasks may wait for a thread, for those who ask.
    pub(crate) bound: usize,
    /// How long a thread above the least rests before it leaves.
    pub(crate) idle: Option<Duration>,
}

impl Terms {
    /// A limit that is asked for, and nothing else.
    pub(crate) fn asking(limit: Box<dyn Fn() -> usize + Send + Sync>) -> Self {
        Self {
            limit: Limit::Asked(limit),
            sizes: Sizes::NONE,
            bound: usize::MAX,
            idle: None,
        }
    }

    /// Sizes that are kept.
    pub(crate) fn keeping(sizes: Sizes, bound: usize, idle: Option<Duration>) -> Self {
        Self {
            limit: Limit::Kept,
            sizes,
            bound,
            idle,
        }
    }
}

/// How a thread is started. `None` is that none may be made now, until the limit is raised.
pub(crate) type Start = dyn Fn(Body) -> io::Result<Option<Thread>> + Send + Sync;

/// What every task writes to comes first, and fills one line of a cache: `changes`, the lock, the
/// ledger's totals, and the ends of the backlog. (The order of fields says so in each of these types.)
#[repr(C, align(64))]
pub(crate) struct Crew {
    changes: Changes,
    state: LedgerLock<State>,
    raises: AtomicUsize,
    limit: Limit,
    idle: Option<Duration>,
    object: Object,
}

#[repr(C)]
struct State {
    ledger: Ledger<Resting, Backlog>,
    /// `None` once the crew has ended.
    given: Option<Arc<Given>>,
    /// As often as the limit was raised.
    raises: usize,
    /// How many threads were to be started.
    births: usize,
    /// The one that is being started.
    unborn: Option<Unborn>,
    /// Those whose start failed, says the policy, though it has not dropped their bodies: they are not
    /// counted, and do not work.
    refused: Vec<usize>,
    /// Callers that wait for room.
    queue: VecDeque<Arc<Token>>,
    /// Callers that wait until nothing waits or runs.
    idlers: Vec<Arc<Token>>,
}

/// What the owner gave.
struct Given {
    start: Box<Start>,
    handlers: Handlers,
}

/// A thread that rests.
struct Resting {
    token: Arc<Token>,
    /// The thread's, to the probe.
    number: usize,
}

type Guard<'a> = LedgerGuard<'a, State>;

/// What is to be done without the lock.
#[derive(Default)]
struct Afterwards {
    /// Nearly always the only one: more have room to be allocated.
    call: Option<Arc<Token>>,
    calls: Vec<Arc<Token>>,
    reports: Vec<Report>,
    given: Option<Arc<Given>>,
    ended: bool,
}

enum Report {
    Failed(CreationFailed),
    Abandoned(Job),
}

impl Crew {
    pub(crate) fn new(terms: Terms, start: Box<Start>, handlers: Handlers) -> Self {
        let Terms {
            limit,
            sizes,
            bound,
            idle,
        } = terms;
        let object = Object::of(Kind::Pool);
        if let Limit::Kept = limit {
            object.tell(|| What::Sizes(sizes.numbers(), bound));
        }
        Self {
            changes: Changes::default(),
            raises: AtomicUsize::new(0),
            limit,
            idle,
            object,
            state: LedgerLock::new(State {
                ledger: Ledger::of(sizes, bound),
                given: Some(Arc::new(Given { start, handlers })),
                raises: 0,
                births: 0,
                unborn: None,
                refused: Vec::new(),
                queue: VecDeque::new(),
                idlers: Vec::new(),
            }),
        }
    }

    /// The numbers as they are.
    pub(crate) fn statistics(&self) -> Statistics {
        let state = self.state.lock();
        let now = state.ledger.statistics();
        self.object.tell(|| What::Statistics(now.numbers()));
        now
    }

    /// The sizes as they are.
    pub(crate) fn sizes(&self) -> Sizes {
        self.state.lock().ledger.sizes()
    }

    /// Waits until nothing waits or runs. Not for a thread of the crew's, whose task runs.
    pub(crate) fn wait_idle(&self) {
        let token = Arc::new(Token::new());
        let mut state = self.state.lock();
        if state.ledger.await_idle() {
            state.idlers.push(Arc::clone(&token));
            drop(state);
            token.wait();
        }
    }

    /// The most there ever was.
    pub(crate) fn peaks(&self) -> Peaks {
        self.state.lock().ledger.peaks()
    }

    /// Accepts a task, or hands it back. The answer is its number.
    #[inline]
    pub(crate) fn execute(self: &Arc<Self>, job: Job) -> Result<usize, Job> {
        let Limit::Asked(limit) = &self.limit else {
            return self.execute_with(lock_soon(&self.state), job);
        };
        // ORDERING: Acquire pairs with the Release of a raise: if its count is read here, the limit
        // asked next is the raised one. Relaxed might ask first, and so keep to the old limit.
        let raises = self.raises.load(Ordering::Acquire);
        let limit = match contain(limit) {
            Ok(limit) => limit,
            Err(payload) => return self.execute_without_limit(job, payload),
        };
        let mut state = lock_soon(&self.state);
        if state.raises == raises && state.ledger.submits_shortly(limit) {
            return Ok(self.submit_shortly(&mut state, job));
        }
        let limit = (state.raises == raises).then_some(limit);
        self.submit(state, job, limit)
    }

    /// The same with the lock, where the ledger keeps the limit.
    #[inline]
    fn execute_with<'a>(self: &'a Arc<Self>, mut state: Guard<'a>, job: Job) -> Result<usize, Job> {
        let limit = state.ledger.limit();
        if state.ledger.submits_shortly(limit) {
            return Ok(self.submit_shortly(&mut state, job));
        }
        self.submit(state, job, None)
    }

    /// The short way of a flood: nothing follows but that the task waits.
    #[inline]
    fn submit_shortly(&self, state: &mut State, job: Job) -> usize {
        let subject = Subject::Task(job.identity().number());
        self.object.tell(|| What::Asked(subject));
        self.object.tell(|| What::Taken(subject));
        if !state.ledger.finds_a_worker() {
            let workers = state.ledger.workers();
            self.object.tell(|| What::FactoryAsked(workers));
            self.object.tell(|| What::AtLimit);
        }
        state.ledger.submit_shortly(job);
        self.changes.note();
        self.settled(state);
        state.ledger.serial()
    }

    /// The long way. `limit`: the answer of a moment ago, if there is one.
    #[inline(never)]
    fn submit<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        job: Job,
        limit: Option<usize>,
    ) -> Result<usize, Job> {
        self.accept(&mut state, job)?;
        let serial = state.ledger.serial();
        self.settle(state, limit);
        Ok(serial)
    }

    /// The limit panicked, which matters if the task needs a thread.
    #[cold]
    fn execute_without_limit(self: &Arc<Self>, job: Job, payload: Payload) -> Result<usize, Job> {
        let error = panicked(payload);
        let mut state = self.state.lock();
        self.accept(&mut state, job)?;
        let serial = state.ledger.serial();
        self.carry_out(state, None, 0, Some(Err(error)));
        Ok(serial)
    }

    /// Accepts a task and takes it in.
    #[inline]
    fn accept(&self, state: &mut State, job: Job) -> Result<(), Job> {
        let subject = Subject::Task(job.identity().number());
        if !state.ledger.accept_task() {
            self.object.tell(|| What::Denied(subject));
            return Err(job);
        }
        self.object.tell(|| What::Asked(subject));
        self.object.tell(|| What::Taken(subject));
        state.ledger.apply(Event::Arrived(job));
        self.changes.note();
        Ok(())
    }

    /// Takes what else a user asks for to the ledger; no, after a quit.
    pub(crate) fn ask(self: &Arc<Self>, request: Request) -> bool {
        let (event, subject) = match request {
            Request::Grow(n) => (Event::Grow(n), Subject::Grow(n)),
            Request::Shrink(n) => (Event::Shrink(n), Subject::Shrink(n)),
            Request::Raised => (Event::Raised, Subject::Raised),
            Request::Quit => (Event::Quit, Subject::Quit),
            Request::Start => (Event::Start, Subject::Start),
            Request::Resize(least, most) => {
                (Event::Resize(least, most), Subject::Resize(least, most))
            }
            Request::Enter => (Event::Enter, Subject::Enter),
            Request::Exit => (Event::Exit, Subject::Exit),
        };
        let mut state = self.state.lock();
        if !state.ledger.accept(&event) {
            self.object.tell(|| What::Denied(subject));
            return false;
        }
        self.object.tell(|| What::Asked(subject));
        self.object.tell(|| What::Taken(subject));
        if let Event::Raised = event {
            state.raises = state.raises.wrapping_add(1);
            // ORDERING: Release pairs with the Acquire of a submit, see there.
            self.raises.store(state.raises, Ordering::Release);
        }
        state.ledger.apply(event);
        self.changes.note();
        self.settle(state, None);
        true
    }

    /// Takes the ledger's decisions. `limit`: the answer of a moment ago, if there is one.
    #[inline]
    fn settle<'a>(self: &'a Arc<Self>, mut state: Guard<'a>, limit: Option<usize>) {
        loop {
            if cfg!(debug_assertions) {
                state.ledger.check();
            }
            match state.ledger.decide(0) {
                None => break,
                Some(Action::Create)
                    if (self.kept(&state).or(limit))
                        .is_some_and(|most| state.ledger.workers() >= most) =>
                {
                    let workers = state.ledger.workers();
                    self.object.tell(|| What::FactoryAsked(workers));
                    self.object.tell(|| What::AtLimit);
                    state.ledger.made(Made::AtLimit);
                }
                Some(action) => {
                    return self.carry_out(state, Some(action), 0, limit.map(Ok));
                }
            }
        }
        self.settled(&state);
    }

    /// The limit, where the ledger keeps it.
    fn kept(&self, state: &State) -> Option<usize> {
        matches!(self.limit, Limit::Kept).then(|| state.ledger.limit())
    }

    fn settled(&self, state: &State) {
        if cfg!(debug_assertions) {
            state.ledger.check_settled();
        }
        self.object.tell(|| What::Settled);
    }

    /// Carries out a decision that is not of every day, and all that follow from it. `retired`: how
    /// many threads have just been told to leave. `limit`: the answer of a moment ago, if there is one.
    #[cold]
    fn carry_out<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        mut decided: Option<Action<Resting>>,
        mut retired: usize,
        mut limit: Option<Result<usize, CreationError>>,
    ) {
        let mut afterwards = Afterwards::default();
        loop {
            if cfg!(debug_assertions) {
                state.ledger.check();
            }
            match decided.take().or_else(|| state.ledger.decide(retired)) {
                Some(Action::Call(resting)) => {
                    self.object.tell(|| What::Called(resting.number));
                    afterwards.add(resting.token);
                }
                Some(Action::Admit) => {
                    self.object.tell(|| What::Admitted);
                    if let Some(token) = state.queue.pop_front() {
                        afterwards.add(token);
                    }
                }
                Some(Action::Idle) => afterwards.calls.append(&mut state.idlers),
                Some(Action::Create) => {
                    let kept = self.kept(&state).map(Ok);
                    state = self.create(state, kept.or(limit.take()), &mut afterwards);
                }
                Some(Action::Refused) => {
                    self.object.tell(|| What::FirstRefused);
                    let now = state.ledger.statistics();
                    let failed = CreationFailed::new(RefusedItsTask.into(), &now);
                    afterwards.reports.push(Report::Failed(failed));
                }
                Some(Action::Abandon) => {
                    if let Some(job) = state.ledger.abandon() {
                        let task = job.identity().number();
                        self.object.tell(|| What::Abandoned(task));
                        afterwards.reports.push(Report::Abandoned(job));
                    }
                }
                Some(Action::Finish) => {
                    self.object.tell(|| What::Finished);
                    retired = 0;
                    afterwards.ended = true;
                    afterwards.given = state.given.take();
                }
                None if retired > 0 => {
                    self.settled(&state);
                    self.object.tell(|| What::Left(retired));
                    state.ledger.left(mem::take(&mut retired));
                }
                None => break,
            }
        }
        self.settled(&state);
        let given = afterwards.given.take().or_else(|| {
            let wanted = !afterwards.reports.is_empty();
            wanted.then(|| state.given.clone()).flatten()
        });
        drop(state);
        afterwards.call();
        if let Some(given) = given {
            for report in afterwards.reports {
                self.report(&given.handlers, report);
            }
            if afterwards.ended {
                given.handlers.ended();
            }
            turn::theirs(|| quietly(|| drop(given)));
        }
    }

    fn report(&self, handlers: &Handlers, report: Report) {
        match report {
            Report::Failed(failed) => {
                self.object.tell(|| What::CreationReported);
                handlers.creation_failed(failed);
            }
            Report::Abandoned(job) => {
                let task = job.identity().number();
                self.object.tell(|| What::AbandonedGiven(task));
                if !job.stays() {
                    handlers.abandoned(Task::from(job));
                } else if let Err(payload) = turn::theirs(|| contain(|| drop(job))) {
                    handlers.panicked(payload);
                }
            }
        }
    }
}

fn panicked(payload: Payload) -> CreationError {
    let error = FactoryPanicked::new(&payload);
    quietly(|| drop(payload));
    error.into()
}

impl Afterwards {
    fn add(&mut self, call: Arc<Token>) {
        if let Some(more) = self.call.replace(call) {
            self.calls.push(more);
        }
    }

    fn call(&mut self) {
        for token in self.call.take().into_iter().chain(self.calls.drain(..)) {
            token.call();
        }
    }
}
