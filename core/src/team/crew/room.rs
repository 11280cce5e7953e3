//! Where only so many tasks may wait: callers that find no room.
//!
//! # State
//! `queue`, under the crew's lock: the tokens of the callers that wait for room, first in, first out; the
//! ledger counts them. One whose token was taken out has been admitted: room is kept for it until it is
//! back, or all is closed.
//!
//! # Invariants
//! - T9: a caller queues in the critical section in which it found no room, and is called after the one
//!   in which there is some, or in which all is closed.
//! - T4: none that finds room comes before one that queues.

use super::{Crew, Guard};
use crate::primitives::Arc;
use crate::probe::What;
use crate::task::Job;
use crate::token::Token;

/// Why a task was not taken; here it is.
pub(crate) enum NotTaken {
    Full(Job),
    Closed(Job),
}

impl Crew {
    /// Accepts a task if there is room. The answer is its number.
    pub(crate) fn try_execute(self: &Arc<Self>, job: Job) -> Result<usize, NotTaken> {
        let state = self.state.lock();
        if is_full(&state) {
            let task = job.identity().number();
            self.object.tell(|| What::Full(task));
            return Err(NotTaken::Full(job));
        }
        self.execute_with(state, job).map_err(NotTaken::Closed)
    }

    /// Accepts a task, once there is room. The answer is its number. Not for a thread of the crew's: it
    /// might wait for itself.
    pub(crate) fn execute_when_room(self: &Arc<Self>, job: Job) -> Result<usize, Job> {
        let state = self.state.lock();
        if !is_full(&state) {
            return self.execute_with(state, job);
        }
        drop(state);
        let token = Arc::new(Token::new());
        let mut state = self.state.lock();
        if is_full(&state) {
            let task = job.identity().number();
            self.object.tell(|| What::Queued(task));
            state.ledger.queue();
            state.queue.push_back(Arc::clone(&token));
            drop(state);
            token.wait();
            state = self.state.lock();
            self.object.tell(|| What::Back(task));
            state.ledger.readmit();
        }
        self.execute_with(state, job)
    }
}

fn is_full(state: &Guard<'_>) -> bool {
    !state.ledger.is_closed() && !state.ledger.has_room()
}
