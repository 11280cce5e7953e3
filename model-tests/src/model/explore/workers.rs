//! The flag and each worker, closed: callers who submit and quit, and whoever runs the tasks.
//!
//! Every action there is, is offered in every state, for every task and thread, and the model takes
//! what it allows. An account that knows nothing of the model judges what it allowed.
//!
//! A thread of a lock worker may submit at any time here, also while it waits for the lock, which a
//! real one cannot. So more is explored than can happen. There is no symmetry to use: tasks are
//! numbered in the order of acceptance.

use std::fmt::Debug;
use std::hash::Hash;

use stateright::Property;

use super::{Configuration, Explored, Move, System};
use crate::model::lock::{self, Lock};
use crate::model::memory::{self, Memory};
use crate::model::quit::{self, Quit};
use crate::model::thread::{self, Thread};
use crate::model::{Machine, TaskId, ThreadId};

/// What may happen, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Tasks, in all.
    pub tasks: usize,
    /// Calls of `quit`.
    pub quits: usize,
    /// Threads.
    pub threads: usize,
}

/// What an action means to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The task was accepted. The thread is the one whose order it keeps.
    Accepted(ThreadId, TaskId),
    /// One was refused, or the worker was seen closed.
    SeenClosed,
    /// The worker was seen open.
    SeenOpen,
    /// A quit was told that it was the one, or not.
    Quit(bool),
    /// The task began on the thread.
    Started(ThreadId, TaskId),
    /// It ended there.
    Stopped(ThreadId, TaskId),
    /// It was dropped.
    Dropped(TaskId),
    /// The worker says that it has no more to do.
    Drained,
    /// Nothing of that.
    Other,
}

/// A machine that can be closed.
pub trait Closed: Machine + PartialEq + Hash + Send + Sync + 'static {
    /// A new one.
    fn new() -> Self;
    /// Every action there is, with this new task, these old ones, and so many threads.
    fn offers(new: Option<TaskId>, old: &[TaskId], threads: usize) -> Vec<Self::Action>;
    /// What it means.
    fn event(action: &Self::Action) -> Event;
    /// Tasks keep an order for each thread, and run there.
    const BY_THREAD: bool = false;
    /// All tasks run on one thread.
    const ONE_THREAD: bool = false;
}

impl Closed for Quit {
    fn new() -> Self {
        Self::default()
    }
    fn offers(_: Option<TaskId>, _: &[TaskId], _: usize) -> Vec<quit::Action> {
        let set = [true, false].map(|won| quit::Action::Set { won });
        let seen = [true, false].map(|set| quit::Action::Seen { set });
        set.into_iter().chain(seen).collect()
    }
    fn event(action: &quit::Action) -> Event {
        match *action {
            quit::Action::Set { won } => Event::Quit(won),
            quit::Action::Seen { set: true } => Event::SeenClosed,
            quit::Action::Seen { set: false } => Event::SeenOpen,
        }
    }
}

impl Closed for Memory {
    fn new() -> Self {
        Self::default()
    }
    fn offers(new: Option<TaskId>, old: &[TaskId], _: usize) -> Vec<memory::Action> {
        use memory::Action::*;
        let quits = [true, false].map(|won| Quit { won });
        let mut all = vec![Nothing, Ended, Busy, PerformerDropped];
        all.extend(quits);
        all.extend(new.map(Accept));
        all.extend(new.map(Refuse));
        for &task in old {
            all.extend([Accept(task), Start(task), Stop(task), Drop(task)]);
        }
        all
    }
    fn event(action: &memory::Action) -> Event {
        use memory::Action::*;
        match *action {
            Accept(task) => Event::Accepted(0, task),
            Refuse(_) => Event::SeenClosed,
            Quit { won } => Event::Quit(won),
            Start(task) => Event::Started(0, task),
            Stop(task) => Event::Stopped(0, task),
            Drop(task) => Event::Dropped(task),
            Ended => Event::Drained,
            Nothing | Busy | PerformerDropped => Event::Other,
        }
    }
}

impl Closed for Lock {
    const BY_THREAD: bool = true;

    fn new() -> Self {
        Self::default()
    }
    fn offers(new: Option<TaskId>, old: &[TaskId], threads: usize) -> Vec<lock::Action> {
        use lock::Action::*;
        let mut all: Vec<_> = [true, false].map(|won| Quit { won }).into();
        all.extend(new.map(Refuse));
        for on in 0..threads {
            all.extend(new.map(|task| Accept(on, task)));
            for &task in old {
                all.extend([Accept(on, task), Start(on, task)]);
                all.extend([Stop(on, task), Return(on, task)]);
            }
        }
        all
    }
    fn event(action: &lock::Action) -> Event {
        use lock::Action::*;
        match *action {
            Accept(on, task) => Event::Accepted(on, task),
            Refuse(_) => Event::SeenClosed,
            Quit { won } => Event::Quit(won),
            Start(on, task) => Event::Started(on, task),
            Stop(on, task) => Event::Stopped(on, task),
            Return(..) => Event::Other,
        }
    }
}

impl Closed for Thread {
    const ONE_THREAD: bool = true;

    fn new() -> Self {
        Self::default()
    }
    fn offers(new: Option<TaskId>, old: &[TaskId], threads: usize) -> Vec<thread::Action> {
        use thread::Action::*;
        let mut all = vec![BodyDropped];
        all.extend([true, false].map(|won| Quit { won }));
        all.extend(new.map(Accept));
        all.extend(new.map(Refuse));
        for &task in old {
            all.extend([Accept(task), Drop(task)]);
        }
        for on in 0..threads {
            all.push(ThreadEnded(on));
            all.extend(
                old.iter()
                    .flat_map(|&task| [Start(on, task), Stop(on, task)]),
            );
        }
        all
    }
    fn event(action: &thread::Action) -> Event {
        use thread::Action::*;
        match *action {
            Accept(task) => Event::Accepted(0, task),
            Refuse(_) => Event::SeenClosed,
            Quit { won } => Event::Quit(won),
            Start(on, task) => Event::Started(on, task),
            Stop(on, task) => Event::Stopped(on, task),
            Drop(task) => Event::Dropped(task),
            ThreadEnded(_) => Event::Drained,
            BodyDropped => Event::Other,
        }
    }
}

/// What an account knows of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    Waits(ThreadId),
    Runs(ThreadId),
    Ended,
    Dropped,
}

/// A worker and all that drives it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct WorkerSystem<M> {
    machine: M,
    left: Bounds,
    /// By task, in the order of acceptance.
    fates: Vec<Fate>,
    won: usize,
    lost: usize,
    /// The threads on which something ran.
    ran_on: Vec<ThreadId>,
    broken: Option<&'static str>,
}

impl<M: Closed> WorkerSystem<M> {
    /// A new worker, and what may happen to it.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            machine: M::new(),
            left: bounds,
            fates: Vec::new(),
            won: 0,
            lost: 0,
            ran_on: Vec::new(),
            broken: None,
        }
    }

    /// Judges what the model allowed, and keeps the account.
    fn account(&mut self, event: Event) {
        let closed = self.won > 0;
        let mut rule = |holds: bool, why| {
            if !holds {
                self.broken = Some(why);
            }
        };
        match event {
            Event::Accepted(on, task) => {
                rule(!closed, "W4 a task was accepted after the quit");
                rule(task == self.fates.len(), "W1 a task was accepted twice");
                self.fates.push(Fate::Waits(on));
                self.left.tasks -= 1;
            }
            Event::Started(on, task) => {
                let runs = |it: &Fate| matches!(it, Fate::Runs(_));
                rule(!self.fates.iter().any(runs), "W6 two tasks overlap");
                let waits = |it: &Fate| matches!(*it, Fate::Waits(by) if !M::BY_THREAD || by == on);
                let first = self.fates.iter().position(waits);
                rule(
                    first == Some(task),
                    "W7 a task started that is not the next",
                );
                let fate = self.fates[task];
                rule(matches!(fate, Fate::Waits(_)), "W1 a task started twice");
                self.fates[task] = Fate::Runs(on);
                if !self.ran_on.contains(&on) {
                    self.ran_on.push(on);
                    self.ran_on.sort_unstable();
                }
            }
            Event::Stopped(on, task) => {
                let runs = self.fates[task] == Fate::Runs(on);
                rule(runs, "W1 a task stopped that does not run");
                self.fates[task] = Fate::Ended;
            }
            Event::Dropped(task) => {
                let waits = matches!(self.fates[task], Fate::Waits(_));
                rule(waits, "W1 a task was dropped that does not wait");
                self.fates[task] = Fate::Dropped;
            }
            Event::Quit(won) => {
                self.left.quits -= 1;
                self.won += usize::from(won);
                self.lost += usize::from(!won);
            }
            Event::Drained => {
                let ended = |it: &Fate| matches!(it, Fate::Ended | Fate::Dropped);
                let all = self.fates.iter().all(ended);
                rule(all, "M2, H2 drained, but for a task");
            }
            Event::SeenOpen => rule(!closed, "W4 the quit was not seen"),
            Event::SeenClosed | Event::Other => {}
        }
    }
}

impl<M: Closed> System for WorkerSystem<M> {
    fn moves(&self) -> Vec<Move<Self>> {
        if self.broken.is_some() {
            return Vec::new();
        }
        let new = (self.left.tasks > 0).then_some(self.fates.len());
        let old: Vec<TaskId> = (0..self.fates.len()).collect();
        let mut all = Vec::new();
        for action in M::offers(new, &old, self.left.threads) {
            let event = M::event(&action);
            if matches!(event, Event::Quit(_)) && self.left.quits == 0 {
                continue;
            }
            let mut to = self.clone();
            if to.machine.take(&action).is_err() {
                continue;
            }
            to.account(event);
            // What changes nothing is allowed here, and leads nowhere.
            if to == *self {
                continue;
            }
            let owed = matches!(
                event,
                Event::Started(..) | Event::Stopped(..) | Event::Dropped(_) | Event::Drained
            );
            all.push(Move {
                what: format!("{action:?}").into(),
                owed,
                to,
            });
        }
        all
    }

    fn quiet(&self) -> bool {
        let ended = |it: &Fate| matches!(it, Fate::Ended | Fate::Dropped);
        self.machine.end().is_ok() && self.fates.iter().all(ended)
    }

    fn properties() -> Vec<Property<Explored<Self>>> {
        vec![
            Property::always("W1, W4, W6, W7: the account", |_, it: &Self| {
                it.broken.is_none()
            }),
            Property::always("W3 the first quit wins, and no other", |_, it: &Self| {
                it.won <= 1 && (it.lost == 0 || it.won == 1 || it.never_accepts())
            }),
            Property::always("H1 one thread", |_, it: &Self| {
                !M::ONE_THREAD || it.ran_on.len() <= 1
            }),
            Property::sometimes("two tasks wait", |_, it: &Self| it.waiting() > 1),
            Property::sometimes("a task waits after the quit", |_, it: &Self| {
                it.won > 0 && it.waiting() > 0
            }),
            Property::sometimes("a task ends after the quit", |_, it: &Self| {
                it.won > 0 && it.fates.contains(&Fate::Ended)
            }),
            Property::sometimes("a task is dropped", |_, it: &Self| {
                it.fates.contains(&Fate::Dropped)
            }),
            Property::sometimes("a second quit loses", |_, it: &Self| it.lost > 0),
        ]
    }
}

impl<M: Closed> WorkerSystem<M> {
    fn waiting(&self) -> usize {
        let waits = |it: &&Fate| matches!(it, Fate::Waits(_));
        self.fates.iter().filter(waits).count()
    }

    /// Whoever drops what performs it quits it as well: then all quits of callers lose.
    fn never_accepts(&self) -> bool {
        let mut machine = self.machine.clone();
        let new = M::offers(Some(self.fates.len()), &[], self.left.threads);
        let accepts = |it: &&M::Action| matches!(M::event(it), Event::Accepted(..));
        let mut accepts = new.iter().filter(accepts);
        accepts.next().is_some_and(|it| machine.take(it).is_err())
    }
}

/// The flag, and each worker with up to three tasks and two quits.
#[must_use]
pub fn configurations() -> Vec<Configuration> {
    fn one<M: Closed>(name: &str, bounds: Bounds) -> Configuration {
        let Bounds {
            tasks,
            quits,
            threads,
        } = bounds;
        let name = format!("{name}: tasks {tasks}, quits {quits}, threads {threads}");
        Configuration::of(name, true, WorkerSystem::<M>::new(bounds))
    }
    let bounds = |tasks, threads| Bounds {
        tasks,
        quits: 2,
        threads,
    };
    vec![
        one::<Quit>("quit", bounds(0, 1)),
        one::<Memory>("memory worker", bounds(4, 1)),
        one::<Lock>("lock worker", bounds(4, 2)),
        one::<Lock>("lock worker", bounds(3, 3)),
        one::<Thread>("thread worker", bounds(4, 2)),
    ]
}
