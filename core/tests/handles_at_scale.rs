//! Many spawned tasks, joined from four threads while the pool is given other sizes all the time: some
//! panic, some are cancelled before they begin, while they may begin, and after they have ended.
//!
//! 20,000 tasks; `BRIGADE_SCALE` sets another number. One test, because the allocator counts for the whole
//! process.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

#[allow(dead_code, reason = "the other half is used by another file")]
#[path = "common/allocator.rs"]
mod allocator;

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use brigade::{JoinHandle, TaskError, ThreadPool};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

const JOINERS: usize = 4;
/// The most threads that the pool ever has.
const MOST: usize = 4;

/// What is done with a task, one in a hundred for each but the last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Panics,
    /// Cancelled while all threads are held, so that this wins.
    CancelledBefore,
    /// Cancelled once it has ended, so that this loses.
    CancelledAfter,
    /// Cancelled while it may begin.
    CancelledMeanwhile,
    Polled,
    Joined,
}

impl Fate {
    fn of(n: usize) -> Self {
        match n % 100 {
            0 => Self::Panics,
            1 => Self::CancelledBefore,
            2 => Self::CancelledAfter,
            3 => Self::CancelledMeanwhile,
            4 => Self::Polled,
            _ => Self::Joined,
        }
    }
}

/// How many handles gave what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    values: usize,
    panics: usize,
    cancelled: usize,
    cancels_won: usize,
    cancels_lost: usize,
}

impl Seen {
    fn add(&mut self, it: Self) {
        self.values += it.values;
        self.panics += it.panics;
        self.cancelled += it.cancelled;
        self.cancels_won += it.cancels_won;
        self.cancels_lost += it.cancels_lost;
    }

    fn cancel<T>(&mut self, handle: &JoinHandle<T>) -> bool {
        let won = handle.cancel();
        self.cancels_won += usize::from(won);
        self.cancels_lost += usize::from(!won);
        won
    }

    fn resolve(&mut self, n: usize, handle: JoinHandle<usize>) {
        let fate = Fate::of(n);
        let mut won = fate == Fate::CancelledBefore;
        match fate {
            Fate::CancelledMeanwhile => won = self.cancel(&handle),
            Fate::CancelledAfter => {
                while !handle.is_finished() {
                    std::thread::yield_now();
                }
                assert!(!self.cancel(&handle), "task {n} had ended");
            }
            _ => {}
        }
        let end = match fate {
            Fate::Polled => handle.join_timeout(Duration::MAX).unwrap(),
            _ => handle.join(),
        };
        match end {
            Ok(value) => {
                assert!(value == n && fate != Fate::Panics && !won, "task {n}");
                self.values += 1;
            }
            Err(TaskError::Panicked(payload)) => {
                assert!(fate == Fate::Panics, "task {n}");
                assert_eq!(payload.downcast_ref(), Some(&n));
                self.panics += 1;
            }
            Err(TaskError::Cancelled) => {
                assert!(won, "task {n} was cancelled by nobody");
                self.cancelled += 1;
            }
            Err(error) => panic!("task {n}: {error}"),
        }
    }
}

/// Says, when its thread has ended, that it has.
struct AtTheEnd(Arc<AtomicUsize>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

thread_local! {
    static AT_THE_END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

/// Holds all threads that the pool may have, until what it gives is dropped. It is resized meanwhile: a thread
/// that is held stays, and for those gates that wait there is one as soon as there may be as many.
fn hold_all(pool: &ThreadPool) -> Vec<mpsc::Sender<()>> {
    let (started, has_started) = mpsc::channel();
    let gates = (0..MOST).map(|_| {
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let started = started.clone();
        pool.execute(move || {
            started.send(()).unwrap();
            let _ = may_go_on.recv();
        })
        .unwrap();
        go_on
    });
    let gates = gates.collect();
    for _ in 0..MOST {
        has_started.recv().unwrap();
    }
    gates
}

/// Gives the pool one after the other of the sizes that it may have.
fn resize(pool: &ThreadPool, n: usize) {
    let most = 1 + n % MOST;
    pool.resize(n % 3 % (most + 1), most).unwrap();
}

/// Spawns, cancels, joins. What was seen, how often the pool was resized, and how many threads it made.
fn run(tasks: usize, batch: usize) -> (Seen, usize, usize) {
    let (ran, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let end = Arc::clone(&ended);
    let pool = ThreadPool::builder()
        .sizes(1, MOST)
        .on_thread_start(move |_| {
            AT_THE_END.set(Some(AtTheEnd(Arc::clone(&end))));
        })
        .build()
        .unwrap();
    pool.start().unwrap();

    let done = Arc::new(AtomicBool::new(false));
    let resizer = std::thread::spawn({
        let (pool, done) = (pool.clone(), Arc::clone(&done));
        move || {
            let mut resized = 0;
            while !done.load(SeqCst) {
                resize(&pool, resized);
                resized += 1;
                std::thread::yield_now();
            }
            resized
        }
    });
    let joiners: Vec<_> = (0..JOINERS)
        .map(|_| {
            let (send, receive) = mpsc::channel::<(usize, JoinHandle<usize>)>();
            let joiner = std::thread::spawn(move || {
                let mut seen = Seen::default();
                for (n, handle) in receive {
                    seen.resolve(n, handle);
                }
                seen
            });
            (send, joiner)
        })
        .collect();

    let (mut seen, mut resized, mut gates) = (Seen::default(), 0, 0);
    let spawn = |n: usize| {
        let ran = Arc::clone(&ran);
        let task = move || {
            ran.fetch_add(1, SeqCst);
            if Fate::of(n) == Fate::Panics {
                std::panic::resume_unwind(Box::new(n));
            }
            n
        };
        pool.spawn(task).unwrap()
    };
    let join = |n: usize, handle| joiners[n % JOINERS].0.send((n, handle)).unwrap();
    let is_early = |n: &usize| Fate::of(*n) == Fate::CancelledBefore;
    for first in (0..tasks).step_by(batch) {
        let batch = || first..tasks.min(first + batch);
        let held = hold_all(&pool);
        gates += held.len();
        for n in batch().filter(is_early) {
            let handle = spawn(n);
            assert!(seen.cancel(&handle), "task {n} had not begun");
            join(n, handle);
        }
        drop(held);
        for n in batch().filter(|n| !is_early(n)) {
            if n % 32 == 0 {
                resize(&pool, n / 32);
                resized += 1;
            }
            join(n, spawn(n));
        }
    }
    for (send, joiner) in joiners {
        drop(send);
        seen.add(joiner.join().unwrap());
    }
    done.store(true, SeqCst);
    resized += resizer.join().unwrap();
    assert!(pool.shutdown().unwrap().is_empty());

    let numbers = pool.statistics();
    let now = numbers.now;
    assert_eq!(now.accepted, tasks + gates);
    assert_eq!(
        (now.done, now.cancelled),
        (tasks + gates - seen.cancelled, seen.cancelled)
    );
    assert_eq!(
        (now.backlogged, now.in_flight, now.busy, now.in_place),
        (0, 0, 0, 0)
    );
    assert_eq!((now.returned, now.abandoned, now.workers()), (0, 0, 0));
    assert_eq!(ran.load(SeqCst), tasks - seen.cancelled);
    assert_eq!(
        (numbers.made, numbers.made),
        (numbers.gone, ended.load(SeqCst))
    );
    assert!(numbers.most_threads <= MOST, "{numbers}");
    assert_eq!(seen.values + seen.panics + seen.cancelled, tasks);
    assert_eq!(seen.panics, tasks / 100);
    assert_eq!(seen.cancels_won, seen.cancelled);
    assert_eq!(seen.cancels_won + seen.cancels_lost, tasks * 3 / 100);
    assert!(seen.cancels_won >= tasks / 100, "those before");
    assert!(seen.cancels_lost >= tasks / 100, "those after");
    (seen, resized, numbers.made)
}

/// Until what this thread keeps for itself is there, and the harness's main thread, which allocates as
/// well, has gone to sleep.
fn warm_up() {
    let (mut same, mut before) = (0, 0);
    for _ in 0..1000 {
        run(1000, 500);
        let now = allocator::live_bytes();
        same = if now == before { same + 1 } else { 0 };
        before = now;
        if same == 20 {
            return;
        }
    }
    panic!("each thousand tasks leave something behind");
}

#[test]
fn p2_t2_h2_each_of_many_handles_resolves_once_and_no_thread_or_memory_is_left() {
    let tasks: usize = std::env::var("BRIGADE_SCALE").map_or(20_000, |text| text.parse().unwrap());
    let tasks = tasks.next_multiple_of(100);
    warm_up();
    let (before, begin) = (allocator::live_bytes(), Instant::now());
    let (seen, resized, made) = run(tasks, tasks.div_ceil(50));
    let (after, took) = (allocator::live_bytes(), begin.elapsed());
    println!("{tasks} tasks in {took:?}: {seen:?}; resized {resized} times, {made} threads made");
    assert_eq!(after, before, "live bytes");
    if tasks >= 100_000 {
        assert!(seen.cancels_won >= 1000 && seen.cancels_lost >= 1000);
    }
}
