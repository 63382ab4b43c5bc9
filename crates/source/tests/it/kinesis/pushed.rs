//! Enhanced fan-out: a registered consumer, records pushed to it, sessions that end, and the same records as by asking.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ferrokinesis::store::StoreOptions;
use sluice_source::kinesis::FetchLimits;

use super::proxy::{Choose, Fault, start};
use super::resharding::storm;
use super::server::{Reading, Server, open_at, rows, texts};

const PUSHED: [(&str, &str); 3] = [
    ("streamName", "s"),
    ("initialPosition", "trim_horizon"),
    ("consumerMode", "efo"),
];

async fn consumers(server: &Server) -> Vec<String> {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let request = server.client.list_stream_consumers().stream_arn(arn);
    let consumers = request.send().await.unwrap().consumers.unwrap_or_default();
    consumers.into_iter().map(|one| one.consumer_name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_pushed_once_each_also_after_a_restart() {
    let server = Server::with_stream("s", 2).await;
    let mut reading = Reading::new();
    let mut got = vec![];
    for round in 0..3 {
        let mut source = server.open(&PUSHED).await;
        for number in 0..10 {
            let text = format!("{round}{number}");
            server.put("s", &text, text.clone()).await;
        }
        got.extend(texts(&reading.drain(&mut source).await));
        server.put("s", "k", format!("{round}x")).await;
        got.extend(texts(&reading.drain(&mut source).await));
    }
    let mut last = server.open(&PUSHED).await;
    got.extend(texts(&reading.drain(&mut last).await));
    got.sort();
    got.dedup();
    assert_eq!(got.len(), 33);
    assert_eq!(
        reading.ranges.iter().map(|range| range.count).sum::<u64>(),
        33
    );
    for (range, fetched) in reading.ranges.iter().zip(&reading.fetched) {
        let (batches, _) = last.replay(range).await.unwrap();
        assert_eq!(rows(&batches), rows(&fetched.batches));
    }
    assert_eq!(consumers(&server).await, ["databricks_query"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_end_are_renewed_through_reshards() {
    for seed in 200..202 {
        let server = Server::start_with(StoreOptions {
            subscribe_to_shard_session_ms: 250,
            ..StoreOptions::default()
        })
        .await;
        server.create("s", 2).await;
        let position = ["trim_horizon", "latest"][usize::try_from(seed % 2).unwrap()];
        let arguments = [
            ("streamName", "s"),
            ("initialPosition", position),
            ("consumerMode", "efo"),
        ];
        storm(seed, position, &server, async || {
            server.open(&arguments).await
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_is_found_by_name_and_by_arn_and_must_be_there() {
    let server = Server::with_stream("s", 1).await;
    let named = |id: &'static str, kind: &'static str| {
        let more = [
            ("registeredConsumerId", id),
            ("registeredConsumerIdType", kind),
        ];
        [&PUSHED[..], &more].concat()
    };
    let mut source = server.open(&named("nobody", "name")).await;
    let error = source
        .fetch(None, FetchLimits::default())
        .await
        .unwrap_err();
    assert_eq!(error.condition().name, "KINESIS_EFO_CONSUMER_NOT_FOUND");
    server.put("s", "k", "one").await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let request = server.client.register_stream_consumer().stream_arn(arn);
    request.consumer_name("ours").send().await.unwrap();
    let mut source = server.open(&named("ours", "name")).await;
    assert_eq!(texts(&Reading::new().drain(&mut source).await), ["one"]);
    source.close().await.unwrap();
    assert_eq!(consumers(&server).await, ["ours"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_ours_goes_when_that_is_asked_for() {
    let server = Server::with_stream("s", 1).await;
    let more = [
        ("consumerNamePrefix", "plant-"),
        ("requireConsumerDeregistration", "true"),
    ];
    let arguments = [&PUSHED[..], &more].concat();
    let mut source = server.open(&arguments).await;
    Reading::new().drain(&mut source).await;
    assert_eq!(consumers(&server).await, ["plant-query"]);
    // As a process that is killed leaves it: the next one finds it by its name.
    drop(source);
    let mut source = server.open(&arguments).await;
    Reading::new().drain(&mut source).await;
    source.close().await.unwrap();
    for _ in 0..500 {
        if consumers(&server).await.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the consumer is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_of_somebody_else_stays() {
    let server = Server::with_stream("s", 1).await;
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
    let request = server.client.register_stream_consumer().stream_arn(arn);
    request.consumer_name("theirs").send().await.unwrap();
    let more = [
        ("registeredConsumerId", "theirs"),
        ("registeredConsumerIdType", "name"),
        ("requireConsumerDeregistration", "true"),
    ];
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let choose: Choose = Arc::new(move |action: &str| {
        if action == "DeregisterStreamConsumer" {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        Fault::None
    });
    let way = start(server.address, choose).await;
    let mut source = open_at(way, &[&PUSHED[..], &more].concat()).await.unwrap();
    Reading::new().drain(&mut source).await;
    source.close().await.unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_keeps_a_consumer_is_asked_no_longer_than_the_option_says() {
    let server = Server::with_stream("s", 1).await;
    let choose: Choose = Arc::new(|action: &str| match action {
        "DeregisterStreamConsumer" => Fault::Error(400, "LimitExceededException"),
        _ => Fault::None,
    });
    let way = start(server.address, choose).await;
    let more = [
        ("requireConsumerDeregistration", "true"),
        ("deregisterConsumerTimeoutInterval", "1 second"),
    ];
    let mut source = open_at(way, &[&PUSHED[..], &more].concat()).await.unwrap();
    Reading::new().drain(&mut source).await;
    let begun = Instant::now();
    let error = source.close().await.unwrap_err().to_diagnostic();
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert_eq!(error.condition.name, "KINESIS_UNREACHABLE");
    assert!(
        error
            .helps
            .iter()
            .any(|help| help.contains("consumer-arn arn:"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_with_too_many_consumers_says_so() {
    let server = Server::with_stream("s", 1).await;
    let choose: Choose = Arc::new(|action: &str| match action {
        "RegisterStreamConsumer" => Fault::Error(400, "LimitExceededException"),
        _ => Fault::None,
    });
    let way = start(server.address, choose).await;
    let mut source = open_at(way, &PUSHED).await.unwrap();
    let error = source
        .fetch(None, FetchLimits::default())
        .await
        .unwrap_err();
    assert_eq!(
        error.condition().name,
        "KINESIS_EFO_SUBSCRIBE_LIMIT_EXCEEDED"
    );
}
