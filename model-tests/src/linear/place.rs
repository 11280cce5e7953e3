//! Where a task runs: inside which call, and on which thread. A sequential object knows neither.
//!
//! Properties: H1 (a thread worker runs all on one thread); L1 (a lock worker's task runs inside the
//! call that gave it, if that was made inside no other), L2 (a nested one inside the outermost call),
//! L4 (a thread holds at most one lock worker); W7 (a lock worker runs the tasks of one thread in the
//! order given).

use super::history::{History, Op, Operation, Ret, operations};
use super::objects::Object;
use super::verdict::NotLinearizable;

/// Judges the places of all runs.
pub(super) fn check(history: &History, objects: &[Object]) -> Result<(), NotLinearizable> {
    let all = operations(history.events());
    let places = Places { all: &all, objects };
    let violation = (0..all.len()).find_map(|at| places.violation(at));
    match violation {
        None => Ok(()),
        Some((property, message, at)) => {
            let several = objects.len() > 1;
            Err(NotLinearizable::new(
                property, message, history, several, at,
            ))
        }
    }
}

struct Places<'a> {
    all: &'a [Operation],
    objects: &'a [Object],
}

/// The property, what happened, and at which event.
type Violation = Option<(&'static str, String, usize)>;

impl Places<'_> {
    fn violation(&self, at: usize) -> Violation {
        let operation = &self.all[at];
        match (self.objects[operation.object], operation.op) {
            (Object::ThreadWorker, Op::Run(task)) => self.moved(operation, task),
            (Object::LockWorker, Op::Run(task)) => self.two_held(at, task),
            (Object::LockWorker, Op::Execute(task)) => {
                let accepted = operation.returned.is_some_and(|(_, ret)| ret == Ret::Ok);
                let outside = || self.outside(at, task);
                accepted.then_some(())?;
                outside().or_else(|| self.overtaken(at, task))
            }
            _ => None,
        }
    }

    /// The calls inside of which this one was made, innermost first.
    fn around(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.all[at].parent, |at| self.all[*at].parent)
    }

    fn is_lock(&self, at: usize) -> bool {
        self.objects[self.all[at].object] == Object::LockWorker
    }

    fn run(&self, object: usize, task: usize) -> Option<&Operation> {
        let runs = |it: &&Operation| it.object == object && it.op == Op::Run(task);
        self.all.iter().find(runs)
    }

    fn moved(&self, run: &Operation, task: usize) -> Violation {
        let first = |it: &&Operation| it.object == run.object && matches!(it.op, Op::Run(_));
        let first = self.all.iter().find(first)?.thread;
        let message = || {
            let thread = run.thread;
            format!("task {task} of a thread worker ran on thread {thread}, others on {first}")
        };
        (run.thread != first).then(|| ("H1", message(), run.call))
    }

    fn two_held(&self, at: usize, task: usize) -> Violation {
        let run = &self.all[at];
        let held = self.around(at).find(|outer| {
            let outer_run = matches!(self.all[*outer].op, Op::Run(_));
            outer_run && self.is_lock(*outer) && self.all[*outer].object != run.object
        })?;
        let other = self.all[held].object;
        let message = format!("task {task} ran while its thread held lock worker {other}");
        Some(("L4", message, run.call))
    }

    /// An accepted task must run inside the outermost call of a lock worker that is open on its
    /// thread, by the time that call has returned.
    fn outside(&self, at: usize, task: usize) -> Violation {
        let execute = &self.all[at];
        let calls = self.around(at).filter(|outer| {
            let execute = matches!(self.all[*outer].op, Op::Execute(_));
            execute && self.is_lock(*outer)
        });
        let outermost = calls.last().unwrap_or(at);
        let outermost_object = self.all[outermost].object;
        let (returned, _) = self.all[outermost].returned?;
        let ran = self.run(execute.object, task);
        let inside = ran.is_some_and(|run| {
            let ended = run.returned.is_some_and(|(ended, _)| ended < returned);
            ended && run.thread == execute.thread
        });
        let property = if outermost == at {
            "L1"
        } else if outermost_object == execute.object {
            "L2"
        } else {
            "L4"
        };
        let message = || {
            let call = if outermost == at {
                "its"
            } else {
                "the outermost"
            };
            format!("accepted task {task} did not run inside {call} call, on its thread")
        };
        (!inside).then(|| (property, message(), returned))
    }

    /// Of two tasks that a thread gave to one worker, the first starts first.
    fn overtaken(&self, at: usize, task: usize) -> Violation {
        let execute = &self.all[at];
        let started = self.run(execute.object, task)?.call;
        self.all[..at].iter().find_map(|earlier| {
            let Op::Execute(other) = earlier.op else {
                return None;
            };
            let same = earlier.object == execute.object && earlier.thread == execute.thread;
            let other_started = self.run(earlier.object, other)?.call;
            let message = || format!("task {task} overtook task {other} of the same thread");
            (same && started < other_started).then(|| ("W7", message(), started))
        })
    }
}
