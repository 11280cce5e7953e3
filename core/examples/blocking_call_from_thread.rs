//! Calls that a thread waits for.
//!
//! `cargo run --example blocking_call_from_thread`
//!
//! A function's value; the output of a future that the loop drives meanwhile; a panic, which comes to the
//! caller; and the error of a call on the loop's own thread, which would wait for itself. Nobody waits for ever:
//! a loop that stops tells those who do.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::cell::Cell;
use std::error::Error;
use std::thread;

use brigade::{BlockingCallError, Confined, EventLoop, LoopHandle};

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let counter = event_loop.here().confine(Cell::new(41));
    let handle = event_loop.handle();
    let caller = thread::spawn(move || {
        let asked = ask(&handle, counter).map_err(|error| error.to_string());
        // If an error came before the stop there.
        let _ = handle.stop();
        asked
    });
    event_loop.run()?;
    caller.join().map_err(|_| "the caller panicked")??;
    Ok(())
}

fn ask(handle: &LoopHandle, counter: Confined<Cell<u32>>) -> Result<(), BlockingCallError> {
    let value = handle.blocking_call_from_thread(move |on| {
        let counter = counter.open(on).expect("it is this loop's");
        counter.set(counter.get() + 1);
        counter.get()
    })?;
    println!("a value: {value}");
    assert_eq!(value, 42);

    let length = handle.blocking_call_from_thread_until(|on| {
        let deferred = on.handle().defer_to_thread(|| "a slow answer".len());
        async move { deferred.expect("the pool is open").await }
    })?;
    println!(
        "a future's output: {}",
        length.expect("the work does not panic")
    );

    let failed = handle.blocking_call_from_thread(|_| "x".parse::<u32>().expect("a number"));
    println!("an error: {}", failed.expect_err("that is no number"));

    // On the loop, one has what one would wait for.
    let on_the_loop = handle.blocking_call_from_thread(|on| {
        let nested = on.handle().blocking_call_from_thread(|_| ());
        match nested {
            Err(BlockingCallError::OnLoopThread(call)) => {
                call.run(on);
                "refused, handed back, and run at once"
            }
            _ => "not refused",
        }
    })?;
    println!("on the loop's own thread: {on_the_loop}");

    let stopped = handle.blocking_call_from_thread_until(|on| {
        on.handle().stop().expect("nobody else does");
        std::future::pending::<()>()
    });
    println!("for ever: {}", stopped.expect_err("it never ends"));
    Ok(())
}
