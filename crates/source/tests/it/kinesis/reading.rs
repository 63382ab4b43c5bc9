//! What is put is read, once, in order, from where the last range ended; and read again exactly.

use std::time::Duration;

use arrow_schema::DataType;
use sluice_checkpoint::ShardOffset;
use sluice_source::kinesis::FetchLimits;

use super::server::{Reading, Server, range, rows, shards, texts};

const FROM_START: (&str, &str) = ("initialPosition", "trim_horizon");

#[tokio::test(flavor = "multi_thread")]
async fn records_come_with_their_columns_and_each_once() {
    let server = Server::with_stream("s", 1).await;
    let number = server.put("s", "key", "one").await;
    server.put("s", "key", "").await;
    let mut source = server.open(&[("streamName", "s"), FROM_START]).await;
    let mut reading = Reading::new();
    let got = reading.drain(&mut source).await;
    assert_eq!(texts(&got), ["one", ""]);
    let first = &got[0];
    assert_eq!((first.key.as_str(), first.stream.as_str()), ("key", "s"));
    assert_eq!(
        (&first.number, first.shard.as_str()),
        (&number, "shardId-000000000000")
    );
    let batch = &reading.fetched[0].batches[0];
    assert_eq!(batch.schema(), source.options().columns());
    assert_eq!(batch.schema().field(1).data_type(), &DataType::Binary);
    assert!(reading.drain(&mut source).await.is_empty());
    let next = server.put("s", "key", "two").await;
    assert_eq!(texts(&reading.drain(&mut source).await), ["two"]);
    let at = shards(reading.at.as_ref());
    assert_eq!(at["shardId-000000000000"], ShardOffset::After(next));
    assert_eq!(reading.ranges.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_goes_on_after_the_last_record() {
    let server = Server::with_stream("s", 2).await;
    let mut reading = Reading::new();
    let mut all = vec![];
    for round in 0..5 {
        for key in 0..10 {
            server
                .put("s", &format!("k{key}"), format!("{round}/{key}"))
                .await;
        }
        let mut source = server.open(&[("streamName", "s"), FROM_START]).await;
        all.extend(texts(&reading.drain(&mut source).await));
    }
    all.sort();
    let mut expected: Vec<String> = (0..50).map(|n| format!("{}/{}", n / 10, n % 10)).collect();
    expected.sort();
    assert_eq!(all, expected);
    assert!(reading.fetched.iter().all(|part| part.notes.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_begins_with_what_comes_after_the_first_look_and_remembers_that_time() {
    let server = Server::with_stream("s", 2).await;
    for key in 0..10 {
        server.put("s", &format!("k{key}"), "before").await;
    }
    // Arrival is known to the second.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let mut source = server.open(&[("streamName", "s")]).await;
    let mut reading = Reading::new();
    assert!(reading.drain(&mut source).await.is_empty());
    assert_eq!(
        reading.ranges.len(),
        1,
        "the first range is kept even without rows"
    );
    drop(source);
    for key in 0..10 {
        server.put("s", &format!("k{key}"), format!("{key}")).await;
    }
    let mut source = server.open(&[("streamName", "s")]).await;
    let mut got = texts(&reading.drain(&mut source).await);
    got.sort();
    assert_eq!(got, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_reads_again_as_it_was_however_much_came_since() {
    let server = Server::with_stream("s", 3).await;
    let mut source = server.open(&[("streamName", "s"), FROM_START]).await;
    let mut reading = Reading::new();
    for round in 0..4 {
        for key in 0..20 {
            server
                .put("s", &format!("k{key}"), format!("{round}/{key}"))
                .await;
        }
        reading.drain(&mut source).await;
    }
    let mut other = server.open(&[("streamName", "s")]).await;
    for (range, fetched) in reading.ranges.iter().zip(&reading.fetched) {
        let (batches, notes) = other.replay(range).await.unwrap();
        assert_eq!(rows(&batches), rows(&fetched.batches));
        assert!(notes.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_cut_between_records_and_nothing_is_left_out() {
    let server = Server::with_stream("s", 2).await;
    for key in 0..30 {
        server.put("s", &format!("k{key}"), vec![b'x'; 1000]).await;
    }
    for limits in [
        FetchLimits {
            records: 1,
            ..FetchLimits::default()
        },
        FetchLimits {
            bytes: 1,
            ..FetchLimits::default()
        },
        FetchLimits {
            records: 7,
            ..FetchLimits::default()
        },
    ] {
        let mut source = server
            .open(&[("streamName", "s"), FROM_START, ("maxRecordsPerFetch", "4")])
            .await;
        let mut reading = Reading::new();
        let got = reading.drain_within(&mut source, limits).await;
        let mut keys: Vec<&str> = got.iter().map(|row| row.key.as_str()).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!((got.len(), keys.len()), (30, 30), "{limits:?}");
        // Each shard may pass the limit by one answer.
        let most = reading.fetched.iter().map(|part| part.count).max();
        assert!(
            most.unwrap() <= limits.records.saturating_add(8),
            "{limits:?}: {most:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_streams_are_one_source() {
    let server = Server::with_stream("a", 1).await;
    server.create("b", 2).await;
    server.put("a", "k", "from a").await;
    server.put("b", "k", "from b").await;
    let mut source = server.open(&[("streamName", "a,b"), FROM_START]).await;
    let mut reading = Reading::new();
    let mut got = reading.drain(&mut source).await;
    got.sort();
    let told: Vec<(&str, String)> = got
        .iter()
        .map(|row| (row.stream.as_str(), row.text()))
        .collect();
    assert_eq!(told, [("a", "from a".into()), ("b", "from b".into())]);
    let mut other = server.open(&[("streamName", "b,a")]).await;
    assert_eq!(source.identity(), other.identity());
    assert_eq!(
        rows(&other.replay(&reading.ranges[0]).await.unwrap().0).len(),
        2
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_named_by_its_arn_is_the_same_stream() {
    let server = Server::with_stream("s", 1).await;
    server.put("s", "k", "one").await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let mut source = server.open(&[("streamARN", arn), FROM_START]).await;
    let by_name = server.open(&[("streamName", "s")]).await;
    assert_eq!(source.identity(), by_name.identity());
    assert_eq!(texts(&Reading::new().drain(&mut source).await), ["one"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_records_and_odd_keys_pass_through() {
    let server = Server::with_stream("s", 1).await;
    let long_key = "k".repeat(256);
    server.put("s", &long_key, vec![0xFF; 1 << 20]).await;
    server.put("s", "ключ", vec![0xC3, 0x28]).await;
    let mut source = server.open(&[("streamName", "s"), FROM_START]).await;
    let got = Reading::new().drain(&mut source).await;
    assert_eq!((got[0].key.len(), got[0].data.len()), (256, 1 << 20));
    assert_eq!(
        (got[1].key.as_str(), got[1].data.as_slice()),
        ("ключ", &[0xC3, 0x28][..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn aggregated_records_become_rows_and_damaged_ones_stay_whole() {
    let server = Server::with_stream("s", 1).await;
    // Made with another implementation of the format: keys a and b; "one" under a, "two" under b.
    let body = [
        &[0x0A, 1, b'a', 0x0A, 1, b'b'][..],
        &[0x1A, 7, 0x08, 0, 0x1A, 3],
        b"one",
        &[0x1A, 7, 0x08, 1, 0x1A, 3],
        b"two",
    ]
    .concat();
    let digest = {
        use md5::{Digest as _, Md5};
        Md5::digest(&body)
    };
    let whole = [&[0xF3, 0x89, 0x9A, 0xC2][..], &body, &digest].concat();
    let mut broken = whole.clone();
    broken[6] ^= 1;
    let number = server.put("s", "x", whole.clone()).await;
    server.put("s", "x", broken.clone()).await;
    let mut source = server
        .open(&[("streamName", "s"), FROM_START, ("deaggregate", "true")])
        .await;
    let mut reading = Reading::new();
    // One record of the stream is never cut in two.
    let limits = FetchLimits {
        records: 1,
        ..FetchLimits::default()
    };
    let got = reading.drain_within(&mut source, limits).await;
    let told: Vec<_> = got
        .iter()
        .map(|row| (row.key.as_str(), row.text(), row.place))
        .collect();
    assert_eq!(
        told[..2],
        [("a", "one".into(), Some(0)), ("b", "two".into(), Some(1))]
    );
    assert_eq!((&got[0].number, &got[1].number), (&number, &number));
    assert_eq!((got.len(), &got[2].data), (3, &broken));
    assert_eq!(
        reading.fetched.iter().map(|part| part.count).sum::<u64>(),
        2
    );
    let notes: Vec<&str> = reading
        .fetched
        .iter()
        .flat_map(|part| &part.notes)
        .map(|note| note.condition.name)
        .collect();
    assert_eq!(notes, ["KINESIS_RECORDS_NOT_DEAGGREGATED"]);

    let mut plain = server
        .open(&[("streamName", "s"), FROM_START, ("deaggregate", "false")])
        .await;
    let got = Reading::new().drain(&mut plain).await;
    assert_eq!((got.len(), &got[0].data, got[0].place), (2, &whole, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_was_not_kept_is_made_again() {
    let server = Server::with_stream("s", 1).await;
    server.put("s", "k", "one").await;
    let mut source = server.open(&[("streamName", "s"), FROM_START]).await;
    let limits = FetchLimits::default();
    let first = source.fetch(None, limits).await.unwrap();
    server.put("s", "k", "two").await;
    let again = source.fetch(None, limits).await.unwrap();
    assert_eq!(again.start, first.start);
    assert_eq!(texts(&rows(&again.batches)), ["one", "two"]);
    let range = range(source.identity(), &first);
    assert_eq!(
        texts(&rows(&source.replay(&range).await.unwrap().0)),
        ["one"]
    );
}
