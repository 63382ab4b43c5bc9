//! What goes wrong has a name, says what to do, and is over when it is mended.

use std::time::Duration;

use sluice_model::Diagnostic;
use sluice_source::kinesis::{FetchLimits, KinesisSource};

use super::server::{Reading, Server, open_at, options, settings, texts};

const FROM_START: (&str, &str) = ("initialPosition", "trim_horizon");

async fn refused(server: &Server, arguments: &[(&str, &str)]) -> Diagnostic {
    let error = open_at(server.address, arguments).await.unwrap_err();
    error.to_diagnostic()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_not_there_is_named_with_its_region() {
    let server = Server::with_stream("s", 1).await;
    let error = refused(&server, &[("streamName", "t"), ("region", "eu-west-1")]).await;
    assert_eq!(error.condition.name, "KINESIS_STREAM_NOT_FOUND");
    assert!(
        error.message.contains("`t` in region `eu-west-1`"),
        "{error}"
    );
    let twice = refused(&server, &[("streamName", "s,s")]).await;
    assert_eq!(twice.condition.name, "KINESIS_INVALID_OPTION");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_credential_is_looked_up_in_the_settings() {
    let server = Server::with_stream("s", 1).await;
    let arguments = [("streamName", "s"), ("serviceCredential", "plant")];
    let error = refused(&server, &arguments).await;
    assert_eq!(error.condition.name, "CREDENTIAL_NOT_MAPPED");
    assert!(error.helps[0].contains("plant"), "{:?}", error.helps);
    let mut settings = settings(server.address);
    let mapped = settings.default_credentials.clone();
    settings.credentials.insert("plant".into(), mapped);
    assert!(
        KinesisSource::open(options(&arguments), settings)
            .await
            .is_ok()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_region_and_endpoint_the_region_is_asked_for() {
    let server = Server::start().await;
    let mut settings = settings(server.address);
    (settings.region, settings.endpoint) = (None, None);
    settings.default_credentials.profile = None;
    // Safe to ask: nothing in this process or machine names a region.
    if std::env::var_os("AWS_REGION").is_none() && std::env::var_os("AWS_DEFAULT_REGION").is_none()
    {
        let error = KinesisSource::open(options(&[("streamName", "s")]), settings)
            .await
            .unwrap_err();
        assert_eq!(error.condition().name, "KINESIS_REGION_MISSING");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_where_nobody_listens_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut options = options(&[("streamName", "s")]);
    options.patience = Duration::from_millis(300);
    let error = KinesisSource::open(options, settings(address))
        .await
        .unwrap_err();
    assert_eq!(error.condition().name, "KINESIS_UNREACHABLE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_deleted_and_made_again_is_another_source() {
    let server = Server::with_stream("s", 1).await;
    let mut first = server.open(&[("streamName", "s")]).await;
    server
        .client
        .delete_stream()
        .stream_name("s")
        .send()
        .await
        .unwrap();
    while server.store.contains_stream("s").await {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let error = first.fetch(None, FetchLimits::default()).await.unwrap_err();
    assert_eq!(error.condition().name, "KINESIS_STREAM_NOT_FOUND");
    // Creation is known to the second, at worst.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    server.create("s", 1).await;
    let second = server.open(&[("streamName", "s")]).await;
    assert_ne!(first.identity(), second.identity());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_range_that_was_trimmed_stops_with_the_numbers_or_is_accepted() {
    let server = Server::with_stream("s", 1).await;
    for number in 0..5 {
        server.put("s", "k", format!("{number}")).await;
    }
    let mut source = server.open(&[("streamName", "s"), FROM_START]).await;
    let mut reading = Reading::new();
    reading.drain(&mut source).await;
    server.trim("s", 2).await;
    let error = source
        .replay(&reading.ranges[0])
        .await
        .unwrap_err()
        .to_diagnostic();
    assert_eq!(error.condition.name, "SOURCE_DATA_LOST.KINESIS_TRIMMED");
    assert!(
        error.facts[0].contains("planned: 5 records"),
        "{:?}",
        error.facts
    );
    assert!(
        error.facts[1].contains("found: 3 records"),
        "{:?}",
        error.facts
    );
    server.trim("s", 3).await;
    let error = source
        .replay(&reading.ranges[0])
        .await
        .unwrap_err()
        .to_diagnostic();
    assert!(
        error.facts[1].contains("found: 0 records"),
        "{:?}",
        error.facts
    );

    let mut source = server
        .open(&[("streamName", "s"), FROM_START, ("failOnDataLoss", "false")])
        .await;
    let (batches, notes) = source.replay(&reading.ranges[0]).await.unwrap();
    assert!(batches.is_empty());
    assert_eq!(notes[0].condition.name, "SOURCE_DATA_LOST.KINESIS_TRIMMED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_record_that_passed_the_retention_is_told_after_a_restart() {
    let server = Server::with_stream("s", 1).await;
    let arguments = [("streamName", "s"), FROM_START];
    server.put("s", "k", "0").await;
    let mut source = server.open(&arguments).await;
    let mut reading = Reading::new();
    reading.drain(&mut source).await;
    server.trim("s", 1).await;
    server.put("s", "k", "1").await;
    // A reader that stayed has missed nothing.
    let there = reading.at.clone();
    assert_eq!(texts(&reading.drain(&mut source).await), ["1"]);
    assert!(reading.fetched[1].notes.is_empty());
    let mut source = server.open(&arguments).await;
    let fetched = source
        .fetch(there.as_ref(), FetchLimits::default())
        .await
        .unwrap();
    assert_eq!(fetched.count, 1);
    assert_eq!(
        fetched.notes[0].condition.name,
        "SOURCE_DATA_LOST.KINESIS_TRIMMED"
    );
    assert!(!fetched.notes[0].is_error());
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_were_trimmed_while_nobody_read_stop_the_flow_or_are_accepted() {
    let server = Server::with_stream("s", 1).await;
    let arguments = [("streamName", "s"), FROM_START];
    server.put("s", "k", "0").await;
    let mut reading = Reading::new();
    reading.drain(&mut server.open(&arguments).await).await;
    // A day later: the record read is gone, and the oldest one left is about to go.
    server.trim("s", 1).await;
    server.put("s", "k", "1").await;
    server.age("s", Duration::from_mins(1439)).await;
    let mut source = server.open(&arguments).await;
    let limits = FetchLimits::default();
    let error = source
        .fetch(reading.at.as_ref(), limits)
        .await
        .unwrap_err()
        .to_diagnostic();
    assert_eq!(error.condition.name, "SOURCE_DATA_LOST.KINESIS_TRIMMED");
    assert!(error.facts[1].contains("24 h"), "{:?}", error.facts);
    let accepting = [&arguments[..], &[("failOnDataLoss", "false")]].concat();
    let mut source = server.open(&accepting).await;
    assert_eq!(texts(&reading.drain(&mut source).await), ["1"]);
    let note = &reading.fetched[1].notes[0];
    assert_eq!(note.condition.name, "SOURCE_DATA_LOST.KINESIS_TRIMMED");
}
