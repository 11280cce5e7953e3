//! What the workers of `brigade` do on real threads is explained: no false alarms.

use std::collections::HashMap;
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;

use brigade::{
    Handlers, LockWorker, Performed, Performer, Quit, Statistics, Task, Team, ThreadWorker, Worker,
    memory_worker, start_thread,
};

use crate::linear::{Distinct, History, Numbers, Object, Op, Ret, Threads};

const ROUNDS: usize = 150;

/// Records one history.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Recording>>);

#[derive(Default)]
struct Recording {
    history: History,
    threads: Threads<thread::ThreadId>,
    given: usize,
    /// The task that each thread has dropped last.
    dropped: HashMap<usize, usize>,
}

/// Rides in a task, and records its number when it is dropped.
struct Number(Recorder, usize);

impl Drop for Number {
    fn drop(&mut self) {
        let task = self.1;
        self.0.with(|it, thread| it.dropped.insert(thread, task));
    }
}

impl Recorder {
    fn with<R>(&self, f: impl FnOnce(&mut Recording, usize) -> R) -> R {
        let mut recording = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = recording.threads.number(thread::current().id());
        f(&mut recording, thread)
    }

    fn call(&self, object: usize, op: Op) {
        self.with(|it, thread| it.history.call_on(object, thread, op));
    }

    fn returned(&self, ret: Ret) {
        self.with(|it, thread| it.history.returned(thread, ret));
    }

    fn execute(
        &self,
        object: usize,
        worker: &impl Worker,
        body: impl FnOnce(&Self) + Send + 'static,
    ) {
        let task = self.with(|it, _| {
            it.given += 1;
            it.given
        });
        let number = Number(self.clone(), task);
        let run = Task::new(move || {
            let inside = &number.0;
            inside.call(object, Op::Run(task));
            body(inside);
            inside.returned(Ret::Done);
        });
        self.call(object, Op::Execute(task));
        let answer = worker.execute(run);
        self.returned(answer.map_or(Ret::Refused, |()| Ret::Ok));
    }

    fn quit(&self, object: usize, quit: impl FnOnce() -> Result<(), brigade::AlreadyQuit>) {
        self.request(object, Op::Quit, quit);
    }

    fn request<E>(&self, object: usize, op: Op, ask: impl FnOnce() -> Result<(), E>) {
        self.call(object, op);
        let answer = ask();
        self.returned(answer.map_or(Ret::AlreadyQuit, |()| Ret::Ok));
    }

    fn perform(&self, performer: &Performer) -> Performed {
        self.call(0, Op::Perform);
        let performed = performer.perform();
        self.with(|it, thread| {
            let ret = match performed {
                Performed::Ran => Ret::Ran(it.history.ran(thread).expect("a task ran")),
                Performed::Nothing => Ret::Nothing,
                Performed::Ended => Ret::Ended,
                Performed::Busy => Ret::Busy,
            };
            it.history.returned(thread, ret);
        });
        performed
    }

    fn statistics(&self, ask: impl FnOnce() -> Statistics) {
        self.call(0, Op::Statistics);
        let now = ask();
        self.returned(Ret::Numbers(Numbers {
            idle: now.idle,
            busy: now.busy,
            backlogged: now.backlogged,
            in_flight: now.in_flight,
            accepted: now.accepted,
            done: now.done,
            abandoned: now.abandoned,
        }));
    }

    /// Handlers by which the team says what it abandons.
    fn handlers(&self) -> Handlers {
        let told = self.clone();
        Handlers::new().on_abandoned(move |task| {
            drop(task);
            told.with(|it, thread| it.history.told(thread, Op::Abandoned(it.dropped[&thread])));
        })
    }

    fn finish(self) -> History {
        self.with(|it, _| {
            it.history.finish();
            it.history.clone()
        })
    }
}

/// Runs the acts at once, on threads of their own.
fn together(acts: &[&(dyn Fn() + Sync)]) {
    let start = Barrier::new(acts.len());
    thread::scope(|scope| {
        for act in acts {
            scope.spawn(|| {
                start.wait();
                act();
            });
        }
    });
}

fn judge(objects: &[Object], round: impl Fn() -> History) {
    let mut distinct = Distinct::new();
    for _ in 0..ROUNDS {
        if let Err(error) = distinct.check(&round(), objects) {
            panic!("{error}");
        }
    }
    assert!(!distinct.is_empty());
}

#[test]
fn w3_w4_the_quit_flag_is_explained() {
    judge(&[Object::QuitFlag], || {
        let (recorder, quit) = (Recorder::default(), Quit::new());
        let set = || recorder.quit(0, || quit.set());
        let look = || {
            for _ in 0..2 {
                recorder.call(0, Op::IsSet);
                let set = quit.is_set();
                recorder.returned(Ret::Set(set));
            }
        };
        together(&[&set, &look, &set]);
        recorder.finish()
    });
}

#[test]
fn w1_w4_m1_m2_the_memory_worker_is_explained() {
    judge(&[Object::MemoryWorker], || {
        let recorder = Recorder::default();
        let (worker, performer) = memory_worker();
        let performer = Arc::new(performer);
        let give = || {
            let (nested, again) = (worker.clone(), Arc::clone(&performer));
            recorder.execute(0, &worker, move |recorder| {
                recorder.execute(0, &nested, |_| {});
                recorder.perform(&again);
            });
            recorder.execute(0, &worker, |_| {});
        };
        let perform = || {
            for _ in 0..3 {
                recorder.perform(&performer);
            }
        };
        let quit = || {
            recorder.perform(&performer);
            recorder.quit(0, || worker.quit());
            recorder.perform(&performer);
        };
        together(&[&give, &perform, &quit]);
        while recorder.perform(&performer) != Performed::Ended {}
        recorder.finish()
    });
}

#[test]
fn w6_l1_l2_l4_two_lock_workers_are_explained() {
    judge(&[Object::LockWorker; 2], || {
        let recorder = Recorder::default();
        let workers = [LockWorker::new(), LockWorker::new()];
        let give = |first: usize| {
            let (own, other) = (workers[first].clone(), workers[1 - first].clone());
            recorder.execute(first, &workers[first], move |recorder| {
                recorder.execute(first, &own, |_| {});
                recorder.execute(1 - first, &other, |_| {});
            });
        };
        let quit = || {
            recorder.quit(0, || workers[0].quit());
            recorder.execute(0, &workers[0], |_| {});
        };
        together(&[&|| give(0), &|| give(1), &quit]);
        recorder.finish()
    });
}

#[test]
fn w7_h1_h2_the_thread_worker_is_explained() {
    judge(&[Object::ThreadWorker], || {
        let recorder = Recorder::default();
        let worker = ThreadWorker::new(|body| start_thread("worker", body)).expect("it starts");
        let give = || {
            let nested = worker.clone();
            recorder.execute(0, &worker, move |recorder| {
                recorder.execute(0, &nested, |_| {});
            });
            recorder.execute(0, &worker, |_| {});
        };
        let quit = || {
            recorder.execute(0, &worker, |_| {});
            recorder.quit(0, || worker.quit());
        };
        together(&[&give, &give, &quit]);
        worker.join().expect("it has quit");
        recorder.finish()
    });
}

/// A team of threads, of at most `limit`.
fn round_of_a_team(limit: usize) -> History {
    let recorder = Recorder::default();
    let factory = move |now: &Statistics| {
        if now.workers() >= limit {
            return Ok(None);
        }
        Ok(Some(ThreadWorker::new(|body| {
            start_thread("worker", body)
        })?))
    };
    let team = Team::locked(factory, recorder.handlers());
    let give = || {
        recorder.execute(0, &team, |_| {});
        recorder.statistics(|| team.statistics());
        recorder.execute(0, &team, |_| {});
    };
    let resize = || {
        recorder.request(0, Op::Grow(1), || team.grow(1));
        recorder.request(0, Op::Shrink(Some(1)), || team.shrink(1));
        recorder.statistics(|| team.statistics());
        recorder.request(0, Op::LimitRaised, || team.limit_raised());
    };
    let quit = || {
        recorder.execute(0, &team, |_| {});
        recorder.quit(0, || team.quit());
        recorder.statistics(|| team.statistics());
    };
    together(&[&give, &resize, &quit]);
    // Nothing waits for the end of a team; what is counted as done has been recorded.
    while under_way(team.statistics()) {
        thread::yield_now();
    }
    recorder.finish()
}

fn under_way(now: Statistics) -> bool {
    now.done + now.abandoned < now.accepted
}

type Performers = Mutex<Vec<Arc<Performer>>>;

fn made(all: &Performers) -> MutexGuard<'_, Vec<Arc<Performer>>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A team whose coordinator and workers are stepped by hand, of at most `limit` workers. With a limit
/// of 0 what was accepted is abandoned.
fn round_of_a_stepped_team(limit: usize) -> History {
    let recorder = Recorder::default();
    let (coordinator, steps) = memory_worker();
    let performers = Arc::new(Performers::default());
    let all = Arc::clone(&performers);
    let factory = move |now: &Statistics| {
        if now.workers() >= limit {
            return Ok(None);
        }
        let (worker, performer) = memory_worker();
        made(&all).push(Arc::new(performer));
        Ok(Some(worker))
    };
    let team = Team::new(coordinator, factory, recorder.handlers());
    let drive = || {
        steps.perform();
        // Not performed while the list is locked: a task may make a worker.
        let all = made(&performers).clone();
        for performer in all {
            performer.perform();
        }
    };
    let give = || {
        let nested = team.clone();
        recorder.execute(0, &team, move |recorder| {
            recorder.execute(0, &nested, |_| {});
            recorder.statistics(|| nested.statistics());
        });
        drive();
        recorder.statistics(|| team.statistics());
    };
    let quit = || {
        drive();
        recorder.quit(0, || team.quit());
        drive();
        recorder.statistics(|| team.statistics());
    };
    together(&[&give, &give, &quit]);
    while under_way(team.statistics()) {
        drive();
    }
    // All steps have returned, so what they abandoned has been handed over.
    recorder.finish()
}

#[test]
fn w1_w4_t2_a_stepped_team_is_explained() {
    let team = Object::Team {
        limit: 2,
        in_order: false,
    };
    judge(&[team], || round_of_a_stepped_team(2));
}

#[test]
fn w1_t2_t7_a_team_that_abandons_is_explained() {
    let team = Object::Team {
        limit: 0,
        in_order: false,
    };
    judge(&[team], || round_of_a_stepped_team(0));
}

#[test]
fn w1_t2_t4_a_team_of_one_thread_is_explained() {
    let team = Object::Team {
        limit: 1,
        in_order: true,
    };
    judge(&[team], || round_of_a_team(1));
}

#[test]
fn w1_t1_t2_a_team_of_two_threads_is_explained() {
    let team = Object::Team {
        limit: 2,
        in_order: false,
    };
    judge(&[team], || round_of_a_team(2));
}
