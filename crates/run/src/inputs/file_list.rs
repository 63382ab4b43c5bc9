//! The lists of files that the micro-batches of a flow took: written before the plan that names them, folded now and
//! then, never deleted. Must not choose files.

use sluice_source::{
    FileEntry, SeenIndex, TakenFile, compact_file_lists, decode_file_list, encode_file_list,
};

use crate::error::Result;
use crate::progress::Progress;

/// Batches after which the lists of files are folded into one.
const COMPACT_EVERY: i64 = 100;

/// The list of the files of a micro-batch, with its digest.
pub(crate) fn encode(batch: i64, files: &[FileEntry]) -> Result<sluice_source::EncodedFileList> {
    let batch = u64::try_from(batch).unwrap_or_default();
    let rows: Vec<TakenFile> = files
        .iter()
        .map(|file| TakenFile {
            batch,
            file: file.clone(),
        })
        .collect();
    Ok(encode_file_list(&rows).map_err(|error| error.to_diagnostic())?)
}

/// The name of the list of a micro-batch.
pub(crate) fn list_name(batch: i64, key: &str, digest: &str) -> String {
    format!("{batch:020}-{key}-{digest}.parquet")
}

fn compact_name(batch: i64, key: &str) -> String {
    format!("upto-{batch:020}-{key}.parquet")
}

/// A digest of the list of a batch chained to the one before it.
pub(crate) fn chained(before: &str, list: &str) -> String {
    format!(
        "{:08x}",
        crc32c::crc32c(format!("{before}{list}").as_bytes())
    )
}

/// The files that committed batches took, folded from their lists; `expected` is how many the last offset counts.
pub(crate) async fn seen(progress: &Progress, key: &str, expected: u64) -> Result<SeenIndex> {
    let mut index = SeenIndex::new();
    let mut count = 0_u64;
    for rows in committed_lists(progress, key).await? {
        count += rows.len() as u64;
        index.extend(&rows);
    }
    if count == expected {
        return Ok(index);
    }
    Err(progress.store.lost(&format!(
        "the lists of taken files hold {count} files, the last micro-batch counts {expected}"
    )))
}

/// The lists of files of all committed batches, the folded one first.
async fn committed_lists(progress: &Progress, key: &str) -> Result<Vec<Vec<TakenFile>>> {
    if progress.committed < 0 {
        return Ok(vec![]);
    }
    let names = progress.store.names("files").await?;
    let suffix = format!("-{key}.parquet");
    let folded = names
        .iter()
        .filter_map(|name| {
            let batch: i64 = name
                .strip_prefix("upto-")?
                .strip_suffix(&suffix)?
                .parse()
                .ok()?;
            (batch <= progress.committed).then_some(batch)
        })
        .max();
    let mut lists = vec![];
    if let Some(batch) = folded {
        lists.push(read_list(progress, &compact_name(batch, key)).await?);
    }
    for batch in folded.map_or(0, |batch| batch + 1)..=progress.committed {
        let prefix = format!("{batch:020}-{key}-");
        let candidates: Vec<&String> = names
            .iter()
            .filter(|name| name.starts_with(&prefix))
            .collect();
        if candidates.is_empty() {
            continue;
        }
        // A list without a plan that names it was left by an engine that died before it wrote the plan.
        let plan = progress.store.plan_of(batch).await?;
        let range = plan.as_ref().and_then(|plan| plan.sources.get(key));
        let named = range
            .filter(|range| range.count > 0)
            .map(|range| list_name(batch, key, &range.digest));
        match (plan, named, candidates.as_slice()) {
            (Some(_), Some(name), _) => lists.push(read_list(progress, &name).await?),
            (None, _, [only]) => lists.push(read_list(progress, only).await?),
            _ => {}
        }
    }
    Ok(lists)
}

async fn read_list(progress: &Progress, name: &str) -> Result<Vec<TakenFile>> {
    let bytes = progress.store.require("files", name).await?;
    Ok(decode_file_list(name, bytes, None).map_err(|error| error.to_diagnostic())?)
}

/// Every file that committed batches took.
pub(crate) async fn taken_files(progress: &Progress, key: &str) -> Result<Vec<TakenFile>> {
    Ok(committed_lists(progress, key)
        .await?
        .into_iter()
        .flatten()
        .collect())
}

/// Folds the lists of files and forgets old plans, now and then; safe to stop anywhere.
pub(crate) async fn tidy_up(progress: &Progress, keys: &[String]) -> Result<()> {
    if progress.committed < COMPACT_EVERY || progress.committed % COMPACT_EVERY != 0 {
        return Ok(());
    }
    for key in keys {
        let rows = compact_file_lists(committed_lists(progress, key).await?);
        let list = encode_file_list(&rows).map_err(|error| error.to_diagnostic())?;
        progress
            .store
            .put("files", &compact_name(progress.committed, key), list.bytes)
            .await?;
    }
    progress
        .store
        .forget_plans_before(progress.committed - COMPACT_EVERY)
        .await
}
