//! The planted bugs are found: each by a test that fails, which is ignored; and by a test that runs that
//! one in a process of its own, because an engine does not always survive what it finds, and asserts that
//! it fails for this very reason.

#![cfg(any(feature = "loom", feature = "shuttle"))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::process::Command;

use brigade::ThreadPool;
use brigade::primitives::{Arc, thread};
use brigade::test_kit::{Explorer, explore, note};
use brigade_downstream::planted::{LoadedTwice, WaitsForEver};

fn pool() -> ThreadPool {
    let pool = ThreadPool::builder().sizes(0, 1).build().unwrap();
    pool.start().unwrap();
    pool
}

fn two_who_ask_have_it_loaded_once() {
    let pool = pool();
    let cached = Arc::new(LoadedTwice::new(|| 42));
    let (theirs, pools) = (Arc::clone(&cached), pool.clone());
    let reader = thread::spawn("reader", move || {
        assert_eq!(theirs.get(&pools), Some(42));
        note("has the value");
    });
    assert_eq!(cached.get(&pool), Some(42));
    note("has the value");
    reader.unwrap().join().unwrap();
    pool.shutdown().unwrap();
}

#[test]
#[ignore = "it fails: it finds a planted bug"]
fn loaded_twice() {
    explore(two_who_ask_have_it_loaded_once);
}

#[test]
#[ignore = "it fails: it finds a planted bug"]
fn waits_for_ever() {
    // Without spurious wake-ups: one of them would end the wait, and the deadlock is there without.
    Explorer::new().early_wakes(false).run(|| {
        let pool = pool();
        let cached = WaitsForEver::new(|| 42);
        assert_eq!(cached.get(&pool), Some(42));
        note("has the value");
        pool.shutdown().unwrap();
    });
}

/// What an ignored test of this file wrote to standard error. It must have failed.
fn failing(test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{test} passed: {errors}");
    errors
}

/// Where each note stands in the lanes that were printed. It must be there.
fn place(report: &str, note: &str) -> Vec<usize> {
    let places: Vec<_> = report.match_indices(note).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "no {note:?} in:\n{report}");
    places
}

#[test]
fn a_check_then_act_is_found() {
    let report = failing("loaded_twice");
    assert!(report.contains("\nloaded twice ("), "{report}");
    // Each looked before it could see what the other did.
    let looked = place(&report, "looks: is empty");
    let loaded = place(&report, "has it loaded");
    let stored = place(&report, "stores the value");
    assert_eq!(
        (looked.len(), loaded.len(), stored.len()),
        (2, 2, 2),
        "{report}"
    );
    assert!(report.contains("reader"), "{report}");
}

#[test]
fn a_lost_wake_up_is_found() {
    let report = failing("waits_for_ever");
    assert!(report.contains("\ndeadlock"), "{report}");
    // It had looked, and then was told, and then waited.
    let looked = place(&report, "looks: not there yet");
    let stored = place(&report, "stores the value");
    let waits = place(&report, "waits to be told");
    assert!(looked[0] < stored[0], "{report}");
    assert!(!report.contains("has the value"), "{report}");
    assert_eq!(waits.len(), 1, "{report}");
}

/// The same settings come to the same execution, and print the same.
#[test]
fn a_failure_is_found_again() {
    let find = || Explorer::new().try_run(two_who_ask_have_it_loaded_once);
    let found = find().unwrap_err();
    assert_eq!(find().unwrap_err(), found);
    assert!(found.message().starts_with("loaded twice ("), "{found}");
}

/// The printed seed is what was asked for, and another one draws other schedules.
#[cfg(not(feature = "loom"))]
#[test]
fn seeds_are_used() {
    let find = |seed| {
        let found = Explorer::new()
            .seed(seed)
            .try_run(two_who_ask_have_it_loaded_once);
        let found = found.unwrap_err();
        assert!(
            found.to_string().contains(&format!("seed {seed}")),
            "{found}"
        );
        found.lanes().to_owned()
    };
    let mut all: Vec<_> = (0..20).map(find).collect();
    all.sort();
    all.dedup();
    assert!(all.len() > 1, "{all:?}");
}

/// The guide shows what is found, as it is printed.
#[cfg(feature = "loom")]
#[test]
fn the_guide_shows_these_counterexamples() {
    let guide = include_str!("../../../docs/testing-your-code.md");
    for test in ["loaded_twice", "waits_for_ever"] {
        let report = failing(test);
        let rows = report.lines().skip_while(|line| !line.contains("main"));
        let lanes: Vec<_> = rows.take_while(|line| !line.is_empty()).collect();
        assert!(lanes.len() > 4, "{report}");
        assert!(guide.contains(&lanes.join("\n")), "{report}");
    }
}
