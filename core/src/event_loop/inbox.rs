//! The inbox: the calls that wait for a loop, and whether it is to be woken.
//!
//! # State
//! One mutex over `calls`, `phase` and `asleep`.
//!
//! | `phase` | new calls | what waits | next |
//! |---|---|---|---|
//! | `Open` | taken | is run | `Draining`, by a quit; `Stopped`, by a stop; `Ended` |
//! | `Draining` | handed back | is run | `Stopped`; `Ended`, when nothing waits |
//! | `Stopped` | handed back | waits to be given back | `Ended` |
//! | `Ended` | handed back | was given back | – |
//!
//! `asleep`: the loop found nothing to do, and whoever next gives it something wakes it. Set by the loop's
//! thread, cleared by who wakes it. Only the loop's thread takes calls out and reaches `Ended`.
//!
//! # Invariants
//! - E1, W6, W7: first in, first out, and one thread takes. W4: the check of the phase and the push are one
//!   critical section.
//! - T9: the loop finds nothing and falls asleep in one critical section; so whoever comes later finds it
//!   asleep.
//! - E3: what waited when the loop ended has left the inbox in that step, and is given back or dropped.
//! - W9: nothing of a user's is run or dropped under the mutex, and no host is asked under it.

use std::mem;

use super::first_use::FirstUse;
use super::host::{self, RunOnLoop};
use crate::contain::{PanicHandler, reporting};
use crate::jobs::Jobs;
use crate::primitives::{Arc, Condvar, Mutex, thread};
use crate::probe::{Kind, Object, What};
use crate::task::Job;
use crate::turn;
use crate::worker::AlreadyQuit;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Draining,
    Stopped,
    Ended,
}

struct State {
    calls: Jobs,
    phase: Phase,
    asleep: bool,
}

/// What the loop's thread finds.
pub(super) enum Next {
    Call(Job),
    /// Nothing, yet.
    Nothing,
    /// Nothing is to be run any more.
    Over,
}

pub(super) struct Inbox {
    state: Mutex<State>,
    woken: Condvar,
    /// The loop that has this one's calls run, if it does not run by itself.
    host: Option<Box<dyn RunOnLoop>>,
    owner: thread::ThreadId,
    pub(super) on_panic: PanicHandler,
    pub(super) pool: FirstUse,
    pub(super) object: Object,
}

impl Inbox {
    /// The inbox of a loop that is this thread's.
    pub(super) fn new(
        host: Option<Box<dyn RunOnLoop>>,
        on_panic: PanicHandler,
        pool: FirstUse,
    ) -> Self {
        let object = Object::of(Kind::Loop);
        if host.is_some() {
            object.tell(|| What::Asleep);
        }
        Self {
            state: Mutex::new(State {
                calls: Jobs::new(),
                phase: Phase::Open,
                // A host has to be asked; a loop that does not run looks when it begins to.
                asleep: host.is_some(),
            }),
            woken: Condvar::new(),
            host,
            owner: thread::current().id(),
            on_panic,
            pool,
            object,
        }
    }

    pub(super) fn is_on_its_thread(&self) -> bool {
        thread::current().id() == self.owner
    }

    pub(super) fn is_hosted(&self) -> bool {
        self.host.is_some()
    }

    /// Adds a call behind all others, or hands it back.
    pub(super) fn push(self: &Arc<Self>, call: Job) -> Result<(), Job> {
        let number = call.identity().number();
        let mut state = self.state.lock();
        if state.phase != Phase::Open {
            self.object.tell(|| What::Refused(number));
            return Err(call);
        }
        self.object.tell(|| What::Accepted(number));
        state.calls.push(call);
        let wakes = self.takes_to_wake(&mut state);
        drop(state);
        self.wake(wakes);
        Ok(())
    }

    /// Refuses new calls; those that wait are run.
    pub(super) fn quit(self: &Arc<Self>) -> Result<(), AlreadyQuit> {
        let mut state = self.state.lock();
        let won = state.phase == Phase::Open;
        self.object.tell(|| What::Quit { won });
        if !won {
            return Err(AlreadyQuit);
        }
        state.phase = Phase::Draining;
        let wakes = self.takes_to_wake(&mut state);
        drop(state);
        self.wake(wakes);
        Ok(())
    }

    /// Refuses new calls; those that wait are to be given back.
    pub(super) fn stop(self: &Arc<Self>) -> Result<(), AlreadyQuit> {
        let mut state = self.state.lock();
        let won = matches!(state.phase, Phase::Open | Phase::Draining);
        self.object.tell(|| What::Stop { won });
        if !won {
            return Err(AlreadyQuit);
        }
        state.phase = Phase::Stopped;
        let wakes = self.takes_to_wake(&mut state);
        drop(state);
        self.wake(wakes);
        Ok(())
    }

    /// Whether it is the caller who wakes the loop.
    fn takes_to_wake(&self, state: &mut State) -> bool {
        let wakes = mem::take(&mut state.asleep);
        if wakes {
            self.object.tell(|| What::Woken);
        }
        wakes
    }

    fn wake(self: &Arc<Self>, wakes: bool) {
        if !wakes {
            return;
        }
        match &self.host {
            None => self.woken.notify_one(),
            Some(host) => {
                // The host is a user's. If it refuses, or panics, the turn is dropped, which tells.
                turn::theirs(|| {
                    reporting(&self.on_panic, || drop(host.run_on_loop(host::turn(self))));
                });
            }
        }
    }

    /// The oldest call, as far as one is there. For the loop's thread.
    pub(super) fn next(&self) -> Next {
        let mut state = self.state.lock();
        let next = self.take_from(&mut state);
        if let Next::Nothing = next {
            self.object.tell(|| What::Nothing);
        }
        next
    }

    /// The oldest call, once one is there; `None` if none will be. For the loop's thread.
    pub(super) fn wait(&self) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            match self.take_from(&mut state) {
                Next::Call(call) => return Some(call),
                Next::Over => return None,
                Next::Nothing => {
                    if !mem::replace(&mut state.asleep, true) {
                        self.object.tell(|| What::Asleep);
                    }
                    state = self.woken.wait(state);
                }
            }
        }
    }

    fn take_from(&self, state: &mut State) -> Next {
        if matches!(state.phase, Phase::Open | Phase::Draining)
            && let Some(call) = state.calls.pop()
        {
            let number = call.identity().number();
            self.object.tell(|| What::Started(number));
            return Next::Call(call);
        }
        if state.phase == Phase::Open {
            return Next::Nothing;
        }
        self.object.tell(|| What::Ended);
        Next::Over
    }

    /// How many calls wait.
    pub(super) fn len(&self) -> usize {
        self.state.lock().calls.len()
    }

    /// A hosted loop has had its turn: it sleeps, or wants another. For the loop's thread.
    pub(super) fn rest(self: &Arc<Self>) {
        if self.host.is_none() {
            return;
        }
        let mut state = self.state.lock();
        let again = match state.phase {
            Phase::Open => state.calls.len() > 0,
            Phase::Draining | Phase::Stopped => true,
            Phase::Ended => return,
        };
        if !again && !mem::replace(&mut state.asleep, true) {
            self.object.tell(|| What::Asleep);
        }
        drop(state);
        self.wake(again);
    }

    /// The loop ends: what waited, to be given back or dropped. For the loop's thread.
    pub(super) fn end(&self) -> Jobs {
        let mut state = self.state.lock();
        state.phase = Phase::Ended;
        state.asleep = false;
        self.object.tell(|| What::Closed);
        mem::replace(&mut state.calls, Jobs::new())
    }

    /// No turn of this loop will come by itself any more: so that nobody waits in vain, it stops, and whoever
    /// waits for a call is told at once. The other calls are given back when its owner ends it.
    #[cold]
    pub(super) fn lose_host(&self) {
        let mut told = Vec::new();
        let mut state = self.state.lock();
        if state.phase == Phase::Ended {
            return;
        }
        if state.phase != Phase::Stopped {
            self.object.tell(|| What::Stop { won: true });
            state.phase = Phase::Stopped;
        }
        let calls = mem::replace(&mut state.calls, Jobs::new());
        for call in drain(calls) {
            if call.stays() {
                let number = call.identity().number();
                self.object.tell(|| What::Dropped(number));
                told.push(call);
            } else {
                state.calls.push(call);
            }
        }
        drop(state);
        for call in told {
            reporting(&self.on_panic, || drop(call));
        }
    }
}

/// The calls, oldest first.
pub(super) fn drain(mut calls: Jobs) -> impl Iterator<Item = Job> {
    std::iter::from_fn(move || calls.pop())
}
