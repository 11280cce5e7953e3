//! The error: which property broke, at which event, and the history drawn.
//!
//! If no order explains a history, then there is a first event by which none did any more: up to it
//! the answers could have come from the object, with it they could not. That event is named, and the
//! property is the one that it concerns.

use std::error::Error;
use std::fmt;

use super::history::{Event, History, Op, Operation, Ret, operations};
use super::lanes;
use super::objects::Object;
use super::steps::steps;

/// No order of the calls explains the answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotLinearizable {
    property: &'static str,
    message: String,
    lanes: String,
}

impl NotLinearizable {
    pub(super) fn new(
        property: &'static str,
        message: String,
        history: &History,
        several: bool,
        event: usize,
    ) -> Self {
        Self {
            property,
            message,
            lanes: lanes::draw(history, several, event),
        }
    }

    /// The id of the property that broke.
    #[must_use]
    pub fn property(&self) -> &'static str {
        self.property
    }
}

impl fmt::Display for NotLinearizable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.property, self.message)?;
        f.write_str(&self.lanes)
    }
}

impl Error for NotLinearizable {}

/// Why no order explains the calls that were made to this object.
pub(super) fn unexplained(history: &History, number: usize, object: Object) -> NotLinearizable {
    let events = history.events();
    let several = events
        .iter()
        .any(|event| matches!(event, Event::Call { object, .. } if *object > 0));
    let explained = |end: usize| object.explains(&steps(&events[..end], number), false);
    if explained(events.len()) {
        let message = lost(history, number);
        let last = events.len().saturating_sub(1);
        return NotLinearizable::new("W1", message, history, several, last);
    }
    // What no order explains is not explained by adding events: so the first end is found by halves.
    let ends: Vec<usize> = (1..=events.len()).collect();
    let end = ends[ends.partition_point(|end| explained(*end))];
    let mut past = operations(&events[..end]);
    let ended = |it: &Operation| it.returned.is_some_and(|(at, _)| at == end - 1);
    let at = past.iter().position(ended).unwrap_or(past.len() - 1);
    let culprit = past[at];
    past.retain(|it| it.object == number);
    let mut what = lanes::call(culprit.op);
    if let Some((_, ret)) = culprit.returned {
        what = format!("{what} → {}", lanes::answer(ret));
    }
    let message = format!("a {} cannot: {what}", object.name());
    NotLinearizable::new(
        property(object, &past, &culprit),
        message,
        history,
        several,
        end - 1,
    )
}

fn lost(history: &History, number: usize) -> String {
    let mut all = operations(history.events());
    all.retain(|it| it.object == number);
    let ended = |task: usize| {
        all.iter().any(|it| match it.op {
            Op::Run(other) => other == task && it.returned.is_some(),
            Op::Abandoned(other) => other == task,
            _ => false,
        })
    };
    let accepted = all
        .iter()
        .filter(|it| it.returned.is_some_and(|(_, ret)| ret == Ret::Ok));
    let lost: Vec<String> = accepted
        .filter_map(|it| match it.op {
            Op::Execute(task) if !ended(task) => Some(task.to_string()),
            _ => None,
        })
        .collect();
    if lost.is_empty() {
        return "the history finished while something was under way".into();
    }
    format!("accepted and never ended: task {}", lost.join(", "))
}

/// The property that the last event of the past concerns.
fn property(object: Object, past: &[Operation], culprit: &Operation) -> &'static str {
    let some = |which: &dyn Fn(&Operation) -> bool| past.iter().any(which);
    let started = |task| some(&|it: &Operation| it.op == Op::Run(task) && it.call < culprit.call);
    let ret = culprit.returned.map(|(_, ret)| ret);
    match (culprit.op, ret) {
        (Op::Execute(task), Some(Ret::Refused)) if some(&|it| it.op == Op::Run(task)) => "W2",
        (Op::Quit, Some(Ret::Ok)) => {
            let won = |it: &Operation| {
                let ok = it.returned.is_some_and(|(_, ret)| ret == Ret::Ok);
                it.op == Op::Quit && ok && it.call != culprit.call
            };
            if some(&won) { "W3" } else { "W4" }
        }
        (Op::Quit, _) => "W3",
        (Op::Run(task), None) => {
            let given = |it: &Operation| it.op == Op::Execute(task);
            let refused = |it: &Operation| {
                given(it) && it.returned.is_some_and(|(_, ret)| ret == Ret::Refused)
            };
            let abandoned = |it: &Operation| it.op == Op::Abandoned(task);
            if some(&refused) {
                "W2"
            } else if started(task) || some(&abandoned) || !some(&given) {
                "W1"
            } else {
                untimely(object, past, culprit)
            }
        }
        (Op::Run(_), Some(_)) => "W1",
        (Op::Perform, Some(Ret::Ended)) => "M2",
        (Op::Perform, _) => "M1",
        (Op::DropPerformer, _) => "M2",
        (Op::Abandoned(_), _) => "T7",
        (Op::Statistics, Some(Ret::Numbers(now))) if crowded(object, now.idle + now.busy) => "T1",
        (Op::Statistics, Some(Ret::Numbers(now))) if now.idle > 0 && now.backlogged > 0 => "T3",
        (Op::Statistics, _) => "T2",
        (Op::Clone | Op::DropHandle, _) => "H3",
        _ => "W4",
    }
}

/// Whether a team has more workers than it may have.
fn crowded(object: Object, workers: usize) -> bool {
    matches!(object, Object::Team { limit, .. } if workers > limit)
}

/// What a task breaks that starts, for the first time, when it may not.
fn untimely(object: Object, past: &[Operation], culprit: &Operation) -> &'static str {
    let running = |it: &&Operation| {
        matches!(it.op, Op::Run(_)) && it.returned.is_none() && it.call != culprit.call
    };
    let running = past.iter().filter(running).count();
    match object {
        Object::Team { limit, .. } if running >= limit => "T1",
        Object::Team { .. } => "T4",
        _ if running > 0 => "W6",
        Object::MemoryWorker => "M1",
        _ => "W7",
    }
}
