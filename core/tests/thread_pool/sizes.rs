//! Sizes of a thread pool, and threads that cannot be had: each test says what comes of it.

use std::io;
use std::sync::{Arc, Barrier, Mutex, mpsc};

use crate::by_hand::Bodies;
use crate::common::{Count, Failure, Log, Reports, fail, fail_twice, message, occupy};
use crate::watchdog::watched;
use brigade::{
    Builder, ResizeError, Task, TaskError, Team, ThreadPool, ThreadWorker, blocking, start_thread,
};

fn by_hand(least: usize, most: usize) -> (ThreadPool, Bodies) {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(least, most);
    let pool = builder.start_with(bodies.start()).build().unwrap();
    (pool, bodies)
}

fn started(least: usize, most: usize) -> ThreadPool {
    let pool = ThreadPool::builder().sizes(least, most).build().unwrap();
    pool.start().unwrap();
    pool
}

fn workers(pool: &ThreadPool) -> usize {
    pool.statistics().now.workers()
}

/// Tasks that end only when as many run at once.
fn meeting(pool: &ThreadPool, n: usize) {
    let barrier = Arc::new(Barrier::new(n));
    for _ in 0..n {
        let barrier = Arc::clone(&barrier);
        pool.execute(move || {
            barrier.wait();
        })
        .unwrap();
    }
}

#[test]
fn t3_raising_the_maximum_with_a_backlog_starts_a_thread_for_each_task_that_waits() {
    let (pool, bodies) = by_hand(0, 1);
    let ran = Count::new();
    pool.start().unwrap();
    for _ in 0..5 {
        pool.execute(ran.task()).unwrap();
    }
    assert_eq!((bodies.started(), pool.statistics().now.backlogged), (1, 4));
    pool.resize(0, 3).unwrap();
    assert_eq!((bodies.started(), pool.statistics().now.backlogged), (3, 2));
    pool.resize(0, usize::MAX).unwrap();
    assert_eq!((bodies.started(), pool.statistics().now.backlogged), (5, 0));
    pool.quit().unwrap();
    bodies.run_all();
    pool.shutdown().unwrap();
    assert_eq!((ran.get(), workers(&pool)), (5, 0));
}

#[test]
fn t4_new_work_does_not_overtake_an_old_backlog_when_threads_come() {
    let (pool, bodies) = by_hand(0, 1);
    let log = Log::new();
    for n in 0..3 {
        pool.execute(log.task(n)).unwrap();
    }
    pool.start().unwrap();
    pool.execute(log.task(3)).unwrap();
    pool.resize(1, 2).unwrap();
    let last = pool.spawn(log.task(4)).unwrap();
    assert_eq!(bodies.started(), 2);
    pool.quit().unwrap();
    bodies.run_all();
    last.join().unwrap();
    pool.shutdown().unwrap();
    assert_eq!(log.take(), [0, 1, 2, 3, 4]);
}

#[test]
fn t5_shrink_beyond_the_workers_takes_all_but_the_least_and_none_that_come_later() {
    let (pool, bodies) = by_hand(1, 4);
    pool.start().unwrap();
    pool.grow(3).unwrap();
    assert_eq!((bodies.started(), pool.statistics().now.idle), (4, 4));
    pool.shrink(usize::MAX).unwrap();
    pool.shrink(100).unwrap();
    let now = pool.statistics().now;
    assert_eq!((now.idle, now.leaving), (1, 3));
    for _ in 0..3 {
        assert!(bodies.run_one());
    }
    assert_eq!((workers(&pool), pool.statistics().gone), (1, 3));
    pool.grow(1).unwrap();
    assert_eq!((bodies.started(), pool.statistics().now.idle), (5, 2));
    pool.quit().unwrap();
    bodies.run_all();
    pool.shutdown().unwrap();
}

#[test]
fn t5_shrink_beyond_the_workers_of_a_pool_that_has_none_changes_nothing() {
    let (pool, bodies) = by_hand(0, 2);
    pool.shrink(usize::MAX).unwrap();
    pool.start().unwrap();
    pool.shrink(usize::MAX).unwrap();
    pool.execute(|| ()).unwrap();
    pool.execute(|| ()).unwrap();
    let now = pool.statistics().now;
    assert_eq!((bodies.started(), now.busy, now.leaving), (2, 2, 0));
    pool.quit().unwrap();
    bodies.run_all();
    pool.shutdown().unwrap();
}

#[test]
fn t5_shrink_under_a_standing_backlog_lets_busy_threads_go_and_one_does_the_rest() {
    watched(|| {
        let (pool, ran) = (started(0, 3), Count::new());
        let busy = [occupy(&pool), occupy(&pool), occupy(&pool)];
        for _ in 0..10 {
            pool.execute(ran.task()).unwrap();
        }
        pool.shrink(2).unwrap();
        let now = pool.statistics().now;
        assert_eq!((now.busy, now.backlogged), (3, 10), "none is interrupted");
        drop(busy);
        pool.wait_idle().unwrap();
        let now = pool.statistics().now;
        assert_eq!((ran.get(), now.idle + now.busy), (10, 1));
        assert_eq!(pool.statistics().made, 3, "none was made for what waited");
        pool.shutdown().unwrap();
        assert_eq!(pool.statistics().gone, 3);
    });
}

#[test]
fn p1_a_resize_to_fewer_while_busy_is_forgiven_by_one_to_more() {
    watched(|| {
        let pool = started(4, 4);
        let busy = [(); 4].map(|()| occupy(&pool));
        pool.resize(1, 1).unwrap();
        pool.resize(4, 4).unwrap();
        drop(busy);
        meeting(&pool, 4);
        pool.wait_idle().unwrap();
        let numbers = pool.statistics();
        assert_eq!((numbers.made, numbers.now.idle), (4, 4));
        pool.shutdown().unwrap();
    });
}

#[test]
fn p1_of_two_resizes_while_busy_the_last_counts() {
    watched(|| {
        let pool = started(0, 4);
        let busy = [(); 4].map(|()| occupy(&pool));
        pool.resize(0, 2).unwrap();
        pool.resize(0, 3).unwrap();
        drop(busy);
        pool.wait_idle().unwrap();
        let now = pool.statistics().now;
        assert!(now.idle <= 3, "{now}");
        meeting(&pool, 3);
        pool.wait_idle().unwrap();
        pool.shutdown().unwrap();
    });
}

/// The debts of the first resize were kept under the second: all but one thread left, and nobody asked for
/// another before a new task came.
#[test]
fn t3_a_backlog_has_its_threads_when_a_resize_to_fewer_is_taken_back_while_busy() {
    watched(|| {
        let pool = started(0, 4);
        let busy = [(); 4].map(|()| occupy(&pool));
        meeting(&pool, 4);
        pool.resize(0, 1).unwrap();
        pool.resize(0, 4).unwrap();
        drop(busy);
        pool.wait_idle().unwrap();
        assert_eq!(pool.statistics().now.done, 8);
        pool.shutdown().unwrap();
    });
}

/// The last thread that ran left for a debt, as if the one that blocks could do what it waits for.
#[test]
fn p3_a_debt_is_not_paid_by_the_last_thread_beside_those_that_block() {
    watched(|| {
        let pool = started(0, 2);
        let (block, may_block) = mpsc::channel();
        let (blocks, is_blocking) = mpsc::channel();
        let (send, receive) = mpsc::channel();
        let waits = pool
            .spawn(move || {
                may_block.recv().unwrap();
                blocking(|| {
                    blocks.send(()).unwrap();
                    receive.recv().unwrap()
                })
            })
            .unwrap();
        let other = occupy(&pool);
        pool.resize(0, 1).unwrap();
        block.send(()).unwrap();
        is_blocking.recv().unwrap();
        pool.execute(move || send.send(7).unwrap()).unwrap();
        drop(other);
        assert_eq!(waits.join().unwrap(), 7);
        pool.shutdown().unwrap();
    });
}

/// A hand-driven pool that is resized from inside of the start of its thread of that number (from 1).
fn resized_during(nth: usize, from: (usize, usize), to: (usize, usize)) -> (ThreadPool, Bodies) {
    let bodies = Bodies::new();
    let inner: Arc<Mutex<Option<ThreadPool>>> = Arc::default();
    let (kept, resizes) = (bodies.clone(), Arc::clone(&inner));
    let pool = ThreadPool::builder()
        .sizes(from.0, from.1)
        .start_with(move |info, body| {
            if info.number() == nth {
                let pool = resizes.lock().unwrap().take().unwrap();
                pool.resize(to.0, to.1).unwrap();
            }
            Ok(kept.keep(body))
        })
        .build()
        .unwrap();
    *inner.lock().unwrap() = Some(pool.clone());
    pool.start().unwrap();
    (pool, bodies)
}

fn is_left_with(pool: &ThreadPool, bodies: &Bodies, made: usize, stay: usize) {
    let now = pool.statistics().now;
    assert_eq!((bodies.started(), now.idle), (made, stay), "{now}");
    for _ in stay..made {
        assert!(bodies.run_one());
    }
    assert_eq!(workers(pool), stay);
    pool.quit().unwrap();
    bodies.run_all();
    pool.shutdown().unwrap();
}

#[test]
fn p1_a_resize_to_fewer_during_a_start_stops_the_making() {
    watched(|| {
        let (pool, bodies) = resized_during(1, (3, 3), (1, 1));
        is_left_with(&pool, &bodies, 1, 1);
    });
}

#[test]
fn p1_a_resize_to_fewer_during_a_later_start_has_those_too_many_leave() {
    watched(|| {
        let (pool, bodies) = resized_during(3, (3, 5), (0, 1));
        is_left_with(&pool, &bodies, 3, 1);
    });
}

#[test]
fn p1_a_resize_to_more_during_a_start_is_not_missed() {
    watched(|| {
        let (pool, bodies) = resized_during(1, (1, 1), (4, 4));
        is_left_with(&pool, &bodies, 4, 4);
    });
}

#[test]
fn p1_a_resize_during_a_start_that_fails_is_kept_by_the_next_step() {
    watched(|| {
        let (bodies, reports) = (Bodies::new(), Reports::new());
        let inner: Arc<Mutex<Option<ThreadPool>>> = Arc::default();
        let (kept, resizes) = (bodies.clone(), Arc::clone(&inner));
        let builder = ThreadPool::builder()
            .sizes(1, 1)
            .start_with(move |_, body| {
                let Some(pool) = resizes.lock().unwrap().take() else {
                    return Ok(kept.keep(body));
                };
                pool.resize(2, 2).unwrap();
                Err(io::Error::other("no thread today"))
            });
        let pool = telling(builder, &reports).build().unwrap();
        *inner.lock().unwrap() = Some(pool.clone());
        pool.start().unwrap();
        assert_eq!((bodies.started(), reports.failures.take().len()), (0, 1));
        pool.execute(|| ()).unwrap();
        assert_eq!((bodies.started(), reports.failures.len()), (2, 0));
        pool.quit().unwrap();
        bodies.run_all();
        pool.shutdown().unwrap();
    });
}

#[test]
fn p1_a_pool_that_was_quit_is_given_no_other_sizes() {
    let (pool, bodies) = by_hand(0, 1);
    pool.quit().unwrap();
    assert_eq!(pool.resize(2, 3), Err(ResizeError::Closed));
    assert!(matches!(pool.resize(3, 2), Err(ResizeError::Sizes(_))));
    assert_eq!((bodies.started(), pool.statistics().sizes), (0, (0, 1)));
}

/// The numbers add up in each snapshot, whatever goes on.
#[test]
fn t2_statistics_under_load_account_for_every_task() {
    watched(|| {
        const SUBMITTERS: usize = 3;
        const TASKS: usize = 2000;
        let pool = started(1, 3);
        let (done, is_done) = mpsc::channel::<()>();
        // All are half way when the first looks are taken.
        let half_way = Arc::new(Barrier::new(SUBMITTERS + 1));
        let submitters: Vec<_> = (0..SUBMITTERS)
            .map(|_| {
                let (pool, done) = (pool.clone(), done.clone());
                let half_way = Arc::clone(&half_way);
                std::thread::spawn(move || {
                    let _done = done;
                    let mut cancelled = 0;
                    for n in 0..TASKS {
                        if n == TASKS / 2 {
                            half_way.wait();
                        }
                        let inner = pool.clone();
                        let handle = pool
                            .spawn(move || {
                                if n % 10 == 0 {
                                    // Run in place, or waited for.
                                    inner.spawn(move || n).unwrap().join().unwrap();
                                }
                                n
                            })
                            .unwrap();
                        if n % 3 == 0 {
                            cancelled += usize::from(handle.cancel());
                        }
                        if n % 100 == 0 {
                            pool.resize(n % 3, 3).unwrap();
                            pool.shrink(1).unwrap();
                        }
                    }
                    cancelled
                })
            })
            .collect();
        drop(done);
        half_way.wait();
        let mut before = pool.statistics();
        loop {
            let numbers = pool.statistics();
            let now = numbers.now;
            let open = now.in_flight + now.backlogged + now.busy + now.in_place;
            let over = now.done + now.cancelled + now.returned + now.abandoned;
            assert_eq!(now.accepted, open + over, "{numbers}");
            assert!(now.workers() <= 3, "{numbers}");
            assert!(numbers.most_threads <= 3, "{numbers}");
            assert!(
                now.accepted >= before.now.accepted
                    && now.done >= before.now.done
                    && now.cancelled >= before.now.cancelled
                    && numbers.gone >= before.gone
                    && numbers.made >= before.made,
                "{before} then {numbers}"
            );
            before = numbers;
            if is_done.try_recv() != Err(mpsc::TryRecvError::Empty) {
                break;
            }
        }
        let cancelled: usize = submitters.into_iter().map(|it| it.join().unwrap()).sum();
        // Some have yet to spawn another.
        pool.wait_idle().unwrap();
        pool.shutdown().unwrap();
        let numbers = pool.statistics();
        let now = numbers.now;
        assert_eq!(now.cancelled, cancelled);
        assert_eq!(now.accepted, now.done + now.cancelled, "{numbers}");
        assert_eq!((now.workers(), numbers.gone), (0, numbers.made));
    });
}

/// A builder whose pool tells its owner everything.
fn telling(builder: Builder, reports: &Reports) -> Builder {
    let Reports {
        panics,
        failures,
        abandoned,
    } = reports.clone();
    builder
        .on_panic(move |payload| panics.note(message(&payload)))
        .on_start_failed(move |failed| {
            let error = failed.error.to_string();
            failures.note(Failure::new(&error, failed.waiting, failed.workers));
        })
        .on_abandoned(move |task| abandoned.note(task))
}

fn failing(nth: usize, least: usize, most: usize) -> (ThreadPool, Bodies, Reports) {
    let (bodies, reports) = (Bodies::new(), Reports::new());
    let builder = ThreadPool::builder().sizes(least, most);
    let builder = telling(builder, &reports).start_with(bodies.start_failing(nth));
    (builder.build().unwrap(), bodies, reports)
}

#[test]
fn t8_a_first_thread_that_cannot_start_is_reported_and_the_least_are_had_at_the_next_step() {
    let (pool, bodies, reports) = failing(0, 2, 2);
    pool.start().unwrap();
    let failure = Failure::new("no thread today", 0, 0);
    assert_eq!(
        (reports.failures.take(), bodies.started()),
        (vec![failure], 0)
    );
    pool.start().unwrap();
    assert_eq!((bodies.started(), pool.statistics().made), (2, 2));
    pool.quit().unwrap();
    bodies.run_all();
    pool.shutdown().unwrap();
    assert!(reports.is_empty());
}

#[test]
fn t8_a_first_thread_that_cannot_start_leaves_its_task_waiting_for_the_next_step() {
    let (pool, bodies, reports) = failing(0, 0, 2);
    let log = Log::new();
    pool.start().unwrap();
    pool.execute(log.task(1)).unwrap();
    let failure = Failure::new("no thread today", 1, 0);
    assert_eq!(
        (reports.failures.take(), bodies.started()),
        (vec![failure], 0)
    );
    pool.execute(log.task(2)).unwrap();
    assert_eq!(bodies.started(), 2);
    pool.quit().unwrap();
    bodies.run_all();
    pool.shutdown().unwrap();
    assert_eq!(log.take(), [1, 2]);
    assert!(reports.is_empty());
}

#[test]
fn t8_a_later_thread_that_cannot_start_is_had_when_a_task_ends() {
    watched(|| {
        let (reports, starts) = (Reports::new(), Count::new());
        let builder = ThreadPool::builder()
            .sizes(2, 2)
            .start_with(move |info, body| {
                if starts.one_more() == 1 {
                    return Err(io::Error::other("no thread today"));
                }
                info.start(body)
            });
        let pool = telling(builder, &reports).build().unwrap();
        pool.start().unwrap();
        let failure = Failure::new("no thread today", 0, 1);
        assert_eq!(reports.failures.take(), [failure]);
        meeting(&pool, 2);
        pool.wait_idle().unwrap();
        assert_eq!(pool.statistics().made, 2);
        pool.shutdown().unwrap();
        assert!(reports.is_empty());
    });
}

#[test]
fn t7_threads_that_can_never_start_leave_the_work_to_the_owner() {
    watched(|| {
        let reports = Reports::new();
        let builder = ThreadPool::builder().sizes(1, 2);
        let builder = builder.start_with(|_, _| Err(io::Error::other("never")));
        let pool = telling(builder, &reports).build().unwrap();
        pool.start().unwrap();
        let ran = Count::new();
        let handle = pool.spawn(ran.task()).unwrap();
        pool.execute(ran.task()).unwrap();
        assert!(!handle.is_finished());
        assert!(pool.shutdown().unwrap().is_empty());
        let abandoned = reports.abandoned.take();
        assert_eq!((abandoned.len(), pool.statistics().now.abandoned), (2, 2));
        assert!(!handle.cancel(), "it is the owner's");
        drop(abandoned);
        assert!(matches!(handle.join(), Err(TaskError::Closed)));
        assert_eq!((ran.get(), ran.holders()), (0, 1));
    });
}

#[test]
fn t8_a_factory_that_fails_once_under_a_thread_worker_is_asked_again_at_the_next_step() {
    watched(|| {
        let coordinator = ThreadWorker::new(|body| start_thread("coordinator", body)).unwrap();
        let (failed, has_failed) = mpsc::channel();
        let (ran, has_run) = mpsc::channel();
        let asked = Count::new();
        let factory = move |now: &brigade::Statistics| {
            if asked.one_more() == 0 {
                return Err("no worker today".into());
            }
            let start = |body| start_thread("worker", body);
            Ok((now.workers() < 1)
                .then(|| ThreadWorker::new(start))
                .transpose()?)
        };
        let handlers = brigade::Handlers::new()
            .on_creation_failed(move |it| failed.send((it.error.to_string(), it.waiting)).unwrap());
        let team = Team::new(coordinator.clone(), factory, handlers);
        let first = ran.clone();
        team.execute(move || first.send(1).unwrap()).unwrap();
        let failure = ("no worker today".to_owned(), 1);
        assert_eq!(has_failed.recv().unwrap(), failure);
        team.execute(move || ran.send(2).unwrap()).unwrap();
        assert_eq!(has_run.iter().collect::<Vec<_>>(), [1, 2]);
        team.quit().unwrap();
        coordinator.join().unwrap();
        assert_eq!(team.statistics().done, 2);
    });
}

#[test]
fn w8_a_panic_handler_that_panics_keeps_no_thread_from_its_work() {
    watched(|| {
        for fails in [|| fail("a handler"), || fail_twice()] {
            let (told, ran) = (Count::new(), Count::new());
            let tells = told.clone();
            let builder = ThreadPool::builder().sizes(1, 1).on_panic(move |_| {
                tells.one_more();
                fails();
            });
            let pool = builder.build().unwrap();
            pool.start().unwrap();
            for _ in 0..5 {
                pool.execute(|| fail("a task")).unwrap();
                drop(pool.spawn(|| fail("a spawned task")).unwrap());
                pool.execute(ran.task()).unwrap();
            }
            pool.shutdown().unwrap();
            let numbers = pool.statistics();
            assert_eq!((numbers.now.done, numbers.made), (15, 1));
            assert_eq!((told.get(), ran.get()), (10, 5));
        }
    });
}

#[test]
fn w8_a_start_failure_handler_that_panics_loses_no_task() {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder()
        .sizes(0, 1)
        .on_start_failed(|_| fail("a handler"));
    let pool = builder.start_with(bodies.start_failing(0)).build().unwrap();
    pool.start().unwrap();
    let ran = Count::new();
    pool.execute(ran.task()).unwrap();
    pool.execute(ran.task()).unwrap();
    pool.quit().unwrap();
    bodies.run_all();
    pool.shutdown().unwrap();
    assert_eq!(ran.get(), 2);
}

/// What the pool handed back was the team's ticket in a box, and not known again: the owner was told that a
/// task was abandoned, and had its only copy.
#[test]
fn t8_a_team_has_the_task_done_that_one_of_its_thread_pools_refused() {
    watched(|| {
        let reports = Reports::new();
        let pools: Log<ThreadPool> = Log::new();
        let hired = pools.clone();
        let factory = move |now: &brigade::Statistics| {
            Ok((now.workers() < 1).then(|| {
                let pool = started(1, 1);
                hired.note(pool.clone());
                pool
            }))
        };
        let team = Team::locked(factory, reports.handlers());
        let (ran, has_run) = mpsc::channel();
        let first = ran.clone();
        team.execute(Task::new(move || first.send(1).unwrap()))
            .unwrap();
        assert_eq!(has_run.recv().unwrap(), 1);
        let pool = pools.take().remove(0);
        // By a stranger. Its thread has then said that the task has ended.
        pool.shutdown().unwrap();
        team.execute(Task::new(move || ran.send(2).unwrap()))
            .unwrap();
        assert_eq!(has_run.recv().unwrap(), 2);
        team.quit().unwrap();
        pools.take().remove(0).shutdown().unwrap();
        let now = team.statistics();
        assert_eq!((now.done, now.abandoned, pools.len()), (2, 0, 0));
        assert!(reports.is_empty(), "{reports:?}");
    });
}
