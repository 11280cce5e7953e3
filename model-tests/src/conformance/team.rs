//! Recordings of a team: single-stepped, observed after every step.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brigade::{
    AlreadyQuit, Handlers, MemoryWorker, Performer, Refused, Task, Team, Worker, memory_worker,
};
use serde::Deserialize;

use super::{Answer, Disagreement};

/// A program for a team, with what the original did at every step.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// The factory's limit to begin with.
    pub limit: usize,
    /// The program.
    pub steps: Vec<Step>,
}

/// One step, and what was seen of it and after it.
#[derive(Clone, Debug, Deserialize)]
pub struct Step {
    /// What was done.
    #[serde(flatten)]
    pub op: Op,
    /// What it came to, if it says so.
    #[serde(default)]
    pub result: Option<Outcome>,
    /// What was seen.
    #[serde(flatten)]
    pub seen: Seen,
}

/// What can be done.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Submit this task.
    Do {
        /// Its id.
        task: usize,
    },
    /// Submit this task, which panics.
    DoPanic {
        /// Its id.
        task: usize,
    },
    /// Grow the team.
    Grow {
        /// By so many.
        n: usize,
    },
    /// Shrink the team.
    Shrink {
        /// By so many.
        n: usize,
        /// Whether the coordinator is then stepped until it has nothing to do.
        #[serde(default)]
        settled: bool,
    },
    /// Shrink the team by all.
    ShrinkAll {
        /// Whether the coordinator is then stepped until it has nothing to do.
        #[serde(default)]
        settled: bool,
    },
    /// Quit the team.
    Quit,
    /// Set the factory's limit.
    Limit {
        /// The limit from now on.
        n: usize,
    },
    /// Step the coordinator once.
    Coordinate,
    /// Step a worker once.
    Perform {
        /// Which, in the order in which they were made.
        worker: usize,
    },
    /// Step the coordinator until it has nothing to do.
    Settle,
    /// Settle, step every worker once in order, and again, until nothing moves.
    Drain,
}

/// What an op came to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Outcome {
    /// A call was accepted or refused.
    Call(Answer),
    /// A performer did something, or had nothing to do.
    Did(bool),
}

/// What is seen after a step.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct Seen {
    /// Workers with nothing to do.
    pub idle: usize,
    /// Workers with a task.
    pub busy: usize,
    /// Tasks that wait.
    pub backlog: usize,
    /// Tasks that ran during the step, each with its worker.
    pub ran: Vec<(usize, usize)>,
    /// Tasks that panicked during the step.
    pub failures: Vec<usize>,
    /// Workers made and not yet quit.
    pub alive: Vec<usize>,
    /// What else the team reported, in words: the original has no such reports, so none is expected.
    #[serde(skip)]
    pub reports: Vec<String>,
}

impl Recording {
    pub(super) fn replay(&self) -> Result<(), Disagreement> {
        let bench = Bench::new(self.limit);
        for (number, step) in self.steps.iter().enumerate() {
            let result = bench.step(step.op);
            let seen = bench.look();
            if (result, &seen) != (step.result, &step.seen) {
                return Err(Disagreement {
                    agreed: self.steps[..number].iter().map(Step::to_string).collect(),
                    step: step.op.to_string(),
                    expected: outcome(step.result, &step.seen),
                    got: outcome(result, &seen),
                });
            }
        }
        Ok(())
    }
}

/// A team, its coordinator and its workers, all stepped by hand.
struct Bench {
    team: Team<MemoryWorker, Known>,
    coordinator: Performer,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    limit: usize,
    workers: Vec<Arc<Performer>>,
    alive: Vec<usize>,
    /// The worker being stepped.
    stepped: Option<usize>,
    ran: Vec<(usize, usize)>,
    failures: Vec<usize>,
    reports: Vec<String>,
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A memory worker with a number, which says when it is quit.
struct Known {
    number: usize,
    worker: MemoryWorker,
    shared: Arc<Mutex<Shared>>,
}

impl Worker for Known {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.worker.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        lock(&self.shared).alive.retain(|&it| it != self.number);
        self.worker.quit()
    }
}

impl Bench {
    fn new(limit: usize) -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            limit,
            workers: Vec::new(),
            alive: Vec::new(),
            stepped: None,
            ran: Vec::new(),
            failures: Vec::new(),
            reports: Vec::new(),
        }));
        let (coordinator, performer) = memory_worker();
        let factory = {
            let of = Arc::clone(&shared);
            move |now: &brigade::Statistics| {
                let mut shared = lock(&of);
                if now.workers() >= shared.limit {
                    return Ok(None);
                }
                let (worker, performer) = memory_worker();
                let number = shared.workers.len();
                shared.workers.push(Arc::new(performer));
                shared.alive.push(number);
                Ok(Some(Known {
                    number,
                    worker,
                    shared: Arc::clone(&of),
                }))
            }
        };
        let report = |text: fn() -> &'static str| {
            let shared = Arc::clone(&shared);
            move || lock(&shared).reports.push(text().to_owned())
        };
        let (abandoned, failed) = (
            report(|| "a task was abandoned"),
            report(|| "a worker could not be made"),
        );
        let panics = Arc::clone(&shared);
        let handlers = Handlers::new()
            .on_panic(move |payload| {
                let mut shared = lock(&panics);
                match payload.downcast::<usize>() {
                    Ok(task) => shared.failures.push(*task),
                    Err(_) => shared.reports.push("a panic of no task's".to_owned()),
                }
            })
            .on_abandoned(move |_| abandoned())
            .on_creation_failed(move |_| failed());
        Self {
            team: Team::new(coordinator, factory, handlers),
            coordinator: performer,
            shared,
        }
    }

    fn step(&self, op: Op) -> Option<Outcome> {
        let team = &self.team;
        let call = |result: Answer| Some(Outcome::Call(result));
        match op {
            Op::Do { task } => call(self.submit(task, false)),
            Op::DoPanic { task } => call(self.submit(task, true)),
            Op::Grow { n } => call(team.grow(n).into()),
            Op::Shrink { n, settled } => {
                let result = team.shrink(n);
                self.settle_if(settled);
                call(result.into())
            }
            Op::ShrinkAll { settled } => {
                let result = team.shrink_all();
                self.settle_if(settled);
                call(result.into())
            }
            Op::Quit => call(team.quit().into()),
            Op::Limit { n } => {
                lock(&self.shared).limit = n;
                None
            }
            Op::Coordinate => Some(Outcome::Did(self.coordinator.perform().ran())),
            Op::Perform { worker } => Some(Outcome::Did(self.perform(worker))),
            Op::Settle => {
                self.coordinator.drain();
                None
            }
            Op::Drain => {
                while self.drain_once() {}
                None
            }
        }
    }

    /// Settles, steps every worker once, and says whether anything moved.
    fn drain_once(&self) -> bool {
        let mut moved = self.coordinator.drain() > 0;
        let workers = lock(&self.shared).workers.len();
        for worker in 0..workers {
            moved |= self.perform(worker);
        }
        moved
    }

    fn settle_if(&self, settled: bool) {
        if settled {
            self.coordinator.drain();
        }
    }

    fn submit(&self, task: usize, panics: bool) -> Answer {
        let of = Arc::clone(&self.shared);
        let body = move || {
            let mut shared = lock(&of);
            match shared.stepped {
                Some(worker) => shared.ran.push((task, worker)),
                None => shared
                    .reports
                    .push(format!("task {task} ran on no worker's turn")),
            }
            drop(shared);
            if panics {
                // Not `panic_any`, which would have the process's hook print a thousand panics.
                resume_unwind(Box::new(task));
            }
        };
        self.team.execute(body).into()
    }

    /// Steps a worker once; one that was not made has nothing to do.
    fn perform(&self, worker: usize) -> bool {
        let mut shared = lock(&self.shared);
        let Some(performer) = shared.workers.get(worker).map(Arc::clone) else {
            return false;
        };
        shared.stepped = Some(worker);
        drop(shared);
        let did = performer.perform().ran();
        lock(&self.shared).stepped = None;
        did
    }

    fn look(&self) -> Seen {
        let now = self.team.statistics();
        let mut shared = lock(&self.shared);
        Seen {
            idle: now.idle,
            busy: now.busy,
            backlog: now.backlogged,
            ran: std::mem::take(&mut shared.ran),
            failures: std::mem::take(&mut shared.failures),
            alive: shared.alive.clone(),
            reports: std::mem::take(&mut shared.reports),
        }
    }
}

fn outcome(result: Option<Outcome>, seen: &Seen) -> String {
    let result = match result {
        None => String::new(),
        Some(Outcome::Call(Answer::Ok)) => "ok; ".to_owned(),
        Some(Outcome::Call(Answer::AlreadyQuit)) => "already quit; ".to_owned(),
        Some(Outcome::Did(did)) => format!("{did}; "),
    };
    format!("{result}{seen}")
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = outcome(self.result, &self.seen);
        write!(f, "{:<20}  {outcome}", self.op.to_string())
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Do { task } => write!(f, "do {task}"),
            Self::DoPanic { task } => write!(f, "do {task} (panics)"),
            Self::Grow { n } => write!(f, "grow {n}"),
            Self::Shrink { n, settled } => write!(f, "shrink {n}{}", then_settle(*settled)),
            Self::ShrinkAll { settled } => write!(f, "shrink all{}", then_settle(*settled)),
            Self::Quit => f.write_str("quit"),
            Self::Limit { n } => write!(f, "limit {n}"),
            Self::Coordinate => f.write_str("coordinate"),
            Self::Perform { worker } => write!(f, "perform worker {worker}"),
            Self::Settle => f.write_str("settle"),
            Self::Drain => f.write_str("drain"),
        }
    }
}

fn then_settle(settled: bool) -> &'static str {
    if settled { ", settle" } else { "" }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "idle {}, busy {}, backlog {}, ran {:?}, failures {:?}, alive {:?}",
            self.idle, self.busy, self.backlog, self.ran, self.failures, self.alive
        )?;
        if !self.reports.is_empty() {
            write!(f, ", reports {:?}", self.reports)?;
        }
        Ok(())
    }
}
