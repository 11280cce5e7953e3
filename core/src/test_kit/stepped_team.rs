//! A team all of whose performers are stepped by hand: so it does the same in every run.
//!
//! # State
//! `workers`: the performers, in the order in which their workers were made; `None` once this is being
//! dropped, when the factory makes no more. Changed by the factory and by that drop.

use std::fmt;

use super::schedule::{ReplayError, Schedule};
use super::steps::{NeverQuiet, Stepped, run_seeded};
use crate::memory::{MemoryWorker, Performer, memory_worker};
use crate::primitives::{Arc, Mutex};
use crate::team::{Handlers, Team};

/// A [`Team`] over memory workers, coordinated by one, all stepped by hand.
///
/// As something to be [`Stepped`], its coordinator is `c`, and its workers are `0`, `1`, … in the order
/// in which they were made.
///
/// Dropping it drops the tasks that are left. Those run that the owner's handler of abandoned tasks runs.
///
/// ```
/// use brigade::test_kit::SteppedTeam;
///
/// # brigade::primitives::example(|| {
/// for seed in 0..100 {
///     let mut team = SteppedTeam::new(2);
///     for task in 0..5 {
///         team.team().execute(move || println!("{task}")).unwrap();
///     }
///     team.team().quit().unwrap();
///     let schedule = team.run_seeded(seed).unwrap();
///     // A task that was lost would be outstanding; the schedule is what leads there.
///     assert_eq!(team.outstanding(), 0, "seed {seed}, {schedule}");
/// }
/// # });
/// ```
pub struct SteppedTeam {
    // Dropped first.
    team: Team<MemoryWorker, MemoryWorker>,
    coordinator: Performer,
    workers: Arc<Workers>,
}

type Workers = Mutex<Option<Vec<Arc<Performer>>>>;

impl SteppedTeam {
    /// A team of at most `limit` workers, with the handlers that a team has by default.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::with_handlers(limit, Handlers::new())
    }

    /// [`SteppedTeam::new`], with these handlers.
    #[must_use]
    pub fn with_handlers(limit: usize, handlers: Handlers) -> Self {
        let (worker, coordinator) = memory_worker();
        let workers = Arc::new(Mutex::new(Some(Vec::new())));
        let made = Arc::clone(&workers);
        let factory = move |now: &crate::team::Statistics| {
            if now.workers() >= limit {
                return Ok(None);
            }
            let (worker, performer) = memory_worker();
            let mut made = made.lock();
            Ok(made.as_mut().map(|made: &mut Vec<_>| {
                made.push(Arc::new(performer));
                worker
            }))
        };
        Self {
            team: Team::new(worker, factory, handlers),
            coordinator,
            workers,
        }
    }

    /// The team, to be used as any other. It outlives this only as one that can do nothing more.
    #[must_use]
    pub fn team(&self) -> &Team<MemoryWorker, MemoryWorker> {
        &self.team
    }

    /// How many workers were made so far, those included that have left.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.lock().as_ref().map_or(0, Vec::len)
    }

    /// Makes one step of the coordinator. Whether there was one to make.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn step_coordinator(&self) -> bool {
        self.coordinator.perform().ran()
    }

    /// Has this worker run one task. Whether there is such a worker, and it had one.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn step(&self, worker: usize) -> bool {
        self.performer(worker)
            .is_some_and(|performer| performer.perform().ran())
    }

    fn performer(&self, worker: usize) -> Option<Arc<Performer>> {
        self.workers.lock().as_ref()?.get(worker).cloned()
    }

    /// Tasks that were accepted and have had no end that the coordinator has seen. Once the team is quiet,
    /// none, unless a task waits for a worker that it will not get, or was lost.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        let now = self.team.statistics();
        let ended = [now.done, now.abandoned, now.cancelled, now.returned];
        ended.iter().fold(now.accepted, |left, ended| {
            // They wrap around.
            left.wrapping_sub(*ended)
        })
    }

    /// Steps the coordinator or a worker, as `seed` chooses, until the team is quiet: see
    /// [`run_seeded`].
    ///
    /// # Errors
    /// [`NeverQuiet`].
    pub fn run_seeded(&mut self, seed: u64) -> Result<Schedule, NeverQuiet> {
        run_seeded(self, seed)
    }

    /// [`Schedule::replay`].
    ///
    /// # Errors
    /// [`ReplayError`].
    pub fn replay(&mut self, schedule: &Schedule) -> Result<(), ReplayError> {
        schedule.replay(self)
    }
}

impl Stepped for SteppedTeam {
    fn names(&self) -> Vec<String> {
        let workers = (0..self.workers()).map(|worker| worker.to_string());
        std::iter::once("c".to_owned()).chain(workers).collect()
    }

    fn step_named(&mut self, name: &str) -> Option<bool> {
        if name == "c" {
            return Some(self.step_coordinator());
        }
        let worker: usize = name.parse().ok()?;
        // `+1` and `01` are numbers, but no names.
        let named = worker < self.workers() && worker.to_string() == name;
        named.then(|| self.step(worker))
    }
}

impl Drop for SteppedTeam {
    fn drop(&mut self) {
        // Queued tasks refer to the team, which refers to the factory and so to the performers: this
        // takes the ring apart. The drops run what users gave, so not with the lock held.
        let workers = self.workers.lock().take();
        drop(workers);
    }
}

impl fmt::Debug for SteppedTeam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SteppedTeam").field(&self.team).finish()
    }
}
