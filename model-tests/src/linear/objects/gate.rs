//! What all objects share: a quit, and handles of which the last one quits.
//!
//! Properties: W3 (the first quit wins), W4 (nothing is accepted after it), H3 (the last dropped
//! handle is a quit).

use crate::linear::history::{Op, Ret};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Gate {
    pub(super) quit: bool,
    handles: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            quit: false,
            handles: 1,
        }
    }
}

impl Gate {
    /// The answer to a request that is refused after a quit.
    pub(super) fn asked(&self) -> Ret {
        if self.quit { Ret::AlreadyQuit } else { Ret::Ok }
    }

    /// The answer to `execute`.
    pub(super) fn offered(&self) -> Ret {
        if self.quit { Ret::Refused } else { Ret::Ok }
    }

    /// Calls that every object takes.
    pub(super) fn take(&mut self, op: Op, ret: Option<Ret>) -> bool {
        let answer = match op {
            Op::Quit => {
                let answer = self.asked();
                self.quit = true;
                answer
            }
            Op::Clone => {
                self.handles += 1;
                Ret::Done
            }
            Op::DropHandle if self.handles > 0 => {
                self.handles -= 1;
                self.quit |= self.handles == 0;
                Ret::Done
            }
            _ => return false,
        };
        agrees(ret, answer)
    }
}

/// Whether what a call returned is this answer. One that has not returned agrees with any.
pub(super) fn agrees(ret: Option<Ret>, answer: Ret) -> bool {
    ret.is_none_or(|ret| ret == answer)
}
