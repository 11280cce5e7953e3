//! Scenarios, engines, controls and the report that check `brigade`.
//!
//! | module | holds |
//! |---|---|
//! | [`world`] | what one execution is judged by: the fate of each task, each quit, what overlapped |
//! | [`scenario`] | the scenarios, each written once |
//! | [`laws`] | the laws of a worker, checked on anyone's |
//! | [`engine`] | the engine this build explores them with: loom, shuttle, or real threads |
//! | [`trace`] | what `core` tells of one execution |
//! | [`refine`] | whether the model allows that |
//! | [`linear`] | whether the answers of one execution could have come from one call at a time |
//! | [`report`] | one row a scenario and engine; the table and the JSON |
//! | [`model`] | the reference model: each object as a sequential state machine, and every state of it |
//! | `conformance` | recordings of the original, replayed |

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub mod conformance;
pub mod engine;
pub mod laws;
pub mod linear;
pub mod model;
pub mod refine;
pub mod report;
pub mod scenario;
pub mod trace;
pub mod world;

// The programs of the guide, which `cargo test` compiles and runs. They are here because the package
// `brigade` does not reach outside of its folder.
#[cfg(all(doctest, not(any(feature = "loom", feature = "shuttle"))))]
#[doc = include_str!("../../docs/guide.md")]
pub struct Guide;
