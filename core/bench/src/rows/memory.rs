//! Memory, counted by another program: an allocator that counts would cost time here.

use std::env;
use std::process::Command;

use super::{Against, Case, Metric, Row};
use crate::contenders::{Brigade, Contender};
use crate::each;
use crate::pin::Mode;

/// The numbers of a row of the other program, which prints them one a line.
pub(super) fn measure(row: &str, contender: &str, quick: bool) -> Vec<f64> {
    let here = env::current_exe().expect("this program is a file");
    let output = Command::new(here.with_file_name("memory"))
        .args([row, contender, if quick { "1000" } else { "100000" }])
        .output()
        .expect("`memory` is built beside this program: cargo build --release --bins");
    assert!(
        output.status.success(),
        "memory {row} {contender}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| line.parse().expect("it prints numbers"))
        .collect()
}

fn counted(
    name: &str,
    about: &str,
    metrics: impl Into<Vec<Metric>>,
    argument: &'static str,
) -> Row {
    let mut row = Row::new(name, about, metrics, move |setup| {
        let quick = setup.quick;
        each!(C => setup.case::<C>(|| Case::of::<C>(move || measure(argument, C::NAME, quick))))
    });
    row.share = usize::MAX;
    row.modes = &[Mode::One];
    row
}

pub(super) fn rows() -> Vec<Row> {
    let waiting = |at_most| {
        [
            Metric::new("waiting", "bytes a task").at_most(Against::Nothing, at_most),
            Metric::new("at the peak", "bytes a task"),
            Metric::new("kept afterwards", "bytes a task"),
        ]
    };
    let allocations =
        |name: &str| Metric::new(name, "allocations a task").at_most(Against::Nothing, 0.0);
    let sizes = [4, 5, 6, 7].map(|power| format!("10^{power} tasks"));
    let mut growth = counted(
        "memory, growth",
        "tasks with 8 bytes captured that wait",
        sizes.map(|size| Metric::new(&size, "bytes a task").at_most(Against::Nothing, 24.0)),
        "growth",
    );
    growth.cases = Box::new(|setup| {
        let quick = setup.quick;
        let case = || Case::of::<Brigade>(move || measure("growth", Brigade::NAME, quick));
        setup.case::<Brigade>(case).into_iter().collect()
    });
    vec![
        counted(
            "memory, 8",
            "100,000 tasks with 8 bytes captured",
            waiting(24.0),
            "waiting-8",
        ),
        counted(
            "memory, 48",
            "100,000 tasks with 48 bytes captured",
            waiting(64.0),
            "waiting-48",
        ),
        growth,
        counted(
            "allocations",
            "in steady state, bursts of 1,000, by bytes captured",
            ["0", "8", "16", "32", "48", "48, nested"].map(allocations),
            "allocations",
        ),
    ]
}
