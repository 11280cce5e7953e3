//! The thread worker: runs its tasks in order, on one thread of its own.
//!
//! # State
//! The protocol between submitters, quit and the thread is the [`queue`](crate::queue)'s. Here are
//! only the thread's loop and the handle to join it by, in `thread`, which is locked while somebody
//! joins.
//!
//! # Invariants
//! - H1: all tasks run in the one body given to the start policy. H2: after a quit the body drains
//!   the queue and returns, and its thread can be joined. H3: the last dropped handle quits and
//!   does not wait.
//! - W1: a body that is dropped instead of being run, or that is unwound by a broken queue, closes
//!   the queue and drops what is in it, which tells a team; nothing waits for ever.
//! - W8: each task's panic is caught, and the next one runs. W9: tasks run outside the queue's lock.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;

use crate::contain::{PanicHandler, hook_only, quietly, reporting};
use crate::handle::{Handle, LastDrop};
use crate::primitives::{Arc, Mutex, thread};
use crate::probe::What;
use crate::queue::{Queue, SwapQueue};
use crate::start::{Body, Shift, Thread};
use crate::task::Task;
use crate::turn::turn;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

/// What the worker's thread does.
struct Service {
    queue: Arc<dyn Queue>,
    on_panic: PanicHandler,
    batch: VecDeque<Task>,
    ended: bool,
}

impl Shift for Service {
    fn work(mut self: Box<Self>) {
        while self.queue.take(&mut self.batch) {
            while let Some(task) = self.batch.pop_front() {
                let (object, task_number) = (self.queue.object(), task.identity().number());
                turn(|| {
                    object.tell(|| What::Started(task_number));
                    let panicked = reporting(&self.on_panic, || task.run());
                    let task = task_number;
                    object.tell(|| What::Stopped { task, panicked });
                });
            }
        }
        self.ended = true;
    }
}

impl Service {
    fn drop_tasks(&mut self) {
        let object = self.queue.object();
        object.tell(|| What::Closed);
        let _ = self.queue.close();
        loop {
            for task in self.batch.drain(..) {
                let number = task.identity().number();
                object.tell(|| What::Dropped(number));
                reporting(&self.on_panic, || drop(task));
            }
            if !self.queue.take(&mut self.batch) {
                return;
            }
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !self.ended {
            // Quietly, because it may be a queue of the user's whose panic unwinds us.
            quietly(|| self.drop_tasks());
        }
    }
}

/// Runs its tasks in order on one thread.
///
/// The original's `ThreadWorker`: how the thread starts and what the tasks wait in are given to it,
/// so that both can be driven by hand in a test.
///
/// The last handle dropped quits the worker and does not wait for it.
#[derive(Clone)]
pub struct ThreadWorker(Handle<Running>);

struct Running {
    queue: Arc<dyn Queue>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    id: Option<thread::ThreadId>,
}

impl LastDrop for Running {
    fn last_handle_dropped(&self) {
        // Its body may have been dropped; either way it is quit now.
        let _ = self.queue.close();
    }
}

impl ThreadWorker {
    /// Starts a worker on the thread that `start` starts (see [`start_thread`](crate::start_thread)).
    ///
    /// # Errors
    /// That of `start`.
    pub fn new<E>(start: impl FnOnce(Body) -> Result<Thread, E>) -> Result<Self, E> {
        Self::with(start, SwapQueue::new(), hook_only())
    }

    /// [`ThreadWorker::new`] with a queue of your own and a handler for the panics of its tasks.
    ///
    /// # Errors
    /// That of `start`.
    pub fn with<E>(
        start: impl FnOnce(Body) -> Result<Thread, E>,
        queue: impl Queue,
        on_panic: PanicHandler,
    ) -> Result<Self, E> {
        let queue: Arc<dyn Queue> = Arc::new(queue);
        let body = Body::new(Service {
            queue: Arc::clone(&queue),
            on_panic,
            batch: VecDeque::new(),
            ended: false,
        });
        let thread = start(body)?.into_handle();
        Ok(Self(Handle::new(Running {
            queue,
            id: thread.as_ref().map(|handle| handle.thread().id()),
            thread: Mutex::new(thread),
        })))
    }

    /// Accepts a closure or a [`Task`], to be run on the worker's thread. Never blocks for long.
    ///
    /// # Errors
    /// [`Refused`] after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        self.0.queue.push(task.into())
    }

    /// Refuses every later task. Those accepted before run, then the thread ends. Does not wait.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.note_quit();
        self.0.queue.close()
    }

    /// Blocks until the worker's thread has ended, which is some time after a quit. May be called
    /// from any number of threads and any number of times.
    ///
    /// # Errors
    /// [`JoinError`], if this is the worker's own thread, or one that cannot be joined.
    pub fn join(&self) -> Result<(), JoinError> {
        match self.0.id {
            None => return Err(JoinError::Detached),
            Some(id) if id == thread::current().id() => return Err(JoinError::OwnThread),
            Some(_) => {}
        }
        // Held while joining, so that a second joiner waits as well.
        let mut thread = self.0.thread.lock();
        if let Some(thread) = thread.take() {
            // An `Err` is a panic outside of all tasks: in a queue of the user's, or in a body's
            // surroundings in a start policy. Its thread has ended, which is what was asked.
            let _ = thread.join();
        }
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

impl fmt::Debug for ThreadWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThreadWorker").finish_non_exhaustive()
    }
}

/// Why a thread worker cannot be joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// The caller is the worker's own thread, which would wait for itself.
    OwnThread,
    /// The start policy gave no thread to join.
    Detached,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OwnThread => "a thread worker cannot be joined from its own thread",
            Self::Detached => "the worker's thread cannot be joined",
        })
    }
}

impl Error for JoinError {}
