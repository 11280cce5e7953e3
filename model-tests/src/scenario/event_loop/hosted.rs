//! A loop that is hosted by another one: asked for turns, refused, and ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use brigade::{EventLoop, OnLoop, Refused, RunOnLoop, Task, ThreadPool};

use super::scenario;
use super::stage::{Caller, Stage};
use crate::scenario::Scenario;
use crate::world::Shared;

fn host() -> EventLoop {
    let pool = ThreadPool::builder().sizes(0, 1);
    let built = EventLoop::builder().pool(pool).build();
    built.expect("there can be such a pool")
}

/// Quits the host after so many calls.
fn counted(left: &Arc<AtomicUsize>, host: &EventLoop) -> impl Fn(&OnLoop) + Send + use<> {
    let (left, host) = (Arc::clone(left), host.handle());
    move |_| {
        if left.fetch_sub(1, SeqCst) == 1 {
            assert!(host.quit().is_ok(), "W3 a quit lost");
        }
    }
}

/// Two calls: the second may come while the turn of the first ends.
fn calls(world: &Shared) {
    let host = host();
    let stage = Stage::with(world, |it| it.build_on(host.handle()));
    let left = Arc::new(AtomicUsize::new(2));
    let quits = [counted(&left, &host), counted(&left, &host)];
    stage.actor(move |caller| {
        for quits in quits {
            assert!(caller.call_and(move |on| quits(on)), "W4 nobody had quit");
        }
    });
    assert!(host.run().is_ok(), "E3 the host can run");
    stage.end();
}

fn two_callers(world: &Shared) {
    let host = host();
    let stage = Stage::with(world, |it| it.build_on(host.handle()));
    let left = Arc::new(AtomicUsize::new(2));
    for _ in 0..2 {
        let quits = counted(&left, &host);
        stage.actor(move |caller| {
            assert!(caller.call_and(move |on| quits(on)), "W4 nobody had quit");
        });
    }
    assert!(host.run().is_ok(), "E3 the host can run");
    stage.end();
}

/// The host ends beside a caller who waits: it runs the turn, refuses it, or gives it back.
fn host_ends(world: &Shared, end: fn(&EventLoop)) {
    let host = host();
    let stage = Stage::with(world, |it| it.build_on(host.handle()));
    stage.actor(Caller::block);
    end(&host);
    assert!(host.run().is_ok(), "E3 the host can run");
    stage.end();
}

fn host_quits(world: &Shared) {
    host_ends(world, |host| {
        assert!(host.handle().quit().is_ok(), "W3 a quit lost");
    });
}

fn host_stops(world: &Shared) {
    host_ends(world, |host| {
        assert!(host.handle().stop().is_ok(), "E3 a stop lost");
    });
}

/// A host that has ended.
struct Gone;

impl RunOnLoop for Gone {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        Err(Refused::new(task))
    }
}

/// A host that takes turns, and runs none.
struct Forgets;

impl RunOnLoop for Forgets {
    fn run_on_loop(&self, _: Task) -> Result<(), Refused> {
        Ok(())
    }
}

/// Nobody will ever run a turn: who waits is told so by the refusal, not by the loop's end.
fn refused(world: &Shared) {
    let stage = Stage::with(world, |it| it.build_on(Gone));
    let done = Arc::new(super::super::thread_pools::Flag::default());
    let tells = Arc::clone(&done);
    stage.actor(move |caller| {
        caller.block();
        tells.tell();
    });
    stage.actor(|caller| {
        caller.call();
    });
    done.wait();
    stage.end();
}

/// A turn that is dropped is none, and no other will come: who waits is told by that.
fn forgotten(world: &Shared) {
    let stage = Stage::with(world, |it| it.build_on(Forgets));
    stage.actor(Caller::block);
    stage.actor(|caller| {
        caller.call();
    });
    stage.end();
}

/// Stopped by another thread, beside a call: the host is asked for a turn in which the loop ends.
fn stop(world: &Shared) {
    let host = host();
    let stage = Stage::with(world, |it| it.build_on(host.handle()));
    let quits = host.handle();
    stage.actor(move |caller| {
        caller.stop();
        assert!(quits.quit().is_ok(), "W3 a quit lost");
    });
    stage.actor(Caller::block);
    assert!(host.run().is_ok(), "E3 the host can run");
    stage.end();
}

/// Work for the pool needs no turn to get going. Meanwhile another calls, which the host never runs.
fn pool(world: &Shared) {
    let host = host();
    let stage = Stage::with(world, |it| it.build_on(host.handle()));
    let deferred = stage.event_loop.handle().defer_to_thread(|| 7);
    stage.actor(|caller| {
        caller.call();
    });
    let value = deferred.map(brigade::JoinHandle::join);
    assert!(matches!(value, Ok(Ok(7))), "T9 the work was not done");
    stage.end();
}

pub(super) fn all() -> Vec<Scenario> {
    vec![
        scenario("hosted-calls", &["E1", "T9"], None, calls),
        scenario("hosted-two-callers", &["E1", "T9"], Some(3), two_callers),
        scenario("hosted-host-quits", &["E3", "T9"], Some(3), host_quits),
        scenario("hosted-host-stops", &["E3", "T9"], Some(3), host_stops),
        scenario("hosted-refused", &["E3", "T9"], Some(3), refused),
        scenario("hosted-turn-forgotten", &["E3"], Some(3), forgotten),
        scenario("hosted-pool", &["T9"], Some(3), pool),
        scenario("hosted-stop", &["E3", "T9"], Some(2), stop),
    ]
}
