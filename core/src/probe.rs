//! The probe: says that something happened, at the point at which it does.
//!
//! Off, which is how it ships, it is nothing: no code, no size. With the feature `probe` each
//! [`Event`] goes to the process's one recorder (`record_with`), in the call that caused it.
//!
//! # Invariants
//! - An event stands in the critical section that decides what it says. Where one atomic operation
//!   decides, it stands right after it, with no step of an engine in between. Which point that is,
//!   and why it is the right one, stands in `docs/refinement.md` for each event.
//! - It adds no step that an engine sees: what it is made of is std's on purpose.
//! - W9: a recorder is called under locks of ours, so it is no place for a user's code.

#![allow(
    clippy::disallowed_types,
    reason = "std's on purpose: the probe adds no step that an engine sees"
)]

#[cfg(feature = "probe")]
use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

/// What has events: a worker, a flag, a team. Nothing at all when the probe is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Object {
    #[cfg(feature = "probe")]
    number: usize,
}

/// A task, through all hands that it goes through. Nothing at all when the probe is off.
pub(crate) type Identity = Object;

/// The words by which a task is longer for its identity.
pub(crate) const IDENTITY_WORDS: usize = size_of::<Identity>() / size_of::<usize>();

/// What kind of object it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A [`Quit`](crate::Quit).
    Quit,
    /// A memory worker.
    Memory,
    /// A lock worker.
    Lock,
    /// A thread worker, or rather its queue.
    Thread,
    /// A team.
    Team,
    /// A pool: a team whose workers fetch their tasks themselves.
    Pool,
    /// An event loop, or rather its inbox.
    Loop,
}

/// What a team is asked, or hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// To run this task.
    Task(usize),
    /// To make up to so many workers.
    Grow(usize),
    /// To lose so many workers, or all.
    Shrink(Option<usize>),
    /// That the limit may have risen.
    Raised,
    /// To finish and end.
    Quit,
    /// To make workers from now on.
    Start,
    /// To have this many workers, at least and at most.
    Resize(usize, usize),
    /// That a worker begins to block.
    Enter,
    /// That it blocks no more.
    Exit,
    /// To finish, end, and give back what waits.
    Abort,
    /// That this task, run in place, has ended.
    EndInPlace(usize),
    /// That this worker's task has ended.
    End(usize),
    /// That this task lost its worker.
    Loss(usize),
    /// That this worker, which has no task, is gone.
    Gone(usize),
}

/// Something that happened to an object. Tasks and workers are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// To which object; 0 is one that nobody follows.
    pub object: usize,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// The object was made.
    New(Kind),

    /// A task was accepted.
    Accepted(usize),
    /// A task was refused.
    Refused(usize),
    /// A quit came, and whether it was the one that won.
    Quit {
        /// Whether it won.
        won: bool,
    },
    /// A flag was read.
    Seen {
        /// Whether it was set.
        set: bool,
    },
    /// A task starts.
    Started(usize),
    /// A task has stopped.
    Stopped {
        /// Which.
        task: usize,
        /// Whether by a panic.
        panicked: bool,
    },
    /// An `execute` that ran its task on the calling thread is about to return.
    Returned(usize),
    /// A loop was told to stop, and whether by the call that won.
    Stop {
        /// Whether it won.
        won: bool,
    },
    /// A loop's thread begins to run calls.
    Entered,
    /// It runs calls no more.
    Exited,
    /// A loop found nothing to do, and sleeps until it is woken.
    Asleep,
    /// Whoever caused this is to wake the loop.
    Woken,
    /// A loop's pool was used, and whether that starts it.
    PoolUsed {
        /// Whether it does.
        starts: bool,
    },
    /// A loop has begun to run, and whether that starts its pool.
    LoopBegun {
        /// Whether it does.
        starts: bool,
    },
    /// A result is to come back to the loop.
    Deferred(usize),
    /// Its callback is called.
    Delivered(usize),
    /// A `perform` found nothing to do.
    Nothing,
    /// A `perform` found nothing to do for good.
    Ended,
    /// A `perform` found another under way.
    Busy,
    /// The performer, or a thread's body, was dropped, and its worker closed.
    Closed,
    /// A task was dropped unrun.
    Dropped(usize),
    /// A worker's thread has done all it had to do.
    ThreadEnded,

    /// The team accepted what it was asked.
    Asked(Subject),
    /// The team refused it.
    Denied(Subject),
    /// The coordinator refused what was accepted.
    Withdrawn(Subject),
    /// A step took it in.
    Taken(Subject),
    /// A pool's worker looks for a task.
    Looked(usize),
    /// A pool's worker, which slept, is called to look for a task.
    Called(usize),
    /// A pool's worker found no task, and sleeps until it is called.
    Rested(usize),
    /// A pool keeps these sizes: the least, the most, the cap of those that block; and the bound of its
    /// line.
    Sizes([usize; 3], usize),
    /// A pool's worker, which rested for long, leaves.
    Expired(usize),
    /// This task, which waited, is cancelled.
    Cancelled(usize),
    /// This task, which waited, is to be run by whoever waits for it.
    InPlace(usize),
    /// This task, which waited, is given back.
    GivenBack(usize),
    /// There was no room for this task.
    Full(usize),
    /// There was none, and its caller waits.
    Queued(usize),
    /// The caller that waits first may have room.
    Admitted,
    /// This task's caller is back.
    Back(usize),
    /// This worker is to have this task.
    Assigned(usize, usize),
    /// The factory is asked, and told of so many workers.
    FactoryAsked(usize),
    /// The factory gave this worker.
    WorkerMade(usize),
    /// The factory said that there are enough.
    AtLimit,
    /// The factory failed.
    CreationFailed,
    /// This worker is to leave.
    Retired(usize),
    /// A refusal counts as a failed creation.
    FirstRefused,
    /// This task can never run.
    Abandoned(usize),
    /// The team has ended but for its coordinator's quit.
    Finished,
    /// A step has nothing left to decide.
    Settled,
    /// So many retired workers are counted as told.
    Left(usize),
    /// The numbers were read: idle, busy, leaving, backlogged, in flight, accepted, done, abandoned, in
    /// place, cancelled, returned.
    Statistics([usize; 11]),
    /// This worker is told to quit.
    WorkerQuit(usize),
    /// The coordinator is told to quit.
    CoordinatorQuit,
    /// The owner is told of a panic.
    PanicReported,
    /// The owner is told of a failed creation.
    CreationReported,
    /// The owner is given this task.
    AbandonedGiven(usize),
}

#[cfg(feature = "probe")]
static RECORDER: OnceLock<fn(Event)> = OnceLock::new();
#[cfg(feature = "probe")]
static NUMBERS: AtomicUsize = AtomicUsize::new(1);

/// From now on, every event goes to `recorder`, which must call nothing of this crate. Only the
/// first call counts.
#[cfg(feature = "probe")]
pub fn record_with(recorder: fn(Event)) {
    // An `Err` says that there is one.
    let _ = RECORDER.set(recorder);
}

#[cfg(feature = "probe")]
impl Object {
    pub(crate) fn new() -> Self {
        // ORDERING: Relaxed, because numbers need only differ.
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        Self { number }
    }

    /// A new object of that kind.
    pub(crate) fn of(kind: Kind) -> Self {
        let object = Self::new();
        object.tell(|| What::New(kind));
        object
    }

    pub(crate) fn number(self) -> usize {
        self.number
    }

    pub(crate) fn tell(self, what: impl FnOnce() -> What) {
        if let Some(recorder) = RECORDER.get() {
            recorder(Event {
                object: self.number,
                what: what(),
            });
        }
    }
}

#[cfg(not(feature = "probe"))]
#[expect(clippy::unused_self, reason = "there is nothing in it when off")]
impl Object {
    pub(crate) fn new() -> Self {
        Self {}
    }

    pub(crate) fn of(_: Kind) -> Self {
        Self {}
    }

    pub(crate) fn number(self) -> usize {
        0
    }

    pub(crate) fn tell(self, _: impl FnOnce() -> What) {}
}
