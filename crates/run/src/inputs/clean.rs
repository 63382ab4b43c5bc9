//! `cleanSource`: deletes or moves files that every flow has taken. Runs after commits only; safe to stop anywhere.

use std::collections::{HashMap, HashSet};

use sluice_graph::{Input, ResolvedFlow};
use sluice_model::{Diagnostic, FlowKind, Severity};
use sluice_source::{CleanSource, Storage, TakenFile, plan_clean, resolve_path};

use crate::error::Result;
use crate::failpoint::reach;
use crate::inputs::file_list::taken_files;
use crate::inputs::files::{FileInput, store_to_write};
use crate::inputs::leaves::leaves;
use crate::progress::Progress;
use crate::update::Update;

/// Cleans what one source of a flow has taken, as its options say. Gives a warning where a file could not go: it, and
/// those after it, stay for the next time.
pub(crate) async fn clean(
    update: &Update,
    flow: &ResolvedFlow,
    progress: &Progress,
    key: &str,
    input: &FileInput,
) -> Result<Option<Diagnostic>> {
    let options = input.source.options();
    let place = match &options.clean_source {
        CleanSource::Off => return Ok(None),
        CleanSource::Delete => None,
        CleanSource::Move { destination } => {
            let resolved = resolve_path(destination, &update.engine.options.path_rules)
                .map_err(|d| d.at(&input.origin, ""))?;
            resolved.places.into_iter().next()
        }
    };
    let mut taken = taken_files(progress, key).await?;
    for (reads, other) in other_readers(update, flow).await? {
        let is_same = reads.source.path().written == input.source.path().written;
        let listed: HashSet<&str> = reads
            .listing
            .files
            .iter()
            .map(|file| file.path.as_str())
            .collect();
        let is_read = |path: &str| is_same || listed.contains(path);
        taken.retain(|row| other.contains(&row.file.path) || !is_read(&row.file.path));
    }
    let still_there: HashSet<&str> = input
        .listing
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect();
    taken.retain(|row| still_there.contains(row.file.path.as_str()));
    let times = commit_times(progress, &taken).await?;
    let now_us = update.engine.clock().now_us();
    let committed_us = |batch: u64| times.get(&batch).copied();
    let actions = plan_clean(
        options,
        &taken,
        committed_us,
        place.as_ref().map(|place| place.base.as_str()),
        now_us,
    );
    if actions.is_empty() {
        return Ok(None);
    }
    let to = place
        .as_ref()
        .map_or(&Storage::Disk, |place| &place.storage);
    let copies = store_to_write(&update.engine, to);
    if let Err(error) = input.source.clean_into(&actions, to, &copies).await {
        let warning = Diagnostic {
            severity: Severity::Warning,
            ..error.to_diagnostic().at_least_at(&input.origin)
        };
        return Ok(Some(warning.fact(
            "its rows are in the table, and are not read again; the file stays until it can go",
        )));
    }
    reach(
        update.engine.store(),
        "source-cleaned",
        flow.id.name.as_str(),
    )?;
    Ok(None)
}

/// The other streams of files, each with the files that it has taken.
async fn other_readers(
    update: &Update,
    flow: &ResolvedFlow,
) -> Result<Vec<(FileInput, HashSet<String>)>> {
    let graph = &update.prepared.graph;
    let mut others = vec![];
    for other in graph
        .flows
        .values()
        .filter(|other| other.kind == FlowKind::Append && other.id != flow.id)
    {
        for leaf in leaves(graph, other) {
            let Input::Files(function) = &leaf.input else {
                continue;
            };
            let Some(read) = update.prepared.files.get(&function.origin) else {
                continue;
            };
            let Some(table) = update.tables.open(&other.id.target).await? else {
                others.push((read, HashSet::new()));
                continue;
            };
            let progress = Progress::read(&update.engine, &table, &other.id).await?;
            let rows = taken_files(&progress, &leaf.key).await?;
            others.push((read, rows.into_iter().map(|row| row.file.path).collect()));
        }
    }
    Ok(others)
}

/// When batches were planned, which is the earliest that they can have been committed. A batch whose plan has been
/// forgotten is a hundred batches old: the modification of its files stands for it.
async fn commit_times(progress: &Progress, taken: &[TakenFile]) -> Result<HashMap<u64, i64>> {
    let mut times = HashMap::new();
    for row in taken {
        if times.contains_key(&row.batch) {
            continue;
        }
        let plan = progress
            .store
            .plan_of(i64::try_from(row.batch).unwrap_or(i64::MAX))
            .await?;
        times.insert(
            row.batch,
            plan.map_or(row.file.modified_us, |plan| plan.pinned.batch_ts_us),
        );
    }
    Ok(times)
}
