//! Teams under odd limits and sizes: 0, the largest there is, more than there are.

use crate::common::{Count, Crew, Failure, Log, Reports, Stepped, stepped};
use brigade::{LockWorker, Statistics, Team};

/// A team whose limit is looked up in a count.
fn limited() -> (Stepped, Crew, Reports, Count) {
    let (crew, reports, limit) = (Crew::new(), Reports::new(), Count::new());
    let now = limit.clone();
    let factory = crew.factory(move || now.get());
    let team = Team::new(LockWorker::new(), factory, reports.handlers());
    (team, crew, reports, limit)
}

#[test]
fn t3_a_limit_of_0_keeps_the_tasks_until_it_is_raised_and_announced() {
    let (team, crew, reports, limit) = limited();
    let log = Log::new();
    for n in 0..3 {
        team.execute(log.task(n)).unwrap();
    }
    assert_eq!((crew.made(), team.statistics().backlogged), (0, 3));
    limit.set(2);
    assert_eq!(crew.made(), 0, "nobody said so");
    team.limit_raised().unwrap();
    assert_eq!((crew.made(), team.statistics().backlogged), (2, 1));
    crew.drain();
    assert_eq!(log.take(), [0, 2, 1], "each worker in its order");
    assert!(reports.is_empty(), "a limit is no failure");
}

#[test]
fn t3_a_limit_raised_without_a_word_is_noticed_by_the_next_task() {
    let (team, crew, _, limit) = limited();
    let log = Log::new();
    team.execute(log.task("first")).unwrap();
    limit.set(1);
    team.execute(log.task("second")).unwrap();
    crew.drain();
    assert_eq!(log.take(), ["first", "second"]);
}

#[test]
fn t7_a_limit_of_0_until_the_quit_gives_each_task_to_the_owner() {
    let (team, _, reports, _) = limited();
    let ran = Count::new();
    for _ in 0..3 {
        team.execute(ran.task()).unwrap();
    }
    team.quit().unwrap();
    assert_eq!((team.statistics().abandoned, ran.get()), (3, 0));
    for task in reports.abandoned.take() {
        task.run();
    }
    assert_eq!(ran.get(), 3, "they were whole");
}

#[test]
fn t7_a_limit_raised_before_the_quit_but_not_announced_is_tried_once_more() {
    let (team, crew, reports, limit) = limited();
    let ran = Count::new();
    team.execute(ran.task()).unwrap();
    limit.set(1);
    team.quit().unwrap();
    crew.drain();
    assert_eq!((ran.get(), reports.is_empty()), (1, true));
}

#[test]
fn t3_grow_by_usize_max_makes_as_many_as_the_factory_gives() {
    let (team, crew, reports) = stepped(5);
    team.grow(usize::MAX).unwrap();
    team.grow(usize::MAX).unwrap();
    assert_eq!((crew.made(), team.statistics().idle), (5, 5));
    assert!(reports.is_empty());
}

#[test]
fn t8_grow_by_usize_max_ends_at_the_first_error() {
    let (crew, reports, asked) = (Crew::new(), Reports::new(), Count::new());
    let hiring = crew.clone();
    let factory = move |_: &Statistics| match asked.one_more() {
        3 => Err("no more today".into()),
        _ => Ok(Some(hiring.hire())),
    };
    let team = Team::new(LockWorker::new(), factory, reports.handlers());
    team.grow(usize::MAX).unwrap();
    assert_eq!((crew.made(), team.statistics().idle), (3, 3));
    let failure = Failure::new("no more today", 0, 3);
    assert_eq!(reports.failures.take(), [failure]);
}

#[test]
fn t3_grow_by_0_makes_nothing() {
    let (team, crew, _) = stepped(5);
    team.grow(0).unwrap();
    assert_eq!(crew.made(), 0);
}

#[test]
fn t5_shrink_beyond_the_idle_workers_does_not_touch_those_made_later() {
    let (team, crew, _) = stepped(9);
    team.grow(2).unwrap();
    team.shrink(usize::MAX).unwrap();
    team.shrink(usize::MAX).unwrap();
    assert_eq!(team.statistics().workers(), 0);
    team.grow(2).unwrap();
    assert_eq!((crew.made(), team.statistics().idle), (4, 2));
}

#[test]
fn t5_shrink_beyond_the_busy_workers_is_owed_only_for_those() {
    let (team, crew, _) = stepped(9);
    for _ in 0..2 {
        team.execute(|| ()).unwrap();
    }
    team.shrink(100).unwrap();
    team.shrink_all().unwrap();
    crew.drain();
    assert_eq!(team.statistics().workers(), 0, "both left");
    team.grow(2).unwrap();
    team.execute(|| ()).unwrap();
    crew.drain();
    assert_eq!(team.statistics().idle, 2, "these stay");
}

#[test]
fn t5_workers_made_by_grow_under_a_debt_pay_it_off() {
    let (team, crew, _) = stepped(9);
    for _ in 0..2 {
        team.execute(|| ()).unwrap();
    }
    team.shrink(100).unwrap();
    team.grow(3).unwrap();
    assert_eq!((crew.made(), team.statistics().idle), (5, 1));
    crew.drain();
    assert_eq!(team.statistics().idle, 3, "nothing is owed any more");
}

#[test]
fn t5_shrink_by_0_changes_nothing() {
    let (team, _, _) = stepped(9);
    team.grow(2).unwrap();
    team.shrink(0).unwrap();
    assert_eq!(team.statistics().idle, 2);
}

#[test]
fn t5_the_last_worker_stays_while_work_waits() {
    let (team, crew, _) = stepped(1);
    let ran = Count::new();
    for _ in 0..3 {
        team.execute(ran.task()).unwrap();
    }
    team.shrink_all().unwrap();
    crew.drain();
    assert_eq!((ran.get(), team.statistics().workers()), (3, 0));
}
