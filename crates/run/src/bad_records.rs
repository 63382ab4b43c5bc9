//! `badRecordsPath`: the records of a micro-batch that could not be parsed, kept beside the tables. Must not decide
//! what is bad.
//!
//! One file per flow and micro-batch, written before the commit: a micro-batch that is done again overwrites its own.

use std::sync::PoisonError;

use bytes::Bytes;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use sluice_model::Diagnostic;
use sluice_model::condition::run::WAREHOUSE_NOT_WRITABLE;
use sluice_source::{encode_bad_records, resolve_path};
use sluice_table::{Durability, DurableLocal};

use crate::error::{Result, internal};
use crate::inputs::Seen;
use crate::micro_batch::Batch;
use crate::places::encode;

impl Batch<'_> {
    /// Writes the bad records that were seen: `<path>/<table>/<flow>/<incarnation>-<batch>.json`.
    pub(crate) async fn store_bad_records(&self, seen: &Seen) -> Result<()> {
        let all = std::mem::take(
            &mut *seen
                .bad_records
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for (written, mut rows) in all {
            // Files are decoded side by side; the same batch gives the same bytes.
            rows.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
            self.store_below(&written, encode_bad_records(&rows))
                .await?;
        }
        Ok(())
    }

    async fn store_below(&self, written: &str, bytes: Bytes) -> Result<()> {
        let rules = &self.update.engine.options.path_rules;
        let resolved = resolve_path(written, rules)
            .map_err(|diagnostic| diagnostic.at(&self.flow.origin, ""))?;
        let place = resolved
            .places
            .first()
            .ok_or_else(|| internal("a path without places"))?;
        let id = &self.flow.id;
        let name = format!(
            "{}/{}/{}/{}-{:020}.json",
            place.base.trim_start_matches('/'),
            encode(&id.target.to_string()),
            encode(id.name.as_str()),
            self.progress.application.incarnation,
            self.plan.batch,
        );
        let refused = |reason: String| {
            Diagnostic::error(
                &WAREHOUSE_NOT_WRITABLE,
                format!("bad records cannot be written to `{written}`"),
            )
            .at(&self.flow.origin, "")
            .fact(reason)
            .help("make the folder of `badRecordsPath` writable, or remove the option")
        };
        let path = Path::parse(name).map_err(|error| refused(error.to_string()))?;
        let put = DurableLocal::new(Durability::Fsync)
            .put(&path, bytes.into())
            .await;
        put.map_err(|error| refused(error.to_string()))?;
        Ok(())
    }
}
