//! The sequential objects: what each answers when one thing happens at a time.
//!
//! Written to be read against [the properties](../../../docs/properties.md). They share no code with
//! `core`.

mod gate;
mod lock_worker;
mod memory_worker;
mod quit_flag;
mod team;
mod thread_worker;

use super::search::{Sequential, explains};
use super::steps::Step;

pub(super) use lock_worker::LockWorker;
pub(super) use memory_worker::MemoryWorker;
pub(super) use quit_flag::QuitFlag;
pub(super) use team::Team;
pub(super) use thread_worker::ThreadWorker;

/// Which object a history is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// A flag that is set once.
    QuitFlag,
    /// A worker whose tasks are performed by hand.
    MemoryWorker,
    /// A worker that runs each task on the thread that submits it.
    LockWorker,
    /// A worker with a thread of its own.
    ThreadWorker,
    /// A team, or a pool.
    Team {
        /// The most workers that its factory ever allows at a time; `usize::MAX` if not known.
        limit: usize,
        /// Whether tasks start in the order in which they were accepted: with a limit of 1, and a
        /// coordinator that decides before `execute` returns. A coordinator that is stepped takes
        /// tasks in an order of its own.
        in_order: bool,
    },
}

impl Object {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::QuitFlag => "quit flag",
            Self::MemoryWorker => "memory worker",
            Self::LockWorker => "lock worker",
            Self::ThreadWorker => "thread worker",
            Self::Team { .. } => "team",
        }
    }

    /// Whether the sequential object agrees to an order of the steps.
    pub(super) fn explains(self, steps: &[Step], settled: bool) -> bool {
        self.with(Explains { steps, settled })
    }

    /// Calls with a new sequential object of this kind.
    pub(super) fn with<V: Visit>(self, visit: V) -> V::Output {
        match self {
            Self::QuitFlag => visit.visit(QuitFlag::default()),
            Self::MemoryWorker => visit.visit(MemoryWorker::default()),
            Self::LockWorker => visit.visit(LockWorker::default()),
            Self::ThreadWorker => visit.visit(ThreadWorker::default()),
            Self::Team { limit, in_order } => visit.visit(Team::new(limit, in_order)),
        }
    }
}

/// What can be done with a sequential object of any kind.
pub(super) trait Visit {
    type Output;
    fn visit<S: Sequential + std::fmt::Debug>(self, object: S) -> Self::Output;
}

struct Explains<'a> {
    steps: &'a [Step],
    settled: bool,
}

impl Visit for Explains<'_> {
    type Output = bool;
    fn visit<S: Sequential>(self, object: S) -> bool {
        explains(&object, self.steps, self.settled)
    }
}
