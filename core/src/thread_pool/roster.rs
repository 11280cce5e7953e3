//! The threads of a pool: their names, their hooks, and their ends.
//!
//! # State
//! Under one mutex, held for a few moves and never while anything of a user's is called:
//!
//! | a thread is | from | to |
//! |---|---|---|
//! | `Starting` | its number is given | its start policy has returned, or it has left |
//! | `Joinable`, or `Detached` if the policy gave nothing to join | the policy has returned | it has left |
//! | `Left` | it left before its policy returned | the policy has returned |
//! | `last` | it left | the next one has left, or somebody joins all |
//!
//! # Invariants
//! - H2, P5: to join all is to wait until none is in the first three, and then to join `last`; a thread
//!   that has left has only its thread-locals to drop. One that is detached may do that later.
//! - T10: of the threads that have left, one at most is kept: who leaves joins the one before.
//! - W8: a hook's panic is told. If it was the hook of a start, the thread is given up; not so if it was an
//!   observer's.

use std::collections::BTreeMap;
use std::fmt;
use std::io;

use super::observe::Observer;
use super::place;
use crate::contain::{PanicHandler, Payload, contain, quietly, reporting};
use crate::primitives::{Arc, Condvar, Deadline, Mutex, Weak, thread};
use crate::start::{Body, Shift, Thread};
use crate::team::Crew;

/// Which thread of a pool it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadInfo {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) stack_size: Option<usize>,
}

impl ThreadInfo {
    /// Its name: that of the pool, and its number.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number: 1 for the pool's first, and never given twice.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// How large its stack is to be, in bytes, if the pool was told.
    #[must_use]
    pub fn stack_size(&self) -> Option<usize> {
        self.stack_size
    }

    /// Starts an ordinary thread like this: what a pool does unless it was
    /// [told otherwise](super::Builder::start_with).
    ///
    /// # Errors
    /// The operating system's; the body is dropped.
    pub fn start(&self, body: Body) -> io::Result<Thread> {
        thread::spawn_sized(&self.name, self.stack_size, move || body.run()).map(Thread::from)
    }
}

impl fmt::Display for ThreadInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

pub(super) type StartWith = dyn Fn(&ThreadInfo, Body) -> io::Result<Thread> + Send + Sync;
pub(super) type Hook = dyn Fn(&ThreadInfo) + Send + Sync;

/// What the owner gave for its threads.
pub(super) struct Manner {
    pub(super) name: String,
    pub(super) stack_size: Option<usize>,
    pub(super) start: Box<StartWith>,
    /// Called one after the other.
    pub(super) on_start: Vec<Box<Hook>>,
    pub(super) on_stop: Vec<Box<Hook>>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) on_panic: PanicHandler,
}

enum Entry {
    Starting,
    Joinable(thread::JoinHandle<()>),
    Detached,
    Left,
}

#[derive(Default)]
struct State {
    /// How many numbers were given.
    numbers: usize,
    threads: BTreeMap<usize, Entry>,
    last: Option<thread::JoinHandle<()>>,
    /// Somebody joins the last.
    joining: bool,
    made: usize,
    gone: usize,
}

impl State {
    /// Whether all threads have left, and nobody joins the last of them.
    fn can_join(&self) -> bool {
        self.threads.is_empty() && !self.joining
    }
}

/// How many threads there were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) made: usize,
    pub(super) gone: usize,
}

#[derive(Default)]
pub(super) struct Roster {
    state: Mutex<State>,
    /// A thread has left, or the last was joined.
    left: Condvar,
}

impl Roster {
    /// Starts a thread that runs `body`, in the owner's manner.
    pub(super) fn start(
        self: &Arc<Self>,
        manner: &Arc<Manner>,
        crew: &Weak<Crew>,
        body: Body,
    ) -> io::Result<Thread> {
        let number = {
            let mut state = self.state.lock();
            state.numbers += 1;
            let number = state.numbers;
            state.threads.insert(number, Entry::Starting);
            number
        };
        let info = ThreadInfo {
            name: format!("{}-{number}", manner.name),
            number,
            stack_size: manner.stack_size,
        };
        let body = Body::new(Member {
            body: Some(body),
            roster: Arc::clone(self),
            manner: Arc::clone(manner),
            crew: Weak::clone(crew),
            info: info.clone(),
        });
        // Its panic is caught here, so that the number is given back, and goes on to the crew.
        let started = contain(|| (manner.start)(&info, body));
        self.started(number, started)
    }

    fn started(
        &self,
        number: usize,
        started: Result<io::Result<Thread>, Payload>,
    ) -> io::Result<Thread> {
        let mut state = self.state.lock();
        let left = matches!(state.threads.remove(&number), Some(Entry::Left));
        let mut before = None;
        if let Ok(Ok(thread)) = started {
            state.made += 1;
            let entry = thread
                .into_handle()
                .map_or(Entry::Detached, Entry::Joinable);
            match entry {
                Entry::Joinable(handle) if left => before = state.last.replace(handle),
                _ if left => {}
                entry => drop(state.threads.insert(number, entry)),
            }
            state.gone += usize::from(left);
            drop(state);
            self.left.notify_all();
            join(before);
            return Ok(Thread::detached());
        }
        drop(state);
        self.left.notify_all();
        match started {
            Ok(failed) => failed,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }

    fn leave(&self, number: usize) {
        let mut state = self.state.lock();
        let mut before = None;
        match state.threads.remove(&number) {
            Some(Entry::Joinable(handle)) => before = state.last.replace(handle),
            Some(Entry::Starting) => {
                state.threads.insert(number, Entry::Left);
                return;
            }
            // Its start failed, said the policy, and yet it ran.
            None => return,
            Some(Entry::Detached | Entry::Left) => {}
        }
        state.gone += 1;
        drop(state);
        self.left.notify_all();
        join(before);
    }

    /// Waits until all threads have left, and joins them; no, if that took too long. A second who joins waits
    /// for the first.
    pub(super) fn join_all(&self, deadline: Option<&Deadline>) -> bool {
        let mut state = self.state.lock();
        while !state.can_join() {
            match deadline {
                None => state = self.left.wait(state),
                Some(deadline) => {
                    let late;
                    (state, late) = self.left.wait_by(state, deadline);
                    if late && !state.can_join() {
                        return false;
                    }
                }
            }
        }
        state.joining = true;
        let last = state.last.take();
        drop(state);
        join(last);
        self.state.lock().joining = false;
        self.left.notify_all();
        true
    }

    pub(super) fn totals(&self) -> Totals {
        let state = self.state.lock();
        Totals {
            made: state.made,
            gone: state.gone,
        }
    }
}

fn join(thread: Option<thread::JoinHandle<()>>) {
    if let Some(thread) = thread
        && thread.thread().id() != thread::current().id()
    {
        // An `Err` is a panic in a body's surroundings in a start policy: the thread has ended.
        let _ = thread.join();
    }
}

/// What a start policy of a pool is given to run.
struct Member {
    body: Option<Body>,
    roster: Arc<Roster>,
    manner: Arc<Manner>,
    crew: Weak<Crew>,
    info: ThreadInfo,
}

impl Member {
    /// Whether it panicked, which is told.
    fn panics(&self, hook: impl FnOnce(&ThreadInfo)) -> bool {
        reporting(&self.manner.on_panic, || hook(&self.info))
    }

    fn observe(&self, tell: impl FnOnce(&dyn Observer, &ThreadInfo)) {
        if let Some(observer) = &self.manner.observer {
            self.panics(|info| tell(&**observer, info));
        }
    }

    fn run(&self, body: Body) {
        self.observe(<dyn Observer>::thread_made);
        if self.manner.on_start.iter().any(|hook| self.panics(hook)) {
            // To the crew it is gone.
            drop(body);
        } else {
            body.run();
            self.manner.on_stop.iter().for_each(|hook| {
                self.panics(hook);
            });
        }
        self.observe(<dyn Observer>::thread_gone);
    }
}

impl Shift for Member {
    fn work(mut self: Box<Self>) {
        let (Some(body), Some(crew)) = (self.body.take(), self.crew.upgrade()) else {
            return;
        };
        place::at(&crew, || self.run(body));
        drop(crew);
        let (roster, number) = (Arc::clone(&self.roster), self.info.number);
        // With it may go what the owner gave.
        quietly(|| drop(self));
        roster.leave(number);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(body) = self.body.take() {
            drop(body);
            self.roster.leave(self.info.number);
        }
    }
}
