//! `approx_count_distinct`: exact while few, a HyperLogLog of 2^14 registers beyond.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

/// Hashes kept one by one; more go into registers.
const EXACT_MAX: usize = 10_000;
/// Bits of a hash that choose the register.
const BITS: u32 = 14;
const REGISTERS: usize = 1 << BITS;

/// The different values seen, by their hashes.
#[derive(Debug, Default)]
pub(super) struct Distinct {
    hashes: HashSet<u64>,
    registers: Option<Vec<u8>>,
}

impl Distinct {
    fn add(&mut self, hash: u64) {
        if let Some(registers) = &mut self.registers {
            note(registers, hash);
            return;
        }
        self.hashes.insert(hash);
        if self.hashes.len() > EXACT_MAX {
            let mut registers = vec![0; REGISTERS];
            self.hashes
                .drain()
                .for_each(|hash| note(&mut registers, hash));
            self.registers = Some(registers);
        }
    }

    fn count(&self) -> i64 {
        let found = self
            .registers
            .as_ref()
            .map_or(self.hashes.len(), |registers| estimate(registers));
        i64::try_from(found).unwrap_or(i64::MAX)
    }
}

/// Notes a hash: its register keeps the longest run of zeros.
fn note(registers: &mut [u8], hash: u64) {
    let at = usize::try_from(hash >> (64 - BITS)).unwrap_or(0);
    let run = u8::try_from((hash << BITS | 1 << (BITS - 1)).leading_zeros() + 1).unwrap_or(u8::MAX);
    if let Some(register) = registers.get_mut(at) {
        *register = (*register).max(run);
    }
}

/// The estimate of Flajolet and others, counting empty registers while there are many.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::naive_bytecount,
    reason = "an estimate over a few thousand registers"
)]
fn estimate(registers: &[u8]) -> usize {
    let m = REGISTERS as f64;
    let sum: f64 = registers.iter().map(|run| (-f64::from(*run)).exp2()).sum();
    let empty = registers.iter().filter(|run| **run == 0).count();
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    let found = if raw <= 2.5 * m && empty > 0 {
        m * (m / empty as f64).ln()
    } else {
        raw
    };
    found.round() as usize
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let Some(values) = values.first() else {
            return Ok(());
        };
        let rows = RowConverter::new(vec![SortField::new(values.data_type().clone())])?
            .convert_columns(std::slice::from_ref(values))?;
        for (row, bytes) in rows.iter().enumerate() {
            if values.is_valid(row) && !values.data_type().is_null() {
                let mut hasher = DefaultHasher::new();
                bytes.as_ref().hash(&mut hasher);
                self.add(hasher.finish());
            }
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.count())))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.hashes.capacity() * 9 + self.registers.as_ref().map_or(0, Vec::len)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let bytes = match &self.registers {
            Some(registers) => registers.clone(),
            None => self
                .hashes
                .iter()
                .flat_map(|hash| hash.to_le_bytes())
                .chain([0])
                .collect(),
        };
        Ok(vec![ScalarValue::Binary(Some(bytes))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(states) = states.first() else {
            return Ok(());
        };
        for bytes in states.as_binary::<i32>().iter().flatten() {
            if bytes.len() == REGISTERS {
                let mut joined = self.registers.take().unwrap_or_else(|| vec![0; REGISTERS]);
                self.hashes.drain().for_each(|hash| note(&mut joined, hash));
                joined
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(ours, theirs)| *ours = (*ours).max(*theirs));
                self.registers = Some(joined);
                continue;
            }
            // One byte more than whole hashes tells this form from registers.
            for hash in bytes.chunks_exact(8) {
                self.add(
                    hash.iter()
                        .rev()
                        .fold(0, |all, byte| all << 8 | u64::from(*byte)),
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_exact_and_many_are_close_also_in_parts() {
        let hash = |n: u64| {
            let mut hasher = DefaultHasher::new();
            n.hash(&mut hasher);
            hasher.finish()
        };
        let (mut few, mut many) = (Distinct::default(), Distinct::default());
        (0..9_000).chain(0..9_000).for_each(|n| few.add(hash(n)));
        assert_eq!(few.count(), 9_000);
        (5_000..200_000).for_each(|n| many.add(hash(n)));
        let states = few.state().unwrap();
        let array = states[0].to_array_of_size(1).unwrap();
        many.merge_batch(&[array]).unwrap();
        assert!((many.count() - 200_000).abs() < 6_000, "{}", many.count());
    }
}
