//! Several calls, one after the other, in one thread.
//!
//! `cargo run --example call_multiple_in_thread`
//!
//! One that fails does not keep the next from being made; each has its own result.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::error::Error;
use std::thread::{self, ThreadId};

use brigade::EventLoop;

type Step = Box<dyn FnOnce() -> (&'static str, ThreadId) + Send>;

fn step(name: &'static str) -> Step {
    Box::new(move || (name, thread::current().id()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let fails: Step = Box::new(|| panic!("no space left"));
    let steps = vec![step("unpack"), fails, step("tidy up")];
    let results = event_loop.handle().call_multiple_in_thread(steps)?;
    let results = event_loop.run_until(results)??;
    let mut threads = Vec::new();
    for result in results {
        match result {
            Ok((name, thread)) => {
                println!("{name}: done");
                threads.push(thread);
            }
            Err(error) => println!("{error}"),
        }
    }
    assert_eq!(threads.len(), 2);
    assert_eq!(threads[0], threads[1]);
    assert_ne!(threads[0], thread::current().id());
    Ok(())
}
