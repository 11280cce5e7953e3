//! When each thing that a history tells of may have taken effect.
//!
//! A step takes effect at one moment of its window. A call is one step, whose window is the call. The
//! run of a task is two, with windows of no length. A `perform` that ran a task is two: it took the
//! task before the task started, and let go of the worker after the task ended.

use std::collections::HashMap;

use super::history::{Event, Op, Operation, Ret, operations};

/// What takes effect. Tasks are numbered from 0 in the order in which the object meets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Action {
    /// A call, and what it returned, if it did.
    Call(Op, Option<Ret>),
    /// A `perform` takes the task.
    Take(usize),
    /// The task starts.
    Start(usize),
    /// The task ends.
    End(usize),
    /// The `perform` that ran the task lets go of the worker.
    Release(usize),
}

/// An action, and its window, in positions of events.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) action: Action,
    pub(super) from: usize,
    /// `None` if the call has not returned: then the step may as well not have been taken.
    pub(super) to: Option<usize>,
}

/// The steps of one object, those that must be over first coming first.
pub(super) fn steps(events: &[Event], object: usize) -> Vec<Step> {
    let all = operations(events);
    let mut tasks = Tasks::default();
    let mut steps = Vec::new();
    for (at, operation) in all.iter().enumerate() {
        if operation.object == object {
            add(&mut steps, &mut tasks, operation, run_in(&all, at));
        }
    }
    steps.sort_by_key(|step: &Step| step.to.unwrap_or(usize::MAX));
    steps
}

/// The first run of a task of the same object directly inside this call.
fn run_in(all: &[Operation], call: usize) -> Option<&Operation> {
    let object = all[call].object;
    all[call..]
        .iter()
        .find(|it| it.parent == Some(call) && it.object == object && matches!(it.op, Op::Run(_)))
}

fn add(steps: &mut Vec<Step>, tasks: &mut Tasks, of: &Operation, run: Option<&Operation>) {
    let mut step = |action, from, to| steps.push(Step { action, from, to });
    let returned = of.returned.map(|(at, _)| at);
    match (of.op, of.returned.map(|(_, ret)| ret), run) {
        (Op::Run(task), ..) => {
            let task = tasks.number(task);
            step(Action::Start(task), of.call, Some(of.call));
            if returned.is_some() {
                step(Action::End(task), returned.unwrap_or(of.call), returned);
            }
        }
        (Op::Abandoned(task), ..) => {
            let op = Op::Abandoned(tasks.number(task));
            step(Action::Call(op, Some(Ret::Done)), of.call, Some(of.call));
        }
        (Op::Perform, ret, Some(run)) if ret.is_none_or(|ret| Some(ret) == ran(run)) => {
            let Op::Run(task) = run.op else { return };
            let task = tasks.number(task);
            step(Action::Take(task), of.call, Some(run.call));
            if let Some((ended, _)) = run.returned {
                step(Action::Release(task), ended, returned);
            }
        }
        (op, ret, _) => {
            let op = match op {
                Op::Execute(task) => Op::Execute(tasks.number(task)),
                other => other,
            };
            step(Action::Call(op, ret), of.call, returned);
        }
    }
}

fn ran(run: &Operation) -> Option<Ret> {
    match run.op {
        Op::Run(task) => Some(Ret::Ran(task)),
        _ => None,
    }
}

#[derive(Default)]
struct Tasks(HashMap<usize, usize>);

impl Tasks {
    fn number(&mut self, task: usize) -> usize {
        let next = self.0.len();
        *self.0.entry(task).or_insert(next)
    }
}
