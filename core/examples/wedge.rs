//! The wedge: tasks that wait for tasks of the same pool, and its cures.
//!
//! `cargo run --example wedge`
//!
//! A pool of one thread runs a task that waits for another, which stands behind it in the line, and needs the
//! thread that waits. So it is with N threads and N such tasks. How to get out of it:
//!
//! 1. Join a handle: what has not begun is run in place, by whoever waits for it.
//! 2. For waits that the pool cannot see, say so: inside of `blocking`, the pool may have one thread more.
//! 3. If you do not know where it waits, let the pool tell you: the stall report says which tasks run while
//!    nothing moves, and where they were submitted.

#![allow(
    clippy::disallowed_types,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::error::Error;
use std::sync::mpsc::{self, Receiver, RecvError};
use std::time::Duration;

use brigade::{BuildError, JoinHandle, StallReport, ThreadPool, blocking};

fn main() -> Result<(), Box<dyn Error>> {
    join_in_place()?;
    in_blocking()?;
    a_report()
}

fn one_thread() -> Result<ThreadPool, BuildError> {
    let pool = ThreadPool::builder().sizes(1, 1).build()?;
    // Nobody has quit it.
    let _ = pool.start();
    Ok(pool)
}

/// A task that spawns others and joins them: the only thread runs them while it waits.
fn join_in_place() -> Result<(), Box<dyn Error>> {
    let pool = one_thread()?;
    let inner = pool.clone();
    let outer = pool.spawn(move || {
        let parts: Result<Vec<_>, _> = (1..=3).map(|n| inner.spawn(move || n * n)).collect();
        let parts = parts.expect("the pool takes them");
        let squares = parts.into_iter().map(|it| it.join().expect("a number"));
        squares.sum::<i32>()
    })?;
    let sum = outer.join()?;
    println!("joined in place: {sum}");
    assert_eq!((sum, pool.statistics().most_threads), (14, 1));
    pool.shutdown()?;
    Ok(())
}

/// Submits a task that waits on a channel as told, and behind it the one that sends. Whoever joins the first from
/// outside runs nothing, but waits: it is up to the pool.
fn wait_for_the_next(
    pool: &ThreadPool,
    wait: impl FnOnce(Receiver<i32>) -> Result<i32, RecvError> + Send + 'static,
) -> Result<JoinHandle<Result<i32, RecvError>>, Box<dyn Error>> {
    let (send, receive) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let waits = pool.spawn(move || {
        begin.send(()).expect("that is waited for");
        wait(receive)
    })?;
    begun.recv()?;
    pool.execute(move || send.send(7).expect("it is waited for"))?;
    Ok(waits)
}

/// The channel is none of the pool's, which cannot know that its thread waits there, unless it is told.
fn in_blocking() -> Result<(), Box<dyn Error>> {
    let pool = one_thread()?;
    let waits = wait_for_the_next(&pool, |receive| blocking(|| receive.recv()))?;
    let received = waits.join()??;
    println!("received in a blocking section: {received}");
    assert_eq!((received, pool.statistics().most_threads), (7, 2));
    pool.shutdown()?;
    Ok(())
}

/// The same without `blocking` is stuck for good. A report comes after 20 ms in which nothing moved; and who
/// reads it lends the pool a thread, which is a way out as long as somebody watches.
fn a_report() -> Result<(), Box<dyn Error>> {
    let (send, reports) = mpsc::channel::<StallReport>();
    let patience = Duration::from_millis(20);
    let pool = ThreadPool::builder()
        .sizes(1, 1)
        .on_stall(patience, move |report| {
            // It is called again and again while nothing moves. Once is enough for us.
            let _ = send.send(report.clone());
        })
        .build()?;
    pool.start()?;
    let waits = wait_for_the_next(&pool, |receive| receive.recv())?;
    let report = reports.recv()?;
    // It prints well, too; but what is printed here is to be the same each time.
    let [stuck] = &report.tasks[..] else {
        return Err("one task runs".into());
    };
    assert!(stuck.submitted.file().ends_with("wedge.rs"));
    assert!(stuck.running >= patience, "{report}");
    println!(
        "stalled: {} runs, {} waits for one of {} threads",
        stuck.id, report.waiting, report.threads
    );
    pool.resize(1, 2)?;
    println!("received with one thread more: {}", waits.join()??);
    pool.shutdown()?;
    Ok(())
}
