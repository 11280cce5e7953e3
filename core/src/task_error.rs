//! Why a task gave no value.

use std::error::Error;
use std::fmt;

use crate::contain::{Payload, message};

/// Why a task gave no value to its handle.
pub enum TaskError {
    /// It panicked, with this. Give it to [`std::panic::resume_unwind`] to panic on.
    Panicked(Payload),
    /// It was cancelled before it began.
    Cancelled,
    /// It was dropped before it began, by whoever had it: an owner who was given it back, or a handler
    /// of abandoned tasks.
    Closed,
    /// It is the very task that asks, which would wait for itself.
    OwnTask,
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(_) => f.debug_tuple("Panicked").field(&self.to_string()).finish(),
            Self::Cancelled => f.write_str("Cancelled"),
            Self::Closed => f.write_str("Closed"),
            Self::OwnTask => f.write_str("OwnTask"),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(payload) => write!(f, "the task panicked: {}", message(payload)),
            Self::Cancelled => f.write_str("the task was cancelled before it began"),
            Self::Closed => f.write_str("the task was dropped before it began"),
            Self::OwnTask => f.write_str("a task cannot wait for itself"),
        }
    }
}

impl Error for TaskError {}
