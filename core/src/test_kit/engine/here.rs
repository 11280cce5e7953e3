//! Where the watch is under an engine: with the one thread of the system that runs the executions.

use std::cell::RefCell;

use super::Watch;

std::thread_local! {
    static WATCH: RefCell<Option<Watch>> = const { RefCell::new(None) };
}

/// Explorations on different threads do not disturb each other: there are no turns.
pub(super) struct Turn;

pub(super) fn turn() -> Turn {
    Turn
}

pub(super) fn put(next: Option<Watch>) -> Option<Watch> {
    WATCH.replace(next)
}

pub(super) fn with<R>(f: impl FnOnce(&mut Watch) -> R) -> Option<R> {
    WATCH.with_borrow_mut(|watch| watch.as_mut().map(f))
}

pub(super) fn is_watched() -> bool {
    WATCH.with_borrow(Option::is_some)
}
