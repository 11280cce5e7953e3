//! The search for an order of steps that a sequential object agrees to.
//!
//! Depth first (Wing and Gong), and no pair of *steps taken* and *state* is tried twice (Lowe): two
//! orders of the same steps that lead to the same state have the same future. Where an object runs
//! tasks in the order in which it accepted them, the order of the starts is that of the acceptances.

use std::collections::HashSet;
use std::hash::Hash;

use super::history::Op;
use super::steps::{Action, Step};

/// An object to which one thing happens at a time.
pub(super) trait Sequential: Clone + Eq + Hash {
    /// Takes the action, if it can happen now with the answer it had. If it cannot, what is left of
    /// the object means nothing.
    fn take(&mut self, action: Action) -> bool;

    /// Whether the object may be left like this for ever.
    fn is_settled(&self) -> bool;

    /// Whether tasks start in the order in which they were accepted. It only spares the search the
    /// orders that [`Sequential::take`] would turn down later, at the first start.
    fn is_in_order(&self) -> bool {
        false
    }
}

/// The steps, as bits.
type Bits = u128;

struct Search<'a, S> {
    steps: &'a [Step],
    /// For each step, those that were over before it began.
    before: Vec<Bits>,
    required: Bits,
    settled: bool,
    /// From where no order was found.
    hopeless: HashSet<(Bits, S)>,
}

/// Whether `object` agrees to an order of the steps in which each lies in its window; if `settled`,
/// one after which it may be left.
pub(super) fn explains<S: Sequential>(object: &S, steps: &[Step], settled: bool) -> bool {
    assert!(
        steps.len() <= Bits::BITS as usize,
        "a history of at most {} steps",
        Bits::BITS
    );
    let bits = |which: &dyn Fn(&Step) -> bool| {
        let those = steps.iter().enumerate().filter(|(_, step)| which(step));
        those.fold(0, |bits, (at, _)| bits | 1 << at)
    };
    let mut search = Search {
        steps,
        before: steps
            .iter()
            .map(|step| {
                let over = |other: &Step| other.to.is_some_and(|to| to < step.from);
                let earlier = |other: &Step| object.is_in_order() && ahead(steps, other, step);
                bits(&|other| over(other) || earlier(other))
            })
            .collect(),
        required: bits(&|step| step.to.is_some()),
        settled,
        hopeless: HashSet::new(),
    };
    search.from(0, object)
}

/// Whether both steps accept a task, and that of the first starts first, or alone.
fn ahead(steps: &[Step], first: &Step, second: &Step) -> bool {
    let started = |step: &Step| {
        let Action::Call(Op::Execute(task), _) = step.action else {
            return None;
        };
        let ends = steps.iter().find_map(|other| match other.action {
            Action::Start(other_task) if other_task == task => Some(Some(other.from)),
            // It need not start, so it may have been accepted anywhere.
            Action::Call(Op::Abandoned(other_task), _) if other_task == task => Some(None),
            _ => None,
        });
        ends.unwrap_or(Some(usize::MAX))
    };
    match (started(first), started(second)) {
        (Some(first), Some(second)) => first < second,
        _ => false,
    }
}

impl<S: Sequential> Search<'_, S> {
    fn from(&mut self, taken: Bits, state: &S) -> bool {
        if taken & self.required == self.required && (!self.settled || state.is_settled()) {
            return true;
        }
        let here = (taken, state.clone());
        if self.hopeless.contains(&here) {
            return false;
        }
        for at in 0..self.steps.len() {
            let bit = 1 << at;
            if taken & bit != 0 || self.before[at] & !taken != 0 {
                continue;
            }
            let mut next = state.clone();
            if next.take(self.steps[at].action) && self.from(taken | bit, &next) {
                return true;
            }
        }
        self.hopeless.insert(here);
        false
    }
}
