//! The short ways of a flood lead to what the long ways lead to, in every state that allows them.

use super::*;

/// Of two ledgers that are compared.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// Which is about to submit by the short way.
    Short,
    /// Which has gone the long way.
    Long,
}

/// Whether a task may come by the short way, whatever limit its submitter was told a moment ago.
/// `spoil` is what a control does.
pub(super) fn submits_shortly(
    ledger: &Numbered,
    limit: usize,
    task: u8,
    spoil: impl Fn(&mut Numbered, Way),
) -> bool {
    let (mut short, mut long) = (ledger.clone(), ledger.clone());
    spoil(&mut short, Way::Short);
    if !short.submits_shortly(limit) {
        return false;
    }
    short.submit_shortly(task);
    assert!(long.accept_task(), "W4 accepted shortly after the quit");
    long.apply(Event::Arrived(task));
    while let Some(action) = long.decide(0) {
        let full = matches!(action, Action::Create) && long.workers() >= limit;
        assert!(full, "T3 a short submit forgets {action:?}");
        long.made(Made::AtLimit);
    }
    spoil(&mut long, Way::Long);
    if long.making.is_none() {
        // It is read only in answer to a question, which begins by clearing it.
        (short.outdated, long.outdated) = (false, false);
    }
    assert!(short == long, "T3 a short submit leads elsewhere");
    true
}

/// Whether a worker that runs a task may have its next by the short way.
pub(super) fn ends_shortly(ledger: &Numbered, spoil: impl Fn(&mut Numbered, Way)) -> bool {
    let (mut short, mut long) = (ledger.clone(), ledger.clone());
    let mut next = None;
    if !short.end_shortly(&mut next) {
        return false;
    }
    long.apply(Event::Ended);
    match long.look() {
        Look::Task(task) => assert_eq!(next, Some(task), "T4 not the first"),
        other => panic!("T5 a short end forgets {other:?}"),
    }
    if let Some(action) = long.decide(0) {
        panic!("T3 a short end forgets {action:?}");
    }
    spoil(&mut long, Way::Long);
    assert!(short == long, "T3 a short end leads elsewhere");
    true
}
