//! The rounds.

use std::time::{Duration, Instant};

use crate::args::{Args, Profile};
use crate::pin::{Mode, bind};
use crate::report::{Cell, Number, compare};
use crate::rows::{self, Row, Setup};

/// Measures every row that is wanted, in every mode, once.
#[must_use]
pub fn run(args: &Args) -> Vec<Number> {
    let mut numbers = Vec::new();
    for mode in &args.modes {
        for row in rows::all() {
            if row.modes.contains(mode) && args.wants(&row.name) {
                numbers.extend(measure(&row, *mode, args));
            }
        }
    }
    numbers
}

fn measure(row: &Row, mode: Mode, args: &Args) -> Vec<Number> {
    let begin = Instant::now();
    bind(&[0]);
    let setup = Setup {
        mode,
        quick: args.quick,
        only: None,
    };
    let mut cases = (row.cases)(&setup);
    let rounds = (args.rounds * row.times / row.share).max(1);
    let mut samples = vec![vec![Vec::new(); row.metrics.len()]; cases.len()];
    // What never differs needs no round to warm up.
    let warm_up = usize::from(row.share < usize::MAX);
    for round in 0..rounds + warm_up {
        for turn in 0..cases.len() {
            // There and back, and each time another one begins: nobody always comes after the same one.
            let turn = if round % 2 == 0 {
                turn
            } else {
                cases.len() - 1 - turn
            };
            let which = (round / 2 + turn) % cases.len();
            let numbers = (cases[which].round)();
            assert_eq!(numbers.len(), row.metrics.len(), "a number for each metric");
            if round >= warm_up {
                for (samples, number) in samples[which].iter_mut().zip(numbers) {
                    samples.push(number);
                }
            }
        }
    }
    let took = begin.elapsed().as_secs_f64();
    eprintln!(
        "{:6} {:24} {rounds:3} rounds {took:6.1} s",
        mode.name(),
        row.name
    );
    let numbers = row.metrics.iter().enumerate().map(|(index, metric)| {
        let cells: Vec<Cell> = cases
            .iter()
            .zip(&samples)
            .filter_map(|(case, samples)| Cell::new(case.name, case.kind, &samples[index]))
            .collect();
        Number {
            row: row.name.clone(),
            about: row.about.clone(),
            metric: metric.name.clone(),
            unit: metric.unit,
            mode: mode.name(),
            comparisons: compare(&cells, metric, mode),
            cells,
        }
    });
    numbers.collect()
}

/// Runs one contender of one row, alone, for a profiler to look at.
///
/// # Errors
/// If there is no such row, or no such contender in it.
pub fn profile(profile: &Profile, args: &Args) -> Result<(), String> {
    let mode = args.modes.first().copied().unwrap_or(Mode::One);
    let rows = rows::all();
    let row = rows
        .iter()
        .find(|row| row.name == profile.row)
        .ok_or_else(|| {
            let names: Vec<_> = rows.iter().map(|row| row.name.as_str()).collect();
            format!("no row “{}”; there are: {}", profile.row, names.join(", "))
        })?;
    bind(&[0]);
    let setup = Setup {
        mode,
        quick: args.quick,
        only: Some(&profile.contender),
    };
    let mut cases = (row.cases)(&setup);
    let case = cases
        .first_mut()
        .ok_or_else(|| format!("no contender “{}” in “{}”", profile.contender, row.name))?;
    let (begin, mut rounds) = (Instant::now(), 0);
    while rounds == 0 || begin.elapsed() < Duration::from_secs_f64(profile.seconds) {
        (case.round)();
        rounds += 1;
    }
    eprintln!(
        "{}, {}, {}: {rounds} rounds",
        row.name,
        mode.name(),
        case.name
    );
    Ok(())
}
