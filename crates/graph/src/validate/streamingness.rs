//! Rules: what may be read as a stream, and which targets want one.

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetKind, Diagnostic, FlowKind};
use sluice_sql::query::{ReadMode, Relation, RelationSource};

use crate::{Dataset, DeclaredFlow, Settings};

/// Setting that switches the check of view reads off: every view is then read as what it is.
pub(crate) const VIEW_CHECK: &str = "pipelines.incompatibleViewCheck.enabled";

/// The mode in which a dataset of the pipeline is really read, or why it cannot be.
///
/// `view_is_streaming` tells what the view's own query is (views only).
pub(crate) fn read_mode(
    relation: &Relation,
    dataset: &Dataset,
    view_is_streaming: bool,
    settings: &Settings,
) -> Result<ReadMode, Diagnostic> {
    let checked = !settings.iter().any(|(key, value)| {
        key.eq_ignore_ascii_case(VIEW_CHECK) && value.eq_ignore_ascii_case("false")
    });
    match (dataset.kind, relation.mode) {
        (DatasetKind::MaterializedView, ReadMode::Stream) => Err(Diagnostic::error(
            &condition::INCOMPATIBLE_BATCH_VIEW_READ,
            format!(
                "materialized view `{}` cannot be read as a stream",
                dataset.written
            ),
        )
        .at(&relation.origin, "its refresh may change any row")
        .at(&dataset.origin, "declared here")
        .help(format!(
            "read it whole: `FROM {}`, in a materialized view",
            dataset.written
        ))
        .help("or stream from the streaming table that it reads")),
        (DatasetKind::StreamingTable | DatasetKind::MaterializedView, mode) => Ok(mode),
        (_, ReadMode::Stream) if !view_is_streaming && checked => Err(Diagnostic::error(
            &condition::INCOMPATIBLE_BATCH_VIEW_READ,
            format!(
                "{} `{}` cannot be read as a stream: its query is none",
                dataset.kind.words(),
                dataset.written
            ),
        )
        .at(&relation.origin, "STREAM of a batch view")
        .at(&dataset.origin, "declared here")
        .help("put STREAM into the query of the view, or read the view without it")
        .help(format!(
            "or read every view as what it is: `SET {VIEW_CHECK} = false;`"
        ))),
        (_, ReadMode::Batch) if view_is_streaming && checked => Err(Diagnostic::error(
            &condition::INCOMPATIBLE_STREAMING_VIEW_READ,
            format!(
                "{} `{}` is a stream and is read as a batch",
                dataset.kind.words(),
                dataset.written
            ),
        )
        .at(&relation.origin, "STREAM is missing here")
        .at(&dataset.origin, "its query reads a stream")
        .help(format!(
            "read it as a stream: `FROM STREAM({})`",
            dataset.written
        ))
        .help(format!(
            "or read every view as what it is: `SET {VIEW_CHECK} = false;`"
        ))),
        _ => Ok(if view_is_streaming {
            ReadMode::Stream
        } else {
            ReadMode::Batch
        }),
    }
}

/// Whether the query suits the target, given how its relations are really read.
pub(crate) fn check_flow(
    flow: &DeclaredFlow,
    target: &Dataset,
    modes: &[ReadMode],
) -> Option<Diagnostic> {
    let stream = modes
        .iter()
        .position(|mode| *mode == ReadMode::Stream)
        .and_then(|index| flow.query.relations.get(index));
    let name = &target.written;
    match (flow.kind, target.kind, stream) {
        (FlowKind::Append, _, None) => Some(batch_into_streaming_table(flow, target)),
        (FlowKind::AppendOnce, _, Some(relation)) => Some(
            Diagnostic::error(
                &condition::STREAMING_RELATION_FOR_ONCE_FLOW,
                format!("flow `{}` inserts once and reads a stream", flow.id.name),
            )
            .at(&relation.origin, "read as a stream")
            .help("remove STREAM, or remove ONCE"),
        ),
        (FlowKind::Complete, _, Some(relation)) => Some(
            Diagnostic::error(
                &condition::STREAMING_RELATION_FOR_MATERIALIZED_VIEW,
                format!("materialized view `{name}` reads a stream"),
            )
            .at(&relation.origin, "read as a stream")
            .help(format!("read it whole: `FROM {}`", source_words(relation)))
            .help("if each row should be processed once, declare a STREAMING TABLE instead"),
        ),
        (FlowKind::View, DatasetKind::PersistedView, Some(relation)) => Some(
            Diagnostic::error(
                &condition::STREAMING_RELATION_FOR_PERSISTED_VIEW,
                format!("view `{name}` reads a stream"),
            )
            .at(&relation.origin, "read as a stream")
            .help("remove STREAM, or make it a TEMPORARY VIEW"),
        ),
        _ => None,
    }
}

fn batch_into_streaming_table(flow: &DeclaredFlow, target: &Dataset) -> Diagnostic {
    let reads: Vec<String> = flow
        .query
        .relations
        .iter()
        .map(|relation| format!("`{}`", source_words(relation)))
        .collect();
    let what = if reads.is_empty() {
        "nothing".to_owned()
    } else {
        reads.join(", ")
    };
    let mut error = Diagnostic::error(
        &condition::BATCH_RELATION_FOR_STREAMING_TABLE,
        format!("flow `{}` reads {what} as a batch", flow.id.name),
    );
    error = match flow.query.relations.first() {
        Some(relation) => error.at(
            &relation.origin,
            "a streaming table must be fed by a stream",
        ),
        None => error.at(
            &flow.query.origin,
            "a streaming table must be fed by a stream",
        ),
    };
    if let Some(relation) = flow.query.relations.first() {
        error = error.help(format!(
            "read it as a stream: `FROM {}`",
            stream_words(relation)
        ));
    }
    error
        .help("if each update should recompute the table, declare a MATERIALIZED VIEW instead")
        .help(format!(
            "to fill it a single time: `CREATE FLOW name AS INSERT ONCE INTO {} BY NAME …`",
            target.written
        ))
}

fn source_words(relation: &Relation) -> String {
    match &relation.source {
        RelationSource::Name(name) => name.parts.join("."),
        RelationSource::Function(function) => format!("{}(…)", function.name),
        RelationSource::Path { format, path } => format!("{format}.`{path}`"),
    }
}

fn stream_words(relation: &Relation) -> String {
    match &relation.source {
        RelationSource::Function(function) => format!("STREAM {}(…)", function.name),
        _ => format!("STREAM({})", source_words(relation)),
    }
}
