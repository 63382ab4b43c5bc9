//! Parts of strings, by place or between separators.

use arrow::array::ArrayRef;

use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Bytes, Call, Int, Output, Text};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;
use super::string::is_binary;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new(
        "substring",
        &[P::StringOrBinary, P::Int, P::Int],
        Returns::Argument(0),
        substring,
    )
    .also(&["substr", "mid"])
    .optional(1)
    .doc(
        "Cuts a piece out of a string from a position; a negative one counts from the end.",
        "substring('Spark SQL', 5, 1)",
    ),
    Function::new(
        "left",
        &[P::StringOrBinary, P::Int],
        Returns::Argument(0),
        |c| {
            if is_binary(c, 0)? {
                return c.map2::<Bytes, Int, Bytes>(|bytes, n| {
                    let count = usize::try_from(n).unwrap_or(0).min(bytes.len());
                    Ok(Some(bytes[..count].to_vec()))
                });
            }
            c.map2::<Text, Int, Text>(|s, n| {
                Ok(Some(
                    s.chars().take(usize::try_from(n).unwrap_or(0)).collect(),
                ))
            })
        },
    )
    .doc("Gives the first characters.", "left('Spark SQL', 3)"),
    Function::new(
        "right",
        &[P::String, P::Int],
        Returns::Type(T::String),
        |c| {
            c.map2::<Text, Int, Text>(|s, n| {
                let skip = s
                    .chars()
                    .count()
                    .saturating_sub(usize::try_from(n).unwrap_or(0));
                Ok(Some(s.chars().skip(skip).collect()))
            })
        },
    )
    .doc("Gives the last characters.", "right('Spark SQL', 3)"),
    Function::new(
        "split_part",
        &[P::String, P::String, P::Int],
        Returns::Type(T::String),
        |c| c.map3::<Text, Text, Int, Text>(split_part),
    )
    .doc(
        "Splits a string and gives one part, from the end if negative.",
        "split_part('11.12.13', '.', 3)",
    ),
    Function::new(
        "substring_index",
        &[P::String, P::String, P::Int],
        Returns::Type(T::String),
        |c| {
            c.map3::<Text, Text, Int, Text>(|s, by, n| {
                Ok(Some(substring_index(s, by, n).to_string()))
            })
        },
    )
    .doc(
        "Gives what stands before the n-th separator, or after it from the end.",
        "substring_index('www.apache.org', '.', 2)",
    ),
];

/// The range of a substring: positions count from 1, 0 means 1, negative ones count from the end.
pub(super) fn piece(length: usize, start: i32, count: Option<i32>) -> (usize, usize) {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let start = match start {
        0 => 0,
        1.. => i64::from(start) - 1,
        _ => length + i64::from(start),
    };
    let end = count.map_or(length, |count| start + i64::from(count));
    let clamp = |n: i64| usize::try_from(n.clamp(0, length)).unwrap_or(0);
    (clamp(start), clamp(end).max(clamp(start)))
}

fn substring(call: &Call<'_>) -> Result<ArrayRef> {
    let starts = call.typed::<Int>(1)?;
    let counts = if call.has(2) {
        Some(call.typed::<Int>(2)?)
    } else {
        None
    };
    let range = |row: usize, length: usize| -> Option<(usize, usize)> {
        let count = match &counts {
            None => None,
            Some(counts) => Some(counts.get(row)?),
        };
        Some(piece(length, starts.get(row)?, count))
    };
    if is_binary(call, 0)? {
        let values = call.typed::<Bytes>(0)?;
        return Bytes::rows(call.rows, |row| {
            let Some(bytes) = values.get(row) else {
                return Ok(None);
            };
            Ok(range(row, bytes.len())
                .and_then(|(from, to)| bytes.get(from..to).map(<[u8]>::to_vec)))
        });
    }
    let values = call.typed::<Text>(0)?;
    Text::rows(call.rows, |row| {
        let Some(text) = values.get(row) else {
            return Ok(None);
        };
        if text.is_ascii() {
            return Ok(range(row, text.len())
                .and_then(|(from, to)| text.get(from..to).map(ToString::to_string)));
        }
        let found = range(row, text.chars().count());
        Ok(found.map(|(from, to)| text.chars().skip(from).take(to - from).collect()))
    })
}

fn split_part(text: &str, by: &str, number: i32) -> Result<Option<String>> {
    if number == 0 {
        return fail(
            &condition::INVALID_INDEX_OF_ZERO,
            "parts count from 1, or from -1 from the end",
        );
    }
    let parts: Vec<&str> = if by.is_empty() {
        vec![text]
    } else {
        text.split(by).collect()
    };
    let wanted = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
    let at = if number > 0 {
        Some(wanted - 1)
    } else {
        parts.len().checked_sub(wanted)
    };
    Ok(Some(
        at.and_then(|at| parts.get(at))
            .map(ToString::to_string)
            .unwrap_or_default(),
    ))
}

fn substring_index<'s>(text: &'s str, by: &str, count: i32) -> &'s str {
    if by.is_empty() || count == 0 {
        return "";
    }
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count > 0 {
        text.match_indices(by)
            .nth(wanted - 1)
            .map_or(text, |(at, _)| &text[..at])
    } else {
        text.rmatch_indices(by)
            .nth(wanted - 1)
            .map_or(text, |(at, _)| &text[at + by.len()..])
    }
}
