//! The example `digest` against `find` and `sha256sum`, byte for byte, and its exit status.

#![cfg(all(unix, not(any(feature = "loom", feature = "shuttle"))))]
#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

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

#[test]
fn without_arguments_it_says_how_to_use_it() {
    let output = digest().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(output.stdout, b"");
    assert_eq!(output.stderr, "usage: digest DIR…\n".as_bytes());
}
