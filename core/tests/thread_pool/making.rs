//! Thread pools: how they are made, their sizes, and their threads: names, hooks, losses, time-outs.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use crate::common::{Count, Failure, Log, fail, message, occupy};
use crate::thread_pools::{Bodies, fixed, started, until, watchdog};
use brigade::{BuildError, Builder, Phase, ResizeError, Task, Thread, ThreadPool, WhenFull};

/// A pool that cannot be made says why, and the same sizes are refused to one that exists.
fn no_such_sizes(min: usize, max: usize, why: BuildError, text: &str) {
    let error = ThreadPool::builder().sizes(min, max).build().unwrap_err();
    assert_eq!((error, error.to_string().as_str()), (why, text));
    let pool = fixed(1);
    let error = pool.resize(min, max).unwrap_err();
    assert_eq!(
        (error, error.to_string().as_str()),
        (ResizeError::Sizes(why), text)
    );
    assert_eq!(pool.statistics().sizes, (1, 1), "as before");
    pool.shutdown().unwrap();
}

#[test]
fn a_minimum_over_the_maximum_is_an_error_when_built_and_when_resized() {
    let why = BuildError::MinOverMax { min: 3, max: 2 };
    no_such_sizes(
        3,
        2,
        why,
        "the minimum of 3 threads is over the maximum of 2",
    );
}

#[test]
fn a_maximum_of_no_threads_is_an_error_when_built_and_when_resized() {
    let text = "a thread pool needs a maximum of at least one thread";
    no_such_sizes(0, 0, BuildError::NoThreads, text);
    no_such_sizes(1, 0, BuildError::NoThreads, text);
}

#[test]
fn an_absurd_minimum_is_an_error_when_built_and_when_resized() {
    let (most, more) = (usize::MAX, (1 << 20) + 1);
    for min in [more, most] {
        let text = format!("a minimum of {min} threads is more than can be started");
        no_such_sizes(min, most, BuildError::TooManyThreads(min), &text);
    }
}

#[test]
fn each_other_thing_that_no_pool_can_have_is_an_error_that_says_so() {
    fn says(text: &str, is: BuildError, change: impl FnOnce(Builder) -> Builder) {
        let error = change(ThreadPool::builder()).build().unwrap_err();
        assert_eq!((error, error.to_string().as_str()), (is, text));
    }
    let second = Duration::from_secs(1);
    let rate = "a creation rate needs at least one thread in a time that is not zero";
    says(rate, BuildError::NoRate, |it| it.creation_rate(0, second));
    says(rate, BuildError::NoRate, |it| {
        it.creation_rate(1, Duration::ZERO)
    });
    let room = "a bounded backlog needs room for at least one task";
    says(room, BuildError::NoRoom, |it| it.bound(0, WhenFull::Refuse));
    let name = "a thread's name must not have a zero byte in it";
    says(name, BuildError::ZeroInName, |it| it.name("po\0l"));
}

#[test]
fn a_new_pool_has_the_originals_sizes_and_has_started() {
    let pool = ThreadPool::new();
    let now = pool.statistics();
    assert_eq!((now.sizes, now.now.workers()), ((5, 20), 5));
    let unstarted = ThreadPool::builder().build().unwrap().statistics();
    assert_eq!((unstarted.sizes, unstarted.made), ((5, 20), 0));
    pool.shutdown().unwrap();
}

#[test]
fn a_stack_that_cannot_be_had_is_a_failed_start_and_loses_nothing() {
    let _watchdog = watchdog();
    let (failures, abandoned) = (Log::new(), Log::new());
    let (failed, given) = (failures.clone(), abandoned.clone());
    let builder = ThreadPool::builder()
        .sizes(0, 1)
        .stack_size(usize::MAX / 2)
        .on_start_failed(move |it| failed.note((it.waiting, it.workers)))
        .on_abandoned(move |task| given.note(task));
    let (pool, ran) = (started(builder), Count::new());
    pool.execute(ran.task()).unwrap();
    assert_eq!(failures.take(), [(1, 0)]);
    pool.shutdown().unwrap();
    abandoned.take().into_iter().for_each(Task::run);
    assert_eq!(ran.get(), 1);
    assert_eq!(pool.statistics().made, 0);
}

#[test]
fn no_maximum_and_no_minimum_are_sizes_like_others() {
    let _watchdog = watchdog();
    let pool = started(ThreadPool::builder().sizes(0, usize::MAX));
    assert_eq!(pool.statistics().now.workers(), 0);
    let all = Arc::new(Barrier::new(10));
    for _ in 0..10 {
        let all = Arc::clone(&all);
        let meet = move || {
            all.wait();
        };
        pool.execute(meet).unwrap();
    }
    pool.wait_idle().unwrap();
    let now = pool.statistics();
    assert_eq!((now.now.workers(), now.most_threads), (10, 10));
    assert!(now.to_string().contains("0 to any number of threads"));
    pool.shutdown().unwrap();
}

#[test]
fn p1_a_pool_makes_its_minimum_at_the_start_and_no_more_than_its_maximum() {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(2, 4).start_with(bodies.keep());
    let pool = builder.build().unwrap();
    for _ in 0..9 {
        pool.execute(|| ()).unwrap();
    }
    assert_eq!((bodies.kept(), pool.statistics().now.backlogged), (0, 9));
    pool.start().unwrap();
    assert_eq!((bodies.kept(), pool.statistics().now.backlogged), (4, 5));
    pool.grow(usize::MAX).unwrap();
    pool.execute(|| ()).unwrap();
    assert_eq!(bodies.kept(), 4);
    pool.quit().unwrap();
    bodies.run();
    assert_eq!(
        (pool.statistics().now.done, pool.phase()),
        (10, Phase::Ended)
    );
}

#[test]
fn p1_resizing_to_the_same_sizes_does_nothing_and_the_last_of_several_counts() {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(2, 4).start_with(bodies.keep());
    let pool = started(builder);
    pool.resize(2, 4).unwrap();
    assert_eq!(bodies.kept(), 2);
    pool.resize(1, 1).unwrap();
    let now = pool.statistics();
    assert_eq!((now.now.idle, now.now.leaving, now.sizes), (1, 1, (1, 1)));
    pool.resize(3, 9).unwrap();
    let now = pool.statistics();
    assert_eq!((bodies.kept(), now.now.idle, now.sizes), (4, 3, (3, 9)));
    pool.quit().unwrap();
    bodies.run();
    assert_eq!((pool.statistics().made, pool.statistics().gone), (4, 4));
}

#[test]
fn t5_grow_and_shrink_stay_within_the_sizes() {
    let _watchdog = watchdog();
    let pool = started(ThreadPool::builder().sizes(2, 5));
    pool.grow(1).unwrap();
    assert_eq!(pool.statistics().now.workers(), 3);
    pool.grow(usize::MAX).unwrap();
    assert_eq!(pool.statistics().now.workers(), 5);
    pool.shrink(1).unwrap();
    until(|| pool.statistics().now.workers() == 4);
    pool.shrink(usize::MAX).unwrap();
    until(|| pool.statistics().now.workers() == 2);
    pool.shutdown().unwrap();
}

#[test]
fn names_of_threads_are_unique_and_numbers_are_never_given_twice() {
    let _watchdog = watchdog();
    let (seen, told) = (Log::new(), Log::new());
    let noted = told.clone();
    let builder = ThreadPool::builder()
        .sizes(0, 4)
        .name("crew")
        .stack_size(256 * 1024)
        .on_thread_start(move |info| {
            assert_eq!(std::thread::current().name(), Some(info.name()));
            assert_eq!(info.stack_size(), Some(256 * 1024));
            noted.note((info.number(), info.to_string()));
        });
    let pool = started(builder);
    for round in 1..=5 {
        let all = Arc::new(Barrier::new(4));
        for _ in 0..4 {
            let (all, seen) = (Arc::clone(&all), seen.clone());
            let task = move || {
                seen.note(std::thread::current().name().unwrap().to_owned());
                all.wait();
            };
            pool.execute(task).unwrap();
        }
        pool.wait_idle().unwrap();
        pool.shrink(usize::MAX).unwrap();
        until(|| pool.statistics().gone == round * 4);
    }
    pool.shutdown().unwrap();
    let names: BTreeSet<_> = seen.take().into_iter().collect();
    let expected: BTreeSet<_> = (1..=20).map(|n| format!("crew-{n}")).collect();
    assert_eq!(names, expected);
    let told: BTreeSet<_> = told.take().into_iter().collect();
    let expected: BTreeSet<_> = (1..=20).map(|n| (n, format!("crew-{n}"))).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_failed_start_uses_a_number_up_and_no_thread_has_it() {
    let _watchdog = watchdog();
    let tries = Count::new();
    let builder = ThreadPool::builder()
        .sizes(0, 1)
        .on_start_failed(drop)
        .start_with(move |info, body| {
            if tries.one_more() == 0 {
                return Err(io::Error::other("no thread today"));
            }
            info.start(body)
        });
    let pool = started(builder);
    let name = || std::thread::current().name().map(str::to_owned);
    let first = pool.spawn(name).unwrap();
    let second = pool.spawn(name).unwrap();
    for handle in [first, second] {
        assert_eq!(handle.join().unwrap().as_deref(), Some("pool-2"));
    }
    pool.shutdown().unwrap();
    assert_eq!((pool.statistics().made, pool.statistics().gone), (1, 1));
}

#[test]
fn hooks_add_up_and_run_on_their_thread_before_its_first_and_after_its_last_task() {
    let _watchdog = watchdog();
    let log = Log::new();
    let hook = |what: &'static str| {
        let log = log.clone();
        move |_: &brigade::ThreadInfo| log.note((what, std::thread::current().id()))
    };
    let builder = ThreadPool::builder().sizes(1, 1);
    let builder = builder
        .on_thread_start(hook("one"))
        .on_thread_start(hook("two"));
    let builder = builder
        .on_thread_stop(hook("three"))
        .on_thread_stop(hook("four"));
    let pool = started(builder);
    let noted = log.clone();
    pool.execute(move || noted.note(("task", std::thread::current().id())))
        .unwrap();
    pool.shutdown().unwrap();
    let (what, threads): (Vec<_>, BTreeSet<_>) = {
        let log = log.take();
        let threads = log
            .iter()
            .map(|(_, thread)| format!("{thread:?}"))
            .collect();
        (log.into_iter().map(|(what, _)| what).collect(), threads)
    };
    assert_eq!(what, ["one", "two", "task", "three", "four"]);
    assert_eq!(threads.len(), 1);
}

#[test]
fn w8_a_stop_hook_that_panics_is_told_and_keeps_no_other_from_being_called() {
    let _watchdog = watchdog();
    let (panics, stops) = (Log::new(), Count::new());
    let (noted, counted) = (panics.clone(), stops.clone());
    let builder = ThreadPool::builder()
        .sizes(1, 1)
        .on_thread_stop(|_| fail("a stop hook"))
        .on_thread_stop(move |_| {
            counted.one_more();
        })
        .on_panic(move |payload| noted.note(message(&payload)));
    let pool = started(builder);
    pool.shutdown().unwrap();
    assert_eq!(panics.take(), ["a stop hook"]);
    assert_eq!(stops.get(), 1);
}

/// A pool whose first so many threads are lost, of one thread, and what it tells of.
struct Losing {
    pool: ThreadPool,
    panics: Log<String>,
    failures: Log<Failure>,
    starts: Count,
}

fn losing(min: usize, losses: usize, in_the_hook: bool) -> Losing {
    let (panics, failures) = (Log::new(), Log::new());
    let (noted, failed) = (panics.clone(), failures.clone());
    let (starts, begins) = (Count::new(), Count::new());
    let counted = starts.clone();
    let builder = ThreadPool::builder()
        .sizes(min, 1)
        .on_panic(move |payload| noted.note(message(&payload)))
        .on_start_failed(move |it| {
            failed.note(Failure::new(&it.error.to_string(), it.waiting, it.workers));
        })
        .on_thread_start(move |_| {
            if in_the_hook && begins.one_more() < losses {
                fail("a start hook");
            }
        })
        .start_with(move |info, body| {
            if !in_the_hook && counted.get() < losses {
                counted.one_more();
                drop(body);
                return Ok(Thread::detached());
            }
            counted.one_more();
            info.start(body)
        });
    Losing {
        pool: builder.build().unwrap(),
        panics,
        failures,
        starts,
    }
}

const LOST: &str = "a worker refused or dropped its task before any new worker had finished one";

#[test]
fn t8_a_thread_whose_start_hook_panics_is_reported_and_replaced_at_the_next_step() {
    let _watchdog = watchdog();
    let Losing {
        pool,
        panics,
        failures,
        starts,
    } = losing(0, 1, true);
    let ran = Count::new();
    pool.start().unwrap();
    pool.execute(ran.task()).unwrap();
    until(|| failures.len() > 0);
    assert_eq!(
        (panics.take(), ran.get()),
        (vec!["a start hook".to_owned()], 0)
    );
    assert_eq!(failures.take(), [Failure::new(LOST, 1, 0)]);
    pool.execute(ran.task()).unwrap();
    pool.wait_idle().unwrap();
    assert_eq!((ran.get(), starts.get()), (2, 2));
    pool.shutdown().unwrap();
    assert_eq!((panics.len(), failures.len()), (0, 0));
    assert_eq!((pool.statistics().made, pool.statistics().gone), (2, 2));
}

#[test]
fn t8_a_thread_of_the_minimum_that_is_lost_is_replaced_at_the_next_step() {
    let _watchdog = watchdog();
    for in_the_hook in [true, false] {
        let Losing {
            pool,
            failures,
            starts,
            ..
        } = losing(1, 1, in_the_hook);
        pool.start().unwrap();
        until(|| failures.len() > 0);
        assert_eq!(failures.take(), [Failure::new(LOST, 0, 0)]);
        pool.grow(0).unwrap();
        assert_eq!((starts.get(), pool.statistics().now.workers()), (2, 1));
        pool.shutdown().unwrap();
    }
}

#[test]
fn t8_a_body_dropped_by_the_start_policy_is_reported_and_replaced_at_the_next_step() {
    let _watchdog = watchdog();
    let Losing {
        pool,
        failures,
        starts,
        ..
    } = losing(0, 1, false);
    let ran = Count::new();
    pool.start().unwrap();
    pool.execute(ran.task()).unwrap();
    assert_eq!(failures.take(), [Failure::new(LOST, 1, 0)]);
    assert_eq!((starts.get(), ran.get()), (1, 0));
    pool.execute(ran.task()).unwrap();
    pool.wait_idle().unwrap();
    pool.shutdown().unwrap();
    assert_eq!((ran.get(), starts.get()), (2, 2));
    assert_eq!((pool.statistics().made, pool.statistics().gone), (2, 2));
}

#[test]
fn t8_a_pool_whose_threads_are_all_lost_ends_and_gives_its_work_to_the_owner() {
    let _watchdog = watchdog();
    for in_the_hook in [true, false] {
        let losing = losing(1, usize::MAX, in_the_hook);
        losing.pool.start().unwrap();
        losing.pool.execute(|| ()).unwrap();
        losing.pool.shutdown().unwrap();
        let now = losing.pool.statistics();
        assert_eq!((now.now.abandoned, now.now.workers()), (1, 0));
        assert_eq!(now.made, now.gone);
    }
}

#[test]
fn t8_a_body_dropped_later_is_a_thread_gone_and_its_task_goes_to_another() {
    let _watchdog = watchdog();
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(2, 2).start_with(bodies.keep());
    let pool = started(builder.on_start_failed(drop));
    let ran = Count::new();
    pool.execute(ran.task()).unwrap();
    pool.execute(ran.task()).unwrap();
    drop(bodies.take());
    pool.quit().unwrap();
    bodies.run();
    pool.shutdown().unwrap();
    assert_eq!((ran.get(), pool.phase()), (2, Phase::Ended));
    let now = pool.statistics();
    assert_eq!(now.made, now.gone);
}

const SOON: Duration = Duration::from_millis(5);

#[test]
fn an_idle_thread_above_the_minimum_leaves_in_time_and_is_made_anew_on_demand() {
    let _watchdog = watchdog();
    let builder = ThreadPool::builder().sizes(1, 3).idle_timeout(SOON);
    let pool = started(builder);
    for round in 1..=3 {
        let gates: Vec<_> = (0..3).map(|_| occupy(&pool)).collect();
        assert_eq!(pool.statistics().now.workers(), 3);
        drop(gates);
        until(|| pool.statistics().gone == round * 2);
        let now = pool.statistics();
        assert_eq!((now.now.workers(), now.made), (1, 1 + round * 2));
    }
    pool.shutdown().unwrap();
}

#[test]
fn an_idle_thread_of_the_minimum_never_leaves_unless_the_minimum_is_lowered() {
    let _watchdog = watchdog();
    let (left, has_left) = mpsc::channel();
    let left = std::sync::Mutex::new(left);
    let builder = ThreadPool::builder()
        .sizes(2, 3)
        .idle_timeout(SOON)
        .on_thread_stop(move |info| left.lock().unwrap().send(info.number()).unwrap());
    let pool = started(builder);
    // Nothing to wait for but the time: that of twenty time-outs.
    assert!(has_left.recv_timeout(SOON * 20).is_err());
    pool.resize(0, 3).unwrap();
    let numbers: BTreeSet<_> = (0..2).map(|_| has_left.recv().unwrap()).collect();
    assert_eq!(numbers, BTreeSet::from([1, 2]));
    until(|| pool.statistics().now.workers() == 0);
    assert_eq!(pool.spawn(|| 5).unwrap().join().unwrap(), 5);
    pool.shutdown().unwrap();
}

#[test]
fn a_busy_thread_does_not_leave_however_short_the_time_out() {
    let _watchdog = watchdog();
    let pool = started(
        ThreadPool::builder()
            .sizes(0, 1)
            .idle_timeout(Duration::ZERO),
    );
    let gate = occupy(&pool);
    // Nothing to wait for but the time.
    std::thread::sleep(SOON);
    assert_eq!(pool.statistics().gone, 0);
    drop(gate);
    until(|| pool.statistics().gone == 1);
    pool.shutdown().unwrap();
}

/// How many ticks of a processor, of 10 ms, the thread of that name has had.
#[cfg(target_os = "linux")]
fn ticks_of(thread: &str) -> Option<usize> {
    for task in std::fs::read_dir("/proc/self/task").ok()? {
        let path = task.ok()?.path();
        let read = |file| std::fs::read_to_string(path.join(file)).unwrap_or_default();
        if read("comm").trim() == thread {
            let stat = read("stat");
            // Those behind the name, which is in brackets.
            let fields: Vec<_> = stat.rsplit(')').next()?.split_whitespace().collect();
            let ticks = |n: usize| fields.get(n)?.parse::<usize>().ok();
            return Some(ticks(11)? + ticks(12)?);
        }
    }
    None
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_time_out_of_zero_does_not_keep_the_threads_of_the_minimum_busy() {
    let _watchdog = watchdog();
    let builder = ThreadPool::builder().sizes(1, 1).name("zero-idle");
    let pool = started(builder.idle_timeout(Duration::ZERO));
    pool.spawn(|| ()).unwrap().join().unwrap();
    let before = ticks_of("zero-idle-1").unwrap();
    // Nothing to wait for but the time.
    std::thread::sleep(Duration::from_millis(300));
    let used = ticks_of("zero-idle-1").unwrap() - before;
    assert!(used <= 3, "{used} ticks of 30");
    pool.shutdown().unwrap();
}
