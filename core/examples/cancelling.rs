//! Cancelling: tasks that are no longer wanted.
//!
//! `cargo run --example cancelling`
//!
//! A task that waits can be cancelled; `cancel` says whether it was. A task that runs is never interrupted: it
//! has to look by itself whether it is still wanted. `abort` gives back all that wait, at once.

#![allow(
    clippy::disallowed_types,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use brigade::{TaskError, ThreadPool};

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::builder().sizes(1, 1).build()?;
    pool.start()?;

    // The one thread runs this until it is told not to.
    let unwanted = Arc::new(AtomicBool::new(false));
    let (begin, begun) = mpsc::channel();
    let runs = pool.spawn({
        let unwanted = Arc::clone(&unwanted);
        move || {
            begin.send(()).expect("somebody waits for this");
            let mut rounds = 0_u64;
            while !unwanted.load(Ordering::Relaxed) {
                rounds += 1;
                std::hint::spin_loop();
            }
            rounds
        }
    })?;
    begun.recv()?;

    // So these wait.
    let first = pool.spawn(|| "first")?;
    let second = pool.spawn(|| "second")?;
    println!("waiting: {}", pool.statistics().now.backlogged);
    assert_eq!(pool.statistics().now.backlogged, 2);

    assert!(first.cancel(), "it has not begun");
    assert!(!first.cancel(), "only once");
    assert!(!runs.cancel(), "it has begun");
    println!("waiting: {}", pool.statistics().now.backlogged);
    assert_eq!(pool.statistics().now.backlogged, 1);
    let Err(error @ TaskError::Cancelled) = first.join() else {
        return Err("it was cancelled".into());
    };
    println!("first: {error}");

    // What runs has to be asked.
    unwanted.store(true, Ordering::Relaxed);
    runs.join()?;
    println!("second: {}", second.join()?);

    give_up(&pool)
}

/// An abort gives the tasks back, and they are yours: run them, give them to another pool, or drop them.
fn give_up(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    let (go, wait) = mpsc::channel::<()>();
    let (begin, begun) = mpsc::channel();
    let runs = pool.spawn(move || {
        begin.send(()).expect("somebody waits for this");
        // An error if `go` is dropped, which does as well.
        let _ = wait.recv();
    })?;
    begun.recv()?;
    let kept = pool.spawn(|| "run by who was given it")?;
    let dropped = pool.spawn(|| "run by nobody")?;

    let mut tasks = pool.abort().into_iter();
    let (Some(task), Some(other), None) = (tasks.next(), tasks.next(), tasks.next()) else {
        return Err("two tasks waited".into());
    };
    task.run();
    drop(other);
    println!("kept: {}", kept.join()?);
    let Err(error @ TaskError::Closed) = dropped.join() else {
        return Err("it was dropped".into());
    };
    println!("dropped: {error}");

    // Nothing that runs was interrupted, and an abort does not wait for it.
    drop(go);
    runs.join()?;
    pool.shutdown()?;
    assert_eq!(pool.statistics().now.workers(), 0);
    Ok(())
}
