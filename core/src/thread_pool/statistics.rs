//! The numbers of a thread pool.

use std::fmt;

use crate::team::Statistics;

/// The numbers of a [`ThreadPool`](super::ThreadPool): those of now in [`now`](Self::now), consistent with
/// each other; then totals and high-water marks, each right by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Its threads and tasks as they are.
    pub now: Statistics,
    /// The least and the most threads it shall have.
    pub sizes: (usize, usize),
    /// How many threads are inside of [`blocking`](crate::blocking).
    pub blocking: usize,
    /// Threads made so far.
    pub made: usize,
    /// Threads that have ended.
    pub gone: usize,
    /// The most threads at any time.
    pub most_threads: usize,
    /// The most tasks that waited at any time, those included that a free thread was about to take.
    pub most_waiting: usize,
}

impl fmt::Display for PoolStatistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (least, most) = self.sizes;
        write!(f, "{}; {least} to ", self.now)?;
        if most == usize::MAX {
            f.write_str("any number of")?;
        } else {
            write!(f, "{most}")?;
        }
        write!(
            f,
            " threads, {} blocking, {} made, {} gone; at most {} threads and {} waiting",
            self.blocking, self.made, self.gone, self.most_threads, self.most_waiting
        )
    }
}
