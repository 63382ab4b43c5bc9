//! The registered consumer of enhanced fan-out: found, registered, and let go. Must not read records.

use std::time::{Duration, Instant};

use aws_sdk_kinesis::types::{ConsumerDescription, ConsumerStatus};
use sluice_model::Diagnostic;
use sluice_model::condition::kinesis as condition;

use super::client::StreamClient;
use super::open::patiently;
use super::trouble::Trouble;
use super::{ConsumerOptions, RegisteredConsumer};
use crate::SourceError;

/// How often a consumer that is being registered is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// A consumer that may subscribe.
#[derive(Debug, Clone)]
pub(super) struct Consumer {
    pub(super) arn: String,
    pub(super) looked_at: Instant,
}

/// Finds the consumer that the options name, or registers one.
pub(super) async fn find_or_register(
    client: &StreamClient,
    stream_arn: &str,
    options: &ConsumerOptions,
    place: usize,
    query_id: &str,
    patience: Duration,
) -> Result<Consumer, SourceError> {
    let given = options.registered.get(place);
    let name = match (given, &options.name) {
        (Some(RegisteredConsumer::Name(name)), _) | (None, Some(name)) => Some(name.clone()),
        (Some(RegisteredConsumer::Arn(_)), _) => None,
        (None, None) => Some(format!("{}{}", options.name_prefix, as_name(query_id))),
    };
    let arn = match given {
        Some(RegisteredConsumer::Arn(arn)) => Some(arn.clone()),
        Some(RegisteredConsumer::Name(_)) | None => None,
    };
    let begun = Instant::now();
    loop {
        let found = describe(client, stream_arn, name.clone(), arn.clone(), patience).await?;
        match found {
            Some(found) if found.consumer_status == ConsumerStatus::Active => {
                return Ok(Consumer {
                    arn: found.consumer_arn,
                    looked_at: Instant::now(),
                });
            }
            Some(_) => {}
            None if given.is_some() => {
                let id = name.or(arn).unwrap_or_default();
                return Err(not_found(client, &id));
            }
            None => {
                let name = name.as_deref().unwrap_or_default();
                register(client, stream_arn, name, patience).await?;
            }
        }
        if begun.elapsed() > options.register_timeout {
            let call = client.call("kinesis:DescribeStreamConsumer");
            return Err(call.unreachable("the consumer does not become active"));
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Lets a consumer go where the options ask for it; one that `registeredConsumerId` names is somebody else's. A process
/// that died may have registered it: the query is known by the name, not by who made it.
pub(super) async fn let_go(
    client: &StreamClient,
    consumer: &Consumer,
    options: &ConsumerOptions,
) -> Result<(), SourceError> {
    if !options.deregister || !options.registered.is_empty() {
        return Ok(());
    }
    let call = client.call("kinesis:DeregisterStreamConsumer");
    let longest = options.deregister_timeout;
    let gone = patiently(&call, longest, || async {
        let request = client.client.deregister_stream_consumer();
        match request.consumer_arn(&consumer.arn).send().await {
            Ok(_) => Ok(()),
            Err(error) => match call.trouble(&error) {
                Trouble::NotFound(_) => Ok(()),
                trouble => Err(trouble),
            },
        }
    });
    let gone = tokio::time::timeout(longest, gone).await;
    let gone = gone.unwrap_or_else(|_| Err(call.unreachable(&format!("not done in {longest:?}"))));
    gone.map_err(|error| {
        let told = error.to_diagnostic();
        let told = told
            .fact("the consumer stays registered, and AWS charges for it")
            .help(format!(
                "deregister it: `aws kinesis deregister-stream-consumer --consumer-arn {}`",
                consumer.arn
            ));
        SourceError::Refused(Box::new(told))
    })
}

async fn describe(
    client: &StreamClient,
    stream_arn: &str,
    name: Option<String>,
    arn: Option<String>,
    patience: Duration,
) -> Result<Option<ConsumerDescription>, SourceError> {
    let call = client.call("kinesis:DescribeStreamConsumer");
    patiently(&call, patience, || async {
        let request = client.client.describe_stream_consumer();
        let request = match &arn {
            Some(arn) => request.consumer_arn(arn),
            None => request
                .stream_arn(stream_arn)
                .set_consumer_name(name.clone()),
        };
        match request.send().await {
            Ok(answer) => Ok(answer.consumer_description),
            Err(error) => match call.trouble(&error) {
                Trouble::NotFound(_) => Ok(None),
                trouble => Err(trouble),
            },
        }
    })
    .await
}

async fn register(
    client: &StreamClient,
    stream_arn: &str,
    name: &str,
    patience: Duration,
) -> Result<(), SourceError> {
    let call = client.call("kinesis:RegisterStreamConsumer");
    patiently(&call, patience, || async {
        let request = client.client.register_stream_consumer();
        let answer = request.stream_arn(stream_arn).consumer_name(name).send();
        let Err(error) = answer.await else {
            return Ok(());
        };
        let is_taken = error
            .as_service_error()
            .is_some_and(aws_sdk_kinesis::operation::register_stream_consumer::RegisterStreamConsumerError::is_resource_in_use_exception);
        if is_taken {
            // Somebody else registered it in this moment: that is as good.
            return Ok(());
        }
        Err(match call.trouble(&error) {
            Trouble::Throttled => Trouble::Final(limit(client, name)),
            trouble => trouble,
        })
    })
    .await
}

fn limit(client: &StreamClient, name: &str) -> SourceError {
    let stream = client.name.name();
    SourceError::Refused(Box::new(
        Diagnostic::error(
            &condition::KINESIS_EFO_SUBSCRIBE_LIMIT_EXCEEDED,
            format!("consumer `{name}` cannot be registered with stream `{stream}`: it has as many as it may have"),
        )
        .help("deregister consumers that nobody uses, or write `consumerMode => 'polling'`"),
    ))
}

fn not_found(client: &StreamClient, id: &str) -> SourceError {
    let stream = client.name.name();
    SourceError::Refused(Box::new(
        Diagnostic::error(
            &condition::KINESIS_EFO_CONSUMER_NOT_FOUND,
            format!("consumer `{id}` is not registered with stream `{stream}`"),
        )
        .help("leave `registeredConsumerId` out to have one registered"),
    ))
}

/// The letters that a consumer's name may have.
fn as_name(query_id: &str) -> String {
    query_id
        .chars()
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' | '-' => letter,
            _ => '-',
        })
        .take(100)
        .collect()
}
