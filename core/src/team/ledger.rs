//! The ledger: who rests, who is awake, who runs, what waits, and what follows from that.
//!
//! Plain sequential data. [`Ledger::apply`] takes in what happened, [`Ledger::decide`] gives out what
//! to do next, one action at a time, until there is none, and [`Ledger::look`] is how a worker comes by
//! a task, or learns that it shall leave. It takes no locks and calls no closures, so it can be
//! enumerated, fuzzed and proved. `W` is a worker, `L` the line in which tasks wait; the ledger only
//! moves them.
//!
//! Two shells drive one: [`shell`](super::shell) hands tasks to workers of any kind, and looks on behalf
//! of each worker at once; in a [`crew`](super::crew) the workers are threads, which look by themselves.
//!
//! # State
//!
//! | `phase` | new work | workers | next |
//! |---|---|---|---|
//! | `Running` | accepted | stay, unless shrunk | `Quitting`, by a quit |
//! | `Quitting` | refused | leave when no work waits or is in flight | `Ended`, when nothing is outstanding |
//! | `Ended` | refused | none | – |
//!
//! | a worker is | counted in | until |
//! |---|---|---|
//! | resting | `resting` (here) | it is called |
//! | awake: made, called, or done with a task | `awake` | it looks: and runs, leaves, or rests |
//! | running | `running` | its task ends, or is lost |
//! | leaving | `leaving`; before its last look in `awake` and `dismissed` too | it was told to quit |
//!
//! Work that waits is *promised* to workers that are free (resting or awake, and not dismissed), first
//! to first: the numbers say that these are busy with it, whichever worker fetches it. `debt` busy
//! workers shall leave when their task ends. `tries` and `growing` are how often a worker may still be
//! asked for, for the backlog and for a `grow` or the least size.
//!
//! A task that a handle withdraws (to cancel it, or to run it in place, where it is waited for) leaves
//! what waits at once. Its place in the line is *void* until it is dropped, which it is when it comes
//! first; so no void place is the first, and a line in which nothing waits is empty. A task is in the
//! line if it is one of those accepted last, as many as the line is long: in a crew, which accepts and
//! takes in at once and puts none back, that is decided by its number.
//!
//! A caller that finds no room (`bound`) may queue. The first that does is *admitted* when there is
//! room, which is kept for it until it is back; when all is closed, all are.
//!
//! Only a shell touches a ledger, under its lock.
//!
//! # Invariants
//! Checked by [`Ledger::check`] at every step in debug builds, and by the enumeration below.
//! - T1 *limit*: a worker is asked for one at a time, with the numbers as they then are. One that is
//!   leaving counts until it was told to quit.
//! - T2 *conservation*: accepted = in flight + backlog + busy + in place + done + cancelled + returned +
//!   abandoned; a task for which a worker is being made stays in the backlog.
//! - T3 *work conserving*: by the numbers, no worker idles while work waits; T3 also lists when one is
//!   asked for. T9: while work waits and a worker rests, another is awake, which calls the next when it
//!   takes a task: one is called at a time, and only as many as there is work for.
//! - T4 *order*: the backlog is first in, first out, and new work joins its end.
//! - T5 *sizing*: settled, `debt` ≤ busy; the last worker, but for those that block, never leaves while work
//!   waits; those that rest are last in, first out.
//! - T6 *quit*: `Finish` is given once, with nothing free, running, being made, waiting, in flight or
//!   leaving.
//! - T7 *nothing silent*: work is abandoned only while quitting, with no worker and no try left.
//! - T8 *creation and refusal*: a failure loses nothing and grants a try to the next step; a lost
//!   worker's task goes to the front.
//! - P1 *sizes*: settled, and but for failures and for debts that are not paid yet, there are no fewer
//!   workers than the least and no more than the most; both as of now.

use super::sizes::Sizes;
use super::statistics::{Peaks, Statistics};

/// Where tasks wait: first in, first out.
pub(super) trait Line: Default {
    type Task;
    /// Room for a task.
    type Slot;

    fn len(&self) -> usize;
    fn push(&mut self, task: Self::Task);
    /// Puts a task before all others.
    fn put_back(&mut self, task: Self::Task);
    fn pop(&mut self) -> Option<Self::Task>;
    /// [`Line::pop`] into a slot, if there is a task.
    fn pop_into(&mut self, slot: &mut Self::Slot) -> bool;
    /// Drops the void places that come before all tasks, and says how many.
    fn drop_void(&mut self) -> usize;
}

/// What happened.
pub(super) enum Event<T> {
    /// A task came.
    Arrived(T),
    /// Make up to this many workers.
    Grow(usize),
    /// Lose this many workers, or all.
    Shrink(Option<usize>),
    /// The factory's limit may have risen.
    Raised,
    /// Accept no more, finish, and end.
    Quit,
    /// Workers may be made from now on.
    Start,
    /// There shall be this many workers, at least and at most.
    Resize(usize, usize),
    /// A worker begins to block, and counts apart.
    Enter,
    /// It blocks no more.
    Exit,
    /// As a quit, and give back what waits: [`Ledger::give_back`] is called until there is nothing.
    Abort,
    /// A task was cancelled: its place in the line is void.
    Cancelled,
    /// A task was taken out of the line to be run in place.
    InPlace,
    /// That one has ended.
    EndedInPlace,
    /// A worker's task ended: the worker is awake.
    Ended,
    /// A worker refused its task or dropped it; the worker is gone, the task is here.
    Lost(T),
    /// A worker that was awake is gone.
    Gone,
}

/// What a request for a worker came to.
#[derive(Clone, Copy)]
pub(super) enum Made {
    /// A worker: it is awake.
    Worker,
    /// The limit is reached.
    AtLimit,
    /// It failed.
    Failed,
}

/// What to do.
#[derive(Debug)]
pub(super) enum Action<W> {
    /// Call the worker: it is awake.
    Call(W),
    /// Ask the factory for a worker, and tell [`Ledger::made`].
    Create,
    /// Hand the next task that waits to the owner: it can never run.
    Abandon,
    /// Tell the owner that a worker which refused its first task counts as a failed creation.
    Refused,
    /// Call the caller that queues first.
    Admit,
    /// Call all that wait until nothing waits or runs: it is so.
    Idle,
    /// Quit the coordinator.
    Finish,
}

/// What a worker that has rested for long learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// It rests no more: it was called.
    Called,
    /// It rests on.
    Stays,
    /// It shall quit, which [`Ledger::left`] is to be told of.
    Leaves,
}

/// What a worker that looks finds.
#[derive(Debug)]
pub(super) enum Look<T> {
    /// A task, to run.
    Task(T),
    /// Nothing. It may look again, or [`Ledger::rest`].
    Nothing,
    /// It shall quit, which [`Ledger::left`] is to be told of.
    Leave,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Running,
    Quitting,
    Ended,
}

/// Why the factory is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Reason {
    Work,
    Growth,
    LastTry,
}

#[cfg_attr(test, derive(Clone, PartialEq, Eq, Hash))]
#[repr(C)]
pub(super) struct Ledger<W, L> {
    accepted: usize,
    done: usize,
    backlog: L,
    /// Nothing goes on but tasks that come and end, and nobody is to be called for those that wait,
    /// however many; see [`Ledger::submits_shortly`].
    calm: bool,
    /// Set when a quit is accepted, which may be before its step: nothing is accepted from then on.
    closed: bool,
    /// No task has ended since a worker was made: losing one now counts as a failed creation, or a
    /// factory of workers that refuse would be asked for ever.
    unproven: bool,
    last_tried: bool,
    /// The last creation failed: the next step that finds work waiting tries again.
    retry: bool,
    refused: bool,
    /// Since the factory was asked, the limit was raised, a worker left, or another was wanted: if it
    /// answers that there are enough, that may no longer be so, or not be the answer to all.
    outdated: bool,
    /// The factory answered that there are enough while some are leaving: it is not asked again
    /// before one has left.
    blocked: bool,
    resting: Vec<W>,
    awake: usize,
    running: usize,
    leaving: usize,
    /// How many of these, whoever looks next, have yet to look.
    dismissed: usize,
    phase: Phase,
    /// The factory is being asked, and why.
    making: Option<Reason>,
    debt: usize,
    tries: usize,
    growing: usize,
    /// Tasks accepted and not yet seen by a step, and other requests.
    in_flight: usize,
    asked: usize,
    abandoned: usize,
    sizes: Sizes,
    /// Void places in the line.
    void: usize,
    in_place: usize,
    cancelled: usize,
    returned: usize,
    /// How many tasks may wait for a worker before callers find no room.
    bound: usize,
    /// Callers that wait for room, and those that have it and are not back.
    queueing: usize,
    admitted: usize,
    /// Callers that wait until nothing waits or runs.
    idlers: usize,
    peaks: Peaks,
}

impl<W, L: Line> Ledger<W, L> {
    pub(super) fn new() -> Self {
        Self::of(Sizes::NONE, usize::MAX)
    }

    /// With sizes and a bound.
    pub(super) fn of(sizes: Sizes, bound: usize) -> Self {
        Self {
            closed: false,
            phase: Phase::Running,
            resting: Vec::new(),
            awake: 0,
            backlog: L::default(),
            running: 0,
            making: None,
            outdated: false,
            blocked: false,
            leaving: 0,
            dismissed: 0,
            debt: 0,
            tries: 0,
            growing: 0,
            retry: false,
            unproven: false,
            refused: false,
            last_tried: false,
            calm: false,
            in_flight: 0,
            asked: 0,
            accepted: 0,
            done: 0,
            abandoned: 0,
            sizes,
            void: 0,
            in_place: 0,
            cancelled: 0,
            returned: 0,
            bound,
            queueing: 0,
            admitted: 0,
            idlers: 0,
            peaks: Peaks::default(),
        }
    }

    /// Tasks in the line.
    fn waiting(&self) -> usize {
        self.backlog.len() - self.void
    }

    /// Workers for which work may wait.
    fn free(&self) -> usize {
        self.resting.len() + self.awake - self.dismissed
    }

    fn promised(&self) -> usize {
        self.waiting().min(self.free())
    }

    fn idle(&self) -> usize {
        self.free() - self.promised()
    }

    fn busy(&self) -> usize {
        self.running + self.promised()
    }

    fn backlogged(&self) -> usize {
        self.waiting() - self.promised()
    }

    /// Workers that will not leave to pay a debt.
    fn staying(&self) -> usize {
        self.free() + self.running - self.debt
    }

    /// How many workers there may be.
    #[inline]
    pub(super) fn limit(&self) -> usize {
        self.sizes.limit()
    }

    /// Workers that live, as far as they have not been told to quit.
    pub(super) fn workers(&self) -> usize {
        self.free() + self.running + self.leaving
    }

    /// Accepts what a user asks for, or says no, after a quit. What is accepted has to be applied or
    /// withdrawn.
    pub(super) fn accept(&mut self, event: &Event<L::Task>) -> bool {
        match event {
            Event::Arrived(_) => return self.accept_task(),
            Event::Abort if self.phase != Phase::Ended => {
                self.asked += 1;
                self.closed = true;
            }
            // By a worker that runs: it has not ended.
            Event::Enter | Event::Exit => self.asked += 1,
            _ if self.closed => return false,
            Event::Quit => {
                self.asked += 1;
                self.closed = true;
            }
            _ => self.asked += 1,
        }
        true
    }

    /// [`Ledger::accept`] of an arrival.
    pub(super) fn accept_task(&mut self) -> bool {
        if self.closed {
            return false;
        }
        self.in_flight += 1;
        self.accepted = self.accepted.wrapping_add(1);
        true
    }

    /// Takes an acceptance back: the coordinator refused it. Not for a quit, which stands.
    pub(super) fn withdraw(&mut self, event: &Event<L::Task>) {
        if let Event::Arrived(_) = event {
            self.in_flight -= 1;
            self.accepted = self.accepted.wrapping_sub(1);
        } else {
            self.asked -= 1;
        }
    }

    /// Takes in what happened; what a user asked for was accepted before.
    #[inline]
    pub(super) fn apply(&mut self, event: Event<L::Task>) {
        // Not by a loss, which may itself be what the retry is for: that would go on for ever.
        if self.retry && !matches!(event, Event::Lost(_) | Event::Gone) {
            self.retry = false;
            self.tries += 1;
            self.refill();
        }
        match &event {
            Event::Arrived(_) => self.in_flight -= 1,
            Event::Ended | Event::Lost(_) => self.running -= 1,
            Event::Gone => self.awake -= 1,
            Event::Cancelled | Event::InPlace => {}
            Event::EndedInPlace => self.in_place -= 1,
            _ => self.asked -= 1,
        }
        match event {
            Event::Arrived(task) => {
                if !self.finds_a_worker() {
                    self.tries += 1;
                    self.outdated = true;
                }
                self.push(task);
            }
            Event::Grow(n) if self.phase == Phase::Running => {
                self.growing = self.growing.saturating_add(n);
                self.outdated = true;
            }
            Event::Shrink(n) if self.phase == Phase::Running => {
                let least = self.sizes.least();
                let spare = self.staying().saturating_sub(least);
                let all = if least == 0 { usize::MAX } else { spare };
                self.shrink(n.unwrap_or(usize::MAX).min(all));
            }
            Event::Grow(_) | Event::Shrink(_) => {}
            Event::Raised => self.raise(),
            Event::Quit => self.drain(),
            Event::Start => {
                self.sizes.begin();
                self.fit();
            }
            Event::Resize(least, most) => {
                self.sizes.set(least, most);
                self.fit();
            }
            Event::Enter => {
                self.sizes.enter();
                self.raise();
            }
            Event::Exit => {
                self.sizes.exit();
                self.trim();
            }
            Event::Abort => self.drain(),
            Event::Cancelled => {
                self.cancelled = self.cancelled.wrapping_add(1);
                self.withdrawn();
            }
            Event::InPlace => {
                self.in_place += 1;
                self.withdrawn();
            }
            Event::EndedInPlace => self.done = self.done.wrapping_add(1),
            Event::Ended => {
                self.done = self.done.wrapping_add(1);
                self.unproven = false;
                self.last_tried = false;
                // One that is only being made may yet not be had, and those that block may wait for what
                // waits.
                let another = self.busy() > self.sizes.blocking();
                let leaves = self.debt > 0 && (self.backlogged() == 0 || another);
                self.wake(leaves);
            }
            Event::Lost(task) => {
                self.debt = self.debt.min(self.busy());
                self.backlog.put_back(task);
                self.lost();
            }
            Event::Gone if self.dismissed > 0 => {
                self.dismissed -= 1;
                self.left(1);
            }
            Event::Gone => {
                self.debt = self.debt.min(self.busy());
                self.lost();
            }
        }
    }

    /// A worker is awake, and pays a debt by leaving if it can.
    fn wake(&mut self, pays: bool) {
        self.awake += 1;
        if pays {
            self.debt -= 1;
            self.dismiss(1);
        }
    }

    fn dismiss(&mut self, n: usize) {
        self.leaving += n;
        self.dismissed += n;
    }

    fn lost(&mut self) {
        self.outdated = true;
        if self.unproven {
            self.refused = true;
            self.retry = true;
        } else {
            self.tries += 1;
            self.refill();
        }
    }

    fn push(&mut self, task: L::Task) {
        self.backlog.push(task);
        self.peaks.waiting = self.peaks.waiting.max(self.waiting());
    }

    fn pop(&mut self) -> Option<L::Task> {
        let task = self.backlog.pop();
        self.sweep();
        task
    }

    /// Restores that no void place is the first.
    fn sweep(&mut self) {
        if self.void > 0 {
            self.void -= self.backlog.drop_void();
        }
    }

    fn withdrawn(&mut self) {
        self.void += 1;
        self.sweep();
        // Who was to do it may owe to leave, and has nothing left to do before.
        let unpaid = self.debt.saturating_sub(self.busy());
        self.debt -= unpaid;
        self.dismiss(unpaid);
    }

    fn shrink(&mut self, n: usize) {
        let now = n.min(self.idle());
        let owed = self.debt.saturating_add(n - now);
        self.debt = owed.min(self.busy());
        self.dismiss(now);
    }

    fn raise(&mut self) {
        self.outdated = true;
        self.tries = self.backlogged();
        self.refill();
    }

    fn drain(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Quitting;
            self.debt = 0;
            self.growing = 0;
        }
    }

    /// After a change of sizes: those too many leave, and those missing are asked for.
    fn fit(&mut self) {
        self.trim();
        // Who owes to leave has a place that what waits could have: it stays for that.
        let room = self.sizes.limit().saturating_sub(self.staying());
        self.forgive(room.min(self.backlogged()));
        self.raise();
    }

    fn trim(&mut self) {
        if self.phase == Phase::Running {
            let excess = self.staying().saturating_sub(self.sizes.limit());
            if excess > 0 {
                self.shrink(excess);
            }
        }
    }

    /// So many of those that owe to leave stay, as far as there are.
    fn forgive(&mut self, n: usize) {
        self.debt -= n.min(self.debt);
    }

    fn refill(&mut self) {
        if self.phase == Phase::Running {
            let least = self.sizes.least();
            // Those first that owe to leave: they may be all that the limit allows.
            self.forgive(least.saturating_sub(self.staying()));
            let coming = self.staying() + usize::from(self.making.is_some());
            let missing = least.saturating_sub(coming);
            if self.growing < missing {
                self.growing = missing;
                self.outdated = true;
            }
        }
    }

    /// Whether nothing follows from an arrival but that it waits; `limit` is what the factory would go
    /// by. This way and [`Ledger::end_shortly`] are the short ways of a flood: they lead to what the
    /// long way (accept, apply, look, decide) leads to, as the enumeration checks.
    #[inline]
    pub(super) fn submits_shortly(&self, limit: usize) -> bool {
        let calm = self.calm && !self.closed;
        calm && (self.finds_a_worker() || self.workers() >= limit)
    }

    /// Whether a task that arrives now finds a worker that is free.
    #[inline]
    pub(super) fn finds_a_worker(&self) -> bool {
        self.waiting() < self.free()
    }

    /// Whether a task may come that need not: none of those that queue is to be overtaken.
    pub(super) fn has_room(&self) -> bool {
        self.waiting() + self.admitted < self.free().saturating_add(self.bound)
    }

    pub(super) fn has_begun(&self) -> bool {
        self.sizes.has_begun()
    }

    pub(super) fn sizes(&self) -> Sizes {
        self.sizes
    }

    /// A caller waits until nothing waits or runs.
    pub(super) fn await_idle(&mut self) -> bool {
        let waits = !self.is_idle();
        if waits {
            self.idlers += 1;
            self.calm = false;
        }
        waits
    }

    fn is_idle(&self) -> bool {
        self.waiting() + self.running + self.in_place + self.in_flight == 0
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// A caller waits for room, which the short way of an end would make without a word.
    pub(super) fn queue(&mut self) {
        self.queueing += 1;
        self.calm = false;
    }

    /// One that was admitted is back.
    pub(super) fn readmit(&mut self) {
        self.admitted -= 1;
    }

    /// The number of the task that was accepted last.
    pub(super) fn serial(&self) -> usize {
        self.accepted.wrapping_sub(1)
    }

    /// Whether the task with this number is in the line. Its place may be void.
    pub(super) fn is_in_line(&self, serial: usize) -> bool {
        let first = self.accepted.wrapping_sub(self.backlog.len());
        serial.wrapping_sub(first) < self.backlog.len()
    }

    /// Accepts and takes in a task, if [`Ledger::submits_shortly`].
    #[inline]
    pub(super) fn submit_shortly(&mut self, task: L::Task) {
        self.accepted = self.accepted.wrapping_add(1);
        self.push(task);
    }

    /// A worker's task has ended, and it has the next, in its slot, if nothing else follows from that.
    #[inline]
    pub(super) fn end_shortly(&mut self, slot: &mut L::Slot) -> bool {
        let next = self.calm && self.backlog.pop_into(slot);
        if next {
            self.done = self.done.wrapping_add(1);
            // Not written for each task: they lie beside what submitters read.
            if self.unproven || self.last_tried {
                (self.unproven, self.last_tried) = (false, false);
            }
        }
        next
    }

    /// Takes in what came of an [`Action::Create`].
    pub(super) fn made(&mut self, made: Made) {
        let reason = self.making.take();
        match made {
            Made::Worker => {
                self.unproven = true;
                let pays = self.debt > 0 && self.backlogged() == 0;
                self.wake(pays);
                self.peaks.workers = self.peaks.workers.max(self.workers());
                self.trim();
            }
            // Asked again for whatever wants one: now, or when they have left.
            Made::AtLimit if self.outdated || self.leaving > 0 => {
                self.blocked = !self.outdated;
                match reason {
                    Some(Reason::Work) => self.tries += 1,
                    Some(Reason::Growth) if self.phase == Phase::Running => self.growing += 1,
                    Some(Reason::Growth) | None => {}
                    Some(Reason::LastTry) => self.last_tried = false,
                }
                // None comes, which had counted as one of the least.
                self.refill();
            }
            Made::AtLimit => (self.tries, self.growing) = (0, 0),
            Made::Failed => (self.tries, self.growing, self.retry) = (0, 0, true),
        }
    }

    /// A worker that is awake looks for a task. What it finds is decided by this, and by nothing that
    /// is decided later.
    pub(super) fn look(&mut self) -> Look<L::Task> {
        if self.dismissed > 0 {
            self.dismissed -= 1;
            self.awake -= 1;
            return Look::Leave;
        }
        if let Some(task) = self.pop() {
            self.awake -= 1;
            self.running += 1;
            return Look::Task(task);
        }
        if self.drained() {
            self.awake -= 1;
            self.leaving += 1;
            return Look::Leave;
        }
        Look::Nothing
    }

    /// A worker that looked and found nothing rests, until it is called.
    pub(super) fn rest(&mut self, worker: W) {
        self.awake -= 1;
        self.resting.push(worker);
    }

    /// A worker that rests would leave, as it was not called for long: whether it does.
    pub(super) fn expire(&mut self, is_it: impl Fn(&W) -> bool) -> Rest {
        let Some(at) = self.resting.iter().position(is_it) else {
            return Rest::Called;
        };
        let spare = self.idle() > 0 && self.staying() > self.sizes.least();
        if self.phase != Phase::Running || !spare {
            return Rest::Stays;
        }
        self.resting.remove(at);
        self.leaving += 1;
        Rest::Leaves
    }

    /// Quitting, and nothing waits or is on its way.
    fn drained(&self) -> bool {
        self.phase != Phase::Running && self.backlog.len() + self.in_flight == 0
    }

    /// Takes in that `n` retired workers have been told to quit, after which the factory may have
    /// room.
    pub(super) fn left(&mut self, n: usize) {
        self.leaving -= n;
        self.outdated = true;
        self.blocked = false;
    }

    /// What to do next; `None` when there is nothing, until something happens. `retired`: how many
    /// workers the caller was told shall leave and will tell before whatever is decided now, so that
    /// the end need not wait for them to be counted.
    pub(super) fn decide(&mut self, retired: usize) -> Option<Action<W>> {
        self.calm = false;
        let action = self.next(retired);
        if action.is_none() {
            let settled = self.making.is_none() && !self.blocked && self.leaving + self.debt == 0;
            // Once a quit has been taken in, all are called when the last task is had.
            let looked_for = self.awake > 0 && self.phase == Phase::Running;
            let nobody_to_call = looked_for || self.resting.is_empty();
            let nobody_waits = self.void + self.queueing + self.idlers == 0;
            self.calm = settled && nobody_to_call && nobody_waits && !self.retry;
        }
        action
    }

    fn next(&mut self, retired: usize) -> Option<Action<W>> {
        let lookers = self.dismissed + usize::from(self.waiting() > 0);
        if (self.awake < lookers || self.drained())
            && let Some(worker) = self.resting.pop()
        {
            self.awake += 1;
            return Some(Action::Call(worker));
        }
        self.tries = self.tries.min(self.backlogged());
        if self.making.is_none() && !self.blocked {
            if self.tries > 0 {
                self.tries -= 1;
                return Some(self.create(Reason::Work));
            }
            if self.growing > 0 {
                self.growing -= 1;
                return Some(self.create(Reason::Growth));
            }
        }
        if self.refused {
            self.refused = false;
            return Some(Action::Refused);
        }
        if self.queueing > 0 && (self.closed || self.has_room()) {
            self.queueing -= 1;
            self.admitted += 1;
            return Some(Action::Admit);
        }
        if self.idlers > 0 && self.is_idle() {
            self.idlers = 0;
            return Some(Action::Idle);
        }
        if self.phase == Phase::Quitting {
            return self.decide_quitting(retired);
        }
        None
    }

    fn decide_quitting(&mut self, retired: usize) -> Option<Action<W>> {
        if self.awake + self.running > 0 || self.making.is_some() {
            return None;
        }
        if self.backlog.len() == 0 {
            let outstanding = self.in_flight + self.asked + self.in_place > 0;
            if outstanding || self.leaving != retired {
                return None;
            }
            (self.leaving, self.blocked) = (0, false);
            self.phase = Phase::Ended;
            return Some(Action::Finish);
        }
        // Work waits, and the rules above found neither a worker nor a try left.
        if self.blocked {
            return None;
        }
        if !self.last_tried {
            self.last_tried = true;
            return Some(self.create(Reason::LastTry));
        }
        Some(Action::Abandon)
    }

    /// The task of an [`Action::Abandon`].
    pub(super) fn abandon(&mut self) -> Option<L::Task> {
        self.abandoned = self.abandoned.wrapping_add(1);
        self.pop()
    }

    /// After an [`Event::Abort`]: the next task that waits.
    pub(super) fn give_back(&mut self) -> Option<L::Task> {
        let task = self.pop();
        self.returned = self.returned.wrapping_add(usize::from(task.is_some()));
        task
    }

    fn create(&mut self, reason: Reason) -> Action<W> {
        self.making = Some(reason);
        self.outdated = false;
        Action::Create
    }

    pub(super) fn statistics(&self) -> Statistics {
        Statistics {
            idle: self.idle(),
            busy: self.busy(),
            leaving: self.leaving,
            backlogged: self.backlogged(),
            in_flight: self.in_flight,
            accepted: self.accepted,
            done: self.done,
            abandoned: self.abandoned,
            in_place: self.in_place,
            cancelled: self.cancelled,
            returned: self.returned,
        }
    }

    /// The most there ever was.
    pub(super) fn peaks(&self) -> Peaks {
        self.peaks
    }

    /// The invariants that hold between any two calls.
    pub(super) fn check(&self) {
        let known = self.in_flight + self.waiting() + self.running + self.in_place;
        let ended = [self.done, self.cancelled, self.returned, self.abandoned];
        let ended = ended.into_iter().fold(0, usize::wrapping_add);
        assert_eq!(self.accepted, ended.wrapping_add(known), "T2 conservation");
        assert!(
            self.debt <= self.running + self.free(),
            "T5 debt exceeds the workers there are"
        );
        assert!(
            !self.blocked || self.leaving > 0,
            "T9 nobody is left to wait for"
        );
        if self.phase == Phase::Ended {
            let workers = self.resting.len() + self.awake + self.leaving;
            let nothing = workers + known + self.asked == 0 && self.making.is_none();
            assert!(nothing, "T6 something is outstanding after the end");
        }
    }

    /// The invariants that hold besides when there is nothing left to decide.
    pub(super) fn check_settled(&self) {
        self.check();
        let waiting = self.waiting() > 0;
        assert!(waiting || self.void == 0, "T9 what is void keeps the end");
        let nobody_rests = self.resting.is_empty();
        assert!(
            nobody_rests || !waiting || self.awake > self.dismissed,
            "T3 a worker rests while work waits"
        );
        assert!(
            nobody_rests || self.dismissed <= self.awake,
            "T5 a dismissed worker stayed"
        );
        assert!(self.debt <= self.busy(), "T5 an idle worker owes to leave");
        assert!(
            self.phase != Phase::Running || self.staying() <= self.sizes.limit(),
            "P1 there are too many workers"
        );
        assert!(
            self.queueing == 0 || !(self.closed || self.has_room()),
            "T9 a caller queues while there is room"
        );
        if self.making.is_none() && !self.blocked {
            assert_eq!(
                (self.tries, self.growing),
                (0, 0),
                "T3 a worker was not asked for"
            );
            let nobody = self.running + self.awake == 0 && nobody_rests;
            let stranded = self.phase != Phase::Running && waiting && nobody;
            assert!(!stranded, "T7 work that can never run was kept");
        }
    }
}

#[cfg(test)]
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod tests;
