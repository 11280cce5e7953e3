//! Replays files of recordings of the original against ours, and says how many agree.
//!
//! Usage: `replay FILE…`. Exit status: 0 all agree, 1 some do not (the first is printed step by step),
//! 2 the input cannot be read.

use std::process::ExitCode;

#[cfg(any(feature = "loom", feature = "shuttle"))]
fn main() -> ExitCode {
    eprintln!("replay: built for an engine, whose primitives work inside a model only");
    ExitCode::from(2)
}

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
fn main() -> ExitCode {
    plain::main()
}

#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod plain {
    use std::env;
    use std::io::{self, Write as _};
    use std::path::PathBuf;
    use std::process::ExitCode;

    use brigade_model_tests::conformance::{Recording, Unreadable, read};

    pub(super) fn main() -> ExitCode {
        let files: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
        if files.is_empty() {
            eprintln!("usage: replay FILE…");
            eprintln!("FILE: recordings, as conformance/README.md describes them");
            return ExitCode::from(2);
        }
        // All are read before any is replayed: with a bad file there is no result.
        let recordings: Result<Vec<_>, Unreadable> = files.iter().map(|file| read(file)).collect();
        match recordings {
            Ok(recordings) => replay(&files, &recordings).unwrap_or_else(|error| {
                eprintln!("replay: {error}");
                ExitCode::from(1)
            }),
            Err(unreadable) => {
                eprintln!("replay: {unreadable}");
                ExitCode::from(2)
            }
        }
    }

    fn replay(files: &[PathBuf], all: &[Vec<(usize, Recording)>]) -> io::Result<ExitCode> {
        let mut out = io::stdout().lock();
        let mut first = None;
        for (file, recordings) in files.iter().zip(all) {
            let mut tally = [(0, 0); 2];
            for (line, recording) in recordings {
                let kind = usize::from(matches!(recording, Recording::Lock(_)));
                let (agree, of) = &mut tally[kind];
                *of += 1;
                match recording.replay() {
                    Ok(()) => *agree += 1,
                    Err(disagreement) => {
                        first.get_or_insert((file, line, disagreement));
                    }
                }
            }
            let [(team, teams), (lock, locks)] = tally;
            let (agree, of) = (team + lock, teams + locks);
            let name = file.display();
            writeln!(
                out,
                "{name}: {agree} of {of} agree (team {team} of {teams}, lock {lock} of {locks})"
            )?;
        }
        let Some((file, line, disagreement)) = first else {
            return Ok(ExitCode::SUCCESS);
        };
        let name = file.display();
        writeln!(out, "\nthe first that does not: {name}:{line}")?;
        writeln!(out, "{disagreement}")?;
        Ok(ExitCode::from(1))
    }
}
