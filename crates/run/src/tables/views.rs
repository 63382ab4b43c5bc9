//! Persisted views: their definitions, kept in the pipeline's folder for who asks the warehouse and not the project.
//! Must not run queries.

use std::collections::BTreeMap;

use serde_json::json;
use sluice_graph::ResolvedDataset;
use sluice_model::{DatasetKind, SparkType};

use crate::error::Result;
use crate::places::encode;
use crate::update::Update;

impl Update {
    /// Writes the definition of every persisted view that changed, and deletes those of views that are gone.
    pub(crate) async fn store_views(&self) -> Result<()> {
        let store = self.engine.store();
        let folder = self.engine.pipeline_folder().child(["views"]);
        let mut kept = vec![];
        let datasets = self.prepared.graph.datasets.values();
        for view in datasets.filter(|dataset| dataset.definition.kind == DatasetKind::PersistedView)
        {
            let name = format!("{}.json", encode(&view.definition.name.to_string()));
            let text = format!("{:#}\n", self.definition_of(view));
            let place = folder.child([name.as_str()]);
            if store
                .get(&place)
                .await?
                .is_none_or(|there| there != text.as_bytes())
            {
                store.put(&place, text.into()).await?;
            }
            kept.push(name);
        }
        for entry in store.list(&folder).await? {
            let Some(name) = entry.location.filename() else {
                continue;
            };
            if entry.location.extension() == Some("json") && !kept.iter().any(|kept| kept == name) {
                store.delete(&folder.child([name])).await?;
            }
        }
        Ok(())
    }

    fn definition_of(&self, view: &ResolvedDataset) -> serde_json::Value {
        let declared = &view.definition;
        let flow = view
            .flows
            .first()
            .and_then(|id| self.prepared.graph.flows.get(id));
        let columns = view
            .schema
            .iter()
            .flat_map(|schema| schema.fields().iter())
            .map(|field| {
                let written = declared
                    .columns
                    .iter()
                    .find(|column| column.name.value.eq_ignore_ascii_case(field.name()));
                json!({
                    "name": field.name(),
                    "type": SparkType::from_arrow(field.data_type()).map(|spark| spark.to_string()),
                    "comment": written.and_then(|column| column.comment.clone()),
                })
            });
        let columns: Vec<_> = columns.collect();
        let properties = declared.properties.iter();
        let properties: BTreeMap<_, _> =
            properties.map(|(key, value)| (key, &value.value)).collect();
        json!({
            "name": declared.name.to_string(),
            "comment": declared.comment,
            "properties": properties,
            "query": flow.map(|flow| flow.query.text.clone()),
            "catalog": declared.namespace.catalog,
            "schema": declared.namespace.schema,
            "columns": columns,
        })
    }
}
