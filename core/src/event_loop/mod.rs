//! The event loop: one thread that owns it and everything on it, and the calls by which all other threads
//! send work there and get results back. A composition, without `unsafe` or atomics.
//!
//! | file | holds |
//! |---|---|
//! | this one | [`EventLoop`], what the owner has |
//! | [`inbox`] | the calls that wait, sleep and wake-up, quit and stop: all that is decided between threads |
//! | [`first_use`] | the loop's pool, and when it starts |
//! | [`on_loop`] | the loop's own side, and the proof of being on its thread |
//! | [`handle`], [`call`], [`blocking`] | the calls from other threads |
//! | [`futures`], [`deferred`] | what the loop drives: futures, and results that come back |
//! | [`confined`] | values that stay on the loop |
//! | [`host`] | loops that people already have |
//! | [`builder`] | how it is made |
//!
//! # Invariants
//! E1, E3 by the inbox; E2 in the blocking calls; E4 in the deferred ones. W6: the loop's thread runs one call at
//! a time.

#![forbid(unsafe_code)]

mod blocking;
mod builder;
mod call;
mod confined;
mod deferred;
mod first_use;
mod futures;
mod handle;
mod host;
mod inbox;
mod on_loop;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

pub use blocking::BlockingCallError;
pub use builder::EventLoopBuilder;
pub use call::{Call, LoopClosed};
pub use confined::{Confined, OpenError};
pub use deferred::{DeferError, NotDeferred};
pub use handle::LoopHandle;
pub use host::RunOnLoop;
pub use on_loop::OnLoop;

use futures::Wakes;
use inbox::Next;
use on_loop::Entered;

use crate::memory::Performed;
use crate::primitives::Arc;
use crate::turn::turn;

/// A loop that is one thread's, and runs there what all threads send it.
///
/// The thread that makes it owns it: it is not `Send`. Others have a [`LoopHandle`]. It runs calls, drives
/// futures, and has a thread pool for what would block it; it knows no timers and no sockets. To have its calls on
/// a loop that knows these, [host](EventLoopBuilder::build_on) it there.
///
/// The original's reactor, as far as threads go.
///
/// ```
/// use brigade::EventLoop;
///
/// # brigade::primitives::example(|| {
/// let event_loop = EventLoop::new();
/// let handle = event_loop.handle();
/// event_loop.here().defer_to_thread(|| "slow".len(), move |on, length| {
///     println!("on the loop again: {}", length.unwrap());
///     on.handle().quit().unwrap();
/// }).unwrap();
/// event_loop.run().unwrap();
/// assert!(handle.call_from_thread(|_| ()).is_err());
/// # });
/// ```
pub struct EventLoop {
    on: OnLoop,
}

/// Why a loop did not run, or not to the end.
#[derive(Debug)]
pub enum RunError {
    /// This thread runs a loop already.
    Nested,
    /// Another loop [hosts](EventLoopBuilder::build_on) this one, and runs its turns.
    Hosted,
    /// It has run, and ended.
    Ended,
    /// It ended before the future did. Here are the calls that waited.
    Stopped(Vec<Call>),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nested => "this thread runs an event loop already",
            Self::Hosted => "the event loop is run by its host",
            Self::Ended => "the event loop has ended",
            Self::Stopped(_) => "the event loop ended before the future did",
        })
    }
}

impl Error for RunError {}

impl EventLoop {
    /// A loop that is this thread's.
    #[must_use]
    pub fn new() -> Self {
        let event_loop = Self::builder().build();
        event_loop.unwrap_or_else(|_| unreachable!("the defaults can be built"))
    }

    /// Makes a loop in a manner of your own.
    pub fn builder() -> EventLoopBuilder {
        EventLoopBuilder::new()
    }

    /// A handle, for any thread.
    #[must_use]
    pub fn handle(&self) -> LoopHandle {
        self.on.handle().clone()
    }

    /// The proof of being on the loop's thread: whoever has the loop is.
    #[must_use]
    pub fn here(&self) -> &OnLoop {
        &self.on
    }

    /// Runs calls, and sleeps while there are none, until the loop is [quit](LoopHandle::quit) or
    /// [stopped](LoopHandle::stop); then ends it, and gives the calls that waited, in order. By then everybody
    /// who waited for one, or for a result, has been told, and the loop's pool has finished its tasks and joined
    /// its threads.
    ///
    /// # Errors
    /// [`RunError`], if this thread runs a loop already, or this one has ended, or has a host.
    pub fn run(&self) -> Result<Vec<Call>, RunError> {
        let entered = self.begin()?;
        while let Some(call) = self.on.inbox().wait() {
            self.on.run(call);
        }
        Ok(self.finish(entered))
    }

    /// Runs the loop until `future` is done, and gives its output; then the loop can be run again. The future
    /// need be neither `Send` nor `'static`.
    ///
    /// # Errors
    /// [`RunError`]; with the calls that waited, if the loop was quit or stopped before.
    ///
    /// # Panics
    /// If the future does.
    ///
    /// ```
    /// use brigade::EventLoop;
    ///
    /// # brigade::primitives::example(|| {
    /// let event_loop = EventLoop::new();
    /// let deferred = event_loop.handle().defer_to_thread(|| 6 * 7).unwrap();
    /// assert_eq!(event_loop.run_until(deferred).unwrap().unwrap(), 42);
    /// # });
    /// ```
    pub fn run_until<F: Future>(&self, future: F) -> Result<F::Output, RunError> {
        let entered = self.begin()?;
        let mut future = pin!(future);
        let inbox = self.on.inbox();
        let wakes = Arc::new(Wakes::root(inbox));
        let waker = Waker::from(Arc::clone(&wakes));
        let mut context = Context::from_waker(&waker);
        let woken = &self.on.0.root_woken;
        loop {
            woken.set(false);
            wakes.rearm();
            if let Poll::Ready(output) = turn(|| future.as_mut().poll(&mut context)) {
                return Ok(output);
            }
            while !woken.get() {
                let Some(call) = inbox.wait() else {
                    return Err(RunError::Stopped(self.finish(entered)));
                };
                self.on.run(call);
            }
        }
    }

    /// Runs the oldest call, if there is one, and never waits: for tests, and for loops of your own.
    ///
    /// [`Performed::Ended`] says that the loop has ended, now or before: whoever waited has been told, and
    /// [`EventLoop::end`] gives back what waited. [`Performed::Busy`] says that this is inside of one of its
    /// calls.
    #[allow(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn step(&self) -> Performed {
        let Some(_entered) = self.on.enter() else {
            return Performed::Busy;
        };
        let inbox = self.on.inbox();
        inbox.pool.begin(inbox.object);
        match inbox.next() {
            Next::Call(call) => {
                self.on.run(call);
                Performed::Ran
            }
            Next::Nothing => Performed::Nothing,
            Next::Over => {
                self.on.finish();
                Performed::Ended
            }
        }
    }

    /// Ends the loop here and now, if it has not ended: as after a [stop](LoopHandle::stop), but nothing is run
    /// any more. Gives back the calls that waited; waits for the loop's pool as [`EventLoop::run`] does.
    #[allow(
        clippy::must_use_candidate,
        reason = "to drop the calls is what many want"
    )]
    pub fn end(self) -> Vec<Call> {
        self.on.finish();
        self.join_pool();
        self.on.take_pending()
    }

    fn begin(&self) -> Result<Entered<'_>, RunError> {
        if self.on.is_over() {
            return Err(RunError::Ended);
        }
        if self.on.inbox().is_hosted() {
            return Err(RunError::Hosted);
        }
        if OnLoop::current().is_some() {
            return Err(RunError::Nested);
        }
        let entered = self.on.enter().ok_or(RunError::Nested)?;
        let inbox = self.on.inbox();
        inbox.pool.begin(inbox.object);
        Ok(entered)
    }

    fn finish(&self, entered: Entered<'_>) -> Vec<Call> {
        self.on.finish();
        drop(entered);
        self.join_pool();
        self.on.take_pending()
    }

    fn join_pool(&self) {
        let pool = self.on.inbox().pool.unused();
        // What waited in a pool that the loop never ran for is abandoned, as the pool was told to. An `Err`: it
        // was quit before.
        let _ = pool.quit();
        // An `Err` says that this thread is one of that pool's, which then ends by itself.
        drop(pool.shutdown());
    }
}

impl Default for EventLoop {
    fn default() -> Self {
        Self::new()
    }
}

/// Ends the loop as [`EventLoop::end`] does, but waits for nothing: the pool ends by itself. Calls that waited are
/// dropped.
impl Drop for EventLoop {
    fn drop(&mut self) {
        self.on.finish();
        self.on.drop_pending();
        self.on.drop_values();
        // An `Err`: it was quit before.
        let _ = self.on.inbox().pool.unused().quit();
        host::forget();
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop").finish_non_exhaustive()
    }
}
