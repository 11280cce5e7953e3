//! Each example is run, and prints what it is to print. Its own assertions make it fail otherwise.
//! (`digest` has its own tests.)

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests"
)]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long an example may take before it counts as hung.
const PATIENCE: Duration = Duration::from_secs(60);

/// The built example: cargo puts it next to the folder of the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let example = target.join("examples").join(name);
    assert!(
        example.exists(),
        "without it among the targets, first: cargo build --examples"
    );
    example
}

fn prints(name: &str, expected: &[&str]) {
    let mut command = Command::new(example(name));
    let command = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let (send, output) = mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = output.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
        panic!("{name} hangs");
    };
    let output = output.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {errors}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected, "{errors}");
}

#[test]
fn results() {
    prints(
        "results",
        &[
            "words: [6, 2, 2]",
            "the task panicked: a number: ParseIntError { kind: InvalidDigit }",
            "the others: 4",
            "not yet",
            "now: 42",
            "awaited: SOME TEXT",
        ],
    );
}

#[test]
fn callbacks() {
    prints(
        "callbacks",
        &[
            "unwanted: the task was cancelled before it began",
            "broken: the task panicked: a number: ParseIntError { kind: InvalidDigit }",
            "square: 49",
            "late: the task was dropped before it began",
        ],
    );
}

#[test]
fn cancelling() {
    prints(
        "cancelling",
        &[
            "waiting: 2",
            "waiting: 1",
            "first: the task was cancelled before it began",
            "second: second",
            "kept: run by who was given it",
            "dropped: the task was dropped before it began",
        ],
    );
}

#[test]
fn scope() {
    prints(
        "scope",
        &[
            r#"3 lines, longest words: ["returns", "tasks", "over"]"#,
            "sorted: [1, 2, 2] … [1007, 1008, 1008]",
            "after the end: [0, 1, 3]",
        ],
    );
}

#[test]
fn wedge() {
    prints(
        "wedge",
        &[
            "joined in place: 14",
            "received in a blocking section: 7",
            "stalled: task 1 runs, 1 waits for one of 1 threads",
            "received with one thread more: 7",
        ],
    );
}

#[test]
fn context_span() {
    prints(
        "context_span",
        &[
            "main: request{id=7}: asked",
            "plain-1: hashing",
            "plain-1: idle",
            "main: request{id=7}: asked",
            "carrying-1: request{id=7}: hashing",
            "carrying-1: idle",
        ],
    );
}
