//! Futures that the loop drives, on its own thread.
//!
//! # State
//! A [`Driven`] a future, in the loop's `futures`; its `future` is out while it is polled. A [`Wakes`] is what
//! its wakers share: `queued` says that a poll of it waits in the inbox.
//!
//! # Invariants
//! - T9: `queued` is cleared before a poll, so whoever wakes the future during it queues another.
//! - A future is dropped on the loop's thread: when it is done, has panicked, or the loop ends.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

use super::call::LoopClosed;
use super::inbox::Inbox;
use super::on_loop::OnLoop;
use crate::contain::{Payload, contain, reporting};
use crate::primitives::{Arc, Mutex};
use crate::probe::Identity;
use crate::task::{Announcement, Job, Once, Task};

/// A job of the loop's own, which is never handed out.
struct Internal<F> {
    work: F,
    identity: Identity,
}

impl<F: FnOnce(&OnLoop) + Send + 'static> Once for Internal<F> {
    const STAYS: bool = true;
    fn run(self) -> Option<Announcement> {
        if let Some(on) = OnLoop::current() {
            (self.work)(&on);
        }
        None
    }
    fn identity(&self) -> Identity {
        self.identity
    }
}

pub(super) fn internal<F: FnOnce(&OnLoop) + Send + 'static>(work: F) -> Job {
    // A larger one would be boxed, and handed out like a user's.
    const { assert!(size_of::<F>() <= Task::INLINE_BYTES) };
    let identity = Identity::new();
    Job::from(Task::ticket(Internal { work, identity }))
}

/// The number of the future that `run_until` waits for, which is not the loop's to keep.
const ROOT: usize = 0;

pub(super) struct Driven {
    /// `None` while it is polled.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    wakes: Arc<Wakes>,
}

pub(super) struct Wakes {
    inbox: Arc<Inbox>,
    number: usize,
    queued: Mutex<bool>,
}

impl Wakes {
    /// Those of the future that `run_until` waits for.
    pub(super) fn root(inbox: &Arc<Inbox>) -> Self {
        Self {
            inbox: Arc::clone(inbox),
            number: ROOT,
            queued: Mutex::new(false),
        }
    }

    /// From now on, a wake-up queues a poll.
    pub(super) fn rearm(&self) {
        *self.queued.lock() = false;
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        if mem::replace(&mut *self.queued.lock(), true) {
            return;
        }
        let number = self.number;
        // An `Err` says that the loop has ended, or is about to: it polls no more.
        let _ = self.inbox.push(internal(move |on| on.poll(number)));
    }
}

impl OnLoop {
    /// Has the loop drive a future, which need not be `Send`, on its thread. It is polled for the first time
    /// after the calls that wait by now. When the loop ends, so does the future: it is dropped.
    ///
    /// A panic of the future goes to the loop's panic handler.
    ///
    /// # Errors
    /// [`LoopClosed`], with the future, if the loop takes no more.
    ///
    /// ```
    /// use std::rc::Rc;
    /// use brigade::EventLoop;
    ///
    /// # brigade::primitives::example(|| {
    /// let event_loop = EventLoop::new();
    /// let handle = event_loop.handle();
    /// let name = Rc::new("not Send");
    /// event_loop.here().spawn(async move {
    ///     let length = handle.defer_to_thread(|| 6 * 7).unwrap().await;
    ///     println!("{name}: {}", length.unwrap());
    ///     handle.quit().unwrap();
    /// }).unwrap();
    /// event_loop.run().unwrap();
    /// # });
    /// ```
    pub fn spawn<F: Future<Output = ()> + 'static>(&self, future: F) -> Result<(), LoopClosed<F>> {
        let number = self.number();
        if self.queue_poll(number).is_err() {
            return Err(LoopClosed(future));
        }
        self.keep(number, future);
        Ok(())
    }

    /// [`OnLoop::spawn`] of what has to end on this thread: a loop that takes no more drops it when it ends; one
    /// that has ended, now.
    pub(super) fn drive(&self, future: impl Future<Output = ()> + 'static) {
        if self.is_over() {
            return;
        }
        let number = self.number();
        self.keep(number, future);
        drop(self.queue_poll(number));
    }

    fn queue_poll(&self, number: usize) -> Result<(), Job> {
        self.inbox().push(internal(move |on| on.poll(number)))
    }

    fn keep(&self, number: usize, future: impl Future<Output = ()> + 'static) {
        let wakes = Arc::new(Wakes {
            inbox: Arc::clone(self.inbox()),
            number,
            queued: Mutex::new(true),
        });
        let future: Option<Pin<Box<dyn Future<Output = ()>>>> = Some(Box::pin(future));
        let driven = Driven { future, wakes };
        self.0.futures.borrow_mut().insert(number, driven);
    }

    fn poll(&self, number: usize) {
        if number == ROOT {
            self.0.root_woken.set(true);
            return;
        }
        let out = self.0.futures.borrow_mut().get_mut(&number).map(|driven| {
            let future = driven.future.take();
            (future, Arc::clone(&driven.wakes))
        });
        let Some((Some(mut future), wakes)) = out else {
            return;
        };
        wakes.rearm();
        let waker = Waker::from(wakes);
        let mut context = Context::from_waker(&waker);
        let mut done = true;
        let on_panic = &self.inbox().on_panic;
        reporting(on_panic, || {
            done = future.as_mut().poll(&mut context).is_ready();
        });
        if !done && let Some(driven) = self.0.futures.borrow_mut().get_mut(&number) {
            driven.future = Some(future);
            return;
        }
        let driven = self.0.futures.borrow_mut().remove(&number);
        reporting(on_panic, || drop((future, driven)));
    }
}

/// A future whose panic, or that of its drop, is its output.
pub(super) struct Contained<F>(Option<Pin<Box<F>>>);

impl<F> Contained<F> {
    pub(super) fn new(future: F) -> Self {
        Self(Some(Box::pin(future)))
    }
}

impl<F: Future> Future for Contained<F> {
    type Output = Result<F::Output, Payload>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = contain(|| {
            let polled = match &mut self.0 {
                Some(future) => future.as_mut().poll(context),
                None => Poll::Pending,
            };
            if polled.is_ready() {
                self.0 = None;
            }
            polled
        });
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}
