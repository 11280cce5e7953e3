//! A pool, closed: callers, tasks, a factory, and the coordinator's steps.
//!
//! Callers submit tasks, ask for sizes, raise the limit, and quit, a bounded number of times. Tasks
//! run and end; some panic; a worker may refuse its task; the factory may fail, and gives workers
//! below the limit. The coordinator takes what is there, in any order, and decides whatever the
//! model allows, in any order, until the step settles or asks the factory.
//!
//! What the system offers, other than decisions, must be allowed by the model: if it is not, or if a
//! step has no way on, the state is `broken`. What must not be allowed is offered as well (a task
//! started again, a task accepted after the quit).
//!
//! [`Coordinator::None`] is a pool whose workers fetch their tasks. What is accepted is taken at once,
//! and what a step retires is told to quit and counted at once, each in the same transition, because
//! it is one critical section. A worker that looks and stays awake is offered, but not owed: it does so
//! a bounded number of times, then rests. Nor is the death of one that is awake owed.
//!
//! # Transitions
//! Under [`Grain::Coarse`] a step is one transition, up to the factory's answer; so is a task from
//! its start to the step that sees its end, and the delivery of retirements from `WorkerQuit` to the
//! step of `Left`. What is reported to the owner follows at once. Under [`Grain::Fine`] each of
//! these is by itself.
//!
//! # Symmetry
//! Tasks and workers are renumbered by their places after every transition, and those that have
//! ended are forgotten. The model compares numbers and nothing else, so two states that differ by a
//! renumbering have the same future, up to that renumbering.

use std::collections::{BTreeMap, BTreeSet};

use stateright::Property;

use super::{Configuration, Explored, Move, System};
use crate::model::pool::{self, Pool};
use crate::model::team::{Action, Flaw, Gate, Origin, Place, Post, Reason, Request, Team};
use crate::model::{Machine, TaskId, WorkerId};

/// How much is one transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grain {
    /// A step, a task's run, a delivery.
    Coarse,
    /// Each action outside of steps.
    Fine,
}

/// Whether steps may be taken while the factory is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coordinator {
    /// While one of its turns asks, only steps of a `Left`; while one of these asks, any.
    Exclusive,
    /// Any.
    Overlapping,
    /// Any, and there is no coordinator: the workers fetch their tasks.
    None,
}

/// What may happen, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// The factory's limit at first.
    pub limit: usize,
    /// How often it may be raised by one, and announced.
    pub raises: usize,
    /// Tasks, in all.
    pub tasks: usize,
    /// Requests to grow by one or two, to shrink by one or by all.
    pub resizes: usize,
    /// How often the factory may fail.
    pub failures: usize,
    /// How often a worker may refuse its task, or die with none.
    pub losses: usize,
    /// How often the coordinator may refuse what was accepted; the team quits then.
    pub withdrawals: usize,
    /// How much is one transition.
    pub grain: Grain,
    /// Whether steps may be taken while the factory is asked.
    pub coordinator: Coordinator,
}

impl Bounds {
    /// One line.
    #[must_use]
    pub fn name(&self) -> String {
        let name = format!(
            "limit {}+{}, tasks {}, resizes {}, failures {}, losses {}",
            self.limit, self.raises, self.tasks, self.resizes, self.failures, self.losses
        );
        let withdrawals = match self.withdrawals {
            0 => String::new(),
            n => format!(", withdrawals {n}"),
        };
        let grain = match self.grain {
            Grain::Coarse => "",
            Grain::Fine => ", fine",
        };
        let coordinator = match self.coordinator {
            Coordinator::Exclusive => "",
            Coordinator::Overlapping => ", overlapping",
            Coordinator::None => ", fetching",
        };
        name + &withdrawals + grain + coordinator
    }
}

/// What the last transition showed, one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Sights(u8);

const LOST_TO_THE_FRONT: u8 = 1;
const DEBT_PAID_BY_ENDING: u8 = 2;
const DEBT_PAID_BY_A_NEW_ONE: u8 = 4;
const RAISE_WAKES: u8 = 8;
const CALLED: u8 = 16;
const RESTED: u8 = 32;
const GONE: u8 = 64;
const GONE_DISMISSED: u8 = 128;

/// A pool and all that drives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TeamSystem {
    pool: Pool,
    /// What may still happen. Without callers, once the team has been quit.
    left: Bounds,
    /// The highest that the limit has been.
    highest: usize,
    /// Tasks that have started: counted here, apart from the model.
    started: BTreeSet<TaskId>,
    sights: Sights,
    broken: Option<&'static str>,
    /// States that differ by numbers only are one.
    symmetry: bool,
}

impl TeamSystem {
    /// A pool without workers, and what may happen to it.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self::of(team(bounds), bounds)
    }

    /// The same, of a wrong model.
    #[must_use]
    pub fn flawed(flaw: Flaw, bounds: Bounds) -> Self {
        Self::of(team(bounds).flawed(flaw), bounds)
    }

    fn of(team: Team, bounds: Bounds) -> Self {
        Self {
            pool: Pool::of(team, bounds.limit),
            left: bounds,
            highest: bounds.limit,
            started: BTreeSet::new(),
            sights: Sights::default(),
            broken: None,
            symmetry: true,
        }
    }

    /// The same, with every number kept.
    #[must_use]
    pub fn without_symmetry(self) -> Self {
        Self {
            symmetry: false,
            ..self
        }
    }

    /// What stands for this state where symmetry is used.
    #[must_use]
    pub fn representative(self) -> Self {
        let same = self.renumbered();
        Self {
            symmetry: true,
            ..same
        }
    }

    fn team(&self) -> &Team {
        &self.pool.team
    }

    /// The step of a `Left` waits for the factory's answer.
    fn left_asks(&self) -> bool {
        let asking = self.team().asking.as_ref();
        asking.is_some_and(|asking| asking.step.origin == Origin::Left)
    }

    /// The coordinator is in the middle of a step.
    fn occupied(&self) -> bool {
        let exclusive = self.left.coordinator == Coordinator::Exclusive;
        exclusive && self.team().asking.is_some() && !self.left_asks()
    }

    fn fetches(&self) -> bool {
        self.left.coordinator == Coordinator::None
    }

    /// A pool's worker that is awake. All of them are alike.
    fn awake(&self) -> Option<WorkerId> {
        let mut workers = self.team().workers.iter();
        let found = workers.find(|&(_, &it)| it == Post::Awake);
        found.map(|(&worker, _)| worker)
    }

    fn fine(&self) -> bool {
        self.left.grain == Grain::Fine
    }

    // Taking actions.

    /// Takes what the model has to allow.
    fn must(&mut self, action: Action) {
        self.see(&action);
        if self.pool.take(&pool::Action::Team(action)).is_err() {
            self.broken = Some("the model forbids what happens");
        }
    }

    /// The same with the action taken, if the model allows it.
    fn may(&self, action: Action) -> Option<Self> {
        let mut next = self.clone();
        next.see(&action);
        let taken = next.pool.take(&pool::Action::Team(action));
        taken.is_ok().then_some(next)
    }

    /// Offers what the model must not allow.
    fn must_not(&mut self, action: Action, why: &'static str) {
        if self.may(action).is_some() {
            self.broken = Some(why);
        }
    }

    /// Keeps the account of what was seen.
    fn see(&mut self, action: &Action) {
        let waits = self.team().backlogged() > 0;
        let debt = self.team().debt > 0;
        match *action {
            Action::Start(task) => {
                let new = self.started.insert(task);
                let why = "W1 a task started twice";
                self.broken = self.broken.or((!new).then_some(why));
            }
            Action::Lost(..) if waits => self.sights.0 |= LOST_TO_THE_FRONT,
            Action::Ended(..) if debt => {
                let others = self.team().working() > 1;
                if others || !waits {
                    self.sights.0 |= DEBT_PAID_BY_ENDING;
                }
            }
            Action::Made(_) if debt && !waits => self.sights.0 |= DEBT_PAID_BY_A_NEW_ONE,
            Action::TakeRequest(Request::Raised) if waits => self.sights.0 |= RAISE_WAKES,
            Action::Called(_) => self.sights.0 |= CALLED,
            Action::Rested(_) => self.sights.0 |= RESTED,
            Action::Gone(_) if self.team().due > 0 => self.sights.0 |= GONE_DISMISSED,
            Action::Gone(_) => self.sights.0 |= GONE,
            _ => {}
        }
    }

    /// Every way in which the step that is open may be decided.
    fn decided(self) -> Vec<Self> {
        let mut ends = Vec::new();
        let mut open = vec![self];
        while let Some(state) = open.pop() {
            if state.broken.is_some() || state.team().step.is_none() {
                ends.push(state);
                continue;
            }
            let before = open.len() + ends.len();
            open.extend(state.decisions());
            ends.extend(state.may(Action::Settled));
            if open.len() + ends.len() == before {
                let why = Some("the model allows no way on in a step");
                ends.push(Self {
                    broken: why,
                    ..state
                });
            }
        }
        let parted = ends.into_iter().flat_map(Self::parted);
        let mut ends: Vec<_> = parted.map(Self::close).collect();
        let mut at = 0;
        while at < ends.len() {
            let twice = ends[..at].contains(&ends[at]);
            if twice {
                ends.swap_remove(at);
            } else {
                at += 1;
            }
        }
        ends
    }

    /// In a pool, those that the step retired leave in the same critical section.
    fn parted(mut self) -> Vec<Self> {
        let parting = self.team().parting;
        let all = self.fetches() && self.team().finished;
        let left = if all { usize::MAX } else { parting };
        let workers = self.team().workers.iter();
        let retired = workers.filter(|&(_, &it)| it == Post::Retired);
        let retired: Vec<WorkerId> = retired.map(|(&worker, _)| worker).take(left).collect();
        for worker in retired {
            self.must(Action::WorkerQuit(worker));
        }
        if parting == 0 || self.broken.is_some() {
            return vec![self];
        }
        self.must(Action::Left(parting));
        self.decided()
    }

    /// Every decision but to settle.
    fn decisions(&self) -> Vec<Self> {
        let team = self.team();
        let mut offers = Vec::new();
        let all = self.fine();
        let idle = team.idle.iter().rev().copied();
        let idle: Vec<WorkerId> = idle.take(if all { usize::MAX } else { 1 }).collect();
        let waiting = team.backlog.iter().copied();
        let waiting: Vec<TaskId> = waiting.take(if all { usize::MAX } else { 1 }).collect();
        let looks = team.step.as_ref().and_then(|step| step.looks);
        let awake = team.workers.iter().filter(|&(_, &it)| it == Post::Awake);
        let awake = awake.map(|(&worker, _)| worker);
        let awake = awake.filter(|&worker| all || Some(worker) == looks);
        for worker in idle.iter().copied().chain(awake) {
            offers.push(Action::Retire(worker));
            offers.extend(waiting.iter().map(|&task| Action::Assign(worker, task)));
            if self.fetches() {
                offers.extend([Action::Called(worker), Action::Rested(worker)]);
            }
        }
        offers.extend(waiting.iter().map(|&task| Action::Abandon(task)));
        if team.asking.is_none() {
            offers.push(Action::AskFactory {
                workers: team.counted(),
            });
        }
        if team.refused_first {
            offers.push(Action::RefusedFirst);
        }
        if team.quitting {
            offers.push(Action::Finish);
        }
        offers.into_iter().filter_map(|it| self.may(it)).collect()
    }

    /// The state after a transition: what follows at once, and renumbered.
    fn close(mut self) -> Self {
        if self.team().closed {
            self.left.tasks = 0;
            self.left.resizes = 0;
            self.left.raises = 0;
        }
        if self.broken.is_none() && !self.fine() {
            while self.team().failures > 0 {
                self.must(Action::CreationReported);
            }
            while let Some(task) = self.first(|place| place == Place::Abandoned) {
                self.must(Action::AbandonedGiven(task));
            }
        }
        if self.symmetry {
            self.renumbered()
        } else {
            self
        }
    }

    fn renumbered(mut self) -> Self {
        let team = &mut self.pool.team;
        let mut tasks: Vec<TaskId> = team.backlog.iter().copied().collect();
        let mut others: Vec<(Place, Option<Post>, TaskId)> = Vec::new();
        for (&task, &place) in &team.tasks {
            match place {
                Place::Waiting => {}
                Place::Assigned(worker) => {
                    others.push((Place::Assigned(0), team.workers.get(&worker).copied(), task));
                }
                Place::Running(_) => others.push((Place::Running(0), None, task)),
                Place::Stopped(_) => others.push((Place::Stopped(0), None, task)),
                _ => others.push((place, None, task)),
            }
        }
        others.sort_unstable();
        tasks.extend(others.iter().map(|&(_, _, task)| task));

        let mut workers = team.idle.clone();
        let awake = team.workers.iter().filter(|&(_, &it)| it == Post::Awake);
        let awake = awake.map(|(&worker, _)| worker);
        workers.extend(awake);
        workers.extend(tasks.iter().filter_map(|task| match team.tasks[task] {
            Place::Assigned(worker) | Place::Running(worker) | Place::Stopped(worker) => {
                Some(worker)
            }
            _ => None,
        }));
        let retired = team.workers.iter().filter(|&(_, &it)| it == Post::Retired);
        workers.extend(retired.map(|(&worker, _)| worker));

        let task_numbers: BTreeMap<TaskId, usize> =
            (0..).zip(&tasks).map(|(n, &t)| (t, n)).collect();
        let worker_numbers: BTreeMap<WorkerId, usize> =
            (0..).zip(&workers).map(|(n, &w)| (w, n)).collect();
        let renumber = |place: Place| match place {
            Place::Assigned(worker) => Place::Assigned(worker_numbers[&worker]),
            Place::Running(worker) => Place::Running(worker_numbers[&worker]),
            Place::Stopped(worker) => Place::Stopped(worker_numbers[&worker]),
            other => other,
        };
        let places = tasks.iter().map(|task| renumber(team.tasks[task]));
        team.tasks = (0..).zip(places).collect();
        let posts = workers.iter().map(|worker| team.workers[worker]);
        team.workers = (0..).zip(posts).collect();
        team.backlog = (0..team.backlog.len()).collect();
        team.idle = (0..team.idle.len()).collect();
        self.started = self.started.iter().map(|task| task_numbers[task]).collect();
        self
    }

    /// The first task in such a place. Those in one place are alike.
    fn first(&self, such: impl Fn(Place) -> bool) -> Option<TaskId> {
        let found = self.team().tasks.iter().find(|&(_, &place)| such(place));
        found.map(|(&task, _)| task)
    }

    // What may happen.

    fn callers(&self, all: &mut Moves) {
        if self.team().closed {
            let mut state = self.clone();
            let task = self.team().tasks.len();
            state.must(Action::Refuse(task));
            state.must(Action::Deny(Request::Quit));
            state.must_not(Action::Accept(task), "W4 a task is accepted after the quit");
            state.must_not(Action::Ask(Request::Quit), "W3 two quits are accepted");
            if state.broken.is_some() {
                all.add(false, "refused", vec![state]);
            }
            return;
        }
        if self.left.tasks > 0 {
            let mut state = self.clone();
            state.left.tasks -= 1;
            let task = self.team().tasks.len();
            state.must(Action::Accept(task));
            let states = state.taken(Action::Take(task));
            all.add(false, "a task is accepted", states);
        }
        if self.left.resizes > 0 {
            for request in [
                Request::Grow(1),
                Request::Grow(2),
                Request::Shrink(Some(1)),
                Request::Shrink(None),
            ] {
                let mut state = self.clone();
                state.left.resizes -= 1;
                state.must(Action::Ask(request));
                let states = state.taken(Action::TakeRequest(request));
                all.add(false, asked(request), states);
            }
        }
        if self.left.raises > 0 {
            let mut state = self.clone();
            state.left.raises -= 1;
            let limit = self.pool.limit + 1;
            state.highest = limit;
            if state.pool.take(&pool::Action::Limit(limit)).is_err() {
                state.broken = Some("the model forbids what happens");
            }
            state.must(Action::Ask(Request::Raised));
            let states = state.taken(Action::TakeRequest(Request::Raised));
            all.add(false, "the limit is raised", states);
        }
        let mut state = self.clone();
        state.must(Action::Ask(Request::Quit));
        let states = state.taken(Action::TakeRequest(Request::Quit));
        all.add(false, "a quit is accepted", states);
    }

    /// In a pool, the same critical section takes what it accepts.
    fn taken(mut self, take: Action) -> Vec<Self> {
        if !self.fetches() {
            return vec![self.close()];
        }
        let why = "T2 something comes between acceptance and its step";
        self.must_not(Action::Ask(Request::Raised), why);
        self.must_not(Action::Statistics(self.team().numbers()), why);
        self.must(take);
        self.decided()
    }

    /// A pool's workers look for tasks, or die before that.
    fn looks(&self, all: &mut Moves) {
        let Some(worker) = self.awake() else {
            return;
        };
        let mut state = self.clone();
        state.must(Action::Looked(worker));
        let same = |it: &Self| {
            Self {
                sights: self.sights,
                ..it.clone()
            } == *self
        };
        let (stays, finds): (Vec<_>, _) = state.decided().into_iter().partition(same);
        all.add(false, "a worker looks and stays awake", stays);
        all.add(true, "a worker looks", finds);
        if self.left.losses > 0 {
            let mut state = self.clone();
            state.left.losses -= 1;
            state.must(Action::Gone(worker));
            all.add(false, "a worker dies that has no task", state.decided());
        }
    }

    /// The coordinator refuses what was accepted, which goes back to the caller. A team that has lost
    /// its coordinator quits.
    fn withdrawals(&self, all: &mut Moves) {
        let team = self.team();
        if self.left.withdrawals == 0 || self.occupied() {
            return;
        }
        let requests = team.asked.keys().filter(|&it| *it != Request::Quit);
        let mut actions: Vec<Action> = requests.map(|&it| Action::WithdrawRequest(it)).collect();
        let task = self.first(|place| place == Place::InFlight);
        actions.extend(task.map(Action::Withdraw));
        for action in actions {
            let mut state = self.clone();
            state.left.withdrawals -= 1;
            state.must(action);
            for mut state in state.decided() {
                if state.team().closed || state.broken.is_some() {
                    all.add(false, "the coordinator refuses", vec![state]);
                    continue;
                }
                state.must(Action::Ask(Request::Quit));
                state.must(Action::TakeRequest(Request::Quit));
                all.add(false, "the coordinator refuses", state.decided());
            }
        }
    }

    fn steps(&self, all: &mut Moves) {
        let team = self.team();
        if self.occupied() {
            return;
        }
        if let Some(task) = self.first(|place| place == Place::InFlight) {
            let mut state = self.clone();
            state.must(Action::Take(task));
            all.add(true, "a step takes a task", state.decided());
        }
        for &request in team.asked.keys() {
            let mut state = self.clone();
            state.must(Action::TakeRequest(request));
            all.add(true, taken(request), state.decided());
        }
        for (&task, &place) in &team.tasks {
            if let Place::Stopped(worker) = place {
                let mut state = self.clone();
                state.must(Action::Ended(worker, task));
                all.add(true, "a step sees an end", state.decided());
                // Those that have stopped are alike.
                break;
            }
        }
        for (&task, &place) in &team.tasks {
            if let Place::Assigned(worker) = place
                && team.workers[&worker] == Post::Losing
            {
                let mut state = self.clone();
                state.must(Action::Lost(worker, task));
                all.add(true, "a step hears of a loss", state.decided());
                break;
            }
        }
        self.looks(all);
        if !self.fine() {
            self.run_or_lose(all);
        }
    }

    /// A worker that has a task and was not told to quit.
    fn at_work(&self) -> Option<(WorkerId, TaskId)> {
        let team = self.team();
        team.tasks.iter().find_map(|(&task, &place)| match place {
            Place::Assigned(worker) if team.workers[&worker] == Post::Busy => Some((worker, task)),
            _ => None,
        })
    }

    /// A worker runs its task or refuses it, and a step hears of that, in one transition.
    fn run_or_lose(&self, all: &mut Moves) {
        let Some((worker, task)) = self.at_work() else {
            return;
        };
        let mut state = self.clone();
        state.must(Action::Start(task));
        state.must(Action::Stop {
            task,
            panicked: false,
        });
        state.must(Action::Ended(worker, task));
        all.add(true, "a task runs", state.decided());
        if self.left.losses > 0 {
            let mut state = self.clone();
            state.left.losses -= 1;
            state.must(Action::WorkerQuit(worker));
            state.must(Action::Lost(worker, task));
            all.add(true, "a worker refuses its task", state.decided());
        }
    }

    /// The same, each part by itself.
    fn tasks(&self, all: &mut Moves) {
        let places = &self.team().tasks;
        if let Some((worker, task)) = self.at_work() {
            let mut state = self.clone();
            state.must(Action::Start(task));
            all.add(true, "a task starts", vec![state.close()]);
            if self.left.losses > 0 {
                let mut state = self.clone();
                state.left.losses -= 1;
                state.must(Action::WorkerQuit(worker));
                all.add(true, "a worker refuses its task", vec![state.close()]);
            }
        }
        if let Some(task) = self.first(|place| matches!(place, Place::Running(_))) {
            for panicked in [false, true] {
                let mut state = self.clone();
                state.must(Action::Stop { task, panicked });
                all.add(true, "a task stops", vec![state.close()]);
            }
        }
        for (&task, &place) in places {
            let started = !matches!(place, Place::InFlight | Place::Waiting | Place::Assigned(_));
            if started && let Some(state) = self.may(Action::Start(task)) {
                all.add(false, "a task starts again", vec![state.close()]);
            }
        }
        if self.team().panics > 0 {
            let mut state = self.clone();
            state.must(Action::PanicReported);
            all.add(true, "a panic is reported", vec![state.close()]);
        }
        if self.team().failures > 0 {
            let mut state = self.clone();
            state.must(Action::CreationReported);
            all.add(true, "a failure is reported", vec![state.close()]);
        }
        if let Some(task) = self.first(|place| place == Place::Abandoned) {
            let mut state = self.clone();
            state.must(Action::AbandonedGiven(task));
            all.add(true, "a task is given to the owner", vec![state.close()]);
        }
    }

    fn factory(&self, all: &mut Moves) {
        let Some(asked) = &self.pool.asked else {
            return;
        };
        let new = self.team().workers.len();
        let mut answers = Vec::new();
        if asked.workers < asked.highest {
            answers.push(Action::Made(new));
        }
        if asked.workers >= asked.lowest {
            answers.push(Action::AtLimit);
        }
        if self.left.failures > 0 {
            answers.push(Action::Failed);
        }
        for answer in answers {
            let mut state = self.clone();
            let what = match answer {
                Action::Made(_) => "the factory gives a worker",
                Action::AtLimit => "the factory is at its limit",
                _ => "the factory fails",
            };
            if answer == Action::Failed {
                state.left.failures -= 1;
            }
            let made = answer == Action::Made(new);
            state.must(answer);
            if made && self.fetches() && self.left.losses > 0 {
                let mut state = state.clone();
                state.left.losses -= 1;
                state.must(Action::Gone(new));
                all.add(
                    false,
                    "a worker has died by when it is counted",
                    state.decided(),
                );
            }
            all.add(true, what, state.decided());
        }
    }

    /// Retired workers are told to quit, and counted. Those of a step that waits for the factory
    /// follow after it.
    fn deliveries(&self, all: &mut Moves) {
        let team = self.team();
        if self.fetches() {
            let why = "T6 a pool has a coordinator that is quit";
            let mut state = self.clone();
            state.must_not(Action::CoordinatorQuit, why);
            if state.broken.is_some() {
                all.add(false, why, vec![state]);
            }
            return;
        }
        let interrupted = team.asking.as_ref().map(|asking| &asking.step);
        let carried = interrupted.map_or(0, |step| step.retired);
        let retired = team.workers.iter().filter(|&(_, &it)| it == Post::Retired);
        let retired: Vec<WorkerId> = retired.map(|(&worker, _)| worker).collect();
        let to_tell = retired.len().saturating_sub(carried);
        for &n in &BTreeSet::from([1, to_tell]) {
            if n == 0 || n > to_tell {
                continue;
            }
            let mut state = self.clone();
            for &worker in &retired[..n] {
                state.must(Action::WorkerQuit(worker));
            }
            if self.fine() {
                if n == 1 {
                    all.add(true, "a worker is told to quit", vec![state.close()]);
                }
            } else if team.finished {
                all.add(true, "workers are told to quit", vec![state.close()]);
            } else {
                state.must(Action::Left(n));
                all.add(true, "workers leave", state.decided());
            }
        }
        if self.fine() {
            for n in 1..=team.told {
                let mut state = self.clone();
                state.must(Action::Left(n));
                all.add(true, "workers are counted as gone", state.decided());
            }
        }
        if team.finished
            && let Some(state) = self.may(Action::CoordinatorQuit)
        {
            all.add(true, "the coordinator is quit", vec![state.close()]);
        }
    }
}

/// What takes the actions.
fn team(bounds: Bounds) -> Team {
    match bounds.coordinator {
        Coordinator::None => Team::pool(),
        _ => Team::default(),
    }
}

fn asked(request: Request) -> &'static str {
    match request {
        Request::Grow(1) => "grow by one is asked",
        Request::Grow(_) => "grow by two is asked",
        Request::Shrink(Some(_)) => "shrink by one is asked",
        Request::Shrink(None) => "shrink by all is asked",
        Request::Raised | Request::Quit => "a request is asked",
    }
}

fn taken(request: Request) -> &'static str {
    match request {
        Request::Grow(1) => "a step takes grow by one",
        Request::Grow(_) => "a step takes grow by two",
        Request::Shrink(Some(_)) => "a step takes shrink by one",
        Request::Shrink(None) => "a step takes shrink by all",
        Request::Raised => "a step takes the raise",
        Request::Quit => "a step takes the quit",
    }
}

/// The transitions, as they are found.
#[derive(Default)]
struct Moves(Vec<Move<TeamSystem>>);

impl Moves {
    fn add(&mut self, owed: bool, what: &'static str, states: Vec<TeamSystem>) {
        self.0.extend(states.into_iter().map(|to| Move {
            what: what.into(),
            owed,
            to,
        }));
    }
}

impl System for TeamSystem {
    fn moves(&self) -> Vec<Move<Self>> {
        let mut all = Moves::default();
        if self.broken.is_some() {
            return all.0;
        }
        let mut from = self.clone();
        from.sights = Sights::default();
        from.callers(&mut all);
        from.withdrawals(&mut all);
        from.steps(&mut all);
        if from.fine() {
            from.tasks(&mut all);
        }
        from.factory(&mut all);
        from.deliveries(&mut all);
        all.0
    }

    fn quiet(&self) -> bool {
        let team = self.team();
        // With room for a worker, work waits only after a failure, which was reported.
        let excused = team.live() >= self.pool.limit || team.retry;
        team.end().is_ok() && (team.backlog.is_empty() || excused)
    }

    fn properties() -> Vec<Property<Explored<Self>>> {
        vec![
            Property::always(
                "W1, W4: what happens is allowed, and no more",
                |_, it: &Self| it.broken.is_none(),
            ),
            Property::always("T1 limit", |_, it: &Self| it.team().live() <= it.highest),
            Property::always("T2 conservation", |_, it: &Self| {
                let team = it.team();
                team.numbers().conserves() && team.published.conserves()
            }),
            Property::always("T3 no worker idles while work waits", |_, it: &Self| {
                let numbers = it.team().numbers();
                numbers.idle == 0 || numbers.backlogged == 0
            }),
            Property::always(
                "T9 while work waits and a worker rests, another will fetch it",
                |_, it: &Self| {
                    let team = it.team();
                    team.backlog.is_empty() || team.idle.is_empty() || team.awake() > team.due
                },
            ),
            Property::always(
                "T5 as many are awake as dismissals are due",
                |_, it: &Self| it.team().due <= it.team().awake(),
            ),
            Property::always(
                "T3 a worker that is wanted is asked for, or one is leaving",
                |_, it: &Self| {
                    let team = it.team();
                    !team.wants_a_worker() || team.asking.is_some() || team.leaving > 0
                },
            ),
            Property::always("T5 debt", |_, it: &Self| {
                let team = it.team();
                team.asking.is_some() || team.debt <= team.working()
            }),
            Property::always("T6 the coordinator is quit last", |_, it: &Self| {
                let team = it.team();
                let nobody = team.live() == 0 && team.busy() == 0 && team.backlog.is_empty();
                let nothing = team.in_flight() == 0 && team.asked.is_empty();
                !team.coordinator_quit || (nobody && nothing && team.finished)
            }),
            Property::always("T7 nothing is abandoned before a quit", |_, it: &Self| {
                it.team().quitting || it.team().numbers().abandoned == 0
            }),
            Property::sometimes("a task waits while quitting", |_, it: &Self| {
                it.team().quitting && it.team().backlogged() > 0
            }),
            Property::sometimes("a shrink waits for a busy worker", |_, it: &Self| {
                it.team().debt > 0
            }),
            Property::sometimes("a creation failed while work waits", |_, it: &Self| {
                it.team().retry && it.team().backlogged() > 0
            }),
            Property::sometimes(
                "a debt is paid by a worker that ends its task",
                |_, it: &Self| it.sights.0 & DEBT_PAID_BY_ENDING != 0,
            ),
            Property::sometimes("a debt is paid by a new worker", |_, it: &Self| {
                it.sights.0 & DEBT_PAID_BY_A_NEW_ONE != 0
            }),
            Property::sometimes("a task is abandoned", |_, it: &Self| {
                it.team().numbers().abandoned > 0
            }),
            Property::sometimes("a lost worker's task goes before others", |_, it: &Self| {
                it.sights.0 & LOST_TO_THE_FRONT != 0
            }),
            Property::sometimes("a raise wakes a backlog", |_, it: &Self| {
                it.sights.0 & RAISE_WAKES != 0 && it.team().asking.is_some()
            }),
            Property::sometimes("a last try succeeds", |_, it: &Self| {
                it.team().last_try && it.team().busy() > 0
            }),
            Property::sometimes("a worker is wanted while one is leaving", |_, it: &Self| {
                it.team().gate == Gate::Shut
            }),
            Property::sometimes(
                "the factory is asked by the step of a `Left`",
                |_, it: &Self| it.left_asks(),
            ),
            Property::sometimes(
                "while it is, the exclusive coordinator takes a step",
                |_, it: &Self| {
                    let asking = it.team().asking.as_ref();
                    let outdated = asking.is_some_and(|asking| asking.outdated);
                    let exclusive = it.left.coordinator == Coordinator::Exclusive;
                    it.left_asks() && outdated && exclusive
                },
            ),
            Property::sometimes("the step of a `Left` makes the last try", |_, it: &Self| {
                let asking = it.team().asking.as_ref();
                it.left_asks() && asking.is_some_and(|it| it.reason == Reason::LastTry)
            }),
            Property::sometimes("the team ends", |_, it: &Self| {
                it.team().finished && (it.fetches() || it.team().coordinator_quit)
            }),
            Property::sometimes("a worker that rests is called", |_, it: &Self| {
                it.sights.0 & CALLED != 0
            }),
            Property::sometimes("a worker looks, and rests", |_, it: &Self| {
                it.sights.0 & RESTED != 0
            }),
            Property::sometimes(
                "a dismissal is due from one that is awake",
                |_, it: &Self| it.team().due > 0,
            ),
            Property::sometimes("one dies that is awake", |_, it: &Self| {
                it.sights.0 & GONE != 0
            }),
            Property::sometimes("one dies that is to leave", |_, it: &Self| {
                it.sights.0 & GONE_DISMISSED != 0
            }),
        ]
    }
}

/// Every limit up to three workers, with up to four tasks and two resizes, and a quit; then some
/// with a limit that is raised, with steps that overlap, and with every action by itself.
#[must_use]
pub fn configurations() -> Vec<Configuration> {
    let plain = Bounds {
        limit: 0,
        raises: 0,
        tasks: 0,
        resizes: 0,
        failures: 1,
        losses: 1,
        withdrawals: 0,
        grain: Grain::Coarse,
        coordinator: Coordinator::Exclusive,
    };
    let raised = |limit, tasks, resizes| Bounds {
        limit,
        raises: 1,
        tasks,
        resizes,
        ..plain
    };
    let overlapping = |limit, raises, tasks, resizes| Bounds {
        limit,
        raises,
        tasks,
        resizes,
        coordinator: Coordinator::Overlapping,
        ..plain
    };
    let fine = |bounds| Bounds {
        grain: Grain::Fine,
        ..bounds
    };
    let mut all = Vec::new();
    for limit in 1..=3 {
        for tasks in 1..=4 {
            for resizes in 0..=2 {
                all.push(Bounds {
                    limit,
                    tasks,
                    resizes,
                    ..plain
                });
            }
        }
    }
    all.extend([
        raised(1, 2, 1),
        raised(0, 4, 2),
        raised(1, 3, 2),
        raised(2, 3, 1),
    ]);
    all.push(Bounds {
        withdrawals: 1,
        ..raised(1, 2, 1)
    });
    all.extend([overlapping(1, 0, 3, 2), overlapping(2, 0, 3, 1)]);
    all.extend([overlapping(0, 1, 3, 1), overlapping(1, 1, 2, 2)]);
    all.extend([fine(raised(1, 2, 1)), fine(overlapping(1, 0, 2, 2))]);
    all.push(fine(overlapping(2, 0, 2, 1)));
    let fetching = |limit, raises, tasks, resizes| Bounds {
        coordinator: Coordinator::None,
        ..overlapping(limit, raises, tasks, resizes)
    };
    for limit in 1..=3 {
        for tasks in 1..=3 {
            for resizes in 0..=1 {
                all.push(fetching(limit, 0, tasks, resizes));
            }
        }
        all.push(fetching(limit, 0, 2, 2));
        // The largest, without mishaps.
        all.push(Bounds {
            failures: 0,
            losses: 0,
            ..fetching(limit, 0, 4, 2)
        });
    }
    all.extend([fetching(0, 1, 3, 1), fetching(1, 1, 2, 2)]);
    all.extend([fine(fetching(1, 1, 1, 1)), fine(fetching(2, 0, 2, 1))]);
    let one = |bounds: Bounds| {
        let size = bounds.limit + bounds.tasks + 2 * bounds.resizes;
        let exclusive = bounds.coordinator == Coordinator::Exclusive;
        let most = if exclusive { 8 } else { 7 };
        let quick = bounds.grain == Grain::Coarse && size + 2 * bounds.raises <= most;
        Configuration::of(bounds.name(), quick, TeamSystem::new(bounds))
    };
    all.into_iter().map(one).collect()
}
