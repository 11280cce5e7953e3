//! What happens to a team while its factory is being asked for a worker, and has made up its mind.

use std::sync::{Arc, Mutex};

use crate::common::{Count, Crew, Log, Reports};
use brigade::{
    ExclusiveWorker, LockWorker, MemoryWorker, Statistics, Team, TeamLock, memory_worker,
};

type Meanwhile = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A team whose factory looks at its limit, then lets something else happen, then answers.
struct Asked<C: ExclusiveWorker> {
    team: Team<C, MemoryWorker>,
    crew: Crew,
    limit: Count,
    meanwhile: Meanwhile,
    reports: Reports,
}

fn asked<C: ExclusiveWorker>(coordinator: C, limit: usize) -> Asked<C> {
    let (crew, reports, most) = (Crew::new(), Reports::new(), Count::new());
    let meanwhile = Meanwhile::default();
    let (hiring, looked_up, happens) = (crew.clone(), most.clone(), Arc::clone(&meanwhile));
    let factory = move |now: &Statistics| {
        let answer = now.workers() < looked_up.get();
        let happens = happens.lock().unwrap().take();
        if let Some(happens) = happens {
            happens();
        }
        Ok(answer.then(|| hiring.hire()))
    };
    most.set(limit);
    Asked {
        team: Team::new(coordinator, factory, reports.handlers()),
        crew,
        limit: most,
        meanwhile,
        reports,
    }
}

impl<C: ExclusiveWorker> Asked<C> {
    /// While the factory is asked the next time.
    fn meanwhile(&self, happens: impl FnOnce(&Team<C, MemoryWorker>) + Send + 'static) {
        let team = self.team.clone();
        let happens = move || happens(&team);
        *self.meanwhile.lock().unwrap() = Some(Box::new(happens));
    }

    fn raise_meanwhile(&self, then: impl FnOnce(&Team<C, MemoryWorker>) + Send + 'static) {
        let limit = self.limit.clone();
        self.meanwhile(move |team| {
            limit.set(1);
            then(team);
        });
    }

    /// What was accepted is done, without another call.
    fn has_done(&self, tasks: usize) {
        assert!(self.meanwhile.lock().unwrap().is_none(), "it did happen");
        self.crew.drain();
        let now = self.team.statistics();
        assert_eq!((now.accepted, now.done), (tasks, tasks), "{now}");
        assert!(self.reports.is_empty());
    }
}

fn raised_and_announced(coordinator: impl ExclusiveWorker) {
    let asked = asked(coordinator, 0);
    asked.raise_meanwhile(|team| team.limit_raised().unwrap());
    asked.team.execute(|| ()).unwrap();
    asked.has_done(1);
}

#[test]
fn t3_a_limit_raised_and_announced_meanwhile_is_not_missed_under_a_lock_worker() {
    raised_and_announced(LockWorker::new());
}

#[test]
fn t3_a_limit_raised_and_announced_meanwhile_is_not_missed_under_the_teams_lock() {
    raised_and_announced(TeamLock::of_one_team());
}

#[test]
fn t3_a_task_that_comes_meanwhile_after_the_limit_was_raised_is_tried_for_under_a_lock_worker() {
    let asked = asked(LockWorker::new(), 0);
    asked.raise_meanwhile(|team| team.execute(|| ()).unwrap());
    asked.team.execute(|| ()).unwrap();
    asked.has_done(2);
}

#[test]
fn t3_a_task_that_comes_meanwhile_may_wait_for_the_word_that_the_limit_was_raised() {
    let asked = asked(TeamLock::of_one_team(), 0);
    asked.raise_meanwhile(|team| team.execute(|| ()).unwrap());
    asked.team.execute(|| ()).unwrap();
    asked.team.limit_raised().unwrap();
    asked.has_done(2);
}

fn worker_lost(coordinator: impl ExclusiveWorker) {
    let asked = asked(coordinator, 1);
    asked.team.execute(|| ()).unwrap();
    asked.crew.drain(); // so this worker works
    asked.team.execute(|| ()).unwrap();
    let crew = asked.crew.clone();
    asked.meanwhile(move |_| crew.dismiss());
    asked.team.execute(|| ()).unwrap();
    asked.has_done(3);
}

#[test]
fn t3_a_worker_that_dies_meanwhile_is_replaced_under_a_lock_worker() {
    worker_lost(LockWorker::new());
}

#[test]
fn t3_a_worker_that_dies_meanwhile_is_replaced_under_the_teams_lock() {
    worker_lost(TeamLock::of_one_team());
}

fn worker_owing_to_leave(coordinator: impl ExclusiveWorker) {
    let asked = asked(coordinator, 1);
    let log = Log::new();
    asked.team.execute(log.task("first")).unwrap();
    asked.team.shrink_all().unwrap();
    let only = asked.crew.performer(0);
    asked.meanwhile(move |_| assert!(only.perform().ran()));
    asked.team.execute(log.task("second")).unwrap();
    asked.has_done(2);
    assert_eq!(log.take(), ["first", "second"]);
    assert_eq!(asked.team.statistics().workers(), 0, "then it left");
}

#[test]
fn t5_the_last_worker_stays_while_work_waits_for_one_that_is_not_made_under_a_lock_worker() {
    worker_owing_to_leave(LockWorker::new());
}

#[test]
fn t5_the_last_worker_stays_while_work_waits_for_one_that_is_not_made_under_the_teams_lock() {
    worker_owing_to_leave(TeamLock::of_one_team());
}

fn quit(coordinator: impl ExclusiveWorker, limit: usize) {
    let asked = asked(coordinator, limit);
    let ran = Count::new();
    asked.meanwhile(|team| team.quit().unwrap());
    asked.team.execute(ran.task()).unwrap();
    asked.team.quit().unwrap_err();
    asked.crew.drain();
    let now = asked.team.statistics();
    let lost = if limit > 0 { 0 } else { 1 };
    assert_eq!((now.done, now.abandoned), (1 - lost, lost));
    assert_eq!(asked.reports.abandoned.take().len(), lost);
    assert_eq!((now.workers(), ran.get(), ran.holders()), (0, 1 - lost, 1));
}

#[test]
fn t6_a_team_quit_meanwhile_ends() {
    for limit in [0, 1] {
        quit(LockWorker::new(), limit);
        quit(TeamLock::of_one_team(), limit);
    }
}

fn shrunk(coordinator: impl ExclusiveWorker) {
    let asked = asked(coordinator, 3);
    asked.team.grow(1).unwrap();
    asked.meanwhile(|team| team.shrink_all().unwrap());
    asked.team.grow(1).unwrap();
    assert_eq!(asked.team.statistics().workers(), asked.crew.made() - 1);
    asked.team.execute(|| ()).unwrap();
    asked.has_done(1);
}

#[test]
fn t5_a_team_shrunk_meanwhile_loses_those_it_had() {
    shrunk(TeamLock::of_one_team());
}

#[test]
fn w9_a_task_may_run_meanwhile_on_the_same_thread() {
    let (worker, performer) = memory_worker();
    let asked = asked(TeamLock::of_one_team(), 2);
    let ran = Count::new();
    worker.execute(ran.task()).unwrap();
    asked.meanwhile(move |team| {
        assert!(performer.perform().ran());
        assert_eq!(team.statistics().workers(), 0);
    });
    asked.team.execute(|| ()).unwrap();
    asked.has_done(1);
    assert_eq!(ran.get(), 1);
}
