//! The specification of `Quit`: a flag that is set once.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Set { won }` | `won` says that it was unset | it is set | W3 |
//! | `Seen { set }` | `set` says what it is | – | W4 |

use super::{Machine, Violation, rule};

/// The flag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Quit {
    set: bool,
}

/// What happens to the flag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Somebody set it.
    Set {
        /// Whether the caller was told that it was the one.
        won: bool,
    },
    /// Somebody read it.
    Seen {
        /// What was read.
        set: bool,
    },
}

impl Machine for Quit {
    type Action = Action;

    fn properties(action: &Action) -> &'static [&'static str] {
        match action {
            Action::Set { .. } => &["W3"],
            Action::Seen { .. } => &["W4"],
        }
    }

    fn take(&mut self, action: &Action) -> Result<(), Violation> {
        match *action {
            Action::Set { won } => {
                rule(won != self.set, "W3", "not exactly one caller set the flag")?;
                self.set = true;
                Ok(())
            }
            Action::Seen { set } => {
                let why = "the flag was not seen as it was";
                rule(set == self.set, "W4", why)
            }
        }
    }

    fn end(&self) -> Result<(), Violation> {
        Ok(())
    }
}
