//! Every pair of operations on different threads, and the triples of execute, quit and the
//! coordinator, for each kind of team.

use std::sync::atomic::Ordering;

use brigade::AlreadyQuit;

use super::bench::{AnyTeam, Bench, Leaving};
use super::{Bounds, Scenario, Subject};
use crate::engine::set_up;
use crate::linear::Op as LinearOp;
use crate::world::Shared;

/// What one actor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Execute,
    Quit,
    Grow,
    Shrink,
    Statistics,
    /// A task given before ends: on its thread, or performed by this actor.
    End,
    /// The same, and it panics.
    Panic,
    /// An execute for which a worker is made.
    Make,
    /// An execute for which a worker fails to be made.
    FailMake,
    /// The last handle drops: every actor has one, and drops it when it is done.
    DropLast,
    /// A step of a coordinator that is stepped by hand.
    Coordinate,
}

const OPS: [Op; 10] = [
    Op::Execute,
    Op::Quit,
    Op::Grow,
    Op::Shrink,
    Op::Statistics,
    Op::End,
    Op::Panic,
    Op::Make,
    Op::FailMake,
    Op::DropLast,
];

impl Op {
    fn name(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Quit => "quit",
            Self::Grow => "grow",
            Self::Shrink => "shrink",
            Self::Statistics => "statistics",
            Self::End => "end",
            Self::Panic => "panic",
            Self::Make => "make",
            Self::FailMake => "failmake",
            Self::DropLast => "drop",
            Self::Coordinate => "coordinate",
        }
    }

    fn properties(self) -> &'static [&'static str] {
        match self {
            Self::Execute => &["W2", "W4", "W5"],
            Self::Quit => &["W3", "W4", "T6", "T7"],
            Self::Grow => &["T1", "T3", "T5"],
            Self::Shrink => &["T5"],
            Self::Statistics => &["T2"],
            Self::End => &["T2", "T3"],
            Self::Panic => &["W8"],
            Self::Make => &["T1", "T3"],
            Self::FailMake => &["T8"],
            Self::DropLast => &["H3", "T6"],
            Self::Coordinate => &["W9", "T2"],
        }
    }

    /// Whether it needs a worker that is not there yet.
    fn makes(self) -> bool {
        matches!(self, Self::Grow | Self::Make | Self::FailMake)
    }

    fn act(self, bench: &Bench, team: &AnyTeam) {
        match self {
            Self::Execute | Self::Make | Self::FailMake => {
                bench.world.submit(|task| team.execute(task));
            }
            Self::Quit => bench.world.quit(|| team.quit()),
            Self::Grow => tell(bench, self, LinearOp::Grow(1), || team.grow(1)),
            Self::Shrink => {
                tell(bench, self, LinearOp::Shrink(Some(1)), || team.shrink(1));
            }
            Self::Statistics => {
                let now = bench.check_statistics(team);
                bench
                    .world
                    .tell(self as usize, now.busy * 10 + now.backlogged);
            }
            Self::End | Self::Panic => {
                // Threads do this by themselves; memory workers are performed.
                bench.performers.perform(0);
            }
            Self::Coordinate => {
                bench.coordinate();
            }
            Self::DropLast => {}
        }
    }
}

fn tell(bench: &Bench, op: Op, call: LinearOp, ask: impl FnOnce() -> Result<(), AlreadyQuit>) {
    let answer = bench.world.request(call, ask);
    bench.world.tell(op as usize, usize::from(answer.is_ok()));
}

fn run(world: &Shared, subject: Subject, ops: &[Op]) {
    let threads = subject.threads().is_some();
    let workers = subject.threads().unwrap_or(2);
    let makes = ops.iter().filter(|op| op.makes()).count();
    let mut bench = Bench::new(world, subject, workers);
    let at_start = workers.saturating_sub(makes);
    let call = LinearOp::Grow(at_start);
    let grow = || tell(&bench, Op::Grow, call, || bench.team().grow(at_start));
    if subject.threads() == Some(2) || subject.is_pool() {
        // These scenarios begin when all workers sleep. How a worker's start races with its first
        // task is explored with one worker; a pool's, where it is made for that task.
        set_up(grow);
    } else {
        grow();
    }
    bench.settle();

    let ends = ops.iter().filter(|op| matches!(op, Op::End | Op::Panic));
    let mut before: Vec<bool> = ends.map(|op| *op == Op::Panic).collect();
    let submits = |op: &&Op| matches!(op, Op::Execute | Op::Make | Op::FailMake);
    if before.is_empty() && makes > 0 && ops.iter().filter(submits).count() == 1 {
        // A worker is made for a task only if those that there are, are busy.
        before = vec![false; at_start];
    }
    for panics in before {
        if panics {
            world.submit_panicking(|task| bench.team().execute(task));
        } else {
            world.submit(|task| bench.team().execute(task));
        }
    }
    if !ops.contains(&Op::Coordinate) {
        bench.settle();
    }
    if ops.contains(&Op::FailMake) {
        bench.plan.failures.store(1, Ordering::SeqCst);
    }

    // With `DropLast` each actor has a handle of its own, and the last drop is the quit; else all
    // use one, and the last actor out quits.
    let shared = bench.team.take().expect("a new bench has its handle");
    let drops = ops.contains(&Op::DropLast);
    let mut actors: Vec<(Op, Option<AnyTeam>)> = ops
        .iter()
        // A task that ends on a thread of the team needs no actor.
        .filter(|op| !(threads && matches!(op, Op::End | Op::Panic)))
        .map(|op| (*op, drops.then(|| world.clone_handle(&shared))))
        .collect();
    if drops {
        world.drop_handle(shared);
    } else {
        bench.team = Some(shared);
    }
    let stage = Leaving::new(bench, |bench| {
        // A second quit would only add executions; that it is refused has scenarios of its own.
        if bench.team.is_some() && !bench.world.has_quit() {
            bench.quit();
        }
        bench.drain();
    });
    let act = |(op, handle): (Op, Option<AnyTeam>)| {
        move |bench: &Bench| {
            op.act(
                bench,
                handle.as_ref().or(bench.team.as_ref()).expect("a handle"),
            );
            if let Some(handle) = handle {
                bench.world.drop_handle(handle);
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

fn scenario(subject: Subject, kind: &str, ops: Vec<Op>) -> Scenario {
    let names: Vec<&str> = ops.iter().map(|op| op.name()).collect();
    let mut properties: Vec<&str> = vec!["W1", "T9", "T10"];
    properties.extend(ops.iter().flat_map(|op| op.properties()));
    properties.sort_unstable();
    properties.dedup();
    let two = subject.threads() == Some(2);
    let under_lock = matches!(
        subject,
        Subject::TeamOfOneThreadUnderLock | Subject::TeamOfTwoThreadsUnderLock
    );
    let fails = ops.iter().any(|op| matches!(op, Op::Panic | Op::FailMake));
    let makes = match ops[..] {
        [Op::Execute, Op::Grow] => true,
        [other, Op::Make] => !matches!(other, Op::Grow | Op::End),
        _ => false,
    };
    let preemptions = match (two, kind) {
        _ if subject.is_pool() => pool_bound(subject, &ops),
        (true, "pair") if fails => Some((
            4,
            "two workers' ends beside a failure: unbounded takes hours",
        )),
        (true, "triple") => Some((4, "five threads: unbounded takes hours")),
        (true, _) if under_lock && makes => Some((
            4,
            "a second worker made under a lock within a lock: unbounded takes minutes each; \
             without a bound under the team's own lock, as in a pool",
        )),
        (_, "triple") if under_lock => Some((
            4,
            "two submitters within a lock within a lock: unbounded takes minutes each; \
             without a bound under the team's own lock, as in a pool",
        )),
        _ => None,
    };
    Scenario {
        name: format!("{}/{kind}-{}", subject.name(), names.join("-")),
        subject,
        properties,
        bounds: Bounds {
            preemptions,
            spurious: kind == "pair"
                && match subject {
                    Subject::TeamOfOneThread => true,
                    // Where a thread begins, what that adds takes minutes without a bound.
                    Subject::PoolOfOneThread => preemptions.is_some() || !begins(&ops),
                    _ => false,
                },
            exhaustive: matches!(subject, Subject::TeamOfMemory | Subject::TeamStepped)
                && kind == "pair",
            quick: !two && !under_lock && kind == "pair" && ops.iter().all(|op| QUICK.contains(op)),
        },
        in_order: subject.threads() == Some(1),
        body: Box::new(move |world| run(world, subject, &ops)),
    }
}

/// Whether a thread begins while all this goes on.
fn begins(ops: &[Op]) -> bool {
    ops.iter().any(|op| op.makes()) || ops == [Op::Execute, Op::Shrink]
}

/// loom's bound for a pool: what is complete without one takes at most some seconds.
fn pool_bound(subject: Subject, ops: &[Op]) -> Option<(usize, &'static str)> {
    use Op::{End, Execute, FailMake, Grow, Make, Panic, Quit, Shrink, Statistics};
    if subject.threads() == Some(2) {
        return match ops {
            [End, FailMake] => None,
            [Execute | End | Panic, Execute | End | Panic] => Some((
                4,
                "two threads fetch two tasks, and rest or leave: unbounded takes minutes",
            )),
            [Execute, Grow] | [Quit | Shrink | Statistics, Make] => Some((
                3,
                "a second thread begins while the first is called: 4 preemptions take a minute",
            )),
            [one, other] if one.makes() || other.makes() => Some((
                4,
                "a second thread begins while the first works: unbounded takes minutes",
            )),
            [_, _] => None,
            _ => Some((4, "five threads: unbounded takes hours")),
        };
    }
    match ops {
        [Execute | Grow, Grow | Make]
        | [End | Panic, Make | FailMake]
        | [Make, Make]
        | [FailMake, FailMake] => Some((
            4,
            "the thread begins while both are asked for: unbounded takes minutes",
        )),
        [Execute, Execute, _] | [Execute, Quit, End] => {
            Some((4, "two tasks beside the quit: unbounded takes minutes"))
        }
        _ => None,
    }
}

/// The quick subset has to end within minutes, unoptimised.
const QUICK: [Op; 4] = [Op::Execute, Op::Quit, Op::End, Op::Coordinate];

/// All multisets of `size` of `ops`.
fn multisets(ops: &[Op], size: usize) -> Vec<Vec<Op>> {
    if size == 0 {
        return vec![vec![]];
    }
    let from = |at: usize| {
        let rest = multisets(&ops[at..], size - 1);
        rest.into_iter().map(move |mut set| {
            set.insert(0, ops[at]);
            set
        })
    };
    (0..ops.len()).flat_map(from).collect()
}

pub(super) fn all() -> Vec<Scenario> {
    let mut all = Vec::new();
    for subject in [
        Subject::TeamOfMemory,
        Subject::TeamStepped,
        Subject::TeamOfOneThread,
        Subject::TeamOfTwoThreads,
        Subject::TeamOfOneThreadUnderLock,
        Subject::TeamOfTwoThreadsUnderLock,
        Subject::PoolOfOneThread,
        Subject::PoolOfTwoThreads,
    ] {
        let stepped = subject == Subject::TeamStepped;
        let mut ops = OPS.to_vec();
        ops.extend(stepped.then_some(Op::Coordinate));
        for pair in multisets(&ops, 2) {
            all.push(scenario(subject, "pair", pair));
        }
        // The coordinator's own share is a task's end: the step that reports it. Where it is stepped
        // by hand, it is that step.
        let coordinator = if stepped { Op::Coordinate } else { Op::End };
        for triple in multisets(&[Op::Execute, Op::Quit, coordinator], 3) {
            let some = |op| triple.contains(&op);
            if some(Op::Execute) && some(Op::Quit) {
                all.push(scenario(subject, "triple", triple));
            }
        }
    }
    all
}
