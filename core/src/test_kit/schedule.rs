//! An order of steps as text, and its replay.

use std::error::Error;
use std::fmt;
use std::str::FromStr;

use super::steps::Stepped;

/// Which steps were made, in their order: `c,0,1,c` as text. Steps that did nothing are not in it.
///
/// ```
/// use brigade::test_kit::{Schedule, SteppedTeam};
///
/// # brigade::primitives::example(|| {
/// let schedule: Schedule = "c,0,c".parse().unwrap();
/// let mut team = SteppedTeam::new(1);
/// team.team().execute(|| println!("hello")).unwrap();
/// schedule.replay(&mut team).unwrap();
/// assert_eq!(team.outstanding(), 0);
/// assert!(schedule.replay(&mut team).is_err()); // the coordinator has nothing to do
/// # });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Schedule(Vec<String>);

impl Schedule {
    pub(super) fn of(steps: Vec<String>) -> Self {
        Self(steps)
    }

    /// The names of the steps.
    pub fn steps(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Makes these steps, and no other.
    ///
    /// # Errors
    /// [`ReplayError`] at the first step that does not fit; those before it were made.
    pub fn replay(&self, stepped: &mut (impl Stepped + ?Sized)) -> Result<(), ReplayError> {
        for (at, name) in self.0.iter().enumerate() {
            let (at, name) = (at + 1, name.clone());
            match stepped.step_named(&name) {
                Some(true) => {}
                Some(false) => return Err(ReplayError::Nothing { at, name }),
                None => return Err(ReplayError::Unknown { at, name }),
            }
        }
        Ok(())
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl FromStr for Schedule {
    type Err = BadSchedule;

    /// Blanks around a name do not matter. An empty text is an empty schedule.
    fn from_str(text: &str) -> Result<Self, BadSchedule> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut steps = Vec::new();
        for name in text.split(',').map(str::trim) {
            if name.is_empty() || name.contains(char::is_whitespace) {
                let (at, name) = (steps.len() + 1, name.to_owned());
                return Err(BadSchedule { at, name });
            }
            steps.push(name.to_owned());
        }
        Ok(Self(steps))
    }
}

/// A text that is no schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadSchedule {
    at: usize,
    name: String,
}

impl fmt::Display for BadSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {}: {:?} is no name", self.at, self.name)
    }
}

impl Error for BadSchedule {}

/// Why a schedule could not be replayed. Steps are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayError {
    /// Nothing has this name here and now.
    Unknown {
        /// The number of the step.
        at: usize,
        /// Its name.
        name: String,
    },
    /// What has this name had nothing to do.
    Nothing {
        /// The number of the step.
        at: usize,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { at, name } => write!(f, "step {at}: there is no `{name}`"),
            Self::Nothing { at, name } => write!(f, "step {at}: `{name}` has nothing to do"),
        }
    }
}

impl Error for ReplayError {}
