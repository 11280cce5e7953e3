//! The numbers a team publishes at the end of each coordinator step.

use std::fmt;

/// A consistent snapshot of a team, as of its coordinator's last step; `accepted` and `in_flight` also
/// count what has been accepted since, and is on its way to the coordinator.
///
/// `accepted` is always `in_flight + backlogged + busy + in_place + done + cancelled + returned +
/// abandoned`.
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
    /// Tasks that run where their result is waited for, and not on a worker's account.
    pub in_place: usize,
    /// Tasks that were cancelled before they began; wraps around.
    pub cancelled: usize,
    /// Tasks that an abort gave back; wraps around.
    pub returned: usize,
}

/// High-water marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Peaks {
    /// Tasks that waited, those included that a free worker was about to take.
    pub(crate) waiting: usize,
    pub(crate) workers: usize,
}

impl Statistics {
    /// Workers made and not yet told to quit: idle, busy or leaving.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.idle + self.busy + self.leaving
    }

    /// All that are of now, in the order of the fields.
    pub(crate) fn numbers(&self) -> [usize; 11] {
        [
            self.idle,
            self.busy,
            self.leaving,
            self.backlogged,
            self.in_flight,
            self.accepted,
            self.done,
            self.abandoned,
            self.in_place,
            self.cancelled,
            self.returned,
        ]
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} idle, {} busy, {} leaving, {} backlogged, {} in flight, {} in place; {} accepted, {} done, \
             {} cancelled, {} returned, {} abandoned",
            self.idle,
            self.busy,
            self.leaving,
            self.backlogged,
            self.in_flight,
            self.in_place,
            self.accepted,
            self.done,
            self.cancelled,
            self.returned,
            self.abandoned
        )
    }
}
