//! The account of one transition: who has what, told apart from the ledger, and what it judges the ledger
//! by.

use std::mem;

use super::moves::{Ask, Asking, Move, State};
use super::*;

pub(super) struct Account<'a> {
    state: State,
    bounds: &'a Bounds,
    line: VecDeque<u8>,
    resting: Vec<u8>,
    debt: usize,
    /// How many tasks ended in each way.
    done: usize,
    cancelled: usize,
    returned: usize,
    abandoned: usize,
    peaks: Peaks,
}

impl<'a> Account<'a> {
    pub(super) fn of(state: &State, bounds: &'a Bounds) -> Self {
        Self {
            state: state.clone(),
            bounds,
            line: state.ledger.backlog.clone(),
            resting: state.ledger.resting.clone(),
            debt: state.ledger.debt,
            done: 0,
            cancelled: 0,
            returned: 0,
            abandoned: 0,
            peaks: Peaks::default(),
        }
    }

    fn spoil(&mut self, spot: Spot) {
        (self.bounds.spoil)(&mut self.state.ledger, spot);
    }

    // The numbers.

    fn waiting(&self) -> usize {
        self.line.iter().filter(|task| *task & VOID == 0).count()
    }

    fn running(&self) -> usize {
        self.state.at_work + self.state.blocking
    }

    /// Those that do not leave and are not at work.
    fn free(&self) -> usize {
        self.resting.len() + self.state.awake - self.state.dismissed
    }

    fn idle(&self) -> usize {
        self.free().saturating_sub(self.waiting())
    }

    fn busy(&self) -> usize {
        self.running() + self.free() - self.idle()
    }

    fn backlogged(&self) -> usize {
        self.waiting().saturating_sub(self.free())
    }

    /// Those that will not leave to pay a debt.
    fn staying(&self) -> usize {
        self.free() + self.running() - self.debt
    }

    fn workers(&self) -> usize {
        self.free() + self.running() + self.state.leaving
    }

    fn least(&self) -> usize {
        if self.state.begun {
            self.state.least
        } else {
            0
        }
    }

    fn limit(&self) -> usize {
        let [.., cap] = self.bounds.sizes;
        if self.state.begun {
            self.state.most + self.state.blocking.min(cap)
        } else {
            0
        }
    }

    fn has_room(&self) -> bool {
        let taken = self.backlogged() + self.state.admitted;
        taken < self.bounds.bound.saturating_add(self.idle())
    }

    fn drained(&self) -> bool {
        self.state.closed && self.line.is_empty()
    }

    fn is_idle(&self) -> bool {
        self.waiting() + self.running() + self.state.in_place == 0
    }

    // The transitions.

    pub(super) fn take(&mut self, what: Move) {
        if self.state.retry && what.retries(self.state.closed) {
            self.state.retry = false;
            self.forgive();
        }
        match what {
            Move::Task => self.arrived(),
            Move::Queue => {
                assert!(!self.has_room(), "a caller finds no room, and there is");
                self.state.queueing += 1;
                self.state.ledger.queue();
                self.spoil(Spot::Queued);
            }
            Move::Back => {
                self.state.admitted -= 1;
                self.state.ledger.readmit();
                if !self.state.closed {
                    self.arrived();
                }
            }
            Move::AwaitIdle => {
                let waits = !self.is_idle();
                assert_eq!(self.state.ledger.await_idle(), waits, "who waits for what?");
                self.state.idlers = waits.into();
            }
            Move::Ask(ask) => self.asked(ask),
            Move::Cancel(place) => {
                self.cancelled += 1;
                self.withdrawn(place, Event::Cancelled, Spot::Cancelled);
            }
            Move::InPlace(place) => {
                self.state.in_place += 1;
                self.withdrawn(place, Event::InPlace, Spot::InPlace);
            }
            Move::EndedInPlace => {
                self.state.in_place -= 1;
                self.done += 1;
                self.step(Event::EndedInPlace, Spot::Ended, self.staying());
            }
            Move::Ended => self.ended(),
            Move::Look => self.looks(),
            Move::Expire(place) => self.expire(place),
            Move::Gone => self.gone(),
            Move::Made(answer) => self.made(answer),
        }
    }

    /// Those that owe to leave stay as far as there would be fewer than the least.
    fn forgive(&mut self) {
        if !self.state.closed {
            let missing = self.least().saturating_sub(self.staying());
            self.debt -= missing.min(self.debt);
        }
    }

    fn arrived(&mut self) {
        let stay = self.staying();
        let accepted = self.state.ledger.accept_task();
        assert!(accepted, "W4 refused before the quit");
        self.line.push_back(NEW);
        self.peaks.waiting = self.waiting();
        self.step(Event::Arrived(NEW), Spot::Arrived, stay);
    }

    fn asked(&mut self, ask: Ask) {
        let asks_for_all = match ask {
            Ask::Start | Ask::Resize(..) | Ask::Raised | Ask::Enter => true,
            Ask::Grow | Ask::Shrink(_) | Ask::Exit | Ask::Quit | Ask::Abort => false,
        };
        if asks_for_all {
            (self.state.fewer, self.state.paused) = (false, false);
        }
        let stay = self.staying();
        match ask {
            Ask::Start => self.state.begun = true,
            Ask::Resize(least, most) => {
                (self.state.least, self.state.most) = (least.into(), most.into());
            }
            Ask::Enter => {
                self.state.at_work -= 1;
                self.state.blocking += 1;
            }
            Ask::Exit => {
                self.state.at_work += 1;
                self.state.blocking -= 1;
            }
            Ask::Shrink(_) => self.state.fewer = true,
            Ask::Quit | Ask::Abort => self.state.closed = true,
            Ask::Grow | Ask::Raised => {}
        }
        let stay = match ask {
            Ask::Start | Ask::Resize(..) => {
                let fit = stay.min(self.limit());
                let missing = self.least().saturating_sub(fit);
                let wanted = missing.max(self.backlogged().min(self.limit() - fit));
                // Of those that owe to leave, as many as are wanted stay.
                (fit + wanted).min(self.free() + self.running()).max(fit)
            }
            Ask::Exit if !self.state.closed => stay.min(self.limit()),
            Ask::Shrink(n) => {
                let spare = stay.saturating_sub(self.least());
                stay - n.unwrap_or(usize::MAX).min(spare)
            }
            Ask::Quit | Ask::Abort => self.free() + self.running(),
            Ask::Grow | Ask::Raised | Ask::Enter | Ask::Exit => stay,
        };
        assert!(self.state.ledger.accept(&ask.event()), "W4 refused");
        self.apply(ask.event(), Spot::Asked(ask), stay);
        if ask == Ask::Abort {
            while let Some(task) = self.state.ledger.give_back() {
                assert_eq!(self.pop(), Some(task), "T4 not the first");
                self.returned += 1;
            }
            self.spoil(Spot::GivenBack);
            let left = self.line.len() + self.state.ledger.backlog.len();
            assert_eq!(left, 0, "W1 an abort left a task");
        }
        self.settle(0);
    }

    /// A task leaves the line: its place is void until it comes first. Those that owed to leave after it,
    /// and have nothing to do now, do; so as many stay.
    fn withdrawn(&mut self, place: usize, event: Event<u8>, spot: Spot) {
        let stay = self.staying();
        self.line[place] |= VOID;
        self.state.ledger.backlog[place] |= VOID;
        self.line.drop_void();
        self.step(event, spot, stay);
    }

    /// The first task.
    fn pop(&mut self) -> Option<u8> {
        let task = self.line.pop_front();
        self.line.drop_void();
        task
    }

    /// A task ends, and its worker looks, in one critical section.
    fn ended(&mut self) {
        let stay = self.staying();
        // One of those that pay a debt may be the last that does not block.
        let another = self.busy() - 1 > self.state.blocking;
        let pays = self.debt > 0 && (self.backlogged() == 0 || another);
        self.state.at_work -= 1;
        self.state.awake += 1;
        self.state.unproven = false;
        self.done += 1;
        let before = self.state.dismissed;
        self.apply(Event::Ended, Spot::Ended, stay);
        let paid = self.state.dismissed - before;
        assert_eq!(paid, pays.into(), "T5 a debt was not paid, or not owed");
        // Which asks for no other, whatever the limit was reached with.
        self.state.fewer |= paid > 0 && self.backlogged() > 0;
        let leaves = self.look() == Some(true);
        self.settle(leaves.into());
    }

    /// One that is awake looks by itself, and rests if it finds nothing. Until then, one that lingers is
    /// like any that is awake.
    fn looks(&mut self) {
        let leaves = self.look();
        if leaves.is_none() {
            self.state.awake -= 1;
            self.state.ledger.rest(NEW);
            self.resting.push(NEW);
        }
        self.settle((leaves == Some(true)).into());
    }

    /// Whether it leaves, if it found something.
    fn look(&mut self) -> Option<bool> {
        let dismissed = self.state.dismissed;
        match self.state.ledger.look() {
            Look::Task(task) => {
                assert_eq!(dismissed, 0, "T5 a dismissed worker stays");
                assert_eq!(task & VOID, 0, "W1 a task was had that had left the line");
                assert_eq!(self.pop(), Some(task), "T4 not the first");
                self.state.awake -= 1;
                self.state.at_work += 1;
                Some(false)
            }
            Look::Leave => {
                self.state.awake -= 1;
                if dismissed > 0 {
                    self.state.dismissed -= 1;
                } else {
                    assert!(self.drained(), "T5 one left without a reason");
                    self.state.leaving += 1;
                }
                Some(true)
            }
            Look::Nothing => {
                assert!(self.line.is_empty(), "T3 a worker rests while work waits");
                assert_eq!(dismissed, 0, "T5 a dismissed worker stays");
                assert!(!self.state.closed, "T6 a worker stays after the end");
                None
            }
        }
    }

    fn expire(&mut self, place: usize) {
        let who = self.resting[place];
        let spare = self.idle() > 0 && self.staying() > self.least();
        let may = !self.state.closed && spare;
        self.spoil(Spot::Expires);
        let rest = self.state.ledger.expire(|it| *it == who);
        self.spoil(Spot::Expired);
        match rest {
            Rest::Leaves => {
                assert!(may, "P1 one left that was to stay");
                self.resting.remove(place);
                self.state.leaving += 1;
                self.settle(1);
            }
            Rest::Stays => assert!(!may, "one that nobody needs stays"),
            Rest::Called => panic!("it was not called"),
        }
    }

    fn gone(&mut self) {
        self.state.awake -= 1;
        let dismissed = self.state.dismissed > 0;
        let fresh = self.state.unproven && !dismissed;
        if dismissed {
            // It is as good as told.
            self.state.dismissed -= 1;
            self.state.leaving -= 1;
        } else {
            self.debt = self.debt.min(self.busy());
            if !fresh {
                self.forgive();
            }
        }
        let refused = self.step(Event::Gone, Spot::Gone, self.staying());
        assert_eq!(refused, fresh, "T8 a first refusal is told");
    }

    fn made(&mut self, answer: Answer) {
        let asking = self.state.making.take().unwrap();
        let mut stay = self.staying();
        let made = match answer {
            Answer::Worker => {
                self.state.awake += 1;
                self.state.unproven = true;
                self.peaks.workers = self.workers();
                stay += 1;
                if !self.state.closed {
                    stay = stay.min(self.limit());
                }
                Made::Worker
            }
            Answer::AtLimit => {
                self.state.paused |= !asking.full;
                Made::AtLimit
            }
            Answer::Failed => {
                (self.state.retry, self.state.fewer) = (true, true);
                Made::Failed
            }
        };
        self.state.ledger.made(made);
        self.spoil(Spot::Made(answer));
        if answer == Answer::AtLimit && self.state.ledger.debt < self.debt {
            // It is asked again for what is missing.
            self.forgive();
            stay = self.staying();
        }
        self.judge(stay);
        self.settle(asking.carried);
    }

    // The ledger's part.

    /// After it, so many are to stay. Whether a first refusal was told.
    fn step(&mut self, event: Event<u8>, spot: Spot, stay: usize) -> bool {
        self.apply(event, spot, stay);
        self.settle(0)
    }

    fn apply(&mut self, event: Event<u8>, spot: Spot, stay: usize) {
        self.state.ledger.apply(event);
        self.spoil(spot);
        self.judge(stay);
    }

    /// Counts those that were dismissed, and judges how many stay.
    fn judge(&mut self, stay: usize) {
        self.state.ledger.check();
        let dismissed = self.state.ledger.dismissed;
        let risen = dismissed.checked_sub(self.state.dismissed);
        let risen = risen.expect("T5 a dismissed worker stays");
        self.state.dismissed += risen;
        self.state.leaving += risen;
        if risen > 0 && self.waiting() > 0 {
            let others = self.free() + self.state.at_work;
            assert!(others > 0, "T5 the last one left");
            assert!(!self.state.closed, "T5 one left before the backlog");
        }
        self.debt = self.state.ledger.debt;
        assert_eq!(self.staying(), stay, "T5 P1 another number is to stay");
    }

    /// Takes the decisions until there are none, or a worker is being made, and carries each out on the
    /// account. `retired`: how many were told to leave before. Whether a first refusal was told.
    fn settle(&mut self, mut retired: usize) -> bool {
        self.spoil(Spot::Decides);
        let mut refused = false;
        loop {
            self.state.ledger.check();
            let Some(action) = self.state.ledger.decide(retired) else {
                self.settled();
                if retired == 0 {
                    break;
                }
                self.state.leaving -= retired;
                self.state.ledger.left(mem::take(&mut retired));
                continue;
            };
            assert!(!self.state.finished, "T6 something came after the end");
            match action {
                Action::Call(worker) => self.call(worker),
                Action::Create => {
                    let carried = mem::take(&mut retired);
                    self.create(carried);
                    break;
                }
                Action::Abandon => self.abandon(),
                Action::Refused => {
                    (self.state.retry, self.state.fewer) = (true, true);
                    refused = true;
                }
                Action::Admit => {
                    let room = self.state.closed || self.has_room();
                    assert!(room, "one was admitted where there is no room");
                    self.state.queueing -= 1;
                    self.state.admitted += 1;
                }
                Action::Idle => {
                    assert!(self.is_idle(), "something waits or runs");
                    assert!(self.state.idlers > 0, "nobody waits for that");
                    self.state.idlers = 0;
                }
                Action::Finish => self.finish(mem::take(&mut retired)),
            }
        }
        self.spoil(Spot::Decided);
        refused
    }

    fn call(&mut self, worker: u8) {
        let lookers = self.state.dismissed + usize::from(self.waiting() > 0);
        let reason = self.state.awake < lookers || self.drained();
        assert!(reason, "T3 a worker was called without a reason");
        assert_eq!(self.resting.pop(), Some(worker), "T5 not the last to rest");
        self.state.awake += 1;
    }

    fn create(&mut self, carried: usize) {
        assert!(self.state.making.is_none(), "T1 two are being made at once");
        let told = self.state.ledger.workers();
        assert_eq!(told, self.workers(), "T1 wrong numbers were told");
        let full = told >= self.limit();
        self.state.making = Some(Asking { full, carried });
    }

    fn abandon(&mut self) {
        let none = self.free() + self.running() == 0 && self.state.making.is_none();
        assert!(none, "T7 abandoned though a worker lives");
        assert!(self.state.closed, "T7 abandoned without a quit");
        let task = self.state.ledger.abandon();
        assert!(task.is_some(), "T7 nothing was abandoned");
        assert_eq!(self.pop(), task, "T4 not the first");
        self.abandoned += 1;
    }

    fn finish(&mut self, retired: usize) {
        let state = &mut self.state;
        let workers = self.resting.len() + state.awake + state.at_work + state.blocking;
        let rest = self.line.len() + state.in_place + state.queueing;
        let nothing = workers + rest == 0 && state.making.is_none();
        assert!(nothing && state.closed, "T6 ended too early");
        assert_eq!(state.leaving, retired, "T6 ended too early");
        (state.leaving, state.finished) = (0, true);
    }

    /// What holds when there is nothing left to decide.
    fn settled(&self) {
        self.state.ledger.check_settled();
        let state = &self.state;
        assert!(
            state.queueing == 0 || !(state.closed || self.has_room()),
            "T9 a caller queues while there is room"
        );
        assert!(
            state.idlers == 0 || !self.is_idle(),
            "T9 a caller waits for what is so"
        );
        let one_comes = state.making.is_some() || state.leaving > 0;
        if one_comes || state.retry || state.paused || !state.begun {
            return;
        }
        if !state.closed {
            assert!(self.staying() >= self.least(), "P1 fewer than the least");
            assert!(self.staying() <= self.limit(), "P1 more than the most");
        }
        if self.backlogged() > 0 && !state.fewer {
            let all = self.free() + self.running() >= self.limit();
            assert!(all, "T3 no worker was asked for");
        }
        if self.waiting() > 0 {
            let [.., cap] = self.bounds.sizes;
            let others = self.free() + state.at_work > 0;
            let all_block = state.blocking >= state.most + cap;
            assert!(others || all_block, "T9 all that are left block");
        }
    }

    /// The state after the transition: the ledger agrees with the account, and is renumbered.
    pub(super) fn close(mut self) -> State {
        let (told, limit) = (self.workers(), self.limit());
        let numbers = (self.idle(), self.busy(), self.backlogged());
        let room = self.has_room();
        // It excuses a backlog, and nothing else.
        self.state.fewer &= self.backlogged() > 0;
        let running = self.running();
        let known = self.waiting() + running + self.state.in_place;
        let void = self.line.len() - self.waiting();
        let state = &mut self.state;
        let ledger = &mut state.ledger;
        assert_eq!(ledger.backlog, self.line, "T4 a task was lost or moved");
        let same = ledger.resting == self.resting;
        assert!(same, "T5 a worker was lost or moved");
        let now = ledger.statistics();
        let published = (now.idle, now.busy, now.backlogged);
        assert_eq!(published, numbers, "T3 wrong numbers were published");
        let making = ledger.making.is_some() == state.making.is_some();
        assert!(making, "being made: miscounted");
        for (ours, account, what) in [
            (ledger.awake, state.awake, "awake"),
            (ledger.running, running, "at work"),
            (ledger.sizes.blocking(), state.blocking, "blocking"),
            (ledger.dismissed, state.dismissed, "dismissed"),
            (ledger.in_flight + ledger.asked, 0, "under way"),
            (ledger.void, void, "void"),
            (ledger.queueing, state.queueing, "queueing"),
            (ledger.admitted, state.admitted, "admitted"),
            (ledger.idlers, state.idlers, "waiting for the rest"),
            (now.leaving, state.leaving, "leaving"),
            (now.in_place, state.in_place, "in place"),
            (now.done, self.done, "done"),
            (now.cancelled, self.cancelled, "cancelled"),
            (now.returned, self.returned, "returned"),
            (now.abandoned, self.abandoned, "abandoned"),
            (now.workers(), told, "workers"),
            (ledger.limit(), limit, "the limit"),
        ] {
            assert_eq!(ours, account, "{what}: miscounted");
        }
        assert_eq!(ledger.has_room(), room, "there is room, or there is none");
        assert_eq!(ledger.peaks(), self.peaks, "a high-water mark is wrong");
        for (number, task) in (0..).zip(&mut ledger.backlog) {
            *task = number | (*task & VOID);
        }
        ledger.resting = (0..).take(ledger.resting.len()).collect();
        ledger.accepted = known;
        (ledger.done, ledger.abandoned) = (0, 0);
        (ledger.cancelled, ledger.returned) = (0, 0);
        // Nothing is decided by them, nor by what is told of a question that was answered.
        ledger.peaks = Peaks::default();
        ledger.outdated &= ledger.making.is_some();
        self.state
    }
}
