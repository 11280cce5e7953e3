//! The original's thread worker (`twisted._threads._threadworker.ThreadWorker`): a queue, and a marker
//! for the end in it.
//!
//! Ported from Twisted. Copyright (c) 2001-2026 Twisted Matrix Laboratories and others, under the MIT
//! licence; the whole notice stands in `LICENSES/twisted-MIT.txt`.
//!
//! The queue is Python's `queue.Queue`: a put and a get are atomic, and a put notifies. The quit check
//! and the put are two. A task that raises ends the thread: here it is reported, and the loop left,
//! because a thread that unwinds would end an engine's execution.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;

use crate::contain::{PanicHandler, contain, hook_only, quietly};
use crate::primitives::{Arc, Condvar, Mutex, thread};
use crate::queue::{Queue, SwapQueue};
use crate::quit::Quit;
use crate::start::{Body, Shift, Thread};
use crate::task::Task;
use crate::turn::turn;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

/// `queue.Queue`; `None` is the marker.
#[derive(Default)]
struct Entries {
    entries: Mutex<VecDeque<Option<Task>>>,
    not_empty: Condvar,
}

impl Entries {
    fn put(&self, entry: Option<Task>) {
        let mut entries = self.entries.lock();
        entries.push_back(entry);
        self.not_empty.notify_one();
    }

    fn get(&self) -> Option<Task> {
        let mut entries = self.entries.lock();
        loop {
            if let Some(entry) = entries.pop_front() {
                return entry;
            }
            entries = self.not_empty.wait(entries);
        }
    }
}

/// What the thread of a thread worker has to run.
struct Service {
    queue: Arc<Entries>,
    on_panic: PanicHandler,
}

impl Shift for Service {
    /// Runs the worker's tasks until the marker comes, or one panics.
    fn work(self: Box<Self>) {
        while let Some(task) = self.queue.get() {
            if let Err(payload) = turn(|| contain(|| task.run())) {
                quietly(|| (self.on_panic)(payload));
                return;
            }
        }
    }
}

/// Runs its tasks in order on one thread.
#[derive(Clone)]
pub struct ThreadWorker(Arc<Running>);

struct Running {
    has_quit: Quit,
    queue: Arc<Entries>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

impl ThreadWorker {
    /// Starts a worker on the thread that `start` starts.
    ///
    /// # Errors
    /// That of `start`.
    pub fn new<E>(start: impl FnOnce(Body) -> Result<Thread, E>) -> Result<Self, E> {
        Self::with(start, SwapQueue::new(), hook_only())
    }

    /// The same; the queue is the original's, whatever is given.
    ///
    /// # Errors
    /// That of `start`.
    pub fn with<E>(
        start: impl FnOnce(Body) -> Result<Thread, E>,
        _queue: impl Queue,
        on_panic: PanicHandler,
    ) -> Result<Self, E> {
        let queue = Arc::new(Entries::default());
        let body = Body::new(Service {
            queue: Arc::clone(&queue),
            on_panic,
        });
        let thread = start(body)?.into_handle();
        Ok(Self(Arc::new(Running {
            has_quit: Quit::new(),
            queue,
            thread: Mutex::new(thread),
        })))
    }

    /// Puts a task into the queue, if the flag is not set.
    ///
    /// # Errors
    /// [`Refused`] after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let task = task.into();
        if self.0.has_quit.is_set() {
            return Err(Refused::new(task));
        }
        self.0.queue.put(Some(task));
        Ok(())
    }

    /// Sets the flag, and puts the marker into the queue.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.has_quit.set()?;
        self.0.queue.put(None);
        Ok(())
    }

    /// Blocks until the worker's thread has ended; the original cannot be joined.
    ///
    /// # Errors
    /// [`JoinError`], if it cannot be joined.
    pub fn join(&self) -> Result<(), JoinError> {
        let mut thread = self.0.thread.lock();
        let thread = thread.take().ok_or(JoinError::Detached)?;
        // An `Err` is a panic of the start policy.
        let _ = thread.join();
        Ok(())
    }
}

impl Worker for ThreadWorker {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl ExclusiveWorker for ThreadWorker {}

/// Why a thread worker cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// The caller is the worker's own thread.
    OwnThread,
    /// The start policy gave no thread to join.
    Detached,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the worker's thread cannot be joined")
    }
}

impl Error for JoinError {}
