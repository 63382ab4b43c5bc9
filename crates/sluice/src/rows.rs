//! Rows of a query as text: box, CSV, JSON, JSON lines, Markdown. Values read as Spark casts them to STRING; nested
//! values as JSON; bytes as Spark shows them, `[00 FF]`, and in JSON as base64. Must not print.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use serde_json::Value;
use sluice_decode::cast::{push_base64, value_text};
use sluice_decode::datetime::Zone;
use sluice_decode::json::{JsonForm, to_json};
use sluice_run::QueryResult;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::arguments::Mode;

/// Rows as cells.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    /// Column names.
    pub(crate) names: Vec<String>,
    /// What each column is, for JSON and alignment.
    kinds: Vec<Kind>,
    /// Cells; `None` is NULL.
    pub(crate) cells: Vec<Vec<Option<String>>>,
}

/// How a column's texts are written in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// In quotes.
    Text,
    /// As they are, unless not finite.
    Number,
    /// As they are.
    Json,
    /// As base64 of the bytes that the cell shows.
    Bytes,
}

impl Rows {
    /// Takes the rows of a query.
    pub(crate) fn of(result: &QueryResult, time_zone: &str) -> Self {
        let zone = Zone::parse(time_zone).unwrap_or(Zone::Fixed(0));
        let fields = result.schema.fields();
        let mut rows = Self {
            names: fields.iter().map(|field| field.name().clone()).collect(),
            kinds: fields.iter().map(|field| kind(field.data_type())).collect(),
            cells: vec![],
        };
        for batch in &result.batches {
            let columns: Vec<Column> = batch
                .columns()
                .iter()
                .map(|column| Column::of(column, zone))
                .collect();
            for row in 0..batch.num_rows() {
                rows.cells.push(
                    columns
                        .iter()
                        .map(|column| column.cell(row, zone))
                        .collect(),
                );
            }
        }
        rows
    }

    /// Rows made by us: all columns are text.
    pub(crate) fn of_texts(names: &[&str], cells: Vec<Vec<Option<String>>>) -> Self {
        Self {
            names: names.iter().map(ToString::to_string).collect(),
            kinds: vec![Kind::Text; names.len()],
            cells,
        }
    }

    /// Puts the rows of another result with the same columns behind these; the first result brings the columns.
    pub(crate) fn append(&mut self, more: Self) {
        if self.names.is_empty() {
            *self = more;
        } else {
            self.cells.extend(more.cells);
        }
    }

    /// Some of the columns, in their order.
    pub(crate) fn only(&self, names: &[&str]) -> Self {
        let chosen: Vec<usize> = (0..self.names.len())
            .filter(|index| {
                self.names
                    .get(*index)
                    .is_some_and(|name| names.contains(&name.as_str()))
            })
            .collect();
        let of = |row: &Vec<Option<String>>| -> Vec<Option<String>> {
            chosen
                .iter()
                .map(|index| row.get(*index).cloned().flatten())
                .collect()
        };
        Self {
            names: chosen
                .iter()
                .filter_map(|index| self.names.get(*index).cloned())
                .collect(),
            kinds: chosen
                .iter()
                .filter_map(|index| self.kinds.get(*index).copied())
                .collect(),
            cells: self.cells.iter().map(of).collect(),
        }
    }

    /// The same rows, where some columns hold JSON: numbers, objects.
    pub(crate) fn with_json(mut self, names: &[&str]) -> Self {
        for (name, kind) in self.names.iter().zip(&mut self.kinds) {
            if names.contains(&name.as_str()) {
                *kind = Kind::Json;
            }
        }
        self
    }

    /// The rows in a form, with a line break at the end; `width` cuts cells of tables for people.
    pub(crate) fn render(&self, mode: Mode, width: Option<usize>) -> String {
        match mode {
            Mode::Box => self.boxed(width),
            Mode::Csv => self.csv(),
            Mode::Json => self.json(),
            Mode::Jsonlines => self.json_lines(),
            Mode::Markdown => self.markdown(),
        }
    }

    fn csv(&self) -> String {
        let mut text = self.csv_header();
        text.push_str(&self.csv_lines());
        text
    }

    /// The first line of CSV. Lines end as those of every other tool on this system; readers of RFC 4180 take both.
    pub(crate) fn csv_header(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| csv_field(name)).collect();
        format!("{}\n", names.join(","))
    }

    /// The rows as lines of CSV.
    pub(crate) fn csv_lines(&self) -> String {
        let mut text = String::new();
        for row in &self.cells {
            for (index, cell) in row.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                if let Some(cell) = cell {
                    text.push_str(&csv_field(cell));
                }
            }
            text.push('\n');
        }
        text
    }

    fn object(&self, row: &[Option<String>]) -> String {
        let fields: Vec<String> = self
            .names
            .iter()
            .zip(&self.kinds)
            .zip(row)
            .map(|((name, kind), cell)| {
                format!(
                    "{}:{}",
                    Value::from(name.as_str()),
                    json_value(*kind, cell.as_deref())
                )
            })
            .collect();
        format!("{{{}}}", fields.join(","))
    }

    fn json(&self) -> String {
        let objects: Vec<String> = self.cells.iter().map(|row| self.object(row)).collect();
        format!("[{}]\n", objects.join(",\n"))
    }

    /// One object per line.
    pub(crate) fn json_lines(&self) -> String {
        self.cells.iter().fold(String::new(), |mut text, row| {
            let _ = writeln!(text, "{}", self.object(row));
            text
        })
    }

    fn markdown(&self) -> String {
        let escape = |text: &str| visible(text, "<br>").replace('|', "\\|");
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(self.names.iter().map(|name| escape(name)).collect());
        text.push_str(&line(
            self.kinds
                .iter()
                .map(|kind| if *kind == Kind::Number { "---:" } else { "---" }.to_owned())
                .collect(),
        ));
        for row in &self.cells {
            text.push_str(&line(
                row.iter()
                    .map(|cell| escape(cell.as_deref().unwrap_or("NULL")))
                    .collect(),
            ));
        }
        text
    }

    /// Cells as they are drawn: one line each, NULL in words, cut at `width`.
    fn drawn(&self, width: Option<usize>) -> (Vec<String>, Vec<Vec<String>>, Vec<usize>) {
        let draw = |text: &str| cut(&visible(text, "↵"), width);
        let names: Vec<String> = self.names.iter().map(|name| draw(name)).collect();
        let cells: Vec<Vec<String>> = self
            .cells
            .iter()
            .map(|row| {
                row.iter()
                    .map(|cell| draw(cell.as_deref().unwrap_or("NULL")))
                    .collect()
            })
            .collect();
        let widths = (0..names.len())
            .map(|column| {
                let of = |row: &Vec<String>| row.get(column).map_or(0, |cell| cell.width());
                cells.iter().map(of).chain([of(&names)]).max().unwrap_or(0)
            })
            .collect();
        (names, cells, widths)
    }

    fn pad(&self, row: &[String], widths: &[usize]) -> Vec<String> {
        row.iter()
            .zip(widths)
            .zip(&self.kinds)
            .map(|((cell, width), kind)| {
                let space = " ".repeat(width.saturating_sub(cell.width()));
                if *kind == Kind::Number {
                    format!("{space}{cell}")
                } else {
                    format!("{cell}{space}")
                }
            })
            .collect()
    }

    fn boxed(&self, width: Option<usize>) -> String {
        let (names, cells, widths) = self.drawn(width);
        let rule = |left: &str, middle: &str, right: &str| {
            let parts: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
            format!("{left}{}{right}\n", parts.join(middle))
        };
        let line = |row: &[String]| format!("│ {} │\n", self.pad(row, &widths).join(" │ "));
        let mut text = rule("┌", "┬", "┐");
        text.push_str(&line(&names));
        text.push_str(&rule("├", "┼", "┤"));
        for row in &cells {
            text.push_str(&line(row));
        }
        text.push_str(&rule("└", "┴", "┘"));
        text
    }

    /// Two spaces between columns, a line of dashes, and the number of rows: as `databricks pipelines show` does.
    pub(crate) fn plain(&self, width: Option<usize>) -> String {
        let (names, cells, widths) = self.drawn(width);
        let line = |row: &[String]| format!("{}\n", self.pad(row, &widths).join("  ").trim_end());
        let mut text = line(&names);
        text.push_str(&line(
            &widths
                .iter()
                .map(|width| "-".repeat(*width))
                .collect::<Vec<_>>(),
        ));
        for row in &cells {
            text.push_str(&line(row));
        }
        text
    }
}

/// A column that is ready to be read cell by cell.
enum Column {
    Plain(ArrayRef),
    /// Nested values, already JSON.
    Nested(StringArray),
}

impl Column {
    fn of(array: &ArrayRef, zone: Zone) -> Self {
        if kind(array.data_type()) == Kind::Json
            && !matches!(array.data_type(), DataType::Boolean)
            && let Ok(texts) = to_json(array, &JsonForm::new(zone))
        {
            return Self::Nested(texts);
        }
        Self::Plain(Arc::clone(array))
    }

    fn cell(&self, row: usize, zone: Zone) -> Option<String> {
        match self {
            Self::Plain(array) if array.is_null(row) || *array.data_type() == DataType::Null => {
                None
            }
            Self::Plain(array) => Some(match array.data_type() {
                DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
                DataType::LargeUtf8 => array.as_string::<i64>().value(row).to_owned(),
                DataType::Utf8View => array.as_string_view().value(row).to_owned(),
                DataType::Binary => bytes_text(array.as_binary::<i32>().value(row)),
                DataType::LargeBinary => bytes_text(array.as_binary::<i64>().value(row)),
                DataType::BinaryView => bytes_text(array.as_binary_view().value(row)),
                _ => value_text(array.as_ref(), row, &zone),
            }),
            Self::Nested(texts) => (!texts.is_null(row)).then(|| texts.value(row).to_owned()),
        }
    }
}

fn kind(data_type: &DataType) -> Kind {
    match data_type {
        data_type if data_type.is_numeric() => Kind::Number,
        DataType::Boolean => Kind::Json,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Kind::Bytes,
        data_type if data_type.is_nested() => Kind::Json,
        _ => Kind::Text,
    }
}

fn json_value(kind: Kind, cell: Option<&str>) -> String {
    match (kind, cell) {
        (_, None) => "null".to_owned(),
        (Kind::Json, Some(text)) => text.to_owned(),
        (Kind::Bytes, Some(text)) => base64_of(text),
        (Kind::Number, Some(text))
            if text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                && !text.contains("Inf") =>
        {
            text.to_owned()
        }
        (_, Some(text)) => Value::from(text).to_string(),
    }
}

fn csv_field(text: &str) -> String {
    if text.is_empty() || text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Bytes as Spark shows them: `[00 FF]`.
fn bytes_text(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("[{}]", pairs.join(" "))
}

/// The bytes that [`bytes_text`] shows, as Spark writes them in JSON.
fn base64_of(shown: &str) -> String {
    let pairs = shown.trim_matches(['[', ']']).split_ascii_whitespace();
    let bytes: Vec<u8> = pairs
        .filter_map(|pair| u8::from_str_radix(pair, 16).ok())
        .collect();
    let mut text = String::from("\"");
    push_base64(&mut text, &bytes);
    text.push('"');
    text
}

/// A text in one line that does nothing to a terminal: what data says must not move its cursor or ring its bell.
fn visible(text: &str, line_break: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '\n' => shown.push_str(line_break),
            '\t' => shown.push(' '),
            symbol if symbol.is_control() => shown.extend(symbol.escape_unicode()),
            symbol => shown.push(symbol),
        }
    }
    shown
}

/// At most so many columns of a terminal; some characters take two, some none.
fn cut(text: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| text.width() > *width) else {
        return text.to_owned();
    };
    let mut columns = 0;
    let fits = |symbol: &char| {
        columns += symbol.width().unwrap_or(0);
        columns < width
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
