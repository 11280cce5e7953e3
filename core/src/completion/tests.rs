//! A cell, its task and its handle, on real threads: every way in which a task may end, and who learns of
//! it, when, and how often.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex, OnceLock, mpsc};
use std::task::Wake;

use super::*;
use crate::task::Slot;

type Handle<T> = Arc<dyn Awaited<T>>;

/// Runs the job as a thread of a pool does, and announces its end.
fn run(job: Job) -> Result<(), Payload> {
    let mut slot = Slot::empty();
    slot.put(job);
    let end = slot.run()?;
    end.unwrap().announce();
    Ok(())
}

fn text(payload: &Payload) -> &'static str {
    payload.downcast_ref::<&'static str>().unwrap()
}

#[track_caller]
fn panicked<T>(end: Option<Ended<T>>) -> &'static str {
    match end {
        Some(Err(TaskError::Panicked(payload))) => text(&payload),
        Some(Err(other)) => panic!("{other:?}"),
        Some(Ok(_)) => panic!("a value"),
        None => panic!("nothing"),
    }
}

/// Does this when it is dropped.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Counts how often it is called.
#[derive(Default)]
struct Calls(AtomicUsize);

impl Calls {
    fn new() -> (Arc<Self>, Waker) {
        let calls = Arc::new(Self::default());
        (Arc::clone(&calls), Waker::from(calls))
    }

    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
}

impl Wake for Calls {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn poll<T>(handle: &Handle<T>, waker: &Waker) -> Poll<Option<Ended<T>>> {
    handle.poll(&mut Context::from_waker(waker))
}

/// How a task may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Run,
    RunInPlace,
    Cancelled,
    Dropped,
}

const ENDS: [End; 4] = [End::Run, End::RunInPlace, End::Cancelled, End::Dropped];

/// Ends the task so, and announces it. The error is that of a panic that went on.
fn end<T>(how: End, job: Job, handle: &Handle<T>) -> Result<(), Payload> {
    match how {
        End::Run => return run(job),
        End::RunInPlace => {
            assert!(handle.withdraw());
            handle.run_in_place();
            handle.announce();
        }
        End::Cancelled => {
            assert!(handle.withdraw());
            handle.cancel()?;
        }
        End::Dropped => drop(job),
    }
    Ok(())
}

#[test]
fn p2_there_is_one_outcome_and_it_is_taken_once() {
    for how in ENDS {
        let (job, handle) = completion(|| 7);
        assert!(!handle.is_finished());
        assert!(handle.take().is_none(), "{how:?}: before it ran");
        end(how, job, &handle).unwrap();
        assert!(handle.is_finished());
        let expected = matches!(
            (how, handle.take()),
            (End::Run | End::RunInPlace, Some(Ok(7)))
                | (End::Cancelled, Some(Err(TaskError::Cancelled)))
                | (End::Dropped, Some(Err(TaskError::Closed)))
        );
        assert!(expected, "{how:?} gave another outcome");
        // Whoever asks after that is not kept waiting.
        assert!(handle.take().is_none() && handle.join().is_none());
        assert!(handle.join_timeout(Duration::MAX).is_none());
        assert!(matches!(poll(&handle, Waker::noop()), Poll::Ready(None)));
        assert!(handle.detach().is_none());
        assert!(handle.is_finished());
    }
}

#[test]
fn p2_an_outcome_is_there_when_it_is_announced_and_not_before() {
    let (job, handle) = completion(|| 7);
    let announcement = job.run().unwrap();
    assert!(!handle.is_finished() && handle.take().is_none());
    assert!(handle.join_timeout(Duration::ZERO).is_none());
    let (calls, waker) = Calls::new();
    assert!(poll(&handle, &waker).is_pending());
    announcement.announce();
    assert_eq!(calls.count(), 1);
    // Twice is as good as once.
    announcement.announce();
    assert_eq!(calls.count(), 1);
    assert!(matches!(handle.join(), Some(Ok(7))));
    announcement.announce();
    assert!(handle.take().is_none());

    let (job, handle) = completion(|| 8);
    assert!(handle.withdraw());
    handle.run_in_place();
    assert!(!handle.is_finished() && handle.take().is_none());
    handle.announce();
    assert!(matches!(handle.join(), Some(Ok(8))));
    drop(job);
}

#[test]
fn p2_a_task_that_is_run_by_hand_announces_its_own_end() {
    let (job, handle) = completion(|| 7);
    Task::from(job).run();
    assert!(matches!(handle.take(), Some(Ok(7))));
}

#[test]
fn t10_captures_are_dropped_before_the_outcome_is_there() {
    for how in ENDS {
        for panics in [false, true] {
            let late: Arc<OnceLock<Handle<u8>>> = Arc::default();
            let drops = Arc::new(AtomicUsize::new(0));
            let captured = OnDrop({
                let (late, drops) = (Arc::clone(&late), Arc::clone(&drops));
                move || {
                    let finished = late.get().unwrap().is_finished();
                    assert!(!finished, "the outcome came before the drop");
                    drops.fetch_add(1, SeqCst);
                }
            });
            let (job, handle) = completion(move || {
                let _captured = &captured;
                if panics {
                    panic_any("the task");
                }
                7
            });
            let known = late.set(Arc::clone(&handle));
            assert!(known.is_ok());
            end(how, job, &handle).unwrap();
            assert_eq!(drops.load(SeqCst), 1, "{how:?}");
            assert!(handle.take().is_some(), "{how:?}");
            assert_eq!(drops.load(SeqCst), 1, "{how:?}");
        }
    }
}

/// The last handle's drop frees the cell, with what the task still holds, whichever side goes first.
#[test]
fn t10_a_cell_goes_with_its_last_side() {
    for handle_first in [false, true] {
        let drops = Arc::new(AtomicUsize::new(0));
        let captured = OnDrop({
            let drops = Arc::clone(&drops);
            move || {
                drops.fetch_add(1, SeqCst);
            }
        });
        let (job, handle) = completion(move || drop(captured));
        let cell = Arc::downgrade(&handle);
        if handle_first {
            handle.detach();
            drop(handle);
            assert_eq!(drops.load(SeqCst), 0, "the task is still to be run");
            run(job).unwrap();
        } else {
            drop(job);
            assert_eq!(drops.load(SeqCst), 1);
            drop(handle);
        }
        assert_eq!(drops.load(SeqCst), 1);
        assert!(cell.upgrade().is_none(), "the cell leaks");
    }
}

#[test]
fn w1_a_cancel_before_the_start_wins() {
    let ran = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ran);
    let (job, handle) = completion(move || counted.fetch_add(1, SeqCst));
    assert!(handle.withdraw());
    assert!(!handle.withdraw(), "it was withdrawn twice");
    assert!(!handle.is_finished(), "before the captures are dropped");
    handle.cancel().unwrap();
    assert_eq!(Arc::strong_count(&ran), 1, "the captures are kept");
    // Its place in the line is void, and whoever gets there all the same runs nothing.
    assert!(job.run().is_none());
    assert_eq!(ran.load(SeqCst), 0);
    assert!(matches!(handle.take(), Some(Err(TaskError::Cancelled))));
    assert!(!handle.withdraw(), "it has ended");
}

#[test]
fn w1_what_was_withdrawn_is_not_run_by_whoever_has_its_place() {
    let (job, handle) = completion(|| 7);
    assert!(handle.withdraw());
    assert!(job.run().is_none(), "run, and about to be cancelled");
    handle.cancel().unwrap();
    assert!(matches!(handle.join(), Some(Err(TaskError::Cancelled))));
}

#[test]
fn w1_a_place_that_is_void_changes_nothing_when_it_is_dropped() {
    let (job, handle) = completion(|| 7);
    assert!(handle.withdraw());
    drop(job);
    assert!(!handle.is_finished(), "it was to be cancelled");
    handle.cancel().unwrap();
    assert!(matches!(handle.join(), Some(Err(TaskError::Cancelled))));
}

#[test]
fn w1_a_cancel_after_the_start_loses() {
    let (began, to_begin) = mpsc::channel();
    let (go, gate) = mpsc::channel();
    let (job, handle) = completion(move || {
        began.send(()).unwrap();
        gate.recv().unwrap();
        7
    });
    let runner = std::thread::spawn(move || run(job).is_ok());
    to_begin.recv().unwrap();
    assert!(!handle.withdraw(), "it runs");
    go.send(()).unwrap();
    assert!(matches!(handle.join(), Some(Ok(7))));
    assert!(!handle.withdraw(), "it has ended");
    assert!(runner.join().unwrap());
}

#[test]
fn w1_of_a_start_and_two_cancels_one_wins() {
    let mut won = [0_usize; 3];
    for _ in 0..2_000 {
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ran);
        let (job, handle) = completion(move || counted.fetch_add(1, SeqCst));
        let barrier = Barrier::new(3);
        let cancels = || {
            barrier.wait();
            let wins = handle.withdraw();
            if wins {
                handle.cancel().unwrap();
            }
            wins
        };
        let (first, second, runs) = std::thread::scope(|scope| {
            let first = scope.spawn(cancels);
            let second = scope.spawn(cancels);
            barrier.wait();
            // The announcement of a task that was withdrawn is the other's.
            let end = job.run();
            let runs = end.is_some();
            if let Some(end) = end {
                end.announce();
            }
            (first.join().unwrap(), second.join().unwrap(), runs)
        });
        let winners = [first, second, runs];
        assert_eq!(winners.iter().filter(|it| **it).count(), 1, "{winners:?}");
        assert_eq!(ran.load(SeqCst), usize::from(runs));
        match handle.take() {
            Some(Ok(0)) => assert!(runs),
            Some(Err(TaskError::Cancelled)) => assert!(!runs),
            _ => panic!("another outcome"),
        }
        for (sum, wins) in won.iter_mut().zip(winners) {
            *sum += usize::from(wins);
        }
    }
    assert_eq!(won.iter().sum::<usize>(), 2_000);
}

#[test]
fn t9_a_join_is_woken_by_the_end() {
    for how in ENDS {
        for _ in 0..200 {
            let (job, handle) = completion(|| 7);
            let barrier = Barrier::new(2);
            let end = std::thread::scope(|scope| {
                let joiner = scope.spawn(|| {
                    barrier.wait();
                    handle.join()
                });
                barrier.wait();
                end(how, job, &handle).unwrap();
                joiner.join().unwrap()
            });
            assert!(end.is_some(), "{how:?}");
        }
    }
}

/// As a scope and a handle of it do.
#[test]
fn t9_all_that_wait_are_woken_and_one_has_the_outcome() {
    for _ in 0..200 {
        let (job, handle) = completion(|| 7);
        let barrier = Barrier::new(4);
        let taken = std::thread::scope(|scope| {
            let joiners = [(); 2].map(|()| {
                scope.spawn(|| {
                    barrier.wait();
                    usize::from(handle.join().is_some())
                })
            });
            let waiter = scope.spawn(|| {
                barrier.wait();
                handle.wait();
                assert!(handle.is_finished());
            });
            barrier.wait();
            run(job).unwrap();
            waiter.join().unwrap();
            joiners.map(|it| it.join().unwrap()).iter().sum::<usize>()
        });
        assert_eq!(taken, 1);
    }
}

#[test]
fn p2_a_join_that_timed_out_loses_nothing() {
    let (job, handle) = completion(|| 7);
    assert!(handle.join_timeout(Duration::ZERO).is_none());
    assert!(handle.join_timeout(Duration::from_millis(2)).is_none());
    run(job).unwrap();
    assert!(matches!(handle.join_timeout(Duration::ZERO), Some(Ok(7))));
}

/// A join that times out while the outcome comes has it, or leaves it to the next, which need not wait.
#[test]
fn p2_an_outcome_that_comes_with_the_time_out_is_had_once() {
    for n in 0..500 {
        let (job, handle) = completion(|| 7);
        let barrier = Barrier::new(2);
        let (first, second) = std::thread::scope(|scope| {
            let joiner = scope.spawn(|| {
                barrier.wait();
                let first = handle.join_timeout(Duration::from_micros(n % 50));
                let second = if first.is_none() { handle.join() } else { None };
                (first.is_some(), second.is_some())
            });
            barrier.wait();
            run(job).unwrap();
            joiner.join().unwrap()
        });
        assert!(first ^ second);
        assert!(handle.take().is_none());
    }
}

#[test]
fn t9_an_endless_patience_waits_for_the_outcome() {
    let (job, handle) = completion(|| 7);
    let barrier = Barrier::new(2);
    let end = std::thread::scope(|scope| {
        let joiner = scope.spawn(|| {
            barrier.wait();
            handle.join_timeout(Duration::MAX)
        });
        barrier.wait();
        run(job).unwrap();
        joiner.join().unwrap()
    });
    assert!(matches!(end, Some(Ok(7))));
}

#[test]
fn t9_a_waker_that_was_replaced_is_dropped_and_only_the_last_is_called() {
    let (job, handle) = completion(|| 7);
    let (earlier, waker) = Calls::new();
    assert!(poll(&handle, &waker).is_pending());
    drop(waker);
    assert_eq!(Arc::strong_count(&earlier), 2, "the cell has it");
    let (later, waker) = Calls::new();
    assert!(poll(&handle, &waker).is_pending());
    assert_eq!(Arc::strong_count(&earlier), 1, "the cell keeps it");
    run(job).unwrap();
    assert_eq!((earlier.count(), later.count()), (0, 1));
    drop(waker);
    assert_eq!(Arc::strong_count(&later), 1, "the cell keeps it");
    assert!(matches!(
        poll(&handle, Waker::noop()),
        Poll::Ready(Some(Ok(7)))
    ));
    assert_eq!(later.count(), 1);
}

#[test]
fn t9_a_poll_that_meets_the_end_is_ready_or_called() {
    for _ in 0..2_000 {
        let (job, handle) = completion(|| 7);
        let (calls, waker) = Calls::new();
        let barrier = Barrier::new(2);
        let polled = std::thread::scope(|scope| {
            let runner = scope.spawn(|| {
                barrier.wait();
                run(job).unwrap();
            });
            barrier.wait();
            let polled = poll(&handle, &waker);
            runner.join().unwrap();
            polled
        });
        match polled {
            Poll::Ready(Some(Ok(7))) => assert_eq!(calls.count(), 0),
            Poll::Pending => {
                assert_eq!(calls.count(), 1);
                assert!(matches!(handle.take(), Some(Ok(7))));
            }
            Poll::Ready(_) => panic!("another outcome"),
        }
    }
}

/// A future and a thread may wait for the same.
#[test]
fn t9_a_waker_and_a_thread_are_both_called() {
    let (job, handle) = completion(|| 7);
    let (calls, waker) = Calls::new();
    assert!(poll(&handle, &waker).is_pending());
    let end = std::thread::scope(|scope| {
        let joiner = scope.spawn(|| handle.join());
        run(job).unwrap();
        joiner.join().unwrap()
    });
    assert!(matches!(end, Some(Ok(7))));
    assert_eq!(calls.count(), 1);
}

#[test]
fn w8_a_waker_that_panics_keeps_nobody_waiting() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic_any("the waker");
        }
    }
    let (job, handle) = completion(|| 7);
    assert!(poll(&handle, &Waker::from(Arc::new(Panics))).is_pending());
    let barrier = Barrier::new(2);
    let end = std::thread::scope(|scope| {
        let joiner = scope.spawn(|| {
            barrier.wait();
            handle.join()
        });
        barrier.wait();
        run(job).unwrap();
        joiner.join().unwrap()
    });
    assert!(matches!(end, Some(Ok(7))));
}

/// A waker may ask for the outcome that it is told of.
#[test]
fn w9_a_waker_finds_the_outcome() {
    struct Takes(OnceLock<Handle<u8>>, Mutex<Option<u8>>);
    impl Wake for Takes {
        fn wake(self: Arc<Self>) {
            let end = self.0.get().unwrap().take();
            *self.1.lock().unwrap() = end.unwrap().ok();
        }
    }
    let (job, handle) = completion(|| 7);
    let takes = Arc::new(Takes(OnceLock::new(), Mutex::new(None)));
    let known = takes.0.set(Arc::clone(&handle));
    assert!(known.is_ok());
    assert!(poll(&handle, &Waker::from(Arc::clone(&takes))).is_pending());
    run(job).unwrap();
    assert_eq!(*takes.1.lock().unwrap(), Some(7));
}

#[test]
fn w8_a_panic_is_the_handle_s() {
    for how in [End::Run, End::RunInPlace] {
        let (job, handle) = completion(|| -> u8 { panic_any("the task") });
        end(how, job, &handle).unwrap();
        assert_eq!(panicked(handle.join()), "the task", "{how:?}");
        assert!(handle.take().is_none());
    }
}

#[test]
fn w8_a_detach_before_the_end_leaves_the_panic_to_who_runs_the_task() {
    let (job, handle) = completion(|| -> u8 { panic_any("the task") });
    assert!(handle.detach().is_none());
    drop(handle);
    let payload = run(job).unwrap_err();
    assert_eq!(text(&payload), "the task");
}

#[test]
fn w8_a_detach_after_the_end_hands_the_panic_out() {
    // After it was announced, and after it ended but before that.
    for announced in [true, false] {
        let (job, handle) = completion(|| -> u8 { panic_any("the task") });
        let announcement = job.run().unwrap();
        if announced {
            announcement.announce();
        }
        assert_eq!(panicked(handle.detach()), "the task");
        announcement.announce();
        assert!(handle.detach().is_none(), "twice");
    }
}

/// While the end comes: the panic goes one way or the other, once.
#[test]
fn w8_a_detach_that_meets_the_end_has_the_panic_reported_once() {
    for _ in 0..2_000 {
        let (job, handle) = completion(|| -> u8 { resume_unwind(Box::new("the task")) });
        let barrier = Barrier::new(2);
        let (ours, theirs) = std::thread::scope(|scope| {
            let runner = scope.spawn(|| {
                barrier.wait();
                run(job).err()
            });
            barrier.wait();
            let ours = handle.detach();
            (ours, runner.join().unwrap())
        });
        match (ours, theirs) {
            (None, Some(payload)) => assert_eq!(text(&payload), "the task"),
            (ours, None) => assert_eq!(panicked(ours), "the task"),
            (Some(_), Some(_)) => panic!("it was reported twice"),
        }
    }
}

#[test]
fn t10_a_value_that_nobody_asks_for_is_dropped_by_who_ran_the_task() {
    let drops: Arc<Mutex<Vec<std::thread::ThreadId>>> = Arc::default();
    let value = OnDrop({
        let drops = Arc::clone(&drops);
        move || {
            let here = std::thread::current().id();
            drops.lock().unwrap().push(here);
        }
    });
    let (job, handle) = completion(move || value);
    assert!(handle.detach().is_none());
    let runner = std::thread::spawn(move || {
        run(job).unwrap();
        std::thread::current().id()
    });
    let runner = runner.join().unwrap();
    assert_eq!(*drops.lock().unwrap(), [runner]);
}

/// It is contained by whoever runs the task, as a task's panic is.
#[test]
fn w8_a_value_that_nobody_asks_for_may_panic_in_its_drop() {
    let (job, handle) = completion(|| OnDrop(|| panic_any("the value")));
    assert!(handle.detach().is_none());
    assert_eq!(text(&run(job).unwrap_err()), "the value");
}

#[test]
fn t10_wakers_go_with_a_detach() {
    let (job, handle) = completion(|| 7);
    let (calls, waker) = Calls::new();
    assert!(poll(&handle, &waker).is_pending());
    drop(waker);
    assert!(handle.detach().is_none());
    assert_eq!(Arc::strong_count(&calls), 1, "the cell keeps the waker");
    run(job).unwrap();
    assert_eq!(calls.count(), 0);
}

#[test]
fn p2_a_task_that_is_dropped_unrun_is_closed_to_who_waits() {
    for _ in 0..200 {
        let (job, handle) = completion(|| 7);
        let barrier = Barrier::new(2);
        let end = std::thread::scope(|scope| {
            let joiner = scope.spawn(|| {
                barrier.wait();
                handle.join()
            });
            barrier.wait();
            drop(Task::from(job));
            joiner.join().unwrap()
        });
        assert!(matches!(end, Some(Err(TaskError::Closed))));
    }
}

#[test]
fn w8_captures_that_panic_in_their_drop_do_so_for_the_handle() {
    let task = || {
        let captured = OnDrop(|| panic_any("a capture"));
        move || {
            let _captured = &captured;
        }
    };
    // Dropped unrun: nobody else is there to be told.
    let (job, handle) = completion(task());
    drop(job);
    assert_eq!(panicked(handle.take()), "a capture");

    // Cancelled: the outcome is that, and whoever cancels has the panic, to report it.
    let (job, handle) = completion(task());
    assert!(handle.withdraw());
    assert_eq!(text(&handle.cancel().unwrap_err()), "a capture");
    assert!(matches!(handle.take(), Some(Err(TaskError::Cancelled))));
    drop(job);

    // Run: it is the task's.
    let (job, handle) = completion(task());
    run(job).unwrap();
    assert_eq!(panicked(handle.take()), "a capture");
}

/// With nobody to tell, a drop of an unrun task panics on, as any other's would.
#[test]
fn w8_captures_of_a_detached_task_panic_to_who_drops_it() {
    let captured = OnDrop(|| panic_any("a capture"));
    let (job, handle) = completion(move || drop(captured));
    assert!(handle.detach().is_none());
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(job)));
    assert_eq!(text(&dropped.unwrap_err()), "a capture");
    assert!(handle.is_finished());
}

#[test]
fn p3_a_task_knows_that_it_is_asked_for_by_itself() {
    for how in [End::Run, End::RunInPlace] {
        let late: Arc<OnceLock<Handle<bool>>> = Arc::default();
        let own = Arc::clone(&late);
        let (job, handle) = completion(move || {
            let own = own.get().unwrap();
            let here = own.is_running_here();
            let elsewhere =
                std::thread::scope(|scope| scope.spawn(|| own.is_running_here()).join().unwrap());
            assert!(!own.withdraw(), "it was withdrawn while it ran");
            here && !elsewhere
        });
        let known = late.set(Arc::clone(&handle));
        assert!(known.is_ok());
        assert!(!handle.is_running_here(), "before it begins");
        end(how, job, &handle).unwrap();
        assert!(!handle.is_running_here(), "after its end");
        assert!(matches!(handle.take(), Some(Ok(true))), "{how:?}");
    }
}

/// Only what is withdrawn in place, or cancelled, is run or dropped by the handle.
#[test]
fn w1_a_task_that_was_fetched_is_not_run_in_place() {
    let (job, handle) = completion(|| 7);
    let announcement = job.run().unwrap();
    assert!(!handle.withdraw());
    handle.run_in_place();
    announcement.announce();
    assert!(matches!(handle.take(), Some(Ok(7))));
}

#[test]
fn w5_what_a_task_did_is_visible_to_who_joins_it() {
    for n in 0..500_usize {
        let place = Arc::new(Mutex::new(0));
        let written = Arc::clone(&place);
        let (job, handle) = completion(move || {
            *written.lock().unwrap() = n;
            n + 1
        });
        let runner = std::thread::spawn(move || run(job).is_ok());
        assert!(matches!(handle.join(), Some(Ok(it)) if it == n + 1));
        // The captures are gone: this is the only one left.
        let place = Arc::try_unwrap(place).unwrap().into_inner().unwrap();
        assert_eq!(place, n);
        assert!(runner.join().unwrap());
    }
}

#[test]
fn p2_what_is_to_stay_says_so_and_ends_as_any_other() {
    let (job, _handle) = completion(|| ());
    assert!(!job.stays());
    let (job, handle) = staying(|| ());
    assert!(job.stays());
    run(job).unwrap();
    assert!(matches!(handle.take(), Some(Ok(()))));
    let (job, handle) = staying(|| ());
    drop(job);
    assert!(matches!(handle.take(), Some(Err(TaskError::Closed))));
}
