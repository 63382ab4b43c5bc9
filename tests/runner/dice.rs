//! Numbers drawn from a seed, for tests that tell which seed failed. Must not know what they decide.

use std::sync::atomic::{AtomicU64, Ordering};

/// A die with a seed (`SplitMix64`): the same seed, the same numbers.
#[derive(Debug)]
pub(crate) struct Dice(AtomicU64);

impl Dice {
    /// One with a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// The next number.
    pub(crate) fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut mixed = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a number.
    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// True so many times of a hundred.
    pub(crate) fn percent(&self, percent: f64) -> bool {
        let share = f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        share * 100.0 < percent
    }
}
