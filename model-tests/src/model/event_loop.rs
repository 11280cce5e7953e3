//! The specification of an event loop: a queue of calls, a thread that sleeps when it is empty, and what is
//! still to come back to it.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Accept(call)` | open | the call joins the queue's end; a loop that sleeps is to be woken | W1 W4 E1 |
//! | `Refuse(call)` | closed | – | W2 W4 |
//! | `Quit { won }` | `won` says that it was open | closed; a loop that sleeps is to be woken | W3 W4 E3 |
//! | `Halt { won }` | `won` says that it was neither stopped nor ended | closed, and no call starts any more; as above | E3 |
//! | `Asleep` | open, awake, nothing waits | it sleeps | T9 E1 |
//! | `Wake` | it is to be woken | it is awake | T9 E1 |
//! | `Enter` | no call is being run, or about to be | calls may be run | W6 |
//! | `Exit` | it was entered, and no call runs | – | W6 |
//! | `Busy` | it was entered | – | W6 |
//! | `Start(call)` | entered, awake; no call runs; it is the oldest; not stopped | it runs | E1 W6 W7 |
//! | `Stop(call)` | it runs | it has ended | W1 W6 |
//! | `Nothing` | entered; open, nothing waits | – | E1 |
//! | `Over` | entered; closed, and nothing is to be run | – | E3 |
//! | `End` | once | what waits is to be dropped or given back, oldest first | E3 |
//! | `GiveBack(call)`, `Drop(call)` | it is the first of those; or stopped, and it waits: then only dropped | it has ended | W1 E3 |
//! | `Defer(result)` | – | its callback is to be called | E4 |
//! | `Deliver(result)` | it is to be called; entered, or ended | it was called | E4 |
//! | `UsePool { starts }`, `Begin { starts }` | `starts` says that this is the second of these two to come | – | E1 |
//!
//! While a loop is to be woken, no action but `Wake` is allowed of those that the inbox decides: who causes it
//! wakes it. The others are made under another lock, or on the loop's thread alone, and have no order with it.
//!
//! At the end, every call that was accepted has ended, every callback was called, and the loop has ended.

use std::collections::{BTreeSet, VecDeque};

use super::{Machine, TaskId, Violation, rule};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Phase {
    #[default]
    Open,
    Draining,
    Stopped,
    Ended,
}

/// What is wrong with a wrong model, which the exploration has to reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// A call does not wake a loop that sleeps.
    SleepsThroughCalls,
    /// Nor does a stop.
    SleepsThroughStops,
    /// What waits is forgotten when the loop ends.
    ForgetsWhatIsLeft,
    /// A callback may be called again.
    DeliversTwice,
    /// Calls start after a stop.
    RunsAfterTheStop,
    /// A call is taken after the quit.
    AcceptsWhenClosed,
}

/// An event loop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventLoop {
    flaw: Option<Flaw>,
    phase: Phase,
    queue: VecDeque<TaskId>,
    running: Option<TaskId>,
    entered: bool,
    asleep: bool,
    to_wake: bool,
    /// What waited when it ended.
    left: VecDeque<TaskId>,
    over: BTreeSet<TaskId>,
    deferred: BTreeSet<usize>,
    delivered: BTreeSet<usize>,
    pool_used: bool,
    begun: bool,
}

/// What happens to an event loop.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// A call was accepted.
    Accept(TaskId),
    /// A call was refused.
    Refuse(TaskId),
    /// A `quit`.
    Quit {
        /// Whether the caller was told that it was the one.
        won: bool,
    },
    /// A `stop`.
    Halt {
        /// Whether the caller was told that it was the one.
        won: bool,
    },
    /// It found nothing, and sleeps.
    Asleep,
    /// Who caused the last action wakes it.
    Wake,
    /// Its thread begins to run calls.
    Enter,
    /// It runs no more.
    Exit,
    /// It was to begin inside of a call.
    Busy,
    /// The call starts.
    Start(TaskId),
    /// The call has stopped.
    Stop(TaskId),
    /// A step found nothing to do.
    Nothing,
    /// Its thread learns that nothing is to be run any more.
    Over,
    /// It ends.
    End,
    /// The call is given back.
    GiveBack(TaskId),
    /// The call is dropped, and whoever waits for it told.
    Drop(TaskId),
    /// A result is to come back.
    Defer(usize),
    /// Its callback is called.
    Deliver(usize),
    /// Its pool is used.
    UsePool {
        /// Whether that starts it.
        starts: bool,
    },
    /// It runs from now on.
    Begin {
        /// Whether that starts its pool.
        starts: bool,
    },
}

impl Action {
    fn is_decided_in_the_inbox(&self) -> bool {
        matches!(
            self,
            Self::Accept(_)
                | Self::Refuse(_)
                | Self::Quit { .. }
                | Self::Halt { .. }
                | Self::Asleep
                | Self::Start(_)
                | Self::Nothing
                | Self::Over
                | Self::End
        )
    }
}

impl EventLoop {
    fn knows(&self, call: TaskId) -> bool {
        self.queue.contains(&call)
            || self.running == Some(call)
            || self.left.contains(&call)
            || self.over.contains(&call)
    }

    fn is_closed(&self) -> bool {
        self.phase != Phase::Open
    }

    /// A wrong one.
    #[must_use]
    pub fn flawed(flaw: Flaw) -> Self {
        Self {
            flaw: Some(flaw),
            ..Self::default()
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Whether it sleeps, and nobody is about to wake it.
    #[must_use]
    pub fn sleeps(&self) -> bool {
        self.asleep && !self.to_wake
    }

    /// Whether it has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    fn disturb(&mut self, but: Flaw) {
        self.to_wake = self.asleep && !self.has(but);
    }

    fn runs_calls(&self) -> Result<(), Violation> {
        rule(self.entered, "W6", "a call was looked for by nobody")?;
        let idle = self.running.is_none();
        rule(idle, "W6", "a call was looked for inside of another")
    }

    fn starts(first: &mut bool, second: bool, starts: bool) -> Result<(), Violation> {
        let due = second && !*first;
        *first = true;
        let why = "the pool was not started by the second of its use and the loop's beginning";
        rule(starts == due, "E1", why)
    }

    fn leaves(&mut self, call: TaskId) -> Result<(), Violation> {
        let first = self.left.front() == Some(&call);
        rule(
            first,
            "E3",
            "a call was given back out of order, or not due",
        )?;
        self.left.pop_front();
        self.over.insert(call);
        Ok(())
    }
}

impl Machine for EventLoop {
    type Action = Action;

    fn properties(action: &Action) -> &'static [&'static str] {
        match action {
            Action::Accept(_) => &["W1", "W4", "E1"],
            Action::Refuse(_) => &["W2", "W4"],
            Action::Quit { .. } => &["W3", "W4", "E3"],
            Action::Halt { .. } | Action::Over | Action::End => &["E3"],
            Action::Asleep | Action::Wake => &["T9", "E1"],
            Action::Enter | Action::Exit | Action::Busy => &["W6"],
            Action::Start(_) => &["E1", "W6", "W7"],
            Action::Stop(_) => &["W1", "W6"],
            Action::Nothing | Action::UsePool { .. } | Action::Begin { .. } => &["E1"],
            Action::GiveBack(_) | Action::Drop(_) => &["W1", "E3"],
            Action::Defer(_) | Action::Deliver(_) => &["E4"],
        }
    }

    fn take(&mut self, action: &Action) -> Result<(), Violation> {
        if action.is_decided_in_the_inbox() {
            let why = "the loop sleeps, and whoever has something for it does not wake it";
            rule(!self.to_wake, "T9", why)?;
        }
        match *action {
            Action::Accept(call) => {
                let why = "a call was accepted after the quit or the stop";
                let open = !self.is_closed() || self.has(Flaw::AcceptsWhenClosed);
                rule(open, "W4", why)?;
                rule(!self.knows(call), "W1", "a call was accepted twice")?;
                self.queue.push_back(call);
                self.disturb(Flaw::SleepsThroughCalls);
            }
            Action::Refuse(call) => {
                rule(self.is_closed(), "W4", "a call was refused by an open loop")?;
                let why = "a refused call had been accepted";
                rule(!self.knows(call), "W2", why)?;
            }
            Action::Quit { won } => {
                let why = "not exactly one quit was told so";
                rule(won != self.is_closed(), "W3", why)?;
                if won {
                    self.phase = Phase::Draining;
                    self.disturb(Flaw::SleepsThroughStops);
                }
            }
            Action::Halt { won } => {
                let runs = matches!(self.phase, Phase::Open | Phase::Draining);
                rule(won == runs, "E3", "not exactly one stop was told so")?;
                if won {
                    self.phase = Phase::Stopped;
                    self.disturb(Flaw::SleepsThroughStops);
                }
            }
            Action::Asleep => {
                let idle = self.queue.is_empty() && !self.is_closed() && !self.asleep;
                rule(idle, "T9", "the loop sleeps though it has something to do")?;
                self.asleep = true;
            }
            Action::Wake => {
                let why = "the loop was woken for nothing";
                rule(self.to_wake, "T9", why)?;
                self.asleep = false;
                self.to_wake = false;
            }
            Action::Enter => {
                rule(!self.entered, "W6", "a run or a step was nested in another")?;
                self.entered = true;
            }
            Action::Exit => {
                let idle = self.entered && self.running.is_none();
                rule(idle, "W6", "the loop was left inside of a call")?;
                self.entered = false;
            }
            Action::Busy => {
                let why = "a run or a step was refused though none was under way";
                rule(self.entered, "W6", why)?;
            }
            Action::Start(call) => {
                self.runs_calls()?;
                rule(!self.asleep, "T9", "a call started in a loop that sleeps")?;
                let runs = matches!(self.phase, Phase::Open | Phase::Draining)
                    || (self.phase == Phase::Stopped && self.has(Flaw::RunsAfterTheStop));
                rule(runs, "E3", "a call started after the stop")?;
                let known = self.queue.contains(&call);
                rule(known, "W1", "a call started that does not wait")?;
                let oldest = self.queue.front() == Some(&call);
                rule(oldest, "E1", "a call started that is not the oldest")?;
                self.queue.pop_front();
                self.running = Some(call);
            }
            Action::Stop(call) => {
                let runs = self.running == Some(call);
                rule(runs, "W6", "a call stopped that does not run")?;
                self.running = None;
                self.over.insert(call);
            }
            Action::Nothing => {
                self.runs_calls()?;
                let idle = self.queue.is_empty() && !self.is_closed();
                rule(
                    idle,
                    "E1",
                    "a step ran no call though there was one, or an end",
                )?;
            }
            Action::Over => {
                self.runs_calls()?;
                let over = match self.phase {
                    Phase::Open => false,
                    Phase::Draining => self.queue.is_empty(),
                    Phase::Stopped | Phase::Ended => true,
                };
                rule(over, "E3", "the loop was over though calls were to be run")?;
            }
            Action::End => {
                let first = self.phase != Phase::Ended;
                rule(first, "E3", "the loop ended twice")?;
                self.phase = Phase::Ended;
                self.asleep = false;
                self.left = std::mem::take(&mut self.queue);
                if self.has(Flaw::ForgetsWhatIsLeft) {
                    self.left.clear();
                }
            }
            Action::Drop(call) if self.phase == Phase::Stopped => {
                let known = self.queue.contains(&call);
                rule(known, "E3", "a call was dropped that does not wait")?;
                self.queue.retain(|it| *it != call);
                self.over.insert(call);
            }
            Action::GiveBack(call) | Action::Drop(call) => self.leaves(call)?,
            Action::Defer(result) => {
                let new = self.deferred.insert(result);
                rule(new, "E4", "a result was deferred twice")?;
            }
            Action::Deliver(result) => {
                let due = self.deferred.contains(&result);
                rule(due, "E4", "a callback was called for no deferred result")?;
                let once = self.delivered.insert(result);
                let once = once || self.has(Flaw::DeliversTwice);
                rule(once, "E4", "a callback was called twice")?;
                let here = self.running.is_some() || self.phase == Phase::Ended;
                rule(here, "E4", "a callback was called outside of the loop")?;
            }
            Action::UsePool { starts } => {
                Self::starts(&mut self.pool_used, self.begun, starts)?;
            }
            Action::Begin { starts } => {
                Self::starts(&mut self.begun, self.pool_used, starts)?;
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Violation> {
        rule(!self.to_wake, "T9", "the loop was not woken")?;
        let ended = self.phase == Phase::Ended && self.left.is_empty();
        let ended = ended && self.running.is_none() && self.queue.is_empty();
        rule(
            ended,
            "E3",
            "an accepted call had no end, or the loop had none",
        )?;
        let all = self.deferred == self.delivered;
        rule(all, "E4", "a callback was never called")
    }
}
