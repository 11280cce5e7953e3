//! `Quit`: a flag that exactly one caller sets.
//!
//! # State
//! Unset, then set, for good. Any thread may set or read it.
//!
//! # Invariants
//! - W3 (*one quit*): of any number of concurrent [`Quit::set`] exactly one returns `Ok`.
//! - W4 (*one cut*): once a `set` has returned, every later [`Quit::is_set`] says so, in real time.

use crate::primitives::{AtomicBool, Ordering};
use crate::probe::{Kind, Object, What};
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
pub struct Quit {
    set: AtomicBool,
    object: Object,
}

impl Quit {
    /// An unset flag.
    #[must_use]
    pub fn new() -> Self {
        Self {
            set: AtomicBool::new(false),
            object: Object::of(Kind::Quit),
        }
    }

    /// Sets the flag. What the caller did before is visible to whoever then finds it set.
    ///
    /// # Errors
    /// [`AlreadyQuit`], if it was set before.
    pub fn set(&self) -> Result<(), AlreadyQuit> {
        // ORDERING: one read-modify-write, so that two callers cannot both find it unset. Release
        // pairs with the Acquire below: whoever is refused sees what came before the quit. Acquire
        // gives the loser of two quits the same. Relaxed would promise a loser nothing.
        let won = !self.set.swap(true, Ordering::AcqRel);
        self.object.tell(|| What::Quit { won });
        if won { Ok(()) } else { Err(AlreadyQuit) }
    }

    /// Whether the flag is set: certainly, if a `set` has returned anywhere before this is called.
    #[must_use]
    pub fn is_set(&self) -> bool {
        // ORDERING: a read-modify-write, because it reads the latest value there is. A load, even
        // SeqCst, may read an older one after a `set` that has returned on another thread, and so
        // break W4 (loom shows it). Acquire pairs with the Release in `set`, so that whoever is
        // refused sees what came before the quit. Relaxed would show the flag without that.
        let set = self.set.fetch_or(false, Ordering::Acquire);
        self.object.tell(|| What::Seen { set });
        set
    }

    /// Whether the flag is known to be set; a `set` that is not ordered before this may be missed.
    pub(crate) fn is_seen(&self) -> bool {
        // ORDERING: Acquire pairs with the Release in `set`, as above.
        self.set.load(Ordering::Acquire)
    }
}

impl Default for Quit {
    fn default() -> Self {
        Self::new()
    }
}
