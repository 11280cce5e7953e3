//! Memory workers stepped by hand: order, steps, quits, and what is dropped with the performer.

use std::sync::Arc;

use crate::common::{Count, Log, OnDrop};
use brigade::{Performed, memory_worker};

#[test]
fn m1_a_perform_runs_the_oldest_task_and_no_other() {
    let (worker, performer) = memory_worker();
    let log = Log::new();
    for n in 0..3 {
        worker.execute(log.task(n)).unwrap();
    }
    for n in 0..3 {
        assert_eq!(performer.perform(), Performed::Ran);
        assert_eq!(log.take(), [n]);
    }
    assert_eq!(performer.perform(), Performed::Nothing);
    assert!(!performer.perform().ran());
}

#[test]
fn m2_after_a_quit_it_drains_then_says_no_for_ever() {
    let (worker, performer) = memory_worker();
    let ran = Count::new();
    worker.execute(ran.task()).unwrap();
    worker.quit().unwrap();
    assert_eq!(performer.perform(), Performed::Ran);
    assert_eq!(performer.perform(), Performed::Ended);
    assert_eq!(
        (performer.perform(), performer.drain()),
        (Performed::Ended, 0)
    );
    assert_eq!(ran.get(), 1);
}

#[test]
fn m1_a_task_submitted_by_a_task_runs_in_a_later_perform() {
    let (worker, performer) = memory_worker();
    let (inner, log) = (worker.clone(), Log::new());
    let noted = log.clone();
    worker
        .execute(move || {
            inner.execute(noted.task("second")).unwrap();
            noted.note("first");
        })
        .unwrap();
    assert_eq!(performer.perform(), Performed::Ran);
    assert_eq!(log.take(), ["first"]);
    assert_eq!(performer.drain(), 1);
    assert_eq!(log.take(), ["second"]);
}

#[test]
fn w6_four_threads_that_perform_never_overlap_and_run_each_task_once() {
    let (worker, performer) = memory_worker();
    let performer = Arc::new(performer);
    let (inside, ran) = (Count::new(), Count::new());
    for _ in 0..2000 {
        let (inside, ran) = (inside.clone(), ran.clone());
        worker
            .execute(move || {
                assert_eq!(inside.one_more(), 0, "alone");
                ran.one_more();
                inside.set(0);
            })
            .unwrap();
    }
    worker.quit().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let performer = Arc::clone(&performer);
            std::thread::spawn(move || {
                while performer.perform() != Performed::Ended {
                    std::thread::yield_now();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!((ran.get(), ran.holders()), (2000, 1));
}

#[test]
fn h3_the_last_handle_dropped_quits_and_what_is_queued_still_runs() {
    let (worker, performer) = memory_worker();
    let (second, ran) = (worker.clone(), Count::new());
    worker.execute(ran.task()).unwrap();
    drop(worker);
    second.execute(ran.task()).unwrap();
    drop(second);
    assert_eq!(performer.drain(), 2);
    assert_eq!((performer.perform(), ran.get()), (Performed::Ended, 2));
}

#[test]
fn h3_a_handle_inside_a_queued_task_counts_as_a_users() {
    let (worker, performer) = memory_worker();
    let (inner, ran) = (worker.clone(), Count::new());
    let task = ran.task();
    worker
        .execute(move || inner.execute(task).unwrap())
        .unwrap();
    drop(worker);
    assert_eq!(
        performer.perform(),
        Performed::Ran,
        "not yet quit: it submits"
    );
    assert_eq!(performer.perform(), Performed::Ran);
    assert_eq!((performer.perform(), ran.get()), (Performed::Ended, 1));
}

#[test]
fn w1_a_dropped_performer_quits_and_drops_each_queued_task_once() {
    let (worker, performer) = memory_worker();
    let ran = Count::new();
    worker.execute(ran.task()).unwrap();
    worker.execute(ran.task()).unwrap();
    drop(performer);
    assert_eq!((ran.get(), ran.holders()), (0, 1));
    worker.execute(ran.task()).unwrap_err();
    worker.quit().unwrap_err();
}

#[test]
fn w9_a_queued_task_whose_drop_submits_to_the_same_memory_worker_is_refused() {
    let (worker, performer) = memory_worker();
    let (drops, refused) = (Count::new(), Count::new());
    for _ in 0..3 {
        let (inner, drops, refused) = (worker.clone(), drops.clone(), refused.clone());
        let capture = OnDrop(move || {
            drops.one_more();
            if inner.execute(|| ()).is_err() && inner.quit().is_err() {
                refused.one_more();
            }
        });
        worker.execute(move || drop(capture)).unwrap();
    }
    drop(worker);
    drop(performer);
    assert_eq!((drops.get(), refused.get()), (3, 3));
}

#[test]
fn w9_a_performed_task_whose_capture_submits_when_dropped_is_followed_by_that() {
    let (worker, performer) = memory_worker();
    let (inner, ran) = (worker.clone(), Count::new());
    let counted = ran.clone();
    let capture = OnDrop(move || inner.execute(counted.task()).unwrap());
    worker.execute(move || drop(capture)).unwrap();
    assert_eq!(performer.perform(), Performed::Ran);
    assert_eq!((ran.get(), performer.drain()), (0, 1));
    assert_eq!(ran.get(), 1);
}

#[test]
fn w1_a_cycle_of_a_worker_whose_task_holds_its_performer_is_released_when_it_runs() {
    let (worker, performer) = memory_worker();
    let (performer, ran) = (Arc::new(performer), Count::new());
    let (inner, task) = (Arc::clone(&performer), ran.task());
    worker
        .execute(move || {
            drop(inner);
            task();
        })
        .unwrap();
    drop(worker);
    assert_eq!(performer.drain(), 1);
    assert_eq!((Arc::strong_count(&performer), ran.get()), (1, 1));
}
