//! The text of the rescued data column: a JSON object of the values that did not fit, and where they came from.

use super::write::push_string;

/// `{"a":1.5,"s":{"x":"bad"},"_file_path":"…"}` from paths and raw values; the last of several equal paths wins.
pub(crate) fn text(values: &[(Vec<String>, String)], file_path: &str) -> String {
    let mut out = String::from("{");
    let level: Vec<(&[String], &str)> = values
        .iter()
        .map(|(path, raw)| (path.as_slice(), raw.as_str()))
        .collect();
    push_level(&mut out, &level);
    push_path(&mut out, file_path, !level.is_empty());
    out
}

/// The text for a record that could not be read at all.
pub(crate) fn corrupt(record: &str, file_path: &str) -> String {
    let mut out = String::from("{\"_corrupt_record\":");
    push_string(&mut out, record);
    push_path(&mut out, file_path, true);
    out
}

fn push_path(out: &mut String, file_path: &str, comma: bool) {
    if comma {
        out.push(',');
    }
    out.push_str("\"_file_path\":");
    push_string(out, file_path);
    out.push('}');
}

fn push_level(out: &mut String, values: &[(&[String], &str)]) {
    let mut names: Vec<&String> = vec![];
    for name in values.iter().filter_map(|(path, _)| path.first()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, name);
        out.push(':');
        let inner: Vec<(&[String], &str)> = values
            .iter()
            .filter(|(path, _)| path.first() == Some(name))
            .map(|(path, raw)| (path.get(1..).unwrap_or_default(), *raw))
            .collect();
        if let Some((_, raw)) = inner.iter().rev().find(|(path, _)| path.is_empty()) {
            out.push_str(raw);
        } else {
            out.push('{');
            push_level(out, &inner);
            out.push('}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_values_share_their_parents() {
        let path = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let values = [
            (path(&["s", "x"]), "1".to_string()),
            (path(&["b"]), "\"q\"".to_string()),
            (path(&["s", "y"]), "[2]".to_string()),
        ];
        assert_eq!(
            text(&values, "/in/a.json"),
            r#"{"s":{"x":1,"y":[2]},"b":"q","_file_path":"/in/a.json"}"#
        );
    }
}
