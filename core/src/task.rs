//! Tasks: any `FnOnce() + Send + 'static`, kept inline when it fits.
//!
//! # State
//! A [`Raw`] is a table of functions and room for a value. It owns exactly one value, whose type
//! the table knows, from its making until it is run, taken or dropped, each of which consumes it.
//!
//! | type | room | holds |
//! |---|---|---|
//! | [`Job`] | [`Task::INLINE_BYTES`] (6 words) | what a user hands in; larger closures stand in one box |
//! | [`Task`] | 9 words | a job, or an internal ticket: a job and two references |
//!
//! The three words of difference are what lets a team wrap a user's task into a ticket, and that
//! into nothing else, without boxing it again (measured: 0 allocations a task).
//!
//! # Invariants
//! Carries W1 (*one end*) and W2 (*hand-back*) in types: a task cannot be cloned, run twice, or run after it was dropped.

use std::any::TypeId;
use std::fmt;
use std::mem::{ManuallyDrop, MaybeUninit, align_of, size_of};

use crate::contain::{Payload, contain};
use crate::primitives::Arc;
use crate::probe::{IDENTITY_WORDS, Identity};

const JOB_WORDS: usize = 6;
const TICKET_WORDS: usize = 9 + IDENTITY_WORDS;

/// Something that is done once.
pub(crate) trait Once: Send + 'static {
    /// Whether the value is only a box around what is done.
    const BOXED: bool = false;

    /// Whether it is not to be handed out as a task: where others would be, it is dropped.
    const STAYS: bool = false;

    /// Does it. What it gives is to be announced once its end has been counted.
    fn run(self) -> Option<Announcement>;

    /// Whether nothing is left of it to be done.
    fn is_void(&self) -> bool {
        false
    }

    /// The user's task that this is about, if there is one.
    fn identity(&self) -> Identity {
        Identity::default()
    }
}

/// That something was done, for whoever waits for it.
pub(crate) type Announcement = Arc<dyn Announce>;

pub(crate) trait Announce: Send + Sync {
    fn announce(&self);
}

struct Closure<F>(F);

struct Boxed<T>(Box<T>);

impl<F: FnOnce() + Send + 'static> Once for Closure<F> {
    fn run(self) -> Option<Announcement> {
        (self.0)();
        None
    }
}

impl<T: Once> Once for Boxed<T> {
    const BOXED: bool = true;
    const STAYS: bool = T::STAYS;
    fn run(self) -> Option<Announcement> {
        self.0.run()
    }
    fn is_void(&self) -> bool {
        self.0.is_void()
    }
}

/// The functions for one type of value. Each may be called with a pointer to a live value of that
/// type only, and all but `is_void` end its life.
struct Table {
    run: unsafe fn(*mut u8) -> Option<Announcement>,
    drop: unsafe fn(*mut u8),
    is_void: unsafe fn(*const u8) -> bool,
    stays: bool,
    size: usize,
    words: usize,
    boxed: bool,
    id: fn() -> TypeId,
}

impl Table {
    const fn of<T: Once>() -> &'static Self {
        const {
            &Self {
                // SAFETY: the caller passes a pointer to a live `T` and never uses the value again.
                run: |value| unsafe { value.cast::<T>().read() }.run(),
                // SAFETY: as for `run`.
                drop: |value| unsafe { value.cast::<T>().drop_in_place() },
                // SAFETY: the caller passes a pointer to a live `T`.
                is_void: |value| unsafe { &*value.cast::<T>() }.is_void(),
                stays: T::STAYS,
                size: size_of::<T>(),
                words: size_of::<T>().div_ceil(size_of::<usize>()),
                boxed: T::BOXED,
                id: TypeId::of::<T>,
            }
        }
    }
}

/// A value of some type `T: Once` and the table of that type.
///
/// The value comes first, so that every move of it copies the same parts of it: a part that is read
/// across two that were just written would have to wait for the cache.
#[repr(C)]
struct Raw<const WORDS: usize> {
    value: MaybeUninit<[usize; WORDS]>,
    table: &'static Table,
    identity: Identity,
}

impl<const WORDS: usize> Raw<WORDS> {
    const fn fits<T>() -> bool {
        size_of::<T>() <= WORDS * size_of::<usize>() && align_of::<T>() <= align_of::<usize>()
    }

    /// Keeps the value inline if it fits into `limit` words, else hands it back.
    #[inline]
    fn new<T: Once, const LIMIT: usize>(value: T, identity: Identity) -> Result<Self, T> {
        const { assert!(LIMIT <= WORDS) };
        if !Raw::<LIMIT>::fits::<T>() {
            return Err(value);
        }
        let mut raw = Self {
            table: Table::of::<T>(),
            identity,
            value: MaybeUninit::uninit(),
        };
        // SAFETY: the room is large enough and aligned, as just checked, and holds nothing.
        unsafe { raw.value.as_mut_ptr().cast::<T>().write(value) };
        Ok(raw)
    }

    #[inline]
    fn run(self) -> Option<Announcement> {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: the value is live (nothing but `run`, `take`, `refit` and `drop` ends it, and each
        // consumes the `Raw`), and `this` is not dropped.
        unsafe { (this.table.run)(this.value.as_mut_ptr().cast()) }
    }

    fn take<T: Once>(self) -> Result<T, Self> {
        if (self.table.id)() != TypeId::of::<T>() {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: the value is live and, its `TypeId` says, a `T`; `this` is not dropped.
        Ok(unsafe { this.value.as_ptr().cast::<T>().read() })
    }

    /// Moves the value into more or less room, if it fits there.
    #[inline]
    fn refit<const ROOM: usize>(self) -> Result<Raw<ROOM>, Self> {
        if self.table.size > ROOM * size_of::<usize>() {
            return Err(self);
        }
        let this = ManuallyDrop::new(self);
        let mut raw = Raw {
            table: this.table,
            identity: this.identity,
            value: MaybeUninit::uninit(),
        };
        let (from, to) = (
            this.value.as_ptr().cast::<u8>(),
            raw.value.as_mut_ptr().cast(),
        );
        // As many bytes as both have, whatever the value's size, which is what makes it cheap.
        const { assert!(JOB_WORDS < TICKET_WORDS) };
        let room = if ROOM < WORDS { ROOM } else { WORDS } * size_of::<usize>();
        // SAFETY: both rooms hold `room` bytes, are distinct, and have the same alignment; the value
        // lies in the first of them; `this` is not dropped, so the value has one owner.
        unsafe { from.copy_to_nonoverlapping(to, room) };
        Ok(raw)
    }
}

impl<const WORDS: usize> Drop for Raw<WORDS> {
    fn drop(&mut self) {
        // SAFETY: the value is live: whatever else ends it forgets the `Raw`.
        unsafe { (self.table.drop)(self.value.as_mut_ptr().cast()) };
    }
}

/// A unit of work: any `FnOnce() + Send + 'static`.
///
/// Captures of up to [`Task::INLINE_BYTES`] bytes (and no more than word alignment) are kept
/// inline; larger ones stand in one box. Dropping a task drops the closure without running it.
///
/// ```
/// use brigade::Task;
///
/// let task = Task::new(|| println!("once"));
/// assert!(task.is_inline());
/// task.run();
/// ```
pub struct Task(Raw<TICKET_WORDS>);

/// Where a job's value lies.
type Room = MaybeUninit<[usize; JOB_WORDS]>;

/// A user's closure in compact form: what waits in a backlog or in a ticket.
pub(crate) struct Job(Raw<JOB_WORDS>);

impl Task {
    /// How many bytes of captures stand inline: 48 on a 64-bit machine.
    pub const INLINE_BYTES: usize = JOB_WORDS * size_of::<usize>();

    /// Makes a task of a closure.
    ///
    /// Allocates once if the captures need more than [`Task::INLINE_BYTES`] bytes or more than word
    /// alignment, else never.
    pub fn new<F: FnOnce() + Send + 'static>(task: F) -> Self {
        let identity = Identity::new();
        match Raw::new::<_, JOB_WORDS>(Closure(task), identity) {
            Ok(raw) => Self(raw),
            Err(Closure(task)) => Self::boxed(Box::new(Closure(task)), identity),
        }
    }

    #[inline]
    fn boxed<T: Once>(task: Box<T>, identity: Identity) -> Self {
        let Ok(raw) = Raw::new::<_, JOB_WORDS>(Boxed(task), identity) else {
            unreachable!("a box fits into a word");
        };
        Self(raw)
    }

    /// A task of the crate's own, which may use all of the room.
    pub(crate) fn ticket<T: Once>(ticket: T) -> Self {
        const {
            assert!(
                Raw::<TICKET_WORDS>::fits::<T>(),
                "the ticket must fit inline"
            );
        };
        let identity = ticket.identity();
        match Raw::new::<_, TICKET_WORDS>(ticket, identity) {
            Ok(raw) => Self(raw),
            Err(ticket) => Self::boxed(Box::new(ticket), identity),
        }
    }

    /// Runs the task on this thread. A panic in it unwinds to the caller, with the captures dropped.
    pub fn run(self) {
        if let Some(end) = self.0.run() {
            end.announce();
        }
    }

    /// Whether the captures stand inline (see [`Task::INLINE_BYTES`]).
    #[must_use]
    pub fn is_inline(&self) -> bool {
        !self.0.table.boxed
    }

    /// Which user's task this is or is about.
    pub(crate) fn identity(&self) -> Identity {
        self.0.identity
    }

    /// The ticket of type `T`, if that is what this task is.
    pub(crate) fn take<T: Once>(self) -> Result<T, Self> {
        self.0.take().map_err(Self)
    }
}

impl<F: FnOnce() + Send + 'static> From<F> for Task {
    #[inline]
    fn from(task: F) -> Self {
        Self::new(task)
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("inline", &self.is_inline())
            .finish_non_exhaustive()
    }
}

impl Job {
    #[cold]
    fn boxed(large: Task) -> Self {
        let identity = large.identity();
        match Task::boxed(Box::new(large), identity).0.refit() {
            Ok(raw) => Self(raw),
            Err(_) => unreachable!("a box fits into a word"),
        }
    }

    #[inline]
    pub(crate) fn run(self) -> Option<Announcement> {
        self.0.run()
    }

    pub(crate) fn identity(&self) -> Identity {
        self.0.identity
    }

    /// Whether it is to be dropped where others are handed out.
    pub(crate) fn stays(&self) -> bool {
        self.0.table.stays
    }

    /// Whether nothing is left to be done of the job that was stored there.
    ///
    /// # Safety
    /// A job was stored there, and is not loaded yet.
    pub(crate) unsafe fn is_void(at: *const MaybeUninit<usize>) -> bool {
        // SAFETY: the caller says that a job was stored there.
        let (table, _) = unsafe { at.cast::<(&'static Table, Identity)>().read() };
        // SAFETY: as above; behind the table and the identity.
        let value = unsafe { at.add(1 + IDENTITY_WORDS) };
        // SAFETY: the value there is live, and of the table's type.
        unsafe { (table.is_void)(value.cast()) }
    }

    /// The most words that [`Job::store`] writes and [`Slot::load`] reads.
    pub(crate) const RECORD_WORDS: usize = JOB_WORDS + 1 + IDENTITY_WORDS;

    /// Moves the job to where `to` points. The answer says how many words, from the first, are needed
    /// to [load](Slot::load) it; those after them may be overwritten.
    ///
    /// # Safety
    /// There is room for [`Job::RECORD_WORDS`], aligned as words are.
    #[inline]
    pub(crate) unsafe fn store(self, to: *mut MaybeUninit<usize>) -> usize {
        let this = ManuallyDrop::new(self);
        let raw = &this.0;
        let head = to.cast::<(&'static Table, Identity)>();
        // SAFETY: the caller's room is large enough for both.
        unsafe { head.write((raw.table, raw.identity)) };
        // SAFETY: as above; behind the table and the identity.
        let value = unsafe { to.add(1 + IDENTITY_WORDS) };
        // SAFETY: as above. All words are copied whatever the value's size: that needs no loop.
        unsafe { value.cast::<Room>().write(raw.value) };
        1 + IDENTITY_WORDS + raw.table.words
    }
}

/// Room for a job, in which it is run where it lies: a thread that runs one after another would else
/// move each several times, and wait for every move.
pub(crate) struct Slot {
    value: Room,
    /// That of the job in it, if there is one.
    table: Option<&'static Table>,
    identity: Identity,
}

impl Slot {
    pub(crate) fn empty() -> Self {
        Self {
            value: MaybeUninit::uninit(),
            table: None,
            identity: Identity::default(),
        }
    }

    /// Puts a job into the slot; one that was there is dropped.
    pub(crate) fn put(&mut self, job: Job) {
        drop(self.take());
        let this = ManuallyDrop::new(job);
        self.value = this.0.value;
        self.table = Some(this.0.table);
        self.identity = this.0.identity;
    }

    pub(crate) fn take(&mut self) -> Option<Job> {
        let table = self.table.take()?;
        Some(Job(Raw {
            value: self.value,
            table,
            identity: self.identity,
        }))
    }

    /// Moves a job here from where it was stored, and says how many words that took.
    ///
    /// # Safety
    /// A job was stored there, is not loaded twice, and [`Job::RECORD_WORDS`] may be read there.
    #[inline]
    pub(crate) unsafe fn load(&mut self, from: *const MaybeUninit<usize>) -> usize {
        drop(self.take());
        // SAFETY: the caller says that a job was stored there.
        let (table, identity) = unsafe { from.cast::<(&'static Table, Identity)>().read() };
        // SAFETY: as above; behind the table and the identity.
        let value = unsafe { from.add(1 + IDENTITY_WORDS) };
        // SAFETY: as above; those words that are not the value's may be anything.
        self.value = unsafe { value.cast::<Room>().read() };
        self.table = Some(table);
        self.identity = identity;
        1 + IDENTITY_WORDS + table.words
    }

    /// Which task is in it.
    pub(crate) fn identity(&self) -> Identity {
        self.identity
    }

    /// Runs the job, if there is one, and catches its panic.
    #[inline]
    pub(crate) fn run(&mut self) -> Result<Option<Announcement>, Payload> {
        let Some(table) = self.table.take() else {
            return Ok(None);
        };
        let (run, value) = (table.run, self.value.as_mut_ptr());
        // SAFETY: the value is live, as its table was here, and is so no more.
        contain(move || unsafe { run(value.cast()) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl From<Task> for Job {
    /// Boxes a ticket that is larger than a job, which happens only where one team is the worker or
    /// the coordinator of another.
    #[inline]
    fn from(task: Task) -> Self {
        match task.0.refit() {
            Ok(raw) => Self(raw),
            Err(large) => Self::boxed(Task(large)),
        }
    }
}

impl From<Job> for Task {
    /// A ticket that was boxed comes out of its box, so that whoever made it knows it again.
    fn from(job: Job) -> Self {
        let raw = match job.0.take::<Boxed<Self>>() {
            Ok(boxed) => return *boxed.0,
            Err(raw) => raw,
        };
        match raw.refit::<TICKET_WORDS>() {
            Ok(raw) => Self(raw),
            Err(_) => unreachable!("a task has more room than a job"),
        }
    }
}

impl Once for Task {
    fn run(self) -> Option<Announcement> {
        self.0.run()
    }
    fn identity(&self) -> Identity {
        Self::identity(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    /// Counts its drops; `Send` only because these tests run on one thread.
    struct Count(Rc<Cell<usize>>);
    // SAFETY: no test below moves it to another thread.
    unsafe impl Send for Count {}
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    fn sized<const BYTES: usize>(drops: &Rc<Cell<usize>>, runs: &Rc<Cell<usize>>) -> Task {
        let (count, pad, runs) = (Count(drops.clone()), [1_u8; BYTES], Count(runs.clone()));
        Task::new(move || {
            assert_eq!(pad, [1; BYTES]);
            drop(count);
            drop(runs);
        })
    }

    /// Each way a task can end drops its captures exactly once, inline and boxed, as a job and back.
    #[test]
    fn w1_captures_are_dropped_once_however_the_task_ends() {
        for end in 0..4 {
            for large in [false, true] {
                let (drops, runs) = (Rc::default(), Rc::default());
                let task = if large {
                    sized::<64>(&drops, &runs)
                } else {
                    sized::<16>(&drops, &runs)
                };
                assert_eq!(task.is_inline(), !large);
                match end {
                    0 => task.run(),
                    1 => drop(task),
                    2 => Task::from(Job::from(task)).run(),
                    _ => drop(Job::from(task)),
                }
                assert_eq!(
                    (drops.get(), runs.get()),
                    (1, 1),
                    "end {end}, large {large}"
                );
            }
        }
    }

    #[test]
    fn captures_of_48_bytes_are_inline_and_49_or_overaligned_are_not() {
        let exact = [0_u8; Task::INLINE_BYTES];
        let over = [0_u8; Task::INLINE_BYTES + 1];
        #[repr(align(16))]
        struct Aligned(#[allow(dead_code, reason = "it is there to be captured")] u8);
        let aligned = Aligned(0);
        assert!(
            Task::new(move || {
                let _kept = exact;
            })
            .is_inline()
        );
        assert!(
            !Task::new(move || {
                let _kept = over;
            })
            .is_inline()
        );
        assert!(
            !Task::new(move || {
                let _kept = aligned;
            })
            .is_inline()
        );
    }

    #[test]
    fn w2_a_ticket_is_taken_back_whole_and_only_as_what_it_is() {
        struct Ticket(u64, [u64; 8]);
        impl Once for Ticket {
            fn run(self) -> Option<Announcement> {
                None
            }
        }
        struct Other;
        impl Once for Other {
            fn run(self) -> Option<Announcement> {
                None
            }
        }
        let task = Task::ticket(Ticket(7, [3; 8]));
        let task = task.take::<Other>().map(|_| ()).unwrap_err();
        let ticket = task.take::<Ticket>().map_err(|_| ()).unwrap();
        assert_eq!((ticket.0, ticket.1), (7, [3; 8]));
    }

    #[test]
    fn a_large_ticket_survives_being_compacted_into_a_job() {
        struct Ticket(Rc<Cell<usize>>, [u64; 8]);
        // SAFETY: this test is on one thread.
        unsafe impl Send for Ticket {}
        impl Once for Ticket {
            fn run(self) -> Option<Announcement> {
                assert_eq!(self.1, [5; 8]);
                self.0.set(self.0.get() + 1);
                None
            }
        }
        let runs = Rc::default();
        let job = || Job::from(Task::ticket(Ticket(Rc::clone(&runs), [5; 8])));
        job().run();
        assert_eq!(runs.get(), 1);
        // It is boxed in the job; whoever made it knows it again.
        let Ok(ticket) = Task::from(job()).take::<Ticket>() else {
            panic!("another's task");
        };
        ticket.run();
        Task::from(job()).run();
        assert_eq!(runs.get(), 3);
    }
}
