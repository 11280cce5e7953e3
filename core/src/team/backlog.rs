//! The backlog of a team: jobs, first in, first out; those put back come first.

use super::ledger::Line;
use crate::jobs::Jobs;
use crate::task::{Job, Slot};

#[repr(C)]
pub(super) struct Backlog {
    jobs: Jobs,
    /// Put back by workers that were lost, which is rare: the last one first.
    returned: Vec<Job>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self {
            returned: Vec::new(),
            jobs: Jobs::new(),
        }
    }
}

impl Line for Backlog {
    type Task = Job;
    type Slot = Slot;

    #[inline]
    fn len(&self) -> usize {
        self.jobs.len() + self.returned.len()
    }

    #[inline]
    fn push(&mut self, job: Job) {
        self.jobs.push(job);
    }

    fn put_back(&mut self, job: Job) {
        self.returned.push(job);
    }

    #[inline]
    fn pop(&mut self) -> Option<Job> {
        self.returned.pop().or_else(|| self.jobs.pop())
    }

    #[inline]
    fn pop_into(&mut self, slot: &mut Slot) -> bool {
        if let Some(job) = self.returned.pop() {
            slot.put(job);
            return true;
        }
        self.jobs.pop_into(slot)
    }

    /// Of those put back, none is void: a crew puts none back, and only in a crew is a task withdrawn.
    fn drop_void(&mut self) -> usize {
        if self.returned.is_empty() {
            self.jobs.drop_void()
        } else {
            0
        }
    }
}
