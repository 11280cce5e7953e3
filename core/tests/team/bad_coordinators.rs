//! Teams whose coordinator is quit by a stranger, dropped, or broken: nothing is lost, and they end.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock, Weak};

use crate::common::{Count, Counting, Crew, Log, Reports, fail};
use brigade::{
    AlreadyQuit, ExclusiveWorker, LockWorker, MemoryWorker, Now, Performed, Performer, Quit,
    Refused, Statistics, SwapQueue, Task, Team, Thread, ThreadWorker, Worker, memory_worker,
};

type Quitting = Counting<MemoryWorker>;

/// A team of at most two memory workers which counts the quits that they are told.
struct Watched<C: ExclusiveWorker> {
    team: Team<C, Quitting>,
    crew: Crew,
    quits: Count,
    reports: Reports,
}

fn watched<C: ExclusiveWorker>(coordinator: C) -> Watched<C> {
    let (crew, quits, reports) = (Crew::new(), Count::new(), Reports::new());
    let (hiring, counted) = (crew.clone(), quits.clone());
    let factory = move |now: &Statistics| {
        let quits = counted.clone();
        Ok((now.workers() < 2).then(|| Counting {
            worker: hiring.hire(),
            quits,
        }))
    };
    Watched {
        team: Team::new(coordinator, factory, reports.handlers()),
        crew,
        quits,
        reports,
    }
}

impl<C: ExclusiveWorker> Watched<C> {
    /// The team has finished its work and told each of its workers, and lets go of all it had.
    fn has_ended(self, done: usize) {
        self.crew.drain();
        let now = self.team.statistics();
        let expected = Statistics {
            accepted: done,
            done,
            ..Statistics::default()
        };
        assert_eq!(now, expected);
        assert_eq!(self.quits.get(), self.crew.made(), "each was told once");
        assert!(self.reports.is_empty());
        drop(self.team);
        assert_eq!(
            self.quits.holders(),
            1,
            "the factory and all workers are gone"
        );
    }
}

#[test]
fn w2_t6_a_lock_coordinator_quit_by_a_stranger_hands_back_and_the_team_finishes() {
    let stranger = LockWorker::new();
    let watched = watched(stranger.clone());
    let ran = Count::new();
    for _ in 0..3 {
        watched.team.execute(ran.task()).unwrap();
    }
    stranger.quit().unwrap();
    let refused = watched.team.execute(ran.task()).unwrap_err();
    refused.into_task().run();
    assert_eq!(ran.get(), 1, "handed back whole");
    watched.team.execute(ran.task()).unwrap_err();
    assert_eq!(
        watched.team.quit(),
        Err(AlreadyQuit),
        "it has quit by itself"
    );
    watched.crew.drain();
    assert_eq!(ran.get(), 4);
    watched.has_ended(3);
}

#[test]
fn w2_t6_a_memory_coordinator_quit_by_a_stranger_hands_back_and_the_team_finishes() {
    let (stranger, steps) = memory_worker();
    let watched = watched(stranger.clone());
    let ran = Count::new();
    for _ in 0..3 {
        watched.team.execute(ran.task()).unwrap();
    }
    assert_eq!(watched.team.statistics().in_flight, 3);
    stranger.quit().unwrap();
    let refused = watched.team.execute(ran.task()).unwrap_err();
    assert_eq!(
        watched.team.statistics().accepted,
        3,
        "the fourth never was"
    );
    refused.into_task().run();
    assert_eq!(steps.drain(), 3, "queued steps still count");
    assert_eq!(steps.perform(), Performed::Ended);
    watched.crew.drain();
    assert_eq!(ran.get(), 4);
    watched.has_ended(3);
}

#[test]
fn t6_quit_is_the_first_call_after_a_stranger_quit_a_memory_coordinator() {
    let (stranger, _steps) = memory_worker();
    let watched = watched(stranger.clone());
    watched.team.grow(2).unwrap();
    _steps.drain();
    stranger.quit().unwrap();
    assert_eq!(watched.team.quit(), Ok(()), "nobody else has");
    assert_eq!(watched.team.quit(), Err(AlreadyQuit));
    watched.has_ended(0);
}

#[test]
fn t6_quit_is_the_first_call_after_a_stranger_quit_a_lock_coordinator() {
    let stranger = LockWorker::new();
    let watched = watched(stranger.clone());
    watched.team.grow(2).unwrap();
    stranger.quit().unwrap();
    assert_eq!(watched.team.quit(), Ok(()), "nobody else has");
    assert_eq!(watched.team.quit(), Err(AlreadyQuit));
    watched.has_ended(0);
}

#[test]
fn h3_the_last_drop_is_the_first_call_after_a_stranger_quit_a_memory_coordinator() {
    let (stranger, steps) = memory_worker();
    let Watched {
        team, crew, quits, ..
    } = watched(stranger.clone());
    team.grow(2).unwrap();
    steps.drain();
    stranger.quit().unwrap();
    drop(team);
    assert_eq!((quits.get(), crew.made()), (2, 2), "the workers were told");
    assert_eq!(quits.holders(), 1, "and all is released");
}

#[test]
fn t6_a_sizing_call_is_the_first_after_a_stranger_quit_the_coordinator() {
    type Call = fn(&Team<MemoryWorker, Quitting>) -> Result<(), AlreadyQuit>;
    let calls: [Call; 3] = [|team| team.grow(1), Team::shrink_all, Team::limit_raised];
    for call in calls {
        let (stranger, steps) = memory_worker();
        let watched = watched(stranger.clone());
        watched.team.grow(2).unwrap();
        steps.drain();
        stranger.quit().unwrap();
        assert_eq!(call(&watched.team), Err(AlreadyQuit));
        watched.has_ended(0);
    }
}

#[test]
fn t6_a_task_that_ends_is_the_first_to_notice_that_the_coordinator_was_quit() {
    let (stranger, steps) = memory_worker();
    let watched = watched(stranger.clone());
    watched.team.execute(|| ()).unwrap();
    steps.drain();
    stranger.quit().unwrap();
    watched.has_ended(1);
}

#[test]
fn w1_a_coordinators_performer_dropped_with_steps_queued_loses_nothing() {
    let (coordinator, steps) = memory_worker();
    let watched = watched(coordinator);
    let log = Log::new();
    watched.team.execute(log.task(0)).unwrap();
    steps.drain();
    watched.crew.drain(); // its end waits as a step as well
    for n in 1..5 {
        watched.team.execute(log.task(n)).unwrap();
    }
    watched.team.shrink(1).unwrap();
    assert_eq!(watched.team.statistics().in_flight, 4);
    drop(steps);
    assert_eq!(watched.team.statistics().in_flight, 0);
    watched.team.execute(log.task(5)).unwrap_err();
    watched.crew.drain();
    let mut ran = log.take();
    ran.sort_unstable();
    assert_eq!(ran, [0, 1, 2, 3, 4]);
    watched.has_ended(5);
}

#[test]
fn t6_a_coordinators_performer_dropped_with_the_quit_queued_ends_the_team() {
    let (coordinator, steps) = memory_worker();
    let watched = watched(coordinator);
    let ran = Count::new();
    watched.team.execute(ran.task()).unwrap();
    watched.team.quit().unwrap();
    drop(steps);
    watched.crew.drain();
    assert_eq!(ran.get(), 1);
    watched.has_ended(1);
}

#[test]
fn t6_a_coordinators_performer_dropped_after_the_last_handle_ends_the_team() {
    let (coordinator, steps) = memory_worker();
    let Watched {
        team, crew, quits, ..
    } = watched(coordinator);
    team.execute(|| ()).unwrap();
    drop(team);
    drop(steps);
    crew.drain();
    assert_eq!((quits.get(), quits.holders()), (1, 1));
}

#[test]
fn w1_a_thread_coordinator_whose_body_is_dropped_loses_nothing() {
    let mut kept = None;
    let start = |body| {
        kept = Some(body);
        Ok::<_, Infallible>(Thread::detached())
    };
    let coordinator = ThreadWorker::with(start, SwapQueue::new(), Arc::new(drop)).unwrap();
    let watched = watched(coordinator);
    let ran = Count::new();
    for _ in 0..3 {
        watched.team.execute(ran.task()).unwrap();
    }
    drop(kept);
    watched.crew.drain();
    assert_eq!(ran.get(), 3);
    watched.has_ended(3);
}

/// A coordinator whose `execute` first does something else, and then refuses.
struct Distracted {
    first: OnceLock<Box<dyn Fn() + Send + Sync>>,
    busy: Quit,
    refusing: Quit,
    steps: MemoryWorker,
}

impl Worker for Distracted {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        if !self.refusing.is_set() {
            return self.steps.execute(task);
        }
        if self.busy.set().is_ok() {
            (self.first.get().unwrap())();
        }
        Err(Refused::new(task))
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.steps.quit()
    }
}

impl ExclusiveWorker for Distracted {}

type Call = fn(&Team<Arc<Distracted>, Quitting>) -> bool;

/// While one call is being refused by the coordinator, another call is refused from start to end.
/// Single-stepped here; in life it takes two threads.
fn refused_while_another_is(first: Call, second: Call) {
    let (steps, performer) = memory_worker();
    let coordinator = Arc::new(Distracted {
        first: OnceLock::new(),
        busy: Quit::new(),
        refusing: Quit::new(),
        steps,
    });
    let watched = watched(Arc::clone(&coordinator));
    watched.team.grow(2).unwrap();
    performer.drain();
    let team = Arc::new(watched.team.clone());
    let other: Weak<_> = Arc::downgrade(&team);
    let distraction = move || {
        if let Some(team) = other.upgrade() {
            second(&team);
        }
    };
    assert!(coordinator.first.set(Box::new(distraction)).is_ok());
    coordinator.refusing.set().unwrap();
    first(&team);
    drop(team);
    watched.has_ended(0);
}

#[test]
fn t6_two_calls_refused_by_the_coordinator_at_once_still_end_the_team() {
    let calls: [Call; 3] = [
        |team| team.execute(|| ()).is_ok(),
        |team| team.grow(1).is_ok(),
        |team| team.quit().is_ok(),
    ];
    for first in calls {
        for second in calls {
            refused_while_another_is(first, second);
        }
    }
}

/// A coordinator that panics wherever it is called.
struct Panics;

impl Worker for Panics {
    fn execute(&self, _: Task) -> Result<(), Refused> {
        fail("execute");
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        fail("quit");
    }
}

impl ExclusiveWorker for Panics {
    fn run_now(&self, _: &mut dyn FnMut()) -> Now {
        fail("run_now");
    }
}

#[test]
fn w8_a_coordinator_that_panics_everywhere_loses_no_task_and_the_team_ends() {
    let watched = watched(Panics);
    let ran = Count::new();
    watched.team.execute(ran.task()).unwrap();
    watched.team.execute(ran.task()).unwrap_err();
    watched.crew.drain();
    assert_eq!(ran.get(), 1);
    assert!(
        watched
            .reports
            .panics
            .take()
            .contains(&"execute".to_owned())
    );
    watched.has_ended(1);
}

#[test]
fn w6_a_coordinators_performer_re_entered_from_the_factory_says_busy() {
    let (coordinator, steps) = memory_worker();
    let steps = Arc::new(steps);
    let (crew, answers) = (Crew::new(), Log::new());
    let (inner, hiring, noted): (Weak<Performer>, _, _) =
        (Arc::downgrade(&steps), crew.clone(), answers.clone());
    let factory = move |_: &Statistics| {
        noted.note(inner.upgrade().unwrap().perform());
        Ok(Some(hiring.hire()))
    };
    let team = Team::new(coordinator, factory, Reports::new().handlers());
    team.grow(1).unwrap();
    team.grow(1).unwrap();
    assert_eq!(steps.perform(), Performed::Ran);
    assert_eq!(answers.take(), [Performed::Busy]);
    assert_eq!(crew.made(), 1);
}
