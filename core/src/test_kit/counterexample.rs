//! What an exploration says of a failure.

use std::error::Error;
use std::fmt;

/// An execution that failed: what failed, which execution it was, and what each thread noted in it, in
/// order, one column a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counterexample {
    pub(super) engine: &'static str,
    pub(super) message: String,
    pub(super) execution: usize,
    pub(super) way: String,
    pub(super) early: Option<usize>,
    pub(super) lanes: String,
}

impl Counterexample {
    /// What failed: the message of the panic, or of the engine, and where in the source it was.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The number of the execution, from 1. An exploration of the same code with the same settings
    /// comes to it again.
    #[must_use]
    pub fn execution(&self) -> usize {
        self.execution
    }

    /// What each thread noted, one row a note, in order, and one column a thread. Empty without notes.
    #[must_use]
    pub fn lanes(&self) -> &str {
        &self.lanes
    }
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            engine,
            message,
            execution,
            way,
            ..
        } = self;
        writeln!(f, "{engine}: execution {execution} failed ({way})")?;
        if let Some(wait) = self.early {
            let wait = wait + 1;
            writeln!(f, "wait {wait} of it returned without a notification")?;
        }
        writeln!(f)?;
        if self.lanes.is_empty() {
            writeln!(f, "(no notes: see brigade::test_kit::note)")?;
        }
        f.write_str(&self.lanes)?;
        write!(f, "\n{message}")
    }
}

impl Error for Counterexample {}
