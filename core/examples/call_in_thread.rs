//! Work for the loop's threads, whose results nobody waits for: what would block goes elsewhere.
//!
//! `cargo run --example call_in_thread`
//!
//! The loop's pool is there from the beginning and has no thread until it is used. What it took is done when
//! the loop's `run` returns.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::error::Error;
use std::sync::mpsc;

use brigade::EventLoop;

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    let (send, lines) = mpsc::channel();
    for text in ["one", "two", "three"] {
        let (handle, send) = (handle.clone(), send.clone());
        handle.clone().call_in_thread(move || {
            assert!(!handle.is_on_loop_thread());
            // What is to be said to the loop goes back by a call.
            let call = handle.call_from_thread(move |on| {
                assert!(on.handle().is_on_loop_thread());
                let _ = send.send(format!("{text} has been written"));
            });
            call.expect("the loop ends after the last of these");
        })?;
    }
    drop(send);
    println!(
        "before it runs: {} threads",
        handle.thread_pool().statistics().made
    );

    // Once the third has come, the loop is quit; a task that is still to come is run all the same.
    handle.call_in_thread({
        let handle = handle.clone();
        move || {
            let mut lines: Vec<String> = lines.iter().collect();
            lines.sort();
            println!("{}", lines.join(", "));
            handle.quit().expect("nobody else does");
        }
    })?;
    event_loop.run()?;
    let numbers = handle.thread_pool().statistics();
    println!("done: {} of {}", numbers.now.done, numbers.now.accepted);
    assert_eq!((numbers.now.done, numbers.gone), (4, numbers.made));
    let refused = handle.call_in_thread(|| ());
    println!(
        "too late: {}",
        refused.expect_err("its pool ends with the loop")
    );
    Ok(())
}
