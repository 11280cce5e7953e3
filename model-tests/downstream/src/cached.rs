//! The cache.

use brigade::ThreadPool;
use brigade::primitives::{Arc, Condvar, Mutex};
use brigade::test_kit::note;

/// A value that is loaded when it is first asked for, once, by a task in a pool.
pub struct Cached<T> {
    shared: Arc<Shared<T>>,
    load: fn() -> T,
}

struct Shared<T> {
    state: Mutex<State<T>>,
    loaded: Condvar,
}

enum State<T> {
    Empty,
    Loading,
    Loaded(T),
}

impl<T: Clone + Send + 'static> Cached<T> {
    /// A cache that will be filled by `load`.
    #[must_use]
    pub fn new(load: fn() -> T) -> Self {
        let shared = Shared {
            state: Mutex::new(State::Empty),
            loaded: Condvar::new(),
        };
        Self {
            shared: Arc::new(shared),
            load,
        }
    }

    /// The value. Waits for it; who asks first has `pool` load it. `None` if the pool takes no tasks.
    #[must_use]
    pub fn get(&self, pool: &ThreadPool) -> Option<T> {
        if self.claim() {
            let (shared, load) = (Arc::clone(&self.shared), self.load);
            let task = move || {
                let value = load();
                let mut state = shared.state.lock();
                note("stores the value");
                *state = State::Loaded(value);
                drop(state);
                shared.loaded.notify_all();
            };
            if pool.execute(task).is_err() {
                *self.shared.state.lock() = State::Empty;
                self.shared.loaded.notify_all();
                return None;
            }
        }
        let mut state = self.shared.state.lock();
        loop {
            match &*state {
                State::Loaded(value) => return Some(value.clone()),
                // Who was to have it loaded could not.
                State::Empty => return None,
                State::Loading => state = self.shared.loaded.wait(state),
            }
        }
    }

    /// Whether it is for the caller to have it loaded. One critical section, so that it is for one.
    fn claim(&self) -> bool {
        let mut state = self.shared.state.lock();
        let empty = matches!(*state, State::Empty);
        if empty {
            note("empty: has it loaded");
            *state = State::Loading;
        }
        empty
    }
}

impl<T> std::fmt::Debug for Cached<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cached").finish_non_exhaustive()
    }
}
