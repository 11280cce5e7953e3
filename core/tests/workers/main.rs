//! Workers of every kind, on real threads: an idea a file.

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
#[path = "../common/watchdog.rs"]
mod watchdog;

mod bad_input;
mod drop_that_submits;
mod lock;
mod memory;
mod nested_calls;
mod start_policy;
mod thread;
