//! A loop on another, by hand.

use std::panic::panic_any;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use brigade::{
    BlockingCallError, EventLoop, OnLoop, Performed, Refused, RunError, RunOnLoop, Task, ThreadPool,
};

use crate::common::{Count, Log};
use crate::loops::{host, hosted, made, noting, quit, run_all, submits};
use crate::thread_pools::{until, watchdog};

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
    assert!(matches!(event_loop.run(), Err(RunError::Hosted)));
    let until = event_loop.run_until(async {});
    assert!(matches!(until, Err(RunError::Hosted)));
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

/// A loop that takes what it is given, and gives it to whoever has the other end.
struct Takes(Sender<Task>);

impl RunOnLoop for Takes {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        self.0.send(task).map_err(|sent| Refused::new(sent.0))
    }
}

fn hosted_by_a_channel() -> (EventLoop, Receiver<Task>) {
    let (send, turns) = mpsc::channel();
    let pool = ThreadPool::builder().sizes(0, 1);
    let guest = EventLoop::builder().pool(pool).build_on(Takes(send));
    (guest.unwrap(), turns)
}

#[test]
fn e3_calls_of_a_loop_whose_host_has_gone_are_given_back_by_its_owner() {
    let (guest, turns) = hosted_by_a_channel();
    let handle = guest.handle();
    let seen = Arc::default();
    submits(&handle, &seen, &[1, 2]);
    drop(turns); // with the turn that was asked for
    let pending = guest.end();
    assert_eq!(pending.len(), 2);
    run_all(pending);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
}

#[test]
fn e3_a_hosted_loop_ends_in_a_turn_and_is_never_run() {
    let (guest, turns) = hosted_by_a_channel();
    let handle = guest.handle();
    let seen = Arc::default();
    assert!(matches!(guest.run(), Err(RunError::Hosted)));
    submits(&handle, &seen, &[1]);
    handle.quit().unwrap();
    while let Ok(turn) = turns.try_recv() {
        turn.run();
    }
    assert_eq!(*seen.lock().unwrap(), [1]);
    assert_eq!(guest.step(), Performed::Ended);
    assert!(guest.end().is_empty());
}

#[test]
fn w8_a_host_that_panics_stops_the_loop() {
    struct Panics;
    impl RunOnLoop for Panics {
        fn run_on_loop(&self, _: Task) -> Result<(), Refused> {
            panic_any("on purpose")
        }
    }
    let guest = EventLoop::builder().build_on(Panics).unwrap();
    let handle = guest.handle();
    handle.call_from_thread(|_| ()).unwrap();
    assert!(handle.call_from_thread(|_| ()).is_err());
    assert_eq!(guest.end().len(), 1);
}

#[test]
fn t9_work_for_the_pool_of_a_hosted_loop_needs_no_call_to_get_going() {
    let (guest, _turns) = hosted_by_a_channel();
    let deferred = guest.handle().defer_to_thread(|| 7).unwrap();
    // No turn was run.
    assert_eq!(deferred.join().unwrap(), 7);
}
