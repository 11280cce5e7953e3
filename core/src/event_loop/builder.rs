//! How a loop is made.

use std::fmt;
use std::rc::Rc;

use super::EventLoop;
use super::first_use::FirstUse;
use super::handle::LoopHandle;
use super::host::{self, RunOnLoop};
use super::inbox::Inbox;
use super::on_loop::OnLoop;
use crate::contain::{PanicHandler, Payload, hook_only};
use crate::primitives::Arc;
use crate::thread_pool::{BuildError, Builder, ThreadPool};

/// Makes an [`EventLoop`]: [`EventLoop::builder`].
#[must_use = "a builder makes nothing before `build`"]
pub struct EventLoopBuilder {
    pool: Builder,
    on_panic: PanicHandler,
}

impl EventLoopBuilder {
    pub(super) fn new() -> Self {
        Self {
            pool: ThreadPool::builder().sizes(5, 10).name("loop"),
            on_panic: hook_only(),
        }
    }

    /// What the loop's thread pool is to be like: of 5 to 10 threads called `loop`, unless told.
    pub fn pool(mut self, pool: Builder) -> Self {
        self.pool = pool;
        self
    }

    /// Called with the panic of each call, callback, future and drop that the loop contained: on the loop's
    /// thread; or, of a host that is lost and of calls that are dropped with it, on the one that finds it so. Unless told, the process's panic hook, which has printed it, is all that is told.
    pub fn on_panic(mut self, handler: impl Fn(Payload) + Send + Sync + 'static) -> Self {
        self.on_panic = Arc::new(handler);
        self
    }

    /// Makes the loop, which is this thread's.
    ///
    /// # Errors
    /// [`BuildError`], if there can be no such pool.
    pub fn build(self) -> Result<EventLoop, BuildError> {
        self.make(None)
    }

    /// Makes a loop that is hosted by another one: the one whose thread this is. It needs no
    /// [`run`](EventLoop::run): when there are calls, it asks its host to run a turn. When the host ends, the
    /// loop is to be ended, or dropped, on this thread. If the host refuses a turn, or drops one, the loop stops.
    ///
    /// # Errors
    /// [`BuildError`], if there can be no such pool.
    ///
    /// ```
    /// use brigade::EventLoop;
    ///
    /// # brigade::primitives::example(|| {
    /// let host = EventLoop::new(); // or any loop that implements `RunOnLoop`
    /// let guest = EventLoop::builder().build_on(host.handle()).unwrap();
    /// guest.handle().call_from_thread(|_| println!("a turn of the guest")).unwrap();
    /// host.handle().quit().unwrap();
    /// host.run().unwrap();
    /// assert!(guest.end().is_empty());
    /// # });
    /// ```
    pub fn build_on(self, host: impl RunOnLoop) -> Result<EventLoop, BuildError> {
        let event_loop = self.make(Some(Box::new(host)))?;
        host::host(Rc::downgrade(&event_loop.on.0));
        // It runs as long as its host does, whose loop that is to know.
        let inbox = event_loop.on.inbox();
        inbox.pool.begin(inbox.object);
        Ok(event_loop)
    }

    fn make(self, host: Option<Box<dyn RunOnLoop>>) -> Result<EventLoop, BuildError> {
        let pool = FirstUse::new(self.pool.build()?);
        let inbox = Arc::new(Inbox::new(host, self.on_panic, pool));
        Ok(EventLoop {
            on: OnLoop::new(LoopHandle(inbox)),
        })
    }
}

impl fmt::Debug for EventLoopBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoopBuilder")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}
