//! Paths into JSON texts: `get_json_object`'s `$.a.b[0]['k'][*]` and the operator form `a:b.c[0]`. Must not build columns of types.
//!
//! The answer is text: strings without quotes and escapes, everything else as Jackson copies it; NULL
//! where nothing is there, where JSON `null` is there, or where the text is no JSON. Several hits of `[*]` come as an array.

use arrow_array::StringArray;
use arrow_array::builder::StringBuilder;

use super::Grammar;
use super::regenerate;
use super::scan::{Scanner, Syntax};
use super::write::push_string;

/// A step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// A field; the flag says whether case counts.
    Key(String, bool),
    /// An element, from 0.
    Index(usize),
    /// Every element.
    All,
}

/// A path that was read and checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonPath {
    steps: Vec<Step>,
}

/// Why a path was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` is no path into JSON: {reason}")]
pub struct PathError {
    /// The whole path.
    pub path: String,
    /// What is wrong.
    pub reason: &'static str,
}

impl JsonPath {
    /// Reads the path of `get_json_object`: `$`, then `.name`, `['name']`, `[0]`, `[*]`, `.*`. Names keep their case.
    ///
    /// # Errors
    /// The text is no such path; Spark's function gives NULL then.
    pub fn parse(path: &str) -> Result<Self, PathError> {
        let steps = path
            .strip_prefix('$')
            .ok_or("it must start with `$`")
            .and_then(|rest| read_steps(rest, true));
        steps
            .map(|steps| Self { steps })
            .map_err(|reason| PathError {
                path: path.to_string(),
                reason,
            })
    }

    /// Reads what follows the colon of `column:a.b[0]['k']`: names outside brackets match without regard to case.
    ///
    /// # Errors
    /// The text is no such path.
    pub fn parse_operator(path: &str) -> Result<Self, PathError> {
        let text = if path.starts_with('[') {
            path.to_string()
        } else {
            format!(".{path}")
        };
        let steps = read_steps(&text, false);
        steps
            .map(|steps| Self { steps })
            .map_err(|reason| PathError {
                path: path.to_string(),
                reason,
            })
    }

    /// The value at the path in one text.
    pub fn get(&self, text: &str) -> Option<String> {
        let mut scanner = Scanner::new(text, false, Grammar::of_paths());
        let mut hits = vec![];
        walk(&self.steps, &mut scanner, 0, &mut hits).ok()?;
        // What follows a whole value goes unread, but a number must end somewhere.
        let begin = text.trim_start().as_bytes().first();
        if matches!(begin, Some(b'-' | b'0'..=b'9'))
            && !scanner.at_end()
            && !scanner.peek().is_ascii_whitespace()
        {
            return None;
        }
        let wild = self.steps.contains(&Step::All);
        match hits.as_slice() {
            [] => None,
            [Hit::Null] if !wild => None,
            [Hit::Text(value)] if !wild => Some(value.clone()),
            [Hit::Raw(value)] => Some(value.clone()),
            [Hit::Text(value)] => {
                let mut out = String::new();
                push_string(&mut out, value);
                Some(out)
            }
            several => {
                let mut out = String::from("[");
                for (index, hit) in several.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    match hit {
                        Hit::Null => out.push_str("null"),
                        Hit::Text(value) => push_string(&mut out, value),
                        Hit::Raw(value) => out.push_str(value),
                    }
                }
                out.push(']');
                Some(out)
            }
        }
    }
}

/// The value at a path in each text; NULL stays NULL.
pub fn get_json(strings: &StringArray, path: &JsonPath) -> StringArray {
    let mut out = StringBuilder::new();
    for text in strings {
        out.append_option(text.and_then(|text| path.get(text)));
    }
    out.finish()
}

fn read_steps(text: &str, exact: bool) -> Result<Vec<Step>, &'static str> {
    let mut steps = vec![];
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            if let Some(quoted) = after.strip_prefix('`') {
                let end = quoted.find('`').ok_or("a backtick is not closed")?;
                steps.push(Step::Key(quoted[..end].to_string(), exact));
                rest = &quoted[end + 1..];
                continue;
            }
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let name = &after[..end];
            match name {
                "" => return Err("a name is empty"),
                "*" => steps.push(Step::All),
                name => steps.push(Step::Key(name.to_string(), exact)),
            }
            rest = &after[end..];
        } else if let Some(after) = rest.strip_prefix('[') {
            let quote = after
                .chars()
                .next()
                .filter(|symbol| matches!(symbol, '\'' | '"'));
            if let Some(quote) = quote {
                let body = &after[1..];
                let end = body.find(quote).ok_or("a quote is not closed")?;
                steps.push(Step::Key(body[..end].to_string(), true));
                rest = body[end + 1..].strip_prefix(']').ok_or("`]` is missing")?;
            } else {
                let end = after.find(']').ok_or("`]` is missing")?;
                let inside = after[..end].trim();
                steps.push(match inside {
                    "*" => Step::All,
                    digits => Step::Index(digits.parse().map_err(|_| "an index is no number")?),
                });
                rest = &after[end + 1..];
            }
        } else {
            return Err("a name starts with `.` or `[`");
        }
    }
    Ok(steps)
}

enum Hit {
    Null,
    Text(String),
    Raw(String),
}

/// Follows the steps through one value and collects what they reach; always reads the value to its end.
fn walk(
    steps: &[Step],
    scanner: &mut Scanner<'_>,
    depth: usize,
    hits: &mut Vec<Hit>,
) -> Result<(), Syntax> {
    scanner.space()?;
    let Some((step, after)) = steps.split_first() else {
        hits.push(take(scanner, depth)?);
        return Ok(());
    };
    if depth > sluice_model::limits::JSON_DEPTH_MAX {
        return Err(Syntax("the record nests too deeply"));
    }
    match (step, scanner.peek()) {
        (Step::Key(wanted, exact), b'{') => {
            scanner.position += 1;
            let mut found = false;
            scanner.members(b'}', |scanner| -> Result<(), Syntax> {
                let name = scanner.name()?;
                scanner.space()?;
                scanner.expect(b':', "expected `:` after the name of a field")?;
                let same = if *exact {
                    name == wanted.as_str()
                } else {
                    name.eq_ignore_ascii_case(wanted)
                };
                if same && !found {
                    let before = hits.len();
                    walk(after, scanner, depth + 1, hits)?;
                    found = hits.len() > before;
                    return Ok(());
                }
                scanner.skip(depth + 1)
            })
        }
        (Step::Index(_) | Step::All, b'[') => {
            scanner.position += 1;
            let mut index = 0;
            scanner.members(b']', |scanner| -> Result<(), Syntax> {
                let wanted = *step == Step::All || *step == Step::Index(index);
                index += 1;
                if wanted {
                    walk(after, scanner, depth + 1, hits)
                } else {
                    scanner.skip(depth + 1)
                }
            })
        }
        _ => scanner.skip(depth),
    }
}

fn take(scanner: &mut Scanner<'_>, depth: usize) -> Result<Hit, Syntax> {
    if scanner.at_string() {
        return Ok(Hit::Text(scanner.string()?.into_owned()));
    }
    if scanner.peek() == b'n' {
        scanner.word("null")?;
        return Ok(Hit::Null);
    }
    let mut out = String::new();
    regenerate::copy(&mut out, scanner, depth)?;
    Ok(Hit::Raw(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: &str, expected: Option<&str>) {
        let found = JsonPath::parse(path).ok().and_then(|path| path.get(text));
        assert_eq!(found.as_deref(), expected, "{text} {path}");
    }

    #[test]
    fn paths_reach_into_objects_and_arrays() {
        let text = r#"{"a": {"b": [ {"k": "x\ty"}, {"k": 1.50} ]}, "n": null, "A.b": true}"#;
        check(text, "$.a.b[0].k", Some("x\ty"));
        check(text, "$.a.b[1]['k']", Some("1.5"));
        check(text, "$.a.b[*].k", Some("[\"x\\ty\",1.5]"));
        check(text, "$.a.b", Some(r#"[{"k":"x\ty"},{"k":1.5}]"#));
        check(text, "$['A.b']", Some("true"));
        check(text, "$.n", None);
        check(text, "$.a.b[7]", None);
        check(text, "a", None);
        check("{\"a\":", "$.a", None);
    }

    #[test]
    fn the_operator_ignores_case_outside_brackets() {
        let path = JsonPath::parse_operator("Owner.items[0]['Id']").unwrap();
        assert_eq!(
            path.get(r#"{"owner":{"ITEMS":[{"id":1,"Id":2}]}}"#)
                .as_deref(),
            Some("2")
        );
    }
}
