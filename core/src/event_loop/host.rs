//! Loops that people already have: the trait by which ours is run on one of them.
//!
//! # State
//! `HOSTED`: the loops that are hosted on this thread; touched by it alone. A turn is sent to the thread with
//! the loop's inbox, and finds the loop by that.
//!
//! # Invariants
//! - T9: while an inbox is not asleep, a turn is under way, or a thread is about to ask for one; or the host is
//!   lost, and the loop stopped. E3: a turn that its host does not run on the loop's thread says so.

use std::cell::RefCell;
use std::rc::Weak;

use super::inbox::{Inbox, Next};
use super::on_loop::{Inside, OnLoop};
use crate::primitives::{Arc, thread_local};
use crate::task::Task;
use crate::worker::Refused;

/// A loop that can be asked, from any thread, to run something on its own.
///
/// With an implementation of this one method an [`EventLoop`](crate::EventLoop) is
/// [hosted](crate::EventLoopBuilder::build_on) by a loop that a program already has, and all of its calls work
/// there. `LoopHandle` implements it, too.
///
/// # Laws
/// A task that is accepted is run on the loop's thread, once, and not inside of the call; or it is dropped, when
/// the loop ends, which stops the loop that it hosts. The tasks need not be run in order.
///
/// ```
/// use brigade::{Refused, RunOnLoop, Task};
///
/// /// tokio's current-thread runtime, or any executor that can be handed a future.
/// struct Spawns<S>(S);
///
/// impl<S: Fn(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) + Send + Sync + 'static> RunOnLoop for Spawns<S> {
///     fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
///         (self.0)(Box::pin(async move { task.run() }));
///         Ok(())
///     }
/// }
/// ```
pub trait RunOnLoop: Send + Sync + 'static {
    /// Has `task` run on the loop's thread, soon. Never waits for it.
    ///
    /// # Errors
    /// [`Refused`], with the task, if the loop has ended.
    fn run_on_loop(&self, task: Task) -> Result<(), Refused>;
}

thread_local! {
    static HOSTED: RefCell<Vec<Weak<Inside>>> = none();
}

/// A thread-local of loom's has no constant form.
fn none() -> RefCell<Vec<Weak<Inside>>> {
    RefCell::new(Vec::new())
}

/// From now on, turns find this loop.
pub(super) fn host(inside: Weak<Inside>) {
    HOSTED.with(|hosted| hosted.borrow_mut().push(inside));
}

/// Forgets the loops that are no more.
pub(super) fn forget() {
    // An `Err` says that this thread ends, and has forgotten all.
    let _ = HOSTED.try_with(|hosted| {
        hosted
            .borrow_mut()
            .retain(|inside| inside.strong_count() > 0);
    });
}

/// A turn that a host was asked for. If it drops it, or runs it elsewhere, no other will come.
struct Asked(Option<Arc<Inbox>>);

impl Asked {
    fn run(mut self) {
        let Some(inbox) = self.0.take() else { return };
        match find(&inbox) {
            Some(on) => on.turn(),
            None if inbox.is_on_its_thread() => {}
            None => inbox.lose_host(),
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(inbox) = self.0.take() {
            inbox.lose_host();
        }
    }
}

/// One turn of the loop with this inbox, for its host to run.
pub(super) fn turn(inbox: &Arc<Inbox>) -> Task {
    let asked = Asked(Some(Arc::clone(inbox)));
    Task::new(move || asked.run())
}

fn find(inbox: &Arc<Inbox>) -> Option<OnLoop> {
    let found = HOSTED.try_with(|hosted| {
        let hosted = hosted.borrow();
        let mut loops = hosted.iter().filter_map(Weak::upgrade);
        loops.find(|inside| inside.is_of(inbox))
    });
    found.ok().flatten().map(OnLoop::of)
}

impl OnLoop {
    /// Runs the calls that wait, but not those that come meanwhile: the host has other things to do.
    fn turn(&self) {
        // Inside of a call of the same loop, whoever runs that looks again.
        let Some(_entered) = self.enter() else {
            return;
        };
        let inbox = self.inbox();
        // At least once, to find that it is over.
        for _ in 0..inbox.len().max(1) {
            match inbox.next() {
                Next::Call(call) => self.run(call),
                Next::Nothing => break,
                Next::Over => {
                    self.finish();
                    // Nobody waits for the pool on a thread that is a host's. An `Err`: quit before.
                    let _ = inbox.pool.unused().quit();
                    break;
                }
            }
        }
    }
}
