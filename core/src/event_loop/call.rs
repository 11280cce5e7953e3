//! Calls that are handed back, and the error that does it.

use std::error::Error;
use std::fmt;

use super::on_loop::OnLoop;
use crate::task::Task;

/// A call that a loop did not run: it had ended, or was stopped.
///
/// It can be [run](Call::run) on any loop, [given to another](crate::LoopHandle::resubmit), or dropped.
#[derive(Debug)]
pub struct Call(Task);

impl Call {
    pub(super) fn new(f: impl FnOnce(&OnLoop) + Send + 'static) -> Self {
        Self(Task::new(move || {
            // It is in no other hands than those of loops.
            if let Some(on) = OnLoop::current() {
                f(&on);
            }
        }))
    }

    pub(super) fn of(task: Task) -> Self {
        Self(task)
    }

    pub(super) fn into_task(self) -> Task {
        self.0
    }

    /// Runs it here and now.
    ///
    /// # Panics
    /// If the call does.
    pub fn run(self, on: &OnLoop) {
        let _as_of = on.as_current();
        self.0.run();
    }
}

/// The loop takes no more; here is what it was given.
pub struct LoopClosed<T>(pub(super) T);

impl<T> LoopClosed<T> {
    /// What the loop was given.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for LoopClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoopClosed")
    }
}

impl<T> fmt::Display for LoopClosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the event loop takes no more calls")
    }
}

impl<T> Error for LoopClosed<T> {}
