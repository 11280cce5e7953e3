//! Scopes of a thread pool: tasks that borrow, and are over when the scope is.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use crate::common::{Count, FailsWhenDropped, OnDrop, fail, message, occupy};
use crate::thread_pools::{asleep_in, fixed, started, watchdog};
use brigade::{TaskError, ThreadPool, WhenFull};

/// What the scope panicked with.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let end = catch_unwind(AssertUnwindSafe(f));
    message(&end.map(drop).unwrap_err())
}

/// Counts in what it borrows.
struct Tally(AtomicUsize);

impl Tally {
    fn new() -> Self {
        Self(AtomicUsize::new(0))
    }
    fn one_more(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn a_scopes_tasks_borrow_and_are_over_when_it_returns() {
    let _watchdog = watchdog();
    let pool = fixed(2);
    let mut numbers: Vec<usize> = (0..100).collect();
    let sum = pool.scope(|scope| {
        let halves = numbers.chunks_mut(7).map(|chunk| {
            scope.spawn(|| {
                chunk.iter_mut().for_each(|n| *n *= 2);
                chunk.iter().sum::<usize>()
            })
        });
        let handles: Vec<_> = halves.collect();
        handles
            .into_iter()
            .map(|it| it.join().unwrap())
            .sum::<usize>()
    });
    assert_eq!((sum, numbers[99]), (9900, 198));
    let now = pool.statistics().now;
    assert_eq!((now.done, now.in_place), (15, 0));
    pool.shutdown().unwrap();
}

#[test]
fn w8_a_panic_of_the_body_comes_out_once_all_tasks_are_over() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(2), Tally::new());
    let said = panic_of(|| {
        pool.scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| ran.one_more());
            }
            scope.spawn(|| fail("a task, which is second to it"));
            fail("the body")
        })
    });
    assert_eq!((said.as_str(), ran.get()), ("the body", 20));
    pool.shutdown().unwrap();
}

#[test]
fn w8_a_panic_of_a_task_that_nobody_joined_comes_out_of_the_scope_once_all_are_over() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(2), Tally::new());
    let said = panic_of(|| {
        pool.scope(|scope| {
            scope.spawn(|| fail("a task"));
            for _ in 0..20 {
                scope.spawn(|| ran.one_more());
            }
        });
    });
    assert_eq!((said.as_str(), ran.get()), ("a task", 20));
    let kept = panic_of(|| {
        pool.scope(|scope| {
            let handle = scope.spawn(|| fail("one whose handle was dropped late"));
            while !handle.is_finished() {
                std::thread::yield_now();
            }
            drop::<brigade::ScopedHandle<'_, ()>>(handle);
        });
    });
    assert_eq!(kept, "one whose handle was dropped late");
    pool.shutdown().unwrap();
}

#[test]
fn w8_a_panic_of_a_task_that_was_joined_is_the_joiners_alone() {
    let _watchdog = watchdog();
    let pool = fixed(2);
    let said = pool.scope(|scope| {
        let handle = scope.spawn(|| fail("a task"));
        match handle.join() {
            Err::<(), _>(TaskError::Panicked(payload)) => message(&payload),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(said, "a task");
    pool.shutdown().unwrap();
}

#[test]
fn w8_a_result_whose_drop_panics_makes_the_scope_panic() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let said = panic_of(|| {
        pool.scope(|scope| {
            scope.spawn(|| FailsWhenDropped);
        });
    });
    assert_eq!(said, "the drop of a capture");
    assert_eq!(pool.spawn(|| 1).unwrap().join().unwrap(), 1);
    pool.shutdown().unwrap();
}

#[test]
fn a_scope_waits_for_a_task_whose_handle_was_leaked() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(1), Tally::new());
    let gate = occupy(&pool);
    let held = Count::new();
    let capture = held.clone();
    pool.scope(|scope| {
        mem::forget(scope.spawn(|| {
            drop(capture);
            ran.one_more();
        }));
    });
    assert_eq!((ran.get(), held.holders()), (1, 1));
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn a_scope_waits_for_a_task_that_runs_and_whose_handle_was_leaked() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let ended = Count::new();
    let scope_ends = asleep_in({
        let (pool, ended) = (pool.clone(), ended.clone());
        move || {
            let local = Tally::new();
            let may_go_on = Mutex::new(may_go_on);
            pool.scope(|scope| {
                mem::forget(scope.spawn(|| {
                    begun.send(()).unwrap();
                    let _ = may_go_on.lock().unwrap().recv();
                    local.one_more();
                    ended.one_more();
                }));
                // Until it runs elsewhere, so that it is not run here.
                has_begun.recv().unwrap();
            });
            local.get()
        }
    });
    assert!(!scope_ends.is_finished());
    assert_eq!(ended.get(), 0);
    drop(go_on);
    assert_eq!(scope_ends.join().unwrap(), 1);
    pool.shutdown().unwrap();
}

/// What a scope of that pool does with tasks that no thread can have begun.
fn runs_here(pool: &ThreadPool) {
    let (here, ran) = (std::thread::current().id(), Tally::new());
    let mut local = 0;
    pool.scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                assert_eq!(std::thread::current().id(), here);
                ran.one_more();
            });
        }
        let joined = scope.spawn(|| 7);
        assert_eq!(joined.join().unwrap(), 7);
        scope.spawn(|| local = 9);
    });
    assert_eq!((ran.get(), local), (10, 9));
    let said = panic_of(|| {
        pool.scope(|scope| {
            scope.spawn(|| ran.one_more());
            scope.spawn(|| fail("here"));
            scope.spawn(|| ran.one_more());
        });
    });
    assert_eq!((said.as_str(), ran.get()), ("here", 12));
}

#[test]
fn p3_a_scope_of_a_pool_that_has_not_started_runs_its_tasks_itself() {
    let _watchdog = watchdog();
    let pool = ThreadPool::builder().build().unwrap();
    runs_here(&pool);
    assert_eq!(pool.statistics().now.done, 15);
    assert!(pool.shutdown().unwrap().is_empty());
}

#[test]
fn p3_a_scope_of_a_pool_that_was_stopped_runs_its_tasks_itself() {
    let _watchdog = watchdog();
    let pool = fixed(2);
    pool.shutdown().unwrap();
    runs_here(&pool);
    assert_eq!(pool.statistics().now.accepted, 0, "all were refused");
    let pool = fixed(1);
    let gate = occupy(&pool);
    pool.abort();
    runs_here(&pool);
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn p3_a_scope_of_a_full_pool_runs_its_tasks_itself_whatever_the_pool_does_otherwise() {
    let _watchdog = watchdog();
    for when_full in [WhenFull::Refuse, WhenFull::Wait, WhenFull::RunByCaller] {
        let builder = ThreadPool::builder().sizes(1, 1).bound(1, when_full);
        let pool = started(builder);
        let gate = occupy(&pool);
        let waits = pool.spawn(|| 3).unwrap();
        runs_here(&pool);
        drop(gate);
        assert_eq!(waits.join().unwrap(), 3);
        pool.shutdown().unwrap();
    }
}

#[test]
fn p3_a_scope_of_a_pool_whose_threads_are_busy_runs_its_tasks_itself() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let gate = occupy(&pool);
    runs_here(&pool);
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn w1_a_scopes_waiting_tasks_are_dropped_when_the_pool_is_aborted_and_not_given_out() {
    let _watchdog = watchdog();
    let (pool, ran, dropped) = (fixed(1), Tally::new(), Tally::new());
    let gate = occupy(&pool);
    let error = pool.scope(|scope| {
        let capture = OnDrop(|| dropped.one_more());
        scope.spawn(|| {
            let _capture = capture;
            ran.one_more();
        });
        let handle = scope.spawn(|| ran.one_more());
        assert!(pool.abort().is_empty(), "nothing that borrows leaves");
        assert_eq!(dropped.get(), 1);
        assert!(handle.is_finished());
        let error = handle.join().unwrap_err();
        // One spawned afterwards is refused, and run here.
        scope.spawn(|| ran.one_more());
        error
    });
    assert!(matches!(error, TaskError::Closed));
    assert_eq!(ran.get(), 1);
    let now = pool.statistics().now;
    assert_eq!((now.accepted, now.returned), (3, 2));
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn w8_a_scopes_task_whose_drop_panics_when_the_pool_is_aborted_makes_the_scope_panic() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let gate = occupy(&pool);
    let said = panic_of(|| {
        pool.scope(|scope| {
            let capture = FailsWhenDropped;
            scope.spawn(move || drop(capture));
            assert!(pool.abort().is_empty());
        });
    });
    assert_eq!(said, "the drop of a capture");
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn w1_a_scopes_tasks_are_dropped_when_the_pool_is_dropped_before_it_started() {
    let _watchdog = watchdog();
    let abandoned = Count::new();
    let counted = abandoned.clone();
    let builder = ThreadPool::builder();
    let builder = builder.on_abandoned(move |_| {
        counted.one_more();
    });
    let pool = builder.build().unwrap();
    let ran = Tally::new();
    let error = pool.scope(|scope| {
        let handle = scope.spawn(|| ran.one_more());
        pool.quit().unwrap();
        handle.join().unwrap_err()
    });
    assert!(matches!(error, TaskError::Closed));
    assert_eq!(
        (ran.get(), abandoned.get()),
        (0, 0),
        "nobody may have what borrows"
    );
    assert_eq!(pool.statistics().now.abandoned, 1);
}

#[test]
fn a_scopes_task_may_spawn_into_the_scope_and_open_scopes_of_its_own() {
    fn tree(pool: &ThreadPool, depth: usize) -> usize {
        if depth == 0 {
            return 1;
        }
        let (mut left, mut right) = (0, 0);
        pool.scope(|scope| {
            scope.spawn(|| left = tree(pool, depth - 1));
            scope.spawn(|| right = tree(pool, depth - 1));
        });
        left + right
    }
    let _watchdog = watchdog();
    for threads in [1, 3] {
        let pool = fixed(threads);
        let ran = Tally::new();
        pool.scope(|scope| {
            scope.spawn(|| {
                for _ in 0..10 {
                    scope.spawn(|| {
                        scope.spawn(|| ran.one_more());
                        ran.one_more();
                    });
                }
            });
        });
        assert_eq!(ran.get(), 20);
        assert_eq!(tree(&pool, 7), 128);
        // And all of it on the pool's threads.
        let inner = pool.clone();
        assert_eq!(
            pool.spawn(move || tree(&inner, 7)).unwrap().join().unwrap(),
            128
        );
        pool.shutdown().unwrap();
        assert_eq!(pool.statistics().most_threads, threads);
    }
}

#[test]
fn p3_a_scope_on_the_only_thread_of_its_pool_is_not_stuck() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        runs_here(&inner);
        inner.is_own_thread()
    });
    assert!(task.unwrap().join().unwrap());
    pool.shutdown().unwrap();
}

#[test]
fn p3_a_scope_on_another_pools_thread_that_waits_counts_as_blocking_there() {
    let _watchdog = watchdog();
    let (pool, other) = (fixed(1), fixed(1));
    let inner = pool.clone();
    let (begun, has_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let task = other.spawn(move || {
        let ran = Tally::new();
        let may_go_on = Mutex::new(may_go_on);
        inner.scope(|scope| {
            scope.spawn(|| {
                begun.send(()).unwrap();
                let _ = may_go_on.lock().unwrap().recv();
                ran.one_more();
            });
            has_begun.recv().unwrap();
        });
        ran.get()
    });
    // The other pool's only thread waits; what frees it runs there.
    other.execute(move || drop(go_on)).unwrap();
    assert_eq!(task.unwrap().join().unwrap(), 1);
    assert_eq!(
        (other.statistics().blocking, other.statistics().most_threads),
        (0, 2)
    );
    pool.shutdown().unwrap();
    other.shutdown().unwrap();
}

#[test]
fn p3_a_scopes_task_that_joins_itself_is_told_so() {
    let _watchdog = watchdog();
    let pool = fixed(1);
    let told = pool.scope(|scope| {
        let (give, given) = mpsc::channel::<brigade::ScopedHandle<'_, ()>>();
        let (answer, answers) = mpsc::channel();
        let given = Mutex::new(given);
        give.send(scope.spawn(move || {
            let own = given.lock().unwrap().recv().unwrap();
            answer
                .send(matches!(own.join(), Err(TaskError::OwnTask)))
                .unwrap();
        }))
        .unwrap();
        answers.recv().unwrap()
    });
    assert!(told);
    pool.shutdown().unwrap();
}

#[test]
fn t2_a_scope_of_very_many_tasks_runs_and_counts_each_once() {
    let _watchdog = watchdog();
    let (pool, ran) = (fixed(2), Tally::new());
    pool.scope(|scope| {
        for _ in 0..50_000 {
            scope.spawn(|| ran.one_more());
        }
    });
    assert_eq!(ran.get(), 50_000);
    let now = pool.statistics().now;
    assert_eq!((now.accepted, now.done, now.in_place), (50_000, 50_000, 0));
    pool.shutdown().unwrap();
}
