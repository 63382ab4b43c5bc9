//! `TIMESTAMP AS OF`: the moment that a text stands for. Must not know tables or their versions.

use std::sync::Arc;

use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::TimestampMicrosecondType;
use futures::StreamExt as _;
use sluice_model::Namespace;

use crate::Session;

impl Session {
    /// The moment of a literal (`2026-01-01 10:00`, `DATE'2026-01-01'`, in the session time zone), in microseconds since
    /// the epoch. `None` for any other expression: what it means would change from one update to the next.
    pub async fn moment(&self, text: &str) -> Option<i64> {
        let upper = text.trim_start().to_uppercase();
        let is_typed = ["DATE", "TIMESTAMP"].iter().any(|word| {
            let rest = upper.strip_prefix(word).map(str::trim_start);
            rest.is_some_and(|rest| rest.starts_with('\''))
        });
        if is_typed && text.trim_end().ends_with('\'') && text.matches('\'').count() == 2 {
            return self.moment_of(text).await;
        }
        let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
        self.constant(&format!("TRY_CAST('{escaped}' AS TIMESTAMP)"))
            .await
    }

    /// The moment of a constant expression (`current_timestamp() - INTERVAL 1 DAY`) at the session's time; `None` if it is
    /// no timestamp.
    pub async fn moment_of(&self, expression: &str) -> Option<i64> {
        self.constant(&format!("CAST({expression} AS TIMESTAMP)"))
            .await
    }

    /// The value of a constant timestamp; `None` if it has none, or is not one.
    async fn constant(&self, expression: &str) -> Option<i64> {
        let file: Arc<str> = "time travel".into();
        let text = format!("SELECT {expression} AS moment");
        let query = sluice_sql::parse_query(&file, &text, vec![], &Namespace::default()).ok()?;
        let mut rows = self.bind(&query, &[]).ok()?.execute().await.ok()?;
        let batch = rows.next().await?.ok()?;
        let column = batch
            .columns()
            .first()?
            .as_primitive_opt::<TimestampMicrosecondType>()?;
        (column.len() == 1 && column.is_valid(0)).then(|| column.value(0))
    }
}
