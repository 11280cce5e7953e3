//! Values that stay on their loop.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc;

use brigade::{Confined, EventLoop, OnLoop, OpenError};

use crate::common::{Count, FailsWhenDropped, Log, OnDrop};
use crate::loops::{Running, drain, made};
use crate::thread_pools::watchdog;

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
