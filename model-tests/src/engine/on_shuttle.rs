//! shuttle: random and PCT schedules, and an exhaustive search.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use brigade::primitives::{choice, releasing};
use shuttle::scheduler::{
    DfsScheduler, PctScheduler, RandomScheduler, ReplayScheduler, Schedule, Scheduler, Task, TaskId,
};
use shuttle::{Config, FailurePersistence, Runner};

use super::{Explored, Seen, Settings, Way, execute};

/// The name of this engine.
pub const ENGINE: &str = "shuttle";
/// Its ways of choosing schedules.
pub const WAYS: &[Way] = &[Way::Exhaustive, Way::Random, Way::Pct];

/// Fixed, so that a run can be repeated.
const SEED: u64 = 0x0062_7269_6761_6465;

/// shuttle's depth-first search, less the scheduling points before the release of a mutex (why that
/// loses nothing: see the primitives), and able to say that it has finished. Who yields is not run
/// again before another: it would not end otherwise.
struct Exhaustive {
    inner: DfsScheduler,
    finished: Arc<AtomicBool>,
}

impl Scheduler for Exhaustive {
    fn new_execution(&mut self) -> Option<Schedule> {
        let next = self.inner.new_execution();
        self.finished.store(next.is_none(), Ordering::SeqCst);
        next
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        if PREPARING.get() {
            // The running thread goes on, until it yields to all others.
            let other = |task: &&&Task| !is_yielding || Some(task.id()) != current;
            let mut others = runnable.iter().filter(other).map(|task| task.id());
            let going_on = others.find(|id| Some(*id) == current);
            return going_on
                .or_else(|| runnable.iter().find(other).map(|task| task.id()))
                .or(current);
        }
        if releasing() && runnable.iter().any(|task| Some(task.id()) == current) {
            return current;
        }
        let mut others = Vec::new();
        if is_yielding {
            let other = |task: &&&Task| Some(task.id()) != current;
            others.extend(runnable.iter().filter(other).copied());
        }
        let choices = if others.is_empty() { runnable } else { &others };
        self.inner.next_task(choices, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

fn config(settings: &Settings) -> Config {
    let mut config = Config::new();
    config.silence_warnings = true;
    config.max_time = settings.limit;
    config.failure_persistence = match &settings.record {
        Some((_, folder)) => FailurePersistence::File(Some(folder.clone())),
        None => FailurePersistence::None,
    };
    config
}

/// Lets shuttle install its panic hook, so that another can be put over it.
pub fn prepare(settings: &Settings) {
    Runner::new(RandomScheduler::new_from_seed(SEED, 1), config(settings)).run(|| {});
}

/// Runs `prepare`, and then every other thread until it waits, as one fixed prefix of the execution:
/// an exhaustive search leaves its interleavings out.
pub fn set_up<R>(prepare: impl FnOnce() -> R) -> R {
    PREPARING.set(true);
    let result = prepare();
    shuttle::thread::yield_now();
    PREPARING.set(false);
    result
}

/// [`set_up`] where only shuttle's exhaustive search, which has no partial-order reduction, needs it.
pub fn set_up_if_costly<R>(prepare: impl FnOnce() -> R) -> R {
    set_up(prepare)
}

std::thread_local! {
    static PREPARING: Cell<bool> = const { Cell::new(false) };
}

/// Explores `scenario` as `settings` say.
pub(super) fn explore<E: Explored>(scenario: Arc<E>, settings: &Settings) -> Seen {
    let finished = Arc::new(AtomicBool::new(false));
    let waits = Arc::new(AtomicUsize::new(0));
    let (way, fixed) = (settings.way, settings.spurious_wait);
    let replaying = settings.replay.is_some();
    let spurious = scenario.spurious();
    let turn = AtomicUsize::new(0);
    let body = {
        let waits = Arc::clone(&waits);
        move || {
            waits.fetch_max(choice::waits(), Ordering::SeqCst);
            // Where schedules are drawn, the spurious wake-up goes round the first waits.
            let turn = turn.fetch_add(1, Ordering::SeqCst) % 8;
            let drawn = (spurious && turn > 0).then(|| turn - 1);
            let plan = if way == Way::Exhaustive || replaying {
                fixed
            } else {
                drawn
            };
            choice::begin(plan);
            execute(&*scenario, plan, || {});
        }
    };
    let count = settings.executions;
    let config = config(settings);
    let executions = if let Some(file) = &settings.replay {
        let scheduler = ReplayScheduler::new_from_file(file).expect("the file holds a schedule");
        Runner::new(scheduler, config).run(body)
    } else {
        match settings.way {
            Way::Random => {
                Runner::new(RandomScheduler::new_from_seed(SEED, count), config).run(body)
            }
            Way::Pct => Runner::new(PctScheduler::new_from_seed(SEED, 3, count), config).run(body),
            Way::Exhaustive | Way::Loom | Way::Stress => {
                let scheduler = Exhaustive {
                    inner: DfsScheduler::new(None, false),
                    finished: Arc::clone(&finished),
                };
                Runner::new(scheduler, config).run(body)
            }
        }
    };
    waits.fetch_max(choice::waits(), Ordering::SeqCst);
    Seen {
        executions,
        complete: finished.load(Ordering::SeqCst),
        waits: waits.load(Ordering::SeqCst),
        checked: 0,
    }
}
