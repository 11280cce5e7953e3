//! What is the caller's, and goes with its task.

use crate::task::Task;

/// Captures it, on the calling thread.
pub(super) type Context = dyn Fn() -> Carrier + Send + Sync;

/// Runs the task with it, on the pool's.
pub(super) type Carrier = Box<dyn FnOnce(Task) + Send>;
