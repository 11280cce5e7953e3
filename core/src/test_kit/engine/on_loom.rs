//! loom: every execution up to the bound on preemptions, once for each wait that may return early.
//!
//! loom returns without a word where it is cut short. It is so by its own two limits only, which its
//! environment variables set; without these, what it returns from is complete within its bounds.

use std::sync::atomic::{AtomicUsize, Ordering};

use loom::model::Builder;

pub(super) use super::here::{is_watched, put, turn, with};
use super::{Body, execute, going};
use crate::primitives::{Arc, ENGINE, choice};
use crate::test_kit::explorer::{Explored, Explorer};

pub(super) fn explore(settings: &Explorer, body: &Body) -> Explored {
    let mut builder = Builder::new();
    builder.preemption_bound = settings.preemptions;
    builder.max_branches = settings.branches;
    let limited = builder.max_permutations.is_some() || builder.max_duration.is_some();
    going(match settings.preemptions {
        Some(most) => format!("at most {most} preemptions"),
        None => "no bound on preemptions".to_owned(),
    });
    let executions = Arc::new(AtomicUsize::new(0));
    let mut early = None;
    loop {
        let waits = Arc::new(AtomicUsize::new(0));
        let counted = (Arc::clone(&waits), Arc::clone(&executions));
        let body = Arc::clone(body);
        builder.check(move || {
            let (waits, executions) = &counted;
            // ORDERING: all of this is one thread of the system.
            waits.fetch_max(choice::waits(), Ordering::Relaxed);
            // ORDERING: as above.
            executions.fetch_add(1, Ordering::Relaxed);
            choice::begin(early);
            execute(early, &body);
        });
        // ORDERING: as above.
        let waits = waits.load(Ordering::Relaxed).max(choice::waits());
        let next = early.map_or(0, |wait| wait + 1);
        if !settings.early_wakes || next >= waits {
            break;
        }
        early = Some(next);
    }
    Explored {
        engine: ENGINE,
        // ORDERING: as above.
        executions: executions.load(Ordering::Relaxed),
        complete: !limited && settings.preemptions.is_none(),
    }
}
