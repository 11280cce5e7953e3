//! The specification of a pool: a [`team`] under a limit, which is asked each time a
//! worker is wanted, and may change at any time.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Limit(n)` | always | the limit | T1 |
//! | `Team(Made(worker))` | fewer live than the limit was at some moment since the question | the team | T1 |
//! | `Team(AtLimit)` | at some moment since the question the limit was no more than the workers it was told | the team | T3 |
//! | `Team(…)` | as the team says | the team | its |
//!
//! A team that keeps its limit judges the answers itself.

use super::team::{self, Team};
use super::{Machine, Violation, rule};

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pool {
    pub(super) team: Team,
    pub(super) limit: usize,
    pub(super) asked: Option<Asked>,
}

/// The limit is being asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked {
    /// How many workers it was told that there are.
    pub(super) workers: usize,
    /// Between what the limit has been since.
    pub(super) lowest: usize,
    pub(super) highest: usize,
}

/// What happens to a pool.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The limit is this from now on.
    Limit(usize),
    /// What happens to its team.
    Team(team::Action),
}

impl Pool {
    /// A pool whose limit is this, until another is announced.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::of(Team::default(), limit)
    }

    /// The same, of a given team.
    #[must_use]
    pub fn of(team: Team, limit: usize) -> Self {
        Self {
            team,
            limit,
            asked: None,
        }
    }

    fn made(&mut self) -> Result<(), Violation> {
        let highest = self.asked.take().map(|asked| asked.highest);
        let room = highest.is_none_or(|highest| self.team.live() < highest);
        rule(room, "T1", "a worker was made beyond the limit")
    }

    fn at_limit(&mut self) -> Result<(), Violation> {
        let asked = self.asked.take();
        let full = asked.is_none_or(|asked| asked.workers >= asked.lowest);
        rule(full, "T3", "a worker was refused below the limit")
    }
}

impl Machine for Pool {
    type Action = Action;

    fn properties(action: &Action) -> &'static [&'static str] {
        match action {
            Action::Limit(_) => &["T1"],
            Action::Team(action) => Team::properties(action),
        }
    }

    fn take(&mut self, action: &Action) -> Result<(), Violation> {
        let action = match action {
            Action::Limit(n) => {
                self.limit = *n;
                if let Some(asked) = &mut self.asked {
                    asked.lowest = asked.lowest.min(*n);
                    asked.highest = asked.highest.max(*n);
                }
                return Ok(());
            }
            Action::Team(action) => action,
        };
        match *action {
            team::Action::AskFactory { workers } if self.team.limit().is_none() => {
                self.asked = Some(Asked {
                    workers,
                    lowest: self.limit,
                    highest: self.limit,
                });
            }
            team::Action::Made(_) => self.made()?,
            team::Action::AtLimit => self.at_limit()?,
            team::Action::Failed => self.asked = None,
            _ => {}
        }
        self.team.take(action)
    }

    fn end(&self) -> Result<(), Violation> {
        self.team.end()
    }
}
