//! Pools given limits, start policies and coordinators that fail: each test says what comes of it.

use std::io;
use std::sync::{Arc, Barrier, mpsc};

use crate::common::{
    Count, Failure, Log, Reports, Threads, fail, fail_twice, occupy, team_of_threads,
};
use brigade::{Body, Pool, Thread, ThreadWorker, memory_worker, pool, pool_with, start_thread};

/// A pool whose thread of this number (from 0) cannot be started.
fn failing(nth: usize, reports: &Reports) -> (Pool, Threads) {
    let (threads, starts) = (Threads::new(), Count::new());
    let start = threads.start();
    let start = move |body: Body| {
        if starts.one_more() == nth {
            return Err(io::Error::other("no thread today"));
        }
        start(body)
    };
    let pool = pool_with(|| 2, start, reports.handlers());
    (pool, threads)
}

#[test]
fn t8_a_first_thread_that_cannot_start_is_reported_and_tried_again_at_the_next_step() {
    let (reports, log) = (Reports::new(), Log::new());
    let (pool, threads) = failing(0, &reports);
    pool.execute(log.task(1)).unwrap();
    assert_eq!(
        reports.failures.take(),
        [Failure::new("no thread today", 1, 0)],
        "with the number of tasks that wait for nobody"
    );
    assert_eq!(pool.statistics().backlogged, 1);
    pool.limit_raised().unwrap();
    assert_eq!(threads.started(), 1);
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!(log.take(), [1]);
    assert!(reports.is_empty());
}

#[test]
fn t8_a_later_thread_that_cannot_start_is_tried_again_when_a_task_ends() {
    let reports = Reports::new();
    let (pool, threads) = failing(1, &reports);
    let first = occupy(&pool);
    let barrier = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let barrier = Arc::clone(&barrier);
        pool.execute(move || {
            barrier.wait(); // needs both threads
        })
        .unwrap();
        if threads.started() == 1 {
            let failure = Failure::new("no thread today", 1, 1);
            assert_eq!(reports.failures.take(), [failure]);
        }
    }
    drop(first);
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!(pool.statistics().done, 3);
    assert!(reports.is_empty());
}

#[test]
fn t8_a_thread_that_cannot_start_before_the_quit_is_tried_once_more_at_it() {
    let (reports, ran) = (Reports::new(), Count::new());
    let (pool, threads) = failing(0, &reports);
    pool.execute(ran.task()).unwrap();
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!((ran.get(), reports.abandoned.len()), (1, 0));
}

#[test]
fn t7_threads_that_can_never_start_leave_the_work_to_the_owner() {
    let (reports, ran) = (Reports::new(), Count::new());
    let start = |_| Err(io::Error::other("never"));
    let pool = pool_with(|| 2, start, reports.handlers());
    for _ in 0..3 {
        pool.execute(ran.task()).unwrap();
    }
    pool.quit().unwrap();
    let abandoned = reports.abandoned.take();
    assert_eq!((abandoned.len(), pool.statistics().abandoned), (3, 3));
    assert!(reports.failures.len() >= 3);
    drop(abandoned);
    assert_eq!((ran.get(), ran.holders()), (0, 1));
}

#[test]
fn w8_a_limit_that_panics_is_reported_and_tried_again_at_the_next_step() {
    for fails in [|| fail("a limit"), || fail_twice()] {
        let (threads, reports, asked) = (Threads::new(), Reports::new(), Count::new());
        let limit = move || if asked.one_more() == 0 { fails() } else { 1 };
        let pool = pool_with(limit, threads.start(), reports.handlers());
        let ran = Count::new();
        pool.execute(ran.task()).unwrap();
        assert_eq!((reports.failures.take().len(), threads.started()), (1, 0));
        pool.execute(ran.task()).unwrap();
        pool.quit().unwrap();
        threads.join_all();
        assert_eq!(ran.get(), 2);
    }
}

#[test]
fn w8_a_start_policy_that_panics_is_reported_and_tried_again_at_the_next_step() {
    let (threads, reports, starts) = (Threads::new(), Reports::new(), Count::new());
    let start = threads.start();
    let start = move |body: Body| match starts.one_more() {
        0 => fail("a start"),
        _ => start(body),
    };
    let pool = pool_with(|| 1, start, reports.handlers());
    let ran = Count::new();
    pool.execute(ran.task()).unwrap();
    let failure = reports.failures.take().remove(0);
    assert_eq!(failure.error, "the worker factory panicked: a start");
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!(ran.get(), 1);
}

#[test]
fn t8_a_start_policy_that_drops_the_body_is_reported_and_its_task_goes_to_another_thread() {
    let (threads, reports, starts) = (Threads::new(), Reports::new(), Count::new());
    let start = threads.start();
    let start = move |body: Body| match starts.one_more() {
        0 => {
            drop(body);
            Ok(Thread::detached())
        }
        _ => start(body),
    };
    let pool = pool_with(|| 1, start, reports.handlers());
    let log = Log::new();
    pool.execute(log.task("first")).unwrap();
    assert_eq!(reports.failures.take().len(), 1);
    pool.execute(log.task("second")).unwrap();
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!(log.take(), ["first", "second"]);
}

#[test]
fn t8_a_body_run_by_hand_later_does_what_was_assigned_meanwhile() {
    let (bodies, ran) = (Log::new(), Count::new());
    let kept = bodies.clone();
    let start = move |body: Body| {
        kept.note(body);
        Ok(Thread::detached())
    };
    let pool = pool(|| 1, start);
    for _ in 0..3 {
        pool.execute(ran.task()).unwrap();
    }
    pool.quit().unwrap();
    assert_eq!((ran.get(), pool.statistics().busy), (0, 1));
    for body in bodies.take() {
        body.run();
    }
    assert_eq!((ran.get(), pool.statistics().workers()), (3, 0));
}

#[test]
fn t8_a_thread_that_dies_outside_all_tasks_is_replaced() {
    // The policy runs the body of its first thread under a name, and then that thread's end is the
    // drop of a body that was never run.
    let (threads, reports, starts) = (Threads::new(), Reports::new(), Count::new());
    let start = threads.start();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let may_go_on = std::sync::Mutex::new(Some(may_go_on));
    let (died, has_died) = mpsc::channel();
    let start = move |body: Body| {
        if starts.one_more() > 0 {
            return start(body);
        }
        let (may_go_on, died) = (may_go_on.lock().unwrap().take(), died.clone());
        std::thread::Builder::new().spawn(move || {
            may_go_on.unwrap().recv().unwrap();
            drop(body);
            died.send(()).unwrap();
        })?;
        Ok(Thread::detached())
    };
    let pool = pool_with(|| 1, start, reports.handlers());
    let ran = Count::new();
    for _ in 0..3 {
        pool.execute(ran.task()).unwrap();
    }
    go_on.send(()).unwrap();
    has_died.recv().unwrap();
    assert_eq!(reports.failures.take().len(), 1, "it never finished a task");
    pool.execute(ran.task()).unwrap();
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!((ran.get(), ran.holders()), (4, 1));
}

#[test]
fn t6_a_pool_whose_thread_coordinator_is_quit_by_a_stranger_ends_when_it_is_dropped() {
    let (threads, ran) = (Threads::new(), Count::new());
    let stranger = ThreadWorker::new(|body| start_thread("coordinator", body)).unwrap();
    let reports = Reports::new();
    let pool = team_of_threads(stranger.clone(), 2, threads.start(), reports.handlers());
    let first = occupy(&pool);
    let second = occupy(&pool);
    stranger.quit().unwrap();
    stranger.join().unwrap();
    pool.execute(ran.task()).unwrap_err().into_task().run();
    drop((first, second));
    drop(pool);
    threads.join_all();
    assert_eq!((ran.get(), reports.is_empty()), (1, true));
}

#[test]
fn t6_a_pool_whose_memory_coordinator_is_dropped_ends_its_threads() {
    let (threads, ran) = (Threads::new(), Count::new());
    let (coordinator, steps) = memory_worker();
    let pool = team_of_threads(coordinator, 2, threads.start(), Reports::new().handlers());
    pool.grow(2).unwrap();
    for _ in 0..10 {
        pool.execute(ran.task()).unwrap();
    }
    drop(steps);
    threads.join_all();
    assert_eq!((ran.get(), pool.statistics().done), (10, 10));
    pool.quit().unwrap_err();
}
