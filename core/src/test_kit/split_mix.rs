//! `SplitMix64`: Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*, OOPSLA 2014;
//! the constants are those of its Java reference and of Vigna's C version. Small, and good enough to
//! choose among a few steps.

pub(super) struct SplitMix64(u64);

impl SplitMix64 {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`, which is not 0. The bias of the remainder is below one in 2^50 for our bounds.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        // Less than `bound`, so it fits.
        (self.next() % bound as u64) as usize
    }
}
