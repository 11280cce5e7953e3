//! One thread submits and then runs the tasks itself, in the same order every time:
//! `single TASKS [CONTENDER]`, for callgrind. Instructions a task are the difference of two runs.
//!
//! brigade's only worker is kept by the start policy until all is submitted, and run here. The
//! others are what a worker of theirs does.

#![forbid(unsafe_code)]

use std::env;
use std::hint::black_box;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use brigade_bench::tally::{self, Tally};

fn task(number: u64) -> impl FnOnce() + Send + 'static {
    let captured = [number, 1, 2, 3];
    move || tally::ran(black_box(captured)[0])
}

type Boxed = Box<dyn FnOnce() + Send>;

fn brigade_pool(tasks: u64) {
    let kept = Arc::new(Mutex::new(None));
    let keeper = Arc::clone(&kept);
    let pool = brigade::pool(
        || 1,
        move |body| {
            *keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
            Ok(brigade::Thread::detached())
        },
    );
    for number in 0..tasks {
        pool.execute(task(number)).expect("it has not been quit");
    }
    pool.quit().expect("it has not been quit");
    let body = kept.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(body) = body {
        body.run();
    }
}

fn crossbeam(tasks: u64) {
    let (sender, queue) = crossbeam_channel::unbounded::<Boxed>();
    for number in 0..tasks {
        sender
            .send(Box::new(task(number)))
            .expect("the other end lives");
    }
    drop(sender);
    queue.into_iter().for_each(|task| task());
}

fn std_mpsc(tasks: u64) {
    let (sender, queue) = mpsc::channel::<Boxed>();
    for number in 0..tasks {
        sender
            .send(Box::new(task(number)))
            .expect("the other end lives");
    }
    drop(sender);
    let queue = Mutex::new(queue);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(task) = next else { return };
        task();
    }
}

fn main() {
    let mut arguments = env::args().skip(1);
    let tasks = arguments.next().and_then(|text| text.parse().ok());
    let contender = arguments.next();
    let (Some(tasks), Some(run)) = (
        tasks,
        match contender.as_deref().unwrap_or("brigade") {
            "brigade" => Some(brigade_pool as fn(u64)),
            "crossbeam" => Some(crossbeam as fn(u64)),
            "mpsc" => Some(std_mpsc as fn(u64)),
            _ => None,
        },
    ) else {
        eprintln!("usage: single TASKS [brigade|crossbeam|mpsc]");
        std::process::exit(2);
    };
    let tally = Tally::first(tasks, 1);
    run(tasks);
    tally.wait();
}
