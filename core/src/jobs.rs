//! Jobs that wait, in order, each in no more room than it needs.
//!
//! Plain sequential data: whoever owns it excludes all others.
//!
//! # State
//! Blocks of [`BLOCK_BYTES`], each linked to the next, hold records one after the other. A record is
//! what [`Job::store`] makes of a job: its table and its captures.
//!
//! | | points to |
//! |---|---|
//! | `first`, `last` | the blocks that the oldest and the newest record stand in; the same when empty |
//! | `head` | the oldest record, or what is `head_end` of a drained block |
//! | `tail` | the room after the newest record |
//! | `head_end`, `tail_end` | where, in `first` and in `last`, no record starts any more |
//! | `spare` | blocks that hold nothing, at most [`KEEP`] of them |
//!
//! All are null until the first push.
//!
//! # Invariants
//! - W1: what was pushed is popped once, or dropped once with the queue.
//! - T4: first in, first out.
//! - W8: a drop that panics loses no other job.
//! - A record starts below its block's end only, from where the largest fits into the block. So each
//!   copy is one of fixed size, whatever the record's; what it copies besides is what nobody reads.
//! - A block is left behind, by `tail` and later by `head`, exactly when they are at or above its end:
//!   nothing marks where its records stop.
//! - A block that holds no record is a spare, or is left by the next pop or used by the next push:
//!   so a backlog's memory is given back as it drains, but for the spares.
//!
//! Why not a `VecDeque<Job>`: its room is that of the largest job for each, stays as large as it ever
//! was, and is copied, and doubled, when it grows.

use std::mem::{ManuallyDrop, MaybeUninit, offset_of, size_of};
use std::ptr::null_mut;

use crate::contain::quietly;
use crate::task::{Job, Slot};

/// A page: small beside a thread's stack, and one allocation for 73 jobs at least.
const BLOCK_BYTES: usize = 4096;

/// How many blocks are kept for the next burst: 128 KiB, the room of 1,800 jobs at least.
const KEEP: usize = 32;

const BLOCK_WORDS: usize = (BLOCK_BYTES - size_of::<*mut Block>()) / size_of::<usize>();

/// Below which word of a block a record may start.
const END: usize = BLOCK_WORDS - Job::RECORD_WORDS + 1;

type Word = MaybeUninit<usize>;

struct Block {
    /// The block after this one, once there is one.
    next: *mut Block,
    words: [Word; BLOCK_WORDS],
}

/// A queue of jobs. See the top of this file.
#[repr(C)]
pub(crate) struct Jobs {
    len: usize,
    tail: *mut Word,
    head: *mut Word,
    tail_end: *mut Word,
    head_end: *mut Word,
    first: *mut Block,
    last: *mut Block,
    spare: *mut Block,
    spares: usize,
}

// SAFETY: it owns its blocks, and the jobs in them, which may be sent.
unsafe impl Send for Jobs {}

const _: fn() = || {
    fn sent<T: Send>() {}
    sent::<Job>();
};

impl Jobs {
    /// An empty queue, which allocates nothing before the first push.
    pub(crate) const fn new() -> Self {
        Self {
            head: null_mut(),
            head_end: null_mut(),
            tail: null_mut(),
            tail_end: null_mut(),
            len: 0,
            first: null_mut(),
            last: null_mut(),
            spare: null_mut(),
            spares: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a job behind all others.
    #[inline]
    pub(crate) fn push(&mut self, job: Job) {
        // Else it would be copied first, for a panic of `append` to drop it: and there is none.
        let job = ManuallyDrop::new(job);
        if self.tail >= self.tail_end {
            self.append();
        }
        // SAFETY: `tail` is below the end of its block, so the largest record fits there, and no record
        // is at or after it.
        let words = unsafe { ManuallyDrop::into_inner(job).store(self.tail) };
        self.tail = self.tail.wrapping_add(words);
        self.len += 1;
    }

    /// Takes the oldest job.
    pub(crate) fn pop(&mut self) -> Option<Job> {
        let mut slot = Slot::empty();
        self.pop_into(&mut slot);
        slot.take()
    }

    /// Moves the oldest job into the slot, if there is one.
    #[inline]
    pub(crate) fn pop_into(&mut self, slot: &mut Slot) -> bool {
        if self.len == 0 {
            return false;
        }
        if self.head >= self.head_end {
            self.advance();
        }
        // SAFETY: a record is left, so one starts at `head`, which is below the end of its block: the
        // words of the largest are there to be read. It is loaded once: `head` moves on.
        let words = unsafe { slot.load(self.head) };
        self.head = self.head.wrapping_add(words);
        self.len -= 1;
        if self.len == 0 {
            self.rewind();
        }
        true
    }

    /// Drops the jobs of which nothing is left to be done, up to the first other; says how many.
    pub(crate) fn drop_void(&mut self) -> usize {
        let before = self.len;
        while self.len > 0 {
            if self.head >= self.head_end {
                self.advance();
            }
            // SAFETY: a record is left, so one starts at `head`.
            if !unsafe { Job::is_void(self.head) } {
                break;
            }
            drop(self.pop());
        }
        before - self.len
    }

    /// Starts again at the start of the block, which is warm, and the only one: the newest record was
    /// in `last`, and it was the oldest.
    #[inline]
    fn rewind(&mut self) {
        self.head = start(self.first);
        self.tail = self.head;
    }

    /// Goes on to write in another block.
    #[cold]
    #[inline(never)]
    fn append(&mut self) {
        let mut block = self.spare;
        if block.is_null() {
            block = Box::into_raw(Box::<Block>::new_uninit()).cast();
        } else {
            // SAFETY: a spare is a block of this queue, linked to the next spare or to null.
            self.spare = unsafe { (*block).next };
            self.spares -= 1;
        }
        // SAFETY: the block is this queue's, and not in use.
        unsafe { (*block).next = null_mut() };
        self.tail = start(block);
        self.tail_end = end(block);
        if self.last.is_null() {
            self.first = block;
            (self.head, self.head_end) = (self.tail, self.tail_end);
        } else {
            // SAFETY: `last` is a block of this queue.
            unsafe { (*self.last).next = block };
        }
        self.last = block;
    }

    /// Goes on to read in the next block: the caller knows of a record, and it is not in `first`.
    #[cold]
    #[inline(never)]
    fn advance(&mut self) {
        let drained = self.first;
        // SAFETY: `first` is a block of this queue, and not `last`, which holds a record.
        self.first = unsafe { (*drained).next };
        self.head = start(self.first);
        self.head_end = end(self.first);
        if self.spares == KEEP {
            free(drained);
            return;
        }
        // SAFETY: `drained` is a block of this queue, and holds nothing.
        unsafe { (*drained).next = self.spare };
        self.spare = drained;
        self.spares += 1;
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        while let Some(job) = self.pop() {
            quietly(|| drop(job));
        }
        // Empty, it has at most one block, and spares.
        free(self.first);
        while !self.spare.is_null() {
            let block = self.spare;
            // SAFETY: as in `append`.
            self.spare = unsafe { (*block).next };
            free(block);
        }
    }
}

fn start(block: *mut Block) -> *mut Word {
    block.wrapping_byte_add(offset_of!(Block, words)).cast()
}

fn end(block: *mut Block) -> *mut Word {
    start(block).wrapping_add(END)
}

/// Gives a block back, unless it is null.
fn free(block: *mut Block) {
    if !block.is_null() {
        // SAFETY: it came from such a box, in `append`, and the caller forgets it.
        drop(unsafe { Box::from_raw(block.cast::<MaybeUninit<Block>>()) });
    }
}

#[cfg(test)]
#[cfg(not(any(feature = "loom", feature = "shuttle")))]
mod tests;
