//! Floods: as many tasks as can be submitted, until all have run.

use std::hint::{black_box, spin_loop};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crossbeam_queue::SegQueue;

use super::{Against, Case, Metric, Row, Setup};
use crate::clock::Watch;
use crate::contenders::{Brigade, Contender, Crossbeam, Kind, Ready, settle};
use crate::each;
use crate::pin::{Mode, Place};
use crate::tally::{self, Tally};

const TASKS: u64 = 200_000;
const DEPTH: u32 = 16;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (submitters, workers) in [(1, 1), (1, 2), (2, 2), (4, 2)] {
        let (peer, tokio) = if submitters == 1 {
            (0.50, 0.12)
        } else {
            (0.55, 0.3)
        };
        rows.push(Row::new(
            format!("flood {submitters}x{workers}"),
            format!("{TASKS} tasks, 32 bytes captured, {submitters} submitters, {workers} workers"),
            metrics(|wall| {
                wall.at_most(Against::Best, peer)
                    .at_most(Against::Tokio, tokio)
            }),
            move |setup| {
                let tasks = setup.few(TASKS);
                let mode = setup.mode;
                let mut cases =
                    each!(C => setup.case::<C>(|| flood::<C>(mode, submitters, workers, tasks)));
                if (submitters, workers) == (1, 1) {
                    cases.extend(setup.named("SegQueue", || seg_queue(setup.mode, tasks)));
                }
                cases
            },
        ));
    }
    rows.push(Row::new(
        "fork tree",
        format!("each task submits two, {DEPTH} deep, on 2 workers; apart: one on each core"),
        metrics(|wall| {
            wall.at_most_by_mode(Against::Best, 0.65, 0.95)
                .at_most(Against::Tokio, 0.12)
        }),
        |setup| each!(C => setup.case::<C>(|| fork_tree::<C>(setup))),
    ));
    rows.push(growth());
    rows
}

fn metrics(targets: impl FnOnce(Metric) -> Metric) -> [Metric; 2] {
    [
        targets(Metric::new("wall", "ns a task")),
        Metric::new("CPU", "ns a task"),
    ]
}

/// A task that captures 32 bytes.
fn task(number: u64) -> impl FnOnce() + Send + 'static {
    let captured = [number, 1, 2, 3];
    move || tally::ran(black_box(captured)[0])
}

fn submit<C: Contender>(pool: &C, tasks: impl Iterator<Item = u64>) {
    for number in tasks {
        pool.submit(task(number));
    }
}

pub(super) fn flood<C: Contender>(mode: Mode, submitters: u64, workers: usize, tasks: u64) -> Case {
    let ready = Ready::<C>::new(workers, mode.workers());
    Case::of::<C>(move || {
        ready.settle();
        let pool = &ready.pool;
        if submitters == 1 {
            let tally = Tally::first(tasks, workers);
            let watch = Watch::start();
            submit(pool, 0..tasks);
            tally.wait();
            watch.per(tasks).to_vec()
        } else {
            together(pool, submitters, workers, tasks)
        }
    })
}

/// The submitters are there before the time begins, and all start at once.
fn together<C: Contender>(pool: &C, submitters: u64, workers: usize, tasks: u64) -> Vec<f64> {
    let (here, go) = (AtomicU64::new(0), AtomicU64::new(0));
    let tally = Tally::first(tasks, workers);
    thread::scope(|scope| {
        let (here, go) = (&here, &go);
        let threads: Vec<_> = (0..submitters)
            .map(|first| {
                scope.spawn(move || {
                    here.fetch_add(1, Ordering::Relaxed);
                    // ORDERING: Acquire pairs with the Release below; nothing depends on it.
                    while go.load(Ordering::Acquire) == 0 {
                        thread::park();
                    }
                    submit(pool, (first..tasks).step_by(submitters as usize));
                })
            })
            .collect();
        while here.load(Ordering::Relaxed) < submitters {
            thread::yield_now();
        }
        settle();
        let watch = Watch::start();
        go.store(1, Ordering::Release);
        for thread in &threads {
            thread.thread().unpark();
        }
        tally.wait();
        watch.per(tasks).to_vec()
    })
}

/// What a hand-over costs if nobody ever sleeps and nothing is boxed.
fn seg_queue(mode: Mode, tasks: u64) -> Case {
    struct Shared {
        queue: SegQueue<[u64; 4]>,
        wanted: AtomicU64,
        place: Place,
    }
    let shared = Arc::new(Shared {
        queue: SegQueue::new(),
        wanted: AtomicU64::new(0),
        place: mode.workers(),
    });
    let consuming = Arc::downgrade(&shared);
    let consumer = thread::spawn(move || {
        while let Some(shared) = consuming.upgrade() {
            shared.place.take();
            // Between the rounds it sleeps, so that it does not disturb the others.
            for _ in 0..shared.wanted.swap(0, Ordering::Acquire) {
                let mut tries = 0;
                let captured = loop {
                    if let Some(captured) = shared.queue.pop() {
                        break captured;
                    }
                    tries += 1;
                    if tries % 64 == 0 {
                        thread::yield_now();
                    } else {
                        spin_loop();
                    }
                };
                tally::ran(black_box(captured)[0]);
            }
            drop(shared);
            thread::park();
        }
    });
    /// Wakes the consumer after what it is to notice.
    struct End(Option<Arc<Shared>>, Option<thread::JoinHandle<()>>);
    impl Drop for End {
        fn drop(&mut self) {
            self.0.take();
            if let Some(consumer) = self.1.take() {
                consumer.thread().unpark();
                let _ = consumer.join();
            }
        }
    }
    let end = End(Some(shared), Some(consumer));
    Case::new("SegQueue", Kind::Raw, move || {
        let (Some(shared), Some(consumer)) = (&end.0, &end.1) else {
            unreachable!("it has not ended");
        };
        settle();
        let tally = Tally::first(tasks, 1);
        let watch = Watch::start();
        shared.wanted.store(tasks, Ordering::Release);
        consumer.thread().unpark();
        for number in 0..tasks {
            shared.queue.push([number, 1, 2, 3]);
        }
        tally.wait();
        watch.per(tasks).to_vec()
    })
}

/// Captures 32 bytes as well.
fn node<C: Contender>(ready: &'static Ready<C>, depth: u32) -> impl FnOnce() + Send + 'static {
    let captured = [u64::from(depth), 1, 2];
    move || {
        let depth = black_box(captured)[0] as u32;
        tally::ran(u64::from(depth));
        if depth > 0 {
            branch(ready, depth - 1);
        }
    }
}

/// A function of its own, for `node` cannot name its own type.
fn branch<C: Contender>(ready: &'static Ready<C>, depth: u32) {
    for _ in 0..2 {
        submit_node(ready, depth);
    }
}

fn submit_node<C: Contender>(ready: &'static Ready<C>, depth: u32) {
    ready.pool.submit(node(ready, depth));
}

fn fork_tree<C: Contender>(setup: &Setup<'_>) -> Case {
    let depth = if setup.quick { 8 } else { DEPTH };
    let ready = Ready::<C>::new(2, setup.mode.spread()).leak();
    let tasks = (2 << depth) - 1;
    let sum = (0..=u64::from(depth))
        .map(|left| left << (u64::from(depth) - left))
        .sum();
    Case::of::<C>(move || {
        ready.settle();
        let tally = Tally::expect(tasks, sum, 2);
        let watch = Watch::start();
        submit_node(ready, depth);
        tally.wait();
        watch.per(tasks).to_vec()
    })
}

/// Whether a task costs more when there are more of them.
fn growth() -> Row {
    const SIZES: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];
    let mut metrics: Vec<Metric> = SIZES
        .iter()
        .map(|tasks| Metric::new(&format!("{tasks} tasks"), "ns a task"))
        .collect();
    metrics.push(Metric::new("10^7 to 10^5", "").at_most(Against::Nothing, 1.2));
    fn case<C: Contender>(setup: &Setup<'_>) -> Case {
        let ready = Ready::<C>::new(2, setup.mode.workers());
        let sizes = SIZES.map(|tasks| setup.few(tasks));
        Case::of::<C>(move || {
            let mut costs: Vec<f64> = sizes
                .iter()
                .map(|&tasks| {
                    ready.settle();
                    let tally = Tally::first(tasks, 2);
                    let watch = Watch::start();
                    submit(&ready.pool, 0..tasks);
                    tally.wait();
                    watch.per(tasks)[0]
                })
                .collect();
            costs.push(costs[3] / costs[1]);
            costs
        })
    }
    let mut row = Row::new("growth", "1 submitter, 2 workers", metrics, |setup| {
        let ours = setup.case::<Brigade>(|| case::<Brigade>(setup));
        let theirs = setup.case::<Crossbeam>(|| case::<Crossbeam>(setup));
        ours.into_iter().chain(theirs).collect()
    });
    row.share = 3;
    row
}
