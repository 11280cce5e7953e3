//! A million tasks one after the other on the submitting thread, on a stack of 256 KiB.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Count, Immediate, Log, Threads};
use brigade::{
    ExclusiveWorker, Handlers, LockWorker, MemoryWorker, Statistics, Team, TeamLock, Worker,
    memory_worker,
};

const TASKS: usize = 1_000_000;

fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(256 * 1024);
    thread.spawn(test).unwrap().join().unwrap();
}

/// Teams with that many tasks in their backlogs, all of which run when the limit is raised.
fn a_backlog<W: Worker>(workers: usize, make: fn() -> W) {
    a_backlog_under(LockWorker::new(), workers, make);
    a_backlog_under(TeamLock::of_one_team(), workers, make);
}

fn a_backlog_under<W: Worker>(coordinator: impl ExclusiveWorker, workers: usize, make: fn() -> W) {
    on_a_small_stack(move || {
        let (limit, ran) = (Count::new(), Count::new());
        let most = limit.clone();
        let factory = move |now: &Statistics| Ok((now.workers() < most.get()).then(make));
        let team = Team::new(coordinator, factory, Handlers::new());
        for _ in 0..TASKS {
            team.execute(ran.task()).unwrap();
        }
        assert_eq!(team.statistics().backlogged, TASKS);
        limit.set(workers);
        team.limit_raised().unwrap();
        assert_eq!((ran.get(), team.statistics().done), (TASKS, TASKS));
        team.quit().unwrap();
        assert_eq!((team.statistics().workers(), ran.holders()), (0, 1));
    });
}

#[test]
fn t9_a_million_backlogged_tasks_over_a_lock_worker_use_constant_stack() {
    a_backlog(1, LockWorker::new);
}

#[test]
fn t9_a_million_backlogged_tasks_over_three_lock_workers_use_constant_stack() {
    a_backlog(3, LockWorker::new);
}

#[test]
fn t9_a_million_backlogged_tasks_over_an_immediate_worker_use_constant_stack() {
    a_backlog(1, Immediate::default);
}

#[test]
fn t9_a_million_backlogged_tasks_over_a_boxed_lock_worker_use_constant_stack() {
    a_backlog(1, || -> Box<dyn Worker> { Box::new(LockWorker::new()) });
}

#[test]
fn t9_a_million_backlogged_tasks_over_a_team_in_a_team_use_constant_stack() {
    a_backlog(1, || {
        let factory = |now: &Statistics| Ok((now.workers() < 1).then(LockWorker::new));
        Team::new(LockWorker::new(), factory, Handlers::new())
    });
}

fn a_drained_coordinator<W: Worker>(make: fn() -> W) {
    on_a_small_stack(move || {
        let (coordinator, steps) = memory_worker();
        let ran = Count::new();
        let factory = move |now: &Statistics| Ok((now.workers() < 1).then(make));
        let team = Team::new(coordinator, factory, Handlers::new());
        for _ in 0..TASKS {
            team.execute(ran.task()).unwrap();
        }
        team.quit().unwrap();
        // A step each way for each task, and the quit.
        assert_eq!(steps.drain(), 2 * TASKS + 1);
        assert_eq!((ran.get(), ran.holders()), (TASKS, 1));
    });
}

#[test]
fn t9_a_million_steps_of_a_memory_coordinator_over_a_lock_worker_use_constant_stack() {
    a_drained_coordinator(LockWorker::new);
}

#[test]
fn t9_a_million_steps_of_a_memory_coordinator_over_an_immediate_worker_use_constant_stack() {
    a_drained_coordinator(Immediate::default);
}

#[test]
fn t9_a_coordinators_performer_dropped_with_a_million_steps_uses_constant_stack() {
    on_a_small_stack(|| {
        let (coordinator, steps) = memory_worker();
        let ran = Count::new();
        let factory = |now: &Statistics| Ok((now.workers() < 1).then(Immediate::default));
        let team = Team::new(coordinator, factory, Handlers::new());
        for _ in 0..TASKS {
            team.execute(ran.task()).unwrap();
        }
        drop(steps);
        assert_eq!((ran.get(), team.statistics().done), (TASKS, TASKS));
    });
}

#[test]
fn t7_a_million_abandoned_tasks_use_constant_stack() {
    on_a_small_stack(|| {
        let (abandoned, never) = (Log::new(), Count::new());
        let noted = abandoned.clone();
        let handlers = Handlers::new().on_abandoned(move |task| noted.note(task));
        let team = Team::new(LockWorker::new(), |_| Ok(None::<MemoryWorker>), handlers);
        for _ in 0..TASKS {
            team.execute(never.task()).unwrap();
        }
        team.quit().unwrap();
        assert_eq!(abandoned.take().len(), TASKS);
        assert_eq!((never.get(), never.holders()), (0, 1));
    });
}

static LINKS: AtomicUsize = AtomicUsize::new(0);

/// Each of a million tasks submits the next one.
fn link<W: Worker + Clone>(worker: &W, links: usize) {
    LINKS.fetch_add(1, Ordering::Relaxed);
    if links > 1 {
        let inner = worker.clone();
        let next = move || link(&inner, links - 1);
        worker.execute(brigade::Task::new(next)).unwrap();
    }
}

#[test]
fn l2_a_million_tasks_that_each_submit_the_next_use_constant_stack() {
    on_a_small_stack(|| {
        let worker = LockWorker::new();
        link(&worker, TASKS);
        assert_eq!(LINKS.swap(0, Ordering::Relaxed), TASKS);

        let factory = |now: &Statistics| Ok((now.workers() < 1).then(Immediate::default));
        let team = Team::new(LockWorker::new(), factory, Handlers::new());
        link(&team, TASKS);
        assert_eq!(LINKS.swap(0, Ordering::Relaxed), TASKS);

        let factory = |now: &Statistics| Ok((now.workers() < 5).then(LockWorker::new));
        let team = Team::locked(factory, Handlers::new());
        link(&team, TASKS);
        assert_eq!(LINKS.swap(0, Ordering::Relaxed), TASKS);
    });
}

#[test]
fn l4_a_million_tasks_between_two_lock_workers_use_constant_stack() {
    fn volley(to: &LockWorker, from: &LockWorker, ran: &Count) {
        if ran.one_more() + 1 < TASKS {
            let (next, this, ran) = (to.clone(), from.clone(), ran.clone());
            to.execute(move || volley(&this, &next, &ran)).unwrap();
        }
    }
    on_a_small_stack(|| {
        let ran = Count::new();
        volley(&LockWorker::new(), &LockWorker::new(), &ran);
        assert_eq!(ran.get(), TASKS);
    });
}

#[test]
fn t9_a_million_tasks_through_a_pool_with_a_small_submitter_use_constant_stack() {
    on_a_small_stack(|| {
        let (threads, ran) = (Threads::new(), Count::new());
        let pool = brigade::pool(|| 1, threads.start());
        for _ in 0..TASKS {
            pool.execute(ran.task()).unwrap();
        }
        pool.quit().unwrap();
        threads.join_all();
        assert_eq!(ran.get(), TASKS);
    });
}
