//! The lock worker: one task at a time. Inside which call a task runs, and in which order those of
//! one thread, is judged in `place`.
//!
//! Properties: W1, W2, W4, W6, L3 (what was accepted runs, whoever quits when).

use std::collections::BTreeSet;

use super::gate::{Gate, agrees};
use crate::linear::history::{Op, Ret};
use crate::linear::search::Sequential;
use crate::linear::steps::Action;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::linear) struct LockWorker {
    gate: Gate,
    waiting: BTreeSet<usize>,
    running: Option<usize>,
}

impl Sequential for LockWorker {
    fn take(&mut self, action: Action) -> bool {
        match action {
            Action::Call(Op::Execute(task), ret) => {
                let answer = self.gate.offered();
                if answer == Ret::Ok {
                    self.waiting.insert(task);
                }
                agrees(ret, answer)
            }
            Action::Call(op, ret) => self.gate.take(op, ret),
            Action::Start(task) => {
                self.running.replace(task).is_none() && self.waiting.remove(&task)
            }
            Action::End(task) => self.running.take() == Some(task),
            Action::Take(_) | Action::Release(_) => false,
        }
    }

    fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.running.is_none()
    }
}
