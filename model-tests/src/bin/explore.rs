//! Explores one scenario with the engine that this binary was built with.
//!
//! `explore list [--quick]`: the scenarios and their ways, one a line.
//! `explore run NAME --way WAY […]`: explores, and prints a row of the report as JSON. `--record
//! N:FILE` writes the schedule of the n-th execution, `--replay FILE` runs just that one.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use brigade_model_tests::engine::{self, Seen, Settings, WAYS, Way};
use brigade_model_tests::report::{Failure, Row};
use brigade_model_tests::scenario::{self, Scenario};
use brigade_model_tests::{trace, world};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some("list") => {
            list(args.iter().any(|arg| arg == "--quick"));
            ExitCode::SUCCESS
        }
        Some("run") => match Job::parse(&args[1..]) {
            Ok(job) => job.run(),
            Err(error) => usage(&error),
        },
        _ => usage("say `list` or `run`"),
    }
}

fn usage(error: &str) -> ExitCode {
    eprintln!("explore: {error}");
    eprintln!("usage: explore list [--quick]");
    eprintln!("       explore run NAME [--way WAY] [--preemptions N|none] [--executions N]");
    eprintln!(
        "                   [--spurious-wait N] [--seconds N] [--record N:FILE] [--replay FILE]"
    );
    ExitCode::from(2)
}

fn applies(way: Way, scenario: &Scenario) -> bool {
    way != Way::Exhaustive || scenario.bounds.exhaustive
}

fn list(quick: bool) {
    for scenario in scenario::all() {
        for way in WAYS {
            // The quick subset leaves out what takes longest: the exhaustive search.
            let left_out = quick && (!scenario.bounds.quick || *way == Way::Exhaustive);
            if applies(*way, &scenario) && !left_out {
                println!("{} {}", scenario.name, way.name());
            }
        }
    }
}

struct Job {
    scenario: Arc<Scenario>,
    settings: Settings,
    /// Explore the spurious wake-ups one after another.
    enumerate: bool,
}

impl Job {
    fn parse(args: &[String]) -> Result<Self, String> {
        let (name, options) = args.split_first().ok_or("which scenario?")?;
        let scenario = scenario::all()
            .into_iter()
            .find(|scenario| scenario.name == *name);
        let scenario = Arc::new(scenario.ok_or(format!("there is no scenario {name}"))?);
        let mut settings = Settings {
            way: WAYS[0],
            preemptions: scenario.bounds.preemptions.map(|(bound, _)| bound),
            // A stress run says little beside the engines: enough to see that it runs at all.
            executions: if WAYS[0] == Way::Stress {
                1_000
            } else {
                10_000
            },
            spurious_wait: None,
            limit: None,
            record: None,
            replay: None,
        };
        let mut enumerate = scenario.bounds.spurious;
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let value = options.next().ok_or(format!("{option} needs a value"))?;
            let number = || {
                value
                    .parse::<usize>()
                    .map_err(|error| format!("{value}: {error}"))
            };
            match option.as_str() {
                "--way" => {
                    let way = WAYS.iter().find(|way| way.name() == value);
                    settings.way = *way.ok_or(format!("this build has no way {value}"))?;
                }
                "--preemptions" if value == "none" => settings.preemptions = None,
                "--preemptions" => settings.preemptions = Some(number()?),
                "--executions" => settings.executions = number()?,
                "--spurious-wait" => {
                    settings.spurious_wait = if value == "none" {
                        None
                    } else {
                        Some(number()?)
                    };
                    enumerate = false;
                }
                "--seconds" => settings.limit = Some(Duration::from_secs(number()? as u64)),
                "--record" => {
                    let (at, file) = value.split_once(':').ok_or("--record needs N:FILE")?;
                    let at = at.parse().map_err(|error| format!("{at}: {error}"))?;
                    settings.record = Some((at, PathBuf::from(file)));
                }
                "--replay" => settings.replay = Some(PathBuf::from(value)),
                _ => return Err(format!("there is no option {option}")),
            }
        }
        Ok(Self {
            scenario,
            settings,
            enumerate,
        })
    }

    fn row(&self, seen: Seen, spurious: usize, began: Instant, failure: Option<Failure>) -> Row {
        let settings = &self.settings;
        let bounded = self.scenario.bounds.preemptions;
        Row {
            scenario: self.scenario.name.clone(),
            properties: self
                .scenario
                .properties
                .iter()
                .map(|id| (*id).to_owned())
                .collect(),
            engine: settings.way.name().to_owned(),
            bound: match (settings.way, settings.preemptions) {
                (Way::Loom, Some(bound)) => format!("{bound} preemptions"),
                (Way::Loom | Way::Exhaustive, _) => "none".to_owned(),
                _ => format!("{} schedules", settings.executions),
            },
            reason: bounded
                .filter(|_| settings.way == Way::Loom && settings.preemptions.is_some())
                .map(|(_, reason)| reason.to_owned()),
            spurious,
            executions: seen.executions,
            unrecorded: None,
            checked: seen.checked,
            linearized: world::linearized(),
            traces: world::distinct_traces(),
            // A bound is a bound, however much of what lies within it was explored.
            complete: seen.complete && settings.preemptions.is_none(),
            controls: None,
            seconds: began.elapsed().as_secs_f64(),
            failure,
        }
    }

    fn run(self) -> ExitCode {
        let began = Instant::now();
        let job = Arc::new(self);
        let failed = Arc::clone(&job);
        // shuttle sets a hook of its own at its first run, under which ours would be called as well
        // for panics on purpose; so it goes first.
        #[cfg(all(feature = "shuttle", not(feature = "loom")))]
        engine::prepare(&job.settings);
        engine::exit_on_failure(move |failure| {
            let seen = Seen {
                executions: failure.execution,
                ..Seen::default()
            };
            let row = failed.row(
                seen,
                usize::from(failure.spurious_wait.is_some()),
                began,
                Some(failure),
            );
            println!("{}", serde_json::to_string(&row).unwrap_or_default());
            1
        });

        let mut seen = engine::explore(&job.scenario, &job.settings);
        let mut spurious = usize::from(job.settings.spurious_wait.is_some());
        let drawn = matches!(job.settings.way, Way::Random | Way::Pct);
        if drawn && job.enumerate && seen.waits > 0 {
            spurious = 1;
        } else if job.enumerate {
            // Once for each wait that some execution has reached.
            let mut wait = 0;
            while wait < seen.waits {
                spurious = 1;
                let settings = Settings {
                    spurious_wait: Some(wait),
                    ..job.settings.clone()
                };
                let more = engine::explore(&job.scenario, &settings);
                seen.executions += more.executions;
                seen.complete &= more.complete;
                seen.checked += more.checked;
                seen.waits = seen.waits.max(more.waits);
                wait += 1;
            }
        }
        assert_eq!(
            world::live(),
            0,
            "T10 something of the last execution was never released"
        );
        assert!(
            !trace::RECORDS || seen.checked == seen.executions,
            "not every trace was checked"
        );
        let row = job.row(seen, spurious, began, None);
        println!("{}", serde_json::to_string(&row).unwrap_or_default());
        ExitCode::SUCCESS
    }
}
