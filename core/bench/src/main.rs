//! `make bench`. What it does stands in the library.

#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use brigade_bench::args::{Args, USAGE};
use brigade_bench::report::{Report, json, markdown};
use brigade_bench::{rows, run};

fn main() -> ExitCode {
    let args = match Args::parse(env::args().skip(1)) {
        Ok(args) => args,
        Err(error) => {
            eprint!("{error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match act(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn act(args: &Args) -> Result<(), String> {
    if args.list {
        for row in rows::all() {
            println!("{:24} {}", row.name, row.about);
        }
        return Ok(());
    }
    if let Some(profile) = &args.profile {
        return run::profile(profile, args);
    }
    let report = Report {
        quick: args.quick,
        rounds: args.rounds,
        runs: (0..args.runs).map(|_| run::run(args)).collect(),
    };
    let tables = markdown(&report);
    print!("{tables}");
    write(
        &args.json,
        &json(&report).map_err(|error| error.to_string())?,
    )?;
    args.markdown
        .as_deref()
        .map_or(Ok(()), |file| write(file, &tables))
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    folder
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(file, text))
        .map_err(|error: io::Error| format!("{}: {error}", file.display()))
}
