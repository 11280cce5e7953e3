//! A team that is stepped by hand, on one thread: what its decisions cost.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

use brigade::{
    CreationError, ExclusiveWorker, Handlers, LockWorker, MemoryWorker, Performer, Statistics,
    Team, memory_worker,
};

use super::{Case, Metric, Row, Setup};
use crate::clock::Watch;
use crate::contenders::Kind;
use crate::pin::Mode;
use crate::tally::{self, Tally};

pub(super) fn rows() -> Vec<Row> {
    let mut row = Row::new(
        "stepped team",
        "over one memory worker, single-threaded; 32 bytes captured",
        [
            Metric::new("in bursts of 1,000", "ns a task"),
            Metric::new("one by one", "ns a task"),
        ],
        |setup| {
            let ((one, first), (two, second)) = (memory_worker(), memory_worker());
            let cases = [
                setup.named("lock worker", || {
                    let team = Team::new(LockWorker::new(), only(one), Handlers::new());
                    case(setup, "lock worker", team, first)
                }),
                setup.named("team's lock", || {
                    let team = Team::locked(only(two), Handlers::new());
                    case(setup, "team's lock", team, second)
                }),
            ];
            cases.into_iter().flatten().collect()
        },
    );
    row.modes = &[Mode::One];
    vec![row]
}

fn only<W>(worker: W) -> impl Fn(&Statistics) -> Result<Option<W>, CreationError> {
    let once = Mutex::new(Some(worker));
    move |_| Ok(once.lock().unwrap_or_else(PoisonError::into_inner).take())
}

fn case<C: ExclusiveWorker>(
    setup: &Setup<'_>,
    name: &'static str,
    team: Team<C, MemoryWorker>,
    performer: Performer,
) -> Case {
    let tasks = setup.few(100_000);
    let run = move |burst: usize| {
        let tally = Tally::first(tasks, 1);
        let watch = Watch::start();
        let mut number = 0;
        while number < tasks {
            for _ in 0..burst.min((tasks - number) as usize) {
                let captured = [number, 1, 2, 3];
                team.execute(move || tally::ran(black_box(captured)[0]))
                    .expect("it has not been quit");
                number += 1;
            }
            performer.drain();
        }
        tally.wait();
        watch.per(tasks)[0]
    };
    Case::new(name, Kind::Ours, move || vec![run(1000), run(1)])
}
