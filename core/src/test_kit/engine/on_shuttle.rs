//! shuttle: schedules drawn at random, then by PCT, from one seed.

use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Schedule, Scheduler, Task, TaskId};
use shuttle::{Config, FailurePersistence, Runner};

pub(super) use super::here::{is_watched, put, turn, with};
use super::{Body, execute, going};
use crate::primitives::{Arc, ENGINE, choice};
use crate::test_kit::explorer::{Explored, Explorer};

/// How many of an execution's first waits may be the one that returns early: where schedules are drawn,
/// that goes round. One execution in this many has none.
const ROUND: usize = 8;

/// The depth of PCT: bugs of up to so many ordering constraints are found with a known probability.
const DEPTH: usize = 3;

pub(super) fn explore(settings: &Explorer, body: &Body) -> Explored {
    // shuttle would take it from there as well, and what is printed has to be what it took.
    let given = std::env::var("SHUTTLE_RANDOM_SEED").ok();
    let given = given.and_then(|text| text.parse().ok());
    let (seed, number) = (given.unwrap_or(settings.seed), settings.schedules);
    going(format!("random schedules, seed {seed}"));
    let random = RandomScheduler::new_from_seed(seed, number);
    let mut executions = draw(random, settings, Arc::clone(body));
    going(format!("PCT schedules of depth {DEPTH}, seed {seed}"));
    let pct = Pct {
        inner: PctScheduler::new_from_seed(seed, DEPTH, number),
        begun: false,
        chose: false,
    };
    executions += draw(pct, settings, Arc::clone(body));
    Explored {
        engine: ENGINE,
        executions,
        complete: false,
    }
}

/// shuttle's PCT, which panics at its second execution if the first had nothing to choose: then that was
/// all there is.
struct Pct {
    inner: PctScheduler,
    begun: bool,
    chose: bool,
}

impl Scheduler for Pct {
    fn new_execution(&mut self) -> Option<Schedule> {
        if self.begun && !self.chose {
            return None;
        }
        self.begun = true;
        self.inner.new_execution()
    }

    fn next_task(
        &mut self,
        runnable: &[&Task],
        current: Option<TaskId>,
        is_yielding: bool,
    ) -> Option<TaskId> {
        self.chose |= runnable.len() > 1;
        self.inner.next_task(runnable, current, is_yielding)
    }

    fn next_u64(&mut self) -> u64 {
        self.inner.next_u64()
    }
}

fn draw(scheduler: impl Scheduler + 'static, settings: &Explorer, body: Body) -> usize {
    let mut config = Config::new();
    config.silence_warnings = true;
    config.failure_persistence = FailurePersistence::None;
    let early_wakes = settings.early_wakes;
    let turns = AtomicUsize::new(0);
    Runner::new(scheduler, config).run(move || {
        // ORDERING: all of this is one thread of the system.
        let turn = turns.fetch_add(1, Ordering::Relaxed) % ROUND;
        let early = (early_wakes && turn > 0).then(|| turn - 1);
        choice::begin(early);
        execute(early, &body);
    })
}
