//! Teams stepped by hand: numbers, order, sizes, ends, and what is released.

use std::sync::{Arc, Mutex};

use crate::common::{Count, Crew, Immediate, Log, OnDrop, Reports, fail, stepped};
use brigade::{
    AlreadyQuit, ExclusiveWorker, Handlers, LockWorker, MemoryWorker, Now, Performed, Refused,
    Statistics, Task, Team, TeamLock, Worker, memory_worker,
};

fn numbers(statistics: Statistics) -> [usize; 7] {
    let Statistics {
        idle,
        busy,
        leaving,
        backlogged,
        in_flight,
        accepted,
        done,
        abandoned,
        ..
    } = statistics;
    assert_eq!(leaving, 0, "T1 whoever was retired has left");
    assert_eq!(
        accepted,
        in_flight + backlogged + busy + done + abandoned,
        "T2 conservation"
    );
    [idle, busy, backlogged, in_flight, accepted, done, abandoned]
}

#[test]
fn t2_the_numbers_after_each_coordinator_step_account_for_every_task() {
    let (coordinator, steps) = memory_worker();
    let crew = Crew::new();
    let team = Team::new(coordinator, crew.factory(|| 1), Reports::new().handlers());
    let now = || numbers(team.statistics());
    assert_eq!(now(), [0, 0, 0, 0, 0, 0, 0]);
    team.execute(|| ()).unwrap();
    team.execute(|| fail("a task")).unwrap();
    assert_eq!(now(), [0, 0, 0, 2, 2, 0, 0]);
    steps.perform();
    assert_eq!(now(), [0, 1, 0, 1, 2, 0, 0]);
    steps.perform();
    assert_eq!(now(), [0, 1, 1, 0, 2, 0, 0]);
    crew.drain();
    assert_eq!(now(), [0, 1, 1, 0, 2, 0, 0], "the end is not yet seen");
    steps.perform();
    assert_eq!(now(), [0, 1, 0, 0, 2, 1, 0]);
    crew.drain();
    steps.perform();
    assert_eq!(now(), [1, 0, 0, 0, 2, 2, 0], "a panic is an end too");
    team.quit().unwrap();
    steps.drain();
    assert_eq!(now(), [0, 0, 0, 0, 2, 2, 0]);
    assert_eq!(steps.perform(), Performed::Ended);
}

#[test]
fn t3_a_worker_is_made_for_each_arrival_that_finds_none_idle() {
    let (team, crew, _) = stepped(9);
    team.execute(|| ()).unwrap();
    team.execute(|| ()).unwrap();
    assert_eq!(crew.made(), 2);
    crew.drain();
    team.execute(|| ()).unwrap();
    assert_eq!((crew.made(), team.statistics().idle), (2, 1));
}

#[test]
fn t4_new_work_does_not_overtake_the_backlog() {
    let (team, crew, _) = stepped(1);
    let log = Log::new();
    for n in 0..3 {
        team.execute(log.task(n)).unwrap();
    }
    crew.performer(0).perform();
    team.execute(log.task(3)).unwrap();
    crew.performer(0).perform();
    team.execute(log.task(4)).unwrap();
    crew.drain();
    assert_eq!(log.take(), [0, 1, 2, 3, 4]);
}

#[test]
fn t5_the_worker_that_became_idle_last_is_used_first() {
    let (team, crew, _) = stepped(3);
    for _ in 0..3 {
        team.execute(|| ()).unwrap();
    }
    for n in [2, 0, 1] {
        assert_eq!(crew.performer(n).perform(), Performed::Ran);
    }
    for n in [1, 0, 2] {
        team.execute(|| ()).unwrap();
        assert_eq!(crew.performer(n).perform(), Performed::Ran);
        // Keep it from being the last one idle again.
        team.shrink(1).unwrap();
        assert_eq!(crew.performer(n).perform(), Performed::Ended);
    }
}

#[test]
fn t5_shrink_under_a_backlog_takes_all_but_the_last_and_the_work_is_done() {
    let (team, crew, _) = stepped(3);
    let ran = Count::new();
    for _ in 0..10 {
        team.execute(ran.task()).unwrap();
    }
    team.shrink_all().unwrap();
    crew.performer(0).perform();
    assert_eq!(team.statistics().workers(), 2);
    crew.performer(1).perform();
    assert_eq!(team.statistics().workers(), 1);
    assert_eq!(crew.performer(2).drain(), 8);
    assert_eq!((team.statistics().workers(), ran.get()), (0, 10));
}

#[test]
fn t5_a_task_that_comes_while_workers_owe_to_leave_gets_one_of_its_own() {
    let (team, crew, _) = stepped(3);
    let ran = Count::new();
    team.execute(ran.task()).unwrap();
    team.shrink_all().unwrap();
    team.execute(ran.task()).unwrap();
    assert_eq!((crew.made(), team.statistics().busy), (2, 2));
    crew.drain();
    assert_eq!((ran.get(), team.statistics().idle), (2, 1));
}

/// Notes what it is told, in one log with others.
struct Noting<W> {
    worker: W,
    name: &'static str,
    log: Log<&'static str>,
}

impl<W: Worker> Worker for Noting<W> {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.worker.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        self.log.note(self.name);
        self.worker.quit()
    }
}

impl<W: ExclusiveWorker> ExclusiveWorker for Noting<W> {
    fn run_now(&self, step: &mut dyn FnMut()) -> Now {
        self.worker.run_now(step)
    }
}

fn noting_team(
    log: &Log<&'static str>,
    crew: &Crew,
) -> Team<Noting<LockWorker>, Noting<MemoryWorker>> {
    let (noted, hiring) = (log.clone(), crew.clone());
    let factory = move |now: &Statistics| {
        Ok((now.workers() < 3).then(|| Noting {
            worker: hiring.hire(),
            name: "worker",
            log: noted.clone(),
        }))
    };
    let coordinator = Noting {
        worker: LockWorker::new(),
        name: "coordinator",
        log: log.clone(),
    };
    Team::new(coordinator, factory, Handlers::new())
}

#[test]
fn t6_an_idle_team_that_is_quit_tells_each_worker_once_and_the_coordinator_last() {
    let (log, crew) = (Log::new(), Crew::new());
    let team = noting_team(&log, &crew);
    team.grow(3).unwrap();
    team.quit().unwrap();
    team.quit().unwrap_err();
    assert_eq!(log.take(), ["worker", "worker", "worker", "coordinator"]);
    drop(team);
    assert_eq!(log.take(), [""; 0], "once");
}

#[test]
fn t6_a_team_that_is_quit_before_it_did_anything_tells_its_coordinator() {
    let (log, crew) = (Log::new(), Crew::new());
    noting_team(&log, &crew).quit().unwrap();
    assert_eq!(log.take(), ["coordinator"]);
}

#[test]
fn t6_a_busy_team_that_is_quit_finishes_its_backlog_first() {
    let (log, crew) = (Log::new(), Crew::new());
    let team = noting_team(&log, &crew);
    for _ in 0..4 {
        team.execute(log.task("task")).unwrap();
    }
    team.quit().unwrap();
    assert_eq!(log.take(), [""; 0], "nothing is outstanding yet");
    crew.performer(1).perform();
    crew.performer(1).perform();
    assert_eq!(log.take(), ["task", "task", "worker"]);
    crew.drain();
    let rest = log.take();
    assert_eq!(rest.len(), 2 + 2 + 1);
    assert_eq!(rest.last(), Some(&"coordinator"));
}

#[test]
fn t6_a_worker_of_a_team_that_ended_is_not_told_again_when_its_performer_goes() {
    let (log, crew) = (Log::new(), Crew::new());
    let team = noting_team(&log, &crew);
    team.execute(|| ()).unwrap();
    crew.dismiss(); // the task waits, for nobody
    assert_eq!(log.take(), ["worker"]);
    team.quit().unwrap();
    assert_eq!(team.statistics().busy, 1, "one last try");
    crew.drain();
    drop(team);
    assert_eq!(log.take(), ["worker", "coordinator"]);
}

#[test]
fn h3_the_last_handle_dropped_quits_the_team_and_its_work_is_done() {
    let (log, crew) = (Log::new(), Crew::new());
    let team = noting_team(&log, &crew);
    let second = team.clone();
    for _ in 0..4 {
        team.execute(log.task("task")).unwrap();
    }
    drop(team);
    second.execute(log.task("task")).unwrap();
    drop(second);
    crew.drain();
    let log = log.take();
    assert_eq!(log.iter().filter(|noted| **noted == "task").count(), 5);
    assert_eq!(log.last(), Some(&"coordinator"));
}

#[test]
fn h3_a_handle_inside_a_backlogged_task_counts_as_a_users() {
    let (team, crew, _) = stepped(1);
    let (inner, ran) = (team.clone(), Count::new());
    let task = ran.task();
    team.execute(|| ()).unwrap();
    team.execute(move || inner.execute(task).unwrap()).unwrap();
    drop(team);
    crew.drain();
    assert_eq!(ran.get(), 1, "it was not yet quit when that submitted");
    assert_eq!(crew.performer(0).perform(), Performed::Ended);
}

#[test]
fn h3_the_last_handle_dropped_inside_a_task_of_the_team_ends_it() {
    let (team, crew, _) = stepped(1);
    let inner = team.clone();
    team.execute(move || drop(inner)).unwrap();
    drop(team);
    crew.drain();
    assert_eq!(crew.performer(0).perform(), Performed::Ended);
}

#[test]
fn h3_the_last_handle_dropped_inside_an_immediate_workers_task_ends_the_team() {
    let quits = Count::new();
    let counted = quits.clone();
    let factory = move |_: &Statistics| {
        let (worker, quits) = (Immediate::default(), counted.clone());
        Ok(Some(crate::common::Counting { worker, quits }))
    };
    let team = Team::new(LockWorker::new(), factory, Handlers::new());
    let inner = team.clone();
    let dropping = move || drop(inner);
    let task = Task::new(dropping);
    let own = team.clone();
    drop(team);
    own.execute(task).unwrap();
    drop(own);
    assert_eq!((quits.get(), quits.holders()), (1, 1));
}

#[test]
fn t10_when_a_team_ends_all_it_had_is_dropped() {
    let held = Count::new();
    let (crew, log) = (Crew::new(), Log::new());
    let (factory_holds, hiring) = (held.clone(), crew.clone());
    let handlers = {
        let (one, two, three) = (held.clone(), held.clone(), held.clone());
        Handlers::new()
            .on_panic(move |_| drop(one.clone()))
            .on_creation_failed(move |_| drop(two.clone()))
            .on_abandoned(move |_| drop(three.clone()))
    };
    let most = 2;
    let factory = move |now: &Statistics| {
        let quits = factory_holds.clone();
        Ok((now.workers() < most).then(|| crate::common::Counting {
            worker: hiring.hire(),
            quits,
        }))
    };
    let team = Team::new(LockWorker::new(), factory, handlers);
    for n in 0..5 {
        let (held, log, inner) = (held.clone(), log.clone(), team.clone());
        team.execute(move || {
            let _held = (held, inner);
            log.note(n);
            assert!(n != 3, "the last task panics");
        })
        .unwrap();
    }
    assert_eq!(held.holders(), 1 + 4 + 2 + 5);
    team.quit().unwrap();
    crew.drain();
    assert_eq!(log.len(), 5);
    assert_eq!(held.holders(), 1, "though a handle of the team lives");
    drop(team);
}

#[test]
fn t10_a_factory_that_holds_its_own_team_is_dropped_when_the_team_ends() {
    let held = Count::new();
    let own: Arc<Mutex<Option<Team<LockWorker, MemoryWorker>>>> = Arc::default();
    let (factory_holds, holds) = (Arc::clone(&own), held.clone());
    let factory = move |_: &Statistics| {
        let _held = (&factory_holds, &holds);
        Ok(None)
    };
    let team = Team::new(LockWorker::new(), factory, Handlers::new());
    *own.lock().unwrap() = Some(team.clone());
    drop(own);
    assert_eq!(held.holders(), 2);
    team.quit().unwrap();
    assert_eq!(held.holders(), 1);
}

type BeforeQuit = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A worker that does something before it is told to quit.
struct Slow {
    worker: MemoryWorker,
    before_quit: BeforeQuit,
}

impl Worker for Slow {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        self.worker.execute(task)
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        let before = self.before_quit.lock().unwrap().take();
        if let Some(before) = before {
            before();
        }
        self.worker.quit()
    }
}

fn counts_until_told_to_quit<C: ExclusiveWorker>(coordinator: C) {
    let (crew, ran) = (Crew::new(), Count::new());
    let before_quit = BeforeQuit::default();
    let (hiring, slow) = (crew.clone(), Arc::clone(&before_quit));
    let factory = move |now: &Statistics| {
        let make = || Slow {
            worker: hiring.hire(),
            before_quit: Arc::clone(&slow),
        };
        Ok((now.workers() < 1).then(make))
    };
    let team = Team::new(coordinator, factory, Handlers::new());
    team.grow(1).unwrap();
    let (caller, hired, task) = (team.clone(), crew.clone(), ran.clone());
    *before_quit.lock().unwrap() = Some(Box::new(move || {
        assert_eq!(caller.statistics().leaving, 1);
        caller.execute(task.task()).unwrap();
        assert_eq!(hired.made(), 1, "T1 one more than the limit");
        assert_eq!(caller.statistics().backlogged, 1);
    }));
    team.shrink_all().unwrap();
    assert_eq!(crew.made(), 2, "T3 another is made once it has left");
    crew.drain();
    assert_eq!((ran.get(), team.statistics().done), (1, 1));
}

#[test]
fn t1_a_worker_that_leaves_counts_until_it_was_told_to_quit() {
    counts_until_told_to_quit(LockWorker::new());
    counts_until_told_to_quit(TeamLock::of_one_team());
}

#[test]
fn t10_a_finished_tasks_captures_are_dropped_before_it_counts_as_done() {
    let (team, crew, _) = stepped(1);
    let (inner, log) = (team.clone(), Log::new());
    let noted = log.clone();
    let capture = OnDrop(move || noted.note(inner.statistics().done));
    team.execute(move || drop(capture)).unwrap();
    crew.drain();
    assert_eq!((log.take(), team.statistics().done), (vec![0], 1));
}

#[test]
fn t10_an_abandoned_task_and_what_it_holds_is_dropped_with_the_team_gone() {
    let team = Team::new(
        LockWorker::new(),
        |_| Ok(None::<MemoryWorker>),
        Handlers::new(),
    );
    let (refused, inner) = (Count::new(), team.clone());
    let counted = refused.clone();
    let capture = OnDrop(move || {
        if inner.execute(|| ()).is_err() {
            counted.one_more();
        }
    });
    team.execute(move || drop(capture)).unwrap();
    team.quit().unwrap();
    drop(team);
    assert_eq!((refused.get(), refused.holders()), (1, 1));
}

#[test]
fn t7_an_abandoned_task_may_be_given_to_another_team() {
    let (other, crew, _) = stepped(1);
    let rescue = other.clone();
    let handlers = Handlers::new().on_abandoned(move |task| rescue.execute(task).unwrap());
    let team = Team::new(LockWorker::new(), |_| Ok(None::<MemoryWorker>), handlers);
    let ran = Count::new();
    team.execute(ran.task()).unwrap();
    team.quit().unwrap();
    crew.drain();
    assert_eq!(ran.get(), 1);
}

#[test]
fn a_team_is_itself_a_worker_of_another_team() {
    let (crew, ran) = (Crew::new(), Count::new());
    let hiring = crew.clone();
    let factory = move |now: &Statistics| {
        let team = || Team::new(LockWorker::new(), hiring.factory(|| 2), Handlers::new());
        Ok((now.workers() < 2).then(team))
    };
    let team = Team::new(LockWorker::new(), factory, Handlers::new());
    for _ in 0..6 {
        team.execute(ran.task()).unwrap();
    }
    crew.drain();
    assert_eq!((ran.get(), team.statistics().done), (6, 6));
    team.quit().unwrap();
    for n in 0..crew.made() {
        assert_eq!(crew.performer(n).perform(), Performed::Ended);
    }
}

#[test]
fn w5_what_came_before_execute_is_visible_in_the_task_and_what_it_did_in_the_next() {
    let (team, crew, _) = stepped(1);
    let text = Arc::new(Mutex::new(String::from("a")));
    for letter in ["b", "c"] {
        let text = Arc::clone(&text);
        team.execute(move || text.lock().unwrap().push_str(letter))
            .unwrap();
    }
    crew.drain();
    assert_eq!(*text.lock().unwrap(), "abc");
}
