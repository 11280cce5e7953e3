//! How a pool ends.
//!
//! # State
//! `phase`, which only ever moves on:
//!
//! | phase | new work | what waits | next |
//! |---|---|---|---|
//! | `Running` | taken | is run | `Draining`, by a shutdown or a quit; `Aborted`; `Ended` |
//! | `Draining` | handed back | is run | `Aborted`; `Ended`, when nothing is left |
//! | `Aborted` | handed back | was given back | `Ended`, when nothing runs |
//! | `Ended` | handed back | – | – |
//!
//! # Invariants
//! - P4: on a thread of the pool, nothing waits for the pool. P5: a shutdown that succeeded has joined every
//!   thread. P6: the last handle dropped quits, and waits for nothing.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::ThreadPool;
use super::place;
use crate::primitives::{Condvar, Deadline, Mutex};
use crate::task::Task;

/// How far a pool's end has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It takes work.
    #[default]
    Running,
    /// It takes none, and finishes what it has.
    Draining,
    /// It takes none, and has given back what waited.
    Aborted,
    /// Nothing is left to do; its threads are ending.
    Ended,
}

#[derive(Default)]
pub(super) struct Ending {
    phase: Mutex<Phase>,
    moved: Condvar,
}

impl Ending {
    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock()
    }

    pub(super) fn reach(&self, phase: Phase) {
        let mut now = self.phase.lock();
        *now = phase.max(*now);
        drop(now);
        self.moved.notify_all();
    }

    /// Waits for the end; no, if that took too long.
    fn wait(&self, deadline: Option<&Deadline>) -> bool {
        let mut now = self.phase.lock();
        while *now != Phase::Ended {
            match deadline {
                None => now = self.moved.wait(now),
                Some(deadline) => {
                    let late;
                    (now, late) = self.moved.wait_by(now, deadline);
                    if late && *now != Phase::Ended {
                        return false;
                    }
                }
            }
        }
        true
    }
}

/// Why a pool's end was not waited for. The pool takes no more work all the same, and ends when it has
/// finished what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShutdownError {
    /// The caller is a thread of the pool, or a handler or start policy that the pool waits for: it would wait
    /// for itself.
    OwnThread,
    /// It has not ended in the time given.
    TimedOut,
}

impl fmt::Display for ShutdownError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnThread => "a thread pool cannot be waited for on one of its own threads",
            Self::TimedOut => "the thread pool has not ended in time",
        })
    }
}

impl Error for ShutdownError {}

impl ThreadPool {
    /// Refuses new work, finishes what was accepted, and joins every thread: when it has returned `Ok`, none
    /// is alive. Any number of threads may call it, any number of times.
    ///
    /// What it gives is empty, unless the pool was never started: then nothing could run what waits, and it
    /// is given back. A thread that a start policy of your own gave nothing to [join](crate::Thread) by has
    /// then left the pool, and may have its thread-locals yet to drop. Do not call this in the drop of a
    /// thread-local of a pool's thread: two threads that do wait for each other.
    ///
    /// # Errors
    /// [`ShutdownError::OwnThread`], at once, on a thread of this pool. The pool ends as after
    /// [`ThreadPool::quit`].
    pub fn shutdown(&self) -> Result<Vec<Task>, ShutdownError> {
        self.shut_down(None)
    }

    /// [`ThreadPool::shutdown`], but waits no longer than this; [`Duration::MAX`] is for ever.
    ///
    /// # Errors
    /// [`ShutdownError`]. If it has timed out, the pool goes on to drain; you may wait again, or
    /// [abort](ThreadPool::abort).
    pub fn shutdown_timeout(&self, patience: Duration) -> Result<Vec<Task>, ShutdownError> {
        self.shut_down(Some(&Deadline::after(patience)))
    }

    fn shut_down(&self, deadline: Option<&Deadline>) -> Result<Vec<Task>, ShutdownError> {
        let returned = self.finish();
        if self.is_own_thread() {
            // A pool that has a thread has started: nothing was given back.
            return Err(ShutdownError::OwnThread);
        }
        let ended = place::waiting(self.crew(), || {
            self.ending().wait(deadline) && self.roster().join_all(deadline)
        });
        if ended {
            if let Some(keeper) = self.keeper() {
                keeper.join();
            }
            Ok(returned)
        } else {
            Err(ShutdownError::TimedOut)
        }
    }

    /// Refuses new work, and lets the pool finish and end by itself. Waits for nothing. What waits in a pool
    /// that was never started can never run: it is [abandoned](super::Builder::on_abandoned).
    ///
    /// # Errors
    /// [`AlreadyQuit`](crate::AlreadyQuit), if that was so already.
    pub fn quit(&self) -> Result<(), crate::AlreadyQuit> {
        self.note_quit();
        let quit = self.crew().ask(crate::team::Request::Quit);
        self.ending().reach(Phase::Draining);
        if quit {
            Ok(())
        } else {
            Err(crate::AlreadyQuit)
        }
    }

    /// Refuses new work, and gives back, in order, what has not begun. What runs goes on; nothing is waited
    /// for. A second call gives back nothing, and so does one after the end.
    ///
    /// A task given back is the caller's: its handle yields when it is run or dropped. Tasks of a
    /// [scope](ThreadPool::scope) are not given back but dropped.
    #[allow(
        clippy::must_use_candidate,
        reason = "to drop the tasks is what many want"
    )]
    pub fn abort(&self) -> Vec<Task> {
        self.note_quit();
        // Before, so that nobody who finds the pool closed finds it running.
        self.ending().reach(Phase::Aborted);
        self.crew().abort()
    }

    /// Waits until nothing waits or runs: for a moment in which that is so. The pool goes on. A task that runs
    /// in place, where it is joined or its scope ends, counts as running: it is not to call this.
    ///
    /// # Errors
    /// [`ShutdownError::OwnThread`], on a thread of this pool, whose task runs.
    pub fn wait_idle(&self) -> Result<(), ShutdownError> {
        if self.is_own_thread() {
            return Err(ShutdownError::OwnThread);
        }
        place::waiting(self.crew(), || self.crew().wait_idle());
        Ok(())
    }

    /// How far its end has come.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.ending().phase()
    }

    fn finish(&self) -> Vec<Task> {
        self.note_quit();
        let returned = self.crew().finish();
        self.ending().reach(Phase::Draining);
        returned
    }
}
