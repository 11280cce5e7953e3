//! Calls from threads, and in threads.

use std::cell::Cell;
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread::{self, ThreadId};

use brigade::{EventLoop, OnLoop, Worker};

use crate::common::{Count, Log, fail};
use crate::loops::{Running, made, thread_of};
use crate::thread_pools::{until, watchdog};

#[test]
fn e1_a_handle_is_used_by_several_threads_at_once() {
    let _watchdog = watchdog();
    let running = Running::start();
    let home = thread_of(&running);
    let log = Log::new();
    let callers = (0..4).map(|caller| {
        let (handle, log) = (running.handle.clone(), log.clone());
        thread::spawn(move || {
            for n in 0..250 {
                let log = log.clone();
                let call = move |on: &OnLoop| {
                    assert!(on.handle().is_on_loop_thread());
                    log.note((caller, n, thread::current().id()));
                };
                handle.call_from_thread(call).unwrap();
            }
        })
    });
    for caller in Vec::from_iter(callers) {
        caller.join().unwrap();
    }
    running.end();
    let seen = log.take();
    assert!(seen.iter().all(|&(_, _, thread)| thread == home));
    for caller in 0..4 {
        let of_caller = seen.iter().filter(|seen| seen.0 == caller);
        assert!(of_caller.map(|seen| seen.1).eq(0..250), "in its order");
    }
}

#[test]
fn whose_thread_this_is_can_be_asked_by_anybody() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    assert!(handle.is_on_loop_thread(), "before it runs");
    let elsewhere = handle.clone();
    let asked = thread::spawn(move || elsewhere.is_on_loop_thread());
    assert!(!asked.join().unwrap());
    let inside = handle.clone();
    let in_pool = handle.defer_to_thread(move || inside.is_on_loop_thread());
    assert!(!event_loop.run_until(in_pool.unwrap()).unwrap().unwrap());
    let other = EventLoop::new();
    assert!(other.handle().is_on_loop_thread() && handle.is_on_loop_thread());
    drop(event_loop);
    assert!(handle.is_on_loop_thread(), "after its end");
}

#[test]
fn w5_what_came_before_a_call_is_seen_in_it_and_its_value_by_the_caller() {
    let _watchdog = watchdog();
    let running = Running::start();
    let sum = running
        .handle
        .blocking_call_from_thread(|on| on.confine(Cell::new(0_u64)))
        .unwrap();
    // One caller each, and no lock: a confined value has room for all of them.
    let callers = (1..=4_u64).map(|caller| {
        let (handle, sum) = (running.handle.clone(), sum.clone());
        thread::spawn(move || {
            for _ in 0..100 {
                let sum = sum.clone();
                let adds = move |on: &OnLoop| {
                    let sum = sum.open(on).unwrap();
                    sum.set(sum.get() + caller);
                    sum.get()
                };
                assert!(handle.blocking_call_from_thread(adds).unwrap() >= caller);
            }
        })
    });
    for caller in Vec::from_iter(callers) {
        caller.join().unwrap();
    }
    let total = move |on: &OnLoop| sum.open(on).unwrap().get();
    let total = running.handle.blocking_call_from_thread(total);
    assert_eq!(total.unwrap(), 1_000);
    running.end();
}

#[test]
fn call_in_thread_runs_tasks_of_all_threads_in_the_loops_pool() {
    let _watchdog = watchdog();
    let running = Running::start();
    let home = thread_of(&running);
    let (tell, told) = mpsc::channel();
    let task = |tell: mpsc::Sender<ThreadId>| move || tell.send(thread::current().id()).unwrap();
    running.handle.call_in_thread(task(tell.clone())).unwrap();
    let inside = task(tell);
    let call = move |on: &OnLoop| on.handle().call_in_thread(inside).unwrap();
    running.handle.call_from_thread(call).unwrap();
    let threads = [told.recv().unwrap(), told.recv().unwrap()];
    assert!(!threads.contains(&home) && !threads.contains(&thread::current().id()));
    let pool = running.handle.thread_pool();
    until(|| pool.statistics().now.done == 2);
    running.end();
}

#[test]
fn one_failing_call_of_many_fails_alone_and_all_run_on_one_thread_in_order() {
    let _watchdog = watchdog();
    let running = Running::start();
    let log = Log::new();
    let calls = Vec::from_iter((0..100).map(|n| {
        let log = log.clone();
        move || {
            log.note((n, thread::current().id()));
            if n == 42 { fail("the 42nd") } else { n }
        }
    }));
    let results = running.handle.call_multiple_in_thread(calls).unwrap();
    let results = results.join().unwrap();
    assert_eq!(results.len(), 100);
    for (n, result) in results.into_iter().enumerate() {
        match result {
            Ok(value) => assert_eq!(value, n),
            Err(error) => {
                assert_eq!(n, 42);
                assert_eq!(error.to_string(), "the task panicked: the 42nd");
            }
        }
    }
    let seen = log.take();
    assert!(seen.iter().map(|seen| seen.0).eq(0..100));
    assert!(seen.iter().all(|it| it.1 == seen[0].1), "one thread");
    assert_ne!(seen[0].1, thread::current().id());
    running.end();
}

#[test]
fn no_calls_at_all_and_calls_whose_iterator_panics_have_a_result() {
    let _watchdog = watchdog();
    let running = Running::start();
    let none = running.handle.call_multiple_in_thread(Vec::<fn()>::new());
    assert_eq!(none.unwrap().join().unwrap().len(), 0);
    let calls = (0..3).map(|n| {
        if n == 1 {
            fail("the iterator")
        }
        move || n
    });
    let end = running
        .handle
        .call_multiple_in_thread(calls)
        .unwrap()
        .join();
    let error = end.unwrap_err().to_string();
    assert_eq!(error, "the task panicked: the iterator");
    running.end();
}

#[test]
fn w4_calls_from_many_threads_and_a_quit_are_each_run_or_handed_back() {
    let _watchdog = watchdog();
    for _ in 0..50 {
        let running = Running::start();
        let (ran, refused) = (Count::new(), Count::new());
        let barrier = Arc::new(Barrier::new(5));
        let callers = (0..4).map(|_| {
            let (ran, refused) = (ran.clone(), refused.clone());
            let (handle, barrier) = (running.handle.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                for _ in 0..100 {
                    if handle.execute(ran.task()).is_err() {
                        refused.one_more();
                    }
                }
            })
        });
        let callers = Vec::from_iter(callers);
        barrier.wait();
        running.handle.quit().unwrap();
        for caller in callers {
            caller.join().unwrap();
        }
        assert_eq!(running.join().len(), 0, "it was quit, so all were run");
        assert_eq!(ran.get() + refused.get(), 400);
    }
}

#[test]
fn a_loop_is_a_worker_among_others_and_its_quit_is_told_once() {
    let _watchdog = watchdog();
    let running = Running::start();
    let worker: &dyn Worker = &running.handle;
    let (ran, handle) = (Count::new(), running.handle.clone());
    worker.execute(ran.task().into()).unwrap();
    worker.quit().unwrap();
    assert!(worker.quit().is_err());
    let refused = worker.execute(ran.task().into()).unwrap_err();
    refused.into_task().run();
    assert_eq!(running.join().len(), 0);
    assert_eq!(ran.get(), 2);
    assert!(handle.stop().is_err(), "it has ended");
}
