//! The team: spreads tasks over workers through one exclusive coordinator.
//!
//! | file | holds |
//! |---|---|
//! | [`sizes`] | how many workers there shall be, where the ledger keeps that |
//! | [`ledger`] | all the thinking: sequential data, no locks, calls nothing |
//! | [`backlog`] | where tasks wait |
//! | [`shell`] | all the races: drives the ledger through a coordinator, and delivers what it decides |
//! | [`crew`] | the other shell, for threads: they fetch what the ledger has for them |
//! | [`tickets`] | what the shell gives to coordinators and workers, and what happens if they drop it |
//! | [`team_lock`] | the coordinator that is the ledger's own mutex |
//! | [`public`] | [`Team`], what users hold |
//! | [`handlers`] | what the owner is told |
//! | [`statistics`] | the snapshot |

mod backlog;
mod crew;
mod handlers;
mod ledger;
mod public;
mod shell;
mod sizes;
mod statistics;
mod team_lock;
mod tickets;

pub(crate) use crew::{Crew, NotTaken, Request, Terms};
pub use handlers::{CreationError, CreationFailed, Handlers};
pub use public::Team;
pub(crate) use sizes::Sizes;
pub use statistics::Statistics;
pub use team_lock::TeamLock;
