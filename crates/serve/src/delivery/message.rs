//! Messages: rows of a table, or what happened to an update, in the form that a destination takes. Must not send them.

use arrow::array::RecordBatch;
use arrow::json::WriterBuilder;
use arrow::json::writer::LineDelimited;
use ring::digest;
use serde_json::{Map, Value, json};
use sluice_model::destination::{Destination, DestinationKind};

/// Longest text of one row, characters.
const ROW_CHARS_MAX: usize = 500;
/// Longest text of one block of Slack, bytes; it takes 3000 characters.
const BLOCK_BYTES_MAX: usize = 2_900;
/// Blocks of one message of Slack; it takes 50.
const BLOCKS_MAX: usize = 45;

/// A row as JSON, columns in the order of the table.
pub(crate) type JsonRow = Map<String, Value>;

/// One row that is told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    /// What says whether another row tells the same.
    pub(crate) key: String,
    /// Its values.
    pub(crate) row: JsonRow,
}

/// One message, before it has a form.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Message {
    /// The same for the same rows, however often it is sent.
    pub(crate) key: String,
    /// What it is about: a table, or `updates`.
    pub(crate) subject: String,
    /// The version of the table that the rows came with.
    pub(crate) version: u64,
    /// The rows.
    pub(crate) rows: Vec<Told>,
    /// Rows before these that were not told, because their key was told a short time before.
    pub(crate) suppressed: u64,
}

/// A short digest of texts, in hexadecimal.
pub(crate) fn digest_of<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    hexadecimal(context.finish().as_ref().get(..16).unwrap_or_default())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The rows of a batch.
pub(crate) fn rows_of(batch: &RecordBatch) -> Result<Vec<JsonRow>, String> {
    let mut writer = WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, LineDelimited>(Vec::new());
    writer.write(batch).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    let text = writer.into_inner();
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).map_err(|error| error.to_string()))
        .collect()
}

/// The bytes of a message for a destination.
pub(crate) fn body(message: &Message, destination: &Destination, pipeline: &str) -> Vec<u8> {
    let value = match destination.kind {
        DestinationKind::Webhook => webhook(message, destination, pipeline),
        DestinationKind::Slack => slack(message, destination, pipeline),
    };
    value.to_string().into_bytes()
}

fn webhook(message: &Message, destination: &Destination, pipeline: &str) -> Value {
    let rows: Vec<&JsonRow> = message.rows.iter().map(|told| &told.row).collect();
    let keys: Vec<&str> = message.rows.iter().map(|told| told.key.as_str()).collect();
    json!({
        "deduplication_key": message.key,
        "destination": destination.name,
        "pipeline": pipeline,
        "table": message.subject,
        "version": message.version,
        "text": summary(message),
        "rows": rows,
        "row_keys": keys,
        "suppressed": message.suppressed,
    })
}

fn slack(message: &Message, destination: &Destination, pipeline: &str) -> Value {
    let summary = escape(&summary(message));
    let section =
        |text: &str| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    let mut blocks = vec![section(&format!("*{summary}*"))];
    let mut block = String::new();
    for told in &message.rows {
        let line = escape(&text_of(&told.row, destination.template.as_deref()));
        if !block.is_empty() && block.len() + line.len() + 3 > BLOCK_BYTES_MAX {
            blocks.push(section(&block));
            block.clear();
        }
        if !block.is_empty() {
            block.push('\n');
        }
        block.push_str("• ");
        block.push_str(&line);
    }
    if !block.is_empty() {
        blocks.push(section(&block));
    }
    blocks.truncate(BLOCKS_MAX);
    let key = &message.key;
    let context = format!("pipeline {} · {key}", escape(pipeline));
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": context }] }));
    json!({ "text": summary, "blocks": blocks })
}

fn summary(message: &Message) -> String {
    let number = message.rows.len();
    let rows = if number == 1 { "row" } else { "rows" };
    let mut text = format!("{}: {number} new {rows}", message.subject);
    if message.suppressed > 0 {
        let more = format!(", {} more of keys told before", message.suppressed);
        text.push_str(&more);
    }
    text
}

/// The text of one row: the template with its `{{column}}` replaced, or all columns.
fn text_of(row: &JsonRow, template: Option<&str>) -> String {
    let text = match template {
        Some(template) => {
            let mut text = template.to_owned();
            for (column, value) in row {
                text = text.replace(&format!("{{{{{column}}}}}"), &plain(value));
            }
            text
        }
        None => row
            .iter()
            .map(|(column, value)| format!("{column}: {}", plain(value)))
            .collect::<Vec<_>>()
            .join(", "),
    };
    if text.chars().count() <= ROW_CHARS_MAX {
        return text;
    }
    let cut: String = text.chars().take(ROW_CHARS_MAX - 1).collect();
    format!("{cut}…")
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What Slack would read as its own signs.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
