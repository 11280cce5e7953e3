//! The laws of workers, checked on ours, which keep them, and on workers that break one each: that
//! the suite fails, and at which law. By the engine of this build.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex as Plain;

use brigade::primitives::{Arc, Condvar, Mutex, thread};
use brigade::{
    AlreadyQuit, ExclusiveWorker, Handlers, LockWorker, Now, PanicHandler, Refused, SwapQueue,
    Task, Team, ThreadWorker, Worker, memory_worker, memory_worker_with, start_thread,
};
use brigade_model_tests::laws::{self, Drive};

#[test]
fn memory_worker_keeps_the_laws() {
    laws::exclusive_worker_with("memory worker", |on_panic| {
        let (worker, performer) = memory_worker_with(on_panic);
        (worker, Drive::by(move || performer.perform().ran()))
    });
}

#[test]
fn lock_worker_keeps_the_laws() {
    laws::exclusive_worker_with("lock worker", |on_panic| {
        (LockWorker::with_panic_handler(on_panic), Drive::AtOnce)
    });
}

#[test]
fn thread_worker_keeps_the_laws() {
    laws::exclusive_worker_with("thread worker", |on_panic| {
        let start = |body| start_thread("worker", body);
        let worker = ThreadWorker::with(start, SwapQueue::new(), on_panic);
        (worker.unwrap(), Drive::Itself)
    });
}

#[test]
fn team_of_memory_workers_keeps_the_laws() {
    laws::worker_with("team of memory workers", |on_panic| {
        let performers = Arc::new(Plain::new(Vec::new()));
        let made = Arc::downgrade(&performers);
        let factory = move |now: &brigade::Statistics| {
            let Some(made) = made.upgrade().filter(|_| now.workers() < 2) else {
                return Ok(None);
            };
            let (worker, performer) = memory_worker();
            made.lock().unwrap().push(Arc::new(performer));
            Ok(Some(worker))
        };
        let handlers = Handlers::new().on_panic(move |panicked| on_panic(panicked));
        let team = Team::new(LockWorker::new(), factory, handlers);
        let perform = move || {
            let all = performers.lock().unwrap().clone();
            all.iter().any(|performer| performer.perform().ran())
        };
        (team, Drive::by(perform))
    });
}

#[test]
fn pool_of_one_thread_keeps_the_laws() {
    laws::worker("pool of one thread", || {
        let pool = brigade::pool(|| 1, |body| start_thread("worker", body));
        (pool, Drive::Itself)
    });
}

/// What is wrong with a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// Its thread ends at a quit without looking at what is queued.
    LosesAtQuit,
    /// Whether it has been quit is looked up before the task is queued, not with it.
    ChecksApart,
    /// A refused task is dropped, and an empty one handed back.
    SwallowsRefused,
    /// The oldest task that waits is handed back, and the refused one kept.
    HandsBackAnother,
    /// Whether it has been quit is looked up first, and set afterwards.
    TwoQuitsWin,
    /// Two threads take tasks.
    TwoThreads,
    /// Last in, first out.
    LastFirst,
    /// A task does not wake its thread; a quit does.
    TaskDoesNotWake,
    /// A quit does not wake its thread.
    QuitDoesNotWake,
    /// A panic ends its thread.
    DoesNotContain,
}

/// A worker with a thread of its own, which it joins when it is dropped.
struct Threaded {
    fault: Fault,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Task>,
    quit: bool,
}

impl Threaded {
    fn new(fault: Fault, on_panic: Option<&PanicHandler>) -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            woken: Condvar::new(),
        });
        let start = || {
            let (shared, on_panic) = (Arc::clone(&shared), on_panic.cloned());
            let run = move || shared.run(fault, on_panic.as_ref());
            thread::spawn("worker", run).unwrap()
        };
        let threads = if fault == Fault::TwoThreads { 2 } else { 1 };
        Self {
            fault,
            threads: (0..threads).map(|_| start()).collect(),
            shared,
        }
    }
}

impl Shared {
    fn run(&self, fault: Fault, on_panic: Option<&PanicHandler>) {
        while let Some(task) = self.take(fault) {
            if fault == Fault::DoesNotContain {
                task.run();
            } else if let Err(payload) = catch_unwind(AssertUnwindSafe(|| task.run()))
                && let Some(on_panic) = on_panic
            {
                on_panic(payload);
            }
        }
    }

    fn take(&self, fault: Fault) -> Option<Task> {
        let mut state = self.state.lock();
        loop {
            if state.quit && fault == Fault::LosesAtQuit {
                return None;
            }
            let task = match fault {
                Fault::LastFirst => state.queue.pop_back(),
                _ => state.queue.pop_front(),
            };
            if task.is_some() || state.quit {
                return task;
            }
            state = self.woken.wait(state);
        }
    }
}

impl Worker for Threaded {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        let mut state = self.shared.state.lock();
        if self.fault == Fault::ChecksApart && !state.quit {
            drop(state);
            state = self.shared.state.lock();
        } else if state.quit {
            if self.fault == Fault::SwallowsRefused {
                return Err(Refused::new(Task::new(|| {})));
            }
            if self.fault == Fault::HandsBackAnother
                && let Some(other) = state.queue.pop_front()
            {
                state.queue.push_back(task);
                return Err(Refused::new(other));
            }
            return Err(Refused::new(task));
        }
        state.queue.push_back(task);
        drop(state);
        if self.fault != Fault::TaskDoesNotWake {
            self.shared.woken.notify_all();
        }
        Ok(())
    }

    fn quit(&self) -> Result<(), AlreadyQuit> {
        let mut state = self.shared.state.lock();
        if state.quit {
            return Err(AlreadyQuit);
        }
        if self.fault == Fault::TwoQuitsWin {
            drop(state);
            state = self.shared.state.lock();
        }
        state.quit = true;
        drop(state);
        if self.fault != Fault::QuitDoesNotWake {
            self.shared.woken.notify_all();
        }
        Ok(())
    }
}

impl ExclusiveWorker for Threaded {}

impl Drop for Threaded {
    fn drop(&mut self) {
        let _ = self.quit();
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// A worker that runs its tasks at once, with a lock held.
struct Locking {
    fault: Lapse,
    quit: brigade::Quit,
    lock: Mutex<()>,
    held: Plain<Option<thread::ThreadId>>,
    later: Plain<VecDeque<Task>>,
}

/// What is wrong with a [`Locking`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lapse {
    /// Nothing.
    None,
    /// A task that is submitted by a task runs inside it.
    Nests,
    /// It waits for itself.
    WaitsForItself,
    /// It takes no lock.
    DoesNotLock,
    /// It says that it ran a step, and did not.
    SaysItRan,
    /// It runs a step, and asks for it to be queued.
    RunsAndQueues,
    /// It accepts tasks whether it has been quit or not.
    AcceptsAlways,
    /// Every quit wins.
    QuitAlwaysWins,
}

impl Locking {
    fn new(fault: Lapse) -> Self {
        Self {
            fault,
            quit: brigade::Quit::new(),
            lock: Mutex::new(()),
            held: Plain::default(),
            later: Plain::default(),
        }
    }

    fn holds(&self) -> bool {
        *self.held.lock().unwrap() == Some(thread::current().id())
    }

    fn locked(&self, run: impl FnOnce()) {
        let lock = (self.fault != Lapse::DoesNotLock).then(|| self.lock.lock());
        *self.held.lock().unwrap() = Some(thread::current().id());
        run();
        loop {
            let later = self.later.lock().unwrap().pop_front();
            let Some(task) = later else { break };
            task.run();
        }
        *self.held.lock().unwrap() = None;
        drop(lock);
    }
}

impl Worker for Locking {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        if self.quit.is_set() && self.fault != Lapse::AcceptsAlways {
            return Err(Refused::new(task));
        }
        if !self.holds() || self.fault == Lapse::WaitsForItself {
            self.locked(|| task.run());
        } else if self.fault == Lapse::Nests {
            task.run();
        } else {
            self.later.lock().unwrap().push_back(task);
        }
        Ok(())
    }

    fn quit(&self) -> Result<(), AlreadyQuit> {
        let answer = self.quit.set();
        if self.fault == Lapse::QuitAlwaysWins {
            return Ok(());
        }
        answer
    }
}

impl ExclusiveWorker for Locking {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        if self.holds() || self.fault == Lapse::SaysItRan {
            return match self.fault {
                Lapse::SaysItRan => Now::Ran,
                _ => Now::Queue,
            };
        }
        self.locked(step);
        match self.fault {
            Lapse::RunsAndQueues => Now::Queue,
            _ => Now::Ran,
        }
    }
}

fn failure(check: impl FnOnce()) -> String {
    let failed = catch_unwind(AssertUnwindSafe(check)).expect_err("the laws are broken");
    *failed.downcast::<String>().unwrap()
}

fn assert_broken(law: &str, fault: impl fmt::Debug, check: impl FnOnce()) {
    let failure = failure(check);
    println!("{failure}");
    assert!(
        failure.starts_with(&format!("{law} broken: ")),
        "{fault:?} was to be found by {law}: {failure}"
    );
    assert!(failure.contains(&format!("{fault:?}")), "{failure}");
    for part in [
        "  scenario  ",
        "  engine    ",
        "  events    ",
        "  repeat    ",
    ] {
        assert!(failure.contains(part), "no {part:?} in {failure}");
    }
}

// Faults that need one of few interleavings are left to the engines: real threads may miss them.

fn threaded(law: &str, fault: Fault) {
    assert_broken(law, fault, || {
        laws::exclusive_worker(&format!("{fault:?}"), move || {
            (Threaded::new(fault, None), Drive::Itself)
        });
    });
}

fn locking(law: &str, fault: Lapse) {
    assert_broken(law, fault, || {
        laws::exclusive_worker(&format!("{fault:?}"), move || {
            (Locking::new(fault), Drive::AtOnce)
        });
    });
}

#[test]
fn a_threaded_worker_without_fault_keeps_the_laws() {
    laws::exclusive_worker_with("threaded", |on_panic| {
        (Threaded::new(Fault::None, Some(&on_panic)), Drive::Itself)
    });
}

#[test]
fn a_locking_worker_without_fault_keeps_the_laws() {
    laws::exclusive_worker("locking", || (Locking::new(Lapse::None), Drive::AtOnce));
}

#[test]
fn w1_a_task_lost_at_a_quit_is_found() {
    threaded("W1", Fault::LosesAtQuit);
}

#[test]
fn w1_a_lost_wake_up_is_found() {
    threaded("W1", Fault::TaskDoesNotWake);
}

#[test]
fn w1_a_worker_that_waits_for_itself_is_found() {
    locking("W1", Lapse::WaitsForItself);
}

#[test]
fn w2_a_swallowed_task_is_found() {
    threaded("W2", Fault::SwallowsRefused);
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn w2_another_task_handed_back_is_found() {
    threaded("W2", Fault::HandsBackAnother);
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn w3_two_quits_that_win_are_found() {
    threaded("W3", Fault::TwoQuitsWin);
}

#[test]
fn w3_a_quit_that_always_wins_is_found() {
    locking("W3", Lapse::QuitAlwaysWins);
}

#[test]
fn w4_a_task_accepted_after_a_quit_is_found() {
    locking("W4", Lapse::AcceptsAlways);
}

#[cfg(feature = "loom")]
#[test]
fn w5_a_missing_edge_is_found() {
    use brigade::primitives::{AtomicUsize, Ordering};

    /// Hands tasks over by a count that publishes nothing; the engine does not see the queue's lock.
    struct Relaxed {
        count: AtomicUsize,
        queue: Plain<VecDeque<Task>>,
        quit: brigade::Quit,
    }
    impl Worker for Relaxed {
        fn execute(&self, task: Task) -> Result<(), Refused> {
            if self.quit.is_set() {
                return Err(Refused::new(task));
            }
            self.queue.lock().unwrap().push_back(task);
            self.count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
        fn quit(&self) -> Result<(), AlreadyQuit> {
            self.quit.set()
        }
    }
    assert_broken("W5", "Relaxed", || {
        laws::worker("\"Relaxed\"", || {
            let worker = Arc::new(Relaxed {
                count: AtomicUsize::new(0),
                queue: Plain::default(),
                quit: brigade::Quit::new(),
            });
            let performed = Arc::clone(&worker);
            let perform = move || {
                performed.count.load(Ordering::Relaxed);
                let task = performed.queue.lock().unwrap().pop_front();
                task.map(Task::run).is_some()
            };
            (worker, Drive::by(perform))
        });
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn w6_two_threads_are_found() {
    threaded("W6", Fault::TwoThreads);
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn w6_a_missing_lock_is_found() {
    locking("W6", Lapse::DoesNotLock);
}

#[test]
fn w6_a_task_inside_a_task_is_found() {
    locking("W6", Lapse::Nests);
}

#[test]
fn w7_last_in_first_out_is_found() {
    threaded("W7", Fault::LastFirst);
}

#[test]
fn run_now_that_did_not_run_is_found() {
    locking("run_now", Lapse::SaysItRan);
}

#[test]
fn run_now_that_ran_and_asks_for_more_is_found() {
    locking("run_now", Lapse::RunsAndQueues);
}

#[test]
fn h2_a_thread_that_sleeps_through_a_quit_is_found() {
    threaded("H2", Fault::QuitDoesNotWake);
}

#[test]
fn w8_a_panic_that_ends_the_thread_is_found() {
    let fault = Fault::DoesNotContain;
    assert_broken("W8", fault, || {
        laws::exclusive_worker_with(&format!("{fault:?}"), move |on_panic| {
            (Threaded::new(fault, Some(&on_panic)), Drive::Itself)
        });
    });
}

#[cfg(any(feature = "loom", feature = "shuttle"))]
#[test]
fn w1_a_check_apart_from_the_push_is_found() {
    threaded("W1", Fault::ChecksApart);
}
