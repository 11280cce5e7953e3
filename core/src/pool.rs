//! The pool: a team of threads under a limit.
//!
//! # Invariants
//! H3: the last dropped [`Pool`] quits, and does not wait; its threads share the crew, not the handles.
//! Everything else is the crew's (`team::crew`).

use std::fmt;
use std::io;

use crate::handle::{Handle, LastDrop};
use crate::primitives::Arc;
use crate::start::{Body, Thread};
use crate::task::{Job, Task};
use crate::team::{Crew, Handlers, Request, Statistics, Terms};
use crate::turn;
use crate::worker::{AlreadyQuit, Refused, Worker};

/// A team of threads, which [`pool`] makes.
///
/// Tasks wait in one backlog, in the order in which they were accepted, and each thread fetches its
/// next task from there: none waits behind a task that takes long while a thread has nothing to do.
/// Every call is decided before it returns, on the calling thread, and waits for no task and no
/// thread. Handles are cheap to clone; the last one dropped quits the pool, as [`Pool::quit`] does.
///
/// A thread that finds no task looks out for one for a short time before it sleeps, so that a steady
/// trickle of tasks need not wake it each time; an idle pool sleeps.
pub struct Pool(Handle<Owner>);

/// What the users of a pool share; all else shares the crew.
struct Owner(Arc<Crew>);

impl LastDrop for Owner {
    fn last_handle_dropped(&self) {
        // Nobody has quit it: the answer is yes.
        let _ = self.0.ask(Request::Quit);
    }
}

/// A pool of threads: at most `limit()` of them, each started by `start` when it is first needed.
///
/// The original's `pool`. `limit` is asked at each submit, and each time a thread is wanted for another
/// reason, so it should be quick; 0 is a pause. When it has risen, [`Pool::limit_raised`] puts new
/// threads to work that waits already. A thread that cannot be started is reported, and tried again at
/// the next step. `limit` is dropped with the last handle of the pool, which it must therefore not own.
///
/// ```
/// use std::sync::mpsc;
///
/// # brigade::primitives::example(|| {
/// let pool = brigade::pool(|| 4, |body| brigade::start_thread("worker", body));
/// let (sender, results) = mpsc::channel();
/// for n in 0..10 {
///     let sender = sender.clone();
///     pool.execute(move || sender.send(n * n).unwrap()).unwrap();
/// }
/// drop(sender);
/// assert_eq!(results.iter().sum::<u32>(), 285);
/// pool.quit().unwrap();
/// # });
/// ```
pub fn pool(
    limit: impl Fn() -> usize + Send + Sync + 'static,
    start: impl Fn(Body) -> io::Result<Thread> + Send + Sync + 'static,
) -> Pool {
    pool_with(limit, start, Handlers::new())
}

/// [`pool`] with handlers of your own.
pub fn pool_with(
    limit: impl Fn() -> usize + Send + Sync + 'static,
    start: impl Fn(Body) -> io::Result<Thread> + Send + Sync + 'static,
    handlers: Handlers,
) -> Pool {
    let start = move |body| start(body).map(Some);
    let crew = Crew::new(Terms::asking(Box::new(limit)), Box::new(start), handlers);
    Pool(Handle::new(Owner(Arc::new(crew))))
}

impl Pool {
    fn crew(&self) -> &Arc<Crew> {
        &self.0.0
    }

    fn ask(&self, request: Request) -> Result<(), AlreadyQuit> {
        if self.crew().ask(request) {
            Ok(())
        } else {
            Err(AlreadyQuit)
        }
    }

    /// Accepts a closure or a [`Task`]. `Ok` means that it will be run, or, if it never can be (see
    /// [`Handlers::on_abandoned`]), handed to the owner.
    ///
    /// What the caller did before is visible in the task. Waits for no thread of the pool, but may
    /// start one.
    ///
    /// # Errors
    /// [`Refused`], with the task, after a quit.
    #[inline]
    pub fn execute(&self, task: impl Into<Task>) -> Result<(), Refused> {
        let refused = self.crew().execute(Job::from(task.into()));
        match refused {
            Ok(_) => Ok(()),
            Err(job) => Err(Refused::new(Task::from(job))),
        }
    }

    /// Refuses new work, finishes what was accepted, then ends every thread. Waits for none of that.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if the pool was quit before.
    pub fn quit(&self) -> Result<(), AlreadyQuit> {
        self.0.note_quit();
        self.ask(Request::Quit)
    }

    /// Starts up to `n` threads now, within the limit. `usize::MAX` is as many as that allows.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn grow(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.ask(Request::Grow(n))
    }

    /// Makes `n` threads leave: idle ones now, busy ones when their task has ended, and no more than
    /// there are. The last one stays while work waits. This is no limit: later work may start new ones.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn shrink(&self, n: usize) -> Result<(), AlreadyQuit> {
        self.ask(Request::Shrink(Some(n)))
    }

    /// [`Pool::shrink`] by all threads there are.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn shrink_all(&self) -> Result<(), AlreadyQuit> {
        self.ask(Request::Shrink(None))
    }

    /// Says that the limit has risen: tasks that wait get threads.
    ///
    /// # Errors
    /// [`AlreadyQuit`].
    pub fn limit_raised(&self) -> Result<(), AlreadyQuit> {
        self.ask(Request::Raised)
    }

    /// The numbers as they are. A thread that is on its way to a task that waits counts as busy with
    /// it.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.crew().statistics()
    }
}

impl Clone for Pool {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl Worker for Pool {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        // A team may call this, and the limit that is asked is a user's.
        turn::theirs(|| self.execute(task))
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.quit()
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pool").field(&self.statistics()).finish()
    }
}
