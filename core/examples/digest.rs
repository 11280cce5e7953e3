//! Hashes every file below the given folders in a thread pool, and prints what `sha256sum` prints for them.
//!
//! `cargo run --release --example digest -- [-j THREADS] DIR…`
//!
//! The files are those that `find DIR… -type f` finds, sorted bytewise by path; symbolic links are not
//! followed. `-` is standard input. What cannot be read is reported on standard error, and makes the exit
//! status 1. Unix only, because there a path is the bytes that are to be printed.
//!
//! If standard error is a terminal, a bar shows how far it is. Ctrl-C aborts the pool: files that nobody has
//! begun are left out, those that are being read are finished, what was hashed is printed, and the exit
//! status is 130. A second Ctrl-C ends it at once.

#![allow(
    clippy::disallowed_types,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, IsTerminal as _, Read, Write};
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use brigade::{JoinHandle, TaskError, ThreadPool};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest as _, Sha256};

type Digest = [u8; 32];

const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let Some((threads, roots)) = arguments(env::args_os().skip(1)) else {
        complain("usage: digest [-j THREADS] DIR…");
        return ExitCode::from(2);
    };
    let pool = ThreadPool::builder()
        .sizes(0, threads)
        .name("digest")
        .build();
    let pool = pool.expect("there is such a pool");
    // Nobody has quit it yet; if Ctrl-C comes first, that is noticed when something is submitted.
    let _ = pool.start();
    let screen = Screen::new();
    let interrupted = stop_on_ctrl_c(&pool, &screen);

    let (files, found_all) = find(roots, &screen, &interrupted);
    let found = files.len();
    screen.bar.set_length(found as u64);
    let out = BufWriter::new(io::stdout());
    let printed = print_digests(&pool, files, out, &screen, &interrupted);
    screen.bar.finish_and_clear();
    match printed {
        Ok(hashed) if interrupted.load(Ordering::Relaxed) => {
            // Every task has ended, so this waits for nothing but the threads.
            let _ = pool.shutdown();
            screen.complain(format_args!("digest: {hashed} of {found} files hashed"));
            ExitCode::from(INTERRUPTED)
        }
        Ok(hashed) if found_all && hashed == found => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            // A closed pipe is a reader who has seen enough, and needs no telling.
            if error.kind() != ErrorKind::BrokenPipe {
                complain(format_args!("digest: standard output: {error}"));
            }
            ExitCode::FAILURE
        }
    }
}

/// How many threads there may be, and what is to be hashed; nothing, if that makes no sense.
fn arguments(mut given: impl Iterator<Item = OsString>) -> Option<(usize, Vec<PathBuf>)> {
    let mut threads = thread::available_parallelism().map_or(1, NonZero::get);
    let mut roots = Vec::new();
    while let Some(argument) = given.next() {
        if argument == "-j" {
            threads = given.next()?.to_str()?.parse().ok().filter(|&it| it > 0)?;
        } else {
            roots.push(argument.into());
        }
    }
    (!roots.is_empty()).then_some((threads, roots))
}

/// Prints to standard error. `eprintln!` would panic when that is closed.
fn complain(what: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// A bar on standard error, if that is a terminal; and whoever else writes there.
#[derive(Clone)]
struct Screen {
    bar: ProgressBar,
    /// Whether standard output goes to a terminal as well.
    shared: bool,
}

impl Screen {
    fn new() -> Self {
        let style = ProgressStyle::with_template("{bar:40} {pos} of {len} files, {eta} left");
        // Shows nothing where there is no terminal.
        let bar = ProgressBar::new(0).with_style(style.expect("that is a template"));
        let shared = io::stdout().is_terminal();
        Self { bar, shared }
    }

    fn complain(&self, what: impl fmt::Display) {
        self.bar.suspend(|| complain(what));
    }

    /// Prints a line, which shows at once if the bar is on the same terminal.
    fn print<W: Write>(
        &self,
        out: &mut W,
        print: impl FnOnce(&mut W) -> io::Result<()>,
    ) -> io::Result<()> {
        if !self.shared {
            return print(out);
        }
        self.bar.suspend(|| print(out).and_then(|()| out.flush()))
    }
}

/// On Ctrl-C, gives up what the pool has not begun; the answer says whether that has happened.
fn stop_on_ctrl_c(pool: &ThreadPool, screen: &Screen) -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let handler = {
        let (pool, screen) = (pool.clone(), screen.clone());
        let interrupted = Arc::clone(&interrupted);
        move || {
            if interrupted.swap(true, Ordering::Relaxed) {
                process::exit(INTERRUPTED.into());
            }
            // Dropped unrun, each is `Closed` to whoever joins it.
            drop(pool.abort());
            screen.complain("digest: interrupted; what has begun is finished");
        }
    };
    // It is called on a thread, not in a signal handler, and so may do anything.
    if let Err(error) = ctrlc::set_handler(handler) {
        screen.complain(format_args!("digest: Ctrl-C will end it at once: {error}"));
    }
    interrupted
}

/// The regular files at and below these paths, sorted, and whether everything could be looked at.
fn find(roots: Vec<PathBuf>, screen: &Screen, interrupted: &AtomicBool) -> (Vec<PathBuf>, bool) {
    let mut files = Vec::new();
    let mut found_all = true;
    // A list instead of recursion: folders may be deeper than the stack.
    let mut to_visit = roots;
    while let Some(path) = to_visit.pop() {
        if interrupted.load(Ordering::Relaxed) {
            break;
        }
        if let Err(error) = visit(&path, &mut files, &mut to_visit) {
            screen.complain(format_args!("digest: {path:?}: {error}"));
            found_all = false;
        }
    }
    // `PathBuf`'s own order goes by components, in which "a/b" comes before "a-b".
    files.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
    (files, found_all)
}

fn visit(path: &Path, files: &mut Vec<PathBuf>, to_visit: &mut Vec<PathBuf>) -> io::Result<()> {
    if bytes(path) == STANDARD_INPUT {
        files.push(path.to_owned());
        return Ok(());
    }
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_file() {
        files.push(path.to_owned());
    } else if kind.is_dir() {
        for entry in fs::read_dir(path)? {
            to_visit.push(entry?.path());
        }
    }
    Ok(())
}

/// Prints the digests in the order of the files, each once all before it are there, and says how many files
/// were hashed. An error is one of `out`.
fn print_digests(
    pool: &ThreadPool,
    files: Vec<PathBuf>,
    mut out: impl Write,
    screen: &Screen,
    interrupted: &AtomicBool,
) -> io::Result<usize> {
    let files: Arc<[PathBuf]> = files.into();
    let mut hashed = 0;
    for (file, handle) in files.iter().zip(hash_all(pool, &files, &screen.bar)) {
        let result = match handle.map(JoinHandle::join) {
            Some(Ok(result)) => result,
            // Ctrl-C came before it was submitted, or before it began.
            None => continue,
            Some(Err(TaskError::Closed)) if interrupted.load(Ordering::Relaxed) => continue,
            // The pool could not start a thread, and said so.
            Some(Err(error)) => Err(io::Error::other(error.to_string())),
        };
        match result {
            Ok(digest) => {
                screen.print(&mut out, |out| print_line(out, &digest, bytes(file)))?;
                hashed += 1;
            }
            Err(error) => screen.complain(format_args!("digest: {file:?}: {error}")),
        }
    }
    out.flush()?;
    Ok(hashed)
}

/// Has the files hashed; a handle for each that the pool took.
fn hash_all(
    pool: &ThreadPool,
    files: &Arc<[PathBuf]>,
    bar: &ProgressBar,
) -> Vec<Option<JoinHandle<io::Result<Digest>>>> {
    let spawn = |index: usize| {
        let (files, bar) = (Arc::clone(files), bar.clone());
        let task = move || {
            let digest = hash(&files[index]);
            bar.inc(1);
            digest
        };
        pool.spawn(task).ok()
    };
    let handles = (0..files.len()).map(spawn).collect();
    // Finishes what was accepted. If no thread can be had for it, drops it, which whoever joins it learns.
    let _ = pool.quit();
    handles
}

const STANDARD_INPUT: &[u8] = b"-";

fn hash(path: &Path) -> io::Result<Digest> {
    if bytes(path) == STANDARD_INPUT {
        digest(io::stdin().lock())
    } else {
        digest(File::open(path)?)
    }
}

/// The digest of all that is read, piece by piece: however much that is, the memory is not.
fn digest(mut file: impl Read) -> io::Result<Digest> {
    let mut sha = Sha256::new();
    let mut piece = [0; 64 * 1024];
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Ok(sha.finalize().into()),
            Ok(read) => sha.update(&piece[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// One line as `sha256sum` prints it: a name that would break the line is escaped, and a backslash
/// before the digest says so.
fn print_line(out: &mut impl Write, digest: &Digest, name: &[u8]) -> io::Result<()> {
    if name.iter().any(|byte| b"\\\n\r".contains(byte)) {
        out.write_all(b"\\")?;
    }
    for byte in digest {
        write!(out, "{byte:02x}")?;
    }
    out.write_all(b"  ")?;
    for byte in name {
        match byte {
            b'\\' => out.write_all(b"\\\\")?,
            b'\n' => out.write_all(b"\\n")?,
            b'\r' => out.write_all(b"\\r")?,
            _ => out.write_all(&[*byte])?,
        }
    }
    out.write_all(b"\n")
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
