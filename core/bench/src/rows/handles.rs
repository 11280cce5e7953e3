//! Results: a task with a handle, and the join of it.

use std::hint::black_box;

use super::memory::measure;
use super::round_trip::{rounds, trips};
use super::{Against, Case, Metric, Row, Setup};
use crate::clock::Watch;
use crate::contenders::{Contender, Ready};
use crate::each_spawner;
use crate::handles::{Promise, Spawner};
use crate::pin::Mode;
use crate::tally::{self, Tally};

const TASKS: u64 = 200_000;

pub(super) fn rows() -> Vec<Row> {
    let mut rows = vec![
        trip(
            "handle, idle",
            "a task spawned on 2 workers that have slept for 2 ms, and its handle joined",
            false,
        ),
        trip("handle, hot", "the same, one after another", true),
    ];
    rows.extend([1, 2].map(flood_row));
    rows.push(allocations());
    rows
}

fn trip(name: &str, about: &str, hot: bool) -> Row {
    Row::new(
        name,
        about,
        [
            Metric::new("wall", "ns")
                .at_most(Against::Best, 1.05)
                .at_most(Against::Tokio, 1.05),
            Metric::new("CPU", "ns"),
        ],
        move |setup| each_spawner!(C => setup.case::<C>(|| trip_case::<C>(setup, hot))),
    )
}

/// A task that captures 32 bytes, and gives a number.
fn task(number: u64) -> impl FnOnce() -> u64 + Send + 'static {
    let captured = [number, 1, 2, 3];
    move || {
        let number = black_box(captured)[0];
        tally::ran(number);
        number + 1
    }
}

fn trip_case<C: Spawner>(setup: &Setup<'_>, hot: bool) -> Case {
    let ready = Ready::<C>::new(2, setup.mode.workers());
    let count = rounds(setup, hot);
    Case::of::<C>(move || {
        ready.settle();
        let tally = Tally::first(count, 2);
        let mut number = 0;
        let numbers = trips(count, hot, || {
            let result = ready.pool.spawn(task(number)).join();
            number += 1;
            assert_eq!(result, number, "another task's result");
        });
        tally.wait();
        numbers
    })
}

fn flood_row(workers: usize) -> Row {
    Row::new(
        format!("handles 1x{workers}"),
        format!("{TASKS} tasks spawned, then all joined; 32 bytes captured, {workers} workers"),
        [
            Metric::new("wall", "ns a task").at_most(Against::Tokio, 0.4),
            Metric::new("CPU", "ns a task"),
        ],
        move |setup| {
            let (mode, tasks) = (setup.mode, setup.few(TASKS));
            each_spawner!(C => setup.case::<C>(|| flood::<C>(mode, workers, tasks)))
        },
    )
}

fn flood<C: Spawner>(mode: Mode, workers: usize, tasks: u64) -> Case {
    let ready = Ready::<C>::new(workers, mode.workers());
    Case::of::<C>(move || {
        ready.settle();
        let tally = Tally::first(tasks, workers);
        let mut next = 0;
        let watch = Watch::start();
        let spawn = |number| ready.pool.spawn(task(number));
        let promises: Vec<_> = (0..tasks).map(spawn).collect();
        Promise::join_all(promises, |result| {
            next += 1;
            assert_eq!(result, next, "another task's result");
        });
        let numbers = watch.per(tasks).to_vec();
        tally.wait();
        assert_eq!(next, tasks, "not every handle gave a result");
        numbers
    })
}

fn allocations() -> Row {
    let sizes = ["0", "8", "32", "48"].map(|bytes| format!("spawn, {bytes}"));
    let metric =
        |name: String| Metric::new(&name, "allocations a task").at_most(Against::Nothing, 1.0);
    let mut metrics: Vec<Metric> = sizes.into_iter().map(metric).collect();
    metrics.push(Metric::new("spawn and wait", "allocations a task"));
    let mut row = Row::new(
        "allocations, handle",
        "in steady state, by bytes captured, joins left out; then with a join each that may wait",
        metrics,
        |setup| {
            let quick = setup.quick;
            each_spawner!(C => setup.case::<C>(|| {
                Case::of::<C>(move || measure("spawn", C::NAME, quick))
            }))
        },
    );
    row.share = usize::MAX;
    row.modes = &[Mode::One];
    row
}
