//! The handle of a spawned task.
//!
//! # Invariants
//! - P2: a handle yields once. P3: to join inside the task's own pool runs it in place if it has not begun,
//!   and to join another pool's counts as blocking in the joiner's.
//! - W8: a panic that no handle took is told, once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::place;
use crate::completion::{Awaited, Ended};
use crate::contain::contain;
use crate::primitives::Arc;
use crate::task_error::TaskError;
use crate::team::Crew;

/// The handle of a task that [`ThreadPool::spawn`](super::ThreadPool::spawn) took: by it the task's result
/// is had, once.
///
/// It can be [joined](Self::join), joined [with a time-out](Self::join_timeout), or awaited by any executor,
/// as it is a [`Future`]; the task can be [cancelled](Self::cancel) before it begins. Dropping the handle
/// detaches: the task is run all the same, its result dropped, and its panic given to the pool's handler; if
/// the pool has ended by then, only the process's panic hook has told of it.
///
/// When a result is there, the end of its task has been counted in the pool's statistics, and what its
/// closure captured is gone.
///
/// ```
/// use brigade::{TaskError, ThreadPool};
///
/// # brigade::primitives::example(|| {
/// let pool = ThreadPool::new();
/// let answer = pool.spawn(|| 6 * 7).unwrap();
/// assert_eq!(answer.join().unwrap(), 42);
/// let broken = pool.spawn(|| std::panic::panic_any("no")).unwrap();
/// assert!(matches!(broken.join(), Err(TaskError::Panicked(_))));
/// # });
/// ```
#[must_use = "dropping it detaches the task"]
pub struct JoinHandle<T> {
    crew: Arc<Crew>,
    /// `None` once it has yielded.
    task: Option<Arc<dyn Awaited<T>>>,
    serial: usize,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(crew: Arc<Crew>, task: Arc<dyn Awaited<T>>, serial: usize) -> Self {
        Self {
            crew,
            task: Some(task),
            serial,
        }
    }

    /// Waits until the task has ended, and gives its value.
    ///
    /// On a thread of the task's own pool, a task that has not begun is run here and now, so that tasks
    /// which wait for each other in this way cannot use up the pool's threads. On a thread of another pool,
    /// the wait counts as [`blocking`](crate::blocking) there. Only a cycle of tasks that join each other
    /// waits for ever.
    ///
    /// # Errors
    /// [`TaskError`], which says what became of the task; or that this is the very task that would be
    /// waited for, which is then detached.
    pub fn join(mut self) -> Result<T, TaskError> {
        let Some(task) = self.task.take() else {
            return Err(TaskError::Closed);
        };
        if let Some(end) = task.take() {
            return end;
        }
        if task.is_running_here() {
            self.task = Some(task);
            return Err(TaskError::OwnTask);
        }
        if place::is_at(&self.crew) {
            self.crew.run_in_place(self.serial, &*task);
        }
        place::waiting(&self.crew, || task.join()).unwrap_or(Err(TaskError::Closed))
    }

    /// Waits until the task has ended, but for no longer than this; [`Duration::MAX`] is for ever. The task
    /// is not run in place.
    ///
    /// # Errors
    /// The handle, if the task has not ended by then.
    pub fn join_timeout(mut self, patience: Duration) -> Result<Result<T, TaskError>, Self> {
        let Some(task) = self.task.take() else {
            return Ok(Err(TaskError::Closed));
        };
        if task.is_running_here() {
            self.task = Some(task);
            return Ok(Err(TaskError::OwnTask));
        }
        match place::waiting(&self.crew, || task.join_timeout(patience)) {
            Some(end) => Ok(end),
            None => {
                self.task = Some(task);
                Err(self)
            }
        }
    }

    /// Drops the task, if it has not begun: it leaves the pool's backlog and numbers at once, and the handle
    /// yields [`TaskError::Cancelled`]. Says whether it did. A task that runs is not interrupted, and one
    /// that an abort gave back is not the handle's to cancel.
    #[allow(
        clippy::must_use_candidate,
        reason = "whoever does not care whether it won need not look"
    )]
    pub fn cancel(&self) -> bool {
        let task = self.task.as_ref();
        task.is_some_and(|task| self.crew.cancel(self.serial, &**task))
    }

    /// Whether the task has ended, so that [`JoinHandle::join`] would not wait.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.task.as_ref().is_none_or(|task| task.is_finished())
    }

    fn discard(&self, end: Ended<T>) {
        let panicked = match end {
            Err(TaskError::Panicked(payload)) => Some(payload),
            Err(_) => None,
            Ok(value) => contain(|| drop(value)).err(),
        };
        if let Some(payload) = panicked {
            self.crew.tell_panic(payload);
        }
    }
}

/// Yields what [`JoinHandle::join`] would, once; if it is polled after that, [`TaskError::Closed`].
impl<T> Future for JoinHandle<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(task) = &self.task else {
            return Poll::Ready(Err(TaskError::Closed));
        };
        let Poll::Ready(end) = task.poll(context) else {
            return Poll::Pending;
        };
        self.task = None;
        Poll::Ready(end.unwrap_or(Err(TaskError::Closed)))
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        if let Some(end) = self.task.take().and_then(|task| task.detach()) {
            self.discard(end);
        }
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
