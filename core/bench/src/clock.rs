//! Wall and CPU time, in nanoseconds.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How long anything may take before it counts as lost.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Nanoseconds since the first call.
#[must_use]
pub fn now() -> u64 {
    START.elapsed().as_nanos() as u64
}

/// What one reading of the clock adds to a measured time.
#[must_use]
pub fn reading() -> f64 {
    let mut gaps: Vec<u64> = (0..1001)
        .map(|_| {
            let before = now();
            now() - before
        })
        .collect();
    gaps.sort_unstable();
    gaps[gaps.len() / 2] as f64
}

fn cpu(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// Wall and CPU time from here on.
pub struct Watch {
    wall: Instant,
    process: f64,
    thread: f64,
}

impl Watch {
    #[must_use]
    pub fn start() -> Self {
        Self {
            process: cpu(ClockId::ProcessCPUTime),
            thread: cpu(ClockId::ThreadCPUTime),
            wall: Instant::now(),
        }
    }

    #[must_use]
    pub fn wall(&self) -> f64 {
        self.wall.elapsed().as_nanos() as f64
    }

    /// CPU time of all threads.
    #[must_use]
    pub fn process(&self) -> f64 {
        cpu(ClockId::ProcessCPUTime) - self.process
    }

    /// CPU time of the other threads. Only for the thread that started the watch.
    #[must_use]
    pub fn others(&self) -> f64 {
        self.process() - (cpu(ClockId::ThreadCPUTime) - self.thread)
    }

    /// Wall and CPU time of each of so many tasks.
    #[must_use]
    pub fn per(&self, tasks: u64) -> [f64; 2] {
        let (wall, process) = (self.wall(), self.process());
        [wall / tasks as f64, process / tasks as f64]
    }
}
