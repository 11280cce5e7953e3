//! The cache again, twice, each time with a bug that is often written.

use brigade::ThreadPool;
use brigade::primitives::{Arc, Condvar, Mutex};
use brigade::test_kit::note;

struct Shared<T> {
    value: Mutex<Option<T>>,
    loading: Mutex<bool>,
    loaded: Condvar,
}

impl<T> Shared<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            value: Mutex::new(None),
            loading: Mutex::new(false),
            loaded: Condvar::new(),
        })
    }
}

/// Looks, and then takes: whether it is being loaded is read and written in two critical sections, so two
/// may find that it is for them to have it loaded.
pub struct LoadedTwice<T> {
    shared: Arc<Shared<T>>,
    load: fn() -> T,
}

impl<T: Clone + Send + 'static> LoadedTwice<T> {
    /// A cache that will be filled by `load`.
    #[must_use]
    pub fn new(load: fn() -> T) -> Self {
        let shared = Shared::new();
        Self { shared, load }
    }

    /// The value. Waits for it; who asks first has `pool` load it. `None` if the pool takes no tasks.
    #[must_use]
    pub fn get(&self, pool: &ThreadPool) -> Option<T> {
        let loading = {
            let loading = self.shared.loading.lock();
            note(if *loading {
                "looks: is loading"
            } else {
                "looks: is empty"
            });
            *loading
        };
        if !loading {
            {
                let mut loading = self.shared.loading.lock();
                note("has it loaded");
                *loading = true;
            }
            let (shared, load) = (Arc::clone(&self.shared), self.load);
            let task = move || {
                let value = load();
                let before = {
                    let mut place = shared.value.lock();
                    note("stores the value");
                    place.replace(value)
                };
                shared.loaded.notify_all();
                assert!(before.is_none(), "loaded twice");
            };
            pool.execute(task).ok()?;
        }
        let mut value = self.shared.value.lock();
        loop {
            match &*value {
                Some(value) => return Some(value.clone()),
                None => value = self.shared.loaded.wait(value),
            }
        }
    }
}

impl<T> std::fmt::Debug for LoadedTwice<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedTwice").finish_non_exhaustive()
    }
}

/// Looks, lets go of the lock, and then waits: what is stored between the two is told to nobody, and the
/// wait never ends.
pub struct WaitsForEver<T> {
    shared: Arc<Shared<T>>,
    load: fn() -> T,
}

impl<T: Clone + Send + 'static> WaitsForEver<T> {
    /// A cache that will be filled by `load`.
    #[must_use]
    pub fn new(load: fn() -> T) -> Self {
        let shared = Shared::new();
        Self { shared, load }
    }

    /// The value. Waits for it; who asks first has `pool` load it. `None` if the pool takes no tasks.
    #[must_use]
    pub fn get(&self, pool: &ThreadPool) -> Option<T> {
        let loading = std::mem::replace(&mut *self.shared.loading.lock(), true);
        if !loading {
            note("has it loaded");
            let (shared, load) = (Arc::clone(&self.shared), self.load);
            let task = move || {
                let value = load();
                let mut place = shared.value.lock();
                note("stores the value, and tells who waits");
                *place = Some(value);
                drop(place);
                shared.loaded.notify_all();
            };
            pool.execute(task).ok()?;
        }
        loop {
            let value = {
                let value = self.shared.value.lock();
                note(if value.is_some() {
                    "looks: there it is"
                } else {
                    "looks: not there yet"
                });
                value.clone()
            };
            if value.is_some() {
                return value;
            }
            let guard = self.shared.value.lock();
            note("waits to be told");
            drop(self.shared.loaded.wait(guard));
        }
    }
}

impl<T> std::fmt::Debug for WaitsForEver<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WaitsForEver").finish_non_exhaustive()
    }
}
