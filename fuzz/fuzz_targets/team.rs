//! A sequence of everything that can be asked of a team, or happen to it, over memory workers.
//!
//! One thread does it all, so there is a plain account to hold the team to, after every operation and
//! after all has been driven to its end: each task ends once, is refused or accepted as the account
//! says, the numbers add up, workers are within the limit and quit once. What breaks the account
//! aborts the process, which libFuzzer takes for a crash.

#![no_main]

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::process::abort;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use arbitrary::{Arbitrary, Unstructured};
use brigade::{
    AlreadyQuit, ExclusiveWorker, Handlers, LockWorker, MemoryWorker, Now, Performer, Refused,
    Statistics, Task, TeamLock, Worker, memory_worker,
};
use libfuzzer_sys::fuzz_target;

/// Longer programs find nothing that shorter ones do not.
const OPS: usize = 120;
/// The highest limit.
const LIMIT: usize = 5;
/// Tasks, those that tasks submit included.
const TASKS: usize = 300;
/// Steps after which the end must have come, and workers that one operation may ask for.
const ENOUGH: usize = 20_000;

#[derive(Debug)]
struct Program {
    coordinator: Which,
    limit: u8,
    /// At the end no worker is to be had.
    starve: bool,
    ops: Vec<Op>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Memory,
    Lock,
    /// The team's own lock.
    Own,
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Execute(Body),
    Grow(u8),
    Shrink(u8),
    ShrinkAll,
    Quit,
    /// Set the limit, and perhaps say so.
    Limit(u8, bool),
    /// What becomes of the workers asked for from now on.
    Factory(Factory),
    Coordinate(u8),
    Perform(u8),
    PerformAll,
    /// Drive everything until nothing moves.
    Settle,
    DropPerformer(u8),
    StrangerQuitsWorker(u8),
    StrangerQuitsCoordinator,
    DropCoordinatorsPerformer,
}

/// What a task does.
#[derive(Clone, Copy, Debug)]
enum Body {
    Nothing,
    /// Nothing, with captures that do not fit inline.
    Boxed,
    Panics,
    PanicsWhenDropped,
    Submits(u8),
    SubmitsOneThatPanics,
    Grows(u8),
    ShrinksAll,
    Quits,
    Performs(u8),
    Coordinates,
}

#[derive(Clone, Copy, Debug)]
enum Factory {
    Works,
    Errs,
    Panics,
    /// Gives workers that have been quit.
    GivesQuit,
    /// Gives workers that nobody will perform.
    GivesDropped,
    /// At the limit, has it raised before it answers.
    Raises,
}

/// A program is two bytes, and two for each operation: short inputs say much, and a changed byte
/// changes one operation. See `README.md`.
impl Arbitrary<'_> for Program {
    fn arbitrary(from: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let [flags, limit] = from.arbitrary()?;
        let mut ops = Vec::new();
        while !from.is_empty() && ops.len() < OPS {
            ops.push(Op::new(from.arbitrary()?));
        }
        Ok(Self {
            coordinator: match flags & 5 {
                0 => Which::Memory,
                1 => Which::Lock,
                _ => Which::Own,
            },
            starve: flags & 2 != 0,
            limit,
            ops,
        })
    }
}

impl Op {
    fn new([what, n]: [u8; 2]) -> Self {
        // What leaves the team with less to do is rarer.
        match what % 24 {
            0..=5 => Self::Execute(Body::new(n)),
            6 => Self::Execute(Body::Nothing),
            7..=9 => Self::Perform(n),
            10 if n & 1 == 0 => Self::PerformAll,
            10 => Self::Settle,
            11..=13 => Self::Coordinate(n),
            14 | 15 => Self::Grow(n),
            16 | 17 => Self::Shrink(n),
            18 => Self::ShrinkAll,
            19 => Self::Limit(n, n & 0x80 != 0),
            20 => Self::Factory(Factory::new(n)),
            21 => Self::DropPerformer(n),
            22 => Self::StrangerQuitsWorker(n),
            _ => match n % 4 {
                0 => Self::StrangerQuitsCoordinator,
                1 => Self::DropCoordinatorsPerformer,
                _ => Self::Quit,
            },
        }
    }
}

impl Body {
    fn new(n: u8) -> Self {
        match n % 16 {
            0..=3 => Self::Nothing,
            4 => Self::Boxed,
            5 | 6 => Self::Panics,
            7 => Self::PanicsWhenDropped,
            8 | 9 => Self::Submits(n / 16),
            10 => Self::SubmitsOneThatPanics,
            11 => Self::Grows(n / 16),
            12 => Self::ShrinksAll,
            13 => Self::Quits,
            14 => Self::Performs(n / 16),
            _ => Self::Coordinates,
        }
    }
}

impl Factory {
    fn new(n: u8) -> Self {
        match n % 8 {
            0 => Self::Errs,
            1 => Self::Panics,
            2 => Self::GivesQuit,
            3 => Self::GivesDropped,
            4 => Self::Raises,
            _ => Self::Works,
        }
    }
}

/// What our own panics carry. Any other is a bug.
struct Planned;

/// Says what is wrong, and ends the process: a panic might be contained by what is being tested.
fn violation(what: &str) -> ! {
    eprintln!("VIOLATION: {what}");
    abort();
}

fn check(holds: bool, what: &str) {
    if !holds {
        violation(what);
    }
}

/// In place of libFuzzer's hook, which aborts on every panic, contained or not.
fn hook() {
    std::panic::set_hook(Box::new(|panic| {
        if !panic.payload().is::<Planned>() {
            eprintln!("{panic}");
            violation("a panic that nobody planned");
        }
    }));
}

fuzz_target!(init: hook(), |program: Program| run(program));

type Team = brigade::Team<Coordinator, Known>;

/// Either kind of coordinator, counting how often the team quits it.
struct Coordinator {
    kind: Kind,
    shared: Arc<Shared>,
}

#[derive(Clone)]
enum Kind {
    Memory(MemoryWorker),
    Lock(LockWorker),
    Own(Arc<TeamLock>),
}

impl Worker for Coordinator {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        match &self.kind {
            Kind::Memory(worker) => worker.execute(task),
            Kind::Lock(worker) => worker.execute(task),
            Kind::Own(worker) => worker.execute(task),
        }
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        let mut log = self.shared.log();
        log.coordinator_quits += 1;
        check(
            log.coordinator_quits == 1,
            "T6 the coordinator was quit twice",
        );
        let mut workers = log.workers.iter();
        check(
            workers.all(|it| it.quits == 1),
            "T6 the coordinator was quit before a worker",
        );
        drop(log);
        self.kind.quit()
    }
}

impl ExclusiveWorker for Coordinator {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        match &self.kind {
            Kind::Memory(worker) => worker.run_now(step),
            Kind::Lock(worker) => worker.run_now(step),
            Kind::Own(worker) => worker.run_now(step),
        }
    }
}

impl Kind {
    fn quit(&self) -> Result<(), AlreadyQuit> {
        match self {
            Self::Memory(worker) => worker.quit(),
            Self::Lock(worker) => worker.quit(),
            Self::Own(worker) => worker.quit(),
        }
    }
}

/// A worker with a number, counting how often the team quits it.
struct Known {
    number: usize,
    worker: MemoryWorker,
    shared: Arc<Shared>,
}

impl Worker for Known {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        if cfg!(feature = "planted") && self.shared.forget() {
            // The third task that is given to a worker after a shrink is lost.
            std::mem::forget(task);
            return Ok(());
        }
        self.worker.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        let quits = &mut self.shared.log().workers[self.number].quits;
        *quits += 1;
        check(*quits == 1, "T6 a worker was quit twice");
        self.worker.quit()
    }
}

impl Drop for Known {
    fn drop(&mut self) {
        self.shared.log().workers[self.number].released = true;
    }
}

/// The account.
struct Shared(Mutex<Log>);

struct Log {
    tasks: Vec<Fate>,
    workers: Vec<Made>,
    limit: usize,
    highest_limit: usize,
    factory: Factory,
    /// For the factory.
    team: Option<Team>,
    /// A failure was reported, or a raise was not announced: work may wait without a worker.
    excuse: bool,
    /// Workers asked for by this operation.
    asked: usize,
    /// The coordinator's performer, if it is a memory worker.
    coordinator: Option<Arc<Performer>>,
    coordinator_quits: usize,
    /// The coordinator was quit by a stranger, or nobody performs it any more.
    coordinator_lost: bool,
    /// A quit has been called, and how many have won.
    quitting: bool,
    quits: usize,
    /// The task being dropped goes by one of the ways on which it may be dropped.
    abandoning: bool,
    handing_back: bool,
    since_shrink: Option<usize>,
}

/// What became of a task.
#[derive(Clone, Copy, Default)]
struct Fate {
    accepted: bool,
    ran: usize,
    abandoned: usize,
    handed_back: usize,
    dropped: usize,
}

struct Made {
    worker: MemoryWorker,
    performer: Option<Arc<Performer>>,
    quits: usize,
    released: bool,
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request other than a task or a quit is accepted until there is one.
    fn called(&self, result: Result<(), AlreadyQuit>) {
        let log = self.log();
        // The factory may be called, and call, while the quit is being carried out.
        let between = log.quitting && log.quits == 0;
        check(
            between || result.is_ok() != log.closed(),
            "W4 a call was answered wrongly",
        );
    }

    fn raised(&self, team: &Team) {
        self.log().excuse = false;
        self.called(team.limit_raised());
    }

    fn forget(&self) -> bool {
        let since = &mut self.log().since_shrink;
        *since = since.map(|count| count + 1);
        *since == Some(3)
    }
}

impl Log {
    fn closed(&self) -> bool {
        self.quits > 0 || self.coordinator_lost
    }

    fn set_limit(&mut self, limit: usize) {
        self.excuse |= limit > self.limit;
        self.limit = limit;
        self.highest_limit = self.highest_limit.max(limit);
    }
}

/// A capture of a task. Dropped with it, it notes how the task ended.
struct Token {
    id: usize,
    bomb: bool,
    shared: Arc<Shared>,
}

impl Token {
    fn ran(&self) {
        self.shared.log().tasks[self.id].ran += 1;
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        let mut log = self.shared.log();
        let (abandoning, handing_back) = (log.abandoning, log.handing_back);
        let fate = &mut log.tasks[self.id];
        fate.dropped += 1;
        fate.abandoned += usize::from(abandoning);
        fate.handed_back += usize::from(handing_back);
        let ends = fate.ran + fate.abandoned + fate.handed_back;
        check(
            ends == 1,
            "W1 a task was dropped and not run, or ended twice",
        );
        check(fate.dropped == 1, "W1 a task was dropped twice");
        drop(log);
        if self.bomb && !thread::panicking() {
            panic_any(Planned);
        }
    }
}

struct Bench {
    shared: Arc<Shared>,
    /// The coordinator is a memory worker: what happens is seen later.
    queues: bool,
}

impl Clone for Bench {
    fn clone(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        Self { shared, ..*self }
    }
}

fn run(program: Program) {
    let limit = usize::from(program.limit) % (LIMIT + 1);
    let (worker, performer) = memory_worker();
    let queues = program.coordinator == Which::Memory;
    let kind = match program.coordinator {
        Which::Memory => Kind::Memory(worker),
        Which::Lock => Kind::Lock(LockWorker::new()),
        Which::Own => Kind::Own(Arc::new(TeamLock::of_one_team())),
    };
    let bench = Bench {
        queues,
        shared: Arc::new(Shared(Mutex::new(Log {
            tasks: Vec::new(),
            workers: Vec::new(),
            limit,
            highest_limit: limit,
            factory: Factory::Works,
            team: None,
            excuse: false,
            asked: 0,
            coordinator: queues.then(|| Arc::new(performer)),
            coordinator_quits: 0,
            coordinator_lost: false,
            quitting: false,
            quits: 0,
            abandoning: false,
            handing_back: false,
            since_shrink: None,
        }))),
    };
    let team = bench.team(kind.clone());
    bench.log().team = Some(team.clone());
    for &op in &program.ops {
        bench.log().asked = 0;
        bench.step(&team, &kind, op);
        bench.compare(&team);
    }
    bench.end(&team, program.starve);
    let factorys = bench.log().team.take();
    drop((team, factorys, kind));
    let mut log = bench.log();
    check(
        log.tasks.iter().all(|it| it.dropped == 1),
        "T10 a task outlives its team",
    );
    let coordinator = log.coordinator.take();
    let workers = std::mem::take(&mut log.workers);
    drop(log);
    check(
        workers.iter().all(|it| it.released),
        "T10 a worker outlives its team",
    );
    drop((workers, coordinator));
    check(
        Arc::strong_count(&bench.shared) == 1,
        "T10 something outlives its team",
    );
}

impl Bench {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.shared.log()
    }

    fn team(&self, kind: Kind) -> Team {
        let coordinator = Coordinator {
            kind,
            shared: Arc::clone(&self.shared),
        };
        let shared = Arc::clone(&self.shared);
        let factory = move |now: &Statistics| {
            let mut log = shared.log();
            log.asked += 1;
            check(
                log.asked < ENOUGH,
                "T9 workers are asked for without an end",
            );
            adds_up(now);
            if now.workers() >= log.limit {
                let raises = matches!(log.factory, Factory::Raises) && log.limit < LIMIT;
                if let (true, Some(team)) = (raises, log.team.clone()) {
                    log.set_limit(LIMIT);
                    drop(log);
                    shared.raised(&team);
                }
                return Ok(None);
            }
            let (worker, performer) = memory_worker();
            let mut performer = Some(Arc::new(performer));
            match log.factory {
                Factory::Works | Factory::Raises => {}
                Factory::Errs => return Err("no worker".into()),
                Factory::Panics => {
                    drop(log);
                    panic_any(Planned);
                }
                Factory::GivesQuit => drop(worker.quit()),
                Factory::GivesDropped => performer = None,
            }
            let number = log.workers.len();
            log.workers.push(Made {
                worker: worker.clone(),
                performer,
                quits: 0,
                released: false,
            });
            Ok(Some(Known {
                number,
                worker,
                shared: Arc::clone(&shared),
            }))
        };
        let (shared, failures) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        let handlers = Handlers::new()
            .on_panic(|payload| check(payload.is::<Planned>(), "W8 another's payload"))
            .on_creation_failed(move |_| failures.log().excuse = true)
            .on_abandoned(move |task| {
                shared.log().abandoning = true;
                let dropped = catch_unwind(AssertUnwindSafe(|| drop(task)));
                shared.log().abandoning = false;
                if let Err(payload) = dropped {
                    resume_unwind(payload);
                }
            });
        Team::new(coordinator, factory, handlers)
    }

    fn step(&self, team: &Team, kind: &Kind, op: Op) {
        match op {
            Op::Execute(body) => self.execute(team, body),
            Op::Grow(n) => self.called(team.grow(usize::from(n % 5))),
            Op::Shrink(n) => {
                self.log().since_shrink = Some(0);
                self.called(team.shrink(usize::from(n % 5)));
            }
            Op::ShrinkAll => self.called(team.shrink_all()),
            Op::Quit => self.quit(team),
            Op::Limit(n, say_so) => {
                self.log().set_limit(usize::from(n) % (LIMIT + 1));
                if say_so {
                    self.shared.raised(team);
                }
            }
            Op::Factory(factory) => self.log().factory = factory,
            Op::Coordinate(n) => {
                for _ in 0..=n % 4 {
                    self.coordinate();
                }
            }
            Op::Perform(worker) => {
                self.perform(worker);
            }
            Op::PerformAll => {
                self.perform_all();
            }
            Op::Settle => self.settle(team),
            Op::DropPerformer(worker) => {
                let performer = self.made(worker, |made| made.performer.take());
                drop(performer);
            }
            Op::StrangerQuitsWorker(worker) => {
                let worker = self.made(worker, |made| Some(made.worker.clone()));
                let _ = worker.map(|it| it.quit());
            }
            Op::StrangerQuitsCoordinator => {
                // Nobody else has a team's own lock.
                if !matches!(kind, Kind::Own(_)) {
                    self.log().coordinator_lost = true;
                    let _ = kind.quit();
                }
            }
            Op::DropCoordinatorsPerformer => {
                let mut log = self.log();
                log.coordinator_lost |= log.coordinator.is_some();
                let performer = log.coordinator.take();
                drop(log);
                drop(performer);
            }
        }
    }

    fn called(&self, result: Result<(), AlreadyQuit>) {
        self.shared.called(result);
    }

    fn quit(&self, team: &Team) {
        self.log().quitting = true;
        let result = team.quit();
        let mut log = self.log();
        if result.is_ok() {
            log.quits += 1;
            check(log.quits == 1, "W3 two quits won");
        } else {
            // Without its coordinator, a team may have quit by itself.
            let lost = log.quits > 0 || log.coordinator_lost;
            check(lost, "W3 the first quit lost");
        }
    }

    fn execute(&self, team: &Team, body: Body) {
        let mut log = self.log();
        let id = log.tasks.len();
        if id == TASKS {
            return;
        }
        log.tasks.push(Fate::default());
        drop(log);
        let closed = self.log().closed();
        match team.execute(self.task(id, team, body)) {
            Ok(()) => {
                check(!closed, "W4 a task was accepted after the quit");
                self.log().tasks[id].accepted = true;
            }
            Err(refused) => {
                check(closed, "W4 a task was refused before a quit");
                let task = refused.into_task();
                self.log().handing_back = true;
                drop(catch_unwind(AssertUnwindSafe(|| drop(task))));
                self.log().handing_back = false;
                let fate = self.log().tasks[id];
                check(fate.handed_back == 1, "W2 another's task was handed back");
            }
        }
    }

    fn task(&self, id: usize, team: &Team, body: Body) -> Task {
        let token = Token {
            id,
            bomb: matches!(body, Body::PanicsWhenDropped),
            shared: Arc::clone(&self.shared),
        };
        let (bench, team) = (self.clone(), team.clone());
        match body {
            Body::Nothing | Body::PanicsWhenDropped => Task::new(move || token.ran()),
            Body::Boxed => {
                let large = [id; 16];
                Task::new(move || {
                    token.ran();
                    check(large == [token.id; 16], "W2 a capture was changed");
                })
            }
            Body::Panics => Task::new(move || {
                token.ran();
                panic_any(Planned);
            }),
            Body::Submits(n) => Task::new(move || {
                token.ran();
                for _ in 0..=n % 3 {
                    bench.execute(&team, Body::Nothing);
                }
            }),
            Body::SubmitsOneThatPanics => Task::new(move || {
                token.ran();
                bench.execute(&team, Body::Panics);
                panic_any(Planned);
            }),
            Body::Grows(n) => Task::new(move || {
                token.ran();
                bench.called(team.grow(usize::from(n % 5)));
            }),
            Body::ShrinksAll => Task::new(move || {
                token.ran();
                bench.called(team.shrink_all());
            }),
            Body::Quits => Task::new(move || {
                token.ran();
                bench.quit(&team);
            }),
            Body::Performs(worker) => Task::new(move || {
                token.ran();
                bench.perform(worker);
            }),
            Body::Coordinates => Task::new(move || {
                token.ran();
                bench.coordinate();
            }),
        }
    }

    fn coordinate(&self) -> bool {
        let performer = self.log().coordinator.clone();
        performer.is_some_and(|it| it.perform().ran())
    }

    /// Something of one of the workers made, if there is one.
    fn made<T>(&self, number: u8, get: impl FnOnce(&mut Made) -> Option<T>) -> Option<T> {
        let mut log = self.log();
        let count = log.workers.len();
        let number = usize::from(number).checked_rem(count)?;
        get(&mut log.workers[number])
    }

    fn perform(&self, worker: u8) -> bool {
        let performer = self.made(worker, |made| made.performer.clone());
        performer.is_some_and(|it| it.perform().ran())
    }

    fn perform_all(&self) -> bool {
        let workers = self
            .log()
            .workers
            .iter()
            .map(|it| it.performer.clone())
            .collect::<Vec<_>>();
        let moved = workers
            .into_iter()
            .flatten()
            .filter(|it| it.perform().ran())
            .count();
        moved > 0
    }

    /// The team's numbers against the account's.
    fn compare(&self, team: &Team) {
        let now = team.statistics();
        adds_up(&now);
        let log = self.log();
        let count = |of: fn(&Fate) -> bool| log.tasks.iter().filter(|it| of(it)).count();
        check(
            now.accepted == count(|it| it.accepted),
            "T2 wrongly accepted",
        );
        check(
            now.abandoned == count(|it| it.abandoned > 0),
            "T2 wrongly abandoned",
        );
        let ran = count(|it| it.ran > 0);
        let alive = log.workers.iter().filter(|it| it.quits == 0).count();
        check(alive <= log.highest_limit, "T1 more workers than the limit");
        if !self.queues {
            // All that happened has been seen.
            check(now.done == ran, "T2 wrongly done");
            check(now.workers() == alive, "T1 wrongly counted workers");
            check(now.in_flight == 0, "T2 wrongly in flight");
        } else {
            check(now.done <= ran, "T2 wrongly done");
            check(now.workers() >= alive, "T1 wrongly counted workers");
        }
    }

    /// Drives everything until nothing moves.
    fn settle(&self, team: &Team) {
        let mut steps = 0;
        loop {
            let coordinated = self.coordinate();
            let performed = self.perform_all();
            self.compare(team);
            if !coordinated && !performed {
                break;
            }
            steps += 1;
            check(steps < ENOUGH, "T9 the end does not come");
        }
        let now = team.statistics();
        check(now.busy + now.in_flight == 0, "T9 something does not move");
        let log = self.log();
        if now.backlogged > 0 {
            check(now.idle == 0, "T3 a worker idles while work waits");
            check(log.quits == 0, "T7 work that can never run was kept");
            let excuse = log.limit == 0 || log.excuse;
            check(excuse, "T9 work waits, and a worker could be had");
        }
    }

    /// Drives everything to its end, and looks at what is left.
    fn end(&self, team: &Team, starve: bool) {
        self.log().asked = 0;
        self.settle(team);
        self.log().factory = Factory::Works;
        self.log().set_limit(usize::from(!starve));
        self.shared.raised(team);
        self.compare(team);
        self.quit(team);
        self.settle(team);
        let now = team.statistics();
        let left = now.workers() + now.backlogged + now.in_flight;
        check(left == 0, "T9 something is left, and nothing moves");
        let log = self.log();
        check(
            log.coordinator_quits == 1,
            "T6 the coordinator was not quit",
        );
        for fate in &log.tasks {
            let ends = (fate.ran + fate.abandoned, fate.handed_back);
            let expected = if fate.accepted { (1, 0) } else { (0, 1) };
            check(ends == expected, "W1 a task has not ended once");
            check(fate.dropped == 1, "T10 a task that ended was not dropped");
        }
    }
}

fn adds_up(now: &Statistics) {
    let places = now.in_flight + now.backlogged + now.busy + now.done + now.abandoned;
    check(now.accepted == places, "T2 the numbers do not add up");
}
