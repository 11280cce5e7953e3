//! Thread pools whose threads are bodies, kept by the test until it runs them.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io;
use std::sync::{Arc, Mutex};

use brigade::{Body, Thread, ThreadInfo};

use crate::common::Count;

/// The bodies of the threads that were started and have not been run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bodies {
    kept: Arc<Mutex<Vec<Body>>>,
    started: Count,
}

impl Bodies {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Keeps the body.
    pub(crate) fn keep(&self, body: Body) -> Thread {
        self.started.one_more();
        self.kept.lock().unwrap().push(body);
        Thread::detached()
    }

    /// A start policy that keeps every body.
    pub(crate) fn start(
        &self,
    ) -> impl Fn(&ThreadInfo, Body) -> io::Result<Thread> + Send + Sync + 'static {
        let bodies = self.clone();
        move |_, body| Ok(bodies.keep(body))
    }

    /// The same, but the start of this number (from 0) fails.
    pub(crate) fn start_failing(
        &self,
        nth: usize,
    ) -> impl Fn(&ThreadInfo, Body) -> io::Result<Thread> + Send + Sync + 'static {
        let (bodies, starts) = (self.clone(), Count::new());
        move |_, body| {
            if starts.one_more() == nth {
                return Err(io::Error::other("no thread today"));
            }
            Ok(bodies.keep(body))
        }
    }

    /// How many were started so far.
    pub(crate) fn started(&self) -> usize {
        self.started.get()
    }

    /// Runs the oldest that was not run, on this thread, until it leaves: no, if there is none. Its pool must
    /// have been quit, or have told it to leave.
    pub(crate) fn run_one(&self) -> bool {
        let body = {
            let mut kept = self.kept.lock().unwrap();
            (!kept.is_empty()).then(|| kept.remove(0))
        };
        body.map(Body::run).is_some()
    }

    /// Runs all, one after the other, those too that are started meanwhile.
    pub(crate) fn run_all(&self) {
        while self.run_one() {}
    }
}
