//! The original's lock worker (`twisted._threads._threadworker.LockWorker`): a lock, and a list of each
//! thread for what is submitted while it works.
//!
//! Ported from Twisted. Copyright (c) 2001-2026 Twisted Matrix Laboratories and others, under the MIT
//! licence; the whole notice stands in `LICENSES/twisted-MIT.txt`.
//!
//! What a task raises goes to whoever called, after the lock is released and the list forgotten, with
//! all that is in it. Here it goes to the panic handler, because a thread that unwinds would end an
//! engine's execution; what is forgotten is the same.

use std::cell::RefCell;
use std::collections::VecDeque;

use crate::contain::{PanicHandler, contain, hook_only, quietly};
use crate::primitives::{Arc, Mutex, thread_local};
use crate::quit::Quit;
use crate::task::Task;
use crate::worker::{AlreadyQuit, ExclusiveWorker, Refused, Worker};

thread_local! {
    /// `local.working` of each lock worker that this thread works for, by the worker's address.
    static WORKING: RefCell<Vec<(usize, VecDeque<Task>)>> = RefCell::new(Vec::new());
}

/// Runs each task on the thread that submits it, under mutual exclusion.
#[derive(Clone)]
pub struct LockWorker(Arc<Lock>);

struct Lock {
    quit: Quit,
    on_panic: PanicHandler,
    lock: Mutex<()>,
}

impl Lock {
    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    /// Appends to this thread's list, if it works for this worker.
    fn append(&self, task: Task) -> Option<Task> {
        WORKING.with(|working| {
            let mut working = working.borrow_mut();
            let own = working.iter_mut().find(|(of, _)| *of == self.address());
            match own {
                Some((_, list)) => {
                    list.push_back(task);
                    None
                }
                None => Some(task),
            }
        })
    }

    fn pop(&self) -> Option<Task> {
        WORKING.with(|working| {
            let mut working = working.borrow_mut();
            let own = working.iter_mut().find(|(of, _)| *of == self.address());
            own.and_then(|(_, list)| list.pop_front())
        })
    }

    fn work(&self, task: Task) {
        let list = VecDeque::from([task]);
        WORKING.with(|working| working.borrow_mut().push((self.address(), list)));
        let lock = self.lock.lock();
        let worked = contain(|| {
            while let Some(task) = self.pop() {
                task.run();
            }
        });
        drop(lock);
        let forgotten = WORKING.with(|working| {
            let mut working = working.borrow_mut();
            let own = working.iter().position(|(of, _)| *of == self.address());
            own.map(|at| working.remove(at))
        });
        drop(forgotten);
        if let Err(payload) = worked {
            quietly(|| (self.on_panic)(payload));
        }
    }
}

impl LockWorker {
    /// A lock worker.
    #[must_use]
    pub fn new() -> Self {
        Self::with_panic_handler(hook_only())
    }

    /// A lock worker with a handler for the panics of its tasks.
    #[must_use]
    pub fn with_panic_handler(on_panic: PanicHandler) -> Self {
        Self(Arc::new(Lock {
            quit: Quit::new(),
            on_panic,
            lock: Mutex::new(()),
        }))
    }

    /// Runs a task under the lock, or leaves it to this thread's outer call of the same worker.
    ///
    /// # Errors
    /// [`Refused`] after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let task = task.into();
        if self.0.quit.is_set() {
            return Err(Refused::new(task));
        }
        if let Some(task) = self.0.append(task) {
            self.0.work(task);
        }
        Ok(())
    }

    /// Refuses later tasks.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.quit.set()
    }
}

impl Default for LockWorker {
    fn default() -> Self {
        Self::new()
    }
}

impl Worker for LockWorker {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl ExclusiveWorker for LockWorker {}
