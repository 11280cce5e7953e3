//! What tests of thread pools use besides: threads driven by hand, callers that sleep, and a watchdog.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use brigade::{Body, Builder, Thread, ThreadInfo, ThreadPool};

/// No test here takes a second. One that takes so long hangs.
const TOO_LONG: Duration = Duration::from_secs(60);

/// Ends the process, with a message, if it is not dropped in time.
pub(crate) struct Watchdog(Option<(mpsc::Sender<()>, JoinHandle<()>)>);

/// Watches the test that calls this.
pub(crate) fn watchdog() -> Watchdog {
    let test = std::thread::current();
    let (over, is_over) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        if is_over.recv_timeout(TOO_LONG) == Err(mpsc::RecvTimeoutError::Timeout) {
            let name = test.name().unwrap_or("a test");
            // Not `eprintln!`, which is captured.
            let _ = writeln!(io::stderr(), "{name} hangs");
            std::process::abort();
        }
    });
    Watchdog(Some((over, thread)))
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        if let Some((over, thread)) = self.0.take() {
            drop(over);
            let _ = thread.join();
        }
    }
}

/// A pool that has started.
pub(crate) fn started(builder: Builder) -> ThreadPool {
    let pool = builder.build().unwrap();
    pool.start().unwrap();
    pool
}

/// A pool of so many threads, that has started.
pub(crate) fn fixed(threads: usize) -> ThreadPool {
    started(ThreadPool::builder().sizes(threads, threads))
}

/// The bodies that a start policy was given, to be run or dropped by hand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bodies(Arc<Mutex<Vec<(ThreadInfo, Body)>>>);

impl Bodies {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A start policy that keeps each body.
    pub(crate) fn keep(
        &self,
    ) -> impl Fn(&ThreadInfo, Body) -> io::Result<Thread> + Send + Sync + 'static {
        let bodies = self.clone();
        move |info, body| {
            bodies.0.lock().unwrap().push((info.clone(), body));
            Ok(Thread::detached())
        }
    }

    pub(crate) fn kept(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The one that came first.
    pub(crate) fn take(&self) -> Body {
        self.0.lock().unwrap().remove(0).1
    }

    /// Runs them all, one after the other, on this thread: each until the pool has ended.
    pub(crate) fn run(&self) {
        while self.kept() > 0 {
            self.take().run();
        }
    }
}

/// Waits until that is so. For what nobody tells of.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// Calls `f` on a thread of its own, and returns when that thread sleeps in it, or has returned. Where
/// that cannot be told, it returns at once: what is tested then still holds, though not at its hardest.
pub(crate) fn asleep_in<R: Send + 'static>(
    f: impl FnOnce() -> R + Send + 'static,
) -> JoinHandle<R> {
    let (here, is_here) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        here.send(std::fs::read_link("/proc/thread-self")).unwrap();
        drop(here);
        f()
    });
    if let Ok(path) = is_here.recv().unwrap() {
        let status = std::path::Path::new("/proc").join(path).join("stat");
        let mut seen = 0;
        while seen < 3 && !thread.is_finished() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let sleeps = text
                .rsplit(')')
                .next()
                .is_some_and(|text| text.starts_with(" S"));
            seen = if sleeps { seen + 1 } else { 0 };
            std::thread::yield_now();
        }
    }
    thread
}
