//! So that a test which would hang for ever fails instead, and says so.

use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the test on a thread of its own, and waits for it, though not for ever.
pub(crate) fn watched(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _done = done;
        test();
    });
    // Nothing is sent: the channel closes when the test is over.
    let over = is_done.recv_timeout(PATIENCE);
    assert!(
        over != Err(mpsc::RecvTimeoutError::Timeout),
        "it hangs: it has not ended in {PATIENCE:?}"
    );
    if let Err(payload) = thread.join() {
        std::panic::resume_unwind(payload);
    }
}
