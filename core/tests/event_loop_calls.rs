//! The calls of an event loop, one by one, and their results: from threads, in threads, deferred and blocking.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

mod common;
#[path = "common/loops.rs"]
mod loops;
#[path = "common/thread_pools.rs"]
mod thread_pools;

use std::cell::{Cell, RefCell};
use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::{self, ThreadId};

use brigade::{
    BlockingCallError, DeferError, EventLoop, OnLoop, Performed, Rejected, ResizeError, TaskError,
    ThreadPool, Worker,
};
use common::{Count, Log, OnDrop, fail, message, occupy};
use loops::{Running, host, hosted, made, noting};
use thread_pools::{Bodies, asleep_in, fixed, until, watchdog};

/// Runs the loop to its end: nothing is given back.
fn quit(event_loop: &EventLoop) {
    event_loop.handle().quit().unwrap();
    assert_eq!(event_loop.run().unwrap().len(), 0);
}

/// The thread of a loop that runs.
fn thread_of(running: &Running) -> ThreadId {
    let id = |_: &OnLoop| thread::current().id();
    running.handle.blocking_call_from_thread(id).unwrap()
}

fn payload<T>(end: Result<T, BlockingCallError>) -> String {
    match end {
        Err(BlockingCallError::Panicked(payload)) => message(&payload),
        Err(error) => panic!("it did not panic: {error}"),
        Ok(_) => panic!("it did not panic"),
    }
}

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
fn a_deferred_value_panic_and_refusal_reach_whoever_joins() {
    let _watchdog = watchdog();
    let running = Running::start();
    let pool = running.handle.thread_pool();
    let on_pool = running.handle.defer_to_thread({
        let pool = pool.clone();
        move || pool.is_own_thread()
    });
    assert!(on_pool.unwrap().join().unwrap());
    let fails = running.handle.defer_to_thread(|| fail("deferred"));
    match fails.unwrap().join() {
        Err(TaskError::Panicked(payload)) => assert_eq!(message(&payload), "deferred"),
        _ => panic!("it did not panic"),
    }
    running.end();
    assert!(pool.execute(|| ()).is_err());
}

#[test]
fn e4_a_callback_is_called_once_on_the_loop_with_the_value_or_the_panic() {
    let _watchdog = watchdog();
    let (event_loop, panics) = made();
    let home = thread::current().id();
    // Neither is `Send`.
    let got = Rc::new(RefCell::new(Vec::new()));
    for n in 0..3 {
        let noted = got.clone();
        let work = move || if n == 1 { fail("the second") } else { n };
        let callback = move |on: &OnLoop, end: Result<i32, DeferError>| {
            assert_eq!(thread::current().id(), home);
            let end = match end {
                Ok(value) => value.to_string(),
                Err(DeferError::Task(TaskError::Panicked(payload))) => message(&payload),
                Err(error) => error.to_string(),
            };
            noted.borrow_mut().push(end);
            if noted.borrow().len() == 3 {
                on.handle().quit().unwrap();
            }
        };
        event_loop.here().defer_to_thread(work, callback).unwrap();
    }
    assert_eq!(got.borrow().len(), 0, "never inside of the call");
    assert_eq!(event_loop.run().unwrap().len(), 0);
    let mut got = got.take();
    got.sort();
    assert_eq!(got, ["0", "2", "the second"]);
    assert_eq!(panics.len(), 0, "the callback has it");
}

#[test]
fn e4_callbacks_that_defer_again_a_thousand_times_are_called_each() {
    fn again(on: &OnLoop, left: usize, done: Rc<Cell<usize>>) {
        if left == 0 {
            on.handle().quit().unwrap();
            return;
        }
        let callback = move |on: &OnLoop, end: Result<usize, DeferError>| {
            done.set(done.get() + 1);
            again(on, end.unwrap(), done);
        };
        on.defer_to_thread(move || left - 1, callback).unwrap();
    }
    let _watchdog = watchdog();
    let (event_loop, panics) = made();
    let done = Rc::new(Cell::new(0));
    again(event_loop.here(), 1_000, done.clone());
    assert_eq!(event_loop.run().unwrap().len(), 0);
    assert_eq!((done.get(), panics.len()), (1_000, 0));
}

#[test]
fn w8_a_callback_that_panics_is_told_once_and_the_next_is_called() {
    let _watchdog = watchdog();
    let (event_loop, panics) = made();
    let on = event_loop.here();
    on.defer_to_thread(|| (), |_, _| fail("a callback"))
        .unwrap();
    until(|| {
        event_loop.step();
        panics.len() == 1
    });
    on.defer_to_thread(|| (), |on, _| on.handle().quit().unwrap())
        .unwrap();
    assert_eq!(event_loop.run().unwrap().len(), 0);
    assert_eq!(panics.take(), ["a callback"]);
}

#[test]
fn e4_deferring_to_a_pool_of_ones_own_which_outlives_the_loop() {
    let _watchdog = watchdog();
    let own = fixed(1);
    let (event_loop, _) = made();
    let (inside, got) = (own.clone(), Rc::new(Cell::new(false)));
    let noted = got.clone();
    let callback = move |on: &OnLoop, end: Result<bool, DeferError>| {
        noted.set(end.unwrap());
        on.handle().quit().unwrap();
    };
    let work = move || inside.is_own_thread();
    event_loop
        .here()
        .defer_to_thread_pool(&own, work, callback)
        .unwrap();
    assert_eq!(event_loop.run().unwrap().len(), 0);
    assert!(got.get());
    drop(event_loop);
    assert_eq!(own.spawn(|| 42).unwrap().join().unwrap(), 42);
    own.shutdown().unwrap();
}

#[test]
fn e4_a_result_whose_loop_has_ended_is_called_back_with_that() {
    let _watchdog = watchdog();
    let own = fixed(1);
    let go_on = occupy(&own);
    let (event_loop, panics) = made();
    let told = Log::new();
    let home = thread::current().id();
    let ran = Count::new();
    for _ in 0..3 {
        let noted = told.clone();
        let callback = move |on: &OnLoop, end: Result<(), DeferError>| {
            assert_eq!(thread::current().id(), home);
            // It may try everything.
            assert!(on.handle().call_from_thread(|_| ()).is_err());
            assert!(on.spawn(async {}).is_err());
            let more = on.defer_to_thread(|| (), |_, _: Result<(), _>| fail("it is called"));
            assert!(more.is_err());
            noted.note(matches!(end, Err(DeferError::LoopEnded)));
        };
        event_loop
            .here()
            .defer_to_thread_pool(&own, ran.task(), callback)
            .unwrap();
    }
    event_loop.handle().stop().unwrap();
    assert_eq!(
        event_loop.run().unwrap().len(),
        0,
        "polls are the loop's own"
    );
    assert_eq!(told.take(), [true; 3]);
    drop(go_on);
    own.shutdown().unwrap();
    assert_eq!(ran.get(), 3, "it is run all the same");
    assert_eq!(panics.len(), 0);
    drop(event_loop);
    assert_eq!(told.len(), 0, "once");
}

#[test]
fn e4_deferring_after_quit_and_after_stop_gives_the_callback_its_end() {
    let _watchdog = watchdog();
    for stops in [false, true] {
        let (event_loop, panics) = made();
        let called = Rc::new(Cell::new(0));
        let key = event_loop.here().confine(called.clone());
        let call = move |on: &OnLoop| {
            if stops {
                on.handle().stop().unwrap();
            } else {
                on.handle().quit().unwrap();
            }
            let called = key.open(on).unwrap();
            let callback = move |_: &OnLoop, _: Result<i32, DeferError>| {
                called.set(called.get() + 1);
            };
            on.defer_to_thread(|| 42, callback).unwrap();
            assert!(on.spawn(async {}).is_err());
        };
        event_loop.handle().call_from_thread(call).unwrap();
        assert_eq!(event_loop.run().unwrap().len(), 0);
        assert_eq!((called.get(), panics.len()), (1, 0));
        let late = event_loop
            .here()
            .defer_to_thread(|| (), |_, _: Result<(), _>| fail("it is called"));
        let late = late.unwrap_err();
        assert!(matches!(late.rejected, Rejected::Closed(_)));
    }
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
fn blocking_calls_bring_back_a_value_or_a_panic() {
    let _watchdog = watchdog();
    let running = Running::asleep();
    let home = thread_of(&running);
    assert_ne!(home, thread::current().id());
    let text = String::from("moved there and back");
    let back = running.handle.blocking_call_from_thread(move |_| text);
    assert_eq!(back.unwrap(), "moved there and back");
    let end = running
        .handle
        .blocking_call_from_thread(|_| fail("on the loop"));
    assert_eq!(payload::<()>(end), "on the loop");
    let fallible = running
        .handle
        .blocking_call_from_thread(|_| Err::<(), _>("an error of one's own"));
    assert_eq!(fallible.unwrap(), Err("an error of one's own"));
    running.end();
}

#[test]
fn blocking_calls_of_futures_bring_back_what_the_loop_drove_them_to() {
    let _watchdog = watchdog();
    let running = Running::asleep();
    let handle = &running.handle;
    // Neither `Send`, nor done at once.
    let driven = handle.blocking_call_from_thread_until(|on: &OnLoop| {
        let (on, text) = (on.clone(), Rc::new("not Send"));
        async move {
            let deferred = on.handle().defer_to_thread(|| 6 * 7).unwrap();
            deferred.await.unwrap() + text.len()
        }
    });
    assert_eq!(driven.unwrap(), 50);
    let large = [7_u64; 100];
    let driven = handle.blocking_call_from_thread_until(move |_| async move { large[99] });
    assert_eq!(driven.unwrap(), 7, "captures of any size");
    let fails = handle.blocking_call_from_thread_until(|_| async { fail("the future") });
    assert_eq!(payload::<()>(fails), "the future");
    let fails = handle.blocking_call_from_thread_until(|on: &OnLoop| {
        let none = on.handle().blocking_call_from_thread(|_| ());
        assert!(matches!(none, Err(BlockingCallError::OnLoopThread(_))));
        if none.is_err() {
            fail("what makes the future")
        }
        pending::<()>()
    });
    assert_eq!(payload(fails), "what makes the future");
    running.end();
}

#[test]
fn e2_a_blocking_call_on_the_loops_own_thread_is_an_error_with_the_call() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    let ran = Count::new();
    let count = ran.clone();
    let inside = handle.clone();
    let call = move |_: &OnLoop| {
        let counts = count.clone();
        let end = inside.blocking_call_from_thread(move |_| counts.one_more());
        assert!(matches!(end, Err(BlockingCallError::OnLoopThread(_))));
        let counts = count.clone();
        let until = move |_: &OnLoop| async move { counts.one_more() };
        let end = inside.blocking_call_from_thread_until(until);
        let Err(BlockingCallError::OnLoopThread(call)) = end else {
            panic!("it waited")
        };
        drop(call);
    };
    // Before it runs, in a call, in a future, and after its end.
    call(event_loop.here());
    handle.call_from_thread(call.clone()).unwrap();
    let inside = call.clone();
    let on = event_loop.here().clone();
    event_loop.here().spawn(async move { inside(&on) }).unwrap();
    quit(&event_loop);
    call(event_loop.here());
    assert_eq!((ran.get(), ran.holders()), (0, 2));
    drop(call);

    let (event_loop, _) = made();
    let counts = ran.clone();
    let blocking = event_loop
        .handle()
        .blocking_call_from_thread(move |_| counts.one_more());
    let Err(BlockingCallError::OnLoopThread(call)) = blocking else {
        panic!("it waited")
    };
    call.run(event_loop.here());
    assert_eq!(ran.get(), 1, "the caller's own call");
    let counts = ran.clone();
    let blocking = event_loop
        .handle()
        .blocking_call_from_thread(move |_| counts.one_more());
    let Err(BlockingCallError::OnLoopThread(call)) = blocking else {
        panic!("it waited")
    };
    event_loop.handle().resubmit(call).unwrap();
    quit(&event_loop);
    assert_eq!(ran.get(), 2, "without a wait");
}

#[test]
fn e2_a_blocking_call_to_another_loop_of_the_same_thread_is_an_error_too() {
    let (one, other) = (EventLoop::new(), EventLoop::new());
    let handle = other.handle();
    let call = move |_: &OnLoop| {
        let end = handle.blocking_call_from_thread(|_| ());
        assert!(matches!(end, Err(BlockingCallError::OnLoopThread(_))));
    };
    one.handle().call_from_thread(call).unwrap();
    quit(&one);
}

#[test]
fn e3_a_blocking_call_before_the_run_waits_for_it() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    let caller = asleep_in(move || {
        let first = handle.blocking_call_from_thread(|_| 1).unwrap();
        let second = handle.blocking_call_from_thread_until(|_| async { 2 });
        handle.quit().unwrap();
        first + second.unwrap()
    });
    assert_eq!(event_loop.run().unwrap().len(), 0);
    assert_eq!(caller.join().unwrap(), 3);
}

#[test]
fn e3_blocking_calls_during_a_stop_are_told_and_those_after_it_get_their_call_back() {
    let _watchdog = watchdog();
    let running = Running::start();
    let go_on = running.occupy();
    let ran = Count::new();
    let waiting = Vec::from_iter((0..4).map(|n| {
        let (handle, ran) = (running.handle.clone(), ran.clone());
        asleep_in(move || {
            let inside = ran.clone();
            let call = move |_: &OnLoop| {
                inside.one_more();
            };
            if n % 2 == 0 {
                handle.blocking_call_from_thread(call)
            } else {
                handle.blocking_call_from_thread_until(move |on| {
                    call(on);
                    async {}
                })
            }
        })
    }));
    running.handle.stop().unwrap();
    let late = running.handle.blocking_call_from_thread(|_| ());
    assert!(matches!(late, Err(BlockingCallError::Closed(_))));
    drop(go_on);
    for caller in waiting {
        let end = caller.join().unwrap();
        assert!(matches!(end, Err(BlockingCallError::Stopped)));
    }
    let handle = running.handle.clone();
    assert_eq!(running.join().len(), 0, "nobody else has these calls");
    assert_eq!((ran.get(), ran.holders()), (0, 1));

    let late = handle.blocking_call_from_thread({
        let ran = ran.clone();
        move |_| ran.one_more()
    });
    let Err(BlockingCallError::Closed(call)) = late else {
        panic!("it has ended")
    };
    call.run(EventLoop::new().here());
    assert_eq!(ran.get(), 1, "the caller's own call");
    let late = handle.blocking_call_from_thread_until(|_| async {});
    assert!(matches!(late, Err(BlockingCallError::Closed(_))));
}

#[test]
fn e3_a_blocking_future_whose_loop_ends_is_dropped_there_and_its_caller_told() {
    let _watchdog = watchdog();
    for stops in [false, true] {
        let running = Running::start();
        let home = thread_of(&running);
        let (begun, has_begun) = mpsc::channel();
        let (dropped, was_dropped) = mpsc::channel();
        let handle = running.handle.clone();
        let caller = thread::spawn(move || {
            handle.blocking_call_from_thread_until(move |_| {
                let on_drop = OnDrop(move || dropped.send(thread::current().id()).unwrap());
                async move {
                    let _on_drop = on_drop;
                    begun.send(()).unwrap();
                    pending::<()>().await;
                }
            })
        });
        has_begun.recv().unwrap();
        if stops {
            running.handle.stop().unwrap();
        } else {
            running.handle.quit().unwrap();
        }
        let end = caller.join().unwrap();
        assert!(matches!(end, Err(BlockingCallError::Stopped)));
        assert_eq!(was_dropped.recv().unwrap(), home);
        assert_eq!(running.join().len(), 0);
    }
}

#[test]
fn p3_a_blocking_call_of_a_full_pools_only_thread_counts_as_blocking() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    handle.suggest_thread_pool_size(1).unwrap();
    let inside = handle.clone();
    // The call it waits for waits in turn for another task of the pool, whose only thread it holds.
    let waits = handle.defer_to_thread(move || {
        let until = |on: &OnLoop| {
            let on = on.clone();
            async move { on.handle().defer_to_thread(|| 42).unwrap().await.unwrap() }
        };
        inside.blocking_call_from_thread_until(until).unwrap()
    });
    let got = event_loop.run_until(waits.unwrap());
    assert_eq!(got.unwrap().unwrap(), 42);
    quit(&event_loop);
}

#[test]
fn e3_tasks_of_the_pool_that_wait_for_the_loop_are_told_before_it_is_joined() {
    let _watchdog = watchdog();
    let running = Running::start();
    let go_on = running.occupy();
    let handle = running.handle.clone();
    let (calling, is_calling) = mpsc::channel();
    let deferred = running.handle.defer_to_thread(move || {
        calling.send(()).unwrap();
        handle.blocking_call_from_thread(|_| fail("it is run"))
    });
    is_calling.recv().unwrap();
    running.handle.stop().unwrap();
    drop(go_on);
    let end: Result<(), _> = deferred.unwrap().join().unwrap();
    let told = BlockingCallError::Stopped.to_string();
    let closed = "the event loop takes no more calls";
    let end = end.unwrap_err().to_string();
    assert!(end == told || end == closed, "{end}");
    assert_eq!(running.join().len(), 0);
}

#[test]
fn hosted_calls_run_in_turns_of_the_host_in_order() {
    let (event_loop, performer, panics) = hosted();
    let log = Log::new();
    let handle = event_loop.handle();
    assert_eq!(performer.drain(), 0, "it asks when calls come");
    for n in 0..10 {
        handle.execute(log.task(n)).unwrap();
    }
    let again = log.clone();
    let inner = move |on: &OnLoop| on.handle().execute(again.task(11)).unwrap();
    handle.call_from_thread(inner).unwrap();
    assert_eq!(performer.perform(), Performed::Ran);
    assert_eq!(log.take(), Vec::from_iter(0..10));
    assert_eq!(
        performer.perform(),
        Performed::Ran,
        "for what came meanwhile"
    );
    assert_eq!(log.take(), [11]);
    assert_eq!(performer.perform(), Performed::Nothing);
    let deferred = event_loop.here().defer_to_thread(|| 42, {
        let log = log.clone();
        move |_, end| log.note(end.unwrap())
    });
    deferred.unwrap();
    until(|| {
        performer.perform();
        log.len() == 1
    });
    assert_eq!(log.take(), [42]);
    handle.quit().unwrap();
    assert_eq!(performer.perform(), Performed::Ran);
    assert!(handle.execute(|| ()).is_err());
    assert_eq!(event_loop.end().len(), 0);
    assert_eq!(panics.len(), 0);
}

#[test]
fn hosted_loops_are_not_run_and_a_turn_inside_of_a_call_is_left_for_later() {
    let (event_loop, performer, _) = hosted();
    assert!(matches!(event_loop.run(), Err(brigade::RunError::Hosted)));
    let until = event_loop.run_until(async {});
    assert!(matches!(until, Err(brigade::RunError::Hosted)));
    let (log, performer) = (Log::new(), Rc::new(performer));
    let key = event_loop.here().confine(performer.clone());
    let noted = log.clone();
    let call = move |on: &OnLoop| {
        on.handle().execute(noted.task("inner")).unwrap();
        let performer = key.open(on).unwrap();
        assert_eq!(performer.perform(), Performed::Ran, "a turn");
        noted.note("outer");
    };
    event_loop.handle().call_from_thread(call).unwrap();
    assert_eq!(event_loop.step(), Performed::Ran, "the owner's own");
    performer.drain();
    assert_eq!(log.take(), ["outer", "inner"]);
}

#[test]
fn hosted_on_loops_of_ours_two_guests_and_a_guest_of_a_guest() {
    let _watchdog = watchdog();
    let (host, _) = made();
    let guest = |of: &EventLoop| {
        let (builder, panics) = noting();
        (builder.build_on(of.handle()).unwrap(), panics)
    };
    let ((one, _), (other, _)) = (guest(&host), guest(&host));
    let (inner, _) = guest(&one);
    let (log, loops) = (Log::new(), [&one, &other, &inner, &host]);
    let keys = loops.map(|it| it.here().confine(()));
    for round in 0..3 {
        for (n, it) in loops.into_iter().enumerate() {
            let (log, keys) = (log.clone(), keys.clone());
            let call = move |on: &OnLoop| {
                assert!(
                    keys.iter()
                        .enumerate()
                        .all(|(m, key)| key.open(on).is_ok() == (m == n))
                );
                log.note((n, round));
            };
            it.handle().call_from_thread(call).unwrap();
        }
    }
    host.run_until(async {
        let handle = inner.handle();
        let deferred = inner.here().defer_to_thread(|| (), {
            let log = log.clone();
            move |_, _| log.note((2, 3))
        });
        deferred.unwrap();
        let in_host = handle.defer_to_thread(|| ()).unwrap();
        in_host.await.unwrap();
    })
    .unwrap();
    until(|| {
        host.step();
        log.len() == 13
    });
    let seen = log.take();
    for n in 0..4 {
        let of_loop = seen.iter().filter(|seen| seen.0 == n);
        let rounds = if n == 2 { 4 } else { 3 };
        assert!(of_loop.map(|seen| seen.1).eq(0..rounds), "loop {n}");
    }
    quit(&host);
    // The host is gone: the guests find that out when they next ask it.
    for it in [&one, &other] {
        let waits = Count::new();
        it.handle().execute(waits.task()).unwrap();
        assert!(it.handle().execute(|| ()).is_err(), "it has stopped");
        assert_eq!(waits.get(), 0);
    }
    assert_eq!(
        (one.end().len(), other.end().len(), inner.end().len()),
        (1, 1, 0)
    );
}

#[test]
fn e3_hosted_on_one_that_refuses_a_loop_stops_and_tells_who_waits() {
    let _watchdog = watchdog();
    let (host, performer) = host();
    let (builder, panics) = noting();
    let event_loop = builder.build_on(host).unwrap();
    let handle = event_loop.handle();
    drop(performer);
    let inside = handle.clone();
    let waiting = thread::spawn(move || inside.blocking_call_from_thread(|_| ()));
    let end = waiting.join().unwrap();
    assert!(matches!(end, Err(BlockingCallError::Stopped)));
    assert!(handle.call_from_thread(|_| ()).is_err());
    assert_eq!(event_loop.step(), Performed::Ended);
    assert_eq!(event_loop.end().len(), 0);
    assert_eq!(panics.len(), 0);
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
