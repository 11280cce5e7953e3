//! What a task costs in brigade's pool, beside the pools that a user would pick instead.
//!
//! `make bench` runs everything in one process. The contenders of a row take turns, round by round,
//! and another one begins each time, so that whatever disturbs the machine disturbs all of them.
//! What is compared is always of the same round.
//!
//! Everything is measured twice, pinned: with all threads on one core, and with the submitters on
//! one and the workers on another. Left alone, the kernel often puts both sides on one core, and
//! then a benchmark measures where it put them.
//!
//! | module | idea |
//! |---|---|
//! | `pin`, `clock` | where threads run; wall and CPU time |
//! | `tally`, `latch` | which tasks have run, and how the submitter waits for them |
//! | `contenders` | one face for all pools |
//! | `handles` | one more, for those that give results back |
//! | `loops` | one for event loops |
//! | `twisted` | the original, where it is installed |
//! | `rows` | what is measured, and the target of each number |
//! | `stats` | medians, paired ratios, intervals |
//! | `run`, `report` | the rounds; tables and JSON |

#![forbid(unsafe_code)]

pub mod args;
pub mod clock;
pub mod contenders;
pub mod handles;
pub mod latch;
pub mod loops;
pub mod pin;
pub mod report;
pub mod rows;
pub mod run;
pub mod stats;
pub mod tally;
pub mod twisted;
