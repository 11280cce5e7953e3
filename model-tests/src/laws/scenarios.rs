//! The scenarios: every pair of a worker's operations on different threads, and some triples. Each
//! operation is an actor of its own. They are those by which our own workers are judged, and, for the
//! laws of order, an actor that submits two tasks.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use brigade::primitives::{Condvar, Mutex};
use brigade::{Now, PanicHandler, Worker};

use super::Drive;
use super::judge::{Caller, Judge};
use super::law::Law;
use crate::scenario::Leaving;

/// What one actor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// Gives a task.
    Execute,
    /// Gives two tasks, one after the other.
    Two,
    /// Quits.
    Quit,
    /// Gives a task that quits the worker. Nobody else does at the end: if the worker sleeps through
    /// the task, it sleeps for ever.
    OwnQuit,
    /// A task given before is run: by this actor, or by the worker's own thread.
    Perform,
    /// As `Perform`, and the task panics. If tasks are run at once, the actor gives it.
    Panic,
    /// Gives a task that gives two to the same worker, and asks for its turn.
    Nested,
    /// Asks for the worker's turn.
    Now,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Two => "two",
            Self::Quit => "quit",
            Self::OwnQuit => "own_quit",
            Self::Perform => "perform",
            Self::Panic => "panic",
            Self::Nested => "nested",
            Self::Now => "now",
        }
    }
}

/// What is known of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) exclusive: bool,
    pub(super) contains: bool,
    pub(super) driven: Driven,
}

/// A [`Drive`] without its closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driven {
    Itself,
    AtOnce,
    By,
}

/// The operations of one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan(pub(super) Vec<Op>);

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.len() {
            1 => "alone",
            2 => "pair",
            _ => "triple",
        })?;
        self.0.iter().try_for_each(|op| write!(f, "-{}", op.name()))
    }
}

impl Plan {
    /// The first of all: it shows how the worker is driven.
    pub(super) fn first() -> Self {
        Self(vec![Op::Execute])
    }

    pub(super) fn all(kind: Kind) -> Vec<Self> {
        use Op::{Execute, Nested, Now, OwnQuit, Panic, Perform, Quit, Two};
        let applies = |op: Op| match op {
            Execute | Quit | OwnQuit | Nested => true,
            // Run at once, a task given before is over before anybody else begins.
            Perform => kind.driven != Driven::AtOnce,
            Panic => kind.contains,
            Two | Now => kind.exclusive,
        };
        let ops: Vec<Op> = [Execute, Quit, OwnQuit, Perform, Panic, Nested, Two, Now]
            .into_iter()
            .filter(|op| applies(*op))
            .collect();
        let mut all = vec![Self::first()];
        for (at, first) in ops.iter().enumerate() {
            all.extend(ops[at..].iter().map(|second| Self(vec![*first, *second])));
        }
        let triples = [
            [Execute, Quit, Perform],
            [Execute, Execute, Quit],
            [Execute, Quit, Quit],
        ];
        let triples = triples.into_iter().map(Vec::from);
        all.extend(
            triples
                .filter(|ops| ops.iter().all(|op| applies(*op)))
                .map(Self),
        );
        all
    }

    /// The laws that it judges.
    pub(super) fn laws(&self, kind: Kind) -> Vec<Law> {
        let has = |op| self.0.contains(&op);
        let quits = self.0.iter();
        let quits = quits
            .filter(|op| matches!(op, Op::Quit | Op::OwnQuit))
            .count();
        let tasks = self.0.iter().any(|op| !matches!(op, Op::Quit | Op::Now));
        let mut laws = vec![Law::OneCut, Law::Panic];
        if tasks {
            laws.extend([Law::OneEnd, Law::Visibility]);
        }
        if quits > 0 && self.0.iter().any(|op| !matches!(op, Op::Quit | Op::Now)) {
            laws.push(Law::HandBack);
        }
        if quits > 1 {
            laws.push(Law::OneQuit);
        }
        if kind.exclusive {
            laws.push(Law::Exclusive);
        }
        if kind.exclusive && (has(Op::Two) || has(Op::Nested)) {
            laws.push(Law::Order);
        }
        if has(Op::Panic) {
            laws.push(Law::Containment);
        }
        if kind.exclusive && (has(Op::Now) || has(Op::Nested)) {
            laws.push(Law::RunNow);
        }
        if kind.driven == Driven::Itself {
            laws.push(Law::End);
        }
        laws
    }
}

/// `run_now`, of an exclusive worker.
pub(super) type RunNow<W> = fn(&W, &mut dyn FnMut()) -> Now;

/// What makes a fresh worker for each execution.
pub(super) type Make<W> = dyn Fn(Option<PanicHandler>) -> (W, Drive) + Send + Sync;

/// The worker under test.
struct Bench<W> {
    worker: Arc<W>,
    drive: Drive,
    run_now: Option<RunNow<W>>,
    lent: Arc<Lending>,
    /// Whether any handle will be lent.
    lends: bool,
    /// A task quits the worker.
    quits_itself: bool,
    actors: AtomicUsize,
    /// Dropped last, so that it sees what the drop of the worker does.
    judge: Arc<Judge>,
}

/// Counts the handles that are inside tasks. The worker's last handle is dropped by an actor, never
/// by a task on one of the worker's threads: a worker may well join its threads when it is dropped.
struct Lending {
    out: Mutex<usize>,
    back: Condvar,
}

struct Lent<W> {
    worker: Option<Arc<W>>,
    lending: Arc<Lending>,
}

impl<W> Drop for Lent<W> {
    fn drop(&mut self) {
        self.worker = None;
        *self.lending.out.lock() -= 1;
        self.lending.back.notify_one();
    }
}

impl<W: Worker> Bench<W> {
    fn submit(&self, caller: Caller, panics: bool) {
        let body = move |judge: &Arc<Judge>, me: Caller| {
            if panics {
                judge.panic(me);
            }
        };
        let execute = |task| self.worker.execute(task);
        self.judge.submit(caller, execute, body);
    }

    fn lend(&self) -> Lent<W> {
        *self.lent.out.lock() += 1;
        Lent {
            worker: Some(Arc::clone(&self.worker)),
            lending: Arc::clone(&self.lent),
        }
    }

    fn submit_nested(&self, caller: Caller) {
        let (lent, run_now) = (self.lend(), self.run_now);
        let body = move |judge: &Arc<Judge>, me: Caller| {
            let Some(worker) = &lent.worker else { return };
            for _ in 0..2 {
                judge.submit(me, |task| worker.execute(task), |_, _| {});
            }
            if let Some(run_now) = run_now {
                judge.run_now(me, |step| run_now(worker, step));
            }
        };
        let execute = |task| self.worker.execute(task);
        self.judge.submit(caller, execute, body);
    }

    fn submit_quit(&self, caller: Caller) {
        let lent = self.lend();
        let body = move |judge: &Arc<Judge>, me: Caller| {
            let Some(worker) = &lent.worker else { return };
            judge.quit(me, || worker.quit());
        };
        let execute = |task| self.worker.execute(task);
        self.judge.submit(caller, execute, body);
    }

    fn perform(&self) -> bool {
        match &self.drive {
            Drive::By(perform) => self.judge.call("the performer", || perform()) == Some(true),
            Drive::Itself | Drive::AtOnce => false,
        }
    }

    fn act(&self, op: Op) {
        let caller = Caller::Actor(self.actors.fetch_add(1, Ordering::SeqCst) + 1);
        match op {
            Op::Execute => self.submit(caller, false),
            Op::Two => {
                self.submit(caller, false);
                self.submit(caller, false);
            }
            Op::Quit => self.judge.quit(caller, || self.worker.quit()),
            Op::Panic if self.drive.kind() == Driven::AtOnce => self.submit(caller, true),
            Op::Perform | Op::Panic => {
                self.perform();
            }
            Op::Nested => self.submit_nested(caller),
            Op::OwnQuit => self.submit_quit(caller),
            Op::Now => {
                if let Some(run_now) = self.run_now {
                    self.judge
                        .run_now(caller, |step| run_now(&self.worker, step));
                }
            }
        }
    }

    /// The last actor out.
    fn last(&self) {
        if !self.quits_itself && !self.judge.has_quit() {
            self.judge.quit(Caller::Actor(0), || self.worker.quit());
        }
        while self.perform() {}
        if self.lends {
            let mut out = self.lent.out.lock();
            while *out > 0 {
                out = self.lent.back.wait(out);
            }
        }
    }
}

/// Runs one execution.
pub(super) fn run<W: Worker>(
    plan: &Plan,
    make: &Make<W>,
    run_now: Option<RunNow<W>>,
    judge: Arc<Judge>,
    contains: bool,
) -> Driven {
    let handler = contains.then(|| judge.handler());
    let (worker, drive) = make(handler);
    let driven = drive.kind();
    let bench = Bench {
        judge,
        worker: Arc::new(worker),
        drive,
        run_now,
        lent: Arc::new(Lending {
            out: Mutex::new(0),
            back: Condvar::new(),
        }),
        lends: plan
            .0
            .iter()
            .any(|op| matches!(op, Op::Nested | Op::OwnQuit)),
        quits_itself: plan.0.contains(&Op::OwnQuit),
        actors: AtomicUsize::new(0),
    };
    for op in &plan.0 {
        if driven != Driven::AtOnce && matches!(op, Op::Perform | Op::Panic) {
            bench.submit(Caller::Actor(0), *op == Op::Panic);
        }
    }
    let threads = driven == Driven::Itself;
    let mut actors: Vec<Op> = plan.0.clone();
    actors.retain(|op| !(threads && matches!(op, Op::Perform | Op::Panic)));
    let stage = Leaving::new(bench, Bench::last);
    let own = actors.pop();
    for op in actors {
        stage.spawn(move |bench: &Bench<W>| bench.act(op));
    }
    stage.act(|bench| {
        if let Some(op) = own {
            bench.act(op);
        }
    });
    driven
}
