//! The specification of a team.
//!
//! Tasks are accepted, taken by the coordinator, wait, are assigned, and end. Workers are asked for,
//! idle, busy, retired, and told to quit. The coordinator decides in *steps*: one that is open takes
//! in one thing that happened, decides what follows, and settles. A step that asks the factory is
//! interrupted: others may happen before the answer, which resumes it.
//!
//! That is a team whose coordinator hands tasks out. In a *pool* ([`Team::pool`]) the workers fetch
//! them, under its one lock. It has the same rules, but for those under [Pools](#pools).
//!
//! # Actions of callers
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Accept(task)` | open | the task is in flight | W1 W4 T2 |
//! | `Refuse(task)` | closed | – | W2 W4 |
//! | `Ask(request)` | open | asked; `Quit`: closed | W3 W4 T6 |
//! | `Deny(request)` | closed | – | W3 W4 |
//! | `Withdraw(task)` | in flight | as if never accepted; opens a step | W2 T2 |
//! | `WithdrawRequest(request)` | asked; not `Quit` | no more asked; opens a step | T2 |
//! | `Statistics(snapshot)` | it is what was last published | – | T2 |
//!
//! # What opens a step
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Take(task)` | in flight | it waits, the last; if none is idle, a reason to ask for a worker | T2 T3 T4 |
//! | `TakeRequest(Grow(n))` | asked | n reasons, unless quitting | T3 |
//! | `TakeRequest(Shrink(n))` | asked | unless quitting: of n workers, the idle leave now, the busy owe to; no more than there are | T5 |
//! | `TakeRequest(Raised)` | asked | a reason for each waiting task | T3 |
//! | `TakeRequest(Quit)` | asked | quitting; no debt, no reasons to grow | T5 T6 |
//! | `Ended(worker, task)` | the task has stopped | done; the worker is idle, or pays a debt and leaves: not the last one, but for those that block, while work waits | T2 T5 |
//! | `Lost(worker, task)` | the worker was told to quit, the task not started | the task waits, the first; a reason, or, if it counts as a failed creation, `RefusedFirst` is owed | T4 T8 |
//! | `Made(worker)` | asked for | idle; no backlog and a debt: it pays, and leaves | T1 T5 |
//! | `AtLimit` | asked for | no reasons left, unless the answer is out of date | T1 T3 |
//! | `Failed` | asked for | no reasons left; one at the next step; a report is owed | T8 |
//! | `Left(n)` | n retired workers were told to quit | they are counted no more; the factory may be asked again | T1 T3 T6 |
//!
//! Every step but one that opens with `Lost`, `Left`, a withdrawal or an answer first turns the last
//! failure into a reason to ask (T8).
//!
//! # What a step decides
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Retire(worker)` | the last idle one, and one is to leave now; or quitting, and no work waits or is in flight | leaving; to be told to quit | T5 T6 |
//! | `Assign(worker, task)` | the last idle one, the first task; none is to leave now | busy | T4 T5 |
//! | `AskFactory { workers }` | none is asked for; there is a reason; no idle worker could do; `workers` are idle, busy or leaving; the step did not open with a withdrawal | interrupts the step | T1 T3 T7 W6 |
//! | `RefusedFirst` | owed | a report is owed | T8 |
//! | `Abandon(task)` | the first task; quitting; no worker, no reason left, and the last try made | to be given to the owner | T7 |
//! | `Finish` | quitting; nothing outstanding | finished | T6 |
//! | `Settled` | nothing of the above is owed | the numbers are published; the step is closed | T2 T3 T5 T6 T7 T8 |
//!
//! # What follows outside of steps
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Start(task)` | assigned, its worker not told to quit | it runs | W1 |
//! | `Stop { task, panicked }` | it runs | it has stopped; `panicked`: a report is owed | W1 W8 |
//! | `PanicReported` | owed | – | W8 |
//! | `CreationReported` | owed | – | T8 |
//! | `WorkerQuit(worker)` | retired; or its task has not started, and the worker will be lost | told to quit | T1 T6 T8 |
//! | `AbandonedGiven(task)` | abandoned | it has ended | W1 T7 |
//! | `CoordinatorQuit` | finished; every worker was told to quit | – | T6 |
//!
//! # Reasons to ask for a worker
//! `for_tasks` and `for_grow` count them. Asking uses one up. An answer `AtLimit` may be out of date:
//! - A retired worker counts until it was told to quit and `Left` counted it. If some are leaving, or
//!   left since the question, the reason that was used up stands. While some are leaving, the
//!   factory is not asked again before the next `Left`, or it would be asked for ever. That one's
//!   step asks.
//! - If a raise, a task or a grow was taken since the question, or a worker was retired or lost,
//!   what they gave reason for stands, and the team may ask once more besides.
//!
//! The last try of a team that quits is a reason like the others.
//!
//! # Pools
//! A worker *rests* until it is called; is *awake*, and will look for a task; or has one. Those that
//! rest or are awake, and were not dismissed, are *free*. As many waiting tasks as there are free
//! workers are *promised* to them, to none by name. So the numbers are those of a team that hands
//! tasks out:
//!
//! | number | is |
//! |---|---|
//! | idle | free − promised |
//! | busy | those that have a task + promised |
//! | backlogged | waiting − promised |
//!
//! "Idle", "busy" and "backlog" mean these in the rules above. T3 holds of them at any moment, and
//! they are what `Statistics` shows.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Looked(worker)` | awake | opens a step in which it looks | T9 |
//! | `Gone(worker)` | as `Looked`; or right after its `Made` | opens a step, unless `Made` did; a dismissal that is due is carried out; else a reason, if more waits than is promised, or, if it counts as a failed creation, `RefusedFirst` is owed | T5 T8 |
//! | `Ended(worker, task)` | as above | awake, and looks in this step | T2 T5 |
//! | `Made(worker)` | as above | awake; no backlog and a debt: a dismissal is due | T1 T5 |
//! | `TakeRequest(Shrink(n))` | as above | of n workers, the idle are dismissed, and count as leaving | T5 |
//! | `Retire(worker)` | it looks; a dismissal is due; or quitting, and no work waits | to be told to quit at once | T5 T6 |
//! | `Assign(worker, task)` | it looks; the first task; no dismissal is due | busy | T4 T5 |
//! | `Rested(worker)` | it looks; no work waits, no dismissal is due, nor the end | it rests, the last | T5 T6 T9 |
//! | `Called(worker)` | the last that went to rest; fewer are awake than dismissals are due, and one more if work waits; or quitting, and no work waits | awake | T3 T5 |
//! | `Settled` | besides: who looks may stay awake only if it might rest; if somebody rests, as many are awake as dismissals are due, and one more if work waits | – | T5 T6 T9 |
//! | `AskFactory { workers }` | besides: nobody looks any more; those that rest, as at `Settled` | as above | T5 T9 |
//! | `Left(n)` | right after a step that retired n | as above | T6 |
//!
//! A dismissal is no worker's by name: of those awake, the first that looks leaves. It stays due
//! until then (`due`). So one that rests is called to leave: it leaves when it looks. The step of a `Looked` need not turn a failure into a reason to ask, but may.
//!
//! A critical section is not divided: what is accepted is taken next, no call stands within a step,
//! and between a step that retired workers and its `Left` they are told to quit, and nothing else
//! happens (`in_one_section`). There is no coordinator, which could refuse something or be quit.
//!
//! # Pools that keep sizes
//! A pool may *keep* how many workers there shall be, and how many tasks may wait, instead of asking its
//! owner. Then its limit is 0 before its start, and after that the most, and one more for each worker that
//! blocks, up to the cap. `stay` is those that are free or busy, less the debt.
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Keep(terms)` | before all else | – | – |
//! | `TakeRequest(Begin)`, `TakeRequest(Resize(least, most))` | asked | unless quitting, more than the limit are dismissed or owe to leave, as by a shrink; as many debts are forgiven as are missing to the least, or as there is work that waits and room for; then as a raise | P1 T5 |
//! | `TakeRequest(Enter)` | asked, also when closed | one more blocks; a raise | T1 T3 |
//! | `TakeRequest(Exit)` | asked, also when closed | one less; more than the limit leave, as above | T1 P1 |
//! | `TakeRequest(Shrink(n))` | as above | no more leave than there are above the least | P1 T5 |
//! | `Made(worker)` | fewer live than the limit was at some moment since the question | as above; then more than the limit leave | T1 P1 |
//! | `AtLimit` | at some moment since the question the limit was no more than the workers it was told | as above | T3 |
//! | a raise, a turned failure, a `Gone` or `Lost` that counts as none, an `AtLimit` that is out of date | | besides: of those that are missing to the least, those that owe to leave stay, the others are reasons to grow | P1 T3 |
//! | `Expired(worker)` | it rests; some are idle, more stay than the least; not quitting | opens a step, in which it retires | P1 T5 |
//! | `Full(task)` | open, and no room: waiting and admitted are as many as are free and the bound | – | P1 |
//! | `Queue(task)` | the same | its caller waits, the last | P1 T9 |
//! | `Admit` | a caller waits; there is room, or it is closed | the first is admitted; owed before `Settled` | T9 |
//! | `Back(task)` | its caller was admitted | no more; it submits or is refused next | T9 |
//! | `Accept(task)` | besides: there is room, or it was kept for it | as above | P1 |
//!
//! # Tasks that leave the line
//!
//! | action | allowed | changes | properties |
//! |---|---|---|---|
//! | `Cancel(task)` | it waits | opens a step; cancelled; of those that owe to leave, those idle now are dismissed | W1 T2 T5 |
//! | `InPlace(task)` | it waits | opens a step; it is to run where it is waited for; as above | W1 P3 T5 |
//! | `EndedInPlace(task)` | it ran there, and has stopped | opens a step; done | T2 P3 |
//! | `TakeRequest(Abort)` | asked, at any time before the end | as a quit, unless there was one; all that waits is owed to the caller | W1 T6 |
//! | `GiveBack(task)` | the first that waits, and owed: before the step settles, or asks the factory | returned | W1 T4 |
//!
//! At the end no work waits while a worker lives. A worker may be awake then (it has not finished
//! looking), unless the pool was quit.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{Machine, TaskId, Violation, WorkerId, broken, rule};

/// What a caller asks a team for, besides running a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request {
    /// Make up to so many workers.
    Grow(usize),
    /// Lose so many workers, or all.
    Shrink(Option<usize>),
    /// The limit was raised.
    Raised,
    /// Finish, and end.
    Quit,
    /// Make workers from now on.
    Begin,
    /// Have so many workers, at least and at most.
    Resize(usize, usize),
    /// A worker blocks.
    Enter,
    /// It blocks no more.
    Exit,
    /// Finish, end, and give back what waits.
    Abort,
}

/// What a pool keeps, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Terms {
    /// The least workers.
    pub least: usize,
    /// The most, but for those that block.
    pub most: usize,
    /// How many of those that block count.
    pub cap: usize,
    /// How many tasks may wait.
    pub bound: usize,
}

/// What happens to a team.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An `execute` was accepted.
    Accept(TaskId),
    /// An `execute` was refused.
    Refuse(TaskId),
    /// A request was accepted.
    Ask(Request),
    /// A request was refused.
    Deny(Request),
    /// The coordinator refused an accepted task: it goes back to the caller.
    Withdraw(TaskId),
    /// The coordinator refused an accepted request.
    WithdrawRequest(Request),
    /// A step takes a task in.
    Take(TaskId),
    /// A step applies a request.
    TakeRequest(Request),
    /// A step sees the end of the worker's task.
    Ended(WorkerId, TaskId),
    /// A step hears that the worker refused or dropped its task.
    Lost(WorkerId, TaskId),
    /// A pool's worker looks for a task.
    Looked(WorkerId),
    /// A pool's worker that is awake, and has no task, died.
    Gone(WorkerId),
    /// A pool's worker, which rests, is to look for a task.
    Called(WorkerId),
    /// A pool's worker, which looked, rests until it is called.
    Rested(WorkerId),
    /// The worker shall have the task.
    Assign(WorkerId, TaskId),
    /// The factory is asked for a worker.
    AskFactory {
        /// How many it was told that there are.
        workers: usize,
    },
    /// The factory gave this worker.
    Made(WorkerId),
    /// The factory said that there are enough.
    AtLimit,
    /// The factory failed.
    Failed,
    /// The worker shall quit.
    Retire(WorkerId),
    /// A worker that refused its task, before any task ended since a worker was made, is to be
    /// reported as a failed creation.
    RefusedFirst,
    /// The task can never run, and shall go to the owner.
    Abandon(TaskId),
    /// The coordinator shall quit.
    Finish,
    /// The step has decided all that there was to decide.
    Settled,
    /// So many retirements are counted as delivered.
    Left(usize),
    /// The task begins, on the worker it was assigned to.
    Start(TaskId),
    /// The task ended.
    Stop {
        /// Which.
        task: TaskId,
        /// By a panic?
        panicked: bool,
    },
    /// A task's panic was reported.
    PanicReported,
    /// A failed creation was reported.
    CreationReported,
    /// The worker is told to quit.
    WorkerQuit(WorkerId),
    /// The coordinator is told to quit.
    CoordinatorQuit,
    /// The task is given to the owner.
    AbandonedGiven(TaskId),
    /// A caller read the numbers.
    Statistics(Snapshot),
    /// The pool keeps these.
    Keep(Terms),
    /// A worker that rested for long leaves.
    Expired(WorkerId),
    /// The task is cancelled.
    Cancel(TaskId),
    /// The task is to be run where it is waited for.
    InPlace(TaskId),
    /// A step sees the end of that.
    EndedInPlace(TaskId),
    /// The task goes back to whoever aborts.
    GiveBack(TaskId),
    /// A caller was told that there is no room.
    Full(TaskId),
    /// A caller waits for room.
    Queue(TaskId),
    /// The first that waits has it.
    Admit,
    /// It is back.
    Back(TaskId),
}

/// The numbers of a team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Snapshot {
    /// Workers with nothing to do.
    pub idle: usize,
    /// Workers with a task whose end no step has seen.
    pub busy: usize,
    /// Retired workers that `Left` has not counted.
    pub leaving: usize,
    /// Tasks that wait for a worker.
    pub backlogged: usize,
    /// Tasks accepted that no step has taken.
    pub in_flight: usize,
    /// Tasks accepted.
    pub accepted: usize,
    /// Tasks whose end a step has seen.
    pub done: usize,
    /// Tasks abandoned.
    pub abandoned: usize,
    /// Tasks that run where they are waited for.
    pub in_place: usize,
    /// Tasks cancelled.
    pub cancelled: usize,
    /// Tasks given back.
    pub returned: usize,
}

impl Snapshot {
    /// Every accepted task is in one place.
    #[must_use]
    pub fn conserves(&self) -> bool {
        let known = self.in_flight + self.backlogged + self.busy + self.in_place;
        self.accepted == known + self.done + self.cancelled + self.returned + self.abandoned
    }
}

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    InFlight,
    Waiting,
    Assigned(WorkerId),
    Running(WorkerId),
    Stopped(WorkerId),
    Abandoned,
    Done,
    Given,
    /// To be run where it is waited for; it runs there; it has stopped.
    OnSite,
    RunningOnSite,
    StoppedOnSite,
    Cancelled,
    Returned,
}

/// Where a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Post {
    /// In a pool: rests.
    Idle,
    /// Only in a pool: will look for a task.
    Awake,
    Busy,
    /// Told to quit, because it refused or dropped its task; no step has heard of it.
    Losing,
    /// A step decided that it shall quit; it was not told yet.
    Retired,
    /// Told to quit.
    Gone,
}

/// Why a worker is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reason {
    Task,
    Grow,
    /// An answer was out of date, and the reason for it may have been, too.
    Again,
    /// Quit's last try.
    LastTry,
}

/// What a step comes of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// It is a turn of the coordinator.
    Turn,
    /// Workers have left: it is beside the coordinator.
    Left,
    /// The coordinator refused something: it is beside the coordinator, and does not ask the factory.
    Withdrawal,
    /// A pool's worker looks.
    Look,
}

/// An open step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub(super) origin: Origin,
    /// How many workers it has retired.
    pub(super) retired: usize,
    /// A pool's worker that looks, while it has found nothing.
    pub(super) looks: Option<WorkerId>,
    /// The worker that was made right before, with nothing of this step between.
    pub(super) newborn: Option<WorkerId>,
    /// A pool's worker that rested for long, and leaves.
    pub(super) expires: Option<WorkerId>,
    /// What waits is owed to whoever aborts.
    pub(super) aborts: bool,
}

/// The factory is being asked, by an interrupted step.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asking {
    pub(super) reason: Reason,
    /// Something happened since that gives reason to ask again.
    pub(super) outdated: bool,
    /// Workers have left since.
    pub(super) vacated: bool,
    /// How many workers it was told that there are; and between what the limit has been since, where it is
    /// kept.
    pub(super) workers: usize,
    pub(super) lowest: usize,
    pub(super) highest: usize,
    /// The interrupted step.
    pub(super) step: Step,
}

/// Whether the factory is asked while there are reasons to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) enum Gate {
    /// It has to be.
    #[default]
    Open,
    /// It may be; the next `Left` opens it.
    Ajar,
    /// It must not be, before the next `Left`.
    Shut,
}

/// Where a wrong model departs from this one: made by tests, to be rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flaw {
    /// A task may be started again.
    DuplicatedStart,
    /// The coordinator may be quit before the workers.
    CoordinatorNotLast,
    /// A shrink owes as many workers as it was asked for.
    UncappedDebt,
    /// Nobody asks again when workers have left.
    MissingWakeUp,
    /// The factory is asked again and again while workers are leaving.
    AsksForEver,
    /// A pool's worker that takes a task, or leaves, need not call the next one.
    NoChain,
    /// A pool's worker may rest while work waits.
    RestsWhileWorkWaits,
    /// A task that was cancelled may be fetched, too.
    RunsTheCancelled,
    /// The place of a task that was cancelled counts as waiting.
    VoidKeepsTheEnd,
    /// One that blocks no more counts as one that does.
    ExitLowersNothing,
    /// A quit need not admit those that wait for room.
    QuitAdmitsNone,
    /// An abort need not give back what waits.
    AbortLeavesWork,
    /// A worker may leave for idleness that is needed.
    ExpiresTooMany,
    /// At the start nobody asks for those that are missing.
    StartAsksForNone,
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Team {
    /// It is a pool: its workers fetch their tasks.
    pub(super) fetches: bool,
    /// A quit was accepted: nothing is accepted any more.
    pub(super) closed: bool,
    /// A step has taken the quit.
    pub(super) quitting: bool,
    pub(super) finished: bool,
    pub(super) coordinator_quit: bool,

    pub(super) tasks: BTreeMap<TaskId, Place>,
    /// Those that wait, in order.
    pub(super) backlog: VecDeque<TaskId>,
    /// Requests accepted and not taken.
    pub(super) asked: BTreeMap<Request, usize>,
    pub(super) accepted: usize,

    pub(super) workers: BTreeMap<WorkerId, Post>,
    /// The idle ones, of a pool those that rest: the last one in is the last one here.
    pub(super) idle: Vec<WorkerId>,
    /// How many retired workers `Left` has not counted, and how many are dismissed.
    pub(super) leaving: usize,
    /// How many of these were told to quit.
    pub(super) told: usize,

    pub(super) step: Option<Step>,
    pub(super) asking: Option<Asking>,
    /// How many of the idle are to leave before the step goes on; of a pool's, when they look.
    pub(super) due: usize,
    /// How many workers a pool's last step retired, whose `Left` has to follow.
    pub(super) parting: usize,
    /// How many of the busy shall leave when their task ends.
    pub(super) debt: usize,

    pub(super) for_tasks: usize,
    pub(super) for_grow: usize,
    /// How often the team may ask again, because answers were out of date.
    pub(super) again: usize,
    pub(super) gate: Gate,
    /// The last creation failed, and no step has tried again.
    pub(super) retry: bool,
    /// No task has ended since a worker was made.
    pub(super) unproven: bool,
    pub(super) refused_first: bool,
    /// The last try was made, and no task has ended since.
    pub(super) last_try: bool,

    /// Reports owed.
    pub(super) panics: usize,
    pub(super) failures: usize,

    /// What the pool keeps, if it does; whether it has started; how many workers block.
    pub(super) keeps: Option<Terms>,
    pub(super) begun: bool,
    pub(super) blocking: usize,
    /// Callers that wait for room, in order, and those that were admitted and are not back.
    pub(super) queue: VecDeque<TaskId>,
    pub(super) admitted: BTreeSet<TaskId>,
    /// The task of the one that has just come back, for which room was kept.
    pub(super) readmitted: Option<TaskId>,

    /// Not of a pool, whose numbers are shown as they are.
    pub(super) published: Snapshot,
    flaw: Option<Flaw>,
}

impl Team {
    /// A pool: a team whose workers fetch their tasks.
    #[must_use]
    pub fn pool() -> Self {
        Self {
            fetches: true,
            ..Self::default()
        }
    }

    /// This one, gone wrong.
    #[must_use]
    pub fn flawed(self, flaw: Flaw) -> Self {
        Self {
            flaw: Some(flaw),
            ..self
        }
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// The numbers as they are now.
    #[must_use]
    pub fn numbers(&self) -> Snapshot {
        let tasks = |those: fn(&Place) -> bool| self.tasks.values().filter(|it| those(it)).count();
        Snapshot {
            idle: self.idling(),
            busy: self.working(),
            leaving: self.leaving,
            backlogged: self.backlogged(),
            in_flight: self.in_flight(),
            accepted: self.accepted,
            done: tasks(|it| matches!(it, Place::Done)),
            abandoned: tasks(|it| matches!(it, Place::Abandoned | Place::Given)),
            in_place: self.in_place(),
            cancelled: tasks(|it| matches!(it, Place::Cancelled)),
            returned: tasks(|it| matches!(it, Place::Returned)),
        }
    }

    /// How many workers were made and not told to quit.
    #[must_use]
    pub fn live(&self) -> usize {
        let live = |it: &&Post| !matches!(it, Post::Losing | Post::Gone);
        self.workers.values().filter(live).count()
    }

    /// How many workers there are, as the factory is told.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.free() + self.busy() + self.leaving
    }

    /// How many workers could have a task, and have none.
    pub(super) fn free(&self) -> usize {
        if self.fetches {
            self.idle.len() + self.awake() - self.due
        } else {
            self.idle.len()
        }
    }

    pub(super) fn awake(&self) -> usize {
        let awake = |it: &&Post| matches!(it, Post::Awake);
        self.workers.values().filter(awake).count()
    }

    /// How many tasks wait for workers that are certain to fetch them. Where none fetches, tasks
    /// wait for no certain worker.
    fn promised(&self) -> usize {
        if self.fetches {
            self.backlog.len().min(self.free())
        } else {
            0
        }
    }

    fn idling(&self) -> usize {
        self.free() - self.promised()
    }

    pub(super) fn working(&self) -> usize {
        self.busy() + self.promised()
    }

    pub(super) fn backlogged(&self) -> usize {
        self.backlog.len() - self.promised()
    }

    /// No work waits, nor can come of a task in flight.
    fn drained(&self) -> bool {
        let cancelled = |it: &Place| *it == Place::Cancelled;
        let kept = self.has(Flaw::VoidKeepsTheEnd) && self.tasks.values().any(cancelled);
        self.backlog.is_empty() && self.in_flight() == 0 && !kept
    }

    pub(super) fn busy(&self) -> usize {
        let busy = |it: &&Post| matches!(it, Post::Busy | Post::Losing);
        self.workers.values().filter(busy).count()
    }

    pub(super) fn in_flight(&self) -> usize {
        let in_flight = |it: &&Place| matches!(it, Place::InFlight);
        self.tasks.values().filter(in_flight).count()
    }

    fn in_place(&self) -> usize {
        let places = self.tasks.values();
        let in_place = |it: &&Place| {
            matches!(
                it,
                Place::OnSite | Place::RunningOnSite | Place::StoppedOnSite
            )
        };
        places.filter(in_place).count()
    }

    /// Those that are not to leave.
    pub(super) fn staying(&self) -> usize {
        (self.free() + self.busy()).saturating_sub(self.debt)
    }

    /// How many workers there may be, where that is kept.
    pub(super) fn limit(&self) -> Option<usize> {
        self.keeps.map(|it| {
            let blocking = self.blocking.min(it.cap);
            if self.begun {
                it.most.saturating_add(blocking)
            } else {
                0
            }
        })
    }

    fn least(&self) -> usize {
        self.keeps.filter(|_| self.begun).map_or(0, |it| it.least)
    }

    pub(super) fn has_room(&self) -> bool {
        let room = |it: Terms| self.free().saturating_add(it.bound);
        let taken = self.backlog.len() + self.admitted.len();
        self.keeps.is_none_or(|it| taken < room(it))
    }

    fn place(&self, task: TaskId) -> Option<Place> {
        self.tasks.get(&task).copied()
    }

    fn post(&self, worker: WorkerId) -> Option<Post> {
        self.workers.get(&worker).copied()
    }

    /// Work waits, and no worker lives or is being made that could do it.
    pub(super) fn stuck(&self) -> bool {
        let none = self.free() == 0 && self.busy() == 0 && self.asking.is_none();
        none && !self.backlog.is_empty()
    }

    fn last_try_due(&self) -> bool {
        self.quitting && self.stuck() && !self.last_try
    }

    /// There is a reason to ask the factory.
    pub(super) fn wants_a_worker(&self) -> bool {
        let for_tasks = self.for_tasks.min(self.backlogged());
        for_tasks > 0 || self.for_grow > 0 || self.last_try_due()
    }

    /// How many of a pool's workers have to look: those that shall leave, and one for what waits.
    fn lookers(&self) -> usize {
        self.due + usize::from(!self.backlog.is_empty())
    }

    /// Quitting, and nothing is outstanding.
    fn may_finish(&self, retired: usize) -> bool {
        let none = self.drained() && self.asked.is_empty() && self.in_place() == 0;
        let nobody = self.free() == 0 && self.busy() == 0 && self.asking.is_none();
        // What this step retired, it delivers before the end.
        self.quitting && !self.finished && none && nobody && self.leaving == retired
    }

    // Callers.

    fn accept(&mut self, task: TaskId) -> Result<(), Violation> {
        rule(!self.closed, "W4", "a task was accepted after the quit")?;
        let new = self.place(task).is_none();
        rule(new, "W1", "a task was accepted twice")?;
        let room = self.readmitted.take() == Some(task) || self.has_room();
        rule(room, "P1", "a task was accepted for which there is no room")?;
        self.tasks.insert(task, Place::InFlight);
        self.accepted += 1;
        if !self.fetches {
            self.published.accepted += 1;
            self.published.in_flight += 1;
        }
        Ok(())
    }

    fn refuse(&mut self, task: TaskId) -> Result<(), Violation> {
        rule(self.closed, "W4", "a task was refused before any quit")?;
        if self.readmitted == Some(task) {
            self.readmitted = None;
        }
        let unknown = self.place(task).is_none();
        rule(unknown, "W2", "a refused task had been accepted")
    }

    fn ask(&mut self, request: Request) -> Result<(), Violation> {
        match request {
            Request::Quit => {
                rule(!self.closed, "W3", "two quits were accepted")?;
                self.closed = true;
            }
            Request::Abort => {
                rule(!self.finished, "T6", "an abort was accepted after the end")?;
                self.closed = true;
            }
            Request::Enter | Request::Exit => {
                rule(!self.finished, "T6", "a worker blocks after the end")?;
            }
            _ => rule(!self.closed, "W4", "a request was accepted after the quit")?,
        }
        *self.asked.entry(request).or_default() += 1;
        Ok(())
    }

    fn deny(&self, request: Request) -> Result<(), Violation> {
        let id = if request == Request::Quit { "W3" } else { "W4" };
        rule(self.closed, id, "a request was refused before any quit")
    }

    fn withdraw(&mut self, task: TaskId) -> Result<(), Violation> {
        self.coordinated("T2")?;
        let in_flight = self.place(task) == Some(Place::InFlight);
        rule(
            in_flight,
            "T2",
            "a task was withdrawn that was not in flight",
        )?;
        self.open_as(Origin::Withdrawal)?;
        self.tasks.remove(&task);
        self.accepted -= 1;
        self.published.accepted -= 1;
        self.published.in_flight -= 1;
        Ok(())
    }

    fn withdraw_request(&mut self, request: Request) -> Result<(), Violation> {
        self.coordinated("T2")?;
        let stands = request == Request::Quit;
        rule(!stands, "T6", "a quit was withdrawn")?;
        self.no_more_asked(request)?;
        self.open_as(Origin::Withdrawal)
    }

    fn no_more_asked(&mut self, request: Request) -> Result<(), Violation> {
        let count = self.asked.remove(&request).unwrap_or(0);
        rule(count > 0, "T2", "a request was taken that was not accepted")?;
        if count > 1 {
            self.asked.insert(request, count - 1);
        }
        Ok(())
    }

    fn statistics(&self, shown: Snapshot) -> Result<(), Violation> {
        if self.fetches {
            let right = shown == self.numbers();
            return rule(right, "T2", "the numbers are not those of now");
        }
        let right = shown == self.published;
        rule(right, "T2", "the numbers are not those last published")
    }

    // What only a team that hands tasks out does, and what only a pool does.

    fn coordinated(&self, property: &'static str) -> Result<(), Violation> {
        let why = "a pool has no coordinator";
        rule(!self.fetches, property, why)
    }

    fn fetched(&self) -> Result<(), Violation> {
        let why = "a worker fetches that is handed its tasks";
        rule(self.fetches, "T4", why)
    }

    /// What a critical section of a pool does is not divided by what needs its lock.
    /// Which worker was made right before in this one.
    fn in_one_section(&mut self, next: &Action) -> Result<Option<WorkerId>, Violation> {
        if !self.fetches {
            return Ok(None);
        }
        match next {
            // These happen outside of the lock, or change nothing.
            Action::Start(_)
            | Action::Stop { .. }
            | Action::PanicReported
            | Action::CreationReported
            | Action::AbandonedGiven(_)
            | Action::Refuse(_)
            | Action::Deny(_) => return Ok(None),
            Action::Accept(_)
            | Action::Ask(_)
            | Action::Statistics(_)
            | Action::Full(_)
            | Action::Queue(_)
            | Action::Back(_) => {
                let why = "a call came between in a step";
                rule(self.step.is_none(), "W6", why)?;
            }
            _ => {}
        }
        let next_is_it = matches!(next, Action::Accept(task) if self.readmitted == Some(*task));
        let why = "a caller that was admitted did not submit next";
        rule(next_is_it || self.readmitted.is_none(), "T9", why)?;
        let takes = matches!(next, Action::Take(_) | Action::TakeRequest(_));
        let taken = self.in_flight() == 0 && self.asked.is_empty();
        rule(takes || taken, "T2", "what was accepted was not taken next")?;
        let parts = matches!(next, Action::WorkerQuit(_) | Action::Left(_));
        let why = "those that a step retired were not counted as gone next";
        rule(parts || self.parting == 0, "T6", why)?;
        let step = self.step.as_mut();
        Ok(step.and_then(|step| step.newborn.take()))
    }

    // What opens a step.

    /// Opens a step in the coordinator's turn.
    fn open(&mut self) -> Result<(), Violation> {
        self.open_as(Origin::Turn)
    }

    fn open_as(&mut self, origin: Origin) -> Result<(), Violation> {
        self.resume(Step {
            origin,
            retired: 0,
            looks: None,
            newborn: None,
            expires: None,
            aborts: false,
        })
    }

    /// In the step that is open, this worker looks.
    fn looks(&mut self, worker: WorkerId) {
        if let Some(step) = &mut self.step {
            step.looks = Some(worker);
        }
    }

    /// The worker that looks in the step that is open.
    fn looking(&self) -> Option<WorkerId> {
        self.step.as_ref().and_then(|step| step.looks)
    }

    /// It has found something, and looks no more.
    fn found(&mut self, worker: WorkerId, post: Post) {
        if let Some(step) = &mut self.step {
            step.looks = None;
            step.expires = None;
        }
        self.workers.insert(worker, post);
    }

    /// One that leaves for idleness does nothing else.
    fn expires(&self) -> Option<WorkerId> {
        let step = self.step.as_ref();
        step.and_then(|step| step.expires)
    }

    fn stays(&self) -> Result<(), Violation> {
        let stays = self.expires().is_none();
        rule(stays, "T5", "a worker stayed that left for idleness")
    }

    /// What an abort owes was given back.
    fn all_given_back(&self) -> Result<(), Violation> {
        let owed = self.step.as_ref().is_some_and(|step| step.aborts);
        let given = !owed || self.backlog.is_empty() || self.has(Flaw::AbortLeavesWork);
        rule(given, "W1", "an abort left a task that waits")
    }

    fn is_awake(&self, worker: WorkerId, property: &'static str) -> Result<(), Violation> {
        self.fetched()?;
        let awake = self.post(worker) == Some(Post::Awake);
        rule(awake, property, "a worker looked or died that is not awake")
    }

    fn resume(&mut self, step: Step) -> Result<(), Violation> {
        rule(self.step.is_none(), "W6", "two steps overlap")?;
        self.step = Some(step);
        Ok(())
    }

    /// A failure is reason to ask at the next step.
    fn try_again(&mut self) {
        if self.retry {
            self.retry = false;
            self.for_tasks += 1;
            self.refill();
        }
    }

    /// Of workers that are missing to the least, those that owe to leave stay; the others are reasons to
    /// grow.
    fn refill(&mut self) {
        if self.quitting {
            return;
        }
        let missing = self.least().saturating_sub(self.staying());
        self.debt -= missing.min(self.debt);
        let coming = self.staying() + usize::from(self.asking.is_some());
        let missing = self.least().saturating_sub(coming);
        if self.for_grow < missing {
            self.for_grow = missing;
            self.outdate();
        }
    }

    fn raise(&mut self) {
        self.outdate();
        self.for_tasks = self.backlogged();
        self.refill();
    }

    /// More than the limit leave.
    fn trim(&mut self) {
        let excess = self
            .staying()
            .saturating_sub(self.limit().unwrap_or(usize::MAX));
        if !self.quitting && excess > 0 {
            self.shrink(excess);
        }
    }

    fn shrink(&mut self, n: usize) {
        let now = n.min(self.idling());
        self.dismiss(now);
        self.debt = self.debt.saturating_add(n - now);
        self.cap_debt();
    }

    /// The sizes have changed.
    fn fit(&mut self) {
        self.limit_changed();
        self.trim();
        let stay = self.staying();
        let missing = self.least().saturating_sub(stay);
        let room = self.limit().unwrap_or(usize::MAX).saturating_sub(stay);
        let wanted = missing.max(room.min(self.backlogged()));
        self.debt -= wanted.min(self.debt);
        self.raise();
    }

    fn limit_changed(&mut self) {
        let limit = self.limit();
        if let Some((asking, limit)) = self.asking.as_mut().zip(limit) {
            asking.lowest = asking.lowest.min(limit);
            asking.highest = asking.highest.max(limit);
        }
    }

    fn drain(&mut self) {
        if !self.quitting {
            self.quitting = true;
            self.debt = 0;
            self.for_grow = 0;
        }
    }

    fn outdate(&mut self) {
        if let Some(asking) = &mut self.asking {
            asking.outdated = true;
        }
    }

    fn take_task(&mut self, task: TaskId) -> Result<(), Violation> {
        let in_flight = self.place(task) == Some(Place::InFlight);
        rule(in_flight, "W1", "a task was taken that was not in flight")?;
        self.open()?;
        self.try_again();
        self.outdate();
        if self.idling() == 0 {
            self.for_tasks += 1;
        }
        self.tasks.insert(task, Place::Waiting);
        self.backlog.push_back(task);
        Ok(())
    }

    fn take_request(&mut self, request: Request) -> Result<(), Violation> {
        self.no_more_asked(request)?;
        self.open()?;
        self.try_again();
        match request {
            Request::Grow(_) | Request::Shrink(_) if self.quitting => {}
            Request::Grow(n) => {
                self.outdate();
                self.for_grow = self.for_grow.saturating_add(n);
            }
            Request::Shrink(n) => {
                let least = self.least();
                let spare = self.staying().saturating_sub(least);
                let most = if least == 0 { usize::MAX } else { spare };
                self.shrink(n.unwrap_or(usize::MAX).min(most));
            }
            Request::Raised => self.raise(),
            Request::Quit => self.drain(),
            Request::Begin => {
                self.begun = true;
                if self.has(Flaw::StartAsksForNone) {
                    self.limit_changed();
                    self.for_tasks = self.backlogged();
                } else {
                    self.fit();
                }
            }
            Request::Resize(least, most) => {
                if let Some(terms) = &mut self.keeps {
                    (terms.least, terms.most) = (least, most);
                }
                self.fit();
            }
            Request::Enter => {
                self.blocking += 1;
                self.limit_changed();
                self.raise();
            }
            Request::Exit => {
                let blocks = self.blocking > 0;
                rule(blocks, "T1", "one blocks no more that did not block")?;
                self.blocking -= usize::from(!self.has(Flaw::ExitLowersNothing));
                self.limit_changed();
                self.trim();
            }
            Request::Abort => {
                self.drain();
                if let Some(step) = &mut self.step {
                    step.aborts = true;
                }
            }
        }
        Ok(())
    }

    // Tasks that leave the line, and callers that find no room.

    fn leaves_the_line(&mut self, task: TaskId, to: Place) -> Result<(), Violation> {
        let waits = self.place(task) == Some(Place::Waiting);
        rule(waits, "W1", "a task was withdrawn that does not wait")?;
        self.open()?;
        self.try_again();
        let runs_too = to == Place::Cancelled && self.has(Flaw::RunsTheCancelled);
        self.backlog.retain(|it| *it != task || runs_too);
        self.tasks.insert(task, to);
        // Who was to do it may owe to leave, and has nothing to do before that.
        let unpaid = self.debt.saturating_sub(self.working());
        self.debt -= unpaid;
        self.dismiss(unpaid);
        Ok(())
    }

    fn ended_in_place(&mut self, task: TaskId) -> Result<(), Violation> {
        let stopped = self.place(task) == Some(Place::StoppedOnSite);
        rule(
            stopped,
            "W1",
            "an end was seen of a task that has not stopped",
        )?;
        self.open()?;
        self.try_again();
        self.tasks.insert(task, Place::Done);
        Ok(())
    }

    fn give_back(&mut self, task: TaskId) -> Result<(), Violation> {
        let aborts = self.step.as_ref().is_some_and(|step| step.aborts);
        rule(aborts, "W1", "a task was given back without an abort")?;
        let first = self.backlog.front() == Some(&task);
        rule(first, "T4", "a task was given back before an older one")?;
        self.backlog.pop_front();
        self.tasks.insert(task, Place::Returned);
        Ok(())
    }

    fn expired(&mut self, worker: WorkerId) -> Result<(), Violation> {
        self.fetched()?;
        let rests = self.idle.contains(&worker);
        rule(rests, "T9", "a worker left for idleness that was called")?;
        rule(
            !self.quitting,
            "T5",
            "a worker left for idleness after the quit",
        )?;
        let spare = self.staying() > self.least() || self.has(Flaw::ExpiresTooMany);
        let spare = self.idling() > 0 && spare;
        rule(spare, "P1", "a worker left for idleness that is needed")?;
        self.open_as(Origin::Look)?;
        self.idle.retain(|it| *it != worker);
        self.workers.insert(worker, Post::Awake);
        self.looks(worker);
        if let Some(step) = &mut self.step {
            step.expires = Some(worker);
        }
        Ok(())
    }

    fn no_room(&self, task: TaskId) -> Result<(), Violation> {
        let unknown = self.place(task).is_none();
        rule(
            unknown,
            "W2",
            "a task was turned away that had been accepted",
        )?;
        rule(!self.closed, "W4", "there was no room after the quit")?;
        rule(
            !self.has_room(),
            "P1",
            "there was said to be no room, and there is",
        )
    }

    fn queue(&mut self, task: TaskId) -> Result<(), Violation> {
        self.no_room(task)?;
        self.queue.push_back(task);
        Ok(())
    }

    fn admit(&mut self) -> Result<(), Violation> {
        self.in_step()?;
        let may = self.closed || self.has_room();
        rule(may, "P1", "a caller was admitted for whom there is no room")?;
        let Some(task) = self.queue.pop_front() else {
            return Err(broken("T9", "a caller was admitted that does not wait"));
        };
        self.admitted.insert(task);
        Ok(())
    }

    fn back(&mut self, task: TaskId) -> Result<(), Violation> {
        let admitted = self.admitted.remove(&task);
        rule(admitted, "T9", "a caller is back that was not admitted")?;
        self.readmitted = Some(task);
        Ok(())
    }

    /// So many of those without a task are to leave.
    fn dismiss(&mut self, n: usize) {
        self.due += n;
        if self.fetches {
            self.leaving += n;
        }
    }

    fn cap_debt(&mut self) {
        if !self.has(Flaw::UncappedDebt) {
            self.debt = self.debt.min(self.working());
        }
    }

    fn looked(&mut self, worker: WorkerId) -> Result<(), Violation> {
        self.is_awake(worker, "T9")?;
        self.open_as(Origin::Look)?;
        self.looks(worker);
        Ok(())
    }

    /// It opens a step, unless the worker's making did: it may have died before it was counted.
    fn gone(&mut self, worker: WorkerId, newborn: Option<WorkerId>) -> Result<(), Violation> {
        self.is_awake(worker, "T8")?;
        if newborn != Some(worker) {
            self.open()?;
        }
        self.outdate();
        if self.due > 0 {
            // It is the one that was dismissed: retired, told, and counted.
            self.due -= 1;
            self.workers.insert(worker, Post::Gone);
            self.vacated(1);
            return Ok(());
        }
        self.workers.insert(worker, Post::Gone);
        self.cap_debt();
        if self.unproven {
            self.refused_first = true;
            self.retry = true;
        } else {
            self.for_tasks += usize::from(self.backlogged() > 0);
            self.refill();
        }
        Ok(())
    }

    fn ended(&mut self, worker: WorkerId, task: TaskId) -> Result<(), Violation> {
        let stopped = self.place(task) == Some(Place::Stopped(worker));
        rule(
            stopped,
            "W1",
            "an end was seen of a task that has not stopped",
        )?;
        self.open_as(if self.fetches {
            Origin::Look
        } else {
            Origin::Turn
        })?;
        self.try_again();
        self.tasks.insert(task, Place::Done);
        self.workers.remove(&worker);
        self.unproven = false;
        self.last_try = false;
        // One that is only being made may yet not be had, and those that block may wait for what waits.
        let another_stays = self.working() > self.blocking;
        let pays = self.debt > 0 && (self.backlogged() == 0 || another_stays);
        self.comes(worker, pays);
        if self.fetches {
            self.looks(worker);
        }
        Ok(())
    }

    /// A worker has no task, and may have to leave for a debt.
    fn comes(&mut self, worker: WorkerId, pays: bool) {
        if self.fetches {
            self.workers.insert(worker, Post::Awake);
        } else {
            self.workers.insert(worker, Post::Idle);
            self.idle.push(worker);
        }
        if pays {
            self.debt -= 1;
            self.dismiss(1);
        }
    }

    fn lost(&mut self, worker: WorkerId, task: TaskId) -> Result<(), Violation> {
        let not_started = self.place(task) == Some(Place::Assigned(worker));
        rule(not_started, "W1", "a task was lost that had started")?;
        let told = self.post(worker) == Some(Post::Losing);
        rule(told, "T8", "a worker was lost that was not told to quit")?;
        self.open()?;
        self.outdate();
        self.tasks.insert(task, Place::Waiting);
        self.backlog.push_front(task);
        self.workers.insert(worker, Post::Gone);
        self.cap_debt();
        if self.unproven {
            self.refused_first = true;
            self.retry = true;
        } else {
            self.for_tasks += 1;
            self.refill();
        }
        Ok(())
    }

    fn answer(&mut self) -> Result<Asking, Violation> {
        let Some(asking) = self.asking.take() else {
            return Err(broken("T1", "the factory answered without being asked"));
        };
        self.resume(asking.step.clone())?;
        Ok(asking)
    }

    fn made(&mut self, worker: WorkerId) -> Result<(), Violation> {
        let asking = self.answer()?;
        let room = self.keeps.is_none() || self.live() < asking.highest;
        rule(room, "T1", "a worker was made beyond the limit")?;
        let new = self.post(worker).is_none();
        rule(new, "T1", "a worker was made twice")?;
        self.unproven = true;
        let pays = self.debt > 0 && self.backlogged() == 0;
        self.comes(worker, pays);
        self.trim();
        if let Some(step) = self.step.as_mut().filter(|_| self.fetches) {
            step.newborn = Some(worker);
        }
        Ok(())
    }

    fn at_limit(&mut self) -> Result<(), Violation> {
        let asking = self.answer()?;
        let full = self.keeps.is_none() || asking.workers >= asking.lowest;
        rule(full, "T3", "a worker was refused below the limit")?;
        let room = self.leaving > 0 || asking.vacated;
        if room {
            match asking.reason {
                Reason::Task => self.for_tasks += 1,
                Reason::Grow if self.quitting => {}
                Reason::Grow => self.for_grow = self.for_grow.saturating_add(1),
                Reason::Again => self.again += 1,
                Reason::LastTry => self.last_try = false,
            }
            if self.leaving > 0 && !self.has(Flaw::AsksForEver) {
                self.gate = if asking.outdated {
                    Gate::Ajar
                } else {
                    Gate::Shut
                };
            }
        } else if asking.outdated {
            self.again += 1;
        } else {
            self.no_reasons();
            return Ok(());
        }
        // None comes, which had counted as one of the least.
        self.refill();
        Ok(())
    }

    fn failed(&mut self) -> Result<(), Violation> {
        self.answer()?;
        self.no_reasons();
        self.retry = true;
        self.failures += 1;
        Ok(())
    }

    fn no_reasons(&mut self) {
        self.for_tasks = 0;
        self.for_grow = 0;
        self.again = 0;
    }

    fn left(&mut self, n: usize) -> Result<(), Violation> {
        let why = "workers were counted as gone that were not told to quit";
        rule(0 < n && n <= self.told, "T6", why)?;
        let why = "not all that the step retired were counted as gone, or others";
        rule(!self.fetches || n == self.parting, "T6", why)?;
        self.open_as(Origin::Left)?;
        self.parting = 0;
        self.told -= n;
        self.vacated(n);
        Ok(())
    }

    /// So many that were leaving count no more.
    fn vacated(&mut self, n: usize) {
        self.leaving -= n;
        if !self.has(Flaw::MissingWakeUp) {
            self.gate = Gate::Open;
        }
        if let Some(asking) = &mut self.asking {
            asking.vacated = true;
        }
    }

    // What a step decides.

    fn in_step(&self) -> Result<(), Violation> {
        let why = "something was decided outside of a step";
        rule(self.step.is_some(), "W6", why)
    }

    fn retire(&mut self, worker: WorkerId) -> Result<(), Violation> {
        self.in_step()?;
        if self.fetches {
            let looks = self.looking() == Some(worker);
            rule(looks, "T5", "a worker left that does not look")?;
        } else {
            let last_in = self.idle.last() == Some(&worker);
            let why = "a worker left that was not the last one idle";
            rule(last_in, "T5", why)?;
            let others = self.idle.len() - 1 + self.busy();
            let why = "the last worker left while work waits";
            rule(others > 0 || self.backlog.is_empty(), "T5", why)?;
        }
        let expires = self.expires() == Some(worker);
        let dismissed = self.due > 0 && !expires;
        if dismissed {
            self.due -= 1;
        } else if !expires {
            rule(self.quitting, "T5", "a worker left without a reason")?;
            let why = "a worker left before the work was done";
            rule(self.drained(), "T6", why)?;
        }
        self.outdate();
        if self.fetches {
            self.found(worker, Post::Retired);
        } else {
            self.idle.pop();
            self.workers.insert(worker, Post::Retired);
        }
        // A pool has counted those that it dismissed.
        self.leaving += usize::from(!(self.fetches && dismissed));
        if let Some(step) = &mut self.step {
            step.retired += 1;
        }
        Ok(())
    }

    fn assign(&mut self, worker: WorkerId, task: TaskId) -> Result<(), Violation> {
        self.in_step()?;
        let why = "a worker got a task that was to leave";
        rule(self.due == 0, "T5", why)?;
        self.stays()?;
        if self.fetches {
            let looks = self.looking() == Some(worker);
            rule(looks, "T4", "a worker got a task that does not look")?;
        } else {
            let last_in = self.idle.last() == Some(&worker);
            rule(last_in, "T5", "not the last one idle got the task")?;
        }
        let first = self.backlog.front() == Some(&task);
        rule(first, "T4", "a task overtook one that was taken before")?;
        if self.fetches {
            self.found(worker, Post::Busy);
        } else {
            self.idle.pop();
            self.workers.insert(worker, Post::Busy);
        }
        self.backlog.pop_front();
        self.tasks.insert(task, Place::Assigned(worker));
        Ok(())
    }

    /// Whether one that looks may find nothing, and rest or stay awake.
    fn finds_nothing(&self) -> Result<(), Violation> {
        self.stays()?;
        let why = "a worker that looks did not leave, and a dismissal is due";
        rule(self.due == 0, "T5", why)?;
        let left = self.backlog.is_empty() || self.has(Flaw::RestsWhileWorkWaits);
        rule(left, "T9", "a worker that looks left the work that waits")?;
        let goes_on = !(self.quitting && self.drained());
        let why = "a worker that looks stayed after the quit";
        rule(goes_on, "T6", why)
    }

    fn rest(&mut self, worker: WorkerId) -> Result<(), Violation> {
        self.fetched()?;
        self.in_step()?;
        let looks = self.looking() == Some(worker);
        rule(looks, "T9", "a worker rests that has not looked")?;
        self.finds_nothing()?;
        self.found(worker, Post::Idle);
        self.idle.push(worker);
        Ok(())
    }

    fn call(&mut self, worker: WorkerId) -> Result<(), Violation> {
        self.fetched()?;
        self.in_step()?;
        let last_in = self.idle.last() == Some(&worker);
        let why = "a worker was called that was not the last to rest";
        rule(last_in, "T5", why)?;
        let why = "a worker was called for nothing";
        let drained = self.quitting && self.drained();
        rule(self.lookers() > 0 || drained, "T3", why)?;
        let why = "a worker was called though enough are awake";
        rule(self.awake() < self.lookers() || drained, "T3", why)?;
        self.idle.pop();
        self.workers.insert(worker, Post::Awake);
        Ok(())
    }

    fn ask_factory(&mut self, workers: usize) -> Result<(), Violation> {
        self.in_step()?;
        let origin = self.step.as_ref().map(|step| step.origin);
        let why = "the factory was asked in the step of a withdrawal";
        rule(origin != Some(Origin::Withdrawal), "W6", why)?;
        rule(self.asking.is_none(), "T1", "two workers are made at once")?;
        self.all_given_back()?;
        if self.fetches {
            // Nobody else waits for the factory's answer.
            let looked = self.looking().is_none();
            let why = "a worker that looks asked the factory first";
            rule(looked, "T9", why)?;
            self.rest_well()?;
        } else {
            rule(self.due == 0, "T5", "a worker was made before one left")?;
        }
        let needed = self.idling() == 0 || self.backlogged() == 0;
        rule(needed, "T3", "a worker was asked for while one idles")?;
        let right = workers == self.counted();
        rule(right, "T1", "the factory was told a wrong number")?;
        let why = "the factory was asked again before a worker left";
        rule(self.gate != Gate::Shut, "T9", why)?;
        let reason = self.next_reason();
        let why = "a worker was asked for without a reason";
        rule(reason.is_some(), "T3", why)?;
        self.gate = Gate::Open;
        let interrupted = reason.zip(self.step.take());
        let limit = self.limit().unwrap_or(usize::MAX);
        self.asking = interrupted.map(|(reason, step)| Asking {
            reason,
            outdated: false,
            vacated: false,
            workers,
            lowest: limit,
            highest: limit,
            step,
        });
        Ok(())
    }

    /// Uses up a reason to ask for a worker.
    fn next_reason(&mut self) -> Option<Reason> {
        self.for_tasks = self.for_tasks.min(self.backlogged());
        let looks = self
            .step
            .as_ref()
            .is_some_and(|it| it.origin == Origin::Look);
        let (count, reason) = if self.for_tasks > 0 {
            (&mut self.for_tasks, Reason::Task)
        } else if self.for_grow > 0 {
            (&mut self.for_grow, Reason::Grow)
        } else if self.last_try_due() {
            self.last_try = true;
            return Some(Reason::LastTry);
        } else if self.again > 0 && (!self.quitting || self.backlogged() > 0) {
            (&mut self.again, Reason::Again)
        } else if looks && self.retry && self.backlogged() > 0 {
            // Those missing to the least are left to the next that turns a failure into reasons.
            self.retry = !self.quitting && self.staying() + 1 < self.least();
            return Some(Reason::Task);
        } else {
            return None;
        };
        *count -= 1;
        Some(reason)
    }

    fn tell_refused_first(&mut self) -> Result<(), Violation> {
        self.in_step()?;
        let why = "a failed creation was told that was none";
        rule(self.refused_first, "T8", why)?;
        self.refused_first = false;
        self.failures += 1;
        Ok(())
    }

    fn abandon(&mut self, task: TaskId) -> Result<(), Violation> {
        self.in_step()?;
        rule(self.quitting, "T7", "a task was abandoned without a quit")?;
        let first = self.backlog.front() == Some(&task);
        rule(first, "T4", "a task was abandoned before an older one")?;
        let why = "a task was abandoned though a worker lives";
        rule(self.stuck(), "T7", why)?;
        let why = "a task was abandoned without a last try";
        rule(!self.wants_a_worker() && self.last_try, "T7", why)?;
        self.backlog.pop_front();
        self.tasks.insert(task, Place::Abandoned);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Violation> {
        self.in_step()?;
        let retired = self.step.as_ref().map_or(0, |step| step.retired);
        let why = "the end came while something is outstanding, or twice";
        rule(self.may_finish(retired), "T6", why)?;
        self.finished = true;
        self.leaving = 0;
        self.told = 0;
        Ok(())
    }

    fn settled(&mut self) -> Result<(), Violation> {
        self.in_step()?;
        let retired = self.step.as_ref().map_or(0, |step| step.retired);
        if self.fetches {
            if self.looking().is_some() {
                self.finds_nothing()?;
            }
            self.rest_well()?;
        } else {
            rule(self.due == 0, "T5", "a worker stayed that was to leave")?;
            let works = self.idle.is_empty() || self.backlog.is_empty();
            rule(works, "T3", "a worker idles while work waits")?;
        }
        rule(!self.refused_first, "T8", "a first refusal was not told")?;
        self.all_given_back()?;
        let admits = if self.closed {
            !self.has(Flaw::QuitAdmitsNone)
        } else {
            self.has_room()
        };
        let why = "a caller waits though there is room, or a quit";
        rule(self.queue.is_empty() || !admits, "T9", why)?;
        self.for_tasks = self.for_tasks.min(self.backlogged());
        let waits = self.asking.is_some() || self.gate != Gate::Open;
        if self.last_try_due() {
            // It waits for those that are leaving.
            let may_wait = waits || self.leaving > 0;
            rule(may_wait, "T7", "there was no last try")?;
        } else {
            let asked = waits || !self.wants_a_worker();
            rule(asked, "T3", "a worker was not asked for")?;
        }
        if self.quitting {
            let stayed = self.drained() && !self.idle.is_empty();
            rule(!stayed, "T6", "an idle worker stayed after the quit")?;
            let ends = self.may_finish(retired);
            rule(
                !ends,
                "T6",
                "nothing is outstanding, and the team did not end",
            )?;
            let kept = self.stuck() && !self.wants_a_worker() && self.leaving == 0 && !waits;
            rule(!kept, "T7", "work was kept that can never run")?;
        }
        if self.asking.is_none() {
            self.again = 0;
        }
        self.step = None;
        if !self.fetches {
            self.published = self.numbers();
        } else if !self.finished {
            self.parting = retired;
        }
        Ok(())
    }

    /// Those of a pool's workers that rest may, while nobody holds its lock.
    fn rest_well(&self) -> Result<(), Violation> {
        let (awake, nobody_rests) = (self.awake(), self.idle.is_empty());
        let why = "a dismissal is due, and of those that rest none was called";
        rule(self.due <= awake || nobody_rests, "T5", why)?;
        let called = self.lookers() <= awake || nobody_rests;
        let chained = !self.has(Flaw::NoChain) && !self.has(Flaw::RestsWhileWorkWaits);
        let origin = self.step.as_ref().map(|step| step.origin);
        let called = called || !(chained || origin == Some(Origin::Turn));
        rule(
            called,
            "T9",
            "work waits, and of those that rest none was called",
        )
    }

    // What follows outside of steps.

    fn start(&mut self, task: TaskId) -> Result<(), Violation> {
        match self.place(task) {
            Some(Place::Assigned(worker)) => {
                let busy = self.post(worker) == Some(Post::Busy);
                rule(busy, "T8", "a task started on a worker that was lost")?;
                self.tasks.insert(task, Place::Running(worker));
                Ok(())
            }
            Some(Place::OnSite) => {
                self.tasks.insert(task, Place::RunningOnSite);
                Ok(())
            }
            Some(Place::Running(_) | Place::Stopped(_)) if self.has(Flaw::DuplicatedStart) => {
                Ok(())
            }
            _ => Err(broken(
                "W1",
                "a task started that was not assigned, or again",
            )),
        }
    }

    fn stop(&mut self, task: TaskId, panicked: bool) -> Result<(), Violation> {
        let stopped = match self.place(task) {
            Some(Place::Running(worker)) => Place::Stopped(worker),
            Some(Place::RunningOnSite) => Place::StoppedOnSite,
            _ => return Err(broken("W1", "a task stopped that does not run")),
        };
        self.tasks.insert(task, stopped);
        self.panics += usize::from(panicked);
        Ok(())
    }

    fn worker_quit(&mut self, worker: WorkerId) -> Result<(), Violation> {
        match self.post(worker) {
            Some(Post::Retired) => {
                self.workers.insert(worker, Post::Gone);
                self.told += usize::from(!self.finished);
            }
            Some(Post::Busy) => {
                let assigned = |it: &Place| *it == Place::Assigned(worker);
                let why = "a worker was told to quit while it runs a task";
                rule(self.tasks.values().any(assigned), "T6", why)?;
                self.workers.insert(worker, Post::Losing);
            }
            _ => {
                let why = "a worker was told to quit twice, or without a reason";
                return Err(broken("T6", why));
            }
        }
        Ok(())
    }

    fn quit_coordinator(&mut self) -> Result<(), Violation> {
        self.coordinated("T6")?;
        let why = "the coordinator was quit before the end, or twice";
        rule(self.finished && !self.coordinator_quit, "T6", why)?;
        let last = self.workers.values().all(|&it| it == Post::Gone);
        let last = last || self.has(Flaw::CoordinatorNotLast);
        rule(last, "T6", "the coordinator was quit before a worker")?;
        self.coordinator_quit = true;
        Ok(())
    }

    fn give(&mut self, task: TaskId) -> Result<(), Violation> {
        let abandoned = self.place(task) == Some(Place::Abandoned);
        rule(abandoned, "T7", "a task was given that was not abandoned")?;
        self.tasks.insert(task, Place::Given);
        Ok(())
    }
}

/// Pays one report that is owed.
fn report(owed: &mut usize, property: &'static str) -> Result<(), Violation> {
    let why = "something was reported that had not failed, or twice";
    rule(*owed > 0, property, why)?;
    *owed -= 1;
    Ok(())
}

impl Machine for Team {
    type Action = Action;

    fn properties(action: &Action) -> &'static [&'static str] {
        match action {
            Action::Accept(_) => &["W1", "W4", "T2"],
            Action::Refuse(_) => &["W2", "W4"],
            Action::Ask(_) => &["W3", "W4", "T6"],
            Action::Deny(_) => &["W3", "W4"],
            Action::Withdraw(_) => &["W2", "T2"],
            Action::WithdrawRequest(_) | Action::Statistics(_) => &["T2"],
            Action::Take(_) => &["T2", "T3", "T4"],
            Action::TakeRequest(Request::Grow(_) | Request::Raised) => &["T3"],
            Action::TakeRequest(Request::Shrink(_)) => &["T5", "P1"],
            Action::TakeRequest(Request::Quit) => &["T5", "T6"],
            Action::TakeRequest(Request::Abort) => &["W1", "T6"],
            Action::TakeRequest(Request::Begin | Request::Resize(..)) => &["P1", "T5"],
            Action::TakeRequest(Request::Enter) => &["T1", "T3"],
            Action::TakeRequest(Request::Exit) => &["T1", "P1"],
            Action::Ended(..) => &["T2", "T5"],
            Action::Lost(..) => &["T4", "T8"],
            Action::Looked(_) => &["T9"],
            Action::Gone(_) => &["T5", "T8"],
            Action::Called(_) => &["T3", "T5"],
            Action::Rested(_) => &["T5", "T6", "T9"],
            Action::Assign(..) => &["T4", "T5"],
            Action::AskFactory { .. } => &["T1", "T3", "T5", "T7", "T9", "W6"],
            Action::Made(_) => &["T1", "T5"],
            Action::AtLimit => &["T1", "T3"],
            Action::Failed | Action::RefusedFirst | Action::CreationReported => &["T8"],
            Action::Retire(_) => &["T5", "T6"],
            Action::Abandon(_) => &["T7"],
            Action::Finish | Action::CoordinatorQuit => &["T6"],
            Action::Settled => &["T2", "T3", "T5", "T6", "T7", "T8", "T9"],
            Action::Left(_) => &["T1", "T3", "T6"],
            Action::Start(_) => &["W1"],
            Action::Stop { .. } => &["W1", "W8"],
            Action::PanicReported => &["W8"],
            Action::WorkerQuit(_) => &["T1", "T6", "T8"],
            Action::AbandonedGiven(_) => &["W1", "T7"],
            Action::Keep(_) => &[],
            Action::Expired(_) => &["P1", "T5"],
            Action::Cancel(_) => &["W1", "T2", "T5"],
            Action::InPlace(_) => &["W1", "P3", "T5"],
            Action::EndedInPlace(_) => &["T2", "P3"],
            Action::GiveBack(_) => &["W1", "T4"],
            Action::Full(_) => &["P1"],
            Action::Queue(_) => &["P1", "T9"],
            Action::Admit | Action::Back(_) => &["T9"],
        }
    }

    fn take(&mut self, action: &Action) -> Result<(), Violation> {
        let newborn = self.in_one_section(action)?;
        match *action {
            Action::Accept(task) => self.accept(task),
            Action::Refuse(task) => self.refuse(task),
            Action::Ask(request) => self.ask(request),
            Action::Deny(request) => self.deny(request),
            Action::Withdraw(task) => self.withdraw(task),
            Action::WithdrawRequest(request) => self.withdraw_request(request),
            Action::Take(task) => self.take_task(task),
            Action::TakeRequest(request) => self.take_request(request),
            Action::Ended(worker, task) => self.ended(worker, task),
            Action::Lost(worker, task) => self.lost(worker, task),
            Action::Looked(worker) => self.looked(worker),
            Action::Gone(worker) => self.gone(worker, newborn),
            Action::Called(worker) => self.call(worker),
            Action::Rested(worker) => self.rest(worker),
            Action::Assign(worker, task) => self.assign(worker, task),
            Action::AskFactory { workers } => self.ask_factory(workers),
            Action::Made(worker) => self.made(worker),
            Action::AtLimit => self.at_limit(),
            Action::Failed => self.failed(),
            Action::Retire(worker) => self.retire(worker),
            Action::RefusedFirst => self.tell_refused_first(),
            Action::Abandon(task) => self.abandon(task),
            Action::Finish => self.finish(),
            Action::Settled => self.settled(),
            Action::Left(n) => self.left(n),
            Action::Start(task) => self.start(task),
            Action::Stop { task, panicked } => self.stop(task, panicked),
            Action::PanicReported => report(&mut self.panics, "W8"),
            Action::CreationReported => report(&mut self.failures, "T8"),
            Action::WorkerQuit(worker) => self.worker_quit(worker),
            Action::CoordinatorQuit => self.quit_coordinator(),
            Action::AbandonedGiven(task) => self.give(task),
            Action::Statistics(snapshot) => self.statistics(snapshot),
            Action::Keep(terms) => {
                self.keeps = Some(terms);
                Ok(())
            }
            Action::Expired(worker) => self.expired(worker),
            Action::Cancel(task) => self.leaves_the_line(task, Place::Cancelled),
            Action::InPlace(task) => self.leaves_the_line(task, Place::OnSite),
            Action::EndedInPlace(task) => self.ended_in_place(task),
            Action::GiveBack(task) => self.give_back(task),
            Action::Full(task) => self.no_room(task),
            Action::Queue(task) => self.queue(task),
            Action::Admit => self.admit(),
            Action::Back(task) => self.back(task),
        }
    }

    fn end(&self) -> Result<(), Violation> {
        let ended = |it: &Place| {
            let unrun = matches!(it, Place::Waiting | Place::Cancelled | Place::Returned);
            unrun || matches!(it, Place::Done | Place::Given)
        };
        let all_ended = self.tasks.values().all(ended);
        rule(all_ended, "W1", "an accepted task had no end")?;
        let back = self.queue.is_empty() && self.admitted.is_empty() && self.readmitted.is_none();
        rule(back, "T9", "a caller that waits for room was forgotten")?;
        rule(self.panics == 0, "W8", "a panic was not reported")?;
        let reported = self.failures == 0;
        rule(reported, "T8", "a failed creation was not reported")?;
        let told = self.workers.values().all(|&it| it != Post::Retired);
        rule(told, "T6", "a retired worker was not told to quit")?;
        let settled = self.step.is_none() && self.asking.is_none() && self.asked.is_empty();
        rule(settled, "T9", "a step or a request was not finished")?;
        let works = !self.fetches || self.backlog.is_empty() || self.free() == 0;
        rule(works, "T3", "work waits at the end, and a worker lives")?;
        rule(self.leaving == 0, "T6", "a worker was not counted as gone")?;
        // The end came after all that was accepted, and the coordinator's quit after all workers'.
        let coordinator = self.fetches || self.coordinator_quit;
        let ended = !self.closed || (self.finished && coordinator);
        rule(ended, "T6", "the team was quit, and did not end")
    }
}
