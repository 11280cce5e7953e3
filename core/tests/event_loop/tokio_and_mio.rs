//! A loop on loops of others: tokio's current-thread runtime, and a poll loop of mio's.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use crate::common::{Count, Log, fail};
use brigade::{
    BlockingCallError, DeferError, EventLoop, MemoryWorker, OnLoop, Refused, RunError, RunOnLoop,
    Task, memory_worker,
};
use mio::{Events, Token, Waker};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

struct OnTokio(Handle);

impl RunOnLoop for OnTokio {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        drop(self.0.spawn(async move { task.run() }));
        Ok(())
    }
}

struct OnMio {
    turns: MemoryWorker,
    waker: Arc<Waker>,
}

impl RunOnLoop for OnMio {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        self.turns.execute(task)?;
        self.waker.wake().unwrap();
        Ok(())
    }
}

/// A loop that hosts, on this thread. Each test is written once, for both.
trait Host: Sized {
    fn new() -> Self;
    fn build(&self) -> EventLoop;
    /// Runs the host until a call of the loop sends the end.
    fn run(&mut self, until: Done);
    /// Ends the host, whatever the loop still has to do.
    fn end(self);
}

/// What ends a run of the host: from any thread.
#[derive(Clone)]
struct End(Arc<Mutex<Option<oneshot::Sender<()>>>>);

impl End {
    fn now(&self) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        sender.unwrap().send(()).unwrap();
    }
}

struct Done(oneshot::Receiver<()>);

fn end() -> (End, Done) {
    let (send, receive) = oneshot::channel();
    (End(Arc::new(Mutex::new(Some(send)))), Done(receive))
}

struct Tokio(Runtime);

impl Host for Tokio {
    fn new() -> Self {
        Self(Builder::new_current_thread().build().unwrap())
    }

    fn build(&self) -> EventLoop {
        let host = OnTokio(self.0.handle().clone());
        EventLoop::builder().build_on(host).unwrap()
    }

    fn run(&mut self, until: Done) {
        self.0.block_on(until.0).unwrap();
    }

    fn end(self) {
        drop(self.0);
    }
}

struct Mio {
    poll: mio::Poll,
    waker: Arc<Waker>,
    turns: MemoryWorker,
    performer: brigade::Performer,
}

impl Host for Mio {
    fn new() -> Self {
        let (turns, performer) = memory_worker();
        let poll = mio::Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        Self {
            poll,
            waker,
            turns,
            performer,
        }
    }

    fn build(&self) -> EventLoop {
        let host = OnMio {
            turns: self.turns.clone(),
            waker: Arc::clone(&self.waker),
        };
        EventLoop::builder().build_on(host).unwrap()
    }

    fn run(&mut self, mut until: Done) {
        let mut events = Events::with_capacity(8);
        // Checked after each turn: it is sent by one.
        while until.0.try_recv().is_err() {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => other.unwrap(),
            }
            self.performer.drain();
        }
    }

    fn end(self) {
        drop(self.performer);
    }
}

/// Each test for both hosts.
macro_rules! on_both {
    ($($(#[$about:meta])* $name:ident;)*) => {
        mod tokio_hosts {
            $($(#[$about])* #[test] fn $name() { super::$name::<super::Tokio>(); })*
        }
        mod mio_hosts {
            $($(#[$about])* #[test] fn $name() { super::$name::<super::Mio>(); })*
        }
    };
}

on_both! {
    e1_calls_of_each_caller_come_in_order_on_the_hosts_thread;
    e1_each_kind_of_call_wakes_a_host_that_sleeps;
    a_blocking_call_gives_a_value_a_futures_output_and_its_own_threads_error;
    e4_a_deferred_result_comes_back_on_the_hosts_thread;
    calls_made_on_the_loop_leave_turns_to_the_host;
    it_is_never_run;
    e3_who_waits_is_told_when_the_host_ends_first;
    e3_who_calls_after_the_host_has_ended_is_refused_once_the_loop_ends;
    a_quit_ends_it_after_the_calls_that_wait;
    e3_a_stop_gives_back_what_waits_and_tells_who_waits;
}

fn e1_calls_of_each_caller_come_in_order_on_the_hosts_thread<H: Host>() {
    const CALLS: usize = 1000;
    let mut host = H::new();
    let event_loop = host.build();
    let seen: Log<(usize, usize)> = Log::new();
    let (end, done) = end();
    let here = thread::current().id();
    let callers: Vec<JoinHandle<()>> = (0..3)
        .map(|caller| {
            let (handle, seen, end) = (event_loop.handle(), seen.clone(), end.clone());
            thread::spawn(move || {
                for number in 0..CALLS {
                    let (seen, end) = (seen.clone(), end.clone());
                    let call = handle.call_from_thread(move |on| {
                        assert!(on.handle().is_on_loop_thread());
                        assert_eq!(thread::current().id(), here);
                        seen.note((caller, number));
                        if seen.len() == 3 * CALLS {
                            end.now();
                        }
                    });
                    call.unwrap();
                }
            })
        })
        .collect();
    host.run(done);
    callers.into_iter().for_each(|it| it.join().unwrap());
    let seen = seen.take();
    for caller in 0..3 {
        let of = seen.iter().filter(|it| it.0 == caller).map(|it| it.1);
        assert_eq!(of.collect::<Vec<_>>(), (0..CALLS).collect::<Vec<_>>());
    }
    assert!(event_loop.end().is_empty());
}

/// Each call is made by a thread that has seen the one before it, and so finds the loop asleep or about to be.
fn e1_each_kind_of_call_wakes_a_host_that_sleeps<H: Host>() {
    let mut host = H::new();
    let event_loop = host.build();
    let (end, done) = end();
    let (dropped, has_dropped) = mpsc::channel();
    struct Says(mpsc::Sender<()>);
    impl Drop for Says {
        fn drop(&mut self) {
            self.0.send(()).unwrap();
        }
    }
    let value = event_loop.here().confine(Says(dropped));
    let handle = event_loop.handle();
    let caller = thread::spawn(move || {
        for _ in 0..100 {
            let (send, called) = mpsc::channel();
            let sends = send.clone();
            handle
                .call_from_thread(move |_| sends.send(()).unwrap())
                .unwrap();
            called.recv().unwrap();
            handle.execute(move || send.send(()).unwrap()).unwrap();
            called.recv().unwrap();
            handle.blocking_call_from_thread(|_| ()).unwrap();
        }
        // The last key to a value.
        drop(value);
        has_dropped.recv().unwrap();
        handle.call_from_thread(move |_| end.now()).unwrap();
    });
    host.run(done);
    caller.join().unwrap();
    assert!(event_loop.end().is_empty());
}

fn a_blocking_call_gives_a_value_a_futures_output_and_its_own_threads_error<H: Host>() {
    let mut host = H::new();
    let event_loop = host.build();
    let handle = event_loop.handle();
    let here = thread::current().id();
    let refused = handle.blocking_call_from_thread(|_| ());
    assert!(matches!(refused, Err(BlockingCallError::OnLoopThread(_))));
    let (end, done) = end();
    let caller = thread::spawn(move || {
        let value = handle.blocking_call_from_thread(move |_| thread::current().id() == here);
        assert!(value.unwrap());
        let output = handle.blocking_call_from_thread_until(|on| {
            // Not `Send`, and it is woken by another thread.
            let kept = Rc::new(40);
            let deferred = on.handle().defer_to_thread(|| 2).unwrap();
            async move { *kept + deferred.await.unwrap() }
        });
        assert_eq!(output.unwrap(), 42);
        let panicked = handle.blocking_call_from_thread(|_| fail("no"));
        assert!(matches!(
            panicked,
            Err::<(), _>(BlockingCallError::Panicked(_))
        ));
        handle.call_from_thread(move |_| end.now()).unwrap();
    });
    host.run(done);
    caller.join().unwrap();
    assert!(event_loop.end().is_empty());
}

fn e4_a_deferred_result_comes_back_on_the_hosts_thread<H: Host>() {
    let mut host = H::new();
    let event_loop = host.build();
    let (end, done) = end();
    let here = thread::current().id();
    let seen = Rc::new(RefCell::new(Vec::new()));
    for number in 0..100 {
        let (end, noted) = (end.clone(), Rc::clone(&seen));
        let work = move || {
            assert_ne!(thread::current().id(), here);
            number
        };
        let deferred =
            event_loop
                .here()
                .defer_to_thread(work, move |_, value: Result<_, DeferError>| {
                    assert_eq!(thread::current().id(), here);
                    noted.borrow_mut().push(value.unwrap());
                    if noted.borrow().len() == 100 {
                        end.now();
                    }
                });
        deferred.unwrap();
    }
    assert!(seen.borrow().is_empty(), "a callback inside of the call");
    host.run(done);
    let mut seen = seen.take();
    seen.sort_unstable();
    assert_eq!(seen, (0..100).collect::<Vec<_>>());
    assert!(event_loop.end().is_empty());
}

/// A call that makes the next one, without end, does not keep the host to itself: another guest gets its turn.
fn calls_made_on_the_loop_leave_turns_to_the_host<H: Host>() {
    fn again(on: &OnLoop, over: Count) {
        if over.get() == 0 {
            let call = move |on: &OnLoop| again(on, over);
            on.handle().call_from_thread(call).unwrap();
        }
    }
    let mut host = H::new();
    let (first, second) = (host.build(), host.build());
    let (over, begun) = (Count::new(), Count::new());
    let (end, done) = end();
    let (ends, begins) = (over.clone(), begun.clone());
    let call = move |on: &OnLoop| {
        begins.one_more();
        again(on, ends);
    };
    first.handle().call_from_thread(call).unwrap();
    let call = move |_: &OnLoop| {
        assert_eq!(begun.get(), 1, "it came later");
        over.one_more();
        end.now();
    };
    second.handle().call_from_thread(call).unwrap();
    host.run(done);
    drop((first, second));
}

fn it_is_never_run<H: Host>() {
    let host = H::new();
    let event_loop = host.build();
    assert!(matches!(event_loop.run(), Err(RunError::Hosted)));
    let output = event_loop.run_until(std::future::ready(()));
    assert!(matches!(output, Err(RunError::Hosted)));
}

/// Begins a blocking call that never ends, and ends the host's run when it waits.
fn wait_for_ever(event_loop: &EventLoop, end: End) -> JoinHandle<BlockingCallError> {
    let handle = event_loop.handle();
    thread::spawn(move || {
        let waited = handle.blocking_call_from_thread_until(move |_| {
            end.now();
            std::future::pending::<()>()
        });
        waited.unwrap_err()
    })
}

fn e3_who_waits_is_told_when_the_host_ends_first<H: Host>() {
    let mut host = H::new();
    let event_loop = host.build();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let told = Rc::new(RefCell::new(Vec::new()));
    let noted = Rc::clone(&told);
    let callback = move |_: &OnLoop, end: Result<_, DeferError>| {
        noted.borrow_mut().push(end.unwrap_err().to_string());
        drop(go_on);
    };
    let work = move || may_go_on.recv();
    event_loop.here().defer_to_thread(work, callback).unwrap();
    let (end, done) = end();
    let caller = wait_for_ever(&event_loop, end);
    host.run(done);
    host.end();
    assert!(told.borrow().is_empty() && !caller.is_finished());
    assert!(event_loop.end().is_empty());
    let error = caller.join().unwrap();
    assert!(matches!(error, BlockingCallError::Stopped), "{error:?}");
    assert_eq!(*told.borrow(), [DeferError::LoopEnded.to_string()]);
}

/// Whether the host has said that it has ended, or dropped the turn.
fn e3_who_calls_after_the_host_has_ended_is_refused_once_the_loop_ends<H: Host>() {
    let host = H::new();
    let event_loop = host.build();
    host.end();
    let handle = event_loop.handle();
    let callers: Vec<_> = (0..3)
        .map(|_| {
            let handle = handle.clone();
            thread::spawn(move || handle.blocking_call_from_thread(|_| ()))
        })
        .collect();
    assert!(
        event_loop.end().is_empty(),
        "a blocking call is not given back"
    );
    for caller in callers {
        let error = caller.join().unwrap().unwrap_err();
        assert!(
            matches!(
                error,
                BlockingCallError::Stopped | BlockingCallError::Closed(_)
            ),
            "{error:?}"
        );
    }
    handle.call_from_thread(|_| ()).unwrap_err();
}

fn a_quit_ends_it_after_the_calls_that_wait<H: Host>() {
    let mut host = H::new();
    let event_loop = host.build();
    let handle = event_loop.handle();
    let ran: Log<usize> = Log::new();
    for number in 0..10 {
        handle.execute(ran.task(number)).unwrap();
    }
    let (end, done) = end();
    handle.call_from_thread(move |_| end.now()).unwrap();
    handle.quit().unwrap();
    let refused = handle.call_from_thread(|_| ()).unwrap_err();
    drop(refused);
    host.run(done);
    assert_eq!(ran.take(), (0..10).collect::<Vec<_>>());
    assert!(event_loop.end().is_empty());
}

fn e3_a_stop_gives_back_what_waits_and_tells_who_waits<H: Host>() {
    let mut host = H::new();
    let event_loop = host.build();
    let handle = event_loop.handle();
    let (first, waits) = end();
    let caller = wait_for_ever(&event_loop, first);
    host.run(waits);
    let ran: Log<&str> = Log::new();
    let (end, done) = end();
    let noted = ran.clone();
    let stops = move |on: &OnLoop| {
        noted.note("before");
        on.handle().stop().unwrap();
        end.now();
    };
    handle.call_from_thread(stops).unwrap();
    handle.execute(ran.task("after")).unwrap();
    host.run(done);
    let mut given_back = event_loop.end();
    assert_eq!(given_back.len(), 1);
    let error = caller.join().unwrap();
    assert!(matches!(error, BlockingCallError::Stopped), "{error:?}");
    assert_eq!(ran.take(), ["before"]);
    given_back.remove(0).run(EventLoop::new().here());
    assert_eq!(ran.take(), ["after"]);
}
