//! Thread pools whose backlog is bounded: what becomes of a task for which there is no room.

use std::sync::mpsc;

use crate::common::{Count, Log, fail, message, occupy};
use crate::thread_pools::{Bodies, asleep_in, fixed, started, watchdog};
use brigade::{BuildError, JoinHandle, Rejected, ThreadPool, WhenFull};

/// A pool of one thread.
fn bounded(tasks: usize, when_full: WhenFull) -> ThreadPool {
    started(ThreadPool::builder().sizes(1, 1).bound(tasks, when_full))
}

#[test]
fn a_bound_of_no_tasks_is_an_error() {
    let builder = ThreadPool::builder().bound(0, WhenFull::Wait);
    assert_eq!(builder.build().unwrap_err(), BuildError::NoRoom);
}

#[test]
fn w2_a_full_pool_that_refuses_hands_the_task_back_and_is_not_closed() {
    let _watchdog = watchdog();
    let pool = bounded(1, WhenFull::Refuse);
    let gate = occupy(&pool);
    let (ran, refused) = (Count::new(), Count::new());
    pool.execute(ran.task()).unwrap();
    let error = pool.execute(refused.task()).unwrap_err();
    assert!(error.is_full());
    error.into_task().run();
    let error = pool.try_execute(refused.task()).unwrap_err();
    assert!(matches!(error, Rejected::Full(_)));
    drop(error);
    let error = pool.spawn(|| 1).unwrap_err();
    assert!(error.is_full());
    assert_eq!(
        (refused.get(), refused.holders()),
        (1, 1),
        "whole, and dropped"
    );
    assert_eq!(pool.statistics().now.accepted, 2);
    drop(gate);
    pool.wait_idle().unwrap();
    pool.execute(ran.task()).unwrap();
    pool.shutdown().unwrap();
    assert_eq!(ran.get(), 2);
    assert!(!pool.execute(|| ()).unwrap_err().is_full(), "it is closed");
}

#[test]
fn tasks_that_free_threads_are_about_to_take_do_not_count_as_waiting() {
    let bodies = Bodies::new();
    let builder = ThreadPool::builder().sizes(2, 2).start_with(bodies.keep());
    let pool = started(builder.bound(1, WhenFull::Refuse));
    let ran = Count::new();
    for _ in 0..3 {
        pool.execute(ran.task()).unwrap();
    }
    assert!(pool.execute(|| ()).unwrap_err().is_full());
    let now = pool.statistics().now;
    assert_eq!((now.busy, now.backlogged), (2, 1));
    pool.quit().unwrap();
    bodies.run();
    assert_eq!(ran.get(), 3);
}

#[test]
fn try_execute_refuses_though_the_pool_would_wait_or_run_it() {
    let _watchdog = watchdog();
    for when_full in [WhenFull::Wait, WhenFull::RunByCaller] {
        let pool = bounded(1, when_full);
        let gate = occupy(&pool);
        pool.try_execute(|| ()).unwrap();
        let ran = Count::new();
        assert!(pool.try_execute(ran.task()).unwrap_err().is_full());
        drop(gate);
        pool.shutdown().unwrap();
        assert_eq!(ran.get(), 0);
    }
}

/// A full pool of one thread: a task runs, and one waits.
struct Full {
    pool: ThreadPool,
    /// Ends the task that runs.
    gate: Option<mpsc::Sender<()>>,
    waits: JoinHandle<()>,
    /// Lets the other end.
    next: mpsc::Sender<()>,
}

fn full(when_full: WhenFull) -> Full {
    let pool = bounded(1, when_full);
    let gate = Some(occupy(&pool));
    let (next, may_end) = mpsc::channel();
    let waits = pool.spawn(move || {
        let _ = may_end.recv();
    });
    let waits = waits.unwrap();
    Full {
        pool,
        gate,
        waits,
        next,
    }
}

/// A caller waits for room; then `wake` is called. Nothing else happens before the caller is back.
fn is_taken_after(wake: impl FnOnce(&mut Full)) -> bool {
    let (mut full, ran) = (full(WhenFull::Wait), Count::new());
    let caller = asleep_in({
        let (pool, task) = (full.pool.clone(), ran.task());
        move || pool.execute(task)
    });
    assert!(!caller.is_finished(), "there is no room");
    wake(&mut full);
    let taken = caller.join().unwrap();
    drop((full.gate, full.next));
    full.pool.shutdown().unwrap();
    let is_taken = taken.is_ok();
    assert_eq!(ran.get(), usize::from(is_taken));
    if let Err(error) = taken {
        assert!(!error.is_full(), "it has waited");
        error.into_task().run();
    }
    assert_eq!((ran.get(), ran.holders()), (1, 1));
    is_taken
}

#[test]
fn t9_a_caller_that_waits_for_room_is_woken_when_the_task_that_waits_begins() {
    let _watchdog = watchdog();
    assert!(is_taken_after(|full| full.gate = None));
}

#[test]
fn t9_a_caller_that_waits_for_room_is_woken_by_a_quit() {
    let _watchdog = watchdog();
    assert!(!is_taken_after(|full| full.pool.quit().unwrap()));
}

#[test]
fn t9_a_caller_that_waits_for_room_is_woken_by_an_abort() {
    let _watchdog = watchdog();
    assert!(!is_taken_after(|full| {
        assert_eq!(full.pool.abort().len(), 1);
    }));
}

#[test]
fn t9_a_caller_that_waits_for_room_is_woken_by_a_cancel() {
    let _watchdog = watchdog();
    assert!(is_taken_after(|full| assert!(full.waits.cancel())));
}

#[test]
fn t9_a_caller_that_waits_for_room_is_woken_by_a_thread_more() {
    let _watchdog = watchdog();
    assert!(is_taken_after(|full| full.pool.resize(1, 2).unwrap()));
}

#[test]
fn t9_a_caller_that_waits_for_room_in_a_pool_that_has_not_started_is_woken_by_the_start() {
    let _watchdog = watchdog();
    let builder = ThreadPool::builder().sizes(1, 1);
    let pool = builder.bound(1, WhenFull::Wait).build().unwrap();
    let ran = Count::new();
    pool.execute(ran.task()).unwrap();
    let caller = asleep_in({
        let (pool, task) = (pool.clone(), ran.task());
        move || pool.execute(task).unwrap()
    });
    assert!(!caller.is_finished());
    pool.start().unwrap();
    caller.join().unwrap();
    pool.shutdown().unwrap();
    assert_eq!(ran.get(), 2);
}

#[test]
fn t9_a_caller_that_waits_for_room_in_a_pool_that_never_starts_is_woken_by_the_shutdown() {
    let _watchdog = watchdog();
    let builder = ThreadPool::builder().sizes(1, 1);
    let pool = builder.bound(1, WhenFull::Wait).build().unwrap();
    pool.execute(|| ()).unwrap();
    let caller = asleep_in({
        let pool = pool.clone();
        move || pool.execute(|| ()).unwrap_err().is_full()
    });
    assert_eq!(pool.shutdown().unwrap().len(), 1);
    assert!(!caller.join().unwrap(), "it is closed");
}

#[test]
fn t4_callers_that_wait_for_room_are_served_first_come_first_served() {
    let _watchdog = watchdog();
    let full = full(WhenFull::Wait);
    let mut gates = vec![full.gate, Some(full.next)];
    let mut callers = Vec::new();
    for _ in 0..3 {
        let (next, may_end) = mpsc::channel::<()>();
        gates.push(Some(next));
        let pool = full.pool.clone();
        callers.push(asleep_in(move || {
            let waits = move || while may_end.recv().is_ok() {};
            pool.execute(waits).unwrap();
        }));
    }
    // Each task that ends makes room for one caller: if it were another's turn, this would wait for ever.
    for (gate, caller) in gates.drain(..3).zip(callers) {
        drop(gate);
        caller.join().unwrap();
    }
    drop(gates);
    full.pool.shutdown().unwrap();
    assert_eq!(full.pool.statistics().now.done, 5);
}

#[test]
fn p3_a_caller_on_another_pools_thread_that_waits_for_room_counts_as_blocking_there() {
    let _watchdog = watchdog();
    let (full, other) = (full(WhenFull::Wait), fixed(1));
    let (pool, opener) = (full.pool.clone(), full.gate);
    let waits = other.spawn(move || pool.execute(|| ()).unwrap()).unwrap();
    // The other pool has one thread, and that one waits.
    other.execute(move || drop(opener)).unwrap();
    waits.join().unwrap();
    drop(full.next);
    full.pool.shutdown().unwrap();
    assert_eq!(other.statistics().blocking, 0);
    other.shutdown().unwrap();
}

#[test]
fn p3_a_task_that_finds_its_own_pool_full_runs_the_new_one_where_it_is() {
    let _watchdog = watchdog();
    let pool = bounded(1, WhenFull::Wait);
    let inner = pool.clone();
    let task = pool.spawn(move || {
        inner.execute(|| ()).unwrap();
        let runs_on = inner.spawn(|| std::thread::current().id()).unwrap();
        assert!(runs_on.is_finished());
        (std::thread::current().id(), runs_on.join().unwrap())
    });
    let (here, there) = task.unwrap().join().unwrap();
    assert_eq!(here, there);
    pool.shutdown().unwrap();
}

#[test]
fn a_full_pool_whose_callers_run_their_tasks_runs_them_before_the_call_returns() {
    let _watchdog = watchdog();
    let full = full(WhenFull::RunByCaller);
    let (here, ran_on) = (std::thread::current().id(), Log::new());
    let log = ran_on.clone();
    full.pool
        .execute(move || log.note(std::thread::current().id()))
        .unwrap();
    assert_eq!(ran_on.take(), [here]);
    let handle = full.pool.spawn(|| std::thread::current().id()).unwrap();
    assert!(handle.is_finished() && !handle.cancel());
    assert_eq!(handle.join().unwrap(), here);
    assert_eq!(
        full.pool.statistics().now.accepted,
        2,
        "they were not taken"
    );
    drop((full.gate, full.next));
    full.pool.shutdown().unwrap();
    assert!(!full.pool.execute(|| ()).unwrap_err().is_full());
}

#[test]
fn w8_a_panic_of_a_task_that_its_caller_runs_is_told_once_and_goes_no_further() {
    let _watchdog = watchdog();
    let panics = Log::new();
    let noted = panics.clone();
    let builder = ThreadPool::builder()
        .sizes(1, 1)
        .bound(1, WhenFull::RunByCaller)
        .on_panic(move |payload| noted.note(message(&payload)));
    let pool = started(builder);
    let gate = occupy(&pool);
    pool.execute(|| ()).unwrap();
    pool.execute(|| fail("a task")).unwrap();
    assert_eq!(panics.take(), ["a task"]);
    let handle = pool.spawn(|| fail("a handle's")).unwrap();
    assert_eq!(panics.len(), 0, "that one is the handle's");
    drop(handle);
    assert_eq!(panics.take(), ["a handle's"]);
    drop(gate);
    pool.shutdown().unwrap();
}
