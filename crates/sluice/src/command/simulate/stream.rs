//! `sluice simulate --to kinesis:STREAM`: where the stream is, and what is said when it takes no records. Must not make
//! records or calls.

use sluice_model::Diagnostic;
use sluice_model::condition::command::{
    SIMULATION_ARGUMENT_INVALID, SIMULATION_STREAM_NOT_FOUND, SIMULATION_STREAM_NOT_WRITABLE,
};
use sluice_model::condition::project::PROJECT_NOT_FOUND;
use sluice_source::generate::{PartitionKey, StreamPlace, StreamWriteError, StreamWriter};

use super::Maker;
use super::pump::Target;
use crate::arguments::{Global, Simulate};
use crate::edge;
use crate::workplace::kinesis_access;

/// The place of a stream: as the arguments say, else as sluice.yml of the project that one is in.
pub(super) fn place(
    global: &Global,
    asked: &Simulate,
    stream: &str,
) -> Result<StreamPlace, Vec<Diagnostic>> {
    let mut place = StreamPlace {
        stream: stream.to_owned(),
        region: asked.region.clone(),
        endpoint: asked.endpoint.clone(),
        ..StreamPlace::default()
    };
    let access = match edge::open(global, None) {
        Ok(opened) => opened
            .project
            .map(|project| kinesis_access(&project.settings)),
        // Sensors need no project.
        Err(error) if *error.condition == PROJECT_NOT_FOUND && global.project.is_none() => None,
        Err(error) => return Err(vec![*error]),
    };
    let access = access.unwrap_or_default();
    place.region = place.region.or(access.region);
    place.endpoint = place.endpoint.or(access.endpoint);
    match &asked.credential {
        None => place.credentials = access.default_credentials,
        Some(name) => match access.credentials.get(name) {
            Some(spec) => place.credentials = spec.clone(),
            None => {
                let message = format!("sluice.yml does not say what credential `{name}` is");
                return Err(vec![
                    Diagnostic::error(&SIMULATION_ARGUMENT_INVALID, message).help(format!(
                        "write `credentials: {{{name}: {{profile: dev}}}}` into sluice.yml"
                    )),
                ]);
            }
        },
    }
    Ok(place)
}

/// Opens the stream.
pub(super) async fn open(
    asked: &Simulate,
    maker: &Maker,
    place: &StreamPlace,
) -> Result<Target, Box<Diagnostic>> {
    let key = match (&asked.partition_key, maker) {
        (Some(field), _) => PartitionKey::Field(field.clone()),
        (None, Maker::Preset(preset)) => PartitionKey::Field(preset.key_field().to_owned()),
        (None, Maker::Template(_)) => PartitionKey::Own,
    };
    match StreamWriter::open(place, key, asked.create_stream).await {
        Ok(writer) => Ok(Target::Stream(Box::new(writer))),
        Err(error) => Err(Box::new(unwritable(asked, &error))),
    }
}

/// Why the stream takes no records.
pub(super) fn unwritable(asked: &Simulate, error: &StreamWriteError) -> Diagnostic {
    let fact = "what the stream has taken stays there";
    match error {
        StreamWriteError::NotFound { stream } => {
            Diagnostic::error(&SIMULATION_STREAM_NOT_FOUND, error.to_string())
                .fact("nothing was written")
                .help(format!("make it: `--to {} --create-stream 1`", asked.to))
                .help(format!(
                    "or look for it in another region: `aws kinesis describe-stream-summary --stream-name {stream}`"
                ))
        }
        StreamWriteError::NoRegion { .. } => {
            Diagnostic::error(&SIMULATION_STREAM_NOT_WRITABLE, error.to_string())
                .fact("nothing was written")
                .help("add `--region us-east-1`, set AWS_REGION, or write `kinesis: {region: us-east-1}` into sluice.yml")
        }
        StreamWriteError::Refused { action, code, .. } => {
            let said = Diagnostic::error(&SIMULATION_STREAM_NOT_WRITABLE, error.to_string());
            let said = said.fact(fact);
            if code.contains("AccessDenied") || code.contains("UnrecognizedClient") {
                said.help(format!("allow the action `{action}` to these credentials"))
            } else {
                said
            }
        }
        StreamWriteError::Unreachable { .. } => {
            Diagnostic::error(&SIMULATION_STREAM_NOT_WRITABLE, error.to_string())
                .fact(fact)
                .help("see which credentials there are: `aws sts get-caller-identity`")
                .help("to try without AWS: `sluice dev` brings streams along")
        }
    }
}
