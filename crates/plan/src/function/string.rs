//! Strings: positions count characters from 1. Regular expressions live in `regexp`, URLs and encodings in `encoding`.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::DataType;
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Bytes, Call, Int, List, Long, Output, Text, Truth, convert};
use super::error::fail;
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("upper", &[P::String], Returns::Type(T::String), |c| c.map1::<Text, Text>(|s| Ok(Some(s.to_uppercase()))))
        .also(&["ucase"])
        .doc("Turns letters into upper case.", "upper('Spark')"),
    Function::new("lower", &[P::String], Returns::Type(T::String), |c| c.map1::<Text, Text>(|s| Ok(Some(s.to_lowercase()))))
        .also(&["lcase"])
        .doc("Turns letters into lower case.", "lower('Spark')"),
    Function::new("initcap", &[P::String], Returns::Type(T::String), |c| c.map1::<Text, Text>(|s| Ok(Some(initcap(s)))))
        .doc("Begins each word with an upper-case letter; words are parted by spaces.", "initcap('sPark sql')"),
    Function::new("length", &[P::StringOrBinary], Returns::Type(T::Int), length)
        .also(&["len", "char_length", "character_length"])
        .doc("Counts the characters of a string, or the bytes of a binary.", "length('Spark ')"),
    Function::new("octet_length", &[P::StringOrBinary], Returns::Type(T::Int), |c| bytes_long(c, 1))
        .doc("Counts the bytes.", "octet_length('é')"),
    Function::new("bit_length", &[P::StringOrBinary], Returns::Type(T::Int), |c| bytes_long(c, 8))
        .doc("Counts the bits.", "bit_length('a')"),
    Function::new("substring", &[P::StringOrBinary, P::Int, P::Int], Returns::Argument(0), substring)
        .also(&["substr", "mid"])
        .optional(1)
        .doc("Cuts a piece out of a string from a position; a negative one counts from the end.", "substring('Spark SQL', 5, 1)"),
    Function::new("left", &[P::String, P::Int], Returns::Type(T::String), |c| {
        c.map2::<Text, Int, Text>(|s, n| Ok(Some(s.chars().take(usize::try_from(n).unwrap_or(0)).collect())))
    })
    .doc("Gives the first characters.", "left('Spark SQL', 3)"),
    Function::new("right", &[P::String, P::Int], Returns::Type(T::String), |c| {
        c.map2::<Text, Int, Text>(|s, n| {
            let skip = s.chars().count().saturating_sub(usize::try_from(n).unwrap_or(0));
            Ok(Some(s.chars().skip(skip).collect()))
        })
    })
    .doc("Gives the last characters.", "right('Spark SQL', 3)"),
    Function::new("instr", &[P::String, P::String], Returns::Type(T::Int), |c| {
        c.map2::<Text, Text, Int>(|s, sub| Ok(Some(position(sub, s, 1))))
    })
    .doc("Gives the position of the second string in the first, 0 if there is none.", "instr('SparkSQL', 'SQL')"),
    Function::new("locate", &[P::String, P::String, P::Int], Returns::Type(T::Int), locate)
        .also(&["position"])
        .optional(1)
        .doc("Gives the position of the first string in the second, from a position on.", "locate('bar', 'foobarbar', 5)"),
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
    Function::new("replace", &[P::String, P::String, P::String], Returns::Type(T::String), replace)
        .optional(1)
        .doc("Replaces every occurrence of the second string by the third.", "replace('ABCabc', 'abc', 'DEF')"),
    Function::new("translate", &[P::String, P::String, P::String], Returns::Type(T::String), |c| {
        c.map3::<Text, Text, Text, Text>(|s, from, to| Ok(Some(translate(s, from, to))))
    })
    .doc("Replaces characters of the second string by those of the third at the same place.", "translate('AaBbCc', 'abc', '123')"),
    Function::new("split_part", &[P::String, P::String, P::Int], Returns::Type(T::String), |c| {
        c.map3::<Text, Text, Int, Text>(split_part)
    })
    .doc("Splits a string and gives one part, from the end if negative.", "split_part('11.12.13', '.', 3)"),
    Function::new("substring_index", &[P::String, P::String, P::Int], Returns::Type(T::String), |c| {
        c.map3::<Text, Text, Int, Text>(|s, by, n| Ok(Some(substring_index(s, by, n).to_string())))
    })
    .doc("Gives what stands before the n-th separator, or after it from the end.", "substring_index('www.apache.org', '.', 2)"),
    Function::new("contains", &[P::String, P::String], Returns::Type(T::Boolean), |c| {
        c.map2::<Text, Text, Truth>(|s, sub| Ok(Some(s.contains(sub))))
    })
    .doc("Whether the first string holds the second.", "contains('Spark SQL', 'Spark')"),
    Function::new("startswith", &[P::String, P::String], Returns::Type(T::Boolean), |c| {
        c.map2::<Text, Text, Truth>(|s, sub| Ok(Some(s.starts_with(sub))))
    })
    .doc("Whether the first string begins with the second.", "startswith('Spark SQL', 'Spark')"),
    Function::new("endswith", &[P::String, P::String], Returns::Type(T::Boolean), |c| {
        c.map2::<Text, Text, Truth>(|s, sub| Ok(Some(s.ends_with(sub))))
    })
    .doc("Whether the first string ends with the second.", "endswith('Spark SQL', 'SQL')"),
    Function::new("reverse", &[P::TextOrArray], Returns::Argument(0), super::array::reverse)
        .doc("Turns a string or an array around.", "reverse('abc')"),
    Function::new("ascii", &[P::String], Returns::Type(T::Int), |c| {
        c.map1::<Text, Int>(|s| Ok(Some(s.chars().next().map_or(0, |ch| i32::try_from(u32::from(ch)).unwrap_or(0)))))
    })
    .doc("Gives the number of the first character.", "ascii('2')"),
    Function::new("chr", &[P::Long], Returns::Type(T::String), |c| c.map1::<Long, Text>(|n| Ok(Some(chr(n)))))
        .also(&["char"])
        .doc("Gives the character of a number, modulo 256.", "chr(65)"),
    Function::new("space", &[P::Int], Returns::Type(T::String), |c| {
        c.map1::<Int, Text>(|n| repeated(" ", n).map(Some))
    })
    .doc("Gives a number of spaces.", "concat(space(2), '1')"),
    Function::new("levenshtein", &[P::String, P::String, P::Int], Returns::Type(T::Int), levenshtein)
        .optional(1)
        .doc("Counts the edits from one string to another; -1 beyond a threshold.", "levenshtein('kitten', 'sitting')"),
    Function::new("soundex", &[P::String], Returns::Type(T::String), |c| {
        c.delegate(&datafusion_spark::function::string::soundex())
    })
    .doc("Gives the Soundex code.", "soundex('Miller')"),
    Function::new("find_in_set", &[P::String, P::String], Returns::Type(T::Int), |c| {
        c.map2::<Text, Text, Int>(|s, set| {
            let found = if s.contains(',') { None } else { set.split(',').position(|item| item == s) };
            Ok(Some(found.and_then(|p| i32::try_from(p + 1).ok()).unwrap_or(0)))
        })
    })
    .doc("Gives the place of a string in a list parted by commas, 0 if it is not there.", "find_in_set('ab', 'abc,b,ab,c,def')"),
    Function::new("overlay", &[P::String, P::String, P::Int, P::Int], Returns::Type(T::String), overlay)
        .optional(1)
        .doc("Writes a string over another from a position on.", "overlay('Spark SQL', '_', 6)"),
    Function::new("format_string", &[P::String, P::Any], Returns::Type(T::String), |c| {
        c.delegate(&datafusion_spark::function::string::format_string())
    })
    .also(&["printf"])
    .variadic()
    .optional(1)
    .doc("Writes values under a printf format of Java.", "format_string('Hello %s %d', 'World', 100)"),
    Function::new("elt", &[P::Int, P::String], Returns::Type(T::String), elt)
        .variadic()
        .doc("Gives the n-th of its further arguments.", "elt(1, 'scala', 'java')"),
    Function::new("quote", &[P::String], Returns::Type(T::String), |c| {
        c.map1::<Text, Text>(|s| Ok(Some(format!("'{}'", s.replace('\\', "\\\\").replace('\'', "\\'")))))
    })
    .doc("Puts a string in single quotes, escaping those inside.", "quote('it')"),
    Function::new("luhn_check", &[P::String], Returns::Type(T::Boolean), |c| {
        c.delegate(&datafusion_spark::function::string::luhn_check())
    })
    .doc("Whether the digits pass Luhn's check.", "luhn_check('8112189876')"),
];

fn initcap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for letter in text.chars() {
        if start {
            out.extend(letter.to_uppercase());
        } else {
            out.extend(letter.to_lowercase());
        }
        start = letter == ' ';
    }
    out
}

fn is_binary(call: &Call<'_>, index: usize) -> Result<bool> {
    Ok(matches!(call.column(index)?.array().data_type(), DataType::Binary))
}

fn length(call: &Call<'_>) -> Result<ArrayRef> {
    if is_binary(call, 0)? {
        return bytes_long(call, 1);
    }
    call.map1::<Text, Int>(|s| Ok(i32::try_from(s.chars().count()).ok()))
}

fn bytes_long(call: &Call<'_>, size: usize) -> Result<ArrayRef> {
    if is_binary(call, 0)? {
        return call.map1::<Bytes, Int>(|b| Ok(i32::try_from(b.len() * size).ok()));
    }
    call.map1::<Text, Int>(|s| Ok(i32::try_from(s.len() * size).ok()))
}

/// The range of a substring: positions count from 1, 0 means 1, negative ones count from the end.
fn piece(length: usize, start: i32, count: Option<i32>) -> (usize, usize) {
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
    let counts = if call.has(2) { Some(call.typed::<Int>(2)?) } else { None };
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
            let Some(bytes) = values.get(row) else { return Ok(None) };
            Ok(range(row, bytes.len()).and_then(|(from, to)| bytes.get(from..to).map(<[u8]>::to_vec)))
        });
    }
    let values = call.typed::<Text>(0)?;
    Text::rows(call.rows, |row| {
        let Some(text) = values.get(row) else { return Ok(None) };
        if text.is_ascii() {
            return Ok(range(row, text.len()).and_then(|(from, to)| text.get(from..to).map(ToString::to_string)));
        }
        let found = range(row, text.chars().count());
        Ok(found.map(|(from, to)| text.chars().skip(from).take(to - from).collect()))
    })
}

/// Position of `sub` in `text` at or after the character position `from`, counted from 1; 0 if there is none.
fn position(sub: &str, text: &str, from: i32) -> i32 {
    let Ok(skip) = usize::try_from(from - 1) else { return 0 };
    let Some(start) = text.char_indices().map(|(i, _)| i).chain([text.len()]).nth(skip) else { return 0 };
    let found = text.get(start..).and_then(|rest| rest.find(sub).map(|at| skip + rest[..at].chars().count() + 1));
    found.and_then(|p| i32::try_from(p).ok()).unwrap_or(0)
}

fn locate(call: &Call<'_>) -> Result<ArrayRef> {
    let (subs, texts) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let starts = if call.has(2) { Some(call.typed::<Int>(2)?) } else { None };
    Int::rows(call.rows, |row| {
        let start = match &starts {
            None => 1,
            Some(starts) => match starts.get(row) {
                Some(start) => start,
                None => return Ok(Some(0)),
            },
        };
        let (Some(sub), Some(text)) = (subs.get(row), texts.get(row)) else { return Ok(None) };
        Ok(Some(position(sub, text, start)))
    })
}

/// Fills a list of units to a length.
fn padded<U: Copy>(units: &[U], length: usize, fill: &[U], left: bool) -> Vec<U> {
    if units.len() >= length || fill.is_empty() {
        return units.iter().take(length).copied().collect();
    }
    let added = fill.iter().cycle().take(length - units.len()).copied();
    if left { added.chain(units.iter().copied()).collect() } else { units.iter().copied().chain(added).collect() }
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
        let fills = if call.has(2) { Some(call.converted::<Bytes>(2, &DataType::Binary)?) } else { None };
        return Bytes::rows(call.rows, |row| {
            let fill = match &fills {
                None => Some(&[0_u8][..]),
                Some(fills) => fills.get(row),
            };
            let (Some(value), Some(length), Some(fill)) = (values.get(row), lengths.get(row), fill) else { return Ok(None) };
            Ok(Some(padded(value, bounded(length)?, fill, left)))
        });
    }
    let values = call.typed::<Text>(0)?;
    let fills = if call.has(2) { Some(call.converted::<Text>(2, &DataType::Utf8)?) } else { None };
    Text::rows(call.rows, |row| {
        let fill = match &fills {
            None => Some(" "),
            Some(fills) => fills.get(row),
        };
        let (Some(value), Some(length), Some(fill)) = (values.get(row), lengths.get(row), fill) else { return Ok(None) };
        let (value, fill): (Vec<char>, Vec<char>) = (value.chars().collect(), fill.chars().collect());
        Ok(Some(padded(&value, bounded(length)?, &fill, left).into_iter().collect()))
    })
}

fn trim(call: &Call<'_>, left: bool, right: bool, set_first: bool) -> Result<ArrayRef> {
    let (text_at, set_at) = if call.has(1) && set_first { (1, 0) } else { (0, 1) };
    let texts = call.typed::<Text>(text_at)?;
    let sets = if call.has(1) { Some(call.typed::<Text>(set_at)?) } else { None };
    Text::rows(call.rows, |row| {
        let set = match &sets {
            None => Some(" "),
            Some(sets) => sets.get(row),
        };
        let (Some(mut text), Some(set)) = (texts.get(row), set) else { return Ok(None) };
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
    let separators = call.typed::<Text>(0)?;
    let mut columns: Vec<Box<dyn Fn(usize, &mut Vec<String>) + '_>> = vec![];
    for index in 1..call.columns.len() {
        if let DataType::List(_) = call.column(index)?.array().data_type() {
            let lists = call.typed::<List>(index)?;
            columns.push(Box::new(move |row, out| {
                let Some(items) = lists.get(row).and_then(|items| convert(&items, &DataType::Utf8).ok()) else { return };
                out.extend(items.as_string::<i32>().iter().flatten().map(ToString::to_string));
            }));
        } else {
            let texts = call.typed::<Text>(index)?;
            columns.push(Box::new(move |row, out| out.extend(texts.get(row).map(ToString::to_string))));
        }
    }
    Text::rows(call.rows, |row| {
        let Some(separator) = separators.get(row) else { return Ok(None) };
        let mut parts = vec![];
        columns.iter().for_each(|column| column(row, &mut parts));
        Ok(Some(parts.join(separator)))
    })
}

fn too_long<T>(name: &str) -> Result<T> {
    fail(&condition::COLLECTION_SIZE_LIMIT_EXCEEDED, format!("`{name}` would make a value beyond the limit of one string"))
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

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, searches) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let with = if call.has(2) { Some(call.typed::<Text>(2)?) } else { None };
    Text::rows(call.rows, |row| {
        let with = match &with {
            None => Some(""),
            Some(with) => with.get(row),
        };
        let (Some(text), Some(search), Some(with)) = (texts.get(row), searches.get(row), with) else { return Ok(None) };
        Ok(Some(if search.is_empty() { text.to_string() } else { text.replace(search, with) }))
    })
}

fn translate(text: &str, from: &str, to: &str) -> String {
    let to: Vec<char> = to.chars().collect();
    let from: Vec<char> = from.chars().collect();
    text.chars()
        .filter_map(|ch| match from.iter().position(|f| *f == ch) {
            None => Some(ch),
            Some(at) => to.get(at).copied(),
        })
        .collect()
}

fn split_part(text: &str, by: &str, number: i32) -> Result<Option<String>> {
    if number == 0 {
        return fail(&condition::INVALID_INDEX_OF_ZERO, "parts count from 1, or from -1 from the end");
    }
    let parts: Vec<&str> = if by.is_empty() { vec![text] } else { text.split(by).collect() };
    let wanted = usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX);
    let at = if number > 0 { Some(wanted - 1) } else { parts.len().checked_sub(wanted) };
    Ok(Some(at.and_then(|at| parts.get(at)).map(ToString::to_string).unwrap_or_default()))
}

fn substring_index<'s>(text: &'s str, by: &str, count: i32) -> &'s str {
    if by.is_empty() || count == 0 {
        return "";
    }
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count > 0 {
        text.match_indices(by).nth(wanted - 1).map_or(text, |(at, _)| &text[..at])
    } else {
        text.rmatch_indices(by).nth(wanted - 1).map_or(text, |(at, _)| &text[at + by.len()..])
    }
}

fn chr(number: i64) -> String {
    if number < 0 {
        return String::new();
    }
    u8::try_from(number & 0xFF).map(|byte| char::from(byte).to_string()).unwrap_or_default()
}

fn levenshtein(call: &Call<'_>) -> Result<ArrayRef> {
    let (a, b) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let most = if call.has(2) { Some(call.typed::<Int>(2)?) } else { None };
    Int::rows(call.rows, |row| {
        let (Some(a), Some(b)) = (a.get(row), b.get(row)) else { return Ok(None) };
        let distance = i32::try_from(strsim::levenshtein(a, b)).unwrap_or(i32::MAX);
        Ok(match &most {
            None => Some(distance),
            Some(most) => most.get(row).map(|most| if distance > most { -1 } else { distance }),
        })
    })
}

fn overlay(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, with, starts) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?, call.typed::<Int>(2)?);
    let counts = if call.has(3) { Some(call.typed::<Int>(3)?) } else { None };
    Text::rows(call.rows, |row| {
        let (Some(text), Some(with), Some(start)) = (texts.get(row), with.get(row), starts.get(row)) else { return Ok(None) };
        let count = match &counts {
            None => -1,
            Some(counts) => match counts.get(row) {
                Some(count) => count,
                None => return Ok(None),
            },
        };
        let units: Vec<char> = text.chars().collect();
        let count = if count < 0 { i32::try_from(with.chars().count()).unwrap_or(i32::MAX) } else { count };
        let (_, head) = piece(units.len(), 1, Some(start - 1));
        let (tail, _) = piece(units.len(), start.saturating_add(count), None);
        Ok(Some(units[..head].iter().copied().chain(with.chars()).chain(units[tail..].iter().copied()).collect()))
    })
}

fn elt(call: &Call<'_>) -> Result<ArrayRef> {
    let numbers = call.typed::<Int>(0)?;
    let choices = (1..call.columns.len()).map(|i| call.typed::<Text>(i)).collect::<Result<Vec<_>>>()?;
    Text::rows(call.rows, |row| {
        let Some(number) = numbers.get(row) else { return Ok(None) };
        match usize::try_from(number - 1).ok().and_then(|at| choices.get(at)) {
            Some(choice) => Ok(choice.get(row).map(ToString::to_string)),
            None => fail(
                &condition::INVALID_ARRAY_INDEX,
                format!("index {number} is out of the {} values of `elt`", choices.len()),
            ),
        }
    })
}
