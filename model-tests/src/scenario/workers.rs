//! Each worker by itself: every pair of its operations on different threads, and the triple of
//! execute, quit and the run of a task.

use std::sync::Arc;

use brigade::{
    LockWorker, MemoryWorker, PanicHandler, Performed, Performer, Quit, SwapQueue, ThreadWorker,
    Worker, memory_worker_with, start_thread,
};

use super::bench::Leaving;
use super::{Bounds, Scenario, Subject};
use crate::engine::set_up_if_costly;
use crate::world::{Exclusive, Shared};

const COMPLETE: Bounds = Bounds {
    preemptions: None,
    spurious: true,
    exhaustive: true,
    quick: true,
};

fn on_panic(world: &Shared) -> PanicHandler {
    let world = Arc::clone(world);
    Arc::new(move |_| world.panic_reported())
}

/// What one actor does to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Execute,
    Quit,
    /// A task given before runs: performed by this actor, or on the worker's thread.
    Perform,
    /// A task that panics: given before, or given by this actor to a lock worker.
    Panic,
    /// Gives a task that gives another to the same worker.
    Nested,
    /// The last handle drops: every actor has one, and drops it when it is done.
    DropLast,
}

impl Op {
    fn name(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Quit => "quit",
            Self::Perform => "perform",
            Self::Panic => "panic",
            Self::Nested => "nested",
            Self::DropLast => "drop",
        }
    }

    fn properties(self) -> &'static [&'static str] {
        match self {
            Self::Execute => &["W2", "W4", "W5", "W6"],
            Self::Quit => &["W3", "W4"],
            Self::Perform => &["W6"],
            Self::Panic => &["W8"],
            Self::Nested => &["W6"],
            Self::DropLast => &["H3"],
        }
    }
}

/// A worker under test, and what drives it.
struct Solo<W> {
    world: Shared,
    /// `None` once every actor has a handle of its own.
    worker: Option<W>,
    performer: Option<Performer>,
    exclusive: Arc<Exclusive>,
}

impl<W: Worker + Clone> Solo<W> {
    fn submit(&self, worker: &W, op: Op) {
        let exclusive = Arc::clone(&self.exclusive);
        match op {
            Op::Panic => {
                self.world.submit_panicking(|task| worker.execute(task));
            }
            Op::Nested => {
                let inner = self.world.clone_handle(worker);
                let body = move |world: &Shared| {
                    let within = Arc::clone(&exclusive);
                    let nest =
                        || world.submit_task(|task| inner.execute(task), move |_| within.pass());
                    exclusive.hold(nest);
                    world.drop_handle(inner);
                };
                self.world.submit_task(|task| worker.execute(task), body);
            }
            _ => {
                let body = move |_: &Shared| exclusive.pass();
                self.world.submit_task(|task| worker.execute(task), body);
            }
        }
    }
}

fn run<W: Worker + Clone>(solo: Solo<W>, ops: &[Op], runs_at_once: bool) {
    let mut solo = solo;
    let threads = solo.performer.is_none() && !runs_at_once;
    let worker = solo.worker.take().expect("a new bench has its handle");
    for op in ops {
        if !runs_at_once && matches!(op, Op::Perform | Op::Panic) {
            solo.submit(&worker, *op);
        }
    }
    let drops = ops.contains(&Op::DropLast);
    let mut actors: Vec<(Op, Option<W>)> = ops
        .iter()
        .filter(|op| !(threads && matches!(op, Op::Perform | Op::Panic)))
        .map(|op| (*op, drops.then(|| solo.world.clone_handle(&worker))))
        .collect();
    if drops {
        solo.world.drop_handle(worker);
    } else {
        solo.worker = Some(worker);
    }
    let stage = Leaving::new(solo, |solo: &Solo<W>| {
        if let Some(worker) = &solo.worker
            && !solo.world.has_quit()
        {
            solo.world.quit(|| worker.quit());
        }
        if let Some(performer) = &solo.performer {
            drain(&solo.world, performer);
        }
    });
    let act = move |(op, handle): (Op, Option<W>)| {
        move |solo: &Solo<W>| {
            let worker = handle.as_ref().or(solo.worker.as_ref()).expect("a handle");
            match op {
                Op::Execute | Op::Nested => solo.submit(worker, op),
                Op::Quit => solo.world.quit(|| worker.quit()),
                Op::Perform | Op::Panic if runs_at_once => solo.submit(worker, op),
                Op::Perform | Op::Panic => {
                    let performer = solo.performer.as_ref();
                    let perform =
                        |performer: &Performer| solo.world.perform(|| performer.perform());
                    let performed = performer.map(perform);
                    if performed == Some(Performed::Ended) {
                        solo.world.performer_ended();
                    }
                    solo.world
                        .tell(0, usize::from(performed.is_some_and(Performed::ran)));
                }
                Op::DropLast => {}
            }
            if let Some(handle) = handle {
                solo.world.drop_handle(handle);
            }
        }
    };
    let own = actors.pop();
    for actor in actors {
        stage.spawn(act(actor));
    }
    match own {
        Some(actor) => stage.act(act(actor)),
        None => stage.act(|_| {}),
    }
}

pub(super) fn drain(world: &Shared, performer: &Performer) {
    while world.perform(|| performer.perform()).ran() {}
}

fn solo<W>(world: &Shared, worker: W, performer: Option<Performer>) -> Solo<W> {
    Solo {
        world: Arc::clone(world),
        worker: Some(worker),
        performer,
        exclusive: Exclusive::new(),
    }
}

fn run_on(world: &Shared, subject: Subject, ops: &[Op]) {
    match subject {
        Subject::Memory => {
            let (worker, performer) = memory_worker_with(on_panic(world));
            run::<MemoryWorker>(solo(world, worker, Some(performer)), ops, false);
        }
        Subject::Lock => {
            let worker = LockWorker::with_panic_handler(on_panic(world));
            run(solo(world, worker, None), ops, true);
        }
        _ => {
            let start = |body| start_thread("worker", body);
            let queue = SwapQueue::new();
            let make = || ThreadWorker::with(start, queue, on_panic(world));
            let worker = set_up_if_costly(make).expect("a thread starts");
            run(solo(world, worker, None), ops, false);
        }
    }
}

fn scenario(subject: Subject, ops: Vec<Op>) -> Scenario {
    let names: Vec<&str> = ops.iter().map(|op| op.name()).collect();
    let kind = if ops.len() == 2 { "pair" } else { "triple" };
    let mut properties = vec!["W1"];
    properties.extend(ops.iter().flat_map(|op| op.properties()));
    properties.extend([match subject {
        Subject::Memory => "M2",
        Subject::Lock => "L3",
        _ => "H2",
    }]);
    properties.sort_unstable();
    properties.dedup();
    Scenario {
        name: format!("{}/{kind}-{}", subject.name(), names.join("-")),
        subject,
        properties,
        bounds: COMPLETE,
        in_order: false,
        body: Box::new(move |world| run_on(world, subject, &ops)),
    }
}

/// Two threads quit; one wins, and whoever loses sees what the winner did before.
fn two_quits(world: &Shared) {
    let quit = Quit::new();
    let stage = Leaving::new((Arc::clone(world), quit), |_| {});
    let act = |(world, quit): &(Shared, Quit)| world.quit(|| quit.set());
    stage.spawn(act);
    stage.act(act);
}

/// An execute races a quit that is followed by a perform: if that says the end, it was.
fn ended_is_the_end(world: &Shared) {
    let (worker, performer) = memory_worker_with(on_panic(world));
    let bench = (Arc::clone(world), worker, performer);
    type Bench = (Shared, MemoryWorker, Performer);
    let stage = Leaving::new(bench, |(world, _, performer)| drain(world, performer));
    stage.spawn(|(world, worker, _): &Bench| {
        world.submit(|task| worker.execute(task));
    });
    stage.act(|(world, worker, performer)| {
        world.quit(|| worker.quit());
        if world.perform(|| performer.perform()) == Performed::Ended {
            world.performer_ended();
        }
    });
}

/// Nobody quits the worker but the task that it is given: if the thread sleeps through that, it sleeps
/// for ever.
fn ends_by_its_own_task(world: &Shared) {
    let start = |body| start_thread("worker", body);
    let worker = ThreadWorker::with(start, SwapQueue::new(), on_panic(world));
    let worker = Arc::new(worker.expect("a thread starts"));
    let inner = Arc::clone(&worker);
    let body = move |world: &Shared| world.quit(|| inner.quit());
    world.submit_task(|task| worker.execute(task), body);
}

pub(super) fn all() -> Vec<Scenario> {
    let mut all = vec![Scenario {
        name: "quit/pair-quit-quit".into(),
        subject: Subject::Quit,
        properties: vec!["W3"],
        bounds: COMPLETE,
        in_order: false,
        body: Box::new(two_quits),
    }];
    all.push(Scenario {
        name: "memory/ended-is-the-end".into(),
        subject: Subject::Memory,
        properties: vec!["M2", "W1", "W4"],
        bounds: COMPLETE,
        in_order: false,
        body: Box::new(ended_is_the_end),
    });
    all.push(Scenario {
        name: "thread/ends-by-its-own-task".into(),
        subject: Subject::Thread,
        properties: vec!["H2", "T9", "W1"],
        bounds: COMPLETE,
        in_order: false,
        body: Box::new(ends_by_its_own_task),
    });
    use Op::{DropLast, Execute, Nested, Panic, Perform, Quit};
    for subject in [Subject::Memory, Subject::Lock, Subject::Thread] {
        let ops: &[Op] = match subject {
            Subject::Lock => &[Execute, Quit, Panic, Nested, DropLast],
            _ => &[Execute, Quit, Perform, Panic, Nested, DropLast],
        };
        for (at, first) in ops.iter().enumerate() {
            for second in &ops[at..] {
                all.push(scenario(subject, vec![*first, *second]));
            }
        }
        all.push(scenario(subject, vec![Execute, Quit, Perform]));
        all.push(scenario(subject, vec![Execute, Execute, Quit]));
        all.push(scenario(subject, vec![Execute, Quit, Quit]));
    }
    all
}
