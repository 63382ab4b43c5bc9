//! Tables of values as people write them, `a | b` and rows below, turned into input files. Must not touch the disk.

use serde_json::{Map, Value};

use super::failure::Trouble;

/// A table of a test: columns and rows of cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Names.
    pub(crate) names: Vec<String>,
    /// Types, where the header gives them.
    pub(crate) types: Vec<Option<String>>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Reads `name [TYPE] | …` and rows; lines of dashes and empty lines mean nothing.
    pub(crate) fn parse(text: &str) -> Result<Self, Trouble> {
        let cells = |line: &str| -> Vec<String> {
            line.split('|').map(|cell| cell.trim().to_owned()).collect()
        };
        let is_rule = |line: &str| line.chars().all(|c| matches!(c, '-' | '+' | '|' | ' '));
        let mut lines = text.lines().filter(|line| !is_rule(line));
        let header = cells(lines.next().ok_or_else(|| {
            Trouble::misspelled(
                "the station has no rows",
                "write the columns, then a row per line: `id | value`, `a | 1`",
            )
        })?);
        let mut table = Self {
            names: vec![],
            types: vec![],
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
        for line in lines {
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
            table.rows.push(row);
        }
        Ok(table)
    }

    /// JSON lines. A cell is NULL, a number, `true`, `false`, an array or an object if it looks like one; in quotes, or in a
    /// column of type STRING, it is text.
    pub(crate) fn json_lines(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let columns = self.names.iter().zip(&self.types).zip(row);
            let object: Map<String, Value> = columns
                .map(|((name, data_type), cell)| {
                    let is_text = data_type
                        .as_deref()
                        .is_some_and(|t| t.eq_ignore_ascii_case("STRING"));
                    (name.clone(), value(cell, is_text))
                })
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
        let rows = self.rows.iter().map(|row| line(row));
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
}

fn unquoted(cell: &str) -> &str {
    cell.strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
        .unwrap_or(cell)
}

fn value(cell: &str, is_text: bool) -> Value {
    if cell == "NULL" {
        return Value::Null;
    }
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
}
