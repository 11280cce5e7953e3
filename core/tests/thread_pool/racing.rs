//! Thread pools called by several threads at once, and from inside of tasks that hold a lock worker.

use std::sync::{Arc, Barrier, mpsc};

use crate::by_hand::Bodies;
use crate::common::{Count, Log, fail, occupy};
use crate::watchdog::watched;
use brigade::{
    LockWorker, Phase, Rejected, ShutdownError, TaskError, ThreadPool, ThreadWorker, start_thread,
};

const CALLERS: usize = 8;

fn started(least: usize, most: usize) -> ThreadPool {
    let pool = ThreadPool::builder().sizes(least, most).build().unwrap();
    pool.start().unwrap();
    pool
}

/// Runs it on as many threads at once.
fn at_once<T: Send + 'static>(
    callers: usize,
    call: impl Fn(usize) -> T + Send + Sync + 'static,
) -> Vec<T> {
    let (call, barrier) = (Arc::new(call), Arc::new(Barrier::new(callers)));
    let threads: Vec<_> = (0..callers)
        .map(|n| {
            let (call, barrier) = (Arc::clone(&call), Arc::clone(&barrier));
            std::thread::spawn(move || {
                barrier.wait();
                call(n)
            })
        })
        .collect();
    threads.into_iter().map(|it| it.join().unwrap()).collect()
}

#[test]
fn w2_of_submits_racing_a_quit_each_is_run_or_handed_back() {
    watched(|| {
        for _ in 0..20 {
            let (pool, ran) = (started(0, 2), Count::new());
            let (submits, counted) = (pool.clone(), ran.clone());
            let taken: usize = at_once(CALLERS, move |n| {
                let mut taken = 0;
                for _ in 0..100 {
                    match submits.spawn(counted.task()) {
                        Ok(handle) => {
                            taken += 1;
                            drop(handle);
                        }
                        Err(Rejected::Closed(task)) => drop(task),
                        Err(full) => panic!("{full}"),
                    }
                }
                if n == 0 {
                    let _ = submits.quit();
                }
                if n < 2 {
                    submits.shutdown().unwrap();
                    assert!(submits.execute(counted.task()).is_err());
                }
                taken
            })
            .into_iter()
            .sum();
            pool.shutdown().unwrap();
            let numbers = pool.statistics();
            assert_eq!((numbers.now.accepted, numbers.now.done), (taken, taken));
            assert_eq!((ran.get(), ran.holders()), (taken, 1));
            assert_eq!(numbers.made, numbers.gone);
        }
    });
}

#[test]
fn w2_of_submits_racing_an_abort_each_is_run_or_given_back_or_handed_back() {
    watched(|| {
        for _ in 0..20 {
            let (pool, ran) = (started(0, 2), Count::new());
            let (submits, counted) = (pool.clone(), ran.clone());
            let seen = at_once(CALLERS, move |n| {
                let handles: Vec<_> = (0..100)
                    .filter_map(|_| submits.spawn(counted.task()).ok())
                    .collect();
                let returned = if n < 2 { submits.abort().len() } else { 0 };
                let taken = handles.len();
                let mut closed = 0;
                for handle in handles {
                    match handle.join() {
                        Ok(()) => {}
                        Err(TaskError::Closed) => closed += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                [taken, returned, closed]
            });
            let sum = |at: usize| -> usize { seen.iter().map(|it| it[at]).sum() };
            pool.shutdown().unwrap();
            let now = pool.statistics().now;
            assert_eq!((now.accepted, now.returned), (sum(0), sum(1)));
            assert_eq!((sum(1), now.done), (sum(2), sum(0) - sum(1)));
            assert_eq!((ran.get(), ran.holders()), (now.done, 1));
        }
    });
}

#[test]
fn w3_one_of_eight_threads_that_quit_a_thread_pool_is_told_so() {
    watched(|| {
        for _ in 0..20 {
            let pool = started(1, 2);
            let quits = pool.clone();
            let won = at_once(CALLERS, move |_| quits.quit().is_ok());
            assert_eq!(won.into_iter().filter(|won| *won).count(), 1);
            pool.shutdown().unwrap();
        }
    });
}

#[test]
fn h2_eight_threads_that_shut_a_pool_down_at_once_all_find_it_ended() {
    watched(|| {
        for _ in 0..20 {
            let (pool, ran) = (started(2, 4), Count::new());
            let held = occupy(&pool);
            pool.execute(ran.task()).unwrap();
            let (ends, counted) = (pool.clone(), ran.clone());
            let held = std::sync::Mutex::new(Some(held));
            at_once(CALLERS, move |n| {
                if n == 0 {
                    drop(held.lock().unwrap().take());
                }
                assert!(ends.shutdown().unwrap().is_empty());
                let numbers = ends.statistics();
                assert_eq!((ends.phase(), counted.get()), (Phase::Ended, 1));
                assert_eq!((numbers.now.workers(), numbers.made), (0, numbers.gone));
            });
        }
    });
}

#[test]
fn t7_a_quit_with_a_backlog_and_no_thread_gives_the_backlog_to_the_owner() {
    let (bodies, abandoned, ran) = (Bodies::new(), Log::new(), Count::new());
    let noted = abandoned.clone();
    let builder = ThreadPool::builder().on_abandoned(move |task| noted.note(task));
    let pool = builder.start_with(bodies.start()).build().unwrap();
    for _ in 0..3 {
        pool.execute(ran.task()).unwrap();
    }
    pool.quit().unwrap();
    assert_eq!((abandoned.len(), bodies.started()), (3, 0));
    assert_eq!(
        (pool.phase(), pool.statistics().now.abandoned),
        (Phase::Ended, 3)
    );
    assert!(pool.shutdown().unwrap().is_empty());
    abandoned.take().into_iter().for_each(brigade::Task::run);
    assert_eq!((ran.get(), ran.holders()), (3, 1));
}

#[test]
fn t3_a_quit_with_a_backlog_and_no_thread_left_makes_one_for_it() {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(0, 1);
    let pool = builder.start_with(bodies.start_failing(0)).build().unwrap();
    pool.start().unwrap();
    let ran = Count::new();
    pool.execute(ran.task()).unwrap();
    assert_eq!((bodies.started(), pool.statistics().now.backlogged), (0, 1));
    pool.quit().unwrap();
    assert_eq!(bodies.started(), 1);
    bodies.run_all();
    pool.shutdown().unwrap();
    assert_eq!(ran.get(), 1);
}

#[test]
fn l1_a_nested_lock_workers_task_that_panics_reaches_its_handler_alone() {
    let (outer_told, inner_told, log) = (Log::new(), Log::new(), Log::new());
    let outer = LockWorker::with_panic_handler(crate::common::noting(&outer_told));
    let inner = LockWorker::with_panic_handler(crate::common::noting(&inner_told));
    let (nested, again, noted) = (inner.clone(), outer.clone(), log.clone());
    outer
        .execute(move || {
            let last = noted.clone();
            nested.execute(|| fail("nested")).unwrap();
            nested.execute(noted.task("behind it")).unwrap();
            again.execute(move || last.note("last")).unwrap();
            noted.note("outermost");
        })
        .unwrap();
    assert_eq!(log.take(), ["outermost", "behind it", "last"]);
    assert_eq!(
        (inner_told.take(), outer_told.len()),
        (vec!["nested".to_owned()], 0)
    );
    // Neither is left held.
    outer.execute(log.task("outer")).unwrap();
    inner.execute(log.task("inner")).unwrap();
    assert_eq!(log.take(), ["outer", "inner"]);
}

#[test]
fn l4_two_lock_workers_crossed_by_a_pools_threads_do_not_deadlock() {
    watched(|| {
        let (pool, ran) = (started(2, 2), Count::new());
        let (left, right) = (LockWorker::new(), LockWorker::new());
        let both = Arc::new(Barrier::new(2));
        let cross = |outer: &LockWorker, inner: &LockWorker| {
            let (outer, inner) = (outer.clone(), inner.clone());
            let (both, ran) = (Arc::clone(&both), ran.clone());
            let task = move || {
                outer
                    .execute(move || {
                        both.wait();
                        inner.execute(ran.task()).unwrap();
                    })
                    .unwrap();
            };
            pool.spawn(task).unwrap()
        };
        let crossed = [cross(&left, &right), cross(&right, &left)];
        crossed
            .into_iter()
            .for_each(|handle| handle.join().unwrap());
        assert_eq!(ran.get(), 2);
        pool.shutdown().unwrap();
    });
}

#[test]
fn l4_two_lock_workers_on_one_thread_call_each_other_without_end_of_nesting() {
    watched(|| {
        let (left, right) = (LockWorker::new(), LockWorker::new());
        let log = Log::new();
        let (inner, back, noted) = (right.clone(), left.clone(), log.clone());
        left.execute(move || {
            let (again, deep) = (inner.clone(), noted.clone());
            inner
                .execute(move || {
                    let last = deep.clone();
                    back.execute(move || {
                        again.execute(last.task("right in left in right")).unwrap();
                    })
                    .unwrap();
                    deep.note("right");
                })
                .unwrap();
            noted.note("left");
        })
        .unwrap();
        assert_eq!(log.take(), ["left", "right", "right in left in right"]);
    });
}

#[test]
fn l4_a_pool_is_joined_scoped_and_shut_down_from_inside_a_lock_workers_task() {
    watched(|| {
        let (pool, lock, log) = (started(1, 2), LockWorker::new(), Log::new());
        let (inner, noted) = (pool.clone(), log.clone());
        let nested = LockWorker::new();
        let again = nested.clone();
        lock.execute(move || {
            let handle = inner.spawn(|| 7).unwrap();
            // What the pool's task leaves for later is not for this thread.
            let calls = inner.spawn(move || again.execute(|| ()).is_ok()).unwrap();
            noted.note(handle.join().unwrap());
            assert!(calls.join().unwrap());
            let mut numbers = [1, 2, 3];
            inner.scope(|scope| {
                for n in &mut numbers {
                    scope.spawn(move || *n *= 10);
                }
            });
            noted.note(numbers.into_iter().sum());
            let waited = inner.spawn(|| 8).unwrap();
            assert!(inner.shutdown().unwrap().is_empty());
            assert_eq!(inner.phase(), Phase::Ended);
            noted.note(waited.join().unwrap());
        })
        .unwrap();
        assert_eq!(log.take(), [7, 60, 8]);
        let numbers = pool.statistics();
        assert_eq!((numbers.now.workers(), numbers.made), (0, numbers.gone));
        nested.execute(|| ()).unwrap();
    });
}

#[test]
fn p3_a_pools_task_joins_and_scopes_inside_a_lock_workers_task_on_the_only_thread() {
    watched(|| {
        let (pool, lock) = (started(1, 1), LockWorker::new());
        let (send, receive) = mpsc::channel();
        let inner = pool.clone();
        pool.execute(move || {
            lock.execute(move || {
                let handle = inner.spawn(|| 7).unwrap();
                let joined = handle.join().unwrap();
                let mut scoped = 0;
                inner.scope(|scope| {
                    scope.spawn(|| scoped = 8);
                });
                let ended = inner.shutdown();
                assert!(matches!(ended, Err(ShutdownError::OwnThread)));
                send.send((joined, scoped)).unwrap();
            })
            .unwrap();
        })
        .unwrap();
        assert_eq!(receive.recv().unwrap(), (7, 8));
        pool.shutdown().unwrap();
        let numbers = pool.statistics();
        assert_eq!((numbers.now.accepted, numbers.now.done), (3, 3));
        assert_eq!(numbers.made, 1);
    });
}

#[test]
fn w8_a_bare_thread_worker_goes_on_after_a_task_that_panics() {
    watched(|| {
        let worker = ThreadWorker::new(|body| start_thread("bare", body)).unwrap();
        let (send, receive) = mpsc::channel();
        for n in 0..4 {
            let send = send.clone();
            worker
                .execute(move || {
                    send.send((n, std::thread::current().id())).unwrap();
                    fail("a task");
                })
                .unwrap();
        }
        drop(send);
        worker.quit().unwrap();
        worker.join().unwrap();
        let seen: Vec<_> = receive.iter().collect();
        assert_eq!(seen.iter().map(|it| it.0).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert!(seen.iter().all(|it| it.1 == seen[0].1), "on one thread");
    });
}
