//! Run, stepped, and run until a future is done; one call at a time, and in order.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use brigade::{
    AlreadyQuit, EventLoop, ExclusiveWorker, Handlers, OnLoop, Performed, Refused, RunError,
    Statistics, Task, Team, Worker, memory_worker,
};

use crate::common::{Count, Log, fail};
use crate::loops::{drain, made, quit};
use crate::thread_pools::watchdog;

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
