//! Against a `VecDeque`, and what the allocator sees.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::resume_unwind;

use proptest::prelude::*;

use super::*;
use crate::completion::{Awaited, completion};
use crate::primitives::Arc;
use crate::probe::IDENTITY_WORDS;
use crate::task::Task;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    /// Below 0 where this thread frees what another allocated.
    static LIVE_BYTES: Cell<isize> = const { Cell::new(0) };
    /// What was run and dropped: how many bytes it captured, and which.
    static RAN: RefCell<Vec<(usize, u8)>> = const { RefCell::new(Vec::new()) };
    static DROPPED: RefCell<Vec<(usize, u8)>> = const { RefCell::new(Vec::new()) };
}

/// Counts for each thread by itself, as tests run beside each other.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator, as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        LIVE_BYTES.set(LIVE_BYTES.get() + layout.size() as isize);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        LIVE_BYTES.set(LIVE_BYTES.get() - layout.size() as isize);
        // SAFETY: as above; all memory comes from `System`.
        unsafe { System.dealloc(memory, layout) }
    }
}

/// How many bytes are live that were not when as many were as `before` says.
fn live_since(before: isize) -> usize {
    usize::try_from(LIVE_BYTES.get() - before).unwrap()
}

/// Captures of so many bytes, all the same, that say when they are dropped.
struct Bytes<const SIZE: usize>([u8; SIZE]);

impl<const SIZE: usize> Bytes<SIZE> {
    fn what(&self) -> (usize, u8) {
        let first = self.0.first().copied().unwrap_or_default();
        assert!(self.0.iter().all(|it| *it == first), "captures are damaged");
        (SIZE, first)
    }
}

impl<const SIZE: usize> Drop for Bytes<SIZE> {
    fn drop(&mut self) {
        DROPPED.with_borrow_mut(|all| all.push(self.what()));
    }
}

type Make = fn(u8) -> Job;

fn make<const SIZE: usize>(which: u8) -> Job {
    let bytes = Bytes([which; SIZE]);
    Job::from(Task::new(move || {
        let bytes = bytes;
        RAN.with_borrow_mut(|all| all.push(bytes.what()));
    }))
}

macro_rules! sizes {
    ($($size:literal)*) => { [$(($size, make::<$size>)),*] };
}

/// Every size that stands inline, and two that are boxed.
const SIZES: [(usize, Make); 51] = sizes![
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35
    36 37 38 39 40 41 42 43 44 45 46 47 48 49 200
];

/// A job of a size, and what it says when it is run or dropped.
fn numbered(size: usize, which: u8) -> (Job, (usize, u8)) {
    let (size, make) = SIZES[size % SIZES.len()];
    (make(which), (size, if size == 0 { 0 } else { which }))
}

fn ran() -> Vec<(usize, u8)> {
    RAN.take()
}

fn dropped() -> Vec<(usize, u8)> {
    DROPPED.take()
}

/// Pushes or pops so many jobs.
#[derive(Clone, Debug)]
enum Step {
    Push(Vec<(usize, u8)>),
    /// The same job over and over, to go from block to block.
    Many(usize, usize),
    Pop(usize),
    DropPopped(usize),
    Drain,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        prop::collection::vec((0..SIZES.len(), any::<u8>()), 1..30).prop_map(Step::Push),
        (0..SIZES.len(), 1..400_usize).prop_map(|(size, times)| Step::Many(size, times)),
        (1..300_usize).prop_map(Step::Pop),
        (1..300_usize).prop_map(Step::DropPopped),
        Just(Step::Drain),
    ]
}

/// Pops a job, and says what it was by running or dropping it.
fn pop(jobs: &mut Jobs, run: bool) -> Option<(usize, u8)> {
    let job = jobs.pop()?;
    if run {
        job.run();
        let ran = ran();
        assert_eq!(dropped(), ran, "captures dropped otherwise than run");
        Some(ran[0])
    } else {
        drop(job);
        let dropped = dropped();
        assert_eq!(dropped.len(), 1, "captures dropped not once");
        Some(dropped[0])
    }
}

proptest! {
    #[test]
    fn w1_t4_the_same_as_a_deque(steps in prop::collection::vec(step(), 1..40)) {
        let (mut jobs, mut model) = (Jobs::new(), VecDeque::new());
        for step in steps {
            let (pops, run) = match step {
                Step::Push(all) => {
                    for (size, which) in all {
                        let (job, what) = numbered(size, which);
                        jobs.push(job);
                        model.push_back(what);
                    }
                    (0, true)
                }
                Step::Many(size, times) => {
                    for n in 0..times {
                        let (job, what) = numbered(size, n as u8);
                        jobs.push(job);
                        model.push_back(what);
                    }
                    (0, true)
                }
                Step::Pop(times) => (times, true),
                Step::DropPopped(times) => (times, false),
                Step::Drain => (model.len() + 1, true),
            };
            for _ in 0..pops {
                prop_assert_eq!(pop(&mut jobs, run), model.pop_front());
            }
            prop_assert_eq!(jobs.len(), model.len());
            prop_assert_eq!(jobs.len() == 0, model.is_empty());
        }
        drop(jobs);
        prop_assert_eq!(dropped(), Vec::from(model), "what was left is dropped, in order");
        prop_assert_eq!(ran(), []);
    }
}

#[test]
fn a_new_queue_allocates_nothing() {
    let before = ALLOCATIONS.get();
    let mut jobs = Jobs::new();
    assert!(jobs.pop().is_none());
    drop(jobs);
    assert_eq!(ALLOCATIONS.get(), before);
}

#[test]
fn a_waiting_job_takes_little_more_than_its_captures() {
    const JOBS: usize = 100_000;
    let identity = IDENTITY_WORDS * size_of::<usize>();
    let limits: [(Make, usize); 3] = [(make::<0>, 9), (make::<8>, 17), (make::<48>, 58)];
    for (make, limit) in limits {
        let before = LIVE_BYTES.get();
        let mut jobs = Jobs::new();
        for _ in 0..JOBS {
            jobs.push(make(7));
        }
        let each = live_since(before).div_ceil(JOBS);
        assert!(each <= limit + identity, "{each} bytes for each job");
        while jobs.pop().is_some() {}
        // Its room counts too, until it is dropped.
        DROPPED.take();
        let left = live_since(before);
        let most = (KEEP + 1) * size_of::<Block>();
        assert!(left <= most, "{left} bytes are kept");
        drop(jobs);
        assert_eq!(LIVE_BYTES.get(), before, "a block leaks");
    }
}

/// A backlog is given back as it drains, and at no time is there more than what waits needs.
#[test]
fn a_backlog_is_given_back_as_it_drains() {
    const JOBS: usize = 10_000;
    let record = (7 + IDENTITY_WORDS) * size_of::<usize>();
    let most = |jobs: usize, kept: usize| jobs * (record + 1) + (kept + 2) * size_of::<Block>();
    let mut jobs = Jobs::new();
    // All that stands inline: whatever is live besides is the queue's.
    let job = || {
        let captures = [1_u8; 48];
        Job::from(Task::new(move || assert_eq!(captures[0], 1)))
    };
    let before = LIVE_BYTES.get();
    for _ in 0..JOBS {
        jobs.push(job());
        let live = live_since(before);
        assert!(live <= most(jobs.len(), 0), "{live} for {}", jobs.len());
    }
    while jobs.pop().is_some() {
        let live = live_since(before);
        assert!(live <= most(jobs.len(), KEEP), "{live} for {}", jobs.len());
    }
}

/// Bursts that an empty queue keeps the room for.
#[test]
fn a_burst_after_another_allocates_nothing() {
    let mut jobs = Jobs::new();
    let mut burst = || {
        for n in 0..1800_usize {
            jobs.push(Job::from(Task::new(move || assert_ne!(n, usize::MAX))));
        }
        while let Some(job) = jobs.pop() {
            job.run();
        }
    };
    burst();
    let before = ALLOCATIONS.get();
    burst();
    assert_eq!(ALLOCATIONS.get(), before);
}

/// Backlogs that keep their length, from none to several blocks, pass many a block's end.
#[test]
fn a_steady_backlog_allocates_nothing() {
    for waiting in [0, 1, 10, 252, 253, 254, 300, 2000] {
        let mut jobs = Jobs::new();
        let job = |n: usize| Job::from(Task::new(move || assert_ne!(n, usize::MAX)));
        let turn = |jobs: &mut Jobs| {
            for n in 0..1000 {
                jobs.push(job(n));
                jobs.pop().unwrap().run();
            }
        };
        for n in 0..waiting {
            jobs.push(job(n));
        }
        turn(&mut jobs);
        let before = ALLOCATIONS.get();
        for _ in 0..10 {
            turn(&mut jobs);
        }
        assert_eq!(ALLOCATIONS.get(), before, "{waiting} wait");
        assert_eq!(jobs.len(), waiting);
    }
}

/// An empty queue is at the start of its one block again.
#[test]
fn an_empty_queue_starts_again() {
    let mut jobs = Jobs::new();
    jobs.push(make::<8>(1));
    let start = jobs.head;
    for n in 0..1000 {
        assert!(jobs.pop().is_some());
        assert_eq!((jobs.head, jobs.tail), (start, start), "after {n}");
        jobs.push(make::<48>(2));
    }
    assert!(jobs.spare.is_null(), "one block was enough");
}

#[test]
fn w8_a_drop_that_panics_loses_no_other_job() {
    struct Fails(#[allow(dead_code, reason = "it is there to be dropped")] Bytes<1>);
    impl Drop for Fails {
        fn drop(&mut self) {
            resume_unwind(Box::new("the drop of a capture"));
        }
    }
    let mut jobs = Jobs::new();
    for _ in 0..600 {
        let (fails, bytes) = (Fails(Bytes([3])), Bytes([1; 20]));
        jobs.push(Job::from(Task::new(move || drop((fails, bytes)))));
    }
    drop(jobs);
    let dropped = dropped();
    let of = |what| dropped.iter().filter(|it| **it == what).count();
    assert_eq!((of((1, 3)), of((20, 1))), (600, 600));
}

#[test]
fn it_may_be_sent_with_its_jobs() {
    let mut jobs = Jobs::new();
    for n in 0..1000 {
        jobs.push(make::<16>(n as u8));
    }
    let other = std::thread::spawn(move || {
        while let Some(job) = jobs.pop() {
            job.run();
        }
        ran().len()
    });
    assert_eq!(other.join().unwrap(), 1000);
}

/// A job that can be withdrawn, and by what.
fn withdrawable(what: (usize, u8)) -> (Job, Arc<dyn Awaited<()>>) {
    completion(move || RAN.with_borrow_mut(|all| all.push(what)))
}

/// What a model of the queue knows of a job.
struct Modelled {
    what: (usize, u8),
    handle: Option<Arc<dyn Awaited<()>>>,
    void: bool,
}

impl Modelled {
    fn withdraw(&mut self) {
        if let Some(handle) = &self.handle
            && !self.void
        {
            assert!(handle.withdraw());
            handle.cancel().unwrap();
            self.void = true;
        }
    }

    /// Nobody but the handle has the cell.
    fn is_gone(&self) -> bool {
        self.handle
            .as_ref()
            .is_none_or(|handle| Arc::strong_count(handle) == 1)
    }
}

/// Pushes jobs, withdraws some of those that wait, and drops or takes what comes first.
#[derive(Clone, Debug)]
enum Withdrawal {
    Push(usize, usize),
    PushWithdrawable(usize),
    /// So many in a row, from this one, as far as there are.
    Withdraw(usize, usize),
    DropVoid,
    /// As the ledger does: after each, what is void is dropped.
    Pop(usize),
}

fn withdrawal() -> impl Strategy<Value = Withdrawal> {
    prop_oneof![
        2 => (0..SIZES.len(), 1..150_usize).prop_map(|(size, times)| Withdrawal::Push(size, times)),
        3 => (1..400_usize).prop_map(Withdrawal::PushWithdrawable),
        4 => (0..900_usize, 1..700_usize).prop_map(|(from, n)| Withdrawal::Withdraw(from, n)),
        3 => Just(Withdrawal::DropVoid),
        2 => (1..300_usize).prop_map(Withdrawal::Pop),
    ]
}

/// Drops what comes first and is void, and says how many that should have been.
fn drop_void(jobs: &mut Jobs, model: &mut VecDeque<Modelled>) -> (usize, usize) {
    let expected = model.iter().take_while(|it| it.void).count();
    let found = jobs.drop_void();
    assert!(
        model.drain(..expected).all(|it| it.is_gone()),
        "a void place is kept"
    );
    (found, expected)
}

proptest! {
    #[test]
    fn w1_t4_void_places_are_dropped_up_to_the_first_job(
        steps in prop::collection::vec(withdrawal(), 1..40)
    ) {
        let (mut jobs, mut model) = (Jobs::new(), VecDeque::<Modelled>::new());
        for step in steps {
            match step {
                Withdrawal::Push(size, times) => for n in 0..times {
                    let (job, what) = numbered(size, n as u8);
                    jobs.push(job);
                    model.push_back(Modelled { what, handle: None, void: false });
                },
                Withdrawal::PushWithdrawable(times) => for n in 0..times {
                    let what = (usize::MAX, n as u8);
                    let (job, handle) = withdrawable(what);
                    jobs.push(job);
                    model.push_back(Modelled { what, handle: Some(handle), void: false });
                },
                Withdrawal::Withdraw(from, n) => {
                    model.iter_mut().skip(from).take(n).for_each(Modelled::withdraw);
                }
                Withdrawal::DropVoid => {
                    let (found, expected) = drop_void(&mut jobs, &mut model);
                    prop_assert_eq!(found, expected);
                }
                Withdrawal::Pop(times) => for _ in 0..times {
                    let (found, expected) = drop_void(&mut jobs, &mut model);
                    prop_assert_eq!(found, expected);
                    let Some(next) = model.pop_front() else {
                        prop_assert!(jobs.pop().is_none());
                        break;
                    };
                    if let Some(end) = jobs.pop().unwrap().run() {
                        end.announce();
                    }
                    prop_assert_eq!(ran(), [next.what]);
                    prop_assert!(next.is_gone());
                    dropped();
                },
            }
            prop_assert_eq!(jobs.len(), model.len());
        }
        drop(jobs);
        for left in &model {
            prop_assert!(left.is_gone());
            // Closed, if it was not cancelled.
            prop_assert!(left.handle.as_ref().is_none_or(|handle| handle.is_finished()));
        }
        dropped();
        prop_assert_eq!(ran(), []);
    }
}

/// Nothing but what is void, over several blocks: the queue is empty after it, and starts again.
#[test]
fn t9_a_queue_of_which_all_is_void_is_emptied() {
    // As many as there are from within a block to within another, and to where one ends.
    for count in [1, 2, 252, 253, 254, 255, 1000, 1275] {
        let mut jobs = Jobs::new();
        let handles: Vec<_> = (0..count)
            .map(|n| {
                let (job, handle) = withdrawable((n, 0));
                jobs.push(job);
                handle
            })
            .collect();
        assert_eq!(jobs.drop_void(), 0, "none is void");
        // Not the first yet: nothing comes before it.
        for handle in &handles[1..] {
            assert!(handle.withdraw());
            handle.cancel().unwrap();
        }
        assert_eq!(jobs.drop_void(), 0, "a job comes first");
        assert_eq!(jobs.len(), count);
        assert!(handles[0].withdraw());
        assert_eq!(jobs.drop_void(), count);
        assert_eq!(jobs.len(), 0);
        assert_eq!((jobs.head, jobs.first), (jobs.tail, jobs.last));
        assert_eq!(jobs.drop_void(), 0, "nothing is left");
        assert!(handles.iter().all(|it| Arc::strong_count(it) == 1));
        assert_eq!(ran(), []);
        // And it goes on.
        jobs.push(make::<8>(1));
        assert_eq!(pop(&mut jobs, true), Some((8, 1)));
        assert!(jobs.pop().is_none());
    }
}

/// The job after a whole block of void places is found at the start of another, or anywhere in it.
#[test]
fn t4_the_job_behind_void_places_is_the_next() {
    for before in 0..800 {
        let mut jobs = Jobs::new();
        for n in 0..before {
            let (job, handle) = withdrawable((n, 0));
            jobs.push(job);
            assert!(handle.withdraw());
        }
        let (job, handle) = withdrawable((before, 1));
        jobs.push(job);
        jobs.push(make::<48>(2));
        assert_eq!(jobs.drop_void(), before);
        assert_eq!(jobs.len(), 2);
        assert!(!handle.is_finished(), "a job was dropped");
        jobs.pop().unwrap().run().unwrap().announce();
        assert_eq!(ran(), [(before, 1)]);
        assert_eq!(pop(&mut jobs, true), Some((48, 2)));
    }
}

/// Blocks that held nothing but void places are spares, as others are.
#[test]
fn blocks_of_void_places_are_given_back() {
    const JOBS: usize = 20_000;
    let before = LIVE_BYTES.get();
    let mut jobs = Jobs::new();
    for n in 0..JOBS {
        let (job, handle) = withdrawable((n, 0));
        jobs.push(job);
        assert!(handle.withdraw());
    }
    assert_eq!(jobs.drop_void(), JOBS);
    let most = (KEEP + 1) * size_of::<Block>();
    let left = live_since(before);
    assert!(left <= most, "{left} bytes are kept");
    drop(jobs);
    assert_eq!(LIVE_BYTES.get(), before, "a block or a cell leaks");
}
