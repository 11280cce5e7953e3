//! How many workers there shall be, where the owner gives numbers and not a limit to be asked for.
//!
//! Plain data; only the ledger touches it.
//!
//! | | least | most |
//! |---|---|---|
//! | not begun | 0 | 0 |
//! | begun | `least` | `most`, and one for each worker that is inside `blocking`, up to `cap` of these |

#[derive(Clone, Copy)]
#[cfg_attr(test, derive(Debug, PartialEq, Eq, Hash))]
pub(crate) struct Sizes {
    /// What the table says for most: asked for at each submit, and seldom changed.
    limit: usize,
    begun: bool,
    least: usize,
    most: usize,
    cap: usize,
    blocking: usize,
}

impl Sizes {
    /// No sizes: whoever makes a worker knows how many there may be.
    pub(crate) const NONE: Self = Self {
        limit: usize::MAX,
        begun: true,
        least: 0,
        most: usize::MAX,
        cap: 0,
        blocking: 0,
    };

    /// These, once it begins.
    pub(crate) const fn new(least: usize, most: usize, cap: usize) -> Self {
        Self {
            limit: 0,
            begun: false,
            least,
            most,
            cap,
            blocking: 0,
        }
    }

    pub(crate) fn least(&self) -> usize {
        if self.begun { self.least } else { 0 }
    }

    #[inline]
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    fn changed(&mut self) {
        if self.begun {
            self.limit = self.most.saturating_add(self.blocking.min(self.cap));
        }
    }

    /// The least, the most, and the cap.
    pub(crate) fn numbers(&self) -> [usize; 3] {
        [self.least, self.most, self.cap]
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun
    }

    /// Workers that are inside `blocking`.
    pub(crate) fn blocking(&self) -> usize {
        self.blocking
    }

    pub(super) fn begin(&mut self) {
        self.begun = true;
        self.changed();
    }

    pub(super) fn set(&mut self, least: usize, most: usize) {
        (self.least, self.most) = (least, most);
        self.changed();
    }

    pub(super) fn enter(&mut self) {
        self.blocking += 1;
        self.changed();
    }

    pub(super) fn exit(&mut self) {
        self.blocking -= 1;
        self.changed();
    }
}
