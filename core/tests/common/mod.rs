//! What several test files use: teams stepped by hand, thread bookkeeping, and reports kept for later.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;

use brigade::{
    AlreadyQuit, Body, CreationError, ExclusiveWorker, Handlers, LockWorker, MemoryWorker,
    PanicHandler, Payload, Performer, Pool, Quit, Refused, Statistics, Task, Team, Thread,
    ThreadWorker, Worker, memory_worker,
};

/// Panics without the hook's noise on standard error.
pub(crate) fn fail(message: &'static str) -> ! {
    resume_unwind(Box::new(message))
}

/// Panics with a payload that panics when it is dropped.
pub(crate) fn fail_twice() -> ! {
    struct Payload;
    impl Drop for Payload {
        fn drop(&mut self) {
            fail("the drop of a payload");
        }
    }
    resume_unwind(Box::new(Payload))
}

/// Panics when dropped.
pub(crate) struct FailsWhenDropped;

impl Drop for FailsWhenDropped {
    fn drop(&mut self) {
        fail("the drop of a capture");
    }
}

/// Calls the closure when dropped.
pub(crate) struct OnDrop<F: FnMut()>(pub(crate) F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Counts things, from any thread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn new() -> Self {
        Self::default()
    }
    pub(crate) fn one_more(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
    pub(crate) fn set(&self, n: usize) {
        self.0.store(n, Ordering::SeqCst);
    }
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
    /// A task that counts itself.
    pub(crate) fn task(&self) -> impl FnOnce() + Send + 'static {
        let count = self.clone();
        move || {
            count.one_more();
        }
    }
    /// How many clones there are, this one included.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

/// Notes things in order, from any thread.
#[derive(Debug)]
pub(crate) struct Log<T>(Arc<Mutex<Vec<T>>>);

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Log<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Vec::new())))
    }
    pub(crate) fn note(&self, what: T) {
        self.0.lock().unwrap().push(what);
    }
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
    /// A task that notes something.
    pub(crate) fn task(&self, what: T) -> impl FnOnce() + Send + 'static {
        let log = self.clone();
        move || log.note(what)
    }
}

/// What a panic said.
pub(crate) fn message(payload: &Payload) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.unwrap_or("(not a text)").to_owned()
}

/// A panic handler that keeps what it is told.
pub(crate) fn noting(panics: &Log<String>) -> PanicHandler {
    let panics = panics.clone();
    Arc::new(move |payload| panics.note(message(&payload)))
}

/// Everything that a team told its owner.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    pub(crate) panics: Log<String>,
    pub(crate) failures: Log<Failure>,
    pub(crate) abandoned: Log<Task>,
}

/// A `CreationFailed` that can be compared.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) error: String,
    pub(crate) waiting: usize,
    pub(crate) workers: usize,
}

impl Failure {
    pub(crate) fn new(error: &str, waiting: usize, workers: usize) -> Self {
        let error = error.to_owned();
        Self {
            error,
            waiting,
            workers,
        }
    }
}

impl Reports {
    pub(crate) fn new() -> Self {
        Self {
            panics: Log::new(),
            failures: Log::new(),
            abandoned: Log::new(),
        }
    }

    pub(crate) fn handlers(&self) -> Handlers {
        let Self {
            panics,
            failures,
            abandoned,
        } = self.clone();
        Handlers::new()
            .on_panic(move |payload| panics.note(message(&payload)))
            .on_creation_failed(move |failed| {
                let error = failed.error.to_string();
                failures.note(Failure::new(&error, failed.waiting, failed.workers));
            })
            .on_abandoned(move |task| abandoned.note(task))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.panics.len() + self.failures.len() + self.abandoned.len() == 0
    }
}

/// The performers of the workers that a factory has made, in the order of their making.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crew(Arc<Mutex<Vec<Arc<Performer>>>>);

impl Crew {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A factory that makes memory workers while there are fewer than `limit`.
    pub(crate) fn factory(
        &self,
        limit: impl Fn() -> usize + Send + Sync + 'static,
    ) -> impl Fn(&Statistics) -> Result<Option<MemoryWorker>, CreationError> + Send + Sync + 'static
    {
        let crew = self.clone();
        move |now| Ok((now.workers() < limit()).then(|| crew.hire()))
    }

    /// Makes one memory worker.
    pub(crate) fn hire(&self) -> MemoryWorker {
        let (worker, performer) = memory_worker();
        self.0.lock().unwrap().push(Arc::new(performer));
        worker
    }

    pub(crate) fn made(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn performer(&self, n: usize) -> Arc<Performer> {
        Arc::clone(&self.0.lock().unwrap()[n])
    }

    pub(crate) fn drain(&self) -> usize {
        let mut ran = 0;
        loop {
            let crew = self.0.lock().unwrap().clone();
            let now: usize = crew.iter().map(|performer| performer.drain()).sum();
            if now == 0 {
                return ran;
            }
            ran += now;
        }
    }

    /// Drops all performers.
    pub(crate) fn dismiss(&self) {
        let crew = std::mem::take(&mut *self.0.lock().unwrap());
        drop(crew);
    }
}

/// A team of memory workers, decided at once by a lock worker.
pub(crate) type Stepped = Team<LockWorker, MemoryWorker>;

/// A team of at most `limit` memory workers under a lock worker.
pub(crate) fn stepped(limit: usize) -> (Stepped, Crew, Reports) {
    let (crew, reports) = (Crew::new(), Reports::new());
    let team = Team::new(
        LockWorker::new(),
        crew.factory(move || limit),
        reports.handlers(),
    );
    (team, crew, reports)
}

/// The threads that a start policy has started, so that a test can wait for their very end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl Threads {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn start(&self) -> impl Fn(Body) -> io::Result<Thread> + Send + Sync + 'static {
        let threads = self.clone();
        move |body| {
            let thread = std::thread::Builder::new().spawn(move || body.run())?;
            threads.0.lock().unwrap().push(thread);
            Ok(Thread::detached())
        }
    }

    pub(crate) fn started(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// Waits until all threads started so far have ended, and those that these started.
    pub(crate) fn join_all(&self) {
        loop {
            let threads = std::mem::take(&mut *self.0.lock().unwrap());
            if threads.is_empty() {
                return;
            }
            for thread in threads {
                thread.join().unwrap();
            }
        }
    }
}

/// A pool of at most `limit` threads that can be waited for.
pub(crate) fn joinable(limit: usize) -> (Pool, Threads) {
    let threads = Threads::new();
    (brigade::pool(move || limit, threads.start()), threads)
}

/// A team of at most `limit` thread workers under a coordinator.
pub(crate) fn team_of_threads<C: ExclusiveWorker>(
    coordinator: C,
    limit: usize,
    start: impl Fn(Body) -> io::Result<Thread> + Send + Sync + 'static,
    handlers: Handlers,
) -> Team<C, ThreadWorker> {
    let factory = move |now: &Statistics| {
        if now.workers() >= limit {
            return Ok(None);
        }
        ThreadWorker::new(&start)
            .map(Some)
            .map_err(CreationError::from)
    };
    Team::new(coordinator, factory, handlers)
}

/// Occupies a thread of the pool until the sender is used or dropped.
pub(crate) fn occupy(pool: &impl Worker) -> mpsc::Sender<()> {
    let (started, has_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    pool.execute(Task::new(move || {
        started.send(()).unwrap();
        let _ = may_go_on.recv();
    }))
    .unwrap();
    has_started.recv().unwrap();
    go_on
}

/// A worker of a user's own that runs each task inside `execute`, on the submitting thread.
#[derive(Debug, Default)]
pub(crate) struct Immediate(Quit);

impl Worker for Immediate {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        if self.0.is_set() {
            return Err(Refused::new(task));
        }
        task.run();
        Ok(())
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.set()
    }
}

/// A worker around another that counts the quits it is told.
#[derive(Debug)]
pub(crate) struct Counting<W> {
    pub(crate) worker: W,
    pub(crate) quits: Count,
}

impl<W: Worker> Worker for Counting<W> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.worker.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quits.one_more();
        self.worker.quit()
    }
}

impl<W: ExclusiveWorker> ExclusiveWorker for Counting<W> {
    fn run_now(&self, step: &mut dyn FnMut()) -> brigade::Now {
        self.worker.run_now(step)
    }
}
