//! Values that stay on the loop's thread, wherever the last key to one is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use brigade::primitives::thread;
use brigade::primitives::thread::ThreadId;

use super::scenario;
use super::stage::{Caller, Stage};
use crate::scenario::Scenario;
use crate::world::Shared;

/// Says where it was dropped.
struct Value {
    owner: ThreadId,
    dropped: Arc<AtomicUsize>,
    /// Whom its drop quits.
    quits: Option<Caller>,
}

impl Drop for Value {
    fn drop(&mut self) {
        let here = thread::current().id() == self.owner;
        assert!(here, "E1 a confined value was dropped on another thread");
        self.dropped.fetch_add(1, SeqCst);
        if let Some(caller) = self.quits.take() {
            assert!(caller.quit(), "W3 a quit lost");
        }
    }
}

/// Only the release of a value, dropped by another thread, ends the loop.
fn wake_released(world: &Shared) {
    let stage = Stage::new(world);
    let dropped = Arc::new(AtomicUsize::new(0));
    let key = stage.event_loop.here().confine(Value {
        owner: thread::current().id(),
        dropped: Arc::clone(&dropped),
        quits: Some(stage.caller()),
    });
    stage.actor(move |_| drop(key));
    stage.run();
    assert_eq!(dropped.load(SeqCst), 1, "T10 drops of a confined value");
}

/// The last key goes while the loop ends.
fn released_at_the_end(world: &Shared) {
    let stage = Stage::new(world);
    let dropped = Arc::new(AtomicUsize::new(0));
    let key = stage.event_loop.here().confine(Value {
        owner: thread::current().id(),
        dropped: Arc::clone(&dropped),
        quits: None,
    });
    stage.actor(move |caller| {
        drop(key);
        caller.quit();
    });
    stage.event_loop.step();
    stage.end();
    assert_eq!(dropped.load(SeqCst), 1, "T10 drops of a confined value");
}

/// Of two keys, on two threads, one is the last.
fn two_keys(world: &Shared) {
    let stage = Stage::new(world);
    let dropped = Arc::new(AtomicUsize::new(0));
    let key = stage.event_loop.here().confine(Value {
        owner: thread::current().id(),
        dropped: Arc::clone(&dropped),
        quits: Some(stage.caller()),
    });
    let (one, other) = (key.clone(), key);
    stage.actor(move |_| drop(one));
    stage.actor(move |_| drop(other));
    stage.run();
    assert_eq!(dropped.load(SeqCst), 1, "T10 drops of a confined value");
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("wake-released", &["E1", "T9", "T10"], None, wake_released),
        scenario(
            "released-at-the-end",
            &["E1", "E3", "T10"],
            None,
            released_at_the_end,
        ),
        scenario("released-two-keys", &["E1", "T10"], None, two_keys),
    ]
}
