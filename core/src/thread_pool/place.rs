//! Where a thread is: whether it is a pool's, and of which; and sections in which it blocks.
//!
//! # State
//! One [`Place`] a thread of a pool, from when it begins until it has left; touched by that thread alone. So
//! has any thread while it starts one for a pool, or tells its owner something.
//! `depth` is how many sections it is inside of; the outermost is the pool's to know of.
//!
//! # Invariants
//! P3: a thread that waits for another pool's task counts as blocked in its own. T1: each section that
//! began has ended once when it is over, by a panic too.

use std::cell::{Cell, RefCell};
use std::panic::resume_unwind;

use crate::contain::contain;
use crate::primitives::{Arc, Weak, thread_local};
use crate::team::{Crew, Request};

struct Place {
    crew: Arc<Crew>,
    depth: Cell<usize>,
}

thread_local! {
    static HERE: RefCell<Option<Place>> = nowhere();
}

/// A thread-local of loom's has no constant form.
fn nowhere() -> RefCell<Option<Place>> {
    RefCell::new(None)
}

fn with<R>(f: impl FnOnce(&Place) -> R) -> Option<R> {
    let here = HERE.try_with(|here| here.borrow().as_ref().map(f));
    here.ok().flatten()
}

/// Runs `f` as a thread of that crew. It does not panic.
pub(super) fn at<R>(crew: &Arc<Crew>, f: impl FnOnce() -> R) -> R {
    let place = Place {
        crew: Arc::clone(crew),
        depth: Cell::new(0),
    };
    let before = HERE.with(|here| here.replace(Some(place)));
    let result = f();
    drop(HERE.with(|here| here.replace(before)));
    result
}

/// Runs `f`, which that crew waits for, as a thread of it: whoever would wait there for the crew would wait
/// for itself.
pub(super) fn called_by<R>(crew: &Weak<Crew>, f: impl FnOnce() -> R) -> R {
    let Some(crew) = crew.upgrade() else {
        return f();
    };
    match at(&crew, || contain(f)) {
        Ok(result) => result,
        Err(payload) => resume_unwind(payload),
    }
}

/// Whether this thread is one of that crew's.
pub(super) fn is_at(crew: &Arc<Crew>) -> bool {
    with(|place| Arc::ptr_eq(&place.crew, crew)).unwrap_or(false)
}

/// Waits, as told, for something of that crew: if this is another pool's thread, that is told.
pub(super) fn waiting<R>(crew: &Arc<Crew>, wait: impl FnOnce() -> R) -> R {
    if is_at(crew) { wait() } else { blocking(wait) }
}

/// Runs `f`, which may block for long, on this thread; if it is one of a [`ThreadPool`](super::ThreadPool),
/// the pool may have another thread meanwhile, above its maximum.
///
/// This is the cure for tasks that wait for other tasks of the same pool in ways that the pool cannot see,
/// by a channel or a lock: each that waits might else hold a thread that those it waits for need. The pool
/// has at most as many such threads more as its [cap](super::Builder::blocking_cap) says; when `f` has
/// returned and there are too many, one leaves when its task has ended.
///
/// Outside of a pool's threads it just runs `f`; so it does inside another such section. To
/// [join](super::JoinHandle::join) needs no such section.
///
/// ```
/// use std::sync::mpsc;
/// use brigade::{ThreadPool, blocking};
///
/// # brigade::primitives::example(|| {
/// let pool = ThreadPool::builder().sizes(1, 1).build().unwrap();
/// pool.start().unwrap();
/// let (send, receive) = mpsc::channel();
/// let waits = pool.spawn(move || blocking(|| receive.recv())).unwrap();
/// pool.execute(move || send.send(7).unwrap()).unwrap(); // queued behind the one that waits for it
/// assert_eq!(waits.join().unwrap(), Ok(7));
/// # });
/// ```
pub fn blocking<R>(f: impl FnOnce() -> R) -> R {
    let _section = Section::enter();
    f()
}

struct Section(Option<Arc<Crew>>);

impl Section {
    fn enter() -> Self {
        let crew = with(|place| {
            let depth = place.depth.get();
            place.depth.set(depth + 1);
            (depth == 0).then(|| Arc::clone(&place.crew))
        });
        let crew = crew.flatten();
        if let Some(crew) = &crew {
            // Its own thread asks, so it has not ended.
            let _ = crew.ask(Request::Enter);
        }
        Self(crew)
    }
}

impl Drop for Section {
    fn drop(&mut self) {
        with(|place| place.depth.set(place.depth.get() - 1));
        if let Some(crew) = self.0.take() {
            let _ = crew.ask(Request::Exit);
        }
    }
}
