//! The main job: explores every scenario with every engine, two at a time, and reports.
//!
//! `verify --explorer PATH… [--unrecorded PATH] [--few N] [--controls FILE] [--quick] [--only TEXT] [--option TEXT…] [--json FILE]
//! [--markdown FILE]`: each explorer is the `explore` binary of one engine's build. An `--option` is
//! given on to each run. Exits with 1 if a scenario fails, after printing the failing schedule and the
//! command that replays exactly it.
//!
//! With `--unrecorded`, loom's explorer built without the probe, each row of loom's with fewer than
//! [`FEW`] executions (or `--few N`) runs there as well, and fails unless as many executions are explored: then the
//! recorder hides and adds none.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use serde::Deserialize;

use brigade_model_tests::report::{Failure, Row, Unrecorded, cost, markdown, table};

/// What one child process explores.
struct Job {
    explorer: PathBuf,
    scenario: String,
    way: String,
}

#[derive(Default)]
struct Args {
    explorers: Vec<PathBuf>,
    quick: bool,
    only: Option<String>,
    /// Where to write the report as Markdown.
    markdown: Option<PathBuf>,
    json: PathBuf,
    /// loom's explorer, built without the probe.
    unrecorded: Option<PathBuf>,
    few: usize,
    /// What `make controls` found, instead of what it last did.
    controls: Option<PathBuf>,
    options: Vec<String>,
}

/// Rows with fewer executions run unrecorded as well; `make verify-deep` does it with all.
const FEW: usize = 5_000;

fn main() -> ExitCode {
    let args = match parse() {
        Ok(args) => args,
        Err(error) => {
            eprintln!("verify: {error}");
            return ExitCode::from(2);
        }
    };
    let jobs = match jobs(&args) {
        Ok(jobs) => jobs,
        Err(error) => {
            eprintln!("verify: {error}");
            return ExitCode::from(2);
        }
    };
    if jobs.is_empty() {
        eprintln!("verify: no scenario matches");
        return ExitCode::from(2);
    }

    let began = Instant::now();
    let mut rows = run(jobs, &args);
    let last = ["target/controls.json", "docs/controls.json"].map(PathBuf::from);
    let mut last = args.controls.iter().chain(&last);
    if let Some(file) = last.find(|file| file.exists()) {
        count_controls(&mut rows, file);
        println!(
            "\ncontrols: as many as {} says were rejected",
            file.display()
        );
    }
    print!("\n{}", table(&rows));
    print!("{}", cost(&rows));
    println!("took {:.0} s", began.elapsed().as_secs_f64());
    match serde_json::to_string_pretty(&rows).map(|json| std::fs::write(&args.json, json)) {
        Ok(Ok(())) => println!("the same as JSON: {}", args.json.display()),
        Ok(Err(error)) => eprintln!("verify: {}: {error}", args.json.display()),
        Err(error) => eprintln!("verify: {error}"),
    }
    if let Some(file) = &args.markdown
        && let Err(error) = std::fs::write(file, markdown(&rows, began.elapsed().as_secs_f64()))
    {
        eprintln!("verify: {}: {error}", file.display());
    }
    let mut code = ExitCode::SUCCESS;
    for row in &rows {
        if let Some(failure) = &row.failure {
            println!(
                "\nFAILED {} under {}: {}",
                row.scenario, row.engine, failure.message
            );
            println!(
                "{}",
                failure
                    .replay
                    .as_deref()
                    .unwrap_or("(no schedule to replay)")
            );
            code = ExitCode::from(1);
        }
    }
    code
}

fn parse() -> Result<Args, String> {
    let mut args = Args {
        json: PathBuf::from("target/verify.json"),
        few: FEW,
        ..Args::default()
    };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        let mut value = || given.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--quick" => args.quick = true,
            "--explorer" => args.explorers.push(value()?.into()),
            "--unrecorded" => args.unrecorded = Some(value()?.into()),
            "--few" => {
                let few = value()?.parse();
                args.few = few.map_err(|error| format!("--few: {error}"))?;
            }
            "--controls" => args.controls = Some(value()?.into()),
            "--only" => args.only = Some(value()?),
            "--markdown" => args.markdown = Some(value()?.into()),
            "--json" => args.json = value()?.into(),
            "--option" => args
                .options
                .extend(value()?.split_whitespace().map(str::to_owned)),
            _ => return Err(format!("there is no option {arg}")),
        }
    }
    Ok(args)
}

fn jobs(args: &Args) -> Result<VecDeque<Job>, String> {
    let mut jobs = Vec::new();
    for explorer in &args.explorers {
        let mut list = Command::new(explorer);
        list.arg("list").args(args.quick.then_some("--quick"));
        let output = list
            .output()
            .map_err(|error| format!("{}: {error}", explorer.display()))?;
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let Some((scenario, way)) = line.split_once(' ') else {
                continue;
            };
            if args
                .only
                .as_ref()
                .is_none_or(|only| scenario.contains(only.as_str()))
            {
                jobs.push(Job {
                    explorer: explorer.clone(),
                    scenario: scenario.to_owned(),
                    way: way.to_owned(),
                });
            }
        }
    }
    // What takes longest, shuttle's exhaustive searches and loom on two threads (listed last), goes
    // first: so both cores are busy to the end.
    jobs.reverse();
    jobs.sort_by_key(|job: &Job| job.way != "shuttle-exhaustive");
    Ok(jobs.into())
}

/// A verdict of `make controls`, as far as it is of use here.
#[derive(Deserialize)]
struct Verdict {
    scenario: String,
    way: String,
    rejected: bool,
}

/// Notes how many controls each scenario has rejected.
fn count_controls(rows: &mut [Row], file: &Path) {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string());
    let verdicts =
        text.and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
    let verdicts: Vec<Verdict> = verdicts.unwrap_or_else(|error| {
        eprintln!("verify: {}: {error}", file.display());
        Vec::new()
    });
    for row in rows {
        let here = |verdict: &&Verdict| {
            verdict.rejected && verdict.scenario == row.scenario && verdict.way == row.engine
        };
        row.controls = Some(verdicts.iter().filter(here).count());
    }
}

fn run(jobs: VecDeque<Job>, args: &Args) -> Vec<Row> {
    let (total, jobs) = (jobs.len(), Mutex::new(jobs));
    let (sender, finished) = mpsc::channel();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut rows: Vec<Row> = Vec::new();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let (jobs, sender) = (&jobs, sender.clone());
            scope.spawn(move || {
                while let Some(job) = jobs.lock().ok().and_then(|mut jobs| jobs.pop_front()) {
                    // The receiver outlives the scope.
                    let _ = sender.send(job.run(args));
                }
            });
        }
        drop(sender);
        for row in finished {
            rows.push(row);
            let row = &rows[rows.len() - 1];
            println!(
                "[{}/{total}] {} {}: {} executions, {} checked, {} linearized, {:.1} s, {}",
                rows.len(),
                row.engine,
                row.scenario,
                row.executions,
                row.checked,
                row.linearized,
                row.seconds,
                row.verdict()
            );
            let _ = std::io::stdout().flush();
        }
    });
    rows.sort_by(|a, b| (&a.scenario, &a.engine).cmp(&(&b.scenario, &b.engine)));
    rows
}

impl Job {
    fn command(&self, options: &[String]) -> Command {
        let mut command = Command::new(&self.explorer);
        command
            .args(["run", &self.scenario, "--way", &self.way])
            .args(options);
        command
    }

    fn run(&self, args: &Args) -> Row {
        let options = &args.options;
        let began = Instant::now();
        let output = self.command(options).stderr(Stdio::piped()).output();
        let (text, errors) = match &output {
            Ok(output) => (
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr).into_owned(),
            ),
            Err(error) => ("".into(), error.to_string()),
        };
        let row = text
            .lines()
            .last()
            .and_then(|line| serde_json::from_str::<Row>(line).ok());
        let mut row = row.unwrap_or_else(|| Row {
            scenario: self.scenario.clone(),
            engine: self.way.clone(),
            seconds: began.elapsed().as_secs_f64(),
            failure: Some(Failure {
                message: format!("the explorer died: {errors}"),
                ..Failure::default()
            }),
            ..Row::default()
        });
        if let Some(failure) = &mut row.failure
            && failure.execution > 0
        {
            failure.replay = Some(self.record(failure, options));
        }
        if let Some(explorer) = &args.unrecorded
            && self.way == "loom"
            && row.failure.is_none()
            && row.executions < args.few
        {
            self.run_unrecorded(explorer, options, &mut row);
        }
        row
    }

    /// Explores the same without the recorder: it must have added no execution, and hidden none.
    fn run_unrecorded(&self, explorer: &Path, options: &[String], row: &mut Row) {
        let job = Self {
            explorer: explorer.to_owned(),
            scenario: self.scenario.clone(),
            way: self.way.clone(),
        };
        let plain = job.run(&Args {
            options: options.to_vec(),
            ..Args::default()
        });
        if plain.executions != row.executions || plain.failure.is_some() {
            let message = format!(
                "{} executions recorded, {} unrecorded: {:?}",
                row.executions, plain.executions, plain.failure
            );
            row.failure = Some(Failure {
                message,
                ..Failure::default()
            });
        }
        row.unrecorded = Some(Unrecorded {
            executions: plain.executions,
            seconds: plain.seconds,
        });
    }

    /// Runs the failing exploration again, up to the execution that failed, with its schedule written
    /// down. Returns that schedule's file and the command that replays exactly it.
    fn record(&self, failure: &Failure, options: &[String]) -> String {
        let wait = failure
            .spurious_wait
            .map_or("none".to_owned(), |wait| wait.to_string());
        let name = format!("{}-{}", self.scenario.replace('/', "-"), self.way);
        let folder = Path::new("target").join("schedules");
        if let Err(error) = std::fs::create_dir_all(&folder) {
            return format!("{}: {error}", folder.display());
        }
        let loom = self.way == "loom";
        let place = if loom {
            let file = folder.join(format!("{name}.json"));
            let _ = std::fs::remove_file(&file);
            file
        } else {
            let folder = folder.join(name);
            let _ = std::fs::remove_dir_all(&folder);
            let _ = std::fs::create_dir_all(&folder);
            folder
        };
        let mut command = self.command(options);
        // shuttle draws a spurious wake-up by the number of the execution; the others are told.
        if loom || self.way == "shuttle-exhaustive" {
            command.args(["--spurious-wait", &wait]);
        }
        command
            .arg("--record")
            .arg(format!("{}:{}", failure.execution, place.display()));
        let _ = command.output();
        let file = if loom {
            place
        } else {
            place.join("schedule000.txt")
        };
        let schedule = std::fs::read_to_string(&file).unwrap_or_else(|error| error.to_string());
        let short: String = schedule.chars().take(400).collect();
        let mut replay = self.command(options);
        replay
            .args(["--spurious-wait", &wait])
            .arg("--replay")
            .arg(&file);
        let words = std::iter::once(replay.get_program()).chain(replay.get_args());
        let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
        let log = if loom { "LOOM_LOG=trace " } else { "" };
        format!(
            "schedule ({}): {short}\nreplay: {log}{}",
            file.display(),
            words.join(" ")
        )
    }
}
