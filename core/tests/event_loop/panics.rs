//! Who is told of a panic, and what it must not break; and what a drop at the loop's end may do.

use std::future::pending;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use brigade::{Confined, EventLoop, OnLoop};

use crate::common::{Count, FailsWhenDropped, OnDrop, fail, fail_twice};
use crate::loops::{drain, made, quit};
use crate::thread_pools::watchdog;

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
fn w8_calls_whose_drop_panics_lose_no_other_and_are_told_once_each() {
    struct Panics(Arc<AtomicUsize>);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.fetch_add(1, SeqCst);
            panic_any("on purpose");
        }
    }
    let (drops, panics) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&panics);
    let builder = EventLoop::builder().on_panic(move |_| {
        count.fetch_add(1, SeqCst);
    });
    let event_loop = builder.build().unwrap();
    let handle = event_loop.handle();
    for _ in 0..3 {
        let held = Panics(Arc::clone(&drops));
        handle.call_from_thread(move |_| drop(held)).unwrap();
    }
    let on = event_loop.here();
    let held = Panics(Arc::clone(&drops));
    on.spawn(async move {
        let _held = held;
        pending::<()>().await;
    })
    .unwrap();
    let key = on.confine(Panics(Arc::clone(&drops)));
    drop(event_loop);
    assert_eq!((drops.load(SeqCst), panics.load(SeqCst)), (5, 5));
    drop(key);
}
