//! The reference model: what each object may do, as sequential state machines to be read.
//!
//! They share no code with `brigade`. An action is one linearization point, as it happens in the
//! real code. A machine says whether it is allowed then, and by which property it is not.
//!
//! | module | is the specification of |
//! |---|---|
//! | [`quit`] | a flag that is set once |
//! | [`memory`] | a worker that is performed by hand |
//! | [`lock`] | a worker on the calling thread, under a lock |
//! | [`thread`] | a worker on a thread of its own |
//! | [`team`] | a team: its coordinator's decisions, and what becomes of them |
//! | [`pool`] | a team under a limit |
//! | [`event_loop`] | the inbox of a loop, its sleep, and what comes back to it |
//! | [`explore`] | every state of them, in small closed systems |
//!
//! They are used twice. The trace of an execution of the real code is fed to [`Machine::take`],
//! action by action, and then to [`Machine::end`]. And [`explore`] visits every state that the
//! machines allow, to see that what they allow is what is wanted.

use std::fmt;
use std::fmt::Debug;

pub mod event_loop;
pub mod explore;
pub mod lock;
pub mod memory;
pub mod pool;
pub mod quit;
pub mod team;
pub mod thread;

/// A task, by the number that whoever records gave it.
pub type TaskId = usize;
/// A worker, by number.
pub type WorkerId = usize;
/// A thread, by number.
pub type ThreadId = usize;

/// What an action broke.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Violation {
    /// The property's id.
    pub property: &'static str,
    /// What is wrong.
    pub why: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.property, self.why)
    }
}

/// A sequential state machine: the specification of one object.
pub trait Machine: Clone + Debug {
    /// What can happen, one linearization point each.
    type Action: Clone + Debug;

    /// The ids of the properties that the action carries.
    fn properties(action: &Self::Action) -> &'static [&'static str];

    /// Takes the action, or says which property forbids it. After a violation the machine is of no
    /// more use.
    ///
    /// # Errors
    /// The violation, if the action is not allowed now.
    fn take(&mut self, action: &Self::Action) -> Result<(), Violation>;

    /// Whether this may be the last state of an execution, in which all that can be driven was.
    ///
    /// # Errors
    /// The violation, if something is still owed.
    fn end(&self) -> Result<(), Violation>;
}

/// The rule of that property, which says `why` when it does not hold.
fn rule(holds: bool, property: &'static str, why: &str) -> Result<(), Violation> {
    if holds {
        return Ok(());
    }
    Err(broken(property, why))
}

fn broken(property: &'static str, why: &str) -> Violation {
    Violation {
        property,
        why: why.to_owned(),
    }
}
