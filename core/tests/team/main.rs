//! Teams, on real threads: an idea a file.

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these are tests on real threads"
)]

#[path = "../common/mod.rs"]
mod common;

mod bad_coordinators;
mod bad_input;
mod limits;
mod sequences;
mod stack;
mod stepped;
mod while_asked;
