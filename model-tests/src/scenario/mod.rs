//! The scenarios. Each is written once, is small (two or three threads, a few operations), is named
//! for what it does, and runs under every engine.

mod bench;
mod classic;
mod event_loop;
mod named;
mod pairs;
mod pools;
mod short_lock;
mod thread_pools;
mod workers;

use std::fmt;

pub(crate) use bench::Leaving;

use crate::linear::Object;
use crate::world::Shared;

/// What a scenario is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// `ShortLock` by itself, which is no object that a user calls.
    ShortLock,
    /// `Quit` by itself.
    Quit,
    /// A memory worker by itself.
    Memory,
    /// A lock worker by itself.
    Lock,
    /// A thread worker by itself.
    Thread,
    /// A team of memory workers, coordinated by a lock worker.
    TeamOfMemory,
    /// A team of memory workers, coordinated by a memory worker: every step is a task of its own.
    TeamStepped,
    /// A team of one thread worker, coordinated by the team's own lock, as a pool is.
    TeamOfOneThread,
    /// A team of two thread workers, coordinated by the team's own lock, as a pool is.
    TeamOfTwoThreads,
    /// A team of one thread worker, coordinated by a lock worker with a lock of its own.
    TeamOfOneThreadUnderLock,
    /// A team of two thread workers, coordinated by a lock worker with a lock of its own.
    TeamOfTwoThreadsUnderLock,
    /// A pool of one thread.
    PoolOfOneThread,
    /// A pool of two threads.
    PoolOfTwoThreads,
    /// The handle of a task of a thread pool.
    Handle,
    /// A scope of a thread pool.
    Scope,
    /// A thread pool.
    ThreadPool,
    /// An event loop.
    EventLoop,
}

impl Subject {
    /// The name in scenario names and in the report.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ShortLock => "short-lock",
            Self::Quit => "quit",
            Self::Memory => "memory",
            Self::Lock => "lock",
            Self::Thread => "thread",
            Self::TeamOfMemory => "team-memory",
            Self::TeamStepped => "team-stepped",
            Self::TeamOfOneThread => "team-1-thread",
            Self::TeamOfTwoThreads => "team-2-threads",
            Self::TeamOfOneThreadUnderLock => "team-1-thread-lock",
            Self::TeamOfTwoThreadsUnderLock => "team-2-threads-lock",
            Self::PoolOfOneThread => "pool-1-thread",
            Self::PoolOfTwoThreads => "pool-2-threads",
            Self::Handle => "handle",
            Self::Scope => "scope",
            Self::ThreadPool => "thread-pool",
            Self::EventLoop => "event-loop",
        }
    }

    /// How many threads its team has, if that is what it has.
    fn threads(self) -> Option<usize> {
        match self {
            Self::TeamOfOneThread | Self::TeamOfOneThreadUnderLock | Self::PoolOfOneThread => {
                Some(1)
            }
            Self::TeamOfTwoThreads | Self::TeamOfTwoThreadsUnderLock | Self::PoolOfTwoThreads => {
                Some(2)
            }
            _ => None,
        }
    }

    /// Whether it is a pool, whose threads fetch their tasks themselves.
    fn is_pool(self) -> bool {
        matches!(self, Self::PoolOfOneThread | Self::PoolOfTwoThreads)
    }
}

/// How far the engines take a scenario in `make verify`; everything else is complete.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// loom's preemption bound, with the reason; `None` explores everything.
    pub preemptions: Option<(usize, &'static str)>,
    /// Whether executions with one spurious wake-up are explored too.
    pub spurious: bool,
    /// Whether shuttle searches exhaustively as well.
    pub exhaustive: bool,
    /// Whether the quick subset (`make test`, `cargo test --features …`) holds it.
    pub quick: bool,
}

type Body = Box<dyn Fn(&Shared) + Send + Sync>;

/// One scenario.
pub struct Scenario {
    /// `subject/what-it-does`.
    pub name: String,
    /// What it is about.
    pub subject: Subject,
    /// The ids of the properties that its verdict judges.
    pub properties: Vec<&'static str>,
    /// How far it is explored.
    pub bounds: Bounds,
    /// Whether a team's tasks start in the order in which they were accepted: with one worker that is
    /// never lost, and a coordinator that decides before `execute` returns.
    in_order: bool,
    body: Body,
}

impl Scenario {
    /// What its calls are to, by number.
    #[must_use]
    pub fn objects(&self) -> Vec<Object> {
        let object = match self.subject {
            Subject::ShortLock
            | Subject::Handle
            | Subject::Scope
            | Subject::ThreadPool
            | Subject::EventLoop => {
                return Vec::new();
            }
            Subject::Quit => Object::QuitFlag,
            Subject::Memory => Object::MemoryWorker,
            Subject::Lock => Object::LockWorker,
            Subject::Thread => Object::ThreadWorker,
            _ => Object::Team {
                limit: if self.in_order { 1 } else { 2 },
                in_order: self.in_order,
            },
        };
        vec![object; 2]
    }

    /// One whose calls are not judged by their histories. Quick, if it is complete.
    fn unjudged(
        subject: Subject,
        what: &str,
        properties: &[&'static str],
        preemptions: Option<(usize, &'static str)>,
        body: fn(&Shared),
    ) -> Self {
        Self {
            name: format!("{}/{what}", subject.name()),
            subject,
            properties: properties.to_vec(),
            bounds: Bounds {
                preemptions,
                // Time-outs are among these.
                spurious: true,
                exhaustive: false,
                quick: preemptions.is_none(),
            },
            in_order: false,
            body: Box::new(body),
        }
    }

    /// Runs it once, in `world`. Threads it has started may still run when this returns.
    pub fn run(&self, world: &Shared) {
        (self.body)(world);
    }
}

impl fmt::Debug for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scenario").field(&self.name).finish()
    }
}

/// All scenarios, in a fixed order.
#[must_use]
pub fn all() -> Vec<Scenario> {
    let mut all = short_lock::all();
    all.extend(workers::all());
    all.extend(named::all());
    all.extend(classic::all());
    all.extend(pools::all());
    all.extend(thread_pools::all());
    all.extend(event_loop::all());
    all.extend(pairs::all());
    all
}
