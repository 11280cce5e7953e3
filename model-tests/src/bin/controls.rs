//! The controls: known-bad variants that the scenarios must be seen to reject. A check that never
//! failed shows nothing.
//!
//! `controls [--markdown FILE] [NAME…]`: for each file in `model-tests/controls`, copies the workspace
//! below `target/controls`, changes the copy as the file says, builds the explorers there, and runs
//! the scenarios that must reject it, under loom and under shuttle. Writes `target/controls.json`, and
//! with `--markdown` a page and the same as JSON beside it.
//! Exits with 1 if a scenario does not reject its control, if less than nine in ten of the catalogue
//! are rejected by both engines, or if a subject has fewer than three synchronisations removed.
//!
//! A control file has `key: value` lines:
//!
//! | key | says |
//! |---|---|
//! | `breaks` | the ids of the properties it breaks |
//! | `removes` | the synchronisation of ours that is gone, where it is one |
//! | `seen` | where it happened in the world |
//! | `story` | what is wrong |
//! | `scenario` | which must reject it; one line each |
//! | `only` | the one engine that can see it, with the reason |
//!
//! Then what it changes: a `file:` line and the text to replace, between `<<<<`, `====` and `>>>>`
//! (it must stand in the file exactly once); or `replace: FILE with: PORT`, a whole file.
//!
//! A rejection counts only if it is for what the control breaks: the message begins with one of those
//! ids, or it is a race (W5, W6), or a deadlock or a world that is never released where that is how
//! the property fails.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use brigade_model_tests::report::{Failure, Row};
use serde::Serialize;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const FOLDER: &str = "model-tests/controls";
const ENGINES: [&str; 2] = ["loom", "shuttle"];
/// For all explorations of one control together.
const SECONDS: u64 = 60;
/// For each way of choosing schedules that does not end by itself.
const SCHEDULES: &str = "100000";

/// At least this many synchronisations are removed from each.
const REMOVED: usize = 3;
const SUBJECTS: [&str; 13] = [
    "short-lock",
    "quit",
    "memory",
    "lock",
    "thread",
    "team over memory workers",
    "team-1-thread",
    "team-2-threads",
    "pool-1-thread",
    "pool-2-threads",
    "handle",
    "thread-pool",
    "event-loop",
];

/// What is broken if an execution gets stuck: a deadlock, or a world that lives on.
const STUCK: [&str; 14] = [
    "W1", "H2", "H3", "L4", "T3", "T6", "T9", "T10", "P3", "P4", "E1", "E2", "E3", "E4",
];

/// Ours are compiled again for each control: quickly, and with every assertion kept.
const FAST: [&str; 5] = [
    "profile.model.incremental=true",
    "profile.model.codegen-units=16",
    "profile.model.debug=false",
    "profile.model.package.brigade.opt-level=0",
    "profile.model.package.brigade-model-tests.opt-level=0",
];

#[derive(Default)]
struct Control {
    name: String,
    breaks: Vec<String>,
    removes: Option<String>,
    seen: String,
    story: String,
    only: Option<(String, String)>,
    scenarios: Vec<String>,
    changes: Vec<Change>,
}

enum Change {
    Edit {
        file: String,
        old: String,
        new: String,
    },
    Replace {
        file: String,
        port: String,
    },
}

/// What one scenario said of one control, under one engine.
#[derive(Serialize)]
struct Verdict {
    control: String,
    breaks: Vec<String>,
    scenario: String,
    engine: &'static str,
    /// How the schedules were chosen.
    way: String,
    executions: usize,
    seconds: f64,
    rejected: bool,
    message: String,
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
    let mut markdown = None;
    let mut names = BTreeSet::new();
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--markdown" {
            markdown = Some(args.next().ok_or("--markdown needs a file")?);
        } else {
            names.insert(arg);
        }
    }
    let mut controls = catalogue()?;
    let whole = names.is_empty();
    controls.retain(|control| whole || names.remove(&control.name));
    if let Some(name) = names.first() {
        return Err(format!("there is no control {name}").into());
    }

    let misfits: Vec<String> = controls.iter().flat_map(misfits).collect();
    if !misfits.is_empty() {
        return Err(misfits.join("\n").into());
    }

    let began = Instant::now();
    let mut verdicts = Vec::new();
    for control in &controls {
        println!("{}: {}", control.name, control.story);
        verdicts.extend(judge(control)?);
    }
    let json = serde_json::to_string(&verdicts)?.replace("},", "},\n");
    if whole {
        fs::write("target/controls.json", &json)?;
    }

    let table = table(&controls, &verdicts);
    println!("\n{table}");
    let summary = Summary::of(&controls, &verdicts);
    let text = summary.text(began.elapsed());
    print!("{text}");
    if whole {
        let bare = without_control(&controls)?;
        println!("properties without a control: {}", bare.join(" "));
    }
    if let Some(file) = markdown {
        fs::write(&file, page(&controls, &table, &text))?;
        fs::write(Path::new(&file).with_extension("json"), json + "\n")?;
    }
    Ok(summary.passes(whole))
}

fn catalogue() -> Result<Vec<Control>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(FOLDER)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|it| it == "control"));
    paths.sort();
    paths.iter().map(|path| parse(path)).collect()
}

fn parse(path: &Path) -> Result<Control> {
    let text = fs::read_to_string(path)?;
    let wrong = |what: &str| format!("{}: {what}", path.display());
    let stem = path.file_stem().unwrap_or_default();
    let mut control = Control {
        name: stem.to_string_lossy().into_owned(),
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
            let file = file.clone().ok_or(wrong("an edit of no file"))?;
            control.changes.push(Change::Edit { file, old, new });
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let (key, value) = line.split_once(": ").ok_or(wrong(line))?;
        match key {
            "breaks" => control.breaks = value.split(' ').map(str::to_owned).collect(),
            "removes" => control.removes = Some(value.to_owned()),
            "seen" => value.clone_into(&mut control.seen),
            "story" => value.clone_into(&mut control.story),
            "only" => {
                let (engine, reason) = value.split_once(", ").ok_or(wrong("only, but why?"))?;
                control.only = Some((engine.to_owned(), reason.to_owned()));
            }
            "scenario" => control.scenarios.push(value.to_owned()),
            "file" => file = Some(value.to_owned()),
            "replace" => {
                let (file, port) = value.split_once(" with: ").ok_or(wrong("with what?"))?;
                let (file, port) = (file.to_owned(), port.to_owned());
                control.changes.push(Change::Replace { file, port });
            }
            _ => return Err(wrong(&format!("what is `{key}`?")).into()),
        }
    }
    let Control {
        breaks,
        seen,
        story,
        scenarios,
        changes,
        ..
    } = &control;
    if breaks.is_empty() || seen.is_empty() || story.is_empty() {
        return Err(wrong("`breaks`, `seen` or `story` is missing").into());
    }
    if scenarios.is_empty() || changes.is_empty() {
        return Err(wrong("no scenario, or no change").into());
    }
    Ok(control)
}

/// Runs each scenario of the control under each engine that can see it.
fn judge(control: &Control) -> Result<Vec<Verdict>> {
    copy_workspace(control)?;
    let mut verdicts = Vec::new();
    let mut left = Duration::from_secs(SECONDS);
    for engine in ENGINES {
        let other = |(only, _): &(String, String)| only != engine;
        if control.only.as_ref().is_some_and(other) {
            continue;
        }
        let explorer = build(control, engine)?;
        for scenario in &control.scenarios {
            let began = Instant::now();
            let row = explore(&explorer, engine, scenario, left)?;
            left = left.saturating_sub(began.elapsed());
            let verdict = verdict(control, engine, &row);
            println!(
                "  {}  [{}]  {}  {}  {} executions  {:.1} s  {}: {}",
                verdict.control,
                verdict.breaks.join(" "),
                verdict.scenario,
                verdict.way,
                verdict.executions,
                verdict.seconds,
                word(verdict.rejected),
                verdict.message
            );
            verdicts.push(verdict);
        }
    }
    Ok(verdicts)
}

fn word(rejected: bool) -> &'static str {
    if rejected { "rejected" } else { "NOT REJECTED" }
}

fn verdict(control: &Control, engine: &'static str, row: &Row) -> Verdict {
    let message = row.failure.as_ref().map(|failure| plain(&failure.message));
    Verdict {
        control: control.name.clone(),
        breaks: control.breaks.clone(),
        scenario: row.scenario.clone(),
        engine,
        way: row.engine.clone(),
        executions: row.executions,
        seconds: row.seconds,
        rejected: message
            .as_ref()
            .is_some_and(|message| is_for(message, &control.breaks)),
        message: message.unwrap_or_else(|| "it passed".into()),
    }
}

/// What the panic said, less what the standard library says before it and where it was.
fn plain(message: &str) -> String {
    let asserted = message.strip_prefix("assertion `left ");
    let asserted = asserted.and_then(|said| said.split_once(" failed: "));
    let said = asserted.map_or(message, |(_, said)| said);
    let said = said.split_once(": Fate").map_or(said, |(said, _)| said);
    let said = said.rsplit_once(" (").map_or(said, |(said, _)| said);
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the message is about one of these properties.
fn is_for(message: &str, breaks: &[String]) -> bool {
    let one_of = |ids: &[&str]| breaks.iter().any(|id| ids.contains(&id.as_str()));
    let first = message.split_whitespace().next().unwrap_or_default();
    if one_of(&[first]) {
        return true;
    }
    let race = message.contains("Causality violation") || message.contains("Concurrent ");
    let stuck = message.contains("deadlock")
        || message.starts_with("T10 something")
        || message.contains("tried to acquire a `Mutex` it already holds");
    (race && one_of(&["W5", "W6"])) || (stuck && one_of(&STUCK))
}

/// What of the control's changes no longer fits the code: all of it is told before anything is built.
fn misfits(control: &Control) -> Vec<String> {
    let mut texts = BTreeMap::new();
    let mut misfits = Vec::new();
    for change in &control.changes {
        if let Err(error) = apply(change, &mut texts) {
            misfits.push(format!("{}: {error}", control.name));
        }
    }
    misfits
}

/// Changes what stands in `texts`, read from the workspace when it is first needed.
fn apply(change: &Change, texts: &mut BTreeMap<String, String>) -> Result<()> {
    match change {
        Change::Edit { file, old, new } => {
            if !texts.contains_key(file) {
                texts.insert(file.clone(), fs::read_to_string(file)?);
            }
            let text = texts.get_mut(file).ok_or("it was just put there")?;
            let found = text.matches(old.as_str()).count();
            if found != 1 {
                return Err(format!("this stands {found} times in {file}:\n{old}").into());
            }
            *text = text.replace(old.as_str(), new);
        }
        Change::Replace { file, port } => {
            let port = fs::read_to_string(Path::new(FOLDER).join(port))?;
            texts.insert(file.clone(), port);
        }
    }
    Ok(())
}

/// A copy of the workspace with the control's changes.
fn copy_workspace(control: &Control) -> Result<()> {
    let copy = Path::new("target/controls/workspace");
    let _ = fs::remove_dir_all(copy);
    fs::create_dir_all(copy)?;
    for part in ["Cargo.toml", "Cargo.lock", "core", "docs", "model-tests"] {
        copy_all(Path::new(part), &copy.join(part))?;
    }
    let mut texts = BTreeMap::new();
    for change in &control.changes {
        apply(change, &mut texts)?;
    }
    for (file, text) in texts {
        fs::write(copy.join(file), text)?;
    }
    Ok(())
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

/// Builds the explorer of `engine` from the copy.
fn build(control: &Control, engine: &str) -> Result<PathBuf> {
    let target = std::env::current_dir()?
        .join("target/controls")
        .join(engine);
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--locked", "--profile", "model"]);
    cargo.args(["-p", "brigade-model-tests", "--bin", "explore"]);
    cargo.args(["-j2", "--features", engine, "--target-dir"]);
    cargo.arg(&target);
    for setting in FAST {
        cargo.args(["--config", setting]);
    }
    cargo.env("RUSTFLAGS", "-Awarnings");
    let status = cargo.current_dir("target/controls/workspace").status()?;
    if !status.success() {
        return Err(format!("{}: the variant does not build", control.name).into());
    }
    Ok(target.join("model/explore"))
}

/// Runs the scenario until it fails, by the ways of the engine in turn.
fn explore(explorer: &Path, engine: &str, scenario: &str, left: Duration) -> Result<Row> {
    let ways: &[&str] = match engine {
        "loom" => &["loom"],
        _ => &["shuttle-random", "shuttle-pct"],
    };
    let began = Instant::now();
    let mut executions = 0;
    let mut last = None;
    for way in ways {
        let mut command = Command::new(explorer);
        command.args(["run", scenario, "--way", way, "--executions", SCHEDULES]);
        let text = output(command, left.saturating_sub(began.elapsed()))?;
        let row = text.lines().last().map(serde_json::from_str::<Row>);
        let mut row = row.unwrap_or_else(|| Ok(silent(scenario, way, began)))?;
        executions += row.executions;
        row.executions = executions;
        row.seconds = began.elapsed().as_secs_f64();
        let failed = row.failure.is_some();
        last = Some(row);
        if failed {
            break;
        }
    }
    last.ok_or_else(|| "no way to explore".into())
}

/// What the process prints; nothing if it takes longer than it may, and is then ended.
fn output(mut command: Command, limit: Duration) -> Result<String> {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut stdout = child.stdout.take().ok_or("it has no output")?;
    let (sender, printed) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut text = String::new();
        let read = stdout.read_to_string(&mut text).map(|_| text);
        // Nobody listens any more if it took too long.
        let _ = sender.send(read);
    });
    let text = match printed.recv_timeout(limit) {
        Ok(text) => text?,
        Err(_) => {
            child.kill()?;
            String::new()
        }
    };
    child.wait()?;
    reader.join().map_err(|_| "the reader panicked")?;
    Ok(text)
}

/// The row of an exploration that said nothing: it took too long, or it ended without a word.
fn silent(scenario: &str, way: &str, began: Instant) -> Row {
    Row {
        scenario: scenario.to_owned(),
        engine: way.to_owned(),
        seconds: began.elapsed().as_secs_f64(),
        failure: Some(Failure {
            message: "the explorer said nothing in the time it had".into(),
            ..Failure::default()
        }),
        ..Row::default()
    }
}

/// What came of `scenario` under `engine`, in a cell of the table.
fn cell(verdicts: &[&Verdict], engine: &str, scenario: &str) -> String {
    let here = |verdict: &&&Verdict| verdict.engine == engine && verdict.scenario == scenario;
    match verdicts.iter().find(here) {
        None => "–".into(),
        Some(verdict) if verdict.rejected => verdict.executions.to_string(),
        Some(_) => "NOT REJECTED".into(),
    }
}

fn table(controls: &[Control], verdicts: &[Verdict]) -> String {
    let mut text = "| control | breaks | rejected by | loom, executions | shuttle, executions |\n\
                    |---|---|---|--:|--:|\n"
        .to_owned();
    for control in controls {
        let own = |verdict: &&Verdict| verdict.control == control.name;
        let own: Vec<&Verdict> = verdicts.iter().filter(own).collect();
        for (at, scenario) in control.scenarios.iter().enumerate() {
            let first = |text: &str| {
                if at == 0 {
                    text.to_owned()
                } else {
                    String::new()
                }
            };
            let _ = writeln!(
                text,
                "| {} | {} | `{scenario}` | {} | {} |",
                first(&format!("`{}`", control.name)),
                first(&control.breaks.join(" ")),
                cell(&own, "loom", scenario),
                cell(&own, "shuttle", scenario)
            );
        }
    }
    text
}

struct Summary {
    controls: usize,
    by_either: usize,
    by_both: usize,
    /// The longest that all explorations of one control took.
    slowest: f64,
    /// Scenarios that did not reject a control under an engine that can see it.
    missed: usize,
    /// Synchronisations removed, by subject.
    removed: BTreeMap<&'static str, usize>,
}

impl Summary {
    fn of(controls: &[Control], verdicts: &[Verdict]) -> Self {
        let mut summary = Self {
            controls: controls.len(),
            by_either: 0,
            by_both: 0,
            slowest: 0.0,
            missed: verdicts.iter().filter(|it| !it.rejected).count(),
            removed: SUBJECTS.iter().map(|subject| (*subject, 0)).collect(),
        };
        for control in controls {
            let own = verdicts.iter().filter(|it| it.control == control.name);
            let seconds: f64 = own.map(|it| it.seconds).sum();
            summary.slowest = summary.slowest.max(seconds);
            let by = |engine: &str| {
                let own = |it: &&Verdict| it.control == control.name && it.engine == engine;
                let mut own = verdicts.iter().filter(own).peekable();
                own.peek().is_some() && own.all(|it| it.rejected)
            };
            let (loom, shuttle) = (by("loom"), by("shuttle"));
            summary.by_either += usize::from(loom || shuttle);
            summary.by_both += usize::from(loom && shuttle);
            if control.removes.is_some() && (loom || shuttle) {
                let subjects: BTreeSet<&str> =
                    control.scenarios.iter().map(|name| subject(name)).collect();
                for (subject, removed) in &mut summary.removed {
                    *removed += usize::from(subjects.contains(subject));
                }
            }
        }
        summary
    }

    fn text(&self, took: Duration) -> String {
        let share = |n: usize| 100.0 * n as f64 / self.controls.max(1) as f64;
        let mut text = format!(
            "{} controls: {} rejected by loom or shuttle ({:.0}%), {} by both ({:.0}%), in {} s with \
             their builds\nthe longest exploration of one took {:.1} s\n",
            self.controls,
            self.by_either,
            share(self.by_either),
            self.by_both,
            share(self.by_both),
            took.as_secs(),
            self.slowest
        );
        let removed = self.removed.iter();
        let removed: Vec<String> = removed
            .map(|(subject, count)| format!("{subject} {count}"))
            .collect();
        let _ = writeln!(
            text,
            "synchronisations removed, and seen: {}",
            removed.join(", ")
        );
        if self.missed > 0 {
            let _ = writeln!(text, "{} explorations did not reject", self.missed);
        }
        text
    }

    /// What holds of the catalogue as a whole cannot be asked of a part.
    fn passes(&self, whole: bool) -> bool {
        let enough = self.by_both * 10 >= self.controls * 9
            && self.removed.values().all(|count| *count >= REMOVED);
        self.missed == 0
            && self.controls > 0
            && self.by_either == self.controls
            && (!whole || enough)
    }
}

fn subject(scenario: &str) -> &str {
    match scenario.split('/').next().unwrap_or_default() {
        "team-memory" | "team-stepped" => "team over memory workers",
        subject => subject,
    }
}

/// The ids in the tables of the properties that no control breaks.
fn without_control(controls: &[Control]) -> Result<Vec<String>> {
    let text = fs::read_to_string("docs/properties.md")?;
    let ids = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .map(|(id, _)| id)
        .filter(|id| id.ends_with(|last: char| last.is_ascii_digit()));
    let broken = |id: &&str| {
        let breaks = |control: &Control| control.breaks.iter().any(|broken| broken == id);
        controls.iter().any(breaks)
    };
    Ok(ids.filter(|id| !broken(id)).map(str::to_owned).collect())
}

/// The catalogue as a page.
fn page(controls: &[Control], table: &str, summary: &str) -> String {
    let mut text = format!(
        "# Controls\n\nWritten by `make controls CONTROLS=\"--markdown docs/controls.md\"`, never by hand. \
         Each control is a known-bad variant, in a file of its name in `model-tests/controls`; what the \
         files say and what counts as a rejection stands in `model-tests/src/bin/controls.rs`.\n\n\
         {summary}\n## Stories\n\n\
         | control | breaks | seen | story |\n|---|---|---|---|\n"
    );
    for control in controls {
        let removes = control.removes.as_ref();
        let removes = removes.map(|what| format!(" Removes: {what}."));
        let only = control.only.as_ref();
        let only = only.map(|(engine, reason)| format!(" For {engine} only, {reason}."));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {}.{}{} |",
            control.name,
            control.breaks.join(" "),
            control.seen,
            control.story,
            removes.unwrap_or_default(),
            only.unwrap_or_default()
        );
    }
    let _ = write!(
        text,
        "\n## Who rejects them\n\nAfter how many executions; – where the engine cannot see it.\n\n{table}"
    );
    let mut properties: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for control in controls {
        for id in &control.breaks {
            properties.entry(id).or_default().push(&control.name);
        }
    }
    text.push_str("\n## By property\n\n| id | controls |\n|---|---|\n");
    for (id, names) in properties {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let _ = writeln!(text, "| {id} | {} |", names.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "these are tests")]

    use super::*;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    /// Each control still fits the code, says what it must, and names scenarios that exist.
    #[test]
    fn the_catalogue_fits_the_code() {
        std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).unwrap();
        let controls = catalogue().unwrap();
        let misfits: Vec<String> = controls.iter().flat_map(misfits).collect();
        assert!(misfits.is_empty(), "{}", misfits.join("\n"));
        let all = brigade_model_tests::scenario::all();
        for control in &controls {
            for name in &control.scenarios {
                let exists = all.iter().any(|scenario| scenario.name == *name);
                assert!(exists, "{}: there is no scenario {name}", control.name);
            }
        }
    }

    #[test]
    fn a_failure_of_another_property_is_no_rejection() {
        let message = plain("assertion `left == right` failed: W3 two quits won (world.rs:1)");
        assert_eq!(message, "W3 two quits won");
        assert!(is_for(&message, &ids(&["W4", "W3"])));
        assert!(!is_for(&message, &ids(&["W4"])));
        assert!(!is_for("index out of bounds", &ids(&["W3"])));
    }

    #[test]
    fn a_race_and_a_stuck_execution_count_where_they_are_how_it_fails() {
        let race = "Causality violation: Concurrent read and write accesses.";
        assert!(is_for(race, &ids(&["W5"])));
        assert!(!is_for(race, &ids(&["T5"])));
        let stuck = "deadlock; threads = []";
        assert!(is_for(stuck, &ids(&["T9"])));
        assert!(!is_for(stuck, &ids(&["W3"])));
    }

    /// An exploration that passes, or says nothing, rejects nothing.
    #[test]
    fn silence_is_no_rejection() {
        let control = Control {
            breaks: ids(&["W1", "T9"]),
            ..Control::default()
        };
        let mut row = silent("memory/order", "loom", Instant::now());
        assert!(!verdict(&control, "loom", &row).rejected);
        row.failure = None;
        assert!(!verdict(&control, "loom", &row).rejected);
    }
}
