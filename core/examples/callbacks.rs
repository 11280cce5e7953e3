//! Callbacks: results that come to you.
//!
//! `cargo run --example callbacks`
//!
//! `spawn_with_callback` calls a closure with the result of another, on the pool's thread; once, whatever
//! happens: also when the task panics, is cancelled, or is given up with its pool.

#![allow(
    clippy::disallowed_types,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::mpsc::{self, Receiver, Sender};

use brigade::{Rejected, TaskError, ThreadPool};

/// What happened to the task of this name.
type News = (&'static str, Result<u32, TaskError>);

fn main() -> Result<(), Box<dyn Error>> {
    // Not started yet, so that there is time to cancel.
    let pool = ThreadPool::builder().sizes(1, 2).build()?;
    let (news, all_news) = mpsc::channel();
    let report = |name| {
        let news: Sender<News> = news.clone();
        // Nobody minds if there is nobody left to be told.
        move |result| drop(news.send((name, result)))
    };

    let square = pool.spawn_with_callback(|| 7 * 7, report("square"))?;
    let broken =
        pool.spawn_with_callback(|| "seven".parse().expect("a number"), report("broken"))?;
    let unwanted = pool.spawn_with_callback(|| 0, report("unwanted"))?;
    // These handles are only for cancelling.
    drop((square, broken));

    // The callback has been called when this returns, on this thread.
    assert!(unwanted.cancel());
    let (name, result) = all_news.try_recv()?;
    assert_eq!(name, "unwanted");
    assert!(matches!(result, Err(TaskError::Cancelled)));
    println!("{name}: {}", message(result));

    pool.start()?;
    print_sorted(&all_news, 2)?;

    // A task that is refused comes back, and its callback with it: nobody is told before you drop it.
    pool.shutdown()?;
    let late = pool.spawn_with_callback(|| 0, report("late"));
    assert!(matches!(late, Err(Rejected::Closed(_))));
    assert!(all_news.try_recv().is_err());
    drop(late);
    print_sorted(&all_news, 1)
}

/// The next so many news, in the order of the names, for nobody knows in which order they come.
fn print_sorted(all_news: &Receiver<News>, count: usize) -> Result<(), Box<dyn Error>> {
    let mut sorted = BTreeMap::new();
    for _ in 0..count {
        let (name, result) = all_news.recv()?;
        sorted.insert(name, result);
    }
    assert_eq!(sorted.len(), count);
    for (name, result) in sorted {
        println!("{name}: {}", message(result));
    }
    Ok(())
}

fn message(result: Result<u32, TaskError>) -> String {
    match result {
        Ok(number) => number.to_string(),
        Err(error) => error.to_string(),
    }
}
