//! A pool under test, and what becomes of its tasks.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Wake;
use std::time::Duration;

use brigade::primitives::{Condvar, thread};
use brigade::{Builder, JoinHandle, TaskError, Thread, ThreadPool, primitives};

use crate::engine::set_up;
use crate::world::Shared;

/// Long enough never to be over by itself; under an engine, whether it is over is a choice.
pub(super) const A_WHILE: Duration = Duration::from_secs(3600);

/// What became of one task.
#[derive(Default)]
pub(super) struct Fate {
    pub(super) ran: AtomicUsize,
    pub(super) captures_gone: AtomicUsize,
    pub(super) values_gone: AtomicUsize,
}

impl Fate {
    pub(super) fn has_run(&self) -> bool {
        self.ran.load(SeqCst) > 0
    }

    /// Nothing of it is left, and it ran once, or not at all.
    pub(super) fn check_over(&self) {
        let ran = self.ran.load(SeqCst);
        assert!(ran <= 1, "W1 a task ran {ran} times");
        assert_eq!(self.captures_gone.load(SeqCst), 1, "T10 captures are left");
        assert_eq!(self.values_gone.load(SeqCst), ran, "P2 a value is left");
    }

    /// The same of a task that was accepted before its pool was found idle.
    pub(super) fn check_over_when_idle(&self) {
        let over = self.has_run() && self.captures_gone.load(SeqCst) > 0;
        assert!(over, "T9 it was idle before its task was over");
        self.check_over();
    }
}

/// What a task captures. It keeps the world, so that one which is never dropped is seen.
pub(super) struct Captures {
    pub(super) _world: Shared,
    pub(super) fate: Arc<Fate>,
}

impl Drop for Captures {
    fn drop(&mut self) {
        self.fate.captures_gone.fetch_add(1, SeqCst);
    }
}

/// What it gives.
pub(super) struct Value {
    pub(super) _world: Shared,
    pub(super) fate: Arc<Fate>,
}

impl Drop for Value {
    fn drop(&mut self) {
        self.fate.values_gone.fetch_add(1, SeqCst);
    }
}

/// A pool under test, and what its tasks touch.
pub(super) struct Stage {
    pub(super) world: Shared,
    pub(super) pool: ThreadPool,
    pub(super) fates: Mutex<Vec<Arc<Fate>>>,
    pub(super) panics: Arc<AtomicUsize>,
    /// Its threads that have not come to their very end, counted apart from the pool's own numbers.
    pub(super) alive: Arc<AtomicUsize>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    /// A pool of these sizes, which has not started.
    pub(super) fn new(
        world: &Shared,
        min: usize,
        max: usize,
        more: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let panics = Arc::new(AtomicUsize::new(0));
        let told = Arc::clone(&panics);
        let held = Arc::clone(world);
        let alive = Arc::new(AtomicUsize::new(0));
        let living = Arc::clone(&alive);
        let builder = ThreadPool::builder()
            .sizes(min, max)
            .start_with(move |_, body| {
                let (held, living) = (Arc::clone(&held), Arc::clone(&living));
                living.fetch_add(1, SeqCst);
                thread::spawn("worker", move || {
                    body.run();
                    living.fetch_sub(1, SeqCst);
                    drop(held);
                })
                .map(Thread::from)
            })
            .on_panic(move |_| {
                told.fetch_add(1, SeqCst);
            })
            .on_abandoned(drop);
        let pool = more(builder).build();
        Self {
            world: Arc::clone(world),
            pool: pool.unwrap_or_else(|error| panic!("P1 {error}")),
            fates: Mutex::default(),
            panics,
            alive,
        }
    }

    /// The same, started; its least threads rest.
    pub(super) fn started(
        world: &Shared,
        min: usize,
        max: usize,
        more: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let stage = Self::new(world, min, max, more);
        set_up(|| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
        stage
    }

    pub(super) fn work(&self) -> (Arc<Fate>, impl FnOnce() -> Value + Send + use<>) {
        let fate = Arc::new(Fate::default());
        lock(&self.fates).push(Arc::clone(&fate));
        let captures = Captures {
            _world: Arc::clone(&self.world),
            fate: Arc::clone(&fate),
        };
        let task = move || {
            let fate = Arc::clone(&captures.fate);
            let before = fate.ran.fetch_add(1, SeqCst);
            assert_eq!(before, 0, "W1 a task ran twice");
            Value {
                _world: Arc::clone(&captures._world),
                fate,
            }
        };
        (fate, task)
    }

    pub(super) fn spawn(&self) -> (Arc<Fate>, JoinHandle<Value>) {
        let (fate, task) = self.work();
        let handle = self.pool.spawn(task);
        (
            fate,
            handle.unwrap_or_else(|refused| panic!("W4 {refused}")),
        )
    }

    /// A task without a handle; not taken once the pool is closed.
    pub(super) fn execute(&self) {
        let (fate, task) = self.work();
        let taken = self.pool.execute(move || drop(task()));
        self.world.tell(0, usize::from(taken.is_ok()));
        drop(taken);
        drop(fate);
    }

    pub(super) fn quit(&self) {
        // Another may have.
        self.world.tell(1, usize::from(self.pool.quit().is_ok()));
    }

    /// Joins, and judges what the handle yields.
    pub(super) fn join(&self, fate: &Fate, handle: JoinHandle<Value>) {
        let end = handle.join();
        self.judge(fate, &end);
    }

    pub(super) fn judge(&self, fate: &Fate, end: &Result<Value, TaskError>) {
        let gone = fate.captures_gone.load(SeqCst);
        assert_eq!(gone, 1, "T10 there was an outcome before the captures went");
        let ran = end.is_ok();
        assert_eq!(
            ran,
            fate.has_run(),
            "P2 a handle yields what did not happen"
        );
        let now = self.pool.statistics().now;
        let counted = now.done + now.cancelled + now.returned + now.abandoned;
        assert!(counted > 0, "T2 an outcome was there before it was counted");
        self.world.tell(
            2,
            match end {
                Ok(_) => 0,
                Err(TaskError::Cancelled) => 1,
                Err(TaskError::Closed) => 2,
                Err(TaskError::OwnTask) => 3,
                Err(TaskError::Panicked(_)) => 4,
            },
        );
    }

    pub(super) fn settle(&self) {
        self.quit();
    }

    /// Shuts it down: no thread is left then, by the pool's numbers and by ours.
    pub(super) fn shut_down(&self) {
        let end = self.pool.shutdown();
        assert!(end.is_ok(), "P4 the pool did not end");
        let alive = self.alive.load(SeqCst);
        assert_eq!(alive, 0, "P5 threads are alive");
        let now = self.pool.statistics();
        assert_eq!(now.made, now.gone, "P5 a thread is left");
        assert_eq!(now.now.workers(), 0, "P5 a thread is left");
    }
}

/// Waits until it is told, in a way that a pool cannot see.
#[derive(Default)]
pub(in crate::scenario) struct Flag {
    pub(super) told: primitives::Mutex<bool>,
    pub(super) changed: Condvar,
}

impl Flag {
    pub(in crate::scenario) fn tell(&self) {
        *self.told.lock() = true;
        self.changed.notify_all();
    }

    pub(in crate::scenario) fn wait(&self) {
        let mut told = self.told.lock();
        while !*told {
            told = self.changed.wait(told);
        }
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.tell();
    }
}
