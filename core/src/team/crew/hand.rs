//! What a thread of a crew does, from when it is counted until it leaves.
//!
//! # State
//! The table at the top of the crew: looks, runs, lingers, rests. `slot` holds the task that the thread
//! runs, if it runs one. Only the thread itself has its [`Hand`].
//!
//! # Invariants
//! W8, T9, T10: a task's panic is caught, and told; its captures are gone before its end is.

use super::birth::Birth;
use super::{Crew, Guard, Resting};
use crate::contain::{Payload, quietly};
use crate::primitives::Arc;
use crate::probe::{Subject, What};
use crate::task::{Announcement, Job, Slot};
use crate::team::ledger::{Event, Look, Rest};
use crate::token::Token;
use crate::turn;

struct Hand<'a> {
    crew: &'a Arc<Crew>,
    birth: Birth,
    token: Arc<Token>,
    slot: Slot,
    /// How often in a row it lingered for nothing.
    missed: usize,
}

/// What a thread does next.
enum Next {
    /// Run the task in its slot.
    Run,
    /// Linger: it found nothing, when there had been so many changes.
    Linger(usize),
    Leave,
}

impl Crew {
    /// The life of a thread that has begun.
    pub(super) fn work(self: &Arc<Self>, birth: Birth) {
        let token = Arc::new(Token::new());
        let Some(state) = self.born(birth, &token) else {
            return;
        };
        let slot = Slot::empty();
        let mut hand = Hand {
            crew: self,
            birth,
            token,
            slot,
            missed: 0,
        };
        let mut next = hand.look(state);
        loop {
            next = match next {
                Next::Run => hand.run(),
                Next::Linger(seen) => {
                    hand.linger(seen);
                    hand.rest()
                }
                Next::Leave => return,
            };
        }
    }
}

impl<'a> Hand<'a> {
    /// Looks for a task.
    fn look(&mut self, mut state: Guard<'a>) -> Next {
        self.tell(What::Looked);
        let look = state.ledger.look();
        self.found(state, look)
    }

    /// Looks out for a change, so that whoever makes it need not call this thread: as long as that pays,
    /// and now and then to see whether it would. Else it sleeps at once, for a thread that has yielded is
    /// slower to be woken.
    fn linger(&mut self, seen: usize) {
        let pays = self.missed < 4 || self.missed.is_multiple_of(16);
        if pays && self.crew.changes.linger(seen) {
            self.missed = 0;
        } else {
            self.missed = self.missed.wrapping_add(1);
        }
    }

    /// Looks a last time, and rests until called.
    fn rest(&mut self) -> Next {
        let mut state = self.crew.state.lock();
        self.tell(What::Looked);
        match state.ledger.look() {
            Look::Nothing => {
                let number = self.birth.object.number();
                let token = Arc::clone(&self.token);
                state.ledger.rest(Resting { token, number });
                self.tell(What::Rested);
                self.crew.settle(state, None);
            }
            look => return self.found(state, look),
        }
        while !self.is_called() {
            let mut state = self.crew.state.lock();
            match state
                .ledger
                .expire(|it| Arc::ptr_eq(&it.token, &self.token))
            {
                // It is about to be.
                Rest::Called => self.token.wait(),
                Rest::Stays => continue,
                Rest::Leaves => {
                    self.tell(What::Expired);
                    return self.leave(state);
                }
            }
            break;
        }
        self.look(self.crew.state.lock())
    }

    /// Waits to be called, or for as long as a thread may rest.
    fn is_called(&self) -> bool {
        match self.crew.idle {
            Some(idle) => self.token.wait_timeout(idle),
            None => {
                self.token.wait();
                true
            }
        }
    }

    fn leave(&self, state: Guard<'a>) -> Next {
        self.tell(What::Retired);
        self.tell(What::WorkerQuit);
        self.crew.carry_out(state, None, 1, None);
        Next::Leave
    }

    fn found(&mut self, state: Guard<'a>, look: Look<Job>) -> Next {
        match look {
            Look::Task(job) => {
                let task = job.identity().number();
                self.tell(|number| What::Assigned(number, task));
                self.crew.settle(state, None);
                self.slot.put(job);
                Next::Run
            }
            Look::Nothing => {
                let seen = self.crew.changes.count();
                self.crew.settle(state, None);
                Next::Linger(seen)
            }
            Look::Leave => self.leave(state),
        }
    }

    /// Runs the task in the slot, and those after it, as long as there is one after the other.
    fn run(&mut self) -> Next {
        loop {
            let end = self.run_one();
            let mut state = self.crew.state.lock();
            self.tell(|number| What::Taken(Subject::End(number)));
            // The short way of a flood.
            if !state.ledger.end_shortly(&mut self.slot) {
                state.ledger.apply(Event::Ended);
                let look = state.ledger.look();
                let next = self.found(state, look);
                announce(end);
                return next;
            }
            let task = self.slot.identity().number();
            self.tell(|number| What::Assigned(number, task));
            self.crew.settled(&state);
            drop(state);
            announce(end);
        }
    }

    #[inline]
    fn run_one(&mut self) -> Option<Announcement> {
        let (object, task) = (self.crew.object, self.slot.identity().number());
        object.tell(|| What::Started(task));
        let end = self.slot.run();
        let panicked = end.is_err();
        object.tell(|| What::Stopped { task, panicked });
        end.unwrap_or_else(|payload| {
            self.crew.panicked(payload);
            None
        })
    }

    /// Tells the probe what is about this thread.
    #[inline]
    fn tell(&self, what: impl FnOnce(usize) -> What) {
        let number = self.birth.object.number();
        self.crew.object.tell(|| what(number));
    }
}

/// Lets whoever waits for the task have its outcome, now that its end has been counted.
#[inline]
fn announce(end: Option<Announcement>) {
    if let Some(end) = end {
        end.announce();
    }
}

impl Crew {
    #[cold]
    fn panicked(&self, payload: Payload) {
        self.object.tell(|| What::PanicReported);
        let given = self.state.lock().given.clone();
        // The crew cannot end before this thread, which has yet to say that its task has ended.
        if let Some(given) = given {
            given.handlers.panicked(payload);
            turn::theirs(|| quietly(|| drop(given)));
        }
    }
}
