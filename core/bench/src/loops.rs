//! One face for loops: a thread runs one, other threads call it, and it has threads to defer to.

use std::future::Future;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::contenders::{Contender, Hook, Kind, Tokio, no_hook, spawn};

/// A loop of the thread that made it.
pub trait Loop: Sized + 'static {
    const NAME: &'static str;
    const KIND: Kind;
    /// What other threads have of it.
    type Caller: Clone + Send + Sync + 'static;
    /// With so many threads to defer to.
    fn new(threads: usize, on_start: &Hook) -> Self;
    fn caller(&self) -> Self::Caller;
    /// Has this run on the loop's thread.
    fn call(caller: &Self::Caller, call: impl FnOnce() + Send + 'static);
    /// Runs the work on a thread of the loop's; its result.
    fn defer<T: Send + 'static>(
        caller: &Self::Caller,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T>;
    /// Runs the loop until the future is done.
    fn run<F: Future>(&self, future: F) -> F::Output;
}

/// Evaluates an expression for each loop, named as a type.
#[macro_export]
macro_rules! each_loop {
    ($contender:ident => $value:expr) => {{
        use $crate::loops::{BrigadeLoop, TokioLoop};
        let mut values = Vec::new();
        $crate::each_spawner!(@ values, $contender, $value, BrigadeLoop TokioLoop);
        values
    }};
}

pub struct BrigadeLoop(pub brigade::EventLoop);

impl Loop for BrigadeLoop {
    const NAME: &'static str = "brigade";
    const KIND: Kind = Kind::Ours;
    type Caller = brigade::LoopHandle;

    fn new(threads: usize, on_start: &Hook) -> Self {
        let on_start = Arc::clone(on_start);
        let pool = brigade::ThreadPool::builder().sizes(threads, threads);
        let pool = pool.on_thread_start(move |_| on_start());
        let event_loop = brigade::EventLoop::builder().pool(pool).build();
        Self(event_loop.expect("there is such a pool"))
    }

    fn caller(&self) -> Self::Caller {
        self.0.handle()
    }

    #[inline]
    fn call(caller: &Self::Caller, call: impl FnOnce() + Send + 'static) {
        caller
            .call_from_thread(|_| call())
            .expect("it has not been quit");
    }

    #[inline]
    fn defer<T: Send + 'static>(
        caller: &Self::Caller,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> {
        let deferred = caller.defer_to_thread(work).expect("it has not been quit");
        async { deferred.await.expect("the work does not panic") }
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.0.run_until(future).expect("it has not been quit")
    }
}

/// The runtime of one thread, and its threads for blocking work.
pub struct TokioLoop(Tokio);

impl Loop for TokioLoop {
    const NAME: &'static str = Tokio::NAME;
    const KIND: Kind = Kind::Tokio;
    type Caller = Handle;

    fn new(threads: usize, on_start: &Hook) -> Self {
        Self(Tokio::new(threads, on_start))
    }

    fn caller(&self) -> Self::Caller {
        self.0.0.handle().clone()
    }

    #[inline]
    fn call(caller: &Self::Caller, call: impl FnOnce() + Send + 'static) {
        drop(caller.spawn(async { call() }));
    }

    #[inline]
    fn defer<T: Send + 'static>(
        caller: &Self::Caller,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> {
        let deferred = caller.spawn_blocking(work);
        async { deferred.await.expect("the work does not panic") }
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.0.0.block_on(future)
    }
}

/// A loop on a thread of its own, as a pool of that one thread: what is submitted is called from a thread.
pub struct Looped<L: Loop> {
    caller: L::Caller,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl<L: Loop> Contender for Looped<L> {
    const NAME: &'static str = L::NAME;
    const KIND: Kind = L::KIND;

    fn new(threads: usize, on_start: &Hook) -> Self {
        assert_eq!(threads, 1, "a loop has one thread");
        let (send, receive) = mpsc::channel();
        let (end, ended) = oneshot::channel();
        let thread = spawn(on_start, move || {
            let it = L::new(1, &no_hook());
            send.send(it.caller()).expect("it is being waited for");
            // An `Err` is an end as well.
            let _ = it.run(ended);
        });
        Self {
            caller: receive.recv().expect("the thread has started"),
            end: Some(end),
            thread: Some(thread),
        }
    }

    #[inline]
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        L::call(&self.caller, task);
    }
}

impl<L: Loop> Drop for Looped<L> {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
