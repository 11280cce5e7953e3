//! What was called and what came back, in the order observed.
//!
//! # How to record
//! - Into one history, under one lock that no engine sees.
//! - [`History::call`] before the call is made, [`History::returned`] after it has come back: the
//!   call lies within what is recorded.
//! - The run of a task is recorded as `call(thread, Op::Run(task))` first thing in the task, and
//!   `returned(thread, Ret::Done)` last, also when it panics: what is recorded lies within the run.
//! - What takes no time (`Op::Abandoned`, `Op::Clone`) may be recorded with [`History::told`].
//! - Threads are numbered in the order in which they come ([`Threads`]), tasks as they are made. Then
//!   two executions that differ only in the engine's names have equal histories.
//! - [`History::finish`] when nothing can run any more: from then on an accepted task that has not
//!   ended is lost (W1).
//!
//! # Nesting
//! A call made inside a task that runs inside a call is recorded like any other, with the number of
//! the thread that makes it. Calls of one thread nest like brackets, so a return belongs to the
//! innermost call that is open on its thread, and each depth of nesting is a logical thread, a
//! *lane*, of its own: on a lane calls follow one another. No number needs to be made up for it.

use std::collections::HashMap;
use std::hash::Hash;

/// What is called. Tasks go by number; each is given to one `execute`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Gives a task: [`Ret::Ok`] or [`Ret::Refused`].
    Execute(usize),
    /// Quits the object, or sets a quit flag: [`Ret::Ok`] or [`Ret::AlreadyQuit`].
    Quit,
    /// Whether a quit flag is set: [`Ret::Set`].
    IsSet,
    /// Performs at a memory worker: [`Ret::Ran`], [`Ret::Nothing`], [`Ret::Ended`] or [`Ret::Busy`].
    Perform,
    /// The run of a task, from its start to its end: [`Ret::Done`].
    Run(usize),
    /// Makes workers: [`Ret::Ok`] or [`Ret::AlreadyQuit`].
    Grow(usize),
    /// Makes this many workers leave, or all: [`Ret::Ok`] or [`Ret::AlreadyQuit`].
    Shrink(Option<usize>),
    /// Says that the limit may have risen: [`Ret::Ok`] or [`Ret::AlreadyQuit`].
    LimitRaised,
    /// The owner is handed a task that can never run: [`Ret::Done`].
    Abandoned(usize),
    /// The numbers: [`Ret::Numbers`].
    Statistics,
    /// Drops the performer of a memory worker: [`Ret::Done`].
    DropPerformer,
    /// A user's handle is cloned: [`Ret::Done`]. An object begins with one.
    Clone,
    /// A user's handle is dropped; the last one quits (H3): [`Ret::Done`]. Only if each clone and
    /// each drop is recorded.
    DropHandle,
}

/// What came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ret {
    /// It was accepted, or it won.
    Ok,
    /// The task was handed back.
    Refused,
    /// It had quit before.
    AlreadyQuit,
    /// Whether the flag is set.
    Set(bool),
    /// This task ran inside the call; see [`History::ran`].
    Ran(usize),
    /// There was no task.
    Nothing,
    /// There was no task, and none will come.
    Ended,
    /// A task was being performed.
    Busy,
    /// A team's numbers.
    Numbers(Numbers),
    /// It came back; there is no more to say.
    Done,
}

/// What a team said of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbers {
    /// Workers with nothing to do.
    pub idle: usize,
    /// Workers with a task.
    pub busy: usize,
    /// Tasks waiting for a worker.
    pub backlogged: usize,
    /// Tasks on their way to the coordinator.
    pub in_flight: usize,
    /// Tasks accepted.
    pub accepted: usize,
    /// Tasks that have ended.
    pub done: usize,
    /// Tasks that could never run.
    pub abandoned: usize,
}

/// A call to a numbered object, or a return from the thread's innermost open call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A thread calls.
    Call {
        /// Who.
        thread: usize,
        /// Whom.
        object: usize,
        /// What.
        op: Op,
    },
    /// A thread's innermost open call returns.
    Return {
        /// Who.
        thread: usize,
        /// With what.
        ret: Ret,
    },
}

impl Event {
    pub(super) fn thread(&self) -> usize {
        match *self {
            Self::Call { thread, .. } | Self::Return { thread, .. } => thread,
        }
    }
}

/// Calls and returns, in the order observed; see the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct History {
    events: Vec<Event>,
    finished: bool,
}

impl History {
    /// Nothing was called.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A thread calls the only object.
    pub fn call(&mut self, thread: usize, op: Op) {
        self.call_on(0, thread, op);
    }

    /// A thread calls one of several objects.
    pub fn call_on(&mut self, object: usize, thread: usize, op: Op) {
        self.events.push(Event::Call { thread, object, op });
    }

    /// The thread's innermost open call returns.
    pub fn returned(&mut self, thread: usize, ret: Ret) {
        self.events.push(Event::Return { thread, ret });
    }

    /// A call that took no time.
    pub fn told(&mut self, thread: usize, op: Op) {
        self.call(thread, op);
        self.returned(thread, Ret::Done);
    }

    /// The task whose run ended last, directly inside the thread's innermost open call: what to
    /// answer for a `perform` that ran one.
    #[must_use]
    pub fn ran(&self, thread: usize) -> Option<usize> {
        // Backwards: how many calls have been left and not entered.
        let mut inside = 0_usize;
        let mut last = None;
        let own = self.events.iter().rev().filter(|it| it.thread() == thread);
        for event in own {
            match *event {
                Event::Return { .. } => inside += 1,
                Event::Call { .. } if inside == 0 => return last,
                Event::Call { op, .. } => {
                    inside -= 1;
                    if let (0, None, Op::Run(task)) = (inside, last, op) {
                        last = Some(task);
                    }
                }
            }
        }
        None
    }

    /// Nothing can run any more, so each accepted task must have ended.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Whether [`History::finish`] was called.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// The events, in the order observed.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}

/// Numbers threads in the order in which they come.
#[derive(Clone, Debug)]
pub struct Threads<K>(HashMap<K, usize>);

impl<K: Hash + Eq> Threads<K> {
    /// No thread has come yet.
    #[must_use]
    pub fn new() -> Self {
        Self(HashMap::new())
    }

    /// The number of the thread that the engine calls `name`.
    pub fn number(&mut self, name: K) -> usize {
        let next = self.0.len();
        *self.0.entry(name).or_insert(next)
    }
}

impl<K: Hash + Eq> Default for Threads<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// A call with what came of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operation {
    pub(super) thread: usize,
    /// How many calls of the thread it was made inside of.
    pub(super) depth: usize,
    pub(super) object: usize,
    pub(super) op: Op,
    /// The position of the call among the events.
    pub(super) call: usize,
    /// That of the return, and what was returned.
    pub(super) returned: Option<(usize, Ret)>,
    /// The innermost call of the thread that was open, by its number among the operations.
    pub(super) parent: Option<usize>,
}

/// The calls among `events`, in the order called.
pub(super) fn operations(events: &[Event]) -> Vec<Operation> {
    let mut all: Vec<Operation> = Vec::new();
    // The open calls of each thread, the innermost last.
    let mut open: HashMap<usize, Vec<usize>> = HashMap::new();
    for (at, event) in events.iter().enumerate() {
        let own = open.entry(event.thread()).or_default();
        match *event {
            Event::Call { thread, object, op } => {
                let operation = Operation {
                    thread,
                    depth: own.len(),
                    object,
                    op,
                    call: at,
                    returned: None,
                    parent: own.last().copied(),
                };
                own.push(all.len());
                all.push(operation);
            }
            Event::Return { ret, .. } => {
                let call = own.pop().expect("a return belongs to a call");
                all[call].returned = Some((at, ret));
            }
        }
    }
    all
}
