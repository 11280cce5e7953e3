//! What was asked for.

use std::path::PathBuf;
use std::str::FromStr;

use crate::pin::Mode;

pub const USAGE: &str = "\
brigade-bench [--rounds N] [--runs N] [--rows A,B,…] [--modes one,apart] [--quick]
              [--json FILE] [--markdown FILE]
brigade-bench --list
brigade-bench --profile-row ROW --contender NAME [--seconds S] [--modes one]

  --rounds     rounds of each row, one more to warm up left out   (21; with --quick 3)
  --runs       everything so many times                           (1)
  --rows       rows whose name contains one of these              (all)
  --modes      everything on one core; the sides apart            (both)
  --quick      few tasks, to see that it works: the numbers mean nothing
  --json       where to write every number                        (target/bench.json)
  --markdown   where to write the tables
";

#[derive(Debug, PartialEq)]
pub struct Profile {
    pub row: String,
    pub contender: String,
    pub seconds: f64,
}

#[derive(Debug, PartialEq)]
pub struct Args {
    pub rounds: usize,
    pub runs: usize,
    pub rows: Vec<String>,
    pub modes: Vec<Mode>,
    pub quick: bool,
    pub json: PathBuf,
    pub markdown: Option<PathBuf>,
    pub profile: Option<Profile>,
    pub list: bool,
}

impl Args {
    /// # Errors
    /// What is wrong with them.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut args = Self {
            rounds: 0,
            runs: 1,
            rows: Vec::new(),
            modes: Mode::ALL.to_vec(),
            quick: false,
            json: "target/bench.json".into(),
            markdown: None,
            profile: None,
            list: false,
        };
        let (mut row, mut contender, mut seconds) = (None, None, 5.0);
        let mut arguments = arguments.into_iter();
        while let Some(name) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
            match name.as_str() {
                "--rounds" => args.rounds = number(&value()?)?,
                "--runs" => args.runs = number(&value()?)?,
                "--rows" => args.rows = value()?.split(',').map(str::to_owned).collect(),
                "--modes" => args.modes = modes(&value()?)?,
                "--quick" => args.quick = true,
                "--json" => args.json = value()?.into(),
                "--markdown" => args.markdown = Some(value()?.into()),
                "--profile-row" => row = Some(value()?),
                "--contender" => contender = Some(value()?),
                "--seconds" => seconds = number(&value()?)?,
                "--help" => return Err("what can be said:".into()),
                "--list" => args.list = true,
                _ => return Err(format!("what is {name}?")),
            }
        }
        args.profile = match (row, contender) {
            (Some(row), Some(contender)) => Some(Profile {
                row,
                contender,
                seconds,
            }),
            (None, None) => None,
            _ => return Err("--profile-row and --contender go together".into()),
        };
        if args.rounds == 0 {
            args.rounds = if args.quick { 3 } else { 21 };
        }
        Ok(args)
    }

    #[must_use]
    pub fn wants(&self, row: &str) -> bool {
        self.rows.is_empty() || self.rows.iter().any(|part| row.contains(part.as_str()))
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String> {
    text.parse()
        .map_err(|_| format!("{text} is no number for this"))
}

fn modes(text: &str) -> Result<Vec<Mode>, String> {
    text.split(',')
        .map(|name| {
            Mode::ALL
                .into_iter()
                .find(|mode| mode.name() == name)
                .ok_or_else(|| format!("no mode “{name}”"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Args, String> {
        Args::parse(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_not_said_is_the_default() {
        let args = parse("").unwrap();
        assert_eq!((args.rounds, args.runs, args.modes.len()), (21, 1, 2));
        assert!(args.wants("anything"));
        assert_eq!(parse("--quick").unwrap().rounds, 3);
        assert_eq!(parse("--quick --rounds 30").unwrap().rounds, 30);
    }

    #[test]
    fn rows_and_modes_are_chosen() {
        let args = parse("--rows flood,hot --modes apart").unwrap();
        assert!(args.wants("flood 1x1") && args.wants("round trip, hot") && !args.wants("burst"));
        assert_eq!(args.modes, [Mode::Apart]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in [
            "--rounds",
            "--rounds x",
            "--modes both",
            "flood",
            "--contender brigade",
        ] {
            parse(text).unwrap_err();
        }
    }
}
