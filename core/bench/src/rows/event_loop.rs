//! Calls into an event loop from other threads, and its own into threads and back.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::flood::flood;
use super::paced::paced;
use super::round_trip::rounds;
use super::{Against, Case, Metric, Row, Setup};
use crate::clock::{PATIENCE, Watch, now};
use crate::contenders::{Hook, Kind, settle};
use crate::each_loop;
use crate::loops::{BrigadeLoop, Loop, Looped};
use crate::pin::Place;
use crate::stats::median;
use crate::tally::{self, Tally};
use crate::twisted;

const CALLS: u64 = 200_000;
/// Twisted's calls take microseconds.
const THEIR_CALLS: u64 = 10_000;
const PERIOD: u64 = 20_000;
const WORKERS: usize = 2;

pub(super) fn rows() -> Vec<Row> {
    vec![flood_row(1), flood_row(4), paced_row(), defer_row()]
}

fn flood_row(callers: u64) -> Row {
    Row::new(
        format!("loop, flood {callers}"),
        format!("{CALLS} calls from {callers} threads into a loop, 32 bytes captured"),
        [
            Metric::new("wall", "ns a call").at_most(Against::Tokio, 1.05),
            Metric::new("CPU", "ns a call"),
        ],
        move |setup| {
            let (mode, calls) = (setup.mode, setup.few(CALLS));
            let mut cases = each_loop!(L => setup.case::<Looped<L>>(|| {
                flood::<Looped<L>>(mode, callers, 1, calls)
            }));
            let row = format!("flood-{callers}");
            cases.extend(twisted(setup, row, setup.few(THEIR_CALLS)));
            cases
        },
    )
}

fn paced_row() -> Row {
    let mut row = Row::new(
        "loop, every 20 µs",
        "a call into a loop every 10 to 30 µs, from a thread that spins in between",
        [
            Metric::new("call, mean", "ns").at_most(Against::Tokio, 1.05),
            Metric::new("call, median", "ns"),
            Metric::new("start, mean", "ns").at_most(Against::Tokio, 1.05),
            Metric::new("start, median", "ns").at_most(Against::Tokio, 1.05),
            Metric::new("start, p99", "ns"),
            Metric::new("CPU, loop", "ns a call").at_most(Against::Tokio, 1.05),
            Metric::new("CPU, all", "ns a call"),
        ],
        |setup| {
            let calls = setup.few(2000);
            let mut cases = each_loop!(L => setup.case::<Looped<L>>(|| {
                paced::<Looped<L>>(setup.mode, 1, uneven, calls as usize)
            }));
            cases.extend(twisted(setup, "paced".into(), calls));
            cases
        },
    );
    row.times = 3;
    row
}

/// Uneven, but the same for all: even gaps of about the time that a thread takes to wake up would make the
/// median that of whoever happens to be just a little later or sooner than that.
fn uneven(number: usize) -> u64 {
    // SplitMix64, http://prng.di.unimi.it/splitmix64.c
    let mut mixed = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    PERIOD / 2 + (mixed ^ (mixed >> 31)) % PERIOD
}

fn defer_row() -> Row {
    Row::new(
        "loop, defer, idle",
        "a loop defers to one of 2 threads that have slept for 2 ms, until it has the result",
        [
            Metric::new("wall", "ns").at_most(Against::Tokio, 1.05),
            Metric::new("CPU", "ns"),
        ],
        |setup| {
            let mut cases = each_loop!(L => setup.named(L::NAME, || defer::<L>(setup)));
            let name = "brigade, callback";
            cases.extend(setup.named(name, || callback(name, setup)));
            cases.extend(twisted(setup, "defer".into(), rounds(setup, false)));
            cases
        },
    )
}

/// Twisted, if it is there.
fn twisted(setup: &Setup<'_>, row: String, count: u64) -> Option<Case> {
    let mode = setup.mode;
    let case = || {
        Case::new("Twisted", Kind::Beside, move || {
            twisted::measure(&row, mode, count)
        })
    };
    (*twisted::IS_THERE)
        .then(|| setup.named("Twisted", case))
        .flatten()
}

/// A loop on this thread, and whose threads all live and are where they belong.
struct Home<L: Loop> {
    it: L,
    place: Arc<Place>,
}

impl<L: Loop> Home<L> {
    fn new(setup: &Setup<'_>) -> Self {
        let place = Arc::new(setup.mode.workers());
        let taken = Arc::clone(&place);
        let hook: Hook = Arc::new(move || taken.take());
        let it = L::new(WORKERS, &hook);
        Self { it, place }
    }

    /// Has each of the threads run something, at the same time, and lets everything come to rest.
    fn settle(&self) {
        let caller = self.it.caller();
        let here = Arc::new(AtomicUsize::new(0));
        let meet = || {
            let (here, place) = (Arc::clone(&here), Arc::clone(&self.place));
            L::defer(&caller, move || {
                // ORDERING: Relaxed; nothing else is shared.
                here.fetch_add(1, Ordering::Relaxed);
                let deadline = Instant::now() + PATIENCE;
                while here.load(Ordering::Relaxed) < WORKERS {
                    assert!(Instant::now() < deadline, "there are too few threads");
                    thread::yield_now();
                }
                assert!(place.is_taken(), "a thread is on the wrong core");
            })
        };
        let meetings: Vec<_> = (0..WORKERS).map(|_| meet()).collect();
        self.it.run(async {
            for meeting in meetings {
                meeting.await;
            }
        });
        settle();
    }
}

/// What is deferred captures 32 bytes.
fn work(number: u64) -> impl FnOnce() -> u64 + Send + 'static {
    let captured = [number, 1, 2, 3];
    move || {
        let number = black_box(captured)[0];
        tally::ran(number);
        number + 1
    }
}

/// The wall and CPU times of trips.
#[derive(Default)]
struct Trips {
    walls: Vec<f64>,
    cpus: Vec<f64>,
}

/// Where a trip began.
struct Begun(Watch, u64);

impl Begun {
    /// The loop blocks itself meanwhile, so nobody has anything to do.
    fn after_a_rest() -> Self {
        thread::sleep(Duration::from_millis(2));
        Self(Watch::start(), now())
    }
}

impl Trips {
    fn end(&mut self, begun: &Begun) {
        self.walls.push((now() - begun.1) as f64);
        self.cpus.push(begun.0.process());
    }

    fn medians(&self) -> Vec<f64> {
        vec![median(&self.walls), median(&self.cpus)]
    }
}

fn defer<L: Loop>(setup: &Setup<'_>) -> Case {
    let home = Home::<L>::new(setup);
    let count = rounds(setup, false);
    Case::new(L::NAME, L::KIND, move || {
        home.settle();
        let tally = Tally::first(count, WORKERS);
        let caller = home.it.caller();
        let trips = home.it.run(async {
            let mut trips = Trips::default();
            for number in 0..count {
                let begun = Begun::after_a_rest();
                let result = L::defer(&caller, work(number)).await;
                trips.end(&begun);
                assert_eq!(result, number + 1, "another's result");
            }
            trips
        });
        tally.wait();
        trips.medians()
    })
}

/// The other way to have a result: a callback that the loop calls.
fn callback(name: &'static str, setup: &Setup<'_>) -> Case {
    let home = Home::<BrigadeLoop>::new(setup);
    let count = rounds(setup, false);
    Case::new(name, Kind::Beside, move || {
        home.settle();
        let tally = Tally::first(count, WORKERS);
        let trips = home.it.run(async {
            let mut trips = Trips::default();
            for number in 0..count {
                let (send, back) = tokio::sync::oneshot::channel();
                let begun = Begun::after_a_rest();
                let deferred = home.it.0.here().defer_to_thread(work(number), |_, result| {
                    let result = result.expect("the work does not panic");
                    // The time is taken here, before the future is told.
                    let _ = send.send((result, now(), begun.0.process(), begun));
                });
                deferred.expect("it has not been quit");
                let (result, end, cpu, begun) = back.await.expect("it is called");
                trips.walls.push((end - begun.1) as f64);
                trips.cpus.push(cpu);
                assert_eq!(result, number + 1, "another's result");
            }
            trips
        });
        tally.wait();
        trips.medians()
    })
}
