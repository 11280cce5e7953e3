//! Who wants to know: an observer of a pool.

use std::fmt;
use std::time::Duration;

use super::ThreadInfo;

/// Which task of a pool it is, to an [`Observer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub(super) u64);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", self.0)
    }
}

/// Is told what happens in a pool: [`Builder::observer`](super::Builder::observer).
///
/// Each method is called on the thread on which it happens, outside of every lock of the pool's, so it may
/// call anything; the pool waits for it. A panic in one is given to the pool's panic handler. Of one task,
/// `submitted` comes first; then `started` and `ended`, or `dropped`. Tasks of a scope are not observed.
pub trait Observer: Send + Sync + 'static {
    /// A task is about to be submitted. If it is not taken, it is handed back, and `dropped` or run then.
    fn submitted(&self, task: TaskId) {
        let _ = task;
    }

    /// A task begins, this long after it was submitted.
    fn started(&self, task: TaskId, queued: Duration) {
        let _ = (task, queued);
    }

    /// A task has ended, after it ran for so long.
    fn ended(&self, task: TaskId, ran: Duration, panicked: bool) {
        let _ = (task, ran, panicked);
    }

    /// A task was dropped before it began: cancelled, or by whoever it was given back to.
    fn dropped(&self, task: TaskId) {
        let _ = task;
    }

    /// A thread begins.
    fn thread_made(&self, thread: &ThreadInfo) {
        let _ = thread;
    }

    /// A thread is about to end.
    fn thread_gone(&self, thread: &ThreadInfo) {
        let _ = thread;
    }
}
