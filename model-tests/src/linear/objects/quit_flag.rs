//! The quit flag: set once.
//!
//! Properties: W3 (the first to set it wins), W4 (it is seen set from then on).

use super::gate::{Gate, agrees};
use crate::linear::history::{Op, Ret};
use crate::linear::search::Sequential;
use crate::linear::steps::Action;

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(in crate::linear) struct QuitFlag(Gate);

impl Sequential for QuitFlag {
    fn take(&mut self, action: Action) -> bool {
        match action {
            Action::Call(Op::IsSet, ret) => agrees(ret, Ret::Set(self.0.quit)),
            Action::Call(op, ret) => self.0.take(op, ret),
            _ => false,
        }
    }

    fn is_settled(&self) -> bool {
        true
    }
}
