//! Results by callback.
//!
//! # Invariants
//! P2: a callback is called once: when the task has run; or, if it never will, when it is dropped. W8: its
//! panic is told then and there, whoever has the handle.

use std::fmt;

use super::{JoinHandle, Rejected, ThreadPool};
use crate::contain::{contain, quietly};
use crate::primitives::{Arc, Mutex, Weak, thread};
use crate::task_error::TaskError;
use crate::team::Crew;

impl ThreadPool {
    /// [`ThreadPool::spawn`], but the result goes to `callback`: on the pool's thread, once the task has
    /// ended and its captures are gone. If the task is cancelled, or dropped before it began, the callback is
    /// called with that error, on the thread that does it. The original's `callInThreadWithCallback`.
    ///
    /// A panic in the callback goes to the pool's panic handler.
    ///
    /// # Errors
    /// As [`ThreadPool::execute`]; the callback is in the task that is handed back.
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use brigade::ThreadPool;
    ///
    /// # brigade::primitives::example(|| {
    /// let pool = ThreadPool::new();
    /// let (send, results) = mpsc::channel();
    /// let task = pool.spawn_with_callback(|| 6 * 7, move |result| send.send(result.unwrap()).unwrap());
    /// task.unwrap();
    /// assert_eq!(results.recv(), Ok(42));
    /// # });
    /// ```
    #[track_caller]
    pub fn spawn_with_callback<T: 'static>(
        &self,
        task: impl FnOnce() -> T + Send + 'static,
        callback: impl FnOnce(Result<T, TaskError>) + Send + 'static,
    ) -> Result<CallbackHandle, Rejected> {
        let cancelling = Cancelling::default();
        let mut call = Call {
            callback: Some(callback),
            cancelling: Arc::clone(&cancelling),
            crew: Arc::downgrade(self.crew()),
            result: std::marker::PhantomData,
        };
        let handle = self.spawn(move || {
            let result = contain(task).map_err(TaskError::Panicked);
            call.call(result);
        })?;
        Ok(CallbackHandle { handle, cancelling })
    }
}

/// The threads that are about to cancel the task. Where it is dropped on one of these, that one has.
type Cancelling = Arc<Mutex<Vec<thread::ThreadId>>>;

/// The callback, until it is called.
struct Call<T, F: FnOnce(Result<T, TaskError>)> {
    callback: Option<F>,
    cancelling: Cancelling,
    /// To tell of a panic.
    crew: Weak<Crew>,
    result: std::marker::PhantomData<fn(T)>,
}

impl<T, F: FnOnce(Result<T, TaskError>)> Call<T, F> {
    fn call(&mut self, result: Result<T, TaskError>) {
        let Some(callback) = self.callback.take() else {
            return;
        };
        if let Err(payload) = contain(|| callback(result)) {
            match self.crew.upgrade() {
                Some(crew) => crew.tell_panic(payload),
                None => quietly(|| drop(payload)),
            }
        }
    }
}

impl<T, F: FnOnce(Result<T, TaskError>)> Drop for Call<T, F> {
    fn drop(&mut self) {
        let cancelled = self.cancelling.lock().contains(&thread::current().id());
        self.call(Err(if cancelled {
            TaskError::Cancelled
        } else {
            TaskError::Closed
        }));
    }
}

/// The handle of a task whose result goes to a callback. Dropping it detaches.
#[must_use = "without it the task cannot be cancelled; dropping it is fine"]
pub struct CallbackHandle {
    handle: JoinHandle<()>,
    cancelling: Cancelling,
}

impl CallbackHandle {
    /// [`JoinHandle::cancel`]; the callback is called with [`TaskError::Cancelled`] before this returns.
    #[allow(
        clippy::must_use_candidate,
        reason = "whoever does not care whether it won need not look"
    )]
    pub fn cancel(&self) -> bool {
        let here = thread::current().id();
        self.cancelling.lock().push(here);
        let won = self.handle.cancel();
        self.cancelling.lock().retain(|it| *it != here);
        won
    }

    /// Whether the callback has been called, and has returned.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

impl fmt::Debug for CallbackHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackHandle")
            .field("finished", &self.is_finished())
            .finish()
    }
}
