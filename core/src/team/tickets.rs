//! What the shell gives away: steps to coordinators, assignments to workers, errands to its thread.
//!
//! # State
//! Each ticket is whole (it holds its event, or its worker and task) until it is run, taken back, or
//! dropped by whoever had it; each of these empties it, so it ends once.
//!
//! | ticket | run | dropped without being run |
//! |---|---|---|
//! | [`Step`] | one step of the coordinator | the coordinator is lost: the step is taken here, and the team quits |
//! | [`Assignment`] | the task, then its end is reported | the worker is lost: its task goes to another |
//!
//! # Invariants
//! W1, W2, T8: whatever a coordinator or a worker does with a ticket, the user's task in it is run
//! once, or comes back. T10: a task's captures are gone before its end is reported.

use super::handlers::CreationFailed;
use super::shell::{Given, Heard, Member, Shell, release};
use crate::contain::contain;
use crate::primitives::Arc;
use crate::probe::{Identity, Object, What};
use crate::task::{Announcement, Job, Once, Task};
use crate::turn;
use crate::worker::{ExclusiveWorker, Refused, Worker};

/// A step that waits in the coordinator's queue.
pub(super) struct Step<C: ExclusiveWorker, W: Worker> {
    pub(super) shell: Arc<Shell<C, W>>,
    pub(super) heard: Option<Heard<W>>,
}

impl<C: ExclusiveWorker, W: Worker> Once for Step<C, W> {
    fn run(mut self) -> Option<Announcement> {
        if let Some(heard) = self.heard.take() {
            turn::ours(|| self.shell.step(heard));
        }
        None
    }

    /// A step is nobody's task: to its coordinator, it is one of its own.
    fn identity(&self) -> Identity {
        Identity::new()
    }
}

impl<C: ExclusiveWorker, W: Worker> Drop for Step<C, W> {
    fn drop(&mut self) {
        if let Some(heard) = self.heard.take() {
            turn::ours(|| self.shell.step_without_coordinator(heard));
        }
    }
}

/// A task on its way to, or at, a worker.
pub(super) struct Assignment<C: ExclusiveWorker, W: Worker> {
    shell: Arc<Shell<C, W>>,
    held: Option<(Arc<Member<W>>, Job)>,
}

impl<C: ExclusiveWorker, W: Worker> Once for Assignment<C, W> {
    fn run(mut self) -> Option<Announcement> {
        let (worker, job) = self.held.take()?;
        turn::ours(|| {
            let task = job.identity().number();
            let object = self.shell.object();
            object.tell(|| What::Started(task));
            let end = turn::theirs(|| contain(|| job.run()));
            let panicked = end.is_err();
            object.tell(|| What::Stopped { task, panicked });
            let end = end.unwrap_or_else(|payload| {
                self.shell.panicked(payload);
                None
            });
            self.shell.report(Heard::Ended(worker));
            end
        })
    }

    fn identity(&self) -> Identity {
        let job = self.held.as_ref().map(|(_, job)| job.identity());
        job.unwrap_or_default()
    }
}

impl<C: ExclusiveWorker, W: Worker> Drop for Assignment<C, W> {
    fn drop(&mut self) {
        if let Some((worker, job)) = self.held.take() {
            turn::ours(|| self.shell.lost(&worker, job));
        }
    }
}

/// Errand: give a task to a worker.
pub(super) struct Dispatch<C: ExclusiveWorker, W: Worker> {
    pub(super) shell: Arc<Shell<C, W>>,
    pub(super) worker: Arc<Member<W>>,
    pub(super) job: Job,
}

impl<C: ExclusiveWorker, W: Worker> Once for Dispatch<C, W> {
    fn run(self) -> Option<Announcement> {
        let assignment = Assignment {
            shell: Arc::clone(&self.shell),
            held: Some((Arc::clone(&self.worker), self.job)),
        };
        // If `execute` panics, or hands back another's task, the assignment is dropped by whoever
        // has it then, and so reports itself lost.
        let answer = contain(|| self.worker.execute(Task::ticket(assignment)));
        match answer.map(|accepted| accepted.map_err(Refused::into_task)) {
            Ok(Ok(())) => {}
            Ok(Err(task)) => {
                if let Err(strange) = task.take::<Assignment<C, W>>() {
                    self.shell.strange(strange);
                }
            }
            Err(payload) => self.shell.panicked(payload),
        }
        None
    }
}

/// Errand: quit a worker.
pub(super) struct Retire<C: ExclusiveWorker, W: Worker> {
    pub(super) shell: Arc<Shell<C, W>>,
    pub(super) worker: Arc<Member<W>>,
}

impl<C: ExclusiveWorker, W: Worker> Once for Retire<C, W> {
    fn run(self) -> Option<Announcement> {
        self.shell.quit_worker(&self.worker);
        None
    }
}

/// Errand: count the retirements before it as delivered.
pub(super) struct Left<C: ExclusiveWorker, W: Worker> {
    pub(super) shell: Arc<Shell<C, W>>,
    pub(super) count: usize,
}

impl<C: ExclusiveWorker, W: Worker> Once for Left<C, W> {
    fn run(self) -> Option<Announcement> {
        self.shell.left(self.count);
        None
    }
}

/// Errand: hand the owner a task that can never run.
pub(super) struct Abandon<W: Worker> {
    pub(super) given: Arc<Given<W>>,
    pub(super) object: Object,
    pub(super) job: Job,
}

impl<W: Worker> Once for Abandon<W> {
    fn run(self) -> Option<Announcement> {
        let task = self.job.identity().number();
        self.object.tell(|| What::AbandonedGiven(task));
        self.given.handlers.abandoned(Task::from(self.job));
        release(self.given);
        None
    }
}

/// Errand: tell the owner that a worker could not be made.
pub(super) struct ReportFailed<W: Worker> {
    pub(super) given: Arc<Given<W>>,
    pub(super) object: Object,
    pub(super) failed: Box<CreationFailed>,
}

impl<W: Worker> Once for ReportFailed<W> {
    fn run(self) -> Option<Announcement> {
        self.object.tell(|| What::CreationReported);
        self.given.handlers.creation_failed(*self.failed);
        release(self.given);
        None
    }
}

/// Errand: quit the coordinator, last of all, and let go of what the owner gave.
pub(super) struct Finish<C: ExclusiveWorker, W: Worker> {
    pub(super) shell: Arc<Shell<C, W>>,
    pub(super) given: Option<Arc<Given<W>>>,
}

impl<C: ExclusiveWorker, W: Worker> Once for Finish<C, W> {
    fn run(self) -> Option<Announcement> {
        self.shell.quit_coordinator();
        if let Some(given) = &self.given {
            given.handlers.ended();
        }
        release(self.given);
        None
    }
}
