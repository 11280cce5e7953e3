//! Event loops, on real threads: an idea a file.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

#[path = "../common/mod.rs"]
mod common;
mod loops;
#[path = "../common/thread_pools.rs"]
mod thread_pools;

mod adverse;
mod at_scale;
mod blocking;
mod calls;
mod confined;
mod deferring;
mod ending;
mod fork;
mod futures;
mod hosted;
mod panics;
mod pool;
mod running;
mod tokio_and_mio;
mod waking;
