//! Tables that somebody looks at while they grow: what a written name means, and waiting for tables that no update has
//! made yet. Must not print.

use sluice_graph::DeclaredGraph;
use sluice_model::condition::command::EXPECT_TABLE_NOT_VIEW;
use sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND;
use sluice_model::{DatasetName, Diagnostic, FlowName, Namespace};
use sluice_run::{Engine, Onlooker, PassingRows};

/// A table that is watched, whether it is there yet or not.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Its name.
    pub(crate) name: DatasetName,
    onlooker: Option<Onlooker>,
    /// Whether the rows that are there count as passing: those of a table that was not there at the first look do.
    from_start: bool,
}

impl Watched {
    pub(crate) fn new(name: DatasetName, from_start: bool) -> Self {
        Self {
            name,
            onlooker: None,
            from_start,
        }
    }

    /// The onlooker, once there is a table.
    pub(crate) async fn onlooker(
        &mut self,
        engine: &Engine,
        declared: &DeclaredGraph,
    ) -> Result<Option<&mut Onlooker>, Vec<Diagnostic>> {
        if self.onlooker.is_none() {
            self.onlooker = engine.watch(declared, &self.name, self.from_start).await?;
            self.from_start = true;
        }
        Ok(self.onlooker.as_mut())
    }

    /// Rows since the last look, at most so many.
    pub(crate) async fn rows(
        &mut self,
        engine: &Engine,
        declared: &DeclaredGraph,
        rows_max: usize,
    ) -> Result<PassingRows, Vec<Diagnostic>> {
        match self.onlooker(engine, declared).await? {
            Some(onlooker) => onlooker.rows(rows_max).await,
            None => Ok(PassingRows::default()),
        }
    }
}

/// The table that a name means: a table of the pipeline, one that a flow of this name fills, or any table of the
/// warehouse.
pub(crate) async fn table_named(
    engine: &Engine,
    declared: &DeclaredGraph,
    namespace: &Namespace,
    written: &str,
) -> Result<DatasetName, Vec<Diagnostic>> {
    let parts: Vec<&str> = written
        .split('.')
        .map(|part| part.trim_matches('`'))
        .collect();
    let full = DatasetName::qualify(&parts, namespace);
    let last = parts.last().copied().unwrap_or_default();
    let candidates = full.clone().into_iter().chain([
        DatasetName::temporary(last),
        // Private tables have a schema of their own.
        private(declared, last),
    ]);
    for name in candidates {
        if let Some(dataset) = declared.datasets.get(&name) {
            return if dataset.kind.is_table() {
                Ok(name)
            } else {
                Err(vec![no_rows(&name, dataset.kind.words())])
            };
        }
    }
    let flow = FlowName::new(written);
    if let Some(id) = declared.flows.keys().find(|id| id.name == flow) {
        return Ok(id.target.clone());
    }
    if let Some(full) = full
        && engine.table(declared, &full).await?.is_some()
    {
        return Ok(full);
    }
    let tables = declared.datasets.values();
    let tables = tables.filter(|dataset| dataset.kind.is_table());
    let tables: Vec<String> = tables.map(|dataset| dataset.name.to_string()).collect();
    let message = format!("there is no table or flow `{written}`");
    Err(vec![
        Diagnostic::error(&TABLE_OR_VIEW_NOT_FOUND, message)
            .fact(format!("the tables are {}", tables.join(", "))),
    ])
}

fn private(declared: &DeclaredGraph, last: &str) -> DatasetName {
    let mut private = declared.datasets.values();
    let found = private.find(|dataset| dataset.private && dataset.name.name == last.to_lowercase());
    found.map_or_else(|| DatasetName::temporary(last), |found| found.name.clone())
}

fn no_rows(name: &DatasetName, kind: &str) -> Diagnostic {
    Diagnostic::error(
        &EXPECT_TABLE_NOT_VIEW,
        format!("`{name}` is a {kind}, which holds no rows that could pass by"),
    )
    .help("name a table that it reads, or one that reads it: `sluice lineage` shows them")
}
