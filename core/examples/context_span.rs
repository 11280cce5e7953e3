//! Context: what is the caller's goes with its task.
//!
//! `cargo run --example context_span`
//!
//! The current span of `tracing` is a thread-local of whoever submits, and unknown to the pool's thread. A
//! context hook captures it at each submit, and enters it around the task. The subscriber below prints each
//! event with the spans that it is in, and so shows whether that has worked. Any thread-local can be carried
//! in this way.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use brigade::{Task, ThreadPool};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Span, Subscriber, info, info_span};
use tracing_core::span::Current;

fn main() -> Result<(), Box<dyn Error>> {
    let lines = Arc::new(Mutex::new(Vec::new()));
    tracing::subscriber::set_global_default(Printer {
        spans: Mutex::default(),
        lines: Arc::clone(&lines),
    })?;
    let plain = ThreadPool::builder().sizes(1, 1).name("plain").build()?;
    let carrying = ThreadPool::builder()
        .sizes(1, 1)
        .name("carrying")
        .context(|| {
            let span = Span::current(); // by who submits
            move |task: Task| span.in_scope(|| task.run()) // on the pool's thread
        })
        .build()?;
    for pool in [&plain, &carrying] {
        pool.start()?;
        info_span!("request", id = 7).in_scope(|| serve(pool))?;
        // Nothing of it is left there.
        pool.spawn(|| info!("idle"))?.join()?;
        pool.shutdown()?;
    }
    let lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
    let expected = [
        "main: request{id=7}: asked",
        "plain-1: hashing",
        "plain-1: idle",
        "main: request{id=7}: asked",
        "carrying-1: request{id=7}: hashing",
        "carrying-1: idle",
    ];
    assert_eq!(*lines, expected);
    Ok(())
}

fn serve(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    info!("asked");
    pool.spawn(|| info!("hashing"))?.join()?;
    Ok(())
}

/// Prints each event behind the name of its thread and the spans that it is in.
struct Printer {
    /// Each span that there ever was, at the index that is its number less one.
    spans: Mutex<Vec<(&'static Metadata<'static>, String)>>,
    lines: Arc<Mutex<Vec<String>>>,
}

thread_local! {
    /// The spans that this thread is in, the innermost last.
    static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

impl Subscriber for Printer {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut shown = Shown::default();
        span.record(&mut shown);
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = span.metadata();
        spans.push((metadata, format!("{}{{{}}}", metadata.name(), shown.fields)));
        Id::from_u64(spans.len() as u64)
    }

    fn event(&self, event: &Event<'_>) {
        let mut shown = Shown::default();
        event.record(&mut shown);
        let thread = thread::current();
        let mut line = format!("{}: ", thread.name().unwrap_or("?"));
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        ENTERED.with_borrow(|entered| {
            for (_, span) in entered.iter().filter_map(|id| spans.get(index(id))) {
                line.push_str(span);
                line.push_str(": ");
            }
        });
        line.push_str(&shown.message);
        println!("{line}");
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }

    fn enter(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| entered.push(span.clone()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(|entered| {
            let last = entered.iter().rposition(|it| it == span);
            last.map(|last| entered.remove(last))
        });
    }

    /// Without it there would be nothing for [`Span::current`] to find.
    fn current_span(&self) -> Current {
        let Some(id) = ENTERED.with_borrow(|entered| entered.last().cloned()) else {
            return Current::none();
        };
        let spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        let metadata = spans.get(index(&id)).map(|(metadata, _)| *metadata);
        metadata.map_or_else(Current::none, |metadata| Current::new(id, metadata))
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

fn index(id: &Id) -> usize {
    usize::try_from(id.into_u64() - 1).unwrap_or(usize::MAX)
}

/// The fields of a span or an event, as text.
#[derive(Default)]
struct Shown {
    message: String,
    fields: String,
}

impl Visit for Shown {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string does not fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            let space = if self.fields.is_empty() { "" } else { " " };
            write!(self.fields, "{space}{}={value:?}", field.name())
        };
    }
}
