//! One face for all pools. Rows are generic over it, so that no contender pays for another box.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::clock::PATIENCE;
use crate::latch::Latch;
use crate::pin::Place;

/// What a contender is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Ours,
    /// Our own `pool`, where it is not what is measured but what we start from.
    Pool,
    /// Whoever is best of these in a row is who we are compared with.
    Peer,
    /// Compared with apart: its threads are for blocking, and its tasks have handles.
    Tokio,
    /// What the machine can do: no pool at all.
    Raw,
    /// Measured by itself, by a program of another kind: shown, and not compared.
    Beside,
}

/// Called by each worker when it starts.
pub type Hook = Arc<dyn Fn() + Send + Sync>;

#[must_use]
pub fn no_hook() -> Hook {
    Arc::new(|| ())
}

pub trait Contender: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    const KIND: Kind = Kind::Peer;
    /// Of exactly so many threads, once that many tasks have been there at a time.
    fn new(threads: usize, on_start: &Hook) -> Self;
    fn submit(&self, task: impl FnOnce() + Send + 'static);
    /// Ends the threads, and waits for that if it can. Nothing may be running.
    fn close(self) {
        drop(self);
    }
}

/// Evaluates an expression for each contender, named as a type.
#[macro_export]
macro_rules! each {
    ($contender:ident => $value:expr) => {{
        use $crate::contenders;
        let mut values = Vec::new();
        $crate::each!(@ values, $contender, $value,
            Brigade Crossbeam Mpsc RustyPool ThreadPool Rayon Tokio);
        values
    }};
    (@ $values:ident, $contender:ident, $value:expr, $($name:ident)*) => {
        $({
            type $contender = contenders::$name;
            $values.extend($value);
        })*
    };
}

pub(crate) fn spawn(on_start: &Hook, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let on_start = Arc::clone(on_start);
    thread::spawn(move || {
        on_start();
        body();
    })
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("no worker panics");
    }
}

type Threads = Arc<Mutex<Vec<JoinHandle<()>>>>;
type Boxed = Box<dyn FnOnce() + Send>;

pub struct Brigade {
    pub pool: brigade::Pool,
    threads: Threads,
}

impl Brigade {
    /// Joins the threads of a pool that was quit, or that shrank.
    pub fn join(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        join(threads.drain(..));
    }
}

impl Contender for Brigade {
    const NAME: &'static str = "brigade";
    const KIND: Kind = Kind::Ours;

    fn new(limit: usize, on_start: &Hook) -> Self {
        let threads = Threads::default();
        let (started, on_start) = (Arc::clone(&threads), Arc::clone(on_start));
        let pool = brigade::pool(
            move || limit,
            move |body| {
                let thread = spawn(&on_start, move || body.run());
                started
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(thread);
                Ok(brigade::Thread::detached())
            },
        );
        Self { pool, threads }
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.pool.execute(task).expect("it has not been quit");
    }

    fn close(self) {
        self.pool.quit().expect("it has not been quit");
        self.join();
    }
}

/// The thread pool that users hold: results, sizes, an end.
pub struct BrigadeThreads(pub brigade::ThreadPool);

impl BrigadeThreads {
    /// Of so many threads, and with whatever else the builder was told.
    #[must_use]
    pub fn build(builder: brigade::Builder, threads: usize, on_start: &Hook) -> Self {
        let on_start = Arc::clone(on_start);
        let builder = builder.sizes(threads, threads);
        let pool = builder.on_thread_start(move |_| on_start()).build();
        let pool = pool.expect("there is such a pool");
        pool.start().expect("it has not been quit");
        Self(pool)
    }
}

impl Contender for BrigadeThreads {
    const NAME: &'static str = Brigade::NAME;
    const KIND: Kind = Kind::Ours;

    fn new(threads: usize, on_start: &Hook) -> Self {
        Self::build(brigade::ThreadPool::builder(), threads, on_start)
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.0.execute(task).expect("it has not been quit");
    }

    fn close(self) {
        self.0.shutdown().expect("this is no thread of the pool");
    }
}

/// A channel and threads that run what comes: no pool at all, for nothing contains a panic.
pub struct Crossbeam {
    tasks: crossbeam_channel::Sender<Boxed>,
    threads: Vec<JoinHandle<()>>,
}

impl Contender for Crossbeam {
    const NAME: &'static str = "crossbeam";

    fn new(threads: usize, on_start: &Hook) -> Self {
        let (tasks, queue) = crossbeam_channel::unbounded::<Boxed>();
        let thread = |_| {
            let queue = queue.clone();
            spawn(on_start, move || queue.into_iter().for_each(|task| task()))
        };
        let threads = (0..threads).map(thread).collect();
        Self { tasks, threads }
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.tasks.send(Box::new(task)).expect("the threads live");
    }

    fn close(self) {
        drop(self.tasks);
        join(self.threads);
    }
}

/// The same with std's channel and a mutex.
pub struct Mpsc {
    tasks: mpsc::Sender<Boxed>,
    threads: Vec<JoinHandle<()>>,
}

impl Contender for Mpsc {
    const NAME: &'static str = "mpsc";

    fn new(threads: usize, on_start: &Hook) -> Self {
        let (tasks, queue) = mpsc::channel::<Boxed>();
        let queue = Arc::new(Mutex::new(queue));
        let thread = |_| {
            let queue = Arc::clone(&queue);
            spawn(on_start, move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(task) = next else { return };
                    task();
                }
            })
        };
        let threads = (0..threads).map(thread).collect();
        Self { tasks, threads }
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.tasks.send(Box::new(task)).expect("the threads live");
    }

    fn close(self) {
        drop(self.tasks);
        join(self.threads);
    }
}

pub struct RustyPool(pub rusty_pool::ThreadPool);

impl Contender for RustyPool {
    const NAME: &'static str = "rusty_pool";

    fn new(threads: usize, on_start: &Hook) -> Self {
        let on_start = Arc::clone(on_start);
        let pool = rusty_pool::Builder::new()
            .core_size(threads)
            .max_size(threads)
            .on_worker_start(move || on_start())
            .build();
        Self(pool)
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.0.execute(task);
    }

    fn close(self) {
        self.0.shutdown_join();
    }
}

/// It has no hook: a worker is bound by its first task.
pub struct ThreadPool(pub threadpool::ThreadPool);

impl Contender for ThreadPool {
    const NAME: &'static str = "threadpool";

    fn new(threads: usize, _: &Hook) -> Self {
        Self(threadpool::ThreadPool::new(threads))
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.0.execute(task);
    }
}

pub struct Rayon(rayon_core::ThreadPool);

impl Contender for Rayon {
    const NAME: &'static str = "rayon-core";

    fn new(threads: usize, on_start: &Hook) -> Self {
        let on_start = Arc::clone(on_start);
        let pool = rayon_core::ThreadPoolBuilder::new()
            .num_threads(threads)
            .start_handler(move |_| on_start())
            .build();
        Self(pool.expect("threads can be had"))
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        self.0.spawn(task);
    }
}

/// The threads for blocking tasks; the runtime itself has nothing to do.
pub struct Tokio(pub tokio::runtime::Runtime);

impl Contender for Tokio {
    const NAME: &'static str = "tokio";
    const KIND: Kind = Kind::Tokio;

    fn new(threads: usize, on_start: &Hook) -> Self {
        let on_start = Arc::clone(on_start);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_keep_alive(Duration::from_secs(3600))
            .on_thread_start(move || on_start())
            .build();
        Self(runtime.expect("a runtime can be had"))
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        drop(self.0.spawn_blocking(task));
    }

    fn close(self) {
        self.0.shutdown_timeout(PATIENCE);
    }
}

/// Has each of so many workers do this once, at the same time, and waits for them.
pub fn at_once<C: Contender>(pool: &C, workers: usize, act: impl Fn() + Send + Sync + 'static) {
    let shared = Arc::new((AtomicUsize::new(0), Latch::new(workers), act));
    for _ in 0..workers {
        let shared = Arc::clone(&shared);
        pool.submit(move || {
            let (here, done, act) = &*shared;
            // ORDERING: Relaxed; the latch orders what is done here.
            here.fetch_add(1, Ordering::Relaxed);
            let deadline = Instant::now() + PATIENCE;
            while here.load(Ordering::Relaxed) < workers {
                assert!(Instant::now() < deadline, "the pool has too few threads");
                thread::yield_now();
            }
            act();
            done.count_down();
        });
    }
    shared.1.wait();
}

/// A pool whose threads all live and are where they belong.
pub struct Ready<C> {
    pub pool: C,
    workers: usize,
    place: Arc<Place>,
}

impl<C: Contender> Ready<C> {
    #[must_use]
    pub fn new(workers: usize, place: Place) -> Self {
        Self::made(workers, place, |hook| C::new(workers, hook))
    }

    /// The same, of a pool that is made in this way.
    #[must_use]
    pub fn made(workers: usize, place: Place, make: impl FnOnce(&Hook) -> C) -> Self {
        let place = Arc::new(place);
        let taken = Arc::clone(&place);
        let hook: Hook = Arc::new(move || taken.take());
        let pool = make(&hook);
        at_once(&pool, workers, move || hook());
        Self {
            pool,
            workers,
            place,
        }
    }

    /// Keeps it until the process ends, so that its tasks can refer to it for nothing. Its threads
    /// sleep.
    #[must_use]
    pub fn leak(self) -> &'static Self {
        Box::leak(Box::new(self))
    }

    /// Makes sure of it, and then lets everything come to rest, other pools' threads too.
    ///
    /// # Panics
    /// If a thread is not where it belongs, or is not there.
    pub fn settle(&self) {
        let place = Arc::clone(&self.place);
        at_once(&self.pool, self.workers, move || {
            assert!(place.is_taken(), "a worker is on the wrong core");
        });
        settle();
    }
}

/// Lets whatever is lingering go to sleep.
pub fn settle() {
    thread::sleep(Duration::from_millis(2));
}
