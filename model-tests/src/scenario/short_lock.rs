//! The short lock by itself. The protocols above it see a mutex in its place, so it is explored here and
//! nowhere else.
//!
//! Whoever finds it taken yields, which to loom means that others run first. That hides nothing:
//! an exchange that failed has changed nothing, so who has yielded stands where it stood before its first
//! try. All orders of the sections are seen: 2, 6 and 6 distinct traces.

use std::sync::Arc;

use brigade::ShortLock;

use super::bench::Leaving;
use super::{Bounds, Scenario, Subject};
use crate::world::{Exclusive, Shared};

struct Bench {
    world: Shared,
    lock: ShortLock<usize>,
    /// What is inside, seen apart from the lock's own value.
    exclusive: Arc<Exclusive>,
    sections: usize,
}

impl Bench {
    /// The actor of this number goes inside so many times, adding one to what the one before left.
    fn add(&self, actor: usize, times: usize) {
        for _ in 0..times {
            let mut value = self.lock.lock();
            let before = *value;
            self.exclusive.pass();
            *value = before + 1;
            self.world.tell(actor, before);
        }
    }
}

/// As many threads as there are numbers, each of which goes inside so many times.
fn adders(world: &Shared, times: &'static [usize]) {
    let bench = Bench {
        world: Arc::clone(world),
        lock: ShortLock::new(0),
        exclusive: Exclusive::new(),
        sections: times.iter().sum(),
    };
    let stage = Leaving::new(bench, |bench| {
        let value = *bench.lock.lock();
        assert_eq!(value, bench.sections, "W5 what was done inside is lost");
    });
    for (actor, times) in times.iter().enumerate().skip(1) {
        stage.spawn(move |bench: &Bench| bench.add(actor, *times));
    }
    stage.act(|bench| bench.add(0, times[0]));
}

pub(super) fn all() -> Vec<Scenario> {
    let scenario = |what: &str, times: &'static [usize]| Scenario {
        name: format!("{}/{what}", Subject::ShortLock.name()),
        subject: Subject::ShortLock,
        properties: vec!["W5", "W6"],
        bounds: Bounds {
            preemptions: None,
            spurious: false,
            exhaustive: true,
            quick: true,
        },
        in_order: false,
        body: Box::new(move |world: &Shared| adders(world, times)),
    };
    vec![
        scenario("two-threads", &[1, 1]),
        scenario("two-threads-twice", &[2, 2]),
        scenario("three-threads", &[1, 1, 1]),
    ]
}
