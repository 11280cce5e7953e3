//! `docs/parity.md` is complete and true to the repository: each of the original's names stands in it, no
//! cell is empty, and each test and scenario that it names exists.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use brigade_model_tests::scenario;

/// The original's public names, as they are written in a row's first cell.
const NAMES: &[&str] = &[
    // `twisted._threads`
    "IWorker",
    "IWorker.do",
    "IWorker.quit",
    "IExclusiveWorker",
    "AlreadyQuit",
    "Team",
    "Team.do",
    "Team.quit",
    "Team.grow",
    "Team.shrink",
    "Team.statistics",
    "Statistics",
    "Statistics.idleWorkerCount",
    "Statistics.busyWorkerCount",
    "Statistics.backloggedWorkCount",
    "LockWorker",
    "LockWorker.do",
    "LockWorker.quit",
    "ThreadWorker",
    "ThreadWorker.do",
    "ThreadWorker.quit",
    "createMemoryWorker",
    "MemoryWorker",
    "MemoryWorker.do",
    "MemoryWorker.quit",
    "NoMoreWork",
    "pool",
    "Quit",
    "Quit.isSet",
    "Quit.set",
    "Quit.check",
    // `twisted.python.threadpool`
    "ThreadPool",
    "ThreadPool.min",
    "ThreadPool.max",
    "ThreadPool.name",
    "ThreadPool.started",
    "ThreadPool.joined",
    "ThreadPool.threads",
    "ThreadPool.workers",
    "ThreadPool.working",
    "ThreadPool.waiters",
    "ThreadPool.q",
    "ThreadPool.threadFactory",
    "ThreadPool.currentThread",
    "ThreadPool.start",
    "ThreadPool.stop",
    "ThreadPool.startAWorker",
    "ThreadPool.stopAWorker",
    "ThreadPool.callInThread",
    "ThreadPool.callInThreadWithCallback",
    "ThreadPool.adjustPoolsize",
    "ThreadPool.dumpStats",
    "ThreadPool.__getstate__",
    "ThreadPool.__setstate__",
    "WorkerStop",
    // The reactor.
    "IReactorFromThreads",
    "IReactorFromThreads.callFromThread",
    "IReactorInThreads",
    "IReactorInThreads.callInThread",
    "IReactorThreads",
    "IReactorThreads.getThreadPool",
    "IReactorThreads.suggestThreadPoolSize",
    "ReactorBase.usingThreads",
    "ReactorBase.threadpool",
    "ReactorBase.threadpoolShutdownID",
    "ReactorBase.threadCallQueue",
    "ReactorBase.wakeUp",
    "ReactorBase.waker",
    "ReactorBase.installWaker",
    "_IWaker",
    "_IWaker.wakeUp",
    "_IWaker.doRead",
    "_IWaker.connectionLost",
    "_IWaker.disconnected",
    "IReactorCore.run",
    "IReactorCore.stop",
    "IReactorCore.crash",
    "IReactorCore.iterate",
    "IReactorCore.running",
    "IReactorCore.callWhenRunning",
    // `twisted.internet.threads`
    "deferToThread",
    "deferToThreadPool",
    "callMultipleInThread",
    "blockingCallFromThread",
    // `twisted.python.threadable`
    "isInIOThread",
    "registerAsIOThread",
    "ioThread",
    "getThreadID",
    "XLock",
    "synchronize",
    "init",
    "threaded",
];

/// What the last cell of a row says for which there is no test, because there is nothing here.
const NOTHING: &str = "Nothing to run: ";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A row of a table: its line, and its cells.
struct Row<'a> {
    line: usize,
    cells: Vec<&'a str>,
}

/// The rows of all tables, without their heads.
fn rows(page: &str) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::new();
    let mut in_table = false;
    for (at, line) in page.lines().enumerate() {
        let Some(cells) = line.strip_prefix('|') else {
            in_table = false;
            continue;
        };
        if line.starts_with("|---") {
            continue;
        }
        if in_table {
            let cells = cells.strip_suffix('|').unwrap_or(cells);
            let cells = cells.split('|').map(str::trim).collect();
            rows.push(Row {
                line: at + 1,
                cells,
            });
        }
        in_table = true;
    }
    rows
}

/// What stands between backticks.
fn code(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The name in a piece of code, without arguments.
fn name(code: &str) -> &str {
    code.split('(').next().unwrap_or(code)
}

/// `file::name` of each test in a folder of tests; `folder::file::name` of those in a folder in it.
fn tests_in(folder: &Path) -> BTreeSet<String> {
    let mut tests = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if path.is_dir() {
            let inside = tests_in(&path).into_iter();
            tests.extend(inside.map(|test| format!("{stem}::{test}")));
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            tests.extend(tests_of(&text).map(|test| format!("{stem}::{test}")));
        }
    }
    tests
}

/// The functions that are marked as tests, and are run unless told.
fn tests_of(text: &str) -> impl Iterator<Item = &str> {
    text.split("#[test]\n").skip(1).filter_map(|after| {
        let (attributes, function) = after.split_once("fn ")?;
        let run = attributes.lines().all(|line| {
            let line = line.trim();
            line.is_empty() || (line.starts_with("#[") && !line.starts_with("#[ignore"))
        });
        run.then(|| name(function))
    })
}

/// `guide.md#section` of each section with a program in it, which is run, or seen not to compile.
fn programs_of(guide: &str) -> impl Iterator<Item = String> {
    guide.split("\n#").skip(1).filter_map(|section| {
        let (title, text) = section.trim_start_matches('#').split_once('\n')?;
        let has_program = text.contains("```rust") || text.contains("```compile_fail");
        has_program.then(|| {
            let title = title.trim().to_lowercase().replace(' ', "-");
            let kept = title
                .chars()
                .filter(|it| it.is_alphanumeric() || *it == '-');
            format!("guide.md#{}", kept.collect::<String>())
        })
    })
}

struct Repository {
    /// The sections of the guide that have programs are among them.
    tests: BTreeSet<String>,
    scenarios: BTreeSet<String>,
}

impl Repository {
    fn read() -> Self {
        let mut tests = tests_in(&root().join("core/tests"));
        tests.extend(tests_in(&root().join("model-tests/tests")));
        let guide = fs::read_to_string(root().join("docs/guide.md")).unwrap();
        tests.extend(programs_of(&guide));
        Self {
            tests,
            scenarios: scenario::all().into_iter().map(|it| it.name).collect(),
        }
    }

    /// What is wrong with a page.
    fn faults(&self, page: &str, names: &[&str]) -> Vec<String> {
        let rows = rows(page);
        let mut faults = Vec::new();
        for Row { line, cells } in &rows {
            let [first, here, differs, shown] = cells[..] else {
                faults.push(format!("line {line}: not four cells"));
                continue;
            };
            for cell in [first, here, differs, shown] {
                if !cell.chars().any(char::is_alphabetic) {
                    faults.push(format!("line {line}: an empty cell"));
                }
            }
            faults.extend(
                self.shown(here, shown)
                    .map(|fault| format!("line {line}: {fault}")),
            );
        }
        let first_cells = rows.iter().flat_map(|row| row.cells.first());
        let there: BTreeSet<&str> = first_cells.flat_map(|cell| code(cell).map(name)).collect();
        let missing = names.iter().filter(|name| !there.contains(**name));
        faults.extend(missing.map(|name| format!("no row for {name}")));
        faults
    }

    /// What is wrong with the cell that says which test shows a row.
    fn shown(&self, here: &str, shown: &str) -> impl Iterator<Item = String> {
        if shown.starts_with(NOTHING) {
            let fault = (!here.starts_with("none")).then(|| "there is something to run".to_owned());
            return Vec::from_iter(fault).into_iter();
        }
        let mut faults: Vec<String> = code(shown)
            .filter(|name| !self.tests.contains(*name) && !self.scenarios.contains(*name))
            .map(|name| format!("no test or scenario {name}"))
            .collect();
        if code(shown).next().is_none() {
            faults.push("no test is named".to_owned());
        }
        faults.into_iter()
    }
}

#[test]
fn each_name_and_promise_of_the_original_has_its_row_and_its_test() {
    let page = fs::read_to_string(root().join("docs/parity.md")).unwrap();
    let faults = Repository::read().faults(&page, NAMES);
    assert!(
        faults.is_empty(),
        "docs/parity.md:\n{}\n",
        faults.join("\n")
    );
}

fn small() -> Repository {
    Repository {
        tests: ["file::it_works".to_owned()].into(),
        scenarios: ["quit/pair-quit-quit".to_owned()].into(),
    }
}

fn faults_of(row: &str) -> Vec<String> {
    let page = format!("| original | here | differs | shown |\n|---|---|---|---|\n{row}\n");
    small().faults(&page, &["IWorker"])
}

#[test]
fn controls_are_rejected() {
    for (row, expected) in [
        (
            "| `IWorker` | `Worker` | | `file::it_works` |",
            "an empty cell",
        ),
        (
            "| `IWorker` | – | No. | `file::it_works` |",
            "an empty cell",
        ),
        (
            "| `IWorker` | `Worker` | `file::it_works` |",
            "not four cells",
        ),
        (
            "| `IWorker` | `Worker` | No. | `file::it_fails` |",
            "file::it_fails",
        ),
        (
            "| `IWorker` | `Worker` | No. | `quit/pair-quit` |",
            "quit/pair-quit",
        ),
        (
            "| `IWorker` | `Worker` | No. | a test |",
            "no test is named",
        ),
        (
            "| `IWorker` | `Worker` | No. | Nothing to run: lazy |",
            "there is something to run",
        ),
        (
            "| `Worker` | `Worker` | No. | `file::it_works` |",
            "no row for IWorker",
        ),
    ] {
        let faults = faults_of(row);
        assert!(
            faults.iter().any(|it| it.contains(expected)),
            "{row}: {faults:?}"
        );
    }
}

#[test]
fn what_is_right_is_not_rejected() {
    for row in [
        "| `IWorker(x)` | `Worker` | No. | `file::it_works`, `quit/pair-quit-quit` |",
        "| `IWorker` | none | No use. | Nothing to run: there is none. |",
    ] {
        assert_eq!(faults_of(row), [""; 0], "{row}");
    }
}

#[test]
fn a_section_counts_if_it_has_a_program() {
    let guide = "# All\n## By a future, or so\n```rust\n# fn f() {}\n```\n### Prose\nno program\n## No\n```compile_fail\n```\n";
    let expected = ["guide.md#by-a-future-or-so", "guide.md#no"];
    assert_eq!(programs_of(guide).collect::<Vec<_>>(), expected);
}

#[test]
fn a_test_is_what_is_marked_so_and_run() {
    let text = "#[test]\nfn one() {}\n#[test]\n#[should_panic]\nfn two() {}\n#[test]\n#[ignore]\nfn three() {}\nfn four() {}\n";
    assert_eq!(tests_of(text).collect::<Vec<_>>(), ["one", "two"]);
}
