//! Drives the engines, from outside of every execution, and watches what comes of it. So this names them,
//! and uses std's primitives where an engine must not see what is done.
//!
//! # State
//! One [`Watch`] where an exploration goes on. An engine runs all threads of an execution on one thread of
//! the system, so there it is that thread's; on real threads it is the process's, and explorations take
//! turns.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this runs outside of every execution, where the primitives of an engine cannot be used"
)]

#[cfg(feature = "loom")]
#[path = "on_loom.rs"]
mod backend;

#[cfg(all(feature = "shuttle", not(feature = "loom")))]
#[path = "on_shuttle.rs"]
mod backend;

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
#[path = "on_std.rs"]
mod backend;

#[cfg(any(feature = "loom", feature = "shuttle"))]
mod here;

use std::cell::Cell;
use std::fmt;
use std::io::{Write as _, stderr};
use std::panic::{PanicHookInfo, resume_unwind, set_hook, take_hook};
use std::sync::Once;

use super::counterexample::Counterexample;
use super::explorer::{Explored, Explorer};
use super::lanes::Record;
use crate::contain::{contain, message};
use crate::primitives::{Arc, ENGINE, thread};

/// The payload of a panic that is a part of the test, as of a task that shall panic: it is no failure of an
/// exploration, unless nothing contains it.
///
/// ```
/// use brigade::test_kit::{OnPurpose, explore};
///
/// # brigade::primitives::example(|| {
/// explore(|| {
///     let pool = brigade::ThreadPool::builder().sizes(0, 1).build().unwrap();
///     pool.start().unwrap();
///     let handle = pool.spawn(|| std::panic::panic_any(OnPurpose)).unwrap();
///     assert!(handle.join().is_err());
///     pool.shutdown().unwrap();
/// });
/// # });
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OnPurpose;

/// What is run in each execution.
type Body = Arc<dyn Fn() + Send + Sync>;

/// An exploration that goes on.
struct Watch {
    record: Option<Record<thread::ThreadId>>,
    execution: usize,
    way: String,
    early: Option<usize>,
    found: Option<Counterexample>,
}

std::thread_local! {
    static EXPLORING: Cell<bool> = const { Cell::new(false) };
}

/// Notes what this thread is about to do, or has seen, for the [`Counterexample`] of the exploration that
/// runs; elsewhere, nothing. It is no step to an engine, and hides no race from it.
///
/// The order of the notes is that in which they were made. On real threads a note does synchronise.
///
/// See [`explore`](super::explore).
pub fn note(text: impl fmt::Display) {
    // Outside of an execution, an engine has no current thread.
    if backend::with(|watch| watch.record.is_some()) != Some(true) {
        return;
    }
    let text = text.to_string();
    let this = thread::current();
    backend::with(|watch| {
        if let Some(record) = &mut watch.record {
            record.note(this.id(), this.name(), &text);
        }
    });
}

/// Explores `body` as `settings` say.
pub(super) fn explore(
    settings: &Explorer,
    body: impl Fn() + Send + Sync + 'static,
) -> Result<Explored, Counterexample> {
    if EXPLORING.get() {
        // An exploration in an exploration is a part of it.
        body();
        return Ok(Explored {
            engine: ENGINE,
            executions: 1,
            complete: false,
        });
    }
    watch_panics();
    let _turn = backend::turn();
    EXPLORING.set(true);
    backend::put(Some(Watch {
        record: None,
        execution: 0,
        way: String::new(),
        early: None,
        found: None,
    }));
    let body: Body = Arc::new(body);
    let outcome = contain(|| backend::explore(settings, &body));
    // One that was contained in the last execution is found here.
    let watch = backend::put(None);
    EXPLORING.set(false);
    match (outcome, watch) {
        (Ok(explored), Some(Watch { found: None, .. }) | None) => Ok(explored),
        (
            _,
            Some(Watch {
                found: Some(it), ..
            }),
        ) => Err(it),
        // It came here without the hook: raised again, or out of an engine's own making.
        (Err(payload), Some(mut watch)) => Err(watch.fail(message(&payload).to_owned())),
        (Err(payload), None) => resume_unwind(payload),
    }
}

/// Says how the executions to come are made.
fn going(way: String) {
    backend::with(|watch| watch.way = way);
}

/// Runs one execution, unless one has failed already: then nothing more is explored.
fn execute(early: Option<usize>, body: &Body) {
    let this = thread::current().id();
    let failed = backend::with(|watch| {
        if watch.found.is_none() {
            watch.execution += 1;
            watch.early = early;
            watch.record = Some(Record::begun_by(this));
        }
        watch.found.is_some()
    });
    if failed == Some(true) {
        // No panic of anybody's, so the hook is not called.
        resume_unwind(Box::new("an execution before this one has failed"));
    }
    body();
}

impl Watch {
    /// Keeps the first failure.
    fn fail(&mut self, message: String) -> Counterexample {
        let found = Counterexample {
            engine: ENGINE,
            message,
            execution: self.execution,
            way: self.way.clone(),
            early: self.early,
            lanes: self.record.as_ref().map_or_else(String::new, Record::lanes),
        };
        self.found.get_or_insert(found).clone()
    }
}

/// From now on, panics of watched executions are noted where they begin: some are contained, and some end
/// the process while they unwind an engine.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let inner = take_hook();
        set_hook(Box::new(move |info| {
            let on_purpose = info.payload().is::<OnPurpose>();
            if !on_purpose || !backend::is_watched() {
                inner(info);
            }
            if !on_purpose && backend::is_watched() {
                panicked(info);
            }
        }));
    });
}

fn panicked(info: &PanicHookInfo<'_>) {
    let mut text = info.payload_as_str().unwrap_or("a panic").to_owned();
    if let Some(at) = info.location() {
        text += &format!(" ({}:{})", at.file(), at.line());
    }
    let found = backend::with(|watch| {
        let first = watch.found.is_none();
        let found = watch.fail(text);
        first.then_some(found)
    });
    if let Some(found) = found.flatten() {
        // Not by a macro: the test harness would capture it, and lose it with the process.
        let _ = writeln!(stderr(), "\n{found}\n");
    }
}
