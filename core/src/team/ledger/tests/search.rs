//! Every state that can be reached, breadth first.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What was found.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) states: usize,
    pub(super) transitions: usize,
}

/// Hashes the derived way, without defence against chosen keys, which costs half the time here.
#[derive(Default)]
struct Quick(u64);

impl Hasher for Quick {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }
    fn write_u8(&mut self, n: u8) {
        self.write_u64(n.into());
    }
    fn write_usize(&mut self, n: usize) {
        self.write_u64(n as u64);
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = (self.0.rotate_left(5) ^ n).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    fn finish(&self) -> u64 {
        // The map takes its bucket from one end and its tag from the other.
        self.0.rotate_left(26)
    }
}

type Seen<S> = HashMap<S, u32, BuildHasherDefault<Quick>>;

/// Visits every state there is. A visit judges the state, and gives all that can happen then, and what
/// comes of it. If it panics, the shortest way to that state is printed. `owed`: what comes by itself,
/// which is to come to an end.
pub(super) fn explore<S, M>(
    start: S,
    mut visit: impl FnMut(&S) -> Vec<(M, S)>,
    owed: impl Fn(M) -> bool,
) -> Found
where
    S: Clone + Eq + Hash,
    M: Copy + Debug,
{
    let mut seen = Seen::default();
    let mut next = VecDeque::from([(0, start.clone())]);
    seen.insert(start, 0);
    // How each state but the first was first reached: from which, and by what.
    let mut ways: Vec<(u32, M)> = Vec::new();
    let mut driven: Vec<(u32, u32)> = Vec::new();
    let mut transitions = 0;
    while let Some((from, state)) = next.pop_front() {
        let moves = catch_unwind(AssertUnwindSafe(|| visit(&state)));
        let moves = moves.unwrap_or_else(|failure| {
            println!("the shortest way there: {:?}", way(&ways, from));
            resume_unwind(failure)
        });
        transitions += moves.len();
        for (what, state) in moves {
            let to = seen.get(&state).copied().unwrap_or_else(|| {
                let new = u32::try_from(seen.len()).unwrap();
                seen.insert(state.clone(), new);
                next.push_back((new, state));
                ways.push((from, what));
                new
            });
            if owed(what) {
                driven.push((from, to));
            }
        }
    }
    assert!(
        acyclic(seen.len(), &driven),
        "T9 driving need not come to an end"
    );
    Found {
        states: seen.len(),
        transitions,
    }
}

fn way<M: Copy>(ways: &[(u32, M)], to: u32) -> Vec<M> {
    let mut all = Vec::new();
    let mut at = to;
    while at != 0 {
        let (from, what) = ways[at as usize - 1];
        all.push(what);
        at = from;
    }
    all.reverse();
    all
}

/// Whether the transitions that come by themselves form no cycle. Since every state but the quiet
/// ones has one of them, they then lead to a quiet state, in whatever order they are taken.
fn acyclic(states: usize, owed: &[(u32, u32)]) -> bool {
    let mut into = vec![0_u32; states];
    let mut first = vec![0_usize; states + 1];
    for &(from, to) in owed {
        first[from as usize + 1] += 1;
        into[to as usize] += 1;
    }
    for n in 0..states {
        first[n + 1] += first[n];
    }
    // `owed` is in the order of `from`: breadth first numbers states as it visits them.
    let mut free: Vec<usize> = (0..states).filter(|&n| into[n] == 0).collect();
    let mut done = 0;
    while let Some(state) = free.pop() {
        done += 1;
        for &(_, to) in &owed[first[state]..first[state + 1]] {
            into[to as usize] -= 1;
            if into[to as usize] == 0 {
                free.push(to as usize);
            }
        }
    }
    done == states
}

/// Whether each fault is found, as what is said of it.
pub(super) fn rejects<F: Copy>(faults: &[(&str, F, &str)], explore: impl Fn(F)) {
    for &(fault, spoil, expected) in faults {
        let found = catch_unwind(AssertUnwindSafe(|| explore(spoil)));
        let payload = found.err().unwrap_or_else(|| panic!("not found: {fault}"));
        let told = payload.downcast_ref::<String>().map(String::as_str);
        let told = told.or_else(|| payload.downcast_ref::<&str>().copied());
        let told = told.unwrap_or("");
        assert!(told.contains(expected), "{fault}: found as {told:?}");
    }
}

#[test]
fn control_a_cycle_is_seen() {
    assert!(acyclic(3, &[(0, 1), (0, 2), (1, 2)]));
    assert!(!acyclic(3, &[(0, 1), (1, 2), (2, 1)]));
}
