//! What team scenarios are set up with: a team, its performers, and actors that leave.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use brigade::primitives::thread;
use brigade::{
    AlreadyQuit, Body, CreationError, ExclusiveWorker, Handlers, LockWorker, Performer, Pool,
    Refused, Statistics, Task, Team, TeamLock, Thread, ThreadWorker, Worker, memory_worker,
    pool_with, start_thread,
};

use super::Subject;
use crate::world::{Shared, Watched, WatchedCoordinator};

type WatchedTeam = Team<WatchedCoordinator<Box<dyn ExclusiveWorker>>, Watched<Box<dyn Worker>>>;

/// A team under test, of whatever kind.
#[derive(Clone)]
pub(super) enum AnyTeam {
    Team(WatchedTeam),
    Pool(Pool),
}

/// Passes a call on.
macro_rules! either {
    ($any:expr, $team:ident => $call:expr) => {
        match $any {
            AnyTeam::Team($team) => $call,
            AnyTeam::Pool($team) => $call,
        }
    };
}

impl AnyTeam {
    pub(super) fn execute(&self, task: Task) -> Result<(), Refused> {
        either!(self, team => team.execute(task))
    }

    pub(super) fn quit(&self) -> Result<(), AlreadyQuit> {
        either!(self, team => team.quit())
    }

    pub(super) fn grow(&self, n: usize) -> Result<(), AlreadyQuit> {
        either!(self, team => team.grow(n))
    }

    pub(super) fn shrink(&self, n: usize) -> Result<(), AlreadyQuit> {
        either!(self, team => team.shrink(n))
    }

    pub(super) fn limit_raised(&self) -> Result<(), AlreadyQuit> {
        either!(self, team => team.limit_raised())
    }

    pub(super) fn statistics(&self) -> Statistics {
        either!(self, team => team.statistics())
    }
}

/// The performers of a bench, in std's storage: a side table of the harness, which holds no state
/// that the code under test depends on.
#[derive(Default)]
pub(super) struct Performers(Mutex<Vec<Arc<Performer>>>);

impl Performers {
    fn add(&self, performer: Performer) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Arc::new(performer));
    }

    fn all(&self) -> Vec<Arc<Performer>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }

    /// Performs once at the given performer, if it exists by now.
    pub(super) fn perform(&self, at: usize) -> bool {
        self.all()
            .get(at)
            .is_some_and(|performer| performer.perform().ran())
    }

    /// Takes a performer out, to be dropped outside of the table.
    pub(super) fn remove(&self, at: usize) -> Option<Arc<Performer>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (at < all.len()).then(|| all.remove(at))
    }

    /// Performs until nothing moves.
    fn drain(&self) {
        while self
            .all()
            .iter()
            .map(|performer| performer.drain())
            .sum::<usize>()
            > 0
        {}
    }
}

/// Settings of a bench's factory.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) limit: AtomicUsize,
    /// How many of the next requests fail.
    pub(super) failures: AtomicUsize,
    /// How many of the next workers made have been quit by a stranger already.
    pub(super) refusing: AtomicUsize,
}

fn take_one(count: &AtomicUsize) -> bool {
    let left = count.load(Ordering::SeqCst);
    if left > 0 {
        count.store(left - 1, Ordering::SeqCst);
    }
    left > 0
}

/// What a pool's start policy is given, watched.
pub(super) struct Newborn {
    body: Body,
    world: Shared,
}

impl Newborn {
    /// Starts its thread.
    pub(super) fn start(self) -> io::Result<Thread> {
        let Self { body, world } = self;
        let thread = world.made();
        thread::spawn("worker", move || {
            body.run();
            world.worker_ended(thread);
        })
        .map(Thread::from)
    }

    /// The body alone, for whoever makes no worker of it; and the world, which knows of none.
    pub(super) fn unwatched(self) -> (Body, Shared) {
        (self.body, self.world)
    }

    /// Starts none.
    pub(super) fn fail(self) -> io::Result<Thread> {
        self.world.creation_failed();
        Err(io::Error::other("no thread today"))
    }
}

fn handlers(world: &Shared) -> Handlers {
    let (panicked, abandoned) = (Arc::clone(world), Arc::clone(world));
    Handlers::new()
        .on_panic(move |_| panicked.panic_reported())
        .on_creation_failed(|failed| drop(failed.to_string()))
        .on_abandoned(move |task| abandoned.abandoned(task))
}

/// A team under test, and what drives it.
pub(super) struct Bench {
    pub(super) world: Shared,
    /// `None` once every actor has a handle of its own.
    pub(super) team: Option<AnyTeam>,
    pub(super) plan: Arc<Plan>,
    pub(super) performers: Arc<Performers>,
    /// The coordinator's performer, where it has one.
    pub(super) coordinator: Option<Arc<Performer>>,
}

impl Bench {
    pub(super) fn new(world: &Shared, subject: Subject, limit: usize) -> Self {
        Self::with(world, subject, limit, false)
    }

    /// A team of lock workers, coordinated by a lock worker.
    pub(super) fn synchronous(world: &Shared, limit: usize) -> Self {
        Self::with(world, Subject::TeamOfMemory, limit, true)
    }

    /// A pool with a limit and a start policy that go by its plan, in which there is a limit, too.
    pub(super) fn pool(
        world: &Shared,
        planned: usize,
        limit: impl Fn(&Plan) -> usize + Send + Sync + 'static,
        start: impl Fn(&Plan, Newborn) -> io::Result<Thread> + Send + Sync + 'static,
    ) -> Self {
        let plan = Arc::new(Plan::default());
        plan.limit.store(planned, Ordering::SeqCst);
        let limits = Arc::clone(&plan);
        let limit = move || limit(&limits);
        let start = {
            let (world, plan) = (Arc::clone(world), Arc::clone(&plan));
            move |body| {
                let newborn = Newborn {
                    body,
                    world: Arc::clone(&world),
                };
                start(&plan, newborn)
            }
        };
        let pool = pool_with(limit, start, handlers(world));
        Self {
            world: Arc::clone(world),
            team: Some(AnyTeam::Pool(pool)),
            plan,
            performers: Arc::default(),
            coordinator: None,
        }
    }

    fn with(world: &Shared, subject: Subject, limit: usize, synchronous: bool) -> Self {
        if subject.is_pool() {
            let asked = |plan: &Plan| plan.limit.load(Ordering::SeqCst);
            return Self::pool(world, limit, asked, |plan, newborn| {
                if take_one(&plan.failures) {
                    return newborn.fail();
                }
                newborn.start()
            });
        }
        let plan = Arc::new(Plan::default());
        plan.limit.store(limit, Ordering::SeqCst);
        let performers = Arc::new(Performers::default());
        let threads = subject.threads().is_some();

        let (coordinator, stepped): (Box<dyn ExclusiveWorker>, _) = match subject {
            Subject::TeamStepped => {
                let (worker, performer) = memory_worker();
                (Box::new(worker), Some(Arc::new(performer)))
            }
            Subject::TeamOfOneThread | Subject::TeamOfTwoThreads => {
                (Box::new(TeamLock::of_one_team()), None)
            }
            _ => (Box::new(LockWorker::new()), None),
        };

        let factory = {
            let (world, plan) = (Arc::clone(world), Arc::clone(&plan));
            let performers = Arc::downgrade(&performers);
            move |now: &Statistics| -> Result<_, CreationError> {
                if take_one(&plan.failures) {
                    world.creation_failed();
                    return Err("no worker today".into());
                }
                let limit = plan.limit.load(Ordering::SeqCst);
                assert!(
                    now.workers() <= limit,
                    "T1 {now} exceeds the limit of {limit}"
                );
                if now.workers() == limit {
                    return Ok(None);
                }
                let worker: Box<dyn Worker> = if threads {
                    Box::new(ThreadWorker::new(|body| start_thread("worker", body))?)
                } else if synchronous {
                    Box::new(LockWorker::new())
                } else {
                    let (worker, performer) = memory_worker();
                    if let Some(performers) = performers.upgrade() {
                        performers.add(performer);
                    }
                    Box::new(worker)
                };
                if take_one(&plan.refusing) {
                    worker.quit()?;
                }
                Ok(Some(Watched::new(&world, worker)))
            }
        };
        let team = Team::new(
            WatchedCoordinator::new(world, coordinator),
            factory,
            handlers(world),
        );
        Self {
            world: Arc::clone(world),
            team: Some(AnyTeam::Team(team)),
            plan,
            performers,
            coordinator: stepped,
        }
    }

    pub(super) fn team(&self) -> &AnyTeam {
        self.team.as_ref().expect("the bench has kept its handle")
    }

    /// Quits the team, as a user.
    pub(super) fn quit(&self) {
        self.world.quit(|| self.team().quit());
    }

    /// Steps the coordinator once, where it is stepped by hand.
    pub(super) fn coordinate(&self) -> bool {
        self.coordinator
            .as_ref()
            .is_some_and(|performer| performer.perform().ran())
    }

    /// Steps the coordinator, where it is stepped by hand, until it has nothing to do.
    pub(super) fn settle(&self) {
        while self.coordinate() {}
    }

    /// T2: the numbers add up, whenever one looks.
    pub(super) fn check_statistics(&self, team: &AnyTeam) -> Statistics {
        let now = self.world.statistics(|| team.statistics());
        let sum = now.in_flight + now.backlogged + now.busy + now.done + now.abandoned;
        assert_eq!(now.accepted, sum, "T2 {now}");
        now
    }

    /// Drives whatever is driven by hand until nothing moves.
    pub(super) fn drain(&self) {
        loop {
            self.settle();
            self.performers.drain();
            if !self.coordinate() {
                return;
            }
        }
    }
}

/// Counts actors out, in std's storage: whoever is last does what ends the scenario. Joining instead
/// would make the engines explore the orders of joins.
pub(crate) struct Leaving<T> {
    actors: AtomicUsize,
    bench: T,
    last: fn(&T),
}

impl<T: Send + Sync + 'static> Leaving<T> {
    pub(crate) fn new(bench: T, last: fn(&T)) -> Arc<Self> {
        Arc::new(Self {
            actors: AtomicUsize::new(1),
            bench,
            last,
        })
    }

    pub(crate) fn bench(&self) -> &T {
        &self.bench
    }

    /// Starts another actor.
    pub(crate) fn spawn(self: &Arc<Self>, act: impl FnOnce(&T) + Send + 'static) {
        self.actors.fetch_add(1, Ordering::SeqCst);
        let this = Arc::clone(self);
        let actor = thread::spawn("actor", move || this.act(act));
        drop(actor.expect("an actor starts"));
    }

    /// Acts on this thread, and leaves.
    pub(crate) fn act(self: Arc<Self>, act: impl FnOnce(&T)) {
        act(&self.bench);
        if self.actors.fetch_sub(1, Ordering::SeqCst) == 1 {
            (self.last)(&self.bench);
        }
    }
}
