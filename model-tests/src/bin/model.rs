//! Visits every state of the reference model, in every configuration.
//!
//! `model [--only TEXT] [--json FILE]` prints a line a configuration, and writes the rows to
//! `target/model.json`. Exits with 1 if a property is broken, if a state does not lead to a quiet
//! one (T9), or if something that is to be seen sometimes never was.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use brigade_model_tests::model::explore::{Row, configurations, head, never_seen};

struct Args {
    only: String,
    json: PathBuf,
}

fn main() -> ExitCode {
    let args = match parse() {
        Ok(args) => args,
        Err(error) => {
            eprintln!("model: {error}");
            return ExitCode::from(2);
        }
    };
    let began = Instant::now();
    let mut rows: Vec<Row> = Vec::new();
    println!("{}", head());
    for configuration in configurations() {
        if configuration.name.contains(&args.only) {
            let row = configuration.explore();
            println!("{row}");
            rows.push(row);
        }
    }
    if rows.is_empty() {
        eprintln!("model: no configuration matches");
        return ExitCode::from(2);
    }
    let unique: usize = rows.iter().map(|row| row.unique).sum();
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "{} configurations, {unique} states, {seconds:.0} s",
        rows.len()
    );
    let json = serde_json::to_string_pretty(&rows).map_err(std::io::Error::from);
    match json.and_then(|json| std::fs::write(&args.json, json)) {
        Ok(()) => println!("the same as JSON: {}", args.json.display()),
        Err(error) => {
            eprintln!("model: {}: {error}", args.json.display());
            return ExitCode::from(2);
        }
    }
    let mut code = ExitCode::SUCCESS;
    for row in rows.iter().filter(|row| !row.sound()) {
        println!("\nFAILED {}", row.configuration);
        row.broken.iter().for_each(|broken| println!("  {broken}"));
        if !row.progress.holds() {
            println!("  T9: {:?}", row.progress);
        }
        if row.unique != row.progress.states {
            println!("  the two explorations differ");
        }
        code = ExitCode::from(1);
    }
    // Some are not to be had in a part.
    if args.only.is_empty() {
        for missing in never_seen(&rows) {
            println!("\nFAILED never seen: {missing}");
            code = ExitCode::from(1);
        }
    }
    code
}

fn parse() -> Result<Args, String> {
    let mut parsed = Args {
        only: String::new(),
        json: PathBuf::from("target/model.json"),
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} needs a value"));
        match arg.as_str() {
            "--only" => parsed.only = value()?,
            "--json" => parsed.json = value()?.into(),
            _ => return Err(format!("unknown argument {arg}")),
        }
    }
    Ok(parsed)
}
