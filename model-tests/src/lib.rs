//! Scenarios, engines, controls and the report that check `brigade`.
//!
//! | module | holds |
//! |---|---|
//! | [`world`] | what one execution is judged by: the fate of each task, each quit, what overlapped |
//! | [`scenario`] | the scenarios, each written once |
//! | [`laws`] | the laws of a worker, checked on anyone's |
//! | [`engine`] | the engine this build explores them with: loom, shuttle, or real threads |
//! | [`report`] | one row a scenario and engine; the table and the JSON |
//! | `conformance` | recordings of the original, replayed |

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
pub mod conformance;
pub mod engine;
pub mod laws;
pub mod report;
pub mod scenario;
pub mod world;
