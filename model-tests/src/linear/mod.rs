//! Linearizability: whether the answers of an object could have come from calls made one at a time.
//!
//! A [`History`] holds calls and returns as threads saw them, and nothing from inside the code under
//! test: no event of its own says when a call took effect. [`check`] looks for an order of the calls
//! that keeps real time (what returned before another was called stands before it) and in which a
//! sequential object gives the answers that were seen. The objects are written down in `objects`,
//! and share no code with `core`.
//!
//! | module | holds |
//! |---|---|
//! | `history` | what was called, and what came back; how to record it |
//! | `lanes` | a history, drawn |
//! | `steps` | when each thing that a history tells of may have taken effect |
//! | `objects` | the sequential objects |
//! | `search` | the search for an order |
//! | `place` | what is about where a task runs: inside which call, on which thread (L1, L2, L4, H1, W7) |
//! | `verdict` | the error: which property broke, at which event, and the history drawn |
//!
//! # What is taken to have an effect, and when
//! - A call takes effect once, between its call and its return. One that has not returned took
//!   effect, or did not.
//! - The run of a task is two moments: it starts when its start is recorded, and ends when its end
//!   is. Both are recorded inside the task, so of two runs that overlap here, the tasks did.
//! - A `perform` that ran a task took it before the task started, and lets go of its worker after the
//!   task ended; in between, others are told `Busy`.
//!
//! # What it does not see
//! It judges the histories it is given. loom explores one order of steps that do not depend on each
//! other, so of two calls that never meet, loom shows one order; shuttle and real threads show more.

mod history;
mod lanes;
mod objects;
mod place;
mod search;
mod steps;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

pub use history::{Event, History, Numbers, Op, Ret, Threads};
pub use objects::Object;
pub use verdict::NotLinearizable;

/// Whether some order of the calls of `history`, all made to one object, explains the answers.
///
/// # Errors
/// [`NotLinearizable`] says which property broke, and prints the history.
///
/// # Panics
/// If the history has more than 128 steps, or returns that no call precedes.
pub fn check(history: &History, object: Object) -> Result<(), NotLinearizable> {
    check_all(history, &[object])
}

/// The same for calls made to several objects, numbered as in [`History::call_on`]. A history is
/// linearizable if it is so for each object alone; what is about nesting is judged over all.
///
/// # Errors
/// [`NotLinearizable`], for the first object that broke a property.
///
/// # Panics
/// As [`check`]; or if a call was made to an object that is not among `objects`.
pub fn check_all(history: &History, objects: &[Object]) -> Result<(), NotLinearizable> {
    let known = |event: &Event| match event {
        Event::Call { object, .. } => *object < objects.len(),
        Event::Return { .. } => true,
    };
    assert!(history.events().iter().all(known), "each object is given");
    for (number, object) in objects.iter().enumerate() {
        let steps = steps::steps(history.events(), number);
        if !object.explains(&steps, history.is_finished()) {
            return Err(verdict::unexplained(history, number, *object));
        }
    }
    place::check(history, objects)
}

/// Checks each distinct history once.
///
/// It keeps 128 bits of hash for each, not the history.
#[derive(Debug, Default)]
pub struct Distinct(HashSet<(u64, u64)>);

impl Distinct {
    /// No history yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks `history`, unless it was checked before against the same objects; whether it was new.
    ///
    /// # Errors
    /// As [`check_all`]. A history that failed counts as checked.
    ///
    /// # Panics
    /// As [`check_all`].
    pub fn check(
        &mut self,
        history: &History,
        objects: &[Object],
    ) -> Result<bool, NotLinearizable> {
        let hash = |salt: u64| {
            let mut hasher = DefaultHasher::new();
            (salt, history, objects).hash(&mut hasher);
            hasher.finish()
        };
        if !self.0.insert((hash(0), hash(1))) {
            return Ok(false);
        }
        check_all(history, objects).map(|()| true)
    }

    /// How many distinct histories there were.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there was none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
