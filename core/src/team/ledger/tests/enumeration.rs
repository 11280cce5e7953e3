//! Every state of the ledger with a few tasks, workers and requests at a time, breadth first, each
//! judged against a plain account of who has what: for a shell that looks on the behalf of its workers
//! at once, and for workers that look by themselves.
//!
//! The states are finite because only what is at hand counts: tasks and workers are renumbered by
//! their places, and the counts of what has ended are taken back to 0 where that changes nothing.

use std::mem;

use super::shortly::{Way, ends_shortly, submits_shortly};
use super::*;

/// What users ask for, other than a task.
const ASKS: [Ask; 6] = [
    Ask::Grow(1),
    Ask::Grow(2),
    Ask::Shrink(Some(1)),
    Ask::Shrink(None),
    Ask::Raised,
    Ask::Quit,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Grow(u8),
    Shrink(Option<usize>),
    Raised,
    Quit,
}

impl Ask {
    fn event(self) -> Event<u8> {
        match self {
            Self::Grow(n) => Event::Grow(n.into()),
            Self::Shrink(n) => Event::Shrink(n),
            Self::Raised => Event::Raised,
            Self::Quit => Event::Quit,
        }
    }
}

/// Where a control spoils the ledger: after each of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Accepted(Ask),
    Asked(Ask),
    Arrived,
    Ended,
    Lost,
    Made(Answer),
    Left,
    Gone,
    Looks,
    Rested,
    Settled,
    Decided(Did),
    /// Only of a copy that is about to submit by the short way.
    Shortly,
}

/// A fault to put into the ledger: the enumeration has to find it.
type Spoil = fn(&mut Numbered, Spot);

/// The ledger as it is.
const SOUND: Spoil = |_, _| {};

/// What may happen while a worker is being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coordinator {
    /// Nothing that goes through the coordinator: its steps do not overlap.
    Exclusive,
    /// Anything: it is the ledger's own lock, or it breaks its laws, or it is lost.
    Overlapping,
}

/// When a worker that is awake looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binding {
    /// At once: the shell looks for it, in the same step.
    Now,
    /// By itself, later. There is no coordinator: what is accepted is applied at once, and any step
    /// may be taken while a worker is being made.
    Later,
}

/// The factory is being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Asking {
    /// The number of workers that it was told.
    told: u8,
    /// Between what the limit has been since then.
    lowest: u8,
    highest: u8,
    /// A raise or a new reason was seen, or a worker left, since then: that there are enough is no
    /// answer any more.
    outdated: bool,
    reason: Reason,
    /// In the coordinator's own turn, not right after it by whoever counts retirements.
    in_turn: bool,
}

/// A ledger and, counted apart, all that it does not know or has to keep.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    ledger: Numbered,
    /// How many of each of [`ASKS`] are accepted and not applied.
    asked: [u8; ASKS.len()],
    in_flight: u8,
    /// The factory said that there are enough, while some had yet to leave, and none has since.
    blocked: bool,
    waiting: u8,
    resting: u8,
    awake: u8,
    at_work: u8,
    leaving: u8,
    /// How many of these have yet to look, and to be told.
    dismissed: u8,
    /// How many of these the step that waits for the factory will deliver.
    carried: u8,
    making: Option<Asking>,
    limit: u8,
    quit: bool,
    finished: bool,
    /// The last worker asked for could not be made, or refused its first task.
    failed: bool,
    /// The last worker asked for failed, and no step has tried again.
    retry: bool,
    /// No task has ended since a worker was made.
    unproven: bool,
    /// A worker was asked for while quitting and was not had, and no task has ended since.
    tried: bool,
    /// How many workers there is still reason to ask for: for tasks, and for a grow.
    tries: u8,
    growing: u8,
}

/// What one transition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Task,
    Ask(Ask),
    Limit(u8),
    Withdraw,
    Arrived,
    Asked(Ask),
    Ended,
    Lost,
    Made(Answer),
    Left(u8),
    Look,
    Gone,
}

impl Move {
    /// Whether it is owed: it comes by itself, once performers are driven.
    fn owed(self) -> bool {
        !matches!(
            self,
            Self::Task | Self::Ask(_) | Self::Limit(_) | Self::Withdraw | Self::Gone
        )
    }
}

/// How far to go, and with what.
#[derive(Clone, Copy)]
struct Bounds {
    binding: Binding,
    coordinator: Coordinator,
    /// Tasks at a time: in flight, waiting and at work.
    tasks: u8,
    /// What the factory's limit may be, the first one first; who raises it says so.
    limits: &'static [u8],
    /// Requests under way at a time.
    asks: u8,
    spoil: Spoil,
}

impl Bounds {
    fn workers(self) -> usize {
        self.limits.iter().copied().max().unwrap_or(0).into()
    }

    /// What a control does to the ledgers that are compared.
    fn shortly(self) -> impl Fn(&mut Numbered, Way) + Copy {
        let spoil = self.spoil;
        move |ledger, way| match way {
            Way::Short => spoil(ledger, Spot::Shortly),
            Way::Long => spoil(ledger, Spot::Settled),
        }
    }
}

/// The plain account, during one transition: tasks and workers by number, each in one place.
struct Account {
    state: State,
    bounds: Bounds,
    waiting: VecDeque<u8>,
    resting: Vec<u8>,
    awake: Vec<u8>,
    at_work: Vec<(u8, u8)>,
}

impl State {
    fn new(limit: u8) -> Self {
        Self {
            ledger: Ledger::new(),
            asked: [0; ASKS.len()],
            in_flight: 0,
            blocked: false,
            waiting: 0,
            resting: 0,
            awake: 0,
            at_work: 0,
            leaving: 0,
            dismissed: 0,
            carried: 0,
            making: None,
            limit,
            quit: false,
            finished: false,
            failed: false,
            retry: false,
            unproven: false,
            tried: false,
            tries: 0,
            growing: 0,
        }
    }

    fn live(&self) -> usize {
        usize::from(self.resting + self.awake + self.at_work)
    }

    /// The quit has been applied, not only accepted.
    fn quitting(&self) -> bool {
        let applied = |(kind, ask)| ask != Ask::Quit || self.asked[kind] == 0;
        self.quit && ASKS.into_iter().enumerate().all(applied)
    }

    fn under_way(&self) -> u8 {
        self.asked.iter().sum()
    }

    /// Nothing is under way: the state changes only if somebody asks for something.
    fn quiet(&self) -> bool {
        let asked = self.in_flight + self.under_way();
        let counts = asked + self.awake + self.at_work + self.leaving;
        counts == 0 && self.making.is_none()
    }

    /// Numbered by place: the workers from the bottom of those that rest, then those awake, then
    /// those at work; the tasks from the front of the backlog, then those at work.
    fn account(&self, bounds: Bounds) -> Account {
        let worker = |n: u8| self.resting + self.awake + n;
        let task = |n: u8| self.waiting + n;
        Account {
            state: self.clone(),
            bounds,
            waiting: (0..self.waiting).collect(),
            resting: (0..self.resting).collect(),
            awake: (self.resting..self.resting + self.awake).collect(),
            at_work: (0..self.at_work).map(|n| (worker(n), task(n))).collect(),
        }
    }

    /// All that can happen now, and what comes of it.
    fn moves(&self, bounds: Bounds) -> Vec<(Move, Self)> {
        let mut all = Vec::new();
        self.accept(bounds, &mut all);
        self.change_limit(bounds, &mut all);
        let mut go = |what: Move, run: &dyn Fn(&mut Account)| {
            let mut account = self.account(bounds);
            run(&mut account);
            all.push((what, account.close()));
        };
        for (kind, ask) in ASKS.into_iter().enumerate() {
            if self.asked[kind] > 0 && ask != Ask::Quit {
                go(Move::Withdraw, &|account| account.withdraw(Some(kind)));
            }
        }
        if self.in_flight > 0 {
            go(Move::Withdraw, &|account| account.withdraw(None));
        }
        let to_deliver = match bounds.binding {
            Binding::Now => self.leaving - self.carried,
            Binding::Later => 0,
        };
        if to_deliver > 0 {
            go(Move::Left(1), &|account| account.left(1));
        }
        if to_deliver > 1 {
            go(Move::Left(to_deliver), &|account| account.left(to_deliver));
        }
        if let Some(asking) = self.making {
            go(Move::Made(Answer::Failed), &|account| {
                account.made(Answer::Failed);
            });
            if asking.told >= asking.lowest {
                go(Move::Made(Answer::AtLimit), &|account| {
                    account.made(Answer::AtLimit);
                });
            }
            if asking.told < asking.highest {
                go(Move::Made(Answer::Worker), &|account| {
                    account.made(Answer::Worker);
                });
            }
            if bounds.coordinator == Coordinator::Exclusive && asking.in_turn {
                return all;
            }
        }
        for (kind, ask) in ASKS.into_iter().enumerate() {
            if self.asked[kind] > 0 {
                go(Move::Asked(ask), &|account| account.asked(kind));
            }
        }
        if self.in_flight > 0 {
            go(Move::Arrived, &|account| account.arrived());
        }
        if self.at_work > 0 {
            // Any of those at work is like any other.
            go(Move::Ended, &|account| account.ended());
            go(Move::Lost, &|account| account.lost());
        }
        if self.awake > 0 {
            // Any of those awake is like any other.
            go(Move::Look, &|account| account.looks());
            go(Move::Gone, &|account| account.gone());
        }
        all
    }

    /// Requests and their effects are few at a time.
    fn more(&self, bounds: Bounds) -> bool {
        self.under_way() < bounds.asks && self.ledger.growing < bounds.workers()
    }

    /// The limit changes; a raise is announced.
    fn change_limit(&self, bounds: Bounds, all: &mut Vec<(Move, Self)>) {
        let more = self.more(bounds);
        for &limit in bounds.limits {
            let raise = limit > self.limit && !self.quit;
            if limit == self.limit || (raise && !more) {
                continue;
            }
            let mut next = self.clone();
            next.limit = limit;
            if let Some(asking) = &mut next.making {
                asking.lowest = asking.lowest.min(limit);
                asking.highest = asking.highest.max(limit);
            }
            if raise {
                assert!(next.ledger.accept(&Event::Raised));
                let raised = ASKS.iter().position(|&ask| ask == Ask::Raised);
                let raised = raised.unwrap();
                next.asked[raised] += 1;
                next = next.accepted(bounds, |account| account.asked(raised));
            }
            all.push((Move::Limit(limit), next));
        }
    }

    /// What users may ask for; after a quit, nothing is accepted, and nothing changes.
    fn accept(&self, bounds: Bounds, all: &mut Vec<(Move, Self)>) {
        if self.quit {
            let mut same = self.clone();
            let mut accepted = same.ledger.accept(&Event::Arrived(0));
            for ask in ASKS {
                accepted |= same.ledger.accept(&ask.event());
            }
            assert!(!accepted, "something was accepted after the quit");
            assert!(same == *self, "a refusal changed something");
            return;
        }
        if self.in_flight + self.waiting + self.at_work < bounds.tasks {
            let mut next = self.clone();
            let accepted = next.ledger.accept(&Event::Arrived(0));
            assert!(accepted, "a task was refused before a quit");
            next.in_flight += 1;
            next.ledger.check();
            all.push((Move::Task, next.accepted(bounds, Account::arrived)));
        }
        let more = self.more(bounds);
        for (kind, ask) in ASKS.into_iter().enumerate() {
            if more || ask == Ask::Quit {
                let mut next = self.clone();
                let accepted = next.ledger.accept(&ask.event());
                assert!(accepted, "a request was refused before a quit");
                next.asked[kind] += 1;
                next.quit = ask == Ask::Quit;
                next.ledger.check();
                (bounds.spoil)(&mut next.ledger, Spot::Accepted(ask));
                next = next.accepted(bounds, |account| account.asked(kind));
                all.push((Move::Ask(ask), next));
            }
        }
    }

    /// What was accepted is applied: now, or as a move of its own.
    fn accepted(self, bounds: Bounds, apply: impl Fn(&mut Account)) -> Self {
        if bounds.binding == Binding::Now {
            return self;
        }
        let mut account = self.account(bounds);
        apply(&mut account);
        account.close()
    }
}

impl Account {
    fn spoil(&mut self, spot: Spot) {
        (self.bounds.spoil)(&mut self.state.ledger, spot);
    }

    fn live(&self) -> usize {
        self.resting.len() + self.awake.len() + self.at_work.len()
    }

    /// Those that do not leave and are not at work.
    fn free(&self) -> usize {
        self.resting.len() + self.awake.len() - usize::from(self.state.dismissed)
    }

    /// By the numbers, the free are busy with what waits, as far as it goes.
    fn idle(&self) -> usize {
        self.free().saturating_sub(self.waiting.len())
    }

    fn busy(&self) -> usize {
        self.at_work.len() + self.free() - self.idle()
    }

    fn backlogged(&self) -> usize {
        self.waiting.len().saturating_sub(self.free())
    }

    fn drained(&self) -> bool {
        self.state.quitting() && self.waiting.is_empty() && self.state.in_flight == 0
    }

    fn withdraw(&mut self, kind: Option<usize>) {
        match kind {
            Some(kind) => {
                self.state.asked[kind] -= 1;
                self.state.ledger.withdraw(&ASKS[kind].event());
            }
            None => {
                self.state.in_flight -= 1;
                self.state.ledger.withdraw(&Event::Arrived(0));
            }
        }
        let all = self.settle(0);
        assert!(!all.contains(&Create), "a withdrawal made a worker");
        // The coordinator refused it, and a team that has lost its coordinator quits.
        if !self.state.quit {
            assert!(self.state.ledger.accept(&Event::Quit));
            self.state.quit = true;
            self.state.growing = 0;
            self.step(Event::Quit, Spot::Asked(Ask::Quit), 0, (0, None));
        }
    }

    fn left(&mut self, count: u8) {
        self.state.leaving -= count;
        self.state.ledger.left(count.into());
        self.spoil(Spot::Left);
        self.outdate();
        let blocked = mem::take(&mut self.state.blocked);
        let all = self.settle(0);
        // It is called outside the coordinator's turn, where nothing new is decided but this.
        let expected = matches!(all[..], [] | [Finish] | [Create]);
        assert!(expected, "{all:?} by a delivery");
        assert!(blocked || !all.contains(&Create), "T3 asked by a delivery");
        if let Some(asking) = &mut self.state.making
            && all.contains(&Create)
        {
            asking.in_turn = false;
        }
    }

    fn made(&mut self, answer: Answer) {
        let asking = self.state.making.take().unwrap();
        self.state.blocked =
            answer == Answer::AtLimit && !asking.outdated && self.state.leaving > 0;
        let answered = answer != Answer::AtLimit || !(asking.outdated || self.state.blocked);
        if answered {
            self.state.failed = answer == Answer::Failed;
        }
        if answer != Answer::Worker && self.state.quitting() {
            self.state.tried = answered;
        }
        if !answered {
            match asking.reason {
                Reason::Work => self.state.tries += 1,
                Reason::Growth => self.state.growing += u8::from(!self.state.quitting()),
                Reason::LastTry => {}
            }
        } else if answer != Answer::Worker {
            // Whoever asked has been answered.
            (self.state.tries, self.state.growing) = (0, 0);
        }
        let debt = self.state.ledger.debt;
        let pays = answer == Answer::Worker && debt > 0 && self.backlogged() == 0;
        self.state.ledger.made(match answer {
            Answer::Worker => {
                let workers = self.free() + self.at_work.len() + usize::from(self.state.leaving);
                assert!(workers < asking.highest.into(), "T1 more than the limit");
                self.awake.push(count(self.live()));
                self.state.unproven = true;
                Made::Worker
            }
            Answer::AtLimit => Made::AtLimit,
            Answer::Failed => {
                self.state.retry = true;
                Made::Failed
            }
        });
        self.spoil(Spot::Made(answer));
        self.judge(pays.into(), Some(debt - usize::from(pays)));
        let carried = mem::take(&mut self.state.carried);
        self.settle_and_tell(carried);
        if let Some(next) = &mut self.state.making {
            next.in_turn = asking.in_turn;
        }
    }

    fn outdate(&mut self) {
        if let Some(asking) = &mut self.state.making {
            asking.outdated = true;
        }
    }

    /// Counts those that were dismissed, and judges how many they and the debt should be.
    fn judge(&mut self, dismissed: usize, debt: Option<usize>) {
        self.state.ledger.check();
        let before = usize::from(self.state.dismissed);
        let risen = self.state.ledger.dismissed.checked_sub(before);
        let risen = risen.expect("T5 a dismissed worker stays");
        self.state.dismissed += count(risen);
        self.state.leaving += count(risen);
        if risen > 0 && !self.waiting.is_empty() {
            let others = self.free() + self.at_work.len();
            assert!(others > 0, "T5 the last one left");
            assert!(!self.state.quitting(), "T5 one left before the backlog");
        }
        assert_eq!(risen, dismissed, "T5 a shrink was not kept");
        let owed = self.state.ledger.debt;
        assert!(
            debt.is_none_or(|debt| debt == owed),
            "T5 a shrink was not kept"
        );
    }

    /// A step that gives so many reasons to ask for a worker, besides a failure before it.
    /// So many are to be dismissed by it, and so many to be owed after it, if that matters.
    fn step(
        &mut self,
        event: Event<u8>,
        spot: Spot,
        tries: u8,
        (dismissed, debt): (usize, Option<usize>),
    ) -> Vec<Did> {
        let retries = self.state.retry && !matches!(spot, Spot::Lost | Spot::Gone);
        self.state.retry &= !retries;
        self.state.tries += tries + u8::from(retries);
        self.state.ledger.apply(event);
        self.spoil(spot);
        self.judge(dismissed, debt);
        self.settle(0)
    }

    fn arrived(&mut self) {
        self.state.in_flight -= 1;
        let task = count(self.waiting.len() + self.at_work.len());
        let none_idle = self.idle() == 0;
        self.waiting.push_back(task);
        if none_idle {
            self.outdate();
        }
        let same = (0, Some(self.state.ledger.debt));
        self.step(Event::Arrived(task), Spot::Arrived, none_idle.into(), same);
    }

    fn asked(&mut self, kind: usize) {
        self.state.asked[kind] -= 1;
        let ask = ASKS[kind];
        let quitting = self.state.quitting();
        let mut tries = 0;
        let debt = self.state.ledger.debt;
        let mut owed = (0, Some(debt));
        match ask {
            Ask::Grow(n) if !quitting => {
                self.state.growing += n;
                self.outdate();
            }
            Ask::Shrink(n) if !quitting => {
                let n = n.unwrap_or(usize::MAX);
                let now = n.min(self.idle());
                let debt = debt.saturating_add(n - now).min(self.busy());
                owed = (now, Some(debt));
            }
            Ask::Raised => {
                self.state.tries = 0;
                tries = count(self.backlogged());
                self.outdate();
            }
            Ask::Quit => {
                self.state.growing = 0;
                owed = (0, None);
            }
            Ask::Grow(_) | Ask::Shrink(_) => {}
        }
        self.step(ask.event(), Spot::Asked(ask), tries, owed);
    }

    fn ended(&mut self) {
        let (worker, _) = self.at_work.remove(0);
        let others = self.free() + self.at_work.len();
        let may = self.backlogged() == 0 || others > 0;
        self.awake.push(worker);
        (self.state.unproven, self.state.tried) = (false, false);
        let debt = self.state.ledger.debt;
        let pays = usize::from(debt > 0 && may);
        self.step(Event::Ended, Spot::Ended, 0, (pays, Some(debt - pays)));
    }

    fn lost(&mut self) {
        let (_, task) = self.at_work.remove(0);
        let debt = self.state.ledger.debt.min(self.busy());
        self.waiting.push_front(task);
        self.fewer(Event::Lost(task), Spot::Lost, debt);
    }

    fn gone(&mut self) {
        self.awake.pop();
        if self.state.dismissed > 0 {
            // It is as good as told.
            self.state.dismissed -= 1;
            self.state.leaving -= 1;
            self.outdate();
            self.state.blocked = false;
            let same = (0, Some(self.state.ledger.debt));
            self.step(Event::Gone, Spot::Gone, 0, same);
        } else {
            let debt = self.state.ledger.debt.min(self.busy());
            self.fewer(Event::Gone, Spot::Gone, debt);
        }
    }

    fn fewer(&mut self, event: Event<u8>, spot: Spot, debt: usize) {
        self.outdate();
        let fresh = self.state.unproven;
        let all = self.step(event, spot, (!fresh).into(), (0, Some(debt)));
        assert_eq!(all.contains(&Refused), fresh, "T8 a first refusal is told");
    }

    /// One that is awake looks by itself. If it leaves, it tells so in the same move. If it finds
    /// nothing, it rests; until then, one that lingers is like any that is awake.
    fn looks(&mut self) {
        let did = self.look();
        self.settle_and_tell((matches!(did, Some(Retire(_)))).into());
    }

    /// `retired`: who takes these decisions will tell so many.
    fn settle_and_tell(&mut self, retired: u8) {
        let all = self.settle(retired);
        // With a worker being made, they are carried.
        let later = all.contains(&Create) || all.contains(&Finish);
        if self.bounds.binding == Binding::Later && retired > 0 && !later {
            self.left(retired);
        }
    }

    fn look(&mut self) -> Option<Did> {
        let worker = self.awake.pop().unwrap();
        self.spoil(Spot::Looks);
        // So it may linger, and look again, as often as it likes.
        let lingers = self.bounds.binding == Binding::Later;
        let before = lingers.then(|| self.state.ledger.clone());
        let did = match self.state.ledger.look() {
            Look::Task(task) => Dispatch(worker, task),
            Look::Leave => Retire(worker),
            Look::Nothing => {
                assert!(
                    self.waiting.is_empty(),
                    "T3 a worker rests while work waits"
                );
                assert_eq!(self.state.dismissed, 0, "T5 a dismissed worker stays");
                assert!(!self.drained(), "T6 a worker stays after the end");
                let same = before.is_none_or(|before| before == self.state.ledger);
                assert!(same, "T9 a look that found nothing changed something");
                self.state.ledger.rest(worker);
                self.resting.push(worker);
                self.spoil(Spot::Rested);
                return None;
            }
        };
        self.carry_out(did);
        Some(did)
    }

    /// Takes the decisions until there are none or the factory is to be waited for, and carries each
    /// out on the account. `retired`: how many retirements were decided before, in the same step.
    fn settle(&mut self, mut retired: u8) -> Vec<Did> {
        let mut all = Vec::new();
        loop {
            self.state.ledger.check();
            let did = if self.bounds.binding == Binding::Now && !self.awake.is_empty() {
                let Some(did) = self.look() else { continue };
                did
            } else if let Some(action) = self.state.ledger.decide(retired.into()) {
                let did = match action {
                    Action::Call(worker) => {
                        self.call(worker);
                        continue;
                    }
                    Action::Create => Create,
                    Action::Abandon => Abandon(self.state.ledger.abandon().unwrap()),
                    Action::Refused => Refused,
                    Action::Finish => Finish,
                    Action::Admit | Action::Idle => unreachable!("no caller waits"),
                };
                self.carry_out(did);
                did
            } else {
                self.state.ledger.check_settled();
                self.spoil(Spot::Settled);
                self.state.tries = self.state.tries.min(self.unserved());
                let asked = self.state.tries == 0 && self.state.growing == 0;
                assert!(
                    asked || self.state.making.is_some() || self.state.blocked,
                    "T3 no worker was asked for"
                );
                return all;
            };
            all.push(did);
            match did {
                Create => {
                    self.state.carried = retired;
                    return all;
                }
                Retire(_) => retired += 1,
                Finish => {
                    // They are delivered by this step, before the end.
                    assert_eq!(self.state.leaving, retired, "T6 ended too early");
                    (self.state.leaving, self.state.blocked) = (0, false);
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, worker: u8) {
        let lookers = usize::from(self.state.dismissed) + usize::from(!self.waiting.is_empty());
        let reason = self.awake.len() < lookers || self.drained();
        assert!(reason, "T3 a worker was called without a reason");
        assert_eq!(self.resting.pop(), Some(worker), "T5 not the last to rest");
        self.awake.push(worker);
    }

    fn carry_out(&mut self, did: Did) {
        assert!(!self.state.finished, "T6 {did:?} came after the end");
        self.account_for(did);
        self.spoil(Spot::Decided(did));
    }

    fn account_for(&mut self, did: Did) {
        match did {
            Dispatch(worker, task) => {
                assert_eq!(self.state.dismissed, 0, "T5 a dismissed worker stays");
                assert_eq!(self.waiting.pop_front(), Some(task), "T4 not the first");
                self.at_work.push((worker, task));
            }
            Create => {
                let now = self.state.ledger.statistics();
                assert_eq!(self.state.making, None, "T1 two are being made at once");
                assert!(!self.state.blocked, "T1 asked before they have left");
                self.state.tries = self.state.tries.min(self.unserved());
                let reason = if self.state.tries > 0 {
                    self.state.tries -= 1;
                    Reason::Work
                } else if self.state.growing > 0 {
                    self.state.growing -= 1;
                    Reason::Growth
                } else {
                    let last =
                        self.state.quitting() && self.live() == 0 && !self.waiting.is_empty();
                    assert!(last, "T3 a worker was asked for without a reason");
                    Reason::LastTry
                };
                self.state.making = Some(Asking {
                    told: u8::try_from(now.workers()).unwrap(),
                    lowest: self.state.limit,
                    highest: self.state.limit,
                    outdated: false,
                    reason,
                    in_turn: true,
                });
                let in_flight = usize::from(self.state.in_flight);
                let true_numbers = (self.idle(), self.busy(), self.backlogged());
                let told = (now.idle, now.busy, now.backlogged);
                assert_eq!(told, true_numbers, "T1 the factory was told wrong numbers");
                let leaving = usize::from(self.state.leaving);
                assert_eq!(
                    now.leaving, leaving,
                    "T1 the factory was told wrong numbers"
                );
                assert_eq!(now.in_flight, in_flight);
            }
            // It was awake, which is judged where it looks.
            Retire(_) => {
                if self.state.dismissed > 0 {
                    self.state.dismissed -= 1;
                } else {
                    assert!(self.drained(), "T5 one left without a reason");
                    self.state.leaving += 1;
                }
            }
            Abandon(task) => {
                assert_eq!(self.waiting.pop_front(), Some(task), "T4 not the first");
                assert!(self.state.quitting(), "T7 abandoned without a quit");
                let none = self.live() == 0 && self.state.making.is_none();
                assert!(none, "T7 abandoned though a worker lives");
                assert!(!self.state.blocked, "T7 abandoned though one was to leave");
                assert!(self.state.tried, "T7 abandoned without a last try");
            }
            Admit | Idle => unreachable!("no caller waits"),
            Refused => {
                (self.state.failed, self.state.retry) = (true, true);
                self.state.tried |= self.state.quitting();
            }
            Finish => {
                assert_eq!(
                    (self.live(), self.waiting.len()),
                    (0, 0),
                    "T6 ended too early"
                );
                let outstanding = self.state.in_flight + self.state.under_way();
                let nothing = outstanding == 0 && self.state.making.is_none();
                assert!(nothing && self.state.quitting(), "T6 ended too early");
                self.state.finished = true;
            }
        }
    }

    fn unserved(&self) -> u8 {
        count(self.backlogged())
    }

    fn count(&mut self) {
        self.state.waiting = count(self.waiting.len());
        self.state.resting = count(self.resting.len());
        self.state.awake = count(self.awake.len());
        self.state.at_work = count(self.at_work.len());
    }

    /// The state after the transition: the ledger agrees with the account, and is renumbered.
    fn close(mut self) -> State {
        self.count();
        let asked = self.state.under_way();
        if !self.resting.is_empty() {
            let looks = self.awake.len().checked_sub(self.state.dismissed.into());
            let looks = looks.expect("T5 a dismissed worker stays");
            let looked_for = looks > 0 || self.waiting.is_empty();
            assert!(looked_for, "T3 a worker rests while work waits");
        }
        let numbers = (self.idle(), self.busy(), self.backlogged());
        // It excuses work that waits while nobody lives, and nothing else.
        let nobody = self.free() + self.at_work.len() == 0;
        self.state.failed &= nobody && !self.waiting.is_empty();
        let ledger = &mut self.state.ledger;
        assert_eq!(
            ledger.backlog, self.waiting,
            "T4 a task was lost, duplicated or moved"
        );
        assert_eq!(
            ledger.resting, self.resting,
            "T5 a worker was lost, duplicated or moved"
        );
        let now = ledger.statistics();
        for (ours, account, what) in [
            (ledger.awake, self.state.awake, "awake"),
            (ledger.running, self.state.at_work, "at work"),
            (ledger.dismissed, self.state.dismissed, "dismissed"),
            (now.in_flight, self.state.in_flight, "in flight"),
            (ledger.asked, asked, "asked"),
            (ledger.leaving, self.state.leaving, "leaving"),
            (
                ledger.making.is_some().into(),
                self.state.making.is_some().into(),
                "being made",
            ),
        ] {
            assert_eq!(ours, account.into(), "{what}: miscounted");
        }
        let told = (now.idle, now.busy, now.backlogged);
        assert_eq!(told, numbers, "T3 wrong numbers were published");
        ledger.backlog = (0..self.state.waiting).collect();
        ledger.resting = (0..self.state.resting).collect();
        ledger.accepted -= ledger.done + ledger.abandoned;
        (ledger.done, ledger.abandoned) = (0, 0);
        // Nothing is decided by them, nor by what is told of a question that was answered.
        ledger.peaks = Peaks::default();
        ledger.outdated &= ledger.making.is_some();
        self.state
    }
}

fn count(n: usize) -> u8 {
    u8::try_from(n).unwrap()
}

/// What was found.
struct Explored {
    states: usize,
    transitions: usize,
    quiet: usize,
    /// How many states and limits let a task in by the short way, and how many states gave one so.
    submitted: usize,
    ended: usize,
}

/// The transitions check themselves; the rest, here.
fn explore(bounds: Bounds) -> Explored {
    let (mut quiet, mut submitted, mut ended) = (0, 0, 0);
    let visit = |state: &State| {
        state.check_quiet();
        if bounds.binding == Binding::Later {
            let limits = 0..bounds.workers() + 2;
            let task = state.waiting + state.at_work;
            let shortly =
                |&limit: &usize| submits_shortly(&state.ledger, limit, task, bounds.shortly());
            submitted += limits.filter(shortly).count();
            let ends = state.at_work > 0 && ends_shortly(&state.ledger, bounds.shortly());
            ended += usize::from(ends);
        }
        let moves = state.moves(bounds);
        let something_owed = moves.iter().any(|(what, _)| what.owed());
        assert!(
            something_owed || state.quiet(),
            "T9 nothing is left to drive"
        );
        quiet += usize::from(state.quiet());
        moves
    };
    let start = State::new(bounds.limits[0]);
    let found = search::explore(start, visit, Move::owed);
    Explored {
        states: found.states,
        transitions: found.transitions,
        quiet,
        submitted,
        ended,
    }
}

impl State {
    fn check_quiet(&self) {
        if !self.quiet() {
            return;
        }
        assert_eq!(self.finished, self.quit, "T6 quit, quiet, and not ended");
        if self.waiting > 0 {
            assert_eq!(self.live(), 0, "T3 a worker idles while work waits");
            let why = self.limit == 0 || self.failed;
            assert!(why, "T9 work waits, and a worker could be had");
        }
    }
}

fn explore_all(bounds: Bounds) -> Explored {
    let found = explore(bounds);
    println!(
        "{:?}, limits {:?}: {} states ({} quiet, {} submit shortly, {} end shortly), {} transitions",
        bounds.coordinator,
        bounds.limits,
        found.states,
        found.quiet,
        found.submitted,
        found.ended,
        found.transitions
    );
    assert!(found.states > 50_000 && found.quiet > 20, "cut short");
    let shortly = found.submitted.min(found.ended);
    assert!(bounds.binding == Binding::Now || shortly > 80, "cut short");
    found
}

#[test]
fn every_state_under_an_exclusive_coordinator() {
    explore_all(Bounds {
        binding: Binding::Now,
        coordinator: Coordinator::Exclusive,
        tasks: 4,
        limits: &[3],
        asks: 2,
        spoil: SOUND,
    });
}

#[test]
fn every_state_under_an_overlapping_coordinator() {
    explore_all(Bounds {
        binding: Binding::Now,
        coordinator: Coordinator::Overlapping,
        tasks: 3,
        limits: &[3],
        asks: 1,
        spoil: SOUND,
    });
}

#[test]
fn every_state_under_an_exclusive_coordinator_and_a_changing_limit() {
    explore_all(Bounds {
        binding: Binding::Now,
        coordinator: Coordinator::Exclusive,
        tasks: 3,
        limits: &[1, 0, 2],
        asks: 1,
        spoil: SOUND,
    });
}

#[test]
fn every_state_under_an_overlapping_coordinator_and_a_changing_limit() {
    explore_all(Bounds {
        binding: Binding::Now,
        coordinator: Coordinator::Overlapping,
        tasks: 3,
        limits: &[2, 0],
        asks: 1,
        spoil: SOUND,
    });
}

#[test]
fn every_state_of_workers_that_fetch() {
    explore_all(Bounds {
        binding: Binding::Later,
        coordinator: Coordinator::Overlapping,
        tasks: 4,
        limits: &[4],
        asks: 1,
        spoil: SOUND,
    });
}

#[test]
fn every_state_of_workers_that_fetch_under_a_changing_limit() {
    explore_all(Bounds {
        binding: Binding::Later,
        coordinator: Coordinator::Overlapping,
        tasks: 3,
        limits: &[1, 0, 2],
        asks: 1,
        spoil: SOUND,
    });
}

/// Many tasks, and no request but the quit: what the short ways are for.
#[test]
fn every_state_of_a_flood() {
    let found = explore_all(Bounds {
        binding: Binding::Later,
        coordinator: Coordinator::Overlapping,
        tasks: 40,
        limits: &[4],
        asks: 0,
        spoil: SOUND,
    });
    assert!(found.submitted > 5_000 && found.ended > 1_500, "cut short");
}

/// Ten million states, some minutes: `cargo test --release -- --ignored every_state_at_length`.
#[test]
#[ignore = "takes minutes"]
fn every_state_at_length() {
    explore_all(Bounds {
        binding: Binding::Now,
        coordinator: Coordinator::Overlapping,
        tasks: 4,
        limits: &[1, 0, 3],
        asks: 1,
        spoil: SOUND,
    });
}

/// Two million states, half a minute with `--release`.
#[test]
#[ignore = "takes a minute"]
fn every_state_of_workers_that_fetch_at_length() {
    explore_all(Bounds {
        binding: Binding::Later,
        coordinator: Coordinator::Overlapping,
        tasks: 5,
        limits: &[2, 0, 4],
        asks: 1,
        spoil: SOUND,
    });
}

/// The faults, each with what the enumeration says of it.
#[rustfmt::skip]
const CONTROLS: [(&str, Spoil, &str); 26] = [
    ("a request is accepted after the quit", |ledger, at| if at == Spot::Accepted(Ask::Quit) {
        ledger.closed = false;
    }, "something was accepted after the quit"),
    ("two workers are made at once", |ledger, at| if at == Spot::Decided(Create) {
        ledger.making = None;
    }, "being made: miscounted"),
    ("a lost worker's task is forgotten", |ledger, at| if at == Spot::Lost {
        ledger.backlog.pop_front();
    }, "T2"),
    ("a failure is forgotten", |ledger, at| if at == Spot::Made(Answer::Failed) {
        ledger.retry = false;
    }, "T3 no worker was asked for"),
    ("an arrival tries for no worker", |ledger, at| if at == Spot::Arrived {
        ledger.tries = 0;
    }, "T3 no worker was asked for"),
    ("an arrival tries for two workers", |ledger, at| if at == Spot::Arrived {
        ledger.tries = 2;
    }, "T3 a worker was asked for without a reason"),
    ("a raise is ignored", |ledger, at| if at == Spot::Asked(Ask::Raised) {
        ledger.tries = 0;
    }, "T3 no worker was asked for"),
    ("a grow is ignored", |ledger, at| if let Spot::Asked(Ask::Grow(_)) = at {
        ledger.growing = 0;
    }, "T3 no worker was asked for"),
    ("new work overtakes", |ledger, at| if at == Spot::Arrived {
        ledger.backlog.rotate_right(1);
    }, "T4"),
    ("a lost worker's task goes to the end", |ledger, at| if at == Spot::Lost {
        ledger.backlog.rotate_left(1);
    }, "T4"),
    ("the idle are first in, first out", |ledger, at| if at == Spot::Rested {
        ledger.resting.rotate_right(1);
    }, "T5 a worker was lost, duplicated or moved"),
    ("a shrink is ignored", |ledger, at| if let Spot::Asked(Ask::Shrink(_)) = at {
        ledger.leaving -= ledger.dismissed;
        (ledger.dismissed, ledger.debt) = (0, 0);
    }, "T5 a shrink was not kept"),
    ("a debt has no cap", |ledger, at| if at == Spot::Asked(Ask::Shrink(None)) {
        ledger.debt = 9;
    }, "T5 debt exceeds"),
    ("the last worker pays its debt under a backlog", |ledger, at| if at == Spot::Ended
        && ledger.debt > 0 && !ledger.backlog.is_empty()
    {
        ledger.debt -= 1;
        ledger.dismiss(1);
    }, "T5 the last one left"),
    ("a quit keeps the debt", |ledger, at| if at == Spot::Asked(Ask::Quit) {
        ledger.debt = ledger.busy();
    }, "T5 one left before the backlog"),
    ("a quit is forgotten", |ledger, at| if at == Spot::Asked(Ask::Quit) {
        ledger.phase = Phase::Running;
    }, "T6 quit, quiet, and not ended"),
    ("the end comes twice", |ledger, at| if at == Spot::Decided(Finish) {
        ledger.phase = Phase::Quitting;
    }, "came after the end"),
    ("the end does not wait for deliveries", |ledger, at| if let Spot::Decided(Retire(_)) = at {
        ledger.leaving = 0;
    }, "leaving: miscounted"),
    ("there is no last try", |ledger, at| if at == Spot::Asked(Ask::Quit) {
        ledger.last_tried = true;
    }, "T7 abandoned without a last try"),
    ("the backlog is abandoned at the limit", |ledger, at| if at == Spot::Made(Answer::AtLimit) {
        ledger.phase = Phase::Quitting;
        ledger.last_tried = true;
    }, "T7 abandoned without a quit"),
    ("a refusal is reason enough to try again", |ledger, at| if at == Spot::Lost {
        (ledger.refused, ledger.retry) = (false, false);
        ledger.tries += 1;
    }, "T3 a worker was asked for without a reason"),
    ("an answer counts though a worker has left since", |ledger, at| {
        if at == Spot::Made(Answer::AtLimit) {
            (ledger.tries, ledger.growing) = (0, 0);
        }
    }, "T3 no worker was asked for"),
    ("an answer to an older question counts for a new task", |ledger, at| if at == Spot::Arrived {
        ledger.outdated = false;
    }, "T3 no worker was asked for"),
    ("the factory is asked again before they have left", |ledger, at| if at == Spot::Made(Answer::AtLimit) {
        ledger.blocked = false;
    }, "T1 asked before they have left"),
    ("that they have left is forgotten", |ledger, at| if at == Spot::Left {
        ledger.blocked = true;
    }, "T9 nobody is left to wait for"),
    ("one being made counts as another", |ledger, at| if at == Spot::Ended
        && ledger.debt > 0 && !ledger.backlog.is_empty() && ledger.making.is_some()
    {
        ledger.debt -= 1;
        ledger.dismiss(1);
    }, "T5 the last one left"),
];

/// Faults for workers that fetch.
#[rustfmt::skip]
const FETCHING: [(&str, Spoil, &str); 13] = [
    ("who takes a task calls no other", |ledger, at| match at {
        // The decisions see some awake who are not. Where all that waits is promised anyway, this
        // changes nothing else.
        Spot::Decided(Dispatch(..)) if ledger.backlogged() == 0 => ledger.awake += 99,
        Spot::Settled if ledger.awake >= 99 => ledger.awake -= 99,
        _ => {}
    }, "T3 a worker rests while work waits"),
    ("one is called though another is awake", |ledger, at| if at == Spot::Arrived
        && !ledger.resting.is_empty()
    {
        ledger.awake = 0;
    }, "T3 a worker was called without a reason"),
    ("a dismissed worker stays", |ledger, at| if at == Spot::Looks {
        ledger.dismissed = 0;
    }, "T5 a dismissed worker stays"),
    ("nobody is called to leave", |ledger, at| match at {
        Spot::Asked(Ask::Shrink(_)) if !ledger.resting.is_empty() => ledger.awake += 99,
        Spot::Settled if ledger.awake >= 99 => ledger.awake -= 99,
        _ => {}
    }, "T5 a dismissed worker stays"),
    ("one rests while work waits", |ledger, at| if at == Spot::Looks && ledger.dismissed == 0 {
        ledger.backlog.clear();
    }, "T3 a worker rests while work waits"),
    ("the last task is taken", |ledger, at| if at == Spot::Looks {
        ledger.backlog.rotate_right(1.min(ledger.backlog.len()));
    }, "T4 not the first"),
    ("one dismissed counts as free", |ledger, at| if at == Spot::Arrived && ledger.dismissed > 0 {
        ledger.tries = 0;
    }, "T3 no worker was asked for"),
    ("the death of one awake asks for no other", |ledger, at| if at == Spot::Gone {
        ledger.tries = 0;
    }, "T3 no worker was asked for"),
    ("it is calm though one that rests is to be called", |ledger, at| if at == Spot::Settled {
        let settled = ledger.making.is_none() && !ledger.blocked;
        ledger.calm = settled && ledger.leaving + ledger.debt == 0 && !ledger.retry;
    }, "T3 a short submit forgets Call"),
    ("it is calm though the last task is had after a quit", |ledger, at| if at == Spot::Settled {
        let settled = ledger.making.is_none() && !ledger.blocked;
        let nobody_to_call = ledger.awake > 0 || ledger.resting.is_empty();
        let settled = settled && ledger.leaving + ledger.debt == 0 && !ledger.retry;
        ledger.calm = settled && nobody_to_call;
    }, "T3 a short end forgets Call"),
    ("it is calm though some owe to leave", |ledger, at| if at == Spot::Settled {
        let settled = ledger.making.is_none() && !ledger.blocked && ledger.leaving == 0;
        let nobody_to_call = ledger.awake > 0 || ledger.resting.is_empty();
        ledger.calm = settled && nobody_to_call && !ledger.retry;
    }, "T5 a short end forgets Leave"),
    ("it is calm though a failure is to be tried again", |ledger, at| if at == Spot::Settled {
        let settled = ledger.making.is_none() && !ledger.blocked;
        let nobody_to_call = ledger.awake > 0 || ledger.resting.is_empty();
        ledger.calm = settled && nobody_to_call && ledger.leaving + ledger.debt == 0;
    }, "T3 a short"),
    ("the short way is open after the quit", |ledger, at| if at == Spot::Shortly {
        ledger.closed = false;
    }, "W4 accepted shortly after the quit"),
];

fn rejects(binding: Binding, controls: &[(&str, Spoil, &str)]) {
    search::rejects(controls, |spoil| {
        explore(Bounds {
            binding,
            coordinator: Coordinator::Overlapping,
            tasks: 4,
            limits: &[3, 0],
            asks: 2,
            spoil,
        });
    });
}

#[test]
fn controls_are_rejected() {
    rejects(Binding::Now, &CONTROLS);
}

#[test]
fn controls_of_workers_that_fetch_are_rejected() {
    rejects(Binding::Later, &FETCHING);
}
