//! Calls made from inside tasks, drops, handlers, factories and quits: what they decide is delivered
//! before they return, so whoever makes one may wait for what it asked for.

use std::sync::{Arc, mpsc};

use crate::common::{Count, Crew, Immediate, Log, OnDrop, Threads, fail};
use brigade::{
    AlreadyQuit, ExclusiveWorker, Handlers, LockWorker, MemoryWorker, Pool, Refused, Statistics,
    SwapQueue, Task, Team, ThreadWorker, Worker, memory_worker, memory_worker_with, start_thread,
};

/// Another pool, which whoever is asked about here calls, and then waits for.
#[derive(Clone)]
struct Other {
    pool: Pool,
    threads: Threads,
    calls: Count,
}

impl Other {
    fn new() -> Self {
        let threads = Threads::new();
        Self {
            pool: brigade::pool(|| 1, threads.start()),
            threads,
            calls: Count::new(),
        }
    }

    fn call_and_wait(&self) {
        let (sender, is_done) = mpsc::channel();
        self.pool.execute(move || sender.send(()).unwrap()).unwrap();
        is_done.recv().unwrap();
        self.calls.one_more();
    }

    fn was_called(self, times: usize) {
        assert_eq!(self.calls.get(), times);
        self.pool.quit().unwrap();
        self.threads.join_all();
    }
}

/// A task that is in the backlog of a team of one worker, and runs within that team's drain.
fn from_a_backlog(team: &(impl Worker + Clone), drive: impl FnOnce()) {
    let (other, (done, is_done)) = (Other::new(), mpsc::channel());
    let inner = team.clone();
    let (first, second) = (other.clone(), other.clone());
    let nested = move || {
        second.call_and_wait();
        done.send(()).unwrap();
    };
    team.execute(Task::new(move || {
        inner.execute(Task::new(nested)).unwrap();
        first.call_and_wait();
    }))
    .unwrap();
    drive();
    is_done.recv().unwrap();
    other.was_called(2);
}

fn one<W: Worker>(make: fn() -> W) -> impl Fn(&Statistics) -> Made<W> + Send + Sync + 'static {
    move |now| Ok((now.workers() < 1).then(make))
}

type Made<W> = Result<Option<W>, brigade::CreationError>;

#[test]
fn t9_a_task_of_a_team_of_lock_workers_may_wait_for_another_pool() {
    let team = Team::new(LockWorker::new(), one(LockWorker::new), Handlers::new());
    from_a_backlog(&team, || ());
}

#[test]
fn t9_a_task_of_a_team_of_immediate_workers_may_wait_for_another_pool() {
    let team = Team::new(LockWorker::new(), one(Immediate::default), Handlers::new());
    from_a_backlog(&team, || ());
}

#[test]
fn t9_a_task_of_a_team_under_a_memory_coordinator_may_wait_for_another_pool() {
    let (coordinator, steps) = memory_worker();
    let team = Team::new(coordinator, one(Immediate::default), Handlers::new());
    from_a_backlog(&team, || {
        steps.drain();
    });
}

#[test]
fn t9_a_task_of_a_team_of_memory_workers_may_wait_for_another_pool() {
    let crew = Crew::new();
    let team = Team::new(LockWorker::new(), crew.factory(|| 1), Handlers::new());
    from_a_backlog(&team, || {
        crew.drain();
    });
}

#[test]
fn t9_a_task_of_a_pool_may_wait_for_another_pool() {
    let threads = Threads::new();
    let pool = brigade::pool(|| 1, threads.start());
    from_a_backlog(&pool, || ());
    pool.quit().unwrap();
    threads.join_all();
}

#[test]
fn t9_a_task_of_a_team_in_a_team_may_wait_for_another_pool() {
    let team = Team::new(
        LockWorker::new(),
        one(|| Team::new(LockWorker::new(), one(LockWorker::new), Handlers::new())),
        Handlers::new(),
    );
    from_a_backlog(&team, || ());
}

#[test]
fn t9_a_task_may_wait_for_another_team_of_synchronous_workers() {
    let other = Team::new(LockWorker::new(), one(Immediate::default), Handlers::new());
    let team = Team::new(LockWorker::new(), one(Immediate::default), Handlers::new());
    let ran = Count::new();
    let (counted, quitting) = (ran.clone(), other.clone());
    team.execute(move || {
        for n in 0..10 {
            other.execute(counted.task()).unwrap();
            assert_eq!(counted.get(), n + 1, "it ran before the call returned");
        }
    })
    .unwrap();
    assert_eq!(ran.get(), 10);
    quitting.quit().unwrap();
    assert_eq!(quitting.statistics().workers(), 0);
}

#[test]
fn w9_a_capture_dropped_by_a_task_may_wait_for_another_pool() {
    let other = Other::new();
    let team = Team::new(LockWorker::new(), one(LockWorker::new), Handlers::new());
    let call = other.clone();
    let capture = OnDrop(move || call.call_and_wait());
    team.execute(move || drop(capture)).unwrap();
    other.was_called(1);
}

#[test]
fn w9_a_capture_dropped_with_a_performer_may_wait_for_another_pool() {
    let other = Other::new();
    let (worker, performer) = memory_worker();
    let call = other.clone();
    let capture = OnDrop(move || call.call_and_wait());
    worker.execute(move || drop(capture)).unwrap();
    drop(performer);
    other.was_called(1);
}

#[test]
fn w9_each_of_a_teams_handlers_may_wait_for_another_pool() {
    let other = Other::new();
    let (panicked, failed, abandoned) = (other.clone(), other.clone(), other.clone());
    let handlers = Handlers::new()
        .on_panic(move |_| panicked.call_and_wait())
        .on_creation_failed(move |_| failed.call_and_wait())
        .on_abandoned(move |_| abandoned.call_and_wait());
    let asked = Count::new();
    let factory = move |_: &Statistics| match asked.one_more() {
        0 => Ok(Some(Immediate::default())),
        1 => Err("for once".into()),
        _ => Ok(None),
    };
    let team = Team::new(LockWorker::new(), factory, handlers);
    team.execute(|| fail("a task")).unwrap();
    team.shrink_all().unwrap();
    team.execute(|| ()).unwrap();
    team.quit().unwrap();
    assert_eq!(team.statistics().abandoned, 1);
    other.was_called(3);
}

#[test]
fn w9_each_workers_panic_handler_may_wait_for_another_pool() {
    let other = Other::new();
    let handler = || {
        let call = other.clone();
        Arc::new(move |_| call.call_and_wait())
    };
    let lock = LockWorker::with_panic_handler(handler());
    let (memory, performer) = memory_worker_with(handler());
    let start = |body| start_thread("test", body);
    let thread = ThreadWorker::with(start, SwapQueue::new(), handler()).unwrap();
    lock.execute(|| fail("a task")).unwrap();
    memory.execute(|| fail("a task")).unwrap();
    thread.execute(|| fail("a task")).unwrap();
    performer.drain();
    thread.quit().unwrap();
    thread.join().unwrap();
    other.was_called(3);
}

#[test]
fn w9_a_teams_factory_may_wait_for_another_pool() {
    let other = Other::new();
    let call = other.clone();
    let factory = move |_: &Statistics| {
        call.call_and_wait();
        Ok(Some(Immediate::default()))
    };
    let team = Team::new(LockWorker::new(), factory, Handlers::new());
    team.grow(3).unwrap();
    other.was_called(3);
}

#[test]
fn w9_a_pools_limit_and_start_policy_may_wait_for_another_pool() {
    let (other, threads) = (Other::new(), Threads::new());
    let (asked, started, start) = (other.clone(), other.clone(), threads.start());
    let limit = move || {
        asked.call_and_wait();
        1
    };
    let start = move |body| {
        started.call_and_wait();
        start(body)
    };
    let pool = brigade::pool(limit, start);
    pool.execute(|| ()).unwrap();
    pool.quit().unwrap();
    threads.join_all();
    drop(pool);
    other.was_called(2);
}

/// A worker whose `quit` calls another pool and waits for it.
struct QuitsSlowly(Immediate, Other);

impl Worker for QuitsSlowly {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.0.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.1.call_and_wait();
        self.0.quit()
    }
}

impl ExclusiveWorker for QuitsSlowly {}

#[test]
fn w9_a_workers_and_a_coordinators_quit_may_wait_for_another_pool() {
    let other = Other::new();
    let coordinator = QuitsSlowly(Immediate::default(), other.clone());
    let hired = other.clone();
    let factory = move |_: &Statistics| Ok(Some(QuitsSlowly(Immediate::default(), hired.clone())));
    let team = Team::new(coordinator, factory, Handlers::new());
    team.execute(|| ()).unwrap();
    team.quit().unwrap();
    drop(team);
    other.was_called(2);
}

#[test]
fn w9_tasks_run_under_no_lock_so_they_may_call_everything_of_their_team() {
    let (crew, log) = (Crew::new(), Log::new());
    let team = Team::new(LockWorker::new(), crew.factory(|| 2), Handlers::new());
    let (inner, noted) = (team.clone(), log.clone());
    team.execute(move || {
        noted.note(inner.statistics().busy);
        inner.grow(1).unwrap();
        noted.note(inner.statistics().idle);
        inner.shrink(1).unwrap();
        noted.note(inner.statistics().idle);
        inner.limit_raised().unwrap();
        inner.execute(|| ()).unwrap();
        noted.note(inner.statistics().busy);
        inner.quit().unwrap();
        let _: Team<LockWorker, MemoryWorker> = inner.clone();
    })
    .unwrap();
    crew.drain();
    assert_eq!(log.take(), [1, 1, 0, 2]);
    assert_eq!(team.statistics().workers(), 0);
}

/// A coordinator whose steps are run by hand, and not inside of [`brigade::turn`].
#[derive(Clone, Default)]
struct ByHand(Arc<std::sync::Mutex<Vec<Task>>>);

impl Worker for ByHand {
    fn execute(&self, step: Task) -> Result<(), Refused> {
        self.0.lock().unwrap().push(step);
        Ok(())
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        Ok(())
    }
}

impl ExclusiveWorker for ByHand {}

#[test]
fn w8_a_turn_that_is_left_by_a_panic_is_over() {
    let turn = || brigade::turn(|| std::panic::panic_any("on purpose"));
    let left = std::panic::catch_unwind(turn);
    assert!(left.is_err(), "the panic is the caller's");
    // What a step decides outside of any turn is carried out at its end, and not left to one that is over.
    let (worker, performer) = memory_worker();
    let only = std::sync::Mutex::new(Some(worker));
    let coordinator = ByHand::default();
    let factory = move |_: &Statistics| Ok(only.lock().unwrap().take());
    let team = Team::new(coordinator.clone(), factory, Handlers::new());
    team.execute(|| ()).unwrap();
    let step = coordinator.0.lock().unwrap().pop().unwrap();
    step.run();
    assert!(performer.perform().ran(), "the task was dispatched");
}
