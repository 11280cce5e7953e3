//! Futures that a loop drives.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use brigade::{OnLoop, Performed};

use crate::common::{Count, FailsWhenDropped, fail, fail_twice};
use crate::loops::{Running, drain, made, quit};
use crate::thread_pools::watchdog;

#[test]
fn a_future_woken_by_four_threads_is_polled_until_it_has_seen_all() {
    let _watchdog = watchdog();
    const EACH: usize = 1_000;
    let running = Running::start();
    let waker = Arc::new(Mutex::new(None::<Waker>));
    let (signals, seen) = (Count::new(), Count::new());
    let (done, is_done) = mpsc::channel();
    let spawns = {
        let (waker, signals, seen) = (waker.clone(), signals.clone(), seen.clone());
        move |on: &OnLoop| {
            let future = poll_fn(move |context| {
                *waker.lock().unwrap() = Some(context.waker().clone());
                seen.one_more();
                if signals.get() < 4 * EACH {
                    return Poll::Pending;
                }
                done.send(()).unwrap();
                Poll::Ready(())
            });
            on.spawn(future).unwrap();
        }
    };
    running.handle.call_from_thread(spawns).unwrap();
    let threads = (0..4).map(|_| {
        let (waker, signals) = (waker.clone(), signals.clone());
        std::thread::spawn(move || {
            for _ in 0..EACH {
                signals.one_more();
                let waker = waker.lock().unwrap().clone();
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
        })
    });
    for thread in Vec::from_iter(threads) {
        thread.join().unwrap();
    }
    is_done.recv().unwrap();
    assert!(seen.get() <= 4 * EACH + 2, "no more polls than wake-ups");
    running.end();
}

#[test]
fn a_future_that_wakes_itself_10_000_times_leaves_room_for_others() {
    let (event_loop, _) = made();
    let polls = Rc::new(Cell::new(0));
    let counted = polls.clone();
    let future = poll_fn(move |context| {
        counted.set(counted.get() + 1);
        if counted.get() > 10_000 {
            return Poll::Ready(());
        }
        // Any number of wake-ups during one poll are one.
        for _ in 0..3 {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    });
    event_loop.here().spawn(future).unwrap();
    let ran = Count::new();
    for n in 0..100 {
        event_loop.handle().execute(ran.task()).unwrap();
        assert_eq!(event_loop.step(), Performed::Ran);
        assert_eq!(event_loop.step(), Performed::Ran);
        assert_eq!(ran.get(), n + 1, "each in its turn");
    }
    drain(&event_loop);
    assert_eq!(polls.get(), 10_001);
}

#[test]
fn a_waker_used_after_its_future_is_done_or_its_loop_has_ended_does_nothing() {
    let (event_loop, panics) = made();
    let wakers = Rc::new(RefCell::new(Vec::new()));
    for done in [true, false] {
        let kept = wakers.clone();
        let future = poll_fn(move |context| {
            kept.borrow_mut().push(context.waker().clone());
            if done { Poll::Ready(()) } else { Poll::Pending }
        });
        event_loop.here().spawn(future).unwrap();
    }
    assert_eq!(drain(&event_loop), 2);
    for waker in wakers.borrow().iter() {
        waker.wake_by_ref();
    }
    assert_eq!(
        drain(&event_loop),
        2,
        "a poll of each, one of which is void"
    );
    assert_eq!(wakers.borrow().len(), 3);
    drop(event_loop);
    for waker in wakers.take() {
        waker.wake_by_ref();
        waker.wake();
    }
    assert_eq!(panics.len(), 0);
}

#[test]
fn w8_futures_that_panic_are_told_once_each_and_dropped() {
    let (event_loop, panics) = made();
    let on = event_loop.here();
    let kept = Count::new();
    let inside = kept.clone();
    on.spawn(async move {
        let _inside = inside;
        fail("a poll")
    })
    .unwrap();
    on.spawn(async {
        let _fails = FailsWhenDropped;
    })
    .unwrap();
    on.spawn(async { fail_twice() }).unwrap();
    let inside = kept.clone();
    on.spawn(async move { drop(inside) }).unwrap();
    on.spawn(async {
        let _fails = FailsWhenDropped;
        pending::<()>().await;
    })
    .unwrap();
    drain(&event_loop);
    assert_eq!(
        panics.take(),
        ["a poll", "the drop of a capture", "(not a text)"]
    );
    assert_eq!(kept.holders(), 1);
    drop(event_loop);
    assert_eq!(panics.take(), ["the drop of a capture"]);
}

#[test]
fn futures_end_on_the_thread_of_the_loop_and_may_hold_it() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let (on, count) = (event_loop.here().clone(), Count::new());
    for _ in 0..3 {
        let (on, count) = (on.clone(), count.clone());
        event_loop
            .here()
            .spawn(async move {
                let _both = (on, count);
                pending::<()>().await;
            })
            .unwrap();
    }
    drain(&event_loop);
    assert_eq!(count.holders(), 4);
    quit(&event_loop);
    assert_eq!(count.holders(), 1, "dropped at the end, not with the loop");
    let closed = on.spawn(async move { drop(count) });
    assert_eq!(
        closed.unwrap_err().to_string(),
        "the event loop takes no more calls"
    );
}

/// A future that spawns others, on the loop and in its pool, and awaits both.
#[test]
fn futures_of_one_loop_talk_to_each_other() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let on = event_loop.here().clone();
    let sum = Rc::new(Cell::new(0));
    let ours = sum.clone();
    let total = event_loop.run_until(async move {
        for n in 0..100 {
            let (ours, handle) = (ours.clone(), on.handle().clone());
            on.spawn(async move {
                let got = handle.defer_to_thread(move || n).unwrap().await.unwrap();
                ours.set(ours.get() + got);
            })
            .unwrap();
        }
        while ours.get() < 4_950 {
            yield_once().await;
        }
        ours.get()
    });
    assert_eq!(total.unwrap(), 4_950);
}

async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
