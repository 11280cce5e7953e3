//! Replays what the original did, step by step, against ours.
//!
//! The format of a recording is in `conformance/README.md`; the recordings are next to it. A
//! recording is replayed as it stands: nothing here knows any one of them.
//!
//! | file | replays |
//! |---|---|
//! | [`team`] | a [`Team`](brigade::Team) over memory workers, with a memory worker as coordinator |
//! | [`lock`] | a [`LockWorker`](brigade::LockWorker) |

pub mod lock;
pub mod team;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// One recording: a program, and what the original did.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Recording {
    /// Of a team.
    Team(team::Recording),
    /// Of a lock worker.
    Lock(lock::Recording),
}

impl Recording {
    /// Runs the program on ours, and compares after every step.
    ///
    /// # Errors
    /// The first step at which ours did something else.
    pub fn replay(&self) -> Result<(), Disagreement> {
        match self {
            Self::Team(recording) => recording.replay(),
            Self::Lock(recording) => recording.replay(),
        }
    }
}

/// What a call that can be refused came to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Accepted.
    Ok,
    /// Refused, after a quit.
    AlreadyQuit,
}

impl<E> From<Result<(), E>> for Answer {
    fn from(result: Result<(), E>) -> Self {
        if result.is_ok() {
            Self::Ok
        } else {
            Self::AlreadyQuit
        }
    }
}

/// Ours did something else than the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The steps (of a lock worker: the entries of the trace) before the one in question, as
    /// recorded; ours agreed on each.
    pub agreed: Vec<String>,
    /// The step in question.
    pub step: String,
    /// What the original did.
    pub expected: String,
    /// What ours did.
    pub got: String,
}

impl Disagreement {
    /// The number of the step in question, from 0.
    #[must_use]
    pub fn at(&self) -> usize {
        self.agreed.len()
    }
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.agreed.iter().enumerate() {
            writeln!(f, "  {number:3}  {step}")?;
        }
        writeln!(f, "> {:3}  {}", self.at(), self.step)?;
        writeln!(f, "       expected  {}", self.expected)?;
        write!(f, "       got       {}", self.got)
    }
}

/// A file that is not one of recordings.
#[derive(Debug)]
pub struct Unreadable {
    path: PathBuf,
    line: Option<usize>,
    why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for Unreadable {}

/// Reads a file of recordings, one JSON object a line; blank lines do not count. Each comes with the
/// number of its line, from 1.
///
/// # Errors
/// The file cannot be read, or a line is no recording, or there is none.
pub fn read(path: &Path) -> Result<Vec<(usize, Recording)>, Unreadable> {
    let fail = |line, why| Unreadable {
        path: path.to_owned(),
        line,
        why,
    };
    let text =
        fs::read_to_string(path).map_err(|error: io::Error| fail(None, error.to_string()))?;
    let mut recordings = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        let recording = serde_json::from_str(line)
            .map_err(|error| fail(Some(number), format!("not a recording: {error}")))?;
        recordings.push((number, recording));
    }
    if recordings.is_empty() {
        return Err(fail(None, "no recording in it".to_owned()));
    }
    Ok(recordings)
}
