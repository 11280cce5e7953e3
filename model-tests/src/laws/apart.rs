//! The exploration in a process of its own.
//!
//! An engine that finds a deadlock leaves threads that can neither go on nor be unwound, so what
//! explores has to end as a process. The test that makes the call runs again in a child, which
//! explores, writes its report to a file, and exits; the test then passes or panics by that report.
//!
//! A test of the standard harness is known by the name of its thread. Where that names no test, the
//! exploration runs in the calling process, and ends it if it has to.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process, thread};

/// The worker that a child is to explore.
const CALL: &str = "BRIGADE_LAWS_CALL";
/// The file for its report.
const REPORT: &str = "BRIGADE_LAWS_REPORT";

/// What was found: the lines of the laws that were kept, or the law that was broken.
pub(super) type Found = Result<String, Broken>;

/// A report of a broken law.
pub(super) struct Broken {
    pub(super) report: String,
    /// Whether an engine stands still inside, so that this process has to end.
    pub(super) stuck: bool,
}

/// Explores in a child if it can, and hands back what was found; in a child, does not return from
/// the call that it was started for. `None`: this is a child, started for another call.
pub(super) fn explore(name: &str, explore: impl FnOnce() -> Found) -> Option<Found> {
    if let Ok(call) = env::var(CALL) {
        if call == name {
            answer(explore());
        }
        return None;
    }
    Some(in_a_child(name).unwrap_or_else(|| {
        let found = explore();
        if let Err(Broken {
            report,
            stuck: true,
        }) = &found
        {
            eprintln!("{report}");
            process::exit(101);
        }
        found
    }))
}

fn answer(found: Found) -> ! {
    let (text, code) = match found {
        Ok(kept) => (format!("kept\n{kept}"), 0),
        Err(broken) => (format!("broken\n{}", broken.report), 101),
    };
    if let Some(file) = env::var_os(REPORT) {
        fs::write(file, text).expect("the report can be written");
    }
    process::exit(code);
}

/// `None` if the calling thread is no test's.
fn in_a_child(name: &str) -> Option<Found> {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let thread = thread::current();
    let test = thread.name().filter(|name| *name != "main")?;
    let number = CALLS.fetch_add(1, Ordering::SeqCst);
    let file = format!("brigade-laws-{}-{number}.txt", process::id());
    let file = env::temp_dir().join(file);
    let output = Command::new(env::current_exe().ok()?)
        .args([test, "--exact", "--include-ignored", "--nocapture"])
        .env(CALL, name)
        .env(REPORT, &file)
        .output()
        .ok()?;
    read(&file, &output)
}

fn read(file: &PathBuf, output: &Output) -> Option<Found> {
    let text = fs::read_to_string(file);
    let _ = fs::remove_file(file);
    let said = String::from_utf8_lossy(&output.stderr);
    if let Ok(text) = text
        && let Some((verdict, report)) = text.split_once('\n')
    {
        if verdict == "kept" {
            return Some(Ok(report.to_owned()));
        }
        // The steps of a trace, and whatever an engine had to say.
        eprint!("{said}");
        return Some(Err(Broken {
            report: report.to_owned(),
            stuck: false,
        }));
    }
    if output.status.success() {
        // It ran no test of that name.
        return None;
    }
    let report = format!(
        "panic broken: the process that explored ended without a report ({})\n{said}",
        output.status
    );
    Some(Err(Broken {
        report,
        stuck: false,
    }))
}
