//! Calls that a thread waits for.
//!
//! # Invariants
//! - E2: a call made on the loop's own thread is an error. E3: what the caller waits for is in a job that stays
//!   with the loop, or in a future that it drives: when either is dropped, the caller is told.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;

use super::call::Call;
use super::futures::{Contained, internal};
use super::handle::LoopHandle;
use super::on_loop::OnLoop;
use crate::completion::{Awaited, staying};
use crate::contain::{Payload, contain, message};
use crate::primitives::{Arc, Mutex};
use crate::task::{Job, Task};
use crate::task_error::TaskError;
use crate::thread_pool::blocking;

/// Why a blocking call gave no value.
pub enum BlockingCallError {
    /// The caller is the loop's own thread, which would wait for itself. Here is the call.
    OnLoopThread(Call),
    /// The loop takes no more calls. Here it is.
    Closed(Call),
    /// The loop stopped before the call, or the future that it gave, had ended. It was dropped.
    Stopped,
    /// It panicked, with this. Give it to [`std::panic::resume_unwind`] to panic on.
    Panicked(Payload),
}

impl fmt::Debug for BlockingCallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnLoopThread(_) => "OnLoopThread",
            Self::Closed(_) => "Closed",
            Self::Stopped => "Stopped",
            Self::Panicked(payload) => {
                return f.debug_tuple("Panicked").field(&message(payload)).finish();
            }
        })
    }
}

impl fmt::Display for BlockingCallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnLoopThread(_) => {
                f.write_str("a blocking call on the event loop's own thread would wait for itself")
            }
            Self::Closed(_) => f.write_str("the event loop takes no more calls"),
            Self::Stopped => f.write_str("the event loop stopped before the call had ended"),
            Self::Panicked(payload) => write!(f, "the call panicked: {}", message(payload)),
        }
    }
}

impl Error for BlockingCallError {}

impl LoopHandle {
    /// Runs `f` on the loop's thread, and waits for its value. On a thread of a
    /// [`ThreadPool`](crate::ThreadPool) the wait counts as [`blocking`](crate::blocking()).
    ///
    /// Before the loop runs, this waits until it does. The original's `blockingCallFromThread`, for functions.
    ///
    /// # Errors
    /// [`BlockingCallError`]. Waits for nothing on the loop's own thread, and after its end.
    ///
    /// ```
    /// use brigade::EventLoop;
    ///
    /// # brigade::primitives::example(|| {
    /// let event_loop = EventLoop::new();
    /// let count = event_loop.here().confine(std::cell::Cell::new(41));
    /// let handle = event_loop.handle();
    /// let caller = std::thread::spawn(move || {
    ///     let read = handle.blocking_call_from_thread(move |on| count.open(on).unwrap().get() + 1);
    ///     handle.quit().unwrap();
    ///     read.unwrap()
    /// });
    /// event_loop.run().unwrap();
    /// assert_eq!(caller.join().unwrap(), 42);
    /// # });
    /// ```
    pub fn blocking_call_from_thread<T: Send + 'static>(
        &self,
        f: impl FnOnce(&OnLoop) -> T + Send + 'static,
    ) -> Result<T, BlockingCallError> {
        let (job, awaited) = staying(move || OnLoop::current().map(|on| f(&on)));
        self.wait_for(job, &*awaited)
    }

    /// Runs `f` on the loop's thread, has the loop drive the future that it gives, and waits for that one's
    /// output. The loop goes on meanwhile. Neither the future nor what it holds need be `Send`.
    ///
    /// The original's `blockingCallFromThread`, for functions that return a Deferred.
    ///
    /// # Errors
    /// As [`LoopHandle::blocking_call_from_thread`].
    pub fn blocking_call_from_thread_until<T, F>(
        &self,
        f: impl FnOnce(&OnLoop) -> F + Send + 'static,
    ) -> Result<T, BlockingCallError>
    where
        T: Send + 'static,
        F: Future<Output = T> + 'static,
    {
        let output = Arc::new(Mutex::new(None));
        let (reply, awaited) = staying({
            let output = Arc::clone(&output);
            move || {
                let end: Option<Result<T, Payload>> = output.lock().take();
                // A panic goes on: to who waits, or, if nobody does, to the loop's handler.
                end.map(|end| end.unwrap_or_else(|payload| resume_unwind(payload)))
            }
        });
        let answer = move |end: Result<T, Payload>| {
            *output.lock() = Some(end);
            if let Some(announcement) = reply.run() {
                announcement.announce();
            }
        };
        // In a box, as `f` may be of any size.
        let job = internal(Box::new(move |on: &OnLoop| match contain(|| f(on)) {
            Err(payload) => answer(Err(payload)),
            Ok(future) => {
                on.drive(async move { answer(Contained::new(future).await) });
            }
        }));
        self.wait_for(job, &*awaited)
    }

    /// Waits for what a job of the loop is to answer.
    fn wait_for<T>(
        &self,
        job: Job,
        answer: &dyn Awaited<Option<T>>,
    ) -> Result<T, BlockingCallError> {
        // From now on it is a call like others, that nobody waits for.
        let call = |job| {
            drop(answer.detach());
            let task = Task::from(job);
            Call::of(Task::new(move || task.run()))
        };
        if self.is_on_loop_thread() {
            return Err(BlockingCallError::OnLoopThread(call(job)));
        }
        if let Err(job) = self.0.push(job) {
            return Err(BlockingCallError::Closed(call(job)));
        }
        match blocking(|| answer.join()) {
            Some(Ok(Some(value))) => Ok(value),
            Some(Err(TaskError::Panicked(payload))) => Err(BlockingCallError::Panicked(payload)),
            _ => Err(BlockingCallError::Stopped),
        }
    }
}
