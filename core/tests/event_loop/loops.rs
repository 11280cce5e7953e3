//! Event loops for tests: one that runs on a thread of its own, and hosts that are driven by hand.

use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use brigade::{
    Call, EventLoop, EventLoopBuilder, LoopHandle, MemoryWorker, OnLoop, Performed, Performer,
    Refused, RunOnLoop, Task, ThreadPool, memory_worker,
};

use crate::common::{Log, message};
use crate::thread_pools::asleep_in;

/// What makes a loop with a pool of at most two threads, that notes the panics it contains.
pub(crate) fn noting() -> (EventLoopBuilder, Log<String>) {
    let panics = Log::new();
    let noted = panics.clone();
    let builder = EventLoop::builder()
        .pool(ThreadPool::builder().sizes(1, 2))
        .on_panic(move |payload| noted.note(message(&payload)));
    (builder, panics)
}

/// A loop of this thread, and the panics that it contained.
pub(crate) fn made() -> (EventLoop, Log<String>) {
    let (builder, panics) = noting();
    (builder.build().unwrap(), panics)
}

/// A loop that runs on a thread of its own.
pub(crate) struct Running {
    pub(crate) handle: LoopHandle,
    pub(crate) panics: Log<String>,
    thread: JoinHandle<Vec<Call>>,
}

impl Running {
    /// It runs, and sleeps as soon as there is nothing to do.
    pub(crate) fn start() -> Self {
        Self::on(thread::spawn)
    }

    /// It runs, and sleeps.
    pub(crate) fn asleep() -> Self {
        Self::on(asleep_in)
    }

    fn on(
        start: impl FnOnce(Box<dyn FnOnce() -> Vec<Call> + Send>) -> JoinHandle<Vec<Call>>,
    ) -> Self {
        let (builder, panics) = noting();
        let (give, given) = mpsc::channel();
        let thread = start(Box::new(move || {
            let event_loop = builder.build().unwrap();
            give.send(event_loop.handle()).unwrap();
            event_loop.run().unwrap()
        }));
        let handle = given.recv().unwrap();
        Self {
            handle,
            panics,
            thread,
        }
    }

    /// Waits until it has ended, by whatever ends it: what it gave back.
    pub(crate) fn join(self) -> Vec<Call> {
        self.thread.join().unwrap()
    }

    /// Quits it; nothing is given back, and nothing has panicked.
    pub(crate) fn end(self) {
        self.handle.quit().unwrap();
        let panics = self.panics.clone();
        assert_eq!(self.join().len(), 0);
        assert_eq!(panics.take(), [""; 0]);
    }

    /// Returns when the loop is in a call, and stays there until what this gives is used or dropped.
    pub(crate) fn occupy(&self) -> mpsc::Sender<()> {
        let (begun, has_begun) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel();
        let call = move |_: &OnLoop| {
            begun.send(()).unwrap();
            let _ = may_go_on.recv();
        };
        self.handle.call_from_thread(call).unwrap();
        has_begun.recv().unwrap();
        go_on
    }
}

/// A host that runs its turns when the test says so.
pub(crate) struct ByHand(MemoryWorker);

impl RunOnLoop for ByHand {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        self.0.execute(task)
    }
}

/// A host, and what runs its turns.
pub(crate) fn host() -> (ByHand, Performer) {
    let (worker, performer) = memory_worker();
    (ByHand(worker), performer)
}

/// A loop that is hosted by hand.
pub(crate) fn hosted() -> (EventLoop, Performer, Log<String>) {
    let (builder, panics) = noting();
    let (host, performer) = host();
    (builder.build_on(host).unwrap(), performer, panics)
}

/// Steps the loop until it has nothing to do, and says how many calls it ran.
pub(crate) fn drain(event_loop: &EventLoop) -> usize {
    std::iter::from_fn(|| (event_loop.step() == Performed::Ran).then_some(())).count()
}

/// Runs the loop to its end: nothing is given back.
pub(crate) fn quit(event_loop: &EventLoop) {
    event_loop.handle().quit().unwrap();
    assert_eq!(event_loop.run().unwrap().len(), 0);
}

/// The thread of a loop that runs.
pub(crate) fn thread_of(running: &Running) -> ThreadId {
    let id = |_: &OnLoop| thread::current().id();
    running.handle.blocking_call_from_thread(id).unwrap()
}

/// A loop whose threads are all made for a task.
pub(crate) fn small(event_loop: EventLoopBuilder) -> EventLoop {
    let pool = ThreadPool::builder().sizes(0, 2).name("test");
    event_loop.pool(pool).build().unwrap()
}

/// Runs calls that were given back.
pub(crate) fn run_all(calls: Vec<Call>) {
    let event_loop = EventLoop::new();
    for call in calls {
        call.run(event_loop.here());
    }
}

/// Longer than anything here takes, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Says that it was dropped.
pub(crate) struct Drops(
    pub(crate) mpsc::Sender<&'static str>,
    pub(crate) &'static str,
);

impl Drop for Drops {
    fn drop(&mut self) {
        // Who listens may be gone.
        let _ = self.0.send(self.1);
    }
}

/// Has the loop note these numbers.
pub(crate) fn submits(handle: &LoopHandle, seen: &Arc<Mutex<Vec<u32>>>, numbers: &[u32]) {
    for &n in numbers {
        let seen = Arc::clone(seen);
        handle
            .call_from_thread(move |_| seen.lock().unwrap().push(n))
            .unwrap();
    }
}
