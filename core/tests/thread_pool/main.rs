//! Thread pools, on real threads: an idea a file.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

#[path = "../common/by_hand.rs"]
mod by_hand;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/thread_pools.rs"]
mod thread_pools;
#[path = "../common/watchdog.rs"]
mod watchdog;

mod ending;
mod full;
mod handles;
mod making;
mod observing;
mod racing;
mod scope;
mod sizes;
