//! Opening streams: credentials, region, endpoint, and the first look at each stream. Must not read records.

use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::default_provider::region::DefaultRegionChain;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::retry::RetryConfig;
use aws_sdk_kinesis::config::timeout::TimeoutConfig;
use aws_sdk_kinesis::config::{BehaviorVersion, Region, StalledStreamProtectionConfig};
use sluice_model::Diagnostic;
use sluice_model::condition::kinesis as condition;

use super::client::{StreamClient, Summary};
use super::consumer::Consumer;
use super::read::in_time;
use super::shard::ListedShard;
use super::trouble::{Call, Trouble};
use super::{KinesisOptions, KinesisSettings, StreamName};
use crate::SourceError;
use crate::aws::{AwsCredentialSpec, AwsCredentials};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Being throttled may last so many times as long as failing: the service works, and others have their turn.
const THROTTLED_PATIENCES: u32 = 5;

/// One stream of a source.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) client: Arc<StreamClient>,
    pub(super) summary: Summary,
    pub(super) shards: Vec<ListedShard>,
    /// The consumer of enhanced fan-out, once it is known.
    pub(super) consumer: Option<Consumer>,
    /// When the shards were listed; `None`: they have to be.
    pub(super) listed_at: Option<Instant>,
}

/// Opens every stream of a call.
pub(super) async fn open_streams(
    options: &KinesisOptions,
    settings: &KinesisSettings,
) -> Result<Vec<Stream>, SourceError> {
    let spec = credentials(options, settings)?;
    let mut streams: Vec<Stream> = vec![];
    for name in &options.streams {
        let client = Arc::new(client(name, options, settings, spec).await?);
        let call = client.call("kinesis:DescribeStreamSummary");
        let summary = patiently(&call, options.patience, || client.describe()).await?;
        if streams.iter().any(|other| other.summary.arn == summary.arn) {
            return Err(SourceError::Refused(Box::new(Diagnostic::error(
                &condition::KINESIS_INVALID_OPTION,
                format!("stream `{}` is named twice", name.name()),
            ))));
        }
        streams.push(Stream {
            client,
            summary,
            shards: vec![],
            consumer: None,
            listed_at: None,
        });
    }
    Ok(streams)
}

impl Stream {
    /// Lists the shards anew if the list is older than `age_max`.
    pub(super) async fn list(
        &mut self,
        age_max: Duration,
        page: usize,
        patience: Duration,
    ) -> Result<(), SourceError> {
        if self.listed_at.is_some_and(|at| at.elapsed() < age_max) {
            return Ok(());
        }
        let call = self.client.call("kinesis:ListShards");
        let mut shards: Vec<ListedShard> = vec![];
        loop {
            let after = shards.last().map(|shard| shard.id.clone());
            let (next, has_more) = patiently(&call, patience, || {
                self.client.list_shards(after.as_deref(), page)
            })
            .await?;
            let is_over = next.is_empty() || !has_more;
            shards.extend(next);
            if is_over {
                break;
            }
        }
        self.shards = shards;
        self.listed_at = Some(Instant::now());
        Ok(())
    }
}

/// Makes a call until it succeeds, for as long as failures may last, and a few times as long while it is throttled.
pub(super) async fn patiently<T, F: Future<Output = Result<T, Trouble>>>(
    call: &Call<'_>,
    patience: Duration,
    mut make: impl FnMut() -> F,
) -> Result<T, SourceError> {
    let begun = Instant::now();
    let mut pause = PAUSE_MIN;
    loop {
        let (reason, longest) = match in_time(patience, make()).await {
            Ok(answer) => return Ok(answer),
            Err(Trouble::Throttled | Trouble::ExpiredIterator) => (
                "it is called too often".to_owned(),
                patience.saturating_mul(THROTTLED_PATIENCES),
            ),
            Err(Trouble::Transient(reason)) => (reason, patience),
            Err(Trouble::NotFound(message)) => return Err(call.not_found(&message)),
            Err(Trouble::Refused(message)) => return Err(call.refused(&message)),
            Err(Trouble::Final(error)) => return Err(error),
        };
        if begun.elapsed().saturating_add(pause) > longest {
            return Err(call.unreachable(&reason));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// The credentials that the call asks for, names looked up.
fn credentials<'a>(
    options: &'a KinesisOptions,
    settings: &'a KinesisSettings,
) -> Result<&'a AwsCredentialSpec, SourceError> {
    let Some(name) = &options.service_credential else {
        return Ok(if options.credentials.is_default() {
            &settings.default_credentials
        } else {
            &options.credentials
        });
    };
    settings.credentials.get(name).ok_or_else(|| {
        let known: Vec<String> = settings
            .credentials
            .keys()
            .map(|name| format!("`{name}`"))
            .collect();
        let mut refused = Diagnostic::error(
            &condition::CREDENTIAL_NOT_MAPPED,
            format!("service credential `{name}` is not mapped on this machine"),
        );
        if let Some(origin) = options.origins.of("serviceCredential") {
            refused = refused.at(origin, "");
        }
        if !known.is_empty() {
            refused = refused.fact(format!("sluice.yml maps {}", known.join(", ")));
        }
        SourceError::Refused(Box::new(refused.help(format!(
            "map it in sluice.yml: `credentials: {{{name}: {{profile: default}}}}`"
        ))))
    })
}

async fn client(
    name: &StreamName,
    options: &KinesisOptions,
    settings: &KinesisSettings,
    spec: &AwsCredentialSpec,
) -> Result<StreamClient, SourceError> {
    let region = region(name, options, settings, spec).await?;
    let credentials = AwsCredentials::of(spec, Some(&region)).await;
    // Asked for once here, so that none at all is told as that and not as a failed call.
    credentials.keys().await?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .build();
    // Retries are ours: the service counts every call of a shard.
    let mut config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.clone()))
        .credentials_provider(credentials.provider())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts)
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    config.set_endpoint_url(
        options
            .endpoint
            .clone()
            .or_else(|| settings.endpoint.clone()),
    );
    Ok(StreamClient {
        client: Client::from_conf(config.build()),
        name: name.clone(),
        region,
        credentials: credentials.described().to_owned(),
    })
}

/// The region of a stream: its ARN's, the call's, sluice.yml's, the environment's.
async fn region(
    name: &StreamName,
    options: &KinesisOptions,
    settings: &KinesisSettings,
    spec: &AwsCredentialSpec,
) -> Result<String, SourceError> {
    let told = name
        .region()
        .or(options.region.as_deref())
        .or(settings.region.as_deref());
    if let Some(region) = told {
        return Ok(region.to_owned());
    }
    let mut chain = DefaultRegionChain::builder();
    if let Some(profile) = &spec.profile {
        chain = chain.profile_name(profile);
    }
    if let Some(region) = chain.build().region().await {
        return Ok(region.to_string());
    }
    if options.endpoint.is_some() || settings.endpoint.is_some() {
        // An endpoint of one's own is where it is; the name only enters signatures.
        return Ok("us-east-1".into());
    }
    Err(SourceError::Refused(Box::new(
        Diagnostic::error(
            &condition::KINESIS_REGION_MISSING,
            format!("no region is known for stream `{}`", name.name()),
        )
        .help("write `region => 'us-east-1'`, or `kinesis: {region: us-east-1}` in sluice.yml, or set AWS_REGION"),
    )))
}
