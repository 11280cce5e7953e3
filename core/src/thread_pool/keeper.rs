//! The keeper: a pool's one thread of its own, where something depends on time.
//!
//! There is one only if threads are made at a limited rate, or a stall is to be reported.
//!
//! # State
//! `state`, under a mutex that is held for a few moves. `began` and `made`: how many threads were made in the
//! period that began then. `wanted`: one was refused, and the pool is to be told when the next period begins.
//! `ending`: the pool was quit, and what waits is not to be given up for want of a thread.
//!
//! # Invariants
//! P4: its thread counts as the pool's, so a hook called on it is not to wait for the pool.

use std::io;
use std::time::{Duration, Instant};

use super::place;
use super::stall::Stall;
use crate::primitives::{Arc, Condvar, Deadline, Mutex, Weak, thread};
use crate::team::{Crew, Request};

/// How many threads may be made in each period.
#[derive(Clone, Copy)]
pub(super) struct Rate {
    threads: usize,
    per: Duration,
}

impl Rate {
    pub(super) fn new(threads: usize, per: Duration) -> Self {
        Self { threads, per }
    }
}

pub(super) struct Keeper {
    rate: Option<Rate>,
    stall: Option<Arc<Stall>>,
    state: Mutex<State>,
    changed: Condvar,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
}

struct State {
    began: Instant,
    made: usize,
    wanted: bool,
    ending: bool,
    ended: bool,
}

impl Keeper {
    /// `None` if there is nothing to keep.
    pub(super) fn new(rate: Option<Rate>, stall: Option<Arc<Stall>>) -> Option<Self> {
        let needed = rate.is_some() || stall.is_some();
        needed.then(|| Self {
            rate,
            stall,
            state: Mutex::new(State {
                began: Instant::now(),
                made: 0,
                wanted: false,
                ending: false,
                ended: false,
            }),
            changed: Condvar::new(),
            thread: Mutex::new(None),
        })
    }

    /// Starts its thread.
    pub(super) fn start(self: &Arc<Self>, name: &str, crew: &Arc<Crew>) -> io::Result<()> {
        let (keeper, crew) = (Arc::clone(self), Arc::downgrade(crew));
        let thread = thread::spawn(name, move || keeper.keep(&crew))?;
        *self.thread.lock() = Some(thread);
        Ok(())
    }

    /// Whether a thread may be made now. If not, the pool is told when one may be.
    pub(super) fn may_start(&self) -> bool {
        let Some(rate) = self.rate else {
            return true;
        };
        let mut state = self.state.lock();
        state.renew(rate);
        if state.made < rate.threads || state.ending {
            state.made = state.made.saturating_add(1);
            return true;
        }
        state.wanted = true;
        drop(state);
        self.changed.notify_all();
        false
    }

    /// The pool is about to be quit: from now on, threads may be made at once.
    pub(super) fn hurry(&self) {
        self.state.lock().ending = true;
    }

    /// There is nothing left to keep.
    pub(super) fn end(&self) {
        self.state.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits until its thread has ended, which is soon after [`Keeper::end`].
    pub(super) fn join(&self) {
        let mut thread = self.thread.lock();
        if let Some(thread) = thread.take() {
            // It does not panic.
            let _ = thread.join();
        }
    }

    fn keep(&self, crew: &Weak<Crew>) {
        let mut looked = Instant::now();
        loop {
            let (wanted, look) = {
                let mut state = self.state.lock();
                if state.ended {
                    return;
                }
                let patience = self.patience(&state, looked);
                if !patience.is_zero() {
                    let deadline = Deadline::after(patience);
                    (state, _) = self.changed.wait_by(state, &deadline);
                }
                if state.ended {
                    return;
                }
                if let Some(rate) = self.rate {
                    state.renew(rate);
                }
                let may = self.rate.is_none_or(|rate| state.made < rate.threads);
                let wanted = may && std::mem::take(&mut state.wanted);
                let stall = self.stall.as_ref();
                let look = stall.filter(|stall| looked.elapsed() >= stall.after());
                (wanted, look)
            };
            let Some(crew) = crew.upgrade() else { return };
            if wanted {
                // It may have been quit meanwhile.
                let _ = crew.ask(Request::Raised);
            }
            if let Some(stall) = look {
                place::at(&crew, || stall.look(&crew));
                looked = Instant::now();
            }
        }
    }

    /// How long there is nothing to do.
    fn patience(&self, state: &State, looked: Instant) -> Duration {
        let stall = self.stall.as_ref();
        let look = stall.map(|stall| stall.after().saturating_sub(looked.elapsed()));
        let rate = self.rate.filter(|_| state.wanted);
        let renewal = rate.map(|rate| rate.per.saturating_sub(state.began.elapsed()));
        look.into_iter()
            .chain(renewal)
            .min()
            .unwrap_or(Duration::MAX)
    }
}

impl State {
    fn renew(&mut self, rate: Rate) {
        if self.began.elapsed() >= rate.per {
            self.began = Instant::now();
            self.made = 0;
        }
    }
}
