//! What all threads have of a loop: its handle.
//!
//! # Invariants
//! - H3 does not hold for it: a loop has an owner, and lives with or without handles.

use std::fmt;

use super::call::{Call, LoopClosed};
use super::host::RunOnLoop;
use super::inbox::Inbox;
use super::on_loop::OnLoop;
use crate::contain::contain;
use crate::primitives::Arc;
use crate::task::{Job, Task};
use crate::task_error::TaskError;
use crate::thread_pool::{JoinHandle, Rejected, ResizeError, ThreadPool};
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

/// A handle of an [`EventLoop`](crate::EventLoop), for any thread. Cheap to clone; dropping it changes nothing.
///
/// It is an [`ExclusiveWorker`], so a [`Team`](crate::Team) may be coordinated by a loop.
#[derive(Clone)]
pub struct LoopHandle(pub(super) Arc<Inbox>);

impl LoopHandle {
    /// Has `f` run on the loop's thread, with the proof of being there, and wakes the loop if it sleeps. One
    /// thread's calls are run in the order in which they were made, never inside one another; what came before
    /// this is visible in the call. Never waits for the call. Before the loop runs, its calls wait for that.
    ///
    /// A panic of `f` goes to the loop's panic handler. The original's `callFromThread`.
    ///
    /// # Errors
    /// [`LoopClosed`], with the call, if the loop takes no more.
    ///
    /// ```
    /// use brigade::EventLoop;
    ///
    /// # brigade::primitives::example(|| {
    /// let event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// std::thread::spawn(move || {
    ///     handle.call_from_thread(|on| {
    ///         println!("on the loop's thread");
    ///         on.handle().quit().unwrap();
    ///     })
    /// });
    /// event_loop.run().unwrap();
    /// # });
    /// ```
    pub fn call_from_thread(
        &self,
        f: impl FnOnce(&OnLoop) + Send + 'static,
    ) -> Result<(), LoopClosed<Call>> {
        self.resubmit(Call::new(f))
    }

    /// [`LoopHandle::call_from_thread`] of a call that a loop has handed back.
    ///
    /// # Errors
    /// As there.
    pub fn resubmit(&self, call: Call) -> Result<(), LoopClosed<Call>> {
        self.submit(call.into_task())
            .map_err(|task| LoopClosed(Call::of(task)))
    }

    fn submit(&self, task: Task) -> Result<(), Task> {
        self.0.push(Job::from(task)).map_err(Task::from)
    }

    /// [`LoopHandle::call_from_thread`] of a closure or a [`Task`] that does not look at the loop.
    ///
    /// # Errors
    /// [`Refused`], with the task.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        self.submit(task.into()).map_err(Refused::new)
    }

    /// The loop takes no more calls; those that it has are run, then it ends. Results that are still to come
    /// are not waited for: their callbacks are called with that.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit or stopped before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.quit()
    }

    /// The loop takes no more calls, and ends when the one that it runs has returned. Those that wait are
    /// given back to its owner; whoever waits for one of them is told.
    ///
    /// The original's `reactor.stop`.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was stopped or has ended before. To stop a loop that was quit is no error.
    pub fn stop(&self) -> Result<(), AlreadyQuit> {
        self.0.stop()
    }

    /// Whether the calling thread is the loop's, running or not.
    #[must_use]
    pub fn is_on_loop_thread(&self) -> bool {
        self.0.is_on_its_thread()
    }

    /// The loop's thread pool: of 5 to 10 threads, unless [told](crate::EventLoopBuilder::pool). It has none
    /// before this is first asked for, and none before the loop has begun to run, unless that has a host; what it is
    /// given is run then.
    /// When the loop ends, so does the pool.
    ///
    /// The original's `getThreadPool`.
    #[must_use]
    pub fn thread_pool(&self) -> ThreadPool {
        self.pool().clone()
    }

    fn pool(&self) -> &ThreadPool {
        self.0.pool.get(self.0.object)
    }

    /// The loop's pool may have at most `max` threads from now on, and needs no more than that. This is no use
    /// of the pool. The original's `suggestThreadPoolSize`.
    ///
    /// # Errors
    /// [`ResizeError`]: 0 threads, or the pool has ended.
    pub fn suggest_thread_pool_size(&self, max: usize) -> Result<(), ResizeError> {
        let pool = &self.0.pool;
        pool.unused().resize(pool.least.min(max), max)
    }

    /// Runs a task in the loop's thread pool. The original's `callInThread`.
    ///
    /// # Errors
    /// [`Rejected`], with the task, if the pool takes no more.
    #[track_caller]
    pub fn call_in_thread(&self, task: impl Into<Task>) -> Result<(), Rejected> {
        self.pool().execute(task)
    }

    /// Runs `work` in the loop's thread pool; the handle is a future of its result, for any executor and for
    /// [`OnLoop::spawn`], and can be joined by any thread but the loop's. To have the result called back on the
    /// loop: [`OnLoop::defer_to_thread`]. In another pool: [`ThreadPool::spawn`].
    ///
    /// The original's `deferToThread`.
    ///
    /// # Errors
    /// [`Rejected`], with the task, if the pool takes no more.
    #[track_caller]
    pub fn defer_to_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<T>, Rejected> {
        self.pool().spawn(work)
    }

    /// Runs the calls one after the other, in this order, in one thread of the loop's pool. One that panics
    /// does not keep the next from running: each has its own result. The original's `callMultipleInThread`,
    /// which has none.
    ///
    /// # Errors
    /// [`Rejected`], with a task that runs them all, if the pool takes no more.
    ///
    /// ```
    /// use brigade::EventLoop;
    ///
    /// # brigade::primitives::example(|| {
    /// let event_loop = EventLoop::new();
    /// let calls: Vec<Box<dyn FnOnce() -> u32 + Send>> = vec![Box::new(|| 1), Box::new(|| panic!("no")), Box::new(|| 3)];
    /// let results = event_loop.handle().call_multiple_in_thread(calls).unwrap();
    /// let results = event_loop.run_until(results).unwrap().unwrap();
    /// assert!(matches!(results[..], [Ok(1), Err(_), Ok(3)]));
    /// # });
    /// ```
    #[track_caller]
    pub fn call_multiple_in_thread<T, C>(
        &self,
        calls: C,
    ) -> Result<JoinHandle<Vec<Result<T, TaskError>>>, Rejected>
    where
        T: Send + 'static,
        C: IntoIterator<Item: FnOnce() -> T> + Send + 'static,
    {
        self.pool().spawn(move || {
            let calls = calls.into_iter();
            calls
                .map(|call| contain(call).map_err(TaskError::Panicked))
                .collect()
        })
    }
}

impl Worker for LoopHandle {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl ExclusiveWorker for LoopHandle {}

impl RunOnLoop for LoopHandle {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        self.execute(task)
    }
}

impl fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopHandle").finish_non_exhaustive()
    }
}
