//! An exploration on a thread of its own, watched from outside.
//!
//! An engine that finds a deadlock or a race panics from inside of the execution. If that panic were
//! to unwind, the model threads that stand still would be unwound as well, outside of any execution,
//! and the process would abort, often without a word. So a panic on an exploring thread is taken in
//! by the process's panic hook, noted, and **the exploring thread stays there for ever**: nothing
//! unwinds. A hook runs under std's lock of the hook, so the process then has to end (see
//! [`apart`](super::apart)).
//!
//! On real threads a lost task is an execution that does not end. Whoever waits gives up when nothing
//! has ended for [`PATIENCE`].

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Once};
use std::thread;
use std::time::{Duration, Instant};

use super::judge::{Run, touching};
use super::law::Law;
use crate::engine::Seen;
use crate::world::OnPurpose;

/// How long an execution may take: engines explore thousands in it.
pub(super) const PATIENCE: Duration =
    Duration::from_secs(if cfg!(feature = "loom") || cfg!(feature = "shuttle") {
        120
    } else {
        10
    });

/// How often the outside looks.
const LOOK: Duration = Duration::from_millis(100);

/// How long an execution in which a law was broken may still go on.
const GRACE: Duration = Duration::from_secs(1);

/// The end of a run in which a law was broken: carries nothing, for the run has it.
pub(super) struct Stop;

struct Exploring {
    run: Arc<Run>,
    ended: Sender<Option<Seen>>,
}

std::thread_local! {
    static EXPLORING: RefCell<Option<Exploring>> = const { RefCell::new(None) };
}

/// What a panic said.
pub(super) fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).into());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}

/// Explores on a thread of its own. `None`: a law was broken, and the run knows which.
pub(super) fn explore(
    run: &Arc<Run>,
    explore: impl FnOnce() -> Seen + Send + 'static,
) -> Option<Seen> {
    install();
    let (ended, outcome) = channel();
    let exploring = Exploring {
        run: Arc::clone(run),
        ended,
    };
    let body = move || {
        let (run, ended) = (Arc::clone(&exploring.run), exploring.ended.clone());
        EXPLORING.set(Some(exploring));
        let seen = catch_unwind(AssertUnwindSafe(explore));
        EXPLORING.take();
        if let Err(payload) = &seen
            && !payload.is::<Stop>()
        {
            unwound(&run, payload);
        }
        if seen.is_ok() {
            run.check_last();
        }
        let _ = ended.send(seen.ok());
    };
    thread::Builder::new()
        .name("laws".into())
        .spawn(body)
        .expect("a thread starts");
    wait(run, &outcome)
}

/// A panic that no hook saw has come out of the engine: a task's, out of a thread of the worker's.
fn unwound(run: &Run, payload: &Box<dyn Any + Send>) {
    let (law, what) = if payload.is::<OnPurpose>() {
        let what = "a task's panic ended the thread that ran it";
        (Law::Containment, what.to_owned())
    } else {
        (Law::Panic, text(&**payload))
    };
    match run.last() {
        Some(judge) => judge.broke(law, what),
        None => run.note(law, what, String::new()),
    }
}

fn wait(run: &Arc<Run>, outcome: &Receiver<Option<Seen>>) -> Option<Seen> {
    let mut executions = run.executions();
    let mut since = Instant::now();
    loop {
        match outcome.recv_timeout(LOOK) {
            Ok(seen) => return seen.filter(|_| run.broken().is_none()),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if run.executions() != executions {
            executions = run.executions();
            since = Instant::now();
        }
        if run.broken().is_some() && since.elapsed() > GRACE {
            return None;
        }
        if since.elapsed() > PATIENCE {
            run.stands_still();
            let how = format!("nothing moved for {} seconds", PATIENCE.as_secs());
            match run.last() {
                Some(judge) => judge.stuck(&how),
                None => run.note(Law::End, how, String::new()),
            }
            return None;
        }
    }
}

/// Sets the process's panic hook, once. On all but exploring threads it is the one before.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // shuttle sets a hook of its own at its first run, which must not be over ours.
        #[cfg(all(feature = "shuttle", not(feature = "loom")))]
        crate::engine::prepare(&super::settings(None, crate::engine::Way::Random));
        let inner = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            if payload.is::<OnPurpose>() {
                return;
            }
            // A thread that is ending has no such value any more, and explores nothing.
            let exploring = EXPLORING.try_with(|it| {
                let it = it.try_borrow().ok()?;
                let it = it.as_ref()?;
                Some((Arc::clone(&it.run), it.ended.clone()))
            });
            match exploring {
                Ok(Some((run, ended))) if !is_engines(info) => {
                    let text = info.payload_as_str().unwrap_or("a panic without a message");
                    found(&run, text);
                    run.stands_still();
                    let _ = ended.send(None);
                    loop {
                        thread::park();
                    }
                }
                Ok(Some(_)) => {}
                _ => inner(info),
            }
        }));
    });
}

/// Whether an engine unwinds an idle model thread by this panic: no failure. The payload's type is
/// that of a crate below loom and shuttle, so it is known by its place.
fn is_engines(info: &panic::PanicHookInfo<'_>) -> bool {
    let place = info.location().map(|at| at.file().contains("generator"));
    info.payload_as_str().is_none() && place == Some(true)
}

/// A panic on an exploring thread: the engine's, the worker's, or a consequence of one.
fn found(run: &Run, text: &str) {
    let text = text.lines().next().unwrap_or_default();
    let Some(judge) = run.last() else {
        let law = if text.contains("deadlock") {
            Law::End
        } else {
            Law::Panic
        };
        run.note(law, text.to_owned(), String::new());
        return;
    };
    if let Some(law) = touching() {
        judge.broke(law, format!("the engine reports: {text}"));
    } else if text.contains("deadlock") {
        judge.stuck("deadlock");
    } else if text.contains("Causality violation") {
        judge.broke(Law::Visibility, format!("the engine reports: {text}"));
    } else if judge.unreported() {
        let what = format!("a task's panic ended the thread that ran it, and then: {text}");
        judge.broke(Law::Containment, what);
    } else {
        judge.broke(Law::Panic, text.to_owned());
    }
}
