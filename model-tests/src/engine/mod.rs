//! The engine that this build explores with. One file each; all take a [`Scenario`] and a [`Way`],
//! and say what they have seen.

#[cfg(feature = "loom")]
#[path = "on_loom.rs"]
mod backend;
#[cfg(all(feature = "shuttle", not(feature = "loom")))]
#[path = "on_shuttle.rs"]
mod backend;
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "on_threads.rs"]
mod backend;

use std::any::Any;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::report::Failure;
use crate::scenario::Scenario;
use crate::world::{self, OnPurpose, Shared, World};
use crate::{refine, trace};

#[cfg(all(feature = "shuttle", not(feature = "loom")))]
pub use backend::prepare;
pub use backend::{ENGINE, WAYS, set_up, set_up_if_costly};

/// How schedules are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// loom's exploration.
    Loom,
    /// shuttle's exhaustive search.
    Exhaustive,
    /// Random schedules.
    Random,
    /// Probabilistic concurrency testing, of depth 3.
    Pct,
    /// Real threads, again and again.
    Stress,
}

impl Way {
    /// The name in the report and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Loom => "loom",
            Self::Exhaustive => "shuttle-exhaustive",
            Self::Random => "shuttle-random",
            Self::Pct => "shuttle-pct",
            Self::Stress => "threads",
        }
    }
}

/// How far to explore, and how to start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How schedules are chosen.
    pub way: Way,
    /// loom's preemption bound.
    pub preemptions: Option<usize>,
    /// How many executions: where the way is not exhaustive by itself.
    pub executions: usize,
    /// Which wait returns spuriously.
    pub spurious_wait: Option<usize>,
    /// Stop, incomplete, after about this long.
    pub limit: Option<Duration>,
    /// Write the schedule of this execution to that file.
    pub record: Option<(usize, PathBuf)>,
    /// Run only the schedule in this file.
    pub replay: Option<PathBuf>,
}

/// What an exploration has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// How many executions ran.
    pub executions: usize,
    /// Whether the engine said that nothing within the bound was left.
    pub complete: bool,
    /// The most waits that one execution made.
    pub waits: usize,
    /// How many traces the model was seen to allow.
    pub checked: usize,
}

static EXECUTION: AtomicUsize = AtomicUsize::new(0);
static CHECKED: AtomicUsize = AtomicUsize::new(0);
static SPURIOUS_WAIT: Mutex<Option<usize>> = Mutex::new(None);

/// What an engine runs again and again.
pub trait Explored: Send + Sync + 'static {
    /// The name in messages.
    fn name(&self) -> &str;

    /// Whether drawn schedules go round the spurious wake-ups too.
    fn spurious(&self) -> bool;

    /// Runs it once. Calls `ended` when nothing of this execution is left.
    fn run_once(&self, ended: Box<dyn Fn() + Send + Sync>);

    /// Begins an exploration.
    fn begin(&self) {}

    /// Judges an execution that has ended, before the next begins. Whether its trace was checked.
    fn conclude(&self) -> bool {
        false
    }
}

impl Explored for Scenario {
    fn name(&self) -> &str {
        &self.name
    }

    fn spurious(&self) -> bool {
        self.bounds.spurious
    }

    fn run_once(&self, ended: Box<dyn Fn() + Send + Sync>) {
        let world: Shared = World::new(self.objects(), ended);
        self.run(&world);
    }

    fn begin(&self) {
        trace::start();
        trace::forget();
    }

    /// Its trace is a behaviour of the model, and nothing of it is left.
    fn conclude(&self) -> bool {
        assert_eq!(
            world::live(),
            0,
            "T10 something of the execution was never released"
        );
        let mut tries = 0;
        // On real threads a worker's thread may have yet to say that it ends.
        while ENGINE == "threads" && tries < PATIENCE && !refine::settled(&trace::collect()) {
            tries += 1;
            std::thread::yield_now();
        }
        if let Err(disagreement) = refine::check(&trace::collect()) {
            eprint!("{}", disagreement.trace());
            panic!("{disagreement}");
        }
        trace::forget();
        trace::RECORDS
    }
}

/// How often a trace of real threads is looked at again for its last events: for minutes.
const PATIENCE: usize = 10_000_000;

/// Explores `scenario` as `settings` say.
pub fn explore<E: Explored>(scenario: &Arc<E>, settings: &Settings) -> Seen {
    EXECUTION.store(0, Ordering::SeqCst);
    CHECKED.store(0, Ordering::SeqCst);
    scenario.begin();
    let seen = backend::explore(Arc::clone(scenario), settings);
    conclude(&**scenario);
    Seen {
        checked: CHECKED.load(Ordering::SeqCst),
        ..seen
    }
}

/// Judges the execution that has ended, if there was one.
fn conclude<E: Explored>(scenario: &E) {
    if EXECUTION.load(Ordering::SeqCst) > 0 && scenario.conclude() {
        CHECKED.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs one execution, and says its number.
fn execute<E: Explored>(
    scenario: &E,
    spurious_wait: Option<usize>,
    ended: impl Fn() + Send + Sync + 'static,
) -> usize {
    conclude(scenario);
    let number = EXECUTION.fetch_add(1, Ordering::SeqCst) + 1;
    *SPURIOUS_WAIT.lock().expect("never poisoned") = spurious_wait;
    scenario.run_once(Box::new(ended));
    number
}

/// From now on, a panic that is not on purpose is told to `failed`, and ends the process with its
/// answer: also where the panic would have been contained, or would have unwound an engine.
pub fn exit_on_failure(failed: impl Fn(Failure) -> i32 + Send + Sync + 'static) {
    let inner = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let payload: &dyn Any = info.payload();
        if payload.is::<OnPurpose>() {
            return;
        }
        inner(info);
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        let place = info
            .location()
            .map(|at| format!(" ({}:{})", at.file(), at.line()));
        let message = text.unwrap_or_else(|| "a panic".into()) + &place.unwrap_or_default();
        let failure = Failure {
            message,
            execution: EXECUTION.load(Ordering::SeqCst),
            spurious_wait: SPURIOUS_WAIT.lock().map_or(None, |wait| *wait),
            replay: None,
        };
        std::process::exit(failed(failure));
    }));
}
