//! The primitives on std: what ships.
//!
//! Nothing is modelled here; everything is real, spurious wake-ups included. Poisoning is removed:
//! every panic of a task is contained before a guard of ours could be dropped by it, so a poisoned
//! lock would say nothing.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use std::sync::atomic::Ordering;

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

    /// As [`Condvar::wait`], but also returns when it is this time; then it says yes.
    #[must_use]
    pub fn wait_by<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: &Deadline,
    ) -> (MutexGuard<'a, T>, bool) {
        let Some(left) = deadline.left() else {
            return (self.wait(guard), false);
        };
        let waited = self.0.wait_timeout(guard.0, left);
        let (guard, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (
            MutexGuard(guard),
            deadline.left().is_some_and(|left| left.is_zero()),
        )
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

/// When to wait no longer.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now; never, if that is beyond what can be told.
    #[must_use]
    pub fn after(patience: Duration) -> Self {
        Self(Instant::now().checked_add(patience))
    }

    /// How long until then; `None` is for ever.
    fn left(&self) -> Option<Duration> {
        self.0
            .map(|at| at.saturating_duration_since(Instant::now()))
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

/// Where the thread that made it sleeps: [`std::thread::park`].
pub struct Parker(std::thread::Thread);

impl Parker {
    /// A place for this thread to sleep.
    #[must_use]
    pub fn here() -> Self {
        Self(std::thread::current())
    }

    /// Blocks this thread, which must be the one that made it, until an [`Parker::unpark`] since the
    /// last time, **or until it is woken spuriously**.
    pub fn park(&self) {
        std::thread::park();
    }

    /// As [`Parker::park`], but also returns when it is this time; then it says yes.
    #[must_use]
    pub fn park_by(&self, deadline: &Deadline) -> bool {
        match deadline.left() {
            None => {
                self.park();
                false
            }
            Some(left) => {
                std::thread::park_timeout(left);
                deadline.left().is_some_and(|left| left.is_zero())
            }
        }
    }

    /// Wakes the thread, or spares it its next sleep.
    pub fn unpark(&self) {
        self.0.unpark();
    }
}

/// Counts the changes of what a lock guards, to be read without the lock: too early or too late. So it
/// is good for deciding when to look, and for nothing else.
#[derive(Debug, Default)]
pub struct Changes(AtomicUsize);

/// How long a thread lingers: long enough for work that comes every 20 µs, and about as long as it would
/// take to put the thread to sleep and wake it up. `docs/performance.md` has what other times cost.
const LINGER: Duration = Duration::from_micros(30);

impl Changes {
    /// Notes a change. Called with the lock held.
    #[inline]
    pub fn note(&self) {
        // ORDERING: Relaxed: it publishes nothing, the lock does. A load and a store, because no two
        // threads do this at a time.
        let next = self.0.load(Ordering::Relaxed).wrapping_add(1);
        self.0.store(next, Ordering::Relaxed);
    }

    /// How many there have been. Exact with the lock held.
    #[must_use]
    #[inline]
    pub fn count(&self) -> usize {
        // ORDERING: Relaxed, as above.
        self.0.load(Ordering::Relaxed)
    }

    /// Waits a little for a change since there were `seen`. Whether there was one.
    ///
    /// It yields, because whoever is to make the change may need this core.
    #[must_use]
    pub fn linger(&self, seen: usize) -> bool {
        let start = Instant::now();
        loop {
            if self.count() != seen {
                return true;
            }
            if start.elapsed() >= LINGER {
                return false;
            }
            thread::yield_now();
        }
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
        spawn_sized(name, None, body)
    }

    /// [`spawn`] with a stack of this many bytes, if one is given.
    ///
    /// # Errors
    /// Those of [`spawn`].
    pub fn spawn_sized(
        name: &str,
        stack: Option<usize>,
        body: impl FnOnce() + Send + 'static,
    ) -> std::io::Result<JoinHandle<()>> {
        let builder = std::thread::Builder::new().name(name.to_owned());
        match stack {
            Some(bytes) => builder.stack_size(bytes).spawn(body),
            None => builder.spawn(body),
        }
    }
}
