//! Event loops for tests: one that runs on a thread of its own, and hosts that are driven by hand.

#![allow(dead_code, reason = "each test file uses a part")]

use std::sync::mpsc;
use std::thread::JoinHandle;

use brigade::{
    Call, EventLoop, EventLoopBuilder, LoopHandle, MemoryWorker, Performer, Refused, RunOnLoop,
    Task, ThreadPool, memory_worker,
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
        Self::on(std::thread::spawn)
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
        let call = move |_: &brigade::OnLoop| {
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
