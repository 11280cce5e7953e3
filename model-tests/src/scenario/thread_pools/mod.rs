//! The thread pool and what it is composed of: handles, scopes, sizes that are kept, a bounded line, and
//! how it ends.
//!
//! Nothing here is judged for linearizability; what a handle yields, where a closure's captures are by
//! then, and that all is released is asserted where it happens, and the crew's trace is judged by the
//! model.

mod blocked;
mod callbacks;
mod ends;
mod full;
mod handles;
mod scopes;
mod sizes;
mod stage;

pub(super) use stage::Flag;

use super::{Scenario, Subject};
use crate::world::Shared;

type Body = fn(&Shared);

/// Why a scenario of these is bounded: unbounded, those that end take 2 to 40 seconds.
const THREADS: &str =
    "a pool's thread begins, looks, rests and is joined meanwhile: unbounded takes minutes";

fn scenario(
    subject: Subject,
    what: &str,
    properties: &[&'static str],
    preemptions: Option<usize>,
    body: Body,
) -> Scenario {
    let preemptions = preemptions.map(|bound| (bound, THREADS));
    Scenario::unjudged(subject, what, properties, preemptions, body)
}

pub(super) fn all() -> Vec<Scenario> {
    let mut all = handles::all();
    all.extend(callbacks::all());
    all.extend(scopes::all());
    all.extend(sizes::all());
    all.extend(blocked::all());
    all.extend(full::all());
    all.extend(ends::all());
    all
}
