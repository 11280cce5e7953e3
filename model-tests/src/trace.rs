//! The trace of one execution: every event that `core` tells its probe of, in order.
//!
//! The recorder adds no synchronisation that an engine sees. Under loom and shuttle one thread runs at
//! a time, so one list keeps the order; its lock is std's, which no engine sees. On real threads each
//! thread has a list of its own, and [`collect`] merges them by the time of each event: events made
//! under one lock are in its order, because the clock is read under that lock.
//!
//! Without the feature `probe` there is nothing to collect, and the code under test is what ships.

use brigade::probe::Event;

/// An event, and the thread that caused it, by a number of its own in each execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The thread.
    pub thread: usize,
    /// What happened.
    pub event: Event,
}

/// What happened so far, and stays recorded until [`forget`].
#[must_use]
pub fn collect() -> Vec<Recorded> {
    backend::collect()
}

/// Begins the next execution's trace.
pub fn forget() {
    backend::forget();
}

/// Whether this build records.
pub const RECORDS: bool = cfg!(feature = "probe");

/// From now on, what happens is recorded.
pub fn start() {
    #[cfg(feature = "probe")]
    brigade::probe::record_with(backend::record);
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod backend {
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use brigade::primitives::thread::{self, ThreadId};

    use super::{Event, Recorded};

    struct Log {
        threads: Vec<ThreadId>,
        all: Vec<Recorded>,
    }

    static LOG: Mutex<Log> = Mutex::new(Log {
        threads: Vec::new(),
        all: Vec::new(),
    });

    fn log() -> MutexGuard<'static, Log> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg_attr(not(feature = "probe"), expect(dead_code))]
    pub(super) fn record(event: Event) {
        let id = thread::current().id();
        let mut log = log();
        let known = log.threads.iter().position(|it| *it == id);
        let thread = known.unwrap_or_else(|| {
            log.threads.push(id);
            log.threads.len() - 1
        });
        log.all.push(Recorded { thread, event });
    }

    pub(super) fn collect() -> Vec<Recorded> {
        log().all.clone()
    }

    pub(super) fn forget() {
        let mut log = log();
        log.threads.clear();
        log.all.clear();
    }
}

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod backend {
    use std::cell::OnceCell;
    use std::sync::{Arc, Mutex, PoisonError};
    use std::time::Instant;

    use super::{Event, Recorded};

    /// One thread's events; locked by others only to collect.
    type Log = Arc<Mutex<Vec<(Instant, Event)>>>;

    static LOGS: Mutex<Vec<Log>> = Mutex::new(Vec::new());

    std::thread_local! {
        static MINE: OnceCell<Log> = const { OnceCell::new() };
    }

    fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg_attr(not(feature = "probe"), expect(dead_code))]
    pub(super) fn record(event: Event) {
        let now = Instant::now();
        // An `Err` is the very end of a thread, at which nothing is told.
        let _ = MINE.try_with(|mine| {
            let mine = mine.get_or_init(|| {
                let log = Log::default();
                lock(&LOGS).push(Arc::clone(&log));
                log
            });
            lock(mine).push((now, event));
        });
    }

    pub(super) fn collect() -> Vec<Recorded> {
        let mut all: Vec<(Instant, Recorded)> = Vec::new();
        for (thread, log) in lock(&LOGS).iter().enumerate() {
            let recorded = |(at, event): &(Instant, Event)| {
                let event = *event;
                (*at, Recorded { thread, event })
            };
            all.extend(lock(log).iter().map(recorded));
        }
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, recorded)| recorded).collect()
    }

    pub(super) fn forget() {
        let mut logs = lock(&LOGS);
        logs.retain(|log| Arc::strong_count(log) > 1);
        for log in logs.iter() {
            lock(log).clear();
        }
    }
}
