//! A loop inside a poll loop of mio's: a server that answers slow questions, and stays quick.
//!
//! `cargo run --example on_mio`
//!
//! The poll loop waits for its socket and for our calls. Its queue of turns is a memory worker, which mio's
//! `Waker` announces. A datagram with a number is answered with its square, which a thread works out; the
//! answer is sent by the loop, which alone has the socket.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "an example is a user's code, which no engine has to see"
)]

use std::cell::Cell;
use std::error::Error;
use std::io;
use std::net::{self, SocketAddr};
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use brigade::{EventLoop, MemoryWorker, OnLoop, Refused, RunOnLoop, Task, memory_worker};
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token, Waker};

const CALLS: Token = Token(0);
const SOCKET: Token = Token(1);

struct OnMio {
    turns: MemoryWorker,
    waker: Waker,
}

impl RunOnLoop for OnMio {
    fn run_on_loop(&self, task: Task) -> Result<(), Refused> {
        // Refused once the poll loop has dropped its performer.
        self.turns.execute(task)?;
        self.waker.wake().expect("the poll's descriptor is open");
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut poll = Poll::new()?;
    let mut socket = UdpSocket::bind("127.0.0.1:0".parse()?)?;
    poll.registry()
        .register(&mut socket, SOCKET, Interest::READABLE)?;
    let address = socket.local_addr()?;
    let socket = Rc::new(socket);

    let (turns, performer) = memory_worker();
    let waker = Waker::new(poll.registry(), CALLS)?;
    let event_loop = EventLoop::builder().build_on(OnMio { turns, waker })?;
    let handle = event_loop.handle();
    let asked = event_loop.here().confine(Cell::new(false));
    let client = thread::spawn({
        let asked = asked.clone();
        move || {
            let answers = ask(address);
            let call = handle.call_from_thread(move |on| {
                let asked = asked.open(on).expect("it is this loop's");
                asked.set(true);
            });
            call.expect("the poll loop goes on until then");
            answers
        }
    });

    let mut events = Events::with_capacity(8);
    let asked = asked.open(event_loop.here())?;
    while !asked.get() {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                CALLS => {
                    performer.drain();
                }
                _ => answer_all(event_loop.here(), &socket)?,
            }
        }
    }
    drop(performer);
    assert!(event_loop.end().is_empty());
    let answers = client.join().map_err(|_| "the client panicked")??;
    println!("squares: {answers:?}");
    assert_eq!(answers, [9, 16, 25]);
    Ok(())
}

/// Answers whatever has come. A datagram that is no number gets no answer.
fn answer_all(on: &OnLoop, socket: &Rc<UdpSocket>) -> Result<(), Box<dyn Error>> {
    let mut buffer = [0; 32];
    loop {
        let (length, from) = match socket.recv_from(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            other => other?,
        };
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        let socket = Rc::clone(socket);
        let work = move || text.parse::<u32>().map(|number| u64::from(number).pow(2));
        on.defer_to_thread(work, move |on, square| {
            assert!(on.handle().is_on_loop_thread());
            if let Ok(Ok(square)) = square {
                // What is lost on the way is asked for again.
                let _ = socket.send_to(square.to_string().as_bytes(), from);
            }
        })?;
    }
}

/// The other side: asks, and waits for each answer.
fn ask(address: SocketAddr) -> io::Result<Vec<u64>> {
    let socket = net::UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut answers = Vec::new();
    for number in [3, 4, 5] {
        socket.send(b"not a number")?;
        socket.send(number.to_string().as_bytes())?;
        let mut buffer = [0; 32];
        let length = socket.recv(&mut buffer)?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        answers.push(text.parse().map_err(io::Error::other)?);
    }
    Ok(answers)
}
