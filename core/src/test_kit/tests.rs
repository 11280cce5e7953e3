//! Tests of the kit itself, on real threads. That it finds something under the engines is tested in
//! `model-tests/downstream`.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::mpsc;

use super::lanes::Record;
use super::split_mix::SplitMix64;
use super::*;
use crate::primitives::{Arc, Mutex, thread};
use crate::{Handlers, ThreadPool};

/// A team with six tasks, each of which says its number, and a quit.
fn busy_team() -> (SteppedTeam, mpsc::Receiver<usize>) {
    let team = SteppedTeam::new(3);
    let (sender, numbers) = mpsc::channel();
    for number in 0..6 {
        let sender = sender.clone();
        let task = move || sender.send(number).unwrap();
        team.team().execute(task).unwrap();
    }
    team.team().quit().unwrap();
    (team, numbers)
}

/// The published first outputs for the seed 1234567.
#[test]
fn split_mix_is_split_mix() {
    let mut random = SplitMix64::new(1_234_567);
    let drawn = [random.next(), random.next(), random.next()];
    let published = [
        6_457_827_717_110_365_317,
        3_203_168_211_198_807_973,
        9_817_491_932_198_370_423,
    ];
    assert_eq!(drawn, published);
}

#[test]
fn a_seed_makes_the_same_run_again() {
    for seed in 0..50 {
        let (mut one, first) = busy_team();
        let (mut other, second) = busy_team();
        assert_eq!(one.run_seeded(seed), other.run_seeded(seed));
        assert!(first.try_iter().eq(second.try_iter()));
    }
}

#[test]
fn seeds_differ() {
    let runs = (0..50).map(|seed| {
        let (mut team, numbers) = busy_team();
        let schedule = team.run_seeded(seed).unwrap().to_string();
        (schedule, numbers.try_iter().collect::<Vec<_>>())
    });
    let (schedules, orders): (BTreeSet<_>, BTreeSet<_>) = runs.unzip();
    assert!(schedules.len() > 40, "{schedules:?}");
    assert!(orders.len() > 5, "{orders:?}");
}

#[test]
fn replay_of_a_printed_schedule_does_the_same() {
    for seed in 0..50 {
        let (mut team, numbers) = busy_team();
        let text = team.run_seeded(seed).unwrap().to_string();
        let (mut again, replayed) = busy_team();
        again.replay(&text.parse().unwrap()).unwrap();
        assert!(numbers.try_iter().eq(replayed.try_iter()), "{text}");
        assert_eq!(again.outstanding(), 0);
        assert_eq!(again.team().statistics(), team.team().statistics());
    }
}

#[test]
fn every_task_runs_once_in_every_order() {
    for seed in 0..200 {
        let (mut team, numbers) = busy_team();
        let schedule = team.run_seeded(seed).unwrap();
        let mut ran: Vec<_> = numbers.try_iter().collect();
        ran.sort_unstable();
        assert_eq!(ran, [0, 1, 2, 3, 4, 5], "seed {seed}: {schedule}");
        assert_eq!(team.outstanding(), 0, "seed {seed}: {schedule}");
        assert!(team.workers() <= 3);
    }
}

/// A task that no worker will ever take is told apart from a team that is done.
#[test]
fn a_task_that_never_runs_is_outstanding() {
    let mut team = SteppedTeam::new(0);
    team.team().execute(|| ()).unwrap();
    assert_eq!(team.outstanding(), 1);
    assert_eq!(team.run_seeded(1).unwrap().to_string(), "c");
    assert_eq!(team.outstanding(), 1);
    assert!(!team.step(0));
}

/// Two cooks who look before they take lose a dish in some orders, and in others they do not: seeds find
/// one that does, and its text does it again.
#[test]
fn a_lost_task_is_found_by_a_seed_and_replayed() {
    fn kitchen<'a>() -> (Steps<'a>, Rc<RefCell<Vec<usize>>>) {
        let orders = Rc::new(RefCell::new(VecDeque::from([1, 2])));
        let served = Rc::new(RefCell::new(Vec::new()));
        let mut steps = Steps::new();
        for cook in ["ada", "grace"] {
            let (orders, served) = (Rc::clone(&orders), Rc::clone(&served));
            let mut seen = None;
            let step = move || match seen.take() {
                None => {
                    seen = orders.borrow().front().copied();
                    seen.is_some()
                }
                Some(order) => {
                    orders.borrow_mut().pop_front();
                    served.borrow_mut().push(order);
                    true
                }
            };
            steps.add(cook, step).unwrap();
        }
        (steps, served)
    }
    let run = |seed| {
        let (mut steps, served) = kitchen();
        let schedule = steps.run_seeded(seed).unwrap();
        (schedule, served.take())
    };
    let runs: Vec<_> = (0..20).map(run).collect();
    let right = |served: &[usize]| served == [1, 2];
    assert!(runs.iter().any(|(_, served)| right(served)));
    let (schedule, served) = runs.iter().find(|(_, served)| !right(served)).unwrap();
    let (mut again, replayed) = kitchen();
    let text = schedule.to_string();
    text.parse::<Schedule>()
        .unwrap()
        .replay(&mut again)
        .unwrap();
    assert_eq!(*replayed.borrow(), *served, "{text}");
}

#[test]
fn bad_text_is_refused() {
    for (text, why) in [
        ("c,,0", "step 2: \"\" is no name"),
        ("c,0,", "step 3: \"\" is no name"),
        (",", "step 1: \"\" is no name"),
        ("c, 0 1", "step 2: \"0 1\" is no name"),
    ] {
        assert_eq!(text.parse::<Schedule>().unwrap_err().to_string(), why);
    }
    assert_eq!(" ".parse::<Schedule>().unwrap(), Schedule::default());
    assert_eq!("c , 0".parse::<Schedule>().unwrap().to_string(), "c,0");
}

#[test]
fn text_that_does_not_fit_is_refused() {
    for (text, why) in [
        ("0", "step 1: there is no `0`"),
        ("c,+0", "step 2: there is no `+0`"),
        ("c,loop", "step 2: there is no `loop`"),
        ("c,00", "step 2: there is no `00`"),
        ("c,0,0", "step 3: `0` has nothing to do"),
        ("c,c", "step 2: `c` has nothing to do"),
    ] {
        let mut team = SteppedTeam::new(1);
        team.team().execute(|| ()).unwrap();
        let schedule: Schedule = text.parse().unwrap();
        let refused = team.replay(&schedule).unwrap_err();
        assert_eq!(refused.to_string(), why, "{text}");
    }
}

#[test]
fn bad_names_are_refused() {
    let mut team = SteppedTeam::new(1);
    let mut steps = Steps::new();
    steps.with(&mut team);
    for name in ["", "a,b", "a b", "c", "\n"] {
        let refused = steps.add(name, || false).unwrap_err();
        assert!(refused.to_string().contains("cannot be the name"), "{name}");
    }
    steps.add("loop", || false).unwrap();
    assert_eq!(steps.add("loop", || true).unwrap_err(), {
        let mut other = Steps::new();
        other.add("loop", || true).unwrap();
        other.add("loop", || true).unwrap_err()
    });
    assert_eq!(steps.names(), ["c", "loop"]);
}

#[test]
fn what_never_ends_is_reported() {
    let mut steps = Steps::new();
    steps.add("busy", || true).unwrap();
    let never = steps.run_seeded(1).unwrap_err();
    assert_eq!(never.to_string(), "not quiet after 100000 steps");
    assert_eq!(never.schedule().steps().len(), 100_000);
}

/// A team and what stands for a loop, in one schedule.
#[test]
fn a_team_is_stepped_beside_other_things() {
    for seed in 0..50 {
        let mut team = SteppedTeam::new(2);
        let users = team.team().clone();
        let (sender, results) = mpsc::channel();
        let mut heard = Vec::new();
        let mut tasks = 0..4;
        let mut steps = Steps::new();
        steps.with(&mut team);
        steps
            .add("user", || {
                let Some(next) = tasks.next() else {
                    return false;
                };
                let sender = sender.clone();
                users.execute(move || sender.send(next).unwrap()).is_ok()
            })
            .unwrap();
        steps
            .add("loop", || match results.try_recv() {
                Ok(result) => {
                    heard.push(result);
                    true
                }
                Err(_) => false,
            })
            .unwrap();
        let schedule = steps.run_seeded(seed).unwrap();
        drop(steps);
        heard.sort_unstable();
        assert_eq!(heard, [0, 1, 2, 3], "seed {seed}: {schedule}");
        assert_eq!(team.outstanding(), 0);
    }
}

/// Dropped at every point of its work, it lets go of all that it was given.
#[test]
fn a_dropped_team_keeps_nothing() {
    for steps in 0..12 {
        let mine = Arc::new(());
        let abandoned = Arc::new(Mutex::new(0));
        let count = Arc::clone(&abandoned);
        let handlers = Handlers::new().on_abandoned(move |_| *count.lock() += 1);
        let mut team = SteppedTeam::with_handlers(2, handlers);
        for _ in 0..4 {
            let held = Arc::clone(&mine);
            team.team().execute(move || drop(held)).unwrap();
        }
        let mut random = SplitMix64::new(steps);
        for _ in 0..steps {
            let names = team.names();
            let _ = team.step_named(&names[random.below(names.len())]);
        }
        drop(team);
        assert_eq!(Arc::strong_count(&mine), 1, "after {steps} steps");
        assert_eq!(Arc::strong_count(&abandoned), 1, "after {steps} steps");
    }
}

#[test]
fn lanes_are_columns() {
    let mut record = Record::begun_by(7);
    assert_eq!(record.lanes(), "");
    record.note(7, Some("its name"), "starts");
    record.note(3, Some("worker"), "looks\nagain");
    record.note(4, Some("worker"), "takes");
    record.note(5, None, "ends");
    record.note(3, Some("worker"), "finds none");
    let lanes = "      main    worker       worker 2  thread\n\
                 \x20     ------  -----------  --------  ------\n\
                 \x20  1  starts\n\
                 \x20  2          looks again\n\
                 \x20  3                       takes\n\
                 \x20  4                                 ends\n\
                 \x20  5          finds none\n";
    assert_eq!(record.lanes(), lanes);
}

#[test]
fn an_exploration_runs_as_often_as_told() {
    let count = Arc::new(Mutex::new(0));
    let mine = Arc::clone(&count);
    let explored = Explorer::new().runs(7).run(move || *mine.lock() += 1);
    assert_eq!(explored.to_string(), "std: 7 executions, bounded");
    assert_eq!(*count.lock(), 7);
}

#[test]
fn a_failed_execution_is_shown() {
    let count = Arc::new(Mutex::new(0));
    let mine = Arc::clone(&count);
    let found = Explorer::new().try_run(move || {
        let mut count = mine.lock();
        *count += 1;
        note(format_args!("counts {}", *count));
        let other = thread::spawn("other", || note("passes by")).unwrap();
        other.join().unwrap();
        assert!(*count < 3, "three is too many");
    });
    let found = found.unwrap_err();
    assert_eq!(found.execution(), 3);
    assert!(
        found.message().starts_with("three is too many ("),
        "{found}"
    );
    assert!(
        found.to_string().contains("std: execution 3 failed"),
        "{found}"
    );
    let lanes = "      main      other\n\
                 \x20     --------  ---------\n\
                 \x20  1  counts 3\n\
                 \x20  2            passes by\n";
    assert_eq!(found.lanes(), lanes);
    // And the next is not touched by it.
    note("outside of any exploration");
    assert_eq!(Explorer::new().runs(1).run(|| ()).executions, 1);
}

/// The pool contains it, and nobody asks for the result.
#[test]
fn a_contained_panic_is_a_failure() {
    let body = |on_purpose: bool| {
        move || {
            let pool = ThreadPool::builder().sizes(0, 1).build().unwrap();
            pool.start().unwrap();
            let task = move || {
                note("about to panic");
                if on_purpose {
                    std::panic::panic_any(OnPurpose);
                }
                panic!("contained");
            };
            pool.execute(task).unwrap();
            pool.shutdown().unwrap();
        }
    };
    let found = Explorer::new().try_run(body(false)).unwrap_err();
    assert_eq!(found.execution(), 1);
    assert!(found.message().starts_with("contained ("), "{found}");
    assert!(found.lanes().contains("about to panic"), "{found}");
    Explorer::new().run(body(true));
}

#[test]
#[should_panic(expected = "std: execution 1 failed: wrong")]
fn a_run_that_fails_panics() {
    explore(|| panic!("wrong"));
}

#[test]
fn an_exploration_inside_is_a_part_of_the_outer() {
    let inside = || {
        let explored = Explorer::new().run(|| note("inside"));
        assert_eq!(explored.executions, 1);
        panic!("outside");
    };
    let found = Explorer::new().try_run(inside).unwrap_err();
    assert!(found.lanes().contains("inside"), "{found}");
    assert!(found.message().starts_with("outside"), "{found}");
}
