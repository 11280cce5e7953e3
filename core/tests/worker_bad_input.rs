//! Bare workers used wrongly, or given code that fails: each test says what comes of it.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]

mod common;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Barrier, Mutex, mpsc};

use brigade::{
    AlreadyQuit, Body, JoinError, LockWorker, MemoryWorker, Performed, Queue, Refused, SwapQueue,
    Task, Thread, ThreadWorker, Worker, memory_worker, memory_worker_with, start_thread,
};
use common::{Count, FailsWhenDropped, Log, OnDrop, fail, fail_twice, noting};

fn thread_worker() -> ThreadWorker {
    ThreadWorker::new(|body| start_thread("test", body)).unwrap()
}

fn thread_worker_with(panics: &Log<String>) -> ThreadWorker {
    let start = |body| start_thread("test", body);
    ThreadWorker::with(start, SwapQueue::new(), noting(panics)).unwrap()
}

/// A start policy that keeps the body instead of running it.
fn held_back(queue: impl Queue) -> (ThreadWorker, Body) {
    let mut kept = None;
    let start = |body| {
        kept = Some(body);
        Ok::<_, Infallible>(Thread::detached())
    };
    let worker = ThreadWorker::with(start, queue, Arc::new(drop)).unwrap();
    (worker, kept.unwrap())
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
fn w8_a_queued_task_whose_drop_panics_is_reported_by_the_dropped_body() {
    let mut kept = None;
    let start = |body| {
        kept = Some(body);
        Ok::<_, Infallible>(Thread::detached())
    };
    let panics = Log::new();
    let worker = ThreadWorker::with(start, SwapQueue::new(), noting(&panics)).unwrap();
    let (before, capture, after) = (Count::new(), FailsWhenDropped, Count::new());
    worker.execute(before.task()).unwrap();
    worker.execute(move || drop(capture)).unwrap();
    worker.execute(after.task()).unwrap();
    drop(kept);
    assert_eq!((before.holders(), after.holders()), (1, 1), "none leaked");
    assert_eq!(panics.take(), ["the drop of a capture"]);
}

#[test]
fn h2_join_from_the_workers_own_thread_is_an_error() {
    let worker = thread_worker();
    let (sender, answer) = mpsc::channel();
    let own = worker.clone();
    worker
        .execute(move || sender.send(own.join()).unwrap())
        .unwrap();
    assert_eq!(answer.recv().unwrap(), Err(JoinError::OwnThread));
    worker.quit().unwrap();
    assert_eq!(worker.join(), Ok(()));
}

#[test]
fn h2_join_from_the_workers_own_thread_while_another_joins_is_an_error() {
    let worker = thread_worker();
    let (sender, answer) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let own = worker.clone();
    worker
        .execute(move || {
            may_go_on.recv().unwrap();
            sender.send(own.join()).unwrap();
        })
        .unwrap();
    worker.quit().unwrap();
    let joiners: Vec<_> = (0..2)
        .map(|_| {
            let worker = worker.clone();
            std::thread::spawn(move || worker.join())
        })
        .collect();
    go_on.send(()).unwrap();
    assert_eq!(answer.recv().unwrap(), Err(JoinError::OwnThread));
    for joiner in joiners {
        assert_eq!(joiner.join().unwrap(), Ok(()));
    }
    assert_eq!(worker.join(), Ok(()), "and once more");
}

#[test]
fn h2_join_of_a_detached_thread_is_an_error() {
    let (done, is_done) = mpsc::channel();
    let worker = ThreadWorker::new(|body| {
        std::thread::spawn(move || {
            body.run();
            done.send(()).unwrap();
        });
        Ok::<_, Infallible>(Thread::detached())
    })
    .unwrap();
    assert_eq!(worker.join(), Err(JoinError::Detached));
    worker.quit().unwrap();
    is_done.recv().unwrap();
    assert_eq!(worker.join(), Err(JoinError::Detached));
}

#[test]
fn h2_join_after_the_thread_panicked_outside_all_tasks_is_ok() {
    let worker = ThreadWorker::new(|body| {
        let thread = std::thread::Builder::new().spawn(|| {
            body.run();
            fail("what the policy does afterwards");
        })?;
        Ok::<_, io::Error>(thread.into())
    })
    .unwrap();
    worker.quit().unwrap();
    assert_eq!(worker.join(), Ok(()));
}

#[test]
fn w2_a_thread_that_cannot_start_is_the_policys_error() {
    let error = ThreadWorker::new(|body| {
        drop(body);
        Err("no thread today")
    });
    assert_eq!(error.map(|_| ()).unwrap_err(), "no thread today");
}

#[test]
fn w1_a_body_dropped_by_the_start_policy_refuses_every_task() {
    let worker = ThreadWorker::new(|body| {
        drop(body);
        Ok::<_, Infallible>(Thread::detached())
    })
    .unwrap();
    let ran = Count::new();
    worker.execute(ran.task()).unwrap_err().into_task().run();
    assert_eq!(ran.get(), 1, "handed back whole");
    assert_eq!(worker.quit(), Err(AlreadyQuit));
}

#[test]
fn w1_a_body_dropped_later_drops_the_queued_tasks_once_and_closes_the_queue() {
    let (worker, body) = held_back(SwapQueue::new());
    let (drops, inner, refused) = (Count::new(), worker.clone(), Count::new());
    for _ in 0..3 {
        let (drops, inner, refused) = (drops.clone(), inner.clone(), refused.clone());
        let capture = OnDrop(move || {
            drops.one_more();
            if inner.execute(|| ()).is_err() {
                refused.one_more();
            }
        });
        worker.execute(move || drop(capture)).unwrap();
    }
    drop(body);
    assert_eq!((drops.get(), refused.get()), (3, 3));
}

/// A queue of a user's own that never blocks: its body returns when there is nothing to do.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<VecDeque<Task>>>, Count);

impl Queue for Shared {
    fn push(&self, task: Task) -> Result<(), Refused> {
        if self.1.get() > 0 {
            return Err(Refused::new(task));
        }
        self.0.lock().unwrap().push_back(task);
        Ok(())
    }
    fn close(&self) -> Result<(), AlreadyQuit> {
        match self.1.one_more() {
            0 => Ok(()),
            _ => Err(AlreadyQuit),
        }
    }
    fn take(&self, batch: &mut VecDeque<Task>) -> bool {
        std::mem::swap(batch, &mut self.0.lock().unwrap());
        !batch.is_empty()
    }
}

#[test]
fn h1_a_start_policy_may_run_the_body_by_hand_with_an_injected_queue() {
    let queue = Shared::default();
    let (worker, body) = held_back(queue.clone());
    let log = Log::new();
    for n in 0..3 {
        let (log, inner) = (log.clone(), worker.clone());
        worker
            .execute(move || {
                log.note(n);
                inner.execute(log.task(n + 10)).unwrap();
            })
            .unwrap();
    }
    assert_eq!(queue.0.lock().unwrap().len(), 3, "nothing ran yet");
    body.run();
    assert_eq!(log.take(), [0, 1, 2, 10, 11, 12]);
}

#[test]
fn h1_a_start_policy_may_run_the_body_within_itself() {
    let queue = Shared::default();
    let log = Log::new();
    queue.push(Task::new(log.task("queued before"))).unwrap();
    let start = |body: Body| {
        body.run();
        log.note("started");
        Ok::<_, Infallible>(Thread::detached())
    };
    let worker = ThreadWorker::with(start, queue.clone(), Arc::new(drop)).unwrap();
    assert_eq!(log.take(), ["queued before", "started"]);
    drop(worker);
    assert_eq!(queue.1.get(), 1, "the last handle closed the queue");
}

#[test]
fn h2_a_body_run_by_hand_after_the_quit_drains_the_queue() {
    let (worker, body) = held_back(SwapQueue::new());
    let ran = Count::new();
    worker.execute(ran.task()).unwrap();
    worker.execute(ran.task()).unwrap();
    worker.quit().unwrap();
    worker.execute(ran.task()).unwrap_err();
    body.run();
    assert_eq!(ran.get(), 2);
}

/// A queue whose `take` panics at its second call, with tasks in it.
struct Breaks(SwapQueue, Count);

impl Queue for Breaks {
    fn push(&self, task: Task) -> Result<(), Refused> {
        self.0.push(task)
    }
    fn close(&self) -> Result<(), AlreadyQuit> {
        self.0.close()
    }
    fn take(&self, batch: &mut VecDeque<Task>) -> bool {
        if self.1.one_more() == 1 {
            fail("a queue");
        }
        self.0.take(batch)
    }
}

#[test]
fn w1_a_queue_that_panics_ends_its_worker_and_drops_what_is_queued() {
    let queue = Breaks(SwapQueue::new(), Count::new());
    let start = |body| start_thread("test", body);
    let worker = ThreadWorker::with(start, queue, Arc::new(drop)).unwrap();
    let (ran, never, inner) = (Count::new(), Count::new(), worker.clone());
    let (first, second) = (ran.task(), never.task());
    worker
        .execute(move || {
            first();
            inner.execute(second).unwrap();
        })
        .unwrap();
    assert_eq!(worker.join(), Ok(()), "its thread has ended");
    assert_eq!((ran.get(), never.get()), (1, 0));
    assert_eq!(never.holders(), 1, "dropped, not leaked");
    worker.execute(|| ()).unwrap_err();
}

#[test]
fn w8_a_task_that_panics_aloud_is_contained_too() {
    let worker: (MemoryWorker, _) = memory_worker();
    worker.0.execute(|| panic!("aloud")).unwrap();
    assert_eq!(worker.1.perform(), Performed::Ran);
}
