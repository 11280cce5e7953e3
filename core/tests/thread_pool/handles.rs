//! Handles of a thread pool's tasks: joined, joined in time, awaited, cancelled, dropped; and callbacks.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::common::{Count, FailsWhenDropped, Log, OnDrop, fail, message, occupy};
use crate::thread_pools::{Bodies, asleep_in, fixed, started, until, watchdog};
use brigade::{JoinHandle, Task, TaskError, ThreadPool, blocking};

/// A pool of so many threads, and the panics it tells of.
fn noting_panics(threads: usize) -> (ThreadPool, Log<String>) {
    let panics = Log::new();
    let noted = panics.clone();
    let builder = ThreadPool::builder().sizes(threads, threads);
    let pool = started(builder.on_panic(move |payload| noted.note(message(&payload))));
    (pool, panics)
}

/// A pool whose only thread is run by hand: it runs what the pool took once that was quit.
fn by_hand() -> (ThreadPool, Bodies) {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(1, 1);
    (started(builder.start_with(bodies.keep())), bodies)
}

fn panicked<T>(end: Result<T, TaskError>) -> String {
    match end {
        Err(TaskError::Panicked(payload)) => message(&payload),
        _ => panic!("it did not panic"),
    }
}

#[test]
fn p2_one_of_many_that_fails_fails_alone() {
    let _watchdog = watchdog();
    let (pool, panics) = noting_panics(2);
    let handles: Vec<_> = (0..100)
        .map(|n| pool.spawn(move || if n == 42 { fail("the 42nd") } else { n }))
        .collect();
    for (n, handle) in handles.into_iter().enumerate() {
        match handle.unwrap().join() {
            Ok(value) => assert_eq!(value, n),
            Err(error) => {
                assert_eq!(n, 42);
                assert_eq!(error.to_string(), "the task panicked: the 42nd");
            }
        }
    }
    let now = pool.statistics();
    assert_eq!((now.now.done, now.now.workers(), now.gone), (100, 2, 0));
    pool.shutdown().unwrap();
    assert_eq!(panics.len(), 0, "the handle has it");
}

#[test]
fn p2_a_cancel_before_the_task_began_drops_it_at_once_and_a_second_changes_nothing() {
    let (pool, bodies) = by_hand();
    let (ran, kept) = (Count::new(), Count::new());
    let handle = pool.spawn(ran.task()).unwrap();
    let other = pool.spawn(kept.task()).unwrap();
    assert!(handle.cancel());
    assert_eq!(ran.holders(), 1, "its captures are gone");
    assert!(handle.is_finished() && !handle.cancel());
    let now = pool.statistics().now;
    assert_eq!((now.cancelled, now.busy + now.backlogged), (1, 1));
    assert!(matches!(handle.join(), Err(TaskError::Cancelled)));
    pool.quit().unwrap();
    bodies.run();
    assert!(!other.cancel());
    other.join().unwrap();
    assert_eq!((ran.get(), kept.get()), (0, 1));
    assert_eq!(pool.statistics().now.done, 1);
}

#[test]
fn p2_a_cancel_while_the_task_runs_or_after_it_ended_says_no() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let handle = pool.spawn(move || {
        begun.send(()).unwrap();
        let _ = may_go_on.recv();
        7
    });
    let handle = handle.unwrap();
    has_begun.recv().unwrap();
    assert!(!handle.cancel() && !handle.is_finished());
    drop(go_on);
    pool.wait_idle().unwrap();
    pool.shutdown().unwrap();
    assert!(!handle.cancel() && handle.is_finished());
    assert_eq!(handle.join().unwrap(), 7);
}

#[test]
fn p2_each_place_in_the_line_can_be_cancelled_and_what_is_left_runs_in_order() {
    let (pool, bodies) = by_hand();
    let log = Log::new();
    let handles: Vec<_> = (0..10).map(|n| pool.spawn(log.task(n)).unwrap()).collect();
    for n in [9, 0, 4, 5, 1, 3] {
        assert!(handles[n].cancel());
    }
    let now = pool.statistics().now;
    assert_eq!((now.cancelled, now.busy + now.backlogged), (6, 4));
    pool.quit().unwrap();
    bodies.run();
    assert_eq!(log.take(), [2, 6, 7, 8]);
}

#[test]
fn w8_a_cancelled_task_whose_drop_panics_is_told_once() {
    let (pool, bodies, panics) = {
        let (bodies, panics) = (Bodies::new(), Log::new());
        let noted = panics.clone();
        let builder = ThreadPool::builder().sizes(1, 1).start_with(bodies.keep());
        let pool = started(builder.on_panic(move |payload| noted.note(message(&payload))));
        (pool, bodies, panics)
    };
    let capture = FailsWhenDropped;
    let handle = pool.spawn(move || drop(capture)).unwrap();
    assert!(handle.cancel());
    assert_eq!(panics.take(), ["the drop of a capture"]);
    assert!(matches!(handle.join(), Err(TaskError::Cancelled)));
    pool.quit().unwrap();
    bodies.run();
    assert_eq!(panics.len(), 0);
}

#[test]
fn w9_a_cancelled_task_may_call_the_pool_when_it_is_dropped() {
    let (pool, bodies) = by_hand();
    let (inner, ran) = (pool.clone(), Count::new());
    let task = ran.clone();
    let capture = OnDrop(move || inner.execute(task.task()).unwrap());
    let handle = pool.spawn(move || drop(capture)).unwrap();
    assert!(handle.cancel());
    pool.quit().unwrap();
    bodies.run();
    assert_eq!(ran.get(), 1);
}

#[test]
fn t10_captures_are_released_before_the_result_is_announced() {
    let _watchdog = watchdog();
    let (pool, held) = (fixed(2), Count::new());
    for n in 0..200 {
        let capture = held.clone();
        let handle = pool.spawn(move || {
            if n % 3 == 0 {
                fail("a task");
            }
            capture.get()
        });
        let _ = handle.unwrap().join();
        assert_eq!(held.holders(), 1);
        let capture = held.clone();
        let (send, results) = mpsc::channel();
        let counted = held.clone();
        let callback = move |_| send.send(counted.holders()).unwrap();
        let handle = pool.spawn_with_callback(move || capture.get(), callback);
        assert_eq!(results.recv().unwrap(), 2, "the callback's own, and this");
        drop(handle);
        // The callback's own goes after the callback.
        pool.wait_idle().unwrap();
    }
    pool.shutdown().unwrap();
}

#[test]
fn p2_the_end_of_a_task_is_counted_before_its_result_is_announced() {
    let _watchdog = watchdog();
    let pool = fixed(2);
    for n in 1..=200 {
        pool.spawn(|| ()).unwrap().join().unwrap();
        let now = pool.statistics().now;
        assert_eq!((now.done, now.busy, now.in_place), (n, 0, 0));
    }
    pool.shutdown().unwrap();
}

#[test]
fn p3_joining_oneself_is_an_error_and_the_task_goes_on() {
    let _watchdog = watchdog();
    let (pool, panics) = noting_panics(1);
    let (give, given) = mpsc::channel::<JoinHandle<()>>();
    let (answer, answers) = mpsc::channel();
    let handle = pool.spawn(move || {
        let own = given.recv().unwrap();
        let own = match own.join_timeout(Duration::MAX) {
            Ok(end) => {
                answer.send(end.map_err(|error| error.to_string())).unwrap();
                given.recv().unwrap()
            }
            Err(own) => own,
        };
        answer
            .send(own.join().map_err(|error| error.to_string()))
            .unwrap();
        fail("afterwards");
    });
    give.send(handle.unwrap()).unwrap();
    let own = Err("a task cannot wait for itself".to_owned());
    assert_eq!(answers.recv().unwrap(), own);
    // Its handle went with the answer; another task's, which it may join, takes its place.
    give.send(pool.spawn(|| ()).unwrap()).unwrap();
    assert_eq!(answers.recv().unwrap(), Ok(()));
    pool.shutdown().unwrap();
    assert_eq!(panics.take(), ["afterwards"], "detached, so it is told");
}

#[test]
fn p3_a_task_of_a_pool_of_n_threads_joins_n_more_at_every_depth_and_none_is_stuck() {
    fn sum(pool: &ThreadPool, depth: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        let handles: Vec<_> = (0..3)
            .map(|_| {
                let inner = pool.clone();
                pool.spawn(move || sum(&inner, depth - 1)).unwrap()
            })
            .collect();
        handles.into_iter().map(|it| it.join().unwrap()).sum()
    }
    let _watchdog = watchdog();
    for threads in [1, 3] {
        let pool = fixed(threads);
        assert_eq!(sum(&pool, 5), 243);
        let inner = pool.clone();
        assert_eq!(
            pool.spawn(move || sum(&inner, 5)).unwrap().join().unwrap(),
            243
        );
        let now = pool.statistics();
        assert_eq!((now.now.in_place, now.most_threads), (0, threads));
        pool.shutdown().unwrap();
    }
}

#[test]
fn p3_the_wedge_of_n_tasks_that_each_join_one_behind_them_in_a_pool_of_n() {
    let _watchdog = watchdog();
    let pool = fixed(3);
    let gates: Vec<_> = (0..3).map(|_| occupy(&pool)).collect();
    // In the line: three that wait, then what they wait for.
    let (gives, waits): (Vec<_>, Vec<_>) = (0..3)
        .map(|_| {
            let (give, given) = mpsc::channel::<JoinHandle<usize>>();
            let waits = pool.spawn(move || given.recv().unwrap().join().unwrap());
            (give, waits.unwrap())
        })
        .unzip();
    for (n, give) in gives.iter().enumerate() {
        give.send(pool.spawn(move || n).unwrap()).unwrap();
    }
    drop(gates);
    let values: Vec<_> = waits.into_iter().map(|it| it.join().unwrap()).collect();
    assert_eq!(values, [0, 1, 2]);
    pool.shutdown().unwrap();
    assert_eq!(pool.statistics().most_threads, 3);
}

#[test]
fn p3_the_wedge_of_two_tasks_and_a_channel_is_cured_by_blocking() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let (send, receive) = mpsc::channel();
    let (entered, has_entered) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let waits = pool.spawn(move || {
        let got = blocking(|| {
            entered.send(()).unwrap();
            blocking(|| receive.recv().unwrap()) // nested, it counts once
        });
        let _ = may_go_on.recv();
        got
    });
    has_entered.recv().unwrap();
    assert_eq!(pool.statistics().blocking, 1);
    pool.execute(move || send.send(7).unwrap()).unwrap();
    drop(go_on);
    assert_eq!(waits.unwrap().join().unwrap(), 7);
    pool.shutdown().unwrap();
    let now = pool.statistics();
    assert_eq!((now.blocking, now.most_threads), (0, 2));
}

#[test]
fn t1_no_more_threads_are_made_for_those_that_block_than_the_cap() {
    let _watchdog = watchdog();
    let pool = started(ThreadPool::builder().sizes(1, 1).blocking_cap(2));
    let (entered, has_entered) = mpsc::channel();
    let gates: Vec<_> = (0..3)
        .map(|_| {
            let (entered, (gate, opens)) = (entered.clone(), mpsc::channel::<()>());
            let task = move || {
                blocking(|| {
                    entered.send(()).unwrap();
                    let _ = opens.recv();
                });
            };
            pool.execute(task).unwrap();
            gate
        })
        .collect();
    for _ in 0..3 {
        has_entered.recv().unwrap();
    }
    let ran = Count::new();
    pool.execute(ran.task()).unwrap();
    let now = pool.statistics();
    assert_eq!(
        (now.blocking, now.now.workers(), now.now.backlogged),
        (3, 3, 1)
    );
    drop(gates);
    pool.shutdown().unwrap();
    assert_eq!((ran.get(), pool.statistics().most_threads), (1, 3));
}

#[test]
fn w8_a_panic_inside_blocking_ends_the_section() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let broken = pool.spawn(|| blocking(|| fail("inside"))).unwrap();
    assert_eq!(panicked::<()>(broken.join()), "inside");
    assert_eq!(pool.statistics().blocking, 0);
    assert_eq!(blocking(|| 3), 3, "outside of any pool");
    pool.shutdown().unwrap();
}

#[test]
fn p3_a_join_from_another_pools_thread_counts_as_blocking_there() {
    let _watchdog = watchdog();
    let (one, other) = (fixed(1), fixed(1));
    let gate = occupy(&one);
    let handle = one.spawn(|| 7).unwrap();
    let waits = other.spawn(move || handle.join().unwrap()).unwrap();
    // The other pool's only thread waits; what frees it runs there.
    other.execute(move || drop(gate)).unwrap();
    assert_eq!(waits.join().unwrap(), 7);
    assert_eq!(one.statistics().now.done, 2);
    one.shutdown().unwrap();
    other.shutdown().unwrap();
    assert_eq!(
        (other.statistics().most_threads, other.statistics().blocking),
        (2, 0)
    );
}

#[test]
fn p3_a_join_on_the_pools_thread_takes_a_cancelled_or_a_given_back_tasks_end() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let inner = pool.clone();
    let ends = pool.spawn(move || {
        let cancelled = inner.spawn(|| ()).unwrap();
        assert!(cancelled.cancel());
        let given_back = inner.spawn(|| ()).unwrap();
        drop(inner.abort());
        (
            cancelled.join().unwrap_err().to_string(),
            given_back.join().unwrap_err().to_string(),
        )
    });
    let (cancelled, given_back) = ends.unwrap().join().unwrap();
    assert_eq!(cancelled, "the task was cancelled before it began");
    assert_eq!(given_back, "the task was dropped before it began");
    pool.shutdown().unwrap();
}

#[test]
fn p2_a_join_that_times_out_gives_the_handle_back_and_never_runs_the_task() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let gate = occupy(&pool);
    let handle = pool.spawn(|| std::thread::current().id()).unwrap();
    let handle = handle.join_timeout(Duration::ZERO).unwrap_err();
    let handle = handle.join_timeout(Duration::from_millis(2)).unwrap_err();
    assert!(!handle.is_finished());
    drop(gate);
    let ran_on = handle.join_timeout(Duration::MAX).unwrap().unwrap();
    assert_ne!(ran_on, std::thread::current().id());
    let broken = pool.spawn(|| fail("in time")).unwrap();
    assert_eq!(
        panicked::<()>(broken.join_timeout(Duration::MAX).unwrap()),
        "in time"
    );
    // Also on the pool's own thread.
    let inner = pool.clone();
    let ended = pool.spawn(move || {
        let waits = inner.spawn(|| 5).unwrap();
        let waits = waits.join_timeout(Duration::from_millis(2)).unwrap_err();
        assert_eq!(inner.statistics().now.in_place, 0);
        waits.join().unwrap()
    });
    assert_eq!(ended.unwrap().join().unwrap(), 5);
    pool.shutdown().unwrap();
}

/// A waker that says so when it is called.
struct Woken(mpsc::SyncSender<usize>, usize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.send(self.1).unwrap();
    }
}

/// An executor: polls, and sleeps until it is woken.
fn block_on<F: Future>(future: F) -> F::Output {
    let (woken, is_woken) = mpsc::sync_channel(9);
    let waker = Waker::from(Arc::new(Woken(woken, 0)));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return value;
        }
        is_woken.recv().unwrap();
    }
}

#[test]
fn p2_a_handle_is_a_future_that_yields_the_value_the_panic_or_why_there_is_none() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let inner = pool.clone();
    let total = block_on(async move {
        let mut total = 0;
        for n in 0..50 {
            total += inner.spawn(move || n).unwrap().await.unwrap();
        }
        total
    });
    assert_eq!(total, 1225);
    assert_eq!(
        panicked::<()>(block_on(pool.spawn(|| fail("awaited")).unwrap())),
        "awaited"
    );
    let gate = occupy(&pool);
    let cancelled = pool.spawn(|| ()).unwrap();
    assert!(cancelled.cancel());
    assert!(matches!(block_on(cancelled), Err(TaskError::Cancelled)));
    let given_back = pool.spawn(|| ()).unwrap();
    drop(pool.abort());
    assert!(matches!(block_on(given_back), Err(TaskError::Closed)));
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn p2_a_future_polled_with_two_wakers_calls_the_last_and_yields_once() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let gate = occupy(&pool);
    let mut handle = pin!(pool.spawn(|| 7).unwrap());
    let (woken, is_woken) = mpsc::sync_channel(9);
    let wakers = [1, 2].map(|n| Arc::new(Woken(woken.clone(), n)));
    for waker in &wakers {
        let waker = Waker::from(Arc::clone(waker));
        assert!(
            handle
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert_eq!(Arc::strong_count(&wakers[0]), 1, "it was let go");
    drop(gate);
    assert_eq!(is_woken.recv().unwrap(), 2);
    let waker = Waker::from(Arc::clone(&wakers[0]));
    let mut context = Context::from_waker(&waker);
    assert!(matches!(
        handle.as_mut().poll(&mut context),
        Poll::Ready(Ok(7))
    ));
    let again = handle.as_mut().poll(&mut context);
    assert!(matches!(again, Poll::Ready(Err(TaskError::Closed))));
    pool.shutdown().unwrap();
    drop((waker, wakers, woken));
    assert!(is_woken.recv().is_err(), "no other call");
}

#[test]
fn p2_a_handle_polled_and_then_joined_calls_no_waker_that_is_not_there() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let gate = occupy(&pool);
    let mut handle = Box::pin(pool.spawn(|| 7).unwrap());
    let (woken, is_woken) = mpsc::sync_channel(9);
    let waker = Waker::from(Arc::new(Woken(woken, 1)));
    assert!(
        handle
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(waker);
    let joins = asleep_in(move || std::pin::Pin::into_inner(handle).join().unwrap());
    drop(gate);
    assert_eq!(joins.join().unwrap(), 7);
    // At most that of the poll, and then it is gone.
    assert!(is_woken.iter().count() <= 1);
    pool.shutdown().unwrap();
}

#[test]
fn w8_a_waker_that_panics_is_contained() {
    struct Fails;
    impl Wake for Fails {
        fn wake(self: Arc<Self>) {
            fail("a waker");
        }
    }
    let _watchdog = watchdog();
    let pool = fixed(1);
    let gate = occupy(&pool);
    let mut handle = pin!(pool.spawn(|| 7).unwrap());
    let waker = Waker::from(Arc::new(Fails));
    assert!(
        handle
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    drop(gate);
    pool.wait_idle().unwrap();
    assert_eq!(block_on(handle).unwrap(), 7);
    assert_eq!(pool.spawn(|| 8).unwrap().join().unwrap(), 8);
    pool.shutdown().unwrap();
    assert_eq!(pool.statistics().made, 1);
}

#[test]
fn w8_a_handle_dropped_before_the_end_has_its_tasks_panic_told_once() {
    let _watchdog = watchdog();
    let (pool, panics) = noting_panics(1);
    let gate = occupy(&pool);
    drop(pool.spawn(|| fail("not begun")).unwrap());
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let runs = pool.spawn(move || {
        begun.send(()).unwrap();
        let _ = may_go_on.recv();
        fail("running");
    });
    drop(gate);
    has_begun.recv().unwrap();
    drop(runs);
    drop(go_on);
    pool.shutdown().unwrap();
    assert_eq!(panics.take(), ["not begun", "running"]);
}

#[test]
fn w8_a_handle_dropped_after_the_end_has_its_tasks_panic_told_once() {
    let _watchdog = watchdog();
    let (pool, panics) = noting_panics(1);
    let handle = pool.spawn(|| fail("ended")).unwrap();
    pool.wait_idle().unwrap();
    assert_eq!(panics.len(), 0, "a handle lives");
    drop(handle);
    assert_eq!(panics.take(), ["ended"]);
    let joined = pool.spawn(|| fail("joined")).unwrap();
    assert_eq!(panicked::<()>(joined.join()), "joined");
    pool.shutdown().unwrap();
    assert_eq!(panics.len(), 0, "told to the joiner alone");
}

#[test]
fn w8_a_result_that_nobody_takes_and_whose_drop_panics_is_told_once() {
    let _watchdog = watchdog();
    let (pool, panics) = noting_panics(1);
    let handle = pool.spawn(|| FailsWhenDropped).unwrap();
    pool.wait_idle().unwrap();
    drop(handle);
    assert_eq!(panics.take(), ["the drop of a capture"]);
    let gate = occupy(&pool);
    drop(pool.spawn(|| FailsWhenDropped).unwrap());
    drop(gate);
    pool.shutdown().unwrap();
    assert_eq!(panics.take(), ["the drop of a capture"]);
    assert_eq!(pool.statistics().made, 1, "its thread went on");
}

#[test]
fn p2_a_callback_is_called_once_with_the_result_on_the_pools_thread() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let (send, results) = mpsc::channel();
    let inner = pool.clone();
    let callback = move |result: Result<_, TaskError>| {
        send.send((result.unwrap(), inner.is_own_thread())).unwrap();
    };
    let handle = pool.spawn_with_callback(|| 7, callback).unwrap();
    assert_eq!(results.recv().unwrap(), (7, true));
    assert!(
        results.recv().is_err(),
        "it is gone, so it is not called again"
    );
    // Its end is counted first, and announced then.
    until(|| handle.is_finished());
    assert!(!handle.cancel());
    let (send, results) = mpsc::channel();
    let callback = move |result: Result<(), _>| send.send(panicked(result)).unwrap();
    let _ = pool
        .spawn_with_callback(|| fail("the task"), callback)
        .unwrap();
    assert_eq!(results.recv().unwrap(), "the task");
    pool.shutdown().unwrap();
}

/// The ways in which the end of a task that has not begun is told.
fn told(log: &Log<String>) -> impl FnOnce(Result<(), TaskError>) + Send + 'static {
    let log = log.clone();
    move |result| log.note(format!("{:?}", result.unwrap_err()))
}

#[test]
fn p2_a_callback_is_called_with_cancelled_before_the_cancel_returns() {
    let (pool, bodies) = by_hand();
    let log = Log::new();
    let handle = pool.spawn_with_callback(|| (), told(&log)).unwrap();
    assert!(handle.cancel() && handle.is_finished());
    assert_eq!(log.take(), ["Cancelled"]);
    assert!(!handle.cancel());
    drop(handle);
    pool.quit().unwrap();
    bodies.run();
    assert_eq!(log.len(), 0);
}

#[test]
fn p2_a_callback_is_called_with_closed_when_its_task_is_dropped_after_an_abort_or_abandoned() {
    let log = Log::new();
    let pool = ThreadPool::builder().build().unwrap();
    let handle = pool.spawn_with_callback(|| (), told(&log)).unwrap();
    let returned = pool.abort();
    assert_eq!(log.len(), 0, "it may still be run");
    drop(returned);
    assert_eq!(log.take(), ["Closed"]);
    assert!(handle.is_finished());

    let pool = ThreadPool::builder()
        .on_abandoned(drop::<Task>)
        .build()
        .unwrap();
    let _ = pool.spawn_with_callback(|| (), told(&log)).unwrap();
    drop(pool);
    assert_eq!(log.take(), ["Closed"]);
}

#[test]
fn p2_a_cancel_that_came_too_late_does_not_make_a_callback_say_cancelled() {
    let log = Log::new();
    let pool = ThreadPool::builder().build().unwrap();
    let handle = pool.spawn_with_callback(|| (), told(&log)).unwrap();
    let returned = pool.abort();
    assert!(!handle.cancel());
    drop(returned);
    assert_eq!(log.take(), ["Closed"]);
}

#[test]
fn w8_a_callback_that_panics_is_told_at_once_and_its_thread_goes_on() {
    let _watchdog = watchdog();
    let (pool, panics) = noting_panics(1);
    let kept = pool
        .spawn_with_callback(|| (), |_| fail("a callback"))
        .unwrap();
    let dropped = pool
        .spawn_with_callback(|| (), |_| fail("another"))
        .unwrap();
    drop(dropped);
    pool.wait_idle().unwrap();
    assert_eq!(panics.take(), ["a callback", "another"]);
    let gate = occupy(&pool);
    let cancelled = pool
        .spawn_with_callback(|| (), |_| fail("a third"))
        .unwrap();
    assert!(cancelled.cancel());
    assert_eq!(panics.take(), ["a third"]);
    let returned = {
        let _ = pool
            .spawn_with_callback(|| (), |_| fail("a fourth"))
            .unwrap();
        pool.abort()
    };
    drop(returned);
    assert_eq!(panics.take(), ["a fourth"]);
    drop(gate);
    pool.shutdown().unwrap();
    drop(kept);
    assert_eq!((panics.len(), pool.statistics().made), (0, 1));
}
