//! Regular expressions: Java's syntax as far as it has no look-around and no back-references, which are refused.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use regex::Regex;
use sluice_model::condition::query as condition;

use super::call::{Call, Int, Output, Text, Truth};
use super::error::{fail, fail_with};
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::{Param as P, list_of};

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("regexp_like", &[P::String, P::String], Returns::Type(T::Boolean), |c| {
        let mut known = Known::default();
        c.map2::<Text, Text, Truth>(|text, pattern| Ok(Some(known.get(pattern)?.is_match(text))))
    })
    .also(&["rlike", "regexp"])
    .doc("Whether a part of the string matches the pattern.", "regexp_like('Spark', '^S.*k$')"),
    Function::new("regexp_extract", &[P::String, P::String, P::Int], Returns::Type(T::String), extract)
        .optional(1)
        .doc("Gives a group (the first unless named) of the first match, '' if there is none.", "regexp_extract('100-200', '(\\\\d+)-(\\\\d+)', 1)"),
    Function::new("regexp_extract_all", &[P::String, P::String, P::Int], Returns::By(|_| Ok(list_of(&DataType::Utf8))), extract_all)
        .optional(1)
        .doc("Gives a group of every match as an array.", "regexp_extract_all('100-200, 300-400', '(\\\\d+)-(\\\\d+)', 1)"),
    Function::new("regexp_replace", &[P::String, P::String, P::String, P::Int], Returns::Type(T::String), replace)
        .optional(1)
        .doc("Replaces every match; `$1` stands for a group.", "regexp_replace('100-200', '(\\\\d+)', 'num')"),
    Function::new("regexp_substr", &[P::String, P::String], Returns::Type(T::String), |c| {
        let mut known = Known::default();
        c.map2::<Text, Text, Text>(|text, pattern| Ok(known.get(pattern)?.find(text).map(|m| m.as_str().to_string())))
    })
    .doc("Gives the first match, NULL if there is none.", "regexp_substr('Steven Jones', 'Ste(v|ph)en')"),
    Function::new("regexp_count", &[P::String, P::String], Returns::Type(T::Int), |c| {
        let mut known = Known::default();
        c.map2::<Text, Text, Int>(|text, pattern| Ok(i32::try_from(known.get(pattern)?.find_iter(text).count()).ok()))
    })
    .doc("Counts the matches.", "regexp_count('Steven Jones and Stephen Smith', 'Ste(v|ph)en')"),
    Function::new("regexp_instr", &[P::String, P::String, P::Int], Returns::Type(T::Int), |c| {
        let mut known = Known::default();
        c.map2::<Text, Text, Int>(|text, pattern| {
            let at = known.get(pattern)?.find(text).map_or(0, |m| text[..m.start()].chars().count() + 1);
            Ok(i32::try_from(at).ok())
        })
    })
    .optional(1)
    .doc("Gives the position of the first match, 0 if there is none.", "regexp_instr('user@spark.org', '@')"),
    Function::new("split", &[P::String, P::String, P::Int], Returns::By(|_| Ok(list_of(&DataType::Utf8))), split)
        .optional(1)
        .doc("Splits a string around the matches of a pattern, into at most `limit` parts if that is positive.", "split('oneAtwoBthreeC', '[ABC]')"),
];

/// The pattern of the row before, so that a constant is compiled once.
#[derive(Default)]
pub(super) struct Known {
    last: Option<(String, Regex)>,
}

impl Known {
    /// The compiled pattern.
    ///
    /// # Errors
    /// It cannot be read, or needs what the engine does not have.
    pub(super) fn get(&mut self, pattern: &str) -> Result<&Regex> {
        if self.last.as_ref().is_none_or(|(text, _)| text != pattern) {
            self.last = Some((pattern.to_string(), compile(pattern)?));
        }
        match &self.last {
            Some((_, regex)) => Ok(regex),
            None => fail(
                &condition::INVALID_REGEXP,
                format!("`{pattern}` cannot be read"),
            ),
        }
    }
}

/// Compiles a pattern of Java's.
///
/// # Errors
/// It cannot be read, or uses look-around, back-references or possessive quantifiers.
pub(super) fn compile(pattern: &str) -> Result<Regex> {
    if let Some(found) = unsupported(pattern) {
        return fail_with(
            &condition::INVALID_REGEXP,
            format!("the pattern `{pattern}` uses {found}, which is not supported"),
            "write the pattern without it, or match in two steps",
        );
    }
    match Regex::new(&translate(pattern)) {
        Ok(regex) => Ok(regex),
        Err(error) => {
            let reason = error.to_string();
            let reason = reason
                .lines()
                .last()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_string();
            fail(
                &condition::INVALID_REGEXP,
                format!("the pattern `{pattern}` cannot be read: {reason}"),
            )
        }
    }
}

/// Names what Java's engine has and ours does not.
fn unsupported(pattern: &str) -> Option<&'static str> {
    let mut symbols = pattern.chars().peekable();
    let (mut in_class, mut before) = (false, '\0');
    while let Some(symbol) = symbols.next() {
        match symbol {
            '\\' => {
                let next = symbols.next()?;
                if !in_class && (next.is_ascii_digit() && next != '0' || next == 'k') {
                    return Some("a back-reference");
                }
                if next == 'G' || next == 'X' || next == 'R' {
                    return Some("an escape that only Java knows");
                }
                before = '\0';
                continue;
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class && symbols.peek() == Some(&'?') => {
                let rest: String = symbols.clone().take(3).collect();
                if ["?=", "?!", "?>"].iter().any(|p| rest.starts_with(p))
                    || rest.starts_with("?<=")
                    || rest.starts_with("?<!")
                {
                    return Some("look-around or an atomic group");
                }
            }
            '+' if !in_class && matches!(before, '+' | '*' | '?' | '}') => {
                return Some("a possessive quantifier");
            }
            _ => {}
        }
        before = symbol;
    }
    None
}

/// Turns Java's notation into ours: ASCII classes, `\h`, `\Z`, `\Q…\E`, `&&`, and a literal `[` inside a class.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut symbols = pattern.chars().peekable();
    let mut depth = 0_u32;
    while let Some(symbol) = symbols.next() {
        match symbol {
            '\\' => match symbols.next() {
                Some('Q') => quote(&mut symbols, &mut out),
                Some('d') => out.push_str(if depth > 0 { "0-9" } else { "[0-9]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str(if depth > 0 {
                    "a-zA-Z0-9_"
                } else {
                    "[a-zA-Z0-9_]"
                }),
                Some('W') => out.push_str("[^a-zA-Z0-9_]"),
                Some('s') => out.push_str(if depth > 0 {
                    r" \t\n\x0B\f\r"
                } else {
                    r"[ \t\n\x0B\f\r]"
                }),
                Some('S') => out.push_str(r"[^ \t\n\x0B\f\r]"),
                Some('b') => out.push_str(r"(?-u:\b)"),
                Some('h') => out.push_str(if depth > 0 {
                    r" \t\x{A0}"
                } else {
                    r"[ \t\x{A0}]"
                }),
                Some('Z') => out.push_str(r"(?:\n?\z)"),
                Some('e') => out.push_str(r"\x1B"),
                Some('u') => {
                    let digits: String = symbols.by_ref().take(4).collect();
                    out.push_str(r"\x{");
                    out.push_str(&digits);
                    out.push('}');
                }
                Some(next) if next.is_alphanumeric() => out.extend(['\\', next]),
                Some(next) => out.push_str(&regex::escape(&next.to_string())),
                None => out.push('\\'),
            },
            '[' => {
                depth += 1;
                out.push('[');
                if symbols.peek() == Some(&'^') {
                    symbols.next();
                    out.push('^');
                }
                // Java has no `[:digit:]`: the colon is one of the characters.
                if depth > 1 && symbols.peek() == Some(&':') {
                    symbols.next();
                    out.push_str(r"\x3A");
                }
            }
            ']' if depth > 0 => {
                depth -= 1;
                out.push(']');
            }
            '~' | '-' if depth > 0 && symbols.peek() == Some(&symbol) => out.extend(['\\', symbol]),
            _ => out.push(symbol),
        }
    }
    out
}

/// Copies a quoted stretch as it is, up to `\E`.
fn quote(symbols: &mut std::iter::Peekable<std::str::Chars<'_>>, out: &mut String) {
    while let Some(symbol) = symbols.next() {
        if symbol == '\\' && symbols.peek() == Some(&'E') {
            symbols.next();
            return;
        }
        out.push_str(&regex::escape(&symbol.to_string()));
    }
}

/// Checks a group number against a pattern.
fn group(name: &str, regex: &Regex, number: i32) -> Result<usize> {
    match usize::try_from(number) {
        Ok(group) if group < regex.captures_len() => Ok(group),
        _ => fail(
            &condition::INVALID_REGEX_GROUP_INDEX,
            format!(
                "`{name}` asks for group {number}; the pattern has {}",
                regex.captures_len() - 1
            ),
        ),
    }
}

/// The group argument of a row: 1 where it was left out, `None` for NULL.
fn group_argument<'c>(call: &'c Call<'_>) -> Result<impl Fn(usize) -> Option<i32> + 'c> {
    let groups = if call.has(2) {
        Some(call.typed::<Int>(2)?)
    } else {
        None
    };
    Ok(move |row| groups.as_ref().map_or(Some(1), |groups| groups.get(row)))
}

fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, patterns, groups) = (
        call.typed::<Text>(0)?,
        call.typed::<Text>(1)?,
        group_argument(call)?,
    );
    let mut known = Known::default();
    Text::rows(call.rows, |row| {
        let (Some(text), Some(pattern), Some(number)) =
            (texts.get(row), patterns.get(row), groups(row))
        else {
            return Ok(None);
        };
        let regex = known.get(pattern)?;
        let Some(found) = regex.captures(text) else {
            return Ok(Some(String::new()));
        };
        let group = group(call.name, regex, number)?;
        Ok(Some(
            found
                .get(group)
                .map(|m| m.as_str().to_string())
                .unwrap_or_default(),
        ))
    })
}

fn strings() -> ListBuilder<StringBuilder> {
    ListBuilder::new(StringBuilder::new()).with_field(Arc::new(Field::new(
        "element",
        DataType::Utf8,
        true,
    )))
}

fn extract_all(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, patterns, groups) = (
        call.typed::<Text>(0)?,
        call.typed::<Text>(1)?,
        group_argument(call)?,
    );
    let mut known = Known::default();
    let mut out = strings();
    for row in 0..call.rows {
        let (Some(text), Some(pattern), Some(number)) =
            (texts.get(row), patterns.get(row), groups(row))
        else {
            out.append_null();
            continue;
        };
        let regex = known.get(pattern)?;
        for found in regex.captures_iter(text) {
            let group = group(call.name, regex, number)?;
            out.values()
                .append_value(found.get(group).map_or("", |m| m.as_str()));
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// Java's replacement text in our notation: `$1` becomes `${1}`, `\x` becomes `x`.
fn replacement(text: &str, groups: usize) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    let mut symbols = text.chars().peekable();
    while let Some(symbol) = symbols.next() {
        match symbol {
            '\\' => match symbols.next() {
                Some('$') => out.push_str("$$"),
                Some(next) => out.push(next),
                None => {}
            },
            '$' => match symbols.peek() {
                Some('{') => out.push('$'),
                Some(digit) if digit.is_ascii_digit() => {
                    // Java takes further digits only as long as there is such a group.
                    let mut number = 0;
                    while let Some(digit) = symbols.peek().and_then(|d| d.to_digit(10)) {
                        let longer = number * 10 + digit as usize;
                        if number > 0 && longer >= groups {
                            break;
                        }
                        number = longer;
                        symbols.next();
                    }
                    out.extend(["${", &number.to_string(), "}"]);
                }
                _ => out.push_str("$$"),
            },
            _ => out.push(symbol),
        }
    }
    out
}

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, patterns, with) = (
        call.typed::<Text>(0)?,
        call.typed::<Text>(1)?,
        call.typed::<Text>(2)?,
    );
    let starts = if call.has(3) {
        Some(call.typed::<Int>(3)?)
    } else {
        None
    };
    let mut known = Known::default();
    Text::rows(call.rows, |row| {
        let (Some(text), Some(pattern), Some(with)) =
            (texts.get(row), patterns.get(row), with.get(row))
        else {
            return Ok(None);
        };
        let start = match &starts {
            None => 1,
            Some(starts) => match starts.get(row) {
                Some(start) => start,
                None => return Ok(None),
            },
        };
        let Some(skip) = usize::try_from(start)
            .ok()
            .filter(|s| *s > 0)
            .map(|s| s - 1)
        else {
            return fail(
                &condition::DATATYPE_MISMATCH_VALUE_OUT_OF_RANGE,
                "the position of `regexp_replace` counts from 1",
            );
        };
        let regex = known.get(pattern)?;
        let cut = text
            .char_indices()
            .nth(skip)
            .map_or(text.len(), |(at, _)| at);
        if skip > 0 && cut == text.len() {
            return Ok(Some(text.to_string()));
        }
        let with = replacement(with, regex.captures_len());
        Ok(Some(format!(
            "{}{}",
            &text[..cut],
            regex.replace_all(&text[cut..], with.as_str())
        )))
    })
}

fn split(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, patterns) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let limits = if call.has(2) {
        Some(call.typed::<Int>(2)?)
    } else {
        None
    };
    let mut known = Known::default();
    let mut out = strings();
    for row in 0..call.rows {
        let limit = limits.as_ref().map_or(Some(-1), |limits| limits.get(row));
        let (Some(text), Some(pattern), Some(limit)) = (texts.get(row), patterns.get(row), limit)
        else {
            out.append_null();
            continue;
        };
        for part in parts(
            text,
            known.get(pattern)?,
            usize::try_from(limit).unwrap_or(0),
        ) {
            out.values().append_value(part);
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// Splits as Java does: an empty match at the very start makes no part; at most `limit` parts unless that is 0.
fn parts<'t>(text: &'t str, regex: &Regex, limit: usize) -> Vec<&'t str> {
    let mut out = vec![];
    let mut from = 0;
    for found in regex.find_iter(text) {
        if limit > 0 && out.len() + 1 >= limit {
            break;
        }
        if found.end() == 0 || (found.is_empty() && found.start() == text.len()) {
            continue;
        }
        out.push(&text[from..found.start()]);
        from = found.end();
    }
    out.push(&text[from..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_patterns_find_what_java_finds() {
        for (pattern, text, found) in [
            (r"\d+", "a12b", "12"),
            (r"[\w.]+@\w+", "x a.b@cd", "a.b@cd"),
            (r"\Qa.b\E", "aab a.b", "a.b"),
            (r"[^\s]+", "  ab c", "ab"),
            (r"\u0041b", "xAb", "Ab"),
        ] {
            assert_eq!(
                compile(pattern).unwrap().find(text).map(|m| m.as_str()),
                Some(found),
                "{pattern}"
            );
        }
    }

    #[test]
    fn what_only_java_has_is_refused() {
        for pattern in [r"(a)\1", "a(?=b)", "(?<!a)b", "a++", "(?>a)", "("] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
