//! A history, drawn: one lane for each thread and depth of nesting, time from left to right.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::history::{History, Op, Operation, Ret, operations};

/// The lanes of `history`, one a line; the call that the event at `marked` belongs to is marked.
/// `objects`: whether to say which object is called.
pub(super) fn draw(history: &History, objects: bool, marked: usize) -> String {
    let all = operations(history.events());
    let label = |operation: &Operation| {
        let returned = operation.returned.map(|(at, _)| at);
        let mark = operation.call == marked || returned == Some(marked);
        label(operation, objects, mark)
    };
    let columns = columns(history, &all, &label);
    let mut lanes: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for operation in &all {
        let lane = lanes
            .entry((operation.thread, operation.depth))
            .or_default();
        let from = columns[operation.call];
        pad(lane, ' ', from);
        lane.push('[');
        lane.push_str(&label(operation));
        match operation.returned {
            Some((at, _)) => {
                pad(lane, ' ', columns[at]);
                lane.push(']');
            }
            None => lane.push('…'),
        }
    }
    let mut drawn = String::new();
    for ((thread, depth), lane) in lanes {
        let name = match depth {
            0 => format!("thread {thread}"),
            _ => format!("  inside {depth}"),
        };
        writeln!(drawn, "{name:<10} {lane}").expect("a string takes all");
    }
    drawn
}

fn pad(lane: &mut String, with: char, to: usize) {
    let length = lane.chars().count();
    lane.extend(std::iter::repeat_n(with, to.saturating_sub(length)));
}

/// Where each event stands: in order, and with room for each call's label.
fn columns(
    history: &History,
    all: &[Operation],
    label: &dyn Fn(&Operation) -> String,
) -> Vec<usize> {
    let mut columns = Vec::new();
    let mut next = 0;
    for at in 0..history.events().len() {
        let ending = all
            .iter()
            .find(|it| it.returned.is_some_and(|it| it.0 == at));
        if let Some(call) = ending {
            next = next.max(columns[call.call] + 1 + label(call).chars().count());
        }
        // An open call's label is over before the next event: nothing follows it on its lane.
        columns.push(next);
        next += 1;
    }
    columns
}

fn label(operation: &Operation, objects: bool, mark: bool) -> String {
    let mut label = if mark { "!! ".into() } else { String::new() };
    label.push_str(&call(operation.op));
    if objects {
        write!(label, " at {}", operation.object).expect("a string takes all");
    }
    match operation.returned {
        None | Some((_, Ret::Done)) => {}
        Some((_, ret)) => write!(label, " → {}", answer(ret)).expect("a string takes all"),
    }
    label
}

/// A call, in words.
pub(super) fn call(op: Op) -> String {
    match op {
        Op::Execute(task) => format!("execute {task}"),
        Op::Quit => "quit".into(),
        Op::IsSet => "is_set".into(),
        Op::Perform => "perform".into(),
        Op::Run(task) => format!("run {task}"),
        Op::Grow(n) => format!("grow {n}"),
        Op::Shrink(Some(n)) => format!("shrink {n}"),
        Op::Shrink(None) => "shrink all".into(),
        Op::LimitRaised => "limit_raised".into(),
        Op::Abandoned(task) => format!("abandoned {task}"),
        Op::Statistics => "statistics".into(),
        Op::DropPerformer => "drop performer".into(),
        Op::Clone => "clone".into(),
        Op::DropHandle => "drop handle".into(),
    }
}

/// An answer, in words.
pub(super) fn answer(ret: Ret) -> String {
    match ret {
        Ret::Ran(task) => format!("ran {task}"),
        Ret::Set(set) => set.to_string(),
        Ret::Numbers(now) => format!(
            "{} accepted = {} in flight + {} backlogged + {} busy + {} done + {} abandoned; {} idle",
            now.accepted,
            now.in_flight,
            now.backlogged,
            now.busy,
            now.done,
            now.abandoned,
            now.idle
        ),
        other => format!("{other:?}"),
    }
}
