//! What is done around a task, where an observer, a context or a stall report wants it.
//!
//! A user's closure is wrapped into another before it becomes a task, so nothing below knows of it, and a
//! pool that has none of these pays for none.
//!
//! # Invariants
//! W8: a panic of an observer or a context is told, and keeps no task from being run.

use std::panic::{Location, resume_unwind};
use std::time::{Duration, Instant};

use super::context::{Carrier, Context};
use super::observe::{Observer, TaskId};
use super::stall::Stall;
use crate::contain::{PanicHandler, Payload, contain, reporting};
use crate::primitives::{Arc, Mutex};
use crate::task::Task;

/// The panic of a task whose context did not run it.
const DROPPED: &str = "the context dropped the task it was to run";

pub(super) struct Around {
    observer: Option<Arc<dyn Observer>>,
    context: Option<Arc<Context>>,
    stall: Option<Arc<Stall>>,
    on_panic: PanicHandler,
    /// How many tasks were submitted.
    tasks: Mutex<u64>,
}

impl Around {
    /// `None` if nobody wants anything.
    pub(super) fn new(
        observer: Option<Arc<dyn Observer>>,
        context: Option<Arc<Context>>,
        stall: Option<Arc<Stall>>,
        on_panic: PanicHandler,
    ) -> Option<Arc<Self>> {
        let wanted = observer.is_some() || context.is_some() || stall.is_some();
        wanted.then(|| {
            Arc::new(Self {
                observer,
                context,
                stall,
                on_panic,
                tasks: Mutex::new(0),
            })
        })
    }

    /// The task, with what is done around it.
    pub(super) fn wrap<T: Send + 'static>(
        self: &Arc<Self>,
        submitted: &'static Location<'static>,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> impl FnOnce() -> T + Send + 'static {
        let id = {
            let mut tasks = self.tasks.lock();
            *tasks += 1;
            TaskId(*tasks)
        };
        let watched = Watched {
            around: Arc::clone(self),
            id,
            ended: false,
        };
        watched.tell(|observer| observer.submitted(id));
        let capture = |context: &Arc<Context>| match contain(|| context()) {
            Ok(carrier) => Some(carrier),
            Err(payload) => {
                watched.panicked(payload);
                None
            }
        };
        let carrier = self.context.as_ref().and_then(capture);
        let queued = Instant::now();
        move || watched.run(submitted, queued.elapsed(), carrier, task)
    }
}

/// A task on its way, to those who want to know of it.
struct Watched {
    around: Arc<Around>,
    id: TaskId,
    ended: bool,
}

impl Watched {
    fn run<T: Send + 'static>(
        mut self,
        submitted: &'static Location<'static>,
        queued: Duration,
        carrier: Option<Carrier>,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        self.ended = true;
        let id = self.id;
        self.tell(|observer| observer.started(id, queued));
        if let Some(stall) = &self.around.stall {
            stall.began(id, submitted);
        }
        let start = Instant::now();
        let result = match carrier {
            None => contain(task),
            Some(carrier) => self.carry(carrier, task),
        };
        let (ran, panicked) = (start.elapsed(), result.is_err());
        if let Some(stall) = &self.around.stall {
            stall.ended(id);
        }
        self.tell(|observer| observer.ended(id, ran, panicked));
        result.unwrap_or_else(|payload| resume_unwind(payload))
    }

    /// Has the carrier run the task.
    fn carry<T: Send + 'static>(
        &self,
        carrier: Carrier,
        task: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Payload> {
        // Kept here, so that it can be run if the carrier panics before.
        let task = Arc::new(Mutex::new(Some(task)));
        let result = Arc::new(Mutex::new(None));
        let (carries, ends) = (Arc::clone(&task), Arc::clone(&result));
        let carried = Task::new(move || {
            let task = carries.lock().take();
            if let Some(task) = task {
                let end = contain(task);
                *ends.lock() = Some(end);
            }
        });
        let panicked = contain(|| carrier(carried)).err();
        let (task, result) = (task.lock().take(), result.lock().take());
        match (result, task, panicked) {
            (Some(result), _, None) => result,
            (Some(result), _, Some(payload)) => {
                self.panicked(payload);
                result
            }
            (None, Some(task), Some(payload)) => {
                self.panicked(payload);
                contain(task)
            }
            // It runs elsewhere, or was dropped there.
            (None, None, Some(payload)) => Err(payload),
            (None, task, None) => {
                let dropped = contain(|| drop(task));
                Err(dropped.err().unwrap_or_else(|| Box::new(DROPPED)))
            }
        }
    }

    fn tell(&self, tell: impl FnOnce(&dyn Observer)) {
        if let Some(observer) = &self.around.observer {
            reporting(&self.around.on_panic, || tell(&**observer));
        }
    }

    fn panicked(&self, payload: Payload) {
        reporting(&self.around.on_panic, || resume_unwind(payload));
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.ended {
            self.tell(|observer| observer.dropped(self.id));
        }
    }
}
