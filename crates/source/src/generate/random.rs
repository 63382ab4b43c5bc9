//! Numbers that look random and are the same for the same seed on every machine: no library's generator, whose
//! numbers may change with its version, and no function of the system, whose last digit may differ. Must not know
//! what the numbers are for.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "the numbers here are invented: rounding them is no loss"
)]

use std::io::Write as _;

/// A sequence of invented numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// A number below `end`; 0 when there is none.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.wrapping_sub(low) as u64;
        let step = match span.checked_add(1) {
            Some(end) => self.below(end),
            None => self.next(),
        };
        low.wrapping_add(step as i64)
    }

    /// From 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        fraction(self.next())
    }

    /// From -1 to below 1.
    pub(crate) fn signed(&mut self) -> f64 {
        self.unit() * 2.0 - 1.0
    }

    /// From `low` to `high`.
    pub(crate) fn real(&mut self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// Nearly normal, mean 0 and deviation 1: the sum of twelve uniform numbers, never beyond 6.
    pub(crate) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// One of these, which must not be none.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

fn mixed(value: u64) -> u64 {
    let mut mixed = value;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A number that belongs to `value` for good, such as the bias of a device.
pub(crate) fn hash(seed: u64, kind: u64, value: u64) -> u64 {
    mixed(seed ^ mixed(kind.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ mixed(value).rotate_left(17))
}

/// From 0 to below 1.
pub(crate) fn fraction(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// `part` of `whole`, from 0 to below 1, as time of day is.
pub(crate) fn phase(part: i64, whole: i64) -> f64 {
    part.rem_euclid(whole) as f64 / whole as f64
}

/// A count as a real number.
pub(crate) fn real(count: u64) -> f64 {
    count as f64
}

/// The nearest whole number.
pub(crate) fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// An index of something that is in memory.
pub(crate) fn index(number: u64) -> usize {
    number as usize
}

/// Writes a number with so many decimals, at most nine; `-0.00` is `0.00`.
pub(crate) fn write_fixed(out: &mut Vec<u8>, value: f64, decimals: usize) {
    let scale = 10_i64.pow(decimals.min(9) as u32);
    let scaled_value = value * scale as f64;
    if scaled_value.abs() >= 9e15 {
        let _ = write!(out, "{value:.decimals$}");
        return;
    }
    let scaled = scaled_value.round() as i64;
    let sign = if scaled < 0 { "-" } else { "" };
    let (whole, part) = (
        scaled.unsigned_abs() / scale as u64,
        scaled.unsigned_abs() % scale as u64,
    );
    let _ = if decimals == 0 {
        write!(out, "{sign}{whole}")
    } else {
        write!(out, "{sign}{whole}.{part:0decimals$}")
    };
}

/// Writes a UUID of version 4 made of two numbers.
pub(crate) fn write_uuid(out: &mut Vec<u8>, high: u64, low: u64) {
    let (high, low) = (
        (high & !0xf000) | 0x4000,
        (low & !(0b11 << 62)) | (0b10 << 62),
    );
    let _ = write!(
        out,
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_within_their_bounds_and_reach_them() {
        let mut random = Random::new(1);
        let drawn: Vec<i64> = (0..1_000).map(|_| random.between(-2, 3)).collect();
        assert_eq!(
            (drawn.iter().min(), drawn.iter().max()),
            (Some(&-2), Some(&3))
        );
        assert!((0..1_000).all(|_| random.normal().abs() <= 6.0));
        assert!((0..1_000).all(|_| (-1.0..1.0).contains(&random.signed())));
        let _ = random.between(i64::MIN, i64::MAX);
    }

    #[test]
    fn decimals_are_rounded() {
        for (value, decimals, text) in [
            (1.005, 1, "1.0"),
            (-0.001, 2, "0.00"),
            (-1.5, 2, "-1.50"),
            (20.0, 0, "20"),
            (0.07, 2, "0.07"),
        ] {
            let mut out = vec![];
            write_fixed(&mut out, value, decimals);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }

    #[test]
    fn identifiers_are_of_version_4() {
        let mut out = vec![];
        write_uuid(&mut out, u64::MAX, u64::MAX);
        assert_eq!(out, b"ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
