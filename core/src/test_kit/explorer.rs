//! What a user says of an exploration, and what comes of it.

use std::fmt;

use super::counterexample::Counterexample;
use super::engine;

/// Runs `body` as the features of this crate say: 100 times on real threads, or, with `loom`, in every
/// interleaving of up to three preemptions, or, with `shuttle`, in 2,000 that it draws. [`Explorer`]
/// has other bounds.
///
/// The body takes what synchronises from [`primitives`](crate::primitives), and ends what it starts: it
/// joins its threads and shuts its pools down, or quits them under an engine. On real threads a wait
/// that never ends is a test that never ends; the engines report it.
///
/// # Panics
/// If an execution panics anywhere, also in a task whose panic is contained (on real threads, if that thread
/// has made a [`note`](super::note)); after having written the [`Counterexample`] to standard error.
///
/// ```
/// use brigade::primitives::{Arc, Mutex, thread};
/// use brigade::test_kit::{explore, note};
///
/// # brigade::primitives::example(|| {
/// explore(|| {
///     let count = Arc::new(Mutex::new(0));
///     let theirs = Arc::clone(&count);
///     let other = thread::spawn("other", move || {
///         note("adds one");
///         *theirs.lock() += 1;
///     });
///     *count.lock() += 1;
///     other.unwrap().join().unwrap();
///     assert_eq!(*count.lock(), 2);
/// });
/// # });
/// ```
pub fn explore(body: impl Fn() + Send + Sync + 'static) {
    Explorer::new().run(body);
}

/// The bounds of an exploration. Each concerns the engine that its documentation names, and no other.
///
/// ```
/// use brigade::test_kit::Explorer;
///
/// # brigade::primitives::example(|| {
/// let explored = Explorer::new().preemptions(None).schedules(10_000).run(|| ());
/// println!("{explored}");
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Explorer {
    pub(super) preemptions: Option<usize>,
    pub(super) branches: usize,
    pub(super) early_wakes: bool,
    pub(super) schedules: usize,
    pub(super) seed: u64,
    pub(super) runs: usize,
}

impl Default for Explorer {
    fn default() -> Self {
        Self::new()
    }
}

impl Explorer {
    /// The bounds of [`explore`].
    #[must_use]
    pub fn new() -> Self {
        Self {
            preemptions: Some(3),
            branches: 10_000,
            early_wakes: true,
            schedules: 1_000,
            seed: 0x0062_7269_6761_6465,
            runs: 100,
        }
    }

    /// loom: how often in one execution a thread that could go on is stopped for another. `None`: as often
    /// as there are places for it, which is complete and takes long. By default 3.
    #[must_use]
    pub fn preemptions(mut self, most: Option<usize>) -> Self {
        self.preemptions = most;
        self
    }

    /// loom: how many choices one execution may have before it is taken for endless, which fails. By
    /// default 10,000.
    #[must_use]
    pub fn branches(mut self, most: usize) -> Self {
        self.branches = most;
        self
    }

    /// loom and shuttle: whether one wait of an execution may return without a notification, as those of
    /// real condition variables do, or because its time is up. By default yes. Under loom, each wait makes
    /// for an exploration of its own.
    #[must_use]
    pub fn early_wakes(mut self, yes: bool) -> Self {
        self.early_wakes = yes;
        self
    }

    /// shuttle: how many schedules are drawn at random, and as many again by PCT of depth 3. By default
    /// 1,000.
    #[must_use]
    pub fn schedules(mut self, number: usize) -> Self {
        self.schedules = number;
        self
    }

    /// shuttle: what its schedules are drawn from. By default always the same; a failure names it. Where the
    /// environment has `SHUTTLE_RANDOM_SEED`, it is that.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Real threads: how often the body is run. By default 100.
    #[must_use]
    pub fn runs(mut self, number: usize) -> Self {
        self.runs = number;
        self
    }

    /// Explores `body`.
    ///
    /// # Panics
    /// As [`explore`] does.
    pub fn run(&self, body: impl Fn() + Send + Sync + 'static) -> Explored {
        match self.try_run(body) {
            Ok(explored) => explored,
            // The whole of it was written when it was found.
            Err(found) => panic!(
                "{}: execution {} failed: {}",
                found.engine,
                found.execution,
                found.message()
            ),
        }
    }

    /// Explores `body`; for tests that expect it to fail.
    ///
    /// What it finds it also writes to standard error at once, for an engine does not always survive
    /// that: loom ends the process on most deadlocks.
    ///
    /// # Errors
    /// The first execution that failed.
    pub fn try_run(
        &self,
        body: impl Fn() + Send + Sync + 'static,
    ) -> Result<Explored, Counterexample> {
        engine::explore(self, body)
    }
}

/// What was explored, and how far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explored {
    /// By `std`, `loom` or `shuttle`.
    pub engine: &'static str,
    /// How many executions there were.
    pub executions: usize,
    /// Whether they were all that the engine has, within no bound.
    pub complete: bool,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            engine, executions, ..
        } = self;
        let how = if self.complete { "complete" } else { "bounded" };
        write!(f, "{engine}: {executions} executions, {how}")
    }
}
