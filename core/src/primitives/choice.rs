//! What reality does and neither engine explores, as an explicit choice: the n-th wait of an
//! execution returns without a notification. To a wait with a deadline that is when its time is up.
//!
//! Whoever drives an engine calls [`begin`] at the start of every execution with a plan, and
//! explores again for the next plan as long as [`waits`] shows that some execution got that far.
//! Together these explorations cover every execution with at most one spurious wake-up. Enumerating
//! the plan outside the engine keeps the choice visible to loom, to shuttle's random schedulers and
//! to its exhaustive one alike: none of them could branch on it by itself.
//!
//! The state is std's, not the engine's: both engines run all model threads of an execution on one
//! operating-system thread, and the choice must add no synchronisation that they would see.

use std::cell::Cell;

std::thread_local! {
    static PLAN: Cell<Option<usize>> = const { Cell::new(None) };
    static WAITS: Cell<usize> = const { Cell::new(0) };
}

/// Starts an execution in which the wait numbered `spurious` (from 0), if it is reached, returns
/// without a notification. `None`: no wait does.
pub fn begin(spurious: Option<usize>) {
    PLAN.set(spurious);
    WAITS.set(0);
}

/// How many waits this execution has made so far.
#[must_use]
pub fn waits() -> usize {
    WAITS.get()
}

/// Whether the next wait is the one that returns without a notification.
pub(super) fn is_early() -> bool {
    PLAN.get() == Some(WAITS.get())
}

pub(super) fn wakes_spuriously() -> bool {
    let this = WAITS.replace(WAITS.get() + 1);
    PLAN.get() == Some(this)
}
