//! Threads that come and go, or stay and do nothing.
//!
//! New threads inherit where they may run; here that is the one core, or both: none is bound to its
//! own, which would add a call to what is measured.

use std::cell::RefCell;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Against, Case, Metric, Row, Setup};
use crate::clock::Watch;
use crate::contenders::{
    Brigade, Contender, Hook, Kind, Ready, ThreadPool, at_once, no_hook, settle,
};
use crate::each;
use crate::latch::{Guard, Latch};
use crate::pin::{Mode, bind};

pub(super) fn rows() -> Vec<Row> {
    let create = Row::new(
        "create and shut down",
        "8 threads, until each has run a task at the same time and all have ended",
        [
            Metric::new("wall", "µs").at_most(Against::Best, 1.15),
            Metric::new("CPU", "µs"),
        ],
        |setup| each!(C => setup.case::<C>(|| create::<C>(setup.mode))),
    );
    let grow = Row::new(
        "grow and back",
        "to 1,000 idle threads; beside it std's threads, spawned and joined",
        [Metric::new("grow", "µs"), Metric::new("back", "µs")],
        |setup| {
            let (mode, count) = (setup.mode, setup.few(1000) as usize);
            [
                setup.case::<Brigade>(|| grow(mode, count)),
                setup.case::<ThreadPool>(|| grow_threadpool(mode, count)),
                setup.named("threads", || grow_threads(mode, count)),
            ]
            .into_iter()
            .flatten()
            .collect()
        },
    );
    let mut idle = Row::new(
        "idle",
        "8 workers that have nothing to do",
        [Metric::new("CPU", "µs a second").at_most(Against::Nothing, 20.0)],
        |setup| each!(C => setup.case::<C>(|| idle::<C>(setup))),
    );
    idle.share = 7;
    vec![create, grow, idle]
}

thread_local! {
    static END: RefCell<Option<Guard>> = const { RefCell::new(None) };
}

/// Does this with threads that may run on the mode's cores.
fn unbound<T>(mode: Mode, act: impl FnOnce() -> T) -> T {
    bind(mode.cores());
    let value = act();
    bind(&[0]);
    value
}

fn create<C: Contender>(mode: Mode) -> Case {
    Case::of::<C>(move || {
        settle();
        unbound(mode, || {
            let watch = Watch::start();
            let ended = Arc::new(Latch::new(8));
            let pool = C::new(8, &no_hook());
            let guard = Arc::clone(&ended);
            at_once(&pool, 8, move || {
                END.with(|end| end.replace(Some(Guard(Arc::clone(&guard)))));
            });
            pool.close();
            ended.wait();
            watch.per(1000).to_vec()
        })
    })
}

fn grow(mode: Mode, count: usize) -> Case {
    let started = Arc::new(Latch::new(0));
    let here = Arc::clone(&started);
    let hook: Hook = Arc::new(move || here.count_down());
    let ours = Brigade::new(count, &hook);
    Case::of::<Brigade>(move || {
        settle();
        unbound(mode, || {
            started.set(count);
            let watch = Watch::start();
            ours.pool.grow(count).expect("it has not been quit");
            started.wait();
            let grown = watch.wall();
            // Until they sleep.
            settle();
            let watch = Watch::start();
            ours.pool.shrink_all().expect("it has not been quit");
            ours.join();
            assert_eq!(ours.pool.statistics().workers(), 0);
            vec![grown / 1e3, watch.wall() / 1e3]
        })
    })
}

/// Its idle threads do not leave before they get a task.
fn grow_threadpool(mode: Mode, count: usize) -> Case {
    Case::of::<ThreadPool>(move || {
        settle();
        unbound(mode, || {
            let mut pool = ThreadPool::new(1, &no_hook());
            let ended = Arc::new(Latch::new(count));
            let watch = Watch::start();
            pool.0.set_num_threads(count);
            let grown = watch.wall();
            let guard = Arc::clone(&ended);
            at_once(&pool, count, move || {
                END.with(|end| end.replace(Some(Guard(Arc::clone(&guard)))));
            });
            pool.close();
            ended.wait();
            vec![grown / 1e3, f64::NAN]
        })
    })
}

fn grow_threads(mode: Mode, count: usize) -> Case {
    Case::new("threads", Kind::Raw, move || {
        settle();
        unbound(mode, || {
            let started = Arc::new(Latch::new(count));
            let watch = Watch::start();
            let threads: Vec<_> = (0..count)
                .map(|_| {
                    let started = Arc::clone(&started);
                    // It is woken once: to end.
                    thread::spawn(move || {
                        started.count_down();
                        thread::park();
                    })
                })
                .collect();
            started.wait();
            let grown = watch.wall();
            settle();
            let watch = Watch::start();
            for thread in &threads {
                thread.thread().unpark();
            }
            for thread in threads {
                thread.join().expect("it does not panic");
            }
            vec![grown / 1e3, watch.wall() / 1e3]
        })
    })
}

fn idle<C: Contender>(setup: &Setup<'_>) -> Case {
    let (mode, seconds) = (setup.mode, if setup.quick { 0.1 } else { 1.0 });
    Case::of::<C>(move || {
        let ready = Ready::<C>::new(8, mode.workers());
        ready.settle();
        thread::sleep(Duration::from_millis(100));
        let watch = Watch::start();
        thread::sleep(Duration::from_secs_f64(seconds));
        let used = watch.others();
        ready.pool.close();
        // Two clocks are read; their difference may be a little below nothing.
        vec![used.max(0.0) / 1e3 / seconds]
    })
}
