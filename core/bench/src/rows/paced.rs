//! A task every few microseconds, by a submitter that is busy in between.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Against, Case, Metric, Row};
use crate::clock::{Watch, now, reading};
use crate::contenders::{Contender, Ready};
use crate::each;
use crate::pin::Mode;
use crate::stats::{mean, median, quantile};
use crate::tally::{self, Tally};

pub(super) fn rows() -> Vec<Row> {
    [5_u64, 20].into_iter().map(row).collect()
}

fn row(micros: u64) -> Row {
    Row::new(
        format!("every {micros} µs"),
        format!("a submit every {micros} µs, 2 workers; the submitter spins in between"),
        [
            Metric::new("submit, mean", "ns").at_most(Against::Best, 0.6),
            Metric::new("submit, median", "ns"),
            Metric::new("start, mean", "ns"),
            Metric::new("start, median", "ns").at_most(Against::Best, 1.1),
            Metric::new("start, p99", "ns"),
            Metric::new("CPU, workers", "ns a task").at_most(Against::Best, 1.5),
            Metric::new("CPU, all", "ns a task"),
        ],
        move |setup| {
            let tasks = setup.few(20_000 / micros) as usize;
            each!(C => setup.case::<C>(|| paced::<C>(setup.mode, 2, move |_| micros * 1000, tasks)))
        },
    )
}

/// So many tasks, with so many nanoseconds between one and the next.
pub(super) fn paced<C: Contender>(
    mode: Mode,
    workers: usize,
    gap: impl Fn(usize) -> u64 + 'static,
    tasks: usize,
) -> Case {
    let ready = Ready::<C>::new(workers, mode.workers());
    // When each task started. Kept until the process ends, so that tasks refer to it for nothing.
    let starts: &'static [AtomicU64] =
        Box::leak((0..tasks).map(|_| AtomicU64::new(0)).collect::<Box<_>>());
    let reading = reading();
    Case::of::<C>(move || {
        ready.settle();
        let mut submits = Vec::with_capacity(tasks);
        let mut befores = Vec::with_capacity(tasks);
        let tally = Tally::first(tasks as u64, workers);
        let watch = Watch::start();
        let mut next = now();
        for (number, start) in starts.iter().enumerate() {
            while now() < next {
                spin_loop();
            }
            let before = now();
            ready.pool.submit(move || {
                start.store(now(), Ordering::Relaxed);
                tally::ran(number as u64);
            });
            let after = now();
            befores.push(before);
            submits.push((after - before) as f64 - reading);
            // Whoever is late is not hurried.
            next = after.max(next + gap(number));
        }
        let process = watch.process();
        tally.wait();
        // With the tasks that were late.
        let others = watch.others();
        let waits: Vec<f64> = starts
            .iter()
            .zip(&befores)
            .map(|(start, before)| (start.load(Ordering::Relaxed) - before) as f64 - reading)
            .collect();
        vec![
            mean(&submits),
            median(&submits),
            mean(&waits),
            median(&waits),
            quantile(&waits, 0.99),
            others / tasks as f64,
            process / tasks as f64,
        ]
    })
}
