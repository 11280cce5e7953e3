//! In steady state nothing is allocated for a task whose captures fit inline: 48 bytes on a 64-bit
//! machine.
//!
//! One test, because the allocator counts for the whole process.

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

use std::sync::atomic::{AtomicUsize, Ordering};

use brigade::{
    Handlers, LockWorker, Performer, Statistics, Task, Team, ThreadWorker, Worker, memory_worker,
    pool, start_thread,
};

#[global_allocator]
static ALLOCATOR: allocator::Counting = allocator::Counting;

static DONE: AtomicUsize = AtomicUsize::new(0);

/// A task with all the captures that fit inline.
fn task() -> impl FnOnce() + Send + 'static {
    let captured: [usize; Task::INLINE_BYTES / size_of::<usize>()] = std::array::from_fn(|n| n);
    let task = move || {
        assert_eq!(captured[5], 5);
        DONE.fetch_add(1, Ordering::SeqCst);
    };
    assert_eq!(size_of_val(&task), 48);
    task
}

fn wait_for(done: usize) {
    while DONE.load(Ordering::SeqCst) < done {
        std::thread::yield_now();
    }
}

const TASKS: usize = 2_000;

/// Does rounds of that many tasks, and says how many allocations the best one made: another thread,
/// of the test harness, may allocate in any of them.
fn least(round: impl Fn()) -> usize {
    for _ in 0..3 {
        round(); // the queues grow to what they need
    }
    let measured = (0..5).map(|_| {
        let before = allocator::allocations();
        DONE.store(0, Ordering::SeqCst);
        round();
        assert_eq!(DONE.load(Ordering::SeqCst), TASKS);
        allocator::allocations() - before
    });
    measured.min().unwrap()
}

fn at_most_one<W>(worker: W) -> impl Fn(&Statistics) -> Result<Option<W>, brigade::CreationError> {
    let once = std::sync::Mutex::new(Some(worker));
    move |_| Ok(once.lock().unwrap().take())
}

fn one_by_one(worker: &impl Worker, drive: impl Fn()) -> usize {
    least(|| {
        DONE.store(0, Ordering::SeqCst);
        for n in 0..TASKS {
            worker.execute(Task::new(task())).unwrap();
            drive();
            wait_for(n + 1);
        }
    })
}

fn in_bursts(worker: &impl Worker, burst: usize, drive: impl Fn()) -> usize {
    least(|| {
        DONE.store(0, Ordering::SeqCst);
        for n in 1..=TASKS / burst {
            for _ in 0..burst {
                worker.execute(Task::new(task())).unwrap();
            }
            drive();
            wait_for(n * burst);
        }
    })
}

fn nested(outer: &LockWorker, inner: &(impl Worker + Clone)) -> usize {
    least(|| {
        DONE.store(0, Ordering::SeqCst);
        for n in 0..TASKS {
            let inner = inner.clone();
            outer
                .execute(move || inner.execute(Task::new(task())).unwrap())
                .unwrap();
            wait_for(n + 1);
        }
    })
}

fn stepped(steps: &[&Performer]) {
    while steps
        .iter()
        .map(|performer| performer.drain())
        .sum::<usize>()
        > 0
    {}
}

#[test]
fn nothing_is_allocated_for_a_task_in_steady_state() {
    let mut counts = Vec::new();
    let mut count = |what: &'static str, allocations: usize| counts.push((what, allocations));

    let (memory, performer) = memory_worker();
    let drain = || stepped(&[&performer]);
    count("a memory worker", one_by_one(&memory, drain));
    count(
        "a memory worker, in bursts",
        in_bursts(&memory, 1000, drain),
    );

    let (lock, other) = (LockWorker::new(), LockWorker::new());
    count("a lock worker", one_by_one(&lock, || ()));
    count("a nested lock worker", nested(&lock, &other));

    let thread = ThreadWorker::new(|body| start_thread("test", body)).unwrap();
    count("a thread worker", one_by_one(&thread, || ()));
    count("a thread worker, in bursts", in_bursts(&thread, 20, || ()));

    let (memory, performer) = memory_worker();
    let team = Team::new(LockWorker::new(), at_most_one(memory), Handlers::new());
    let drain = || stepped(&[&performer]);
    count("lock coordinator, memory worker", one_by_one(&team, drain));
    count("the same, in bursts", in_bursts(&team, 1000, drain));

    let (memory, performer) = memory_worker();
    let team = Team::locked(at_most_one(memory), Handlers::new());
    let drain = || stepped(&[&performer]);
    count("the team's lock, memory worker", one_by_one(&team, drain));
    count("the same, in bursts", in_bursts(&team, 1000, drain));

    let team = Team::locked(at_most_one(LockWorker::new()), Handlers::new());
    count("the team's lock, lock worker", one_by_one(&team, || ()));

    let ((coordinator, steps), (memory, performer)) = (memory_worker(), memory_worker());
    let team = Team::new(coordinator, at_most_one(memory), Handlers::new());
    let drain = || stepped(&[&steps, &performer]);
    count(
        "memory coordinator, memory worker",
        one_by_one(&team, drain),
    );
    count("the same, in bursts", in_bursts(&team, 1000, drain));

    let team = Team::new(
        LockWorker::new(),
        at_most_one(LockWorker::new()),
        Handlers::new(),
    );
    count("lock coordinator, lock worker", one_by_one(&team, || ()));

    let team = Team::new(
        LockWorker::new(),
        |now: &Statistics| Ok((now.workers() < 1).then(LockWorker::new)),
        Handlers::new(),
    );
    count(
        "a team inside a lock worker",
        nested(&LockWorker::new(), &team),
    );

    let threads = pool(|| 2, |body| start_thread("test", body));
    count("a pool", one_by_one(&threads, || ()));
    count("a pool, in bursts", in_bursts(&threads, 1000, || ()));
    count(
        "a pool inside a lock worker",
        nested(&LockWorker::new(), &threads),
    );

    let coordinator = ThreadWorker::new(|body| start_thread("test", body)).unwrap();
    let thread = |now: &Statistics| match now.workers() {
        0 | 1 => Ok(Some(ThreadWorker::new(|body| start_thread("test", body))?)),
        _ => Ok(None),
    };
    let threads = Team::new(coordinator, thread, Handlers::new());
    count(
        "a team of threads under a thread",
        one_by_one(&threads, || ()),
    );

    for (what, allocations) in &counts {
        println!("{allocations:6} allocations for {TASKS} tasks: {what}");
    }
    counts.retain(|count| count.1 > 0);
    assert_eq!(counts, []);
}
