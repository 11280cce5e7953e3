//! The example `digest` against `find` and `sha256sum`, byte for byte, and its exit status.

#![cfg(all(unix, not(any(feature = "loom", feature = "shuttle"))))]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "these are tests"
)]

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The built example: cargo puts it next to the folder of the tests.
fn digest() -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().unwrap().parent().unwrap();
    let example = target.join("examples/digest");
    assert!(
        example.exists(),
        "without it among the targets, first: cargo build --example digest"
    );
    Command::new(example)
}

/// An empty folder of this name.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// What the system's own tools print for these folders, given from this one.
fn expected(from: &Path, folders: &[&str]) -> Vec<u8> {
    let script =
        "find \"$@\" -type f -print0 2>/dev/null | LC_ALL=C sort -z | xargs -0 -r sha256sum";
    let arguments = ["-c", script, "sh"];
    let mut shell = Command::new("sh");
    let shell = shell.args(arguments).args(folders).current_dir(from);
    shell.stderr(Stdio::null()).output().unwrap().stdout
}

fn run(from: &Path, folders: &[&str]) -> Output {
    digest().args(folders).current_dir(from).output().unwrap()
}

fn assert_same(from: &Path, folders: &[&str]) {
    let (ours, theirs) = (run(from, folders), expected(from, folders));
    assert_eq!(
        String::from_utf8_lossy(&ours.stdout),
        String::from_utf8_lossy(&theirs)
    );
    assert_eq!(ours.stdout, theirs, "bytes that are no text");
    let errors = String::from_utf8_lossy(&ours.stderr);
    assert_eq!((ours.status.code(), &*errors), (Some(0), ""));
}

/// Names that need escapes, or are no text, or sort otherwise by components than by bytes.
const NAMES: [&[u8]; 20] = [
    b"plain",
    b"empty",
    b"two words",
    b"-leading-dash",
    b"--check",
    b"back\\slash",
    b"new\nline",
    b"carriage\rreturn",
    b"all\\of\nthem\r",
    b"\\",
    b"tab\tand bell\x07",
    b"not utf-8 \xff\xfe",
    b"\xc3\xa4 umlaut",
    b" leading and trailing ",
    b"star*?[x]",
    b"'quoted' \"twice\"",
    b"..hidden",
    b"n",
    b"n-",
    b"n.",
];

fn odd_names(root: &Path) {
    for (number, name) in NAMES.iter().enumerate() {
        // One larger than the buffer, and not a multiple of it.
        let size = if number == 2 { 200_001 } else { number * 7 };
        let content = if *name == b"empty" { 0 } else { size };
        fs::write(root.join(OsStr::from_bytes(name)), vec![b'x'; content]).unwrap();
    }
}

#[test]
fn the_output_is_that_of_sha256sum() {
    let root = folder("digest-odd");
    odd_names(&root);
    for nested in ["m/n/o/p", "m-", "m.", "empty folder", "line\nfeed/\\"] {
        fs::create_dir_all(root.join(nested)).unwrap();
    }
    for nested in ["m/n/o/p", "m-", "m.", "line\nfeed/\\"] {
        odd_names(&root.join(nested));
    }
    symlink("plain", root.join("link to a file")).unwrap();
    symlink("m", root.join("link to a folder")).unwrap();
    symlink("nowhere", root.join("link to nothing")).unwrap();
    symlink("..", root.join("m/link upward")).unwrap();

    let absolute = root.to_str().unwrap().to_owned();
    assert_same(&root, &[&absolute]);
    assert_same(&root, &["."]);
    assert_same(&root, &["./", "m/", "m//n"]);
    assert_same(&root, &["plain", "m", "m"]);
    // A link is not followed when it is given, either, unless it is given as a folder.
    assert_same(&root, &["link to a folder", "link to a file"]);
    assert_same(&root, &["link to a folder/"]);
    assert_same(&root, &["empty folder"]);
}

#[test]
fn what_is_missing_is_reported_and_the_rest_is_printed() {
    let root = folder("digest-missing");
    odd_names(&root);
    let output = run(&root, &["none", "plain", "."]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, expected(&root, &["none", "plain", "."]));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.starts_with("digest: \"none\": No such file"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1);
}

#[test]
fn what_cannot_be_read_is_reported_and_the_rest_is_printed() {
    let root = folder("digest-unreadable");
    odd_names(&root);
    fs::create_dir(root.join("closed")).unwrap();
    for name in ["plain", "closed"] {
        fs::set_permissions(root.join(name), Permissions::from_mode(0o000)).unwrap();
    }
    if fs::File::open(root.join("plain")).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    let output = run(&root, &["."]);
    fs::set_permissions(root.join("closed"), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, expected(&root, &["."]));
    let errors = String::from_utf8(output.stderr).unwrap();
    let mut errors: Vec<&str> = errors.lines().collect();
    errors.sort_unstable();
    let denied = "Permission denied (os error 13)";
    let closed = format!("digest: \"./closed\": {denied}");
    let plain = format!("digest: \"./plain\": {denied}");
    assert_eq!(errors, [closed, plain]);
}

#[test]
fn a_reader_who_has_seen_enough_ends_it_quietly() {
    let root = folder("digest-pipe");
    for number in 0..3_000 {
        fs::File::create(root.join(number.to_string())).unwrap();
    }
    let mut command = digest();
    command
        .arg(&root)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = [0; 64];
    // Some 400 kB are to come, and a pipe holds 64: it has to write again after this.
    let mut out = child.stdout.take().unwrap();
    out.read_exact(&mut line).unwrap();
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn a_full_disk_is_reported() {
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        println!("skipped: there is no /dev/full");
        return;
    };
    let root = folder("digest-full");
    fs::File::create(root.join("file"))
        .unwrap()
        .write_all(b"x")
        .unwrap();
    let output = digest().arg(&root).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(
        errors.starts_with("digest: standard output: No space left"),
        "{errors}"
    );
}

/// A digest on one thread that has hashed `+first` and reads its standard input, on which `rest` waits.
/// (A plus sorts before a minus, and that before a letter.)
struct Busy {
    child: Child,
    input: ChildStdin,
    errors: BufReader<ChildStderr>,
    /// Until it is dropped, the child is killed if it takes for ever: then a test fails, and does not hang.
    _watched: mpsc::Sender<()>,
}

impl Busy {
    fn new(name: &str) -> Self {
        let root = folder(name);
        for name in ["+first", "rest"] {
            fs::write(root.join(name), name).unwrap();
        }
        let mut command = digest();
        command
            .args(["-j", "1", "rest", "-", "+first"])
            .current_dir(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        let (watched, over) = mpsc::channel::<()>();
        let pid = child.id();
        thread::spawn(move || {
            if over.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                send_signal("-KILL", pid);
            }
        });
        // More than a pipe holds: when it is written, some of it was read.
        input.write_all(INPUT).unwrap();
        Self {
            child,
            input,
            errors,
            _watched: watched,
        }
    }

    fn press_ctrl_c(&self) {
        send_signal("-INT", self.child.id());
    }

    fn next_error(&mut self) -> String {
        let mut line = String::new();
        self.errors.read_line(&mut line).unwrap();
        line
    }
}

fn send_signal(signal: &str, pid: u32) {
    let mut kill = Command::new("kill");
    let status = kill.args([signal, &pid.to_string()]).status().unwrap();
    assert!(status.success());
}

const PATIENCE: Duration = Duration::from_secs(60);

const INPUT: &[u8] = &[b'x'; 1 << 20];

#[test]
fn ctrl_c_finishes_what_runs_and_drops_what_waits() {
    let mut busy = Busy::new("digest-ctrl-c");
    busy.press_ctrl_c();
    // Said once what waits is given up; only then may the one thread get on.
    let interrupted = "digest: interrupted; what has begun is finished\n";
    assert_eq!(busy.next_error(), interrupted);
    drop(busy.input);
    let output = busy.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let mut errors = String::new();
    busy.errors.read_to_string(&mut errors).unwrap();
    assert_eq!(errors, "digest: 2 of 3 files hashed\n");
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("digest-ctrl-c");
    assert_eq!(output.stdout, sums(&root, &["+first", "-"]));
}

#[test]
fn a_second_ctrl_c_waits_for_nothing() {
    let mut busy = Busy::new("digest-ctrl-c-twice");
    busy.press_ctrl_c();
    assert!(busy.next_error().starts_with("digest: interrupted"));
    busy.press_ctrl_c();
    // Its input is open still, so what it reads has not ended.
    let status = busy.child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    drop(busy.input);
}

#[test]
fn standard_input_is_a_minus_as_for_sha256sum() {
    let busy = Busy::new("digest-input");
    drop(busy.input);
    let output = busy.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("digest-input");
    assert_eq!(output.stdout, sums(&root, &["+first", "-", "rest"]));
}

/// What `sha256sum` prints for these, with that input.
fn sums(from: &Path, files: &[&str]) -> Vec<u8> {
    let mut command = Command::new("sha256sum");
    command.args(files).current_dir(from);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(INPUT).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn on_a_terminal_there_is_a_bar_and_the_lines_are_the_same() {
    let root = folder("digest-terminal");
    fs::write(root.join("file"), "x").unwrap();
    // What gives a program a terminal, on Linux.
    let script = Command::new("script")
        .args(["-qefc", "\"$DIGEST\" file", "/dev/null"])
        .env("DIGEST", digest().get_program())
        .env("TERM", "xterm")
        .current_dir(&root)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = script else {
        println!("skipped: there is no `script`");
        return;
    };
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert!(shown.contains(" of 1 files"), "{shown}");
    let line = String::from_utf8(expected(&root, &["file"])).unwrap();
    assert!(shown.contains(line.trim_end()), "{shown}");
}

#[test]
fn without_sensible_arguments_it_says_how_to_use_it() {
    for arguments in [&["-j"][..], &["-j", "0", "."], &["-j", "many", "."]] {
        let output = digest().args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let output = digest().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    assert_eq!(
        output.stderr,
        "usage: digest [-j THREADS] DIR…\n".as_bytes()
    );
}
