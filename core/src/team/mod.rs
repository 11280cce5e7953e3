//! The team: spreads tasks over workers through one exclusive coordinator.
//!
//! | file | holds |
//! |---|---|
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
mod statistics;
mod team_lock;
mod tickets;

pub(crate) use crew::{Crew, Request};
pub use handlers::{CreationError, CreationFailed, Handlers};
pub use public::Team;
pub use statistics::Statistics;
pub use team_lock::TeamLock;
