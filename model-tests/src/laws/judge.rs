//! What one execution of a worker is judged by.
//!
//! A [`Judge`] is held by every task, by every actor, and by the panic handler that the worker was
//! given; its drop is the end of the execution, and there the last verdict is given. It keeps its
//! record in storage that no engine sees.
//!
//! A broken law is **noted, not panicked about**: a worker contains panics, so a panic in a task
//! would be swallowed by the very code that is judged. The first note of a [`Run`] stands. The next
//! execution does not begin, and the run reports it.
//!
//! What an engine itself finds (a deadlock, a race on a cell) is a panic of the engine, which
//! [`watch`](super::watch) takes in.

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicBool, AtomicUsize as Count};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use brigade::primitives::{AtomicUsize, Ordering, UnsafeCell};
use brigade::{AlreadyQuit, Now, PanicHandler, Refused, Task};

use super::law::Law;
use crate::world::OnPurpose;

std::thread_local! {
    /// The law whose cell is being touched: a race on it is reported by the engine, from inside.
    static TOUCHING: Cell<Option<Law>> = const { Cell::new(None) };
}

/// The law whose cell this operating-system thread is touching.
pub(super) fn touching() -> Option<Law> {
    TOUCHING.get()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The law that was broken first, and what had happened until then.
#[derive(Clone, Debug)]
pub(super) struct Broken {
    pub(super) law: Law,
    pub(super) what: String,
    pub(super) execution: usize,
    pub(super) events: String,
}

/// One exploration of one scenario.
#[derive(Default)]
pub(super) struct Run {
    executions: Count,
    broken: Mutex<Option<Broken>>,
    last: Mutex<Weak<Judge>>,
    stuck: AtomicBool,
}

impl Run {
    pub(super) fn executions(&self) -> usize {
        self.executions.load(Ordering::SeqCst)
    }

    pub(super) fn broken(&self) -> Option<Broken> {
        lock(&self.broken).clone()
    }

    /// The thread that explored stands still.
    pub(super) fn stands_still(&self) {
        self.stuck.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::SeqCst)
    }

    /// Begins an execution. `false` if a law was broken before: then there is none.
    pub(super) fn begin(&self) -> bool {
        self.check_last();
        let going_on = lock(&self.broken).is_none();
        self.executions
            .fetch_add(usize::from(going_on), Ordering::SeqCst);
        going_on
    }

    /// The last execution is over: nothing of it may live.
    pub(super) fn check_last(&self) {
        if let Some(judge) = self.last() {
            judge.stuck("is kept for ever");
        }
    }

    pub(super) fn last(&self) -> Option<Arc<Judge>> {
        lock(&self.last).upgrade()
    }

    pub(super) fn note(&self, law: Law, what: String, events: String) {
        lock(&self.broken).get_or_insert(Broken {
            law,
            what,
            execution: self.executions(),
            events,
        });
    }
}

/// Who submits: an actor, or a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// The numbered actor.
    Actor(usize),
    /// The numbered task.
    Task(usize),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Actor(number) => write!(f, "actor {number}"),
            Self::Task(number) => write!(f, "task {number}"),
        }
    }
}

/// What a step of the exclusion belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Task(usize),
    Step(Caller),
}

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(number) => write!(f, "task {number}"),
            Self::Step(caller) => write!(f, "a step that {caller} gave to `run_now`"),
        }
    }
}

struct Fate {
    caller: Caller,
    /// The call that submitted it has returned.
    answered: bool,
    accepted: bool,
    started: bool,
    ended: bool,
    dropped: bool,
}

#[derive(Default)]
struct Record {
    events: Vec<String>,
    tasks: Vec<Fate>,
    inside: Vec<Inside>,
    passed: usize,
    quits_begun: usize,
    quits_won: usize,
    quit_returned: bool,
    panics: usize,
    reports: usize,
}

/// What one execution is judged by; see the module.
pub(super) struct Judge {
    run: Arc<Run>,
    exclusive: bool,
    record: Mutex<Record>,
    /// What tasks of an exclusive worker hand on: an edge that is missing is a race to loom.
    passage: Watched,
    /// A step inside each task, so that the engines can let another one overlap.
    point: AtomicUsize,
    ended: Box<dyn Fn() + Send + Sync>,
}

impl Judge {
    pub(super) fn new(
        run: &Arc<Run>,
        exclusive: bool,
        ended: Box<dyn Fn() + Send + Sync>,
    ) -> Arc<Self> {
        let judge = Arc::new(Self {
            run: Arc::clone(run),
            exclusive,
            record: Mutex::default(),
            passage: Watched::new(),
            point: AtomicUsize::new(0),
            ended,
        });
        *lock(&run.last) = Arc::downgrade(&judge);
        judge
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    fn tell(&self, event: String) {
        self.record().events.push(event);
    }

    /// What happened so far, in one line.
    pub(super) fn events(&self) -> String {
        self.record().events.join("; ")
    }

    pub(super) fn broke(&self, law: Law, what: String) {
        let events = self.events();
        self.run.note(law, what, events);
    }

    /// Whether more tasks have panicked than were reported.
    pub(super) fn unreported(&self) -> bool {
        let record = self.record();
        record.panics > record.reports
    }

    /// Nothing moves, or nothing is left that could move: whose fault is it?
    pub(super) fn stuck(&self, how: &str) {
        let mut record = self.record();
        let waiting = record.tasks.iter().rposition(|task| !task.answered);
        let lost = record
            .tasks
            .iter()
            .position(|task| task.accepted && !task.ended);
        let (law, what) = if let Some(task) = lost {
            let what = if record.tasks[task].started {
                "was started and never ends"
            } else {
                "is never run"
            };
            (Law::OneEnd, format!("task {task} was accepted and {what}"))
        } else if let Some(task) = waiting {
            let caller = record.tasks[task].caller;
            let what = format!("the call by which {caller} submitted task {task} never returns");
            (Law::OneEnd, what)
        } else {
            let what = "every task has ended, and something of the worker goes on".to_owned();
            (Law::End, what)
        };
        record.events.push(how.to_owned());
        drop(record);
        self.broke(law, format!("{what} ({how})"));
    }

    /// Makes a call of the worker's; a panic that comes out of it is noted.
    pub(super) fn call<R>(&self, what: &str, call: impl FnOnce() -> R) -> Option<R> {
        let payload: Box<dyn Any + Send> = match catch_unwind(AssertUnwindSafe(call)) {
            Ok(answer) => return Some(answer),
            Err(payload) => payload,
        };
        if payload.is::<OnPurpose>() {
            let what = format!("a task's panic came out of {what}");
            self.broke(Law::Containment, what);
        } else {
            let text = super::watch::text(&*payload);
            self.broke(Law::Panic, format!("{what} panicked: {text}"));
        }
        None
    }

    /// Submits a new task by `execute`, and judges the answer.
    pub(super) fn submit(
        self: &Arc<Self>,
        caller: Caller,
        execute: impl FnOnce(Task) -> Result<(), Refused>,
        body: impl FnOnce(&Arc<Self>, Caller) + Send + 'static,
    ) {
        let (id, quit_returned) = {
            let mut record = self.record();
            let id = record.tasks.len();
            record.tasks.push(Fate {
                caller,
                answered: false,
                accepted: false,
                started: false,
                ended: false,
                dropped: false,
            });
            record.events.push(format!("{caller} submits task {id}"));
            (id, record.quit_returned)
        };
        let probe = Probe {
            judge: Arc::clone(self),
            id,
            payload: Watched::new(),
        };
        probe.payload.set(Law::Visibility, id + 1);
        let task = Task::new(move || probe.run(body));
        let answer = self.call("`execute`", || execute(task));
        let mut record = self.record();
        record.tasks[id].answered = true;
        match answer {
            None => {}
            Some(Ok(())) => {
                record.tasks[id].accepted = true;
                record.events.push(format!("task {id} is accepted"));
                drop(record);
                if quit_returned {
                    self.broke(
                        Law::OneCut,
                        format!(
                            "task {id} was submitted after a `quit` had returned, and accepted"
                        ),
                    );
                }
            }
            Some(Err(refused)) => {
                record.events.push(format!("task {id} is refused"));
                let quits = record.quits_begun;
                drop(record);
                self.refused(id, quits, refused);
            }
        }
    }

    fn refused(&self, id: usize, quits: usize, refused: Refused) {
        if quits == 0 {
            let what = format!("task {id} was refused though nobody had called `quit`");
            self.broke(Law::OneCut, what);
        }
        let (started, dropped) = {
            let record = self.record();
            (record.tasks[id].started, record.tasks[id].dropped)
        };
        if started {
            self.broke(Law::HandBack, format!("task {id} was refused, and run"));
        } else if dropped {
            let what = format!("task {id} was refused, and dropped instead of handed back");
            self.broke(Law::HandBack, what);
        }
        drop(refused.into_task());
        if !self.record().tasks[id].dropped {
            let what = format!("task {id} was refused, and another was handed back");
            self.broke(Law::HandBack, what);
        }
    }

    /// Quits by `quit`, and judges the answer.
    pub(super) fn quit(&self, caller: Caller, quit: impl FnOnce() -> Result<(), AlreadyQuit>) {
        {
            let mut record = self.record();
            record.quits_begun += 1;
            record.events.push(format!("{caller} quits"));
        }
        let Some(answer) = self.call("`quit`", quit) else {
            return;
        };
        let won = {
            let mut record = self.record();
            record.quit_returned = true;
            record.quits_won += usize::from(answer.is_ok());
            let answer = if answer.is_ok() { "wins" } else { "is refused" };
            record.events.push(format!("the quit of {caller} {answer}"));
            record.quits_won
        };
        if won > 1 {
            self.broke(Law::OneQuit, format!("{won} calls of `quit` returned `Ok`"));
        }
    }

    /// Whether anybody has called quit.
    pub(super) fn has_quit(&self) -> bool {
        self.record().quits_begun > 0
    }

    /// Offers a step to `run_now`, and judges the answer.
    pub(super) fn run_now(&self, caller: Caller, run_now: impl FnOnce(&mut dyn FnMut()) -> Now) {
        self.tell(format!("{caller} calls `run_now`"));
        let mut ran = 0;
        let answer = self.call("`run_now`", || {
            run_now(&mut || {
                ran += 1;
                self.exclusively(Inside::Step(caller), || {});
            })
        });
        let Some(answer) = answer else {
            return;
        };
        let quits = {
            let mut record = self.record();
            let event = format!("`run_now` answers {answer:?} to {caller}");
            record.events.push(event);
            record.quits_begun
        };
        let expected = usize::from(answer == Now::Ran);
        if ran != expected {
            let what = format!("`run_now` answered {answer:?}, and ran the step {ran} times");
            self.broke(Law::RunNow, what);
        }
        if answer == Now::Refused && quits == 0 {
            let what = "`run_now` refused though nobody had called `quit`".to_owned();
            self.broke(Law::OneCut, what);
        }
    }

    /// The worker was given this handler: every panic of a task must come to it.
    pub(super) fn handler(self: &Arc<Self>) -> PanicHandler {
        let judge = Arc::clone(self);
        Arc::new(move |payload| {
            let expected = payload.is::<OnPurpose>();
            let mut record = judge.record();
            record.reports += usize::from(expected);
            record.events.push("a panic is reported".to_owned());
            drop(record);
            if !expected {
                let text = super::watch::text(&*payload);
                let what = format!("the handler was told of a panic that no task made: {text}");
                judge.broke(Law::Panic, what);
            }
        })
    }

    /// A task's last deed: it panics.
    pub(super) fn panic(&self, caller: Caller) {
        let mut record = self.record();
        record.panics += 1;
        record.events.push(format!("{caller} panics"));
        drop(record);
        panic_any(OnPurpose);
    }

    fn exclusively(&self, who: Inside, body: impl FnOnce()) {
        if !self.exclusive {
            return body();
        }
        let (other, passed) = {
            let mut record = self.record();
            let other = record.inside.first().copied();
            record.inside.push(who);
            (other, record.passed)
        };
        if let Some(other) = other {
            let what = match (other, who) {
                (Inside::Task(outer), Inside::Task(inner))
                    if self.record().tasks[inner].caller == Caller::Task(outer) =>
                {
                    format!("task {inner}, which task {outer} submitted, ran inside it")
                }
                (Inside::Task(outer), Inside::Step(Caller::Task(asking))) if outer == asking => {
                    format!("a step that task {outer} gave to `run_now` ran inside it")
                }
                _ => format!("{who} began before {other} had ended"),
            };
            self.broke(Law::Exclusive, what);
        } else if self.passage.get(Law::Exclusive) != passed {
            let what = format!("{who} does not see what the one before it did");
            self.broke(Law::Exclusive, what);
        }
        /// Leaves also when the body panics.
        struct Leave<'a>(&'a Judge, Inside, bool);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                let Self(judge, who, alone) = *self;
                if alone && judge.record().inside == [who] {
                    let passed = judge.record().passed + 1;
                    judge.passage.set(Law::Exclusive, passed);
                    judge.record().passed = passed;
                }
                judge.record().inside.retain(|other| *other != who);
            }
        }
        let _leave = Leave(self, who, other.is_none());
        // ORDERING: Relaxed. It is a step that the engines see, and must not be an edge.
        self.point.fetch_add(1, Ordering::Relaxed);
        body();
    }

    fn started(&self, id: usize) {
        let mut record = self.record();
        record.tasks[id].started = true;
        record.events.push(format!("task {id} starts"));
        let caller = record.tasks[id].caller;
        let overtaken = record.tasks[..id]
            .iter()
            .position(|task| task.caller == caller && task.accepted && !task.started);
        drop(record);
        if let Some(other) = overtaken
            && self.exclusive
        {
            let what =
                format!("task {id} started before task {other}, which {caller} gave before it");
            self.broke(Law::Order, what);
        }
    }

    fn verdict(&self) {
        let lost = {
            let record = self.record();
            record
                .tasks
                .iter()
                .position(|task| task.accepted && !task.ended)
        };
        if let Some(task) = lost {
            let what = format!("task {task} was accepted, and dropped without being run");
            self.broke(Law::OneEnd, what);
        }
        let (begun, won, returned, panics, reports) = {
            let record = self.record();
            (
                record.quits_begun,
                record.quits_won,
                record.quit_returned,
                record.panics,
                record.reports,
            )
        };
        if returned && won == 0 {
            let what = format!("none of {begun} calls of `quit` returned `Ok`");
            self.broke(Law::OneQuit, what);
        }
        if panics != reports {
            let what = format!("{panics} tasks panicked, and {reports} panics were reported");
            self.broke(Law::Containment, what);
        }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.verdict();
        (self.ended)();
    }
}

/// A cell that loom watches.
struct Watched(UnsafeCell<usize>);

// SAFETY: the worker under test hands it from one thread to the next; if it does not, loom reports
// the race, which is what the cell is for.
unsafe impl Send for Watched {}
// SAFETY: as above.
unsafe impl Sync for Watched {}

impl Watched {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    fn set(&self, law: Law, value: usize) {
        TOUCHING.set(Some(law));
        // SAFETY: as above.
        self.0.with_mut(|cell| unsafe { *cell = value });
        TOUCHING.set(None);
    }

    fn get(&self, law: Law) -> usize {
        TOUCHING.set(Some(law));
        // SAFETY: as above.
        let value = self.0.with(|cell| unsafe { *cell });
        TOUCHING.set(None);
        value
    }
}

/// Rides in a task, and records its fate.
struct Probe {
    judge: Arc<Judge>,
    id: usize,
    /// Written by the submitter, read by the task.
    payload: Watched,
}

impl Probe {
    fn run(self, body: impl FnOnce(&Arc<Judge>, Caller)) {
        let (judge, id) = (&self.judge, self.id);
        judge.started(id);
        if self.payload.get(Law::Visibility) != id + 1 {
            let what = format!("task {id} does not see what was done before its `execute`");
            judge.broke(Law::Visibility, what);
        }
        /// Records the end of the task also when its body panics.
        struct End<'a>(&'a Probe);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                let mut record = self.0.judge.record();
                record.tasks[self.0.id].ended = true;
                record.events.push(format!("task {} ends", self.0.id));
            }
        }
        let _end = End(&self);
        judge.exclusively(Inside::Task(id), || body(judge, Caller::Task(id)));
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let mut record = self.judge.record();
        record.tasks[self.id].dropped = true;
        if !record.tasks[self.id].ended {
            let event = format!("task {} is dropped, not run", self.id);
            record.events.push(event);
        }
    }
}
