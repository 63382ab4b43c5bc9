//! The options of `read_kinesis`, typed and with Databricks' defaults. Must not open anything.

use sluice_model::suggest::{closest, did_you_mean};
use std::sync::Arc;
use std::time::Duration;

use arrow_schema::{Schema, SchemaRef};
use sluice_model::condition::kinesis as condition;
use sluice_model::{Diagnostic, Origin};

use super::option_value::{EFO_ONLY, NAMES, Pending, Taken, apply, registered};
use super::{InitialPosition, columns};
use crate::OptionOrigins;
use crate::aws::AwsCredentialSpec;

/// A stream as the query names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamName {
    /// By name, in the account of the credentials and the region of the call.
    Name(String),
    /// By ARN, which names region and account too.
    Arn(String),
}

impl StreamName {
    /// The name without region and account, for messages and the column `stream`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Arn(arn) => arn.rsplit_once('/').map_or(arn, |(_, name)| name),
        }
    }

    /// The region that an ARN names.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Name(_) => None,
            Self::Arn(arn) => arn.split(':').nth(3).filter(|region| !region.is_empty()),
        }
    }
}

/// How records leave the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumerMode {
    /// `polling`: shards are asked, at most five times a second, and share 2 MB/s with all other readers.
    Polling,
    /// `efo`: a registered consumer has 2 MB/s of each shard for itself, and records are pushed to it.
    EnhancedFanOut,
}

/// A consumer that was registered before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegisteredConsumer {
    /// By name.
    Name(String),
    /// By ARN.
    Arn(String),
}

/// The registered consumer of enhanced fan-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerOptions {
    /// `consumerName`; `None`: the prefix with the identity of the query.
    pub name: Option<String>,
    /// `consumerNamePrefix`
    pub name_prefix: String,
    /// `consumerRefreshInterval`: how often the registration is looked at.
    pub refresh_interval: Duration,
    /// `registerConsumerTimeoutInterval`
    pub register_timeout: Duration,
    /// `requireConsumerDeregistration`: whether a consumer goes when the source is closed, unless `registered` names it.
    pub deregister: bool,
    /// `deregisterConsumerTimeoutInterval`
    pub deregister_timeout: Duration,
    /// `registeredConsumerId`, one for each stream; empty: we register one.
    pub registered: Vec<RegisteredConsumer>,
}

/// Every option of one call of `read_kinesis`, checked.
#[derive(Debug, Clone)]
pub struct KinesisOptions {
    /// `streamName` or `streamARN`; never empty.
    pub streams: Vec<StreamName>,
    /// `region`
    pub region: Option<String>,
    /// `endpoint`
    pub endpoint: Option<String>,
    /// `initialPosition`; only looked at when there is no offset yet.
    pub initial_position: InitialPosition,
    /// `consumerMode`
    pub consumer_mode: ConsumerMode,
    /// The options of a registered consumer.
    pub consumer: ConsumerOptions,
    /// `maxRecordsPerFetch`: records that one call asks for.
    pub records_per_call_max: usize,
    /// `maxFetchRate`, in bytes per second and shard.
    pub shard_bytes_per_second_max: u64,
    /// `minFetchPeriod`: between two calls of one shard.
    pub poll_interval_min: Duration,
    /// `maxFetchDuration`: after this long a fetch returns what it has.
    pub fetch_duration_max: Duration,
    /// `shardFetchInterval`: how often the shards of a stream are listed.
    pub list_interval: Duration,
    /// `maxShardsPerDescribe`: shards on one page of that list.
    pub shards_per_list_max: usize,
    /// `serviceCredential`: a name that sluice.yml maps.
    pub service_credential: Option<String>,
    /// `awsAccessKey`, `roleArn` and so on.
    pub credentials: AwsCredentialSpec,
    /// `failOnDataLoss`, an option of ours: whether records that the stream no longer holds stop the flow. Default true.
    pub fail_on_data_loss: bool,
    /// `deaggregate`, an option of ours: whether aggregates of the Kinesis Producer Library are taken apart. Default
    /// true.
    pub deaggregate: bool,
    /// Whether there is a column `subSequenceNumber`: `deaggregate => true` is written out.
    pub has_sub_sequence_number: bool,
    /// For how long the service may fail before that is an error: one minute. Not an option of the query.
    pub patience: Duration,
    /// Where options were written.
    pub origins: OptionOrigins,
    /// Options that were accepted and have no effect here, with the reason.
    pub notes: Vec<Diagnostic>,
}

impl KinesisOptions {
    /// The options of a call that names its streams and nothing else.
    #[must_use]
    pub fn defaults(streams: Vec<StreamName>) -> Self {
        Self {
            streams,
            region: None,
            endpoint: None,
            initial_position: InitialPosition::Latest,
            consumer_mode: ConsumerMode::Polling,
            consumer: ConsumerOptions {
                name: None,
                name_prefix: "databricks_".into(),
                refresh_interval: Duration::from_mins(5),
                register_timeout: Duration::from_mins(5),
                deregister: false,
                deregister_timeout: Duration::from_mins(5),
                registered: vec![],
            },
            records_per_call_max: 10_000,
            shard_bytes_per_second_max: 1_048_576,
            poll_interval_min: Duration::from_millis(400),
            fetch_duration_max: Duration::from_secs(10),
            list_interval: Duration::from_secs(1),
            shards_per_list_max: 100,
            service_credential: None,
            credentials: AwsCredentialSpec::default(),
            fail_on_data_loss: true,
            deaggregate: true,
            has_sub_sequence_number: false,
            patience: Duration::from_mins(1),
            origins: OptionOrigins::default(),
            notes: vec![],
        }
    }

    /// Reads the named arguments of a call, names in any case. `call` is the place of the call itself.
    ///
    /// # Errors
    /// Every unknown option (with the nearest known name) and every bad value or combination, each with its place.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = (String, String, Origin)>,
        call: &Origin,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut options = Self::defaults(vec![]);
        let mut pending = Pending::default();
        let mut errors = vec![];
        for (name, text, origin) in arguments {
            let key = name.trim().to_ascii_lowercase();
            if options.origins.of(&key).is_some() {
                let message = format!("option `{name}` is given twice");
                errors.push(
                    Diagnostic::error(&condition::KINESIS_INVALID_OPTION, message)
                        .at(&origin, "the second one"),
                );
                continue;
            }
            options.origins.insert(key.clone(), origin.clone());
            match apply(&mut options, &mut pending, &key, &text) {
                Ok(Taken::Yes) => {}
                Ok(Taken::WithoutEffect(reason)) => options.notes.push(
                    Diagnostic::note(
                        &condition::KINESIS_OPTION_WITHOUT_EFFECT,
                        format!("option `{name}` has no effect: {reason}"),
                    )
                    .at(&origin, ""),
                ),
                Ok(Taken::Unknown) => errors.push(unknown(&name, &origin)),
                Err(expected) => {
                    let shown = if key.contains("secret") || key.contains("token") {
                        "the value given".to_owned()
                    } else {
                        format!("`{text}`")
                    };
                    let message = format!("option `{name}` cannot be {shown}: {expected}");
                    errors.push(
                        Diagnostic::error(&condition::KINESIS_INVALID_OPTION, message)
                            .at(&origin, ""),
                    );
                }
            }
        }
        options.settle(pending, call, &mut errors);
        if errors.is_empty() {
            Ok(options)
        } else {
            Err(errors)
        }
    }

    /// The columns that the call gives.
    #[must_use]
    pub fn columns(&self) -> SchemaRef {
        Arc::new(Schema::new(columns::fields(self.has_sub_sequence_number)))
    }

    /// What depends on several options at once.
    fn settle(&mut self, pending: Pending, call: &Origin, errors: &mut Vec<Diagnostic>) {
        self.streams = match (pending.names, pending.arns) {
            (Some(names), None) => names.into_iter().map(StreamName::Name).collect(),
            (None, Some(arns)) => arns.into_iter().map(StreamName::Arn).collect(),
            // A value that was refused is told already.
            (None, None)
                if self
                    .origins
                    .of("streamName")
                    .or(self.origins.of("streamARN"))
                    .is_some() =>
            {
                vec![]
            }
            (names, _) => {
                let message = if names.is_some() {
                    "`streamName` and `streamARN` are both given"
                } else {
                    "`read_kinesis` is not told which stream to read"
                };
                errors.push(
                    Diagnostic::error(
                        &condition::KINESIS_SOURCE_MUST_SPECIFY_STREAM_NAMES_OR_ARNS,
                        message,
                    )
                    .at(call, "")
                    .help("write `streamName => 'sensors'`, or several: `streamName => 'a,b'`"),
                );
                vec![]
            }
        };
        self.check_arns(errors);
        self.check_credentials(call, errors);
        self.settle_consumer(
            pending.consumer_ids,
            pending.consumer_ids_are_arns,
            call,
            errors,
        );
    }

    fn check_arns(&self, errors: &mut Vec<Diagnostic>) {
        for stream in &self.streams {
            if let StreamName::Arn(arn) = stream
                && !(arn.starts_with("arn:")
                    && arn.contains(":kinesis:")
                    && arn.contains(":stream/"))
            {
                let message = format!("`{arn}` is not the ARN of a stream");
                let mut error = Diagnostic::error(&condition::KINESIS_INVALID_OPTION, message);
                if let Some(origin) = self.origins.of("streamARN") {
                    error = error.at(origin, "");
                }
                errors.push(error.help(
                    "an ARN looks like `arn:aws:kinesis:us-east-1:123456789012:stream/sensors`",
                ));
            }
        }
    }

    fn check_credentials(&self, call: &Origin, errors: &mut Vec<Diagnostic>) {
        let refuse = |message: &str, help: &str| {
            Diagnostic::error(&condition::KINESIS_INVALID_OPTION, message)
                .at(call, "")
                .help(help)
        };
        let spec = &self.credentials;
        if spec.access_key.is_some() != spec.secret_key.is_some() {
            errors.push(refuse(
                "`awsAccessKey` and `awsSecretKey` belong together and one of them is missing",
                "give both, or name credentials that sluice.yml maps: `serviceCredential => 'name'`",
            ));
        }
        if self.service_credential.is_some() && !spec.is_default() {
            errors.push(refuse(
                "`serviceCredential` is given together with other credentials",
                "leave the others out, and map the name in sluice.yml under `credentials:`",
            ));
        }
        if spec.role_arn.is_none() && (spec.external_id.is_some() || spec.session_name.is_some()) {
            errors.push(refuse(
                "`roleExternalId` and `roleSessionName` are about a role, and `roleArn` is missing",
                "write `roleArn => 'arn:aws:iam::123456789012:role/reader'`",
            ));
        }
    }

    fn settle_consumer(
        &mut self,
        ids: Option<Vec<String>>,
        are_arns: Option<bool>,
        call: &Origin,
        errors: &mut Vec<Diagnostic>,
    ) {
        if self.consumer_mode == ConsumerMode::Polling {
            for name in EFO_ONLY {
                if let Some(origin) = self.origins.of(name) {
                    let spelled = NAMES
                        .iter()
                        .find(|known| known.eq_ignore_ascii_case(name))
                        .unwrap_or(name);
                    errors.push(
                        Diagnostic::error(
                            &condition::KINESIS_SOURCE_MUST_BE_IN_EFO_MODE_TO_CONFIGURE_CONSUMERS,
                            format!("option `{spelled}` needs `consumerMode => 'efo'`"),
                        )
                        .at(origin, ""),
                    );
                }
            }
            return;
        }
        let refused_already = ["registeredConsumerId", "registeredConsumerIdType"]
            .iter()
            .filter(|name| self.origins.of(name).is_some())
            .count()
            > usize::from(ids.is_some()) + usize::from(are_arns.is_some());
        match (ids, are_arns) {
            (None, None) => {}
            (Some(ids), Some(are_arns)) if ids.len() == self.streams.len() => {
                self.consumer.registered = registered(ids, are_arns);
            }
            _ if refused_already => {}
            (ids, are_arns) => {
                let message = match (&ids, are_arns) {
                    (Some(ids), Some(_)) => format!(
                        "`registeredConsumerId` names {} and there are {} streams",
                        ids.len(),
                        self.streams.len()
                    ),
                    (Some(_), None) => "`registeredConsumerIdType` is missing".to_owned(),
                    (None, _) => "`registeredConsumerId` is missing".to_owned(),
                };
                errors.push(
                    Diagnostic::error(
                        &condition::KINESIS_SOURCE_MUST_SPECIFY_REGISTERED_CONSUMER_ID_AND_TYPE,
                        message,
                    )
                    .at(call, ""),
                );
            }
        }
    }
}

fn unknown(name: &str, origin: &Origin) -> Diagnostic {
    let error = Diagnostic::error(
        &condition::KINESIS_UNKNOWN_OPTION,
        format!("`read_kinesis` has no option `{name}`"),
    )
    .at(origin, "");
    match closest(name, NAMES.iter().copied()) {
        Some(known) => error.help(did_you_mean(known)),
        None => error,
    }
}

#[cfg(test)]
#[path = "option_tests.rs"]
mod tests;
