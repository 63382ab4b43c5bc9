//! `sluice show TABLE`: rows, columns or commits of one table.

use arrow::datatypes::SchemaRef;
use serde_json::{Value, json};
use sluice_model::SparkType;

use super::sql::report;
use crate::arguments::{Global, Mode, Show};
use crate::exit::Exit;
use crate::render::Screen;
use crate::statement;
use crate::workplace::{Refused, block_on};

/// Cells are cut at so many characters, as `databricks pipelines show` does.
const CELL_WIDTH: usize = 40;

/// Shows the table.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Show) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let table = &asked.table;
    let text = if asked.history {
        format!("DESCRIBE HISTORY {table} LIMIT {}", asked.rows)
    } else if asked.schema {
        format!("DESCRIBE TABLE {table}")
    } else {
        format!("SELECT * FROM {table} LIMIT {}", asked.rows)
    };
    block_on(async {
        match statement::run(&place.shell(), &text).await {
            Ok(rows) if screen.is_json => screen.result(&rows.render(Mode::Json, None)),
            Ok(rows) => {
                screen.result(&rows.plain(Some(CELL_WIDTH)));
                let count = rows.cells.len();
                screen.line(&format!(
                    "\n{count} row{}",
                    if count == 1 { "" } else { "s" }
                ));
            }
            Err(errors) => return report(screen, &place, &text, &errors),
        }
        Exit::Success
    })
}

/// Columns as JSON: name, Spark type, whether they may be NULL.
pub(crate) fn columns(schema: &SchemaRef) -> Value {
    let column = |field: &std::sync::Arc<arrow::datatypes::Field>| {
        let data_type = SparkType::from_arrow(field.data_type())
            .map_or_else(|| field.data_type().to_string(), |t| t.to_string());
        json!({ "name": field.name(), "type": data_type, "nullable": field.is_nullable() })
    };
    Value::Array(schema.fields().iter().map(column).collect())
}
