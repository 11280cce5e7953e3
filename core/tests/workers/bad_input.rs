//! Bare workers used wrongly, or given code that fails: each test says what comes of it.

use std::sync::{Arc, Barrier, mpsc};

use crate::common::{Count, FailsWhenDropped, Log, fail, fail_twice, noting};
use brigade::{
    AlreadyQuit, LockWorker, Performed, SwapQueue, Task, ThreadWorker, Worker, memory_worker,
    memory_worker_with, start_thread,
};

fn thread_worker() -> ThreadWorker {
    ThreadWorker::new(|body| start_thread("test", body)).unwrap()
}

fn thread_worker_with(panics: &Log<String>) -> ThreadWorker {
    let start = |body| start_thread("test", body);
    ThreadWorker::with(start, SwapQueue::new(), noting(panics)).unwrap()
}

fn hands_back(worker: &impl Worker) {
    worker.quit().unwrap();
    let ran = Count::new();
    let refused = worker.execute(Task::new(ran.task())).unwrap_err();
    assert_eq!((ran.get(), ran.holders()), (0, 2), "whole and not run");
    refused.into_task().run();
    assert_eq!((ran.get(), ran.holders()), (1, 1));
    assert_eq!(worker.quit(), Err(AlreadyQuit));
}

#[test]
fn w2_execute_after_quit_on_a_memory_worker_hands_the_task_back() {
    let (worker, performer) = memory_worker();
    hands_back(&worker);
    assert_eq!(performer.perform(), Performed::Ended);
}

#[test]
fn w2_execute_after_quit_on_a_lock_worker_hands_the_task_back() {
    hands_back(&LockWorker::new());
}

#[test]
fn w2_execute_after_quit_on_a_thread_worker_hands_the_task_back() {
    let worker = thread_worker();
    hands_back(&worker);
    worker.join().unwrap();
}

fn one_quit(worker: &(impl Worker + Clone)) {
    let (barrier, won) = (Arc::new(Barrier::new(8)), Count::new());
    let quitters: Vec<_> = (0..8)
        .map(|_| {
            let (worker, barrier, won) = (worker.clone(), Arc::clone(&barrier), won.clone());
            std::thread::spawn(move || {
                barrier.wait();
                if worker.quit().is_ok() {
                    won.one_more();
                }
                worker.execute(Task::new(|| ())).unwrap_err();
            })
        })
        .collect();
    for quitter in quitters {
        quitter.join().unwrap();
    }
    assert_eq!(won.get(), 1);
}

#[test]
fn w3_one_of_eight_threads_that_quit_a_memory_worker_is_told_so() {
    let (worker, _performer) = memory_worker();
    one_quit(&worker);
}

#[test]
fn w3_one_of_eight_threads_that_quit_a_lock_worker_is_told_so() {
    one_quit(&LockWorker::new());
}

#[test]
fn w3_one_of_eight_threads_that_quit_a_thread_worker_is_told_so() {
    one_quit(&thread_worker());
}

/// A task that submits, quits its own worker, and submits again.
fn quits_inside(worker: &(impl Worker + Clone), drive: impl FnOnce()) -> Vec<&'static str> {
    let (log, inner) = (Log::new(), worker.clone());
    let noted = log.clone();
    let quitter = move || {
        inner
            .execute(Task::new(noted.task("accepted before")))
            .unwrap();
        inner.quit().unwrap();
        let refused = inner.execute(Task::new(noted.task("refused after")));
        drop(refused.unwrap_err());
        assert_eq!(inner.quit(), Err(AlreadyQuit));
        noted.note("quitter");
    };
    worker.execute(Task::new(quitter)).unwrap();
    drive();
    log.take()
}

#[test]
fn w4_a_task_that_quits_its_own_memory_worker_keeps_what_was_accepted() {
    let (worker, performer) = memory_worker();
    let ran = quits_inside(&worker, || assert_eq!(performer.drain(), 2));
    assert_eq!(ran, ["quitter", "accepted before"]);
    assert_eq!(performer.perform(), Performed::Ended);
}

#[test]
fn l3_a_task_that_quits_its_own_lock_worker_keeps_what_was_accepted() {
    let ran = quits_inside(&LockWorker::new(), || ());
    assert_eq!(ran, ["quitter", "accepted before"]);
}

#[test]
fn w4_a_task_that_quits_its_own_thread_worker_keeps_what_was_accepted() {
    let worker = thread_worker();
    let ran = quits_inside(&worker, || worker.join().unwrap());
    assert_eq!(ran, ["quitter", "accepted before"]);
}

#[test]
fn w6_a_performer_re_entered_from_its_own_task_says_busy() {
    let (worker, performer) = memory_worker();
    let (performer, answers) = (Arc::new(performer), Log::new());
    for _ in 0..2 {
        let (inner, answers) = (Arc::clone(&performer), answers.clone());
        worker
            .execute(move || {
                answers.note(inner.perform());
                assert_eq!(inner.drain(), 0);
            })
            .unwrap();
    }
    assert_eq!(performer.perform(), Performed::Ran);
    assert_eq!(
        answers.take(),
        [Performed::Busy],
        "the second was not nested"
    );
    assert_eq!(performer.drain(), 1);
}

#[test]
fn w6_a_performer_used_by_another_thread_while_a_task_runs_says_busy() {
    let (worker, performer) = memory_worker();
    let performer = Arc::new(performer);
    let (started, has_started) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    worker
        .execute(move || {
            started.send(()).unwrap();
            may_go_on.recv().unwrap();
        })
        .unwrap();
    let other = Arc::clone(&performer);
    let running = std::thread::spawn(move || other.perform());
    has_started.recv().unwrap();
    assert_eq!(performer.perform(), Performed::Busy);
    go_on.send(()).unwrap();
    assert_eq!(running.join().unwrap(), Performed::Ran);
    assert_eq!(performer.perform(), Performed::Nothing);
}

/// Tasks that fail in each way, then one that does not.
fn survives(worker: &impl Worker, panics: &Log<String>, drive: impl FnOnce()) {
    let ran = Count::new();
    worker.execute(Task::new(|| fail("a task"))).unwrap();
    worker.execute(Task::new(|| fail_twice())).unwrap();
    let capture = FailsWhenDropped;
    worker.execute(Task::new(move || drop(capture))).unwrap();
    worker.execute(Task::new(ran.task())).unwrap();
    drive();
    assert_eq!(ran.get(), 1, "the task behind them ran");
    let expected = ["a task", "(not a text)", "the drop of a capture"];
    assert_eq!(panics.take(), expected, "each is reported once");
}

#[test]
fn w8_panics_of_task_payload_and_capture_do_not_stop_a_memory_worker() {
    let panics = Log::new();
    let (worker, performer) = memory_worker_with(noting(&panics));
    survives(&worker, &panics, || assert_eq!(performer.drain(), 4));
}

#[test]
fn w8_panics_of_task_payload_and_capture_do_not_stop_a_lock_worker() {
    let panics = Log::new();
    let worker = LockWorker::with_panic_handler(noting(&panics));
    survives(&worker, &panics, || ());
}

#[test]
fn w8_panics_of_task_payload_and_capture_do_not_stop_a_thread_worker() {
    let panics = Log::new();
    let worker = thread_worker_with(&panics);
    survives(&worker, &panics, || {
        worker.quit().unwrap();
        worker.join().unwrap();
    });
}

/// A task that fails under a handler that fails, then one that does not fail.
fn survives_its_handler(worker: &impl Worker, drive: impl FnOnce()) {
    let ran = Count::new();
    worker.execute(Task::new(|| fail("a task"))).unwrap();
    worker.execute(Task::new(ran.task())).unwrap();
    drive();
    assert_eq!(ran.get(), 1);
}

#[test]
fn w8_a_panicking_handler_does_not_stop_a_memory_worker() {
    let (worker, performer) = memory_worker_with(Arc::new(|_| fail("a handler")));
    survives_its_handler(&worker, || assert_eq!(performer.drain(), 2));
}

#[test]
fn w8_a_panicking_handler_does_not_stop_a_lock_worker() {
    let worker = LockWorker::with_panic_handler(Arc::new(|_| fail_twice()));
    survives_its_handler(&worker, || ());
}

#[test]
fn w8_a_panicking_handler_does_not_stop_a_thread_worker() {
    let start = |body| start_thread("test", body);
    let handler = Arc::new(|_| fail("a handler"));
    let worker = ThreadWorker::with(start, SwapQueue::new(), handler).unwrap();
    survives_its_handler(&worker, || {
        worker.quit().unwrap();
        worker.join().unwrap();
    });
}

#[test]
fn w8_a_queued_task_whose_drop_panics_is_reported_by_the_dropped_performer() {
    let panics = Log::new();
    let (worker, performer) = memory_worker_with(noting(&panics));
    let (before, capture, after) = (Count::new(), FailsWhenDropped, Count::new());
    worker.execute(before.task()).unwrap();
    worker.execute(move || drop(capture)).unwrap();
    worker.execute(after.task()).unwrap();
    drop(performer);
    assert_eq!((before.holders(), after.holders()), (1, 1), "none leaked");
    assert_eq!(panics.take(), ["the drop of a capture"]);
}

#[test]
fn w8_a_task_that_panics_aloud_is_contained_too() {
    let (worker, performer) = memory_worker();
    worker.execute(|| panic!("aloud")).unwrap();
    assert_eq!(performer.perform(), Performed::Ran);
}
