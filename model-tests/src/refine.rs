//! Refinement: the trace of an execution is a behaviour of the reference model.
//!
//! Each object of the execution has a machine of its own kind; each event about it is one action, which
//! the machine must allow then; and at the end of the execution each must be in a state in which
//! nothing is owed. What an event does not say (whose end a step saw, which worker was lost) is known
//! from the events before it.
//!
//! On real threads the moments of two kinds of events are not under a lock: those of a quit flag, and
//! of a lock worker's acceptance. There a machine may see them in any order that keeps each thread's
//! own; all others keep the order in which they were recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use brigade::probe::{Kind, Subject, What};

use crate::model::team::{Request, Snapshot, Terms};
use crate::model::{Machine, Violation, event_loop, lock, memory, quit, team, thread};
use crate::trace::Recorded;

/// A trace that the model does not allow.
#[derive(Clone, Debug)]
pub struct Disagreement {
    violation: Violation,
    /// Where the violation is: the number of its event, or `None` at the end.
    at: Option<usize>,
    trace: Vec<Recorded>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = match self.at {
            Some(at) => format!("at event {at}"),
            None => "at the end".to_owned(),
        };
        write!(f, "{} (refinement, {place})", self.violation)
    }
}

impl Disagreement {
    /// The trace, an event a line, with a mark at the one that is not allowed.
    #[must_use]
    pub fn trace(&self) -> String {
        let lines = self.trace.iter().enumerate().map(|(at, recorded)| {
            let mark = if Some(at) == self.at { ">" } else { " " };
            let Recorded { thread, event } = recorded;
            format!(
                "{mark} {at:3}  thread {thread}  object {}  {:?}\n",
                event.object, event.what
            )
        });
        lines.collect()
    }
}

/// Whether every worker's thread has said that it ends, and every pool has done all that it began.
#[must_use]
pub fn settled(trace: &[Recorded]) -> bool {
    let mut pools = BTreeSet::new();
    let (mut begun, mut ended) = (0, 0);
    for Recorded { event, .. } in trace {
        if event.what == What::New(Kind::Pool) {
            pools.insert(event.object);
        }
        let pools = pools.contains(&event.object);
        begun += usize::from(match event.what {
            What::New(kind) => kind == Kind::Thread,
            What::FactoryAsked(_) | What::FirstRefused | What::Abandoned(_) => pools,
            What::Stopped { panicked, .. } => pools && panicked,
            _ => false,
        });
        // A failed creation has to be reported, one that succeeds makes a worker that has to leave.
        ended += usize::from(match event.what {
            What::ThreadEnded => true,
            What::AtLimit | What::WorkerQuit(_) | What::Taken(Subject::Gone(_)) => pools,
            What::CreationReported | What::AbandonedGiven(_) | What::PanicReported => pools,
            _ => false,
        });
    }
    begun <= ended
}

/// Whether the model allows this trace of a whole execution.
///
/// # Errors
/// The first violation.
pub fn check(trace: &[Recorded]) -> Result<(), Box<Disagreement>> {
    let mut world = World::default();
    let disagree = |violation, at| {
        Box::new(Disagreement {
            violation,
            at,
            trace: trace.to_vec(),
        })
    };
    let floats = cfg!(not(any(feature = "loom", feature = "shuttle")));
    if floats {
        let mut search = Search::new(trace);
        if !search.run(&world, &mut vec![false; trace.len()], 0) {
            let (violation, at) = search.furthest(trace.len());
            return Err(disagree(violation, at));
        }
        return Ok(());
    }
    for (at, recorded) in trace.iter().enumerate() {
        world
            .take(recorded)
            .map_err(|violation| disagree(violation, Some(at)))?;
    }
    world.end().map_err(|violation| disagree(violation, None))
}

/// The machines of one execution.
#[derive(Clone, Debug, Default)]
struct World {
    objects: BTreeMap<usize, Object>,
    /// How many tasks of lock workers each thread is inside of.
    inside: BTreeMap<usize, usize>,
}

#[derive(Clone, Debug)]
enum Object {
    Quit(quit::Quit),
    Memory(memory::Memory),
    Lock(lock::Lock),
    Thread(thread::Thread),
    Team(Box<Team>),
    Loop(Box<event_loop::EventLoop>),
}

/// A team's machine, and what its events do not say.
#[derive(Clone, Debug, Default)]
struct Team {
    machine: team::Team,
    /// Who has which task, by worker and by task.
    task_of: BTreeMap<usize, usize>,
    worker_of: BTreeMap<usize, usize>,
}

impl World {
    fn take(&mut self, recorded: &Recorded) -> Result<(), Violation> {
        let Recorded { thread, event } = *recorded;
        if let What::New(kind) = event.what {
            let object = match kind {
                Kind::Quit => Object::Quit(quit::Quit::default()),
                Kind::Memory => Object::Memory(memory::Memory::default()),
                Kind::Lock => Object::Lock(lock::Lock::default()),
                Kind::Thread => Object::Thread(thread::Thread::default()),
                Kind::Team => Object::Team(Box::default()),
                Kind::Loop => Object::Loop(Box::default()),
                Kind::Pool => Object::Team(Box::new(Team::of(team::Team::pool()))),
            };
            self.objects.insert(event.object, object);
            return Ok(());
        }
        match self.objects.get_mut(&event.object) {
            // One that nobody follows, or one of an execution before.
            None => Ok(()),
            Some(Object::Quit(machine)) => take_quit(machine, event.what),
            Some(Object::Memory(machine)) => take_memory(machine, event.what),
            Some(Object::Thread(machine)) => take_thread(machine, thread, event.what),
            Some(Object::Team(team)) => team.take(event.what),
            Some(Object::Loop(machine)) => take_loop(machine, event.what),
            Some(Object::Lock(machine)) => {
                let inside = self.inside.entry(thread).or_default();
                match event.what {
                    What::Started(_) => *inside += 1,
                    What::Stopped { .. } => *inside -= 1,
                    // It was a nested call.
                    What::Returned(_) if *inside > 0 => return Ok(()),
                    _ => {}
                }
                take_lock(machine, thread, event.what)
            }
        }
    }

    fn end(&self) -> Result<(), Violation> {
        for object in self.objects.values() {
            match object {
                Object::Quit(machine) => machine.end(),
                Object::Memory(machine) => machine.end(),
                Object::Lock(machine) => machine.end(),
                Object::Thread(machine) => machine.end(),
                Object::Team(team) => team.machine.end(),
                Object::Loop(machine) => machine.end(),
            }?;
        }
        Ok(())
    }
}

fn unexpected(what: What) -> Result<(), Violation> {
    let why = format!("{what:?} is no event of this kind of object");
    let property = "W1";
    Err(Violation { property, why })
}

fn take_quit(machine: &mut quit::Quit, what: What) -> Result<(), Violation> {
    machine.take(&match what {
        What::Quit { won } => quit::Action::Set { won },
        What::Seen { set } => quit::Action::Seen { set },
        _ => return unexpected(what),
    })
}

fn take_memory(machine: &mut memory::Memory, what: What) -> Result<(), Violation> {
    use memory::Action;
    machine.take(&match what {
        What::Accepted(task) => Action::Accept(task),
        What::Refused(task) => Action::Refuse(task),
        What::Quit { won } => Action::Quit { won },
        What::Started(task) => Action::Start(task),
        What::Stopped { task, .. } => Action::Stop(task),
        What::Nothing => Action::Nothing,
        What::Ended => Action::Ended,
        What::Busy => Action::Busy,
        What::Closed => Action::PerformerDropped,
        What::Dropped(task) => Action::Drop(task),
        _ => return unexpected(what),
    })
}

fn take_loop(machine: &mut event_loop::EventLoop, what: What) -> Result<(), Violation> {
    use event_loop::Action;
    machine.take(&match what {
        What::Accepted(call) => Action::Accept(call),
        What::Refused(call) => Action::Refuse(call),
        What::Quit { won } => Action::Quit { won },
        What::Stop { won } => Action::Halt { won },
        What::Asleep => Action::Asleep,
        What::Woken => Action::Wake,
        What::Entered => Action::Enter,
        What::Exited => Action::Exit,
        What::Busy => Action::Busy,
        What::Started(call) => Action::Start(call),
        What::Stopped { task, .. } => Action::Stop(task),
        What::Nothing => Action::Nothing,
        What::Ended => Action::Over,
        What::Closed => Action::End,
        What::GivenBack(call) => Action::GiveBack(call),
        What::Dropped(call) => Action::Drop(call),
        What::Deferred(result) => Action::Defer(result),
        What::Delivered(result) => Action::Deliver(result),
        What::PoolUsed { starts } => Action::UsePool { starts },
        What::LoopBegun { starts } => Action::Begin { starts },
        _ => return unexpected(what),
    })
}

fn take_lock(machine: &mut lock::Lock, thread: usize, what: What) -> Result<(), Violation> {
    use lock::Action;
    machine.take(&match what {
        What::Accepted(task) => Action::Accept(thread, task),
        What::Refused(task) => Action::Refuse(task),
        What::Quit { won } => Action::Quit { won },
        What::Started(task) => Action::Start(thread, task),
        What::Stopped { task, .. } => Action::Stop(thread, task),
        What::Returned(task) => Action::Return(thread, task),
        _ => return unexpected(what),
    })
}

fn take_thread(machine: &mut thread::Thread, thread: usize, what: What) -> Result<(), Violation> {
    use thread::Action;
    machine.take(&match what {
        What::Accepted(task) => Action::Accept(task),
        What::Refused(task) => Action::Refuse(task),
        What::Quit { won } => Action::Quit { won },
        What::Started(task) => Action::Start(thread, task),
        What::Stopped { task, .. } => Action::Stop(thread, task),
        What::ThreadEnded => Action::ThreadEnded(thread),
        What::Closed => Action::BodyDropped,
        What::Dropped(task) => Action::Drop(task),
        _ => return unexpected(what),
    })
}

impl Team {
    fn of(machine: team::Team) -> Self {
        Self {
            machine,
            ..Self::default()
        }
    }

    fn take(&mut self, what: What) -> Result<(), Violation> {
        use team::Action;
        let action = match what {
            What::Asked(subject) => match place(subject) {
                Place::Task(task) => Action::Accept(task),
                Place::Request(request) => Action::Ask(request),
                Place::Own => return unexpected(what),
            },
            What::Denied(subject) => match place(subject) {
                Place::Task(task) => Action::Refuse(task),
                Place::Request(request) => Action::Deny(request),
                Place::Own => return unexpected(what),
            },
            What::Withdrawn(subject) => match place(subject) {
                Place::Task(task) => Action::Withdraw(task),
                Place::Request(request) => Action::WithdrawRequest(request),
                Place::Own => return unexpected(what),
            },
            What::Taken(Subject::End(worker)) => {
                let task = self.task_of.remove(&worker);
                Action::Ended(worker, task.unwrap_or_default())
            }
            What::Taken(Subject::Loss(task)) => {
                let worker = self.worker_of.remove(&task);
                Action::Lost(worker.unwrap_or_default(), task)
            }
            What::Taken(Subject::Gone(worker)) => Action::Gone(worker),
            What::Taken(Subject::EndInPlace(task)) => Action::EndedInPlace(task),
            What::Sizes([least, most, cap], bound) => Action::Keep(Terms {
                least,
                most,
                cap,
                bound,
            }),
            What::Expired(worker) => Action::Expired(worker),
            What::Cancelled(task) => Action::Cancel(task),
            What::InPlace(task) => Action::InPlace(task),
            What::GivenBack(task) => Action::GiveBack(task),
            What::Full(task) => Action::Full(task),
            What::Queued(task) => Action::Queue(task),
            What::Admitted => Action::Admit,
            What::Back(task) => Action::Back(task),
            What::Looked(worker) => Action::Looked(worker),
            What::Called(worker) => Action::Called(worker),
            What::Rested(worker) => Action::Rested(worker),
            What::Taken(subject) => match place(subject) {
                Place::Task(task) => Action::Take(task),
                Place::Request(request) => Action::TakeRequest(request),
                Place::Own => return unexpected(what),
            },
            What::Assigned(worker, task) => {
                self.task_of.insert(worker, task);
                self.worker_of.insert(task, worker);
                Action::Assign(worker, task)
            }
            What::FactoryAsked(workers) => Action::AskFactory { workers },
            What::WorkerMade(worker) => Action::Made(worker),
            What::AtLimit => Action::AtLimit,
            What::CreationFailed => Action::Failed,
            What::Retired(worker) => Action::Retire(worker),
            What::FirstRefused => Action::RefusedFirst,
            What::Abandoned(task) => Action::Abandon(task),
            What::Finished => Action::Finish,
            What::Settled => Action::Settled,
            What::Left(count) => Action::Left(count),
            What::Started(task) => Action::Start(task),
            What::Stopped { task, panicked } => Action::Stop { task, panicked },
            What::PanicReported => Action::PanicReported,
            What::CreationReported => Action::CreationReported,
            What::WorkerQuit(worker) => Action::WorkerQuit(worker),
            What::CoordinatorQuit => Action::CoordinatorQuit,
            What::AbandonedGiven(task) => Action::AbandonedGiven(task),
            What::Statistics(numbers) => Action::Statistics(snapshot(numbers)),
            _ => return unexpected(what),
        };
        self.machine.take(&action)
    }
}

/// What a team was asked, as the model has it.
enum Place {
    Task(usize),
    Request(Request),
    /// Nobody asks for it.
    Own,
}

fn place(subject: Subject) -> Place {
    Place::Request(match subject {
        Subject::Task(task) => return Place::Task(task),
        Subject::Grow(n) => Request::Grow(n),
        Subject::Shrink(n) => Request::Shrink(n),
        Subject::Raised => Request::Raised,
        Subject::Quit => Request::Quit,
        Subject::Start => Request::Begin,
        Subject::Resize(least, most) => Request::Resize(least, most),
        Subject::Enter => Request::Enter,
        Subject::Exit => Request::Exit,
        Subject::Abort => Request::Abort,
        Subject::End(_) | Subject::Loss(_) | Subject::Gone(_) | Subject::EndInPlace(_) => {
            return Place::Own;
        }
    })
}

fn snapshot(numbers: [usize; 11]) -> Snapshot {
    let [
        idle,
        busy,
        leaving,
        backlogged,
        in_flight,
        accepted,
        done,
        abandoned,
        in_place,
        cancelled,
        returned,
    ] = numbers;
    Snapshot {
        idle,
        busy,
        leaving,
        backlogged,
        in_flight,
        accepted,
        done,
        abandoned,
        in_place,
        cancelled,
        returned,
    }
}

/// Looks for an order of a trace of real threads that the model allows; see the module.
struct Search<'a> {
    trace: &'a [Recorded],
    /// After which events each has to come: the last one of its thread; and the last one of its object
    /// that does not float, or, if it floats itself, the making of its object.
    before: Vec<[Option<usize>; 2]>,
    floats: Vec<bool>,
    furthest: (usize, Option<(Violation, Option<usize>)>),
    /// Tries left: a trace in which much floats has many orders.
    tries: usize,
}

/// Far more than any trace of a scenario has needed.
const TRIES: usize = 200_000;

impl<'a> Search<'a> {
    fn new(trace: &'a [Recorded]) -> Self {
        let (mut of_thread, mut of_object) = (BTreeMap::new(), BTreeMap::new());
        let (mut flags, mut made) = (BTreeMap::new(), BTreeMap::new());
        let mut all_floats = Vec::new();
        let before = trace.iter().enumerate().map(|(at, recorded)| {
            let Recorded { thread, event } = recorded;
            if let What::New(kind) = event.what {
                flags.insert(event.object, matches!(kind, Kind::Quit | Kind::Lock));
                made.insert(event.object, at);
            }
            let before = of_thread.insert(*thread, at);
            let flag = flags.get(&event.object).copied().unwrap_or(false);
            let locked = matches!(event.what, What::Started(_) | What::Stopped { .. });
            let floats = flag && !locked && !matches!(event.what, What::New(_));
            all_floats.push(floats);
            let other = if floats {
                made.get(&event.object).copied()
            } else {
                of_object.insert(event.object, at)
            };
            [before, other]
        });
        let before = before.collect();
        Self {
            before,
            floats: all_floats,
            trace,
            furthest: (0, None),
            tries: TRIES,
        }
    }

    /// Whether what is left, after so many events, can be taken in some order.
    fn run(&mut self, world: &World, taken: &mut Vec<bool>, count: usize) -> bool {
        if count == self.trace.len() {
            let end = world.end();
            if let Err(violation) = end {
                self.furthest = (count + 1, Some((violation, None)));
                return false;
            }
            return true;
        }
        for at in 0..self.trace.len() {
            let ready = |before: &Option<usize>| before.is_none_or(|before| taken[before]);
            if taken[at] || !self.before[at].iter().all(ready) || self.tries == 0 {
                continue;
            }
            self.tries -= 1;
            let mut next = world.clone();
            match next.take(&self.trace[at]) {
                Ok(()) => {
                    taken[at] = true;
                    if self.run(&next, taken, count + 1) {
                        return true;
                    }
                    taken[at] = false;
                }
                Err(violation) if self.furthest.0 <= count => {
                    self.furthest = (count, Some((violation, Some(at))));
                }
                Err(_) => {}
            }
            // The next in time can be left out of the order only if something before it may float.
            if !self.floats[at..].contains(&true) {
                return false;
            }
        }
        false
    }

    fn furthest(self, count: usize) -> (Violation, Option<usize>) {
        let unknown = Violation {
            property: "W1",
            why: format!("no order of {count} events was found in {TRIES} tries"),
        };
        self.furthest.1.unwrap_or((unknown, None))
    }
}

#[cfg(test)]
mod tests {
    use brigade::probe::Event;

    use super::*;

    /// What happened to object 1, of that kind, by whom.
    fn trace(kind: Kind, events: &[(usize, What)]) -> Vec<Recorded> {
        let new = (0, What::New(kind));
        let all = std::iter::once(&new).chain(events);
        let recorded = |&(thread, what): &(usize, What)| Recorded {
            thread,
            event: Event { object: 1, what },
        };
        all.map(recorded).collect()
    }

    fn broken(trace: &[Recorded]) -> String {
        match check(trace) {
            Ok(()) => "nothing".to_owned(),
            Err(disagreement) => disagreement.violation.property.to_owned(),
        }
    }

    const WON: What = What::Quit { won: true };
    const STOPPED: What = What::Stopped {
        task: 7,
        panicked: false,
    };

    fn run(more: &[(usize, What)]) -> Vec<Recorded> {
        let run = [
            (0, What::Accepted(7)),
            (0, WON),
            (1, What::Started(7)),
            (1, STOPPED),
        ];
        trace(Kind::Thread, &[&run, more].concat())
    }

    #[test]
    fn a_behaviour_of_the_model_is_allowed() {
        assert_eq!(broken(&run(&[(1, What::ThreadEnded)])), "nothing");
    }

    #[test]
    fn w1_a_task_that_starts_twice_is_rejected() {
        let twice = run(&[(1, What::Started(7)), (1, STOPPED), (1, What::ThreadEnded)]);
        assert_ne!(broken(&twice), "nothing");
    }

    #[test]
    fn w3_two_quits_that_win_are_rejected() {
        assert_eq!(broken(&trace(Kind::Memory, &[(0, WON), (1, WON)])), "W3");
        assert_eq!(broken(&trace(Kind::Quit, &[(0, WON), (1, WON)])), "W3");
    }

    #[test]
    fn w4_what_a_lock_orders_is_never_reordered() {
        let late = [(0, WON), (1, What::Accepted(7)), (1, What::Dropped(7))];
        assert_eq!(broken(&trace(Kind::Memory, &late)), "W4");
    }

    #[test]
    fn h2_a_thread_that_does_not_end_is_owed() {
        assert_eq!(broken(&run(&[])), "H2");
        assert!(!settled(&run(&[])));
    }

    /// A pool makes worker 3 for task 7, which it runs; then what follows.
    fn pool(more: &[What]) -> Vec<Recorded> {
        let run = [
            What::Asked(Subject::Task(7)),
            What::Taken(Subject::Task(7)),
            What::FactoryAsked(0),
            What::WorkerMade(3),
            What::Settled,
            What::Statistics([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
            What::Looked(3),
            What::Assigned(3, 7),
            What::Settled,
            What::Started(7),
            STOPPED,
            What::Taken(Subject::End(3)),
        ];
        let all: Vec<_> = run.iter().chain(more).map(|&what| (0, what)).collect();
        trace(Kind::Pool, &all)
    }

    #[test]
    fn t9_a_pool_whose_worker_rests_is_called_looks_and_leaves() {
        let quit = [
            What::Rested(3),
            What::Settled,
            What::Asked(Subject::Task(8)),
            What::Taken(Subject::Task(8)),
            What::Called(3),
            What::Settled,
            What::Asked(Subject::Quit),
            What::Taken(Subject::Quit),
            What::Settled,
            What::Looked(3),
            What::Assigned(3, 8),
            What::Settled,
            What::Started(8),
            What::Stopped {
                task: 8,
                panicked: false,
            },
            What::Taken(Subject::End(3)),
            What::Retired(3),
            What::Finished,
            What::Settled,
            What::WorkerQuit(3),
        ];
        assert_eq!(broken(&pool(&quit)), "nothing");
        assert!(settled(&pool(&quit)));
        let rest = &quit[..quit.len() - 1];
        assert_eq!(broken(&pool(rest)), "T6");
        assert!(!settled(&pool(rest)));
        let mut uncalled = quit.to_vec();
        uncalled.remove(4);
        assert_eq!(broken(&pool(&uncalled)), "T9");
        // No team's does so.
        let mut team = pool(&quit);
        team[0].event.what = What::New(Kind::Team);
        assert_ne!(broken(&team), "nothing");
    }

    #[test]
    fn t8_a_pools_worker_that_is_gone_has_left() {
        let gone = [
            What::Settled,
            What::Taken(Subject::Gone(3)),
            What::Settled,
            What::Statistics([0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0]),
        ];
        assert_eq!(broken(&pool(&gone)), "nothing");
        assert!(settled(&pool(&gone)) && !settled(&pool(&gone[..1])));
        let rests = [What::Rested(3), gone[0], gone[1]];
        assert_eq!(broken(&pool(&rests)), "T8");
    }

    /// On real threads a flag that was read before the quit may be told of after it, but not where
    /// one thread did both.
    #[test]
    fn only_what_no_lock_orders_floats_and_only_on_real_threads() {
        let late = |reader| trace(Kind::Quit, &[(0, WON), (reader, What::Seen { set: false })]);
        let floats = cfg!(not(any(feature = "loom", feature = "shuttle")));
        assert_eq!(broken(&late(1)) == "nothing", floats);
        assert_ne!(broken(&late(0)), "nothing");
    }
}
