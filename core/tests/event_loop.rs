//! Event loops: run, stepped, run until a future is done; the order of calls, wake-ups, confined values, futures.

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
use std::collections::VecDeque;
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};

use brigade::{
    AlreadyQuit, Confined, EventLoop, ExclusiveWorker, Handlers, OnLoop, OpenError, Performed,
    Refused, RunError, Statistics, Task, Team, Worker, memory_worker,
};
use common::{Count, FailsWhenDropped, Log, OnDrop, fail, fail_twice};
use loops::{Running, made};
use thread_pools::watchdog;

/// Steps the loop until it has nothing to do, and says how many calls it ran.
fn drain(event_loop: &EventLoop) -> usize {
    std::iter::from_fn(|| (event_loop.step() == Performed::Ran).then_some(())).count()
}

/// Runs the loop to its end: nothing is given back.
fn quit(event_loop: &EventLoop) {
    event_loop.handle().quit().unwrap();
    assert_eq!(event_loop.run().unwrap().len(), 0);
}

#[test]
fn e1_calls_before_the_run_wait_for_it_and_so_do_those_for_the_pool() {
    let _watchdog = watchdog();
    let (event_loop, panics) = made();
    let handle = event_loop.handle();
    let (log, in_pool) = (Log::new(), Count::new());
    for n in 0..100 {
        let log = log.clone();
        handle.call_from_thread(move |_| log.note(n)).unwrap();
        handle.call_in_thread(in_pool.task()).unwrap();
    }
    let deferred = handle.defer_to_thread(|| 42).unwrap();
    let now = handle.thread_pool().statistics();
    assert_eq!((now.now.workers(), log.len(), in_pool.get()), (0, 0, 0));
    quit(&event_loop);
    assert_eq!(log.take(), Vec::from_iter(0..100));
    assert_eq!(in_pool.get(), 100);
    assert_eq!(deferred.join().unwrap(), 42);
    assert_eq!(handle.thread_pool().statistics().now.workers(), 0, "joined");
    assert_eq!(panics.len(), 0);
}

#[test]
fn e1_each_kind_of_call_wakes_a_loop_that_sleeps() {
    type Kind = fn(&Running, mpsc::Sender<()>);
    let kinds: [(&str, Kind); 8] = [
        ("call_from_thread", |it, done| {
            it.handle
                .call_from_thread(move |_| done.send(()).unwrap())
                .unwrap();
        }),
        ("execute", |it, done| {
            it.handle.execute(move || done.send(()).unwrap()).unwrap();
        }),
        ("a worker's execute", |it, done| {
            let worker: &dyn Worker = &it.handle;
            worker
                .execute(Task::new(move || done.send(()).unwrap()))
                .unwrap();
        }),
        ("a blocking call", |it, done| {
            let sent = it
                .handle
                .blocking_call_from_thread(move |_| done.send(()).unwrap());
            sent.unwrap();
        }),
        ("a blocking call of a future", |it, done| {
            let sent = it
                .handle
                .blocking_call_from_thread_until(move |_| async move {
                    done.send(()).unwrap();
                });
            sent.unwrap();
        }),
        ("resubmit", |it, done| {
            let other = EventLoop::new();
            let call = move |_: &OnLoop| done.send(()).unwrap();
            other.handle().call_from_thread(call).unwrap();
            let call = other.end().remove(0);
            it.handle.resubmit(call).unwrap();
        }),
        ("a result of the pool", |it, done| {
            let defers = move |on: &OnLoop| {
                let callback = move |_: &OnLoop, _| done.send(()).unwrap();
                on.defer_to_thread(|| (), callback).unwrap();
            };
            it.handle.call_from_thread(defers).unwrap();
        }),
        ("a team that it coordinates", |it, done| {
            let (worker, performer) = memory_worker();
            let once = Mutex::new(Some(worker));
            let factory = move |_: &Statistics| Ok(once.lock().unwrap().take());
            let team = Team::new(it.handle.clone(), factory, Handlers::new());
            team.execute(Task::new(|| ())).unwrap();
            while performer.perform() != Performed::Ran {
                std::thread::yield_now();
            }
            done.send(()).unwrap();
            // To drop the team quits its coordinator, and here that is the loop.
            std::mem::forget(team);
        }),
    ];
    let _watchdog = watchdog();
    for (name, call) in kinds {
        let running = Running::asleep();
        let (done, is_done) = mpsc::channel();
        call(&running, done);
        assert!(is_done.recv().is_ok(), "{name}");
        running.end();
    }
}

#[test]
fn e1_a_waker_a_last_key_a_quit_and_a_stop_wake_a_loop_that_sleeps() {
    let _watchdog = watchdog();
    let running = Running::asleep();
    let (dropped, was_dropped) = mpsc::channel();
    let on_drop = OnDrop(move || dropped.send(()).unwrap());
    let key = running
        .handle
        .blocking_call_from_thread(move |on| on.confine(on_drop));
    drop(key.unwrap());
    was_dropped.recv().unwrap();

    let (woken, was_woken) = mpsc::channel();
    let (give, given) = mpsc::channel::<Waker>();
    let spawns = move |on: &OnLoop| {
        let mut first = true;
        let future = poll_fn(move |context| {
            if std::mem::take(&mut first) {
                give.send(context.waker().clone()).unwrap();
                return Poll::Pending;
            }
            woken.send(()).unwrap();
            Poll::Ready(())
        });
        on.spawn(future).unwrap();
    };
    running.handle.call_from_thread(spawns).unwrap();
    given.recv().unwrap().wake();
    was_woken.recv().unwrap();
    running.end();

    let running = Running::asleep();
    running.handle.stop().unwrap();
    assert_eq!(running.join().len(), 0);
}

#[test]
fn w6_w7_a_call_made_inside_of_a_call_runs_after_those_that_waited() {
    let (event_loop, _) = made();
    let log = Log::new();
    let inside = log.clone();
    let first = move |on: &OnLoop| {
        inside.note("first");
        let second = inside.clone();
        on.handle()
            .call_from_thread(move |_| second.note("inner"))
            .unwrap();
        inside.note("first ends");
    };
    event_loop.handle().call_from_thread(first).unwrap();
    event_loop.handle().execute(log.task("second")).unwrap();
    assert_eq!(drain(&event_loop), 3);
    assert_eq!(log.take(), ["first", "first ends", "second", "inner"]);
}

thread_local! {
    static LOOPS: RefCell<Vec<Rc<EventLoop>>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn w6_a_run_or_a_step_inside_of_a_call_is_refused_and_changes_nothing() {
    let _watchdog = watchdog();
    let (outer, panics) = made();
    let (outer, other) = (Rc::new(outer), Rc::new(EventLoop::new()));
    LOOPS.with(|loops| loops.borrow_mut().extend([outer.clone(), other.clone()]));
    let log = Log::new();
    other.handle().execute(log.task("other")).unwrap();
    let inside = log.clone();
    let call = move |_: &OnLoop| {
        let loops = LOOPS.with(|loops| loops.borrow().clone());
        for it in &loops {
            assert!(matches!(it.run(), Err(RunError::Nested)));
            assert!(matches!(it.run_until(async {}), Err(RunError::Nested)));
        }
        assert_eq!(loops[0].step(), Performed::Busy);
        inside.note("before");
        assert_eq!(loops[1].step(), Performed::Ran);
        assert_eq!(loops[1].step(), Performed::Nothing);
        assert_eq!(loops[0].step(), Performed::Busy, "still");
        inside.note("after");
    };
    outer.handle().call_from_thread(call).unwrap();
    quit(&outer);
    assert_eq!(panics.take(), [""; 0]);
    assert_eq!(log.take(), ["before", "other", "after"]);
    LOOPS.take();
    quit(&other);
}

#[test]
fn e3_a_loop_that_has_ended_does_not_run_again() {
    let (event_loop, _) = made();
    let (ran, late) = (Count::new(), Count::new());
    event_loop.handle().execute(ran.task()).unwrap();
    quit(&event_loop);
    assert_eq!(ran.get(), 1);
    assert!(event_loop.handle().execute(late.task()).is_err());
    assert!(matches!(event_loop.run(), Err(RunError::Ended)));
    let future = async { unreachable!("it is not polled") };
    assert!(matches!(event_loop.run_until(future), Err(RunError::Ended)));
    assert_eq!(event_loop.step(), Performed::Ended);
    assert_eq!(event_loop.step(), Performed::Ended, "again");
    assert_eq!(event_loop.end().len(), 0);
    assert_eq!(late.get(), 0);
}

#[test]
fn a_step_runs_one_call_and_tells_the_end() {
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    let log = Log::new();
    assert_eq!(event_loop.step(), Performed::Nothing);
    handle.execute(log.task(1)).unwrap();
    handle.execute(log.task(2)).unwrap();
    assert_eq!(event_loop.step(), Performed::Ran);
    assert_eq!(log.take(), [1]);
    handle.quit().unwrap();
    assert_eq!(event_loop.step(), Performed::Ran);
    assert_eq!(event_loop.step(), Performed::Ended);
    assert_eq!(log.take(), [2]);
}

#[test]
fn a_future_that_is_run_until_may_borrow_and_the_loop_goes_on_to_live() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    let text = String::from("borrowed, and not Send");
    let text = &Rc::new(text);
    for n in 0..10 {
        let sum = async {
            let deferred = handle.defer_to_thread(move || n).unwrap();
            deferred.await.unwrap() + text.len()
        };
        assert_eq!(event_loop.run_until(sum).unwrap(), n + 22);
    }
    let ran = Count::new();
    handle.execute(ran.task()).unwrap();
    event_loop.run_until(async {}).unwrap();
    assert_eq!(ran.get(), 0, "the future was done before any call");
    quit(&event_loop);
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_future_that_is_run_until_is_told_of_a_quit_and_of_a_stop() {
    let _watchdog = watchdog();
    let (event_loop, _) = made();
    let (ran, dropped) = (Count::new(), Count::new());
    event_loop.handle().execute(ran.task()).unwrap();
    event_loop.handle().quit().unwrap();
    let inside = dropped.clone();
    let never = async move {
        let _inside = inside;
        pending::<()>().await;
    };
    let Err(RunError::Stopped(calls)) = event_loop.run_until(never) else {
        panic!("it was not done")
    };
    assert_eq!((calls.len(), ran.get(), dropped.holders()), (0, 1, 1));

    let (event_loop, _) = made();
    let handle = event_loop.handle();
    handle
        .call_from_thread(|on| on.handle().stop().unwrap())
        .unwrap();
    handle.execute(ran.task()).unwrap();
    let Err(RunError::Stopped(calls)) = event_loop.run_until(pending::<()>()) else {
        panic!("it was not done")
    };
    assert_eq!((calls.len(), ran.get()), (1, 1));
    assert!(matches!(event_loop.run(), Err(RunError::Ended)));
}

#[test]
fn w8_a_loop_can_be_run_again_after_a_future_that_panicked() {
    let _watchdog = watchdog();
    let (event_loop, panics) = made();
    let handle = event_loop.handle();
    let ran = Count::new();
    handle.execute(ran.task()).unwrap();
    for when in 0..3 {
        let fails = async {
            for _ in 0..when {
                handle.defer_to_thread(|| ()).unwrap().await.unwrap();
            }
            fail("the future")
        };
        let end = catch_unwind(AssertUnwindSafe(|| event_loop.run_until::<_>(fails)));
        assert!(end.is_err());
    }
    assert_eq!(event_loop.run_until(async { 42 }).unwrap(), 42);
    quit(&event_loop);
    assert_eq!((ran.get(), panics.len()), (1, 0), "the panic went on");
}

/// A coordinator of a user's own, whose tasks the test runs.
#[derive(Clone, Default)]
struct Plain(Arc<Mutex<VecDeque<Task>>>);

impl Worker for Plain {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.0.lock().unwrap().push_back(task);
        Ok(())
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        Ok(())
    }
}

impl ExclusiveWorker for Plain {}

#[test]
fn t9_a_future_that_panicked_leaves_no_turn_open_on_its_thread() {
    let (event_loop, _) = made();
    let fails = async { fail("the future") };
    let end = catch_unwind(AssertUnwindSafe(|| event_loop.run_until::<_>(fails)));
    assert!(end.is_err());

    let plain = Plain::default();
    let (worker, performer) = memory_worker();
    let once = Mutex::new(Some(worker));
    let factory = move |_: &Statistics| Ok(once.lock().unwrap().take());
    let team = Team::new(plain.clone(), factory, Handlers::new());
    let ran = Count::new();
    team.execute(Task::new(ran.task())).unwrap();
    loop {
        let step = plain.0.lock().unwrap().pop_front();
        let Some(step) = step else { break };
        step.run();
    }
    performer.drain();
    assert_eq!(ran.get(), 1, "the step's decision was carried out");
}

#[test]
fn two_loops_of_one_thread_one_after_the_other_know_nothing_of_each_other() {
    let _watchdog = watchdog();
    for _ in 0..2 {
        let (event_loop, panics) = made();
        let handle = event_loop.handle();
        let key = event_loop.here().confine(Cell::new(0));
        let inside = key.clone();
        let call = move |on: &OnLoop| inside.open(on).unwrap().set(1);
        handle.call_from_thread(call).unwrap();
        quit(&event_loop);
        assert_eq!(key.open(event_loop.here()).unwrap().get(), 1);
        assert_eq!(panics.len(), 0);
    }
}

#[test]
fn each_call_is_given_the_loop_that_runs_it() {
    let (one, other) = (EventLoop::new(), EventLoop::new());
    let keys = [&one, &other].map(|it| it.here().confine(()));
    let seen = Log::new();
    let call = {
        let (seen, keys) = (seen.clone(), keys.clone());
        move |on: &OnLoop| seen.note(keys.each_ref().map(|key| key.open(on).is_ok()))
    };
    for _ in 0..2 {
        for it in [&one, &other] {
            it.handle().call_from_thread(call.clone()).unwrap();
            assert_eq!(it.step(), Performed::Ran);
        }
    }
    let (first, second) = ([true, false], [false, true]);
    assert_eq!(seen.take(), [first, second, first, second]);

    // What one hands back, run on the other, sees that one.
    one.handle().call_from_thread(call.clone()).unwrap();
    one.handle().call_from_thread(call).unwrap();
    let mut calls = one.end();
    calls.pop().unwrap().run(other.here());
    other.handle().resubmit(calls.pop().unwrap()).unwrap();
    assert_eq!(drain(&other), 1);
    assert_eq!(seen.take(), [second, second]);
}

#[test]
fn a_confined_value_is_opened_on_its_own_loop_only() {
    let (one, other) = (EventLoop::new(), EventLoop::new());
    let key = one.here().confine(Rc::new(7));
    assert_eq!(**key.open(one.here()).unwrap(), 7);
    assert!(matches!(key.open(other.here()), Err(OpenError::OtherLoop)));
    let on = one.here().clone();
    let open = key.open(&on).unwrap();
    drop(one);
    assert!(matches!(key.open(&on), Err(OpenError::Gone)));
    assert_eq!(**open, 7, "it was open");
}

#[test]
fn a_confined_value_is_dropped_on_its_loop_when_the_last_key_is_dropped_elsewhere() {
    let _watchdog = watchdog();
    let running = Running::start();
    let handle = running.handle.clone();
    let on_loop = handle.blocking_call_from_thread(|_| std::thread::current().id());
    let (dropped, was_dropped) = mpsc::channel();
    let key = handle.blocking_call_from_thread(move |on| {
        on.confine(OnDrop(move || {
            dropped.send(std::thread::current().id()).unwrap();
        }))
    });
    let key = key.unwrap();
    let clones: Vec<_> = (0..4).map(|_| key.clone()).collect();
    drop(key);
    let threads = clones.into_iter().map(|key| {
        let handle = handle.clone();
        std::thread::spawn(move || handle.blocking_call_from_thread(move |on| key.open(on).is_ok()))
    });
    for thread in Vec::from_iter(threads) {
        assert!(thread.join().unwrap().unwrap());
    }
    assert_eq!(was_dropped.recv().unwrap(), on_loop.unwrap());
    running.end();
}

#[test]
fn a_confined_value_whose_drop_uses_the_loop_drops_others_and_confines_more() {
    let (event_loop, panics) = made();
    let on = event_loop.here();
    let log = Log::new();
    let inner = on.confine(OnDrop({
        let log = log.clone();
        move || log.note("inner")
    }));
    let outer = {
        let (log, on) = (log.clone(), on.clone());
        let mut inner = Some(inner);
        on.clone().confine(OnDrop(move || {
            log.note("outer");
            drop(inner.take());
            let last = log.clone();
            drop(on.confine(OnDrop(move || last.note("last"))));
        }))
    };
    drop(outer);
    assert_eq!(log.len(), 0, "it is dropped by the loop");
    drain(&event_loop);
    assert_eq!(log.take(), ["outer", "inner", "last"]);
    assert_eq!(panics.len(), 0);
}

/// A value that keeps its own key, and the loop.
struct Cycle {
    key: RefCell<Option<Confined<Cycle>>>,
    _on: OnLoop,
    _count: Count,
}

#[test]
fn t10_values_that_keep_their_own_key_and_their_loop_are_dropped_with_it() {
    let count = Count::new();
    let (event_loop, _) = made();
    for _ in 0..10 {
        let on = event_loop.here();
        let cycle = Cycle {
            key: RefCell::default(),
            _on: on.clone(),
            _count: count.clone(),
        };
        let key = on.confine(cycle);
        let open = key.open(on).unwrap();
        open.key.replace(Some(key));
    }
    let on = event_loop.here().clone();
    let _late = event_loop.handle();
    assert_eq!(count.holders(), 11);
    drop(event_loop);
    assert_eq!(count.holders(), 1);
    drop(on);
}

#[test]
fn t10_a_value_confined_after_the_loop_was_dropped_goes_with_the_last_proof() {
    let count = Count::new();
    let event_loop = EventLoop::new();
    let on = event_loop.here().clone();
    drop(event_loop);
    let key = on.confine(count.clone());
    assert_eq!(count.holders(), 2);
    drop(on);
    assert_eq!(count.holders(), 1);
    drop(key);
}

#[test]
fn w8_the_drops_of_values_that_panic_are_told_once_each_and_lose_nothing() {
    let (event_loop, panics) = made();
    let on = event_loop.here();
    let kept = Count::new();
    let keys = (0..3).map(|_| (on.confine(FailsWhenDropped), on.confine(kept.clone())));
    let keys = Vec::from_iter(keys);
    drop(on.confine(FailsWhenDropped));
    assert_eq!(drain(&event_loop), 1);
    assert_eq!(panics.take(), ["the drop of a capture"]);
    drop(event_loop);
    assert_eq!(panics.take(), ["the drop of a capture"; 3]);
    assert_eq!(kept.holders(), 1);
    drop(keys);
}

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

#[test]
fn w8_calls_callbacks_futures_and_drops_that_panic_are_told_exactly_once_each() {
    let _watchdog = watchdog();
    let (event_loop, panics) = made();
    let (handle, on) = (event_loop.handle(), event_loop.here());
    handle.call_from_thread(|_| fail("a call")).unwrap();
    handle.execute(|| fail("a task")).unwrap();
    handle.execute(|| fail_twice()).unwrap();
    let captured = FailsWhenDropped;
    handle.call_from_thread(move |_| drop(captured)).unwrap();
    on.spawn(async { fail("a future") }).unwrap();
    on.defer_to_thread(
        || (),
        |on, _| {
            on.handle().quit().unwrap();
            fail("a callback")
        },
    )
    .unwrap();
    assert_eq!(event_loop.run().unwrap().len(), 0);
    let mut told = panics.take();
    told.sort();
    let mut all = [
        "a call",
        "a task",
        "(not a text)",
        "the drop of a capture",
        "a future",
        "a callback",
    ];
    all.sort_unstable();
    assert_eq!(told, all);
}

#[test]
fn w8_a_panic_handler_that_panics_loses_nothing() {
    let event_loop = EventLoop::builder().on_panic(|_| fail("the handler"));
    let event_loop = event_loop.build().unwrap();
    let ran = Count::new();
    event_loop.handle().execute(|| fail("a call")).unwrap();
    event_loop.handle().execute(ran.task()).unwrap();
    quit(&event_loop);
    assert_eq!(ran.get(), 1);
}

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

/// Uses its loop when it is dropped, and then drops it.
struct LoopOfThread {
    event_loop: EventLoop,
    late: Log<&'static str>,
}

impl Drop for LoopOfThread {
    fn drop(&mut self) {
        let call = self.late.task("a call at the thread's end");
        self.event_loop.handle().execute(call).unwrap();
        assert_eq!(self.event_loop.step(), Performed::Ran);
        assert_eq!(self.event_loop.step(), Performed::Nothing);
        self.late.note("stepped");
    }
}

thread_local! {
    static OF_THREAD: RefCell<Option<LoopOfThread>> = const { RefCell::new(None) };
}

#[test]
fn w1_a_loop_in_a_thread_local_runs_calls_and_ends_when_its_thread_does() {
    let _watchdog = watchdog();
    let late = Log::new();
    let count = Count::new();
    let (noted, value, waits) = (late.clone(), count.clone(), count.clone());
    let thread = std::thread::spawn(move || {
        // It is the first that is touched, so the last that is destroyed.
        OF_THREAD.with(|it| drop(it.take()));
        let (event_loop, _) = made();
        let handle = event_loop.handle();
        handle.execute(|| ()).unwrap();
        assert_eq!(event_loop.step(), Performed::Ran);
        std::mem::forget(event_loop.here().confine(value));
        event_loop
            .here()
            .spawn(async move {
                let _waits = waits;
                pending::<()>().await;
            })
            .unwrap();
        assert_eq!(event_loop.step(), Performed::Ran);
        OF_THREAD.set(Some(LoopOfThread {
            event_loop,
            late: noted,
        }));
        handle
    });
    let handle = thread.join().unwrap();
    assert_eq!(late.take(), ["a call at the thread's end", "stepped"]);
    assert_eq!(count.holders(), 1);
    assert!(handle.execute(|| ()).is_err());
}

struct Flag(Count);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.one_more();
    }
}

#[test]
fn a_deferred_result_is_a_future_for_any_executor() {
    let _watchdog = watchdog();
    let running = Running::start();
    let woken = Count::new();
    let waker = Waker::from(Arc::new(Flag(woken.clone())));
    let mut context = Context::from_waker(&waker);
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let mut handle = running
        .handle
        .defer_to_thread(move || may_go_on.recv().is_err())
        .unwrap();
    assert!(Pin::new(&mut handle).poll(&mut context).is_pending());
    drop(go_on);
    thread_pools::until(|| woken.get() == 1);
    let Poll::Ready(end) = Pin::new(&mut handle).poll(&mut context) else {
        panic!("it has ended")
    };
    assert!(end.unwrap());
    running.end();
}

/// What a user's drop at the loop's end may try: everything.
fn tries_everything(on: &OnLoop, key: &Confined<()>, tried: &Count) {
    let handle = on.handle();
    assert!(handle.is_on_loop_thread());
    assert!(handle.call_from_thread(|_| ()).is_err());
    assert!(handle.execute(|| ()).is_err());
    assert!(handle.blocking_call_from_thread(|_| ()).is_err());
    assert!(on.spawn(async {}).is_err());
    assert!(on.defer_to_thread(|| (), |_, _: Result<(), _>| ()).is_err());
    assert!(handle.quit().is_err());
    assert!(handle.stop().is_err());
    let _ = handle.call_in_thread(|| ());
    let _ = handle.suggest_thread_pool_size(1);
    let _ = key.open(on);
    drop(on.confine(()));
    tried.one_more();
}

#[test]
fn w9_drops_at_the_loops_end_may_call_everything() {
    let _watchdog = watchdog();
    for ends in [
        |it: EventLoop| drop(it),
        |it: EventLoop| drop(it.end()),
        |it: EventLoop| {
            it.handle().stop().unwrap();
            drop(it.run().unwrap());
        },
    ] {
        let (event_loop, panics) = made();
        let tried = Count::new();
        let tries = || {
            let (on, key) = (event_loop.here().clone(), event_loop.here().confine(()));
            let tried = tried.clone();
            OnDrop(move || tries_everything(&on, &key, &tried))
        };
        let (in_future, value) = (tries(), tries());
        let future = async move {
            let _in_future = in_future;
            pending::<()>().await;
        };
        event_loop.here().spawn(future).unwrap();
        let never_polled = tries();
        drain(&event_loop);
        event_loop
            .here()
            .spawn(async move { drop(never_polled) })
            .unwrap();
        let held = event_loop.here().confine(value);
        ends(event_loop);
        assert_eq!(tried.get(), 3);
        assert_eq!(panics.len(), 0);
        drop(held);
    }
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
            std::thread::spawn(move || {
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
