//! The thread pool and what it is composed of: handles, scopes, sizes that are kept, a bounded line, and
//! how it ends.
//!
//! Nothing here is judged for linearizability; what a handle yields, where a closure's captures are by
//! then, and that all is released is asserted where it happens, and the crew's trace is judged by the
//! model.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use brigade::primitives::{self, Condvar, thread};
use brigade::{
    Builder, CallbackHandle, JoinHandle, TaskError, Thread, ThreadPool, WhenFull, blocking,
};

use super::bench::Leaving;
use super::{Bounds, Scenario, Subject};
use crate::engine::set_up;
use crate::world::{Exclusive, OnPurpose, Shared};

/// Long enough never to be over by itself; under an engine, whether it is over is a choice.
const A_WHILE: Duration = Duration::from_secs(3600);

/// What became of one task.
#[derive(Default)]
struct Fate {
    ran: AtomicUsize,
    captures_gone: AtomicUsize,
    values_gone: AtomicUsize,
}

impl Fate {
    fn has_run(&self) -> bool {
        self.ran.load(SeqCst) > 0
    }

    /// Nothing of it is left, and it ran once, or not at all.
    fn check_over(&self) {
        let ran = self.ran.load(SeqCst);
        assert!(ran <= 1, "W1 a task ran {ran} times");
        assert_eq!(self.captures_gone.load(SeqCst), 1, "T10 captures are left");
        assert_eq!(self.values_gone.load(SeqCst), ran, "P2 a value is left");
    }

    /// The same of a task that was accepted before its pool was found idle.
    fn check_over_when_idle(&self) {
        let over = self.has_run() && self.captures_gone.load(SeqCst) > 0;
        assert!(over, "T9 it was idle before its task was over");
        self.check_over();
    }
}

/// What a task captures. It keeps the world, so that one which is never dropped is seen.
struct Captures {
    _world: Shared,
    fate: Arc<Fate>,
}

impl Drop for Captures {
    fn drop(&mut self) {
        self.fate.captures_gone.fetch_add(1, SeqCst);
    }
}

/// What it gives.
struct Value {
    _world: Shared,
    fate: Arc<Fate>,
}

impl Drop for Value {
    fn drop(&mut self) {
        self.fate.values_gone.fetch_add(1, SeqCst);
    }
}

/// A pool under test, and what its tasks touch.
struct Stage {
    world: Shared,
    pool: ThreadPool,
    fates: Mutex<Vec<Arc<Fate>>>,
    panics: Arc<AtomicUsize>,
    /// Its threads that have not come to their very end, counted apart from the pool's own numbers.
    alive: Arc<AtomicUsize>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stage {
    /// A pool of these sizes, which has not started.
    fn new(world: &Shared, min: usize, max: usize, more: impl FnOnce(Builder) -> Builder) -> Self {
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
    fn started(
        world: &Shared,
        min: usize,
        max: usize,
        more: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let stage = Self::new(world, min, max, more);
        set_up(|| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
        stage
    }

    fn work(&self) -> (Arc<Fate>, impl FnOnce() -> Value + Send + use<>) {
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

    fn spawn(&self) -> (Arc<Fate>, JoinHandle<Value>) {
        let (fate, task) = self.work();
        let handle = self.pool.spawn(task);
        (
            fate,
            handle.unwrap_or_else(|refused| panic!("W4 {refused}")),
        )
    }

    /// A task without a handle; not taken once the pool is closed.
    fn execute(&self) {
        let (fate, task) = self.work();
        let taken = self.pool.execute(move || drop(task()));
        self.world.tell(0, usize::from(taken.is_ok()));
        drop(taken);
        drop(fate);
    }

    fn quit(&self) {
        // Another may have.
        self.world.tell(1, usize::from(self.pool.quit().is_ok()));
    }

    /// Joins, and judges what the handle yields.
    fn join(&self, fate: &Fate, handle: JoinHandle<Value>) {
        let end = handle.join();
        self.judge(fate, &end);
    }

    fn judge(&self, fate: &Fate, end: &Result<Value, TaskError>) {
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

    fn settle(&self) {
        self.quit();
    }

    /// Shuts it down: no thread is left then, by the pool's numbers and by ours.
    fn shut_down(&self) {
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
struct Flag {
    told: primitives::Mutex<bool>,
    changed: Condvar,
}

impl Flag {
    fn tell(&self) {
        *self.told.lock() = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
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

// Handles.

/// The one thread may begin the task while its handle cancels it.
fn cancel(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    let won = handle.cancel();
    assert!(!(won && fate.has_run()), "W1 a cancelled task ran");
    let end = handle.join();
    stage.judge(&fate, &end);
    let cancelled = matches!(end, Err(TaskError::Cancelled));
    assert_eq!(won, cancelled, "P2 a cancel says what did not happen");
    drop(end);
    fate.check_over();
    stage.settle();
}

fn join(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    stage.join(&fate, handle);
    fate.check_over();
    stage.settle();
}

/// What the submitter did is seen by the task, and what the task did by the joiner.
fn visible(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let exclusive = Exclusive::new();
    exclusive.pass();
    let inside = Arc::clone(&exclusive);
    let handle = stage.pool.spawn(move || inside.pass());
    let end = handle.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P2 it ran");
    exclusive.pass();
    stage.settle();
}

/// The handle is dropped while the task may end: the value goes once.
fn detach(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    drop(handle);
    assert!(
        stage.pool.wait_idle().is_ok(),
        "P4 it is not its own thread"
    );
    fate.check_over();
    stage.settle();
}

/// The same of a panic: it is told once, by whoever finds it last.
fn detach_panic(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let held = Arc::clone(world);
    let handle = stage.pool.spawn(move || {
        let _held = held;
        std::panic::panic_any(OnPurpose);
    });
    drop(handle);
    assert!(
        stage.pool.wait_idle().is_ok(),
        "P4 it is not its own thread"
    );
    let told = stage.panics.load(SeqCst);
    assert_eq!(told, 1, "W8 a panic was told {told} times");
    stage.settle();
}

/// A join gives up, and is made again.
fn timeout(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    match handle.join_timeout(A_WHILE) {
        Ok(end) => stage.judge(&fate, &end),
        Err(handle) => stage.join(&fate, handle),
    }
    fate.check_over();
    stage.settle();
}

/// The handle is polled; its waker is called once there is an outcome.
fn future(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, mut handle) = stage.spawn();
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&flag));
    let mut poll = || Pin::new(&mut handle).poll(&mut Context::from_waker(&waker));
    let end = match poll() {
        Poll::Ready(end) => end,
        Poll::Pending => {
            flag.wait();
            let Poll::Ready(end) = poll() else {
                panic!("T9 a waker was called before there was an outcome");
            };
            end
        }
    };
    stage.judge(&fate, &end);
    drop(end);
    fate.check_over();
    stage.settle();
}

type Held = (Stage, Mutex<Option<JoinHandle<Value>>>, Arc<Fate>);

/// A task that waits, as no thread was started, and its handle.
fn held(stage: Stage) -> Arc<Leaving<Held>> {
    let (fate, handle) = stage.spawn();
    Leaving::new(
        (stage, Mutex::new(Some(handle)), fate),
        |(stage, handle, fate): &Held| {
            let handle = lock(handle).take();
            if let Some(handle) = handle {
                stage.join(fate, handle);
            }
            fate.check_over();
            stage.settle();
        },
    )
}

fn take((_, handle, _): &Held) -> Option<JoinHandle<Value>> {
    lock(handle).take()
}

/// A pool that never started is cancelled at and aborted: the task goes to one of them.
fn cancel_abort(world: &Shared) {
    let stage = held(Stage::new(world, 0, 1, |it| it));
    stage.spawn(|(stage, ..)| drop(stage.pool.abort()));
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            let (stage, _, fate) = all;
            let won = handle.cancel();
            stage.world.tell(3, usize::from(won));
            stage.join(fate, handle);
        }
    });
}

/// Two cancel what waits: one of them has.
fn cancel_cancel(world: &Shared) {
    type Twice = (Stage, JoinHandle<Value>, Arc<Fate>, AtomicUsize);
    let cancel = |(_, handle, _, won): &Twice| {
        won.fetch_add(usize::from(handle.cancel()), SeqCst);
    };
    let stage = Stage::new(world, 0, 1, |it| it);
    let (fate, handle) = stage.spawn();
    let stage = Leaving::new(
        (stage, handle, fate, AtomicUsize::new(0)),
        |(stage, handle, fate, won): &Twice| {
            assert_eq!(won.load(SeqCst), 1, "P2 cancels that won");
            assert!(handle.is_finished(), "P2 it was cancelled");
            assert!(!fate.has_run(), "W1 a cancelled task ran");
            fate.check_over();
            let now = stage.pool.statistics().now;
            assert_eq!(now.cancelled, 1, "T2 {now}");
            stage.settle();
        },
    );
    stage.spawn(cancel);
    stage.act(cancel);
}

/// What waits is cancelled while the pool quits: nothing is left that would keep it from ending.
fn cancel_quit(world: &Shared) {
    let stage = held(Stage::new(world, 0, 1, |it| it));
    stage.spawn(|(stage, ..)| {
        stage.quit();
        let end = stage.pool.shutdown();
        assert!(end.is_ok(), "P4 the pool did not end");
    });
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            let (stage, _, fate) = all;
            stage.world.tell(3, usize::from(handle.cancel()));
            stage.join(fate, handle);
        }
    });
}

/// The pool starts while its one task is cancelled.
fn cancel_start(world: &Shared) {
    let stage = held(Stage::new(world, 0, 1, |it| it));
    stage.spawn(|(stage, ..)| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            let (stage, _, fate) = all;
            let won = handle.cancel();
            assert!(!(won && fate.has_run()), "W1 a cancelled task ran");
            stage.join(fate, handle);
        }
    });
}

/// A task of the pool's only thread joins another: it runs it in place.
fn in_place(world: &Shared) {
    wedge(world, 1);
}

/// The same, while a second thread may fetch it.
fn in_place_or_fetched(world: &Shared) {
    wedge(world, 2);
}

fn wedge(world: &Shared, threads: usize) {
    let stage = Arc::new(Stage::started(world, threads, threads, |it| it));
    let inner = Arc::clone(&stage);
    let outer = stage.pool.spawn(move || {
        let (fate, handle) = inner.spawn();
        inner.join(&fate, handle);
        fate.check_over();
    });
    let end = outer.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 it joined");
    stage.settle();
}

/// A task joins one of another pool, and counts as blocking in its own.
fn two_pools(world: &Shared) {
    let one = Stage::started(world, 1, 1, |it| it.blocking_cap(0));
    let other = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&other);
    let outer = one.pool.spawn(move || {
        let (fate, handle) = inner.spawn();
        inner.join(&fate, handle);
    });
    let end = outer.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 it joined");
    one.settle();
    other.settle();
}

// Callbacks.

/// What a callback was told.
#[derive(Default)]
struct Told {
    calls: AtomicUsize,
    values: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Told {
    fn call(&self, end: &Result<Value, TaskError>) {
        self.calls.fetch_add(1, SeqCst);
        let kind = match end {
            Ok(_) => &self.values,
            Err(TaskError::Cancelled) => &self.cancelled,
            Err(_) => return,
        };
        kind.fetch_add(1, SeqCst);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(SeqCst) > 0
    }

    /// It was called once, with what happened.
    fn check_over(&self, fate: &Fate) {
        let calls = self.calls.load(SeqCst);
        assert_eq!(calls, 1, "P2 calls of a callback");
        let told = self.values.load(SeqCst) > 0;
        assert_eq!(told, fate.has_run(), "P2 a callback got another end");
        fate.check_over();
    }
}

fn spawn_with_callback(stage: &Stage) -> (Arc<Fate>, Arc<Told>, CallbackHandle) {
    let (fate, task) = stage.work();
    let told = Arc::new(Told::default());
    let tell = Arc::clone(&told);
    let handle = stage
        .pool
        .spawn_with_callback(task, move |end| tell.call(&end));
    let handle = handle.unwrap_or_else(|refused| panic!("W4 {refused}"));
    (fate, told, handle)
}

/// The one thread may begin the task while it is cancelled; who cancels it calls the callback.
fn callback_cancel(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, told, handle) = spawn_with_callback(&stage);
    let won = handle.cancel();
    assert!(!(won && fate.has_run()), "W1 a cancelled task ran");
    assert_eq!(won, told.is_cancelled(), "P2 a cancel and its callback");
    stage.shut_down();
    told.check_over(&fate);
}

/// It is cancelled, and the pool aborted: the callback is called by one of them.
fn callback_cancel_abort(world: &Shared) {
    type Called = (Stage, CallbackHandle, Arc<Fate>, Arc<Told>);
    let stage = Stage::new(world, 0, 1, |it| it);
    let (fate, told, handle) = spawn_with_callback(&stage);
    let stage = Leaving::new(
        (stage, handle, fate, told),
        |(stage, _, fate, told): &Called| {
            told.check_over(fate);
            stage.settle();
        },
    );
    stage.spawn(|(stage, ..): &Called| drop(stage.pool.abort()));
    stage.act(|(_, handle, _, told): &Called| {
        let won = handle.cancel();
        assert_eq!(won, told.is_cancelled(), "P2 a cancel and its callback");
    });
}

// Scopes.

/// Two tasks borrow; when the scope is over, what they borrowed is free, and what they did is seen.
fn scope(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (one, two) = (Exclusive::new(), Exclusive::new());
    stage.pool.scope(|scope| {
        scope.spawn(|| one.pass());
        scope.spawn(|| two.pass());
    });
    one.pass();
    two.pass();
    stage.settle();
}

/// A task of a scope spawns another, which the scope waits for as well.
fn scope_nested(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (one, two) = (Exclusive::new(), Exclusive::new());
    stage.pool.scope(|scope| {
        let (one, two) = (&one, &two);
        scope.spawn(move || {
            one.pass();
            scope.spawn(move || two.pass());
        });
    });
    one.pass();
    two.pass();
    stage.settle();
}

/// A task of the pool's only thread has a scope: what nobody else can run, it runs itself.
fn scope_inside(world: &Shared) {
    let stage = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&stage);
    let outer = stage.pool.spawn(move || {
        let one = Exclusive::new();
        inner.pool.scope(|scope| {
            scope.spawn(|| one.pass());
        });
        one.pass();
    });
    let end = outer.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 the scope ended");
    stage.settle();
}

/// The handle of a task is leaked: the scope waits all the same.
fn scope_leaked(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let one = Exclusive::new();
    stage
        .pool
        .scope(|scope| std::mem::forget(scope.spawn(|| one.pass())));
    one.pass();
    stage.settle();
}

/// The pool is aborted meanwhile: the task runs, or is dropped where it is; never after the scope.
fn scope_abort(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), Stage::settle);
    stage.spawn(|stage: &Stage| {
        let tasks = stage.pool.abort();
        assert!(tasks.is_empty(), "W1 a task of a scope left as a task");
    });
    stage.act(|stage: &Stage| {
        let one = Exclusive::new();
        let end = stage.pool.scope(|scope| scope.spawn(|| one.pass()).join());
        let ran = end.is_ok();
        assert!(ran || matches!(end, Err(TaskError::Closed)), "P2 {end:?}");
        one.pass();
    });
}

// Sizes.

/// A thread above the least may leave while a task comes for it.
fn idle_execute(world: &Shared) {
    let stage = Stage::started(world, 0, 1, |it| it.idle_timeout(A_WHILE));
    set_up(|| assert!(stage.pool.grow(1).is_ok(), "P1 it has not quit"));
    let (fate, handle) = stage.spawn();
    stage.join(&fate, handle);
    stage.settle();
}

/// The same, while the pool quits, or shrinks.
fn idle_quit(world: &Shared) {
    let stage = Stage::started(world, 0, 1, |it| it.idle_timeout(A_WHILE));
    set_up(|| assert!(stage.pool.grow(1).is_ok(), "P1 it has not quit"));
    assert!(stage.pool.shrink(1).is_ok(), "P1 it has not quit");
    stage.settle();
}

/// A thread of the least stays, however long it rests.
fn idle_least(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.idle_timeout(A_WHILE));
    let (fate, handle) = stage.spawn();
    stage.join(&fate, handle);
    let now = stage.pool.statistics();
    assert_eq!(now.now.idle, 1, "P1 a thread of the least left: {now}");
    stage.settle();
}

fn resize_execute(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 2, |it| it), Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| assert!(stage.pool.resize(0, 1).is_ok(), "P1 it has not quit"));
}

fn resize_quit(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), Stage::settle);
    stage.spawn(Stage::quit);
    stage.act(|stage: &Stage| {
        stage
            .world
            .tell(4, usize::from(stage.pool.resize(2, 2).is_ok()));
    });
}

fn resize_resize(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), |stage: &Stage| {
        let now = stage.pool.statistics();
        let (least, most) = now.sizes;
        let staying = now.now.idle + now.now.busy;
        assert!(least <= staying && staying <= most, "P1 {now}");
        stage.settle();
    });
    stage.spawn(|stage: &Stage| assert!(stage.pool.resize(2, 2).is_ok(), "P1 it has not quit"));
    stage.act(|stage: &Stage| assert!(stage.pool.resize(0, 1).is_ok(), "P1 it has not quit"));
}

fn resize_shrink(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 2, |it| it), Stage::settle);
    stage.spawn(|stage: &Stage| assert!(stage.pool.shrink(2).is_ok(), "P1 it has not quit"));
    stage.act(|stage: &Stage| assert!(stage.pool.resize(2, 2).is_ok(), "P1 it has not quit"));
}

fn start_execute(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), |stage: &Stage| {
        let now = stage.pool.statistics().now;
        assert_eq!(now.backlogged, 0, "T3 work waits below the most: {now}");
        stage.settle();
    });
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
}

/// A pool starts while it is shut down: what waits is run, or given back.
fn start_shutdown(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), Stage::settle);
    stage.bench().execute();
    stage.spawn(|stage: &Stage| {
        stage.world.tell(4, usize::from(stage.pool.start().is_ok()));
    });
    stage.act(|stage: &Stage| {
        let end = stage.pool.shutdown();
        let given_back = end.map(|tasks| tasks.len());
        let ran = lock(&stage.fates).iter().filter(|it| it.has_run()).count();
        assert_eq!(given_back, Ok(1 - ran), "W1 a task is lost");
    });
}

/// A pool starts while it is aborted.
fn start_abort(world: &Shared) {
    let stage = Leaving::new(Stage::new(world, 0, 1, |it| it), Stage::settle);
    stage.bench().execute();
    stage.spawn(|stage: &Stage| {
        stage.world.tell(4, usize::from(stage.pool.start().is_ok()));
    });
    stage.act(|stage: &Stage| {
        let given_back = stage.pool.abort().len();
        assert!(
            stage.pool.abort().is_empty(),
            "W1 a task was given back twice"
        );
        let end = stage.pool.shutdown().map(|tasks| tasks.len());
        assert_eq!(end, Ok(0), "P4 the pool did not end");
        let ran = lock(&stage.fates).iter().filter(|it| it.has_run()).count();
        assert_eq!(given_back + ran, 1, "W1 a task is lost");
    });
}

// Blocking.

/// The guide's wedge: on a pool of one thread, a task waits for the one queued behind it.
fn blocked(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.blocking_cap(1));
    let flag = Arc::new(Flag::default());
    let (waits, tells) = (Arc::clone(&flag), flag);
    let (held, held_too) = (Arc::clone(world), Arc::clone(world));
    let waits = stage.pool.spawn(move || {
        let _held = held;
        blocking(|| waits.wait());
    });
    let told = stage.pool.execute(move || {
        let _held = held_too;
        tells.tell();
    });
    assert!(told.is_ok(), "W4 it has not quit");
    let end = waits.map(JoinHandle::join);
    assert!(matches!(end, Ok(Ok(()))), "P3 it waited");
    let now = stage.pool.statistics();
    assert!(
        now.now.idle + now.now.busy <= 1,
        "P1 a thread too many stays: {now}"
    );
    stage.settle();
}

/// The same, while the pool quits.
fn blocked_quit(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.blocking_cap(1));
    let flag = Arc::new(Flag::default());
    let (waits, tells) = (Arc::clone(&flag), flag);
    let (held, held_too) = (Arc::clone(world), Arc::clone(world));
    let waits = stage.pool.execute(move || {
        let _held = held;
        blocking(|| waits.wait());
    });
    let told = stage.pool.execute(move || {
        let _held = held_too;
        tells.tell();
    });
    assert!(waits.is_ok() && told.is_ok(), "W4 it has not quit");
    let end = stage.pool.shutdown();
    assert!(end.is_ok(), "P4 the pool did not end");
}

// A bounded line.

/// A line of one is full; a caller waits for room.
fn full(world: &Shared, last: fn(&Stage)) -> Arc<Leaving<Stage>> {
    let stage = Stage::new(world, 0, 1, |it| it.bound(1, WhenFull::Wait));
    stage.execute();
    Leaving::new(stage, last)
}

fn full_quit(world: &Shared) {
    let stage = full(world, Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(Stage::quit);
}

/// The same, where no room comes before the caller that waits for it is turned away.
fn full_quit_held(world: &Shared) {
    type Held = (Stage, Arc<Flag>);
    let stage = Stage::started(world, 1, 1, |it| it.bound(1, WhenFull::Wait));
    let flag = Arc::new(Flag::default());
    let (waits, held) = (Arc::clone(&flag), Arc::clone(world));
    let first = stage.pool.execute(move || {
        let _held = held;
        waits.wait();
    });
    assert!(first.is_ok(), "W4 it has not quit");
    stage.execute();
    let stage = Leaving::new((stage, flag), |(stage, _): &Held| stage.settle());
    stage.spawn(|(stage, flag): &Held| {
        stage.execute();
        flag.tell();
    });
    stage.act(|(stage, _): &Held| stage.quit());
}

fn full_abort(world: &Shared) {
    let stage = full(world, Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| drop(stage.pool.abort()));
}

/// Room comes as a thread fetches the task that waits.
fn full_start(world: &Shared) {
    let stage = full(world, Stage::settle);
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| assert!(stage.pool.start().is_ok(), "P1 it has not quit"));
}

/// Room comes as a task ends, and the thread has the next by the short way of a flood.
fn full_end(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it.bound(1, WhenFull::Wait));
    for _ in 0..3 {
        stage.execute();
    }
    stage.settle();
}

/// Room comes as the task that waits is cancelled.
fn full_cancel(world: &Shared) {
    let stage = Stage::new(world, 0, 1, |it| it.bound(1, WhenFull::Wait));
    let stage = held(stage);
    stage.spawn(|(stage, ..): &Held| stage.execute());
    stage.act(|all: &Held| {
        if let Some(handle) = take(all) {
            assert!(handle.cancel(), "P2 a task that waits was not cancelled");
        }
    });
}

// Ends.

fn wait_idle(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    stage.execute();
    assert!(
        stage.pool.wait_idle().is_ok(),
        "P4 it is not its own thread"
    );
    lock(&stage.fates)
        .iter()
        .for_each(|fate| fate.check_over_when_idle());
    stage.settle();
}

/// The same, while another submits: what was accepted before is over.
fn wait_idle_execute(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), Stage::settle);
    let (fate, task) = stage.bench().work();
    let taken = stage.bench().pool.execute(move || drop(task()));
    assert!(taken.is_ok(), "W4 it has not quit");
    stage.spawn(Stage::execute);
    stage.act(|stage: &Stage| {
        let end = stage.pool.wait_idle();
        assert!(end.is_ok(), "P4 it is not its own thread");
        fate.check_over_when_idle();
    });
}

/// Two shut it down: for both, no thread is left when they have.
fn shutdown_shutdown(world: &Shared) {
    let stage = Leaving::new(Stage::started(world, 1, 1, |it| it), Stage::settle);
    stage.spawn(Stage::shut_down);
    stage.act(Stage::shut_down);
}

/// Of two threads, whichever leaves first is joined by the other, and that one by whoever shuts it down.
fn shutdown_two_threads(world: &Shared) {
    let stage = Stage::started(world, 2, 2, |it| it);
    stage.shut_down();
}

/// A thread may leave for idleness while the pool is shut down.
fn shutdown_idle(world: &Shared) {
    let stage = Stage::started(world, 0, 1, |it| it.idle_timeout(A_WHILE));
    set_up(|| assert!(stage.pool.grow(1).is_ok(), "P1 it has not quit"));
    stage.shut_down();
}

/// A task shuts its own pool down: it is told, and the pool ends.
fn shutdown_inside(world: &Shared) {
    let stage = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&stage);
    let task = stage.pool.spawn(move || inner.pool.shutdown().is_err());
    let end = task.map(JoinHandle::join);
    assert!(
        matches!(end, Ok(Ok(true))),
        "P4 a shutdown inside of the pool waited"
    );
    let end = stage.pool.shutdown();
    assert!(end.is_ok(), "P4 the pool did not end");
}

/// It is shut down while its task runs and spawns another, which is refused or run.
fn shutdown_task(world: &Shared) {
    let stage = Arc::new(Stage::started(world, 1, 1, |it| it));
    let inner = Arc::clone(&stage);
    let task = stage.pool.execute(move || inner.execute());
    assert!(task.is_ok(), "W4 it has not quit");
    stage.shut_down();
    lock(&stage.fates).iter().for_each(|fate| {
        assert_eq!(fate.captures_gone.load(SeqCst), 1, "W1 a task is left");
    });
}

/// The last handle is dropped while a task runs, or waits.
fn dropped(world: &Shared) {
    let stage = Stage::started(world, 1, 1, |it| it);
    let (fate, handle) = stage.spawn();
    drop(stage);
    let end = handle.join();
    assert!(end.is_ok(), "P6 a task was lost with the last handle");
    drop(end);
    fate.check_over();
}

type Body = fn(&Shared);

/// Why a scenario of these is bounded: unbounded, those that end take 2 to 40 seconds.
const THREADS: &str =
    "a pool's thread begins, looks, rests and is joined meanwhile: unbounded takes minutes";

fn scenario(
    subject: Subject,
    what: &str,
    properties: &[&'static str],
    preemptions: Option<usize>,
    body: Body,
) -> Scenario {
    Scenario {
        name: format!("{}/{what}", subject.name()),
        subject,
        properties: properties.to_vec(),
        bounds: Bounds {
            preemptions: preemptions.map(|bound| (bound, THREADS)),
            // The time-outs are among these.
            spurious: true,
            exhaustive: false,
            quick: preemptions.is_none(),
        },
        in_order: false,
        body: Box::new(body),
    }
}

pub(super) fn all() -> Vec<Scenario> {
    use Subject::{Handle, Scope, ThreadPool};
    let s = scenario;
    vec![
        s(
            Handle,
            "cancel",
            &["P2", "W1", "T2", "T10"],
            Some(4),
            cancel,
        ),
        s(Handle, "join", &["P2", "T2", "T9", "T10"], Some(4), join),
        s(Handle, "visible", &["W5"], Some(4), visible),
        s(Handle, "detach", &["P2", "W1", "T10"], Some(4), detach),
        s(Handle, "detach-panic", &["W8"], Some(4), detach_panic),
        s(Handle, "timeout", &["P2", "T9"], Some(4), timeout),
        s(Handle, "future", &["P2", "T9"], Some(4), future),
        s(Handle, "cancel-abort", &["P2", "W1"], None, cancel_abort),
        s(
            Handle,
            "cancel-quit",
            &["P2", "T6", "T9"],
            None,
            cancel_quit,
        ),
        s(Handle, "cancel-start", &["P2", "W1"], Some(4), cancel_start),
        s(
            Handle,
            "cancel-twice",
            &["P2", "W1", "T2"],
            None,
            cancel_cancel,
        ),
        s(
            Handle,
            "callback-cancel",
            &["P2", "W1"],
            Some(4),
            callback_cancel,
        ),
        s(
            Handle,
            "callback-cancel-abort",
            &["P2", "W1"],
            None,
            callback_cancel_abort,
        ),
        s(Handle, "in-place", &["P3", "W1", "T2"], Some(4), in_place),
        s(
            Handle,
            "in-place-or-fetched",
            &["P3", "W1", "T2"],
            Some(2),
            in_place_or_fetched,
        ),
        s(Handle, "two-pools", &["P3"], Some(2), two_pools),
        s(Scope, "ends", &["P3", "W5", "T9"], Some(3), scope),
        s(Scope, "nested", &["P3", "W5"], Some(3), scope_nested),
        s(Scope, "inside", &["P3", "W5"], Some(4), scope_inside),
        s(Scope, "leaked", &["W5"], Some(4), scope_leaked),
        s(Scope, "abort", &["W1", "P2"], None, scope_abort),
        s(
            ThreadPool,
            "idle-execute",
            &["P1", "T9"],
            Some(4),
            idle_execute,
        ),
        s(ThreadPool, "idle-least", &["P1"], Some(4), idle_least),
        s(ThreadPool, "idle-quit", &["P1", "T6"], None, idle_quit),
        s(
            ThreadPool,
            "resize-execute",
            &["P1", "T1"],
            Some(4),
            resize_execute,
        ),
        s(
            ThreadPool,
            "resize-quit",
            &["P1", "T6"],
            Some(3),
            resize_quit,
        ),
        s(ThreadPool, "resize-resize", &["P1"], Some(3), resize_resize),
        s(
            ThreadPool,
            "resize-shrink",
            &["P1", "T5"],
            Some(3),
            resize_shrink,
        ),
        s(
            ThreadPool,
            "start-execute",
            &["P1", "T3"],
            Some(4),
            start_execute,
        ),
        s(
            ThreadPool,
            "start-shutdown",
            &["W1", "P4"],
            Some(4),
            start_shutdown,
        ),
        s(
            ThreadPool,
            "start-abort",
            &["W1", "P4"],
            Some(4),
            start_abort,
        ),
        s(ThreadPool, "blocked", &["P3", "P1", "T1"], Some(2), blocked),
        s(
            ThreadPool,
            "blocked-quit",
            &["P3", "P4"],
            Some(3),
            blocked_quit,
        ),
        s(ThreadPool, "full-quit", &["T9", "W4"], None, full_quit),
        s(
            ThreadPool,
            "full-quit-held",
            &["T9", "W4"],
            Some(3),
            full_quit_held,
        ),
        s(ThreadPool, "full-abort", &["T9", "W1"], None, full_abort),
        s(ThreadPool, "full-start", &["T9", "P1"], Some(3), full_start),
        s(ThreadPool, "full-end", &["T9", "P1"], Some(4), full_end),
        s(ThreadPool, "full-cancel", &["T9", "P1"], None, full_cancel),
        s(ThreadPool, "wait-idle", &["T9"], None, wait_idle),
        s(
            ThreadPool,
            "wait-idle-execute",
            &["T9"],
            Some(3),
            wait_idle_execute,
        ),
        s(
            ThreadPool,
            "shutdown-two-threads",
            &["P4", "P5"],
            Some(4),
            shutdown_two_threads,
        ),
        s(
            ThreadPool,
            "shutdown-idle",
            &["P1", "P5"],
            None,
            shutdown_idle,
        ),
        s(
            ThreadPool,
            "shutdown-twice",
            &["P4", "P5"],
            Some(2),
            shutdown_shutdown,
        ),
        s(
            ThreadPool,
            "shutdown-task",
            &["P5", "W1"],
            None,
            shutdown_task,
        ),
        s(
            ThreadPool,
            "shutdown-inside",
            &["P4"],
            Some(2),
            shutdown_inside,
        ),
        s(ThreadPool, "dropped", &["P6", "H3"], None, dropped),
    ]
}
