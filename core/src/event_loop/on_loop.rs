//! The loop's own side: what only its thread touches, and the proof of being on that thread.
//!
//! # State
//! One [`Inside`] a loop, touched by the loop's thread alone, as the types enforce: it is behind an [`Rc`].
//!
//! | field | |
//! |---|---|
//! | `entered` | a call is being run, or about to be |
//! | `values` | what is confined to the loop, by number (see [`super::confined`]) |
//! | `futures` | what it drives, by number (see [`super::futures`]) |
//! | `root_woken` | the future that `run_until` waits for wants to be polled |
//! | `pending` | what waited when it ended, until its owner asks for it |
//! | `over` | it has ended |
//!
//! `CURRENT`: the loop whose call this thread runs, the innermost if there are several.
//!
//! # Invariants
//! - W6: `entered` is set around each call, so none is nested in another of the same loop.
//! - W8: a panic in a call ends here. W9: no borrow of a cell is held while a user's code runs.
//! - E3, E4: what ends the loop drops every future and every call that somebody waits for.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use super::call::Call;
use super::futures::Driven;
use super::handle::LoopHandle;
use super::inbox::{Inbox, drain};
use crate::contain::reporting;
use crate::primitives::{Arc, thread_local};
use crate::probe::What;
use crate::task::{Job, Task};
use crate::turn::turn;

/// The proof that the code that has it runs on a loop's thread, and what can be done with the loop there.
///
/// Closures that the loop runs are given one. It cannot leave the thread:
///
/// ```compile_fail
/// # let event_loop = brigade::EventLoop::new();
/// let on = event_loop.here().clone();
/// std::thread::spawn(move || on.handle().stop()); // `OnLoop` cannot be sent between threads safely
/// ```
#[derive(Clone)]
pub struct OnLoop(pub(super) Rc<Inside>);

pub(super) struct Inside {
    handle: LoopHandle,
    entered: Cell<bool>,
    pub(super) values: RefCell<BTreeMap<usize, Rc<dyn Any>>>,
    pub(super) futures: RefCell<BTreeMap<usize, Driven>>,
    numbers: Cell<usize>,
    pub(super) root_woken: Cell<bool>,
    pending: RefCell<Vec<Call>>,
    over: Cell<bool>,
}

impl Inside {
    pub(super) fn is_of(&self, inbox: &Arc<Inbox>) -> bool {
        Arc::ptr_eq(&self.handle.0, inbox)
    }
}

thread_local! {
    static CURRENT: Current = nowhere();
}

/// Has no destructor, so that a loop which is stepped while its thread's locals are destroyed still finds it. It
/// holds something only while a call is run.
type Current = ManuallyDrop<RefCell<Option<OnLoop>>>;

/// A thread-local of loom's has no constant form.
fn nowhere() -> Current {
    ManuallyDrop::default()
}

/// Until it is dropped, the thread runs calls of a loop.
pub(super) struct AsOf {
    before: Option<OnLoop>,
}

impl Drop for AsOf {
    fn drop(&mut self) {
        // An `Err` says that this thread ends.
        drop(CURRENT.try_with(|current| current.replace(self.before.take())));
    }
}

/// Until it is dropped, no other call of this loop can be run.
pub(super) struct Entered<'a> {
    on: &'a OnLoop,
    _as_of: AsOf,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.on.0.entered.set(false);
        let inbox = self.on.inbox();
        inbox.object.tell(|| What::Exited);
        inbox.rest();
    }
}

impl OnLoop {
    pub(super) fn new(handle: LoopHandle) -> Self {
        Self(Rc::new(Inside {
            handle,
            entered: Cell::default(),
            values: RefCell::default(),
            futures: RefCell::default(),
            numbers: Cell::default(),
            root_woken: Cell::default(),
            pending: RefCell::default(),
            over: Cell::default(),
        }))
    }

    pub(super) fn of(inside: Rc<Inside>) -> Self {
        Self(inside)
    }

    /// The loop whose call this thread runs.
    pub(super) fn current() -> Option<Self> {
        CURRENT
            .try_with(|current| current.borrow().clone())
            .ok()
            .flatten()
    }

    /// A handle of this loop, for any thread.
    #[must_use]
    pub fn handle(&self) -> &LoopHandle {
        &self.0.handle
    }

    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.0.handle.0
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.over.get()
    }

    /// A number that nothing else on this loop has, and not 0.
    pub(super) fn number(&self) -> usize {
        self.0.numbers.set(self.0.numbers.get() + 1);
        self.0.numbers.get()
    }

    pub(super) fn as_current(&self) -> AsOf {
        AsOf {
            before: CURRENT
                .try_with(|current| current.replace(Some(self.clone())))
                .ok()
                .flatten(),
        }
    }

    /// Begins to run calls; `None` inside of one.
    pub(super) fn enter(&self) -> Option<Entered<'_>> {
        if self.0.entered.replace(true) {
            self.inbox().object.tell(|| What::Busy);
            return None;
        }
        self.inbox().object.tell(|| What::Entered);
        Some(Entered {
            on: self,
            _as_of: self.as_current(),
        })
    }

    /// Runs a call, having entered.
    pub(super) fn run(&self, call: Job) {
        let inbox = self.inbox();
        let task = call.identity().number();
        turn(|| {
            let mut announcement = None;
            let panicked = reporting(&inbox.on_panic, || announcement = call.run());
            inbox.object.tell(|| What::Stopped { task, panicked });
            if let Some(announcement) = announcement {
                announcement.announce();
            }
        });
    }

    /// Ends the loop: refuses calls, tells everybody who waits, and keeps the other calls for its owner.
    pub(super) fn finish(&self) {
        if self.0.over.replace(true) {
            return;
        }
        let inbox = self.inbox();
        for call in drain(inbox.end()) {
            let number = call.identity().number();
            if call.stays() {
                inbox.object.tell(|| What::Dropped(number));
                reporting(&inbox.on_panic, || drop(call));
            } else {
                inbox.object.tell(|| What::GivenBack(number));
                let call = Call::of(Task::from(call));
                self.0.pending.borrow_mut().push(call);
            }
        }
        loop {
            let driven = self.0.futures.borrow_mut().pop_first();
            let Some((_, driven)) = driven else { break };
            reporting(&inbox.on_panic, || drop(driven));
        }
    }

    /// Drops what waited when the loop ended.
    pub(super) fn drop_pending(&self) {
        for call in self.take_pending() {
            reporting(&self.inbox().on_panic, || drop(call));
        }
    }

    /// What waited when the loop ended.
    pub(super) fn take_pending(&self) -> Vec<Call> {
        self.0.pending.take()
    }

    /// Drops all that is confined to the loop.
    pub(super) fn drop_values(&self) {
        loop {
            let value = self.0.values.borrow_mut().pop_first();
            let Some((_, value)) = value else { break };
            reporting(&self.inbox().on_panic, || drop(value));
        }
    }
}

impl fmt::Debug for OnLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnLoop").finish_non_exhaustive()
    }
}
