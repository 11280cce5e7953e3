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
//! Pools that *keep* sizes are started, given other sizes, aborted; their workers block, and leave when
//! they have rested for long; callers find no room, and may wait for it; tasks that wait are cancelled, or
//! run in place, by whoever. How many workers there shall be, and which tasks shall not start, is counted
//! here, apart from the model. That a worker blocks no more is owed, and so are the end of a task that
//! runs in place, and the way back of a caller that was admitted; the rest is up to somebody.
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
use crate::model::team::{Action, Flaw, Gate, Origin, Place, Post, Reason, Request, Team, Terms};
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

/// What a pool keeps, and what may happen to such a pool, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Keeping {
    /// What it keeps at first.
    pub terms: Terms,
    /// Other sizes that it may be given, the first of them first.
    pub targets: &'static [(usize, usize)],
    /// How often a worker may block.
    pub blocks: usize,
    /// How many tasks may be cancelled.
    pub cancels: usize,
    /// How many tasks may be run in place.
    pub in_place: usize,
    /// How often the pool may be aborted.
    pub aborts: usize,
    /// How often a worker may leave for idleness.
    pub expiries: usize,
    /// How many callers may wait for room.
    pub queues: usize,
}

impl Keeping {
    /// It keeps this, and no more happens to it than to others.
    #[must_use]
    pub fn of(least: usize, most: usize) -> Self {
        let terms = Terms {
            least,
            most,
            cap: 0,
            bound: usize::MAX,
        };
        Self {
            terms,
            targets: &[],
            blocks: 0,
            cancels: 0,
            in_place: 0,
            aborts: 0,
            expiries: 0,
            queues: 0,
        }
    }

    /// How much may happen.
    fn size(&self) -> usize {
        let withdrawn = self.cancels + self.in_place + self.aborts;
        self.terms.most + self.targets.len() + self.blocks + withdrawn + self.expiries + self.queues
    }

    fn name(&self) -> String {
        let Terms {
            least,
            most,
            cap,
            bound,
        } = self.terms;
        let mut name = format!("sizes {least}-{most}");
        for (least, most) in self.targets {
            name += &format!(" {least}-{most}");
        }
        let numbers = [
            ("bound", if bound == usize::MAX { 0 } else { bound }),
            ("cap", cap),
            ("blocks", self.blocks),
            ("cancels", self.cancels),
            ("in place", self.in_place),
            ("aborts", self.aborts),
            ("expiries", self.expiries),
            ("queues", self.queues),
        ];
        for (what, n) in numbers.into_iter().filter(|&(_, n)| n > 0) {
            name += &format!(", {what} {n}");
        }
        name
    }
}

/// How many workers there shall be, as asked for: counted here, apart from the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sizes {
    begun: bool,
    least: usize,
    most: usize,
    cap: usize,
    blocked: usize,
}

impl Sizes {
    fn least(self) -> usize {
        if self.begun { self.least } else { 0 }
    }

    fn most(self) -> usize {
        let blocked = self.blocked.min(self.cap);
        if self.begun { self.most + blocked } else { 0 }
    }
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
    /// It is a pool that keeps sizes; instead of `limit` and `raises`.
    pub keeps: Option<Keeping>,
}

impl Bounds {
    /// One line.
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(keeps) = self.keeps {
            let numbers = [
                ("resizes", self.resizes),
                ("failures", self.failures),
                ("losses", self.losses),
            ];
            let mut name = format!("{}, tasks {}", keeps.name(), self.tasks);
            for (what, n) in numbers.into_iter().filter(|&(_, n)| n > 0) {
                name += &format!(", {what} {n}");
            }
            let fine = self.grain == Grain::Fine;
            return name + if fine { ", fine, keeping" } else { ", keeping" };
        }
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
struct Sights(u16);

const LOST_TO_THE_FRONT: u16 = 1;
const DEBT_PAID_BY_ENDING: u16 = 2;
const DEBT_PAID_BY_A_NEW_ONE: u16 = 4;
const RAISE_WAKES: u16 = 8;
const CALLED: u16 = 16;
const RESTED: u16 = 32;
const GONE: u16 = 64;
const GONE_DISMISSED: u16 = 128;
const EXPIRED: u16 = 256;
const DEBT_FORGIVEN: u16 = 512;
const ABORTED_AFTER_A_QUIT: u16 = 1024;
const LEFT_THE_MIDDLE: u16 = 2048;

/// A pool and all that drives it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TeamSystem {
    pool: Pool,
    /// What may still happen. Without callers, once the team has been quit.
    left: Bounds,
    /// The highest that the limit has been.
    highest: usize,
    /// Tasks that have started, and those that shall not: counted here, apart from the model.
    started: BTreeSet<TaskId>,
    unrun: BTreeSet<TaskId>,
    sizes: Option<Sizes>,
    sights: Sights,
    broken: Option<&'static str>,
    /// States that differ by numbers only are one.
    symmetry: bool,
}

impl TeamSystem {
    /// What went wrong by now, other than by an invariant.
    #[must_use]
    pub fn broken(&self) -> Option<&'static str> {
        self.broken
    }

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
        let keeps = bounds.keeps;
        let sizes = keeps.map(|Keeping { terms, .. }| Sizes {
            begun: false,
            least: terms.least,
            most: terms.most,
            cap: terms.cap,
            blocked: 0,
        });
        Self {
            pool: Pool::of(team, bounds.limit),
            left: bounds,
            highest: if keeps.is_some() { 0 } else { bounds.limit },
            started: BTreeSet::new(),
            unrun: BTreeSet::new(),
            sizes,
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

    fn least(&self) -> usize {
        self.sizes.map_or(0, Sizes::least)
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
                let unrun = self.unrun.contains(&task);
                let why = "W1 a task started that was cancelled or given back";
                self.broken = self.broken.or(unrun.then_some(why));
            }
            Action::Cancel(task) => {
                self.unrun.insert(task);
                if self.team().backlog.front() != Some(&task) {
                    self.sights.0 |= LEFT_THE_MIDDLE;
                }
            }
            Action::GiveBack(task) => {
                self.unrun.insert(task);
            }
            Action::Expired(_) => self.sights.0 |= EXPIRED,
            Action::Ask(Request::Abort) if self.team().closed => {
                self.sights.0 |= ABORTED_AFTER_A_QUIT;
            }
            Action::TakeRequest(request) if self.sizes.is_some() => self.see_sizes(request),
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

    fn see_sizes(&mut self, request: Request) {
        let stay = self.team().staying();
        let debt = self.team().debt > 0;
        let Some(sizes) = &mut self.sizes else {
            return;
        };
        match request {
            Request::Begin => sizes.begun = true,
            Request::Resize(least, most) => {
                (sizes.least, sizes.most) = (least, most);
                if debt && stay < sizes.least() {
                    self.sights.0 |= DEBT_FORGIVEN;
                }
            }
            Request::Enter => sizes.blocked += 1,
            Request::Exit => sizes.blocked -= 1,
            _ => {}
        }
        self.highest = self.highest.max(sizes.most());
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
        if team.step.as_ref().is_some_and(|step| step.aborts) {
            offers.extend(waiting.iter().map(|&task| Action::GiveBack(task)));
        }
        if !team.queue.is_empty() {
            offers.push(Action::Admit);
        }
        offers.into_iter().filter_map(|it| self.may(it)).collect()
    }

    /// The state after a transition: what follows at once, and renumbered.
    fn close(mut self) -> Self {
        if self.team().closed {
            self.left.tasks = 0;
            self.left.resizes = 0;
            self.left.raises = 0;
            if let Some(keeps) = &mut self.left.keeps {
                (keeps.targets, keeps.queues) = (&[], 0);
            }
        }
        if self.team().quitting
            && let Some(keeps) = &mut self.left.keeps
        {
            keeps.expiries = 0;
        }
        if self.broken.is_none() && self.team().readmitted.is_some() {
            self.broken = Some("T9 a caller that was admitted did not submit");
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
            if team.backlog.contains(&task) {
                continue;
            }
            match place {
                Place::Assigned(worker) => {
                    others.push((Place::Assigned(0), team.workers.get(&worker).copied(), task));
                }
                Place::Running(_) => others.push((Place::Running(0), None, task)),
                Place::Stopped(_) => others.push((Place::Stopped(0), None, task)),
                _ => others.push((place, None, task)),
            }
        }
        // Tasks that have left the line unrun are alike, but for a wrong model.
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
        // Those that have not been accepted come after those that have.
        let (back, queue) = (team.admitted.len(), team.queue.len());
        team.admitted = (0..back).map(|n| tasks.len() + n).collect();
        team.queue = (0..queue).map(|n| tasks.len() + back + n).collect();
        self.started = self.started.iter().map(|task| task_numbers[task]).collect();
        self.unrun = self.unrun.iter().map(|task| task_numbers[task]).collect();
        self
    }

    /// The first task in such a place. Those in one place are alike.
    fn first(&self, such: impl Fn(Place) -> bool) -> Option<TaskId> {
        let found = self.team().tasks.iter().find(|&(_, &place)| such(place));
        found.map(|(&task, _)| task)
    }

    // What may happen.

    /// A task that nobody has heard of.
    fn new_task(&self) -> TaskId {
        let team = self.team();
        let known = team.tasks.keys().chain(&team.queue).chain(&team.admitted);
        known.max().map_or(0, |last| last + 1)
    }

    fn callers(&self, all: &mut Moves) {
        if self.team().closed {
            let mut state = self.clone();
            let task = self.new_task();
            state.must(Action::Refuse(task));
            state.must(Action::Deny(Request::Quit));
            state.must_not(Action::Accept(task), "W4 a task is accepted after the quit");
            state.must_not(Action::Ask(Request::Quit), "W3 two quits are accepted");
            if self.sizes.is_some() {
                state.must(Action::Deny(Request::Begin));
                let why = "W4 sizes are changed after the quit";
                state.must_not(Action::Ask(Request::Resize(0, 1)), why);
                let why = "W4 there is no room after the quit";
                state.must_not(Action::Full(task), why);
                state.must_not(Action::Queue(task), why);
            }
            if self.team().finished {
                let why = "T6 an abort is accepted after the end";
                state.must_not(Action::Ask(Request::Abort), why);
            }
            if state.broken.is_some() {
                all.add(false, "refused", vec![state]);
            }
            return;
        }
        if self.left.tasks > 0 && !self.room() {
            self.finds_no_room(all);
        } else if self.left.tasks > 0 {
            let mut state = self.clone();
            state.left.tasks -= 1;
            let task = self.new_task();
            if self.sizes.is_some() {
                let why = "P1 there is said to be no room, and there is";
                state.must_not(Action::Full(task), why);
                state.must_not(Action::Queue(task), why);
            }
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

    /// Whether more tasks may wait, by the numbers that are shown.
    fn room(&self) -> bool {
        let (now, admitted) = (self.team().numbers(), self.team().admitted.len());
        let bound = self.left.keeps.map_or(usize::MAX, |it| it.terms.bound);
        now.backlogged + admitted < now.idle.saturating_add(bound)
    }

    fn finds_no_room(&self, all: &mut Moves) {
        let mut state = self.clone();
        let task = self.new_task();
        state.must(Action::Full(task));
        let why = "P1 a task is accepted for which there is no room";
        state.must_not(Action::Accept(task), why);
        if state.broken.is_some() {
            all.add(false, "no room", vec![state]);
            return;
        }
        if let Some(keeps) = state.left.keeps.as_mut().filter(|it| it.queues > 0) {
            keeps.queues -= 1;
            state.left.tasks -= 1;
            state.must(Action::Queue(task));
            all.add(false, "a caller waits for room", vec![state.close()]);
        }
    }

    /// What happens besides to a pool that keeps sizes.
    fn kept(&self, all: &mut Moves) {
        let (Some(keeps), Some(sizes)) = (self.left.keeps, self.sizes) else {
            return;
        };
        self.sizing(keeps, sizes, all);
        self.leaving_the_line(keeps, all);
        if let Some(&task) = self.team().admitted.first() {
            let mut state = self.clone();
            state.must(Action::Back(task));
            let what = "a caller that was admitted is back";
            if self.team().closed {
                state.must(Action::Refuse(task));
                all.add(true, what, vec![state.close()]);
            } else {
                state.must(Action::Accept(task));
                all.add(true, what, state.taken(Action::Take(task)));
            }
        }
    }

    fn spend(&mut self, change: fn(&mut Keeping)) {
        if let Some(keeps) = &mut self.left.keeps {
            change(keeps);
        }
    }

    fn sizing(&self, keeps: Keeping, sizes: Sizes, all: &mut Moves) {
        let mut asks = |owed, request, change: fn(&mut Keeping)| {
            let mut state = self.clone();
            state.spend(change);
            state.must(Action::Ask(request));
            let states = state.taken(Action::TakeRequest(request));
            all.add(owed, taken(request), states);
        };
        if !sizes.begun && !self.team().closed {
            asks(false, Request::Begin, |_| {});
        }
        if let Some(&(least, most)) = keeps.targets.first() {
            let request = Request::Resize(least, most);
            asks(false, request, |it| it.targets = &it.targets[1..]);
        }
        if keeps.blocks > 0 && self.unblocked() > 0 {
            asks(false, Request::Enter, |it| it.blocks -= 1);
        }
        if sizes.blocked > 0 {
            asks(true, Request::Exit, |_| {});
        }
        if keeps.expiries > 0 {
            for &worker in &self.team().idle {
                let mut state = self.clone();
                state.spend(|it| it.expiries -= 1);
                if let Some(state) = state.may(Action::Expired(worker)) {
                    all.add(false, "a worker has rested for long", state.decided());
                    if !self.fine() {
                        break;
                    }
                }
            }
        }
    }

    /// Tasks that leave the line other than by being fetched.
    fn leaving_the_line(&self, keeps: Keeping, all: &mut Moves) {
        if keeps.aborts > 0 && !self.team().finished {
            let mut state = self.clone();
            state.spend(|it| it.aborts -= 1);
            state.must(Action::Ask(Request::Abort));
            let mut states = state.taken(Action::TakeRequest(Request::Abort));
            for state in &mut states {
                let left = !state.team().backlog.is_empty();
                let why = "W1 an abort leaves a task that waits";
                state.broken = state.broken.or(left.then_some(why));
            }
            all.add(false, "an abort is accepted", states);
        }
        let all_of_them = if self.fine() { usize::MAX } else { 1 };
        // Of those that wait, the last: the numbers of the others do not change.
        for &task in self.team().backlog.iter().rev().take(all_of_them) {
            if keeps.cancels > 0 {
                let mut state = self.clone();
                state.spend(|it| it.cancels -= 1);
                state.must(Action::Cancel(task));
                all.add(false, "a task is cancelled", state.decided());
            }
            if keeps.in_place > 0 {
                let mut state = self.clone();
                state.spend(|it| it.in_place -= 1);
                state.must(Action::InPlace(task));
                all.add(false, "a task is to run in place", state.decided());
            }
        }
        if let Some(task) = self.first(|place| place == Place::OnSite) {
            let mut state = self.clone();
            state.must(Action::Start(task));
            if self.fine() {
                all.add(true, "a task starts in place", vec![state.close()]);
            } else {
                state.must(Action::Stop {
                    task,
                    panicked: false,
                });
                state.must(Action::EndedInPlace(task));
                all.add(true, "a task runs in place", state.decided());
            }
        }
        if let Some(task) = self.first(|place| place == Place::RunningOnSite) {
            let mut state = self.clone();
            state.must(Action::Stop {
                task,
                panicked: false,
            });
            all.add(true, "a task stops in place", vec![state.close()]);
        }
        if let Some(task) = self.first(|place| place == Place::StoppedOnSite) {
            let mut state = self.clone();
            state.must(Action::EndedInPlace(task));
            all.add(true, "a step sees an end in place", state.decided());
        }
        self.not_again(all);
    }

    /// What does not wait does not leave the line.
    fn not_again(&self, all: &mut Moves) {
        let others = self.team().tasks.iter();
        let mut others = others.filter(|&(_, &place)| place != Place::Waiting);
        let mut state = self.clone();
        if self.fine() {
            for (&task, _) in others.by_ref() {
                state.must_not(Action::Cancel(task), "W1 a task is cancelled late");
                state.must_not(Action::InPlace(task), "W1 a task is run in place late");
            }
        }
        if state.broken.is_some() {
            all.add(false, "withdrawn late", vec![state]);
        }
    }

    /// How many workers run a task, or are about to, and do not block.
    fn unblocked(&self) -> usize {
        let team = self.team();
        let runs = team.tasks.values().filter(|place| match **place {
            Place::Running(_) => true,
            Place::Assigned(worker) => !self.fine() && team.workers[&worker] == Post::Busy,
            _ => false,
        });
        let blocked = self.sizes.map_or(0, |it| it.blocked);
        runs.count().saturating_sub(blocked)
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
        if self.unblocked() == 0 {
            return;
        }
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
        if let Some(task) = self.first(|place| matches!(place, Place::Running(_)))
            && self.unblocked() > 0
        {
            for panicked in [false, true] {
                let mut state = self.clone();
                state.must(Action::Stop { task, panicked });
                all.add(true, "a task stops", vec![state.close()]);
            }
        }
        for (&task, &place) in places {
            let started = !matches!(
                place,
                Place::InFlight | Place::Waiting | Place::Assigned(_) | Place::OnSite
            );
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
        let kept = self.team().asking.as_ref().filter(|_| self.sizes.is_some());
        let kept = kept.map(|it| [it.workers, it.lowest, it.highest]);
        let announced = self.pool.asked.as_ref();
        let announced = announced.map(|it| [it.workers, it.lowest, it.highest]);
        let Some([workers, lowest, highest]) = kept.or(announced) else {
            return;
        };
        let new = self.team().workers.len();
        let mut answers = Vec::new();
        if workers < highest {
            answers.push(Action::Made(new));
        }
        if workers >= lowest {
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
    let mut team = match bounds.coordinator {
        Coordinator::None => Team::pool(),
        _ => Team::default(),
    };
    team.keeps = bounds.keeps.map(|it| it.terms);
    team
}

fn asked(request: Request) -> &'static str {
    match request {
        Request::Grow(1) => "grow by one is asked",
        Request::Grow(_) => "grow by two is asked",
        Request::Shrink(Some(_)) => "shrink by one is asked",
        Request::Shrink(None) => "shrink by all is asked",
        _ => "a request is asked",
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
        Request::Begin => "the start",
        Request::Resize(..) => "other sizes",
        Request::Enter => "a worker blocks",
        Request::Exit => "a worker blocks no more",
        Request::Abort => "an abort",
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
        from.kept(&mut all);
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
        let limit = self.sizes.map_or(self.pool.limit, Sizes::most);
        let excused = team.live() >= limit || team.retry;
        let missing = team.staying() < self.least() && !team.closed;
        if team.queue.is_empty() {
            let nothing_waits = team.backlog.is_empty() && !missing;
            return team.end().is_ok() && (nothing_waits || excused);
        }
        // Callers wait as long as the tasks before them.
        let mut without = team.clone();
        without.queue.clear();
        without.end().is_ok() && excused && !self.room() && !team.closed
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
            Property::always(
                "P1 no more workers stay than there shall be",
                |_, it: &Self| {
                    let most = it.sizes.map_or(usize::MAX, Sizes::most);
                    it.team().quitting || it.team().staying() <= most
                },
            ),
            Property::always(
                "P1 a worker that is missing is asked for",
                |_, it: &Self| {
                    let team = it.team();
                    let waits = team.asking.is_some() || team.retry || team.leaving > 0;
                    team.quitting || waits || team.staying() >= it.least()
                },
            ),
            Property::always(
                "T9 no caller waits for room that there is, or after a quit",
                |_, it: &Self| {
                    let team = it.team();
                    let waits = !team.queue.is_empty() && team.asking.is_none();
                    !waits || !(team.closed || it.room())
                },
            ),
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
            Property::sometimes("a task waits for the start", |_, it: &Self| {
                it.sizes.is_some_and(|it| !it.begun) && it.team().backlogged() > 0
            }),
            Property::sometimes("a worker is missing, and asked for", |_, it: &Self| {
                let grows = it.team().asking.as_ref();
                let grows = grows.is_some_and(|it| it.reason == Reason::Grow);
                grows && it.team().staying() < it.least()
            }),
            Property::sometimes("a debt is forgiven by other sizes", |_, it: &Self| {
                it.sights.0 & DEBT_FORGIVEN != 0
            }),
            Property::sometimes("one more works, because one blocks", |_, it: &Self| {
                let most = it.sizes.map_or(usize::MAX, |it| it.most);
                it.team().busy() > most && it.team().debt == 0
            }),
            Property::sometimes("it owes to leave when it blocks no more", |_, it: &Self| {
                let most = it.sizes.filter(|it| it.blocked == 0);
                let most = most.map_or(usize::MAX, Sizes::most);
                it.team().busy() > most && it.team().debt > 0
            }),
            Property::sometimes("a worker leaves for idleness", |_, it: &Self| {
                it.sights.0 & EXPIRED != 0
            }),
            Property::sometimes("a task leaves from behind another", |_, it: &Self| {
                it.sights.0 & LEFT_THE_MIDDLE != 0
            }),
            Property::sometimes("the end waits for a task in place", |_, it: &Self| {
                let (team, now) = (it.team(), it.team().numbers());
                let nothing = team.live() + now.busy + now.backlogged == 0;
                team.quitting && nothing && now.in_place > 0
            }),
            Property::sometimes("a task is given back", |_, it: &Self| {
                it.team().numbers().returned > 0
            }),
            Property::sometimes("an abort comes after a quit", |_, it: &Self| {
                it.sights.0 & ABORTED_AFTER_A_QUIT != 0
            }),
            Property::sometimes("a caller waits for room", |_, it: &Self| {
                !it.team().queue.is_empty()
            }),
            Property::sometimes("one that waits has room", |_, it: &Self| {
                !it.team().admitted.is_empty() && !it.team().closed
            }),
            Property::sometimes("one that waits is called by a quit", |_, it: &Self| {
                !it.team().admitted.is_empty() && it.team().closed
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
        keeps: None,
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
    all.extend(keeping());
    let one = |bounds: Bounds| {
        let size = bounds.limit + bounds.tasks + 2 * bounds.resizes;
        let exclusive = bounds.coordinator == Coordinator::Exclusive;
        let most = if exclusive { 8 } else { 7 };
        let coarse = bounds.grain == Grain::Coarse;
        let quick = match bounds.keeps {
            Some(keeps) => coarse && keeps.size() + bounds.tasks + bounds.losses <= 7,
            None => coarse && size + 2 * bounds.raises <= most,
        };
        Configuration::of(bounds.name(), quick, TeamSystem::new(bounds))
    };
    all.into_iter().map(one).collect()
}

/// Pools that keep sizes, each with some of what may happen to them.
fn keeping() -> Vec<Bounds> {
    let plain = |tasks, keeps| Bounds {
        limit: 0,
        raises: 0,
        tasks,
        resizes: 0,
        failures: 1,
        losses: 0,
        withdrawals: 0,
        grain: Grain::Coarse,
        coordinator: Coordinator::None,
        keeps: Some(keeps),
    };
    let of = Keeping::of;
    let bounded = |keeps: Keeping, bound, queues| Keeping {
        terms: Terms {
            bound,
            ..keeps.terms
        },
        queues,
        ..keeps
    };
    let blocking = |keeps: Keeping, cap, blocks| Keeping {
        terms: Terms { cap, ..keeps.terms },
        blocks,
        ..keeps
    };
    let calm = |bounds| Bounds {
        failures: 0,
        ..bounds
    };
    let lossy = |bounds| Bounds {
        losses: 1,
        ..bounds
    };
    let fine = |bounds| Bounds {
        grain: Grain::Fine,
        ..bounds
    };
    let targets = |keeps, targets| Keeping { targets, ..keeps };
    let aborts = |keeps, aborts| Keeping { aborts, ..keeps };
    let expires = |keeps| Keeping {
        expiries: 1,
        ..keeps
    };
    let withdraws = |keeps, cancels, in_place| Keeping {
        cancels,
        in_place,
        ..keeps
    };
    let mut all = Vec::new();
    // What each is about, by itself.
    for (least, most) in [(0, 1), (1, 1), (1, 2)] {
        let keeps = of(least, most);
        all.extend([
            lossy(plain(1, targets(keeps, &[(1, 2)]))),
            plain(1, blocking(expires(keeps), 1, 1)),
            plain(2, aborts(withdraws(keeps, 1, 1), 1)),
            plain(3, aborts(bounded(keeps, 1, 1), 1)),
        ]);
    }
    all.push(calm(plain(2, targets(of(2, 2), &[(1, 1), (2, 2)]))));
    all.push(calm(plain(2, aborts(of(1, 1), 2))));
    all.push(calm(plain(2, blocking(of(1, 1), 1, 1))));
    // What comes together.
    for (least, most) in [(0, 1), (1, 1), (0, 2), (1, 2), (2, 2)] {
        let sizing = targets(expires(of(least, most)), &[(0, 1), (2, 2)]);
        let resizing = Bounds {
            resizes: 1,
            ..plain(2, targets(of(least, most), &[(1, 1)]))
        };
        all.extend([
            lossy(plain(2, sizing)),
            resizing,
            plain(2, blocking(expires(of(least, most)), 1, 2)),
            lossy(plain(3, aborts(withdraws(of(least, most), 1, 1), 1))),
            plain(4, withdraws(bounded(of(least, most), 1, 2), 1, 0)),
            lossy(plain(4, bounded(of(least, most), 1, 2))),
        ]);
    }
    all.extend([
        calm(plain(3, targets(of(2, 2), &[(1, 1), (2, 2)]))),
        calm(plain(3, blocking(of(1, 1), 2, 2))),
        calm(plain(3, blocking(of(1, 2), 1, 2))),
        calm(plain(
            3,
            targets(blocking(of(1, 1), 1, 1), &[(0, 2), (1, 1)]),
        )),
        calm(plain(5, aborts(bounded(of(0, 2), 2, 2), 1))),
        calm(plain(3, expires(aborts(bounded(of(0, 2), 1, 2), 1)))),
    ]);
    let most_of_it = blocking(bounded(of(0, 1), 1, 1), 1, 1);
    let most_of_it = withdraws(targets(most_of_it, &[(1, 1)]), 1, 1);
    all.push(calm(plain(2, aborts(expires(most_of_it), 1))));
    all.extend([
        fine(calm(plain(2, aborts(withdraws(of(0, 1), 1, 1), 1)))),
        fine(calm(plain(2, blocking(of(1, 1), 1, 1)))),
        fine(plain(1, targets(expires(of(1, 1)), &[(0, 2)]))),
        fine(calm(plain(3, bounded(of(1, 1), 1, 1)))),
    ]);
    all
}
