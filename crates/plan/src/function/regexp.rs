//! Functions of regular expressions. What a pattern means lives in `pattern`.

use std::iter::Peekable;
use std::str::Chars;
use std::sync::Arc;

use arrow::array::{ArrayRef, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use fancy_regex::Captures;
use sluice_model::condition::query as condition;

use super::call::{Call, Int, Output, Text, Truth};
use super::error::fail;
use super::pattern::Pattern;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::{Param as P, list_of};

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("regexp_like", &[P::String, P::String], Returns::Type(T::Boolean), |c| {
        let mut known = Known::default();
        c.map2::<Text, Text, Truth>(|text, pattern| known.get(pattern)?.is_match(text).map(Some))
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
        c.map2::<Text, Text, Text>(|text, pattern| {
            let found = known.get(pattern)?.find(text)?;
            Ok(found.filter(|m| !m.as_str().is_empty()).map(|m| m.as_str().to_string()))
        })
    })
    .doc("Gives the first match, NULL if there is none or it is empty.", "regexp_substr('Steven Jones', 'Ste(v|ph)en')"),
    Function::new("regexp_count", &[P::String, P::String], Returns::Type(T::Int), |c| {
        let mut known = Known::default();
        c.map2::<Text, Text, Int>(|text, pattern| {
            let mut found = known.get(pattern)?.find_all(text);
            let mut count = 0;
            while found.next()?.is_some() {
                count += 1;
            }
            Ok(Some(count))
        })
    })
    .doc("Counts the matches.", "regexp_count('Steven Jones and Stephen Smith', 'Ste(v|ph)en')"),
    Function::new("regexp_instr", &[P::String, P::String, P::Int], Returns::Type(T::Int), |c| {
        let mut known = Known::default();
        c.map2::<Text, Text, Int>(|text, pattern| {
            let at = known.get(pattern)?.find(text)?.map_or(0, |m| text[..m.start()].chars().count() + 1);
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
    last: Option<(String, Pattern)>,
}

impl Known {
    /// The compiled pattern.
    ///
    /// # Errors
    /// It cannot be read, or needs what the engine does not have.
    pub(super) fn get(&mut self, pattern: &str) -> Result<&Pattern> {
        if self.last.as_ref().is_none_or(|(text, _)| text != pattern) {
            self.last = Some((pattern.to_string(), Pattern::new(pattern)?));
        }
        match &self.last {
            Some((_, compiled)) => Ok(compiled),
            None => fail(
                &condition::INVALID_REGEXP,
                format!("`{pattern}` cannot be read"),
            ),
        }
    }
}

/// Checks a group number against a pattern.
fn group(name: &str, pattern: &Pattern, number: i32) -> Result<usize> {
    match usize::try_from(number) {
        Ok(group) if group <= pattern.groups() => Ok(group),
        _ => fail(
            &condition::INVALID_REGEX_GROUP_INDEX,
            format!(
                "`{name}` asks for group {number}; the pattern has {}",
                pattern.groups()
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
        let pattern = known.get(pattern)?;
        let Some(found) = pattern.captures(text)? else {
            return Ok(Some(String::new()));
        };
        let group = group(call.name, pattern, number)?;
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
        let pattern = known.get(pattern)?;
        let mut matches = pattern.find_all(text);
        while let Some(found) = matches.next_captures()? {
            let group = group(call.name, pattern, number)?;
            out.values()
                .append_value(found.get(group).map_or("", |m| m.as_str()));
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}

/// Appends a replacement text with the groups it names: `$1`, `${name}`, `\$` for the sign itself.
///
/// # Errors
/// It names a group that is not there, or ends in the middle (`java.util.regex.Matcher.appendReplacement`).
fn expand(
    out: &mut String,
    with: &str,
    pattern: &Pattern,
    found: &Captures<'_, str>,
) -> Result<()> {
    let mut symbols = with.chars().peekable();
    while let Some(symbol) = symbols.next() {
        let group = match symbol {
            '\\' => match symbols.next() {
                Some(next) => {
                    out.push(next);
                    continue;
                }
                None => return refuse_replacement(with, "it ends with a `\\`"),
            },
            '$' => match symbols.peek() {
                Some('{') => {
                    symbols.next();
                    let name: String =
                        std::iter::from_fn(|| symbols.next_if(|c| *c != '}')).collect();
                    if symbols.next().is_none() {
                        return refuse_replacement(with, "a `}` is missing");
                    }
                    pattern.group_of(&name)
                }
                Some(digit) if digit.is_ascii_digit() => {
                    Some(numbered_group(&mut symbols, pattern.groups()))
                }
                _ => {
                    return refuse_replacement(
                        with,
                        "a `$` has no number behind it; write `\\$` for the sign itself",
                    );
                }
            },
            _ => {
                out.push(symbol);
                continue;
            }
        };
        match group {
            Some(group) if group <= pattern.groups() => {
                out.push_str(found.get(group).map_or("", |m| m.as_str()));
            }
            _ => {
                return refuse_replacement(with, "it names a group that the pattern does not have");
            }
        }
    }
    Ok(())
}

/// Takes further digits only as long as there is such a group.
fn numbered_group(symbols: &mut Peekable<Chars<'_>>, groups: usize) -> usize {
    let mut number = None;
    while let Some(digit) = symbols.peek().and_then(|d| d.to_digit(10)) {
        let longer = number.map_or(0, |n| n * 10) + digit as usize;
        if number.is_some() && longer > groups {
            break;
        }
        number = Some(longer);
        symbols.next();
    }
    number.unwrap_or_default()
}

fn refuse_replacement<T>(with: &str, why: &str) -> Result<T> {
    fail(
        &condition::INVALID_REGEXP_REPLACE,
        format!("the replacement `{with}` cannot be read: {why}"),
    )
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
        let pattern = known.get(pattern)?;
        let cut = text
            .char_indices()
            .nth(skip)
            .map_or(text.len(), |(at, _)| at);
        if skip > 0 && cut == text.len() {
            return Ok(Some(text.to_string()));
        }
        replace_all(pattern, text, cut, with).map(Some)
    })
}

/// Replaces every match behind a place; what stands before it is no part of the text for the pattern.
fn replace_all(pattern: &Pattern, text: &str, cut: usize, with: &str) -> Result<String> {
    let mut out = text[..cut].to_string();
    let rest = &text[cut..];
    let mut from = 0;
    let mut matches = pattern.find_all(rest);
    while let Some(found) = matches.next_captures()? {
        let Some(whole) = found.get(0) else { break };
        out.push_str(&rest[from..whole.start()]);
        expand(&mut out, with, pattern, &found)?;
        from = whole.end();
    }
    out.push_str(&rest[from..]);
    Ok(out)
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
        let limit = usize::try_from(limit).unwrap_or(0);
        for part in known.get(pattern)?.split(text, limit)? {
            out.values().append_value(part);
        }
        out.append(true);
    }
    Ok(Arc::new(out.finish()))
}
