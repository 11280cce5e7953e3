//! The primitives on std: what ships.
//!
//! Nothing is modelled here; everything is real, spurious wake-ups included. Poisoning is removed:
//! every panic of a task is contained before a guard of ours could be dropped by it, so a poisoned
//! lock would say nothing.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

pub(crate) use std::hint::spin_loop;
pub use std::sync::atomic::{AtomicBool, AtomicUsize};
pub(crate) use std::thread::sleep;
pub(crate) use std::thread_local;

/// The name of this back end.
pub const ENGINE: &str = "std";

/// A mutual exclusion lock without poisoning.
#[derive(Default)]
pub struct Mutex<T>(std::sync::Mutex<T>);

/// Holds a [`Mutex`]; releases it when dropped.
pub struct MutexGuard<'a, T>(std::sync::MutexGuard<'a, T>);

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    /// Blocks until the lock is free, and takes it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A condition variable.
#[derive(Default)]
pub struct Condvar(std::sync::Condvar);

impl Condvar {
    /// A condition variable that nobody waits for.
    #[must_use]
    pub const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// Releases the guard, blocks until notified **or woken spuriously**, and takes the lock again.
    #[must_use]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        MutexGuard(self.0.wait(guard.0).unwrap_or_else(PoisonError::into_inner))
    }

    /// Wakes one waiting thread, if there is one.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiting threads.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell whose accesses are given by raw pointer, in closures: the form in which loom sees them.
#[derive(Debug, Default)]
pub struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    /// A cell holding `value`.
    pub const fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Reads through the pointer given to `f`.
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        f(self.0.get())
    }

    /// Writes through the pointer given to `f`.
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        f(self.0.get())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Threads.
pub mod thread {
    pub use std::thread::{JoinHandle, ThreadId, current, yield_now};

    /// Starts a thread called `name` that runs `body`.
    ///
    /// # Errors
    /// The operating system's, if it cannot start one.
    pub fn spawn(
        name: &str,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
    }
}
