//! What a thread still has to do before its outermost call into this crate returns.
//!
//! Two protocols leave work behind for the thread that ran them: a coordinator's step decides what
//! others shall do (*errands*: dispatches, quits, reports), and a lock worker accepts what it may
//! not wait for (*later*). Both are carried out here, iteratively, so that a chain of a million
//! tasks over a synchronous worker uses constant stack.
//!
//! # State
//! One [`Turn`] a thread, touched by that thread alone.
//!
//! | `ours` | `depth` | the thread is |
//! |---|---|---|
//! | no | 0 | outside this crate |
//! | yes | ≥ 1 | in code of ours: a further call *joins* the innermost turn |
//! | no | ≥ 1 | in a user's code called by ours: a further call opens a turn of its own, and has carried out what it left behind before it returns |
//!
//! `held` says what lock workers this thread holds:
//!
//! | `held` | may wait for a lock worker | may wait for a private coordinator |
//! |---|---|---|
//! | nothing | yes | yes |
//! | a lock worker | no | yes |
//! | a private coordinator (and perhaps a lock worker) | no | no |
//!
//! Read as ranks (lock worker below private coordinator), a thread waits only for a rank above all
//! that it holds, so no ring of waiting threads can close.
//!
//! # Invariants
//! - W9: what is carried out here runs under no lock of ours: errands are carried out after the
//!   exclusion in which they were decided, and `later` only while no lock worker is held.
//! - L4, T9: both lists are empty whenever `depth` is 0.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::contain::quietly;
use crate::primitives::thread_local;
use crate::task::{Once, Task};

/// Which of the two kinds of lock worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rank {
    /// A lock worker that users give tasks to.
    Worker,
    /// The coordinator that a pool makes for itself: its steps wait for nothing of ours.
    Coordinator,
}

/// What lock workers a thread holds, at most one of each rank.
#[derive(Clone, Copy, Default)]
pub(crate) struct Held {
    worker: bool,
    coordinator: bool,
}

impl Held {
    fn nothing(self) -> bool {
        !self.worker && !self.coordinator
    }

    fn may_wait(self, rank: Rank) -> bool {
        match rank {
            Rank::Worker => self.nothing(),
            Rank::Coordinator => !self.coordinator,
        }
    }
}

struct Turn {
    ours: Cell<bool>,
    depth: Cell<usize>,
    held: Cell<Held>,
    errands: RefCell<VecDeque<Task>>,
    later: RefCell<VecDeque<Task>>,
}

thread_local! {
    static TURN: Turn = Turn::new();
}

/// Reads or changes this thread's turn; `None` while the thread's locals are being destroyed, when
/// a user's destructor may still call us.
fn with<R>(f: impl FnOnce(&Turn) -> R) -> Option<R> {
    TURN.try_with(f).ok()
}

/// Runs one task of an [`ExclusiveWorker`](crate::ExclusiveWorker) of your own, and afterwards
/// carries out what it decided.
///
/// Our workers do this by themselves. A worker of your own that is a team's coordinator and runs its
/// tasks on a thread of its own should run each task inside `turn`, **after** which its exclusion
/// has to have ended: release your lock or flag within `run`. Without it a step's decisions are
/// carried out at the end of the step, still inside your worker's exclusion.
///
/// ```
/// use brigade::{Task, turn};
///
/// # brigade::primitives::example(|| {
/// let task = Task::new(|| println!("a step"));
/// turn(|| task.run());
/// # });
/// ```
pub fn turn<R>(run: impl FnOnce() -> R) -> R {
    open(|| theirs(run))
}

/// Opens a turn if a user's code calls, joins the innermost if code of ours does. What is left
/// behind in a turn that was opened is carried out before this returns.
pub(crate) fn open<R>(f: impl FnOnce() -> R) -> R {
    let base = with(|turn| {
        if turn.ours.replace(true) {
            return None;
        }
        turn.depth.set(turn.depth.get() + 1);
        Some((turn.errands.borrow().len(), turn.later.borrow().len()))
    });
    let result = f();
    if let Some(Some((errands, later))) = base {
        while let Some(Some(task)) = with(|turn| turn.next(errands, later)) {
            quietly(|| task.run());
        }
        with(|turn| {
            turn.depth.set(turn.depth.get() - 1);
            turn.ours.set(false);
        });
    }
    result
}

/// Marks `f` as a user's code: what it calls opens turns of its own.
pub(crate) fn theirs<R>(f: impl FnOnce() -> R) -> R {
    mark(false, f)
}

/// Marks `f` as code of ours: what it leaves behind goes to the innermost turn. There is none if a
/// user's worker runs a ticket outside of [`turn`]; then one is opened.
pub(crate) fn ours<R>(f: impl FnOnce() -> R) -> R {
    match with(|turn| turn.depth.get()) {
        Some(depth) if depth > 0 => mark(true, f),
        _ => open(f),
    }
}

fn mark<R>(ours: bool, f: impl FnOnce() -> R) -> R {
    let before = with(|turn| turn.ours.replace(ours));
    let result = f();
    if let Some(before) = before {
        with(|turn| turn.ours.set(before));
    }
    result
}

/// Leaves an errand to the innermost turn. Handed back if there is none, which is so only while the
/// thread's locals are being destroyed; the caller then runs it, once it holds no lock.
pub(crate) fn errand(errand: impl Once) -> Result<(), Task> {
    leave(Task::ticket(errand), |turn| &turn.errands)
}

/// Leaves to the innermost turn what may be run once this thread holds no lock worker.
pub(crate) fn later(call: impl Once) -> Result<(), Task> {
    leave(Task::ticket(call), |turn| &turn.later)
}

fn leave(task: Task, list: fn(&Turn) -> &RefCell<VecDeque<Task>>) -> Result<(), Task> {
    let mut task = Some(task);
    with(|turn| {
        if turn.depth.get() > 0 {
            list(turn).borrow_mut().extend(task.take());
        }
    });
    task.map_or(Ok(()), Err)
}

/// Whether this thread may wait for a lock worker of this rank.
pub(crate) fn may_wait(rank: Rank) -> bool {
    with(|turn| turn.held.get().may_wait(rank)).unwrap_or(true)
}

/// Notes that this thread holds a lock worker of this rank while `f` runs.
pub(crate) fn holding<R>(rank: Rank, f: impl FnOnce() -> R) -> R {
    let before = with(|turn| {
        let before = turn.held.get();
        let mut held = before;
        match rank {
            Rank::Worker => held.worker = true,
            Rank::Coordinator => held.coordinator = true,
        }
        turn.held.set(held);
        before
    });
    let result = f();
    if let Some(before) = before {
        with(|turn| turn.held.set(before));
    }
    result
}

impl Turn {
    fn new() -> Self {
        Self {
            ours: Cell::new(false),
            depth: Cell::new(0),
            held: Cell::default(),
            errands: RefCell::default(),
            later: RefCell::default(),
        }
    }

    /// The oldest thing left behind since the lists had these lengths. Errands go first: a `later`
    /// may have to wait for a lock whose holder waits for what an errand dispatches.
    fn next(&self, errands: usize, later: usize) -> Option<Task> {
        let errand = self.errands.borrow_mut().remove(errands);
        if errand.is_some() || !self.held.get().nothing() {
            return errand;
        }
        self.later.borrow_mut().remove(later)
    }
}
