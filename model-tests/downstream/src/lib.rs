//! A user's crate, as small as one can be: a value that is loaded once, by a task in a pool, when it is
//! first asked for. [`Cached`] is right; [`planted`] has two that are not, for tests to find.
//!
//! It takes what synchronises from [`brigade::primitives`], and nothing else is needed to have it explored.

#![forbid(unsafe_code)]

mod cached;
pub mod planted;

pub use cached::Cached;

/// The guide's snippets, run as doc tests: on real threads, for some step a team outside of an exploration.
#[cfg(all(doctest, not(any(feature = "loom", feature = "shuttle"))))]
#[doc = include_str!("../../../docs/testing-your-code.md")]
struct Guide;
