//! The loop's thread pool: how many threads, and what they have done.
//!
//! `cargo run --example thread_pool`
//!
//! It has 5 to 10 threads unless told otherwise, and none before it is used. It can be handed to whoever knows
//! nothing of the loop.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::error::Error;

use brigade::{EventLoop, ThreadPool};

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    // Before the first use: no thread has been made, and none will be in vain.
    handle.suggest_thread_pool_size(3)?;
    let pool = handle.thread_pool();
    println!(
        "{:?} threads, {} made",
        pool.statistics().sizes,
        pool.statistics().made
    );

    let sum = event_loop.run_until(async { sum_of_squares(&pool, 100).await })??;
    println!("sum of squares: {sum}");
    assert_eq!(sum, 338_350);

    let numbers = pool.statistics();
    println!(
        "{} done, by {} threads",
        numbers.now.done, numbers.most_threads
    );
    assert_eq!((numbers.now.done, numbers.now.backlogged), (100, 0));
    assert!(numbers.most_threads <= 3);

    // None at all is no size for a pool that is to run something.
    let none = handle.suggest_thread_pool_size(0);
    println!("none: {}", none.expect_err("it needs one"));
    handle.suggest_thread_pool_size(1)?;
    println!("{:?} threads", pool.statistics().sizes);

    assert!(event_loop.end().is_empty());
    println!("the loop has ended, its pool is {:?}", pool.phase());
    Ok(())
}

/// This one has never heard of a loop.
async fn sum_of_squares(pool: &ThreadPool, count: u64) -> Result<u64, Box<dyn Error>> {
    let mut squares = Vec::new();
    for number in 1..=count {
        squares.push(pool.spawn(move || number * number)?);
    }
    let mut sum = 0;
    for square in squares {
        sum += square.await?;
    }
    Ok(sum)
}
