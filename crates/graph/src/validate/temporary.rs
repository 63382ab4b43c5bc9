//! Rule: a persisted view outlives the pipeline, so it reads nothing that does not.

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetKind, Diagnostic};

use crate::Dataset;
use crate::resolve::bind::BoundFlow;

/// Checks one read of a view's query.
pub(crate) fn check(
    view: &Dataset,
    bound: &BoundFlow<'_>,
    index: usize,
    read: &Dataset,
) -> Option<Diagnostic> {
    if view.kind != DatasetKind::PersistedView || !read.name.is_temporary() {
        return None;
    }
    let relation = bound.flow.query.relations.get(index)?;
    Some(
        Diagnostic::error(
            &condition::INVALID_TEMP_OBJ_REFERENCE,
            format!(
                "view `{}` reads temporary view `{}`",
                view.written, read.written
            ),
        )
        .at(&relation.origin, "gone when the update ends")
        .at(&read.origin, "declared here")
        .help("make both temporary, or make the inner one a materialized view"),
    )
}
