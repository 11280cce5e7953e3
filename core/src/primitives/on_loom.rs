//! The primitives on loom: exhaustive exploration under the C11 memory model.
//!
//! | not modelled | what follows |
//! |---|---|
//! | spurious wake-ups; its condvar is first in, first out | [`choice`](super::choice) makes the first; which waiter a notification wakes rests on shuttle |
//! | `SeqCst` accesses (treated as `AcqRel`), load buffering | the core uses neither; a claim that needed one could not rest on loom |
//! | `park`/`unpark` (not operations to it, loom#422) | the core parks on a mutex and a condvar |
//! | time-outs | a wait with a deadline that ends early, by [`choice`](super::choice), was timed out |
//! | spurious failure of a weak exchange | the core uses none |
//! | the count of [`Arc`](super::Arc) (std's on purpose: loom's cost completeness) | a count that matters is an explicit [`AtomicUsize`]; the last drop of an `Arc` gives no edge, so no final `Drop` may touch a loom cell |
//! | a panicking thread, as seen by `join` | tested on real threads |
//! | the release of a mutex is not a step of its own | plain state written after an unlock would be atomic with it: there is none |

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use super::{Deadline, choice};

pub use ::loom::sync::atomic::{AtomicBool, AtomicUsize};
pub(crate) use ::loom::thread_local;

/// The name of this back end.
pub const ENGINE: &str = "loom";

/// A mutual exclusion lock without poisoning.
pub struct Mutex<T>(::loom::sync::Mutex<T>);

/// Holds a [`Mutex`]; releases it when dropped.
pub struct MutexGuard<'a, T> {
    guard: ::loom::sync::MutexGuard<'a, T>,
    mutex: &'a Mutex<T>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub fn new(value: T) -> Self {
        Self(::loom::sync::Mutex::new(value))
    }

    /// Blocks until the lock is free, and takes it.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard { guard, mutex: self }
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

/// A condition variable.
#[derive(Default)]
pub struct Condvar(::loom::sync::Condvar);

impl Condvar {
    /// A condition variable that nobody waits for.
    #[must_use]
    pub fn new() -> Self {
        Self(::loom::sync::Condvar::new())
    }

    /// Releases the guard, blocks until notified **or woken spuriously**, and takes the lock again.
    #[must_use]
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { guard, mutex } = guard;
        if choice::wakes_spuriously() {
            // Unlock, then lock, without a yield: a yield would tell loom to run others first and
            // so hide the executions in which nobody does.
            drop(guard);
            return mutex.lock();
        }
        let guard = self.0.wait(guard).unwrap_or_else(PoisonError::into_inner);
        MutexGuard { guard, mutex }
    }

    /// As [`Condvar::wait`], but a wait that ends early is one whose time is up: then it says yes.
    #[must_use]
    #[track_caller]
    pub fn wait_by<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _: &Deadline,
    ) -> (MutexGuard<'a, T>, bool) {
        let early = choice::is_early();
        let guard = self.wait(guard);
        (guard, early)
    }

    /// Wakes one waiting thread, if there is one.
    #[track_caller]
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    #[track_caller]
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell whose accesses are given by raw pointer, in closures: loom reports a race on it.
#[derive(Debug, Default)]
pub struct UnsafeCell<T>(::loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell holding `value`.
    pub fn new(value: T) -> Self {
        Self(::loom::cell::UnsafeCell::new(value))
    }

    /// Reads through the pointer given to `f`.
    #[track_caller]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        self.0.with(f)
    }

    /// Writes through the pointer given to `f`.
    #[track_caller]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(f)
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// Threads.
pub mod thread {
    pub use ::loom::thread::{JoinHandle, ThreadId, current, yield_now};

    /// Starts a thread called `name` that runs `body`.
    ///
    /// # Errors
    /// None under loom.
    #[track_caller]
    pub fn spawn(
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        spawn_sized(name, None, body)
    }

    /// [`spawn`] with a stack of this many bytes, if one is given; an engine has its own.
    ///
    /// # Errors
    /// Those of [`spawn`].
    #[track_caller]
    pub fn spawn_sized(
        name: &str,
        _: Option<usize>,
        // loom's own lacks the `Send` bound.
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        ::loom::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
    }
}
