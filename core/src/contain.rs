//! Containment: no panic of a user's code gets past the call that runs it.
//!
//! # Invariants
//! W8 (*containment*): a panic in a task, its drop, a handler, a factory or a payload's drop ends
//! here. It loses no other task, and is reported once: to the handler given, after the panic hook
//! of the process has printed it.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::primitives::Arc;

/// What a panic carried: the argument of [`std::panic::panic_any`], or the message.
pub type Payload = Box<dyn Any + Send + 'static>;

/// What a payload says.
pub(crate) fn message(payload: &Payload) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("(no message)")
}

/// Told of each panic that a worker contained. A panic in the handler itself is contained too, and
/// reported by the process's panic hook alone.
pub type PanicHandler = Arc<dyn Fn(Payload) + Send + Sync>;

/// The default: the process's panic hook has already printed the panic, so there is nothing left
/// to do but drop the payload.
pub(crate) fn hook_only() -> PanicHandler {
    Arc::new(drop)
}

/// Runs `f`, and catches its panic.
///
/// `AssertUnwindSafe` holds because no state of ours is changed by `f` other than through calls that
/// leave it whole; what a user's closure leaves behind in their own data is theirs to judge, as on
/// any thread that may panic.
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(f))
}

/// Runs `f`; a panic in it goes to `handler`. Whether there was one.
pub(crate) fn reporting(handler: &PanicHandler, f: impl FnOnce()) -> bool {
    let payload = contain(f).err();
    let panicked = payload.is_some();
    if let Some(payload) = payload {
        quietly(|| handler(payload));
    }
    panicked
}

/// Runs `f`, and drops the payload if it panics: for what has nobody left to report to.
pub(crate) fn quietly(f: impl FnOnce()) {
    if let Err(payload) = contain(f)
        && let Err(second) = contain(|| drop(payload))
    {
        // A payload whose drop panics with a payload: leaking the second is the only end that is
        // certain to come.
        mem::forget(second);
    }
}
