//! The one swappable vocabulary: everything in this crate that synchronises, and nothing else,
//! comes from here.
//!
//! | word | std | loom | shuttle |
//! |---|---|---|---|
//! | [`Mutex`], [`Condvar`] | std's, poisoning removed | loom's | shuttle's |
//! | [`AtomicBool`], [`AtomicUsize`] | std's | loom's | shuttle's (always `SeqCst`) |
//! | [`Parker`] | `std::thread::park` | a mutex and a condvar | a mutex and a condvar |
//! | [`Changes`] | a counter | nothing | nothing |
//! | [`Deadline`] | an instant | a choice | a choice |
//! | [`UnsafeCell`] | a plain cell | loom's: a race on it fails the model | a plain cell |
//! | [`Arc`] | std's | **std's** | std's |
//! | [`thread`], `thread_local!` | std's | loom's | shuttle's |
//! | `spin_loop`, `sleep` | std's | none: to yield says as much | none |
//!
//! **Which back end wins.** The features `loom` and `shuttle` each select that engine. Features
//! are additive, so with both on (`--all-features`) one has to win: loom does, because it sees
//! strictly more (weak memory and races, where shuttle is sequentially consistent).
//!
//! **Choices that neither engine makes** are made here, in `choice`: a wait that returns
//! without a notification, or because its time is up. A weak exchange that fails is used by nothing in
//! the core; whoever uses one first adds its choice.
//!
//! What each back end does not model, and what follows, stands at the top of its file.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this module is the one that may name the engines"
)]

#[cfg(any(feature = "loom", feature = "shuttle"))]
pub mod choice;

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod parker;

#[cfg(feature = "loom")]
#[path = "on_loom.rs"]
mod backend;

#[cfg(all(feature = "shuttle", not(feature = "loom")))]
#[path = "on_shuttle.rs"]
mod backend;

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "on_std.rs"]
mod backend;

#[cfg(all(feature = "shuttle", not(feature = "loom")))]
pub use backend::releasing;
pub(crate) use backend::thread_local;
pub use backend::{
    AtomicBool, AtomicUsize, Condvar, ENGINE, Mutex, MutexGuard, UnsafeCell, thread,
};
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub use backend::{Changes, Deadline, Parker};
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) use backend::{sleep, spin_loop};
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub use parker::{Changes, Deadline, Parker};
pub use std::sync::{Arc, Weak, atomic::Ordering};

impl<T> std::fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mutex").finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MutexGuard").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Condvar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Parker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parker").finish_non_exhaustive()
    }
}

/// Runs an example of these docs under std, and only compiles it under an engine, where a
/// primitive may be used inside a model only.
#[doc(hidden)]
pub fn example(f: impl FnOnce()) {
    if cfg!(not(any(feature = "loom", feature = "shuttle"))) {
        f();
    }
}
