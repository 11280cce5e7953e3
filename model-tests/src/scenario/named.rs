//! Scenarios that are about one property each.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use brigade::LockWorker;

use super::bench::{Bench, Leaving};
use super::pools::BEGINS;
use super::{Bounds, Scenario, Subject};
use crate::linear::Op;
use crate::world::{Exclusive, Shared};

/// Two lock workers, each given a task that gives one to the other, on two threads.
fn crossed(world: &Shared) {
    let workers = (LockWorker::new(), LockWorker::new());
    let stage = Leaving::new((Arc::clone(world), workers), |(world, (one, other))| {
        world.quit(|| one.quit());
        other.quit().expect("nobody else quits it");
    });
    let cross = |(first, from): (usize, LockWorker), to: LockWorker| {
        move |(world, _): &(Shared, (LockWorker, LockWorker))| {
            let body = move |world: &Shared| {
                world.submit_to(1 - first, |task| to.execute(task), |_| {});
            };
            world.submit_to(first, |task| from.execute(task), body);
        }
    };
    let (one, other) = stage.bench().1.clone();
    stage.spawn(cross((0, one.clone()), other.clone()));
    stage.act(cross((1, other), one));
}

/// A nested task and one from another thread, after one that panics: all run, none overlaps.
fn panic_then_nested(world: &Shared) {
    let reported = Arc::clone(world);
    let worker = LockWorker::with_panic_handler(Arc::new(move |_| reported.panic_reported()));
    let exclusive = Exclusive::new();
    type Bench = (Shared, LockWorker, Arc<Exclusive>);
    let bench: Bench = (Arc::clone(world), worker, exclusive);
    let stage = Leaving::new(bench, |(world, worker, _)| world.quit(|| worker.quit()));
    stage.spawn(|(world, worker, exclusive): &Bench| {
        let exclusive = Arc::clone(exclusive);
        world.submit_task(|task| worker.execute(task), move |_| exclusive.pass());
    });
    stage.act(|(world, worker, exclusive): &Bench| {
        let (inner, exclusive) = (worker.clone(), Arc::clone(exclusive));
        world.submit_nesting_panic(
            |task| worker.execute(task),
            move |world| {
                for _ in 0..2 {
                    let exclusive = Arc::clone(&exclusive);
                    world.submit_task(|task| inner.execute(task), move |_| exclusive.pass());
                }
            },
        );
    });
}

/// A shrink by more workers than there are, while one's task ends: the debt is of those there are,
/// and workers made later stay.
fn overshrink(world: &Shared) {
    let bench = Bench::new(world, Subject::TeamOfMemory, 1);
    world.submit(|task| bench.team().execute(task));
    let stage = Leaving::new(bench, |bench| {
        bench.drain();
        for _ in 0..2 {
            bench.world.submit(|task| bench.team().execute(task));
            bench.drain();
        }
        let now = bench.check_statistics(bench.team());
        assert_eq!(
            (now.done, now.idle),
            (3, 1),
            "T5 a debt beyond the workers was paid"
        );
        bench.quit();
        bench.drain();
    });
    stage.spawn(|bench: &Bench| {
        bench.performers.perform(0);
    });
    stage.act(|bench: &Bench| {
        let answer = bench
            .world
            .request(Op::Shrink(Some(5)), || bench.team().shrink(5));
        assert!(answer.is_ok(), "T5 the team has not quit");
    });
}

/// A worker that a stranger has quit refuses its first task, while another task ends: both run.
fn refusing(world: &Shared, subject: Subject) {
    let bench = Bench::new(world, subject, 2);
    world.submit(|task| bench.team().execute(task));
    bench.plan.refusing.store(1, Ordering::SeqCst);
    let stage = Leaving::new(bench, |bench| {
        bench.quit();
        bench.drain();
    });
    stage.spawn(|bench: &Bench| {
        bench.performers.perform(0);
    });
    stage.act(|bench: &Bench| {
        bench.world.submit(|task| bench.team().execute(task));
    });
}

/// A limit of 0 while work comes, then a raise that races a quit: the work runs all the same.
fn raised(world: &Shared, subject: Subject) {
    let bench = Bench::new(world, subject, 0);
    world.submit(|task| bench.team().execute(task));
    bench.plan.limit.store(1, Ordering::SeqCst);
    let stage = Leaving::new(bench, |bench| {
        bench.drain();
    });
    stage.spawn(|bench: &Bench| {
        let answer = bench
            .world
            .request(Op::LimitRaised, || bench.team().limit_raised());
        bench.world.tell(1, usize::from(answer.is_ok()));
    });
    stage.act(|bench: &Bench| bench.quit());
}

/// A quit with a backlog and no worker to be had: each task is abandoned, none is lost.
fn abandoned(world: &Shared, subject: Subject) {
    let bench = Bench::new(world, subject, 0);
    world.submit(|task| bench.team().execute(task));
    let stage = Leaving::new(bench, Bench::drain);
    stage.spawn(|bench: &Bench| {
        bench.world.submit(|task| bench.team().execute(task));
    });
    stage.act(|bench: &Bench| bench.quit());
}

/// Workers that run their task in `execute`: it runs after the step that assigned it, outside of the
/// coordinator's exclusion, and before the call returns.
fn synchronous(world: &Shared) {
    let bench = Bench::synchronous(world, 1);
    let stage = Leaving::new(bench, Bench::quit);
    let act = |bench: &Bench| {
        bench.world.submit(|task| bench.team().execute(task));
    };
    stage.spawn(act);
    stage.act(act);
}

/// A worker's performer is dropped while tasks are assigned to it: they go to another.
fn performer_dropped(world: &Shared) {
    let bench = Bench::new(world, Subject::TeamOfMemory, 1);
    world.submit(|task| bench.team().execute(task));
    let stage = Leaving::new(bench, |bench| {
        bench.quit();
        bench.drain();
    });
    stage.spawn(|bench: &Bench| drop(bench.performers.remove(0)));
    stage.act(|bench: &Bench| {
        bench.world.submit(|task| bench.team().execute(task));
    });
}

pub(super) fn all() -> Vec<Scenario> {
    let scenario = |subject: Subject, what: &str, properties: &[&'static str], body| Scenario {
        name: format!("{}/{what}", subject.name()),
        subject,
        properties: properties.to_vec(),
        bounds: Bounds {
            preemptions: (subject.is_pool() && what == "limit-raised").then_some((4, BEGINS)),
            exhaustive: subject.threads().is_none(),
            // With a second thread to take the task, what one spurious wake-up adds takes too long.
            spurious: what != "refusing-worker",
            quick: subject.threads().is_none() || subject.is_pool(),
        },
        in_order: false,
        body,
    };
    let mut all = vec![
        scenario(Subject::Lock, "crossed", &["L4", "W1"], Box::new(crossed)),
        scenario(
            Subject::Lock,
            "panic-then-nested",
            &["L2", "W1", "W6", "W8"],
            Box::new(panic_then_nested),
        ),
        scenario(
            Subject::TeamOfMemory,
            "overshrink",
            &["T5"],
            Box::new(overshrink),
        ),
        scenario(
            Subject::TeamOfMemory,
            "synchronous-workers",
            &["T6", "W1", "W9"],
            Box::new(synchronous),
        ),
        scenario(
            Subject::TeamOfMemory,
            "performer-dropped",
            &["T8", "W1"],
            Box::new(performer_dropped),
        ),
    ];
    type Body = fn(&Shared, Subject);
    let both: [(&str, &[&'static str], Body); 3] = [
        ("refusing-worker", &["T8", "W1"], refusing),
        ("limit-raised", &["T1", "T3", "T6"], raised),
        ("abandoned", &["T7", "W1"], abandoned),
    ];
    for (what, properties, body) in both {
        for subject in [
            Subject::TeamOfMemory,
            Subject::TeamOfOneThread,
            Subject::PoolOfOneThread,
        ] {
            // Nobody hands a task to a pool's thread, which could refuse it.
            if subject.is_pool() && what == "refusing-worker" {
                continue;
            }
            let body = Box::new(move |world: &Shared| body(world, subject));
            all.push(scenario(subject, what, properties, body));
        }
    }
    all
}
