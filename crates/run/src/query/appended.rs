//! What those need who tell people of a pipeline: the rows of files that commits appended, a place for how far they
//! have come, and a way to put what they did into the event log. Must not decide who hears of what.

use arrow::array::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use serde_json::Value;
use sluice_model::event::{EventLevel, EventOrigin};
use sluice_table::{DataFile, DeltaTable, Location};

use crate::engine::Engine;
use crate::error::{Failure, Result, internal};
use crate::event_log::{EventLog, Said};

/// Something for the event log that happened outside any update.
#[derive(Debug, Clone)]
pub struct Notice {
    /// Its type; of our own ones `x_alert`.
    pub event_type: &'static str,
    /// Severity.
    pub level: EventLevel,
    /// Text for people.
    pub message: String,
    /// Payload, which stands under the type.
    pub details: Value,
}

impl Engine {
    /// A place of the pipeline's own folder, below a folder of this name.
    #[must_use]
    pub fn own_place(&self, folder: &str) -> Location {
        self.pipeline_folder().child([folder])
    }

    /// The table of the event log; `None` before the first update.
    ///
    /// # Errors
    /// It does not read.
    pub async fn event_log_table(&self) -> Result<Option<DeltaTable>> {
        self.open_event_log().await
    }

    /// The rows of one file of a table, in the order of the file, batch by batch. Files that were rewritten since are
    /// read as they were.
    ///
    /// # Errors
    /// The file is gone, or does not read.
    pub async fn rows_of_file(
        &self,
        table: &DeltaTable,
        file: &DataFile,
    ) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let provider = table
            .provider_for_files(std::slice::from_ref(file), table.version())
            .await?;
        // One partition: rows come in the order of the file.
        let session = self.session_with(self.clock().now_us(), 1)?;
        let unreadable = |error: &dyn std::fmt::Display| {
            Failure::from(internal(&format!("`{}` does not read: {error}", file.path)))
        };
        let rows = session.context().read_table(provider);
        let rows = rows.map_err(|error| unreadable(&error))?;
        let rows = rows.execute_stream().await;
        let path = file.path.clone();
        let rows = rows.map_err(|error| unreadable(&error))?.map(move |batch| {
            batch.map_err(|error| internal(&format!("`{path}` does not read: {error}")).into())
        });
        Ok(rows.boxed())
    }

    /// Puts what happened outside any update into the event log, in one commit.
    ///
    /// # Errors
    /// The log cannot be written.
    pub async fn record(&self, notices: Vec<Notice>) -> Result<()> {
        if notices.is_empty() {
            return Ok(());
        }
        let base = EventOrigin {
            pipeline_id: Some(self.pipeline_id()),
            pipeline_type: Some("WORKSPACE".into()),
            pipeline_name: Some(self.options.pipeline.clone()),
            ..EventOrigin::default()
        };
        let (clock, ids) = (self.clock().clone(), self.ids().clone());
        let log = EventLog::new(clock, ids, self.options.observer.clone(), base);
        for notice in notices {
            let mut details = serde_json::Map::new();
            details.insert(notice.event_type.to_owned(), notice.details);
            let said = Said {
                event_type: notice.event_type,
                level: notice.level,
                message: notice.message,
                details: Value::Object(details),
            };
            log.say(EventOrigin::default(), said);
        }
        self.write_events(&log).await
    }
}
