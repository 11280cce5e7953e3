//! The controls: variants of our own code, each with one synchronisation removed or one classic bug
//! put in, that the scenarios were seen to reject. A check that never failed proves nothing.
//!
//! `controls [NAME…]`: for each file in `model-tests/controls`, copies the workspace below
//! `target/controls`, changes the copy as the file says, builds the explorers there, and runs the
//! scenarios that must reject it, under loom and under shuttle. Exits with 1 if one does not.
//!
//! A control file has `key: value` lines (`breaks`, the properties; `story`; one `scenario` or more;
//! perhaps `only: loom`, with the reason in the story) and then edits: a `file:` line, and the text to
//! replace between `<<<<`, `====` and `>>>>`. The text must stand in the file exactly once.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

use brigade_model_tests::report::Row;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[derive(Default)]
struct Control {
    name: String,
    breaks: String,
    story: String,
    only: Option<String>,
    scenarios: Vec<String>,
    edits: Vec<Edit>,
}

struct Edit {
    file: String,
    old: String,
    new: String,
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("controls: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let only: Vec<String> = std::env::args().skip(1).collect();
    let mut paths: Vec<PathBuf> = fs::read_dir("model-tests/controls")?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    let mut table = String::new();
    let (mut rejected, mut missed) = (0, 0);
    for path in paths {
        let control = parse(&path)?;
        if !only.is_empty() && !only.contains(&control.name) {
            continue;
        }
        println!("{}: {}", control.name, control.story);
        for engine in ["loom", "shuttle"] {
            if control.only.as_ref().is_some_and(|only| only != engine) {
                continue;
            }
            let explorer = build(&control, engine)?;
            for scenario in &control.scenarios {
                let began = Instant::now();
                let row = explore(&explorer, engine, scenario)?;
                let seconds = began.elapsed().as_secs_f64();
                let verdict = match &row.failure {
                    Some(failure) => {
                        rejected += 1;
                        format!(
                            "rejected after {} executions: {}",
                            failure.execution, failure.message
                        )
                    }
                    None => {
                        missed += 1;
                        format!("NOT REJECTED in {} executions", row.executions)
                    }
                };
                let line = format!(
                    "{}  [{}]  {scenario}  {}  {seconds:.1} s  {verdict}",
                    control.name, control.breaks, row.engine
                );
                println!("  {line}");
                writeln!(table, "{line}")?;
            }
        }
    }
    print!("\n{table}");
    println!("{rejected} rejected, {missed} not rejected");
    fs::write("target/controls.txt", table)?;
    Ok(missed == 0 && rejected > 0)
}

fn parse(path: &Path) -> Result<Control> {
    let text = fs::read_to_string(path)?;
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut control = Control {
        name,
        ..Control::default()
    };
    let mut file = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "<<<<" {
            let mut block = |end: &str| -> String {
                let lines = lines.by_ref().take_while(|line| *line != end);
                lines.map(|line| format!("{line}\n")).collect()
            };
            let (old, new) = (block("===="), block(">>>>"));
            let file = file.clone().ok_or(format!("{}: no file", path.display()))?;
            control.edits.push(Edit { file, old, new });
            continue;
        }
        let Some((key, value)) = line.split_once(": ") else {
            continue;
        };
        match key {
            "breaks" => value.clone_into(&mut control.breaks),
            "story" => value.clone_into(&mut control.story),
            "only" => control.only = Some(value.to_owned()),
            "scenario" => control.scenarios.push(value.to_owned()),
            "file" => file = Some(value.to_owned()),
            _ => return Err(format!("{}: what is `{key}`?", path.display()).into()),
        }
    }
    if control.scenarios.is_empty() || control.edits.is_empty() {
        return Err(format!("{}: no scenario or no edit", path.display()).into());
    }
    Ok(control)
}

/// Builds the explorer of `engine` from a copy of the workspace with the control's edits.
fn build(control: &Control, engine: &str) -> Result<PathBuf> {
    let copy = Path::new("target/controls/workspace");
    let _ = fs::remove_dir_all(copy);
    fs::create_dir_all(copy)?;
    for part in ["Cargo.toml", "Cargo.lock", "core", "model-tests"] {
        copy_all(Path::new(part), &copy.join(part))?;
    }
    for edit in &control.edits {
        let file = copy.join(&edit.file);
        let text = fs::read_to_string(&file)?;
        let found = text.matches(&edit.old).count();
        if found != 1 {
            let error = format!(
                "{}: the text stands {found} times in {}",
                control.name, edit.file
            );
            return Err(error.into());
        }
        fs::write(&file, text.replace(&edit.old, &edit.new))?;
    }
    let target = std::env::current_dir()?
        .join("target/controls")
        .join(engine);
    let status = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--locked",
            "--profile",
            "model",
            "-p",
            "brigade-model-tests",
        ])
        .args(["--bin", "explore", "--features", engine, "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", "-Awarnings")
        .current_dir(copy)
        .status()?;
    if !status.success() {
        return Err(format!("{}: the variant does not build", control.name).into());
    }
    Ok(target.join("model/explore"))
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    if !from.is_dir() {
        fs::copy(from, to)?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy_all(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Runs the scenario until it fails, by the ways of the engine in turn.
fn explore(explorer: &Path, engine: &str, scenario: &str) -> Result<Row> {
    let ways: &[&str] = match engine {
        "loom" => &["loom"],
        _ => &["shuttle-random", "shuttle-pct"],
    };
    let mut last = None;
    for way in ways {
        let mut command = Command::new(explorer);
        command.args(["run", scenario, "--way", way, "--executions", "100000"]);
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text
            .lines()
            .last()
            .ok_or(format!("{scenario}: the explorer said nothing"))?;
        let row: Row = serde_json::from_str(line)?;
        let failed = row.failure.is_some();
        last = Some(row);
        if failed {
            break;
        }
    }
    last.ok_or_else(|| "no way to explore".into())
}
