//! Random sequences of everything that can happen to a team, single-stepped: after each the numbers
//! account for every task, and in the end each accepted task has ended once and all is released.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brigade::{
    AlreadyQuit, CreationError, ExclusiveWorker, Handlers, LockWorker, MemoryWorker, Now,
    Performer, Refused, Statistics, Task, Team, TeamLock, Worker, memory_worker,
};
use proptest::prelude::*;
use proptest::test_runner::Config;

/// What a task does.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Returns,
    Panics,
    Submits,
    Grows,
    Shrinks,
    Quits,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Execute(Kind),
    Grow(usize),
    Shrink(usize),
    ShrinkAll,
    /// Sets the limit without a word, or announced.
    Limit(usize, bool),
    /// The factory errs this many times.
    Errors(usize),
    /// One step of the coordinator.
    Coordinate,
    /// One task of a worker.
    Perform(usize),
    Quit,
    /// A worker's performer is dropped.
    DropPerformer(usize),
    StrangerQuits(usize),
    DropCoordinator,
    StrangerQuitsCoordinator,
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let kind = prop_oneof![
        8 => Just(Kind::Returns),
        2 => Just(Kind::Panics),
        3 => Just(Kind::Submits),
        1 => Just(Kind::Grows),
        1 => Just(Kind::Shrinks),
        1 => Just(Kind::Quits),
    ];
    let op = prop_oneof![
        12 => kind.prop_map(Op::Execute),
        3 => prop_oneof![0..4_usize, Just(usize::MAX)].prop_map(Op::Grow),
        3 => prop_oneof![0..4_usize, Just(usize::MAX)].prop_map(Op::Shrink),
        1 => Just(Op::ShrinkAll),
        4 => (0..5_usize, any::<bool>()).prop_map(|(limit, told)| Op::Limit(limit, told)),
        2 => (1..3_usize).prop_map(Op::Errors),
        12 => Just(Op::Coordinate),
        16 => (0..8_usize).prop_map(Op::Perform),
        1 => Just(Op::Quit),
        2 => (0..8_usize).prop_map(Op::DropPerformer),
        2 => (0..8_usize).prop_map(Op::StrangerQuits),
        1 => prop_oneof![Just(Op::DropCoordinator), Just(Op::StrangerQuitsCoordinator)],
    ];
    prop::collection::vec(op, 1..60)
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Ran,
    Dropped,
}

/// What the test sees.
#[derive(Default)]
struct Seen {
    limit: usize,
    highest: usize,
    errors: usize,
    /// Whether each worker made was told by the team to quit.
    told: Vec<bool>,
    performers: Vec<Option<Arc<Performer>>>,
    workers: Vec<MemoryWorker>,
    /// The worker of each assignment, and whether it was accepted.
    assigned: Vec<(usize, bool)>,
    /// Each task that ran, by worker.
    ran: BTreeMap<usize, Vec<usize>>,
    performing: Option<usize>,
    submitted: usize,
    accepted: Vec<usize>,
    ends: BTreeMap<usize, End>,
    abandoned: usize,
    coordinator_told: bool,
    /// What was found to be wrong where a panic would be contained.
    broken: Vec<&'static str>,
}

impl Seen {
    fn expect(&mut self, holds: bool, what: &'static str) {
        if !holds {
            self.broken.push(what);
        }
    }

    fn living(&self) -> usize {
        self.told.iter().filter(|told| !**told).count()
    }
}

#[derive(Clone)]
struct World(Arc<Mutex<Seen>>);

impl World {
    fn see(&self) -> MutexGuard<'_, Seen> {
        // Poisoned only by an assertion that failed, which has been reported.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task's identity: notes how it ended when it is dropped.
struct Identity {
    id: usize,
    ran: bool,
    world: World,
}

impl Drop for Identity {
    fn drop(&mut self) {
        let end = if self.ran { End::Ran } else { End::Dropped };
        let mut seen = self.world.see();
        let before = seen.ends.insert(self.id, end);
        seen.expect(before.is_none(), "W1 a task ended twice");
    }
}

/// A worker that notes what it is given and told.
struct Spied {
    number: usize,
    worker: MemoryWorker,
    world: World,
}

impl Worker for Spied {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        let answer = self.worker.execute(task);
        let assigned = (self.number, answer.is_ok());
        self.world.see().assigned.push(assigned);
        answer
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        let mut seen = self.world.see();
        let (again, late) = (seen.told[self.number], seen.coordinator_told);
        seen.expect(!again, "T6 a worker is told twice");
        seen.expect(!late, "T6 a worker is told after the coordinator");
        seen.told[self.number] = true;
        drop(seen);
        self.worker.quit()
    }
}

/// A coordinator that notes that it is told to quit.
struct Coordinator<C> {
    worker: C,
    world: World,
}

impl<C: Worker> Worker for Coordinator<C> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.worker.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        let mut seen = self.world.see();
        let again = seen.coordinator_told;
        seen.expect(!again, "T6 the coordinator is told twice");
        seen.coordinator_told = true;
        drop(seen);
        self.worker.quit()
    }
}

impl<C: ExclusiveWorker> ExclusiveWorker for Coordinator<C> {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        self.worker.run_now(step)
    }
}

type Stranger = Box<dyn Worker>;

struct Bench<C: ExclusiveWorker> {
    world: World,
    team: Option<Team<Coordinator<C>, Spied>>,
    /// A second handle of the coordinator, if a stranger can have one.
    stranger: Option<Stranger>,
    steps: Option<Performer>,
}

impl<C: ExclusiveWorker> Bench<C> {
    fn new(coordinator: C, stranger: Option<Stranger>, steps: Option<Performer>) -> Self {
        let world = World(Arc::new(Mutex::new(Seen {
            limit: 2,
            highest: 2,
            ..Seen::default()
        })));
        let watched = Coordinator {
            worker: coordinator,
            world: world.clone(),
        };
        let abandoning = world.clone();
        let handlers = Handlers::new()
            .on_creation_failed(drop)
            .on_abandoned(move |task| {
                drop(task);
                abandoning.see().abandoned += 1;
            });
        let hiring = world.clone();
        let team = Team::new(watched, move |now| hire(&hiring, now), handlers);
        Self {
            world,
            team: Some(team),
            stranger,
            steps,
        }
    }

    fn team(&self) -> &Team<Coordinator<C>, Spied> {
        self.team.as_ref().unwrap()
    }

    fn apply(&mut self, op: Op) {
        let team = self.team.as_ref().unwrap();
        match op {
            Op::Execute(kind) => submit(&self.world, team, kind),
            Op::Grow(n) => may_refuse(team.grow(n)),
            Op::Shrink(n) => may_refuse(team.shrink(n)),
            Op::ShrinkAll => may_refuse(team.shrink_all()),
            Op::Limit(limit, told) => {
                let mut seen = self.world.see();
                seen.limit = limit;
                seen.highest = seen.highest.max(limit);
                drop(seen);
                if told {
                    may_refuse(team.limit_raised());
                }
            }
            Op::Errors(errors) => self.world.see().errors = errors,
            Op::Coordinate => {
                self.coordinate();
            }
            Op::Perform(n) => {
                self.perform(n);
            }
            Op::Quit => may_refuse(team.quit()),
            Op::DropPerformer(n) => {
                let performer = self
                    .world
                    .see()
                    .performers
                    .get_mut(n)
                    .and_then(Option::take);
                drop(performer);
            }
            Op::StrangerQuits(n) => {
                let worker = self.world.see().workers.get(n).cloned();
                if let Some(worker) = worker {
                    may_refuse(worker.quit());
                }
            }
            Op::DropCoordinator => self.steps = None,
            Op::StrangerQuitsCoordinator => {
                if let Some(stranger) = &self.stranger {
                    may_refuse(stranger.quit());
                }
            }
        }
    }

    fn coordinate(&self) -> bool {
        self.steps
            .as_ref()
            .is_some_and(|steps| steps.perform().ran())
    }

    fn perform(&self, n: usize) -> bool {
        let performer = self.world.see().performers.get(n).cloned().flatten();
        self.world.see().performing = Some(n);
        let ran = performer.is_some_and(|performer| performer.perform().ran());
        self.world.see().performing = None;
        ran
    }

    fn check(&self) {
        let now = self.team().statistics();
        let seen = self.world.see();
        assert_eq!(seen.broken, [""; 0]);
        let ended = now.done + now.abandoned;
        assert_eq!(
            now.accepted,
            now.in_flight + now.backlogged + now.busy + ended,
            "T2 {now}"
        );
        assert_eq!(now.accepted, seen.accepted.len(), "T2 {now}");
        assert_eq!(now.abandoned, seen.abandoned, "T7 {now}");
        // A worker that lost its task is told at once, and no worker before the coordinator knows it.
        assert!(now.workers() >= seen.living(), "T6 {now}");
        // Within a step, one that shall leave is told only after others were made.
        assert!(seen.living() <= seen.highest, "T1 {now}");
        assert!(now.idle == 0 || now.backlogged == 0, "T3 {now}");
        let ran = seen.ends.values().filter(|end| **end == End::Ran).count();
        assert!(now.done <= ran, "T2 {now}");
        assert!(now.done + now.busy >= ran, "T2 {now}");
        check_order(&seen);
    }

    /// Drives all performers until there is nothing to do.
    fn settle(&self) {
        loop {
            let workers = self.world.see().told.len();
            let steps = self.coordinate();
            if !(0..workers).fold(steps, |ran, n| self.perform(n) || ran) {
                return;
            }
        }
    }

    /// T9: once nothing more can be driven, nothing waits for a worker that lives.
    fn check_quiet(&self) {
        self.check();
        let now = self.team().statistics();
        assert_eq!(now.workers(), self.world.see().living(), "T6 {now}");
        assert_eq!((now.in_flight, now.busy), (0, 0), "T9 {now}");
        assert!(now.backlogged == 0 || now.workers() == 0, "T9 {now}");
    }

    fn finish(mut self, by_dropping: bool) {
        self.settle();
        self.check_quiet();
        if !by_dropping {
            may_refuse(self.team().quit());
            self.settle();
            self.check_quiet();
            assert_eq!(self.team().statistics().workers(), 0, "T6");
        }
        // Or a task that waits, and holds a handle of the team, would keep it from being the last.
        let mut seen = self.world.see();
        (seen.limit, seen.highest, seen.errors) = (usize::MAX, usize::MAX, 0);
        drop(seen);
        may_refuse(self.team().limit_raised());
        self.settle();
        self.team = None;
        self.settle();
        let Self { world, .. } = self;
        let seen = world.see();
        assert_eq!(seen.broken, [""; 0]);
        assert!(seen.told.iter().all(|told| *told), "T6 each worker is told");
        assert!(seen.coordinator_told, "T6 and the coordinator");
        check_order(&seen);
        assert_eq!(seen.ends.len(), seen.submitted, "W1 each task has ended");
        let dropped = seen
            .accepted
            .iter()
            .filter(|id| seen.ends[id] == End::Dropped);
        assert_eq!(dropped.count(), seen.abandoned, "W1 the others ran");
        drop(seen);
        assert_eq!(Arc::strong_count(&world.0), 1, "T10 all else is released");
    }
}

/// After a quit, by whomever, that is the answer.
fn may_refuse(_: Result<(), AlreadyQuit>) {}

fn hire(world: &World, now: &Statistics) -> Result<Option<Spied>, CreationError> {
    let mut seen = world.see();
    if seen.errors > 0 {
        seen.errors -= 1;
        return Err("for once".into());
    }
    if now.workers() >= seen.limit {
        return Ok(None);
    }
    let (worker, performer) = memory_worker();
    seen.told.push(false);
    seen.performers.push(Some(Arc::new(performer)));
    seen.workers.push(worker.clone());
    Ok(Some(Spied {
        number: seen.told.len() - 1,
        worker,
        world: world.clone(),
    }))
}

fn submit<C: ExclusiveWorker>(world: &World, team: &Team<C, Spied>, kind: Kind) {
    let id = {
        let mut seen = world.see();
        seen.submitted += 1;
        seen.submitted
    };
    let mut identity = Identity {
        id,
        ran: false,
        world: world.clone(),
    };
    let inner = team.clone();
    let task = move || {
        let mut seen = identity.world.see();
        let worker = seen.performing.expect("only performers run tasks");
        seen.ran.entry(worker).or_default().push(id);
        drop(seen);
        identity.ran = true;
        let world = identity.world.clone();
        match kind {
            Kind::Returns => {}
            Kind::Panics => std::panic::resume_unwind(Box::new("a task")),
            Kind::Submits => submit(&world, &inner, Kind::Returns),
            Kind::Grows => may_refuse(inner.grow(1)),
            Kind::Shrinks => may_refuse(inner.shrink(1)),
            Kind::Quits => may_refuse(inner.quit()),
        }
    };
    match team.execute(task) {
        Ok(()) => world.see().accepted.push(id),
        Err(refused) => {
            assert!(!world.see().ends.contains_key(&id), "W2 whole and not run");
            drop(refused);
        }
    }
}

/// T4: tasks are assigned in the order in which they were accepted, but for those which a worker that
/// was lost gave back.
fn check_order(seen: &Seen) {
    let mut ran: BTreeMap<_, _> = seen.ran.iter().map(|(n, ran)| (n, ran.iter())).collect();
    let (mut last, mut lost, mut back) = (0, 0, 0);
    for (worker, accepted) in &seen.assigned {
        let task = ran
            .get_mut(worker)
            .filter(|_| *accepted)
            .and_then(Iterator::next);
        match task {
            // Or still waits at its worker, which this check need not tell apart.
            None => lost += 1,
            Some(task) if *task > last => last = *task,
            Some(_) => back += 1,
        }
        assert!(back <= lost, "T4 {:?}, ran {:?}", seen.assigned, seen.ran);
    }
}

fn run<C: ExclusiveWorker>(mut bench: Bench<C>, ops: &[Op], by_dropping: bool) {
    for op in ops {
        bench.apply(*op);
        bench.check();
    }
    bench.finish(by_dropping);
}

proptest! {
    #![proptest_config(Config { cases: 20 * Config::default().cases, failure_persistence: None, ..Config::default() })]

    #[test]
    fn w1_t2_t4_t6_any_sequence_under_a_lock_coordinator(ops in ops(), by_dropping: bool) {
        let coordinator = LockWorker::new();
        let stranger = Box::new(coordinator.clone());
        run(Bench::new(coordinator, Some(stranger), None), &ops, by_dropping);
    }

    #[test]
    fn w1_t2_t4_t6_any_sequence_under_the_teams_lock(ops in ops(), by_dropping: bool) {
        run(Bench::new(TeamLock::of_one_team(), None, None), &ops, by_dropping);
    }

    #[test]
    fn w1_t2_t4_t6_any_sequence_under_a_memory_coordinator(ops in ops(), by_dropping: bool) {
        let (coordinator, steps) = memory_worker();
        let stranger = Box::new(coordinator.clone());
        run(Bench::new(coordinator, Some(stranger), Some(steps)), &ops, by_dropping);
    }
}
