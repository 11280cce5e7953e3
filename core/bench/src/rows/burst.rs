//! Many tasks at once, on threads that sleep.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use super::{Against, Case, Metric, Row, Setup};
use crate::clock::Watch;
use crate::contenders::{Contender, Ready};
use crate::each;
use crate::latch::Latch;

pub(super) fn rows() -> Vec<Row> {
    let metrics = || {
        [
            Metric::new("wall", "µs").at_most(Against::Best, 1.05),
            Metric::new("CPU", "µs"),
        ]
    };
    vec![
        Row::new(
            "burst",
            "1,000 tasks at once on 8 idle workers",
            metrics(),
            |setup| each!(C => setup.case::<C>(|| case::<C>(setup, 8, || ()))),
        ),
        Row::new(
            "sleeping",
            "1,000 tasks that each sleep 1 ms, on 64 workers",
            metrics(),
            |setup| {
                let nap = || thread::sleep(Duration::from_millis(1));
                each!(C => setup.case::<C>(|| case::<C>(setup, 64, nap)))
            },
        ),
    ]
}

fn case<C: Contender>(setup: &Setup<'_>, workers: usize, act: fn()) -> Case {
    let ready = Ready::<C>::new(workers, setup.mode.workers());
    let tasks = if setup.quick { 100 } else { 1000 };
    // Kept until the process ends, so that tasks refer to it for nothing.
    let left: &'static Latch = Box::leak(Box::new(Latch::new(0)));
    Case::of::<C>(move || {
        ready.settle();
        left.set(tasks);
        let watch = Watch::start();
        for _ in 0..tasks {
            let captured = [1_u64, 2];
            ready.pool.submit(move || {
                black_box(captured);
                act();
                left.count_down();
            });
        }
        left.wait();
        watch.per(1000).to_vec()
    })
}
