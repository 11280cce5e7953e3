//! Teams given odd factories, workers and handlers: each test says what comes of it.

use std::sync::Arc;

use crate::common::{
    Count, Counting, Crew, FailsWhenDropped, Failure, Log, Reports, Stepped, fail, fail_twice,
    stepped,
};
use brigade::{
    AlreadyQuit, CreationError, LockWorker, MemoryWorker, Performer, Refused, Task, Team, Worker,
    memory_worker,
};

/// A team whose factory is asked `n` times for a worker (0, 1, ...).
fn made_by<W: Worker>(
    factory: impl Fn(usize) -> Result<Option<W>, CreationError> + Send + Sync + 'static,
) -> (Team<LockWorker, W>, Reports) {
    let (reports, asked) = (Reports::new(), Count::new());
    let factory = move |_: &_| factory(asked.one_more());
    let team = Team::new(LockWorker::new(), factory, reports.handlers());
    (team, reports)
}

#[test]
fn w1_a_factory_that_gives_the_same_worker_twice_loses_and_doubles_nothing() {
    let (shared, performer) = memory_worker();
    let performer = Arc::new(performer);
    let quits = Count::new();
    let counted = quits.clone();
    let (team, reports) = made_by(move |n| {
        let (worker, quits) = (shared.clone(), counted.clone());
        Ok((n < 3).then_some(Counting { worker, quits }))
    });
    let log = Log::new();
    for n in 0..10 {
        team.execute(log.task(n)).unwrap();
    }
    assert_eq!(team.statistics().busy, 3);
    assert_eq!(performer.drain(), 10);
    assert_eq!(log.take(), (0..10).collect::<Vec<_>>());
    team.quit().unwrap();
    assert_eq!(team.statistics().workers(), 0);
    assert_eq!(quits.get(), 3, "each of the three was told once");
    assert!(reports.is_empty());
    drop(team);
    assert_eq!(quits.holders(), 1, "all released");
}

#[test]
fn t8_a_shared_worker_that_is_retired_through_one_handle_is_lost_through_the_other() {
    let (shared, performer) = memory_worker();
    let (crew, ran) = (Crew::new(), Count::new());
    let hiring = crew.clone();
    let (team, _) = made_by(move |n| Ok(Some(if n < 2 { shared.clone() } else { hiring.hire() })));
    team.execute(ran.task()).unwrap();
    team.execute(ran.task()).unwrap();
    performer.drain();
    team.shrink(1).unwrap();
    team.execute(ran.task()).unwrap();
    crew.drain();
    assert_eq!(ran.get(), 3, "by a third one");
}

#[test]
fn t8_a_worker_quit_by_a_stranger_has_its_task_done_by_another() {
    let crew = Crew::new();
    let (stranger, performer) = memory_worker();
    let (hiring, given) = (crew.clone(), stranger.clone());
    let (team, reports) =
        made_by(move |n| Ok(Some(if n == 0 { given.clone() } else { hiring.hire() })));
    let ran = Count::new();
    team.execute(ran.task()).unwrap();
    performer.drain();
    stranger.quit().unwrap();
    team.execute(ran.task()).unwrap();
    assert_eq!((crew.made(), team.statistics().busy), (1, 1));
    crew.drain();
    assert_eq!(ran.get(), 2);
    assert!(reports.is_empty(), "the worker had proved itself before");
    team.quit().unwrap();
    assert_eq!(team.statistics().workers(), 0);
}

#[test]
fn t8_a_worker_quit_by_a_stranger_with_a_task_queued_still_does_it() {
    let (stranger, performer) = memory_worker();
    let given = stranger.clone();
    let (team, _) = made_by(move |n| Ok((n == 0).then(|| given.clone())));
    let ran = Count::new();
    team.execute(ran.task()).unwrap();
    stranger.quit().unwrap();
    performer.drain();
    assert_eq!((ran.get(), team.statistics().done), (1, 1));
}

#[test]
fn t8_the_task_of_a_worker_whose_performer_is_dropped_goes_to_another_in_front() {
    let (first, performer) = memory_worker();
    let crew = Crew::new();
    let hiring = crew.clone();
    let (team, _) = made_by(move |n| match n {
        0 => Ok(Some(first.clone())),
        1 => Ok(None),
        _ => Ok(Some(hiring.hire())),
    });
    let log = Log::new();
    team.execute(|| ()).unwrap();
    performer.drain(); // now a task has ended: the team knows that its workers work
    for n in 0..3 {
        team.execute(log.task(n)).unwrap();
    }
    assert_eq!(crew.made(), 1, "by the third task");
    drop(performer);
    crew.drain();
    assert_eq!(log.take().len(), 3);
    assert_eq!(team.statistics().done, 4);
}

#[test]
fn t8_the_task_of_a_sole_new_worker_whose_performer_is_dropped_waits_for_the_next_step() {
    let (first, performer) = memory_worker();
    let crew = Crew::new();
    let hiring = crew.clone();
    let (team, reports) =
        made_by(move |n| Ok(Some(if n == 0 { first.clone() } else { hiring.hire() })));
    let log = Log::new();
    team.execute(log.task("first")).unwrap();
    drop(performer);
    let statistics = team.statistics();
    assert_eq!((statistics.backlogged, statistics.workers()), (1, 0));
    let reported = reports.failures.take();
    assert_eq!(reported.len(), 1);
    assert_eq!((reported[0].waiting, reported[0].workers), (1, 0));
    team.execute(log.task("second")).unwrap();
    crew.drain();
    assert_eq!(log.take(), ["first", "second"]);
}

/// A worker that refuses everything.
struct Refuses;

impl Worker for Refuses {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        Err(Refused::new(task))
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        Ok(())
    }
}

/// A worker that drops everything.
struct Drops;

impl Worker for Drops {
    fn execute(&self, task: Task) -> Result<(), Refused> {
        drop(task);
        Ok(())
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        Ok(())
    }
}

/// However many tasks come, the factory is asked a bounded number of times, and each failure is told.
fn refusing<W: Worker>(worker: fn() -> W) {
    const TASKS: usize = 20;
    let asked = Count::new();
    let counted = asked.clone();
    let (team, reports) = made_by(move |_| {
        // The bound only keeps a team that asks for ever from hanging this test.
        Ok((counted.one_more() < 10_000).then(worker))
    });
    let ran = Count::new();
    for _ in 0..TASKS {
        team.execute(ran.task()).unwrap();
    }
    assert_eq!(team.statistics().backlogged, TASKS);
    assert!(asked.get() <= 3 * TASKS, "asked {} times", asked.get());
    let failures = reports.failures.take();
    assert_eq!(failures.len(), asked.get(), "each is reported");
    assert!(failures.iter().all(|failure| failure.waiting > 0));
    team.quit().unwrap();
    assert!(asked.get() <= 4 * TASKS, "asked {} times", asked.get());
    assert_eq!(reports.abandoned.take().len(), TASKS);
    assert_eq!((team.statistics().workers(), ran.get()), (0, 0));
    drop(team);
    assert_eq!((ran.holders(), asked.holders()), (1, 1), "all released");
}

#[test]
fn t8_a_factory_whose_workers_always_refuse_is_reported_and_not_asked_for_ever() {
    refusing(|| Refuses);
}

#[test]
fn t8_a_factory_whose_workers_always_drop_is_reported_and_not_asked_for_ever() {
    refusing(|| Drops);
}

#[test]
fn t8_among_workers_that_refuse_one_that_works_does_it_all() {
    let crew = Crew::new();
    let hiring = crew.clone();
    let (team, _) = made_by(move |n| -> Result<Option<Box<dyn Worker>>, _> {
        Ok(Some(match n % 3 {
            2 => Box::new(hiring.hire()),
            _ => Box::new(Refuses),
        }))
    });
    let ran = Count::new();
    for _ in 0..9 {
        team.execute(ran.task()).unwrap();
    }
    crew.drain();
    assert_eq!(ran.get(), 9);
}

/// A worker that panics wherever it is called.
struct Panics;

impl Worker for Panics {
    fn execute(&self, _: Task) -> Result<(), Refused> {
        fail("execute");
    }
    fn quit(&self) -> Result<(), AlreadyQuit> {
        fail("quit");
    }
}

#[test]
fn w8_a_worker_that_panics_in_execute_and_quit_is_replaced() {
    let crew = Crew::new();
    let hiring = crew.clone();
    let (team, reports) = made_by(move |n| -> Result<Option<Box<dyn Worker>>, _> {
        Ok(Some(if n == 0 {
            Box::new(Panics)
        } else {
            Box::new(hiring.hire())
        }))
    });
    let ran = Count::new();
    team.execute(ran.task()).unwrap();
    assert_eq!(reports.panics.take(), ["execute"], "once");
    team.execute(ran.task()).unwrap();
    crew.drain();
    assert_eq!(ran.get(), 2);
    team.quit().unwrap();
    assert_eq!(team.statistics().workers(), 0);
}

#[test]
fn t8_a_factory_that_panics_loses_nothing_and_is_tried_again_at_the_next_step() {
    for fails in [|| fail("out of paper"), || fail_twice()] {
        let crew = Crew::new();
        let hiring = crew.clone();
        let (team, reports) = made_by(move |n| match n {
            0 => fails(),
            _ => Ok(Some(hiring.hire())),
        });
        let log = Log::new();
        team.execute(log.task("first")).unwrap();
        assert_eq!(team.statistics().backlogged, 1);
        let reported = reports.failures.take();
        assert_eq!(reported.len(), 1);
        assert!(reported[0].error.starts_with("the worker factory panicked"));
        team.execute(log.task("second")).unwrap();
        crew.drain();
        assert_eq!(log.take(), ["first", "second"]);
    }
}

#[test]
fn t8_a_factory_that_errs_is_tried_again_when_a_worker_is_done() {
    let crew = Crew::new();
    let hiring = crew.clone();
    let (team, reports) = made_by(move |n| match n {
        1 => Err("out of paper".into()),
        _ => Ok(Some(hiring.hire())),
    });
    let ran = Count::new();
    for _ in 0..2 {
        team.execute(ran.task()).unwrap();
    }
    team.execute(ran.task()).unwrap();
    assert_eq!(
        reports.failures.take(),
        [Failure::new("out of paper", 1, 1)]
    );
    assert_eq!(crew.made(), 3, "retried at the third task, for two tasks");
    crew.drain();
    assert_eq!(ran.get(), 3);
}

#[test]
fn w9_a_factory_may_call_its_team() {
    let team: Arc<std::sync::OnceLock<Stepped>> = Arc::default();
    let (crew, log) = (Crew::new(), Log::new());
    let (calling, hiring, noted) = (Arc::downgrade(&team), crew.clone(), log.clone());
    let made = Team::new(
        LockWorker::new(),
        move |now: &brigade::Statistics| {
            if now.workers() > 0 {
                return Ok(None);
            }
            let team = calling.upgrade().unwrap();
            let team = team.get().unwrap();
            team.execute(noted.task("from the factory")).unwrap();
            team.grow(1).unwrap();
            let _ = team.statistics();
            Ok(Some(hiring.hire()))
        },
        brigade::Handlers::new(),
    );
    let team_cell = team;
    team_cell.set(made).unwrap();
    let team = team_cell.get().unwrap();
    team.execute(log.task("first")).unwrap();
    crew.drain();
    assert_eq!(log.take(), ["first", "from the factory"]);
}

#[test]
fn w8_handlers_that_panic_lose_nothing() {
    let (crew, asked, ran) = (Crew::new(), Count::new(), Count::new());
    let hiring = crew.clone();
    let handlers = brigade::Handlers::new()
        .on_panic(|_| fail("on panic"))
        .on_creation_failed(|_| fail_twice())
        .on_abandoned(|_| fail("on abandoned"));
    let limit = Count::new();
    limit.set(1);
    let most = limit.clone();
    let factory = move |now: &brigade::Statistics| {
        if asked.one_more() == 0 {
            return Err("not yet".into());
        }
        Ok((now.workers() < most.get()).then(|| hiring.hire()))
    };
    let team = Team::new(LockWorker::new(), factory, handlers);
    team.execute(|| fail("a task")).unwrap();
    team.execute(ran.task()).unwrap();
    crew.drain();
    assert_eq!((ran.get(), team.statistics().done), (1, 2));
    limit.set(0);
    team.shrink_all().unwrap();
    let never = Count::new();
    for _ in 0..2 {
        team.execute(never.task()).unwrap();
    }
    team.quit().unwrap();
    assert_eq!((team.statistics().abandoned, never.holders()), (2, 1));
}

#[test]
fn w8_an_abandoned_task_whose_drop_panics_in_the_default_handler_is_reported_once() {
    let panics = Log::new();
    let noted = panics.clone();
    let handlers = brigade::Handlers::new()
        .on_panic(move |payload| noted.note(crate::common::message(&payload)));
    let team = Team::new(LockWorker::new(), |_| Ok(None::<MemoryWorker>), handlers);
    let (capture, other) = (FailsWhenDropped, Count::new());
    team.execute(move || drop(capture)).unwrap();
    team.execute(other.task()).unwrap();
    team.quit().unwrap();
    assert_eq!(panics.take(), ["the drop of a capture"]);
    assert_eq!(
        other.holders(),
        1,
        "the next one was abandoned all the same"
    );
}

#[test]
fn w2_after_a_quit_every_call_is_refused_and_the_task_handed_back_whole() {
    let (team, crew, _) = stepped(3);
    team.grow(1).unwrap();
    team.quit().unwrap();
    let ran = Count::new();
    team.execute(ran.task()).unwrap_err().into_task().run();
    assert_eq!((ran.get(), ran.holders()), (1, 1));
    assert_eq!(team.quit(), Err(AlreadyQuit));
    assert_eq!(team.grow(1), Err(AlreadyQuit));
    assert_eq!(team.shrink(1), Err(AlreadyQuit));
    assert_eq!(team.shrink_all(), Err(AlreadyQuit));
    assert_eq!(team.limit_raised(), Err(AlreadyQuit));
    assert_eq!((team.statistics().accepted, crew.made()), (0, 1));
}

#[test]
fn w2_a_task_larger_than_the_inline_room_is_handed_back_whole() {
    let (team, _, _) = stepped(3);
    team.quit().unwrap();
    let (ran, large) = (Count::new(), [7_u64; 32]);
    let counted = ran.clone();
    let task = move || {
        assert_eq!(large, [7; 32]);
        counted.one_more();
    };
    let task = team.execute(task).unwrap_err().into_task();
    assert!(!task.is_inline());
    task.run();
    assert_eq!(ran.get(), 1);
}

#[test]
fn w4_a_task_may_quit_its_own_team() {
    let (team, crew, _) = stepped(1);
    let (inner, log) = (team.clone(), Log::new());
    let noted = log.clone();
    team.execute(move || {
        inner.execute(noted.task("accepted before")).unwrap();
        inner.quit().unwrap();
        inner.execute(noted.task("refused after")).unwrap_err();
        assert_eq!(inner.quit(), Err(AlreadyQuit));
        noted.note("quitter");
    })
    .unwrap();
    crew.drain();
    assert_eq!(log.take(), ["quitter", "accepted before"]);
    assert_eq!(team.statistics().workers(), 0);
}

#[test]
fn w8_a_panicking_task_is_reported_once_and_its_worker_goes_on() {
    let (team, crew, reports) = stepped(1);
    let ran = Count::new();
    team.execute(|| fail("a task")).unwrap();
    team.execute(|| fail_twice()).unwrap();
    team.execute(ran.task()).unwrap();
    let performer: Arc<Performer> = crew.performer(0);
    performer.drain();
    assert_eq!((ran.get(), crew.made(), team.statistics().done), (1, 1, 3));
    assert_eq!(reports.panics.take(), ["a task", "(not a text)"]);
}
