//! The original, in an interpreter of its own, if the `python3` on the path has it. Its numbers stand beside
//! ours, and are not compared with them: it takes no turns with the others.

use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::pin::Mode;

const SCRIPT: &str = include_str!("../twisted/event_loop.py");

/// Whether it is installed.
pub static IS_THERE: LazyLock<bool> = LazyLock::new(|| {
    let mut python = Command::new("python3");
    let python = python.args(["-c", "import twisted.internet"]);
    let status = python.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|it| it.success())
});

/// The numbers of a row of the script.
///
/// # Panics
/// If it fails, which it does if something did not run.
#[must_use]
pub fn measure(row: &str, mode: Mode, count: u64) -> Vec<f64> {
    let output = Command::new("python3")
        .args(["-c", SCRIPT, row, mode.name(), &count.to_string()])
        .output()
        .expect("there is a python3");
    assert!(
        output.status.success(),
        "Twisted, {row}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| line.parse().expect("it prints numbers"))
        .collect()
}
