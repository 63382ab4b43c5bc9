//! The name of a table or view whose statement has an error. Must not report: what is wrong was said.

use crate::cursor::Cursor;
use crate::statement::WrittenName;

/// The words between CREATE and the name.
const BEFORE_NAMES: &[&str] = &[
    "OR",
    "REFRESH",
    "REPLACE",
    "PRIVATE",
    "TEMPORARY",
    "TEMP",
    "LIVE",
    "STREAMING",
    "INCREMENTAL",
    "MATERIALIZED",
    "TABLE",
    "VIEW",
];

/// The name that a statement declares, if it can be read that far.
pub(super) fn name(cursor: &mut Cursor<'_>) -> Option<WrittenName> {
    if !cursor.take(&["CREATE"]) {
        return None;
    }
    let is_before = |word: &str| {
        BEFORE_NAMES
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known))
    };
    let mut is_dataset = false;
    while let Some(word) = cursor.word_nth(0).filter(|word| is_before(word)) {
        is_dataset = ["TABLE", "VIEW"]
            .iter()
            .any(|last| word.eq_ignore_ascii_case(last));
        cursor.at += 1;
    }
    if !is_dataset {
        return None;
    }
    cursor.take(&["IF", "NOT", "EXISTS"]);
    cursor.qualified_name("a name").ok()
}
