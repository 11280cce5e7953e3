//! What is measured: rows of numbers, and the target of each.

mod burst;
mod event_loop;
mod execute;
mod extras;
mod flood;
mod handles;
mod memory;
mod paced;
mod round_trip;
mod stepped;
mod threads;

use serde::Serialize;

use crate::contenders::{Contender, Kind};
use crate::pin::Mode;

/// What a number is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Against {
    /// The best peer of the row.
    Best,
    Tokio,
    /// Our own `pool`.
    Pool,
    /// What the machine can do.
    Raw,
    /// Nobody: it is a bound.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub against: Against,
    /// On one core, and apart.
    pub at_most: [f64; 2],
}

impl Target {
    #[must_use]
    pub fn at_most(&self, mode: Mode) -> f64 {
        self.at_most[usize::from(mode == Mode::Apart)]
    }
}

/// One number of a row. Lower is better in each.
#[derive(Clone, Debug)]
pub struct Metric {
    pub name: String,
    pub unit: &'static str,
    pub targets: Vec<Target>,
}

impl Metric {
    fn new(name: &str, unit: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            unit,
            targets: Vec::new(),
        }
    }

    fn at_most(mut self, against: Against, at_most: f64) -> Self {
        self.targets.push(Target {
            against,
            at_most: [at_most; 2],
        });
        self
    }

    fn at_most_by_mode(mut self, against: Against, one: f64, apart: f64) -> Self {
        self.targets.push(Target {
            against,
            at_most: [one, apart],
        });
        self
    }
}

/// One contender in one row.
pub struct Case {
    pub name: &'static str,
    pub kind: Kind,
    /// Measures once; a number for each metric. NaN where this contender cannot have one.
    pub round: Box<dyn FnMut() -> Vec<f64>>,
}

impl Case {
    fn of<C: Contender>(round: impl FnMut() -> Vec<f64> + 'static) -> Self {
        Self::new(C::NAME, C::KIND, round)
    }

    fn new(name: &'static str, kind: Kind, round: impl FnMut() -> Vec<f64> + 'static) -> Self {
        Self {
            name,
            kind,
            round: Box::new(round),
        }
    }
}

/// How a row is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    pub mode: Mode,
    /// Few tasks: to see that it works.
    pub quick: bool,
    /// This contender only.
    pub only: Option<&'a str>,
}

impl Setup<'_> {
    fn few(&self, count: u64) -> u64 {
        if self.quick {
            (count / 100).max(8)
        } else {
            count
        }
    }

    /// The case, if it is wanted: a pool is made only for those that run.
    fn case<C: Contender>(&self, case: impl FnOnce() -> Case) -> Option<Case> {
        self.named(C::NAME, case)
    }

    fn named(&self, name: &str, case: impl FnOnce() -> Case) -> Option<Case> {
        self.only.is_none_or(|only| only == name).then(case)
    }
}

type Cases = Box<dyn Fn(&Setup<'_>) -> Vec<Case>>;

pub struct Row {
    pub name: String,
    pub about: String,
    pub metrics: Vec<Metric>,
    /// One round of this many, for rows that take long or never differ.
    pub share: usize,
    /// So many times the rounds, for rows in which one round is little like the next.
    pub times: usize,
    /// In which modes it says something.
    pub modes: &'static [Mode],
    pub cases: Cases,
}

impl Row {
    fn new(
        name: impl Into<String>,
        about: impl Into<String>,
        metrics: impl Into<Vec<Metric>>,
        cases: impl Fn(&Setup<'_>) -> Vec<Case> + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            metrics: metrics.into(),
            share: 1,
            times: 1,
            modes: &Mode::ALL,
            cases: Box::new(cases),
        }
    }
}

/// All rows, in the order in which they are shown.
#[must_use]
pub fn all() -> Vec<Row> {
    [
        flood::rows(),
        paced::rows(),
        round_trip::rows(),
        burst::rows(),
        threads::rows(),
        execute::rows(),
        handles::rows(),
        event_loop::rows(),
        extras::rows(),
        stepped::rows(),
        memory::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
