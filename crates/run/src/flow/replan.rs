//! A micro-batch that was planned, never done, and cannot be done any more: files that it takes have changed or are gone.
//! Nothing of it is anywhere, so it is planned again, and nothing is left out in silence. Must not plan.
//!
//! Safe against an engine that still does the old plan: both plans have one number, and the target takes one commit of it.
//! Which one that was is told by the commit (see [`crate::progress`]) and by where the next plan begins.

use std::sync::Arc;

use sluice_checkpoint::{BatchPlan, SourceIdentity};
use sluice_graph::ResolvedFlow;
use sluice_model::Diagnostic;
use sluice_source::{SourceError, decode_file_list};

use crate::error::Result;
use crate::inputs::file_list::list_name;
use crate::inputs::files::{FileInput, away};
use crate::inputs::leaves::Leaf;
use crate::inputs::stream::Opened;
use crate::progress::{Next, Progress};
use crate::update::Update;

/// Files that are named one by one.
const NAMED_MAX: usize = 10;

/// Why the batch that comes next has to be planned again: a warning for each file that is not as it was planned. None where
/// the plan can be done. The folders of the plan are listed anew, so that a new plan takes what there is.
pub(crate) async fn warnings(
    update: &Update,
    flow: &ResolvedFlow,
    progress: &Progress,
    next: &Next,
    opened: &mut [(Leaf, Opened)],
) -> Result<Vec<Diagnostic>> {
    let Next::Replay(plan) = next else {
        return Ok(vec![]);
    };
    if records_a_beginning(plan) {
        return Ok(vec![]);
    }
    let mut changed = vec![];
    for (leaf, source) in opened {
        if let Opened::Files(input) = source {
            changed.extend(look(update, progress, plan, &leaf.key, input).await?);
        }
    }
    let more = changed.len().saturating_sub(NAMED_MAX);
    changed.truncate(NAMED_MAX);
    let mut warnings: Vec<Diagnostic> = changed
        .iter()
        .map(|change| warning(change, plan.batch, flow))
        .collect();
    if let Some(last) = warnings.last_mut().filter(|_| more > 0) {
        last.facts.push(format!("and {more} more files"));
    }
    Ok(warnings)
}

/// Whether a source begins where this plan says, because nothing else tells it.
fn records_a_beginning(plan: &BatchPlan) -> bool {
    let is_folder = |identity: &SourceIdentity| matches!(identity, SourceIdentity::Files { .. });
    let mut sources = plan.sources.values();
    plan.batch == 0 && !sources.all(|range| is_folder(&range.identity))
}

/// Lists a source again and tells which of its planned files are not what they were.
async fn look(
    update: &Update,
    progress: &Progress,
    plan: &BatchPlan,
    key: &str,
    input: &mut FileInput,
) -> Result<Vec<SourceError>> {
    let Some(range) = plan.sources.get(key).filter(|range| range.count > 0) else {
        return Ok(vec![]);
    };
    let name = list_name(plan.batch, key, &range.digest);
    let bytes = progress.store.require("files", &name).await?;
    let rows = decode_file_list(&name, bytes, Some(&range.digest))
        .map_err(|error| error.to_diagnostic())?;
    let files: Vec<_> = rows.into_iter().map(|row| row.file).collect();
    let place = |error: &SourceError| error.to_diagnostic().at(&input.origin, "");
    let now_us = update.engine.clock().now_us();
    let listing = input.source.discover(now_us).await;
    let listing = listing.map_err(|error| away(vec![place(&error)]))?;
    let changed = input.source.changed(&files, &listing).await;
    let changed = changed.map_err(|error| place(&error))?;
    if !changed.is_empty() {
        input.listing = Arc::new(listing);
    }
    Ok(changed)
}

fn warning(change: &SourceError, batch: i64, flow: &ResolvedFlow) -> Diagnostic {
    let message = format!("{change}: micro-batch {batch} is planned again");
    let warning = Diagnostic::warning(change.condition(), message).at(&flow.origin, "");
    let warning = match change {
        SourceError::Changed { planned, found, .. } => warning
            .fact(format!("when it was planned: {planned}"))
            .fact(format!("now: {found}")),
        _ => warning,
    };
    warning.fact(
        "the batch was never done: nothing of it is in the table, and it takes what is there now",
    )
}
