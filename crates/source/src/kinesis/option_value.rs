//! Each option of `read_kinesis` by its name: what its value may be and where it goes.

use std::time::Duration;

use super::InitialPosition;
use super::option::{ConsumerMode, KinesisOptions, RegisteredConsumer};
use crate::aws::Secret;
use crate::option::value::{boolean, bytes, duration_us, positive};

/// Names in the spelling of the documentation: what did-you-mean chooses from.
pub(super) const NAMES: &[&str] = &[
    "streamName",
    "streamARN",
    "region",
    "endpoint",
    "initialPosition",
    "consumerMode",
    "consumerName",
    "consumerNamePrefix",
    "consumerRefreshInterval",
    "registerConsumerTimeoutInterval",
    "requireConsumerDeregistration",
    "deregisterConsumerTimeoutInterval",
    "registeredConsumerId",
    "registeredConsumerIdType",
    "maxRecordsPerFetch",
    "maxFetchRate",
    "minFetchPeriod",
    "maxFetchDuration",
    "fetchBufferSize",
    "shardsPerTask",
    "maxPartitions",
    "shardFetchInterval",
    "maxShardsPerDescribe",
    "coalesceThresholdBlockSize",
    "coalesceBinSize",
    "serviceCredential",
    "awsAccessKey",
    "awsSecretKey",
    "awsSessionToken",
    "roleArn",
    "roleExternalId",
    "roleSessionName",
    "stsEndpoint",
    "failOnDataLoss",
    "deaggregate",
];

/// Options that only mean something for a registered consumer.
pub(super) const EFO_ONLY: &[&str] = &[
    "consumername",
    "consumernameprefix",
    "consumerrefreshinterval",
    "registerconsumertimeoutinterval",
    "requireconsumerderegistration",
    "deregisterconsumertimeoutinterval",
    "registeredconsumerid",
    "registeredconsumeridtype",
];

/// What one argument did.
pub(super) enum Taken {
    Yes,
    WithoutEffect(&'static str),
    Unknown,
}

/// Values that decide others once all arguments are known.
#[derive(Default)]
pub(super) struct Pending {
    pub(super) names: Option<Vec<String>>,
    pub(super) arns: Option<Vec<String>>,
    pub(super) consumer_ids: Option<Vec<String>>,
    pub(super) consumer_ids_are_arns: Option<bool>,
}

/// Takes one option by its lower-case name. The error says what was expected.
pub(super) fn apply(
    options: &mut KinesisOptions,
    pending: &mut Pending,
    key: &str,
    text: &str,
) -> Result<Taken, String> {
    let word = || match text.trim() {
        "" => Err("expected a text that is not empty".to_owned()),
        trimmed => Ok(trimmed.to_owned()),
    };
    match key {
        "streamname" => pending.names = Some(list(text)?),
        "streamarn" => pending.arns = Some(list(text)?),
        "region" => options.region = Some(word()?),
        "endpoint" | "endpointurl" => options.endpoint = Some(word()?),
        "initialposition" | "startingposition" => {
            options.initial_position = InitialPosition::parse(text)?;
        }
        "failondataloss" => options.fail_on_data_loss = boolean(text)?,
        "deaggregate" => {
            options.deaggregate = boolean(text)?;
            options.has_sub_sequence_number = options.deaggregate;
        }
        "servicecredential" => options.service_credential = Some(word()?),
        "awsaccesskey" => options.credentials.access_key = Some(word()?),
        "awssecretkey" => options.credentials.secret_key = Some(Secret::new(word()?)),
        "awssessiontoken" => options.credentials.session_token = Some(Secret::new(word()?)),
        "rolearn" => options.credentials.role_arn = Some(word()?),
        "roleexternalid" => options.credentials.external_id = Some(word()?),
        "rolesessionname" => options.credentials.session_name = Some(word()?),
        "stsendpoint" => options.credentials.sts_endpoint = Some(word()?),
        "shardspertask" | "maxpartitions" => {
            positive(text)?;
            return Ok(Taken::WithoutEffect(
                "all shards of a stream are read at the same time, in one process",
            ));
        }
        "coalescethresholdblocksize" | "coalescebinsize" => {
            bytes(text)?;
            return Ok(Taken::WithoutEffect(
                "records are not kept in blocks between fetching and processing",
            ));
        }
        "fetchbuffersize" => {
            bytes(text)?;
            return Ok(Taken::WithoutEffect(
                "records are fetched for one micro-batch at a time, within its own limits",
            ));
        }
        _ => {
            return match reading(options, key, text)? {
                Taken::Unknown => consumer(options, pending, key, text, word),
                taken => Ok(taken),
            };
        }
    }
    Ok(Taken::Yes)
}

/// How much is read at a time and how often.
fn reading(options: &mut KinesisOptions, key: &str, text: &str) -> Result<Taken, String> {
    match key {
        "maxrecordsperfetch" => {
            options.records_per_call_max = within(positive(text)?, 10_000)?;
        }
        "maxfetchrate" => options.shard_bytes_per_second_max = rate(text)?,
        "minfetchperiod" => {
            options.poll_interval_min = duration(text)?;
            if options.poll_interval_min < Duration::from_millis(200) {
                return Err(
                    "expected 200ms or more: a shard answers five calls a second".to_owned(),
                );
            }
        }
        "maxfetchduration" => options.fetch_duration_max = duration(text)?,
        "shardfetchinterval" => options.list_interval = duration(text)?,
        "maxshardsperdescribe" => {
            options.shards_per_list_max = within(positive(text)?, 10_000)?;
        }
        _ => return Ok(Taken::Unknown),
    }
    Ok(Taken::Yes)
}

/// The registered consumer of enhanced fan-out.
fn consumer(
    options: &mut KinesisOptions,
    pending: &mut Pending,
    key: &str,
    text: &str,
    word: impl Fn() -> Result<String, String>,
) -> Result<Taken, String> {
    match key {
        "consumermode" => {
            options.consumer_mode = match text.trim().to_ascii_lowercase().as_str() {
                "polling" => ConsumerMode::Polling,
                "efo" => ConsumerMode::EnhancedFanOut,
                _ => return Err("expected 'polling' or 'efo'".into()),
            };
        }
        "consumername" => options.consumer.name = Some(word()?),
        "consumernameprefix" => options.consumer.name_prefix = word()?,
        "consumerrefreshinterval" => {
            options.consumer.refresh_interval = duration(text)?;
            if options.consumer.refresh_interval > Duration::from_hours(1) {
                return Err("expected 3600s or less".into());
            }
        }
        "registerconsumertimeoutinterval" => options.consumer.register_timeout = duration(text)?,
        "requireconsumerderegistration" => options.consumer.deregister = boolean(text)?,
        "deregisterconsumertimeoutinterval" => {
            options.consumer.deregister_timeout = duration(text)?;
        }
        "registeredconsumerid" => pending.consumer_ids = Some(list(text)?),
        "registeredconsumeridtype" => {
            pending.consumer_ids_are_arns = Some(match text.trim().to_ascii_lowercase().as_str() {
                "name" => false,
                "arn" => true,
                _ => return Err("expected 'name' or 'ARN'".into()),
            });
        }
        _ => return Ok(Taken::Unknown),
    }
    Ok(Taken::Yes)
}

pub(super) fn registered(ids: Vec<String>, are_arns: bool) -> Vec<RegisteredConsumer> {
    ids.into_iter()
        .map(if are_arns {
            RegisteredConsumer::Arn
        } else {
            RegisteredConsumer::Name
        })
        .collect()
}

fn list(text: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = text
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() {
        return Err("expected one name or several, separated by commas".into());
    }
    Ok(names)
}

fn within(number: usize, max: usize) -> Result<usize, String> {
    if number > max {
        return Err(format!("expected {max} or less"));
    }
    Ok(number)
}

/// A duration that is not zero.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as '400ms' or '10 seconds'";
    match duration_us(text)
        .ok()
        .and_then(|micros| u64::try_from(micros).ok())
    {
        Some(micros) if micros > 0 => Ok(Duration::from_micros(micros)),
        _ => Err(expected.into()),
    }
}

/// Megabytes per second and shard: `2.0`, `1.5 MB/s`.
fn rate(text: &str) -> Result<u64, String> {
    let expected = || "expected megabytes per second, up to 2.0".to_owned();
    let lower = text.trim().to_ascii_lowercase();
    let number = lower.trim_end_matches("/s").trim_end_matches("mb").trim();
    let rate: f64 = number.parse().map_err(|_| expected())?;
    if rate > 0.0 && rate <= 2.0 {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 2"
        )]
        return Ok((rate * 1_048_576.0) as u64);
    }
    Err(expected())
}
