//! A ready observer: `tracing` events.

use std::time::Duration;

use super::{Observer, TaskId, ThreadInfo};

/// Tells [`tracing`](::tracing) what happens in a pool, with the target `brigade`: tasks at the level
/// `TRACE`, panics at `ERROR`, threads at `DEBUG`. Times are in microseconds.
///
/// ```
/// use brigade::{ThreadPool, Traced};
///
/// # brigade::primitives::example(|| {
/// let pool = ThreadPool::builder().observer(Traced).build().unwrap();
/// pool.start().unwrap();
/// pool.execute(|| ()).unwrap();
/// pool.shutdown().unwrap();
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Traced;

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Observer for Traced {
    fn submitted(&self, task: TaskId) {
        ::tracing::trace!(target: "brigade", task = task.0, "submitted");
    }

    fn started(&self, task: TaskId, queued: Duration) {
        let queued = micros(queued);
        ::tracing::trace!(target: "brigade", task = task.0, queued, "started");
    }

    fn ended(&self, task: TaskId, ran: Duration, panicked: bool) {
        let ran = micros(ran);
        if panicked {
            ::tracing::error!(target: "brigade", task = task.0, ran, "panicked");
        } else {
            ::tracing::trace!(target: "brigade", task = task.0, ran, "ended");
        }
    }

    fn dropped(&self, task: TaskId) {
        ::tracing::trace!(target: "brigade", task = task.0, "dropped");
    }

    fn thread_made(&self, thread: &ThreadInfo) {
        ::tracing::debug!(target: "brigade", thread = thread.name(), "thread made");
    }

    fn thread_gone(&self, thread: &ThreadInfo) {
        ::tracing::debug!(target: "brigade", thread = thread.name(), "thread gone");
    }
}
