//! Records that could not be parsed, in the form in which `badRecordsPath` keeps them.

use std::sync::Arc;

use serde_json::json;

use crate::SourceError;

/// A record that could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The file, as shown to users.
    pub path: String,
    /// Line of the file on which the record starts, from 1; 0 where it is not known.
    pub line: u64,
    /// Why it could not be parsed.
    pub reason: String,
    /// Its text, possibly cut; whole where `badRecordsPath` is set.
    pub record: String,
}

impl BadRow {
    /// One line of a file of `badRecordsPath`: a JSON object with `path`, `record` and `reason`, as Databricks writes
    /// them, and the `line`.
    #[must_use]
    pub fn to_json_line(&self) -> String {
        let line = json!({
            "path": self.path, "record": self.record, "reason": self.reason, "line": self.line,
        });
        format!("{line}\n")
    }
}

/// Who keeps the bad records of a read, part by part: those of one file come in their order, files come side by side.
/// It is called on the threads that decode, and may write.
#[derive(Clone)]
pub struct BadRowKeeper(Arc<Keep>);

/// A function that keeps a part.
type Keep = dyn Fn(&[BadRow]) -> Result<(), SourceError> + Send + Sync;

impl BadRowKeeper {
    /// Makes a keeper of a function; its error ends the read.
    pub fn new(
        keep: impl Fn(&[BadRow]) -> Result<(), SourceError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(keep))
    }

    pub(super) fn keep(&self, rows: &[BadRow]) -> Result<(), SourceError> {
        if rows.is_empty() {
            return Ok(());
        }
        (self.0)(rows)
    }
}

impl std::fmt::Debug for BadRowKeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BadRowKeeper")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_whatever_it_holds() {
        let row = BadRow {
            path: "file:///a.json".into(),
            line: 7,
            reason: "no JSON".into(),
            record: "{\"a\":\n".into(),
        };
        let expected =
            r#"{"path":"file:///a.json","record":"{\"a\":\n","reason":"no JSON","line":7}"#;
        assert_eq!(row.to_json_line(), format!("{expected}\n"));
    }
}
