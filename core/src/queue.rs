//! The queue of a thread worker: a policy, with one implementation.
//!
//! # State
//! [`SwapQueue`]: one mutex over `inbox`, `closed` and `sleeping`. The consumer's batch belongs to
//! the consumer. `sleeping` is set by the consumer, and cleared by whoever wakes it.
//!
//! | `closed` | `sleeping` | means |
//! |---|---|---|
//! | no | no | accepts; the consumer works on its batch, or is about to look at the inbox |
//! | no | yes | accepts; the consumer waits; whoever changes anything wakes it, under the lock |
//! | yes | no/yes | refuses; the consumer drains the inbox, then ends |
//!
//! # Invariants
//! - W4: the closed check and the push are one critical section.
//! - W1, H2: the consumer ends only when it finds the inbox empty and `closed` set in one critical
//!   section, after which nothing can be pushed.
//! - T9 (no lost wake-up): the consumer sets `sleeping` and waits in one critical section; whoever
//!   finds it set clears it and notifies under the same lock. A spurious wake-up finds nothing and
//!   waits again.
//!
//! Why the consumer swaps the whole inbox out: one critical section a batch, not a task, is what
//! makes the protocol small enough to be explored without a bound, and fast.

use std::collections::VecDeque;
use std::fmt;
use std::mem;

use crate::primitives::{Condvar, Mutex};
use crate::probe::{Kind, Object, What};
use crate::task::Task;
use crate::worker::{AlreadyQuit, Refused};

/// What a [`ThreadWorker`](crate::ThreadWorker) keeps its tasks in.
///
/// # Laws
/// `push` and `close` are atomic with respect to each other: a push is either before the close, and
/// its task comes out of some `take`, or is refused. Tasks come out in the order in which they were
/// pushed. What preceded a push is visible to whoever takes that task.
pub trait Queue: Send + Sync + 'static {
    /// Adds a task, or refuses it because the queue is closed.
    ///
    /// # Errors
    /// [`Refused`], with the task, once closed.
    fn push(&self, task: Task) -> Result<(), Refused>;

    /// Closes the queue.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was closed before.
    fn close(&self) -> Result<(), AlreadyQuit>;

    /// Moves tasks, in order, into the empty `batch`; blocks while there are none. `false` once the
    /// queue is closed and empty. Called by one thread at a time.
    fn take(&self, batch: &mut VecDeque<Task>) -> bool;

    /// Whose events those of the worker's tasks are; of a queue of your own, nobody's.
    #[doc(hidden)]
    fn object(&self) -> Object {
        Object::default()
    }
}

/// The queue that thread workers have unless given another: many push, one takes.
///
/// Pushing allocates only when the queue grows; the room that a burst needed is given back when the
/// consumer has caught up.
pub struct SwapQueue {
    state: Mutex<State>,
    woken: Condvar,
    object: Object,
}

#[derive(Default)]
struct State {
    inbox: VecDeque<Task>,
    closed: bool,
    sleeping: bool,
}

/// An empty queue with room for more tasks than this gives it back before its consumer sleeps.
const KEEP: usize = 64;

impl SwapQueue {
    /// An empty, open queue.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Mutex::default(),
            woken: Condvar::new(),
            object: Object::of(Kind::Thread),
        }
    }

    /// Wakes the consumer if it sleeps: after a change, and under the same lock.
    fn wake(&self, state: &mut State) {
        if mem::take(&mut state.sleeping) {
            self.woken.notify_one();
        }
    }
}

impl Queue for SwapQueue {
    fn push(&self, task: Task) -> Result<(), Refused> {
        let mut state = self.state.lock();
        let number = task.identity().number();
        if state.closed {
            self.object.tell(|| What::Refused(number));
            drop(state);
            return Err(Refused::new(task));
        }
        self.object.tell(|| What::Accepted(number));
        state.inbox.push_back(task);
        self.wake(&mut state);
        Ok(())
    }

    fn close(&self) -> Result<(), AlreadyQuit> {
        let mut state = self.state.lock();
        let won = !mem::replace(&mut state.closed, true);
        self.object.tell(|| What::Quit { won });
        if !won {
            return Err(AlreadyQuit);
        }
        self.wake(&mut state);
        Ok(())
    }

    fn take(&self, batch: &mut VecDeque<Task>) -> bool {
        let mut state = self.state.lock();
        while state.inbox.is_empty() {
            if state.closed {
                self.object.tell(|| What::ThreadEnded);
                return false;
            }
            for queue in [&mut state.inbox, batch] {
                if queue.capacity() > KEEP {
                    queue.shrink_to(KEEP);
                }
            }
            state.sleeping = true;
            state = self.woken.wait(state);
        }
        mem::swap(&mut state.inbox, batch);
        true
    }

    fn object(&self) -> Object {
        self.object
    }
}

impl Default for SwapQueue {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SwapQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwapQueue").finish_non_exhaustive()
    }
}
