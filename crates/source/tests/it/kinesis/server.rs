//! A Kinesis in this process, a producer for it, and a reader as the engine uses it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use ferrokinesis::store::{Store, StoreOptions};
use sluice_checkpoint::{ShardOffsets, SourceIdentity, SourceOffset, SourceRange};
use sluice_model::{Clock, Origin};
use sluice_source::SourceError;
use sluice_source::aws::{AwsCredentialSpec, Secret};
use sluice_source::kinesis::{
    FetchLimits, Fetched, KinesisOptions, KinesisSettings, KinesisSource,
};

#[derive(Debug)]
struct Wall;

impl Clock for Wall {
    fn now_us(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_micros()).unwrap()
    }
}

/// The server, with a client for what producers and operators do.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) store: Store,
    pub(super) client: Client,
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::start_with(StoreOptions::default()).await
    }

    /// Changes of streams take no time, whatever the options say.
    pub(super) async fn start_with(options: StoreOptions) -> Self {
        let (app, store) = ferrokinesis::create_app(StoreOptions {
            create_stream_ms: 0,
            delete_stream_ms: 0,
            update_stream_ms: 0,
            shard_limit: 1000,
            ..options
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(ferrokinesis::serve_plain_http(
            listener,
            app,
            std::future::pending(),
        ));
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://{address}"))
            .credentials_provider(Credentials::new("AK", "SK", None, None, "test"))
            .build();
        Self {
            address,
            store,
            client: Client::from_conf(config),
        }
    }

    pub(super) async fn with_stream(name: &str, shards: i32) -> Self {
        let server = Self::start().await;
        server.create(name, shards).await;
        server
    }

    pub(super) async fn create(&self, name: &str, shards: i32) {
        let request = self.client.create_stream().stream_name(name);
        request.shard_count(shards).send().await.unwrap();
        self.active(name).await;
    }

    /// Waits until a change of the stream is done.
    pub(super) async fn active(&self, name: &str) {
        for _ in 0..1000 {
            let request = self.client.describe_stream_summary().stream_name(name);
            if let Ok(answer) = request.send().await {
                let summary = answer.stream_description_summary.unwrap();
                if summary.stream_status.as_str() == "ACTIVE" {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("stream {name} does not become active");
    }

    /// Puts a record; returns its shard and sequence number.
    pub(super) async fn put(&self, stream: &str, key: &str, data: impl Into<Vec<u8>>) -> String {
        let request = self.client.put_record().stream_name(stream);
        let answer = request
            .partition_key(key)
            .data(Blob::new(data.into()))
            .send()
            .await
            .unwrap();
        answer.sequence_number
    }

    /// The shards that take records, with their hash ranges.
    pub(super) async fn open_shards(&self, stream: &str) -> Vec<(String, u128, u128)> {
        let request = self.client.list_shards().stream_name(stream);
        let answer = request.send().await.unwrap();
        let shards = answer.shards.unwrap().into_iter().filter_map(|shard| {
            let is_open = shard
                .sequence_number_range
                .unwrap()
                .ending_sequence_number
                .is_none();
            let range = shard.hash_key_range.unwrap();
            let number = |text: String| text.parse::<u128>().unwrap();
            is_open.then(|| {
                (
                    shard.shard_id,
                    number(range.starting_hash_key),
                    number(range.ending_hash_key),
                )
            })
        });
        shards.collect()
    }

    /// Splits an open shard in its middle.
    pub(super) async fn split(&self, stream: &str, place: usize) {
        let shards = self.open_shards(stream).await;
        let (shard, low, high) = &shards[place % shards.len()];
        self.client
            .split_shard()
            .stream_name(stream)
            .shard_to_split(shard)
            .new_starting_hash_key((low + (high - low) / 2 + 1).to_string())
            .send()
            .await
            .unwrap();
        self.active(stream).await;
    }

    /// Merges two neighbours among the open shards.
    pub(super) async fn merge(&self, stream: &str, place: usize) {
        let mut shards = self.open_shards(stream).await;
        shards.sort_by_key(|(_, low, _)| *low);
        let left = place % (shards.len() - 1);
        self.client
            .merge_shards()
            .stream_name(stream)
            .shard_to_merge(&shards[left].0)
            .adjacent_shard_to_merge(&shards[left + 1].0)
            .send()
            .await
            .unwrap();
        self.active(stream).await;
    }

    /// Forgets records, as the end of their retention would.
    pub(super) async fn trim(&self, stream: &str, records: usize) {
        let keys: Vec<String> = self
            .store
            .get_record_store(stream)
            .await
            .into_keys()
            .collect();
        self.store
            .delete_record_keys(stream, &keys[..records])
            .await;
    }

    /// Makes all records older.
    pub(super) async fn age(&self, stream: &str, by: Duration) {
        for (key, mut record) in self.store.get_record_store(stream).await {
            record.approximate_arrival_timestamp -= by.as_secs_f64();
            self.store.put_record(stream, &key, &record).await.unwrap();
        }
    }

    pub(super) async fn open(&self, arguments: &[(&str, &str)]) -> KinesisSource {
        open_at(self.address, arguments).await.unwrap()
    }
}

/// Options as a query writes them.
pub(super) fn options(arguments: &[(&str, &str)]) -> KinesisOptions {
    let place = Origin::new("a.sql", 1, 1, 4);
    let given = arguments
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned(), place.clone()));
    let mut options = KinesisOptions::from_arguments(given, &place).unwrap();
    options.patience = Duration::from_secs(2);
    // Nobody counts the calls here.
    options.poll_interval_min = Duration::from_millis(2);
    options.list_interval = Duration::from_millis(2);
    options.shard_bytes_per_second_max = u64::MAX;
    options
}

pub(super) fn settings(address: SocketAddr) -> KinesisSettings {
    let mut settings = KinesisSettings::new(Arc::new(Wall), "query");
    settings.endpoint = Some(format!("http://{address}"));
    settings.region = Some("us-east-1".into());
    settings.default_credentials = AwsCredentialSpec {
        access_key: Some("AK".into()),
        secret_key: Some(Secret::new("SK")),
        ..AwsCredentialSpec::default()
    };
    settings
}

pub(super) async fn open_at(
    address: SocketAddr,
    arguments: &[(&str, &str)],
) -> Result<KinesisSource, SourceError> {
    KinesisSource::open(options(arguments), settings(address)).await
}

/// Fetches as a triggered update does: plans ranges until everything is read.
pub(super) struct Reading {
    pub(super) at: Option<SourceOffset>,
    pub(super) ranges: Vec<SourceRange>,
    pub(super) fetched: Vec<Fetched>,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self {
            at: None,
            ranges: vec![],
            fetched: vec![],
        }
    }

    /// One fetch; its range is kept if it has to be. Tells whether the stream was caught up.
    pub(super) async fn step(&mut self, source: &mut KinesisSource, limits: FetchLimits) -> bool {
        let fetched = source.fetch(self.at.as_ref(), limits).await.unwrap();
        let is_caught_up = fetched.is_caught_up;
        if fetched.must_plan {
            if let Some(at) = &self.at {
                assert_eq!(&fetched.start, at);
                assert!(fetched.end.is_at_or_after(at), "{fetched:?}");
            }
            self.ranges.push(range(source.identity(), &fetched));
            self.at = Some(fetched.end.clone());
            self.fetched.push(fetched);
        } else {
            assert_eq!(fetched.count, 0);
        }
        is_caught_up
    }

    /// Fetches until the streams are caught up.
    pub(super) async fn drain(&mut self, source: &mut KinesisSource) -> Vec<Row> {
        self.drain_within(source, FetchLimits::default()).await
    }

    pub(super) async fn drain_within(
        &mut self,
        source: &mut KinesisSource,
        limits: FetchLimits,
    ) -> Vec<Row> {
        let before = self.fetched.len();
        for _ in 0..2000 {
            if self.step(source, limits).await {
                let new = &self.fetched[before..];
                return new.iter().flat_map(|part| rows(&part.batches)).collect();
            }
        }
        panic!("the stream is never caught up: {:?}", self.at);
    }
}

pub(super) fn range(identity: &SourceIdentity, fetched: &Fetched) -> SourceRange {
    SourceRange {
        identity: identity.clone(),
        start: Some(fetched.start.clone()),
        end: fetched.end.clone(),
        count: fetched.count,
        digest: fetched.digest.clone(),
    }
}

/// A row as tests look at it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) data: Vec<u8>,
    pub(super) stream: String,
    pub(super) shard: String,
    pub(super) number: String,
    pub(super) place: Option<i64>,
}

impl Row {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.data).into_owned()
    }
}

pub(super) fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = vec![];
    for batch in batches {
        let text = |name: &str, row: usize| {
            let column = batch.column_by_name(name).unwrap();
            column.as_string::<i32>().value(row).to_owned()
        };
        let data = batch.column_by_name("data").unwrap().as_binary::<i32>();
        for row in 0..batch.num_rows() {
            rows.push(Row {
                key: text("partitionKey", row),
                data: data.value(row).to_vec(),
                stream: text("stream", row),
                shard: text("shardId", row),
                number: text("sequenceNumber", row),
                place: batch.column_by_name("subSequenceNumber").map(|column| {
                    column
                        .as_primitive::<arrow_array::types::Int64Type>()
                        .value(row)
                }),
            });
        }
        assert_eq!(
            batch
                .column_by_name("approximateArrivalTimestamp")
                .unwrap()
                .null_count(),
            0
        );
    }
    rows
}

pub(super) fn texts(rows: &[Row]) -> Vec<String> {
    rows.iter().map(Row::text).collect()
}

/// The shards of the only stream of an offset.
pub(super) fn shards(offset: Option<&SourceOffset>) -> ShardOffsets {
    let Some(SourceOffset::Kinesis { streams }) = offset else {
        panic!("not an offset of streams: {offset:?}");
    };
    let all: BTreeMap<String, ShardOffsets> = streams.clone();
    assert_eq!(all.len(), 1);
    all.into_values().next().unwrap()
}
