//! The arguments of this process as they were given, and SQL among them told from flags. Must not know any command.

use std::ffi::OsString;

/// SQL that begins with a comment begins with `--`, as a flag does: a blank before it tells the two apart.
pub(crate) fn told_apart(
    given: impl IntoIterator<Item = OsString>,
) -> impl Iterator<Item = OsString> {
    given.into_iter().map(|argument| {
        let text = argument.to_str().filter(|text| is_sql(text));
        match text.map(|text| format!(" {text}")) {
            Some(apart) => apart.into(),
            None => argument,
        }
    })
}

/// Whether a comment begins a text of several lines; its first line up to a `=` is no name of a flag.
fn is_sql(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("--").filter(|rest| rest.contains('\n')) else {
        return false;
    };
    let name = rest.split('=').next().unwrap_or_default();
    let is_flag = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || one == '-');
    !is_flag
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_before_sql_is_no_flag() {
        for (text, expected) in [
            ("-- rows of today\nSELECT 1", true),
            ("--rows\nSELECT 1 AS a", true),
            ("-- a = b\nSELECT 1", true),
            ("--\nSELECT 1", true),
            ("----------\nSELECT 1", true),
            ("--====\nSELECT 1", true),
            ("--command=SELECT\n1", false),
            ("--var=text=a\nb", false),
            ("--mode", false),
            ("--", false),
            ("-- nothing else", false),
            ("SELECT 1 -- one\n", false),
        ] {
            let told: Vec<OsString> = told_apart([OsString::from(text)]).collect();
            let expected = if expected {
                format!(" {text}")
            } else {
                text.to_owned()
            };
            assert_eq!(told, [OsString::from(expected)], "{text}");
        }
    }
}
