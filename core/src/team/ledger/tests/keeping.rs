//! Every state, in small bounds, of a crew that keeps sizes: which is resized, whose workers block, rest
//! for long and die, whose tasks are cancelled, run in place and given back, and on which callers wait for
//! room. Breadth first, each judged against a plain account of who has what.
//!
//! What is accepted is taken in at once, and workers look by themselves, as in a crew.

mod account;
mod moves;

use std::mem;

use moves::{Ask, Move, State};

use super::search::{explore, rejects};
use super::shortly::{Way, ends_shortly, submits_shortly};
use super::*;

/// The number of whatever is new in a transition.
const NEW: u8 = 100;

/// Where a control spoils the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    // After each of these.
    Arrived,
    Queued,
    Asked(Ask),
    Cancelled,
    InPlace,
    Ended,
    Gone,
    Made(Answer),
    /// All that an abort gives back was given back.
    GivenBack,
    /// About to ask whether one that rests leaves, and after that.
    Expires,
    Expired,
    /// Before the decisions of a step, and after them.
    Decides,
    Decided,
    /// Only of a copy that is about to submit by the short way.
    Shortly,
}

/// A fault to put into the ledger: the enumeration has to find it.
type Spoil = fn(&mut Numbered, Spot);

const SOUND: Spoil = |_, _| {};

/// How far to go, and with what.
#[derive(Clone, Copy)]
struct Bounds {
    /// The least, the most, and the cap, as built.
    sizes: [usize; 3],
    asks: &'static [Ask],
    /// Tasks at a time, void places included.
    tasks: usize,
    bound: usize,
    /// Callers at a time that wait for room.
    callers: usize,
    /// Callers may wait until nothing waits or runs.
    idlers: bool,
    withdraws: bool,
    expires: bool,
    dies: bool,
    fails: bool,
    /// Who starts threads may say that none may be made now, until it raises.
    pauses: bool,
    spoil: Spoil,
}

/// All that may happen is off.
const NOTHING: Bounds = Bounds {
    sizes: [0, 1, 0],
    asks: &[],
    tasks: 3,
    bound: usize::MAX,
    callers: 0,
    idlers: false,
    withdraws: false,
    expires: false,
    dies: false,
    fails: false,
    pauses: false,
    spoil: SOUND,
};

/// Visits all there is.
fn enumerate(bounds: &Bounds) {
    let (mut quiet, mut short) = (0, 0);
    let shortly = |ledger: &mut Numbered, way: Way| {
        let spot = match way {
            Way::Short => Spot::Shortly,
            Way::Long => Spot::Decided,
        };
        (bounds.spoil)(ledger, spot);
    };
    let visit = |state: &State| {
        state.check_quiet();
        state.check_refusals(bounds);
        let limit = state.ledger.limit();
        let submits = submits_shortly(&state.ledger, limit, NEW, shortly);
        let ends = state.at_work > 0 && ends_shortly(&state.ledger, shortly);
        short += usize::from(submits) + usize::from(ends);
        let moves = state.moves(bounds);
        let something_owed = moves.iter().any(|(what, _)| what.owed());
        assert!(
            something_owed || state.quiet(),
            "T9 nothing is left to drive"
        );
        quiet += usize::from(state.quiet());
        moves
    };
    let found = explore(State::new(bounds), visit, Move::owed);
    println!(
        "{} states ({quiet} quiet, {short} short ways), {} transitions",
        found.states, found.transitions
    );
    let whole = found.states > 50_000 && quiet > 20 && short > 500;
    assert!(whole, "cut short");
}

#[test]
fn every_state_of_sizes() {
    enumerate(&Bounds {
        sizes: [1, 2, 0],
        asks: &[
            Ask::Start,
            Ask::Resize(0, 1),
            Ask::Resize(1, 3),
            Ask::Resize(3, 3),
            Ask::Grow,
            Ask::Shrink(Some(1)),
            Ask::Shrink(None),
            Ask::Quit,
        ],
        tasks: 5,
        expires: true,
        dies: true,
        fails: true,
        ..NOTHING
    });
}

#[test]
fn every_state_of_workers_that_block() {
    enumerate(&Bounds {
        sizes: [1, 2, 2],
        asks: &[
            Ask::Start,
            Ask::Enter,
            Ask::Exit,
            Ask::Resize(1, 1),
            Ask::Resize(0, 2),
            Ask::Resize(2, 2),
            Ask::Shrink(Some(1)),
            Ask::Quit,
        ],
        tasks: 5,
        expires: true,
        dies: true,
        fails: true,
        ..NOTHING
    });
}

#[test]
fn every_state_of_tasks_that_leave_the_line() {
    enumerate(&Bounds {
        sizes: [1, 2, 1],
        asks: &[
            Ask::Start,
            Ask::Enter,
            Ask::Exit,
            Ask::Resize(0, 1),
            Ask::Shrink(None),
            Ask::Quit,
            Ask::Abort,
        ],
        tasks: 4,
        withdraws: true,
        idlers: true,
        fails: true,
        ..NOTHING
    });
}

#[test]
fn every_state_of_callers_that_wait_for_room() {
    enumerate(&Bounds {
        sizes: [0, 1, 1],
        asks: &[
            Ask::Start,
            Ask::Enter,
            Ask::Exit,
            Ask::Resize(1, 2),
            Ask::Resize(0, 1),
            Ask::Quit,
            Ask::Abort,
        ],
        tasks: 5,
        bound: 1,
        callers: 2,
        withdraws: true,
        expires: true,
        ..NOTHING
    });
}

/// Whoever starts threads says for a while that none may be made.
#[test]
fn every_state_under_a_creation_rate() {
    enumerate(&Bounds {
        sizes: [1, 2, 1],
        asks: &[
            Ask::Start,
            Ask::Enter,
            Ask::Exit,
            Ask::Resize(2, 3),
            Ask::Resize(0, 1),
            Ask::Raised,
            Ask::Quit,
        ],
        tasks: 4,
        expires: true,
        dies: true,
        fails: true,
        pauses: true,
        ..NOTHING
    });
}

/// All that may happen, together. A minute: `cargo test --release -- --ignored every_state_of_all`.
#[test]
#[ignore = "takes a minute"]
fn every_state_of_all_at_length() {
    enumerate(&Bounds {
        pauses: true,
        ..all_together(SOUND)
    });
}

/// All that may happen, so that each fault has its chance.
fn all_together(spoil: Spoil) -> Bounds {
    Bounds {
        sizes: [1, 2, 1],
        asks: &[
            Ask::Start,
            Ask::Enter,
            Ask::Exit,
            Ask::Resize(1, 1),
            Ask::Resize(0, 1),
            Ask::Resize(2, 2),
            Ask::Shrink(Some(1)),
            Ask::Shrink(None),
            Ask::Raised,
            Ask::Quit,
            Ask::Abort,
        ],
        tasks: 4,
        bound: 2,
        callers: 2,
        idlers: true,
        withdraws: true,
        expires: true,
        dies: true,
        fails: true,
        pauses: false,
        spoil,
    }
}

/// Hides a number from the decisions of a step, in a high-water mark, by which nothing is decided.
fn hide(ledger: &mut Numbered, at: Spot, number: fn(&mut Numbered) -> &mut usize) {
    match at {
        Spot::Decides => ledger.peaks.waiting += 1000 * mem::take(number(ledger)),
        Spot::Decided => {
            *number(ledger) += ledger.peaks.waiting / 1000;
            ledger.peaks.waiting %= 1000;
        }
        _ => {}
    }
}

/// What is calm, but for who waits.
fn calm(ledger: &Numbered) -> bool {
    let settled = ledger.making.is_none() && !ledger.blocked && ledger.leaving + ledger.debt == 0;
    let looked_for = ledger.awake > 0 && ledger.phase == Phase::Running;
    settled && (looked_for || ledger.resting.is_empty()) && !ledger.retry
}

/// The faults, each with what the enumeration says of it.
#[rustfmt::skip]
const CONTROLS: [(&str, Spoil, &str); 31] = [
    // Sizes.
    ("a start makes nobody", |ledger, at| if at == Spot::Asked(Ask::Start) {
        ledger.growing = 0;
    }, "P1 fewer than the least"),
    ("a start forgets what waits", |ledger, at| if at == Spot::Asked(Ask::Start) {
        ledger.tries = 0;
    }, "T3 no worker was asked for"),
    ("a resize keeps those too many", |ledger, at| if let Spot::Asked(Ask::Resize(..)) = at {
        ledger.debt = 0;
    }, "another number is to stay"),
    ("a resize forgives nobody", |ledger, at| if let Spot::Asked(Ask::Resize(..)) = at {
        ledger.debt = ledger.busy();
    }, "another number is to stay"),
    ("a shrink goes below the least", |ledger, at| if let Spot::Asked(Ask::Shrink(_)) = at {
        ledger.debt = ledger.busy();
    }, "another number is to stay"),
    ("one that is made when the most has fallen stays", |ledger, at| {
        if at == Spot::Made(Answer::Worker) {
            ledger.debt = 0;
        }
    }, "another number is to stay"),
    ("one that died is not replaced", |ledger, at| if at == Spot::Gone {
        ledger.growing = 0;
    }, "P1 fewer than the least"),
    ("one that died leaves a debt to the last", |ledger, at| if at == Spot::Gone {
        ledger.debt = ledger.busy();
    }, "another number is to stay"),
    ("after a failure those that are missing are forgotten", |ledger, at| if at == Spot::Arrived {
        ledger.growing = 0;
    }, "P1 fewer than the least"),
    ("one that counted as coming is forgotten", |ledger, at| if at == Spot::Made(Answer::AtLimit) {
        ledger.growing = 0;
    }, "P1 fewer than the least"),
    ("one leaves for idleness below the least", |ledger, at| match at {
        Spot::Expires => ledger.running += 9,
        Spot::Expired => ledger.running -= 9,
        _ => {}
    }, "P1 one left that was to stay"),
    // Blocking.
    ("one that blocks makes room for nobody", |ledger, at| if at == Spot::Asked(Ask::Enter) {
        ledger.tries = 0;
    }, "T3 no worker was asked for"),
    ("one that blocks counts twice", |ledger, at| if at == Spot::Asked(Ask::Enter) {
        ledger.sizes.enter();
    }, "miscounted"),
    ("an exit lowers nothing", |ledger, at| if at == Spot::Asked(Ask::Exit) {
        ledger.debt = 0;
    }, "another number is to stay"),
    ("the last that does not block leaves", |ledger, at| if at == Spot::Ended
        && ledger.debt > 0 && ledger.waiting() > 0 && ledger.running <= ledger.sizes.blocking()
    {
        ledger.debt -= 1;
        ledger.dismiss(1);
    }, "T5 the last one left"),
    // What leaves the line.
    ("a void place counts as waiting", |ledger, at| if at == Spot::Cancelled && ledger.void > 0 {
        ledger.void -= 1;
    }, "T2"),
    ("a cancelled task stays in the line", |ledger, at| if at == Spot::Cancelled && ledger.void > 0 {
        ledger.backlog.iter_mut().for_each(|task| *task &= !VOID);
        ledger.void -= 1;
        ledger.cancelled -= 1;
    }, "T4 a task was lost or moved"),
    ("what is void keeps the end", |ledger, at| if at == Spot::InPlace && ledger.backlog.is_empty() {
        ledger.backlog.push_back(VOID);
        ledger.void += 1;
    }, "T9 what is void keeps the end"),
    ("a debt outlives the task that was withdrawn", |ledger, at| {
        if let Spot::Cancelled | Spot::InPlace = at {
            let dismissed = mem::take(&mut ledger.dismissed);
            ledger.leaving -= dismissed;
            ledger.debt += dismissed;
        }
    }, "T5"),
    ("the end does not wait for what runs in place", |ledger, at| {
        let known = |ledger: &Numbered| ledger.waiting() + ledger.running + ledger.in_place;
        let before = known(ledger);
        if ledger.closed && ledger.idlers == 0 || at == Spot::Decided {
            hide(ledger, at, |ledger| &mut ledger.in_place);
        }
        ledger.accepted = ledger.accepted + known(ledger) - before;
    }, "T6 ended too early"),
    ("what runs in place is done at once", |ledger, at| if at == Spot::InPlace {
        ledger.in_place -= 1;
        ledger.done += 1;
    }, "miscounted"),
    ("an abort leaves a task", |ledger, at| if at == Spot::GivenBack && ledger.returned > 0 {
        ledger.returned -= 1;
        ledger.backlog.push_back(NEW);
    }, "W1 an abort left a task"),
    ("an abort loses a task", |ledger, at| if at == Spot::Asked(Ask::Abort) {
        ledger.backlog.pop_front();
    }, "T2"),
    ("an abort accepts more", |ledger, at| if at == Spot::Asked(Ask::Abort) {
        ledger.closed = false;
    }, "W4 something was accepted after the quit"),
    // Callers.
    ("a quit admits nobody", |ledger, at| if at == Spot::Asked(Ask::Quit) {
        ledger.queueing = 0;
    }, "T9 a caller queues while there is room"),
    ("room that comes admits nobody", |ledger, at| if !ledger.closed || at == Spot::Decided {
        hide(ledger, at, |ledger| &mut ledger.queueing);
    }, "T9 a caller queues while there is room"),
    ("room is not kept", |ledger, at| {
        hide(ledger, at, |ledger| &mut ledger.admitted);
    }, "one was admitted where there is no room"),
    ("who waits for the rest is forgotten", |ledger, at| {
        hide(ledger, at, |ledger| &mut ledger.idlers);
    }, "T9 a caller waits for what is so"),
    // The short ways.
    ("it is calm when a caller begins to queue", |ledger, at| if at == Spot::Queued {
        ledger.calm = calm(ledger);
    }, "T3 a short"),
    ("it is calm while somebody waits, or a place is void", |ledger, at| if at == Spot::Decided {
        ledger.calm = calm(ledger);
    }, "a short"),
    ("the short way is open after the quit", |ledger, at| if at == Spot::Shortly {
        ledger.closed = false;
    }, "W4 accepted shortly after the quit"),
];

#[test]
fn controls_of_sizes_are_rejected() {
    rejects(&CONTROLS, |spoil| {
        enumerate(&all_together(spoil));
    });
}
