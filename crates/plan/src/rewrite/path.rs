//! `value:a.b[0]`: a path into JSON text or into a nested value.

use sluice_model::Origin;

use crate::Session;
use crate::bind::Typed;
use crate::error::{Result, unsupported};
use crate::rewrite::access;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// `.key`
    Key(String),
    /// `['key']`
    Exact(String),
    /// `[0]`
    Index(i32),
    /// `[*]`, of JSON text alone.
    Every,
}

/// The path as `json_path` takes it: names outside brackets match without regard to case.
pub(crate) fn json_path(steps: &[Step]) -> String {
    let mut out = String::new();
    for step in steps {
        match step {
            Step::Key(key) => {
                if !out.is_empty() {
                    out.push('.');
                }
                let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_');
                if plain || key == "*" || key.contains('`') {
                    out.push_str(key);
                } else {
                    out.extend(["`", key, "`"]);
                }
            }
            Step::Exact(key) => {
                out.push_str("['");
                out.push_str(key);
                out.push_str("']");
            }
            Step::Index(index) => out.extend(["[", &index.to_string(), "]"]),
            Step::Every => out.push_str("[*]"),
        }
    }
    out
}

/// Walks a nested value.
pub(crate) fn walk(
    session: &Session,
    mut value: Typed,
    steps: &[Step],
    origin: &Origin,
) -> Result<Typed> {
    for step in steps {
        value = match step {
            Step::Key(key) | Step::Exact(key) => access::field(session, value, key, origin)?,
            Step::Index(index) => access::index(session, value, Typed::int(*index), origin)?,
            Step::Every => return unsupported(origin, "`[*]` in a value that is no JSON text"),
        };
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_written_as_json_paths() {
        let steps = [
            Step::Key("a".into()),
            Step::Index(0),
            Step::Exact("b c".into()),
            Step::Every,
        ];
        assert_eq!(json_path(&steps), "a[0]['b c'][*]");
    }
}
