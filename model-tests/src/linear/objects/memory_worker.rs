//! The memory worker: a queue, and at most one `perform` at work.
//!
//! Properties: W1, W4, M1 (the oldest task, one per call, and it says so), M2 (after a quit it drains,
//! then says no; dropping the performer quits, and drops what is queued), W6 (one at a time; others are
//! told `Busy`), W7.

use std::collections::VecDeque;

use super::gate::{Gate, agrees};
use crate::linear::history::{Op, Ret};
use crate::linear::search::Sequential;
use crate::linear::steps::Action;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::linear) struct MemoryWorker {
    gate: Gate,
    queue: VecDeque<usize>,
    performing: Performing,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Performing {
    #[default]
    Nothing,
    Taken(usize),
    Running(usize),
    Ran(usize),
}

impl MemoryWorker {
    /// Goes on from one phase of a `perform` to the next.
    fn advance(&mut self, from: Performing, to: Performing) -> bool {
        let can = self.performing == from;
        if can {
            self.performing = to;
        }
        can
    }

    fn take_oldest(&mut self) -> Option<usize> {
        let oldest = self.queue.pop_front()?;
        self.performing = Performing::Taken(oldest);
        Some(oldest)
    }

    fn perform(&mut self) -> Ret {
        if self.performing != Performing::Nothing {
            return Ret::Busy;
        }
        match self.take_oldest() {
            Some(task) => Ret::Ran(task),
            None if self.gate.quit => Ret::Ended,
            None => Ret::Nothing,
        }
    }
}

impl Sequential for MemoryWorker {
    fn take(&mut self, action: Action) -> bool {
        use Performing::{Nothing, Ran, Running, Taken};
        match action {
            Action::Call(Op::Execute(task), ret) => {
                let answer = self.gate.offered();
                if answer == Ret::Ok {
                    self.queue.push_back(task);
                }
                agrees(ret, answer)
            }
            // Its task was not seen to run inside it.
            Action::Call(Op::Perform, Some(Ret::Ran(_))) => false,
            Action::Call(Op::Perform, ret) => agrees(ret, self.perform()),
            Action::Call(Op::DropPerformer, _) => {
                self.gate.quit = true;
                self.queue.clear();
                true
            }
            Action::Call(op, ret) => self.gate.take(op, ret),
            Action::Take(task) => self.performing == Nothing && self.take_oldest() == Some(task),
            Action::Start(task) => self.advance(Taken(task), Running(task)),
            Action::End(task) => self.advance(Running(task), Ran(task)),
            Action::Release(task) => self.advance(Ran(task), Nothing),
        }
    }

    fn is_settled(&self) -> bool {
        self.queue.is_empty() && matches!(self.performing, Performing::Nothing | Performing::Ran(_))
    }

    fn is_in_order(&self) -> bool {
        true
    }
}
