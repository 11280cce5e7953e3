//! The report: one [`Row`] a scenario and engine, printed as a table and kept as JSON. Every figure
//! in it comes from the run.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

/// What one exploration came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Row {
    /// `subject/what-it-does`.
    pub scenario: String,
    /// The property ids that the verdict judges.
    pub properties: Vec<String>,
    /// The engine, and its way of choosing schedules.
    pub engine: String,
    /// What was explored: a preemption bound, a number of schedules, or everything.
    pub bound: String,
    /// Why there is a bound, where loom has one.
    pub reason: Option<String>,
    /// At most how many spurious wake-ups an execution had.
    pub spurious: usize,
    /// How many executions ran.
    pub executions: usize,
    /// The same without a recorder, where that was run too.
    pub unrecorded: Option<Unrecorded>,
    /// How many of their traces the model was seen to allow: all, or none where nothing is recorded.
    pub checked: usize,
    /// How many distinct histories of calls and returns were found to be linearizable: all there were.
    pub linearized: usize,
    /// How many different sequences of events they showed.
    pub traces: usize,
    /// Whether the engine said that nothing within the bound was left to explore.
    pub complete: bool,
    /// How many controls this scenario has rejected under this engine, when `make controls` last ran.
    pub controls: Option<usize>,
    /// How long it took.
    pub seconds: f64,
    /// What went wrong, if anything.
    pub failure: Option<Failure>,
}

/// An exploration of the code without the probe.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Unrecorded {
    /// How many executions ran.
    pub executions: usize,
    /// How long it took.
    pub seconds: f64,
}

/// A failing execution.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// The panic's message.
    pub message: String,
    /// Its number within the exploration, from 1.
    pub execution: usize,
    /// Which wait returned spuriously, if one did.
    pub spurious_wait: Option<usize>,
    /// The schedule, and the command that replays exactly it.
    pub replay: Option<String>,
}

impl Row {
    /// One word for the table.
    #[must_use]
    pub fn verdict(&self) -> &'static str {
        match (&self.failure, self.complete) {
            (Some(_), _) => "FAILED",
            (None, true) => "complete",
            (None, false) => "bounded",
        }
    }
}

/// The rows as a page: a summary for each subject and engine, and every row of loom's.
#[must_use]
pub fn markdown(rows: &[Row], seconds: f64) -> String {
    let mut text = format!(
        "# Results\n\nWritten by `make results`, never by hand: one run of `make verify`, {} rows in {seconds:.0} s. \
         What the columns mean, and what each engine does not see, stands in \
         [verification.md](verification.md).\n\n\
         | subject | engine | scenarios | executions | complete | bounded | failed |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
        rows.len()
    );
    let subject = |row: &Row| {
        row.scenario
            .split('/')
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let mut groups: Vec<(String, String)> = rows
        .iter()
        .map(|row| (subject(row), row.engine.clone()))
        .collect();
    groups.sort();
    groups.dedup();
    for (name, engine) in groups {
        let rows = rows
            .iter()
            .filter(|row| subject(row) == name && row.engine == engine);
        let rows: Vec<_> = rows.collect();
        let count = |verdict| rows.iter().filter(|row| row.verdict() == verdict).count();
        let executions: usize = rows.iter().map(|row| row.executions).sum();
        let _ = writeln!(
            text,
            "| {name} | {engine} | {} | {executions} | {} | {} | {} |",
            rows.len(),
            count("complete"),
            count("bounded"),
            count("FAILED")
        );
    }
    text.push_str(
        "\n## Every scenario under loom\n\n\
         | scenario | properties | bound | spurious | executions | checked | linearized | traces | verdict |\n\
         |---|---|---|--:|--:|--:|--:|--:|---|\n",
    );
    for row in rows.iter().filter(|row| row.engine == "loom") {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            row.scenario,
            row.properties.join(" "),
            row.bound,
            row.spurious,
            row.executions,
            row.checked,
            row.linearized,
            row.traces,
            row.verdict()
        );
    }
    text
}

/// What recording and judging cost: the median, over the rows that also ran without, of the time an
/// execution takes.
#[must_use]
pub fn cost(rows: &[Row]) -> String {
    // In fewer executions the time is that of a few allocations.
    let enough = |row: &&Row| row.executions >= 200;
    let ratio = |row: &Row| row.unrecorded.map(|plain| row.seconds / plain.seconds);
    let mut ratios: Vec<f64> = rows.iter().filter(enough).filter_map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let also = rows.iter().filter(|row| row.unrecorded.is_some()).count();
    match ratios.get(ratios.len() / 2) {
        Some(median) => format!(
            "{also} rows also ran unrecorded, with as many executions each; recorded and judged, an execution \
             takes {median:.2} times as long (median of the {} rows with 200 executions or more)\n",
            ratios.len()
        ),
        None => String::new(),
    }
}

/// The rows as a table, and a line that sums them up.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let controls = |row: &Row| {
        row.controls
            .map_or("-".to_owned(), |count| count.to_string())
    };
    let head = [
        "scenario",
        "properties",
        "engine",
        "bound",
        "spurious",
        "executions",
        "checked",
        "linearized",
        "traces",
        "controls",
        "time",
        "verdict",
    ];
    let mut cells: Vec<[String; 12]> = vec![head.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        [
            row.scenario.clone(),
            row.properties.join(" "),
            row.engine.clone(),
            row.bound.clone(),
            row.spurious.to_string(),
            row.executions.to_string(),
            row.checked.to_string(),
            row.linearized.to_string(),
            row.traces.to_string(),
            controls(row),
            format!("{:.1} s", row.seconds),
            row.verdict().to_owned(),
        ]
    }));
    let widths: Vec<usize> = (0..head.len())
        .map(|at| {
            cells
                .iter()
                .map(|row| row[at].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in &cells {
        for (at, cell) in row.iter().enumerate() {
            let numeric = (4..11).contains(&at);
            let pad = " ".repeat(widths[at] - cell.chars().count());
            let (before, after) = if numeric {
                (pad, String::new())
            } else {
                (String::new(), pad)
            };
            let _ = write!(text, "{before}{cell}{after}  ");
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    let mut reasons: Vec<_> = rows
        .iter()
        .filter_map(|row| row.reason.as_deref())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let _ = writeln!(text, "bounded because: {reason}");
    }
    let executions: usize = rows.iter().map(|row| row.executions).sum();
    let failed = rows.iter().filter(|row| row.failure.is_some()).count();
    let _ = writeln!(
        text,
        "{} rows, {executions} executions: {} complete, {} bounded, {failed} failed",
        rows.len(),
        rows.iter()
            .filter(|row| row.verdict() == "complete")
            .count(),
        rows.iter().filter(|row| row.verdict() == "bounded").count(),
    );
    text
}
