//! Values that never leave the loop's thread.
//!
//! # Invariants
//! - A value is reached through an [`OnLoop`] only, which is on no other thread. It is dropped on the loop's
//!   thread, wherever the last key to it is.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;

use super::futures::internal;
use super::inbox::Inbox;
use super::on_loop::OnLoop;
use crate::primitives::Arc;

/// A key to a value that stays on its loop's thread. The key may go anywhere; [`Confined::open`] needs the
/// proof of being on the loop.
///
/// The value may be `!Send`. When the last clone of the key has been dropped, on whatever thread, the value is
/// dropped on the loop's; at the latest, with the loop.
///
/// ```
/// use std::cell::RefCell;
/// use brigade::EventLoop;
///
/// # brigade::primitives::example(|| {
/// let event_loop = EventLoop::new();
/// let lines = event_loop.here().confine(RefCell::new(Vec::new())); // no `Mutex`, and no `Arc`
/// let handle = event_loop.handle();
/// let worker = std::thread::spawn({
///     let lines = lines.clone();
///     move || {
///         handle.call_from_thread(move |on| lines.open(on).unwrap().borrow_mut().push("hello")).unwrap();
///         handle.quit().unwrap();
///     }
/// });
/// event_loop.run().unwrap();
/// worker.join().unwrap();
/// assert_eq!(*lines.open(event_loop.here()).unwrap().borrow(), ["hello"]);
/// # });
/// ```
///
/// Elsewhere there is no way to open it, and what it gives cannot leave:
///
/// ```compile_fail
/// # use std::cell::RefCell;
/// # let event_loop = brigade::EventLoop::new();
/// let lines = event_loop.here().confine(RefCell::new(vec![1]));
/// let here = event_loop.here();
/// std::thread::spawn(move || lines.open(here)); // `OnLoop` cannot be shared between threads safely
/// ```
pub struct Confined<T> {
    key: Arc<Key>,
    value: PhantomData<fn() -> T>,
}

struct Key {
    inbox: Arc<Inbox>,
    number: usize,
}

impl Drop for Key {
    fn drop(&mut self) {
        let number = self.number;
        let release = internal(move |on| drop(on.release(number)));
        // An `Err` says that the loop has ended, which has dropped the value, or is about to.
        let _ = self.inbox.push(release);
    }
}

/// Why a confined value was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// It is another loop's.
    OtherLoop,
    /// Its loop is no more, and neither is it.
    Gone,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherLoop => "the value is confined to another event loop",
            Self::Gone => "the value was dropped with its event loop",
        })
    }
}

impl Error for OpenError {}

impl OnLoop {
    /// Keeps a value on this loop's thread, and gives a key to it that can go anywhere.
    pub fn confine<T: 'static>(&self, value: T) -> Confined<T> {
        let number = self.number();
        let value: Rc<dyn Any> = Rc::new(value);
        self.0.values.borrow_mut().insert(number, value);
        let key = Key {
            inbox: Arc::clone(self.inbox()),
            number,
        };
        Confined {
            key: Arc::new(key),
            value: PhantomData,
        }
    }

    fn release(&self, number: usize) -> Option<Rc<dyn Any>> {
        self.0.values.borrow_mut().remove(&number)
    }
}

impl<T: 'static> Confined<T> {
    /// The value.
    ///
    /// # Errors
    /// [`OpenError`]: it is another loop's, or is no more.
    pub fn open(&self, on: &OnLoop) -> Result<Rc<T>, OpenError> {
        if !Arc::ptr_eq(&self.key.inbox, on.inbox()) {
            return Err(OpenError::OtherLoop);
        }
        let value = on.0.values.borrow().get(&self.key.number).cloned();
        let value = value.and_then(|value| value.downcast().ok());
        value.ok_or(OpenError::Gone)
    }
}

impl<T> Clone for Confined<T> {
    fn clone(&self) -> Self {
        Self {
            key: Arc::clone(&self.key),
            value: PhantomData,
        }
    }
}

impl<T> fmt::Debug for Confined<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confined").finish_non_exhaustive()
    }
}
