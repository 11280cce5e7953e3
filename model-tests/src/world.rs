//! What one execution is judged by.
//!
//! A [`World`] records what happens in one execution, in storage that no engine sees (under loom and
//! shuttle one thread runs at a time; a lock of std's adds no step and no ordering to them). It is
//! held by every task, worker, factory and handler of the execution, so its drop is the moment at
//! which everything has been released, and there the verdict is given. A task that is never run and
//! never dropped, a worker that is never released: the world then lives on, and the engine reports it.
//!
//! A violation is a panic that says which property broke; the explorer's panic hook ends the run at
//! once, so it does not matter whether the panic would have been contained.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brigade::primitives::{UnsafeCell, thread};
use brigade::{AlreadyQuit, ExclusiveWorker, Now, Performed, Refused, Statistics, Task, Worker};

use crate::linear::{Distinct, History, Numbers, Object, Op, Ret, Threads};

/// A panic on purpose, of a task in a scenario: the explorer's hook says nothing about it.
#[derive(Debug)]
pub struct OnPurpose;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static TRACES: Mutex<Option<HashSet<u64>>> = Mutex::new(None);
static HISTORIES: Mutex<Option<Distinct>> = Mutex::new(None);

/// How many worlds have not been dropped: after an execution, what leaked.
#[must_use]
pub fn live() -> usize {
    LIVE.load(Ordering::SeqCst)
}

/// The number of distinct traces recorded so far.
#[must_use]
pub fn distinct_traces() -> usize {
    lock(&TRACES).as_ref().map_or(0, HashSet::len)
}

/// The number of distinct histories of calls and returns that were found to be linearizable.
#[must_use]
pub fn linearized() -> usize {
    lock(&HISTORIES).as_ref().map_or(0, Distinct::len)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One event of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Task accepted.
    Accepted(usize),
    /// Task refused, and back whole.
    Refused(usize),
    /// Task started, on the numbered worker or thread.
    Started(usize),
    /// Task ended.
    Ended(usize),
    /// Task given to the owner as abandoned.
    Abandoned(usize),
    /// A user's quit won or lost.
    Quit(bool),
    /// Worker made.
    Made(usize),
    /// A worker was told to quit.
    WorkerQuit(usize),
    /// The coordinator was told to quit.
    CoordinatorQuit,
    /// The factory failed.
    CreationFailed,
    /// The handler was told of a panic.
    PanicReported,
    /// Anything else a scenario tells.
    Told(usize, usize),
}

#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    accepted: bool,
    refused: bool,
    started: usize,
    ended: usize,
    abandoned: usize,
    dropped: bool,
}

#[derive(Default)]
struct Record {
    events: Vec<Event>,
    /// Calls and returns, by which the answers are judged apart from all else.
    history: History,
    threads: Threads<thread::ThreadId>,
    tasks: Vec<Fate>,
    panics: usize,
    panics_reported: usize,
    quits_won: usize,
    /// A quit has returned: what is submitted later must be refused.
    quit_returned: bool,
    workers: Vec<usize>,
    coordinator_quits: usize,
    /// Threads inside the coordinator's exclusion.
    coordinating: Vec<thread::ThreadId>,
    performer_dropped: bool,
    performer_ended: bool,
    expects_quit: bool,
}

/// What one execution is judged by; see the module.
pub struct World {
    record: Mutex<Record>,
    /// What the history is about, by number.
    objects: Vec<Object>,
    on_drop: Box<dyn Fn() + Send + Sync>,
}

/// What a scenario runs in: makes tasks, and takes in what becomes of them.
pub type Shared = Arc<World>;

impl World {
    /// A new world, whose calls are to these objects; `on_drop` is told when it ends, after its verdict.
    #[must_use]
    pub fn new(objects: Vec<Object>, on_drop: impl Fn() + Send + Sync + 'static) -> Shared {
        LIVE.fetch_add(1, Ordering::SeqCst);
        Arc::new(Self {
            record: Mutex::default(),
            objects,
            on_drop: Box::new(on_drop),
        })
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Changes the history, on behalf of this thread.
    fn history<R>(&self, change: impl FnOnce(&mut History, usize) -> R) -> R {
        let me = thread::current().id();
        let mut record = self.record();
        let thread = record.threads.number(me);
        change(&mut record.history, thread)
    }

    fn call(&self, object: usize, op: Op) {
        self.history(|history, thread| history.call_on(object, thread, op));
    }

    fn returned(&self, ret: Ret) {
        self.history(|history, thread| history.returned(thread, ret));
    }

    /// Makes a request of the object under test.
    pub fn request(
        &self,
        op: Op,
        ask: impl FnOnce() -> Result<(), AlreadyQuit>,
    ) -> Result<(), AlreadyQuit> {
        self.call(0, op);
        let answer = ask();
        self.returned(answer.map_or(Ret::AlreadyQuit, |()| Ret::Ok));
        answer
    }

    /// Performs at the worker under test.
    pub fn perform(&self, perform: impl FnOnce() -> Performed) -> Performed {
        self.call(0, Op::Perform);
        let performed = perform();
        self.history(|history, thread| {
            let ret = match performed {
                Performed::Ran => Ret::Ran(history.ran(thread).expect("W1 a perform ran no task")),
                Performed::Nothing => Ret::Nothing,
                Performed::Ended => Ret::Ended,
                Performed::Busy => Ret::Busy,
            };
            history.returned(thread, ret);
        });
        performed
    }

    /// Reads the flag under test.
    pub fn is_set(&self, read: impl FnOnce() -> bool) -> bool {
        self.call(0, Op::IsSet);
        let set = read();
        self.returned(Ret::Set(set));
        set
    }

    /// Drops the performer of the worker under test.
    pub fn drop_performer<T>(&self, performer: T) {
        self.call(0, Op::DropPerformer);
        drop(performer);
        self.returned(Ret::Done);
    }

    /// Reads the numbers of the team under test.
    pub fn statistics(&self, ask: impl FnOnce() -> Statistics) -> Statistics {
        self.call(0, Op::Statistics);
        let now = ask();
        self.returned(Ret::Numbers(Numbers {
            idle: now.idle,
            busy: now.busy,
            backlogged: now.backlogged,
            in_flight: now.in_flight,
            accepted: now.accepted,
            done: now.done,
            abandoned: now.abandoned,
        }));
        now
    }

    /// Clones a user's handle of the object under test.
    pub fn clone_handle<T: Clone>(&self, handle: &T) -> T {
        let clone = handle.clone();
        self.history(|history, thread| history.told(thread, Op::Clone));
        clone
    }

    /// Drops a user's handle of the object under test.
    pub fn drop_handle<T>(&self, handle: T) {
        self.call(0, Op::DropHandle);
        drop(handle);
        self.returned(Ret::Done);
    }

    /// Records something that only the trace needs to tell apart.
    pub fn tell(&self, what: usize, value: usize) {
        self.record().events.push(Event::Told(what, value));
    }

    /// The scenario drops a performer: tasks queued at it may be dropped unrun (W1).
    pub fn performer_dropped(&self) {
        self.record().performer_dropped = true;
    }

    /// The performer of the worker under test has said that no task will come.
    pub fn performer_ended(&self) {
        self.record().performer_ended = true;
    }

    /// Submits a new task by `execute`, and judges the answer.
    pub fn submit(self: &Arc<Self>, execute: impl FnOnce(Task) -> Result<(), Refused>) -> bool {
        self.submit_task(execute, |_| {})
    }

    /// Submits a task that panics.
    pub fn submit_panicking(
        self: &Arc<Self>,
        execute: impl FnOnce(Task) -> Result<(), Refused>,
    ) -> bool {
        self.submit_nesting_panic(execute, |_| {})
    }

    /// Submits a task that does `body`, and then panics.
    pub fn submit_nesting_panic(
        self: &Arc<Self>,
        execute: impl FnOnce(Task) -> Result<(), Refused>,
        body: impl FnOnce(&Shared) + Send + 'static,
    ) -> bool {
        self.submit_task(execute, |world| {
            body(world);
            world.record().panics += 1;
            std::panic::panic_any(OnPurpose);
        })
    }

    /// Submits a task with a body of its own.
    pub fn submit_task(
        self: &Arc<Self>,
        execute: impl FnOnce(Task) -> Result<(), Refused>,
        body: impl FnOnce(&Shared) + Send + 'static,
    ) -> bool {
        self.submit_to(0, execute, body)
    }

    /// Submits a task to one of several objects.
    pub fn submit_to(
        self: &Arc<Self>,
        object: usize,
        execute: impl FnOnce(Task) -> Result<(), Refused>,
        body: impl FnOnce(&Shared) + Send + 'static,
    ) -> bool {
        let (id, quit_returned) = {
            let mut record = self.record();
            record.tasks.push(Fate::default());
            (record.tasks.len() - 1, record.quit_returned)
        };
        let probe = Probe {
            world: Arc::clone(self),
            id,
            object,
            payload: Payload(UnsafeCell::new(0)),
        };
        // W5: what the caller does before `execute` is visible in the task. The cell is one that
        // loom watches: without an edge from here to the task, it reports a race.
        probe.payload.set(id + 1);
        let task = Task::new(move || probe.run(body));
        self.call(object, Op::Execute(id));
        let answer = execute(task);
        self.returned(answer.as_ref().map_or(Ret::Refused, |()| Ret::Ok));
        match answer {
            Ok(()) => {
                assert!(
                    !quit_returned,
                    "W4 task {id} was accepted after a quit had returned"
                );
                let mut record = self.record();
                record.tasks[id].accepted = true;
                record.events.push(Event::Accepted(id));
                true
            }
            Err(refused) => {
                let mut record = self.record();
                record.tasks[id].refused = true;
                record.events.push(Event::Refused(id));
                let fate = record.tasks[id];
                drop(record);
                assert_eq!(fate.started, 0, "W2 task {id} was refused and run");
                assert!(
                    !fate.dropped,
                    "W2 task {id} was refused and not handed back"
                );
                drop(refused.into_task());
                assert!(
                    self.record().tasks[id].dropped,
                    "W2 another task was handed back"
                );
                false
            }
        }
    }

    /// Quits the object under test, as a user, and judges the answer.
    pub fn quit(&self, quit: impl FnOnce() -> Result<(), AlreadyQuit>) {
        let answer = self.request(Op::Quit, quit);
        let mut record = self.record();
        record.quit_returned = true;
        record.quits_won += usize::from(answer.is_ok());
        record.events.push(Event::Quit(answer.is_ok()));
        let won = record.quits_won;
        drop(record);
        assert!(won <= 1, "W3 two quits won");
    }

    /// Whether a user's quit has won.
    #[must_use]
    pub fn has_quit(&self) -> bool {
        self.record().quits_won > 0
    }

    /// The factory made a worker; its number.
    pub fn made(&self) -> usize {
        let mut record = self.record();
        record.workers.push(0);
        let id = record.workers.len() - 1;
        record.events.push(Event::Made(id));
        id
    }

    /// A pool's thread has done all that it had to do.
    pub fn worker_ended(&self, worker: usize) {
        let mut record = self.record();
        record.workers[worker] += 1;
        record.events.push(Event::WorkerQuit(worker));
    }

    /// The factory failed.
    pub fn creation_failed(&self) {
        self.record().events.push(Event::CreationFailed);
    }

    /// The panic handler was called.
    pub fn panic_reported(&self) {
        let mut record = self.record();
        record.panics_reported += 1;
        record.events.push(Event::PanicReported);
    }

    /// The owner was handed a task that can never run.
    pub fn abandoned(&self, task: Task) {
        // Its probe, dropped while the record says so, takes it as the task's one end.
        ABANDONING.with(|flag| flag.set(true));
        drop(task);
        ABANDONING.with(|flag| flag.set(false));
    }

    /// Whether the calling thread is inside the coordinator's exclusion.
    fn is_coordinating(&self) -> bool {
        let me = thread::current().id();
        self.record().coordinating.contains(&me)
    }

    fn verdict(record: &Record) {
        for (id, fate) in record.tasks.iter().enumerate() {
            let ends = fate.ended + fate.abandoned;
            assert!(fate.started <= 1, "W1 task {id} ran twice");
            if fate.accepted {
                let dropped = record.performer_dropped && ends == 0 && fate.dropped;
                assert!(
                    ends == 1 || dropped,
                    "W1 accepted task {id} was lost: {fate:?}"
                );
            } else {
                assert!(
                    fate.refused,
                    "W1 the call that submitted task {id} did not return"
                );
                assert_eq!(ends, 0, "W2 task {id} was refused and ended: {fate:?}");
            }
        }
        assert_eq!(
            record.panics, record.panics_reported,
            "W8 panics and reports of them"
        );
        for (worker, quits) in record.workers.iter().enumerate() {
            assert_eq!(*quits, 1, "T6 quits of worker {worker}");
        }
        if record.expects_quit {
            assert_eq!(record.coordinator_quits, 1, "T6 quits of the coordinator");
        }
    }
}

std::thread_local! {
    static ABANDONING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl Drop for World {
    fn drop(&mut self) {
        let record = self.record();
        Self::verdict(&record);
        let mut hasher = DefaultHasher::new();
        record.events.hash(&mut hasher);
        lock(&TRACES)
            .get_or_insert_default()
            .insert(hasher.finish());
        let mut history = record.history.clone();
        drop(record);
        history.finish();
        let mut histories = lock(&HISTORIES);
        let answer = histories
            .get_or_insert_default()
            .check(&history, &self.objects);
        drop(histories);
        if let Err(error) = answer {
            panic!("{error}");
        }
        LIVE.fetch_sub(1, Ordering::SeqCst);
        (self.on_drop)();
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.record().events).finish()
    }
}

/// A cell written by the submitter and read by the task.
pub(crate) struct Payload(UnsafeCell<usize>);

impl Default for Payload {
    fn default() -> Self {
        Self(UnsafeCell::new(0))
    }
}

// SAFETY: the protocol under test hands it from the submitter to the one thread that runs the task;
// if it does not, loom reports the race, which is what the cell is for.
unsafe impl Send for Payload {}
// SAFETY: as above.
unsafe impl Sync for Payload {}

impl Payload {
    pub(crate) fn set(&self, value: usize) {
        // SAFETY: as above.
        self.0.with_mut(|cell| unsafe { *cell = value });
    }

    pub(crate) fn get(&self) -> usize {
        // SAFETY: as above.
        self.0.with(|cell| unsafe { *cell })
    }
}

/// Rides in a task, and records its fate.
struct Probe {
    world: Shared,
    id: usize,
    object: usize,
    payload: Payload,
}

impl Probe {
    fn run(self, body: impl FnOnce(&Shared)) {
        self.world.call(self.object, Op::Run(self.id));
        assert_eq!(
            self.payload.get(),
            self.id + 1,
            "W5 task {} saw stale data",
            self.id
        );
        assert!(
            !self.world.is_coordinating(),
            "W9 task {} was run inside the coordinator's exclusion",
            self.id
        );
        {
            let mut record = self.world.record();
            let ended = record.performer_ended;
            assert!(
                !ended,
                "M2 task {} came after the performer had said the end",
                self.id
            );
            record.tasks[self.id].started += 1;
            record.events.push(Event::Started(self.id));
        }
        /// Records the end of the task also when its body panics.
        struct End<'a>(&'a Probe);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                let mut record = self.0.world.record();
                record.tasks[self.0.id].ended += 1;
                record.events.push(Event::Ended(self.0.id));
                drop(record);
                self.0.world.returned(Ret::Done);
            }
        }
        let _end = End(&self);
        body(&self.world);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let mut record = self.world.record();
        let abandoning = ABANDONING.with(std::cell::Cell::get);
        let fate = &mut record.tasks[self.id];
        fate.dropped = true;
        if abandoning && fate.started == 0 {
            fate.abandoned += 1;
            record.events.push(Event::Abandoned(self.id));
            let thread = record.threads.number(thread::current().id());
            record.history.told(thread, Op::Abandoned(self.id));
        }
    }
}

/// Work that must not overlap: each piece enters, sees what the one before it did, and leaves.
pub struct Exclusive {
    inside: AtomicUsize,
    cell: Payload,
    /// Taken only to give the engines a point inside at which another could overlap.
    point: brigade::primitives::Mutex<()>,
}

impl Exclusive {
    /// Nothing is inside.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            inside: AtomicUsize::new(0),
            cell: Payload(UnsafeCell::new(0)),
            point: brigade::primitives::Mutex::new(()),
        })
    }

    /// W6: fails if another is inside; loom also reports it if no edge leads here from the last.
    pub fn pass(&self) {
        self.hold(|| drop(self.point.lock()));
    }

    /// [`Exclusive::pass`], doing something while inside, at which another could overlap.
    pub fn hold<R>(&self, act: impl FnOnce() -> R) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst);
        assert_eq!(inside, 0, "W6 two tasks of an exclusive worker overlap");
        self.cell.set(self.cell.get() + 1);
        act();
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Exclusive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exclusive").finish_non_exhaustive()
    }
}

/// A worker of a team, watched: its quits are counted.
pub struct Watched<W> {
    inner: W,
    world: Shared,
    id: usize,
}

impl<W> Watched<W> {
    /// Watches `inner` as a new worker of the world.
    pub fn new(world: &Shared, inner: W) -> Self {
        let id = world.made();
        Self {
            inner,
            world: Arc::clone(world),
            id,
        }
    }
}

impl<W: Worker> Worker for Watched<W> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.inner.execute(task)
    }

    fn quit(&self) -> Result<(), AlreadyQuit> {
        // First the quit, then the record: the release of the lock under which it was decided is no
        // step to loom, so what is recorded before the next step is never seen apart from it.
        let answer = self.inner.quit();
        let mut record = self.world.record();
        record.workers[self.id] += 1;
        record.events.push(Event::WorkerQuit(self.id));
        let late = record.coordinator_quits > 0;
        drop(record);
        assert!(!late, "T6 a worker was quit after the coordinator");
        answer
    }
}

/// A team's coordinator, watched: its quits are counted, and which thread is inside its exclusion.
pub struct WatchedCoordinator<C> {
    inner: C,
    world: Shared,
}

impl<C> WatchedCoordinator<C> {
    /// Watches `inner` as the coordinator of the world's team.
    pub fn new(world: &Shared, inner: C) -> Self {
        world.record().expects_quit = true;
        Self {
            inner,
            world: Arc::clone(world),
        }
    }
}

fn inside<R>(world: &World, step: impl FnOnce() -> R) -> R {
    let me = thread::current().id();
    world.record().coordinating.push(me);
    let result = step();
    let mut record = world.record();
    if let Some(at) = record.coordinating.iter().rposition(|id| *id == me) {
        record.coordinating.remove(at);
    }
    result
}

impl<C: ExclusiveWorker> Worker for WatchedCoordinator<C> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        // The task stands in a slot, so that a refusal hands back the very task given.
        let slot = Arc::new(Mutex::new(Some(task)));
        let (world, taken) = (Arc::clone(&self.world), Arc::clone(&slot));
        let answer = self.inner.execute(Task::new(move || {
            if let Some(task) = lock(&taken).take() {
                inside(&world, || task.run());
            }
        }));
        answer.map_err(|wrapped| match lock(&slot).take() {
            Some(task) => Refused::new(task),
            None => wrapped,
        })
    }

    fn quit(&self) -> Result<(), AlreadyQuit> {
        {
            let mut record = self.world.record();
            record.coordinator_quits += 1;
            record.events.push(Event::CoordinatorQuit);
        }
        assert!(
            !self.world.is_coordinating(),
            "W9 the coordinator was quit inside its own step"
        );
        self.inner.quit()
    }
}

impl<C: ExclusiveWorker> ExclusiveWorker for WatchedCoordinator<C> {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        self.inner.run_now(&mut || inside(&self.world, &mut *step))
    }
}

impl<W> std::fmt::Debug for Watched<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Watched").field(&self.id).finish()
    }
}

impl<C> std::fmt::Debug for WatchedCoordinator<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WatchedCoordinator").finish_non_exhaustive()
    }
}
