//! One face for pools whose tasks have handles. What a handle is differs, and is named nowhere: so
//! nobody pays for a box around it.

use std::future::Future;
use std::mem;

use futures_executor::block_on;
use tokio::runtime::Runtime;

use crate::contenders::{BrigadeThreads, Contender, Hook, RustyPool, Tokio};

/// A pool that gives results back.
pub trait Spawner: Contender {
    fn spawn<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> impl Promise<T>;
}

/// The handle of a task.
pub trait Promise<T>: Sized {
    /// Sleeps until the task has ended; its result.
    fn join(self) -> T;

    /// Joins each of them in turn, in the way that is the cheapest for many.
    fn join_all(promises: Vec<Self>, mut each: impl FnMut(T)) {
        for promise in promises {
            each(promise.join());
        }
    }
}

/// Evaluates an expression for each contender with handles, named as a type.
#[macro_export]
macro_rules! each_spawner {
    ($contender:ident => $value:expr) => {{
        use $crate::contenders::{RustyPool, BrigadeThreads, Tokio};
        use $crate::handles::AffinityPool;
        let mut values = Vec::new();
        $crate::each_spawner!(@ values, $contender, $value, BrigadeThreads RustyPool AffinityPool Tokio);
        values
    }};
    (@ $values:ident, $contender:ident, $value:expr, $($name:ident)*) => {
        $({
            type $contender = $name;
            $values.extend($value);
        })*
    };
}

impl Spawner for BrigadeThreads {
    #[inline]
    fn spawn<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> impl Promise<T> {
        self.0.spawn(task).expect("it has not been quit")
    }
}

impl<T> Promise<T> for brigade::JoinHandle<T> {
    #[inline]
    fn join(self) -> T {
        self.join().expect("the task does not panic")
    }
}

impl Spawner for RustyPool {
    #[inline]
    fn spawn<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> impl Promise<T> {
        self.0.evaluate(task)
    }
}

impl<T: Send> Promise<T> for rusty_pool::JoinHandle<T> {
    #[inline]
    fn join(self) -> T {
        self.await_complete()
    }
}

/// Its results are futures; it has no hook, and no task without a result.
pub struct AffinityPool(affinitypool::Threadpool);

impl Contender for AffinityPool {
    const NAME: &'static str = "affinitypool";

    fn new(threads: usize, _: &Hook) -> Self {
        let builder = affinitypool::Builder::new();
        Self(builder.worker_threads(threads).build())
    }

    /// Only for what is not measured: to drop the future would cancel the task, so it is leaked.
    fn submit(&self, task: impl FnOnce() + Send + 'static) {
        mem::forget(self.0.spawn(task));
    }
}

impl Spawner for AffinityPool {
    #[inline]
    fn spawn<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> impl Promise<T> {
        Awaited(self.0.spawn(task))
    }
}

/// A future, waited for by the executor that rusty_pool has in itself.
struct Awaited<F>(F);

impl<T, F: Future<Output = T>> Promise<T> for Awaited<F> {
    #[inline]
    fn join(self) -> T {
        block_on(self.0)
    }

    fn join_all(promises: Vec<Self>, mut each: impl FnMut(T)) {
        block_on(async {
            for promise in promises {
                each(promise.0.await);
            }
        });
    }
}

impl Spawner for Tokio {
    #[inline]
    fn spawn<T: Send + 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> impl Promise<T> {
        let handle = self.0.spawn_blocking(task);
        Blocking(&self.0, handle)
    }
}

struct Blocking<'a, T>(&'a Runtime, tokio::task::JoinHandle<T>);

impl<T> Promise<T> for Blocking<'_, T> {
    #[inline]
    fn join(self) -> T {
        self.0.block_on(self.1).expect("the task does not panic")
    }

    fn join_all(promises: Vec<Self>, mut each: impl FnMut(T)) {
        let Some(Self(runtime, _)) = promises.first() else {
            return;
        };
        runtime.block_on(async {
            for promise in promises {
                each(promise.1.await.expect("the task does not panic"));
            }
        });
    }
}
