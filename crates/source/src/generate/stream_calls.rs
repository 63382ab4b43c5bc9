//! How records become calls of a stream, and what is left to do after a call: within the service's limits, and so that
//! a record is never overtaken by a later one of the same partition key that was not in its call. Must not call anything.

use std::collections::VecDeque;

/// Records of one call at most.
const CALL_RECORDS_MAX: usize = 500;
/// Bytes of one call at most, partition keys included.
const CALL_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Records for which a lane of calls of its own pays.
const LANE_RECORDS: usize = 2 * CALL_RECORDS_MAX;
/// Calls at the same time at most.
const LANES_MAX: usize = 8;

/// A record on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    /// Its partition key.
    pub(super) key: String,
    /// Its bytes.
    pub(super) data: Vec<u8>,
}

impl Outgoing {
    fn size(&self) -> usize {
        self.key.len() + self.data.len()
    }
}

/// Records that go one call after the other.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: VecDeque<Outgoing>,
}

impl Lane {
    /// Takes the records of the next call; none when all is done.
    pub(super) fn next_call(&mut self) -> Vec<Outgoing> {
        let mut bytes = 0;
        let fits = self.waiting.iter().take(CALL_RECORDS_MAX);
        let count = fits
            .take_while(|record| {
                bytes += record.size();
                bytes <= CALL_BYTES_MAX
            })
            .count();
        // One that is too large for any call is refused by the service, in its words.
        let count = count.max(usize::from(!self.waiting.is_empty()));
        self.waiting.drain(..count).collect()
    }

    /// Puts back those of a call that were not taken, in front and in their order.
    pub(super) fn put_back(&mut self, refused: Vec<Outgoing>) {
        for record in refused.into_iter().rev() {
            self.waiting.push_front(record);
        }
    }
}

/// Deals records out to lanes, those of one partition key to the same one.
pub(super) fn lanes(records: Vec<Outgoing>) -> Vec<Lane> {
    let count = (records.len() / LANE_RECORDS).clamp(1, LANES_MAX);
    let mut lanes: Vec<Lane> = (0..count).map(|_| Lane::default()).collect();
    for record in records {
        let lane = lane_of(&record.key, count);
        if let Some(lane) = lanes.get_mut(lane) {
            lane.waiting.push_back(record);
        }
    }
    lanes
}

/// FNV-1a.
fn lane_of(key: &str, count: usize) -> usize {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    usize::try_from(hash % count.max(1) as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(key: &str, bytes: usize) -> Outgoing {
        Outgoing {
            key: key.into(),
            data: vec![b'x'; bytes],
        }
    }

    #[test]
    fn calls_keep_within_the_limits() {
        let mut lane = Lane::default();
        lane.put_back((0..1_201).map(|_| record("k", 10)).collect());
        let counts: Vec<usize> = std::iter::from_fn(|| Some(lane.next_call().len()))
            .take_while(|count| *count > 0)
            .collect();
        assert_eq!(counts, [500, 500, 201]);
        lane.put_back((0..11).map(|_| record("k", 1024 * 1024 - 1)).collect());
        let counts: Vec<usize> = std::iter::from_fn(|| Some(lane.next_call().len()))
            .take_while(|count| *count > 0)
            .collect();
        assert_eq!(counts, [5, 5, 1]);
        lane.put_back(vec![record("k", CALL_BYTES_MAX + 1), record("k", 1)]);
        assert_eq!(lane.next_call().len(), 1, "alone, and never not at all");
    }

    #[test]
    fn what_was_refused_goes_before_what_waits() {
        let mut lane = lanes((0..3).map(|i| record(&i.to_string(), 1)).collect())
            .pop()
            .unwrap();
        let mut call = lane.next_call();
        assert_eq!(call.len(), 3);
        lane.put_back(vec![record("later", 1)]);
        call.remove(1);
        lane.put_back(call);
        let keys: Vec<String> = lane.next_call().into_iter().map(|r| r.key).collect();
        assert_eq!(keys, ["0", "2", "later"]);
    }

    #[test]
    fn a_key_has_one_lane_and_keeps_its_order() {
        let records = (0..20_000_usize).map(|number| Outgoing {
            key: (number % 7).to_string(),
            data: number.to_be_bytes().to_vec(),
        });
        let lanes = lanes(records.collect());
        assert_eq!(lanes.len(), LANES_MAX);
        for key in 0..7 {
            let key = key.to_string();
            let holding: Vec<&Lane> = lanes
                .iter()
                .filter(|lane| lane.waiting.iter().any(|record| record.key == key))
                .collect();
            assert_eq!(holding.len(), 1, "{key}");
            let data = holding[0].waiting.iter().filter(|record| record.key == key);
            assert!(data.map(|record| &record.data).is_sorted());
        }
    }
}
