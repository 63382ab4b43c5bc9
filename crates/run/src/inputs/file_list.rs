//! The lists of files that the micro-batches of a flow took: written before the plan that names them, folded now and
//! then, never deleted. Must not choose files.

use std::ops::RangeInclusive;

use sluice_checkpoint::BatchPlan;
use sluice_source::{
    FileEntry, SeenIndex, TakenFile, compact_file_lists, decode_file_list, encode_file_list,
};

use crate::error::Result;
use crate::progress::Progress;

/// Micro-batches whose lists are folded into one.
const PORTION: i64 = 100;
/// Micro-batches after which all lists are folded into one: what is written for it grows with all files ever taken.
const WHOLE_EVERY: i64 = 10_000;

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

/// Lists of several micro-batches as one: of those from `from` to `to`.
#[derive(Debug)]
struct Folded<'a> {
    from: i64,
    to: i64,
    name: &'a str,
}

impl<'a> Folded<'a> {
    /// The name of the list of all micro-batches up to one.
    fn whole_name(to: i64, key: &str) -> String {
        format!("upto-{to:020}-{key}.parquet")
    }

    /// The name of the list of some micro-batches; the last one stands first, as in the other kind.
    fn portion_name(from: i64, to: i64, key: &str) -> String {
        format!("fold-{to:020}-{from:020}-{key}.parquet")
    }

    fn parse(name: &'a str, key: &str) -> Option<Self> {
        let numbers = name.strip_suffix(&format!("-{key}.parquet"))?;
        let (from, to) = match numbers.strip_prefix("upto-") {
            Some(to) => ("0", to),
            None => {
                let (to, from) = numbers.strip_prefix("fold-")?.split_once('-')?;
                (from, to)
            }
        };
        let (from, to) = (from.parse().ok()?, to.parse().ok()?);
        Some(Self { from, to, name })
    }
}

/// The last batch of which a list tells, by its name; `None` for what is no list.
pub(crate) fn last_batch(name: &str) -> Option<i64> {
    let folded = name.strip_prefix("upto-").or(name.strip_prefix("fold-"));
    folded.unwrap_or(name).get(..20)?.parse().ok()
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
    for rows in committed_lists(progress, key, progress.committed).await? {
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

/// The lists of files of the committed batches up to one, in their order; folded ones where there are such.
async fn committed_lists(progress: &Progress, key: &str, upto: i64) -> Result<Vec<Vec<TakenFile>>> {
    if upto < 0 {
        return Ok(vec![]);
    }
    let names = progress.store.names("files").await?;
    let folded: Vec<Folded<'_>> = names
        .iter()
        .filter_map(|name| Folded::parse(name, key))
        .filter(|folded| folded.to <= upto)
        .collect();
    let mut lists = vec![];
    let mut next = 0;
    while next <= upto {
        let begin_here = folded.iter().filter(|folded| folded.from == next);
        if let Some(longest) = begin_here.max_by_key(|folded| folded.to) {
            lists.push(read_list(progress, longest.name).await?);
            next = longest.to + 1;
        } else {
            lists.extend(list_of(progress, key, next, &names).await?);
            next += 1;
        }
    }
    Ok(lists)
}

/// The list of one committed batch, if it took files; `names` are those of all lists, sorted.
async fn list_of(
    progress: &Progress,
    key: &str,
    batch: i64,
    names: &[String],
) -> Result<Option<Vec<TakenFile>>> {
    let prefix = format!("{batch:020}-{key}-");
    let first = names.partition_point(|name| *name < prefix);
    let candidates: Vec<&String> = names
        .iter()
        .skip(first)
        .take_while(|name| name.starts_with(&prefix))
        .collect();
    if candidates.is_empty() {
        return Ok(None);
    }
    // A list without a plan that names it was left by an engine that died before it wrote the plan.
    match (progress.store.plan_of(batch).await?, candidates.as_slice()) {
        (Some(plan), _) => match planned_name(&plan, key) {
            Some(name) => Ok(Some(read_list(progress, &name).await?)),
            None => Ok(None),
        },
        (None, [only]) => Ok(Some(read_list(progress, only).await?)),
        (None, _) => Ok(None),
    }
}

/// The name of the list that a plan names, if the batch took files.
fn planned_name(plan: &BatchPlan, key: &str) -> Option<String> {
    let range = plan.sources.get(key).filter(|range| range.count > 0)?;
    Some(list_name(plan.batch, key, &range.digest))
}

async fn read_list(progress: &Progress, name: &str) -> Result<Vec<TakenFile>> {
    let bytes = progress.store.require("files", name).await?;
    Ok(decode_file_list(name, bytes, None).map_err(|error| error.to_diagnostic())?)
}

/// Every file that committed batches took.
pub(crate) async fn taken_files(progress: &Progress, key: &str) -> Result<Vec<TakenFile>> {
    Ok(committed_lists(progress, key, progress.committed)
        .await?
        .into_iter()
        .flatten()
        .collect())
}

/// Folds the lists of files and forgets old plans, now and then; safe to stop anywhere.
pub(crate) async fn tidy_up(progress: &Progress, keys: &[String]) -> Result<()> {
    // The last batch may have been planned more than once: which plan was done is told by where the next one begins.
    let to = progress.committed - 1;
    if to < PORTION || to % PORTION != 0 {
        return Ok(());
    }
    for key in keys {
        let (name, lists) = if to % WHOLE_EVERY == 0 {
            let lists = committed_lists(progress, key, to).await?;
            (Folded::whole_name(to, key), lists)
        } else {
            let from = to - PORTION + 1;
            let Some(lists) = planned_lists(progress, key, from..=to).await? else {
                continue;
            };
            (Folded::portion_name(from, to, key), lists)
        };
        let rows = compact_file_lists(lists);
        let list = encode_file_list(&rows).map_err(|error| error.to_diagnostic())?;
        progress.store.put("files", &name, list.bytes).await?;
    }
    progress.store.forget_plans_before(to - PORTION).await
}

/// The lists that the plans of some batches name, without a look at all that are there; `None` if a plan is gone.
async fn planned_lists(
    progress: &Progress,
    key: &str,
    batches: RangeInclusive<i64>,
) -> Result<Option<Vec<Vec<TakenFile>>>> {
    let mut lists = vec![];
    for batch in batches {
        let Some(plan) = progress.store.plan_of(batch).await? else {
            return Ok(None);
        };
        if let Some(name) = planned_name(&plan, key) {
            lists.push(read_list(progress, &name).await?);
        }
    }
    Ok(Some(lists))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};
    use sluice_checkpoint::FlowId as Application;
    use sluice_graph::FlowId;
    use sluice_model::DatasetName;
    use sluice_table::{DeltaTable, TableDefinition};

    use super::*;
    use crate::checkpoint_store::CheckpointStore;
    use crate::checkpoint_store::tests::{plan, warehouse};

    #[test]
    fn names_of_folded_lists_tell_their_batches() {
        let whole = Folded::whole_name(10_000, "a-b");
        let portion = Folded::portion_name(101, 200, "a-b");
        for (name, key, expected) in [
            (whole.as_str(), "a-b", Some((0, 10_000))),
            (portion.as_str(), "a-b", Some((101, 200))),
            (portion.as_str(), "b", None),
            ("00000000000000000007-a-b-d41d8cd9.parquet", "a-b", None),
        ] {
            let parsed = Folded::parse(name, key).map(|folded| (folded.from, folded.to));
            assert_eq!(parsed, expected, "{name}");
        }
        for (name, expected) in [
            (whole.as_str(), Some(10_000)),
            (portion.as_str(), Some(200)),
            ("00000000000000000007-a-b-d41d8cd9.parquet", Some(7)),
            ("other", None),
        ] {
            assert_eq!(last_batch(name), expected, "{name}");
        }
    }

    async fn progress() -> Progress {
        let warehouse = warehouse();
        let target = DatasetName::new("c", "s", "t");
        let place = warehouse.table_location(&target);
        let column = Field::new("n", DataType::Int64, true);
        let definition = TableDefinition {
            name: None,
            comment: None,
            columns: Arc::new(Schema::new(vec![column])),
            partition_by: vec![],
            properties: BTreeMap::new(),
        };
        let table = DeltaTable::create_if_absent(&warehouse, &place, &definition);
        let table = table.await.unwrap();
        Progress {
            application: Application::new(&table.id(), "t", 0),
            store: CheckpointStore::new(warehouse, &place, &FlowId::implicit(&target), 0),
            table,
            committed: -1,
        }
    }

    /// Writes what the next batch leaves behind, one file of that name, and folds as it does.
    async fn commit(progress: &mut Progress, path: &str) {
        let batch = progress.committed + 1;
        let file = FileEntry {
            path: path.into(),
            size: 1,
            modified_us: 0,
            etag: None,
        };
        let list = encode(batch, &[file]).unwrap();
        let name = list_name(batch, "0", &list.digest);
        progress
            .store
            .put("files", &name, list.bytes)
            .await
            .unwrap();
        let start = (batch > 0).then(|| format!("end of {}", batch - 1));
        let mut written = plan(batch, start.as_deref(), &format!("end of {batch}"));
        written.sources.get_mut("0").unwrap().digest = list.digest;
        progress.store.write_plan(written, 0).await.unwrap();
        progress.committed = batch;
        tidy_up(progress, &["0".into()]).await.unwrap();
    }

    #[tokio::test]
    async fn folded_lists_tell_all_that_was_taken() {
        let mut progress = progress().await;
        let paths: Vec<String> = (0..205).map(|batch| format!("{batch}.json")).collect();
        for path in &paths {
            commit(&mut progress, path).await;
        }
        let names = progress.store.names("files").await.unwrap();
        let folded: Vec<(i64, i64)> = names
            .iter()
            .filter_map(|name| Folded::parse(name, "0"))
            .map(|folded| (folded.from, folded.to))
            .collect();
        assert_eq!(folded, [(1, 100), (101, 200)]);
        // Plans of the first hundred are forgotten; a list that is folded is not read again.
        assert_eq!(progress.store.plan_of(99).await.unwrap(), None);
        let single = names
            .iter()
            .find(|name| name.starts_with("00000000000000000007-"));
        progress.store.damage("files", single.unwrap()).await;
        for (committed, count) in [(204, 205), (200, 201), (150, 151), (100, 101)] {
            progress.committed = committed;
            let taken = taken_files(&progress, "0").await.unwrap();
            let taken: Vec<&str> = taken.iter().map(|row| row.file.path.as_str()).collect();
            assert_eq!(taken, paths[..count], "up to {committed}");
            assert!(seen(&progress, "0", count as u64).await.is_ok());
            assert!(seen(&progress, "0", 1).await.is_err());
        }
    }
}
