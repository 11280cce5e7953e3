//! Start policies: how the thread of a worker comes to be.
//!
//! # Invariants
//! H1: a [`Body`] is run once, on one thread, or dropped, which ends its worker.

use std::fmt;
use std::io;

use crate::primitives::thread;

/// What a thread is there for. Dropped without having worked, it tells whom it concerns.
pub(crate) trait Shift: Send + 'static {
    fn work(self: Box<Self>);
}

/// What the thread of a worker has to run: given to the start policy, which must run it once, on
/// whatever thread is to be the worker's.
///
/// Dropping it instead ends the worker.
#[must_use = "a body that is dropped ends its worker"]
pub struct Body(Box<dyn Shift>);

impl Body {
    pub(crate) fn new(shift: impl Shift) -> Self {
        Self(Box::new(shift))
    }

    /// Runs the worker's tasks until it has quit and none is left.
    pub fn run(self) {
        self.0.work();
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").finish_non_exhaustive()
    }
}

/// What a start policy gives back: the started thread, if it can be joined.
#[derive(Debug)]
pub struct Thread(Option<thread::JoinHandle<()>>);

impl Thread {
    /// A thread that nobody can join.
    #[must_use]
    pub fn detached() -> Self {
        Self(None)
    }

    pub(crate) fn into_handle(self) -> Option<thread::JoinHandle<()>> {
        self.0
    }
}

impl From<thread::JoinHandle<()>> for Thread {
    fn from(handle: thread::JoinHandle<()>) -> Self {
        Self(Some(handle))
    }
}

/// The start policy for an ordinary thread called `name`.
///
/// # Errors
/// The operating system's, if it cannot start one; the body is dropped.
///
/// ```
/// use brigade::{ThreadWorker, start_thread};
///
/// # brigade::primitives::example(|| {
/// let worker = ThreadWorker::new(|body| start_thread("hello", body)).unwrap();
/// worker.execute(|| println!("on a thread")).unwrap();
/// worker.quit().unwrap();
/// worker.join().unwrap();
/// # });
/// ```
pub fn start_thread(name: &str, body: Body) -> io::Result<Thread> {
    thread::spawn(name, move || body.run()).map(Thread::from)
}
