//! Completion cells: where a task and its handle meet.
//!
//! One allocation holds the closure until it is run, then its outcome until that is taken, and whoever
//! waits for it. A [`Work`] is the task's side, and goes the way of all jobs; an [`Awaited`] is the
//! handle's.
//!
//! # State
//! `stage` and `waiters` lie under one short lock, under which nothing of a user's is run or dropped.
//!
//! | `stage` | whose move | next |
//! |---|---|---|
//! | `Waiting` | who fetches the job; or, under the lock of the crew that has it in its line, the handle's | `Running`; `Withdrawn` |
//! | `Withdrawn` | of who withdrew it | `Running`, in place; `Announced`, cancelled |
//! | `Running` | of the thread in it | `Ended`; `Taken`, if the handle is gone |
//! | `Ended` | of who ran it, once the end has been counted | `Announced` |
//! | `Announced` | the handle's | `Taken` |
//! | `Taken` | nobody's | – |
//!
//! # Invariants
//! - W1, P2: the closure leaves the cell once, and so does the outcome.
//! - W5: by the lock. W9: see above; wakers are cloned before, and called after.
//! - T9: who waits is noted in the critical section in which there was no outcome, and called in or after
//!   the one in which there is.
//! - T10: the captures are gone before the outcome is there.
//! - W8: a panic goes to the handle, if there is one; else on to whoever ran the task.

use std::mem;
use std::panic::resume_unwind;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::contain::{Payload, contain, quietly};
use crate::primitives::{Arc, Changes, thread, thread_local};
use crate::probe::Identity;
use crate::short_lock::LedgerLock;
use crate::task::{Announce, Announcement, Job, Once, Task};
use crate::task_error::TaskError;
use crate::token::Token;
use crate::turn;

/// How a task ended.
pub(crate) type Ended<T> = Result<T, TaskError>;

thread_local! {
    static HERE: thread::ThreadId = thread::current().id();
}

/// This thread; `None` at its very end.
fn here() -> Option<thread::ThreadId> {
    HERE.try_with(|id| *id).ok()
}

enum Stage<F, T> {
    Waiting(F),
    Withdrawn(F),
    Running(Option<thread::ThreadId>),
    Ended(Ended<T>),
    Announced(Ended<T>),
    Taken,
}

/// Who takes the closure: whoever has the job, or whoever withdrew it.
enum Whose {
    Fetched,
    Withdrawn,
}

/// Who waits for the outcome.
enum Waiter {
    Thread(Arc<Token>),
    Future(Waker),
}

impl Waiter {
    fn call(self) {
        match self {
            Self::Thread(token) => token.call(),
            Self::Future(waker) => turn::theirs(|| quietly(|| waker.wake())),
        }
    }
}

struct State<F, T> {
    stage: Stage<F, T>,
    /// More than one only where a scope and a handle of it wait for the same.
    waiters: Vec<Waiter>,
    /// Somebody may still ask for the outcome.
    attached: bool,
}

struct Completion<F, T> {
    /// Noted when the outcome is announced.
    changes: Changes,
    state: LedgerLock<State<F, T>>,
    identity: Identity,
}

/// The handle's side of a task that may be taken out of a line.
pub(crate) trait Withdraw: Announce {
    /// Withdraws the closure, under the lock of the crew whose line it is in.
    fn withdraw(&self) -> bool;
    /// Drops what was withdrawn; the outcome is that it was cancelled. An error is a panic of the drop.
    fn cancel(&self) -> Result<(), Payload>;
    /// Runs what was withdrawn. What it gives is to be announced once the end has been counted.
    fn run_in_place(&self);
    fn identity(&self) -> Identity;
    /// Whether the outcome is there.
    fn is_finished(&self) -> bool;
    /// Waits for the outcome, and leaves it there.
    fn wait(&self);
}

/// The handle's side.
pub(crate) trait Awaited<T>: Withdraw {
    /// Takes the outcome, if it is there.
    fn take(&self) -> Option<Ended<T>>;
    /// Waits for the outcome, and takes it. `None`: it was taken.
    fn join(&self) -> Option<Ended<T>>;
    /// The same, but waits no longer than this. `None`: it has not ended, or was taken.
    fn join_timeout(&self, patience: Duration) -> Option<Ended<T>>;
    /// Takes the outcome, or has the waker called when it is there.
    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Ended<T>>>;
    /// Nobody will ask again: what is there is given out, to be dropped or reported.
    fn detach(&self) -> Option<Ended<T>>;
    /// Whether it runs, and on this thread.
    fn is_running_here(&self) -> bool;
}

/// Makes a task of a closure, and the handle's side of it. Allocates once.
pub(crate) fn completion<F, T>(task: F) -> (Job, Arc<dyn Awaited<T>>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let cell = Arc::new(Completion::new(task));
    let work: Work<F, T, false> = Work(Some(Arc::clone(&cell)));
    (Job::from(Task::ticket(work)), cell)
}

/// The same of a closure that is never to leave as a task (see [`Job::stays`]).
pub(crate) fn staying<F, T>(task: F) -> (Job, Arc<dyn Awaited<T>>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let cell = Arc::new(Completion::new(task));
    let work: Work<F, T, true> = Work(Some(Arc::clone(&cell)));
    (Job::from(Task::ticket(work)), cell)
}

/// The task's side; empty once it was run or dropped.
struct Work<F, T, const STAYS: bool>(Option<Arc<Completion<F, T>>>);

impl<F, T, const STAYS: bool> Once for Work<F, T, STAYS>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    const STAYS: bool = STAYS;

    fn run(mut self) -> Option<Announcement> {
        let cell = self.0.take()?;
        let task = cell.begin(Whose::Fetched)?;
        cell.perform(task);
        Some(cell)
    }

    fn is_void(&self) -> bool {
        self.0.as_ref().is_none_or(|cell| !cell.waits())
    }

    fn identity(&self) -> Identity {
        self.0
            .as_ref()
            .map(|cell| cell.identity)
            .unwrap_or_default()
    }
}

impl<F, T, const STAYS: bool> Drop for Work<F, T, STAYS> {
    fn drop(&mut self) {
        if let Some(cell) = self.0.take() {
            cell.close();
        }
    }
}

impl<F, T> Completion<F, T> {
    fn new(task: F) -> Self {
        Self {
            changes: Changes::default(),
            state: LedgerLock::new(State {
                stage: Stage::Waiting(task),
                waiters: Vec::new(),
                attached: true,
            }),
            identity: Identity::new(),
        }
    }

    /// Whether the closure has not left, nor is about to.
    fn waits(&self) -> bool {
        matches!(self.state.lock().stage, Stage::Waiting(_))
    }

    /// Takes the closure, for this thread to run or drop it; not what is another's.
    fn begin(&self, whose: Whose) -> Option<F> {
        let here = here();
        let mut state = self.state.lock();
        match (mem::replace(&mut state.stage, Stage::Running(here)), whose) {
            (Stage::Waiting(task), Whose::Fetched) | (Stage::Withdrawn(task), Whose::Withdrawn) => {
                Some(task)
            }
            (other, _) => {
                state.stage = other;
                None
            }
        }
    }

    /// Notes the outcome. If nobody will ask for it, it is dropped here; a panic goes on.
    fn end(&self, end: Ended<T>) {
        let mut state = self.state.lock();
        if state.attached {
            state.stage = Stage::Ended(end);
            return;
        }
        state.stage = Stage::Taken;
        drop(state);
        if let Err(TaskError::Panicked(payload)) = end {
            resume_unwind(payload);
        }
    }

    /// Drops the closure; whoever waits learns that it never ran.
    fn close(&self) {
        let Some(task) = self.begin(Whose::Fetched) else {
            return;
        };
        let dropped = contain(|| drop(task));
        self.end(Err(
            dropped.map_or_else(TaskError::Panicked, |()| TaskError::Closed)
        ));
        self.tell();
    }

    /// Lets the outcome be taken, and calls whoever waits for it.
    fn tell(&self) {
        let mut state = self.state.lock();
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Ended(end) => state.stage = Stage::Announced(end),
            other => {
                state.stage = other;
                return;
            }
        }
        self.changes.note();
        let waiters = mem::take(&mut state.waiters);
        drop(state);
        waiters.into_iter().for_each(Waiter::call);
    }

    fn is_settled(&self) -> bool {
        matches!(self.state.lock().stage, Stage::Announced(_) | Stage::Taken)
    }

    /// A token that will be called when the outcome is there; `None` if it is, perhaps after a little
    /// while in which it was to be expected.
    fn listen(&self) -> Option<Arc<Token>> {
        if self.changes.linger(0) {
            return None;
        }
        let token = Arc::new(Token::new());
        let mut state = self.state.lock();
        if let Stage::Announced(_) | Stage::Taken = state.stage {
            return None;
        }
        state.waiters.push(Waiter::Thread(Arc::clone(&token)));
        Some(token)
    }

    fn listen_no_more(&self, token: &Arc<Token>) {
        let other = |it: &Waiter| !matches!(it, Waiter::Thread(it) if Arc::ptr_eq(it, token));
        self.state.lock().waiters.retain(other);
    }
}

impl<F: FnOnce() -> T, T> Completion<F, T> {
    fn perform(&self, task: F) {
        self.end(contain(task).map_err(TaskError::Panicked));
    }
}

impl<F: Send, T: Send> Announce for Completion<F, T> {
    fn announce(&self) {
        self.tell();
    }
}

impl<F, T> Withdraw for Completion<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn withdraw(&self) -> bool {
        let mut state = self.state.lock();
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Waiting(task) => {
                state.stage = Stage::Withdrawn(task);
                true
            }
            other => {
                state.stage = other;
                false
            }
        }
    }

    fn cancel(&self) -> Result<(), Payload> {
        let dropped = contain(|| drop(self.begin(Whose::Withdrawn)));
        self.end(Err(TaskError::Cancelled));
        self.tell();
        dropped
    }

    fn run_in_place(&self) {
        if let Some(task) = self.begin(Whose::Withdrawn) {
            self.perform(task);
        }
    }

    fn identity(&self) -> Identity {
        self.identity
    }

    fn is_finished(&self) -> bool {
        self.is_settled()
    }

    fn wait(&self) {
        if let Some(token) = self.listen() {
            token.wait();
        }
    }
}

impl<F, T> Awaited<T> for Completion<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn take(&self) -> Option<Ended<T>> {
        let mut state = self.state.lock();
        match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Announced(end) => Some(end),
            other => {
                state.stage = other;
                None
            }
        }
    }

    fn join(&self) -> Option<Ended<T>> {
        self.take().or_else(|| {
            self.wait();
            self.take()
        })
    }

    fn join_timeout(&self, patience: Duration) -> Option<Ended<T>> {
        if let Some(token) = self.listen()
            && !token.wait_timeout(patience)
        {
            self.listen_no_more(&token);
        }
        self.take()
    }

    fn poll(&self, context: &mut Context<'_>) -> Poll<Option<Ended<T>>> {
        if self.is_settled() {
            return Poll::Ready(self.take());
        }
        let waker = Waiter::Future(context.waker().clone());
        let mut state = self.state.lock();
        if let Stage::Announced(_) | Stage::Taken = state.stage {
            drop(state);
            return Poll::Ready(self.take());
        }
        let earlier = state
            .waiters
            .iter()
            .position(|it| matches!(it, Waiter::Future(_)));
        let earlier = earlier.map(|at| state.waiters.swap_remove(at));
        state.waiters.push(waker);
        drop(state);
        drop(earlier);
        Poll::Pending
    }

    fn detach(&self) -> Option<Ended<T>> {
        let mut state = self.state.lock();
        state.attached = false;
        let waiters = mem::take(&mut state.waiters);
        let end = match mem::replace(&mut state.stage, Stage::Taken) {
            Stage::Ended(end) | Stage::Announced(end) => Some(end),
            other => {
                state.stage = other;
                None
            }
        };
        drop(state);
        drop(waiters);
        end
    }

    fn is_running_here(&self) -> bool {
        let here = here();
        matches!(self.state.lock().stage, Stage::Running(id) if id.is_some() && id == here)
    }
}

#[cfg(test)]
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod tests;
