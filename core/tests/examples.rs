//! Each example is run, and prints what it is to print. Its own assertions make it fail otherwise.
//! (`digest` has its own tests.)

#![cfg(not(any(feature = "loom", feature = "shuttle")))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests"
)]

use std::io::Write as _;
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

/// What an example prints that is given this input.
fn run(name: &str, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(example(name));
    let command = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let pid = child.id().to_string();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    thread::spawn(move || {
        // An `Err`: it wants no more.
        let _ = stdin.write_all(input.as_bytes());
    });
    let (send, output) = mpsc::channel();
    thread::spawn(move || send.send(child.wait_with_output()));
    let Ok(output) = output.recv_timeout(PATIENCE) else {
        let _ = Command::new("kill").args(["-KILL", &pid]).status();
        panic!("{name} hangs");
    };
    let output = output.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn prints(name: &str, expected: &[&str]) {
    let printed = run(name, &[], "");
    assert_eq!(printed.lines().collect::<Vec<_>>(), expected);
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

#[test]
fn call_from_thread() {
    prints(
        "call_from_thread",
        &[
            "anna: [1, 2, 3]",
            "bela: [1, 2, 3]",
            "carl: [1, 2, 3]",
            "too late: the event loop takes no more calls",
            "the late call, on another loop",
        ],
    );
}

#[test]
fn call_in_thread() {
    prints(
        "call_in_thread",
        &[
            "before it runs: 0 threads",
            "one has been written, three has been written, two has been written",
            "done: 4 of 4",
            "too late: the thread pool takes no more work",
        ],
    );
}

#[test]
fn defer_to_thread() {
    prints(
        "defer_to_thread",
        &[
            "7: 49",
            "seven: the task panicked: a number: ParseIntError { kind: InvalidDigit }",
            "words: 6",
            "too late: the event loop ended before the deferred call did",
        ],
    );
}

#[test]
fn blocking_call_from_thread() {
    prints(
        "blocking_call_from_thread",
        &[
            "a value: 42",
            "a future's output: 13",
            "an error: the call panicked: a number: ParseIntError { kind: InvalidDigit }",
            "on the loop's own thread: refused, handed back, and run at once",
            "for ever: the event loop stopped before the call had ended",
        ],
    );
}

#[test]
fn call_multiple_in_thread() {
    prints(
        "call_multiple_in_thread",
        &[
            "unpack: done",
            "the task panicked: no space left",
            "tidy up: done",
        ],
    );
}

#[test]
fn thread_pool() {
    prints(
        "thread_pool",
        &[
            "(3, 3) threads, 0 made",
            "sum of squares: 338350",
            "100 done, by 3 threads",
            "none: a thread pool needs a maximum of at least one thread",
            "(1, 1) threads",
            "the loop has ended, its pool is Ended",
        ],
    );
}

#[test]
fn on_tokio() {
    prints(
        "on_tokio",
        &[
            "deferred: true",
            "calls from a thread: 1000",
            "the timer went on: true",
        ],
    );
}

#[test]
fn on_mio() {
    prints("on_mio", &["squares: [9, 16, 25]"]);
}

/// A thousand names: what is to be printed for each, before an error's text.
fn names() -> Vec<(String, &'static str)> {
    // None of these asks a network: a label has 63 characters at most, and no name a zero.
    let too_long = "x".repeat(64);
    (0..1000)
        .map(|number| match number % 5 {
            0 => ("localhost".into(), "127.0.0.1"),
            1 => (format!("127.0.{}.{}", number / 250, number % 250), ""),
            2 => ("::1".into(), "::1"),
            3 => (format!("{number}.{too_long}"), "failed to lookup address"),
            _ => (format!("{number}\0"), "file name contained"),
        })
        .collect()
}

/// Runs `resolve`; gives the lines about names, and the numbers of the last line: names, and those looked up on
/// the loop's thread. How often it ticks depends on the machine: it may have done before the first tick.
fn resolve(arguments: &[&str]) -> (Vec<String>, [usize; 2]) {
    let input: String = names()
        .iter()
        .map(|(name, _)| format!("{name}\n"))
        .collect();
    let printed = run("resolve", arguments, &input);
    let mut lines: Vec<String> = printed.lines().map(str::to_owned).collect();
    let last = lines.pop().unwrap();
    let words: Vec<&str> = last.split([' ', ';']).filter(|it| !it.is_empty()).collect();
    let number = |before: &str| -> usize {
        let at = words.iter().position(|word| *word == before).unwrap();
        words[at - 1].trim_end_matches(',').parse().unwrap()
    };
    let numbers = [number("names,"), number("looked")];
    let longest: f64 = words[words.len() - 2].parse().unwrap();
    assert!(longest > 0.0 && last.ends_with(" ms"), "{last}");
    (lines, numbers)
}

fn is_answer(line: &str, name: &str, begin: &str) -> bool {
    let answer = line.strip_prefix(name).and_then(|it| it.strip_prefix(": "));
    let begin = if begin.is_empty() { name } else { begin };
    // A machine may know its own name by several addresses.
    answer.is_some_and(|answer| answer.split(", ").any(|it| it.starts_with(begin)))
}

/// In whatever order they come, each name has its answer, and the loop made no lookup.
#[test]
fn resolve_looks_up_elsewhere() {
    let (mut lines, numbers) = resolve(&[]);
    assert_eq!(numbers, [1000, 0]);
    assert_eq!(lines.len(), 1000);
    for (name, begin) in names() {
        let at = lines.iter().position(|line| is_answer(line, &name, begin));
        lines.swap_remove(at.unwrap_or_else(|| panic!("no answer for {name}")));
    }
}

#[test]
fn resolve_on_the_loop() {
    let (lines, numbers) = resolve(&["--on-the-loop"]);
    assert_eq!(numbers, [1000, 1000]);
    assert_eq!(lines.len(), 1000);
    for (line, (name, begin)) in lines.iter().zip(names()) {
        assert!(is_answer(line, &name, begin), "{name}: {line}");
    }
}

#[test]
fn resolve_without_input_ends() {
    let printed = run("resolve", &[], "");
    assert!(printed.starts_with("0 names, 0 looked up"), "{printed}");
}
