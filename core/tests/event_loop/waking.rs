//! What wakes a loop that sleeps.

use std::future::poll_fn;
use std::sync::Mutex;
use std::sync::mpsc;
use std::task::{Poll, Waker};

use brigade::{
    EventLoop, Handlers, OnLoop, Performed, Statistics, Task, Team, Worker, memory_worker,
};

use crate::common::OnDrop;
use crate::loops::Running;
use crate::thread_pools::watchdog;

#[test]
fn e1_each_kind_of_call_wakes_a_loop_that_sleeps() {
    type Kind = fn(&Running, mpsc::Sender<()>);
    let kinds: [(&str, Kind); 8] = [
        ("call_from_thread", |it, done| {
            it.handle
                .call_from_thread(move |_| done.send(()).unwrap())
                .unwrap();
        }),
        ("execute", |it, done| {
            it.handle.execute(move || done.send(()).unwrap()).unwrap();
        }),
        ("a worker's execute", |it, done| {
            let worker: &dyn Worker = &it.handle;
            worker
                .execute(Task::new(move || done.send(()).unwrap()))
                .unwrap();
        }),
        ("a blocking call", |it, done| {
            let sent = it
                .handle
                .blocking_call_from_thread(move |_| done.send(()).unwrap());
            sent.unwrap();
        }),
        ("a blocking call of a future", |it, done| {
            let sent = it
                .handle
                .blocking_call_from_thread_until(move |_| async move {
                    done.send(()).unwrap();
                });
            sent.unwrap();
        }),
        ("resubmit", |it, done| {
            let other = EventLoop::new();
            let call = move |_: &OnLoop| done.send(()).unwrap();
            other.handle().call_from_thread(call).unwrap();
            let call = other.end().remove(0);
            it.handle.resubmit(call).unwrap();
        }),
        ("a result of the pool", |it, done| {
            let defers = move |on: &OnLoop| {
                let callback = move |_: &OnLoop, _| done.send(()).unwrap();
                on.defer_to_thread(|| (), callback).unwrap();
            };
            it.handle.call_from_thread(defers).unwrap();
        }),
        ("a team that it coordinates", |it, done| {
            let (worker, performer) = memory_worker();
            let once = Mutex::new(Some(worker));
            let factory = move |_: &Statistics| Ok(once.lock().unwrap().take());
            let team = Team::new(it.handle.clone(), factory, Handlers::new());
            team.execute(Task::new(|| ())).unwrap();
            while performer.perform() != Performed::Ran {
                std::thread::yield_now();
            }
            done.send(()).unwrap();
            // To drop the team quits its coordinator, and here that is the loop.
            std::mem::forget(team);
        }),
    ];
    let _watchdog = watchdog();
    for (name, call) in kinds {
        let running = Running::asleep();
        let (done, is_done) = mpsc::channel();
        call(&running, done);
        assert!(is_done.recv().is_ok(), "{name}");
        running.end();
    }
}

#[test]
fn e1_a_waker_a_last_key_a_quit_and_a_stop_wake_a_loop_that_sleeps() {
    let _watchdog = watchdog();
    let running = Running::asleep();
    let (dropped, was_dropped) = mpsc::channel();
    let on_drop = OnDrop(move || dropped.send(()).unwrap());
    let key = running
        .handle
        .blocking_call_from_thread(move |on| on.confine(on_drop));
    drop(key.unwrap());
    was_dropped.recv().unwrap();

    let (woken, was_woken) = mpsc::channel();
    let (give, given) = mpsc::channel::<Waker>();
    let spawns = move |on: &OnLoop| {
        let mut first = true;
        let future = poll_fn(move |context| {
            if std::mem::take(&mut first) {
                give.send(context.waker().clone()).unwrap();
                return Poll::Pending;
            }
            woken.send(()).unwrap();
            Poll::Ready(())
        });
        on.spawn(future).unwrap();
    };
    running.handle.call_from_thread(spawns).unwrap();
    given.recv().unwrap().wake();
    was_woken.recv().unwrap();
    running.end();

    let running = Running::asleep();
    running.handle.stop().unwrap();
    assert_eq!(running.join().len(), 0);
}
