//! Handles that users hold, counted apart from the references that we hold.
//!
//! # State
//! `users`: how many handles live. It starts at 1, and once 0 stays 0, since a handle is made only
//! from a handle. `quit`: whether a user has quit through a handle. Only [`Handle`] touches either.
//!
//! # Invariants
//! H3: dropping the last user's handle of a worker or a team is a quit; internal references (an
//! [`Arc`] of the same [`Counted`]) do not count.

use std::fmt;
use std::ops::Deref;

use crate::primitives::{Arc, AtomicBool, AtomicUsize, Ordering};

/// What happens when the last user's handle is dropped, and no user has quit.
pub(crate) trait LastDrop {
    fn last_handle_dropped(&self);
}

/// A value and the number of its users' handles.
pub(crate) struct Counted<T> {
    users: AtomicUsize,
    quit: AtomicBool,
    value: T,
}

impl<T> Deref for Counted<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

/// A user's handle.
pub(crate) struct Handle<T: LastDrop>(Arc<Counted<T>>);

impl<T: LastDrop> Handle<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Counted {
            users: AtomicUsize::new(1),
            quit: AtomicBool::new(false),
            value,
        }))
    }

    /// Notes that a user has quit the value, so that the last drop need not.
    pub(crate) fn note_quit(&self) {
        // ORDERING: Relaxed. It is read by whoever drops the last handle, after the Acquire there;
        // this handle's drop, with its Release, is still to come. A missed note would cost a second
        // quit, which is refused.
        self.0.quit.store(true, Ordering::Relaxed);
    }

    /// The value, shared internally: not a user's handle.
    pub(crate) fn shared(&self) -> &Arc<Counted<T>> {
        &self.0
    }
}

impl<T: LastDrop> Clone for Handle<T> {
    fn clone(&self) -> Self {
        // ORDERING: Relaxed, as in `Arc`: a new handle comes from a live one, which whoever gets it
        // was already able to use; nothing is published. It cannot overflow, for the `Arc`'s own
        // count, raised with it, aborts first.
        self.0.users.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl<T: LastDrop> Drop for Handle<T> {
    fn drop(&mut self) {
        // ORDERING: Release pairs with the Acquire of the last drop: what any user did through its
        // handle comes before the quit. Relaxed would let a quit overtake another user's last call.
        let last = self.0.users.fetch_sub(1, Ordering::AcqRel) == 1;
        // ORDERING: Relaxed, for the same reasons as in `note_quit`.
        if last && !self.0.quit.load(Ordering::Relaxed) {
            self.0.value.last_handle_dropped();
        }
    }
}

impl<T: LastDrop> Deref for Handle<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0.value
    }
}

impl<T: LastDrop> fmt::Debug for Handle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}
