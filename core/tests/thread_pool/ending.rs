//! How thread pools end: drained, in time or not, aborted, dropped; from outside and from their own threads.

use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use crate::common::{Count, Log, OnDrop, occupy};
use crate::thread_pools::{Bodies, asleep_in, fixed, started, watchdog};
use brigade::{
    AlreadyQuit, Builder, Phase, ResizeError, ShutdownError, Task, TaskError, ThreadPool, WhenFull,
};

const AT_ONCE: Duration = Duration::ZERO;

/// Every way to hand in a task gives it back, and no other call does anything.
fn takes_no_more(pool: &ThreadPool) {
    let ran = Count::new();
    pool.execute(ran.task()).unwrap_err().into_task().run();
    pool.try_execute(ran.task()).unwrap_err().into_task().run();
    pool.spawn(ran.task()).unwrap_err().into_task().run();
    let results = Log::new();
    let noted = results.clone();
    let handle = pool.spawn_with_callback(ran.task(), move |result| noted.note(result.is_ok()));
    handle.unwrap_err().into_task().run();
    assert_eq!((ran.get(), ran.holders()), (4, 1), "whole, and run");
    assert_eq!(results.take(), [true]);
    assert_eq!(pool.start(), Err(AlreadyQuit));
    assert_eq!(pool.grow(1), Err(AlreadyQuit));
    assert_eq!(pool.shrink(1), Err(AlreadyQuit));
    assert_eq!(pool.quit(), Err(AlreadyQuit));
    assert_eq!(pool.resize(1, 1), Err(ResizeError::Closed));
    assert_eq!(
        pool.resize(1, 0).map_err(|it| it == ResizeError::Closed),
        Err(false)
    );
}

#[test]
fn w2_submit_after_shutdown_hands_the_task_back_and_every_other_call_is_refused() {
    let _watchdog = watchdog();
    let pool = fixed(2);
    pool.shutdown().unwrap();
    takes_no_more(&pool);
    assert_eq!(pool.statistics().now.accepted, 0);
}

#[test]
fn w2_submit_after_abort_and_after_a_quit_while_tasks_run_hands_the_task_back() {
    let _watchdog = watchdog();
    for abort in [false, true] {
        let pool = fixed(1);
        let gate = occupy(&pool);
        if abort {
            pool.abort();
        } else {
            pool.quit().unwrap();
        }
        takes_no_more(&pool);
        drop(gate);
        pool.shutdown().unwrap();
        takes_no_more(&pool);
    }
}

#[test]
fn p4_each_way_to_stop_a_pool_from_one_of_its_own_threads_is_an_error_or_completes() {
    let _watchdog = watchdog();
    type Stop = fn(&ThreadPool) -> Option<ShutdownError>;
    let stops: [(Stop, Option<ShutdownError>); 6] = [
        (|pool| pool.shutdown().err(), Some(ShutdownError::OwnThread)),
        (
            |pool| pool.shutdown_timeout(Duration::MAX).err(),
            Some(ShutdownError::OwnThread),
        ),
        (
            |pool| pool.shutdown_timeout(AT_ONCE).err(),
            Some(ShutdownError::OwnThread),
        ),
        (
            |pool| pool.quit().err().map(|_| ShutdownError::TimedOut),
            None,
        ),
        (
            |pool| {
                pool.abort();
                None
            },
            None,
        ),
        (
            |pool| pool.wait_idle().err(),
            Some(ShutdownError::OwnThread),
        ),
    ];
    for (stop, expected) in stops {
        let pool = fixed(1);
        let inner = pool.clone();
        let stopped = pool
            .spawn(move || (stop(&inner), inner.is_own_thread()))
            .unwrap();
        assert_eq!(stopped.join().unwrap(), (expected, true));
        assert!(!pool.is_own_thread());
        pool.shutdown().unwrap();
        assert_eq!(pool.phase(), Phase::Ended);
    }
}

#[test]
fn p4_a_shutdown_in_each_hook_of_the_pools_threads_is_an_error_and_not_a_hang() {
    let _watchdog = watchdog();
    for at_start in [true, false] {
        let (answers, place) = (Log::new(), Log::<ThreadPool>::new());
        let hook = {
            let (answers, place) = (answers.clone(), place.clone());
            move || {
                for pool in place.take() {
                    answers.note(pool.shutdown().err());
                }
            }
        };
        let builder = ThreadPool::builder().sizes(1, 1);
        let builder = if at_start {
            builder.on_thread_start(move |_| hook())
        } else {
            builder.on_thread_stop(move |_| hook())
        };
        let pool = builder.build().unwrap();
        place.note(pool.clone());
        let ran = Count::new();
        pool.execute(ran.task()).unwrap();
        pool.start().unwrap();
        pool.shutdown().unwrap();
        assert_eq!(answers.take(), [Some(ShutdownError::OwnThread)]);
        assert_eq!(ran.get(), 1);
    }
}

/// A pool whose hooks shut it down, and what came of that.
fn shut_down_by(
    hook: impl FnOnce(Builder, Box<dyn Fn() + Send + Sync>) -> Builder,
) -> (ThreadPool, Log<Option<ShutdownError>>) {
    let (answers, place) = (Log::new(), Log::<ThreadPool>::new());
    let (noted, taken) = (answers.clone(), place.clone());
    let shut_down = Box::new(move || {
        for pool in taken.take() {
            noted.note(pool.shutdown().err());
        }
    });
    let builder = hook(ThreadPool::builder().sizes(0, 1), shut_down);
    let pool = builder.build().unwrap();
    place.note(pool.clone());
    (pool, answers)
}

#[test]
fn p4_a_shutdown_in_a_handler_of_a_failed_start_is_an_error_and_not_a_hang() {
    let _watchdog = watchdog();
    let (pool, answers) = shut_down_by(|builder, shut_down| {
        builder
            .start_with(|_, _| Err(std::io::Error::other("no thread today")))
            .on_start_failed(move |_| shut_down())
            .on_abandoned(drop)
    });
    pool.execute(|| ()).unwrap();
    assert_eq!(pool.start(), Ok(()));
    pool.shutdown().unwrap();
    assert_eq!(answers.take(), [Some(ShutdownError::OwnThread)]);
    // The last try of a quit fails too, and there it is the end that waits for the handler.
    let (pool, answers) = shut_down_by(|builder, shut_down| {
        builder
            .start_with(|_, _| Err(std::io::Error::other("no thread today")))
            .on_start_failed(drop)
            .on_abandoned(move |_| shut_down())
    });
    pool.start().unwrap();
    pool.execute(|| ()).unwrap();
    pool.shutdown().unwrap();
    assert_eq!(answers.take(), [Some(ShutdownError::OwnThread)]);
}

#[test]
fn p4_a_shutdown_in_a_start_policy_is_an_error_and_not_a_hang() {
    let _watchdog = watchdog();
    let (pool, answers) = shut_down_by(|builder, shut_down| {
        builder.start_with(move |info, body| {
            shut_down();
            info.start(body)
        })
    });
    let ran = Count::new();
    pool.execute(ran.task()).unwrap();
    pool.start().unwrap();
    pool.shutdown().unwrap();
    assert_eq!(answers.take(), [Some(ShutdownError::OwnThread)]);
    assert_eq!(ran.get(), 1);
}

#[test]
fn p4_two_pools_whose_tasks_shut_each_other_down_do_not_hang() {
    let _watchdog = watchdog();
    let (one, two) = (fixed(1), fixed(1));
    let (first, second) = (one.clone(), two.clone());
    let both = Arc::new(Barrier::new(2));
    let met = Arc::clone(&both);
    // Each waits for the other, and is itself waited for: only a time-out can end that.
    let stops = one.spawn(move || {
        both.wait();
        second.shutdown_timeout(Duration::from_millis(20)).err()
    });
    let stopped = two.spawn(move || {
        met.wait();
        first.shutdown().is_ok()
    });
    assert_eq!(
        stops.unwrap().join().unwrap(),
        Some(ShutdownError::TimedOut)
    );
    assert!(stopped.unwrap().join().unwrap());
    two.shutdown().unwrap();
}

#[test]
fn p5_a_second_and_a_concurrent_shutdown_are_like_the_first() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(2), Count::new());
    let gate = occupy(&pool);
    pool.execute(ran.task()).unwrap();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let pool = pool.clone();
            asleep_in(move || {
                (
                    pool.shutdown().unwrap().len(),
                    pool.statistics().now.workers(),
                )
            })
        })
        .collect();
    assert!(waiting.iter().all(|it| !it.is_finished()), "a task runs");
    drop(gate);
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), (0, 0));
    }
    assert!(pool.shutdown().unwrap().is_empty());
    assert!(pool.shutdown_timeout(AT_ONCE).unwrap().is_empty());
    assert!(pool.abort().is_empty());
    assert_eq!((ran.get(), pool.phase()), (1, Phase::Ended));
}

#[test]
fn p5_after_shutdown_every_thread_has_called_its_hooks_and_dropped_its_locals() {
    let _watchdog = watchdog();
    type Local = OnDrop<Box<dyn FnMut()>>;
    thread_local! {
        static LOCAL: std::cell::RefCell<Option<Local>> = const { std::cell::RefCell::new(None) };
    }
    let (begun, ended, locals) = (Count::new(), Count::new(), Count::new());
    let (begins, ends) = (begun.clone(), ended.clone());
    let builder = ThreadPool::builder()
        .sizes(4, 4)
        .on_thread_start(move |_| {
            begins.one_more();
        })
        .on_thread_stop(move |_| {
            ends.one_more();
        });
    let pool = started(builder);
    let all = Arc::new(Barrier::new(4));
    for _ in 0..4 {
        let (all, locals) = (Arc::clone(&all), locals.clone());
        let task = move || {
            let dropped: Box<dyn FnMut()> = Box::new(move || {
                locals.one_more();
            });
            LOCAL.with(|local| *local.borrow_mut() = Some(OnDrop(dropped)));
            all.wait();
        };
        pool.execute(task).unwrap();
    }
    pool.shutdown().unwrap();
    assert_eq!((begun.get(), ended.get(), locals.get()), (4, 4, 4));
    let now = pool.statistics();
    assert_eq!((now.made, now.gone, now.now.workers()), (4, 4, 0));
}

#[test]
fn start_after_stop_is_refused_and_makes_no_thread() {
    let _watchdog = watchdog();
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().start_with(bodies.keep());
    let pool = builder.build().unwrap();
    assert!(pool.shutdown().unwrap().is_empty());
    assert_eq!(pool.start(), Err(AlreadyQuit));
    assert_eq!((bodies.kept(), pool.phase()), (0, Phase::Ended));
}

#[test]
fn a_second_start_changes_nothing() {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(2, 3).start_with(bodies.keep());
    let pool = builder.build().unwrap();
    assert_eq!(bodies.kept(), 0, "it has not started");
    pool.start().unwrap();
    pool.start().unwrap();
    assert_eq!(bodies.kept(), 2);
    pool.quit().unwrap();
    bodies.run();
}

#[test]
fn w1_a_pool_that_never_started_gives_its_backlog_back_in_order() {
    let _watchdog = watchdog();
    let (pool, log) = (ThreadPool::builder().build().unwrap(), Log::new());
    for n in 0..3 {
        pool.execute(log.task(n)).unwrap();
    }
    let returned = pool.shutdown().unwrap();
    assert_eq!((returned.len(), log.len()), (3, 0));
    returned.into_iter().for_each(Task::run);
    assert_eq!(log.take(), [0, 1, 2]);
    let now = pool.statistics().now;
    assert_eq!((now.accepted, now.returned, now.done), (3, 3, 0));
    assert!(pool.shutdown().unwrap().is_empty());
}

#[test]
fn p4_a_shutdown_that_times_out_leaves_the_pool_draining_and_one_later_completes() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(1), Count::new());
    let gate = occupy(&pool);
    pool.execute(ran.task()).unwrap();
    for patience in [AT_ONCE, Duration::from_millis(5)] {
        let error = pool.shutdown_timeout(patience).unwrap_err();
        assert_eq!(
            (error, pool.phase()),
            (ShutdownError::TimedOut, Phase::Draining)
        );
    }
    takes_no_more(&pool);
    drop(gate);
    pool.shutdown_timeout(Duration::MAX).unwrap();
    assert_eq!((ran.get(), pool.phase()), (1, Phase::Ended));
}

#[test]
fn p4_a_shutdown_that_times_out_can_be_followed_by_an_abort() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(1), Count::new());
    let gate = occupy(&pool);
    pool.execute(ran.task()).unwrap();
    let error = pool.shutdown_timeout(AT_ONCE).unwrap_err();
    assert_eq!(error, ShutdownError::TimedOut);
    let returned = pool.abort();
    assert_eq!((returned.len(), pool.phase()), (1, Phase::Aborted));
    drop(gate);
    pool.shutdown().unwrap();
    assert_eq!((ran.get(), pool.phase()), (0, Phase::Ended));
}

#[test]
fn p4_a_shutdown_with_a_time_out_is_in_time_while_another_waits_for_a_thread_that_does_not_leave() {
    let _watchdog = watchdog();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let (stops, has_stopped) = mpsc::channel();
    let (may_go_on, stops) = (
        std::sync::Mutex::new(may_go_on),
        std::sync::Mutex::new(stops),
    );
    let pool = started(ThreadPool::builder().sizes(1, 1).on_thread_stop(move |_| {
        stops.lock().unwrap().send(()).unwrap();
        let _ = may_go_on.lock().unwrap().recv();
    }));
    pool.quit().unwrap();
    has_stopped.recv().unwrap();
    let waits = asleep_in({
        let pool = pool.clone();
        move || pool.shutdown().unwrap().len()
    });
    let answer = pool.shutdown_timeout(Duration::from_millis(5)).unwrap_err();
    assert_eq!(answer, ShutdownError::TimedOut);
    assert!(!waits.is_finished());
    drop(go_on);
    assert_eq!(waits.join().unwrap(), 0);
    pool.shutdown_timeout(Duration::MAX).unwrap();
}

#[test]
fn w1_abort_before_the_start_gives_everything_back() {
    let _watchdog = watchdog();
    let (pool, ran) = (ThreadPool::builder().build().unwrap(), Count::new());
    pool.execute(ran.task()).unwrap();
    let handle = pool.spawn(|| 7).unwrap();
    let mut returned = pool.abort();
    assert_eq!(
        (returned.len(), pool.phase()),
        (2, Phase::Ended),
        "nothing runs"
    );
    assert!(
        !handle.is_finished() && !handle.cancel(),
        "it is the caller's"
    );
    returned.pop().unwrap().run();
    assert_eq!(handle.join().unwrap(), 7);
    drop(returned);
    assert_eq!((ran.get(), ran.holders()), (0, 1));
    assert!(pool.abort().is_empty());
    pool.shutdown().unwrap();
}

#[test]
fn w1_abort_while_tasks_run_gives_back_what_waits_and_lets_the_others_end() {
    let _watchdog = watchdog();
    let (pool, log) = (fixed(1), Log::new());
    let gate = occupy(&pool);
    for n in 0..3 {
        pool.execute(log.task(n)).unwrap();
    }
    let waits = pool.spawn(|| ()).unwrap();
    let mut returned = pool.abort();
    assert_eq!((returned.len(), pool.phase()), (4, Phase::Aborted));
    let now = pool.statistics().now;
    assert_eq!((now.busy, now.returned, now.backlogged), (1, 4, 0));
    assert!(pool.abort().is_empty(), "twice");
    drop(returned.pop());
    assert!(matches!(waits.join(), Err(TaskError::Closed)));
    returned.into_iter().for_each(Task::run);
    assert_eq!(log.take(), [0, 1, 2]);
    drop(gate);
    pool.shutdown().unwrap();
    let now = pool.statistics().now;
    assert_eq!((now.done, now.returned, pool.phase()), (1, 4, Phase::Ended));
    assert!(pool.abort().is_empty(), "after the end");
    assert_eq!(pool.phase(), Phase::Ended);
}

#[test]
fn w1_abort_after_a_quit_gives_back_what_still_waits() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(1), Count::new());
    let gate = occupy(&pool);
    pool.execute(ran.task()).unwrap();
    pool.quit().unwrap();
    assert_eq!(pool.phase(), Phase::Draining);
    assert_eq!(pool.abort().len(), 1);
    drop(gate);
    pool.shutdown().unwrap();
    assert_eq!(ran.get(), 0);
}

#[test]
fn w9_tasks_given_back_may_call_the_pool_when_they_are_dropped() {
    let _watchdog = watchdog();
    let (pool, refused) = (fixed(1), Count::new());
    let gate = occupy(&pool);
    let (inner, counted) = (pool.clone(), refused.clone());
    let capture = OnDrop(move || {
        if inner.execute(|| ()).is_err() && inner.abort().is_empty() {
            counted.one_more();
        }
    });
    pool.execute(move || drop(capture)).unwrap();
    drop(pool.abort());
    assert_eq!(refused.get(), 1);
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn p6_a_pool_dropped_without_shutdown_waits_for_nothing_and_runs_what_it_took() {
    let _watchdog = watchdog();
    let (ended, has_ended) = mpsc::channel();
    let ended = std::sync::Mutex::new(ended);
    let hook = move |_: &brigade::ThreadInfo| ended.lock().unwrap().send(()).unwrap();
    let pool = started(ThreadPool::builder().sizes(1, 1).on_thread_stop(hook));
    let (gate, ran) = (occupy(&pool), Count::new());
    let handle = pool.spawn(ran.task()).unwrap();
    drop(pool); // while a task runs
    assert!(!handle.is_finished());
    drop(gate);
    handle.join().unwrap();
    has_ended.recv().unwrap();
    assert_eq!((ran.get(), ran.holders()), (1, 1));
}

#[test]
fn p6_a_pool_dropped_on_its_own_thread_ends() {
    let _watchdog = watchdog();
    let (ended, has_ended) = mpsc::channel();
    let ended = std::sync::Mutex::new(ended);
    let hook = move |_: &brigade::ThreadInfo| ended.lock().unwrap().send(()).unwrap();
    let pool = started(ThreadPool::builder().sizes(2, 2).on_thread_stop(hook));
    let (inner, (go_on, may_go_on)) = (pool.clone(), mpsc::channel::<()>());
    let last = move || {
        let _ = may_go_on.recv();
        drop(inner);
    };
    pool.execute(last).unwrap();
    drop(pool);
    drop(go_on);
    has_ended.recv().unwrap();
    has_ended.recv().unwrap();
}

#[test]
fn p6_a_pool_dropped_before_it_started_gives_what_it_took_to_the_owner() {
    let _watchdog = watchdog();
    let (abandoned, ran) = (Log::new(), Count::new());
    let given = abandoned.clone();
    let pool = ThreadPool::builder().on_abandoned(move |task| given.note(task));
    let pool = pool.build().unwrap();
    pool.execute(ran.task()).unwrap();
    drop(pool);
    abandoned.take().into_iter().for_each(Task::run);
    assert_eq!((ran.get(), ran.holders()), (1, 1));
}

#[test]
fn wait_idle_waits_for_what_runs_and_what_waits_and_the_pool_goes_on() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(1), Count::new());
    pool.wait_idle().unwrap();
    let gate = occupy(&pool);
    pool.execute(ran.task()).unwrap();
    let waiting: Vec<_> = (0..2)
        .map(|_| {
            let (pool, ran) = (pool.clone(), ran.clone());
            asleep_in(move || {
                pool.wait_idle().unwrap();
                ran.get()
            })
        })
        .collect();
    assert!(waiting.iter().all(|it| !it.is_finished()));
    drop(gate);
    for thread in waiting {
        assert_eq!(thread.join().unwrap(), 1);
    }
    pool.execute(ran.task()).unwrap();
    pool.wait_idle().unwrap();
    assert_eq!((ran.get(), pool.phase()), (2, Phase::Running));
    pool.shutdown().unwrap();
    pool.wait_idle().unwrap();
}

#[test]
fn wait_idle_ends_when_the_last_task_is_cancelled_or_given_back() {
    let _watchdog = watchdog();
    for abort in [false, true] {
        let builder = ThreadPool::builder().sizes(1, 1);
        let pool = builder.bound(9, WhenFull::Refuse).build().unwrap();
        let handle = pool.spawn(|| ()).unwrap();
        let waits = asleep_in({
            let pool = pool.clone();
            move || pool.wait_idle()
        });
        assert!(!waits.is_finished(), "it has not started");
        let returned = if abort {
            pool.abort().len()
        } else {
            usize::from(handle.cancel())
        };
        assert_eq!(returned, 1);
        waits.join().unwrap().unwrap();
        pool.shutdown().unwrap();
    }
}

#[test]
fn t10_when_a_pool_has_been_shut_down_all_that_its_owner_gave_is_dropped() {
    let _watchdog = watchdog();
    let held = Count::new();
    let holds: [Count; 7] = std::array::from_fn(|_| held.clone());
    let [start, stop, panics, failed, abandoned, policy, context] = holds;
    let builder = ThreadPool::builder()
        .sizes(2, 2)
        .on_thread_start(move |_| {
            start.get();
        })
        .on_thread_stop(move |_| {
            stop.get();
        })
        .on_panic(move |_| {
            panics.get();
        })
        .on_start_failed(move |_| {
            failed.get();
        })
        .on_abandoned(move |_| {
            abandoned.get();
        })
        .start_with(move |info, body| {
            policy.get();
            info.start(body)
        })
        .context(move || {
            context.get();
            |task: Task| task.run()
        });
    let pool = started(builder);
    let handle = pool.spawn(|| ()).unwrap();
    handle.join().unwrap();
    pool.shutdown().unwrap();
    let at_end = held.holders();
    drop(pool);
    assert_eq!(held.holders(), 1);
    assert!(
        at_end <= 4,
        "threads and their hooks are gone before: {at_end}"
    );
}
