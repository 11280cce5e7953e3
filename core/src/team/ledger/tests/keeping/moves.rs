//! What may happen to a crew that keeps sizes, and when.

use std::thread;

use super::account::Account;
use super::*;

/// What a user, a worker that blocks, or who starts threads asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Start,
    Resize(u8, u8),
    Grow,
    Shrink(Option<usize>),
    Raised,
    Enter,
    Exit,
    Quit,
    Abort,
}

impl Ask {
    pub(super) fn event(self) -> Event<u8> {
        match self {
            Self::Start => Event::Start,
            Self::Resize(least, most) => Event::Resize(least.into(), most.into()),
            Self::Grow => Event::Grow(1),
            Self::Shrink(n) => Event::Shrink(n),
            Self::Raised => Event::Raised,
            Self::Enter => Event::Enter,
            Self::Exit => Event::Exit,
            Self::Quit => Event::Quit,
            Self::Abort => Event::Abort,
        }
    }
}

/// What one transition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Task,
    /// A caller finds no room, and waits for it.
    Queue,
    /// One that was called for the room that there is.
    Back,
    AwaitIdle,
    Ask(Ask),
    /// Of the task at this place of the line.
    Cancel(usize),
    InPlace(usize),
    EndedInPlace,
    Ended,
    Look,
    /// Who rests at this place has done so for long.
    Expire(usize),
    Gone,
    Made(Answer),
}

impl Move {
    /// Whether it is a step that asks again for what was not had.
    pub(super) fn retries(self, closed: bool) -> bool {
        match self {
            Self::Queue | Self::AwaitIdle | Self::Look | Self::Expire(_) => false,
            Self::Gone | Self::Made(_) => false,
            Self::Back => !closed,
            _ => true,
        }
    }

    /// Whether it comes by itself.
    pub(super) fn owed(self) -> bool {
        matches!(
            self,
            Self::Back
                | Self::Ask(Ask::Exit)
                | Self::EndedInPlace
                | Self::Ended
                | Self::Look
                | Self::Made(_)
        )
    }
}

/// Says which transition it was that was found wrong.
struct TellsOf(Move);

impl Drop for TellsOf {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("by {:?}", self.0);
        }
    }
}

/// A worker is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asking {
    /// The limit was reached; who asked says so later.
    pub(super) full: bool,
    /// Who makes it will tell that so many were told to leave.
    pub(super) carried: usize,
}

/// A ledger, and the account between two transitions: all that the ledger has to know or to keep, but for
/// the line, those that rest and the debt, which are taken from it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) ledger: Numbered,
    pub(super) awake: usize,
    /// At work, and not inside `blocking`; inside.
    pub(super) at_work: usize,
    pub(super) blocking: usize,
    pub(super) leaving: usize,
    /// How many of these have yet to look.
    pub(super) dismissed: usize,
    pub(super) in_place: usize,
    pub(super) making: Option<Asking>,
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) begun: bool,
    pub(super) closed: bool,
    pub(super) finished: bool,
    pub(super) queueing: usize,
    pub(super) admitted: usize,
    pub(super) idlers: usize,
    /// The last creation failed, and no step has tried again.
    pub(super) retry: bool,
    /// No task has ended since a worker was made.
    pub(super) unproven: bool,
    /// Who starts threads said that none may be made, and has not raised.
    pub(super) paused: bool,
    /// A user asked for fewer workers, or one could not be made, and nothing that asks for all that may
    /// be has come since: so more may wait than those that there are can do.
    pub(super) fewer: bool,
}

impl State {
    pub(super) fn new(bounds: &Bounds) -> Self {
        let [least, most, cap] = bounds.sizes;
        Self {
            ledger: Ledger::of(Sizes::new(least, most, cap), bounds.bound),
            awake: 0,
            at_work: 0,
            blocking: 0,
            leaving: 0,
            dismissed: 0,
            in_place: 0,
            making: None,
            least,
            most,
            begun: false,
            closed: false,
            finished: false,
            queueing: 0,
            admitted: 0,
            idlers: 0,
            retry: false,
            unproven: false,
            paused: false,
            fewer: false,
        }
    }

    /// Nothing is under way: the state changes only if somebody asks for something.
    pub(super) fn quiet(&self) -> bool {
        let workers = self.awake + self.at_work + self.blocking + self.leaving;
        workers + self.in_place + self.admitted == 0 && self.making.is_none()
    }

    /// All that can happen now, and what comes of it.
    pub(super) fn moves(&self, bounds: &Bounds) -> Vec<(Move, Self)> {
        let mut all = Vec::new();
        let mut go = |what: Move| {
            let _told = TellsOf(what);
            let mut account = Account::of(self, bounds);
            account.take(what);
            all.push((what, account.close()));
        };
        let tasks = self.ledger.backlog.len() + self.at_work + self.blocking + self.in_place;
        let callers = self.queueing + self.admitted;
        if !self.closed && tasks + callers < bounds.tasks {
            // By who does not ask for room, or who does and finds it.
            if bounds.callers == 0 || self.ledger.has_room() {
                go(Move::Task);
            } else if callers < bounds.callers {
                go(Move::Queue);
            }
        }
        if self.admitted > 0 {
            go(Move::Back);
        }
        if bounds.idlers && self.idlers == 0 {
            go(Move::AwaitIdle);
        }
        for &ask in bounds.asks {
            let may = match ask {
                Ask::Enter => self.at_work > 0,
                Ask::Exit => self.blocking > 0,
                Ask::Abort => !self.finished,
                Ask::Grow => !self.closed && self.ledger.growing < 2,
                _ => !self.closed,
            };
            if may {
                go(Move::Ask(ask));
            }
        }
        if bounds.withdraws {
            let places = self.ledger.backlog.iter().enumerate();
            for (place, _) in places.filter(|(_, task)| *task & VOID == 0) {
                go(Move::Cancel(place));
                go(Move::InPlace(place));
            }
        }
        if self.in_place > 0 {
            go(Move::EndedInPlace);
        }
        if self.at_work > 0 {
            go(Move::Ended);
        }
        if self.awake > 0 {
            go(Move::Look);
            if bounds.dies {
                go(Move::Gone);
            }
        }
        if bounds.expires {
            (0..self.ledger.resting.len()).for_each(|place| go(Move::Expire(place)));
        }
        if let Some(asking) = self.making {
            if !asking.full {
                go(Move::Made(Answer::Worker));
            }
            if asking.full || bounds.pauses {
                go(Move::Made(Answer::AtLimit));
            }
            if bounds.fails && !asking.full {
                go(Move::Made(Answer::Failed));
            }
        }
        all
    }

    /// What is refused after the quit changes nothing.
    pub(super) fn check_refusals(&self, bounds: &Bounds) {
        if !self.closed {
            return;
        }
        let mut same = self.ledger.clone();
        let mut accepted = same.accept(&Event::Arrived(NEW));
        for &ask in bounds.asks {
            let refused = match ask {
                // Those inside a task ask at any time.
                Ask::Enter | Ask::Exit => false,
                Ask::Abort => self.finished,
                _ => true,
            };
            accepted |= refused && same.accept(&ask.event());
        }
        assert!(!accepted, "W4 something was accepted after the quit");
        assert!(same == self.ledger, "W4 a refusal changed something");
    }

    pub(super) fn check_quiet(&self) {
        if !self.quiet() {
            return;
        }
        assert_eq!(self.finished, self.closed, "T6 quit, quiet, and not ended");
        let live = self.ledger.resting.len();
        let excused = self.retry || self.paused;
        let waits = self.ledger.waiting() > 0;
        let none_to_be_had = live == 0 && (excused || !self.begun);
        assert!(
            !waits || none_to_be_had,
            "T9 work waits, and a worker could be had"
        );
        assert!(
            waits || self.queueing + self.idlers == 0,
            "T9 a caller waits for ever"
        );
        if self.begun && !self.closed {
            let enough = live >= self.least || excused;
            assert!(enough, "P1 quiet, with less than the least");
            assert!(live <= self.most, "P1 quiet, with more than the most");
        }
    }
}
