//! A kit for tests of code that uses this crate.
//!
//! | you want to | take |
//! |---|---|
//! | step a team by hand, in an order of your own | [`SteppedTeam`] |
//! | step it in seeded orders, and replay one that failed | [`run_seeded`], [`Schedule`] |
//! | have an event loop, or anything else that has steps, be one of what is stepped | [`Steps`], [`Stepped`] |
//! | run one test on real threads, under loom and under shuttle | [`explore`], [`Explorer`] |
//! | read what each thread did when that failed | [`note`], [`Counterexample`] |
//!
//! `docs/testing-your-code.md` goes through all of it with a small crate.
//!
//! ```
//! use brigade::test_kit::SteppedTeam;
//!
//! # brigade::primitives::example(|| {
//! let mut team = SteppedTeam::new(2); // at most two workers, stepped by hand as the coordinator is
//! team.team().execute(|| println!("hello")).unwrap();
//! assert!(team.step_coordinator()); // it makes a worker, and gives it the task
//! assert!(team.step(0)); // which runs it
//! team.run_seeded(42).unwrap(); // the rest, in some order: the coordinator hears of its end
//! assert_eq!(team.outstanding(), 0);
//! # });
//! ```
//!
//! | file | holds |
//! |---|---|
//! | `steps` | what can be stepped, and running it in a seeded order |
//! | `schedule` | an order as text, and its replay |
//! | `stepped_team` | a team all of whose performers are stepped |
//! | `split_mix` | the generator of the seeded orders |
//! | `explorer` | what a user says of an exploration |
//! | `counterexample` | what an exploration says of a failure |
//! | `lanes` | notes, and how they are laid out |
//! | `engine` | drives the engines from outside of every execution; the only one here to name them |
//!
//! # Invariants
//! - A note adds no step and no order that an engine sees: it would hide what is looked for.
//! - Equal seeds give equal orders, of steps and of shuttle's schedules.
//! - No panic of a watched execution goes unreported, also where it is contained; but one with
//!   [`OnPurpose`], and, on real threads, one contained on a thread that has made no note.

#![forbid(unsafe_code)]

mod counterexample;
mod engine;
mod explorer;
mod lanes;
mod schedule;
mod split_mix;
mod stepped_team;
mod steps;
#[cfg(all(test, not(any(feature = "loom", feature = "shuttle"))))]
mod tests;

pub use counterexample::Counterexample;
pub use engine::{OnPurpose, note};
pub use explorer::{Explored, Explorer, explore};
pub use schedule::{BadSchedule, ReplayError, Schedule};
pub use stepped_team::SteppedTeam;
pub use steps::{BadName, NeverQuiet, Stepped, Steps, run_seeded};
