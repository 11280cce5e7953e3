//! Results: what a task gives back, and the ways to have it.
//!
//! `cargo run --example results`
//!
//! `spawn` gives a handle. It can be joined, joined with a time-out, or awaited by any executor; it yields
//! the task's value, or says why there is none.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::error::Error;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use brigade::{TaskError, ThreadPool};

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::new();
    join(&pool)?;
    one_that_panics(&pool)?;
    not_for_longer_than(&pool)?;
    block_on(awaited(&pool))?;
    pool.shutdown()?;
    Ok(())
}

/// All are spawned before the first is joined, so they run at the same time. The results come in the order in
/// which they are asked for.
fn join(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    let lines = ["to be or not to be", "that is", "the question"];
    let mut handles = Vec::new();
    for line in lines {
        handles.push(pool.spawn(move || line.split(' ').count())?);
    }
    let mut counts = Vec::new();
    for handle in handles {
        counts.push(handle.join()?);
    }
    println!("words: {counts:?}");
    assert_eq!(counts, [6, 2, 2]);
    Ok(())
}

/// A panic stays in its task: the handle gives what it panicked with, and the thread goes on.
fn one_that_panics(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    let numbers = ["1", "two", "3"];
    let mut handles = Vec::new();
    for number in numbers {
        handles.push(pool.spawn(move || -> i32 { number.parse().expect("a number") })?);
    }
    let mut sum = 0;
    let mut failed = 0;
    for handle in handles {
        match handle.join() {
            Ok(number) => sum += number,
            Err(error @ TaskError::Panicked(_)) => {
                println!("{error}");
                failed += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    println!("the others: {sum}");
    assert_eq!((sum, failed), (4, 1));
    Ok(())
}

/// If the time is over, the handle comes back, and can be asked again.
fn not_for_longer_than(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    let (send, receive) = mpsc::channel::<i32>();
    let handle = pool.spawn(move || receive.recv().map(|it| it * 2))?;
    let handle = match handle.join_timeout(Duration::from_millis(1)) {
        Err(handle) => handle,
        Ok(_) => return Err("there was nothing to receive".into()),
    };
    println!("not yet");
    send.send(21)?;
    let answer = handle.join()??;
    println!("now: {answer}");
    assert_eq!(answer, 42);
    Ok(())
}

/// A handle is a future of the same, and needs no runtime of its own.
async fn awaited(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    let first = pool.spawn(|| "some text".to_owned())?.await?;
    let second = pool.spawn(move || first.to_uppercase())?.await?;
    println!("awaited: {second}");
    assert_eq!(second, "SOME TEXT");
    Ok(())
}

/// The smallest of executors: it sleeps until it is woken, and looks again.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
