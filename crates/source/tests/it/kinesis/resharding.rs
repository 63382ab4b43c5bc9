//! Splits and merges: parents before children, order kept, nothing lost and nothing twice.

use std::collections::BTreeMap;

use sluice_checkpoint::ShardOffset;
use sluice_source::kinesis::{FetchLimits, KinesisSource};

use super::server::{Reading, Row, Server, rows, shards, texts};

#[tokio::test(flavor = "multi_thread")]
async fn children_are_read_in_the_range_after_their_parents_end() {
    let server = Server::with_stream("s", 1).await;
    server.put("s", "k", "1").await;
    server.split("s", 0).await;
    server.put("s", "k", "2").await;
    let mut source = server
        .open(&[("streamName", "s"), ("initialPosition", "trim_horizon")])
        .await;
    let mut reading = Reading::new();
    assert_eq!(texts(&reading.drain(&mut source).await), ["1", "2"]);
    let parts: Vec<Vec<String>> = reading
        .fetched
        .iter()
        .map(|part| texts(&rows(&part.batches)))
        .collect();
    assert_eq!(parts, [["1"], ["2"]]);
    let at = shards(reading.at.as_ref());
    assert_eq!(at["shardId-000000000000"], ShardOffset::ShardEnd);
    assert_eq!(at.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_reads_children_that_appear_later_from_their_beginning() {
    let server = Server::with_stream("s", 1).await;
    let mut source = server.open(&[("streamName", "s")]).await;
    let mut reading = Reading::new();
    reading.drain(&mut source).await;
    drop(source);
    // Produced between the split and anybody's looking.
    server.split("s", 0).await;
    for number in 0..10 {
        server
            .put("s", &format!("k{number}"), format!("{number}"))
            .await;
    }
    let mut source = server.open(&[("streamName", "s")]).await;
    let mut got = texts(&reading.drain(&mut source).await);
    got.sort();
    assert_eq!(got, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

/// A small random number generator of the tests.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % sides).unwrap()
    }
}

/// Checks that each key's counter rises by one from row to row.
#[derive(Default)]
struct Checker {
    last: BTreeMap<String, u64>,
}

impl Checker {
    fn see(&mut self, rows: &[Row], what: &str) {
        for row in rows {
            let counter: u64 = row.text().parse().unwrap();
            let last = self.last.entry(row.key.clone()).or_default();
            assert_eq!(
                counter,
                *last + 1,
                "{what}: key {} in {}",
                row.key,
                row.shard
            );
            *last = counter;
        }
    }
}

/// Produces, reshards, fetches and restarts at random; then everything must have been read in order.
pub(super) async fn storm(
    seed: u64,
    position: &str,
    server: &Server,
    reach: impl AsyncFn() -> KinesisSource,
) {
    let mut dice = Dice(seed);
    let mut counters: BTreeMap<String, u64> = BTreeMap::new();
    let mut checker = Checker::default();
    let mut reading = Reading::new();
    let mut source = reach().await;
    let what = format!("seed {seed}, {position}");
    // The first look, so that `latest` begins before anything is put.
    reading.step(&mut source, FetchLimits::default()).await;
    let mut seen = 0;
    for _ in 0..40 {
        match dice.below(6) {
            0..=2 => {
                for _ in 0..dice.below(8) {
                    let key = format!("k{}", dice.below(12));
                    let counter = counters.entry(key.clone()).or_default();
                    *counter += 1;
                    server.put("s", &key, counter.to_string()).await;
                }
            }
            3 => {
                let open = server.open_shards("s").await.len();
                if open > 1 && dice.below(2) == 0 || open > 6 {
                    server.merge("s", dice.below(16)).await;
                } else {
                    server.split("s", dice.below(16)).await;
                }
            }
            4 => {
                let records = 1 + dice.below(20) as u64;
                let limits = FetchLimits {
                    records,
                    ..FetchLimits::default()
                };
                reading.step(&mut source, limits).await;
            }
            _ => source = reach().await,
        }
        for part in &reading.fetched[seen..] {
            checker.see(&rows(&part.batches), &what);
        }
        seen = reading.fetched.len();
    }
    checker.see(&reading.drain(&mut source).await, &what);
    assert_eq!(checker.last, counters, "{what}");
    // Each range is what it was, also in another process.
    let mut source = reach().await;
    for (range, fetched) in reading.ranges.iter().zip(&reading.fetched) {
        let (batches, _) = source.replay(range).await.unwrap();
        assert_eq!(rows(&batches), rows(&fetched.batches), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn storms_of_splits_and_merges_lose_nothing_and_keep_the_order() {
    for seed in 0..12 {
        let position = ["trim_horizon", "latest"][usize::try_from(seed % 2).unwrap()];
        let server = Server::with_stream("s", 1 + i32::try_from(seed % 3).unwrap()).await;
        let arguments = [("streamName", "s"), ("initialPosition", position)];
        storm(seed, position, &server, async || {
            server.open(&arguments).await
        })
        .await;
    }
}
