//! Real threads, as they come. Explorations take turns, because any thread may be of this one: a panic is
//! held to be of it if its thread explores or has made a note.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Body, EXPLORING, Watch, execute, going};
use crate::primitives::{ENGINE, thread};
use crate::test_kit::explorer::{Explored, Explorer};

static TURN: Mutex<()> = Mutex::new(());
static WATCH: Mutex<Option<Watch>> = Mutex::new(None);

fn watch() -> MutexGuard<'static, Option<Watch>> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn put(next: Option<Watch>) -> Option<Watch> {
    std::mem::replace(&mut watch(), next)
}

pub(super) fn with<R>(f: impl FnOnce(&mut Watch) -> R) -> Option<R> {
    watch().as_mut().map(f)
}

pub(super) fn is_watched() -> bool {
    let this = thread::current().id();
    let noted = |watch: &mut Watch| watch.record.as_ref().is_some_and(|it| it.knows(&this));
    EXPLORING.get() || with(noted) == Some(true)
}

pub(super) fn explore(settings: &Explorer, body: &Body) -> Explored {
    going("real threads".to_owned());
    for _ in 0..settings.runs {
        execute(None, body);
    }
    Explored {
        engine: ENGINE,
        executions: settings.runs,
        complete: false,
    }
}
