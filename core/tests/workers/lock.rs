//! Lock workers nested, crossed, re-entered and ended, on real threads.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use crate::common::{Count, Log, OnDrop, Threads, fail, noting, stepped};
use brigade::{Handlers, LockWorker, Task, Team};

#[test]
fn l1_execute_returns_after_the_task_and_all_that_was_nested_in_it() {
    let (worker, log) = (LockWorker::new(), Log::new());
    let (inner, noted) = (worker.clone(), log.clone());
    worker
        .execute(move || {
            let (innermost, note) = (inner.clone(), noted.clone());
            inner
                .execute(move || {
                    innermost.execute(note.task("nested twice")).unwrap();
                    note.note("nested");
                })
                .unwrap();
            inner.execute(noted.task("nested second")).unwrap();
            noted.note("outermost");
        })
        .unwrap();
    let expected = ["outermost", "nested", "nested second", "nested twice"];
    assert_eq!(log.take(), expected);
}

#[test]
fn l2_a_nested_call_returns_before_its_task_ran() {
    let (worker, ran) = (LockWorker::new(), Count::new());
    let (inner, counted) = (worker.clone(), ran.clone());
    worker
        .execute(move || {
            inner.execute(counted.task()).unwrap();
            assert_eq!(counted.get(), 0, "only accepted");
        })
        .unwrap();
    assert_eq!(ran.get(), 1, "run before the outermost call returned");
}

#[test]
fn l4_a_call_into_another_lock_worker_returns_before_its_task_ran() {
    let (first, second, ran) = (LockWorker::new(), LockWorker::new(), Count::new());
    let counted = ran.clone();
    first
        .execute(move || {
            second.execute(counted.task()).unwrap();
            assert_eq!(counted.get(), 0, "only accepted");
        })
        .unwrap();
    assert_eq!(
        ran.get(),
        1,
        "run although the second's last handle is gone"
    );
}

#[test]
fn l4_nested_calls_into_several_workers_run_in_the_order_given() {
    let workers: [_; 3] = std::array::from_fn(|_| LockWorker::new());
    let (inner, log) = (workers.clone(), Log::new());
    let noted = log.clone();
    workers[0]
        .execute(move || {
            for n in 0..9 {
                inner[n % 3].execute(noted.task(n)).unwrap();
            }
        })
        .unwrap();
    assert_eq!(log.take(), (0..9).collect::<Vec<_>>());
}

/// Each of `n` threads is inside its own worker's task when it calls into the next one's.
fn ring(n: usize) {
    let workers: Vec<_> = (0..n).map(|_| LockWorker::new()).collect();
    let (barrier, ran) = (Arc::new(Barrier::new(n)), Count::new());
    let threads: Vec<_> = (0..n)
        .map(|own| {
            let (mine, next) = (workers[own].clone(), workers[(own + 1) % n].clone());
            let (barrier, ran) = (Arc::clone(&barrier), ran.clone());
            std::thread::spawn(move || {
                for _ in 0..1000 {
                    let (next, all_hold) = (next.clone(), Arc::clone(&barrier));
                    let nested = ran.task();
                    let before = ran.get();
                    mine.execute(move || {
                        all_hold.wait(); // now each thread holds its own
                        next.execute(nested).unwrap();
                    })
                    .unwrap();
                    assert!(ran.get() > before, "before the outermost returned");
                    // Or the next round's task would wait, holding its worker, for this round's.
                    barrier.wait();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(ran.get(), n * 1000);
}

#[test]
fn l4_two_lock_workers_crossed_on_two_threads_do_not_deadlock() {
    ring(2);
}

#[test]
fn l4_three_lock_workers_in_a_ring_do_not_deadlock() {
    ring(3);
}

#[test]
fn w6_tasks_of_four_threads_do_not_overlap_and_see_each_other() {
    let worker = LockWorker::new();
    // Not counted up in one operation: two tasks at once would lose a count.
    let sum = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (worker, sum) = (worker.clone(), Arc::clone(&sum));
            std::thread::spawn(move || {
                for _ in 0..5000 {
                    let (inner, sum) = (worker.clone(), Arc::clone(&sum));
                    let add = move |sum: Arc<AtomicUsize>| {
                        sum.store(sum.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
                    };
                    worker
                        .execute(move || {
                            add(Arc::clone(&sum));
                            inner.execute(move || add(sum)).unwrap();
                        })
                        .unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(sum.load(Ordering::Relaxed), 4 * 5000 * 2);
}

#[test]
fn w8_a_panic_in_a_nested_task_or_in_the_outermost_loses_no_nested_task() {
    let panics = Log::new();
    let worker = LockWorker::with_panic_handler(noting(&panics));
    let (inner, ran) = (worker.clone(), Count::new());
    let counted = ran.clone();
    worker
        .execute(move || {
            inner.execute(|| fail("nested")).unwrap();
            inner.execute(counted.task()).unwrap();
            fail("outermost");
        })
        .unwrap();
    assert_eq!(ran.get(), 1);
    assert_eq!(panics.take(), ["outermost", "nested"]);
    worker.execute(ran.task()).unwrap();
    assert_eq!(ran.get(), 2, "the lock was released, and is not poisoned");
}

#[test]
fn w9_a_panic_handler_may_call_its_own_worker() {
    let cell: Arc<std::sync::OnceLock<LockWorker>> = Arc::default();
    let (inner, ran) = (Arc::downgrade(&cell), Count::new());
    let counted = ran.clone();
    let worker = LockWorker::with_panic_handler(Arc::new(move |_| {
        let cell = inner.upgrade().unwrap();
        cell.get().unwrap().execute(counted.task()).unwrap();
    }));
    cell.set(worker.clone()).unwrap();
    worker.execute(|| fail("a task")).unwrap();
    assert_eq!(ran.get(), 1);
}

#[test]
fn l3_a_quit_from_inside_lets_nested_work_finish_and_releases_the_lock() {
    let (worker, ran) = (LockWorker::new(), Count::new());
    let (inner, counted) = (worker.clone(), ran.clone());
    worker
        .execute(move || {
            inner.execute(counted.task()).unwrap();
            inner.quit().unwrap();
            drop(inner.execute(counted.task()).unwrap_err());
        })
        .unwrap();
    assert_eq!(ran.get(), 1);
    let other = worker.clone();
    let refused = std::thread::spawn(move || other.execute(|| ()).is_err());
    assert!(refused.join().unwrap(), "refused, and does not wait");
}

#[test]
fn l3_a_quit_by_another_thread_lets_accepted_nested_work_finish() {
    let (worker, ran) = (LockWorker::new(), Count::new());
    let (inner, counted, quitter) = (worker.clone(), ran.clone(), worker.clone());
    worker
        .execute(move || {
            inner.execute(counted.task()).unwrap();
            let quitter = std::thread::spawn(move || quitter.quit());
            quitter.join().unwrap().unwrap();
            inner.execute(|| ()).unwrap_err();
        })
        .unwrap();
    assert_eq!(ran.get(), 1);
}

#[test]
fn h3_a_task_that_holds_the_last_handle_of_its_own_worker_can_drop_it() {
    let (worker, ran) = (LockWorker::new(), Count::new());
    let (inner, counted) = (worker.clone(), ran.clone());
    let task = move || {
        drop(worker);
        inner.execute(counted.task()).unwrap();
        drop(inner);
    };
    let outer = LockWorker::new();
    outer.execute(task).unwrap();
    assert_eq!((ran.get(), ran.holders()), (1, 1));
}

#[test]
fn w9_a_capture_whose_drop_submits_to_the_same_lock_worker_runs_what_it_submits() {
    let (worker, ran) = (LockWorker::new(), Count::new());
    for _ in 0..3 {
        let (inner, counted) = (worker.clone(), ran.clone());
        let capture = OnDrop(move || inner.execute(counted.task()).unwrap());
        worker.execute(move || drop(capture)).unwrap();
    }
    assert_eq!(ran.get(), 3);
}

#[test]
fn w9_a_refused_task_whose_drop_submits_to_the_same_lock_worker_is_refused_again() {
    let (worker, refused) = (LockWorker::new(), Count::new());
    worker.quit().unwrap();
    let (inner, counted) = (worker.clone(), refused.clone());
    let capture = OnDrop(move || {
        if inner.execute(|| ()).is_err() {
            counted.one_more();
        }
    });
    drop(worker.execute(move || drop(capture)));
    assert_eq!(refused.get(), 1);
}

#[test]
fn l4_a_pools_execute_inside_a_lock_workers_task_is_dispatched_before_it_returns() {
    let threads = Threads::new();
    let pool = brigade::pool(|| 2, threads.start());
    let (worker, inner) = (LockWorker::new(), pool.clone());
    let (sender, answers) = mpsc::channel();
    worker
        .execute(move || {
            for n in 0..4 {
                let (result, is_here) = mpsc::channel();
                inner.execute(move || result.send(n).unwrap()).unwrap();
                sender.send(is_here.recv().unwrap()).unwrap();
            }
            inner.quit().unwrap();
        })
        .unwrap();
    assert_eq!(answers.iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    threads.join_all();
    assert_eq!(pool.statistics().done, 4);
}

#[test]
fn l4_a_pools_execute_three_lock_workers_deep_on_a_pools_thread_is_dispatched_too() {
    let threads = Threads::new();
    let pool = brigade::pool(|| 2, threads.start());
    let workers: [_; 3] = std::array::from_fn(|_| LockWorker::new());
    let (inner, (sender, answer)) = (pool.clone(), mpsc::channel());
    let task = move || {
        let [first, second, third] = workers;
        let nested = move || {
            let (result, is_here) = mpsc::channel();
            inner.execute(move || result.send(7).unwrap()).unwrap();
            sender.send(is_here.recv().unwrap()).unwrap();
        };
        first
            .execute(move || {
                second
                    .execute(move || third.execute(nested).unwrap())
                    .unwrap();
            })
            .unwrap();
    };
    pool.execute(task).unwrap();
    assert_eq!(answer.recv().unwrap(), 7);
    pool.quit().unwrap();
    threads.join_all();
}

#[test]
fn l4_a_team_with_a_lock_worker_of_the_users_decides_after_the_held_task() {
    let (team, crew, _) = stepped(1);
    let (worker, inner) = (LockWorker::new(), team.clone());
    let (ran, hired) = (Count::new(), crew.clone());
    let task = ran.task();
    worker
        .execute(move || {
            inner.execute(task).unwrap();
            let now = inner.statistics();
            assert_eq!((now.in_flight, hired.made()), (1, 0), "accepted only");
        })
        .unwrap();
    assert_eq!((team.statistics().busy, crew.made()), (1, 1));
    crew.drain();
    assert_eq!(ran.get(), 1);
}

#[test]
fn t6_a_team_quit_inside_a_lock_workers_task_is_quit_for_those_who_come_after() {
    let (team, crew, _) = stepped(1);
    team.grow(1).unwrap();
    let (worker, inner) = (LockWorker::new(), team.clone());
    worker
        .execute(move || {
            inner.quit().unwrap();
            inner.quit().unwrap_err();
            inner.execute(|| ()).unwrap_err();
        })
        .unwrap();
    assert_eq!((team.statistics().workers(), crew.made()), (0, 1));
}

thread_local! {
    /// Destroyed after what the crate keeps for its thread, because used first.
    static FAREWELL: RefCell<Option<Task>> = const { RefCell::new(None) };
}

/// Runs `last` while a thread's locals are being destroyed, after some use of the crate.
fn at_the_end_of_a_thread(last: impl FnOnce() + Send + 'static) {
    struct RunsWhenDropped(Option<Task>);
    impl Drop for RunsWhenDropped {
        fn drop(&mut self) {
            self.0.take().unwrap().run();
        }
    }
    let mut last = RunsWhenDropped(Some(Task::new(last)));
    let thread = std::thread::spawn(move || {
        let bye = Task::new(move || {
            let _last = &mut last;
        });
        FAREWELL.with(|farewell| *farewell.borrow_mut() = Some(bye));
        let (worker, other) = (LockWorker::new(), LockWorker::new());
        worker
            .execute(move || other.execute(|| ()).unwrap())
            .unwrap();
    });
    thread.join().unwrap();
}

#[test]
fn l2_a_nested_call_made_by_a_thread_local_being_destroyed_does_not_deadlock() {
    let log = Log::new();
    let noted = log.clone();
    at_the_end_of_a_thread(move || {
        let worker = LockWorker::new();
        let inner = worker.clone();
        worker
            .execute(move || {
                inner.execute(noted.task("nested")).unwrap();
                noted.note("outermost");
            })
            .unwrap();
    });
    assert_eq!(log.take(), ["outermost", "nested"]);
}

#[test]
fn t9_a_team_called_by_a_thread_local_being_destroyed_does_not_deadlock() {
    let ran = Count::new();
    let counted = ran.clone();
    at_the_end_of_a_thread(move || {
        let factory = |now: &brigade::Statistics| Ok((now.workers() < 1).then(LockWorker::new));
        let team = Team::new(LockWorker::new(), factory, Handlers::new());
        let (inner, again) = (team.clone(), counted.clone());
        team.execute(move || inner.execute(again.task()).unwrap())
            .unwrap();
        team.execute(counted.task()).unwrap();
    });
    assert_eq!(ran.get(), 2);
}
