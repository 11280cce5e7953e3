//! Which tasks have run, counted at the least cost that is the same for every contender.
//!
//! # State
//! Each worker has a slot of its own: how many tasks it ran, and the sum of their numbers. Only it
//! writes there. A shared counter would make the workers wait for each other's cores, and so hide
//! what is compared. Every [`STEP`] tasks a worker adds to `ROUGH`; whoever carries that past
//! `WAKE_AT` wakes the submitter, which sleeps until then, and only then adds up the slots again and
//! again. So the wait costs the workers next to nothing, and ends with the last task.
//!
//! One tally at a time: the rows run one after another.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Thread};
use std::time::Instant;

use crate::clock::PATIENCE;

const STEP: u64 = 64;

#[repr(align(128))]
struct Padded<T>(T);

#[derive(Default)]
struct Slot {
    count: AtomicU64,
    sum: AtomicU64,
}

static SLOTS: Mutex<Vec<&'static Padded<Slot>>> = Mutex::new(Vec::new());
static ROUGH: Padded<AtomicU64> = Padded(AtomicU64::new(0));
static WAKE_AT: Padded<AtomicU64> = Padded(AtomicU64::new(u64::MAX));
static WAITER: Mutex<Option<Thread>> = Mutex::new(None);

thread_local! {
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
}

#[cold]
fn slot() -> &'static Slot {
    let slot: &'static Padded<Slot> = Box::leak(Box::new(Padded(Slot::default())));
    SLOTS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(slot);
    SLOT.set(Some(&slot.0));
    &slot.0
}

/// Says that the task of this number has run, on this thread.
#[inline]
pub fn ran(number: u64) {
    let slot = SLOT.get().unwrap_or_else(slot);
    // ORDERING: Relaxed loads, and the store of the sum: only this thread writes them. The Release
    // store pairs with the Acquire in `Totals::now`: who sees the count sees the sum and the task.
    let count = slot.count.load(Ordering::Relaxed) + 1;
    let sum = slot.sum.load(Ordering::Relaxed).wrapping_add(number);
    slot.sum.store(sum, Ordering::Relaxed);
    slot.count.store(count, Ordering::Release);
    if count.is_multiple_of(STEP) {
        roughly();
    }
}

#[inline(never)]
fn roughly() {
    // ORDERING: Relaxed; it only says when to look closely. `WAKE_AT` was stored before the tasks
    // were submitted.
    let before = ROUGH.0.fetch_add(STEP, Ordering::Relaxed);
    let wake_at = WAKE_AT.0.load(Ordering::Relaxed);
    if before < wake_at && wake_at <= before + STEP {
        let waiter = WAITER.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waiter) = &*waiter {
            waiter.unpark();
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Totals {
    count: u64,
    sum: u64,
}

impl Totals {
    fn now() -> Self {
        let slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut count, mut sum) = (0, 0_u64);
        for Padded(slot) in slots.iter() {
            // ORDERING: Acquire pairs with the Release in `ran`.
            count += slot.count.load(Ordering::Acquire);
            sum = sum.wrapping_add(slot.sum.load(Ordering::Relaxed));
        }
        Self { count, sum }
    }
}

/// What is to come.
#[must_use]
pub struct Tally {
    goal: Totals,
    wake_at: u64,
}

impl Tally {
    /// Expects tasks whose numbers have this sum, run by at most `workers` threads. The calling
    /// thread is the one that waits. Nothing may be running.
    pub fn expect(tasks: u64, sum: u64, workers: usize) -> Self {
        let before = Totals::now();
        let goal = Totals {
            count: before.count + tasks,
            sum: before.sum.wrapping_add(sum),
        };
        // Each worker may keep up to STEP - 1 tasks to itself.
        let certain = tasks.saturating_sub(STEP * workers as u64);
        let wake_at = ROUGH.0.load(Ordering::Relaxed) + certain;
        WAKE_AT.0.store(wake_at, Ordering::Relaxed);
        *WAITER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current());
        Self { goal, wake_at }
    }

    /// The tasks 0, 1, … on `workers` threads.
    pub fn first(tasks: u64, workers: usize) -> Self {
        Self::expect(tasks, tasks * tasks.saturating_sub(1) / 2, workers)
    }

    /// Sleeps, then watches, until all have run.
    ///
    /// # Panics
    /// If a task did not run, or ran twice.
    pub fn wait(self) {
        let deadline = Instant::now() + PATIENCE;
        while ROUGH.0.load(Ordering::Relaxed) < self.wake_at {
            assert!(Instant::now() < deadline, "tasks were lost");
            thread::park_timeout(PATIENCE);
        }
        loop {
            let now = Totals::now();
            if now.count >= self.goal.count {
                assert_eq!(now, self.goal, "not every task ran once");
                return;
            }
            assert!(Instant::now() < deadline, "tasks were lost");
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    /// One test, for there is one tally.
    #[test]
    fn it_waits_for_every_task_and_notices_one_that_ran_twice() {
        for tasks in [0, 1, 63, 64, 1000] {
            let tally = Tally::first(tasks, 2);
            thread::scope(|scope| {
                for half in 0..2 {
                    scope.spawn(move || (0..tasks).filter(|n| n % 2 == half).for_each(ran));
                }
                tally.wait();
            });
        }
        let tally = Tally::first(3, 1);
        [0, 1, 1].into_iter().for_each(ran);
        catch_unwind(|| tally.wait()).unwrap_err();
    }
}
