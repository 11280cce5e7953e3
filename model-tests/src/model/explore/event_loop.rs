//! An event loop, closed: callers, its thread, and what comes back to it.
//!
//! Every action there is, is offered in every state, and the model takes what it allows. An account that
//! knows nothing of the model judges what it allowed.

use stateright::Property;

use super::{Configuration, Explored, Move, System};
use crate::model::Machine;
use crate::model::event_loop::{Action, EventLoop};

/// What may happen, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Calls that are accepted.
    pub calls: usize,
    /// Results that are deferred.
    pub results: usize,
}

/// What an account knows of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Fate {
    Waits,
    Runs,
    Ran,
    GivenBack,
    Dropped,
}

/// An event loop and all that drives it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct LoopSystem {
    machine: EventLoop,
    left: Bounds,
    /// By call, in the order of acceptance.
    fates: Vec<Fate>,
    /// How often each result's callback was called.
    delivered: Vec<usize>,
    quits_won: usize,
    stops_won: usize,
    used: bool,
    begun: bool,
    /// How often the pool was started.
    pool_starts: usize,
    broken: Option<&'static str>,
}

impl LoopSystem {
    /// A loop, and what may happen to it.
    #[must_use]
    pub fn new(machine: EventLoop, bounds: Bounds) -> Self {
        Self {
            machine,
            left: bounds,
            fates: Vec::new(),
            delivered: Vec::new(),
            quits_won: 0,
            stops_won: 0,
            used: false,
            begun: false,
            pool_starts: 0,
            broken: None,
        }
    }

    /// Every action there is. Those that change nothing are left out: `Busy`, `Nothing` and `Over`.
    fn offers(&self) -> Vec<Action> {
        let mut all = vec![Action::Asleep, Action::Wake, Action::End];
        for yes in [true, false] {
            all.extend([Action::Quit { won: yes }, Action::Halt { won: yes }]);
            all.extend([
                Action::UsePool { starts: yes },
                Action::Begin { starts: yes },
            ]);
        }
        // Entered before its end, and left for good after it: who leaves and enters otherwise has changed
        // nothing.
        all.push(if self.machine.has_ended() {
            Action::Exit
        } else {
            Action::Enter
        });
        if self.left.calls > 0 {
            all.push(Action::Accept(self.fates.len()));
        }
        if self.left.results > 0 {
            all.push(Action::Defer(self.delivered.len()));
        }
        for call in 0..self.fates.len() {
            all.extend([Action::Start(call), Action::Stop(call)]);
            all.extend([Action::GiveBack(call), Action::Drop(call)]);
        }
        all.extend((0..self.delivered.len()).map(Action::Deliver));
        all
    }

    /// Whether it comes by itself.
    fn is_owed(&self, action: &Action) -> bool {
        match action {
            Action::Asleep | Action::Wake | Action::Enter | Action::Exit => true,
            Action::Start(_) | Action::Stop(_) => true,
            Action::GiveBack(_) | Action::Drop(_) | Action::Deliver(_) => true,
            // A loop may be dropped at any time, and ends by itself once it is closed.
            Action::End => self.is_closed(),
            _ => false,
        }
    }

    fn is_closed(&self) -> bool {
        self.quits_won + self.stops_won > 0
    }

    /// Judges what the model allowed, and keeps the account.
    fn account(&mut self, action: &Action) {
        let closed = self.is_closed() || self.machine.has_ended();
        let waits = |it: &Fate| *it == Fate::Waits;
        let mut rule = |holds: bool, why| {
            if !holds {
                self.broken = Some(why);
            }
        };
        match *action {
            Action::Accept(call) => {
                rule(!closed, "W4 a call was accepted by a closed loop");
                rule(call == self.fates.len(), "W1 a call was accepted twice");
                self.fates.push(Fate::Waits);
                self.left.calls -= 1;
            }
            Action::Start(call) => {
                rule(!self.fates.contains(&Fate::Runs), "W6 two calls overlap");
                let first = self.fates.iter().position(waits);
                rule(first == Some(call), "E1 a call overtook another");
                rule(self.stops_won == 0, "E3 a call started after the stop");
                self.fates[call] = Fate::Runs;
            }
            Action::Stop(call) => {
                let runs = self.fates[call] == Fate::Runs;
                rule(runs, "W1 a call stopped that does not run");
                self.fates[call] = Fate::Ran;
            }
            Action::GiveBack(call) | Action::Drop(call) => {
                let waited = self.fates[call] == Fate::Waits;
                rule(waited, "W1 a call was given back that does not wait");
                let dropped = matches!(action, Action::Drop(_));
                self.fates[call] = if dropped {
                    Fate::Dropped
                } else {
                    Fate::GivenBack
                };
            }
            Action::Quit { won } => self.quits_won += usize::from(won),
            Action::Halt { won } => self.stops_won += usize::from(won),
            Action::Defer(_) => {
                self.delivered.push(0);
                self.left.results -= 1;
            }
            Action::Deliver(result) => {
                self.delivered[result] += 1;
                let once = self.delivered[result] == 1;
                rule(once, "E4 a callback was called twice");
            }
            Action::UsePool { starts } => {
                self.used = true;
                self.pool_starts += usize::from(starts);
            }
            Action::Begin { starts } => {
                self.begun = true;
                self.pool_starts += usize::from(starts);
            }
            _ => {}
        }
    }

    fn waits(&self) -> bool {
        self.fates.contains(&Fate::Waits)
    }
}

impl System for LoopSystem {
    fn moves(&self) -> Vec<Move<Self>> {
        if self.broken.is_some() {
            return Vec::new();
        }
        let mut all = Vec::new();
        for action in self.offers() {
            let mut to = self.clone();
            // The account first: it is to know what was before.
            to.account(&action);
            if to.machine.take(&action).is_err() || to == *self {
                continue;
            }
            all.push(Move {
                what: format!("{action:?}").into(),
                owed: self.is_owed(&action),
                to,
            });
        }
        all
    }

    fn quiet(&self) -> bool {
        let over = |it: &Fate| !matches!(it, Fate::Waits | Fate::Runs);
        let delivered = self.delivered.iter().all(|&times| times == 1);
        let ended = self.machine.end().is_ok() && delivered;
        // An open loop sleeps until it is woken, whatever is still to come back.
        let rests = self.machine.sleeps() && !self.is_closed();
        self.fates.iter().all(over) && (ended || rests)
    }

    fn properties() -> Vec<Property<Explored<Self>>> {
        vec![
            Property::always("W1, W4, W6, E1, E3, E4: the account", |_, it: &Self| {
                it.broken.is_none()
            }),
            Property::always("W3 one quit and one stop win", |_, it: &Self| {
                it.quits_won <= 1 && it.stops_won <= 1
            }),
            Property::always(
                "T9 it sleeps only if there is nothing to do",
                |_, it: &Self| {
                    !it.machine.sleeps()
                        || !(it.waits() || it.is_closed())
                        || it.machine.has_ended()
                },
            ),
            Property::always("E1 the pool starts once", |_, it: &Self| {
                it.pool_starts == usize::from(it.used && it.begun)
            }),
            Property::sometimes("a call is given back", |_, it: &Self| {
                it.fates.contains(&Fate::GivenBack)
            }),
            Property::sometimes("a call waits after a stop", |_, it: &Self| {
                it.stops_won > 0 && it.waits()
            }),
            Property::sometimes("a call runs after the quit", |_, it: &Self| {
                it.quits_won > 0 && it.fates.contains(&Fate::Runs)
            }),
            Property::sometimes("a stop follows a quit", |_, it: &Self| {
                it.quits_won > 0 && it.stops_won > 0
            }),
            Property::sometimes("a callback is called at the end", |_, it: &Self| {
                it.machine.has_ended() && it.delivered.contains(&1)
            }),
            Property::sometimes("a callback is called in a call", |_, it: &Self| {
                !it.machine.has_ended() && it.delivered.contains(&1)
            }),
        ]
    }
}

/// A loop with a few calls, a quit, a stop, and a result that comes back.
#[must_use]
pub fn configurations() -> Vec<Configuration> {
    let one = |calls, results| {
        let name = format!("event loop: calls {calls}, results {results}");
        let bounds = Bounds { calls, results };
        let start = LoopSystem::new(EventLoop::default(), bounds);
        Configuration::of(name, true, start)
    };
    vec![one(3, 1), one(2, 2)]
}
