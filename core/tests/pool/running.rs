//! Pools: teams of real threads under a limit, started, resized, quit and dropped.

use std::sync::{Arc, Barrier, mpsc};

use crate::common::{
    Count, Log, OnDrop, Reports, Threads, fail, joinable, occupy, team_of_threads,
};
use brigade::{AlreadyQuit, ThreadWorker, pool, pool_with, start_thread};

#[test]
fn t1_no_more_threads_are_started_than_the_limit_and_all_of_them_work() {
    let (pool, threads) = joinable(3);
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..30 {
        let barrier = Arc::clone(&barrier);
        pool.execute(move || {
            barrier.wait(); // passes only if three tasks run at once
        })
        .unwrap();
    }
    pool.quit().unwrap();
    assert_eq!(threads.started(), 3);
    threads.join_all();
    assert_eq!(
        (pool.statistics().done, pool.statistics().workers()),
        (30, 0)
    );
}

#[test]
fn w2_execute_after_quit_hands_the_task_back_and_every_other_call_is_refused() {
    let (pool, threads) = joinable(3);
    pool.quit().unwrap();
    let ran = Count::new();
    pool.execute(ran.task()).unwrap_err().into_task().run();
    assert_eq!(ran.get(), 1);
    assert_eq!(pool.quit(), Err(AlreadyQuit));
    assert_eq!(pool.grow(1), Err(AlreadyQuit));
    assert_eq!(pool.limit_raised(), Err(AlreadyQuit));
    assert_eq!(threads.started(), 0);
}

#[test]
fn t3_a_limit_of_0_is_a_pause_and_raising_it_wakes_the_backlog() {
    let (threads, limit, ran) = (Threads::new(), Count::new(), Count::new());
    let now = limit.clone();
    let pool = pool(move || now.get(), threads.start());
    // Each of two needs the other at the same time.
    let both = Arc::new(Barrier::new(2));
    for _ in 0..2 {
        let both = Arc::clone(&both);
        pool.execute(move || {
            both.wait();
        })
        .unwrap();
    }
    for _ in 0..10 {
        pool.execute(ran.task()).unwrap();
    }
    assert_eq!((threads.started(), pool.statistics().backlogged), (0, 12));
    limit.set(2);
    pool.limit_raised().unwrap();
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!((ran.get(), ran.holders()), (10, 1));
}

#[test]
fn t3_grow_by_usize_max_starts_the_limit() {
    let (pool, threads) = joinable(4);
    pool.grow(usize::MAX).unwrap();
    assert_eq!((threads.started(), pool.statistics().idle), (4, 4));
    pool.quit().unwrap();
    threads.join_all();
}

#[test]
fn t5_shrink_ends_idle_threads_and_later_work_starts_new_ones() {
    let (pool, threads) = joinable(2);
    pool.grow(2).unwrap();
    pool.shrink(usize::MAX).unwrap();
    threads.join_all();
    drop(occupy(&pool));
    assert_eq!(threads.started(), 1);
    pool.quit().unwrap();
    threads.join_all();
}

#[test]
fn h3_the_last_handle_dropped_quits_and_what_was_accepted_runs() {
    let (pool, threads) = joinable(2);
    let ran = Count::new();
    for _ in 0..100 {
        pool.execute(ran.task()).unwrap();
    }
    drop(pool);
    threads.join_all();
    assert_eq!((ran.get(), ran.holders()), (100, 1));
}

#[test]
fn h3_the_last_handle_dropped_on_one_of_its_own_threads_does_not_hang() {
    let (pool, threads) = joinable(2);
    let (inner, (go_on, may_go_on)) = (pool.clone(), mpsc::channel::<()>());
    let ran = Count::new();
    let task = ran.task();
    pool.execute(move || {
        may_go_on.recv().unwrap();
        inner.execute(task).unwrap();
        drop(inner);
    })
    .unwrap();
    drop(pool);
    go_on.send(()).unwrap();
    threads.join_all();
    assert_eq!(ran.get(), 1);
}

#[test]
fn h3_a_handle_inside_a_queued_task_counts_as_a_users() {
    let (pool, threads) = joinable(1);
    let first = occupy(&pool);
    let (inner, ran) = (pool.clone(), Count::new());
    let task = ran.task();
    pool.execute(move || inner.execute(task).unwrap()).unwrap();
    drop(pool);
    drop(first);
    threads.join_all();
    assert_eq!(ran.get(), 1);
}

#[test]
fn w4_a_task_may_quit_its_own_pool() {
    let (pool, threads) = joinable(1);
    let (inner, log) = (pool.clone(), Log::new());
    let noted = log.clone();
    pool.execute(move || {
        inner.execute(noted.task("accepted before")).unwrap();
        inner.quit().unwrap();
        inner.execute(noted.task("refused after")).unwrap_err();
        noted.note("quitter");
    })
    .unwrap();
    threads.join_all();
    assert_eq!(log.take(), ["quitter", "accepted before"]);
}

#[test]
fn w3_one_of_eight_threads_that_quit_a_pool_is_told_so() {
    let (pool, threads) = joinable(2);
    let (barrier, won, accepted) = (Arc::new(Barrier::new(8)), Count::new(), Count::new());
    let ran = Count::new();
    let quitters: Vec<_> = (0..8)
        .map(|_| {
            let (pool, barrier) = (pool.clone(), Arc::clone(&barrier));
            let (won, accepted, ran) = (won.clone(), accepted.clone(), ran.clone());
            std::thread::spawn(move || {
                barrier.wait();
                for _ in 0..100 {
                    if pool.execute(ran.task()).is_ok() {
                        accepted.one_more();
                    }
                }
                if pool.quit().is_ok() {
                    won.one_more();
                }
                pool.execute(|| ()).unwrap_err();
            })
        })
        .collect();
    for quitter in quitters {
        quitter.join().unwrap();
    }
    threads.join_all();
    assert_eq!((won.get(), ran.get()), (1, accepted.get()));
    assert_eq!(pool.statistics().done, accepted.get());
}

#[test]
fn w8_a_panicking_task_does_not_kill_its_thread_worker() {
    let (threads, reports, ran) = (Threads::new(), Reports::new(), Count::new());
    let pool = pool_with(|| 1, threads.start(), reports.handlers());
    for n in 0..10 {
        let task = ran.task();
        pool.execute(move || {
            task();
            if n % 2 == 0 {
                fail("a task");
            }
        })
        .unwrap();
    }
    pool.quit().unwrap();
    assert_eq!(threads.started(), 1);
    threads.join_all();
    assert_eq!((ran.get(), reports.panics.take().len()), (10, 5));
}

#[test]
fn t10_when_a_pool_has_ended_all_it_had_is_dropped() {
    let held = Count::new();
    let threads = Threads::new();
    let (limit_holds, start_holds, start) = (held.clone(), held.clone(), threads.start());
    let pool = pool(
        move || 2 + limit_holds.get(),
        move |body| {
            let _held = &start_holds;
            start(body)
        },
    );
    for _ in 0..20 {
        let (held, inner) = (held.clone(), pool.clone());
        pool.execute(move || drop((held, inner))).unwrap();
    }
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!(held.holders(), 2, "the limit lives as long as a handle");
    drop(pool);
    assert_eq!(held.holders(), 1);
}

#[test]
fn t10_the_threads_of_a_pool_let_go_of_it_before_they_end() {
    let (held, threads) = (Count::new(), Threads::new());
    let limit_holds = held.clone();
    let pool = pool(move || 2 + limit_holds.get(), threads.start());
    drop(occupy(&pool));
    drop(pool);
    threads.join_all();
    assert_eq!(held.holders(), 1);
}

#[test]
fn w9_captures_dropped_on_a_pools_thread_may_call_the_pool() {
    let (pool, threads) = joinable(1);
    let (ran, (done, is_done)) = (Count::new(), mpsc::channel());
    let (inner, counted) = (pool.clone(), ran.clone());
    let capture = OnDrop(move || {
        let (counted, done) = (counted.clone(), done.clone());
        inner
            .execute(move || {
                counted.one_more();
                done.send(()).unwrap();
            })
            .unwrap();
    });
    pool.execute(move || drop(capture)).unwrap();
    is_done.recv().unwrap();
    pool.quit().unwrap();
    threads.join_all();
    assert_eq!(ran.get(), 1);
}

#[test]
fn t6_a_pool_with_a_thread_for_coordinator_ends_both() {
    let (threads, ran) = (Threads::new(), Count::new());
    let coordinator = ThreadWorker::new(|body| start_thread("coordinator", body)).unwrap();
    let kept = coordinator.clone();
    let pool = team_of_threads(coordinator, 2, threads.start(), Reports::new().handlers());
    for _ in 0..1000 {
        pool.execute(ran.task()).unwrap();
    }
    drop(pool);
    kept.join().unwrap();
    threads.join_all();
    assert_eq!((ran.get(), ran.holders()), (1000, 1));
}
