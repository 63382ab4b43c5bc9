//! A digest over records that does not depend on their order. Must not change: plans hold its values.

/// Digest and number of a set of records, by shard and sequence number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Digest {
    xor: u64,
    /// How many records.
    pub(super) count: u64,
}

/// The part of the digest that all records of a shard share.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShardSeed(u64);

impl ShardSeed {
    pub(super) fn new(stream_arn: &str, shard: &str) -> Self {
        let seed = fold(OFFSET, stream_arn.as_bytes());
        Self(fold(fold(seed, b"/"), shard.as_bytes()))
    }
}

impl Digest {
    pub(super) fn add(&mut self, seed: ShardSeed, sequence_number: &str) {
        self.xor ^= mix(fold(fold(seed.0, b"/"), sequence_number.as_bytes()));
        self.count += 1;
    }

    pub(super) fn join(&mut self, other: Self) {
        self.xor ^= other.xor;
        self.count += other.count;
    }

    /// The text that plans hold.
    pub(super) fn to_hex(self) -> String {
        format!("{:016x}", self.xor)
    }
}

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a.
fn fold(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(PRIME)
    })
}

/// Spreads each bit over all: sequence numbers differ in their last digits only, and the xor must not undo that.
fn mix(mut hash: u64) -> u64 {
    hash ^= hash >> 30;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^= hash >> 27;
    hash = hash.wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: &[(&str, &str)]) -> Digest {
        let mut digest = Digest::default();
        for (shard, number) in records {
            digest.add(ShardSeed::new("arn", shard), number);
        }
        digest
    }

    #[test]
    fn the_order_does_not_matter_and_every_record_does() {
        let all = of(&[("0", "1"), ("0", "2"), ("1", "1")]);
        assert_eq!(all, of(&[("1", "1"), ("0", "2"), ("0", "1")]));
        assert_ne!(all, of(&[("0", "1"), ("0", "2"), ("1", "2")]));
        assert_ne!(all.to_hex(), of(&[("0", "1"), ("0", "2")]).to_hex());
        let mut joined = of(&[("0", "1")]);
        joined.join(of(&[("0", "2"), ("1", "1")]));
        assert_eq!(joined, all);
    }

    #[test]
    fn values_in_plans_stay_what_they_are() {
        assert_eq!(Digest::default().to_hex(), "0000000000000000");
        assert_eq!(of(&[("0", "1")]).to_hex(), "4d2500042c3e120e");
    }
}
