//! The lock worker: runs each task on the thread that submits it, with a lock held.
//!
//! # State
//! `quit` is set once, by any thread. `lock` is held by the thread that runs a task; which lock
//! workers a thread holds is noted in its [`turn`].
//!
//! | the calling thread | `execute` |
//! |---|---|
//! | holds no lock worker | waits for the lock, runs the task, releases the lock, and carries out what was left for later |
//! | is inside a task of this or another lock worker | leaves the task for later, and returns |
//!
//! # Invariants
//! - L1: the outermost call returns after its task and all that was nested in it. L2: a nested call
//!   returns at once; its task runs before the outermost call returns.
//! - L3: the quit check is the moment of acceptance: what was accepted runs, whoever quits when.
//! - L4: a thread waits for a lock worker only if it holds none, so no ring of lock workers can
//!   deadlock. The price: a nested call returns before its task ran. (The lock of a team or a pool is
//!   waited for all the same; see `team::team_lock`.)
//! - W4: acceptance is one read of the latest `quit`. W6: tasks run with `lock` held. W7: a caller's
//!   tasks run at once, or are left for later in one first-in-first-out list.
//! - W8: a panic is caught inside the lock, and what is queued behind it runs. W9: the lock held
//!   while a task runs is this worker's own purpose; there is no other.
//!
//! Why L2 does not keep the lock from one nested task to the next: another thread may then get in
//! between, which breaks no law, and one list with one rule is easier to audit than two.

use std::fmt;

use crate::contain::{PanicHandler, hook_only, reporting};
use crate::handle::{Counted, Handle, LastDrop};
use crate::primitives::Mutex;
use crate::probe::{Kind, Object, What};
use crate::quit::Quit;
use crate::task::Task;
use crate::turn::{self, Exclusion, Later};
use crate::worker::{AlreadyQuit, ExclusiveWorker, Now, Refused, Worker};

/// Runs each task on the thread that submits it, under mutual exclusion.
///
/// The original's `LockWorker`. From a thread that is inside no lock worker's task, `execute` waits
/// for the lock, and returns after the task and everything nested in it. From inside a task of this
/// or **any other** lock worker, `execute` only accepts, and returns **before** the task ran; it
/// runs before the outermost call returns. So lock workers cannot deadlock each other.
///
/// ```
/// use brigade::LockWorker;
///
/// # brigade::primitives::example(|| {
/// let worker = LockWorker::new();
/// let inner = worker.clone();
/// worker
///     .execute(move || {
///         // Accepted, and run when this task is done.
///         inner.execute(|| println!("second")).unwrap();
///         println!("first");
///     })
///     .unwrap();
/// # });
/// ```
#[derive(Clone)]
pub struct LockWorker(Handle<Lock>);

struct Lock {
    quit: Quit,
    on_panic: PanicHandler,
    lock: Mutex<()>,
    object: Object,
}

impl LastDrop for Lock {
    fn last_handle_dropped(&self) {
        // Nobody has quit it: the answer is `Ok`.
        let _ = self.quit();
    }
}

impl Lock {
    fn run(&self, task: Task) {
        let number = task.identity().number();
        self.exclusively(Some(number), || task.run());
    }

    /// `number`: of the task that is run, if it is one.
    fn exclusively(&self, number: Option<usize>, run: impl FnOnce()) {
        let _lock = self.lock.lock();
        if let Some(number) = number {
            self.object.tell(|| What::Started(number));
        }
        turn::holding(|| {
            let panicked = turn::theirs(|| reporting(&self.on_panic, run));
            if let Some(task) = number {
                self.object.tell(|| What::Stopped { task, panicked });
            }
        });
    }

    fn quit(&self) -> Result<(), AlreadyQuit> {
        let answer = self.quit.set();
        let won = answer.is_ok();
        self.object.tell(|| What::Quit { won });
        answer
    }
}

impl Exclusion for Counted<Lock> {
    fn run(&self, task: Task) {
        Lock::run(self, task);
    }
}

impl LockWorker {
    /// A lock worker whose tasks' panics are reported by the process's panic hook alone.
    #[must_use]
    pub fn new() -> Self {
        Self::with_panic_handler(hook_only())
    }

    /// A lock worker with a handler for the panics of its tasks.
    #[must_use]
    pub fn with_panic_handler(on_panic: PanicHandler) -> Self {
        Self(Handle::new(Lock {
            quit: Quit::new(),
            on_panic,
            lock: Mutex::new(()),
            object: Object::of(Kind::Lock),
        }))
    }

    /// Runs a closure or a [`Task`] under the lock: before this returns, or, if this thread is
    /// inside a lock worker's task, before the outermost such call returns.
    ///
    /// A panic of the task goes to the panic handler, not to the caller.
    ///
    /// # Errors
    /// [`Refused`] after a quit.
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let task = task.into();
        let (object, number) = (self.0.object, task.identity().number());
        if self.0.quit.is_set() {
            object.tell(|| What::Refused(number));
            return Err(Refused::new(task));
        }
        object.tell(|| What::Accepted(number));
        turn::open(|| {
            if turn::may_wait() {
                self.0.run(task);
                return;
            }
            let call = Later {
                lock: self.0.shared().clone(),
                task,
            };
            if let Err(call) = turn::later(call) {
                // No list, so nothing is known to be held either: see `turn`.
                call.run();
            }
        });
        object.tell(|| What::Returned(number));
        Ok(())
    }

    /// Refuses every later task. Those accepted before run.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.note_quit();
        self.0.quit()
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

impl ExclusiveWorker for LockWorker {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        if !turn::may_wait() {
            return Now::Queue;
        }
        // What is not seen yet is not ordered before this step; the one who asks, a team, has its own
        // cut, and quits its coordinator when nobody is left to ask.
        if self.0.quit.is_seen() {
            return Now::Refused;
        }
        turn::open(|| self.0.exclusively(None, step));
        Now::Ran
    }
}

impl fmt::Debug for LockWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LockWorker").finish_non_exhaustive()
    }
}
