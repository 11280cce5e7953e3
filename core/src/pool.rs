//! The pool: a team of thread workers under a limit.
//!
//! # Invariants
//! T1: the factory below asks the limit each time, with the team's numbers as they then are.

use std::io;

use crate::team::{CreationError, Handlers, Team, TeamLock};
use crate::thread::{Body, Thread, ThreadWorker};
use crate::worker::ExclusiveWorker;

/// What [`pool`] makes.
pub type Pool = Team<TeamLock, ThreadWorker>;

/// A pool of threads: at most `limit()` of them, each started by `start` when it is first needed.
///
/// The original's `pool`. `limit` is asked each time a thread is wanted; 0 is a pause. When it has
/// risen, [`Team::limit_raised`] puts new threads to work that waits already. A thread that cannot be
/// started is reported, and tried again at the next step.
///
/// Its coordinator is a private lock worker, which is waited for even inside a task of another lock
/// worker: its steps wait for nothing of ours, and its lock is held for a few moves at a time.
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
    pool_with(TeamLock::of_one_team(), limit, start, Handlers::new())
}

/// [`pool`] with a coordinator and handlers of your own. With a
/// [`LockWorker`](crate::LockWorker) for coordinator, calls
/// made inside another lock worker's task are carried out only after that task.
pub fn pool_with<C: ExclusiveWorker>(
    coordinator: C,
    limit: impl Fn() -> usize + Send + Sync + 'static,
    start: impl Fn(Body) -> io::Result<Thread> + Send + Sync + 'static,
    handlers: Handlers,
) -> Team<C, ThreadWorker> {
    let factory = move |now: &crate::Statistics| {
        if now.workers() >= limit() {
            return Ok(None);
        }
        ThreadWorker::new(&start)
            .map(Some)
            .map_err(CreationError::from)
    };
    Team::new(coordinator, factory, handlers)
}
