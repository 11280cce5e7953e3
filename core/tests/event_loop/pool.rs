//! The loop's pool: its first use, its size and its end.

use std::sync::mpsc;
use std::sync::{Arc, Barrier};

use brigade::{
    DeferError, EventLoop, OnLoop, Performed, Phase, Rejected, ResizeError, TaskError, ThreadPool,
};

use crate::common::{Count, Log};
use crate::loops::{Drops, PATIENCE, Running, host, made, quit};
use crate::thread_pools::{Bodies, fixed, until, watchdog};

#[test]
fn two_first_uses_of_the_pool_start_it_once() {
    let _watchdog = watchdog();
    for _ in 0..100 {
        let running = Running::start();
        let barrier = Arc::new(Barrier::new(4));
        let users = (0..4).map(|_| {
            let (handle, barrier) = (running.handle.clone(), barrier.clone());
            std::thread::spawn(move || {
                barrier.wait();
                handle.defer_to_thread(|| 1).unwrap().join().unwrap()
            })
        });
        let sum: i32 = Vec::from_iter(users)
            .into_iter()
            .map(|user| user.join().unwrap())
            .sum();
        assert_eq!(sum, 4);
        let now = running.handle.thread_pool().statistics();
        assert!((1..=2).contains(&now.now.workers()));
        assert_eq!(now.now.done, 4);
        running.end();
    }
}

#[test]
fn a_first_use_and_the_begin_of_the_run_race_and_the_pool_starts_once() {
    let _watchdog = watchdog();
    for _ in 0..100 {
        let (event_loop, _) = made();
        let handle = event_loop.handle();
        let user = std::thread::spawn(move || {
            let got = handle.defer_to_thread(|| 42).unwrap().join();
            handle.quit().unwrap();
            got.unwrap()
        });
        assert_eq!(event_loop.run().unwrap().len(), 0);
        assert_eq!(user.join().unwrap(), 42);
    }
}

#[test]
fn the_pool_of_a_new_loop_has_5_to_10_threads_and_none_before_its_first_use() {
    let _watchdog = watchdog();
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let pool = handle.thread_pool();
    assert_eq!(pool.statistics().sizes, (5, 10));
    event_loop.run_until(async {}).unwrap();
    // It was used, by `thread_pool`, and the loop has run: now it has its threads.
    assert_eq!(pool.statistics().now.workers(), 5);
    quit(&event_loop);
    assert_eq!(pool.statistics().now.workers(), 0);
    assert!(matches!(pool.execute(|| ()), Err(Rejected::Closed(_))));

    let (event_loop, _) = made();
    assert_eq!(event_loop.step(), Performed::Nothing);
    let pool = event_loop.handle().thread_pool();
    assert_eq!(pool.statistics().now.workers(), 1, "at the first use");
    drop(event_loop);
}

#[test]
fn a_loop_whose_pool_cannot_be_is_not_built() {
    let none = EventLoop::builder().pool(ThreadPool::builder().sizes(0, 0));
    assert!(none.build().is_err());
    let (host, performer) = host();
    let none = EventLoop::builder().pool(ThreadPool::builder().sizes(2, 1));
    assert!(none.build_on(host).is_err());
    assert_eq!(
        performer.perform(),
        Performed::Ended,
        "its host was dropped"
    );
}

#[test]
fn p1_a_suggested_size_is_the_maximum_and_lowers_the_minimum_if_it_must() {
    let _watchdog = watchdog();
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let none = handle.suggest_thread_pool_size(0);
    assert!(none.is_err() && !matches!(none, Err(ResizeError::Closed)));
    for (suggested, sizes) in [(20, (5, 20)), (3, (3, 3)), (7, (5, 7)), (1, (1, 1))] {
        handle.suggest_thread_pool_size(suggested).unwrap();
        assert_eq!(handle.thread_pool().statistics().sizes, sizes);
    }
    event_loop.run_until(async {}).unwrap();
    handle.defer_to_thread(|| ()).unwrap().join().unwrap();
    assert_eq!(handle.thread_pool().statistics().now.workers(), 1);
    quit(&event_loop);
    let late = handle.suggest_thread_pool_size(3);
    assert!(matches!(late, Err(ResizeError::Closed)));
}

#[test]
fn a_suggested_size_is_no_use_of_the_pool() {
    let bodies = Bodies::new();
    let pool = ThreadPool::builder().start_with(bodies.keep());
    let event_loop = EventLoop::builder().pool(pool.sizes(4, 4)).build().unwrap();
    let handle = event_loop.handle();
    handle.suggest_thread_pool_size(3).unwrap();
    assert_eq!(event_loop.step(), Performed::Nothing);
    handle.suggest_thread_pool_size(2).unwrap();
    assert_eq!(bodies.kept(), 0);
    drop(handle.thread_pool());
    assert_eq!(bodies.kept(), 2, "this is one");
    drop(event_loop);
    bodies.run();
}

#[test]
fn the_pool_ended_by_hand_closes_its_calls_and_leaves_the_loop_alive() {
    let _watchdog = watchdog();
    let running = Running::start();
    running.handle.thread_pool().shutdown().unwrap();
    let handle = &running.handle;
    assert!(matches!(
        handle.call_in_thread(|| ()),
        Err(Rejected::Closed(_))
    ));
    assert!(matches!(
        handle.defer_to_thread(|| ()),
        Err(Rejected::Closed(_))
    ));
    let multiple = handle.call_multiple_in_thread([|| ()]);
    assert!(matches!(multiple, Err(Rejected::Closed(_))));
    let resized = handle.suggest_thread_pool_size(3);
    assert!(matches!(resized, Err(ResizeError::Closed)));
    let called = Count::new();
    let inside = called.clone();
    let defers = move |on: &OnLoop| {
        let callback = move |_: &OnLoop, _| {
            inside.one_more();
        };
        let ran = Count::new();
        let not = on.defer_to_thread(ran.task(), callback).unwrap_err();
        assert!(matches!(not.rejected, Rejected::Closed(_)));
        let own = fixed(1);
        let callback = not.callback;
        on.defer_to_thread_pool(&own, || (), callback).unwrap();
        own.shutdown().unwrap();
        ran.get()
    };
    assert_eq!(handle.blocking_call_from_thread(defers).unwrap(), 0);
    until(|| called.get() == 1);
    running.end();
}

#[test]
fn a_pool_ended_before_the_loop_ran_gives_back_what_it_took() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    let ran = Count::new();
    handle.call_in_thread(ran.task()).unwrap();
    let deferred = handle.defer_to_thread(|| 1).unwrap();
    let (told, on) = (Log::new(), event_loop.here());
    let noted = told.clone();
    let callback = move |_: &OnLoop, end: Result<(), DeferError>| {
        noted.note(end.unwrap_err().to_string());
    };
    on.defer_to_thread(ran.task(), callback).unwrap();
    drop(handle.thread_pool().shutdown());
    assert!(deferred.join().is_err());
    quit(&event_loop);
    assert_eq!((ran.get(), told.len()), (0, 1));
}

#[test]
fn p5_after_a_run_no_thread_of_the_loops_pool_is_alive() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let pool = handle.thread_pool();
    let quit = handle.clone();
    let deferred = handle.defer_to_thread(move || quit.quit().unwrap());
    event_loop.run().unwrap();
    let numbers = pool.statistics();
    assert!(numbers.made >= 5, "the least that it is to have");
    assert_eq!(numbers.made, numbers.gone);
    assert_eq!(pool.phase(), Phase::Ended);
    deferred.unwrap().join().unwrap();
}

#[test]
fn w1_tasks_for_the_pool_of_a_loop_that_never_runs_are_dropped_with_it() {
    let (dropped, gone) = mpsc::channel();
    let pool = ThreadPool::builder().on_abandoned(drop);
    let event_loop = EventLoop::builder().pool(pool).build().unwrap();
    let held = Drops(dropped, "the task");
    let handle = event_loop.handle().defer_to_thread(move || drop(held));
    drop(event_loop);
    assert_eq!(gone.recv_timeout(PATIENCE), Ok("the task"));
    assert!(matches!(handle.unwrap().join(), Err(TaskError::Closed)));
}
