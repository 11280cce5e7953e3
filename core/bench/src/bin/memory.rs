//! Counts bytes and allocations: `memory ROW CONTENDER TASKS` prints the numbers, one a line.
//!
//! A program of its own, because it counts each allocation, and the others shall not pay for that.

use std::alloc::{GlobalAlloc, Layout, System};
use std::env;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use brigade_bench::clock::PATIENCE;
use brigade_bench::contenders::{Contender, at_once, no_hook};
use brigade_bench::handles::{Promise, Spawner};
use brigade_bench::{each, each_spawner};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

/// What the allocator of glibc takes for that: a word more, in steps of two, and four at least.
fn chunk(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16).max(32)
}

fn came(bytes: usize) {
    let bytes = chunk(bytes);
    // ORDERING: Relaxed; they are numbers, read when nothing runs.
    ALLOCATIONS.fetch_add(1, Relaxed);
    PEAK.fetch_max(LIVE.fetch_add(bytes, Relaxed) + bytes, Relaxed);
}

fn went(bytes: usize) {
    LIVE.fetch_sub(chunk(bytes), Relaxed);
}

// SAFETY: every call goes to the system's allocator, as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        came(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        went(layout.size());
        // SAFETY: as above; all memory comes from `System`.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there for a while, unless the system only maps the pages anew.
        came(size);
        went(layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static RAN: AtomicUsize = AtomicUsize::new(0);

fn ran() {
    // ORDERING: Release pairs with the Acquire in `wait_for`.
    RAN.fetch_add(1, Ordering::Release);
}

fn wait_for(count: usize) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let ran = RAN.load(Ordering::Acquire);
        assert!(ran <= count, "a task ran twice");
        if ran == count {
            break;
        }
        assert!(Instant::now() < deadline, "tasks were lost");
        thread::yield_now();
    }
    RAN.store(0, Relaxed);
}

/// A task that captures exactly so many words.
fn task<const WORDS: usize>(number: u64) -> impl FnOnce() + Send + 'static {
    let captured = [number; WORDS];
    let task = move || {
        assert!(
            black_box(captured)
                .iter()
                .all(|it| Some(it) == captured.first())
        );
        ran();
    };
    assert_eq!(size_of_val(&task), WORDS * 8);
    task
}

/// Waits until no thread allocates or frees any more.
fn quiet() {
    let (mut before, mut same) = (usize::MAX, 0);
    while same < 10 {
        thread::sleep(Duration::from_millis(1));
        let now = LIVE.load(Relaxed);
        same = if now == before { same + 1 } else { 0 };
        before = now;
    }
    // A task that ran twice may have come after the last that was waited for.
    assert_eq!(RAN.load(Ordering::Acquire), 0, "a task ran twice");
}

const WORKERS: usize = 2;

/// A new one, with all its threads, that is kept until the process ends.
fn pool<C: Contender>() -> &'static C {
    let pool: &'static C = Box::leak(Box::new(C::new(WORKERS, &no_hook())));
    at_once(pool, WORKERS, || ());
    pool
}

/// Bytes a task while so many wait, at the peak until all have run, and afterwards.
fn waiting<C: Contender, const WORDS: usize>(tasks: usize) -> [f64; 3] {
    let pool = pool::<C>();
    static GATE: AtomicBool = AtomicBool::new(false);
    static HELD: AtomicU64 = AtomicU64::new(0);
    GATE.store(false, Relaxed);
    HELD.store(0, Relaxed);
    for _ in 0..WORKERS {
        pool.submit(|| {
            HELD.fetch_add(1, Relaxed);
            while !GATE.load(Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
            ran();
        });
    }
    while HELD.load(Relaxed) < WORKERS as u64 {
        thread::yield_now();
    }
    quiet();
    let before = LIVE.load(Relaxed);
    PEAK.store(before, Relaxed);
    for number in 0..tasks {
        pool.submit(task::<WORDS>(number as u64));
    }
    let full = LIVE.load(Relaxed);
    GATE.store(true, Relaxed);
    wait_for(tasks + WORKERS);
    quiet();
    [full, PEAK.load(Relaxed), LIVE.load(Relaxed)]
        .map(|bytes| (bytes as f64 - before as f64) / tasks as f64)
}

/// Allocations a task in the best of some bursts, when what grows has grown.
fn steady(mut burst: impl FnMut(usize)) -> f64 {
    const BURST: usize = 1000;
    let round = |burst: &mut dyn FnMut(usize)| {
        let before = ALLOCATIONS.load(Relaxed);
        for _ in 0..10 {
            burst(BURST);
            wait_for(BURST);
        }
        ALLOCATIONS.load(Relaxed) - before
    };
    // The first five warm it up.
    let least = (0..15)
        .map(|_| round(&mut burst))
        .skip(5)
        .min()
        .unwrap_or(0);
    quiet();
    least as f64 / (10 * BURST) as f64
}

fn allocations<C: Contender>(pool: &'static C) -> Vec<f64> {
    fn flat<C: Contender, const WORDS: usize>(pool: &C) -> f64 {
        steady(|tasks| (0..tasks).for_each(|n| pool.submit(task::<WORDS>(n as u64))))
    }
    let nested = |tasks: usize| {
        // Half of them are submitted by the other half.
        for n in 0..tasks as u64 / 2 {
            pool.submit(move || {
                pool.submit(task::<6>(n));
                ran();
            });
        }
    };
    vec![
        flat::<C, 0>(pool),
        flat::<C, 1>(pool),
        flat::<C, 2>(pool),
        flat::<C, 4>(pool),
        flat::<C, 6>(pool),
        steady(nested),
    ]
}

/// A task with a result, that captures exactly so many words.
fn answer<const WORDS: usize>(number: u64) -> impl FnOnce() -> u64 + Send + 'static {
    let captured = [number; WORDS];
    let task = move || {
        ran();
        black_box(captured).iter().sum()
    };
    assert_eq!(size_of_val(&task), WORDS * 8);
    task
}

/// Allocations a spawned task until it has run, by what it captures; then with a join that may wait.
fn spawned<C: Spawner>(pool: &'static C) -> Vec<f64> {
    /// The least of some bursts, when what grows has grown. The handles are joined apart.
    fn spawn<C: Spawner, const WORDS: usize>(pool: &C) -> f64 {
        const BURST: usize = 1000;
        let mut least = usize::MAX;
        for _ in 0..15 {
            let mut promises = Vec::with_capacity(BURST);
            let before = ALLOCATIONS.load(Relaxed);
            promises.extend((0..BURST as u64).map(|n| pool.spawn(answer::<WORDS>(n))));
            wait_for(BURST);
            least = least.min(ALLOCATIONS.load(Relaxed) - before);
            let mut number = 0;
            Promise::join_all(promises, |sum: u64| {
                assert_eq!(sum, number * WORDS as u64, "another task's result");
                number += 1;
            });
            assert_eq!(number, BURST as u64, "not every handle gave a result");
        }
        quiet();
        least as f64 / BURST as f64
    }
    let waited = steady(|tasks| {
        for n in 0..tasks as u64 {
            assert_eq!(
                pool.spawn(answer::<1>(n)).join(),
                n,
                "another task's result"
            );
        }
    });
    vec![
        spawn::<C, 0>(pool),
        spawn::<C, 1>(pool),
        spawn::<C, 4>(pool),
        spawn::<C, 6>(pool),
        waited,
    ]
}

fn measure<C: Contender>(row: &str, tasks: usize) -> Vec<f64> {
    match row {
        "waiting-8" => waiting::<C, 1>(tasks).to_vec(),
        "waiting-48" => waiting::<C, 6>(tasks).to_vec(),
        "growth" => [tasks / 10, tasks, tasks * 10, tasks * 100]
            .map(|tasks| waiting::<C, 1>(tasks)[0])
            .to_vec(),
        "allocations" => allocations(pool::<C>()),
        _ => panic!("no row of that name"),
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [row, contender, tasks] = &arguments[..] else {
        eprintln!("usage: memory waiting-8|waiting-48|growth|allocations|spawn CONTENDER TASKS");
        std::process::exit(2);
    };
    let tasks = tasks.parse().expect("a number of tasks");
    let known = if row == "spawn" {
        each_spawner!(C => (C::NAME == contender).then(|| spawned(pool::<C>())))
    } else {
        each!(C => (C::NAME == contender).then(|| measure::<C>(row, tasks)))
    };
    for number in known.first().expect("a contender's name") {
        println!("{number}");
    }
}
