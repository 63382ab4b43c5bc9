//! Tables of values as people write them, `a | b` and rows below, turned into input files. Must not touch the disk.

use arrow::array::Array as _;
use serde_json::{Map, Value};
use sluice_decode::json::{JsonDecoder, JsonOptions};
use sluice_decode::{DecodeError, ParseMode};
use sluice_model::SparkField;
use sluice_model::data_type::parse_schema;

use super::failure::Trouble;

/// A table of a test: columns and rows of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Names.
    pub(crate) names: Vec<String>,
    /// Types, where the header gives them.
    pub(crate) types: Vec<Option<String>>,
    /// Lines from the station to the header.
    header_below: usize,
    rows: Vec<Row>,
}

/// A row of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    /// Lines from the station to it.
    below: usize,
    cells: Vec<String>,
}

impl Table {
    /// Reads `name [TYPE] | …` and rows; lines of dashes and empty lines mean nothing.
    pub(crate) fn parse(text: &str) -> Result<Self, Trouble> {
        let cells = |line: &str| -> Vec<String> {
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let is_rule = |line: &str| line.chars().all(|c| matches!(c, '-' | '+' | '|' | ' '));
        let lines = text.lines().enumerate();
        let mut lines = lines.filter(|(_, line)| !is_rule(line));
        let (header_at, header) = lines.next().ok_or_else(|| {
            Trouble::misspelled(
                "the station has no rows",
                "write the columns, then a row per line: `id | value`, `a | 1`",
            )
        })?;
        let header = cells(header);
        let mut table = Self {
            names: vec![],
            types: vec![],
            header_below: header_at + 1,
            rows: vec![],
        };
        for column in &header {
            let (name, data_type) = match column.split_once(char::is_whitespace) {
                Some((name, data_type)) => (name, Some(data_type.trim().to_owned())),
                None => (column.as_str(), None),
            };
            table.names.push(name.to_owned());
            table.types.push(data_type);
        }
        for (at, line) in lines {
            let row = cells(line);
            if row.len() != header.len() {
                return Err(Trouble::misspelled(
                    format!(
                        "a row has {} cells and the header {}: `{line}`",
                        row.len(),
                        header.len()
                    ),
                    "separate cells by ` | `; write NULL for no value and '' for an empty text",
                ));
            }
            table.rows.push(Row {
                below: at + 1,
                cells: row,
            });
        }
        Ok(table)
    }

    /// JSON lines. A cell is NULL, a number, `true`, `false`, an array or an object if it looks like one; in quotes, or in a
    /// column of type STRING, it is text.
    pub(crate) fn json_lines(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let columns = self.names.iter().zip(&self.types).zip(&row.cells);
            let object: Map<String, Value> = columns
                .map(|((name, data_type), cell)| (name.clone(), value(cell, data_type.as_deref())))
                .collect();
            text.push_str(&Value::Object(object).to_string());
            text.push('\n');
        }
        text
    }

    /// CSV with a header; NULL is nothing.
    pub(crate) fn csv(&self) -> String {
        let field = |cell: &String| match unquoted(cell) {
            _ if cell == "NULL" => String::new(),
            text if text.is_empty() || text.contains([',', '"', '\n']) => {
                format!("\"{}\"", text.replace('"', "\"\""))
            }
            text => text.to_owned(),
        };
        let line = |cells: &[String]| cells.iter().map(field).collect::<Vec<_>>().join(",");
        let rows = self.rows.iter().map(|row| line(&row.cells));
        std::iter::once(line(&self.names))
            .chain(rows)
            .map(|line| line + "\n")
            .collect()
    }

    /// The columns as a schema in DDL, if every one has a type.
    pub(crate) fn schema(&self) -> Option<String> {
        let columns = self.names.iter().zip(&self.types);
        let columns: Option<Vec<String>> = columns
            .map(|(name, data_type)| Some(format!("`{name}` {}", data_type.as_ref()?)))
            .collect();
        Some(columns?.join(", "))
    }

    /// Refuses types that there are not, and cells that are no values of their column's type: read as JSON, those would be
    /// NULL without a word.
    pub(crate) fn check_types(&self) -> Result<(), Trouble> {
        for (column, (name, data_type)) in self.names.iter().zip(&self.types).enumerate() {
            let Some(data_type) = data_type else { continue };
            let wrong = |message: String| {
                let help = "write `name TYPE`, as in `id STRING | value DOUBLE | at TIMESTAMP`";
                Trouble::misspelled_below(self.header_below, message, help)
            };
            let fields = parse_schema(&format!("`{name}` {data_type}"))
                .map_err(|error| wrong(format!("column `{name}`: {error}")))?;
            let [field] = fields.as_slice() else {
                return Err(wrong(format!(
                    "column `{name}`: `{data_type}` is no data type"
                )));
            };
            for row in &self.rows {
                let cell = row.cells.get(column).map_or("", String::as_str);
                let fits = fits(field, &value(cell, Some(data_type)));
                if !fits.map_err(|error| wrong(error.to_string()))? {
                    let message = format!("column `{name}`: `{cell}` is no {data_type}");
                    let help = "write NULL where there is no value";
                    return Err(Trouble::misspelled_below(row.below, message, help));
                }
            }
        }
        Ok(())
    }
}

/// Whether a reader of files finds a value where one is written.
fn fits(field: &SparkField, value: &Value) -> Result<bool, DecodeError> {
    if value.is_null() {
        return Ok(true);
    }
    let options = JsonOptions {
        mode: ParseMode::FailFast,
        ..JsonOptions::default()
    };
    let mut decoder = JsonDecoder::new(std::slice::from_ref(field), options)?;
    let name = field.name.clone();
    let line = Value::Object(Map::from_iter([(name, value.clone())])).to_string();
    let read = decoder.push(line.as_bytes()).and_then(|_| decoder.finish());
    match read {
        Ok(read) => Ok(read
            .iter()
            .any(|read| read.batch.column(0).logical_null_count() == 0)),
        Err(DecodeError::Malformed(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn unquoted(cell: &str) -> &str {
    cell.strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap_or(cell)
}

fn value(cell: &str, data_type: Option<&str>) -> Value {
    if cell == "NULL" {
        return Value::Null;
    }
    let is_text = data_type.is_some_and(|t| t.eq_ignore_ascii_case("STRING"));
    let text = unquoted(cell);
    if is_text || text.len() != cell.len() {
        return Value::from(text);
    }
    serde_json::from_str(cell).unwrap_or_else(|_| Value::from(cell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_values() {
        let table =
            Table::parse("id STRING | v DOUBLE | x\n---|---|---\n12 | 1.5 | '7'\na | NULL | [1]\n")
                .unwrap();
        assert_eq!(
            table.json_lines(),
            "{\"id\":\"12\",\"v\":1.5,\"x\":\"7\"}\n{\"id\":\"a\",\"v\":null,\"x\":[1]}\n"
        );
        assert_eq!(table.csv(), "id,v,x\n12,1.5,7\na,,[1]\n");
        assert_eq!(table.schema(), None);
        let typed = Table::parse("id STRING | v DECIMAL(10, 2)\na | 1").unwrap();
        assert_eq!(typed.schema().unwrap(), "`id` STRING, `v` DECIMAL(10, 2)");
        assert!(Table::parse("a | b\n1").is_err());
        assert!(Table::parse("").is_err());
    }

    #[test]
    fn types_and_cells_that_do_not_fit_are_told_by_line() {
        for (text, below, told) in [
            ("a STRIN\nx", 1, "column `a`: `STRIN` is not a data type"),
            ("\na INT, b INT\n1", 2, "is no data type"),
            (
                "a INT | d DATE\n1 | gestern",
                2,
                "column `d`: `gestern` is no DATE",
            ),
            ("a INT\n--\n1\nx", 4, "column `a`: `x` is no INT"),
            ("a INT\n1.5", 2, "column `a`: `1.5` is no INT"),
            ("a VOID\n1", 2, "column `a`: `1` is no VOID"),
            ("a STRING | b INT\n1 | ''", 2, "column `b`: `''` is no INT"),
            ("a ARRAY<INT>\n[1,\"x\"]", 2, "is no ARRAY<INT>"),
        ] {
            let wrong = Table::parse(text).unwrap().check_types().unwrap_err();
            let Trouble::Misspelled {
                message,
                below: found,
                ..
            } = wrong
            else {
                panic!("{text}: {wrong:?}");
            };
            assert!(message.contains(told), "{text}: {message}");
            assert_eq!(found, below, "{text}");
        }
        for text in [
            "a INT | b STRING | c\n1 | x | y\nNULL | NULL | NULL",
            "at TIMESTAMP | d DATE | x DOUBLE\n2026-01-01 08:00:00 | 2026-01-01 | 1",
            "a BOOLEAN | n DECIMAL(10, 2) | l ARRAY<INT> | t VARCHAR(9)\ntrue | 1.25 | [1] | 7",
            "a STRUCT<b: INT, c: STRING>\n{\"b\":1,\"c\":\"x\"}",
        ] {
            assert_eq!(Table::parse(text).unwrap().check_types(), Ok(()), "{text}");
        }
    }
}
