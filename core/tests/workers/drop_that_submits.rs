//! A task whose captures submit to the task's own worker when they are dropped: run, cancelled, aborted,
//! abandoned, under every kind of worker. Whatever is dropped where, nothing of ours is held.

use std::sync::{Arc, Mutex};

use crate::by_hand::Bodies;
use crate::common::{Count, Crew, OnDrop, Threads, joinable};
use crate::watchdog::watched;
use brigade::{
    Handlers, LockWorker, Statistics, Task, TaskError, Team, ThreadPool, ThreadWorker, Worker,
    memory_worker, start_thread,
};

/// What came of the submits of captures that were dropped.
#[derive(Clone, Default)]
struct Submits {
    taken: Count,
    refused: Count,
    ran: Count,
}

impl Submits {
    /// Taken, refused, and run.
    fn numbers(&self) -> [usize; 3] {
        [self.taken.get(), self.refused.get(), self.ran.get()]
    }

    /// A task whose capture submits another to that worker when it is dropped.
    fn task(&self, worker: &(impl Worker + Clone)) -> impl FnOnce() + Send + 'static {
        let (submits, worker) = (self.clone(), worker.clone());
        let capture = OnDrop(move || {
            let came = match worker.execute(Task::new(submits.ran.task())) {
                Ok(()) => &submits.taken,
                Err(_) => &submits.refused,
            };
            came.one_more();
        });
        move || drop(capture)
    }
}

fn no_worker(_: &Statistics) -> Result<Option<LockWorker>, brigade::CreationError> {
    Ok(None)
}

#[test]
fn w9_run_by_a_memory_worker_its_drop_submits() {
    let ((worker, performer), submits) = (memory_worker(), Submits::default());
    worker.execute(submits.task(&worker)).unwrap();
    assert_eq!((performer.drain(), submits.numbers()), (2, [1, 0, 1]));
}

#[test]
fn w9_dropped_with_a_memory_workers_performer_its_drop_is_refused() {
    watched(|| {
        let ((worker, performer), submits) = (memory_worker(), Submits::default());
        worker.execute(submits.task(&worker)).unwrap();
        drop(performer);
        assert_eq!(submits.numbers(), [0, 1, 0]);
    });
}

#[test]
fn w9_run_by_a_lock_worker_its_drop_submits() {
    watched(|| {
        let (worker, submits) = (LockWorker::new(), Submits::default());
        worker.execute(submits.task(&worker)).unwrap();
        assert_eq!(submits.numbers(), [1, 0, 1]);
    });
}

#[test]
fn w9_refused_by_a_lock_worker_its_drop_is_refused() {
    let (worker, submits) = (LockWorker::new(), Submits::default());
    worker.quit().unwrap();
    drop(worker.execute(submits.task(&worker)));
    assert_eq!(submits.numbers(), [0, 1, 0]);
}

#[test]
fn w9_run_by_a_thread_worker_its_drop_submits() {
    watched(|| {
        let worker = ThreadWorker::new(|body| start_thread("test", body)).unwrap();
        let submits = Submits::default();
        worker.execute(submits.task(&worker)).unwrap();
        // Nothing but that capture has a handle from here on.
        let kept = submits.clone();
        let (done, is_done) = std::sync::mpsc::channel();
        let last = worker.clone();
        worker
            .execute(move || {
                last.quit().unwrap();
                done.send(kept.numbers()).unwrap();
            })
            .unwrap();
        assert_eq!(is_done.recv().unwrap()[..2], [1, 0]);
        worker.join().unwrap();
        assert_eq!(submits.numbers(), [1, 0, 1]);
    });
}

#[test]
fn w9_dropped_with_a_thread_workers_body_its_drop_is_refused() {
    watched(|| {
        let body = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&body);
        let worker = ThreadWorker::new(move |body| {
            *kept.lock().unwrap() = Some(body);
            Ok::<_, std::io::Error>(brigade::Thread::detached())
        });
        let (worker, submits) = (worker.unwrap(), Submits::default());
        worker.execute(submits.task(&worker)).unwrap();
        let body = body.lock().unwrap().take();
        drop(body);
        assert_eq!(submits.numbers(), [0, 1, 0]);
    });
}

#[test]
fn w9_run_by_a_team_its_drop_submits() {
    watched(|| {
        let (crew, submits) = (Crew::new(), Submits::default());
        let team = Team::new(LockWorker::new(), crew.factory(|| 1), Handlers::new());
        team.execute(submits.task(&team)).unwrap();
        assert_eq!((crew.drain(), submits.numbers()), (2, [1, 0, 1]));
    });
}

#[test]
fn w9_run_by_a_team_of_lock_workers_its_drop_submits() {
    watched(|| {
        let factory = |now: &Statistics| Ok((now.workers() < 1).then(LockWorker::new));
        let (team, submits) = (Team::locked(factory, Handlers::new()), Submits::default());
        team.execute(submits.task(&team)).unwrap();
        assert_eq!(submits.numbers(), [1, 0, 1]);
    });
}

#[test]
fn w9_abandoned_by_a_team_its_drop_is_refused() {
    watched(|| {
        let submits = Submits::default();
        let handlers = || Handlers::new().on_abandoned(drop);
        let team = Team::new(LockWorker::new(), no_worker, handlers());
        team.execute(submits.task(&team)).unwrap();
        team.quit().unwrap();
        let locked = Team::locked(no_worker, handlers());
        locked.execute(submits.task(&locked)).unwrap();
        locked.quit().unwrap();
        assert_eq!(submits.numbers(), [0, 2, 0]);
    });
}

#[test]
fn w9_run_by_a_pool_its_drop_submits() {
    watched(|| {
        let ((pool, threads), submits) = (joinable(1), Submits::default());
        let held = crate::common::occupy(&pool);
        pool.execute(submits.task(&pool)).unwrap();
        let quits = pool.clone();
        pool.execute(move || quits.quit().unwrap()).unwrap();
        drop(held);
        threads.join_all();
        assert_eq!(submits.numbers(), [1, 0, 1]);
    });
}

#[test]
fn w9_abandoned_by_a_pool_its_drop_is_refused() {
    watched(|| {
        let (threads, submits) = (Threads::new(), Submits::default());
        let handlers = Handlers::new().on_abandoned(drop);
        let pool = brigade::pool_with(|| 0, threads.start(), handlers);
        pool.execute(submits.task(&pool)).unwrap();
        pool.quit().unwrap();
        assert_eq!(submits.numbers(), [0, 1, 0]);
    });
}

/// A thread pool of one thread that is a body.
fn thread_pool() -> (ThreadPool, Bodies, Submits) {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(0, 1).on_abandoned(drop);
    let pool = builder.start_with(bodies.start()).build().unwrap();
    (pool, bodies, Submits::default())
}

/// A task of the pool that quits it.
fn quit_at_last(pool: &ThreadPool) {
    let quits = pool.clone();
    pool.execute(move || quits.quit().unwrap()).unwrap();
}

#[test]
fn w9_run_by_a_thread_pool_its_drop_submits() {
    watched(|| {
        let (pool, bodies, submits) = thread_pool();
        pool.start().unwrap();
        pool.execute(submits.task(&pool)).unwrap();
        let spawned = pool.spawn(submits.task(&pool)).unwrap();
        quit_at_last(&pool);
        bodies.run_all();
        spawned.join().unwrap();
        assert_eq!(submits.numbers(), [2, 0, 2]);
    });
}

#[test]
fn w9_run_in_place_by_a_thread_pools_task_its_drop_submits() {
    watched(|| {
        let (pool, bodies, submits) = thread_pool();
        pool.start().unwrap();
        let (inner, within) = (pool.clone(), submits.clone());
        let task = move || {
            inner.spawn(within.task(&inner)).unwrap().join().unwrap();
            assert_eq!(within.numbers(), [1, 0, 0], "it waits behind this one");
        };
        let outer = pool.spawn(task).unwrap();
        quit_at_last(&pool);
        bodies.run_all();
        outer.join().unwrap();
        assert_eq!(submits.numbers(), [1, 0, 1]);
    });
}

#[test]
fn w9_cancelled_its_drop_submits_to_the_thread_pool() {
    watched(|| {
        let (pool, bodies, submits) = thread_pool();
        let handle = pool.spawn(submits.task(&pool)).unwrap();
        assert!(handle.cancel());
        assert!(matches!(handle.join(), Err(TaskError::Cancelled)));
        assert_eq!(submits.numbers(), [1, 0, 0]);
        pool.start().unwrap();
        pool.quit().unwrap();
        bodies.run_all();
        let now = pool.statistics().now;
        assert_eq!(
            (submits.numbers(), now.cancelled, now.done),
            ([1, 0, 1], 1, 1)
        );
    });
}

#[test]
fn w9_cancelled_after_the_quit_its_drop_is_refused_by_the_thread_pool() {
    watched(|| {
        let (pool, bodies, submits) = thread_pool();
        pool.start().unwrap();
        let handle = pool.spawn(submits.task(&pool)).unwrap();
        pool.quit().unwrap();
        assert!(handle.cancel());
        assert_eq!(submits.numbers(), [0, 1, 0]);
        bodies.run_all();
        pool.shutdown().unwrap();
        assert_eq!(pool.statistics().now.cancelled, 1);
    });
}

#[test]
fn w9_aborted_its_drop_is_refused_by_the_thread_pool() {
    watched(|| {
        let (pool, _bodies, submits) = thread_pool();
        pool.execute(submits.task(&pool)).unwrap();
        let handle = pool.spawn(submits.task(&pool)).unwrap();
        let tasks = pool.abort();
        assert_eq!((tasks.len(), submits.numbers()), (2, [0, 0, 0]));
        drop(tasks);
        assert_eq!(submits.numbers(), [0, 2, 0]);
        assert!(matches!(handle.join(), Err(TaskError::Closed)));
    });
}

#[test]
fn w9_of_a_scope_and_aborted_its_drop_is_refused_by_the_thread_pool() {
    watched(|| {
        let (pool, _bodies, submits) = thread_pool();
        pool.scope(|scope| {
            let handle = scope.spawn(submits.task(&pool));
            assert!(pool.abort().is_empty());
            assert_eq!(submits.numbers(), [0, 1, 0]);
            assert!(matches!(handle.join(), Err(TaskError::Closed)));
        });
    });
}

#[test]
fn w9_given_back_by_a_shutdown_its_drop_is_refused_by_the_thread_pool() {
    watched(|| {
        let (pool, _bodies, submits) = thread_pool();
        pool.execute(submits.task(&pool)).unwrap();
        let tasks = pool.shutdown().unwrap();
        assert_eq!(tasks.len(), 1);
        drop(tasks);
        assert_eq!(submits.numbers(), [0, 1, 0]);
    });
}

#[test]
fn w9_abandoned_its_drop_is_refused_by_the_thread_pool() {
    watched(|| {
        let (pool, _bodies, submits) = thread_pool();
        pool.execute(submits.task(&pool)).unwrap();
        let handle = pool.spawn(submits.task(&pool)).unwrap();
        pool.quit().unwrap();
        assert!(matches!(handle.join(), Err(TaskError::Closed)));
        assert_eq!(submits.numbers(), [0, 2, 0]);
        assert_eq!(pool.statistics().now.abandoned, 2);
    });
}
