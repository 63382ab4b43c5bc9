//! Records that could not be parsed, in the form in which `badRecordsPath` keeps them.

use bytes::Bytes;
use serde_json::json;

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

/// One file of `badRecordsPath`: a JSON object per line with `path`, `record` and `reason`, as Databricks writes
/// them, and the `line`. Who commits the micro-batch stores it, under a name that the batch decides, before the commit.
#[must_use]
pub fn encode_bad_records(rows: &[BadRow]) -> Bytes {
    let lines = rows.iter().map(|row| {
        json!({ "path": row.path, "record": row.record, "reason": row.reason, "line": row.line })
            .to_string()
            + "\n"
    });
    lines.collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_record_is_one_line_whatever_it_holds() {
        let row = BadRow {
            path: "file:///a.json".into(),
            line: 7,
            reason: "no JSON".into(),
            record: "{\"a\":\n".into(),
        };
        let expected =
            r#"{"path":"file:///a.json","record":"{\"a\":\n","reason":"no JSON","line":7}"#;
        assert_eq!(
            encode_bad_records(&[row.clone(), row]),
            format!("{expected}\n{expected}\n")
        );
        assert!(encode_bad_records(&[]).is_empty());
    }
}
