//! Real threads, again and again. A lost task or wake-up shows as a run that does not end.

use std::sync::Arc;
use std::sync::mpsc;

use super::{Explored, Seen, Settings, Way, execute};

/// The name of this engine.
pub const ENGINE: &str = "threads";
/// Its ways of choosing schedules.
pub const WAYS: &[Way] = &[Way::Stress];

/// Runs `prepare`. Only loom can leave its interleavings out of the exploration.
pub fn set_up<R>(prepare: impl FnOnce() -> R) -> R {
    prepare()
}

/// Runs `prepare`.
pub fn set_up_if_costly<R>(prepare: impl FnOnce() -> R) -> R {
    prepare()
}

/// Runs `scenario` as often as `settings` say, each time until its world has ended.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the engines share one signature"
)]
pub(super) fn explore<E: Explored>(scenario: Arc<E>, settings: &Settings) -> Seen {
    let (sender, ended) = mpsc::channel();
    for _ in 0..settings.executions {
        let sender = sender.clone();
        execute(&*scenario, None, move || {
            // The receiver lives as long as this function.
            let _ = sender.send(());
        });
        if ended.recv().is_err() {
            break;
        }
    }
    Seen {
        executions: settings.executions,
        complete: false,
        waits: 0,
        checked: 0,
    }
}
