//! A service that throttles, fails and forgets: nothing is lost, nothing comes twice, and it ends when it is cured.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sluice_source::kinesis::{FetchLimits, KinesisSource};

use super::proxy::{Choose, Fault, start};
use super::resharding::storm;
use super::server::{Reading, Server, open_at, options, settings, texts};

const FROM_START: [(&str, &str); 2] = [("streamName", "s"), ("initialPosition", "trim_horizon")];

/// Always the same fault for one action, as long as it is switched on.
fn switched(action: &'static str, fault: Fault) -> (Arc<AtomicBool>, Choose) {
    let is_on = Arc::new(AtomicBool::new(true));
    let switch = Arc::clone(&is_on);
    let choose: Choose = Arc::new(move |called: &str| {
        if called == action && switch.load(Ordering::Relaxed) {
            fault
        } else {
            Fault::None
        }
    });
    (is_on, choose)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_right_is_named_and_reading_goes_on_when_it_is_granted() {
    for (action, name) in [
        ("DescribeStreamSummary", "kinesis:DescribeStreamSummary"),
        ("ListShards", "kinesis:ListShards"),
        ("GetShardIterator", "kinesis:GetShardIterator"),
        ("GetRecords", "kinesis:GetRecords"),
    ] {
        let server = Server::with_stream("s", 1).await;
        server.put("s", "k", "one").await;
        let (is_on, choose) = switched(action, Fault::Error(400, "AccessDeniedException"));
        let way = start(server.address, choose).await;
        let error = match open_at(way, &FROM_START).await {
            Ok(mut source) => source
                .fetch(None, FetchLimits::default())
                .await
                .unwrap_err(),
            Err(error) => error,
        };
        let error = error.to_diagnostic();
        assert_eq!(error.condition.name, "KINESIS_ACCESS_DENIED");
        assert!(error.message.contains(name), "{error}");
        is_on.store(false, Ordering::Relaxed);
        let mut source = open_at(way, &FROM_START).await.unwrap();
        assert_eq!(texts(&Reading::new().drain(&mut source).await), ["one"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_not_accepted_and_requests_that_are_refused_have_their_names() {
    for (fault, name) in [
        (
            Fault::Error(400, "ExpiredTokenException"),
            "CREDENTIAL_NOT_AVAILABLE",
        ),
        (
            Fault::Error(403, "InvalidSignatureException"),
            "CREDENTIAL_NOT_AVAILABLE",
        ),
        (
            Fault::Error(400, "KMSAccessDeniedException"),
            "KINESIS_ACCESS_DENIED",
        ),
        (
            Fault::Error(400, "KMSDisabledException"),
            "KINESIS_REQUEST_REFUSED",
        ),
        (Fault::Error(500, "InternalFailure"), "KINESIS_UNREACHABLE"),
        (Fault::Drop, "KINESIS_UNREACHABLE"),
        (Fault::Hang, "KINESIS_UNREACHABLE"),
    ] {
        let server = Server::with_stream("s", 1).await;
        server.put("s", "k", "one").await;
        let (is_on, choose) = switched("GetRecords", fault);
        let way = start(server.address, choose).await;
        let mut source = open_at(way, &FROM_START).await.unwrap();
        let error = source
            .fetch(None, FetchLimits::default())
            .await
            .unwrap_err();
        assert_eq!(error.condition().name, name, "{fault:?}");
        // Cured, the same source goes on.
        is_on.store(false, Ordering::Relaxed);
        assert_eq!(texts(&Reading::new().drain(&mut source).await), ["one"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn throttling_is_waited_out_and_told() {
    let server = Server::with_stream("s", 1).await;
    server.put("s", "k", "one").await;
    let calls = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&calls);
    let way = start(
        server.address,
        Arc::new(move |action: &str| {
            if action == "GetRecords" && counted.fetch_add(1, Ordering::Relaxed) < 4 {
                Fault::Error(400, "ProvisionedThroughputExceededException")
            } else {
                Fault::None
            }
        }),
    )
    .await;
    let mut source = open_at(way, &FROM_START).await.unwrap();
    let mut reading = Reading::new();
    assert_eq!(texts(&reading.drain(&mut source).await), ["one"]);
    let note = &reading.fetched[0].notes[0];
    assert_eq!(note.condition.name, "KINESIS_INTERRUPTED");
    assert!(note.message.contains("4 throttled"), "{note}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_may_look_up_is_given_up() {
    let server = Server::with_stream("s", 1).await;
    let (_is_on, choose) = switched(
        "DescribeStreamSummary",
        Fault::Error(400, "LimitExceededException"),
    );
    let way = start(server.address, choose).await;
    let mut options = options(&FROM_START);
    options.patience = Duration::from_millis(100);
    let opening = KinesisSource::open(options, settings(way));
    let opened = tokio::time::timeout(Duration::from_secs(20), opening).await;
    let error = opened.unwrap().unwrap_err();
    assert_eq!(error.condition().name, "KINESIS_UNREACHABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn storms_through_a_service_that_misbehaves_lose_nothing_either() {
    let faults = [
        Fault::Error(400, "ProvisionedThroughputExceededException"),
        Fault::Error(500, "InternalFailure"),
        Fault::Error(503, "ServiceUnavailable"),
        Fault::Error(400, "ExpiredIteratorException"),
        Fault::Drop,
        Fault::LoseAnswer,
    ];
    for seed in 100..104 {
        let server = Server::with_stream("s", 2).await;
        let state: Mutex<u64> = Mutex::new(seed);
        let choose: Choose = Arc::new(move |action: &str| {
            let mut state = state.lock().unwrap();
            *state = state
                .wrapping_mul(6_364_136_223_846_793_005_u64)
                .wrapping_add(1_442_695_040_888_963_407);
            let fault = faults[usize::try_from((*state >> 40) % 6).unwrap()];
            let is_expiry = fault == Fault::Error(400, "ExpiredIteratorException");
            if !(*state >> 33).is_multiple_of(4) || is_expiry && action != "GetRecords" {
                Fault::None
            } else {
                fault
            }
        });
        let way = start(server.address, choose).await;
        let position = ["trim_horizon", "latest"][usize::try_from(seed % 2).unwrap()];
        let arguments = [("streamName", "s"), ("initialPosition", position)];
        storm(seed, position, &server, async || {
            open_at(way, &arguments).await.unwrap()
        })
        .await;
    }
}
