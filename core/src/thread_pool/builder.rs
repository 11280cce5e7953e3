//! How a thread pool is made.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::around::Around;
use super::context::Context;
use super::ending::{Ending, Phase};
use super::full::WhenFull;
use super::keeper::{Keeper, Rate};
use super::observe::Observer;
use super::place;
use super::roster::{Hook, Manner, Roster, StartWith, ThreadInfo};
use super::stall::{Stall, StallHook, StallReport};
use super::{Shared, ThreadPool};
use crate::contain::{PanicHandler, Payload, hook_only};
use crate::primitives::{Arc, Weak};
use crate::start::{Body, Thread};
use crate::task::Task;
use crate::team::{CreationFailed, Crew, Handlers, Sizes, Terms};

/// More threads than any system here can start.
const TOO_MANY: usize = 1 << 20;

/// What is looked for again and again is looked for no more often than this.
const SHORTEST: Duration = Duration::from_millis(1);

/// Why there is no such pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BuildError {
    /// The most threads is 0: nothing would ever run.
    NoThreads,
    /// The least threads is more than the most.
    MinOverMax {
        /// The least.
        min: usize,
        /// The most.
        max: usize,
    },
    /// The least threads is more than any system has.
    TooManyThreads(usize),
    /// No task may wait.
    NoRoom,
    /// No thread may be made, or in no time.
    NoRate,
    /// The name has a zero byte in it, which a thread's must not.
    ZeroInName,
    /// The pool's own thread, which a creation rate or a stall report needs, could not be started.
    NoKeeper(io::ErrorKind),
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThreads => f.write_str("a thread pool needs a maximum of at least one thread"),
            Self::MinOverMax { min, max } => write!(
                f,
                "the minimum of {min} threads is over the maximum of {max}"
            ),
            Self::TooManyThreads(min) => {
                write!(f, "a minimum of {min} threads is more than can be started")
            }
            Self::NoRoom => f.write_str("a bounded backlog needs room for at least one task"),
            Self::NoRate => {
                f.write_str("a creation rate needs at least one thread in a time that is not zero")
            }
            Self::NoKeeper(kind) => {
                write!(f, "the pool's own thread could not be started: {kind}")
            }
            Self::ZeroInName => f.write_str("a thread's name must not have a zero byte in it"),
        }
    }
}

impl Error for BuildError {}

/// Whether there can be a pool of these sizes.
pub(super) fn check_sizes(min: usize, max: usize) -> Result<(), BuildError> {
    if max == 0 {
        Err(BuildError::NoThreads)
    } else if min > max {
        Err(BuildError::MinOverMax { min, max })
    } else if min > TOO_MANY {
        Err(BuildError::TooManyThreads(min))
    } else {
        Ok(())
    }
}

/// Makes a [`ThreadPool`]: [`ThreadPool::builder`].
///
/// ```
/// use std::time::Duration;
/// use brigade::{ThreadPool, WhenFull};
///
/// # brigade::primitives::example(|| {
/// let pool = ThreadPool::builder()
///     .sizes(0, 4)
///     .name("resolver")
///     .idle_timeout(Duration::from_secs(30))
///     .bound(1_000, WhenFull::Wait)
///     .build()
///     .unwrap();
/// pool.start().unwrap();
/// pool.execute(|| println!("on {:?}", std::thread::current().name())).unwrap();
/// pool.shutdown().unwrap();
/// # });
/// ```
#[must_use = "a builder makes nothing before `build`"]
pub struct Builder {
    min: usize,
    max: usize,
    cap: usize,
    name: String,
    stack_size: Option<usize>,
    idle: Option<Duration>,
    bound: Option<(usize, WhenFull)>,
    rate: Option<(usize, Duration)>,
    start: Box<StartWith>,
    on_start: Vec<Box<Hook>>,
    on_stop: Vec<Box<Hook>>,
    on_panic: PanicHandler,
    on_start_failed: Option<Box<dyn Fn(CreationFailed) + Send + Sync>>,
    on_abandoned: Option<Box<dyn Fn(Task) + Send + Sync>>,
    observer: Option<Arc<dyn Observer>>,
    context: Option<Arc<Context>>,
    stall: Option<(Duration, Box<StallHook>)>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            min: 5,
            max: 20,
            cap: 32,
            name: "pool".to_owned(),
            stack_size: None,
            idle: None,
            bound: None,
            rate: None,
            start: Box::new(ThreadInfo::start),
            on_start: Vec::new(),
            on_stop: Vec::new(),
            on_panic: hook_only(),
            on_start_failed: None,
            on_abandoned: None,
            observer: None,
            context: None,
            stall: None,
        }
    }

    /// The least and the most threads: 5 and 20, unless told, as the original's. `usize::MAX` is no
    /// maximum. The least are started when the pool is, the others when work waits for them.
    pub fn sizes(mut self, min: usize, max: usize) -> Self {
        (self.min, self.max) = (min, max);
        self
    }

    /// What the threads are called: this, and their number. `pool`, unless told.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How large each thread's stack is to be, in bytes. The standard library's default, unless told.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// A thread above the minimum that has had nothing to do for so long leaves. None does, unless told. Less
    /// than a millisecond is one: those of the minimum look as often whether they are still of it.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle = Some(idle.max(SHORTEST));
        self
    }

    /// At most `threads` are made in each period of `per`: a limit to how fast a pool grows, beside its
    /// maximum or, with none, instead. Work that waits gets its threads when they may be made; a pool that was
    /// quit, and has none left, need not wait for that. The pool has one thread of its own for this.
    pub fn creation_rate(mut self, threads: usize, per: Duration) -> Self {
        self.rate = Some((threads, per));
        self
    }

    /// At most so many tasks wait; what happens to a task beyond that is up to `when_full`. Tasks that run,
    /// or that a free thread is about to take, do not count. There is no bound, unless told.
    pub fn bound(mut self, tasks: usize, when_full: WhenFull) -> Self {
        self.bound = Some((tasks, when_full));
        self
    }

    /// How many threads more than the maximum there may be for those inside of
    /// [`blocking`](crate::blocking): 32, unless told.
    pub fn blocking_cap(mut self, threads: usize) -> Self {
        self.cap = threads;
        self
    }

    /// How a thread is started: an ordinary one by [`ThreadInfo::start`], unless told. It must have `body`
    /// run once, on the thread that is to be the pool's. An error is reported as for
    /// [`Builder::on_start_failed`].
    pub fn start_with(
        mut self,
        start: impl Fn(&ThreadInfo, Body) -> io::Result<Thread> + Send + Sync + 'static,
    ) -> Self {
        self.start = Box::new(start);
        self
    }

    /// Called on each thread, before its first task. If it panics, the thread is given up, which counts as a
    /// failed start. Hooks add up.
    pub fn on_thread_start(mut self, hook: impl Fn(&ThreadInfo) + Send + Sync + 'static) -> Self {
        self.on_start.push(Box::new(hook));
        self
    }

    /// Called on each thread, after its last task. Hooks add up.
    pub fn on_thread_stop(mut self, hook: impl Fn(&ThreadInfo) + Send + Sync + 'static) -> Self {
        self.on_stop.push(Box::new(hook));
        self
    }

    /// Called with the panic of each task that no handle takes, and with those of hooks. Unless told, the
    /// process's panic hook, which has printed it, is all that is told.
    pub fn on_panic(mut self, handler: impl Fn(Payload) + Send + Sync + 'static) -> Self {
        self.on_panic = Arc::new(handler);
        self
    }

    /// Called when a thread could not be started. Its tasks wait; the next step of the pool tries again.
    /// Unless told, it is printed to standard error.
    pub fn on_start_failed(
        mut self,
        handler: impl Fn(CreationFailed) + Send + Sync + 'static,
    ) -> Self {
        self.on_start_failed = Some(Box::new(handler));
        self
    }

    /// Called with each accepted task that can never run: the pool ends, and no thread could be had.
    /// Unless told, it is dropped, and that is printed to standard error.
    pub fn on_abandoned(mut self, handler: impl Fn(Task) + Send + Sync + 'static) -> Self {
        self.on_abandoned = Some(Box::new(handler));
        self
    }

    /// Told of everything that happens; see [`Observer`].
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Carries what is the caller's to the thread that runs its task. `capture` is called by each submit, on
    /// the calling thread; what it gives runs the task, on the pool's.
    ///
    /// ```
    /// use std::cell::Cell;
    /// use brigade::{Task, ThreadPool};
    ///
    /// thread_local! { static USER: Cell<u32> = const { Cell::new(0) }; }
    ///
    /// # brigade::primitives::example(|| {
    /// let pool = ThreadPool::builder()
    ///     .context(|| {
    ///         let user = USER.get();
    ///         move |task: Task| {
    ///             let before = USER.replace(user);
    ///             task.run();
    ///             USER.set(before);
    ///         }
    ///     })
    ///     .build()
    ///     .unwrap();
    /// pool.start().unwrap();
    /// USER.set(7);
    /// assert_eq!(pool.spawn(|| USER.get()).unwrap().join().unwrap(), 7);
    /// # });
    /// ```
    pub fn context<C>(mut self, capture: impl Fn() -> C + Send + Sync + 'static) -> Self
    where
        C: FnOnce(Task) + Send + 'static,
    {
        self.context = Some(Arc::new(move || Box::new(capture())));
        self
    }

    /// Calls `hook` when work waits, every thread is busy, and no task has begun or ended for so long: most
    /// likely tasks wait for each other. It is called again each time that is so for as long again. The pool
    /// has one thread of its own for this, and notes for each task where it was submitted. Less than a
    /// millisecond is one.
    pub fn on_stall(
        mut self,
        after: Duration,
        hook: impl Fn(&StallReport) + Send + Sync + 'static,
    ) -> Self {
        self.stall = Some((after.max(SHORTEST), Box::new(hook)));
        self
    }

    /// Makes the pool. It takes work at once, and runs it when it is [started](ThreadPool::start).
    ///
    /// # Errors
    /// [`BuildError`], if there can be no such pool.
    pub fn build(self) -> Result<ThreadPool, BuildError> {
        check_sizes(self.min, self.max)?;
        if self.name.contains('\0') {
            return Err(BuildError::ZeroInName);
        }
        if matches!(self.bound, Some((0, _))) {
            return Err(BuildError::NoRoom);
        }
        let rate = match self.rate {
            Some((0, _) | (_, Duration::ZERO)) => return Err(BuildError::NoRate),
            Some((threads, per)) => Some(Rate::new(threads, per)),
            None => None,
        };
        let roster = Arc::new(Roster::default());
        let ending = Arc::new(Ending::default());
        let stall = self
            .stall
            .map(|(after, hook)| Arc::new(Stall::new(after, hook)));
        let keeper = Keeper::new(rate, stall.clone()).map(Arc::new);
        let on_panic = self.on_panic;
        let around = Around::new(
            self.observer.clone(),
            self.context,
            stall,
            Arc::clone(&on_panic),
        );

        let keeper_name = format!("{}-keeper", self.name);
        let manner = Manner {
            name: self.name,
            stack_size: self.stack_size,
            start: self.start,
            on_start: self.on_start,
            on_stop: self.on_stop,
            observer: self.observer,
            on_panic: Arc::clone(&on_panic),
        };
        let (on_start_failed, on_abandoned) = (self.on_start_failed, self.on_abandoned);
        let bound = self.bound.map_or(usize::MAX, |(tasks, _)| tasks);
        let terms = Terms::keeping(Sizes::new(self.min, self.max, self.cap), bound, self.idle);
        let manner = Arc::new(manner);
        let crew = Arc::new_cyclic(|crew: &Weak<Crew>| {
            let (roster, crew, keeper) = (Arc::clone(&roster), Weak::clone(crew), keeper.clone());
            let mut handlers = Handlers::new().on_panic({
                let crew = Weak::clone(&crew);
                move |payload| place::called_by(&crew, || on_panic(payload))
            });
            if let Some(handler) = on_start_failed {
                let crew = Weak::clone(&crew);
                handlers =
                    handlers.on_creation_failed(move |it| place::called_by(&crew, || handler(it)));
            }
            if let Some(handler) = on_abandoned {
                let crew = Weak::clone(&crew);
                handlers = handlers.on_abandoned(move |it| place::called_by(&crew, || handler(it)));
            }
            let handlers = handlers.on_end({
                let (ending, keeper) = (Arc::clone(&ending), keeper.clone());
                move || {
                    if let Some(keeper) = &keeper {
                        keeper.end();
                    }
                    ending.reach(Phase::Ended);
                }
            });
            let start = move |body| match &keeper {
                Some(keeper) if !keeper.may_start() => Ok(None),
                _ => {
                    let start = || roster.start(&manner, &crew, body);
                    place::called_by(&crew, start).map(Some)
                }
            };
            Crew::new(terms, Box::new(start), handlers)
        });
        if let Some(keeper) = &keeper {
            let started = keeper.start(&keeper_name, &crew);
            started.map_err(|error| BuildError::NoKeeper(error.kind()))?;
        }
        Ok(ThreadPool::of(Shared {
            crew,
            plain: around.is_none() && self.bound.is_none(),
            roster,
            ending,
            keeper,
            around,
            when_full: self.bound.map(|(_, when_full)| when_full),
        }))
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("sizes", &(self.min, self.max))
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
