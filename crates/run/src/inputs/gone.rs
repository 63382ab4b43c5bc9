//! Why a stream of a table could not be read: files that it has still to take are gone. Asked only after a failure.

use std::collections::HashMap;

use sluice_graph::ResolvedFlow;
use sluice_model::Diagnostic;
use sluice_model::condition::table::DELTA_FILES_VACUUMED;

use crate::event_log::definitions::input_name;
use crate::inputs::leaves::leaves;
use crate::inputs::stream::Taken;
use crate::update::Update;

/// Says which streamed table has lost files that this batch needs; `None` if all are there or nobody can tell.
pub(crate) async fn gone_files(
    update: &Update,
    flow: &ResolvedFlow,
    taken: &HashMap<String, Taken>,
) -> Option<Diagnostic> {
    for leaf in leaves(&update.prepared.graph, flow) {
        let Some(Taken::Data(files)) = taken.get(&leaf.key) else {
            continue;
        };
        let name = input_name(&leaf.input);
        let table = update.tables.streamed(&leaf.input).await.ok()??;
        let mut gone = 0;
        for file in files {
            let place = table.location().file(&file.path).ok()?;
            gone += usize::from(table.store().head(&place).await.ok()?.is_none());
        }
        if gone == 0 {
            continue;
        }
        let message = format!(
            "{gone} of {} files of `{name}` that the stream has still to take are gone",
            files.len()
        );
        let origin = leaf
            .relation
            .map_or_else(|| flow.origin.clone(), |relation| relation.origin);
        return Some(
            Diagnostic::error(&DELTA_FILES_VACUUMED, message)
                .at(&origin, "")
                .fact("they left the table, and VACUUM deleted them before the stream came to them")
                .help(format!(
                    "start again from what the table holds now: `sluice run --full-refresh {}`",
                    flow.id.target.name
                ))
                .help(
                    "keep files longer: `delta.deletedFileRetentionDuration` of the streamed table",
                ),
        );
    }
    None
}
