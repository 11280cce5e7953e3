//! A loop on tokio's current-thread runtime: its calls take turns there with tokio's own tasks.
//!
//! `cargo run --example on_tokio`
//!
//! One method is all that it takes. A timer of tokio's goes on meanwhile, and everything runs on one thread.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::cell::Cell;
use std::error::Error;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use brigade::{EventLoop, Refused, RunOnLoop, Task};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

struct OnTokio(Handle);

impl RunOnLoop for OnTokio {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        drop(self.0.spawn(async move { task.run() }));
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let event_loop = EventLoop::builder().build_on(OnTokio(Handle::current()))?;
        let ticks = Arc::new(AtomicUsize::new(0));
        let timer = tokio::spawn({
            let ticks = Arc::clone(&ticks);
            async move {
                let mut timer = tokio::time::interval(Duration::from_millis(1));
                loop {
                    timer.tick().await;
                    ticks.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        uses(&event_loop).await?;
        timer.abort();
        let ticked = ticks.load(Ordering::Relaxed);
        println!("the timer went on: {}", ticked > 1);
        assert!(ticked > 1);
        // While the runtime is still there: whoever waits is told now.
        assert!(event_loop.end().is_empty());
        Ok(())
    })
}

/// Uses the loop as if there were no tokio.
async fn uses(event_loop: &EventLoop) -> Result<(), Box<dyn Error>> {
    let handle = event_loop.handle();
    // Not `Send`, and need not be.
    let count = Rc::new(Cell::new(0));
    let key = event_loop.here().confine(Rc::clone(&count));
    let caller = thread::spawn(move || {
        for _ in 0..1000 {
            let key = key.clone();
            let call = handle.call_from_thread(move |on| {
                let count = key.open(on).expect("it is this loop's");
                count.set(count.get() + 1);
            });
            call.expect("it has not ended");
        }
        // Of one caller's calls, the last comes last.
        handle.blocking_call_from_thread(move |on| {
            assert!(on.handle().is_on_loop_thread());
            key.open(on).expect("it is this loop's").get()
        })
    });

    // The work waits for a timer of tokio's, as both go on at a time.
    let (ticked, has_ticked) = oneshot::channel();
    let (told, answer) = oneshot::channel();
    let work = move || has_ticked.blocking_recv().is_ok();
    event_loop
        .here()
        .defer_to_thread(work, |_, end| drop(told.send(end)))?;
    tokio::time::sleep(Duration::from_millis(5)).await;
    ticked.send(()).map_err(|()| "the work has gone")?;
    println!("deferred: {}", answer.await??);

    let (seen, has_seen) = oneshot::channel();
    event_loop
        .here()
        .defer_to_thread(move || caller.join(), |_, end| drop(seen.send(end)))?;
    let counted = has_seen.await??.map_err(|_| "the caller panicked")??;
    println!("calls from a thread: {counted}");
    assert_eq!((counted, count.get()), (1000, 1000));
    Ok(())
}
