//! Results from threads: work goes to the loop's pool, and what it gave comes back to the loop.
//!
//! `cargo run --example defer_to_thread`
//!
//! Two ways: a callback that the loop calls, which may hold what is not `Send`; and a future. Each callback is
//! called exactly once, also if the work panics, and if the loop ends before it.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::cell::RefCell;
use std::error::Error;
use std::rc::Rc;
use std::sync::mpsc;

use brigade::{DeferError, EventLoop, OnLoop};

fn main() -> Result<(), Box<dyn Error>> {
    callbacks()?;
    a_future()?;
    too_late()
}

/// The log is this thread's, and neither locked nor counted by atomics.
fn callbacks() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let log: Rc<RefCell<Vec<String>>> = Rc::default();
    for text in ["7", "seven"] {
        let log = Rc::clone(&log);
        let work = move || text.parse::<u32>().expect("a number");
        event_loop.here().defer_to_thread(work, move |on, number| {
            let line = match number {
                Ok(number) => format!("{text}: {}", number * number),
                Err(error) => format!("{text}: {error}"),
            };
            log.borrow_mut().push(line);
            if log.borrow().len() == 2 {
                on.handle().quit().expect("both are here");
            }
        })?;
    }
    event_loop.run()?;
    log.borrow_mut().sort();
    println!("{}", log.borrow().join("\n"));
    Ok(())
}

/// The loop goes on while it waits.
fn a_future() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let words = event_loop.run_until(async {
        let text = handle
            .defer_to_thread(|| "to be or not to be".to_owned())?
            .await?;
        let count = handle
            .defer_to_thread(move || text.split(' ').count())?
            .await?;
        Ok::<_, Box<dyn Error>>(count)
    })??;
    println!("words: {words}");
    assert_eq!(words, 6);
    Ok(())
}

/// A loop that ends waits for no result: the callback is told. The work itself is done all the same.
fn too_late() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let (go_on, may_go_on) = mpsc::channel::<()>();
    let callback = move |on: &OnLoop, end: Result<_, DeferError>| {
        assert!(on.handle().is_on_loop_thread());
        println!("too late: {}", end.expect_err("it waits for this"));
        drop(go_on);
    };
    event_loop
        .here()
        .defer_to_thread(move || may_go_on.recv(), callback)?;
    event_loop.handle().quit()?;
    event_loop.run()?;
    Ok(())
}
