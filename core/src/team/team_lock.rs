//! The coordinator of [`Team::locked`](super::Team::locked): a lock worker whose lock is
//! the ledger's own mutex.
//!
//! # State
//! `quit`, set once by the team.
//!
//! # Invariants
//! - W6 (*exclusive*): its only tasks are steps of the one team that made it, and a step is one
//!   critical section of that team's ledger, or several with the factory called in between, which
//!   the ledger lets one step at a time do (T1). A second lock around them would guard nothing.
//! - L4's exception: it holds nothing while it calls a user's code, so any thread may wait for it,
//!   also inside a lock worker's task, and no ring can close.
//!
//! What a lock of its own would cost: loom takes a lock inside a lock for a race, and explored four to
//! six times as many executions of the same scenarios; and each step would lock twice.

use std::fmt;

use crate::contain::quietly;
use crate::quit::Quit;
use crate::task::Task;
use crate::turn;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Now, Refused, Worker};

/// The coordinator of [`Team::locked`](crate::Team::locked): a lock worker
/// whose lock is the team's own. It can only be had as a part of a team, because it excludes nothing
/// but that team's steps.
pub struct TeamLock(Quit);

impl TeamLock {
    /// For the model tests, which wrap it to watch it.
    #[doc(hidden)]
    #[must_use]
    pub fn of_one_team() -> Self {
        Self(Quit::new())
    }
}

impl Worker for TeamLock {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        if self.0.is_set() {
            return Err(Refused::new(task));
        }
        turn::open(|| quietly(|| task.run()));
        Ok(())
    }

    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.set()
    }
}

impl ExclusiveWorker for TeamLock {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        // A step that comes after the quit is refused by the ledger, which asked for the quit.
        step();
        Now::Ran
    }
}

impl fmt::Debug for TeamLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TeamLock").finish_non_exhaustive()
    }
}
