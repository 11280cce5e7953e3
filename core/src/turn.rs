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
//! `held`: whether the thread is inside a lock worker's task. Then it waits for no other one: a thread
//! that waits holds none, so no ring of waiting threads can close.
//!
//! # Invariants
//! - W9: what is carried out here runs under no lock of ours: errands are carried out after the
//!   exclusion in which they were decided, and `later` only while no lock worker is held.
//! - L4, T9: both lists are empty whenever `depth` is 0.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;

use crate::contain::{contain, quietly};
use crate::primitives::{Arc, thread_local};
use crate::task::{Once, Task};

/// What a lock worker does with a task once it may be waited for.
pub(crate) trait Exclusion: Send + Sync {
    fn run(&self, task: Task);
}

/// A call of a lock worker that this thread had to leave for later. Not a [`Task`], which has no room
/// for a task: this way nothing is allocated.
pub(crate) struct Later {
    pub(crate) lock: Arc<dyn Exclusion>,
    pub(crate) task: Task,
}

impl Later {
    pub(crate) fn run(self) {
        self.lock.run(self.task);
    }
}

enum Left {
    Errand(Task),
    Later(Later),
}

impl Left {
    fn run(self) {
        match self {
            Self::Errand(task) => task.run(),
            Self::Later(call) => call.run(),
        }
    }
}

/// Has no destructor: so a user's thread-local that is destroyed, and calls us, still finds it.
struct Turn {
    ours: Cell<bool>,
    depth: Cell<usize>,
    held: Cell<bool>,
    errands: ManuallyDrop<RefCell<VecDeque<Task>>>,
    later: ManuallyDrop<RefCell<VecDeque<Later>>>,
    /// The thread ends: the lists keep no room for another turn.
    ending: Cell<bool>,
}

/// Lives from the first use of a list until the thread's locals are destroyed.
struct Room;

impl Room {
    fn new() -> Self {
        Self
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        with(|turn| {
            turn.ending.set(true);
            turn.give_back();
        });
    }
}

thread_local! {
    static TURN: Turn = Turn::new();
    static ROOM: Room = Room::new();
}

/// Reads or changes this thread's turn; `None` only under an engine, whose thread-locals cannot be
/// used once they are being destroyed.
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
///
/// # Panics
/// If `run` does, once what it decided before has been carried out.
pub fn turn<R>(run: impl FnOnce() -> R) -> R {
    match open(|| theirs(|| contain(run))) {
        Ok(result) => result,
        Err(payload) => resume_unwind(payload),
    }
}

/// Opens a turn if a user's code calls, joins the innermost if code of ours does. What is left
/// behind in a turn that was opened is carried out before this returns. `f` must not panic, nor must it in
/// [`theirs`] and [`ours`]: the turn would stay open.
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
        while let Some(Some(left)) = with(|turn| turn.next(errands, later)) {
            quietly(|| left.run());
        }
        with(|turn| {
            turn.depth.set(turn.depth.get() - 1);
            turn.ours.set(false);
            turn.give_back();
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

/// Leaves an errand to the innermost turn. Handed back if there is none (see [`with`]); the caller
/// then runs it, once it holds no lock.
pub(crate) fn errand(errand: impl Once) -> Result<(), Task> {
    leave(Task::ticket(errand), |turn| &turn.errands)
}

/// Leaves to the innermost turn what may be run once this thread holds no lock worker.
pub(crate) fn later(call: Later) -> Result<(), Later> {
    leave(call, |turn| &turn.later)
}

fn leave<T>(left: T, list: fn(&Turn) -> &RefCell<VecDeque<T>>) -> Result<(), T> {
    let mut left = Some(left);
    with(|turn| {
        if turn.depth.get() > 0 {
            let mut list = list(turn).borrow_mut();
            if list.capacity() == 0 {
                // Registers its destructor. An `Err` says that it has run.
                let _ = ROOM.try_with(|_| ());
            }
            list.extend(left.take());
        }
    });
    left.map_or(Ok(()), Err)
}

/// Whether this thread may wait for a lock worker.
pub(crate) fn may_wait() -> bool {
    with(|turn| !turn.held.get()).unwrap_or(true)
}

/// Notes that this thread holds a lock worker while `f` runs.
pub(crate) fn holding(f: impl FnOnce()) {
    let before = with(|turn| turn.held.replace(true));
    f();
    if let Some(before) = before {
        with(|turn| turn.held.set(before));
    }
}

impl Turn {
    fn new() -> Self {
        Self {
            ours: Cell::new(false),
            depth: Cell::new(0),
            held: Cell::new(false),
            errands: ManuallyDrop::default(),
            later: ManuallyDrop::default(),
            ending: Cell::new(false),
        }
    }

    fn give_back(&self) {
        if self.ending.get() && self.depth.get() == 0 {
            self.errands.take();
            self.later.take();
        }
    }

    /// The oldest thing left behind since the lists had these lengths. Errands go first: a `later`
    /// may have to wait for a lock whose holder waits for what an errand dispatches.
    fn next(&self, errands: usize, later: usize) -> Option<Left> {
        let errand = self.errands.borrow_mut().remove(errands);
        if errand.is_some() || self.held.get() {
            return errand.map(Left::Errand);
        }
        self.later.borrow_mut().remove(later).map(Left::Later)
    }
}
