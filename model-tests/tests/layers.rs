//! The layers of `core`, checked on its text: what a module uses stands in a layer above it, all that
//! synchronises comes from `primitives`, and each `unsafe` and each memory ordering says why.
//!
//! The text is read as text, not as Rust: comments, strings and test modules are blanked out, and
//! paths that begin with `crate`, `super`, `std` and the like are followed through their braces.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the first layer to the last. A module may use those of its own layer and of earlier ones.
const LAYERS: &[&[&str]] = &[
    &["primitives", "probe"],
    &[
        "short_lock",
        "task",
        "jobs",
        "worker",
        "quit",
        "contain",
        "handle",
        "turn",
        "start",
        "token",
        "task_error",
        "completion",
    ],
    &["memory", "lock", "queue", "thread"],
    &["team::statistics", "team::sizes", "team::team_lock"],
    &["team::ledger"],
    &["team::backlog"],
    &["team::handlers"],
    // What the shell gives away refers to the shell.
    &["team::tickets", "team::shell"],
    &["team::public"],
    // A thread needs the crew that it is of, and the crew starts it.
    &[
        "team::crew",
        "team::crew::birth",
        "team::crew::hand",
        "team::crew::room",
        "team::crew::withdrawal",
    ],
    &["team"],
    &["scope"],
    COMPOSITIONS,
];

/// The last layer: no `unsafe`, no atomics, and the only one to use what the crate exports.
const COMPOSITIONS: &[&str] = &[
    "event_loop",
    "event_loop::blocking",
    "event_loop::builder",
    "event_loop::call",
    "event_loop::confined",
    "event_loop::deferred",
    "event_loop::first_use",
    "event_loop::futures",
    "event_loop::handle",
    "event_loop::host",
    "event_loop::inbox",
    "event_loop::on_loop",
    "pool",
    "thread_pool",
    "thread_pool::around",
    "thread_pool::builder",
    "thread_pool::callback",
    "thread_pool::context",
    "thread_pool::ending",
    "thread_pool::full",
    "thread_pool::join_handle",
    "thread_pool::keeper",
    "thread_pool::observe",
    "thread_pool::place",
    "thread_pool::roster",
    "thread_pool::stall",
    "thread_pool::statistics",
    "thread_pool::tracing",
    "test_kit",
    "test_kit::counterexample",
    "test_kit::engine",
    "test_kit::engine::here",
    "test_kit::engine::on_loom",
    "test_kit::engine::on_shuttle",
    "test_kit::engine::on_std",
    "test_kit::explorer",
    "test_kit::lanes",
    "test_kit::schedule",
    "test_kit::split_mix",
    "test_kit::stepped_team",
    "test_kit::steps",
];

/// Drives the engines from outside of every execution: it may name them, and what they do not see.
const DRIVER: &str = "test_kit::engine";

/// Besides `primitives`, the only modules with `unsafe` in them.
const UNSAFE: &[&str] = &["task", "jobs", "short_lock", "scope"];

/// How far above its use a comment may stand.
const NEAR: usize = 8;

#[test]
fn core_keeps_to_its_layers() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src");
    let mut files = Vec::new();
    rust_files(&src, &mut files);
    let mut modules = Vec::new();
    let mut violations = Vec::new();
    for file in files {
        let path = file
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        violations.extend(check(&path, &fs::read_to_string(file).unwrap()));
        modules.push(module(&path).join("::"));
    }
    for name in LAYERS.iter().copied().flatten() {
        if !modules.iter().any(|it| it == name) {
            violations.push(format!("{name} is in the table of layers, and not there"));
        }
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

/// What is wrong with the file at this path below `src`.
fn check(path: &str, text: &str) -> Vec<String> {
    let module = module(path);
    if module.is_empty() || module.iter().any(|name| name == "tests") {
        // The root exports what it likes; tests use what they like.
        return Vec::new();
    }
    // The engines' files are parts of one module; those of the team are layers of their own.
    let name = match module[0].as_str() {
        "primitives" => "primitives".to_owned(),
        _ => module.join("::"),
    };
    let Some(layer) = LAYERS.iter().position(|it| it.contains(&name.as_str())) else {
        return vec![format!("{path}: not in the table of layers")];
    };
    let code = without_tests(&without_text(text));
    let file = File {
        path,
        code: &code,
        lines: text.lines().collect(),
    };
    let primitives = layer == 0;
    let driver = name == DRIVER || name.starts_with(&format!("{DRIVER}::"));
    let mut found = Vec::new();
    let mut ours = false;
    for (at, used) in paths(&code) {
        ours |= used == ["crate", "primitives", "thread_local"];
        let free = driver && !["crate", "super"].contains(&used[0].as_str());
        if let Some(why) = wrong(&module, layer, &used).filter(|_| !free) {
            found.push(file.violation(at, &why));
        }
    }
    for at in words(&code, "thread_local!") {
        if !primitives && !ours && !driver {
            found.push(file.violation(at, "std's thread_local!, not that of primitives"));
        }
    }
    for at in words(&code, "unsafe") {
        if !primitives && !UNSAFE.contains(&name.as_str()) {
            found.push(file.violation(at, "unsafe where there may be none"));
        }
        // `unsafe fn(` is the type of a pointer: nothing is done there.
        let rest = &code[at..];
        if !rest.starts_with("unsafe fn(") && !file.commented(at, &["SAFETY:", "# Safety"]) {
            found.push(file.violation(at, "unsafe without a SAFETY comment"));
        }
    }
    for at in words(&code, "Ordering::") {
        let which = &code[at + "Ordering::".len()..];
        let orders = [
            "Relaxed", "Acquire", "Release", "AcqRel", "SeqCst", "{", "*",
        ];
        if orders.iter().any(|it| which.starts_with(it)) && !file.commented(at, &["ORDERING:"]) {
            found.push(file.violation(at, "a memory ordering without an ORDERING comment"));
        }
    }
    if layer == LAYERS.len() - 1 {
        // The driver counts executions, of which the engines see nothing.
        let counters = if driver {
            &[][..]
        } else {
            &["AtomicBool", "AtomicUsize"]
        };
        for word in counters.iter().chain(&["UnsafeCell"]) {
            for at in words(&code, word) {
                found.push(file.violation(at, &format!("{word} in a composition")));
            }
        }
    }
    found
}

/// Why this module must not use this path, if so.
fn wrong(module: &[String], mine: usize, used: &[String]) -> Option<String> {
    let all = used.join("::");
    let names: Vec<&str> = used.iter().map(String::as_str).collect();
    let target: Vec<String> = match names[..] {
        ["crate", ..] => used[1..].to_vec(),
        ["super", ..] => {
            let up = names.iter().take_while(|it| **it == "super").count();
            let base = module.len().checked_sub(up)?;
            [&module[..base], &used[up..]].concat()
        }
        _ if mine == 0 => return None,
        ["loom" | "shuttle", ..] => {
            return Some(format!("{all}: an engine, outside of primitives"));
        }
        [
            "std" | "core" | "alloc",
            "sync" | "thread" | "thread_local",
            ..,
        ]
        | ["std" | "core", "cell", "UnsafeCell" | "SyncUnsafeCell", ..] => {
            return Some(format!("{all}, outside of primitives"));
        }
        _ => return None,
    };
    // What is no module is exported by the root, which stands after everything.
    let theirs = layer(&target).unwrap_or(LAYERS.len() - 1);
    (theirs > mine).then(|| format!("{all}: a use of a later layer"))
}

/// The layer of a module, or of something in it.
fn layer(path: &[String]) -> Option<usize> {
    let prefixes = (1..=path.len())
        .rev()
        .map(|length| path[..length].join("::"));
    prefixes
        .filter_map(|name| LAYERS.iter().position(|it| it.contains(&name.as_str())))
        .next()
}

/// `team/ledger.rs` is `team::ledger`, `team/mod.rs` is `team`, and the root is nothing.
fn module(path: &str) -> Vec<String> {
    let names = path.trim_end_matches(".rs").split('/');
    let names = names.filter(|name| !["lib", "mod"].contains(name));
    names.map(str::to_owned).collect()
}

struct File<'a> {
    path: &'a str,
    code: &'a str,
    lines: Vec<&'a str>,
}

impl File<'_> {
    /// The number of the line, from 0. Blanking keeps every line where it is.
    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count()
    }

    fn violation(&self, at: usize, why: &str) -> String {
        format!("{}:{}: {why}", self.path, self.line(at) + 1)
    }

    /// Whether one of these stands in a comment on the line or near above it.
    fn commented(&self, at: usize, marks: &[&str]) -> bool {
        let line = self.line(at);
        let near = &self.lines[line.saturating_sub(NEAR)..=line];
        let comments = near.iter().filter_map(|line| line.split_once("//"));
        let mut comments = comments.map(|(_, comment)| comment);
        comments.any(|comment| marks.iter().any(|mark| comment.contains(mark)))
    }
}

/// Where this word begins, and is no part of a longer name.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let named = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let after = code[at + word.len()..].chars().next();
            let open = word.ends_with(|c| !named(c)) || !after.is_some_and(named);
            open && !code[..at].ends_with(|c| named(c) || c == '$')
        })
}

/// All paths that begin in one of these ways, through their braces, with where each begins.
fn paths(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut all = Vec::new();
    for head in ["crate", "super", "std", "core", "alloc", "loom", "shuttle"] {
        for at in words(code, head) {
            // `a::std` is no beginning, `::std` is one.
            let before = code[..at].trim_end_matches("::");
            let inside = code[..at].ends_with("::")
                && before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '>');
            let tokens = tokens(&code[at..]);
            if !inside && tokens.get(1) == Some(&"::") {
                let mut tree = Vec::new();
                follow(&tokens, &mut 0, &[], &mut tree);
                all.extend(tree.into_iter().map(|path| (at, path)));
            }
        }
    }
    all
}

/// The names and signs of a path that begins here; a few more do no harm.
fn tokens(code: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = code;
    loop {
        rest = rest.trim_start();
        let name = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let length = match name {
            0 if rest.starts_with("::") => 2,
            0 => 1,
            _ => name,
        };
        // A tree ends with its statement; a plain path at whatever cannot be in one.
        let Some(token) = rest.get(..length) else {
            return all;
        };
        if token == ";" || token == ")" {
            return all;
        }
        all.push(token);
        rest = &rest[length..];
    }
}

/// Follows a tree of paths: `a::{b, c::{d, self}, *}`.
fn follow(tokens: &[&str], at: &mut usize, prefix: &[String], all: &mut Vec<Vec<String>>) {
    let mut path = prefix.to_vec();
    while let Some(&token) = tokens.get(*at) {
        *at += 1;
        match token {
            "{" => {
                while *at < tokens.len() && tokens[*at] != "}" {
                    follow(tokens, at, &path, all);
                    // Past a comma, or past `as` and a name.
                    while *at < tokens.len() && ![",", "}"].contains(&tokens[*at]) {
                        *at += 1;
                    }
                    *at += usize::from(tokens.get(*at) == Some(&","));
                }
                *at += 1;
                return;
            }
            "self" if !path.is_empty() => {}
            name => path.push(name.to_owned()),
        }
        if tokens.get(*at) != Some(&"::") {
            break;
        }
        *at += 1;
    }
    all.push(path);
}

/// The text with comments, strings and characters blanked out, and every line break kept.
fn without_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if let Some(hashes) = raw_string(rest, out.chars().next_back()) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            let end = rest[open..].find(&close);
            end.map_or(rest.len(), |at| open + at + close.len())
        } else if c == '"' {
            quoted(rest, '"')
        } else if c == '\'' && is_character(rest) {
            quoted(rest, '\'')
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
        out.extend(rest[..length].chars().map(blank));
        rest = &rest[length..];
    }
    out
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0;
    for (at, _) in rest.match_indices(['/', '*']) {
        match &rest[at..rest.len().min(at + 2)] {
            "/*" => depth += 1,
            "*/" if depth == 1 => return at + 2,
            "*/" => depth -= 1,
            _ => {}
        }
    }
    rest.len()
}

/// The number of hashes, if a raw string begins here.
fn raw_string(rest: &str, before: Option<char>) -> Option<usize> {
    if before.is_some_and(|c| c.is_alphanumeric() && c != 'b' || c == '_') {
        return None;
    }
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// A character in quotes, and not a lifetime.
fn is_character(rest: &str) -> bool {
    let mut chars = rest[1..].chars();
    let first = chars.next();
    first == Some('\\') || chars.next() == Some('\'')
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The code with every item under `#[cfg(test)]` or `#[cfg(all(test, …))]` blanked out.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    for mark in ["#[cfg(test)]", "#[cfg(all(test,"] {
        while let Some(at) = out.find(mark) {
            let end = at + item(&out[at..]);
            let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
            let blanked: String = out[at..end].chars().map(blank).collect();
            out.replace_range(at..end, &blanked);
        }
    }
    out
}

/// The length of the item that begins here, with its attributes: to its `;` or its closing brace.
fn item(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in code.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Each fault, where it stands, and what is said of it.
const CONTROLS: &[(&str, &str, &str)] = &[
    (
        "task.rs",
        "use crate::pool::Pool;",
        "1: crate::pool::Pool: a use of a later layer",
    ),
    (
        "task.rs",
        "fn f() {\n crate::lock::g();\n}",
        "2: crate::lock::g: a use of a later layer",
    ),
    (
        "turn.rs",
        "use crate::{task, memory::State};",
        "1: crate::memory::State: a use of a later",
    ),
    (
        "turn.rs",
        "use crate::{\n    task::{Job, Once},\n    team::Team,\n};",
        "crate::team::Team: a",
    ),
    (
        "memory.rs",
        "use crate::Team;",
        "1: crate::Team: a use of a later layer",
    ),
    (
        "team/ledger.rs",
        "use super::shell::Shell;",
        "1: super::shell::Shell: a use of a later",
    ),
    (
        "team/ledger.rs",
        "use super::{statistics::S, handlers};",
        "super::handlers: a use of a",
    ),
    (
        "team/shell.rs",
        "use super::super::pool;",
        "1: super::super::pool: a use of a later layer",
    ),
    (
        "team/shell.rs",
        "use super::Team;",
        "1: super::Team: a use of a later layer",
    ),
    (
        "primitives/choice.rs",
        "use crate::task::Task;",
        "1: crate::task::Task: a use of a later",
    ),
    ("fresh.rs", "", "fresh.rs: not in the table of layers"),
    (
        "team/fresh.rs",
        "",
        "team/fresh.rs: not in the table of layers",
    ),
    (
        "lock.rs",
        "use std::sync::PoisonError;",
        "1: std::sync::PoisonError, outside of primitives",
    ),
    (
        "lock.rs",
        "use std::{cell::Cell, sync::Mutex};",
        "1: std::sync::Mutex, outside of primitives",
    ),
    (
        "lock.rs",
        "use std::{\n    fmt,\n    thread::{self, park},\n};",
        "std::thread, outside of",
    ),
    (
        "lock.rs",
        "fn f() { std::thread::park() }",
        "1: std::thread::park, outside of primitives",
    ),
    (
        "lock.rs",
        "use ::core::sync::atomic;",
        "1: core::sync::atomic, outside of primitives",
    ),
    (
        "pool.rs",
        "use std::cell::UnsafeCell;",
        "1: std::cell::UnsafeCell, outside of primitives",
    ),
    (
        "turn.rs",
        "std::thread_local! {}",
        "1: std::thread_local, outside of primitives",
    ),
    (
        "turn.rs",
        "thread_local! {}",
        "1: std's thread_local!, not that of primitives",
    ),
    (
        "queue.rs",
        "use loom::sync::Arc;",
        "1: loom::sync::Arc: an engine, outside of primitives",
    ),
    (
        "queue.rs",
        "use ::shuttle::rand;",
        "1: shuttle::rand: an engine, outside of primitives",
    ),
    (
        "queue.rs",
        "// SAFETY: it is.\nunsafe { f() }",
        "2: unsafe where there may be none",
    ),
    (
        "team/ledger.rs",
        "// SAFETY: it is.\nunsafe { f() }",
        "2: unsafe where there may be none",
    ),
    (
        "task.rs",
        "let x = 1;\nunsafe { f() }",
        "2: unsafe without a SAFETY comment",
    ),
    (
        "task.rs",
        "unsafe impl Send for T {}",
        "1: unsafe without a SAFETY comment",
    ),
    (
        "task.rs",
        "// SAFETY: far.\n\n\n\n\n\n\n\n\nunsafe { f() }",
        "10: unsafe without a SAFETY",
    ),
    (
        "primitives/on_std.rs",
        "unsafe { f() }",
        "1: unsafe without a SAFETY comment",
    ),
    (
        "quit.rs",
        "x.load(Ordering::Relaxed);",
        "1: a memory ordering without an ORDERING comment",
    ),
    (
        "quit.rs",
        "use crate::primitives::Ordering::{AcqRel};",
        "1: a memory ordering without an",
    ),
    (
        "quit.rs",
        "\"ORDERING: none\";\nx.load(Ordering::Acquire);",
        "2: a memory ordering without",
    ),
    (
        "pool.rs",
        "use crate::primitives::AtomicBool;",
        "1: AtomicBool in a composition",
    ),
    (
        "lock.rs",
        "#[cfg(test)]\nmod tests { }\nuse std::sync::Mutex;",
        "3: std::sync::Mutex, outside",
    ),
    (
        "test_kit/steps.rs",
        "use loom::model::Builder;",
        "1: loom::model::Builder: an engine, outside of primitives",
    ),
    (
        "test_kit/lanes.rs",
        "use std::sync::Mutex;",
        "1: std::sync::Mutex, outside of primitives",
    ),
    (
        "test_kit/engine/on_std.rs",
        "use std::cell::UnsafeCell;",
        "1: UnsafeCell in a composition",
    ),
    (
        "test_kit/engine/on_loom.rs",
        "x.load(Ordering::Relaxed);",
        "1: a memory ordering without an",
    ),
    (
        "thread_pool/builder.rs",
        "use std::sync::atomic::AtomicUsize;",
        "1: AtomicUsize in a composition",
    ),
];

/// What is no fault.
const SOUND: &[(&str, &str)] = &[
    ("lib.rs", "mod anything; use std::sync::Mutex;"),
    (
        "task.rs",
        "use crate::worker::Worker; // use crate::pool::Pool;",
    ),
    (
        "task.rs",
        "/// See [`pool`](crate::pool) and `std::thread`, which is unsafe.\nstruct S;",
    ),
    (
        "task.rs",
        "/* crate::pool /* std::sync */ unsafe */ const S: &str = \"crate::pool \\\" unsafe\";",
    ),
    (
        "task.rs",
        "const S: (&str, char) = (r#\"a \" std::sync::Mutex\"#, '\"'); fn f<'a>(_: &'a str) {}",
    ),
    ("task.rs", "struct Table { run: unsafe fn(*mut u8) }"),
    ("task.rs", "// SAFETY: it is.\nunsafe { f() }"),
    ("jobs.rs", "// SAFETY: it is.\nunsafe { f() }"),
    (
        "turn.rs",
        "use crate::primitives::thread_local;\nthread_local! {}",
    ),
    (
        "quit.rs",
        "// ORDERING: why,\n// on two lines.\nx.load(\n    Ordering::Acquire,\n);",
    ),
    (
        "queue.rs",
        "match a.cmp(&b) { std::cmp::Ordering::Less => 1, _ => 2 }",
    ),
    ("queue.rs", "let my_std::sync = 1; let x = a::std::sync;"),
    (
        "lock.rs",
        "#[cfg(test)]\nmod tests {\n    use std::sync::Mutex;\n    use crate::pool;\n}",
    ),
    (
        "lock.rs",
        "#[cfg(all(test, not(feature = \"loom\")))]\nuse std::thread;",
    ),
    (
        "team/shell.rs",
        "use super::tickets::Step; use super::{handlers::H, statistics};",
    ),
    (
        "team/tickets.rs",
        "use super::shell::Shell; use crate::primitives::{Arc, Mutex};",
    ),
    ("team/ledger/tests.rs", "use std::sync::Mutex;"),
    ("pool.rs", "use crate::Statistics; use crate::team::Team;"),
    (
        "primitives/on_loom.rs",
        "use ::loom::sync::Mutex; use std::sync::Arc; use super::choice;",
    ),
    (
        "test_kit/engine/on_loom.rs",
        "use loom::model::Builder; use std::sync::atomic::AtomicUsize; std::thread_local! {}",
    ),
];

#[test]
fn controls_are_rejected() {
    for (path, text, expected) in CONTROLS {
        let found = check(path, text);
        let named = found
            .iter()
            .any(|it| it.starts_with(path) && it.contains(expected));
        assert!(named, "{text:?} in {path}: {found:?}");
    }
}

#[test]
fn what_is_allowed_is_not_rejected() {
    for (path, text) in SOUND {
        assert_eq!(check(path, text), [""; 0], "{text:?} in {path}");
    }
}
