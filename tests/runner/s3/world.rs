//! Buckets for cases: the first one starts a server that lives as long as the world of the case. Must not know what is stored.

use std::sync::Arc;

use sluice::testing::{Buckets, Trouble, Walk};
use sluice_source::aws::{AwsCredentialSpec, Secret};
use sluice_source::{S3, S3Settings};
use url::Url;

use super::server::{ACCESS_KEY, SECRET_KEY, Server};

/// Makes a bucket.
pub(crate) fn make_bucket(walk: &mut Walk, name: &str) -> Result<(), Trouble> {
    if name.is_empty() {
        return Err("which bucket?".into());
    }
    let buckets = match &walk.world.buckets {
        Some(buckets) => buckets,
        None => walk.world.buckets.insert(start()?),
    };
    let made = std::fs::create_dir_all(buckets.folder.join(name));
    made.map_err(|error| error.to_string().into())
}

/// Has the tables in a bucket.
pub(crate) fn keep_tables(walk: &mut Walk, url: &str) -> Result<(), Trouble> {
    let buckets = walk.world.buckets.as_mut().ok_or("make a bucket first")?;
    buckets.warehouse = Some(Url::parse(url).map_err(|error| error.to_string())?);
    Ok(())
}

fn start() -> Result<Buckets, String> {
    let server = Server::start(&[])?;
    let s3 = S3::new(S3Settings {
        endpoint: Some(server.endpoint.clone()),
        region: Some("us-east-1".into()),
        credentials: AwsCredentialSpec {
            access_key: Some(ACCESS_KEY.into()),
            secret_key: Some(Secret::new(SECRET_KEY)),
            ..AwsCredentialSpec::default()
        },
        ..S3Settings::default()
    });
    Ok(Buckets {
        s3,
        endpoint: server.endpoint.clone(),
        folder: server.bucket(""),
        warehouse: None,
        server: Arc::new(server),
    })
}
