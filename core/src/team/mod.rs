//! The team: spreads tasks over workers through one exclusive coordinator.
//!
//! | file | holds |
//! |---|---|
//! | [`ledger`] | all the thinking: sequential data, no locks, calls nothing |
//! | [`shell`] | all the races: drives the ledger through a coordinator, and delivers what it decides |
//! | [`tickets`] | what the shell gives to coordinators and workers, and what happens if they drop it |
//! | [`team_lock`] | the coordinator that is the ledger's own mutex |
//! | [`public`] | [`Team`], what users hold |
//! | [`handlers`] | what the owner is told |
//! | [`statistics`] | the snapshot |

mod handlers;
mod ledger;
mod public;
mod shell;
mod statistics;
mod team_lock;
mod tickets;

pub use handlers::{CreationError, CreationFailed, Handlers};
pub use public::Team;
pub use statistics::Statistics;
pub use team_lock::TeamLock;
