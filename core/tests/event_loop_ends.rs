//! How an event loop ends, and what becomes of everybody who waits for it.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "these are tests"
)]

use std::cell::{Cell, RefCell};
use std::panic::panic_any;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::task::Poll;
use std::thread;
use std::time::Duration;

use brigade::{
    BlockingCallError, Call, DeferError, EventLoop, Performed, Phase, Refused, Rejected, RunError,
    RunOnLoop, Task, TaskError, ThreadPool,
};

/// Longer than anything here takes, unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A pool of threads that are all made for a task.
fn small(event_loop: brigade::EventLoopBuilder) -> EventLoop {
    let pool = ThreadPool::builder().sizes(0, 2).name("test");
    event_loop.pool(pool).build().unwrap()
}

fn run_all(calls: Vec<Call>) {
    let event_loop = EventLoop::new();
    for call in calls {
        call.run(event_loop.here());
    }
}

/// Says that it was dropped.
struct Drops(Sender<&'static str>, &'static str);

impl Drop for Drops {
    fn drop(&mut self) {
        // Who listens may be gone.
        let _ = self.0.send(self.1);
    }
}

// Blocking calls.

#[test]
fn e2_a_blocking_call_on_the_loops_own_thread_is_an_error_and_gives_the_call_back() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    let error = handle.blocking_call_from_thread(move |_| count.fetch_add(1, SeqCst));
    let Err(BlockingCallError::OnLoopThread(call)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(seen.load(SeqCst), 0);
    handle.resubmit(call).unwrap();
    // Inside of a call, too.
    let inside = Arc::clone(&seen);
    handle
        .call_from_thread(move |on| {
            let error = on.handle().blocking_call_from_thread(|_| ());
            assert!(matches!(error, Err(BlockingCallError::OnLoopThread(_))));
            let future = |_: &brigade::OnLoop| std::future::pending::<()>();
            let error = on.handle().blocking_call_from_thread_until(future);
            assert!(matches!(error, Err(BlockingCallError::OnLoopThread(_))));
            inside.fetch_add(10, SeqCst);
            on.handle().quit().unwrap();
        })
        .unwrap();
    event_loop.run().unwrap();
    assert_eq!(seen.load(SeqCst), 11);
}

#[test]
fn e3_a_blocking_call_made_before_the_run_waits_for_it_and_has_its_value() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let caller = thread::spawn(move || {
        let value = handle.blocking_call_from_thread(|_| 42);
        handle.quit().unwrap();
        value
    });
    event_loop.run().unwrap();
    assert_eq!(caller.join().unwrap().unwrap(), 42);
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
fn e3_a_blocking_call_whose_future_is_not_done_when_the_loop_stops_is_told() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let (dropped, gone) = mpsc::channel();
    let (started, begun) = mpsc::channel();
    let caller = thread::spawn({
        let handle = handle.clone();
        move || {
            handle.blocking_call_from_thread_until(move |_| {
                let held = Drops(dropped, "the future");
                started.send(()).unwrap();
                async move {
                    let _held = held;
                    std::future::pending::<u32>().await
                }
            })
        }
    });
    let stopper = thread::spawn(move || {
        begun.recv().unwrap();
        handle.stop().unwrap();
    });
    event_loop.run().unwrap();
    stopper.join().unwrap();
    assert!(matches!(
        caller.join().unwrap(),
        Err(BlockingCallError::Stopped)
    ));
    assert_eq!(gone.recv_timeout(PATIENCE), Ok("the future"));
}

#[test]
fn e3_a_blocking_call_after_the_stop_is_refused_at_once_and_gives_the_call_back() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    handle.stop().unwrap();
    event_loop.run().unwrap();
    let (ran, result) = mpsc::channel();
    let caller = thread::spawn(move || {
        let error = handle.blocking_call_from_thread(move |_| ran.send("elsewhere").unwrap());
        let Err(BlockingCallError::Closed(call)) = error else {
            panic!("{error:?}");
        };
        run_all(vec![call]);
    });
    caller.join().unwrap();
    assert_eq!(result.recv_timeout(PATIENCE), Ok("elsewhere"));
}

#[test]
fn e3_a_task_of_the_loops_own_pool_that_waits_for_the_loop_is_told_before_the_pool_is_joined() {
    let event_loop = small(EventLoop::builder());
    let handle = event_loop.handle();
    let (waits, waiting) = mpsc::channel();
    let waiter = {
        let handle = handle.clone();
        handle.clone().defer_to_thread(move || {
            handle.blocking_call_from_thread_until(move |_| {
                waits.send(()).unwrap();
                std::future::pending::<()>()
            })
        })
    };
    let stopper = thread::spawn(move || {
        waiting.recv().unwrap();
        handle.stop().unwrap();
    });
    event_loop.run().unwrap();
    stopper.join().unwrap();
    let told = waiter.unwrap().join().unwrap();
    assert!(matches!(told, Err(BlockingCallError::Stopped)));
}

// Quit and stop.

fn submits(handle: &brigade::LoopHandle, seen: &Arc<Mutex<Vec<u32>>>, numbers: &[u32]) {
    for &n in numbers {
        let seen = Arc::clone(seen);
        handle
            .call_from_thread(move |_| seen.lock().unwrap().push(n))
            .unwrap();
    }
}

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

// Deferred results.

/// What a callback was told, and where.
type Told = Rc<RefCell<Vec<(thread::ThreadId, Result<u32, String>)>>>;

fn notes(told: &Told) -> impl FnOnce(&brigade::OnLoop, Result<u32, DeferError>) + use<> {
    let told = Rc::clone(told);
    move |_, result| {
        let result = result.map_err(|error| error.to_string());
        told.borrow_mut().push((thread::current().id(), result));
    }
}

const LOOP_ENDED: &str = "the event loop ended before the deferred call did";

#[test]
fn e4_a_deferred_result_whose_loop_has_stopped_is_called_back_once_with_that_on_the_loops_thread() {
    let event_loop = small(EventLoop::builder());
    let told = Told::default();
    let (release, held) = mpsc::channel::<()>();
    let note = notes(&told);
    let callback = move |on: &brigade::OnLoop, result| {
        note(on, result);
        release.send(()).unwrap();
    };
    let work = move || {
        // The callback is called while this still runs.
        held.recv().unwrap();
        7
    };
    event_loop.here().defer_to_thread(work, callback).unwrap();
    event_loop.handle().stop().unwrap();
    event_loop.run().unwrap();
    let here = thread::current().id();
    assert_eq!(*told.borrow(), [(here, Err(LOOP_ENDED.to_owned()))]);
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
fn e4_what_is_deferred_after_a_quit_is_called_back_at_the_end_never_inside_of_the_call() {
    let event_loop = small(EventLoop::builder());
    let told = Told::default();
    let pool = ThreadPool::new();
    let kept = event_loop.here().confine(Rc::clone(&told));
    let sum = pool.clone();
    event_loop
        .handle()
        .call_from_thread(move |on| {
            on.handle().quit().unwrap();
            let told = kept.open(on).unwrap();
            on.defer_to_thread_pool(&sum, || 7, notes(&told)).unwrap();
            assert!(told.borrow().is_empty(), "not inside of the call");
        })
        .unwrap();
    event_loop.run().unwrap();
    assert_eq!(told.borrow().len(), 1);
}

#[test]
fn w8_a_callback_that_panics_is_told_once_and_the_loop_goes_on() {
    let panics = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&panics);
    let builder = EventLoop::builder().on_panic(move |payload| {
        assert_eq!(payload.downcast_ref(), Some(&"on purpose"));
        count.fetch_add(1, SeqCst);
    });
    let event_loop = small(builder);
    let on = event_loop.here();
    let callback = |_: &brigade::OnLoop, _: Result<(), DeferError>| panic_any("on purpose");
    on.defer_to_thread(|| (), callback).unwrap();
    let after = event_loop.handle().defer_to_thread(|| 7).unwrap();
    let on = on.clone();
    let both = async move {
        while panics.load(SeqCst) == 0 {
            let (send, receive) = mpsc::channel();
            on.defer_to_thread(|| (), move |_, _| send.send(()).unwrap())
                .unwrap();
            std::future::poll_fn(|context| match receive.try_recv() {
                Ok(()) => Poll::Ready(()),
                Err(_) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            })
            .await;
        }
        (after.await.unwrap(), panics.load(SeqCst))
    };
    assert_eq!(event_loop.run_until(both).unwrap(), (7, 1));
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
    let broken = |_: &brigade::OnLoop, _: Result<u32, DeferError>| panic_any("on purpose");
    on.defer_to_thread(|| 1, broken).unwrap();
    on.defer_to_thread(|| 2, notes(&told)).unwrap();
    on.defer_to_thread(|| 3, broken).unwrap();
    drop(event_loop);
    assert_eq!(told.borrow().len(), 1);
    assert_eq!(panics.load(SeqCst), 2);
}

// Dropped and ended by hand.

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
        std::future::pending::<()>().await;
    })
    .unwrap();
    let key = on.confine(Panics(Arc::clone(&drops)));
    drop(event_loop);
    assert_eq!((drops.load(SeqCst), panics.load(SeqCst)), (5, 5));
    drop(key);
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
fn p5_after_a_run_no_thread_of_the_loops_pool_is_alive() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let pool = handle.thread_pool();
    let quit = handle.clone();
    let deferred = handle.defer_to_thread(move || quit.quit().unwrap());
    event_loop.run().unwrap();
    let numbers = pool.statistics();
    assert!(numbers.made >= 5, "the least that it is to have");
    assert_eq!(numbers.made, numbers.gone);
    assert_eq!(pool.phase(), Phase::Ended);
    deferred.unwrap().join().unwrap();
}

#[test]
fn w1_tasks_for_the_pool_of_a_loop_that_never_runs_are_dropped_with_it() {
    let (dropped, gone) = mpsc::channel();
    let pool = ThreadPool::builder().on_abandoned(drop);
    let event_loop = EventLoop::builder().pool(pool).build().unwrap();
    let held = Drops(dropped, "the task");
    let handle = event_loop.handle().defer_to_thread(move || drop(held));
    drop(event_loop);
    assert_eq!(gone.recv_timeout(PATIENCE), Ok("the task"));
    assert!(matches!(handle.unwrap().join(), Err(TaskError::Closed)));
}

#[test]
fn e3_a_pool_of_ones_own_goes_on_when_the_loop_has_ended() {
    let pool = ThreadPool::new();
    let event_loop = EventLoop::new();
    let told = Told::default();
    let on = event_loop.here();
    on.defer_to_thread_pool(&pool, || 1, notes(&told)).unwrap();
    event_loop.handle().stop().unwrap();
    event_loop.run().unwrap();
    assert_eq!(told.borrow().len(), 1);
    assert_eq!(pool.spawn(|| 7).unwrap().join().unwrap(), 7);
}

#[test]
fn e3_a_loops_pool_that_was_ended_by_hand_refuses_and_the_loop_goes_on() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    handle.thread_pool().shutdown().unwrap();
    assert!(matches!(
        handle.call_in_thread(|| ()),
        Err(Rejected::Closed(_))
    ));
    assert!(matches!(
        handle.defer_to_thread(|| ()),
        Err(Rejected::Closed(_))
    ));
    assert_eq!(event_loop.run_until(async { 7 }).unwrap(), 7);
    handle.quit().unwrap();
    event_loop.run().unwrap();
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

// Hosts.

/// A loop that takes what it is given, and gives it to whoever has the other end.
struct Takes(Sender<Task>);

impl RunOnLoop for Takes {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        self.0.send(task).map_err(|sent| Refused::new(sent.0))
    }
}

fn hosted() -> (EventLoop, Receiver<Task>) {
    let (send, turns) = mpsc::channel();
    let pool = ThreadPool::builder().sizes(0, 1);
    let guest = EventLoop::builder().pool(pool).build_on(Takes(send));
    (guest.unwrap(), turns)
}

#[test]
fn e3_a_host_that_refuses_stops_the_loop_and_whoever_waits_is_told() {
    let (guest, turns) = hosted();
    let handle = guest.handle();
    drop(turns);
    let error = thread::scope(|scope| {
        let call = || handle.blocking_call_from_thread(|_| ());
        scope.spawn(call).join().unwrap()
    });
    assert!(matches!(error, Err(BlockingCallError::Stopped)));
    assert!(handle.call_from_thread(|_| ()).is_err());
    assert!(guest.end().is_empty());
}

#[test]
fn e3_calls_of_a_loop_whose_host_has_gone_are_given_back_by_its_owner() {
    let (guest, turns) = hosted();
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
    let (guest, turns) = hosted();
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
    let (guest, _turns) = hosted();
    let deferred = guest.handle().defer_to_thread(|| 7).unwrap();
    // No turn was run.
    assert_eq!(deferred.join().unwrap(), 7);
}

// At random moments.

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
    for _ in 0..1_000 {
        let event_loop = EventLoop::new();
        let handle = event_loop.handle();
        let accepted = Arc::new(AtomicUsize::new(0));
        let ran = Arc::new(AtomicUsize::new(0));
        let callers = [0, 1, 2].map(|caller| {
            let (handle, accepted, ran) = (handle.clone(), accepted.clone(), ran.clone());
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
            count.set(count.get() + 1);
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
    assert!(values > 0, "and some had values before");
}

// Fork.

const FORKS: &str = "BRIGADE_TEST_FORKS";

#[test]
fn after_a_fork_the_child_may_drop_handles() {
    if std::env::var_os(FORKS).is_some() {
        fork_and_drop();
        return;
    }
    // In a process of its own: a fork of this one would copy other tests' locks as they happen to be.
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "after_a_fork_the_child_may_drop_handles"])
        .env(FORKS, "1")
        .stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let (send, ended) = mpsc::channel();
    thread::spawn(move || send.send(child.wait()));
    let Ok(status) = ended.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
        panic!("the child of a fork hangs");
    };
    assert!(status.unwrap().success());
}

fn fork_and_drop() {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let pool = ThreadPool::new();
    pool.spawn(|| ()).unwrap().join().unwrap();
    pool.wait_idle().unwrap();
    let joined = pool.spawn(|| 7).unwrap();
    pool.wait_idle().unwrap();
    let waits = handle.defer_to_thread(|| 7).unwrap();
    // SAFETY: the child calls nothing but drops of ours and `_exit`; no other thread holds a lock that these
    // take, as the pool is idle and the loop does not run.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no fork");
    if pid == 0 {
        drop((handle, pool.clone(), joined, waits));
        // SAFETY: it ends this process, without running what the parent registered.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `status` is a place to write to, and the child is this process's own.
    let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
    assert_eq!((waited, status), (pid, 0), "the child ended well");
    // The parent goes on as if nothing had been.
    assert_eq!(joined.join().unwrap(), 7);
    handle.quit().unwrap();
    event_loop.run().unwrap();
    assert_eq!(waits.join().unwrap(), 7);
    pool.shutdown().unwrap();
}
