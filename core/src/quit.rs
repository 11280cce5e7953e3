//! `Quit`: a flag that exactly one caller sets.
//!
//! # State
//! Unset, then set, for good. Any thread may set or read it.
//!
//! # Invariants
//! W3 (*one quit*): of any number of concurrent [`Quit::set`] exactly one returns `Ok`.

use crate::primitives::{AtomicBool, Ordering};
use crate::worker::AlreadyQuit;

/// A flag that is set once.
///
/// ```
/// use brigade::Quit;
///
/// # brigade::primitives::example(|| {
/// let quit = Quit::new();
/// assert!(!quit.is_set());
/// assert!(quit.set().is_ok());
/// assert!(quit.set().is_err());
/// # });
/// ```
#[derive(Debug)]
pub struct Quit(AtomicBool);

impl Quit {
    /// An unset flag.
    #[must_use]
    pub fn new() -> Self {
        Self(AtomicBool::new(false))
    }

    /// Sets the flag. What the caller did before is visible to whoever then finds it set.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was set before.
    pub fn set(&self) -> Result<(), AlreadyQuit> {
        // ORDERING: one read-modify-write, so that two callers cannot both find it unset. Release
        // pairs with the Acquire below: whoever is refused sees what came before the quit. Acquire
        // gives the loser of two quits the same. Relaxed would promise a loser nothing.
        if self.0.swap(true, Ordering::AcqRel) {
            Err(AlreadyQuit)
        } else {
            Ok(())
        }
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        // ORDERING: Acquire pairs with the Release in `set`. Relaxed would still find it set after
        // a quit that happened before, but what preceded that quit could be missing.
        self.0.load(Ordering::Acquire)
    }
}

impl Default for Quit {
    fn default() -> Self {
        Self::new()
    }
}
