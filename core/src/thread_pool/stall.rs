//! A report when nothing moves although work waits.
//!
//! # State
//! `state`, under a mutex: which tasks run, and how many have begun or ended so far. The keeper compares that
//! number with the one it saw last time, and so the crew's number of tasks done, as a scope's are told to
//! nobody here.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

use super::observe::TaskId;
use crate::contain::quietly;
use crate::primitives::{Arc, Mutex};
use crate::team::Crew;

/// A task that runs while nothing moves.
#[derive(Clone, Copy, Debug)]
pub struct StalledTask {
    /// Which, to an [`Observer`](super::Observer).
    pub id: TaskId,
    /// Where it was submitted.
    pub submitted: &'static Location<'static>,
    /// For how long it has run.
    pub running: Duration,
}

/// Nothing moves: see [`Builder::on_stall`](super::Builder::on_stall).
#[derive(Clone, Debug)]
pub struct StallReport {
    /// The tasks that run, longest first.
    pub tasks: Vec<StalledTask>,
    /// How many tasks wait for a thread.
    pub waiting: usize,
    /// How many threads there are.
    pub threads: usize,
}

impl fmt::Display for StallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} tasks wait and none of {} threads gets on; these run:",
            self.waiting, self.threads
        )?;
        for task in &self.tasks {
            let StalledTask {
                id,
                submitted,
                running,
            } = task;
            write!(f, "\n{id}, submitted at {submitted}, for {running:?}")?;
        }
        Ok(())
    }
}

pub(super) type StallHook = dyn Fn(&StallReport) + Send + Sync;

pub(super) struct Stall {
    after: Duration,
    hook: Box<StallHook>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: BTreeMap<TaskId, (&'static Location<'static>, Instant)>,
    moves: u64,
    /// How many there were when the keeper last looked, and how many tasks were done, if work waited then.
    seen: Option<(u64, usize)>,
}

impl Stall {
    pub(super) fn new(after: Duration, hook: Box<StallHook>) -> Self {
        Self {
            after,
            hook,
            state: Mutex::default(),
        }
    }

    pub(super) fn after(&self) -> Duration {
        self.after
    }

    pub(super) fn began(&self, task: TaskId, submitted: &'static Location<'static>) {
        let mut state = self.state.lock();
        state.moves += 1;
        state.running.insert(task, (submitted, Instant::now()));
    }

    pub(super) fn ended(&self, task: TaskId) {
        let mut state = self.state.lock();
        state.moves += 1;
        state.running.remove(&task);
    }

    /// Looks whether anything has moved since the last time; reports if not, though work waited then and now.
    pub(super) fn look(&self, crew: &Arc<Crew>) {
        let now = crew.statistics();
        // With no thread at all, as before a start, nothing can be in anybody's way.
        let waits = now.backlogged > 0 && now.idle == 0 && now.busy > 0;
        let mut state = self.state.lock();
        let moves = waits.then_some((state.moves, now.done));
        let stalled = moves.is_some() && state.seen == moves;
        state.seen = moves;
        if !stalled {
            return;
        }
        let running = state.running.iter();
        let mut tasks: Vec<StalledTask> = running
            .map(|(id, (submitted, since))| StalledTask {
                id: *id,
                submitted,
                running: since.elapsed(),
            })
            .collect();
        drop(state);
        tasks.sort_by_key(|task| std::cmp::Reverse(task.running));
        let report = StallReport {
            tasks,
            waiting: now.backlogged,
            threads: now.workers(),
        };
        quietly(|| (self.hook)(&report));
    }
}

#[cfg(test)]
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::ThreadPool;

    /// Looked at by hand, and told of no task, as it is of a scope's. It says how many tasks wait.
    fn stall() -> (Stall, mpsc::Receiver<usize>) {
        let (send, reports) = mpsc::channel();
        let hook = move |report: &StallReport| send.send(report.waiting).unwrap();
        (Stall::new(Duration::ZERO, Box::new(hook)), reports)
    }

    fn one_thread() -> ThreadPool {
        ThreadPool::builder().sizes(1, 1).build().unwrap()
    }

    /// Submits a task that says when it begins, and ends when it is told.
    fn held(pool: &ThreadPool) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let (begin, begun) = mpsc::channel();
        let (end, told) = mpsc::channel();
        let task = move || {
            begin.send(()).unwrap();
            told.recv().unwrap();
        };
        pool.execute(task).unwrap();
        (begun, end)
    }

    #[test]
    fn a_pool_that_has_not_started_does_not_stall() {
        let (stall, reports) = stall();
        let pool = one_thread();
        pool.execute(|| ()).unwrap();
        (0..3).for_each(|_| stall.look(pool.crew()));
        assert!(reports.try_recv().is_err());
        assert_eq!(pool.abort().len(), 1);
    }

    #[test]
    fn tasks_of_a_scope_that_end_are_no_stall() {
        let (stall, reports) = stall();
        let pool = one_thread();
        pool.start().unwrap();
        let (first_begun, end_first) = held(&pool);
        first_begun.recv().unwrap();
        let (second_begun, end_second) = held(&pool);
        pool.execute(|| ()).unwrap();

        stall.look(pool.crew());
        end_first.send(()).unwrap();
        second_begun.recv().unwrap();
        stall.look(pool.crew());
        assert!(reports.try_recv().is_err(), "one has ended meanwhile");
        stall.look(pool.crew());
        assert_eq!(reports.try_recv(), Ok(1), "none has since");

        end_second.send(()).unwrap();
        pool.shutdown().unwrap();
    }
}
