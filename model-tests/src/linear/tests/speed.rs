//! How long a check takes.

use std::time::Instant;

use super::{History, Object, Op, Ret, accepted, check, did, ran};
use crate::linear::Numbers;

/// Threads give tasks at once, round by round; then one of them runs all. Until the runs, nothing tells
/// in which order a round's calls took effect.
fn crowded(threads: usize, rounds: usize) -> History {
    let mut history = History::new();
    for round in 0..rounds {
        for thread in 0..threads {
            history.call(thread, Op::Execute(round * threads + thread));
        }
        for thread in 0..threads {
            history.returned(thread, Ret::Ok);
        }
    }
    for round in 0..rounds {
        for thread in (0..threads).rev() {
            ran(&mut history, 0, round * threads + thread);
        }
    }
    history
}

/// The same, but the last two tasks of all, of which one was given after the other, run in the wrong
/// order: all orders are tried in vain.
fn hopeless(threads: usize, rounds: usize) -> History {
    let mut history = crowded(threads, rounds);
    let next = threads * rounds;
    accepted(&mut history, 0, next);
    accepted(&mut history, 0, next + 1);
    ran(&mut history, 0, next + 1);
    history
}

/// A team is asked for its numbers by one thread while the others give it tasks.
fn counted(rounds: usize) -> History {
    let mut history = History::new();
    for round in 0..rounds {
        for thread in 0..3 {
            history.call(thread, Op::Execute(round * 3 + thread));
        }
        let given = round * 3 + 2;
        let now = Numbers {
            accepted: given,
            backlogged: given,
            ..Numbers::default()
        };
        did(&mut history, 3, Op::Statistics, Ret::Numbers(now));
        for thread in 0..3 {
            history.returned(thread, Ret::Ok);
        }
    }
    history
}

/// What a scenario shows: execute, quit and perform beside each other.
fn typical() -> History {
    let mut history = History::new();
    history.call(0, Op::Execute(0));
    history.call(1, Op::Execute(1));
    history.returned(0, Ret::Ok);
    history.call(2, Op::Perform);
    history.call(0, Op::Quit);
    history.call(2, Op::Run(0));
    history.returned(1, Ret::Ok);
    history.call(1, Op::Execute(2));
    history.returned(0, Ret::Ok);
    history.returned(2, Ret::Done);
    history.returned(1, Ret::Refused);
    history.call(1, Op::Perform);
    history.returned(2, Ret::Ran(0));
    history.call(1, Op::Run(1));
    history.returned(1, Ret::Done);
    history.returned(1, Ret::Ran(1));
    did(&mut history, 0, Op::Perform, Ret::Ended);
    history.finish();
    history
}

#[test]
#[ignore = "prints figures; run it optimised, with --nocapture"]
fn a_check_takes_microseconds() {
    let team = Object::Team {
        limit: 2,
        in_order: false,
    };
    let histories = [
        (
            "memory worker, 9 operations on 3 threads",
            Object::MemoryWorker,
            typical(),
        ),
        (
            "thread worker, 16 operations on 4 threads",
            Object::ThreadWorker,
            crowded(4, 2),
        ),
        ("team, 16 operations on 4 threads", team, counted(4)),
        (
            "thread worker, 19 operations on 4 threads, broken",
            Object::ThreadWorker,
            hopeless(4, 2),
        ),
        (
            "thread worker, 35 operations on 4 threads, broken",
            Object::ThreadWorker,
            hopeless(4, 4),
        ),
    ];
    for (name, object, history) in histories {
        const TIMES: u32 = 1000;
        let begin = Instant::now();
        let explained = (0..TIMES)
            .filter(|_| check(&history, object).is_ok())
            .count();
        let each = begin.elapsed() / TIMES;
        println!("{name}: {each:?}, explained: {}", explained > 0);
        assert!(each.as_millis() < 10, "a check of {name} took {each:?}");
    }
}
