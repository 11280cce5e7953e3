//! One task, and back: it wakes the submitter, which sleeps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::{Against, Case, Metric, Row, Setup};
use crate::clock::{PATIENCE, Watch, now};
use crate::contenders::{Contender, Kind, Ready, settle};
use crate::each;
use crate::stats::median;

pub(super) fn rows() -> Vec<Row> {
    let metrics = || {
        [
            Metric::new("wall", "ns")
                .at_most(Against::Best, 1.10)
                .at_most(Against::Raw, 1.15),
            Metric::new("CPU", "ns"),
        ]
    };
    let cases = |hot: bool| {
        move |setup: &Setup<'_>| {
            let mut cases = each!(C => setup.case::<C>(|| pool::<C>(setup, hot)));
            cases.extend(setup.named("park/unpark", || raw(setup, hot)));
            cases
        }
    };
    vec![
        Row::new(
            "round trip, idle",
            "a task on 2 workers that have slept for 2 ms, until the submitter is awake again",
            metrics(),
            cases(false),
        ),
        Row::new(
            "round trip, hot",
            "the same, one after another",
            metrics(),
            cases(true),
        ),
    ]
}

/// What one thread sleeps on and another sets.
struct Signal {
    set: AtomicBool,
    waiter: Thread,
}

impl Signal {
    fn set(&self) {
        // ORDERING: Release pairs with the Acquire below.
        self.set.store(true, Ordering::Release);
        self.waiter.unpark();
    }

    fn wait(&self) {
        let deadline = Instant::now() + PATIENCE;
        while !self.set.swap(false, Ordering::Acquire) {
            assert!(Instant::now() < deadline, "a task was lost");
            thread::park_timeout(PATIENCE);
        }
    }
}

/// Kept until the process ends, so that tasks refer to it for nothing.
fn signal() -> &'static Signal {
    let set = AtomicBool::new(false);
    Box::leak(Box::new(Signal {
        set,
        waiter: thread::current(),
    }))
}

pub(super) fn rounds(setup: &Setup<'_>, hot: bool) -> u64 {
    match (hot, setup.quick) {
        (_, true) => 8,
        (true, false) => 2_000,
        (false, false) => 25,
    }
}

/// Wall and CPU time of a trip, of so many.
pub(super) fn trips(count: u64, hot: bool, mut trip: impl FnMut()) -> Vec<f64> {
    if hot {
        let watch = Watch::start();
        (0..count).for_each(|_| trip());
        return watch.per(count).to_vec();
    }
    let (mut walls, mut cpus) = (Vec::new(), Vec::new());
    for _ in 0..count {
        thread::sleep(Duration::from_millis(2));
        let watch = Watch::start();
        let before = now();
        trip();
        walls.push((now() - before) as f64);
        cpus.push(watch.process());
    }
    vec![median(&walls), median(&cpus)]
}

fn pool<C: Contender>(setup: &Setup<'_>, hot: bool) -> Case {
    let ready = Ready::<C>::new(2, setup.mode.workers());
    let (count, signal) = (rounds(setup, hot), signal());
    Case::of::<C>(move || {
        ready.settle();
        trips(count, hot, || {
            ready.pool.submit(|| signal.set());
            signal.wait();
        })
    })
}

/// Two threads that wake each other.
fn raw(setup: &Setup<'_>, hot: bool) -> Case {
    struct Other {
        there: &'static Signal,
        end: &'static AtomicBool,
        thread: Option<thread::JoinHandle<()>>,
    }
    impl Drop for Other {
        fn drop(&mut self) {
            self.end.store(true, Ordering::Relaxed);
            self.there.set();
            if let Some(thread) = self.thread.take() {
                let _ = thread.join();
            }
        }
    }
    let back = signal();
    let end: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
    let place = setup.mode.workers();
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = thread::spawn(move || {
        place.take();
        let there = signal();
        sender.send(there).expect("it is being waited for");
        loop {
            // Not `wait`: it may be long until its next round.
            while !there.set.swap(false, Ordering::Acquire) {
                thread::park();
            }
            if end.load(Ordering::Relaxed) {
                return;
            }
            back.set();
        }
    });
    let there = receiver.recv().expect("the thread has started");
    let other = Other {
        there,
        end,
        thread: Some(thread),
    };
    let count = rounds(setup, hot);
    Case::new("park/unpark", Kind::Raw, move || {
        // All of it, so that it lives as long as this closure.
        let other = &other;
        settle();
        trips(count, hot, || {
            other.there.set();
            back.wait();
        })
    })
}
