//! The laws of [`Worker`] and [`ExclusiveWorker`], checked on a worker of your own.
//!
//! One call in a test explores a worker under the engine of the build: loom with the feature `loom`,
//! shuttle with `shuttle`, else on real threads. It fails at the first broken law.
//!
//! | file | holds |
//! |---|---|
//! | `law` | the laws, as a failure names them |
//! | `scenarios` | pairs and triples of a worker's operations |
//! | `judge` | what one execution is judged by |
//! | `watch` | a failure inside an engine, taken in |
//! | `apart` | the process that explores |
//!
#![doc = include_str!("../../../docs/laws.md")]

mod apart;
mod judge;
mod law;
mod scenarios;
mod watch;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use brigade::{ExclusiveWorker, PanicHandler, Worker};

pub use law::Law;

use crate::engine::{self, ENGINE, Explored, Seen, Settings, Way};
use apart::Found;
use judge::{Broken, Judge, Run};
use scenarios::{Driven, Kind, Make, Plan, RunNow};

/// How the tasks of a worker under test get run.
#[derive(Clone)]
pub enum Drive {
    /// By itself, on threads of its own, which end after a quit.
    Itself,
    /// On the thread that submits, before its outermost call returns.
    AtOnce,
    /// By calling this. It runs some of the tasks that wait, and says whether it ran any. It may be
    /// called by several threads at a time.
    By(Arc<dyn Fn() -> bool + Send + Sync>),
}

impl Drive {
    /// [`Drive::By`] a closure.
    pub fn by(perform: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self::By(Arc::new(perform))
    }

    fn kind(&self) -> Driven {
        match self {
            Self::Itself => Driven::Itself,
            Self::AtOnce => Driven::AtOnce,
            Self::By(_) => Driven::By,
        }
    }
}

impl fmt::Debug for Drive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

/// Checks the laws of a [`Worker`]. `make` makes a fresh one for each execution.
///
/// # Panics
/// At the first law that is broken, which the message begins with.
#[track_caller]
pub fn worker<W: Worker>(name: &str, make: impl Fn() -> (W, Drive) + Send + Sync + 'static) {
    check(name, Arc::new(move |_| make()), None, false);
}

/// [`worker`] with a panic handler, which the worker has to tell of each panic of its tasks.
///
/// # Panics
/// At the first law that is broken, which the message begins with.
#[track_caller]
pub fn worker_with<W: Worker>(
    name: &str,
    make: impl Fn(PanicHandler) -> (W, Drive) + Send + Sync + 'static,
) {
    check(name, with_handler(make), None, true);
}

/// Checks the laws of an [`ExclusiveWorker`]. `make` makes a fresh one for each execution.
///
/// # Panics
/// At the first law that is broken, which the message begins with.
#[track_caller]
pub fn exclusive_worker<W: ExclusiveWorker>(
    name: &str,
    make: impl Fn() -> (W, Drive) + Send + Sync + 'static,
) {
    check(name, Arc::new(move |_| make()), Some(W::run_now), false);
}

/// [`exclusive_worker`] with a panic handler, which the worker has to tell of each panic of its tasks.
///
/// # Panics
/// At the first law that is broken, which the message begins with.
#[track_caller]
pub fn exclusive_worker_with<W: ExclusiveWorker>(
    name: &str,
    make: impl Fn(PanicHandler) -> (W, Drive) + Send + Sync + 'static,
) {
    check(name, with_handler(make), Some(W::run_now), true);
}

fn with_handler<W>(
    make: impl Fn(PanicHandler) -> (W, Drive) + Send + Sync + 'static,
) -> Arc<Make<W>> {
    Arc::new(move |handler| make(handler.expect("whoever asks for a handler gets one")))
}

/// A number in the environment.
fn number(variable: &str, otherwise: usize) -> usize {
    let value = std::env::var(variable).ok();
    value.map_or(otherwise, |value| {
        value
            .parse()
            .unwrap_or_else(|error| panic!("{variable}={value}: {error}"))
    })
}

/// loom's preemption bound: 3 unless the environment says otherwise.
fn preemptions() -> Option<usize> {
    const VARIABLE: &str = "BRIGADE_LAWS_PREEMPTIONS";
    let none = std::env::var(VARIABLE).is_ok_and(|value| value == "none");
    (!none).then(|| number(VARIABLE, 3))
}

fn settings(spurious_wait: Option<usize>, way: Way) -> Settings {
    let executions = if way == Way::Stress { 200 } else { 1_000 };
    Settings {
        way,
        preemptions: preemptions(),
        executions: number("BRIGADE_LAWS_EXECUTIONS", executions),
        spurious_wait,
        limit: Some(Duration::from_secs(
            number("BRIGADE_LAWS_SECONDS", 60) as u64
        )),
        record: None,
        replay: None,
    }
}

/// A worker under test.
struct Subject<W> {
    name: String,
    make: Arc<Make<W>>,
    run_now: Option<RunNow<W>>,
    contains: bool,
}

/// A scenario of a worker, as the engines take it.
struct Trial<W> {
    subject: Arc<Subject<W>>,
    plan: Plan,
    name: String,
    run: Arc<Run>,
    driven: Arc<Mutex<Option<Driven>>>,
}

impl<W: Worker> Explored for Trial<W> {
    fn name(&self) -> &str {
        &self.name
    }

    fn spurious(&self) -> bool {
        true
    }

    fn run_once(&self, ended: Box<dyn Fn() + Send + Sync>) {
        if !self.run.begin() {
            // Nothing of an execution is there yet: this unwinds the engine, and nothing else.
            std::panic::resume_unwind(Box::new(watch::Stop));
        }
        let subject = &self.subject;
        let judge = Judge::new(&self.run, subject.run_now.is_some(), ended);
        let (make, run_now) = (&*subject.make, subject.run_now);
        let driven = scenarios::run(&self.plan, make, run_now, judge, subject.contains);
        *self.driven.lock().unwrap_or_else(PoisonError::into_inner) = Some(driven);
    }
}

/// What exploring one scenario has shown.
struct Shown {
    driven: Driven,
    executions: usize,
    complete: bool,
}

impl<W: Worker> Subject<W> {
    fn explore(self: &Arc<Self>, plan: &Plan, settings: &Settings) -> (Option<Seen>, Arc<Run>) {
        let (seen, run, _) = self.explore_driven(plan, settings);
        (seen, run)
    }

    fn explore_driven(
        self: &Arc<Self>,
        plan: &Plan,
        settings: &Settings,
    ) -> (Option<Seen>, Arc<Run>, Option<Driven>) {
        let run = Arc::new(Run::default());
        let driven = Arc::new(Mutex::new(None));
        let trial = Arc::new(Trial {
            subject: Arc::clone(self),
            plan: plan.clone(),
            name: format!("{}/{plan}", self.name),
            run: Arc::clone(&run),
            driven: Arc::clone(&driven),
        });
        let settings = settings.clone();
        let seen = watch::explore(&run, move || engine::explore(&trial, &settings));
        let driven = *driven.lock().unwrap_or_else(PoisonError::into_inner);
        (seen, run, driven)
    }

    /// Explores one scenario in all ways of the engine, and with each spurious wake-up.
    fn judge(self: &Arc<Self>, plan: &Plan) -> Result<Shown, apart::Broken> {
        let mut shown = Shown {
            driven: Driven::Itself,
            executions: 0,
            complete: true,
        };
        // PCT refuses what may have one thread only.
        let applies = |way: &&Way| match way {
            Way::Exhaustive => false,
            Way::Pct => plan.0.len() > 1,
            Way::Loom | Way::Random | Way::Stress => true,
        };
        for way in engine::WAYS.iter().filter(applies) {
            let (mut spurious, mut waits) = (None, 0);
            loop {
                let settings = settings(spurious, *way);
                let (seen, run, driven) = self.explore_driven(plan, &settings);
                let Some(seen) = seen else {
                    return Err(self.report(plan, &settings, &run));
                };
                shown.executions += seen.executions;
                shown.complete &= seen.complete;
                shown.driven = driven.unwrap_or(shown.driven);
                waits = seen.waits.max(waits);
                let next = spurious.map_or(0, |wait| wait + 1);
                // Where schedules are drawn, the spurious wake-ups are drawn with them.
                if *way != Way::Loom || next >= waits {
                    break;
                }
                spurious = Some(next);
            }
        }
        Ok(shown)
    }

    fn report(self: &Arc<Self>, plan: &Plan, settings: &Settings, run: &Run) -> apart::Broken {
        let broken = run.broken().unwrap_or_else(|| Broken {
            law: Law::Panic,
            what: "the exploration ended without a word".into(),
            execution: run.executions(),
            events: String::new(),
        });
        let Broken {
            law,
            what,
            execution,
            events,
        } = &broken;
        let spurious = match settings.spurious_wait {
            Some(wait) => format!(", in which wait {wait} returns spuriously"),
            None => String::new(),
        };
        let feature = match ENGINE {
            "threads" => String::new(),
            engine => format!(" --features {engine}"),
        };
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        let mut repeat = format!("BRIGADE_LAWS_ONLY={plan} cargo test{feature} -- {test}");
        if settings.way == Way::Loom {
            repeat = format!("BRIGADE_LAWS_TRACE=1 LOOM_LOG=trace {repeat} --nocapture");
            self.trace(plan, settings, *execution);
        }
        let report = format!(
            "{law} broken: {}\n  worker    {}\n  what      {what}\n  scenario  {plan}\n  engine    \
             {}, execution {execution}{spurious}\n  events    {events}\n  repeat    {repeat}\n",
            law.text(),
            self.name,
            settings.way.name(),
        );
        apart::Broken {
            report,
            stuck: run.is_stuck(),
        }
    }

    /// Has loom tell that execution step by step, if that is asked for.
    fn trace(self: &Arc<Self>, plan: &Plan, settings: &Settings, execution: usize) {
        if std::env::var_os("BRIGADE_LAWS_TRACE").is_none() {
            return;
        }
        let file = format!("brigade-laws-{}.json", std::process::id());
        let file = std::env::temp_dir().join(file);
        let record = Settings {
            record: Some((execution, file.clone())),
            ..settings.clone()
        };
        let replay = Settings {
            replay: Some(file.clone()),
            ..settings.clone()
        };
        // Both fail as the exploration did.
        let _ = self.explore(plan, &record);
        let _ = self.explore(plan, &replay);
        let _ = std::fs::remove_file(file);
    }
}

/// What is printed of one law.
#[derive(Default)]
struct Kept {
    scenarios: usize,
    executions: usize,
    complete: bool,
}

#[track_caller]
fn check<W: Worker>(name: &str, make: Arc<Make<W>>, run_now: Option<RunNow<W>>, contains: bool) {
    let subject = Arc::new(Subject {
        name: name.to_owned(),
        make,
        run_now,
        contains,
    });
    match apart::explore(name, move || explore(&subject)) {
        Some(Ok(kept)) => print!("{kept}"),
        Some(Err(broken)) => panic!("{}", broken.report),
        None => {}
    }
}

/// Explores every scenario, up to the first broken law.
fn explore<W: Worker>(subject: &Arc<Subject<W>>) -> Found {
    let began = Instant::now();
    let only = std::env::var("BRIGADE_LAWS_ONLY").ok();
    let first = Plan::first();
    let only = only.filter(|only| *only != first.to_string());
    let mut shown = subject.judge(&first)?;
    let kind = Kind {
        exclusive: subject.run_now.is_some(),
        contains: subject.contains,
        driven: shown.driven,
    };
    let mut kept = BTreeMap::<Law, Kept>::new();
    let (mut scenarios, mut executions) = (0, 0);
    for plan in Plan::all(kind) {
        if plan != first {
            if only.as_ref().is_some_and(|only| *only != plan.to_string()) {
                continue;
            }
            shown = subject.judge(&plan)?;
        }
        scenarios += 1;
        executions += shown.executions;
        for law in plan.laws(kind) {
            let kept = kept.entry(law).or_insert(Kept {
                complete: true,
                ..Kept::default()
            });
            kept.scenarios += 1;
            kept.executions += shown.executions;
            kept.complete &= shown.complete;
        }
    }
    assert!(
        only.is_none() || scenarios > 1,
        "there is no scenario {} for this worker",
        only.unwrap_or_default()
    );
    let mut lines = format!(
        "{}, {ENGINE}: {scenarios} scenarios, {executions} executions, {:.1} s\n",
        subject.name,
        began.elapsed().as_secs_f64()
    );
    let bound = preemptions().map(|bound| format!(", up to {bound} preemptions"));
    let bound = bound.filter(|_| ENGINE == "loom").unwrap_or_default();
    for (law, kept) in kept {
        let how = match (ENGINE, kept.complete) {
            ("loom", true) => "all executions",
            ("loom", false) => "cut short",
            _ => "drawn",
        };
        lines += &format!(
            "  {:8}kept in {} scenarios, {} executions ({how}{bound}): {}\n",
            law.id(),
            kept.scenarios,
            kept.executions,
            law.text()
        );
    }
    Ok(lines)
}
