//! Scenarios that judge what the pairs do not: orders, threads, joins, handles, and what whoever loses
//! or asks may rely on. Most are the smallest program that shows a bug known from elsewhere.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use brigade::primitives::{UnsafeCell, thread};
use brigade::{
    LockWorker, MemoryWorker, PanicHandler, Performed, Performer, Quit, SwapQueue, Task,
    ThreadWorker, Worker, memory_worker_with, start_thread,
};

use super::bench::{Bench, Leaving};
use super::pools::BEGINS;
use super::workers::drain;
use super::{Bounds, Scenario, Subject};
use crate::engine::{set_up, set_up_if_costly};
use crate::linear::Op;
use crate::world::Shared;

const COMPLETE: Bounds = Bounds {
    preemptions: None,
    spurious: true,
    exhaustive: true,
    quick: true,
};

fn on_panic(world: &Shared) -> PanicHandler {
    let world = Arc::clone(world);
    Arc::new(move |_| world.panic_reported())
}

fn thread_worker(world: &Shared) -> ThreadWorker {
    let start = |body| start_thread("worker", body);
    let make = || ThreadWorker::with(start, SwapQueue::new(), on_panic(world));
    set_up_if_costly(make).expect("a thread starts")
}

/// A cell that loom watches: whoever reads it without an edge from who wrote it is reported.
#[derive(Default)]
struct Mark(UnsafeCell<bool>);

// SAFETY: the protocol under test orders the accesses; if it does not, loom reports the race, which is
// what the cell is for.
unsafe impl Send for Mark {}
// SAFETY: as above.
unsafe impl Sync for Mark {}

impl Mark {
    fn set(&self) {
        // SAFETY: as above.
        self.0.with_mut(|cell| unsafe { *cell = true });
    }

    fn is_set(&self) -> bool {
        // SAFETY: as above.
        self.0.with(|cell| unsafe { *cell })
    }
}

/// What has run, in order. In std's storage, which the engines do not see.
#[derive(Default)]
struct Order(Mutex<Vec<usize>>);

impl Order {
    fn ran(&self, number: usize) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(number);
    }

    fn all(&self) -> Vec<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Two threads quit: whoever loses sees what the winner did before.
fn loser_sees_winner(world: &Shared) {
    type Bench = (Shared, Quit, [Mark; 2]);
    let bench: Bench = (Arc::clone(world), Quit::new(), Default::default());
    let stage = Leaving::new(bench, |_| {});
    let act = |own: usize| {
        move |(world, quit, marks): &Bench| {
            marks[own].set();
            let mut lost = false;
            world.quit(|| {
                let answer = quit.set();
                lost = answer.is_err();
                answer
            });
            assert!(
                !lost || marks[1 - own].is_set(),
                "W5 the loser does not see what the winner did"
            );
        }
    };
    stage.spawn(act(0));
    stage.act(act(1));
}

/// Whoever finds the flag set sees what came before the quit.
fn asker_sees_quitter(world: &Shared) {
    type Bench = (Shared, Quit, Mark);
    let bench: Bench = (Arc::clone(world), Quit::new(), Mark::default());
    let stage = Leaving::new(bench, |_| {});
    stage.spawn(|(world, quit, mark): &Bench| {
        let set = world.is_set(|| quit.is_set());
        assert!(
            !set || mark.is_set(),
            "W5 the flag is seen without what came before it"
        );
    });
    stage.act(|(world, quit, mark): &Bench| {
        mark.set();
        world.quit(|| quit.set());
    });
}

struct OfMemory {
    world: Shared,
    worker: MemoryWorker,
    performer: Performer,
    order: Arc<Order>,
}

impl OfMemory {
    fn new(world: &Shared) -> Self {
        let (worker, performer) = memory_worker_with(on_panic(world));
        Self {
            world: Arc::clone(world),
            worker,
            performer,
            order: Arc::default(),
        }
    }

    fn submit(&self) {
        self.world.submit(|task| self.worker.execute(task));
    }

    fn perform(&self) {
        if self.world.perform(|| self.performer.perform()) == Performed::Ended {
            self.world.performer_ended();
        }
    }

    fn quit_and_drain(&self) {
        self.world.quit(|| self.worker.quit());
        drain(&self.world, &self.performer);
    }
}

fn submit_numbered(
    world: &Shared,
    order: &Arc<Order>,
    number: usize,
    execute: impl FnOnce(Task) -> Result<(), brigade::Refused>,
) {
    let order = Arc::clone(order);
    world.submit_task(execute, move |_| order.ran(number));
}

/// One thread gives two tasks, another performs: the older one runs first.
fn memory_order(world: &Shared) {
    let stage = Leaving::new(OfMemory::new(world), |bench| {
        bench.quit_and_drain();
        assert_eq!(bench.order.all(), [0, 1], "M1 a newer task ran first");
    });
    stage.spawn(OfMemory::perform);
    stage.act(|bench| {
        for number in 0..2 {
            submit_numbered(&bench.world, &bench.order, number, |task| {
                bench.worker.execute(task)
            });
        }
    });
}

/// A look into the queue races a task and the quit after it: if it says the end, it was.
fn ended_after_a_look(world: &Shared) {
    let stage = Leaving::new(OfMemory::new(world), |bench| {
        drain(&bench.world, &bench.performer);
    });
    stage.spawn(OfMemory::perform);
    stage.act(|bench| {
        bench.submit();
        bench.world.quit(|| bench.worker.quit());
    });
}

/// Room that is used again while another thread is about to take it.
fn reused_room(world: &Shared) {
    let stage = Leaving::new(OfMemory::new(world), OfMemory::quit_and_drain);
    stage.spawn(|bench| {
        bench.submit();
        bench.submit();
        bench.perform();
    });
    stage.act(|bench| {
        bench.submit();
        bench.submit();
    });
}

/// Calls a worker when it is dropped.
struct CallsBack(MemoryWorker);

impl Drop for CallsBack {
    fn drop(&mut self) {
        // Refused or not: what matters is that the call returns.
        drop(self.0.execute(|| {}));
    }
}

/// A performer is dropped with a task in its queue whose drop calls the worker.
fn drop_calls_back(world: &Shared) {
    let (worker, performer) = memory_worker_with(on_panic(world));
    let calls_back = CallsBack(worker.clone());
    world.submit_task(
        |task| worker.execute(task),
        move |_| {
            let _calls_back = &calls_back;
        },
    );
    world.performer_dropped();
    type Bench = (Shared, MemoryWorker, Mutex<Option<Performer>>);
    let bench: Bench = (Arc::clone(world), worker, Mutex::new(Some(performer)));
    let stage = Leaving::new(bench, |_| {});
    stage.spawn(|(world, _, performer): &Bench| {
        let performer = mem::take(&mut *performer.lock().unwrap_or_else(PoisonError::into_inner));
        world.drop_performer(performer);
    });
    stage.act(|(world, worker, _): &Bench| {
        world.submit(|task| worker.execute(task));
    });
}

/// One of two handles is dropped while the other is used: that is no quit; the drop of both is.
fn handle_dropped<W: Worker + Clone>(world: &Shared, worker: W, performer: Option<Performer>) {
    type Bench = (Shared, Option<Performer>);
    let bench: Bench = (Arc::clone(world), performer);
    let stage = Leaving::new(bench, |(world, performer): &Bench| {
        if let Some(performer) = performer {
            drain(world, performer);
            let answer = world.perform(|| performer.perform());
            assert_eq!(answer, Performed::Ended, "H3 the last drop is a quit");
        }
    });
    let other = world.clone_handle(&worker);
    stage.spawn(move |(world, _): &Bench| world.drop_handle(other));
    stage.act(move |(world, _): &Bench| {
        let accepted = world.submit(|task| worker.execute(task));
        assert!(accepted, "H3 a handle lives, and the worker has quit");
        world.drop_handle(worker);
    });
}

/// A task gives two more: they run after it, in order, whatever another thread does.
fn nested_order(world: &Shared) {
    type Bench = (Shared, LockWorker, Arc<Order>);
    let worker = LockWorker::with_panic_handler(on_panic(world));
    let bench: Bench = (Arc::clone(world), worker, Arc::default());
    let stage = Leaving::new(bench, |(world, worker, order)| {
        assert_eq!(order.all(), [0, 1, 2], "L2 nested tasks ran out of order");
        world.quit(|| worker.quit());
    });
    stage.spawn(|(world, worker, _): &Bench| {
        world.submit(|task| worker.execute(task));
    });
    stage.act(|(world, worker, order): &Bench| {
        let (inner, within) = (worker.clone(), Arc::clone(order));
        let body = move |world: &Shared| {
            for number in 1..3 {
                submit_numbered(world, &within, number, |task| inner.execute(task));
            }
            within.ran(0);
        };
        world.submit_task(|task| worker.execute(task), body);
        assert_eq!(
            order.all().len(),
            3,
            "L2 the outermost call returned before its nested tasks ran"
        );
    });
}

/// From outside, a call returns after its task, also where it has to wait for the lock.
fn returns_after(world: &Shared) {
    type Bench = (Shared, LockWorker);
    let worker = LockWorker::with_panic_handler(on_panic(world));
    let bench: Bench = (Arc::clone(world), worker);
    let stage = Leaving::new(bench, |(world, worker)| world.quit(|| worker.quit()));
    let act = |(world, worker): &Bench| {
        let ran = Arc::new(AtomicBool::new(false));
        let runs = Arc::clone(&ran);
        let body = move |_: &Shared| runs.store(true, Ordering::SeqCst);
        world.submit_task(|task| worker.execute(task), body);
        assert!(
            ran.load(Ordering::SeqCst),
            "L1 the call returned before its task ran"
        );
    };
    stage.spawn(act);
    stage.act(act);
}

/// One thread gives two tasks and quits: they run in the order given.
fn thread_order(world: &Shared) {
    let worker = thread_worker(world);
    let order = Arc::new(Order::default());
    for number in 0..2 {
        let order = Arc::clone(&order);
        let body = move |_: &Shared| {
            order.ran(number);
            let ran = order.all();
            assert!(
                ran.iter().copied().eq(0..=number),
                "W7 tasks ran in the order {ran:?}"
            );
        };
        world.submit_task(|task| worker.execute(task), body);
    }
    world.quit(|| worker.quit());
}

/// Two threads give a task each, and one quits: all run on the worker's one thread.
fn one_thread(world: &Shared) {
    type Seen = Arc<Mutex<Vec<thread::ThreadId>>>;
    type Bench = (Shared, ThreadWorker, Seen);
    let bench: Bench = (Arc::clone(world), thread_worker(world), Seen::default());
    let submit = |(world, worker, seen): &Bench| {
        let (seen, caller) = (Arc::clone(seen), thread::current().id());
        let body = move |_: &Shared| {
            let this = thread::current().id();
            assert_ne!(this, caller, "H1 a task ran on the thread that gave it");
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.push(this);
            let first = seen[0];
            drop(seen);
            assert_eq!(this, first, "H1 tasks ran on two threads");
        };
        world.submit_task(|task| worker.execute(task), body);
    };
    let stage = Leaving::new(bench, |_| {});
    stage.spawn(submit);
    stage.act(move |bench: &Bench| {
        submit(bench);
        let (world, worker, _) = bench;
        world.quit(|| worker.quit());
    });
}

/// Two threads join a worker that has quit: for both, its task has ended.
fn joined_is_ended(world: &Shared) {
    type Bench = (Shared, ThreadWorker, Arc<AtomicBool>);
    let bench: Bench = (Arc::clone(world), thread_worker(world), Arc::default());
    let (_, worker, ended) = &bench;
    let ends = Arc::clone(ended);
    let body = move |_: &Shared| ends.store(true, Ordering::SeqCst);
    world.submit_task(|task| worker.execute(task), body);
    world.quit(|| worker.quit());
    let stage = Leaving::new(bench, |_| {});
    let join = |(_, worker, ended): &Bench| {
        worker.join().expect("it can be joined, from here");
        assert!(
            ended.load(Ordering::SeqCst),
            "H2 joined before the thread had ended"
        );
    };
    stage.spawn(join);
    stage.act(join);
}

/// The only worker is to leave when its task ends, and the next task is the one that quits the team:
/// whoever leaves that task behind leaves it for ever.
fn ends_by_its_own_task(world: &Shared, subject: Subject) {
    let bench = Bench::new(world, subject, 1);
    let team = bench.team();
    world.submit(|task| team.execute(task));
    let answer = world.request(Op::Shrink(Some(1)), || team.shrink(1));
    assert!(answer.is_ok(), "T5 the team has not quit");
    let inner = team.clone();
    let body = move |world: &Shared| world.quit(|| inner.quit());
    world.submit_task(|task| team.execute(task), body);
}

/// A task ends while another arrives, with one waiting and room for one more worker: afterwards none
/// waits.
fn arrival_finds_none_idle(world: &Shared, subject: Subject) {
    let bench = Bench::new(world, subject, 1);
    for _ in 0..2 {
        world.submit(|task| bench.team().execute(task));
    }
    bench.settle();
    bench.plan.limit.store(2, Ordering::SeqCst);
    let stage = Leaving::new(bench, |bench| {
        bench.settle();
        let now = bench.check_statistics(bench.team());
        assert_eq!(now.backlogged, 0, "T3 work waits below the limit: {now}");
        bench.quit();
        bench.drain();
    });
    stage.spawn(|bench: &Bench| {
        bench.performers.perform(0);
    });
    stage.act(|bench: &Bench| {
        bench.world.submit(|task| bench.team().execute(task));
    });
}

/// The limit has risen unannounced, and two tasks arrive: the worker made for the first of them takes
/// what waited before.
fn new_work_waits(world: &Shared) {
    let bench = Bench::new(world, Subject::TeamOfMemory, 1);
    let order = Arc::new(Order::default());
    for number in 0..2 {
        submit_numbered(world, &order, number, |task| bench.team().execute(task));
    }
    bench.plan.limit.store(2, Ordering::SeqCst);
    type Stage = (Bench, Arc<Order>);
    let stage = Leaving::new((bench, order), |(bench, order): &Stage| {
        bench.performers.perform(1);
        assert_eq!(order.all(), [1], "T4 new work overtook a backlog");
        bench.quit();
        bench.drain();
    });
    let act = |(bench, order): &Stage| {
        submit_numbered(&bench.world, order, 2, |task| bench.team().execute(task));
    };
    stage.spawn(act);
    stage.act(act);
}

/// Whoever sees a task done sees what it did.
fn done_is_visible(world: &Shared, subject: Subject) {
    let bench = Bench::new(world, subject, 1);
    let mark = Arc::new(Mark::default());
    let marks = Arc::clone(&mark);
    // Taken only to give the engines a point before the task has done anything.
    let point = brigade::primitives::Mutex::new(());
    let body = move |_: &Shared| {
        drop(point.lock());
        marks.set();
    };
    world.submit_task(|task| bench.team().execute(task), body);
    type Stage = (Bench, Arc<Mark>);
    let stage = Leaving::new((bench, mark), |(bench, _): &Stage| {
        bench.quit();
        bench.drain();
    });
    stage.spawn(|(bench, _): &Stage| {
        bench.performers.perform(0);
    });
    stage.act(|(bench, mark): &Stage| {
        let now = bench.check_statistics(bench.team());
        assert!(
            now.done == 0 || mark.is_set(),
            "W5 a task is done, and what it did is not seen"
        );
    });
}

/// A team that never had a worker ends as any other.
fn unused(world: &Shared, subject: Subject) {
    let stage = Leaving::new(Bench::new(world, subject, 1), Bench::drain);
    stage.spawn(|bench: &Bench| {
        bench.check_statistics(bench.team());
    });
    stage.act(Bench::quit);
}

/// Two tasks arrive at a team that may have one worker and has none: one is made.
fn limit_of_one(world: &Shared, subject: Subject) {
    let stage = Leaving::new(Bench::new(world, subject, 1), |bench| {
        bench.settle();
        let now = bench.check_statistics(bench.team());
        assert!(now.workers() <= 1, "T1 a limit of 1, and {now}");
        bench.quit();
        bench.drain();
    });
    let act = |bench: &Bench| {
        bench.world.submit(|task| bench.team().execute(task));
    };
    stage.spawn(act);
    stage.act(act);
}

/// One thread gives two tasks to a team of two idle workers, and another gives one: a worker that was
/// idle may be idle again, over another that is not.
fn idle_again(world: &Shared) {
    let bench = Bench::new(world, Subject::TeamOfTwoThreads, 2);
    set_up(|| {
        assert!(
            world.request(Op::Grow(2), || bench.team().grow(2)).is_ok(),
            "T5 the team has not quit"
        );
    });
    let submit = |bench: &Bench| {
        bench.world.submit(|task| bench.team().execute(task));
    };
    let stage = Leaving::new(bench, Bench::quit);
    stage.spawn(submit);
    stage.act(|bench| {
        submit(bench);
        submit(bench);
    });
}

fn scenario(
    subject: Subject,
    what: &str,
    properties: &[&'static str],
    body: impl Fn(&Shared) + Send + Sync + 'static,
) -> Scenario {
    let threads = subject.threads() == Some(1);
    Scenario {
        name: format!("{}/{what}", subject.name()),
        subject,
        properties: properties.to_vec(),
        bounds: Bounds {
            preemptions: (subject.is_pool() && what != "unused").then_some((4, BEGINS)),
            exhaustive: !threads,
            quick: !threads || subject.is_pool(),
            ..COMPLETE
        },
        in_order: false,
        body: Box::new(body),
    }
}

pub(super) fn all() -> Vec<Scenario> {
    use Subject::{
        Lock, Memory, PoolOfOneThread, Quit, TeamOfMemory, TeamOfOneThread, TeamOfTwoThreads,
        TeamStepped, Thread,
    };
    let mut all = vec![
        scenario(Quit, "loser-sees-winner", &["W3", "W5"], loser_sees_winner),
        scenario(
            Quit,
            "asker-sees-quitter",
            &["W4", "W5"],
            asker_sees_quitter,
        ),
        scenario(Memory, "order", &["M1", "W7"], memory_order),
        scenario(Memory, "ended-after-a-look", &["M2"], ended_after_a_look),
        scenario(Memory, "reused-room", &["W1"], reused_room),
        scenario(
            Memory,
            "drop-calls-back",
            &["M2", "T10", "W9"],
            drop_calls_back,
        ),
        scenario(Memory, "handle-dropped", &["H3"], |world| {
            let (worker, performer) = memory_worker_with(on_panic(world));
            handle_dropped(world, worker, Some(performer));
        }),
        scenario(Lock, "nested-order", &["L2", "W7"], nested_order),
        scenario(Lock, "returns-after", &["L1"], returns_after),
        scenario(Thread, "order", &["W7"], thread_order),
        scenario(Thread, "one-thread", &["H1"], one_thread),
        scenario(Thread, "joined-is-ended", &["H2"], joined_is_ended),
        scenario(Thread, "handle-dropped", &["H2", "H3"], |world| {
            handle_dropped(world, thread_worker(world), None);
        }),
        scenario(TeamOfMemory, "new-work-waits", &["T4"], new_work_waits),
    ];
    let mut idle_again = scenario(
        TeamOfTwoThreads,
        "idle-again",
        &["T2", "T5", "T6"],
        idle_again,
    );
    idle_again.bounds = Bounds {
        preemptions: Some((
            4,
            "three tasks over two workers: unbounded was not seen to end",
        )),
        spurious: false,
        exhaustive: false,
        quick: false,
    };
    all.push(idle_again);
    for subject in [TeamOfMemory, TeamStepped] {
        all.push(scenario(
            subject,
            "arrival-finds-none-idle",
            &["T3"],
            move |world| arrival_finds_none_idle(world, subject),
        ));
    }
    for subject in [TeamOfOneThread, PoolOfOneThread] {
        all.push(scenario(
            subject,
            "ends-by-its-own-task",
            &["T3", "T5", "T9"],
            move |world| ends_by_its_own_task(world, subject),
        ));
    }
    for subject in [TeamOfMemory, TeamOfOneThread, PoolOfOneThread] {
        type Body = fn(&Shared, Subject);
        let bodies: [(&str, &[&'static str], Body); 3] = [
            ("done-is-visible", &["T2", "W5"], done_is_visible),
            ("limit-of-one", &["T1"], limit_of_one),
            ("unused", &["T6"], unused),
        ];
        for (what, properties, body) in bodies {
            all.push(scenario(subject, what, properties, move |world| {
                body(world, subject);
            }));
        }
    }
    all
}
