//! Who wants to know of a thread pool, or to carry something along: observers, contexts, stall reports; and
//! the rate at which threads are made.

use std::cell::Cell;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::{Duration, Instant};

use crate::common::{Count, Log, fail, message, occupy};
use crate::thread_pools::{Bodies, started, until, watchdog};
use brigade::{
    Builder, Observer, Phase, ShutdownError, Task, TaskId, ThreadInfo, ThreadPool, WhenFull,
};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Submitted(TaskId),
    Started(TaskId),
    Ended(TaskId, bool),
    Dropped(TaskId),
    Made(usize),
    Gone(usize),
}
use Told::{Dropped, Ended, Gone, Made, Started, Submitted};

/// Notes what it is told.
struct Noting(Log<Told>);

impl Observer for Noting {
    fn submitted(&self, task: TaskId) {
        self.0.note(Submitted(task));
    }
    fn started(&self, task: TaskId, _: Duration) {
        self.0.note(Started(task));
    }
    fn ended(&self, task: TaskId, _: Duration, panicked: bool) {
        self.0.note(Ended(task, panicked));
    }
    fn dropped(&self, task: TaskId) {
        self.0.note(Dropped(task));
    }
    fn thread_made(&self, thread: &ThreadInfo) {
        self.0.note(Made(thread.number()));
    }
    fn thread_gone(&self, thread: &ThreadInfo) {
        self.0.note(Gone(thread.number()));
    }
}

/// A builder of a pool that is observed, whose only thread is run by hand.
fn observed() -> (Builder, Bodies, Log<Told>) {
    let (bodies, log) = (Bodies::new(), Log::new());
    let builder = ThreadPool::builder().sizes(1, 1);
    let builder = builder.start_with(bodies.keep());
    (builder.observer(Noting(log.clone())), bodies, log)
}

/// The ids of the tasks that were submitted, in order.
fn ids(log: &[Told]) -> Vec<TaskId> {
    let submitted = log.iter().filter_map(|told| match told {
        Submitted(id) => Some(*id),
        _ => None,
    });
    submitted.collect()
}

#[test]
fn an_observer_is_told_of_each_task_once_and_in_order() {
    let (builder, bodies, log) = observed();
    let pool = started(builder);
    pool.execute(|| ()).unwrap();
    let broken = pool.spawn(|| fail("a task")).unwrap();
    let cancelled = pool.spawn(|| ()).unwrap();
    assert!(cancelled.cancel());
    let _ = pool.spawn_with_callback(|| 1, |_| ()).unwrap();
    pool.quit().unwrap();
    pool.execute(|| ()).unwrap_err().into_task().run();
    drop(pool.execute(|| ()).unwrap_err());
    bodies.run();
    let told = log.take();
    let [a, b, c, d, e, f] = ids(&told)[..] else {
        panic!("{told:?}");
    };
    assert!(a < b && b < c && c < d && d < e && e < f);
    assert_eq!(a.to_string(), "task 1");
    let expected = [
        Submitted(a),
        Submitted(b),
        Submitted(c),
        Dropped(c),
        Submitted(d),
        Submitted(e),
        Started(e),
        Ended(e, false),
        Submitted(f),
        Dropped(f),
        Made(1),
        Started(a),
        Ended(a, false),
        Started(b),
        Ended(b, true),
        Started(d),
        Ended(d, false),
        Gone(1),
    ];
    assert_eq!(told, expected);
    drop::<brigade::JoinHandle<()>>(broken);
}

#[test]
fn an_observers_counts_are_those_of_the_pool_under_load() {
    let _watchdog = watchdog();
    let log = Log::new();
    let builder = ThreadPool::builder().sizes(1, 3).on_panic(drop);
    let pool = started(builder.observer(Noting(log.clone())));
    let submitters: Vec<_> = (0..4)
        .map(|n| {
            let pool = pool.clone();
            std::thread::spawn(move || {
                for task in 0..250 {
                    let handle = pool.spawn(move || {
                        if task % 10 == 0 {
                            fail("a task")
                        }
                    });
                    if task % 7 == n {
                        handle.unwrap().cancel();
                    }
                }
            })
        })
        .collect();
    for submitter in submitters {
        submitter.join().unwrap();
    }
    pool.shutdown().unwrap();
    let told = log.take();
    let count = |is: fn(&Told) -> bool| told.iter().filter(|told| is(told)).count();
    let now = pool.statistics();
    assert_eq!(count(|it| matches!(it, Submitted(_))), 1000);
    let done = [
        count(|it| matches!(it, Started(_))),
        count(|it| matches!(it, Ended(..))),
    ];
    assert_eq!(done, [now.now.done; 2]);
    assert_eq!(count(|it| matches!(it, Dropped(_))), now.now.cancelled);
    assert_eq!(now.now.done + now.now.cancelled, 1000);
    let threads = [
        count(|it| matches!(it, Made(_))),
        count(|it| matches!(it, Gone(_))),
    ];
    assert_eq!(threads, [now.made, now.gone]);
    assert_eq!(now.made, now.gone);
}

#[test]
fn an_observer_is_told_that_a_thread_whose_start_hook_panics_is_gone() {
    let (builder, bodies, log) = observed();
    let builder = builder
        .on_start_failed(drop)
        .on_thread_start(|_| fail("a hook"));
    let pool = started(builder);
    bodies.take().run();
    assert_eq!(log.take(), [Made(1), Gone(1)]);
    pool.abort();
}

#[test]
fn an_observer_is_told_when_a_callers_tasks_are_run_by_itself() {
    let (builder, bodies, log) = observed();
    let pool = started(builder.bound(1, WhenFull::RunByCaller));
    for _ in 0..3 {
        pool.execute(|| ()).unwrap();
    }
    let told = log.take();
    let last = ids(&told)[2];
    assert_eq!(
        told[2..],
        [Submitted(last), Started(last), Ended(last, false)]
    );
    pool.quit().unwrap();
    bodies.run();
}

#[test]
fn w8_an_observer_that_panics_everywhere_keeps_no_task_from_being_run() {
    struct Fails;
    impl Observer for Fails {
        fn submitted(&self, _: TaskId) {
            fail("submitted");
        }
        fn started(&self, _: TaskId, _: Duration) {
            fail("started");
        }
        fn ended(&self, _: TaskId, _: Duration, _: bool) {
            fail("ended");
        }
        fn dropped(&self, _: TaskId) {
            fail("dropped");
        }
        fn thread_made(&self, _: &ThreadInfo) {
            fail("made");
        }
        fn thread_gone(&self, _: &ThreadInfo) {
            fail("gone");
        }
    }
    let _watchdog = watchdog();
    let (panics, bodies, ran) = (Log::new(), Bodies::new(), Count::new());
    let noted = panics.clone();
    let builder = ThreadPool::builder()
        .sizes(1, 1)
        .start_with(bodies.keep())
        .observer(Fails)
        .on_panic(move |payload| noted.note(message(&payload)));
    let pool = started(builder);
    pool.execute(ran.task()).unwrap();
    assert!(pool.spawn(ran.task()).unwrap().cancel());
    pool.quit().unwrap();
    bodies.run();
    assert_eq!((ran.get(), pool.phase()), (1, Phase::Ended));
    let expected = [
        "submitted",
        "submitted",
        "dropped",
        "made",
        "started",
        "ended",
        "gone",
    ];
    assert_eq!(panics.take(), expected);
}

#[test]
fn w9_an_observer_may_call_the_pool() {
    struct Calls(Arc<Mutex<Option<ThreadPool>>>, Count);
    impl Observer for Calls {
        fn ended(&self, _: TaskId, _: Duration, _: bool) {
            let pool = self.0.lock().unwrap().take();
            if let Some(pool) = pool {
                pool.execute(self.1.task()).unwrap();
            }
        }
    }
    let _watchdog = watchdog();
    let (place, ran) = (Arc::default(), Count::new());
    let builder = ThreadPool::builder().sizes(1, 1);
    let pool = started(builder.observer(Calls(Arc::clone(&place), ran.clone())));
    *place.lock().unwrap() = Some(pool.clone());
    pool.spawn(|| ()).unwrap().join().unwrap();
    pool.shutdown().unwrap();
    assert_eq!(ran.get(), 1);
}

thread_local! {
    static USER: Cell<u32> = const { Cell::new(0) };
}

fn user() -> u32 {
    USER.get()
}

/// Runs the task as the user of the thread that submitted it.
fn as_the_submitter() -> impl FnOnce(Task) + Send + 'static {
    let user = USER.get();
    move |task| {
        let before = USER.replace(user);
        task.run();
        USER.set(before);
    }
}

#[test]
fn a_context_goes_with_each_task_and_is_left_behind_by_none() {
    let _watchdog = watchdog();
    let builder = ThreadPool::builder().sizes(1, 1).context(as_the_submitter);
    let pool = started(builder.on_panic(drop));
    let gate = occupy(&pool);
    USER.set(7);
    let as_seven = pool.spawn(user).unwrap();
    let inner = pool.clone();
    let nested = pool.spawn(move || inner.spawn(user).unwrap().join().unwrap());
    pool.execute(|| fail("a task")).unwrap();
    let (send, users) = mpsc::channel();
    let callback = move |user: Result<u32, _>| send.send((user.unwrap(), USER.get())).unwrap();
    let _ = pool.spawn_with_callback(user, callback).unwrap();
    USER.set(8);
    let as_eight = pool.spawn(user).unwrap();
    USER.set(0);
    let as_nobody = pool.spawn(user).unwrap();
    drop(gate);
    assert_eq!(as_seven.join().unwrap(), 7);
    assert_eq!(nested.unwrap().join().unwrap(), 7);
    assert_eq!(users.recv().unwrap(), (7, 7));
    assert_eq!(as_eight.join().unwrap(), 8);
    assert_eq!(as_nobody.join().unwrap(), 0);
    pool.shutdown().unwrap();
}

/// What becomes of a task whose context does that, and of which panics the pool tells.
fn with_carrier<C: FnOnce(Task) + Send + 'static>(
    capture: impl Fn() -> C + Send + Sync + 'static,
) -> (Result<u32, String>, Vec<String>) {
    let panics = Log::new();
    let noted = panics.clone();
    let builder = ThreadPool::builder().sizes(1, 1).context(capture);
    let pool = started(builder.on_panic(move |payload| noted.note(message(&payload))));
    let held = Count::new();
    let capture = held.clone();
    let handle = pool.spawn(move || {
        capture.one_more();
        5
    });
    let end = handle.unwrap().join().map_err(|error| error.to_string());
    pool.shutdown().unwrap();
    assert_eq!(held.get(), usize::from(end.is_ok()), "run once, or never");
    assert_eq!(held.holders(), 1);
    (end, panics.take())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn w8_a_context_that_panics_is_told_and_keeps_no_task_from_being_run() {
    let _watchdog = watchdog();
    fn captures() -> fn(Task) {
        fail("the capture")
    }
    assert_eq!(with_carrier(captures), (Ok(5), texts(&["the capture"])));
    let before = || |_task: Task| fail("before");
    assert_eq!(with_carrier(before), (Ok(5), texts(&["before"])));
    let after = || {
        |task: Task| {
            task.run();
            fail("after")
        }
    };
    assert_eq!(with_carrier(after), (Ok(5), texts(&["after"])));
}

#[test]
fn p2_a_task_that_its_context_drops_ends_with_an_error_that_says_so() {
    let _watchdog = watchdog();
    let dropped = "the task panicked: the context dropped the task it was to run";
    assert_eq!(
        with_carrier(|| drop::<Task>),
        (Err(dropped.to_owned()), vec![])
    );
}

const SOON: Duration = Duration::from_millis(5);

#[test]
fn a_stall_report_lists_what_runs_longest_first_and_what_waits() {
    let _watchdog = watchdog();
    let (send, reports) = mpsc::channel();
    let send = Mutex::new(send);
    let builder = ThreadPool::builder()
        .sizes(2, 2)
        .on_stall(SOON, move |report| {
            let _ = send.lock().unwrap().send(report.clone());
        });
    let pool = started(builder);
    let opens = Arc::new(Barrier::new(3));
    let (begun, has_begun) = mpsc::channel();
    let mut lines = Vec::new();
    for _ in 0..2 {
        let (opens, begun) = (Arc::clone(&opens), begun.clone());
        let waits = move || {
            begun.send(()).unwrap();
            opens.wait();
        };
        lines.push(line!() + 1);
        pool.execute(waits).unwrap();
        has_begun.recv().unwrap();
    }
    for _ in 0..3 {
        pool.execute(|| ()).unwrap();
    }
    let report = reports.recv().unwrap();
    assert_eq!(
        (report.waiting, report.threads, report.tasks.len()),
        (3, 2, 2)
    );
    for (task, line) in report.tasks.iter().zip(lines) {
        assert_eq!(
            (task.submitted.file(), task.submitted.line()),
            (file!(), line)
        );
        assert!(task.running >= SOON);
    }
    assert!(report.tasks[0].id < report.tasks[1].id, "longest first");
    assert!(report.tasks[0].running >= report.tasks[1].running);
    let text = report.to_string();
    assert!(text.starts_with("3 tasks wait and none of 2 threads gets on; these run:\ntask 1, "));
    let again = reports.recv().unwrap();
    assert_eq!(again.waiting, 3, "it is told again while that is so");
    opens.wait();
    pool.shutdown().unwrap();
}

/// How many reports there are while `f` runs.
fn reports_while(change: impl FnOnce(Builder) -> Builder, f: impl FnOnce(&ThreadPool)) -> usize {
    let reports = Count::new();
    let counted = reports.clone();
    let builder = change(ThreadPool::builder().sizes(1, 1));
    let builder = builder.on_stall(SOON, move |_| {
        counted.one_more();
    });
    let pool = builder.build().unwrap();
    f(&pool);
    pool.abort();
    reports.get()
}

#[test]
fn there_is_no_stall_report_while_no_work_waits_nor_before_the_start() {
    let _watchdog = watchdog();
    // Nothing to wait for but the time: that of ten reports.
    let busy = reports_while(
        |it| it,
        |pool| {
            pool.start().unwrap();
            let _gate = occupy(pool);
            std::thread::sleep(SOON * 20);
        },
    );
    assert_eq!(busy, 0, "it is busy, and that is all");
    let not_started = reports_while(
        |it| it,
        |pool| {
            pool.execute(|| ()).unwrap();
            std::thread::sleep(SOON * 20);
        },
    );
    assert_eq!(not_started, 0);
}

#[test]
fn there_is_no_stall_report_while_things_move() {
    let _watchdog = watchdog();
    let reports = Count::new();
    let counted = reports.clone();
    let patience = Duration::from_millis(500);
    let builder = ThreadPool::builder()
        .sizes(1, 1)
        .on_stall(patience, move |_| {
            counted.one_more();
        });
    let pool = started(builder);
    let gate = occupy(&pool);
    // Work waits all the while; each task takes a moment, and all of them longer than the patience.
    for _ in 0..400 {
        pool.execute(|| std::thread::sleep(Duration::from_millis(3)))
            .unwrap();
    }
    drop(gate);
    let last = pool.spawn(|| ()).unwrap();
    last.join().unwrap();
    assert_eq!(reports.get(), 0);
    pool.shutdown().unwrap();
}

#[test]
fn p4_a_shutdown_in_a_stall_hook_is_an_error_and_not_a_hang() {
    let _watchdog = watchdog();
    let place = Arc::new(Mutex::new(None::<ThreadPool>));
    let (send, answers) = mpsc::channel();
    let (taken, send) = (Arc::clone(&place), Mutex::new(send));
    let builder = ThreadPool::builder().sizes(1, 1).on_stall(SOON, move |_| {
        let pool = taken.lock().unwrap().take();
        if let Some(pool) = pool {
            let waits = pool.wait_idle().err();
            let stops = pool.shutdown().err();
            send.lock()
                .unwrap()
                .send((waits, stops, pool.abort().len()))
                .unwrap();
        }
    });
    let pool = started(builder);
    let gate = occupy(&pool);
    pool.execute(|| ()).unwrap();
    *place.lock().unwrap() = Some(pool.clone());
    let own = Some(ShutdownError::OwnThread);
    assert_eq!(answers.recv().unwrap(), (own, own, 1));
    drop(gate);
    pool.shutdown().unwrap();
    assert_eq!(pool.phase(), Phase::Ended);
}

#[test]
fn w8_a_stall_hook_that_panics_is_called_again() {
    let _watchdog = watchdog();
    let calls = Count::new();
    let counted = calls.clone();
    let builder = ThreadPool::builder().sizes(1, 1).on_stall(SOON, move |_| {
        counted.one_more();
        fail("a stall hook");
    });
    let pool = started(builder);
    let gate = occupy(&pool);
    pool.execute(|| ()).unwrap();
    until(|| calls.get() >= 2);
    drop(gate);
    pool.shutdown().unwrap();
}

#[test]
fn t3_work_that_waits_for_the_creation_rate_gets_its_threads_without_another_submit() {
    let _watchdog = watchdog();
    let period = Duration::from_millis(20);
    let builder = ThreadPool::builder().sizes(0, usize::MAX);
    let pool = started(builder.creation_rate(2, period));
    let begin = Instant::now();
    // All of them are needed at once.
    let all = Arc::new(Barrier::new(6));
    let handles: Vec<_> = (0..6)
        .map(|_| {
            let all = Arc::clone(&all);
            pool.spawn(move || all.wait().is_leader()).unwrap()
        })
        .collect();
    for handle in handles {
        handle.join().unwrap();
    }
    // Two at once, two at the earliest when the first period is over, two in the third.
    assert!(begin.elapsed() >= period, "{:?}", begin.elapsed());
    assert_eq!(pool.statistics().made, 6);
    pool.shutdown().unwrap();
}

#[test]
fn p1_the_minimum_is_made_at_the_creation_rate_too() {
    let _watchdog = watchdog();
    let builder = ThreadPool::builder().sizes(4, 4);
    let pool = started(builder.creation_rate(1, SOON));
    until(|| pool.statistics().made == 4);
    pool.shutdown().unwrap();
}

#[test]
fn t7_a_pool_that_is_quit_while_its_work_waits_for_the_creation_rate_runs_it() {
    let _watchdog = watchdog();
    let stops: [fn(ThreadPool); 3] = [
        |pool| drop(pool.shutdown().unwrap()),
        |pool| pool.quit().unwrap(),
        drop,
    ];
    for stop in stops {
        let builder = ThreadPool::builder().sizes(0, 1);
        let builder = builder.idle_timeout(SOON).creation_rate(1, Duration::MAX);
        let pool = started(builder);
        pool.execute(|| ()).unwrap();
        until(|| pool.statistics().gone == 1);
        let handle = pool.spawn(|| 5).unwrap();
        assert_eq!(
            pool.statistics().now.backlogged,
            1,
            "no more threads, says the rate"
        );
        stop(pool);
        assert_eq!(handle.join().unwrap(), 5);
    }
}
