//! Blocking calls: their value, and what whoever waits is told.

use std::future::pending;
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Barrier};
use std::thread;

use brigade::{BlockingCallError, EventLoop, OnLoop};

use crate::common::{Count, OnDrop, fail, message};
use crate::loops::{Running, made, quit, thread_of};
use crate::thread_pools::{asleep_in, watchdog};

fn payload<T>(end: Result<T, BlockingCallError>) -> String {
    match end {
        Err(BlockingCallError::Panicked(payload)) => message(&payload),
        Err(error) => panic!("it did not panic: {error}"),
        Ok(_) => panic!("it did not panic"),
    }
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
fn e3_a_blocking_call_during_the_stop_has_its_value_or_is_told() {
    for _ in 0..200 {
        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let begin = Arc::new(Barrier::new(2));
        let caller = thread::spawn({
            let (handle, begin) = (handle.clone(), Arc::clone(&begin));
            move || {
                begin.wait();
                handle.blocking_call_from_thread(|_| 42)
            }
        });
        let stopper = thread::spawn(move || {
            begin.wait();
            handle.stop().unwrap();
        });
        assert!(event_loop.run().unwrap().is_empty(), "it stays");
        stopper.join().unwrap();
        match caller.join().unwrap() {
            Ok(value) => assert_eq!(value, 42),
            Err(BlockingCallError::Stopped | BlockingCallError::Closed(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
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
fn e3_tasks_of_the_pool_that_wait_for_the_loop_are_told_before_it_is_joined() {
    let _watchdog = watchdog();
    let running = Running::start();
    let handle = running.handle.clone();
    let (waits, waiting) = mpsc::channel();
    let waiter = running.handle.defer_to_thread(move || {
        handle.blocking_call_from_thread_until(move |_| {
            waits.send(()).unwrap();
            pending::<()>()
        })
    });
    waiting.recv().unwrap();
    running.handle.stop().unwrap();
    let told = waiter.unwrap().join().unwrap();
    assert!(matches!(told, Err(BlockingCallError::Stopped)));
    assert_eq!(running.join().len(), 0);
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
