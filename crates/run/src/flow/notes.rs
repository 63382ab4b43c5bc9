//! What a streaming flow says beside its rows. Must not do anything else.

use sluice_checkpoint::ForeignChange;
use sluice_graph::ResolvedFlow;
use sluice_model::condition::run::{
    BAD_RECORDS, FLOW_QUERY_CHANGED, FULL_REFRESH_READS_STREAM_AGAIN,
};
use sluice_model::condition::table::TARGET_ROWS_REMOVED;
use sluice_model::{Diagnostic, Severity};

use crate::report::{FlowMetrics, FlowReport};
use crate::update::Update;

/// Tells a note of a flow: warnings are events too.
pub(crate) fn tell(
    update: &Update,
    flow: &ResolvedFlow,
    note: Diagnostic,
    report: &mut FlowReport,
) {
    if note.severity == Severity::Warning {
        update.log.flow_warned(update.origin_of(&flow.id), &note);
    }
    report.diagnostics.push(note);
}

/// The query is another one than at the last micro-batch.
pub(crate) fn changed_query(flow: &ResolvedFlow) -> Diagnostic {
    let message = format!(
        "the query of `{}` has changed since its last micro-batch",
        flow.id
    );
    Diagnostic::note(&FLOW_QUERY_CHANGED, message)
        .at(&flow.origin, "")
        .fact("rows already written stay as they are; the new query takes the rows from now on")
        .help(format!(
            "apply it to all rows: `sluice run --full-refresh {}`",
            flow.id.target.name
        ))
}

/// Another writer took rows from the target. Said once, at the batch after it: the plan of that batch names the
/// version that holds the change, so the next start does not see it again.
pub(crate) fn removed_rows(flow: &ResolvedFlow, removed: &[ForeignChange]) -> Option<Diagnostic> {
    let [first, others @ ..] = removed else {
        return None;
    };
    let name = &flow.id.target;
    let message = format!(
        "rows of `{name}` were removed or replaced by another writer: {} at version {}",
        first.operation, first.version
    );
    let more = others
        .iter()
        .map(|change| format!("and {} at version {}", change.operation, change.version));
    let note = Diagnostic::warning(&TARGET_ROWS_REMOVED, message)
        .at(&flow.origin, "")
        .fact("they stay so; what its sources hold from now on is added")
        .help(format!(
            "have them again: `sluice run --full-refresh {}`",
            name.name
        ));
    Some(more.fold(note, Diagnostic::fact))
}

/// A full refresh reads streams again, which do not keep everything.
pub(crate) fn read_again(flow: &ResolvedFlow) -> Diagnostic {
    let message = format!(
        "`{}` is filled again from what its streams still keep",
        flow.id.target.name
    );
    Diagnostic::note(&FULL_REFRESH_READS_STREAM_AGAIN, message)
        .at(&flow.origin, "")
        .fact("it begins at `initialPosition`; older rows are in the versions of the table before the refresh")
}

/// A micro-batch had records that are not what they should be.
pub(crate) fn bad_records(
    flow: &ResolvedFlow,
    batch: i64,
    metrics: &FlowMetrics,
) -> Option<Diagnostic> {
    let message = match metrics.bad_records {
        0 => return None,
        1 => format!("micro-batch {batch} had 1 bad record"),
        count => format!("micro-batch {batch} had {count} bad records"),
    };
    let note = Diagnostic::note(&BAD_RECORDS, message).at(&flow.origin, "");
    Some(note.fact("they were kept as the options of the source say, and counted"))
}
