//! A lock for critical sections of a few dozen instructions.
//!
//! # State
//! `held` says whether somebody is inside; `value` belongs to whoever is. Only [`ShortLock::try_lock`]
//! sets `held`, and only the drop of the guard, by the same thread, clears it.
//!
//! # Invariants
//! - W6: of those that find `held` clear, the one whose exchange set it is inside.
//! - W5: what was done inside is visible to all who are inside later.
//! - T9: nothing but time is waited for. To release is a plain store, which knows of no waiters; so who
//!   waits looks again, and, in case the holder was preempted, ever more rarely.
//! - W8: a panic inside releases it. Nothing is poisoned, for the reason given for the primitives'
//!   `Mutex`.
//!
//! Why not a `Mutex`: to release that one is a read-modify-write, half of the price of a task handed
//! over; and whoever finds it taken goes to sleep at once, which costs more than the whole section.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::primitives::{AtomicBool, Ordering, UnsafeCell, thread};

/// What a protocol above keeps its state in. An engine sees a mutex there, whose waiters it need not
/// run; the lock itself is explored on its own.
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) type LedgerLock<T> = ShortLock<T>;
/// As above.
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) type LedgerLock<T> = crate::primitives::Mutex<T>;

/// Holds a [`LedgerLock`].
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub(crate) type LedgerGuard<'a, T> = ShortGuard<'a, T>;
/// As above.
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) type LedgerGuard<'a, T> = crate::primitives::MutexGuard<'a, T>;

/// Takes a [`LedgerLock`], for whoever submits: it has the next task to make outside of the lock, and the pause
/// of the others would cost it more than that. So it looks a second time at once, although that takes the
/// line from the holder (`docs/performance.md`).
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[inline]
pub(crate) fn lock_soon<T>(lock: &LedgerLock<T>) -> LedgerGuard<'_, T> {
    if !lock.try_lock() {
        crate::primitives::spin_loop();
        return lock.lock();
    }
    lock.guard()
}

/// As above. One more look in vain changes nothing, so an engine need not see it.
#[cfg(any(feature = "loom", feature = "shuttle"))]
pub(crate) fn lock_soon<T>(lock: &LedgerLock<T>) -> LedgerGuard<'_, T> {
    lock.lock()
}

/// Mutual exclusion for short critical sections, which call nothing of a user's, and wait for nothing.
#[repr(C)]
pub struct ShortLock<T> {
    held: AtomicBool,
    value: UnsafeCell<T>,
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    looks: crate::primitives::Mutex<()>,
}

// SAFETY: whoever shares it gets at the value, one at a time and with an edge from the one before
// (see `try_lock`): that is as if it were sent from one to the next.
unsafe impl<T: Send> Sync for ShortLock<T> {}

impl<T> ShortLock<T> {
    /// A free lock.
    pub fn new(value: T) -> Self {
        Self {
            held: AtomicBool::new(false),
            value: UnsafeCell::new(value),
            #[cfg(any(feature = "loom", feature = "shuttle"))]
            looks: crate::primitives::Mutex::new(()),
        }
    }

    /// Waits until the lock is free, and takes it.
    #[inline]
    pub fn lock(&self) -> ShortGuard<'_, T> {
        if !self.try_lock() {
            self.contend();
        }
        self.guard()
    }

    /// The guard of who has just taken the lock.
    #[inline]
    fn guard(&self) -> ShortGuard<'_, T> {
        ShortGuard {
            lock: self,
            not_send: PhantomData,
        }
    }

    /// Takes the lock if it is free. One operation: a look and then a store would let two in.
    ///
    /// Why not a swap, which would do: one that fails writes, and loom lets who wrote that read it again
    /// for ever, as it does not order it before the release.
    #[inline]
    fn try_lock(&self) -> bool {
        // ORDERING: Acquire pairs with Release in the drop of the guard: what was done inside happens
        // before what is done inside now. Relaxed would see the value as it was. What comes before a
        // `lock` may move into it, so no Release. Relaxed where it fails: nothing is read then.
        let (taken, failed) = (Ordering::Acquire, Ordering::Relaxed);
        self.held
            .compare_exchange(false, true, taken, failed)
            .is_ok()
    }

    /// Lets the holder get on, before another of `tries` tries: first by spinning, for some half a
    /// microsecond; then by leaving it this core; then, as it was preempted on a core that is not this
    /// one, by sleeping.
    ///
    /// It spins without a look at the lock: a look takes the line from the holder, who does some twenty
    /// sections at its own speed meanwhile (`docs/performance.md`).
    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    fn pause(&self, tries: u32) {
        const SPINS: u32 = 6;
        const PAUSES: u32 = 32;
        const YIELDS: u32 = SPINS + 16;
        const NAP: std::time::Duration = std::time::Duration::from_micros(50);
        if tries < SPINS {
            for _ in 0..PAUSES {
                crate::primitives::spin_loop();
            }
        } else if tries < YIELDS {
            thread::yield_now();
        } else {
            crate::primitives::sleep(NAP);
        }
    }

    #[cfg(not(any(feature = "loom", feature = "shuttle")))]
    #[cold]
    #[inline(never)]
    fn contend(&self) {
        let mut tries = 0;
        loop {
            self.pause(tries);
            if self.try_lock() {
                return;
            }
            tries += 1;
        }
    }

    /// An engine would go on for ever with the orders in which two look in turn. So one looks, and the
    /// others wait for it. That leaves nothing out: to look in vain changes nothing, so who waits
    /// stands where it stood before it came; and nobody goes inside before the others may look.
    #[cfg(any(feature = "loom", feature = "shuttle"))]
    fn contend(&self) {
        let _looks = self.looks.lock();
        while !self.try_lock() {
            thread::yield_now();
        }
    }
}

impl<T> fmt::Debug for ShortLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShortLock").finish_non_exhaustive()
    }
}

/// Holds a [`ShortLock`]; releases it when dropped.
pub struct ShortGuard<'a, T> {
    lock: &'a ShortLock<T>,
    /// It stays with its thread, as a guard of the primitives' does, which stands here under an engine.
    not_send: PhantomData<*const ()>,
}

impl<T> Deref for ShortGuard<'_, T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: while this guard lives no other does, and it is borrowed for as long as the value.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for ShortGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and borrowed by nobody else.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for ShortGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // ORDERING: Release pairs with Acquire in `try_lock`. Relaxed would let what was done inside be
        // seen late, or by none. A store will do, as nobody else changes `held` while it is set.
        self.lock.held.store(false, Ordering::Release);
    }
}

impl<T> fmt::Debug for ShortGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShortGuard").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
    use std::sync::mpsc;

    use super::*;

    /// Many threads and short sections, with another inside, now and then, for longer than any spins.
    #[test]
    fn w6_sections_do_not_overlap() {
        const EACH: usize = 500_000;
        let lock = ShortLock::new((0_usize, 0_usize));
        let start = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for take in [ShortLock::lock, lock_soon, ShortLock::lock, lock_soon] {
                let (lock, start) = (&lock, &start);
                scope.spawn(move || {
                    start.wait();
                    for n in 0..EACH {
                        let mut both = take(lock);
                        both.0 += 1;
                        if n % 1000 == 0 {
                            std::thread::yield_now();
                        }
                        both.1 += 1;
                        assert_eq!(both.0, both.1, "W6 another is inside");
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), (4 * EACH, 4 * EACH));
    }

    /// Whoever waits until it sleeps gets the lock as well.
    #[test]
    fn t9_a_long_wait_ends() {
        let lock = ShortLock::new(0);
        let (waits, has_waited) = mpsc::channel();
        std::thread::scope(|scope| {
            let mut guard = lock.lock();
            scope.spawn(|| {
                // As `lock` does, but says when it has come to sleep.
                let mut tries = 0;
                while !lock.try_lock() {
                    lock.pause(tries);
                    tries += 1;
                    if tries == 30 {
                        waits.send(()).unwrap();
                    }
                }
                let mut guard = lock.guard();
                assert_eq!(*guard, 1, "W5 what the holder did is not seen");
                *guard = 2;
            });
            has_waited.recv().unwrap();
            *guard = 1;
        });
        assert_eq!(*lock.lock(), 2);
    }

    #[test]
    fn w8_a_panic_inside_releases_it() {
        let lock = ShortLock::new(1);
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let mut guard = lock.lock();
            *guard = 2;
            resume_unwind(Box::new("inside"));
        }));
        assert!(panicked.is_err());
        assert!(lock.try_lock(), "W8 it is still held");
    }
}
