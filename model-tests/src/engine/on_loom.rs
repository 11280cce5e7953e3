//! loom: all executions up to its preemption bound, or all there are.
//!
//! loom returns without a word when it is cut short; that it has finished, it says only in an event.
//! Completeness is read from that event, and its count compared with ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use brigade::primitives::choice;
use loom::model::Builder;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::{Explored, Seen, Settings, Way, execute};

/// The name of this engine.
pub const ENGINE: &str = "loom";
/// Its ways of choosing schedules.
pub const WAYS: &[Way] = &[Way::Loom];

/// The event by which loom 0.7.3 says that it has finished.
struct Completion(Arc<AtomicUsize>);

impl Subscriber for Completion {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "loom::model" && metadata.is_event()
    }

    fn event(&self, event: &Event<'_>) {
        struct Iterations<'a>(&'a AtomicUsize);
        impl Visit for Iterations<'_> {
            fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message"
                    && let Some(count) = format!("{value:?}")
                        .strip_prefix("Completed in ")
                        .and_then(|rest| rest.strip_suffix(" iterations"))
                    && let Ok(count) = count.parse()
                {
                    self.0.store(count, Ordering::SeqCst);
                }
            }
        }
        event.record(&mut Iterations(&self.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Explores `scenario` as `settings` say.
pub(super) fn explore<E: Explored>(scenario: Arc<E>, settings: &Settings) -> Seen {
    let mut builder = Builder::new();
    builder.preemption_bound = settings.preemptions;
    builder.max_duration = settings.limit;
    builder.max_branches = 10_000;
    if let Some((at, file)) = &settings.record {
        builder.checkpoint_interval = *at;
        builder.checkpoint_file = Some(file.clone());
    }
    if let Some(file) = &settings.replay {
        builder.checkpoint_file = Some(file.clone());
        builder.location = true;
    }

    let completed = Arc::new(AtomicUsize::new(0));
    let waits = Arc::new(AtomicUsize::new(0));
    let executions = Arc::new(AtomicUsize::new(0));
    let spurious_wait = settings.spurious_wait;
    let body = {
        let (waits, executions) = (Arc::clone(&waits), Arc::clone(&executions));
        move || {
            // The waits counted so far are those of the execution before.
            waits.fetch_max(choice::waits(), Ordering::SeqCst);
            choice::begin(spurious_wait);
            executions.fetch_add(1, Ordering::SeqCst);
            let number = execute(&*scenario, spurious_wait, || {});
            if number.is_multiple_of(100_000) {
                eprintln!("  {}: {number} executions", scenario.name());
            }
        }
    };
    let check = || builder.check(body);
    if settings.replay.is_some() {
        loom_log(check);
    } else {
        tracing::subscriber::with_default(Completion(Arc::clone(&completed)), check);
    }
    waits.fetch_max(choice::waits(), Ordering::SeqCst);
    let executions = executions.load(Ordering::SeqCst);
    let completed = completed.load(Ordering::SeqCst);
    assert!(
        completed == 0 || completed == executions,
        "loom counted otherwise than we did"
    );
    Seen {
        executions,
        complete: completed == executions,
        waits: waits.load(Ordering::SeqCst),
        checked: 0,
    }
}

/// Runs `prepare`, and then every other thread until it waits, as one fixed prefix of the execution:
/// its interleavings are not explored.
pub fn set_up<R>(prepare: impl FnOnce() -> R) -> R {
    loom::stop_exploring();
    let result = prepare();
    loom::thread::yield_now();
    loom::explore();
    result
}

/// `set_up` where only shuttle's exhaustive search needs it: loom explores the prefix too.
pub fn set_up_if_costly<R>(prepare: impl FnOnce() -> R) -> R {
    prepare()
}

/// What loom tells of an execution, step by step, as `LOOM_LOG` filters it.
fn loom_log(check: impl FnOnce()) {
    use tracing_subscriber::{EnvFilter, fmt};
    let subscriber = fmt::Subscriber::builder()
        .with_env_filter(EnvFilter::from_env("LOOM_LOG"))
        .with_writer(std::io::stderr)
        .without_time()
        .finish();
    tracing::subscriber::with_default(subscriber, check);
}
