//! The laws, as a failure names them.

use std::fmt;

/// One law of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Law {
    /// An accepted task ends once.
    OneEnd,
    /// A refused task comes back.
    HandBack,
    /// One quit wins.
    OneQuit,
    /// A quit is a cut.
    OneCut,
    /// What came before a task is visible in it.
    Visibility,
    /// Tasks do not overlap.
    Exclusive,
    /// One caller's tasks keep their order.
    Order,
    /// A panic is contained.
    Containment,
    /// `run_now` does what it answers.
    RunNow,
    /// Its threads end.
    End,
    /// It does not panic by itself.
    Panic,
}

impl Law {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::OneEnd,
        Self::HandBack,
        Self::OneQuit,
        Self::OneCut,
        Self::Visibility,
        Self::Exclusive,
        Self::Order,
        Self::Containment,
        Self::RunNow,
        Self::End,
        Self::Panic,
    ];

    /// What a failure begins with: the id in `docs/properties.md`, or a word where there is none.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::OneEnd => "W1",
            Self::HandBack => "W2",
            Self::OneQuit => "W3",
            Self::OneCut => "W4",
            Self::Visibility => "W5",
            Self::Exclusive => "W6",
            Self::Order => "W7",
            Self::Containment => "W8",
            Self::RunNow => "run_now",
            Self::End => "H2",
            Self::Panic => "panic",
        }
    }

    /// The law in plain words.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::OneEnd => "a task that was accepted is run, once, if the worker is driven",
            Self::HandBack => {
                "a task that was refused is in the error: the caller's own, whole and not run"
            }
            Self::OneQuit => "of all calls of `quit`, exactly one returns `Ok`",
            Self::OneCut => {
                "after a `quit` has returned every `execute` is refused, and none is before one began"
            }
            Self::Visibility => "what the caller did before `execute` is visible in the task",
            Self::Exclusive => {
                "tasks of an exclusive worker never overlap or nest, and each sees what the one \
                 before it did"
            }
            Self::Order => "an exclusive worker runs one caller's tasks in the order given",
            Self::Containment => {
                "a task's panic loses no other task, stays inside the worker, and is reported once"
            }
            Self::RunNow => {
                "`run_now` has run the step exactly once if it answers `Ran`, and else not at all"
            }
            Self::End => "after a quit the worker's threads end, and nothing of it lives on",
            Self::Panic => {
                "the worker does not panic by itself, nor use more steps than an engine has"
            }
        }
    }
}

impl fmt::Display for Law {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
