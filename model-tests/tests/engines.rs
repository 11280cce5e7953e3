//! A test for each scenario of the quick subset, explored by the engine of this build: loom with
//! `cargo test --features loom`, shuttle with `--features shuttle`, else real threads. Each runs in a
//! process of its own, because an engine may end a failing one by aborting it.
//!
//! `BRIGADE_DEEP=1` takes all scenarios, with no preemption bound, for `make verify-deep`.

use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let mut args = Arguments::from_args();
    // Each exploration keeps one core busy.
    if args.test_threads.is_none() {
        args.test_threads = std::thread::available_parallelism().ok().map(usize::from);
    }
    let deep = std::env::var_os("BRIGADE_DEEP").is_some();
    let mut list = Command::new(env!("CARGO_BIN_EXE_explore"));
    list.arg("list").args((!deep).then_some("--quick"));
    let list = list.output().expect("the explorer lists its scenarios");
    let trials: Vec<Trial> = String::from_utf8_lossy(&list.stdout)
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(scenario, way)| {
            let (name, way) = (scenario.to_owned(), way.to_owned());
            Trial::test(format!("{way}::{name}"), move || explore(&name, &way, deep))
        })
        .collect();
    assert!(!trials.is_empty(), "the explorer lists scenarios");
    libtest_mimic::run(&args, trials).exit();
}

fn explore(scenario: &str, way: &str, deep: bool) -> Result<(), Failed> {
    let mut explorer = Command::new(env!("CARGO_BIN_EXE_explore"));
    explorer.args(["run", scenario, "--way", way]);
    // The full numbers are `make verify`'s.
    let executions = if deep { "1000000" } else { "1000" };
    explorer.args(["--executions", executions]);
    if deep {
        explorer.args(["--preemptions", "none"]);
        if let Ok(seconds) = std::env::var("BRIGADE_DEEP_SECONDS") {
            explorer.args(["--seconds", &seconds]);
        }
    }
    let output = explorer.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{text}");
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{text}\n{}", String::from_utf8_lossy(&output.stderr)).into())
}
