//! Results that come back to the loop.
//!
//! # Invariants
//! - E4: a callback is in a [`Deliver`], which the loop drives, and leaves it when it is called: once. At the
//!   latest that is when the `Deliver` is dropped, on the loop's thread. A panic of it is the loop's to report.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::on_loop::OnLoop;
use crate::probe::{Identity, What};
use crate::task::Task;
use crate::task_error::TaskError;
use crate::thread_pool::{JoinHandle, Rejected, ThreadPool};

/// Why a deferred call gave its callback no value.
#[derive(Debug)]
pub enum DeferError {
    /// What became of it in the thread pool.
    Task(TaskError),
    /// The loop ended before it did. It is run all the same, and its value dropped.
    LoopEnded,
}

impl fmt::Display for DeferError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(error) => error.fmt(f),
            Self::LoopEnded => f.write_str("the event loop ended before the deferred call did"),
        }
    }
}

impl Error for DeferError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Task(error) => Some(error),
            Self::LoopEnded => None,
        }
    }
}

/// The pool did not take the work; here is both that and its callback, which was not called.
pub struct NotDeferred<C> {
    /// Why, and the work.
    pub rejected: Rejected,
    /// The callback.
    pub callback: C,
}

impl<C> fmt::Debug for NotDeferred<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NotDeferred").field(&self.rejected).finish()
    }
}

impl<C> fmt::Display for NotDeferred<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nothing was deferred: {}", self.rejected)
    }
}

impl<C> Error for NotDeferred<C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.rejected)
    }
}

impl OnLoop {
    /// Runs `work` in the loop's thread pool, and then `callback` on the loop with what it gave: the value, or
    /// why there is none. The callback need not be `Send`: it never leaves this thread. It is called exactly
    /// once, never inside of this call; if the loop ends before, it is called then, with
    /// [`DeferError::LoopEnded`]. Its panic goes to the loop's panic handler.
    ///
    /// The original's `deferToThread`, with what it would add to the Deferred.
    ///
    /// # Errors
    /// [`NotDeferred`], with both, if the pool or the loop takes no more.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use std::rc::Rc;
    /// use brigade::EventLoop;
    ///
    /// # brigade::primitives::example(|| {
    /// let event_loop = EventLoop::new();
    /// let seen = Rc::new(Cell::new(0)); // confined to this thread by its type
    /// let callback = { let seen = Rc::clone(&seen); move |on: &brigade::OnLoop, value: Result<_, _>| {
    ///     seen.set(value.unwrap());
    ///     on.handle().quit().unwrap();
    /// }};
    /// event_loop.here().defer_to_thread(|| 6 * 7, callback).unwrap();
    /// event_loop.run().unwrap();
    /// assert_eq!(seen.get(), 42);
    /// # });
    /// ```
    #[track_caller]
    pub fn defer_to_thread<T, C>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        callback: C,
    ) -> Result<(), NotDeferred<C>>
    where
        T: Send + 'static,
        C: FnOnce(&Self, Result<T, DeferError>) + 'static,
    {
        let inbox = self.inbox();
        self.defer_to_thread_pool(inbox.pool.get(inbox.object), work, callback)
    }

    /// [`OnLoop::defer_to_thread`] in a pool of your own.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn defer_to_thread_pool<T, C>(
        &self,
        pool: &ThreadPool,
        work: impl FnOnce() -> T + Send + 'static,
        callback: C,
    ) -> Result<(), NotDeferred<C>>
    where
        T: Send + 'static,
        C: FnOnce(&Self, Result<T, DeferError>) + 'static,
    {
        let spawned = if self.is_over() {
            Err(Rejected::Closed(Task::new(|| drop(work()))))
        } else {
            pool.spawn(work)
        };
        let handle = match spawned {
            Ok(handle) => handle,
            Err(rejected) => return Err(NotDeferred { rejected, callback }),
        };
        let identity = Identity::new();
        self.inbox()
            .object
            .tell(|| What::Deferred(identity.number()));
        let deliver = Deliver {
            on: self.clone(),
            handle: Some(handle),
            callback: Some(callback),
            identity,
        };
        self.drive(deliver);
        Ok(())
    }
}

struct Deliver<T, C: FnOnce(&OnLoop, Result<T, DeferError>)> {
    on: OnLoop,
    handle: Option<JoinHandle<T>>,
    callback: Option<C>,
    identity: Identity,
}

impl<T, C: FnOnce(&OnLoop, Result<T, DeferError>)> Unpin for Deliver<T, C> {}

impl<T, C: FnOnce(&OnLoop, Result<T, DeferError>)> Deliver<T, C> {
    fn deliver(&mut self, result: Result<T, DeferError>) {
        if let Some(callback) = self.callback.take() {
            let number = self.identity.number();
            self.on.inbox().object.tell(|| What::Delivered(number));
            callback(&self.on, result);
        }
    }
}

impl<T, C: FnOnce(&OnLoop, Result<T, DeferError>)> Future for Deliver<T, C> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(handle) = &mut self.handle else {
            return Poll::Ready(());
        };
        let Poll::Ready(end) = Pin::new(handle).poll(context) else {
            return Poll::Pending;
        };
        self.handle = None;
        self.deliver(end.map_err(DeferError::Task));
        Poll::Ready(())
    }
}

impl<T, C: FnOnce(&OnLoop, Result<T, DeferError>)> Drop for Deliver<T, C> {
    fn drop(&mut self) {
        let result = match self.handle.take() {
            Some(handle) if handle.is_finished() => handle.join().map_err(DeferError::Task),
            _ => Err(DeferError::LoopEnded),
        };
        self.deliver(result);
    }
}
