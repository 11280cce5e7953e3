//! Recordings of a lock worker: nested submissions and quits, as a trace.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use brigade::LockWorker;
use serde::Deserialize;

use super::{Answer, Disagreement};

/// A program for a lock worker, with what the original did.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// The tasks given from outside, one after the other.
    pub roots: Vec<Node>,
    /// What happened, in order.
    pub trace: Vec<Entry>,
}

/// A task.
#[derive(Clone, Debug, Deserialize)]
pub struct Node {
    /// Its id.
    pub id: usize,
    /// What it does, in order.
    pub actions: Vec<Action>,
}

/// What a task does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Gives this task to the same worker.
    Do(Node),
    /// Quits the worker.
    Quit,
}

/// What happened.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "Written")]
pub enum Entry {
    /// The task began.
    Start(usize),
    /// The task ended.
    End(usize),
    /// This child was given to the worker.
    Do(usize, Answer),
    /// This task quit the worker.
    Quit(usize, Answer),
    /// The outermost call, with this root, returned.
    Did(usize, Answer),
}

/// An [`Entry`] as it is written: its name first, in one array.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Plain(String, usize),
    Answered(String, usize, Answer),
}

impl TryFrom<Written> for Entry {
    type Error = String;
    fn try_from(written: Written) -> Result<Self, String> {
        match written {
            Written::Plain(name, id) => match name.as_str() {
                "start" => Ok(Self::Start(id)),
                "end" => Ok(Self::End(id)),
                _ => Err(format!("unknown entry {name:?} without a result")),
            },
            Written::Answered(name, id, answer) => match name.as_str() {
                "do" => Ok(Self::Do(id, answer)),
                "quit" => Ok(Self::Quit(id, answer)),
                "did" => Ok(Self::Did(id, answer)),
                _ => Err(format!("unknown entry {name:?} with a result")),
            },
        }
    }
}

/// What all tasks of a replay share.
#[derive(Clone)]
struct Bench {
    worker: LockWorker,
    trace: Arc<Mutex<Vec<Entry>>>,
}

impl Bench {
    fn note(&self, entry: Entry) {
        let mut trace = self.trace.lock().unwrap_or_else(PoisonError::into_inner);
        trace.push(entry);
    }

    fn give(&self, node: &Node) -> Answer {
        let (bench, node) = (self.clone(), node.clone());
        self.worker.execute(move || bench.run(&node)).into()
    }

    fn run(&self, node: &Node) {
        self.note(Entry::Start(node.id));
        for action in &node.actions {
            match action {
                Action::Do(child) => self.note(Entry::Do(child.id, self.give(child))),
                Action::Quit => self.note(Entry::Quit(node.id, self.worker.quit().into())),
            }
        }
        self.note(Entry::End(node.id));
    }
}

impl Recording {
    pub(super) fn replay(&self) -> Result<(), Disagreement> {
        let bench = Bench {
            worker: LockWorker::new(),
            trace: Arc::default(),
        };
        let mut agreed: Vec<&Entry> = Vec::new();
        let mut expected = self.trace.iter();
        for root in &self.roots {
            bench.note(Entry::Did(root.id, bench.give(root)));
            let mut trace = bench.trace.lock().unwrap_or_else(PoisonError::into_inner);
            for got in mem::take(&mut *trace) {
                match expected.next() {
                    Some(entry) if *entry == got => agreed.push(entry),
                    other => return Err(disagreement(&agreed, other, Some(&got))),
                }
            }
        }
        match expected.next() {
            None => Ok(()),
            missing => Err(disagreement(&agreed, missing, None)),
        }
    }
}

fn disagreement(agreed: &[&Entry], expected: Option<&Entry>, got: Option<&Entry>) -> Disagreement {
    let say = |entry: Option<&Entry>| entry.map_or("nothing more".to_owned(), Entry::to_string);
    Disagreement {
        agreed: agreed.iter().map(ToString::to_string).collect(),
        step: "what happened next".to_owned(),
        expected: say(expected),
        got: say(got),
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = |answer: &Answer| match answer {
            Answer::Ok => "ok",
            Answer::AlreadyQuit => "already quit",
        };
        match self {
            Self::Start(id) => write!(f, "task {id} starts"),
            Self::End(id) => write!(f, "task {id} ends"),
            Self::Do(id, answer) => write!(f, "task {id} is given: {}", say(answer)),
            Self::Quit(id, answer) => write!(f, "task {id} quits the worker: {}", say(answer)),
            Self::Did(id, answer) => write!(f, "the call with task {id} returns: {}", say(answer)),
        }
    }
}
