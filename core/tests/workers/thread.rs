//! Thread workers on real threads: one thread, in order, drained after a quit, never waited for by a
//! drop.

use std::sync::mpsc;
use std::thread;

use crate::common::{Count, Log, OnDrop, Threads};
use brigade::{LockWorker, ThreadWorker, start_thread};

fn thread_worker() -> ThreadWorker {
    ThreadWorker::new(|body| start_thread("by name", body)).unwrap()
}

#[test]
fn h1_all_tasks_run_on_one_thread_that_has_the_name_given() {
    let (worker, log) = (thread_worker(), Log::new());
    for _ in 0..100 {
        let log = log.clone();
        worker
            .execute(move || {
                assert_eq!(thread::current().name(), Some("by name"));
                log.note(thread::current().id());
            })
            .unwrap();
    }
    worker.quit().unwrap();
    worker.join().unwrap();
    let mut threads = log.take();
    assert_eq!(threads.len(), 100);
    threads.dedup();
    assert_eq!(threads.len(), 1);
    assert_ne!(threads[0], thread::current().id());
}

#[test]
fn w7_each_of_four_callers_finds_its_tasks_run_in_the_order_it_gave_them() {
    let (worker, log) = (thread_worker(), Log::new());
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let (worker, log) = (worker.clone(), log.clone());
            thread::spawn(move || {
                for n in 0..1000 {
                    worker.execute(log.task((caller, n))).unwrap();
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().unwrap();
    }
    worker.quit().unwrap();
    worker.join().unwrap();
    let ran = log.take();
    for caller in 0..4 {
        let own = ran.iter().filter(|task| task.0 == caller);
        assert!(own.map(|task| task.1).eq(0..1000));
    }
}

#[test]
fn h2_after_a_quit_the_thread_drains_its_queue_then_ends() {
    let (worker, ran) = (thread_worker(), Count::new());
    let (go_on, may_go_on) = mpsc::channel::<()>();
    worker.execute(move || may_go_on.recv().unwrap()).unwrap();
    for _ in 0..100 {
        worker.execute(ran.task()).unwrap();
    }
    worker.quit().unwrap();
    go_on.send(()).unwrap();
    worker.join().unwrap();
    assert_eq!((ran.get(), ran.holders()), (100, 1));
}

#[test]
fn h3_the_last_handle_dropped_quits_without_waiting_and_the_thread_ends() {
    let (threads, ran) = (Threads::new(), Count::new());
    let worker = ThreadWorker::new(threads.start()).unwrap();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    worker.execute(move || may_go_on.recv().unwrap()).unwrap();
    worker.clone().execute(ran.task()).unwrap();
    drop(worker); // returns although the thread is busy
    go_on.send(()).unwrap();
    threads.join_all();
    assert_eq!((ran.get(), ran.holders()), (1, 1));
}

#[test]
fn h3_the_last_handle_dropped_on_the_workers_own_thread_ends_it() {
    let (threads, ran) = (Threads::new(), Count::new());
    let worker = ThreadWorker::new(threads.start()).unwrap();
    let (inner, counted) = (worker.clone(), ran.clone());
    worker
        .execute(move || {
            inner.execute(counted.task()).unwrap();
            drop(inner);
        })
        .unwrap();
    drop(worker);
    threads.join_all();
    assert_eq!(ran.get(), 1);
}

#[test]
fn h3_a_handle_inside_a_queued_task_counts_as_a_users() {
    let (threads, ran) = (Threads::new(), Count::new());
    let worker = ThreadWorker::new(threads.start()).unwrap();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    worker.execute(move || may_go_on.recv().unwrap()).unwrap();
    let (inner, task) = (worker.clone(), ran.task());
    worker
        .execute(move || inner.execute(task).unwrap())
        .unwrap();
    drop(worker);
    go_on.send(()).unwrap();
    threads.join_all();
    assert_eq!(ran.get(), 1, "it was not yet quit when that submitted");
}

#[test]
fn w9_a_capture_whose_drop_submits_to_the_same_thread_worker_runs_what_it_submits() {
    let (worker, ran) = (thread_worker(), Count::new());
    let (submitted, has_submitted) = mpsc::channel();
    let (inner, counted) = (worker.clone(), ran.clone());
    let capture = OnDrop(move || {
        inner.execute(counted.task()).unwrap();
        submitted.send(()).unwrap();
    });
    worker.execute(move || drop(capture)).unwrap();
    has_submitted.recv().unwrap();
    worker.quit().unwrap();
    worker.join().unwrap();
    assert_eq!((ran.get(), ran.holders()), (1, 1));
}

#[test]
fn w5_what_a_task_did_is_visible_to_whoever_joined() {
    let (worker, log) = (thread_worker(), Log::new());
    let mut text = String::from("before");
    let noted = log.clone();
    worker
        .execute(move || {
            text.push_str(" and after");
            noted.note(text);
        })
        .unwrap();
    worker.quit().unwrap();
    worker.join().unwrap();
    assert_eq!(log.take(), ["before and after"]);
}

#[test]
fn h2_a_thread_worker_joined_inside_a_lock_workers_task_does_not_hang() {
    let (worker, lock, ran) = (thread_worker(), LockWorker::new(), Count::new());
    let task = ran.task();
    lock.execute(move || {
        worker.execute(task).unwrap();
        worker.quit().unwrap();
        worker.join().unwrap();
    })
    .unwrap();
    assert_eq!(ran.get(), 1);
}
