//! A worker/team concurrency core whose claims are checked by machine.
//!
//! A [`Worker`] takes tasks and can be quit; an [`ExclusiveWorker`] never overlaps them. A
//! [memory worker](memory_worker) is stepped by hand, a [`LockWorker`] runs tasks on the submitting
//! thread, a [`ThreadWorker`] on one of its own. A [`Team`] spreads tasks over workers through one
//! exclusive coordinator; a [`pool`] is a team of threads under a limit. A [`ThreadPool`] has sizes, results and
//! ends; an [`EventLoop`] sends work out and gets results back.
//!
//! ```
//! # brigade::primitives::example(|| {
//! let pool = brigade::pool(|| 4, |body| brigade::start_thread("worker", body));
//! for name in ["ada", "grace"] {
//!     pool.execute(move || println!("hello, {name}")).unwrap();
//! }
//! pool.quit().unwrap(); // refuses new work, finishes what was accepted, ends the threads
//! # });
//! ```
//!
//! # Layers
//! From pure to concrete; a module uses only those above it, which `make layers` checks.
//!
//! | layer | modules |
//! |---|---|
//! | vocabulary | [`primitives`], `probe` |
//! | words | `short_lock`, `task`, `task_error`, `jobs`, `worker`, `quit`, `contain`, `handle`, `turn`, `start`, `token`, `completion` |
//! | workers | `memory`, `lock`, `queue`, `thread` |
//! | team | `team`: `statistics`, `sizes`, `ledger`, `backlog`, `handlers`, `tickets`, `shell`, `team_lock`, `public`, `crew` |
//! | scopes | `scope` |
//! | compositions | `pool`, `thread_pool`, `event_loop`, [`test_kit`] |
//!
//! # Features
//! `loom` and `shuttle` replace the [`primitives`] by those of that engine, so that this crate and
//! code built on it can be explored. With both on, loom wins. `probe` tells a recorder of each
//! linearization point. None is for production.

#![cfg_attr(
    not(any(feature = "loom", feature = "shuttle")),
    allow(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "without an engine the primitives are std's own; the lints bite with one"
    )
)]

mod completion;
mod contain;
mod event_loop;
mod handle;
mod jobs;
mod lock;
mod memory;
mod pool;
pub mod primitives;
#[cfg_attr(not(feature = "probe"), doc(hidden))]
pub mod probe;
mod queue;
mod quit;
mod scope;
mod short_lock;
mod start;
mod task;
mod task_error;
mod team;
pub mod test_kit;
mod thread;
mod thread_pool;
mod token;
mod turn;
mod worker;

pub use contain::{PanicHandler, Payload};
pub use event_loop::{
    BlockingCallError, Call, Confined, DeferError, EventLoop, EventLoopBuilder, LoopClosed,
    LoopHandle, NotDeferred, OnLoop, OpenError, RunError, RunOnLoop,
};
pub use lock::LockWorker;
pub use memory::{MemoryWorker, Performed, Performer, memory_worker, memory_worker_with};
pub use pool::{Pool, pool, pool_with};
pub use queue::{Queue, SwapQueue};
pub use quit::Quit;
pub use scope::{Scope, ScopedHandle};
#[doc(hidden)]
pub use short_lock::{ShortGuard, ShortLock};
pub use start::{Body, Thread, start_thread};
pub use task::Task;
pub use task_error::TaskError;
pub use team::{CreationError, CreationFailed, Handlers, Statistics, Team, TeamLock};
pub use thread::{JoinError, ThreadWorker};
#[cfg(feature = "tracing")]
pub use thread_pool::Traced;
pub use thread_pool::{
    BuildError, Builder, CallbackHandle, JoinHandle, Observer, Phase, PoolStatistics, Rejected,
    ResizeError, ShutdownError, StallReport, StalledTask, TaskId, ThreadInfo, ThreadPool, WhenFull,
    blocking,
};
pub use turn::turn;
pub use worker::{AlreadyQuit, ExclusiveWorker, Now, Refused, Worker};
