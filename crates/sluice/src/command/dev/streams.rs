//! The streams that a project reads, on a Kinesis of this machine: which they are, and calls that ask it instead of AWS.
//! Must not put records on them.

use std::sync::Arc;

use sluice_graph::DeclaredGraph;
use sluice_graph::query::{Argument, ArgumentValue, RelationSource, TableFunction};
use sluice_model::Origin;
use sluice_source::aws::{AwsCredentialSpec, Secret};
use sluice_source::generate::StreamPlace;

use crate::embedded_kinesis::{EmbeddedKinesis, REGION};

/// Any keys will do: the Kinesis of this machine asks for some and looks at none.
const KEY: &str = "local";
/// Arguments that say where a stream is and who reads it.
const ELSEWHERE: [&str; 9] = [
    "endpoint",
    "region",
    "serviceCredential",
    "awsAccessKey",
    "awsSecretKey",
    "roleArn",
    "roleExternalId",
    "roleSessionName",
    "stsEndpoint",
];

/// The streams that a graph reads, in order of appearance.
pub(super) fn streams_of(declared: &DeclaredGraph) -> Vec<String> {
    let mut streams = vec![];
    for flow in declared.flows.values() {
        for relation in &flow.query.relations {
            let RelationSource::Function(call) = &relation.source else {
                continue;
            };
            for stream in named(call) {
                if !streams.contains(&stream) {
                    streams.push(stream);
                }
            }
        }
    }
    streams
}

/// The streams of a call, by name or as the last part of an ARN.
fn named(call: &TableFunction) -> Vec<String> {
    if call.name != "read_kinesis" {
        return vec![];
    }
    let written = call.named("streamName").or_else(|| call.named("streamARN"));
    let Some(ArgumentValue::String(text)) = written.map(|argument| &argument.value) else {
        return vec![];
    };
    let names = text.split(',').map(|name| {
        let name = name.trim();
        name.rsplit_once('/').map_or(name, |(_, last)| last)
    });
    names
        .filter(|name| !name.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

/// Makes every call ask the Kinesis of this machine, whatever it says of regions and credentials.
pub(super) fn turn_to(declared: &mut DeclaredGraph, endpoint: &str) {
    for flow in declared.flows.values_mut() {
        let reads = |source: &RelationSource| matches!(source, RelationSource::Function(call) if call.name == "read_kinesis");
        if !flow.query.relations.iter().any(|r| reads(&r.source)) {
            continue;
        }
        for relation in &mut Arc::make_mut(&mut flow.query).relations {
            if let RelationSource::Function(call) = &mut relation.source
                && call.name == "read_kinesis"
            {
                turn_call(call, endpoint);
            }
        }
    }
}

fn turn_call(call: &mut TableFunction, endpoint: &str) {
    let is_elsewhere = |argument: &Argument| {
        let name = argument.name.as_deref().unwrap_or_default();
        ELSEWHERE
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
    };
    call.arguments.retain(|argument| !is_elsewhere(argument));
    let origin = call.origin.clone();
    for argument in &mut call.arguments {
        by_name(argument);
    }
    let added = [
        ("endpoint", endpoint),
        ("region", REGION),
        ("awsAccessKey", KEY),
        ("awsSecretKey", KEY),
    ];
    for (name, value) in added {
        call.arguments.push(text_argument(name, value, &origin));
    }
}

/// A stream of another account is here by its name.
fn by_name(argument: &mut Argument) {
    let is_arn = argument
        .name
        .as_deref()
        .is_some_and(|name| name.eq_ignore_ascii_case("streamARN"));
    if let (true, ArgumentValue::String(text)) = (is_arn, &argument.value) {
        let names = text
            .split(',')
            .map(|arn| arn.trim().rsplit_once('/').map_or(arn, |(_, last)| last));
        let names: Vec<&str> = names.collect();
        argument.value = ArgumentValue::String(names.join(","));
        argument.name = Some("streamName".to_owned());
    }
}

fn text_argument(name: &str, value: &str, origin: &Origin) -> Argument {
    Argument {
        name: Some(name.to_owned()),
        value: ArgumentValue::String(value.to_owned()),
        origin: origin.clone(),
    }
}

/// Where a stream of this machine is, for whoever writes to it.
pub(super) fn place(kinesis: &EmbeddedKinesis, stream: &str) -> StreamPlace {
    StreamPlace {
        stream: stream.to_owned(),
        region: Some(REGION.to_owned()),
        endpoint: Some(kinesis.endpoint().to_owned()),
        credentials: AwsCredentialSpec {
            access_key: Some(KEY.to_owned()),
            secret_key: Some(Secret::new(KEY)),
            ..AwsCredentialSpec::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(arguments: &[(&str, &str)]) -> TableFunction {
        let origin = Origin::new("a.sql", 1, 1, 1);
        let arguments = arguments
            .iter()
            .map(|(name, value)| text_argument(name, value, &origin));
        TableFunction {
            name: "read_kinesis".to_owned(),
            arguments: arguments.collect(),
            origin: origin.clone(),
        }
    }

    #[test]
    fn streams_have_names_or_arns() {
        let by_names = call(&[("streamname", "a, b")]);
        assert_eq!(named(&by_names), ["a", "b"]);
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/readings";
        assert_eq!(named(&call(&[("streamARN", arn)])), ["readings"]);
    }

    #[test]
    fn calls_ask_this_machine_only() {
        let mut turned = call(&[
            ("streamARN", "arn:aws:kinesis:eu-west-1:1:stream/s"),
            ("ServiceCredential", "production"),
            ("roleArn", "arn:aws:iam::1:role/r"),
            ("initialPosition", "latest"),
            ("region", "eu-west-1"),
        ]);
        turn_call(&mut turned, "http://127.0.0.1:1");
        let said: Vec<String> = turned
            .arguments
            .iter()
            .map(|a| format!("{}={}", a.name.as_deref().unwrap(), a.value))
            .collect();
        assert_eq!(
            said,
            [
                "streamName='s'",
                "initialPosition='latest'",
                "endpoint='http://127.0.0.1:1'",
                "region='us-east-1'",
                "awsAccessKey='local'",
                "awsSecretKey='local'",
            ]
        );
    }
}
