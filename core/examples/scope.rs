//! Scopes: tasks that borrow.
//!
//! `cargo run --example scope`
//!
//! A scope returns when all its tasks are over, so they may borrow whatever outlives it; nothing has to be
//! cloned, counted or moved. The thread that waits runs those that nobody has begun: a scope needs no thread
//! of the pool, and can be used inside of another's tasks.

use std::error::Error;

use brigade::ThreadPool;

fn main() -> Result<(), Box<dyn Error>> {
    let pool = ThreadPool::builder().sizes(1, 2).name("scope").build()?;
    pool.start()?;
    longest_words(&pool)?;
    sort(&pool);
    pool.shutdown()?;
    after_the_end(&pool);
    Ok(())
}

/// Each task reads a line that it borrows, and one writes to what the caller owns.
fn longest_words(pool: &ThreadPool) -> Result<(), Box<dyn Error>> {
    let text = String::from("a scope returns\nwhen all of its tasks\nare over");
    let mut lines = 0;
    let longest = pool.scope(|scope| {
        scope.spawn(|| lines = text.lines().count());
        let handles: Vec<_> = text
            .lines()
            .map(|line| scope.spawn(move || line.split(' ').max_by_key(|word| word.len())))
            .collect();
        handles
            .into_iter()
            .map(|handle| handle.join().map(Option::unwrap_or_default))
            .collect::<Result<Vec<&str>, _>>()
    })?;
    // The scope is over: `lines` can be read again.
    println!("{lines} lines, longest words: {longest:?}");
    assert_eq!((lines, longest), (3, vec!["returns", "tasks", "over"]));
    Ok(())
}

/// Splits a slice, and sorts the halves at the same time, down to the smallest. On two threads, though many
/// more tasks than that wait for others: whoever waits works.
fn sort(pool: &ThreadPool) {
    // The powers of a number modulo a prime come in no order.
    let mut numbers: Vec<u64> = (0..1000)
        .scan(1, |power, _| {
            *power = *power * 5 % 1009;
            Some(*power)
        })
        .collect();
    let mut expected = numbers.clone();
    expected.sort_unstable();
    quicksort(pool, &mut numbers);
    assert_eq!(numbers, expected);
    println!("sorted: {:?} … {:?}", &numbers[..3], &numbers[997..]);
}

fn quicksort(pool: &ThreadPool, numbers: &mut [u64]) {
    let Some(last) = numbers.len().checked_sub(1).filter(|&last| last > 0) else {
        return;
    };
    let pivot = numbers[last];
    let mut less = 0;
    for index in 0..last {
        if numbers[index] < pivot {
            numbers.swap(index, less);
            less += 1;
        }
    }
    numbers.swap(less, last);
    let (low, high) = numbers.split_at_mut(less);
    pool.scope(|scope| {
        scope.spawn(|| quicksort(pool, low));
        quicksort(pool, &mut high[1..]);
    });
}

/// A pool that was shut down takes no task. A scope on it runs its tasks all the same, on this thread.
fn after_the_end(pool: &ThreadPool) {
    let mut sums = [0; 3];
    pool.scope(|scope| {
        for (index, sum) in sums.iter_mut().enumerate() {
            scope.spawn(move || *sum = (0..=index).sum());
        }
    });
    println!("after the end: {sums:?}");
    assert_eq!(sums, [0, 1, 3]);
}
