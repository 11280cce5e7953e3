//! The original's quit flag (`twisted._threads._convenience.Quit`): looked at, then set.
//!
//! Ported from Twisted. Copyright (c) 2001-2026 Twisted Matrix Laboratories and others, under the MIT
//! licence; the whole notice stands in `LICENSES/twisted-MIT.txt`.
//!
//! Each access to the attribute is atomic and sequentially consistent, as under Python's global lock:
//! here the flag stands in a mutex, taken for each access by itself.

use crate::primitives::Mutex;
use crate::worker::AlreadyQuit;

/// A flag that is set once, if nobody looks at the wrong moment.
#[derive(Debug)]
pub struct Quit(Mutex<bool>);

impl Quit {
    /// An unset flag.
    #[must_use]
    pub fn new() -> Self {
        Self(Mutex::new(false))
    }

    /// Sets the flag if it has not been set.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was seen to be set.
    pub fn set(&self) -> Result<(), AlreadyQuit> {
        if self.is_set() {
            return Err(AlreadyQuit);
        }
        *self.0.lock() = true;
        Ok(())
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.lock()
    }

    /// The same; the original has one way to look.
    pub(crate) fn is_seen(&self) -> bool {
        self.is_set()
    }
}

impl Default for Quit {
    fn default() -> Self {
        Self::new()
    }
}
