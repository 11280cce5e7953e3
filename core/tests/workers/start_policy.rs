//! Thread workers whose start policy or queue is unusual, fails, or is driven by hand; and joins that
//! cannot be.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, mpsc};

use crate::common::{Count, FailsWhenDropped, Log, OnDrop, fail, noting};
use brigade::{
    AlreadyQuit, Body, JoinError, PanicHandler, Queue, Refused, SwapQueue, Task, Thread,
    ThreadWorker, start_thread,
};

fn thread_worker() -> ThreadWorker {
    ThreadWorker::new(|body| start_thread("test", body)).unwrap()
}

/// A start policy that keeps the body instead of running it.
fn held_back(queue: impl Queue, on_panic: PanicHandler) -> (ThreadWorker, Body) {
    let mut kept = None;
    let start = |body| {
        kept = Some(body);
        Ok::<_, Infallible>(Thread::detached())
    };
    let worker = ThreadWorker::with(start, queue, on_panic).unwrap();
    (worker, kept.unwrap())
}

#[test]
fn w8_a_queued_task_whose_drop_panics_is_reported_by_the_dropped_body() {
    let panics = Log::new();
    let (worker, body) = held_back(SwapQueue::new(), noting(&panics));
    let (before, capture, after) = (Count::new(), FailsWhenDropped, Count::new());
    worker.execute(before.task()).unwrap();
    worker.execute(move || drop(capture)).unwrap();
    worker.execute(after.task()).unwrap();
    drop(body);
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
    let (worker, body) = held_back(SwapQueue::new(), Arc::new(drop));
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
    let (worker, body) = held_back(queue.clone(), Arc::new(drop));
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
    let (worker, body) = held_back(SwapQueue::new(), Arc::new(drop));
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
