//! Calls from threads: they run on the loop's thread, which alone touches what is on the loop.
//!
//! `cargo run --example call_from_thread`
//!
//! Three threads keep the score on one loop, without a mutex. Each one's calls come in its order, and a loop
//! that sleeps is woken. A loop that has ended hands a call back, and another can run it.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::thread;

use brigade::EventLoop;

fn main() -> Result<(), Box<dyn Error>> {
    let event_loop = EventLoop::new();
    let handle = event_loop.handle();
    // It stays here. What goes to the threads is a key to it, and only a call on the loop can open it.
    let scores = event_loop.here().confine(RefCell::new(BTreeMap::new()));
    let players = ["anna", "bela", "carl"].map(|name| {
        let (handle, scores) = (handle.clone(), scores.clone());
        thread::spawn(move || {
            for point in 1..=3 {
                let scores = scores.clone();
                let call = handle.call_from_thread(move |on| {
                    let scores = scores.open(on).expect("it is this loop's");
                    let mut scores = scores.borrow_mut();
                    scores.entry(name).or_insert_with(Vec::new).push(point);
                    if scores.values().map(Vec::len).sum::<usize>() == 9 {
                        on.handle().quit().expect("this is the ninth call");
                    }
                });
                call.expect("it has not been quit");
            }
        })
    });
    event_loop.run()?;
    for player in players {
        player.join().map_err(|_| "a player panicked")?;
    }
    for (name, points) in &*scores.open(event_loop.here())?.borrow() {
        println!("{name}: {points:?}");
        assert_eq!(*points, [1, 2, 3]);
    }

    let late = handle.call_from_thread(|_| println!("the late call, on another loop"));
    let Err(refused) = late else {
        return Err("a loop that has ended took a call".into());
    };
    println!("too late: {refused}");
    let another = EventLoop::new();
    another.handle().resubmit(refused.into_inner())?;
    another.handle().quit()?;
    another.run()?;
    Ok(())
}
