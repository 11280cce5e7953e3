//! How the threads of a crew come to be.
//!
//! # State
//! One thread is started at a time ([`Action::Create`](super::super::ledger::Action::Create)); it is
//! `unborn` until its start policy has returned. Its body may be run, or dropped, before that or after.
//!
//! | the policy said | the body, until then | then |
//! |---|---|---|
//! | a thread | nothing yet | the thread is counted; it looks once it begins |
//! | a thread | had begun, and waits | it is counted, and called |
//! | a thread | was dropped | it is counted, and gone |
//! | an error | was dropped | nothing |
//! | an error | had begun, or lives on | nothing; it is `refused`, and does no work |
//!
//! # Invariants
//! - T1: a thread is counted when its policy has returned, before it looks.
//! - T8: a failure is told, and a body that is dropped later is a worker gone, which is tried for again.
//! - W9: the limit and the policy are called without the lock.

use super::{Afterwards, Crew, Given, Guard, Limit, Report, State, panicked};
use crate::contain::{contain, quietly};
use crate::primitives::Arc;
use crate::probe::{Object, Subject, What};
use crate::start::{Body, Shift};
use crate::team::handlers::{CreationError, CreationFailed};
use crate::team::ledger::{Event, Made};
use crate::token::Token;
use crate::turn;

/// Which thread it is.
#[derive(Clone, Copy)]
pub(super) struct Birth {
    pub(super) number: usize,
    pub(super) object: Object,
}

/// A thread that is being started, and not counted before the start policy has returned.
pub(super) struct Unborn {
    birth: Birth,
    /// Its body was dropped.
    dead: bool,
    /// It has begun, and waits to be counted.
    waiting: Option<Arc<Token>>,
}

impl Crew {
    /// Starts a thread if the limit allows it, without the lock.
    pub(super) fn create<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        limit: Option<Result<usize, CreationError>>,
        afterwards: &mut Afterwards,
    ) -> Guard<'a> {
        let now = state.ledger.statistics();
        self.object.tell(|| What::FactoryAsked(now.workers()));
        state.births += 1;
        let birth = Birth {
            number: state.births,
            object: Object::new(),
        };
        state.unborn = Some(Unborn {
            birth,
            dead: false,
            waiting: None,
        });
        let given = state.given.clone();
        drop(state);
        afterwards.call();
        let limit = limit.unwrap_or_else(|| match &self.limit {
            Limit::Asked(limit) => turn::theirs(|| contain(limit)).map_err(panicked),
            Limit::Kept => Ok(0),
        });
        let mut bodies = 0;
        let started = match (limit, &given) {
            (Ok(limit), Some(given)) if now.workers() < limit => {
                bodies = 1;
                self.start(given, birth)
            }
            (limit, _) => limit.map(|_| false),
        };
        turn::theirs(|| quietly(|| drop(given)));
        let mut state = self.state.lock();
        let unborn = state.unborn.take();
        let dead = unborn.as_ref().is_some_and(|unborn| unborn.dead);
        match started {
            Ok(true) => {
                let number = birth.object.number();
                self.object.tell(|| What::WorkerMade(number));
                state.ledger.made(Made::Worker);
                if dead {
                    self.gone(&mut state, birth);
                }
            }
            Ok(false) => {
                self.object.tell(|| What::AtLimit);
                state.ledger.made(Made::AtLimit);
            }
            Err(error) => {
                self.object.tell(|| What::CreationFailed);
                state.ledger.made(Made::Failed);
                let failed = CreationFailed::new(error, &now);
                afterwards.reports.push(Report::Failed(failed));
                if bodies == 1 && !dead {
                    state.refused.push(birth.number);
                }
            }
        }
        if let Some(token) = unborn.and_then(|unborn| unborn.waiting) {
            afterwards.add(token);
        }
        state
    }

    /// Whether there is a thread; if not, none may be made now.
    fn start(self: &Arc<Self>, given: &Given, birth: Birth) -> Result<bool, CreationError> {
        let body = Body::new(Member {
            crew: Arc::clone(self),
            birth,
            working: false,
        });
        match turn::theirs(|| contain(|| (given.start)(body))) {
            // It is joined by nobody.
            Ok(Ok(thread)) => Ok(thread.is_some()),
            Ok(Err(error)) => Err(error.into()),
            Err(payload) => Err(panicked(payload)),
        }
    }

    fn gone(&self, state: &mut State, birth: Birth) {
        let gone = Subject::Gone(birth.object.number());
        self.object.tell(|| What::Taken(gone));
        state.ledger.apply(Event::Gone);
    }

    /// A body was dropped that never worked.
    fn dropped(self: &Arc<Self>, birth: Birth) {
        let mut state = self.state.lock();
        if let Some(unborn) = state.unborn(birth) {
            unborn.dead = true;
        } else if !state.refuses(birth) {
            self.gone(&mut state, birth);
            self.settle(state, None);
        }
    }

    /// Waits until the thread is counted, and then has the lock; `None` if it is not, and shall not work.
    pub(super) fn born<'a>(&'a self, birth: Birth, token: &Arc<Token>) -> Option<Guard<'a>> {
        let mut state = self.state.lock();
        if let Some(unborn) = state.unborn(birth) {
            unborn.waiting = Some(Arc::clone(token));
            drop(state);
            token.wait();
            state = self.state.lock();
        }
        (!state.refuses(birth)).then_some(state)
    }
}

impl State {
    /// The thread, if it is the one that is being started.
    fn unborn(&mut self, birth: Birth) -> Option<&mut Unborn> {
        let unborn = self.unborn.as_mut();
        unborn.filter(|unborn| unborn.birth.number == birth.number)
    }

    /// Whether its start had failed. Asked once.
    fn refuses(&mut self, birth: Birth) -> bool {
        let at = self.refused.iter().position(|it| *it == birth.number);
        at.map(|at| self.refused.swap_remove(at)).is_some()
    }
}

/// What a start policy is given to run.
struct Member {
    crew: Arc<Crew>,
    birth: Birth,
    working: bool,
}

impl Shift for Member {
    fn work(mut self: Box<Self>) {
        self.working = true;
        self.crew.work(self.birth);
        // With it may go the limit, which is a user's.
        turn::theirs(|| quietly(|| drop(self)));
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.working {
            self.crew.dropped(self.birth);
        }
    }
}
