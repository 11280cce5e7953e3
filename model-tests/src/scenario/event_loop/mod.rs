//! The event loop: its thread is the scenario's own, and one or two others call it.
//!
//! Nothing here is judged for linearizability. The loop's trace is judged by the model; what became of each
//! call, on which thread, and what its caller was told, by an account of its own ([`stage`]).

mod blocked;
mod confined;
mod deferred;
mod ends;
mod futures;
mod hosted;
mod order;
mod stage;
mod wake;

use super::{Scenario, Subject};
use crate::world::Shared;

type Body = fn(&Shared);

/// Why a scenario of these is bounded.
const THREADS: &str = "three threads, or a pool's thread that begins, rests and is joined meanwhile: unbounded takes minutes";

fn scenario(
    what: &str,
    properties: &[&'static str],
    preemptions: Option<usize>,
    body: Body,
) -> Scenario {
    let preemptions = preemptions.map(|bound| (bound, THREADS));
    Scenario::unjudged(Subject::EventLoop, what, properties, preemptions, body)
}

pub(super) fn all() -> Vec<Scenario> {
    let mut all = wake::all();
    all.extend(order::all());
    all.extend(ends::all());
    all.extend(blocked::all());
    all.extend(deferred::all());
    all.extend(futures::all());
    all.extend(confined::all());
    all.extend(hosted::all());
    all
}
