//! What happens to a task for which there is no room, and to one that comes too late.
//!
//! # Invariants
//! P3: on a thread of the pool, nothing waits for room: the task is run there.

use std::error::Error;
use std::fmt;

use super::ThreadPool;
use super::place;
use crate::contain::contain;
use crate::task::{Job, Task};
use crate::team::NotTaken;

/// What a submit does when as many tasks wait as [may](super::Builder::bound).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// It hands the task back: [`Rejected::Full`].
    Refuse,
    /// It waits for room; first come, first served. On a thread of the pool, it runs the task instead, as it
    /// might have to wait for itself.
    Wait,
    /// It runs the task on the calling thread, before it returns.
    RunByCaller,
}

/// A task was not taken; here it is, whole and not run.
#[derive(Debug)]
pub enum Rejected {
    /// As many tasks wait as may.
    Full(Task),
    /// The pool takes no more work.
    Closed(Task),
}

impl Rejected {
    /// The task.
    #[must_use]
    pub fn into_task(self) -> Task {
        match self {
            Self::Full(task) | Self::Closed(task) => task,
        }
    }

    /// Whether there was no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }
}

impl From<NotTaken> for Rejected {
    fn from(not_taken: NotTaken) -> Self {
        match not_taken {
            NotTaken::Full(job) => Self::Full(job.into()),
            NotTaken::Closed(job) => Self::Closed(job.into()),
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the thread pool's backlog is full",
            Self::Closed(_) => "the thread pool takes no more work",
        })
    }
}

impl Error for Rejected {}

impl ThreadPool {
    /// Has a job accepted, or run, according to `when_full`. The answer is its number in the line.
    pub(super) fn submit(&self, job: Job, when_full: WhenFull) -> Result<usize, Rejected> {
        let crew = self.crew();
        let closed = |job: Job| Rejected::Closed(job.into());
        match when_full {
            WhenFull::Refuse => crew.try_execute(job).map_err(Rejected::from),
            WhenFull::Wait if !place::is_at(crew) => {
                place::waiting(crew, || crew.execute_when_room(job)).map_err(closed)
            }
            WhenFull::Wait | WhenFull::RunByCaller => match crew.try_execute(job) {
                Err(NotTaken::Full(job)) => {
                    if let Err(payload) = contain(|| Task::from(job).run()) {
                        crew.tell_panic(payload);
                    }
                    // Of no task that waits: it has ended.
                    Ok(0)
                }
                taken => taken.map_err(Rejected::from),
            },
        }
    }
}
