//! The memory worker: keeps its tasks until somebody performs them, one at a time.
//!
//! # State
//! One mutex over `queue`, `closed` and `performing`.
//!
//! | `closed` | `performing` | means |
//! |---|---|---|
//! | no | no | accepts; a `perform` would run the oldest task |
//! | no | yes | accepts; some thread runs a task, every other `perform` says [`Performed::Busy`] |
//! | yes | no/yes | refuses; what was accepted is still performed |
//!
//! `closed` and `queue` are changed by any handle, `performing` by the performer.
//!
//! # Invariants
//! - M1: a `perform` runs the oldest task, one per call. M2: after a quit it drains, then says no.
//! - W4: the quit check and the enqueue are one critical section.
//! - W6: `performing` is set and cleared in the critical sections around each task, so tasks never
//!   overlap, and each sees what the one before it did. W7: first in, first out.
//! - W9: tasks, and the drops of those never run, are run outside the mutex.
//! - H3: the last dropped [`MemoryWorker`] quits; so does the dropped [`Performer`].

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use crate::contain::{PanicHandler, hook_only, reporting};
use crate::handle::{Counted, Handle, LastDrop};
use crate::primitives::{Arc, Mutex};
use crate::probe::{Kind, Object, What};
use crate::task::Task;
use crate::turn::turn;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

/// Makes a worker whose tasks are run by hand, and what runs them.
///
/// The original's `createMemoryWorker`.
///
/// ```
/// use brigade::{Performed, memory_worker};
///
/// # brigade::primitives::example(|| {
/// let (worker, performer) = memory_worker();
/// worker.execute(|| println!("stepped")).unwrap();
/// assert_eq!(performer.perform(), Performed::Ran);
/// assert_eq!(performer.perform(), Performed::Nothing);
/// worker.quit().unwrap();
/// assert!(worker.execute(|| ()).is_err());
/// assert_eq!(performer.perform(), Performed::Ended);
/// # });
/// ```
#[must_use]
pub fn memory_worker() -> (MemoryWorker, Performer) {
    memory_worker_with(hook_only())
}

/// [`memory_worker`], with a handler for the panics of its tasks.
#[must_use]
pub fn memory_worker_with(on_panic: PanicHandler) -> (MemoryWorker, Performer) {
    let worker = MemoryWorker(Handle::new(Memory {
        on_panic,
        object: Object::of(Kind::Memory),
        state: Mutex::new(State::default()),
    }));
    let performer = Performer(Arc::clone(worker.0.shared()));
    (worker, performer)
}

struct Memory {
    on_panic: PanicHandler,
    object: Object,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    closed: bool,
    performing: bool,
}

impl Memory {
    fn close(&self) -> Result<(), AlreadyQuit> {
        let mut state = self.state.lock();
        let won = !mem::replace(&mut state.closed, true);
        self.object.tell(|| What::Quit { won });
        if won { Ok(()) } else { Err(AlreadyQuit) }
    }
}

impl LastDrop for Memory {
    fn last_handle_dropped(&self) {
        // The performer may have been dropped; either way it is quit now.
        let _ = self.close();
    }
}

/// A handle of a memory worker; see [`memory_worker`]. The last one dropped quits the worker.
#[derive(Clone, Debug)]
pub struct MemoryWorker(Handle<Memory>);

impl MemoryWorker {
    /// Accepts a closure or a [`Task`], to be run by the [`Performer`]. Never blocks for long.
    ///
    /// # Errors
    /// [`Refused`] after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let task = task.into();
        let mut state = self.0.state.lock();
        let number = task.identity().number();
        if state.closed {
            self.0.object.tell(|| What::Refused(number));
            drop(state);
            return Err(Refused::new(task));
        }
        self.0.object.tell(|| What::Accepted(number));
        state.queue.push_back(task);
        Ok(())
    }

    /// Refuses every later task. Those accepted before can still be performed.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.note_quit();
        self.0.close()
    }
}

impl Worker for MemoryWorker {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl ExclusiveWorker for MemoryWorker {}

/// What one [`Performer::perform`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Performed {
    /// It ran the oldest task (which may have panicked).
    Ran,
    /// There was no task.
    Nothing,
    /// There was no task, and after a quit none will come.
    Ended,
    /// A task was being performed, by another thread or by the caller itself: nothing was run.
    Busy,
}

impl Performed {
    /// Whether a task was run.
    #[must_use]
    pub fn ran(self) -> bool {
        self == Self::Ran
    }
}

/// Runs the tasks of a memory worker, one per call; see [`memory_worker`].
///
/// Dropping it quits the worker, then drops the tasks that are still queued.
pub struct Performer(Arc<Counted<Memory>>);

impl Performer {
    /// Runs the oldest task on this thread, and returns after it. Never waits for another thread's
    /// task, and never nests one task in another: then it says [`Performed::Busy`].
    ///
    /// A panic of the task goes to the worker's panic handler.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn perform(&self) -> Performed {
        let task = {
            let mut state = self.0.state.lock();
            if state.performing {
                self.0.object.tell(|| What::Busy);
                return Performed::Busy;
            }
            match state.queue.pop_front() {
                Some(task) => {
                    state.performing = true;
                    let number = task.identity().number();
                    self.0.object.tell(|| What::Started(number));
                    task
                }
                None if state.closed => {
                    self.0.object.tell(|| What::Ended);
                    return Performed::Ended;
                }
                None => {
                    self.0.object.tell(|| What::Nothing);
                    return Performed::Nothing;
                }
            }
        };
        let number = task.identity().number();
        turn(|| {
            let panicked = reporting(&self.0.on_panic, || task.run());
            let mut state = self.0.state.lock();
            state.performing = false;
            let task = number;
            self.0.object.tell(|| What::Stopped { task, panicked });
        });
        Performed::Ran
    }

    /// Performs until there is nothing to do, and says how many tasks that were.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn drain(&self) -> usize {
        std::iter::from_fn(|| self.perform().ran().then_some(())).count()
    }
}

impl Drop for Performer {
    fn drop(&mut self) {
        let queue = {
            let mut state = self.0.state.lock();
            state.closed = true;
            self.0.object.tell(|| What::Closed);
            for task in &state.queue {
                let number = task.identity().number();
                self.0.object.tell(|| What::Dropped(number));
            }
            mem::take(&mut state.queue)
        };
        for task in queue {
            reporting(&self.0.on_panic, || drop(task));
        }
    }
}

impl fmt::Debug for Performer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Performer").finish_non_exhaustive()
    }
}
