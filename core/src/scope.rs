//! Scopes: tasks that borrow, and are over before what they borrow is.
//!
//! The one place where a lifetime is erased. A scope's task is a closure in a box, in a [completion
//! cell](crate::completion), which goes the way of all jobs; but that it never leaves as a
//! [`Task`](crate::Task).
//!
//! # State
//! `tasks`: the handle's side of each task of the scope that is not known to have ended, with its number in
//! the line, if it was accepted. Every `spawn` adds to it; the end of the scope takes one after the other
//! out, newest first, and, if it has not begun, runs it in place, else waits for it; until there is none. A
//! task that spawns does so before it ends, so what it has spawned is found.
//!
//! # Invariants
//! - P3, T9: the end waits for tasks that run, and for nothing else; so a scope needs no thread of the pool.
//! - W1, W8: each task is run, or dropped unrun where it was, and then the scope's owner is told.
//! - The closures, and all they borrow, are gone when [`scope`] returns or unwinds: it is only then that
//!   `'scope` ends. A handle that is leaked holds no closure, only the place of a result.
//!
//! The signatures are those of [`std::thread::scope`], which says why they are sound.

use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::panic::resume_unwind;

use crate::completion::{Awaited, staying};
use crate::contain::{Payload, contain, quietly};
use crate::primitives::{Arc, Mutex};
use crate::task_error::TaskError;
use crate::team::{Crew, NotTaken};

/// Tasks that may borrow whatever outlives the call of `scope`.
pub struct Scope<'scope, 'env: 'scope> {
    shared: Shared,
    /// Both invariant: a scope is not to pass for a longer or a shorter one.
    scope: PhantomData<&'scope mut &'scope ()>,
    env: PhantomData<&'env mut &'env ()>,
}

struct Shared {
    crew: Arc<Crew>,
    tasks: Mutex<Vec<Child>>,
    /// The first panic that nobody took.
    panic: Mutex<Option<Payload>>,
    /// What goes on while a thread waits.
    while_waiting: WhileWaiting,
}

/// Runs what is given, which may wait for tasks of the crew.
pub(crate) type WhileWaiting = Box<dyn Fn(&mut dyn FnMut()) + Send + Sync>;

#[derive(Clone)]
struct Child {
    task: Arc<dyn Awaited<()>>,
    /// Its number in the line; `None` if it is not there, and its closure was withdrawn.
    serial: Option<usize>,
}

/// A task's closure, of which it is said that it borrows nothing.
type Erased = Box<dyn FnOnce() + Send + 'static>;

/// Where the result of a task is left for its handle.
struct Place<T>(Mutex<(Option<Result<T, Payload>>, bool)>);

impl<T> Place<T> {
    fn new() -> Self {
        Self(Mutex::new((None, true)))
    }

    /// Leaves the result there; it comes back if nobody will take it.
    fn put(&self, result: Result<T, Payload>) -> Option<Result<T, Payload>> {
        let mut place = self.0.lock();
        if place.1 {
            place.0 = Some(result);
            None
        } else {
            Some(result)
        }
    }

    /// Takes what is there; nobody will ask again.
    fn take(&self) -> Option<Result<T, Payload>> {
        let mut place = self.0.lock();
        place.1 = false;
        place.0.take()
    }
}

/// Runs `body`, which may spawn tasks, and returns when all of them are over.
pub(crate) fn scope<'env, R>(
    crew: &Arc<Crew>,
    while_waiting: WhileWaiting,
    body: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
) -> R {
    let scope = Scope {
        shared: Shared {
            crew: Arc::clone(crew),
            tasks: Mutex::new(Vec::new()),
            panic: Mutex::new(None),
            while_waiting,
        },
        scope: PhantomData,
        env: PhantomData,
    };
    let result = contain(|| body(&scope));
    scope.shared.finish();
    let unclaimed = scope.shared.panic.lock().take();
    match (result, unclaimed) {
        (Ok(result), None) => result,
        (Err(payload), _) | (Ok(_), Some(payload)) => resume_unwind(payload),
    }
}

impl<'scope> Scope<'scope, '_> {
    /// Has a closure, which may borrow what outlives the scope, run on a thread of the pool; or, if none has
    /// begun it when the scope ends or its handle is joined, on the thread that waits. That is also what
    /// happens where the pool does not take it: it has been shut down, or is full.
    ///
    /// A panic goes to whoever joins the handle; if nobody does, the scope panics with it when it ends.
    /// Allocates a few times a task.
    pub fn spawn<T: Send + 'scope>(
        &'scope self,
        task: impl FnOnce() -> T + Send + 'scope,
    ) -> ScopedHandle<'scope, T> {
        let place = Arc::new(Place::new());
        let result = Arc::clone(&place);
        let shared = &self.shared;
        let task: Box<dyn FnOnce() + Send + 'scope> = Box::new(move || {
            let unclaimed = result.put(contain(task));
            shared.discard(unclaimed);
        });
        // SAFETY: the two types differ in a lifetime alone. What is borrowed for `'scope` is alive until
        // `scope` returns or unwinds, which it does after `finish`; and that waits until every child has
        // an outcome, when its closure has been run or dropped. Every child: this one is among them before
        // `spawn` returns, and nothing unwinds until then; and who spawns is the body of the scope, or a
        // child of it that has no outcome yet.
        let task = unsafe { mem::transmute::<Box<dyn FnOnce() + Send + 'scope>, Erased>(task) };
        let (job, task) = staying(task);
        let serial = match shared.crew.try_execute(job) {
            Ok(serial) => Some(serial),
            Err(NotTaken::Full(job) | NotTaken::Closed(job)) => {
                task.withdraw();
                // There is nothing left in it.
                drop(job);
                None
            }
        };
        let child = Child { task, serial };
        shared.add(child.clone());
        ScopedHandle {
            shared,
            child,
            place,
        }
    }
}

impl Shared {
    fn add(&self, child: Child) {
        let mut tasks = self.tasks.lock();
        if tasks.len() == tasks.capacity() {
            // So that the list is no longer than twice the tasks that are not over.
            let over: Vec<Child> = tasks.extract_if(.., |it| it.task.is_finished()).collect();
            tasks.push(child);
            drop(tasks);
            over.iter().for_each(|child| self.finish_one(child));
            return;
        }
        tasks.push(child);
    }

    fn finish(&self) {
        loop {
            let child = self.tasks.lock().pop();
            let Some(child) = child else { return };
            self.finish_one(&child);
        }
    }

    /// Runs the task if it has not begun, and waits until it is over.
    fn finish_one(&self, child: &Child) {
        let task = &child.task;
        if !task.is_finished() {
            self.run_or_wait(child);
        }
        // One that was dropped unrun, and whose drop panicked.
        if let Some(Err(TaskError::Panicked(payload))) = task.join() {
            self.discard::<()>(Some(Err(payload)));
        }
    }

    fn run_or_wait(&self, child: &Child) {
        let task = &child.task;
        match child.serial {
            Some(serial) => {
                self.crew.run_in_place(serial, &**task);
            }
            None => {
                task.run_in_place();
                task.announce();
            }
        }
        if !task.is_finished() {
            (self.while_waiting)(&mut || task.wait());
        }
    }

    /// Drops a result that nobody takes, and keeps the panic.
    fn discard<T>(&self, result: Option<Result<T, Payload>>) {
        let panicked = match result {
            Some(Ok(value)) => contain(|| drop(value)).err(),
            Some(Err(payload)) => Some(payload),
            None => None,
        };
        if let Some(payload) = panicked {
            let mut first = self.panic.lock();
            if first.is_none() {
                *first = Some(payload);
                return;
            }
            drop(first);
            quietly(|| drop(payload));
        }
    }
}

/// The handle of a task of a [`Scope`]. Dropping it detaches: the task runs, and the scope waits for it.
pub struct ScopedHandle<'scope, T> {
    shared: &'scope Shared,
    child: Child,
    place: Arc<Place<T>>,
}

impl<T> ScopedHandle<'_, T> {
    /// Waits for the task, having run it here if it had not begun, and gives its result.
    ///
    /// # Errors
    /// [`TaskError`]: it panicked; or it never ran, for the pool was aborted or could not run it; or it is
    /// the task that asks.
    pub fn join(self) -> Result<T, TaskError> {
        if self.child.task.is_running_here() {
            return Err(TaskError::OwnTask);
        }
        self.shared.finish_one(&self.child);
        match self.place.take() {
            Some(result) => result.map_err(TaskError::Panicked),
            None => Err(TaskError::Closed),
        }
    }

    /// Whether the task is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.child.task.is_finished()
    }
}

impl<T> Drop for ScopedHandle<'_, T> {
    fn drop(&mut self) {
        self.shared.discard(self.place.take());
    }
}

impl fmt::Debug for Scope<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ScopedHandle<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedHandle")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
