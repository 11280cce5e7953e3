//! Event loops under adverse users: calls used again after they were handed back, drops that panic, hosts that
//! break their law, and a thread that ends.

use std::cell::{Cell, RefCell};
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;

use crate::common::{Count, FailsWhenDropped, Log, OnDrop, fail, message};
use crate::loops::{drain, hosted, made, noting};
use crate::thread_pools::{asleep_in, watchdog};
use brigade::{
    BlockingCallError, Call, EventLoop, OnLoop, Performed, Refused, RunOnLoop, Task, TaskError,
    ThreadPool,
};

/// A host that gives its turns to a function.
struct Host<F>(F);

impl<F: Fn(Task) -> Result<(), Refused> + Send + Sync + 'static> RunOnLoop for Host<F> {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        (self.0)(task)
    }
}

/// The call of a blocking call on the loop's own thread.
fn handed_back<T>(end: Result<T, BlockingCallError>) -> Call {
    match end {
        Err(BlockingCallError::OnLoopThread(call) | BlockingCallError::Closed(call)) => call,
        _ => panic!("it was not handed back"),
    }
}

#[test]
fn e3_a_blocking_call_that_was_handed_back_is_a_call_like_others_when_the_loop_stops() {
    let (event_loop, _) = made();
    let handle = event_loop.handle();
    let ran = Count::new();
    let counts = || {
        let ran = ran.clone();
        move |_: &OnLoop| {
            ran.one_more();
        }
    };
    let (first, second) = (counts(), counts());
    let call = handed_back(handle.blocking_call_from_thread(first));
    let until = move |on: &OnLoop| {
        second(on);
        async {}
    };
    let until = handed_back(handle.blocking_call_from_thread_until(until));
    handle.resubmit(call).unwrap();
    handle.resubmit(until).unwrap();
    handle.stop().unwrap();
    let calls = event_loop.run().unwrap();
    assert_eq!(calls.len(), 2, "nobody waits for them");
    let (other, _) = made();
    for call in calls {
        other.handle().resubmit(call).unwrap();
    }
    drain(&other);
    assert_eq!(ran.get(), 2);
}

#[test]
fn w8_the_panic_of_a_blocking_call_that_was_handed_back_is_told_once() {
    let (event_loop, panics) = made();
    let handle = event_loop.handle();
    let fails = |_: &OnLoop| fail("a call");
    let call = handed_back(handle.blocking_call_from_thread::<()>(fails));
    handle.resubmit(call).unwrap();
    let fails = |_: &OnLoop| async { fail("a future") };
    let call = handed_back(handle.blocking_call_from_thread_until::<(), _>(fails));
    handle.resubmit(call).unwrap();
    drain(&event_loop);
    assert_eq!(panics.take(), ["a call", "a future"]);
}

#[test]
fn t10_a_future_that_is_to_be_driven_by_a_loop_which_has_ended_is_dropped_at_once() {
    let count = Count::new();
    let (event_loop, panics) = made();
    let handle = event_loop.handle();
    handle.quit().unwrap();
    event_loop.run().unwrap();
    let kept = count.clone();
    let call = move |on: &OnLoop| {
        let on = on.clone();
        async move {
            let _kept = (kept, on);
            pending::<()>().await;
        }
    };
    let call = handed_back(handle.blocking_call_from_thread_until(call));
    assert_eq!(count.holders(), 2);
    call.run(event_loop.here());
    assert_eq!(count.holders(), 1);
    drop(event_loop);
    assert_eq!(panics.len(), 0);
}

#[test]
fn w8_tasks_of_a_pool_that_never_ran_may_panic_when_the_loops_end_drops_them() {
    let _watchdog = watchdog();
    for ends in [|it: EventLoop| drop(it.end()), drop] {
        let (event_loop, _) = made();
        let handle = event_loop.handle();
        for _ in 0..3 {
            let captured = FailsWhenDropped;
            handle.call_in_thread(move || drop(captured)).unwrap();
        }
        let deferred = handle.defer_to_thread(|| 42).unwrap();
        ends(event_loop);
        assert!(matches!(deferred.join(), Err(TaskError::Closed)));
    }
}

#[test]
fn t7_tasks_of_a_pool_that_never_ran_are_told_of_as_the_pool_was_told_to() {
    for ends in [|it: EventLoop| drop(it.end()), drop] {
        let abandoned = Log::new();
        let noted = abandoned.clone();
        let pool = ThreadPool::builder().on_abandoned(move |task| noted.note(task));
        let event_loop = EventLoop::builder().pool(pool).build().unwrap();
        let ran = Count::new();
        event_loop.handle().call_in_thread(ran.task()).unwrap();
        ends(event_loop);
        abandoned.take().into_iter().for_each(Task::run);
        assert_eq!(ran.get(), 1);
    }
}

#[test]
fn w8_a_blocking_caller_is_told_that_its_futures_drop_panicked() {
    let _watchdog = watchdog();
    let (event_loop, panics) = made();
    let handle = event_loop.handle();
    let caller = std::thread::spawn(move || {
        let end = handle.blocking_call_from_thread_until(|_| {
            let mut fails = Some(FailsWhenDropped);
            poll_fn(move |_| {
                assert!(fails.is_some());
                if false {
                    fails = None;
                }
                Poll::Ready(42)
            })
        });
        handle.quit().unwrap();
        end
    });
    assert_eq!(event_loop.run().unwrap().len(), 0);
    let Err(BlockingCallError::Panicked(payload)) = caller.join().unwrap() else {
        panic!("as for a closure whose captures' drop panics")
    };
    assert_eq!(message(&payload), "the drop of a capture");
    assert_eq!(panics.len(), 0, "the caller has it");
}

#[test]
fn e3_a_host_that_drops_a_turn_it_took_stops_the_loop_and_whoever_waits_is_told() {
    let _watchdog = watchdog();
    let (guest, performer, _) = hosted();
    performer.drain();
    let kept = Count::new();
    guest.handle().execute(kept.task()).unwrap();
    let handle = guest.handle();
    let caller = asleep_in(move || handle.blocking_call_from_thread(|_| ()));
    drop(performer);
    let end = caller.join().unwrap();
    // If the host was gone before it called, it is handed back.
    assert!(matches!(
        end,
        Err(BlockingCallError::Stopped | BlockingCallError::Closed(_))
    ));
    assert!(guest.handle().execute(|| ()).is_err());
    assert_eq!(guest.end().len(), 1, "the call that nobody waits for");
}

#[test]
fn e3_a_host_that_runs_a_turn_on_another_thread_stops_the_loop_and_whoever_waits_is_told() {
    let _watchdog = watchdog();
    let (builder, _) = noting();
    let host = Host(|turn: Task| {
        std::thread::spawn(move || turn.run());
        Ok(())
    });
    let guest = builder.build_on(host).unwrap();
    let handle = guest.handle();
    let caller = std::thread::spawn(move || handle.blocking_call_from_thread(|_| ()));
    assert!(caller.join().unwrap().is_err());
    assert!(guest.handle().execute(|| ()).is_err());
}

#[test]
fn a_host_that_runs_a_turn_inside_of_the_asking_loses_no_call() {
    let (builder, panics) = noting();
    let host = Host(|turn: Task| {
        turn.run();
        Ok(())
    });
    let guest = builder.build_on(host).unwrap();
    let log = Log::new();
    for n in 0..100 {
        let log = log.clone();
        let call = move |on: &OnLoop| {
            let inner = log.clone();
            let call = move |_: &OnLoop| inner.note((n, "inner"));
            on.handle().call_from_thread(call).unwrap();
            log.note((n, "outer"));
        };
        guest.handle().call_from_thread(call).unwrap();
    }
    let all = (0..100).flat_map(|n| [(n, "outer"), (n, "inner")]);
    assert_eq!(log.take(), Vec::from_iter(all));
    assert_eq!(panics.len(), 0);
}

/// A guest that ends itself, in a way, in its own turn.
fn in_its_own_turn(ends: impl FnOnce(EventLoop) + 'static) {
    let _watchdog = watchdog();
    let (guest, performer, panics) = hosted();
    let (handle, on) = (guest.handle(), guest.here().clone());
    let (count, called) = (Count::new(), Rc::new(Cell::new(0)));
    let callback = {
        let called = called.clone();
        move |_: &OnLoop, _| called.set(called.get() + 1)
    };
    let (_go_on, may_go_on) = mpsc::channel::<()>();
    let work = move || assert!(may_go_on.try_recv().is_err());
    on.defer_to_thread(work, callback).unwrap();
    let mut key = Some(on.confine(count.clone()));
    let mut ends = Some((ends, guest));
    let in_future = count.clone();
    on.spawn(poll_fn(move |_| {
        assert_eq!(in_future.holders(), 3);
        if let Some((ends, guest)) = ends.take() {
            ends(guest);
        }
        drop(key.take());
        Poll::<()>::Pending
    }))
    .unwrap();
    let late = Count::new();
    handle.execute(late.task()).unwrap();
    drop(on);
    performer.drain();
    assert_eq!(called.get(), 1, "its callback was called");
    assert_eq!(count.holders(), 1, "and its future dropped");
    assert_eq!((late.get(), late.holders()), (0, 1));
    assert!(handle.execute(|| ()).is_err());
    assert_eq!(panics.take(), [""; 0]);
}

#[test]
fn e3_a_guest_that_drops_itself_in_its_own_turn_ends() {
    in_its_own_turn(drop);
}

#[test]
fn e3_a_guest_that_ends_itself_in_its_own_turn_ends() {
    in_its_own_turn(|guest| assert_eq!(guest.end().len(), 1));
}

/// Steps a loop when its thread ends, after the thread-locals of this crate were destroyed.
struct AtEnd {
    event_loop: EventLoop,
    log: Log<&'static str>,
}

impl Drop for AtEnd {
    fn drop(&mut self) {
        let log = self.log.clone();
        let call = move |_: &OnLoop| log.note("a call");
        self.event_loop.handle().call_from_thread(call).unwrap();
        let log = self.log.clone();
        let future = async move { log.note("a future") };
        self.event_loop.here().spawn(future).unwrap();
        drain(&self.event_loop);
        self.log.note("stepped");
    }
}

thread_local! {
    static AT_END: RefCell<Option<AtEnd>> = const { RefCell::new(None) };
}

#[test]
fn w1_a_loop_that_is_stepped_when_its_thread_ends_runs_its_calls() {
    let _watchdog = watchdog();
    let log = Log::new();
    let noted = log.clone();
    let thread = std::thread::spawn(move || {
        // Registered first, it is destroyed last.
        AT_END.set(None);
        let (event_loop, _) = made();
        assert_eq!(event_loop.step(), Performed::Nothing);
        let log = noted;
        AT_END.set(Some(AtEnd { event_loop, log }));
    });
    thread.join().unwrap();
    assert_eq!(log.take(), ["a call", "a future", "stepped"]);
}

#[test]
fn w9_a_panic_handler_may_call_the_loop() {
    let _watchdog = watchdog();
    let (give, given) = mpsc::channel::<brigade::LoopHandle>();
    let given = Mutex::new(given);
    let told = Count::new();
    let telling = told.clone();
    let event_loop = EventLoop::builder().on_panic(move |_| {
        let handle = given.lock().unwrap().recv().unwrap();
        handle.execute(telling.task()).unwrap();
        handle.quit().unwrap();
    });
    let event_loop = event_loop.build().unwrap();
    give.send(event_loop.handle()).unwrap();
    event_loop.handle().execute(|| fail("a call")).unwrap();
    assert_eq!(event_loop.run().unwrap().len(), 0);
    assert_eq!(told.get(), 1);
}

#[test]
fn t10_handles_and_wakers_that_outlive_a_loop_keep_nothing_of_it() {
    let _watchdog = watchdog();
    let count = Count::new();
    let (builder, _) = noting();
    let (event_loop, handler) = (builder.build().unwrap(), count.clone());
    drop(handler);
    let wakers = Rc::new(RefCell::new(Vec::new()));
    for _ in 0..3 {
        let (kept, wakers) = (count.clone(), wakers.clone());
        let future = poll_fn(move |context| {
            let _ = &kept;
            wakers.borrow_mut().push(context.waker().clone());
            Poll::<()>::Pending
        });
        event_loop.here().spawn(future).unwrap();
    }
    let captured = OnDrop(|| ());
    let captured = Arc::new(Mutex::new((captured, count.clone())));
    let keep = captured.clone();
    drop(captured);
    event_loop.handle().execute(move || drop(keep)).unwrap();
    let (handle, key) = (
        event_loop.handle(),
        event_loop.here().confine(count.clone()),
    );
    drain(&event_loop);
    drop(event_loop);
    assert_eq!(count.holders(), 1);
    wakers.take().into_iter().for_each(std::task::Waker::wake);
    drop((handle, key));
}
