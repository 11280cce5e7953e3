//! What a pool has that a team has not: threads that are counted apart from their start, a limit that
//! is asked before the lock, and tokens.

use std::io;
use std::sync::atomic::{AtomicUsize as Count, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use brigade::primitives::{AtomicUsize, Ordering, thread};
use brigade::{Body, Thread};

use super::bench::{Bench, Leaving, Newborn, Plan};
use super::{Bounds, Scenario, Subject};
use crate::engine::set_up;
use crate::linear::Op;
use crate::world::Shared;

/// Why a scenario in which a thread begins is bounded.
pub(super) const BEGINS: &str =
    "the thread begins, looks twice and rests meanwhile: unbounded takes minutes";

fn submit(bench: &Bench) {
    bench.world.submit(|task| bench.team().execute(task));
}

fn quit(bench: &Bench) {
    if !bench.world.has_quit() {
        bench.quit();
    }
}

/// What becomes of the first body; those after it are run.
#[derive(Clone, Copy)]
enum First {
    /// The policy says that it failed, though the body runs.
    RunsAndFails,
    /// The policy drops it, and says that there is a thread.
    DroppedByThePolicy,
    /// The policy says that there is a thread, which drops it.
    Dropped,
    /// The policy says that it failed, and a thread drops it.
    DroppedAndFails,
}

impl First {
    fn start(self, newborn: Newborn) -> io::Result<Thread> {
        let (body, world) = newborn.unwatched();
        let act: Option<fn(Body)> = match self {
            Self::RunsAndFails => Some(Body::run),
            Self::DroppedByThePolicy => None,
            Self::Dropped | Self::DroppedAndFails => Some(drop),
        };
        match act {
            None => drop(body),
            Some(act) => drop(thread::spawn("worker", move || {
                act(body);
                drop(world);
            })?),
        }
        match self {
            Self::RunsAndFails | Self::DroppedAndFails => Err(io::Error::other("no thread today")),
            Self::DroppedByThePolicy | Self::Dropped => Ok(Thread::detached()),
        }
    }
}

/// A thread is made for a task, and nothing comes of it; the next step tries again, which another task
/// or the quit is.
fn first_fails(world: &Shared, first: First) {
    let bodies = Count::new(0);
    let start = move |_: &Plan, newborn: Newborn| {
        if bodies.fetch_add(1, SeqCst) == 0 {
            first.start(newborn)
        } else {
            newborn.start()
        }
    };
    let limit = |plan: &Plan| plan.limit.load(SeqCst);
    let stage = Leaving::new(Bench::pool(world, 1, limit, start), quit);
    stage.spawn(submit);
    stage.act(quit);
}

/// A body that the policy keeps is dropped when its thread has been counted, while a task comes: the task
/// goes to another.
fn kept_and_dropped(world: &Shared) {
    type Kept = Arc<Mutex<Option<Body>>>;
    let kept = Kept::default();
    let keeps = Arc::clone(&kept);
    let bodies = Count::new(0);
    let start = move |_: &Plan, newborn: Newborn| {
        if bodies.fetch_add(1, SeqCst) > 0 {
            return newborn.start();
        }
        let (body, _) = newborn.unwatched();
        *keeps.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        Ok(Thread::detached())
    };
    let limit = |plan: &Plan| plan.limit.load(SeqCst);
    let bench = Bench::pool(world, 1, limit, start);
    let answer = world.request(Op::Grow(1), || bench.team().grow(1));
    assert!(answer.is_ok(), "T5 the pool has not quit");
    type Stage = (Bench, Kept);
    let stage = Leaving::new((bench, kept), |(bench, _): &Stage| quit(bench));
    stage.spawn(|(_, kept): &Stage| {
        let body = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(body);
    });
    stage.act(|(bench, _): &Stage| submit(bench));
}

/// A limit of 0 is raised, and a task arrives: however old the limit that its submitter goes by, it does
/// not wait. The limit is read and written as weakly as an owner may.
fn raised_meanwhile(world: &Shared) {
    let now = Arc::new(AtomicUsize::new(0));
    let limit = {
        let now = Arc::clone(&now);
        move |_: &Plan| now.load(Ordering::Relaxed)
    };
    let bench = Bench::pool(world, 0, limit, |_, newborn| newborn.start());
    type Stage = (Bench, Arc<AtomicUsize>);
    let stage = Leaving::new((bench, now), |(bench, _): &Stage| {
        let now = bench.check_statistics(bench.team());
        assert_eq!(now.backlogged, 0, "T3 work waits below the limit: {now}");
        quit(bench);
    });
    stage.spawn(|(bench, now): &Stage| {
        now.store(1, Ordering::Relaxed);
        let answer = bench
            .world
            .request(Op::LimitRaised, || bench.team().limit_raised());
        assert!(answer.is_ok(), "T3 the pool has not quit");
    });
    stage.act(|(bench, _): &Stage| submit(bench));
}

/// A thread rests, is called, and rests again, as often as there are tasks; nobody else ends it than
/// the last task.
fn called_again(world: &Shared) {
    let bench = Bench::new(world, Subject::PoolOfOneThread, 1);
    set_up(|| submit(&bench));
    submit(&bench);
    let pool = bench.team().clone();
    let body = move |world: &Shared| world.quit(|| pool.quit());
    world.submit_task(|task| bench.team().execute(task), body);
}

/// The last handle is a task's, and dropped on the pool's thread.
fn dropped_by_its_own_task(world: &Shared) {
    let mut bench = Bench::new(world, Subject::PoolOfOneThread, 1);
    let Some(pool) = bench.team.take() else {
        return;
    };
    let own = world.clone_handle(&pool);
    let body = move |world: &Shared| world.drop_handle(own);
    world.submit_task(|task| pool.execute(task), body);
    world.drop_handle(pool);
}

/// Two threads rest, and three tasks come from two sides: each of the threads is called for what is
/// there for it.
fn two_threads_three_tasks(world: &Shared) {
    let bench = Bench::new(world, Subject::PoolOfTwoThreads, 2);
    set_up(|| {
        let answer = world.request(Op::Grow(2), || bench.team().grow(2));
        assert!(answer.is_ok(), "T5 the pool has not quit");
    });
    let stage = Leaving::new(bench, quit);
    stage.spawn(submit);
    stage.act(|bench| {
        submit(bench);
        submit(bench);
    });
}

/// One of two threads is to leave while both have a task and a third waits: whichever is done first
/// leaves, and the other sees to the third, which quits the pool.
fn shrink_below_a_flood(world: &Shared) {
    let bench = Bench::new(world, Subject::PoolOfTwoThreads, 2);
    set_up(|| {
        let answer = world.request(Op::Grow(2), || bench.team().grow(2));
        assert!(answer.is_ok(), "T5 the pool has not quit");
    });
    submit(&bench);
    submit(&bench);
    let pool = bench.team().clone();
    let body = move |world: &Shared| world.quit(|| pool.quit());
    world.submit_task(|task| bench.team().execute(task), body);
    // The quit may have come before.
    let answer = world.request(Op::Shrink(Some(1)), || bench.team().shrink(1));
    world.tell(0, usize::from(answer.is_ok()));
}

fn scenario(
    subject: Subject,
    what: &str,
    properties: &[&'static str],
    body: impl Fn(&Shared) + Send + Sync + 'static,
) -> Scenario {
    let preemptions = match what {
        "first-runs-and-fails" | "raised-meanwhile" => Some((4, BEGINS)),
        "two-threads-three-tasks" | "shrink-below-a-flood" => Some((
            4,
            "three tasks over two threads: unbounded was not seen to end",
        )),
        _ => None,
    };
    Scenario {
        name: format!("{}/{what}", subject.name()),
        subject,
        properties: properties.to_vec(),
        bounds: Bounds {
            preemptions,
            spurious: subject == Subject::PoolOfOneThread,
            exhaustive: false,
            quick: subject == Subject::PoolOfOneThread,
        },
        in_order: false,
        body: Box::new(body),
    }
}

pub(super) fn all() -> Vec<Scenario> {
    use Subject::{PoolOfOneThread, PoolOfTwoThreads};
    let first = |what: &str, first: First| {
        scenario(
            PoolOfOneThread,
            what,
            &["T1", "T8", "T9", "W1"],
            move |it| {
                first_fails(it, first);
            },
        )
    };
    vec![
        first("first-runs-and-fails", First::RunsAndFails),
        first("first-dropped-by-the-policy", First::DroppedByThePolicy),
        first("first-dropped", First::Dropped),
        first("first-dropped-and-fails", First::DroppedAndFails),
        scenario(
            PoolOfOneThread,
            "kept-and-dropped",
            &["T8", "W1"],
            kept_and_dropped,
        ),
        scenario(
            PoolOfOneThread,
            "raised-meanwhile",
            &["T3"],
            raised_meanwhile,
        ),
        scenario(PoolOfOneThread, "called-again", &["T9", "W1"], called_again),
        scenario(
            PoolOfOneThread,
            "dropped-by-its-own-task",
            &["H3", "T6", "T10"],
            dropped_by_its_own_task,
        ),
        scenario(
            PoolOfTwoThreads,
            "two-threads-three-tasks",
            &["T3", "T4", "T9", "W5"],
            two_threads_three_tasks,
        ),
        scenario(
            PoolOfTwoThreads,
            "shrink-below-a-flood",
            &["T5"],
            shrink_below_a_flood,
        ),
    ]
}
