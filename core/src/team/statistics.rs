//! The numbers a team publishes at the end of each coordinator step.

use std::fmt;

/// A consistent snapshot of a team, as of its coordinator's last step; `accepted` and `in_flight` also
/// count what has been accepted since, and is on its way to the coordinator.
///
/// `accepted` is always `in_flight + backlogged + busy + done + abandoned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Workers with nothing to do.
    pub idle: usize,
    /// Workers with a task whose end the coordinator has not yet seen.
    pub busy: usize,
    /// Workers that leave: no task goes to them, and they have yet to be told to quit.
    pub leaving: usize,
    /// Tasks waiting for a worker.
    pub backlogged: usize,
    /// Tasks accepted that the coordinator has not yet seen.
    pub in_flight: usize,
    /// Tasks accepted since the team was made; wraps around.
    pub accepted: usize,
    /// Tasks that have ended, by returning or by a panic; wraps around.
    pub done: usize,
    /// Tasks that could never run and were given to the `abandoned` handler; wraps around.
    pub abandoned: usize,
}

impl Statistics {
    /// Workers made and not yet told to quit: idle, busy or leaving.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.idle + self.busy + self.leaving
    }

    /// All of them, in the order of the fields.
    pub(crate) fn numbers(&self) -> [usize; 8] {
        [
            self.idle,
            self.busy,
            self.leaving,
            self.backlogged,
            self.in_flight,
            self.accepted,
            self.done,
            self.abandoned,
        ]
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} idle, {} busy, {} leaving, {} backlogged, {} in flight; {} accepted, {} done, {} abandoned",
            self.idle,
            self.busy,
            self.leaving,
            self.backlogged,
            self.in_flight,
            self.accepted,
            self.done,
            self.abandoned
        )
    }
}
