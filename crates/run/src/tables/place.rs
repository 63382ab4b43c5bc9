//! Where the table of a stream lies, remembered for the update after it: a changed LOCATION would begin a table from
//! nothing beside the one that has the rows. Must not move tables.

use sluice_graph::ResolvedDataset;
use sluice_model::condition::table::DELTA_TABLE_LOCATION_MISMATCH;
use sluice_model::{DatasetKind, DatasetName, Diagnostic};
use sluice_table::{DeltaTable, Location};

use crate::error::Result;
use crate::places::encode;
use crate::tables::schema::OWNER;
use crate::update::Update;

impl Update {
    /// Refuses to make a streaming table while its rows lie at another place: where its name puts it, or where the last
    /// LOCATION did. A full refresh fills it from nothing wherever it is.
    pub(crate) async fn check_place(&self, dataset: &ResolvedDataset) -> Result<()> {
        let definition = &dataset.definition;
        let name = &definition.name;
        if definition.kind != DatasetKind::StreamingTable
            || self.selection.full_refreshed().contains(name)
        {
            return Ok(());
        }
        let store = self.engine.store();
        let declared = self.tables.location(dataset)?;
        let noted = store.get(&self.note_of_place(name)).await?;
        let noted = noted
            .as_ref()
            .and_then(|noted| store.location_of(std::str::from_utf8(noted).ok()?).ok());
        let places = noted.into_iter().chain([store.table_location(name)]);
        for place in places.filter(|place| *place != declared) {
            let Some(table) = DeltaTable::open(store, &place).await? else {
                continue;
            };
            if table.properties().get(OWNER) == Some(&self.engine.pipeline_id()) {
                return Err(self.lies_elsewhere(dataset, &place, &declared).into());
            }
        }
        Ok(())
    }

    /// Notes where a streaming table lies, if that is or was elsewhere than its name says.
    pub(crate) async fn note_place(&self, dataset: &ResolvedDataset) -> Result<()> {
        let definition = &dataset.definition;
        if definition.kind != DatasetKind::StreamingTable {
            return Ok(());
        }
        let store = self.engine.store();
        let place = store.url_of(&self.tables.location(dataset)?).to_string();
        let note = self.note_of_place(&definition.name);
        let is_right = match store.get(&note).await? {
            Some(noted) => noted == place,
            None => definition.location.is_none(),
        };
        if !is_right {
            store.put(&note, place.into()).await?;
        }
        Ok(())
    }

    fn note_of_place(&self, name: &DatasetName) -> Location {
        let file = format!("{}.url", encode(&name.to_string()));
        let folder = self.engine.pipeline_folder();
        folder.child(["places", file.as_str()])
    }

    fn lies_elsewhere(
        &self,
        dataset: &ResolvedDataset,
        place: &Location,
        declared: &Location,
    ) -> Diagnostic {
        let definition = &dataset.definition;
        let name = &definition.name;
        let shown = |place: &Location| {
            let url = self.engine.store().url_of(place).to_string();
            url.trim_end_matches('/').to_string()
        };
        let (place, declared) = (shown(place), shown(declared));
        let message = format!("`{name}` lies at `{place}` and is declared at `{declared}`");
        let written = definition.location.as_ref();
        let origin = written.map_or(&definition.origin, |written| &written.origin);
        Diagnostic::error(&DELTA_TABLE_LOCATION_MISMATCH, message)
            .at(origin, "")
            .fact("there it would begin from nothing, without the rows that it has; nothing was changed")
            .help("to keep rows and progress, move the folder of the table, with all that is in it, to the new place")
            .help(format!(
                "or fill it there from its sources: `sluice run --full-refresh {}`",
                name.name
            ))
            .help("or write the LOCATION that it had")
    }
}
