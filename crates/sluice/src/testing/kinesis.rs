//! The streams of a test: a Kinesis of its own for as long as its world lasts, records put by hand, shards split and merged.
//! Records arrive when the clock of the test says, and a stream is as old as that clock: nothing depends on when a test
//! runs. Must not run anything of the project.

use std::time::Duration;

use ferrokinesis::sequence::partition_key_to_hash_key;
use ferrokinesis::types::{EpochSeconds, StoredRecordRef, Stream};
use serde_json::json;
use sluice_model::Clock as _;

use sluice_run::KinesisAccess;
use sluice_source::aws::{AwsCredentialSpec, Secret};
use sluice_sql::project::Project;

use super::case::Station;
use super::failure::Trouble;
use super::fixture::unhex;
use super::interference::{Interference, Mishap, Rule};
use super::world::{Loaded, World};
use crate::embedded_kinesis::{EmbeddedKinesis, REGION};

/// How long the streams keep records, hours: fifty years, for the clock of a test stands far from that of the machine.
const RETENTION_HOURS: u32 = 438_000;
/// The partition key of records that are given none.
const KEY: &str = "1";

/// For how long calls may fail where a service is silent: nobody waits long for what never comes.
const PATIENCE_WITH_SILENCE: Duration = Duration::from_secs(1);

/// The Kinesis of a world.
#[derive(Debug)]
pub(crate) struct Streams {
    kinesis: EmbeddedKinesis,
    way: Interference,
    patience: Option<Duration>,
    made: u32,
}

impl Streams {
    pub(crate) async fn start() -> Result<Self, String> {
        let said = |error: std::io::Error| format!("no Kinesis could be started: {error}");
        let kinesis = EmbeddedKinesis::start().await.map_err(said)?;
        let way = Interference::before(kinesis.endpoint()).await;
        Ok(Self {
            kinesis,
            way: way.map_err(said)?,
            patience: None,
            made: 0,
        })
    }

    /// Where engines find it.
    pub(crate) fn endpoint(&self) -> &str {
        self.way.endpoint()
    }

    /// Makes a stream. Two of one name are never of one age.
    async fn make(&mut self, name: &str, shards: u32, now_us: i64) -> Result<(), Trouble> {
        self.kinesis.create_stream(name, shards).await?;
        self.made += 1;
        let created = EpochSeconds(seconds(now_us) + f64::from(self.made));
        self.change(name, |stream| {
            stream.stream_creation_timestamp = created;
            stream.retention_period_hours = RETENTION_HOURS;
        })
        .await
    }

    async fn change(&self, name: &str, how: impl FnOnce(&mut Stream)) -> Result<(), Trouble> {
        let store = self.kinesis.store();
        let changed = store.update_stream(name, |stream| {
            how(stream);
            Ok(())
        });
        changed
            .await
            .map_err(|error| format!("the stream cannot be changed: {error:?}").into())
    }

    async fn stream(&self, name: &str) -> Result<Stream, Trouble> {
        let found = self.kinesis.store().get_stream(name).await;
        found.map_err(|_| no_stream(name))
    }

    async fn put(&self, to: &Target<'_>, data: &[u8], now_us: i64) -> Result<(), Trouble> {
        let store = self.kinesis.store();
        let hash = match to.shard {
            None => partition_key_to_hash_key(to.key),
            Some(number) => {
                let stream = self.stream(to.stream).await?;
                let shard = stream.shards.get(number).ok_or_else(|| no_shard(number))?;
                if shard.sequence_number_range.ending_sequence_number.is_some() {
                    return Err(format!("shard {number} is closed").into());
                }
                shard.hash_key_range.start_u128()
            }
        };
        let place = store.allocate_sequence(to.stream, &hash).await;
        let place = place.map_err(|error| format!("no place for a record: {error:?}"))?;
        let record = StoredRecordRef {
            partition_key: to.key,
            data: &base64(data),
            approximate_arrival_timestamp: seconds(now_us),
        };
        let put = store.put_record(to.stream, &place.stream_key, &record);
        put.await
            .map_err(|error| format!("the record cannot be put: {error:?}").into())
    }

    /// Splits a shard in the middle, or merges two neighbours.
    async fn reshard(&self, argument: &str) -> Result<(), Trouble> {
        let shape = || {
            Trouble::misspelled(
                format!("`{argument}` is no change of shards"),
                "write `--- reshard STREAM 0 -> 1,2` to split, `--- reshard STREAM 1,2 -> 3` to merge",
            )
        };
        let numbers = |text: &str| -> Option<Vec<usize>> {
            text.split(',').map(|n| n.trim().parse().ok()).collect()
        };
        let (name, change) = argument.split_once(' ').ok_or_else(shape)?;
        let (from, to) = change.split_once("->").ok_or_else(shape)?;
        let (from, to) = numbers(from).zip(numbers(to)).ok_or_else(shape)?;
        let stream = self.stream(name).await?;
        let made: Vec<usize> = (stream.shards.len()..).take(to.len()).collect();
        if made != to {
            return Err(format!("the new shards will be {made:?}, not {to:?}").into());
        }
        let shard = |number: usize| stream.shards.get(number).ok_or_else(|| no_shard(number));
        let (operation, request) = match (from.as_slice(), to.len()) {
            ([one], 2) => {
                let range = &shard(*one)?.hash_key_range;
                let (start, end) = (range.start_u128(), range.end_u128());
                let middle = start + (end - start) / 2 + 1;
                let id = &shard(*one)?.shard_id;
                (
                    "SplitShard",
                    json!({ "StreamName": name, "ShardToSplit": id, "NewStartingHashKey": middle.to_string() }),
                )
            }
            ([one, other], 1) => {
                let (one, other) = (&shard(*one)?.shard_id, &shard(*other)?.shard_id);
                (
                    "MergeShards",
                    json!({ "StreamName": name, "ShardToMerge": one, "AdjacentShardToMerge": other }),
                )
            }
            _ => return Err(shape()),
        };
        self.kinesis.call(operation, request).await?;
        Ok(())
    }

    /// Lets go of every record, as when its time in the stream is over.
    async fn trim(&self, name: &str) -> Result<(), Trouble> {
        self.stream(name).await?;
        let store = self.kinesis.store();
        let keys: Vec<String> = store.get_record_store(name).await.into_keys().collect();
        store.delete_record_keys(name, &keys).await;
        Ok(())
    }
}

/// Where records go.
struct Target<'a> {
    stream: &'a str,
    key: &'a str,
    shard: Option<usize>,
}

impl<'a> Target<'a> {
    fn parse(argument: &'a str) -> Result<Self, Trouble> {
        let wrong = || {
            Trouble::misspelled(
                format!("`{argument}` does not say where the records go"),
                "write `--- kinesis STREAM`, with `key=K` and `shard=N` behind it if they matter",
            )
        };
        let mut words = argument.split_whitespace();
        let mut target = Target {
            stream: words.next().ok_or_else(wrong)?,
            key: KEY,
            shard: None,
        };
        for word in words {
            match word.split_once('=') {
                Some(("key", key)) if !key.is_empty() => target.key = key,
                Some(("shard", number)) => {
                    target.shard = Some(number.parse().map_err(|_| wrong())?);
                }
                _ => return Err(wrong()),
            }
        }
        Ok(target)
    }
}

impl World {
    /// The streams of this world; they are there from the first time that somebody asks for them.
    pub(super) async fn streams(&mut self) -> Result<&mut Streams, String> {
        if self.streams.is_none() {
            self.streams = Some(Streams::start().await?);
        }
        self.streams
            .as_mut()
            .ok_or_else(|| "no Kinesis was started".to_owned())
    }

    /// Where engines of this world find Kinesis: here, whatever the project says, and under names that open nothing else.
    pub(super) fn kinesis_access(&self, project: &Project) -> KinesisAccess {
        let keys = AwsCredentialSpec {
            access_key: Some("test".to_owned()),
            secret_key: Some(Secret::new("test")),
            ..AwsCredentialSpec::default()
        };
        let named = project.settings.credentials.keys();
        KinesisAccess {
            endpoint: self
                .streams
                .as_ref()
                .map(|streams| streams.endpoint().to_owned()),
            region: Some(REGION.to_owned()),
            credentials: named.map(|name| (name.clone(), keys.clone())).collect(),
            default_credentials: keys,
            poll_interval: Some(Duration::ZERO),
            patience: self.streams.as_ref().and_then(|streams| streams.patience),
            batch_records_max: self.batch_records_max(),
        }
    }

    /// A project that reads streams reads those of this world; in the test of a project they are there, and empty.
    pub(super) async fn provide_streams(&mut self, loaded: &Loaded) -> Result<(), Trouble> {
        if loaded.streams.is_empty() {
            return Ok(());
        }
        let (is_project, now_us) = (self.original().is_some(), self.clock.now_us());
        let streams = self.streams().await?;
        for name in &loaded.streams {
            if is_project && !streams.kinesis.has_stream(name).await {
                streams.make(name, 1, now_us).await?;
            }
        }
        Ok(())
    }
}

/// Does a station that is about streams; `None` if it is about something else.
pub(super) async fn station(world: &mut World, station: &Station) -> Option<Result<(), Trouble>> {
    let argument = station.argument.as_str();
    Some(match station.verb.as_str() {
        "stream" => make(world, argument).await,
        "kinesis" => {
            let lines = station.answer_text().lines();
            let records = lines
                .map(|line| Ok(world.fill(line).into_bytes()))
                .collect();
            put(world, argument, records).await
        }
        "kinesis-hex" => {
            let lines = station.answer_text().lines();
            let record = |line: &str| unhex(if line.trim() == "-" { "" } else { line });
            put(world, argument, lines.map(record).collect()).await
        }
        "reshard" => match world.streams().await {
            Ok(streams) => streams.reshard(argument).await,
            Err(message) => Err(message.into()),
        },
        "trim-stream" => match world.streams().await {
            Ok(streams) => streams.trim(argument).await,
            Err(message) => Err(message.into()),
        },
        "delete-stream" => match world.streams().await {
            Ok(streams) => delete(streams, argument).await,
            Err(message) => Err(message.into()),
        },
        _ => return None,
    })
}

/// Sets what happens to calls from now on.
pub(super) async fn disturb(world: &mut World, rule: &str) -> Result<(), Trouble> {
    let rule = Rule::parse(rule)?;
    let streams = world.streams().await?;
    if rule.mishap == Mishap::Silent {
        streams.patience = Some(PATIENCE_WITH_SILENCE);
    }
    streams.way.set(rule);
    Ok(())
}

async fn make(world: &mut World, argument: &str) -> Result<(), Trouble> {
    let (name, shards) = argument.split_once(' ').unwrap_or((argument, "1"));
    let shards: u32 = shards.trim().parse().map_err(|_| {
        Trouble::misspelled(
            format!("`{shards}` is no number of shards"),
            "write `--- stream NAME`, or `--- stream NAME 4`",
        )
    })?;
    let now_us = world.clock.now_us();
    world.streams().await?.make(name, shards, now_us).await
}

async fn put(
    world: &mut World,
    argument: &str,
    records: Result<Vec<Vec<u8>>, Trouble>,
) -> Result<(), Trouble> {
    let target = Target::parse(argument)?;
    let now_us = world.clock.now_us();
    let streams = world.streams().await?;
    if !streams.kinesis.has_stream(target.stream).await {
        streams.make(target.stream, 1, now_us).await?;
    }
    for record in records? {
        streams.put(&target, &record, now_us).await?;
    }
    Ok(())
}

async fn delete(streams: &Streams, name: &str) -> Result<(), Trouble> {
    let request = json!({ "StreamName": name });
    streams.kinesis.call("DeleteStream", request).await?;
    Ok(())
}

fn no_stream(name: &str) -> Trouble {
    Trouble::misspelled(
        format!("there is no stream `{name}`"),
        "make it before: `--- stream NAME`",
    )
}

fn no_shard(number: usize) -> Trouble {
    format!("there is no shard {number}").into()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the protocol counts seconds as floating point, exact to the microsecond for centuries"
)]
fn seconds(time_us: i64) -> f64 {
    time_us as f64 / 1e6
}

/// Bytes as the protocol carries them.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            let digit = usize::try_from(group >> (18 - 6 * place) & 63).unwrap_or_default();
            text.push(if place <= chunk.len() {
                char::from(DIGITS[digit])
            } else {
                '='
            });
        }
    }
    text
}
