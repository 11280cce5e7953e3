//! Quit, stopped, dropped and ended by hand.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use brigade::{BlockingCallError, DeferError, EventLoop, Performed, Phase, Rejected, RunError};

use crate::loops::{Drops, run_all, small, submits};

#[test]
fn e3_a_quit_runs_what_waits_and_a_stop_gives_it_back_in_order() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let seen = Arc::default();
    submits(&handle, &seen, &[1, 2]);
    handle.quit().unwrap();
    assert!(event_loop.run().unwrap().is_empty());
    assert_eq!(*seen.lock().unwrap(), [1, 2]);

    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let seen = Arc::default();
    submits(&handle, &seen, &[1]);
    handle
        .call_from_thread(|on| on.handle().stop().unwrap())
        .unwrap();
    submits(&handle, &seen, &[2, 3]);
    let pending = event_loop.run().unwrap();
    assert_eq!(*seen.lock().unwrap(), [1]);
    assert_eq!(pending.len(), 2);
    run_all(pending);
    assert_eq!(*seen.lock().unwrap(), [1, 2, 3]);
}

#[test]
fn w3_of_quits_and_stops_each_kind_is_won_once_and_a_stop_may_follow_a_quit() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let seen = Arc::default();
    submits(&handle, &seen, &[1]);
    assert!(handle.quit().is_ok());
    assert!(handle.quit().is_err());
    assert!(handle.stop().is_ok(), "of what a quit left");
    assert!(handle.stop().is_err() && handle.quit().is_err());
    assert_eq!(event_loop.run().unwrap().len(), 1);
    assert!(handle.stop().is_err(), "it has ended");
    assert!(seen.lock().unwrap().is_empty());
}

#[test]
fn w2_after_the_end_every_call_is_refused_and_handed_back_whole() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let on = event_loop.here().clone();
    let pool = handle.thread_pool();
    handle.quit().unwrap();
    event_loop.run().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let count = || {
        let ran = Arc::clone(&ran);
        move || {
            ran.fetch_add(1, SeqCst);
        }
    };
    let call = count();
    let refused = handle.call_from_thread(move |_| call()).unwrap_err();
    run_all(vec![refused.into_inner()]);
    handle.execute(count()).unwrap_err().into_task().run();
    let Err(Rejected::Closed(task)) = handle.call_in_thread(count()) else {
        panic!("the pool has ended");
    };
    task.run();
    let Err(rejected) = handle.defer_to_thread(count()) else {
        panic!("the pool has ended");
    };
    rejected.into_task().run();
    let not = on.defer_to_thread(count(), |_, _: Result<(), DeferError>| unreachable!());
    not.unwrap_err().rejected.into_task().run();
    assert_eq!(ran.load(SeqCst), 5, "each was handed back, and is whole");
    assert!(on.spawn(async {}).is_err());
    assert!(handle.suggest_thread_pool_size(3).is_err());
    assert_eq!(pool.phase(), Phase::Ended);
    assert!(matches!(event_loop.run(), Err(RunError::Ended)));
    assert!(matches!(
        event_loop.run_until(async {}),
        Err(RunError::Ended)
    ));
    assert_eq!(event_loop.step(), Performed::Ended);
}

#[test]
fn e3_a_run_until_that_is_stopped_gives_back_what_waited() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let seen = Arc::default();
    handle
        .call_from_thread(|on| on.handle().stop().unwrap())
        .unwrap();
    submits(&handle, &seen, &[1]);
    let Err(RunError::Stopped(pending)) = event_loop.run_until(std::future::pending::<()>()) else {
        panic!("it was stopped");
    };
    run_all(pending);
    assert_eq!(*seen.lock().unwrap(), [1]);
}

#[test]
fn e3_a_loop_dropped_with_pending_calls_drops_them_and_tells_whoever_waits() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let (dropped, gone) = mpsc::channel();
    for _ in 0..2 {
        let held = Drops(dropped.clone(), "a call");
        handle.call_from_thread(move |_| drop(held)).unwrap();
    }
    let caller = thread::spawn(move || {
        let held = Drops(dropped, "the blocking call");
        handle.blocking_call_from_thread(move |_| drop(held))
    });
    // It is dropped with the loop, or, if it came after that, with the error.
    drop(event_loop);
    let told = caller.join().unwrap();
    let error = told.unwrap_err();
    assert!(matches!(
        error,
        BlockingCallError::Stopped | BlockingCallError::Closed(_)
    ));
    drop(error);
    let mut gone: Vec<_> = gone.iter().collect();
    gone.sort_unstable();
    assert_eq!(gone, ["a call", "a call", "the blocking call"]);
}

#[test]
fn e3_end_gives_back_what_waits_and_joins_the_pool() {
    let event_loop = small(EventLoop::builder());
    let handle = event_loop.handle();
    let seen = Arc::default();
    assert_eq!(event_loop.step(), Performed::Nothing);
    let (send, done) = mpsc::channel();
    handle
        .call_in_thread(move || send.send(()).unwrap())
        .unwrap();
    let pool = handle.thread_pool();
    submits(&handle, &seen, &[1, 2]);
    assert_eq!(event_loop.step(), Performed::Ran);
    let pending = event_loop.end();
    assert_eq!(done.try_recv(), Ok(()), "its pool has done what it took");
    let numbers = pool.statistics();
    assert_eq!(numbers.made, numbers.gone, "no thread of it is alive");
    run_all(pending);
    assert_eq!(*seen.lock().unwrap(), [1, 2]);
}

#[test]
fn t10_what_holds_the_loop_by_itself_is_dropped_with_it() {
    let event_loop = EventLoop::new();
    let (dropped, gone) = mpsc::channel();
    let on = event_loop.here().clone();
    let cell: Rc<RefCell<Option<Box<dyn std::any::Any>>>> = Rc::default();
    // A value that holds the loop, its own key, and a future that holds both.
    let key = on.confine((
        on.clone(),
        Rc::clone(&cell),
        Drops(dropped.clone(), "value"),
    ));
    *cell.borrow_mut() = Some(Box::new(key.clone()));
    let held = (on.clone(), key, Drops(dropped, "future"));
    on.spawn(async move {
        let _held = held;
        std::future::pending::<()>().await;
    })
    .unwrap();
    drop((on, event_loop));
    let mut gone: Vec<_> = gone.try_iter().collect();
    gone.sort_unstable();
    assert_eq!(gone, ["future", "value"]);
    *cell.borrow_mut() = None;
}

/// Small, seeded, and good enough: SplitMix64 (Steele, Lea and Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }
}

#[test]
fn e3_stopped_at_a_random_moment_a_thousand_times_every_caller_has_its_value_or_its_error() {
    let mut random = Random(7);
    let (mut values, mut errors) = (0, 0);
    for round in 0..1_000 {
        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let accepted = Arc::new(AtomicUsize::new(0));
        let ran = Arc::new(AtomicUsize::new(0));
        let answered = Arc::new(AtomicUsize::new(0));
        let callers = [0, 1, 2].map(|caller| {
            let (handle, accepted, ran) = (handle.clone(), accepted.clone(), ran.clone());
            let answered = Arc::clone(&answered);
            thread::spawn(move || {
                let mut answers = (0, 0);
                loop {
                    let ran = Arc::clone(&ran);
                    let call = handle.call_from_thread(move |_| {
                        ran.fetch_add(1, SeqCst);
                    });
                    accepted.fetch_add(usize::from(call.is_ok()), SeqCst);
                    let answer = if caller == 0 {
                        handle.blocking_call_from_thread_until(|_| async { 42 })
                    } else {
                        handle.blocking_call_from_thread(|_| 42)
                    };
                    match answer {
                        Ok(value) => {
                            assert_eq!(value, 42);
                            answered.fetch_add(1, SeqCst);
                            answers.0 += 1;
                        }
                        Err(BlockingCallError::Stopped | BlockingCallError::Closed(_)) => {
                            answers.1 += 1;
                            return answers;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        });
        let after = random.below(40);
        let (stop, count) = (handle.clone(), Cell::new(0));
        let ticks = std::future::poll_fn(|context| {
            // Every other time it is some moment after the first answer, or after all callers have gone.
            let begun =
                round % 2 == 0 || answered.load(SeqCst) > 0 || Arc::strong_count(&answered) == 1;
            count.set(count.get() + u64::from(begun));
            if count.get() > after {
                stop.stop().unwrap();
            }
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        });
        let Err(RunError::Stopped(pending)) = event_loop.run_until(ticks) else {
            panic!("it was stopped");
        };
        for caller in callers {
            let answers = caller.join().unwrap();
            values += answers.0;
            errors += answers.1;
        }
        let given_back = pending.len();
        assert_eq!(ran.load(SeqCst) + given_back, accepted.load(SeqCst));
    }
    assert_eq!(errors, 3_000, "each caller was told once");
    assert!(values >= 500, "and some had values before");
}
