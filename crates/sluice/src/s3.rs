//! How buckets are reached, from `s3:` of sluice.yml and the environment. Must not open any.

use std::collections::BTreeMap;
use std::time::Duration;

use sluice_model::condition::s3::S3_SETTINGS_INVALID;
use sluice_model::{Diagnostic, Origin};
use sluice_source::aws::AwsCredentialSpec;
use sluice_source::{S3, S3Settings};
use sluice_sql::project::Project;

/// S3 as a project and this machine say. `known`: what sluice.yml has under `credentials:`.
pub(crate) fn of(
    project: &Project,
    known: &BTreeMap<String, AwsCredentialSpec>,
) -> Result<S3, Box<Diagnostic>> {
    let written = &project.settings.s3;
    let of_environment = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
    let credentials = match &written.credentials {
        None => AwsCredentialSpec::default(),
        Some(name) => known.get(name).cloned().ok_or_else(|| unknown(name))?,
    };
    let mut settings = S3Settings {
        endpoint: written.endpoint.clone().or(of_environment),
        region: written.region.clone(),
        path_style: written.path_style,
        credentials,
        ..S3Settings::default()
    };
    if let Some(seconds) = written.request_timeout_seconds {
        settings.request_timeout = Duration::from_secs(seconds);
    }
    Ok(S3::new(settings))
}

fn unknown(name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        &S3_SETTINGS_INVALID,
        format!("`s3:` in sluice.yml names credentials `{name}`, which are not there"),
    );
    diagnostic
        .at(&Origin::new("sluice.yml", 1, 1, 0), "")
        .help(format!(
            "add them:\ncredentials:\n  {name}: {{profile: default}}"
        ))
}
