//! Names: a loop whose slow calls are made elsewhere, so that it never waits for one.
//!
//! `cargo run --example resolve [-- --on-the-loop] < NAMES`
//!
//! Looks up the host names that come from standard input, one a line, with the system's resolver, which blocks;
//! in the loop's thread pool. The results are printed as they arrive. Meanwhile the loop ticks; at the end
//! stands the longest time between two ticks. With `--on-the-loop` the loop looks the names up itself, for
//! comparison: nothing else gets a turn meanwhile.
//!
//! Ctrl-D, or the end of the file, ends it cleanly: when every name has been answered.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::cell::Cell;
use std::env;
use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::net::{IpAddr, ToSocketAddrs as _};
use std::rc::Rc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use brigade::{Confined, DeferError, EventLoop, LoopHandle, NotDeferred, OnLoop};

const TICK: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let on_the_loop = match &arguments[..] {
        [] => false,
        [only] if only == "--on-the-loop" => true,
        _ => return Err("usage: resolve [--on-the-loop] < NAMES".into()),
    };
    let event_loop = EventLoop::new();
    let state = event_loop.here().confine(State::new());
    let reader = Reader {
        handle: event_loop.handle(),
        state: state.clone(),
        on_the_loop,
    };
    // To wait for input is to block: that, too, is for a thread.
    event_loop.handle().call_in_thread(move || reader.read())?;
    let ticker = tick(event_loop.handle(), state.clone());
    event_loop.run()?;
    ticker.join().map_err(|_| "the ticker panicked")?;
    state.open(event_loop.here())?.summarize();
    Ok(())
}

/// The loop's own. Cells will do, for nobody else can reach it.
struct State {
    names: Cell<usize>,
    unanswered: Cell<usize>,
    input_ended: Cell<bool>,
    /// How many lookups the loop's own thread made.
    on_the_loop: Cell<usize>,
    ticks: Cell<usize>,
    last_tick: Cell<Instant>,
    longest: Cell<Duration>,
}

impl State {
    fn new() -> Self {
        Self {
            names: Cell::new(0),
            unanswered: Cell::new(0),
            input_ended: Cell::new(false),
            on_the_loop: Cell::new(0),
            ticks: Cell::new(0),
            last_tick: Cell::new(Instant::now()),
            longest: Cell::new(Duration::ZERO),
        }
    }

    fn tick(&self) {
        let now = Instant::now();
        let gap = now - self.last_tick.replace(now);
        self.longest.set(self.longest.get().max(gap));
        self.ticks.set(self.ticks.get() + 1);
    }

    fn name(&self) {
        self.names.set(self.names.get() + 1);
        self.unanswered.set(self.unanswered.get() + 1);
    }

    fn answer(&self, on: &OnLoop, name: &str, answer: &Answer) {
        let printed = match &answer.found {
            Ok(addresses) => {
                let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                writeln!(io::stdout(), "{name}: {}", texts.join(", "))
            }
            Err(error) => writeln!(io::stdout(), "{name}: {error}"),
        };
        if printed.is_err() {
            // Nobody reads on. That it was stopped before is all the same.
            let _ = on.handle().stop();
        }
        let here = usize::from(answer.on_the_loop);
        self.on_the_loop.set(self.on_the_loop.get() + here);
        self.unanswered.set(self.unanswered.get() - 1);
        self.end_if_done(on);
    }

    fn end_of_input(&self, on: &OnLoop) {
        self.input_ended.set(true);
        self.end_if_done(on);
    }

    fn end_if_done(&self, on: &OnLoop) {
        if self.input_ended.get() && self.unanswered.get() == 0 {
            // The time from the last tick until now counts.
            self.tick();
            let _ = on.handle().quit();
        }
    }

    fn summarize(&self) {
        let longest = self.longest.get().as_secs_f64() * 1e3;
        let _ = writeln!(
            io::stdout(),
            "{} names, {} looked up on the loop's thread; the longest of {} times between ticks: {longest:.1} ms",
            self.names.get(),
            self.on_the_loop.get(),
            self.ticks.get(),
        );
    }
}

/// What was found, and where.
struct Answer {
    found: io::Result<Vec<IpAddr>>,
    on_the_loop: bool,
}

impl Answer {
    fn none(error: &dyn Error) -> Self {
        Self {
            found: Err(io::Error::other(error.to_string())),
            on_the_loop: false,
        }
    }
}

/// Asks the system, which may take seconds.
fn look_up(name: &str, handle: &LoopHandle) -> Answer {
    let found = (name, 0)
        .to_socket_addrs()
        .map(|addresses| addresses.map(|it| it.ip()).collect());
    Answer {
        found,
        on_the_loop: handle.is_on_loop_thread(),
    }
}

struct Reader {
    handle: LoopHandle,
    state: Confined<State>,
    on_the_loop: bool,
}

impl Reader {
    fn read(self) {
        let on_the_loop = self.on_the_loop;
        for line in io::stdin().lock().split(b'\n') {
            let Ok(line) = line else { break };
            let name = String::from_utf8_lossy(&line).trim().to_owned();
            if name.is_empty() {
                continue;
            }
            let found = self.call(move |on, state| {
                state.name();
                if on_the_loop {
                    let answer = look_up(&name, on.handle());
                    state.answer(on, &name, &answer);
                } else {
                    look_up_elsewhere(on, state, name);
                }
            });
            if !found {
                return;
            }
        }
        self.call(|on, state| state.end_of_input(on));
    }

    /// Whether the loop takes the call.
    fn call(&self, call: impl FnOnce(&OnLoop, &Rc<State>) + Send + 'static) -> bool {
        let state = self.state.clone();
        let call = move |on: &OnLoop| {
            if let Ok(state) = state.open(on) {
                call(on, &state);
            }
        };
        self.handle.call_from_thread(call).is_ok()
    }
}

/// The lookup goes to the pool, and what waits for it here is a closure.
fn look_up_elsewhere(on: &OnLoop, state: &Rc<State>, name: String) {
    let work = {
        let (name, handle) = (name.clone(), on.handle().clone());
        move || look_up(&name, &handle)
    };
    let callback = {
        let state = Rc::clone(state);
        move |on: &OnLoop, end: Result<Answer, DeferError>| {
            let answer = end.unwrap_or_else(|error| Answer::none(&error));
            state.answer(on, &name, &answer);
        }
    };
    if let Err(NotDeferred { rejected, callback }) = on.defer_to_thread(work, callback) {
        // It was not called, and comes back to be.
        callback(on, Ok(Answer::none(&rejected)));
    }
}

/// A call each millisecond, from a thread that sleeps in between. A call that submits itself again, or a future
/// that wakes itself, would tick as well, and keep a core busy at it: one of those that the lookups need.
fn tick(handle: LoopHandle, state: Confined<State>) -> JoinHandle<()> {
    thread::spawn(move || {
        loop {
            thread::sleep(TICK);
            let state = state.clone();
            let tick = move |on: &OnLoop| {
                if let Ok(state) = state.open(on) {
                    state.tick();
                }
            };
            if handle.call_from_thread(tick).is_err() {
                break;
            }
        }
    })
}
