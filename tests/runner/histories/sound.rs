//! The station `sound`: the logs of all tables hold each version, file and txn once, and records of a device came into the
//! first table in their order. Must not know the history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use futures::TryStreamExt;
use futures::future::BoxFuture;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::Value;
use sluice::testing::{Backstage, Station, Trouble, Walk};

/// The station.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sound;

impl Backstage for Sound {
    fn station<'a>(
        &'a self,
        walk: &'a mut Walk,
        station: &'a Station,
    ) -> Option<BoxFuture<'a, Result<(), Trouble>>> {
        if station.verb != "sound" {
            return None;
        }
        let objects = walk.world.objects();
        Some(Box::pin(async move {
            all_sound(objects).await.map_err(Trouble::Failed)
        }))
    }
}

async fn all_sound(objects: Arc<InMemory>) -> Result<(), String> {
    let mut logs: BTreeMap<String, Vec<Path>> = BTreeMap::new();
    let mut listed = objects.list(None);
    while let Some(object) = listed.try_next().await.map_err(said)? {
        let place = object.location;
        if let Some((table, _)) = place.as_ref().split_once("/_delta_log/0")
            && place.extension() == Some("json")
        {
            logs.entry(table.to_owned()).or_default().push(place);
        }
    }
    if !logs.keys().any(|table| table.ends_with("/raw")) {
        return Err("there is no log of `raw`: nothing was judged".to_owned());
    }
    for (table, mut commits) in logs {
        commits.sort();
        let log = Log::read(&objects, &table, &commits).await?;
        if table.ends_with("/raw") {
            in_order(&objects, &table, &log).await?;
        }
    }
    Ok(())
}

/// The files that each commit of a table added.
struct Log(Vec<Vec<String>>);

impl Log {
    async fn read(objects: &InMemory, table: &str, commits: &[Path]) -> Result<Self, String> {
        let mut added = vec![];
        let mut known = BTreeSet::new();
        let mut applications: BTreeMap<String, i64> = BTreeMap::new();
        for (version, place) in commits.iter().enumerate() {
            if place.filename() != Some(&format!("{version:020}.json")) {
                return Err(format!("{table}: version {version} is not there: {place}"));
            }
            let bytes = objects.get(place).await.map_err(said)?.bytes().await;
            let bytes = bytes.map_err(said)?;
            let mut files = vec![];
            for line in bytes.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
                let action: Value = serde_json::from_slice(line).map_err(said)?;
                let txn = action.get("txn").unwrap_or(&Value::Null);
                // The event log counts the batches that it tells of, which may leave some out.
                if let Some(application) = txn["appId"].as_str()
                    && application.starts_with("sluice/")
                {
                    let application = application.to_owned();
                    let found = txn["version"].as_i64().unwrap_or(-1);
                    let expected = applications.get(&application).map_or(0, |last| last + 1);
                    if found != expected {
                        return Err(format!(
                            "{table} {version}: txn {found} of {application} stands where {expected} should"
                        ));
                    }
                    applications.insert(application, found);
                }
                if let Some(path) = action["add"]["path"].as_str() {
                    if !known.insert(path.to_owned()) {
                        return Err(format!("{table} {version}: {path} is added twice"));
                    }
                    files.push(path.to_owned());
                }
            }
            added.push(files);
        }
        Ok(Self(added))
    }
}

/// A later commit holds no earlier record of a device.
async fn in_order(objects: &InMemory, table: &str, log: &Log) -> Result<(), String> {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (version, files) in log.0.iter().enumerate() {
        let mut seen = vec![];
        for file in files {
            let place = Path::parse(format!("{table}/{file}")).map_err(said)?;
            let bytes = objects.get(&place).await.map_err(said)?.bytes().await;
            let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.map_err(said)?);
            let batches = reader.and_then(ParquetRecordBatchReaderBuilder::build);
            for batch in batches.map_err(said)? {
                let batch = batch.map_err(said)?;
                let column = |name: &str| {
                    let found = batch.column_by_name(name).ok_or("a column is missing")?;
                    cast(found, &DataType::Utf8).map_err(said)
                };
                let (devices, payloads) = (column("device")?, column("payload")?);
                let (devices, payloads) = (devices.as_string::<i32>(), payloads.as_string::<i32>());
                for row in 0..payloads.len() {
                    let text = payloads.value(row).trim_start_matches("not ");
                    let record: Value = serde_json::from_str(text).map_err(said)?;
                    let order = record["k"].as_i64().ok_or("a record without order")?;
                    seen.push((devices.value(row).to_owned(), order));
                }
            }
        }
        for (device, order) in &seen {
            if last.get(device).is_some_and(|last| order < last) {
                return Err(format!(
                    "{table} {version}: record {order} of {device} comes after {}",
                    last[device]
                ));
            }
        }
        for (device, order) in seen {
            let highest = last.entry(device).or_insert(order);
            *highest = order.max(*highest);
        }
    }
    Ok(())
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}
