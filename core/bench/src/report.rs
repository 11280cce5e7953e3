//! What the numbers say: comparisons, tables, JSON.

use std::fmt::Write as _;
use std::iter;

use serde::Serialize;

use crate::contenders::{Brigade, Contender, Kind};
use crate::pin::Mode;
use crate::rows::{Against, Metric};
use crate::stats::{Estimate, least, median, paired};

/// One number of one contender.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    pub name: &'static str,
    pub kind: Kind,
    pub median: f64,
    pub least: f64,
    /// In the order of the rounds.
    pub samples: Vec<f64>,
}

impl Cell {
    /// Nothing, if this contender has no such number.
    #[must_use]
    pub fn new(name: &'static str, kind: Kind, samples: &[f64]) -> Option<Self> {
        (!samples.iter().any(|it| it.is_nan())).then(|| Self {
            name,
            kind,
            median: median(samples),
            least: least(samples),
            samples: samples.to_vec(),
        })
    }
}

/// Whether a target was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Holds {
    /// The whole interval lies below.
    Yes,
    /// The median does, the interval does not.
    Median,
    No,
}

/// What we need of what another needs, or, against nothing, what we need.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    pub against: Option<&'static str>,
    /// It is the best peer of the row.
    pub best: bool,
    pub ratio: Estimate,
    pub at_most: Option<f64>,
    pub holds: Option<Holds>,
}

/// One number of a row, in one mode, of all contenders.
#[derive(Clone, Debug, Serialize)]
pub struct Number {
    pub row: String,
    pub about: String,
    pub metric: String,
    pub unit: &'static str,
    pub mode: &'static str,
    pub cells: Vec<Cell>,
    pub comparisons: Vec<Comparison>,
}

/// Compares us with each of the others, and with the bounds.
#[must_use]
pub fn compare(cells: &[Cell], metric: &Metric, mode: Mode) -> Vec<Comparison> {
    let Some(ours) = cells.iter().find(|cell| cell.name == Brigade::NAME) else {
        return Vec::new();
    };
    let at_most = |against| {
        let target = metric
            .targets
            .iter()
            .find(|target| target.against == against);
        target.map(|target| target.at_most(mode))
    };
    let best = cells
        .iter()
        .filter(|cell| cell.kind == Kind::Peer)
        .min_by(|a, b| a.median.total_cmp(&b.median))
        // Nothing can be a share of nothing; and what is bound need not be compared.
        .filter(|best| best.median > 0.0 && at_most(Against::Nothing).is_none())
        .map(|cell| cell.name);
    let others = cells
        .iter()
        .filter(|cell| !matches!(cell.kind, Kind::Ours | Kind::Beside))
        .map(|cell| {
            let best = best == Some(cell.name);
            let at_most = match cell.kind {
                Kind::Peer if best => at_most(Against::Best),
                Kind::Tokio => at_most(Against::Tokio),
                Kind::Pool => at_most(Against::Pool),
                Kind::Raw => at_most(Against::Raw),
                Kind::Peer | Kind::Ours | Kind::Beside => None,
            };
            comparison(
                Some(cell.name),
                best,
                paired(&ours.samples, &cell.samples),
                at_most,
            )
        });
    let bound = at_most(Against::Nothing)
        .map(|bound| comparison(None, false, Estimate::of(&ours.samples), Some(bound)));
    others.chain(bound).collect()
}

fn comparison(
    against: Option<&'static str>,
    best: bool,
    ratio: Estimate,
    at_most: Option<f64>,
) -> Comparison {
    let holds = at_most.map(|at_most| {
        let high = ratio.interval.map_or(ratio.median, |(_, high)| high);
        if high <= at_most {
            Holds::Yes
        } else if ratio.median <= at_most {
            Holds::Median
        } else {
            Holds::No
        }
    });
    Comparison {
        against,
        best,
        ratio,
        at_most,
        holds,
    }
}

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// With few tasks: the numbers mean nothing.
    pub quick: bool,
    /// Of a row, unless it says otherwise.
    pub rounds: usize,
    pub runs: Vec<Vec<Number>>,
}

/// # Errors
/// None that is to be expected.
pub fn json(report: &Report) -> serde_json::Result<String> {
    serde_json::to_string_pretty(report).map(|text| text + "\n")
}

/// Two tables for each mode of each run: what everybody needs, and how that compares.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = String::new();
    if report.quick {
        text.push_str("A quick run: the numbers mean nothing.\n\n");
    }
    for (index, numbers) in report.runs.iter().enumerate() {
        for mode in Mode::ALL {
            let numbers: Vec<&Number> = numbers
                .iter()
                .filter(|number| number.mode == mode.name())
                .collect();
            if numbers.is_empty() {
                continue;
            }
            let place = match mode {
                Mode::One => "everything on one core",
                Mode::Apart => "submitters on core 0, workers on core 1",
            };
            let _ = write!(
                text,
                "## Run {}: {place}\n\n{}\n",
                index + 1,
                costs(&numbers)
            );
            let _ = write!(
                text,
                "Ours to theirs, round by round:\n\n{}\n",
                ratios(&numbers)
            );
        }
    }
    text
}

/// Medians, and minima in brackets.
fn costs(numbers: &[&Number]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for cell in numbers.iter().flat_map(|number| &number.cells) {
        let is_column = cell.name == Brigade::NAME || matches!(cell.kind, Kind::Peer | Kind::Tokio);
        if is_column && !names.contains(&cell.name) {
            names.push(cell.name);
        }
    }
    let figure = |cell: &Cell| format!("{} ({})", short(cell.median), short(cell.least));
    let head = iter::once("median (least)")
        .chain(names.iter().copied())
        .chain(["others"]);
    let rows = numbers.iter().map(|number| {
        let unit = if number.unit.is_empty() { "" } else { ", " };
        let first = format!("{}: {}{unit}{}", number.row, number.metric, number.unit);
        let of = |name: &&str| {
            let cell = number.cells.iter().find(|cell| cell.name == *name);
            cell.map_or("–".to_owned(), figure)
        };
        let others: Vec<String> = number
            .cells
            .iter()
            .filter(|cell| !names.contains(&cell.name))
            .map(|cell| format!("{} {}", cell.name, figure(cell)))
            .collect();
        iter::once(first)
            .chain(names.iter().map(of))
            .chain([others.join(", ")])
            .collect()
    });
    table(head.map(str::to_owned).collect(), rows)
}

/// With the best peer, and wherever there is a target.
fn ratios(numbers: &[&Number]) -> String {
    let head = [
        "row",
        "number",
        "against",
        "ratio",
        "95% interval",
        "at most",
        "holds",
    ];
    let rows = numbers.iter().flat_map(|number| {
        let shown = number
            .comparisons
            .iter()
            .filter(|it| it.best || it.at_most.is_some());
        shown.map(|it| {
            let best = if it.best { " (best)" } else { "" };
            let interval = it.ratio.interval.map_or("–".to_owned(), |(low, high)| {
                format!("{} – {}", short(low), short(high))
            });
            vec![
                number.row.clone(),
                number.metric.clone(),
                it.against
                    .map_or("itself".to_owned(), |name| format!("{name}{best}")),
                short(it.ratio.median),
                interval,
                it.at_most.map_or(String::new(), short),
                it.holds.map_or("", word).to_owned(),
            ]
        })
    });
    table(head.map(str::to_owned).to_vec(), rows)
}

fn word(holds: Holds) -> &'static str {
    match holds {
        Holds::Yes => "yes",
        Holds::Median => "median only",
        Holds::No => "**no**",
    }
}

/// Three digits.
fn short(number: f64) -> String {
    let size = number.abs();
    if number.is_nan() {
        "–".to_owned()
    } else if size == 0.0 || size >= 99.95 {
        format!("{number:.0}")
    } else if size >= 9.995 {
        format!("{number:.1}")
    } else if size >= 0.0995 {
        format!("{number:.2}")
    } else {
        format!("{number:.3}")
    }
}

fn table(head: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = iter::once(head).chain(rows).collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0).max(3)
    };
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (cell, &width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
        if index == 0 {
            for &width in &widths {
                let _ = write!(text, "|{:-<1$}", "", width + 2);
            }
            text.push_str("|\n");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Target;

    fn cell(name: &'static str, kind: Kind, samples: [f64; 6]) -> Cell {
        Cell::new(name, kind, &samples).unwrap()
    }

    fn metric(targets: &[(Against, f64)]) -> Metric {
        let targets = targets.iter().map(|&(against, at_most)| Target {
            against,
            at_most: [at_most, at_most * 2.0],
        });
        Metric {
            name: "wall".into(),
            unit: "ns",
            targets: targets.collect(),
        }
    }

    #[test]
    fn the_best_peer_is_the_one_with_the_lowest_median_and_neither_tokio_nor_raw() {
        let cells = [
            cell("brigade", Kind::Ours, [10.0; 6]),
            cell("slow", Kind::Peer, [1.0, 1.0, 90.0, 90.0, 90.0, 90.0]),
            cell("quick", Kind::Peer, [40.0; 6]),
            cell("tokio", Kind::Tokio, [20.0; 6]),
            cell("raw", Kind::Raw, [5.0; 6]),
        ];
        let targets = [
            (Against::Best, 0.25),
            (Against::Tokio, 0.4),
            (Against::Raw, 3.0),
        ];
        let found = compare(&cells, &metric(&targets), Mode::One);
        let shown: Vec<_> = found
            .iter()
            .map(|it| (it.against, it.best, it.ratio.median, it.holds))
            .collect();
        assert_eq!(
            shown[1..],
            [
                (Some("quick"), true, 0.25, Some(Holds::Yes)),
                (Some("tokio"), false, 0.5, Some(Holds::No)),
                (Some("raw"), false, 2.0, Some(Holds::Yes)),
            ]
        );
        assert_eq!(
            (shown[0].0, shown[0].1, shown[0].3),
            (Some("slow"), false, None)
        );
        let apart = compare(&cells, &metric(&targets), Mode::Apart);
        assert_eq!(apart[2].holds, Some(Holds::Yes), "0.8 is asked for there");
    }

    #[test]
    fn our_pool_is_no_peer_and_has_a_target_of_its_own() {
        let cells = [
            cell("brigade", Kind::Ours, [22.0; 6]),
            cell("pool", Kind::Pool, [20.0; 6]),
            cell("peer", Kind::Peer, [44.0; 6]),
        ];
        let metric = metric(&[(Against::Best, 0.4), (Against::Pool, 1.2)]);
        let found = compare(&cells, &metric, Mode::One);
        let shown: Vec<_> = found
            .iter()
            .map(|it| (it.against, it.best, it.holds))
            .collect();
        assert_eq!(
            shown,
            [
                (Some("pool"), false, Some(Holds::Yes)),
                (Some("peer"), true, Some(Holds::No)),
            ]
        );
    }

    #[test]
    fn what_is_shown_beside_is_not_compared() {
        let cells = [
            cell("brigade", Kind::Ours, [22.0; 6]),
            cell("brigade, again", Kind::Beside, [1.0; 6]),
            cell("tokio", Kind::Tokio, [44.0; 6]),
        ];
        let found = compare(&cells, &metric(&[(Against::Tokio, 0.5)]), Mode::One);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].against, Some("tokio"));
    }

    #[test]
    fn what_is_bound_is_held_against_the_bound_and_nobody() {
        let ours = cell("brigade", Kind::Ours, [10.0; 6]);
        let peer = cell("peer", Kind::Peer, [40.0; 6]);
        let metric = metric(&[(Against::Nothing, 9.0)]);
        let found = compare(&[ours, peer], &metric, Mode::One);
        assert!(found.iter().all(|it| !it.best));
        let bound = &found[1];
        assert_eq!((bound.against, bound.holds), (None, Some(Holds::No)));
        assert_eq!(bound.ratio.median, 10.0);
    }

    #[test]
    fn a_target_holds_for_the_interval_or_the_median_or_not_at_all() {
        let ours = cell("brigade", Kind::Ours, [1.0, 1.0, 1.0, 1.0, 1.0, 3.0]);
        let peer = cell("peer", Kind::Peer, [2.0; 6]);
        let holds = |at_most| {
            let metric = metric(&[(Against::Best, at_most)]);
            compare(&[ours.clone(), peer.clone()], &metric, Mode::One)[0].holds
        };
        assert_eq!(holds(1.5), Some(Holds::Yes));
        assert_eq!(holds(0.5), Some(Holds::Median));
        assert_eq!(holds(0.49), Some(Holds::No));
    }

    #[test]
    fn who_has_no_number_is_left_out() {
        assert!(Cell::new("peer", Kind::Peer, &[1.0, f64::NAN]).is_none());
    }

    #[test]
    fn tables_are_aligned_and_numbers_short() {
        let rows = [vec!["µ".to_owned(), short(1234.56)]];
        assert_eq!(
            table(vec!["a".into(), "b".into()], rows.into_iter()),
            "| a   | b    |\n|-----|------|\n| µ   | 1235 |\n"
        );
        let shorts = [0.0, 0.0123, 0.456, 4.567, 45.67, 456.7].map(short);
        assert_eq!(shorts, ["0", "0.012", "0.46", "4.57", "45.7", "457"]);
    }
}
