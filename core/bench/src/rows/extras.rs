//! What each thing costs a task that a thread pool does only if it is told to.
//!
//! A pool for each, and one that does none of it. All take their turn in each round, and what is
//! shown is what a task takes there more than on that one, of the same round.

use std::hint::black_box;
use std::time::Duration;

use brigade::{Builder, Observer, Task, Traced, WhenFull};

use super::{Case, Metric, Row, Setup};
use crate::clock::Watch;
use crate::contenders::{BrigadeThreads, Ready};
use crate::tally::{self, Tally};

const TASKS: u64 = 100_000;

struct Extra {
    name: &'static str,
    build: fn(Builder) -> Builder,
    submit: fn(&brigade::ThreadPool, u64),
}

/// The first is what the others are compared with.
const EXTRAS: [Extra; 10] = [
    extra("nothing", |it| it, execute),
    extra(
        "bound, with room",
        |it| it.bound(1 << 40, WhenFull::Refuse),
        execute,
    ),
    extra("observer", |it| it.observer(Blind), execute),
    extra("Traced, nobody listens", |it| it.observer(Traced), execute),
    extra("context", |it| it.context(|| Task::run), execute),
    extra(
        "stall report",
        |it| it.on_stall(Duration::from_secs(3600), |_| ()),
        execute,
    ),
    extra("spawn, dropped", |it| it, spawn_and_drop),
    extra("spawn, joined", |it| it, spawn_and_join),
    extra("callback", |it| it, call_back),
    extra("scope", |it| it, scope),
];

const fn extra(
    name: &'static str,
    build: fn(Builder) -> Builder,
    submit: fn(&brigade::ThreadPool, u64),
) -> Extra {
    Extra {
        name,
        build,
        submit,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let metric = |extra: &Extra| match extra.name {
        "nothing" => Metric::new("nothing", "ns a task"),
        name => Metric::new(name, "ns a task more"),
    };
    vec![Row::new(
        "extras",
        format!("{TASKS} tasks, 32 bytes captured, 1 submitter, 1 worker: what each takes more"),
        EXTRAS.iter().map(metric).collect::<Vec<_>>(),
        |setup| {
            setup
                .case::<BrigadeThreads>(|| case(setup))
                .into_iter()
                .collect()
        },
    )]
}

fn case(setup: &Setup<'_>) -> Case {
    let tasks = setup.few(TASKS);
    let ready = EXTRAS.map(|extra| {
        let place = setup.mode.workers();
        let build = |hook: &_| {
            BrigadeThreads::build((extra.build)(brigade::ThreadPool::builder()), 1, hook)
        };
        (Ready::made(1, place, build), extra.submit)
    });
    let mut first = 0;
    Case::of::<BrigadeThreads>(move || {
        let mut costs = vec![0.0; EXTRAS.len()];
        // Each time another one begins.
        first += 1;
        for turn in 0..EXTRAS.len() {
            let which = (first + turn) % EXTRAS.len();
            let (ready, submit) = &ready[which];
            ready.settle();
            // The submitter may run a scope's.
            let tally = Tally::first(tasks, 2);
            let watch = Watch::start();
            submit(&ready.pool.0, tasks);
            tally.wait();
            costs[which] = watch.per(tasks)[0];
        }
        let nothing = costs[0];
        costs[1..].iter_mut().for_each(|cost| *cost -= nothing);
        costs
    })
}

/// Looks at nothing, so that only the telling is measured.
struct Blind;

impl Observer for Blind {}

fn task(number: u64) -> impl FnOnce() + Send + 'static {
    let captured = [number, 1, 2, 3];
    move || tally::ran(black_box(captured)[0])
}

fn execute(pool: &brigade::ThreadPool, tasks: u64) {
    for number in 0..tasks {
        pool.execute(task(number)).expect("it takes every task");
    }
}

fn spawn_and_drop(pool: &brigade::ThreadPool, tasks: u64) {
    for number in 0..tasks {
        drop(pool.spawn(task(number)).expect("it takes every task"));
    }
}

fn spawn_and_join(pool: &brigade::ThreadPool, tasks: u64) {
    let spawn = |number| pool.spawn(task(number)).expect("it takes every task");
    let handles: Vec<_> = (0..tasks).map(spawn).collect();
    for handle in handles {
        handle.join().expect("the task does not panic");
    }
}

/// What is counted is the callback.
fn call_back(pool: &brigade::ThreadPool, tasks: u64) {
    for number in 0..tasks {
        let captured = [number, 1, 2, 3];
        let task = move || black_box(captured)[0];
        let callback =
            |result: Result<u64, _>| tally::ran(result.expect("the task does not panic"));
        drop(
            pool.spawn_with_callback(task, callback)
                .expect("it takes every task"),
        );
    }
}

/// In scopes of 1,000.
fn scope(pool: &brigade::ThreadPool, tasks: u64) {
    for first in (0..tasks).step_by(1000) {
        pool.scope(|scope| {
            for number in first..tasks.min(first + 1000) {
                drop(scope.spawn(task(number)));
            }
        });
    }
}
