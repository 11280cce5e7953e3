//! Every state of the reference model, in small closed systems.
//!
//! | module | closes |
//! |---|---|
//! | [`event_loop`] | an event loop: callers, its thread, and what comes back |
//! | [`team`] | a pool: callers, tasks, a factory, and the coordinator's steps |
//! | [`workers`] | the flag and each worker: callers, and whoever runs the tasks |
//!
//! A [`System`] is a machine and all that drives it. stateright visits its states and judges the
//! properties that hold always, and those that are to be seen sometimes, so that nothing holds only
//! because it never comes up. Progress (T9) is judged on the graph of the same states by
//! [`progress`], because stateright's `eventually` misses violations on cycles.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::fmt::{self, Debug, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use stateright::{Checker, Expectation, Model, Property};

pub mod event_loop;
pub mod team;
pub mod workers;

/// A transition.
#[derive(Clone, Debug, PartialEq)]
pub struct Move<S> {
    /// What happened.
    pub what: Cow<'static, str>,
    /// It comes by itself, once performers are driven; else somebody has to ask for it.
    pub owed: bool,
    /// What comes of it.
    pub to: S,
}

/// A closed system: a machine and all that drives it.
pub trait System: Clone + Debug + PartialEq + Hash + Send + Sync + 'static {
    /// All that can happen now.
    fn moves(&self) -> Vec<Move<Self>>;

    /// Whether it may stay like this until somebody asks for something.
    fn quiet(&self) -> bool;

    /// What holds in every state, and what is to be seen in some.
    fn properties() -> Vec<Property<Explored<Self>>>;
}

/// The system as stateright takes it.
#[derive(Clone, Debug)]
pub struct Explored<S>(S);

impl<S: System> Model for Explored<S> {
    type State = S;
    type Action = Move<S>;

    fn init_states(&self) -> Vec<S> {
        vec![self.0.clone()]
    }

    fn actions(&self, state: &S, actions: &mut Vec<Move<S>>) {
        *actions = state.moves();
    }

    fn next_state(&self, _: &S, action: Move<S>) -> Option<S> {
        Some(action.to)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        S::properties()
    }
}

/// What the exploration of one configuration came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Which.
    pub configuration: String,
    /// How many states were generated.
    pub states: usize,
    /// How many of these were different, by stateright's 64-bit fingerprints.
    pub unique: usize,
    /// The length of the longest shortest way to a state.
    pub depth: usize,
    /// What was to be seen sometimes, and was.
    pub seen: Vec<String>,
    /// What was to be seen sometimes, and was not.
    pub not_seen: Vec<String>,
    /// What should hold always and did not, with the shortest way there.
    pub broken: Vec<String>,
    /// Progress, on the graph of the same states.
    pub progress: Progress,
    /// How long both took.
    pub seconds: f64,
}

impl Row {
    /// Nothing is wrong, and both explorations visited the same number of states.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.broken.is_empty() && self.progress.holds() && self.unique == self.progress.states
    }
}

/// Visits every state that can be reached from this one.
#[must_use]
pub fn explore<S: System>(configuration: &str, start: &S) -> Row {
    let began = Instant::now();
    let checker = Explored(start.clone()).checker().spawn_bfs().join();
    let mut row = Row {
        configuration: configuration.to_owned(),
        states: checker.state_count(),
        unique: checker.unique_state_count(),
        depth: checker.max_depth(),
        seen: Vec::new(),
        not_seen: Vec::new(),
        broken: Vec::new(),
        progress: progress(start),
        seconds: 0.0,
    };
    for property in S::properties() {
        let found = checker.discovery(property.name);
        let name = property.name.to_owned();
        match (property.expectation, found) {
            (Expectation::Sometimes, Some(_)) => row.seen.push(name),
            (Expectation::Sometimes, None) => row.not_seen.push(name),
            (_, None) => {}
            (_, Some(way)) => {
                let mut told = format!("{name}, after");
                for action in way.into_actions() {
                    let _ = write!(told, "\n    {}", action.what);
                }
                row.broken.push(told);
            }
        }
    }
    row.seconds = began.elapsed().as_secs_f64();
    row
}

/// What the graph of the reachable states says of progress.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// How many states there are.
    pub states: usize,
    /// How many of them are quiet.
    pub quiet: usize,
    /// How many transitions come by themselves.
    pub owed: usize,
    /// States from which these lead to no quiet state.
    pub stranded: usize,
    /// States on a cycle of these, or after one.
    pub endless: usize,
    /// A state that is stranded, or endless.
    pub example: Option<String>,
}

impl Progress {
    /// A quiet state is reachable from every state, and every way of driving leads to one.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.stranded == 0 && self.endless == 0
    }
}

/// Judges progress on the graph of the states that can be reached: from each of them owed transitions lead
/// to a quiet state, and they form no cycle. A state without an owed transition has to be quiet
/// then. So every path that leaves no owed transition out for ever leads to a quiet state.
#[must_use]
pub fn progress<S: System>(start: &S) -> Progress {
    let mut graph = Graph::default();
    let mut next = vec![(graph.number(start).0, start.clone())];
    while let Some((from, state)) = next.pop() {
        let moves = state.moves();
        let nothing_owed = !moves.iter().any(|it| it.owed);
        graph.quiet[from as usize] = nothing_owed && state.quiet();
        for it in moves {
            let (to, new) = graph.number(&it.to);
            if new {
                next.push((to, it.to));
            }
            if it.owed {
                graph.owed.push((from, to));
            }
        }
    }
    let stranded = graph.stranded();
    let endless = graph.endless();
    let example = stranded.first().or(endless.first()).copied();
    Progress {
        states: graph.quiet.len(),
        quiet: graph.quiet.iter().filter(|&&it| it).count(),
        owed: graph.owed.len(),
        stranded: stranded.len(),
        endless: endless.len(),
        example: example.map(|number| graph.find(start, number)),
    }
}

/// The states by number, and what leads from one to another by itself.
#[derive(Default)]
struct Graph {
    /// By 128-bit fingerprint: whole states would not fit.
    numbers: HashMap<(u64, u64), u32>,
    quiet: Vec<bool>,
    owed: Vec<(u32, u32)>,
}

impl Graph {
    fn number<S: Hash>(&mut self, state: &S) -> (u32, bool) {
        let mut first = DefaultHasher::new();
        state.hash(&mut first);
        let mut second = first.clone();
        // It mixes everything again.
        second.write_u8(1);
        let print = (first.finish(), second.finish());
        let new = u32::try_from(self.quiet.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(print).or_insert(new);
        if number == new {
            self.quiet.push(false);
        }
        (number, number == new)
    }

    /// The neighbours of each state, along the owed transitions or against them.
    fn neighbours(&self, against: bool) -> Neighbours {
        let turn = |(from, to): (u32, u32)| if against { (to, from) } else { (from, to) };
        let mut first = vec![0_u32; self.quiet.len() + 1];
        for &edge in &self.owed {
            first[turn(edge).0 as usize + 1] += 1;
        }
        for n in 1..first.len() {
            first[n] += first[n - 1];
        }
        let mut free = first.clone();
        let mut all = vec![0_u32; self.owed.len()];
        for &edge in &self.owed {
            let (from, to) = turn(edge);
            let at = &mut free[from as usize];
            all[*at as usize] = to;
            *at += 1;
        }
        Neighbours { first, all }
    }

    /// The states from which no quiet state is reached.
    fn stranded(&self) -> Vec<u32> {
        let before = self.neighbours(true);
        let mut reaches = self.quiet.clone();
        let mut next: Vec<u32> = numbers(&reaches, true);
        while let Some(state) = next.pop() {
            for &from in before.of(state) {
                if !reaches[from as usize] {
                    reaches[from as usize] = true;
                    next.push(from);
                }
            }
        }
        numbers(&reaches, false)
    }

    /// The states on a cycle, or after one: what is left when states that nothing leads to are
    /// taken away, again and again.
    fn endless(&self) -> Vec<u32> {
        let after = self.neighbours(false);
        let mut into = vec![0_u32; self.quiet.len()];
        for &(_, to) in &self.owed {
            into[to as usize] += 1;
        }
        let mut gone: Vec<bool> = into.iter().map(|&count| count == 0).collect();
        let mut next = numbers(&gone, true);
        while let Some(state) = next.pop() {
            for &to in after.of(state) {
                into[to as usize] -= 1;
                if into[to as usize] == 0 {
                    gone[to as usize] = true;
                    next.push(to);
                }
            }
        }
        numbers(&gone, false)
    }

    /// The state of this number, looked for once more.
    fn find<S: System>(&self, start: &S, wanted: u32) -> String {
        let mut again = Self::default();
        let mut next = vec![(again.number(start).0, start.clone())];
        while let Some((number, state)) = next.pop() {
            if number == wanted {
                return format!("{state:?}");
            }
            for it in state.moves() {
                let (to, new) = again.number(&it.to);
                if new {
                    next.push((to, it.to));
                }
            }
        }
        format!("state {wanted}")
    }
}

struct Neighbours {
    first: Vec<u32>,
    all: Vec<u32>,
}

impl Neighbours {
    fn of(&self, state: u32) -> &[u32] {
        let state = state as usize;
        &self.all[self.first[state] as usize..self.first[state + 1] as usize]
    }
}

/// The numbers of the states of which this is so.
fn numbers(states: &[bool], so: bool) -> Vec<u32> {
    let those = (0_u32..).zip(states).filter(|&(_, &it)| it == so);
    those.map(|(number, _)| number).collect()
}

/// What is explored under one name.
pub struct Configuration {
    /// Which.
    pub name: String,
    /// Small enough for a debug build.
    pub quick: bool,
    run: Box<dyn Fn(&str) -> Row>,
}

impl Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Configuration").field(&self.name).finish()
    }
}

impl Configuration {
    fn of<S: System>(name: String, quick: bool, start: S) -> Self {
        let run = Box::new(move |name: &str| explore(name, &start));
        Self { name, quick, run }
    }

    /// Visits every state of it.
    #[must_use]
    pub fn explore(&self) -> Row {
        (self.run)(&self.name)
    }
}

/// All that is explored: first the workers, then the event loop, then teams.
#[must_use]
pub fn configurations() -> Vec<Configuration> {
    let mut all = workers::configurations();
    all.extend(event_loop::configurations());
    all.extend(team::configurations());
    all
}

/// What is to be seen sometimes, and was seen in none of these configurations.
#[must_use]
pub fn never_seen(rows: &[Row]) -> BTreeSet<String> {
    let seen: BTreeSet<&String> = rows.iter().flat_map(|row| &row.seen).collect();
    let all = rows.iter().flat_map(|row| &row.not_seen);
    all.filter(|it| !seen.contains(it)).cloned().collect()
}

/// The head of a table of rows.
#[must_use]
pub fn head() -> String {
    format!(
        "{:<84} {:>8} {:>7} {:>5} {:>5} {:>6} {:>6} {:>6}",
        "configuration", "states", "unique", "depth", "seen", "quiet", "T9", "s"
    )
}

/// The row as a line of a table.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.seen.len();
        write!(
            f,
            "{:<84} {:>8} {:>7} {:>5} {:>5} {:>6} {:>6} {:>6.2}",
            self.configuration,
            self.states,
            self.unique,
            self.depth,
            format!("{seen}/{}", seen + self.not_seen.len()),
            self.progress.quiet,
            if self.progress.holds() {
                "holds"
            } else {
                "BROKEN"
            },
            self.seconds
        )
    }
}
