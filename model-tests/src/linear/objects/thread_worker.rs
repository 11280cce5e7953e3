//! The thread worker: first in, first out, one task at a time.
//!
//! Properties: W1, W2, W4, W6, W7, H2 (after a quit it drains).

use std::collections::VecDeque;

use super::gate::{Gate, agrees};
use crate::linear::history::{Op, Ret};
use crate::linear::search::Sequential;
use crate::linear::steps::Action;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::linear) struct ThreadWorker {
    gate: Gate,
    queue: VecDeque<usize>,
    running: Option<usize>,
}

impl Sequential for ThreadWorker {
    fn take(&mut self, action: Action) -> bool {
        match action {
            Action::Call(Op::Execute(task), ret) => {
                let answer = self.gate.offered();
                if answer == Ret::Ok {
                    self.queue.push_back(task);
                }
                agrees(ret, answer)
            }
            Action::Call(op, ret) => self.gate.take(op, ret),
            Action::Start(task) => {
                self.running.replace(task).is_none() && self.queue.pop_front() == Some(task)
            }
            Action::End(task) => self.running.take() == Some(task),
            Action::Take(_) | Action::Release(_) => false,
        }
    }

    fn is_settled(&self) -> bool {
        self.queue.is_empty() && self.running.is_none()
    }

    fn is_in_order(&self) -> bool {
        true
    }
}
