//! Strings made of strings: padding, trimming, joining, repeating.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Bytes, Call, Int, List, Output, Text, convert};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;
use super::string::is_binary;
use super::text_parts::piece;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("lpad", &[P::StringOrBinary, P::Int, P::StringOrBinary], Returns::Argument(0), |c| pad(c, true))
        .optional(1)
        .doc("Fills a string on the left to a length, or cuts it to that length.", "lpad('7', 2, '0')"),
    Function::new("rpad", &[P::StringOrBinary, P::Int, P::StringOrBinary], Returns::Argument(0), |c| pad(c, false))
        .optional(1)
        .doc("Fills a string on the right to a length, or cuts it to that length.", "rpad('hi', 5, '?')"),
    Function::new("trim", &[P::String, P::String], Returns::Type(T::String), |c| trim(c, true, true, true))
        .optional(1)
        .doc("Cuts spaces from both ends; with two arguments, the characters of the first from the second.", "trim('  Spark ')"),
    Function::new("btrim", &[P::String, P::String], Returns::Type(T::String), |c| trim(c, true, true, false))
        .optional(1)
        .doc("Cuts spaces, or the characters given second, from both ends.", "btrim('SSparkS', 'S')"),
    Function::new("ltrim", &[P::String, P::String], Returns::Type(T::String), |c| trim(c, true, false, true))
        .optional(1)
        .doc("Cuts spaces from the left; with two arguments, the characters of the first from the second.", "ltrim('  Spark ')"),
    Function::new("rtrim", &[P::String, P::String], Returns::Type(T::String), |c| trim(c, false, true, true))
        .optional(1)
        .doc("Cuts spaces from the right; with two arguments, the characters of the first from the second.", "rtrim('Spark  ')"),
    Function::new("concat_ws", &[P::String, P::TextOrTexts], Returns::Type(T::String), concat_ws)
        .variadic()
        .optional(1)
        .doc("Joins strings and arrays of strings with a separator, leaving out NULLs.", "concat_ws('-', 'a', NULL, 'b')"),
    Function::new("repeat", &[P::String, P::Int], Returns::Type(T::String), repeat)
        .doc("Repeats a string.", "repeat('ab', 2)"),
    Function::new("space", &[P::Int], Returns::Type(T::String), |c| {
        c.map1::<Int, Text>(|n| repeated(" ", n).map(Some))
    })
    .doc("Gives a number of spaces.", "concat(space(2), '1')"),
    Function::new("overlay", &[P::NotBinary, P::NotBinary, P::Int, P::Int], Returns::Type(T::String), overlay)
        .optional(1)
        .doc("Writes a string over another from a position on.", "overlay('Spark SQL', '_', 6)"),
    Function::new("elt", &[P::Int, P::NotBinary], Returns::Type(T::String), elt)
        .variadic()
        .doc("Gives the n-th of its further arguments.", "elt(1, 'scala', 'java')"),
];

/// Fills a list of units to a length.
fn padded<U: Copy>(units: &[U], length: usize, fill: &[U], left: bool) -> Vec<U> {
    if units.len() >= length || fill.is_empty() {
        return units.iter().take(length).copied().collect();
    }
    let added = fill.iter().cycle().take(length - units.len()).copied();
    if left {
        added.chain(units.iter().copied()).collect()
    } else {
        units.iter().copied().chain(added).collect()
    }
}

fn pad(call: &Call<'_>, left: bool) -> Result<ArrayRef> {
    let lengths = call.typed::<Int>(1)?;
    let bounded = |length: i32| -> Result<usize> {
        let length = usize::try_from(length).unwrap_or(0);
        if length > sluice_model::limits::STRING_BYTES_MAX {
            return too_long(call.name);
        }
        Ok(length)
    };
    if is_binary(call, 0)? {
        let values = call.typed::<Bytes>(0)?;
        let fills = if call.has(2) {
            Some(call.converted::<Bytes>(2, &DataType::Binary)?)
        } else {
            None
        };
        return Bytes::rows(call.rows, |row| {
            let fill = match &fills {
                None => Some(&[0_u8][..]),
                Some(fills) => fills.get(row),
            };
            let (Some(value), Some(length), Some(fill)) = (values.get(row), lengths.get(row), fill)
            else {
                return Ok(None);
            };
            Ok(Some(padded(value, bounded(length)?, fill, left)))
        });
    }
    let values = call.typed::<Text>(0)?;
    let fills = if call.has(2) {
        Some(call.converted::<Text>(2, &DataType::Utf8)?)
    } else {
        None
    };
    Text::rows(call.rows, |row| {
        let fill = match &fills {
            None => Some(" "),
            Some(fills) => fills.get(row),
        };
        let (Some(value), Some(length), Some(fill)) = (values.get(row), lengths.get(row), fill)
        else {
            return Ok(None);
        };
        let (value, fill): (Vec<char>, Vec<char>) =
            (value.chars().collect(), fill.chars().collect());
        Ok(Some(
            padded(&value, bounded(length)?, &fill, left)
                .into_iter()
                .collect(),
        ))
    })
}

fn trim(call: &Call<'_>, left: bool, right: bool, set_first: bool) -> Result<ArrayRef> {
    let (text_at, set_at) = if call.has(1) && set_first {
        (1, 0)
    } else {
        (0, 1)
    };
    let texts = call.typed::<Text>(text_at)?;
    let sets = if call.has(1) {
        Some(call.typed::<Text>(set_at)?)
    } else {
        None
    };
    Text::rows(call.rows, |row| {
        let set = match &sets {
            None => Some(" "),
            Some(sets) => sets.get(row),
        };
        let (Some(mut text), Some(set)) = (texts.get(row), set) else {
            return Ok(None);
        };
        if left {
            text = text.trim_start_matches(|ch| set.contains(ch));
        }
        if right {
            text = text.trim_end_matches(|ch| set.contains(ch));
        }
        Ok(Some(text.to_string()))
    })
}

fn concat_ws(call: &Call<'_>) -> Result<ArrayRef> {
    type Texts<'a> = Box<dyn Fn(usize, &mut Vec<String>) + 'a>;
    let separators = call.typed::<Text>(0)?;
    let mut columns: Vec<Texts<'_>> = vec![];
    for index in 1..call.columns.len() {
        if let DataType::List(_) = call.column(index)?.array().data_type() {
            let lists = call.typed::<List>(index)?;
            columns.push(Box::new(move |row, out| {
                let Some(items) = lists
                    .get(row)
                    .and_then(|items| convert(&items, &DataType::Utf8).ok())
                else {
                    return;
                };
                out.extend(
                    items
                        .as_string::<i32>()
                        .iter()
                        .flatten()
                        .map(ToString::to_string),
                );
            }));
        } else {
            let texts = call.typed::<Text>(index)?;
            columns.push(Box::new(move |row, out| {
                out.extend(texts.get(row).map(ToString::to_string));
            }));
        }
    }
    Text::rows(call.rows, |row| {
        let Some(separator) = separators.get(row) else {
            return Ok(None);
        };
        let mut parts = vec![];
        for column in &columns {
            column(row, &mut parts);
        }
        Ok(Some(parts.join(separator)))
    })
}

fn too_long<T>(name: &str) -> Result<T> {
    fail(
        &condition::COLLECTION_SIZE_LIMIT_EXCEEDED,
        format!("`{name}` would make a value beyond the limit of one string"),
    )
}

fn repeated(text: &str, count: i32) -> Result<String> {
    let count = usize::try_from(count).unwrap_or(0);
    if text.len().saturating_mul(count) > sluice_model::limits::STRING_BYTES_MAX {
        return too_long("repeat");
    }
    Ok(text.repeat(count))
}

fn repeat(call: &Call<'_>) -> Result<ArrayRef> {
    call.map2::<Text, Int, Text>(|text, count| repeated(text, count).map(Some))
}

fn overlay(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, with, starts) = (
        call.typed::<Text>(0)?,
        call.typed::<Text>(1)?,
        call.typed::<Int>(2)?,
    );
    let counts = if call.has(3) {
        Some(call.typed::<Int>(3)?)
    } else {
        None
    };
    Text::rows(call.rows, |row| {
        let (Some(text), Some(with), Some(start)) =
            (texts.get(row), with.get(row), starts.get(row))
        else {
            return Ok(None);
        };
        let count = match &counts {
            None => -1,
            Some(counts) => match counts.get(row) {
                Some(count) => count,
                None => return Ok(None),
            },
        };
        let units: Vec<char> = text.chars().collect();
        let count = if count < 0 {
            i32::try_from(with.chars().count()).unwrap_or(i32::MAX)
        } else {
            count
        };
        let (_, head) = piece(units.len(), 1, Some(start - 1));
        let (tail, _) = piece(units.len(), start.saturating_add(count), None);
        Ok(Some(
            units[..head]
                .iter()
                .copied()
                .chain(with.chars())
                .chain(units[tail..].iter().copied())
                .collect(),
        ))
    })
}

fn elt(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.typed::<Int>(0)?;
    let choices = (1..call.columns.len())
        .map(|i| call.typed::<Text>(i))
        .collect::<Result<Vec<_>>>()?;
    Text::rows(call.rows, |row| {
        let Some(number) = numbers.get(row) else {
            return Ok(None);
        };
        match usize::try_from(number - 1)
            .ok()
            .and_then(|at| choices.get(at))
        {
            Some(choice) => Ok(choice.get(row).map(ToString::to_string)),
            None => fail(
                &condition::INVALID_ARRAY_INDEX,
                format!(
                    "index {number} is out of the {} values of `elt`",
                    choices.len()
                ),
            ),
        }
    })
}
