//! A loop under test, and the account of its calls.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brigade::primitives::thread::{self, ThreadId};
use brigade::{
    BlockingCallError, DeferError, EventLoop, EventLoopBuilder, LoopHandle, OnLoop, RunError,
    Thread, ThreadPool,
};

use crate::world::{Payload, Shared};

/// What became of one call.
#[derive(Clone, Copy)]
struct Fate {
    by: ThreadId,
    accepted: bool,
    refused: bool,
    /// Its caller, who waited, was told that the loop stopped.
    told: bool,
    ran: usize,
    given_back: bool,
    gone: bool,
}

/// What became of the calls of one loop.
pub(super) struct Account {
    world: Shared,
    owner: ThreadId,
    /// The loop's owner drops the calls that it was given back.
    giving: AtomicBool,
    /// It dropped the loop, with all that waited.
    dropped: AtomicBool,
    fates: Mutex<Vec<Fate>>,
}

impl Account {
    fn fates(&self) -> MutexGuard<'_, Vec<Fate>> {
        self.fates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_owner(&self) -> bool {
        thread::current().id() == self.owner
    }

    fn ticket(self: &Arc<Self>) -> Ticket {
        let mut fates = self.fates();
        let number = fates.len();
        fates.push(Fate {
            by: thread::current().id(),
            accepted: false,
            refused: false,
            told: false,
            ran: 0,
            given_back: false,
            gone: false,
        });
        drop(fates);
        let payload = Payload::default();
        payload.set(number + 1);
        Ticket {
            account: Arc::clone(self),
            number,
            payload,
        }
    }

    fn accepted(&self, number: usize) -> Fate {
        self.world.tell(0, number);
        let mut fates = self.fates();
        fates[number].accepted = true;
        fates[number]
    }

    /// What is dropped now is the owner's.
    fn give<T>(&self, what: T) {
        self.giving.store(true, SeqCst);
        drop(what);
        self.giving.store(false, SeqCst);
    }

    /// The call came back: whole, and the caller's own.
    fn refused<T>(&self, number: usize, call: T) {
        self.world.tell(1, number);
        let fate = self.fates()[number];
        assert!(!fate.gone, "W2 a call was refused and not handed back");
        assert_eq!(fate.ran, 0, "W2 a call was refused and run");
        self.fates()[number].refused = true;
        drop(call);
        let gone = self.fates()[number].gone;
        assert!(gone, "W2 another call was handed back");
    }
}

/// Everything that was submitted has come to its one end.
impl Drop for Account {
    fn drop(&mut self) {
        let dropped = self.dropped.load(SeqCst);
        for fate in self.fates().iter() {
            assert!(fate.gone, "T10 a call was not dropped");
            assert!(fate.ran <= 1, "W1 a call ran twice");
            if fate.refused {
                assert!(!fate.given_back && fate.ran == 0, "W2 a refused call ended");
            } else if fate.told {
                let own = dropped || !fate.given_back;
                assert!(own, "E3 a call that was waited for was given back");
            } else {
                assert!(fate.accepted, "W1 a call did not return");
                let ends = fate.ran + usize::from(fate.given_back);
                assert_eq!(ends, 1, "E3 a call was neither run nor given back");
            }
        }
    }
}

/// Rides in a call.
struct Ticket {
    account: Arc<Account>,
    number: usize,
    /// Written by the caller, read by the loop: an edge that is missing is a race to loom.
    payload: Payload,
}

impl Ticket {
    fn run(&self) {
        let account = &self.account;
        let here = account.is_owner();
        assert!(here, "E1 a call ran on another thread than the loop's");
        assert_eq!(self.payload.get(), self.number + 1, "W5 stale data");
        account.world.tell(2, self.number);
        let mut fates = account.fates();
        fates[self.number].ran += 1;
        let by = fates[self.number].by;
        let overtaken = fates[..self.number]
            .iter()
            .any(|before| before.by == by && before.accepted && before.ran == 0 && !before.gone);
        drop(fates);
        assert!(!overtaken, "E1 a call overtook an older one of its caller");
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let account = &self.account;
        let given_back = account.giving.load(SeqCst) && account.is_owner();
        let mut fates = account.fates();
        let fate = &mut fates[self.number];
        fate.given_back = given_back && fate.ran == 0 && !fate.refused;
        fate.gone = true;
    }
}

/// Who calls the loop, from whatever thread.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) handle: LoopHandle,
    account: Arc<Account>,
}

impl Caller {
    pub(super) fn world(&self) -> &Shared {
        &self.account.world
    }

    /// A call that does nothing more; whether it was accepted.
    pub(super) fn call(&self) -> bool {
        self.call_and(|_| ())
    }

    pub(super) fn call_and(&self, act: impl FnOnce(&OnLoop) + Send + 'static) -> bool {
        let ticket = self.account.ticket();
        let number = ticket.number;
        let answer = self.handle.call_from_thread(move |on| {
            ticket.run();
            act(on);
        });
        match answer {
            Ok(()) => self.account.accepted(number).accepted,
            Err(refused) => {
                self.account.refused(number, refused);
                false
            }
        }
    }

    pub(super) fn execute_and(&self, act: impl FnOnce() + Send + 'static) -> bool {
        let ticket = self.account.ticket();
        let number = ticket.number;
        let answer = self.handle.execute(move || {
            ticket.run();
            act();
        });
        match answer {
            Ok(()) => self.account.accepted(number).accepted,
            Err(refused) => {
                self.account.refused(number, refused);
                false
            }
        }
    }

    /// A call that is waited for.
    pub(super) fn block(&self) {
        self.block_and(|_| ());
    }

    pub(super) fn block_and(&self, act: impl FnOnce(&OnLoop) + Send + 'static) {
        let ticket = self.account.ticket();
        let number = ticket.number;
        let answer = self.handle.blocking_call_from_thread(move |on| {
            ticket.run();
            act(on);
            ticket.number
        });
        let ran = self.judge(number, answer);
        let fate = self.account.fates()[number];
        assert_eq!(ran, fate.ran == 1, "E3 the answer is not what happened");
    }

    /// A future that the loop drives, and that is waited for.
    pub(super) fn block_until<F: Future<Output = ()> + 'static>(
        &self,
        act: impl FnOnce(&OnLoop) -> F + Send + 'static,
    ) {
        let ticket = self.account.ticket();
        let number = ticket.number;
        let answer = self.handle.blocking_call_from_thread_until(move |on| {
            ticket.run();
            let future = act(on);
            async move {
                future.await;
                ticket.number
            }
        });
        self.judge(number, answer);
    }

    /// Whether there was a value.
    fn judge(&self, number: usize, answer: Result<usize, BlockingCallError>) -> bool {
        match answer {
            Ok(value) => {
                assert_eq!(value, number, "E3 another call's value");
                self.account.accepted(number);
                true
            }
            Err(BlockingCallError::Stopped) => {
                self.world().tell(3, number);
                self.account.fates()[number].told = true;
                false
            }
            Err(BlockingCallError::Closed(call)) => {
                self.account.refused(number, call);
                false
            }
            Err(other) => panic!("E3 {other}"),
        }
    }

    /// A blocking call from the loop's own thread.
    pub(super) fn block_on_own_thread(&self) {
        let ticket = self.account.ticket();
        let number = ticket.number;
        let answer = self.handle.blocking_call_from_thread(move |_| ticket.run());
        match answer {
            Err(BlockingCallError::OnLoopThread(call)) => self.account.refused(number, call),
            other => panic!("E2 a blocking call on the loop's own thread: {other:?}"),
        }
    }

    pub(super) fn quit(&self) -> bool {
        let won = self.handle.quit().is_ok();
        self.world().tell(4, usize::from(won));
        won
    }

    pub(super) fn stop(&self) -> bool {
        let won = self.handle.stop().is_ok();
        self.world().tell(5, usize::from(won));
        won
    }

    /// What a deferred result is called back with, once, on the loop.
    pub(super) fn callback(&self) -> Callback {
        Callback {
            caller: self.clone(),
            called: 0,
        }
    }
}

/// Rides in a callback.
pub(super) struct Callback {
    pub(super) caller: Caller,
    called: usize,
}

impl Callback {
    pub(super) fn call(&mut self, result: &Result<usize, DeferError>) {
        self.called += 1;
        let here = self.caller.account.is_owner();
        assert!(here, "E4 a callback was called on another thread");
        let told = match result {
            Ok(7) => 0,
            Err(DeferError::LoopEnded) => 1,
            other => panic!("E4 a callback was called with {other:?}"),
        };
        self.caller.world().tell(6, told);
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        assert_eq!(self.called, 1, "E4 calls of a callback");
    }
}

/// A loop under test, on this thread.
pub(super) struct Stage {
    pub(super) event_loop: EventLoop,
    account: Arc<Account>,
}

impl Stage {
    pub(super) fn new(world: &Shared) -> Self {
        Self::with(world, EventLoopBuilder::build)
    }

    /// One that is built so; its pool has at most one thread, and none before it is used.
    pub(super) fn with<E: std::fmt::Debug>(
        world: &Shared,
        build: impl FnOnce(EventLoopBuilder) -> Result<EventLoop, E>,
    ) -> Self {
        let held = Arc::clone(world);
        let pool = ThreadPool::builder().sizes(0, 1);
        // A thread that the loop does not wait for ends within the execution all the same.
        let pool = pool.start_with(move |_, body| {
            let held = Arc::clone(&held);
            let thread = thread::spawn("worker", move || {
                body.run();
                drop(held);
            });
            thread.map(Thread::from)
        });
        let built = build(EventLoop::builder().pool(pool));
        Self {
            event_loop: built.expect("there can be such a pool"),
            account: Arc::new(Account {
                world: Arc::clone(world),
                owner: thread::current().id(),
                giving: AtomicBool::new(false),
                dropped: AtomicBool::new(false),
                fates: Mutex::default(),
            }),
        }
    }

    pub(super) fn caller(&self) -> Caller {
        Caller {
            handle: self.event_loop.handle(),
            account: Arc::clone(&self.account),
        }
    }

    /// Another thread calls.
    pub(super) fn actor(&self, act: impl FnOnce(&Caller) + Send + 'static) {
        let caller = self.caller();
        let actor = thread::spawn("actor", move || act(&caller));
        drop(actor.expect("an actor starts"));
    }

    /// Runs until it is over: then it is for good.
    pub(super) fn run(self) {
        let given_back = self.event_loop.run();
        let given_back = given_back.expect("E3 it can run");
        let again = self.event_loop.run();
        let ended = matches!(again, Err(RunError::Ended));
        assert!(ended, "E3 it ran again after its end");
        self.account.give(given_back);
    }

    /// Ends here and now.
    pub(super) fn end(self) {
        self.account.give(self.event_loop.end());
    }

    /// Drops the loop, and what waits with it.
    pub(super) fn drop_loop(self) {
        self.account.dropped.store(true, SeqCst);
        self.account.give(self.event_loop);
    }
}
