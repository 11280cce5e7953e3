//! The primitives on shuttle: random, PCT and exhaustive schedules, sequentially consistent.
//!
//! | not modelled | what follows |
//! |---|---|
//! | weak memory: every ordering is `SeqCst` | a claim about an ordering rests on loom alone |
//! | data races: its cell is a plain one | a claim about a race rests on loom alone |
//! | spurious wake-ups | [`choice`](super::choice) makes them |
//! | time-outs | a wait with a deadline that ends early, by [`choice`](super::choice), was timed out |
//! | spurious failure of a weak exchange | the core uses none |
//! | the count of [`Arc`](super::Arc) (std's, as under loom) | a count that matters is an explicit [`AtomicUsize`] |
//! | a panicking thread, as seen by `join` | tested on real threads |
//!
//! Unlike loom's, its `notify_one` may wake any waiter.
//!
//! shuttle has a scheduling point before a mutex is released as well as before it is taken. The
//! first can be left out of an exhaustive search without losing a reachable state: others either
//! do not touch the mutex, and then commute with the release, or block on it, and then might as
//! well have run later (there is no `try_lock` in the vocabulary). [`releasing`] lets a scheduler
//! see that point and skip it.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use super::{Deadline, choice};

pub use ::shuttle::sync::atomic::{AtomicBool, AtomicUsize};
pub(crate) use ::shuttle::thread_local;

/// The name of this back end.
pub const ENGINE: &str = "shuttle";

std::thread_local! {
    static RELEASING: Cell<bool> = const { Cell::new(false) };
}

/// Whether the scheduling point being decided is the one before the release of a mutex.
#[must_use]
pub fn releasing() -> bool {
    RELEASING.get()
}

/// A mutual exclusion lock without poisoning.
#[derive(Default)]
pub struct Mutex<T>(::shuttle::sync::Mutex<T>);

/// Holds a [`Mutex`]; releases it when dropped.
pub struct MutexGuard<'a, T> {
    /// `None` only while it is being dropped or waited with.
    guard: Option<::shuttle::sync::MutexGuard<'a, T>>,
    mutex: &'a Mutex<T>,
}

impl<T> Mutex<T> {
    /// An unlocked mutex.
    pub const fn new(value: T) -> Self {
        Self(::shuttle::sync::Mutex::new(value))
    }

    /// Blocks until the lock is free, and takes it.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MutexGuard {
            guard: Some(guard),
            mutex: self,
        }
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        RELEASING.set(true);
        self.guard = None;
        RELEASING.set(false);
    }
}

/// A condition variable.
#[derive(Default)]
pub struct Condvar(::shuttle::sync::Condvar);

impl Condvar {
    /// A condition variable that nobody waits for.
    #[must_use]
    pub const fn new() -> Self {
        Self(::shuttle::sync::Condvar::new())
    }

    /// Releases the guard, blocks until notified **or woken spuriously**, and takes the lock again.
    #[must_use]
    #[track_caller]
    pub fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex = guard.mutex;
        if choice::wakes_spuriously() {
            drop(guard);
            return mutex.lock();
        }
        let inner = guard.guard.take().expect("a live guard holds its lock");
        let inner = self.0.wait(inner).unwrap_or_else(PoisonError::into_inner);
        guard.guard = Some(inner);
        guard
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

    /// Wakes one waiting thread (any of them), if there is one.
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

/// A cell whose accesses are given by raw pointer, in closures.
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
        self.guard.as_ref().expect("a live guard holds its lock")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("a live guard holds its lock")
    }
}

/// Threads.
pub mod thread {
    pub use ::shuttle::thread::{JoinHandle, ThreadId, current, yield_now};

    /// Starts a thread called `name` that runs `body`.
    ///
    /// # Errors
    /// None under shuttle.
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
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        ::shuttle::thread::Builder::new()
            .name(name.to_owned())
            .spawn(body)
    }
}
