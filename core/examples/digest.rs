//! Hashes every file below the given folders in a pool, and prints what `sha256sum` prints for them.
//!
//! `cargo run --release --example digest -- DIR…`
//!
//! The files are those that `find DIR… -type f` finds, sorted bytewise by path; symbolic links are not
//! followed. What cannot be read is reported on standard error, and makes the exit status 1.
//! Unix only, because there a path is the bytes that are to be printed.

#![allow(
    clippy::disallowed_types,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write};
use std::num::NonZero;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::thread;

use sha2::{Digest as _, Sha256};

type Digest = [u8; 32];

fn main() -> ExitCode {
    let roots: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    if roots.is_empty() {
        complain("usage: digest DIR…");
        return ExitCode::from(2);
    }
    let (files, found_all) = find(roots);
    match print_digests(files, BufWriter::new(io::stdout())) {
        Ok(hashed_all) if found_all && hashed_all => ExitCode::SUCCESS,
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

/// Prints to standard error. `eprintln!` would panic when that is closed.
fn complain(what: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// The regular files at and below these paths, sorted, and whether everything could be looked at.
fn find(roots: Vec<PathBuf>) -> (Vec<PathBuf>, bool) {
    let mut files = Vec::new();
    let mut found_all = true;
    // A list instead of recursion: folders may be deeper than the stack.
    let mut to_visit = roots;
    while let Some(path) = to_visit.pop() {
        if let Err(error) = visit(&path, &mut files, &mut to_visit) {
            complain(format_args!("digest: {path:?}: {error}"));
            found_all = false;
        }
    }
    // `PathBuf`'s own order goes by components, in which "a/b" comes before "a-b".
    files.sort_unstable_by(|a, b| bytes(a).cmp(bytes(b)));
    (files, found_all)
}

fn visit(path: &Path, files: &mut Vec<PathBuf>, to_visit: &mut Vec<PathBuf>) -> io::Result<()> {
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

/// Prints the digests in the order of the files, each once all before it are there, and says whether
/// all files could be hashed. An error is one of `out`.
fn print_digests(files: Vec<PathBuf>, mut out: impl Write) -> io::Result<bool> {
    let files: Arc<[PathBuf]> = files.into();
    let results = hash_all(&files);
    let mut early = BTreeMap::new();
    let mut hashed_all = true;
    for (index, file) in files.iter().enumerate() {
        let result = loop {
            if let Some(result) = early.remove(&index) {
                break result;
            }
            match results.recv() {
                Ok((index, result)) => early.insert(index, result),
                // All senders are gone: the pool could not start a thread, and said so.
                Err(_) => break Err(io::Error::other("not hashed")),
            };
        };
        match result {
            Ok(digest) => print_line(&mut out, &digest, bytes(file))?,
            Err(error) => {
                complain(format_args!("digest: {file:?}: {error}"));
                hashed_all = false;
            }
        }
    }
    out.flush()?;
    Ok(hashed_all)
}

/// Hashes the files in a pool of as many threads as run at once. The results come as they are had,
/// each with the index of its file.
fn hash_all(files: &Arc<[PathBuf]>) -> mpsc::Receiver<(usize, io::Result<Digest>)> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let pool = brigade::pool(
        move || threads,
        |body| brigade::start_thread("digest", body),
    );
    let (sender, results) = mpsc::channel();
    for index in 0..files.len() {
        let (files, sender) = (Arc::clone(files), sender.clone());
        let accepted = pool.execute(move || {
            // There is no receiver any more if nobody reads what we print.
            let _ = sender.send((index, hash(&files[index])));
        });
        // It has not been quit. Were it refused, its sender would be dropped, which is noticed.
        drop(accepted);
    }
    // Finishes what was accepted. If no thread can be had for it, drops it, which is noticed too.
    let _ = pool.quit();
    results
}

/// The file's digest, read piece by piece: however large the file is, the memory is not.
fn hash(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
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
