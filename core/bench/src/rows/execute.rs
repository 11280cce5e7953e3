//! The thread pool with nothing extra on, beside the pool that it is made of.

use super::flood::flood;
use super::{Against, Case, Metric, Row};
use crate::contenders::{Brigade, BrigadeThreads, Contender, Kind};

const TASKS: u64 = 200_000;

pub(super) fn rows() -> Vec<Row> {
    [1, 2].into_iter().map(row).collect()
}

fn row(workers: usize) -> Row {
    Row::new(
        format!("execute 1x{workers}"),
        format!(
            "a flood by ThreadPool::execute, {workers} workers; beside it the same by our `pool`"
        ),
        [
            Metric::new("wall", "ns a task").at_most(Against::Pool, 1.1),
            Metric::new("CPU", "ns a task"),
        ],
        move |setup| {
            let (mode, tasks) = (setup.mode, setup.few(TASKS));
            let threads = || flood::<BrigadeThreads>(mode, 1, workers, tasks);
            let pool = || {
                let case = flood::<Brigade>(mode, 1, workers, tasks);
                Case::new("pool", Kind::Pool, case.round)
            };
            [
                setup.named(BrigadeThreads::NAME, threads),
                setup.named("pool", pool),
            ]
            .into_iter()
            .flatten()
            .collect()
        },
    )
}
