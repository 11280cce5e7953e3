//! Deferred results: a future, and a callback on the loop.

use std::cell::{Cell, RefCell};
use std::panic::panic_any;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use brigade::{DeferError, EventLoop, OnLoop, Rejected, TaskError, ThreadPool};

use crate::common::{Count, Log, fail, message, occupy};
use crate::loops::{Running, made, small};
use crate::thread_pools::{fixed, until, watchdog};

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
    until(|| woken.get() == 1);
    let Poll::Ready(end) = Pin::new(&mut handle).poll(&mut context) else {
        panic!("it has ended")
    };
    assert!(end.unwrap());
    running.end();
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
            let counted = called.clone();
            let callback = move |_: &OnLoop, _: Result<i32, DeferError>| {
                counted.set(counted.get() + 1);
            };
            on.defer_to_thread(|| 42, callback).unwrap();
            assert_eq!(called.get(), 0, "never inside of the call");
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

/// What a callback was told, and where.
type Told = Rc<RefCell<Vec<(thread::ThreadId, Result<u32, String>)>>>;

fn notes(told: &Told) -> impl FnOnce(&OnLoop, Result<u32, DeferError>) + use<> {
    let told = Rc::clone(told);
    move |_, result| {
        let result = result.map_err(|error| error.to_string());
        told.borrow_mut().push((thread::current().id(), result));
    }
}

#[test]
fn e4_a_result_that_was_there_when_the_loop_ended_is_given_to_its_callback() {
    let event_loop = small(EventLoop::builder());
    let told = Told::default();
    let pool = ThreadPool::new();
    let on = event_loop.here();
    on.defer_to_thread_pool(&pool, || 7, notes(&told)).unwrap();
    pool.shutdown().unwrap();
    assert!(event_loop.end().is_empty());
    assert_eq!(*told.borrow(), [(thread::current().id(), Ok(7))]);
}

#[test]
fn e4_callbacks_at_the_end_that_panic_keep_no_other_from_being_called() {
    let panics = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&panics);
    let builder = EventLoop::builder().on_panic(move |_| {
        count.fetch_add(1, SeqCst);
    });
    let event_loop = builder.build().unwrap();
    let told = Told::default();
    let on = event_loop.here();
    let broken = |_: &OnLoop, _: Result<u32, DeferError>| panic_any("on purpose");
    on.defer_to_thread(|| 1, broken).unwrap();
    on.defer_to_thread(|| 2, notes(&told)).unwrap();
    on.defer_to_thread(|| 3, broken).unwrap();
    drop(event_loop);
    assert_eq!(told.borrow().len(), 1);
    assert_eq!(panics.load(SeqCst), 2);
}
