//! An event loop: its rules one by one, and wrong models that the exploration rejects.

use brigade_model_tests::model::event_loop::Action::*;
use brigade_model_tests::model::event_loop::{Action, EventLoop, Flaw};
use brigade_model_tests::model::explore::event_loop::{Bounds, LoopSystem};

use super::{bad, explore, good, progress, unfinished, whole};

fn new() -> EventLoop {
    EventLoop::default()
}

const QUIT: Action = Quit { won: true };
const STOP: Action = Halt { won: true };

#[test]
fn e1_calls_run_in_order_and_one_at_a_time() {
    let two = [Accept(1), Accept(2), Enter];
    bad("E1", new(), &two, &Start(2));
    bad("W1", new(), &two, &Start(3));
    bad("W6", new(), &[Accept(1)], &Start(1));
    let one_runs = [Accept(1), Accept(2), Enter, Start(1)];
    bad("W6", new(), &one_runs, &Start(2));
    bad("W6", new(), &one_runs, &Stop(2));
    bad("W6", new(), &one_runs, &Exit);
    bad("W6", new(), &one_runs, &Enter);
    bad("W1", new(), &one_runs, &Accept(1));
    good(new(), &[Enter, Busy]);
    bad("W6", new(), &[], &Busy);
    bad("E1", new(), &two, &Nothing);
}

#[test]
fn t9_who_has_something_for_a_loop_that_sleeps_wakes_it() {
    let sleeps = [Enter, Asleep];
    bad("T9", new(), &[Enter, Accept(1)], &Asleep);
    bad("T9", new(), &sleeps, &Asleep);
    bad("T9", new(), &sleeps, &Wake);
    bad("T9", new(), &[Enter], &Wake);
    for disturbs in [Accept(1), QUIT, STOP] {
        let disturbed = [Enter, Asleep, disturbs];
        bad("T9", new(), &disturbed, &Refuse(2));
        bad("T9", new(), &disturbed, &End);
        unfinished("T9", new(), &disturbed);
        // What the inbox does not decide has no order with it.
        let apart = [Enter, Asleep, disturbed[2].clone(), Begin { starts: false }];
        good(new(), &apart);
    }
    let runs = [
        Enter,
        Asleep,
        Accept(1),
        Wake,
        Start(1),
        Stop(1),
        QUIT,
        Over,
        End,
        Exit,
    ];
    whole(new(), &runs);
}

#[test]
fn w2_w3_w4_a_quit_and_a_stop_close_it_once_each() {
    bad("W4", new(), &[QUIT], &Accept(1));
    bad("W4", new(), &[STOP], &Accept(1));
    bad("W4", new(), &[], &Refuse(1));
    bad("W2", new(), &[Accept(1), QUIT], &Refuse(1));
    bad("W3", new(), &[QUIT], &QUIT);
    bad("W3", new(), &[STOP], &QUIT);
    bad("W3", new(), &[], &Quit { won: false });
    bad("E3", new(), &[STOP], &STOP);
    bad("E3", new(), &[], &Halt { won: false });
    good(new(), &[QUIT, STOP]);
    bad("E3", new(), &[End], &STOP);
}

#[test]
fn e3_a_stop_lets_nothing_start_and_all_that_waits_is_given_back_in_order() {
    let stopped = [Accept(1), Accept(2), Enter, STOP];
    bad("E3", new(), &stopped, &Start(1));
    let ended = [Accept(1), Accept(2), Enter, STOP, Over, End];
    bad("E3", new(), &ended, &GiveBack(2));
    bad("E3", new(), &ended, &End);
    unfinished("E3", new(), &ended);
    let all = [
        Accept(1),
        Accept(2),
        Enter,
        STOP,
        Over,
        End,
        GiveBack(1),
        Drop(2),
    ];
    whole(new(), &all);
    // One whose host is lost drops what is waited for, in any order, once it has stopped.
    let lost = [Accept(1), Accept(2), STOP, Drop(2), End, GiveBack(1)];
    whole(new(), &lost);
    bad("E3", new(), &[Accept(1), STOP], &Drop(2));
    bad("E3", new(), &[Accept(1)], &Drop(1));
    bad("E3", new(), &[Enter], &Over);
    bad("E3", new(), &[Accept(1), Enter, QUIT], &Over);
    unfinished("E3", new(), &[]);
}

#[test]
fn e4_a_callback_is_called_once_in_a_call_or_at_the_end() {
    bad("E4", new(), &[], &Deliver(1));
    bad("E4", new(), &[Defer(1)], &Deliver(1));
    bad("E4", new(), &[Defer(1)], &Defer(1));
    let delivered = [Defer(1), Accept(1), Enter, Start(1), Deliver(1)];
    bad("E4", new(), &delivered, &Deliver(1));
    good(new(), &[Defer(1), End, Deliver(1)]);
    unfinished("E4", new(), &[Defer(1), End]);
}

#[test]
fn e1_the_pool_starts_at_the_second_of_its_use_and_the_beginning() {
    let (used, begun) = (UsePool { starts: false }, Begin { starts: false });
    good(new(), &[used.clone(), Begin { starts: true }, used.clone()]);
    good(
        new(),
        &[begun.clone(), UsePool { starts: true }, begun.clone()],
    );
    bad("E1", new(), &[], &UsePool { starts: true });
    bad("E1", new(), std::slice::from_ref(&used), &begun);
    let twice = [begun, UsePool { starts: true }];
    bad("E1", new(), &twice, &UsePool { starts: true });
}

// Wrong models.

const SMALL: Bounds = Bounds {
    calls: 2,
    results: 1,
};

/// The exploration says that this model breaks something whose name has this in it.
#[track_caller]
fn rejected(flaw: Flaw, property: &str) {
    let row = explore("flawed", &LoopSystem::new(EventLoop::flawed(flaw), SMALL));
    let found = row.broken.iter().any(|it| it.contains(property));
    assert!(found, "{row:?}");
}

#[test]
fn the_right_model_is_not_rejected() {
    let row = explore("right", &LoopSystem::new(new(), SMALL));
    assert!(row.sound() && row.not_seen.is_empty(), "{row:?}");
}

#[test]
fn control_t9_a_call_that_does_not_wake_is_rejected() {
    rejected(Flaw::SleepsThroughCalls, "T9");
    let system = LoopSystem::new(EventLoop::flawed(Flaw::SleepsThroughCalls), SMALL);
    assert!(progress(&system).stranded > 0);
}

#[test]
fn control_t9_a_stop_that_does_not_wake_is_rejected() {
    rejected(Flaw::SleepsThroughStops, "T9");
}

#[test]
fn control_e3_what_waits_at_the_end_and_is_forgotten_is_rejected() {
    let system = LoopSystem::new(EventLoop::flawed(Flaw::ForgetsWhatIsLeft), SMALL);
    assert!(progress(&system).stranded > 0);
}

#[test]
fn control_e4_a_callback_that_is_called_twice_is_rejected() {
    rejected(Flaw::DeliversTwice, "E4");
}

#[test]
fn control_e3_a_call_that_starts_after_the_stop_is_rejected() {
    rejected(Flaw::RunsAfterTheStop, "E3");
}

#[test]
fn control_w4_a_call_that_is_taken_after_the_quit_is_rejected() {
    rejected(Flaw::AcceptsWhenClosed, "W4");
}
