//! Strings: positions count characters from 1. Regular expressions live in `regexp`, URLs and encodings in `encoding`.

use arrow::array::{ArrayRef, new_null_array};
use arrow::datatypes::DataType;
use datafusion::error::Result;

use super::call::{Bytes, Call, Column, Int, Long, Output, Text, Truth};

use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("upper", &[P::String], Returns::Type(T::String), |c| {
        c.map1::<Text, Text>(|s| Ok(Some(s.to_uppercase())))
    })
    .also(&["ucase"])
    .doc("Turns letters into upper case.", "upper('Spark')"),
    Function::new("lower", &[P::String], Returns::Type(T::String), |c| {
        c.map1::<Text, Text>(|s| Ok(Some(s.to_lowercase())))
    })
    .also(&["lcase"])
    .doc("Turns letters into lower case.", "lower('Spark')"),
    Function::new("initcap", &[P::String], Returns::Type(T::String), |c| {
        c.map1::<Text, Text>(|s| Ok(Some(initcap(s))))
    })
    .doc(
        "Begins each word with an upper-case letter; words are parted by spaces.",
        "initcap('sPark sql')",
    ),
    Function::new(
        "length",
        &[P::StringOrBinary],
        Returns::Type(T::Int),
        length,
    )
    .also(&["len", "char_length", "character_length"])
    .doc(
        "Counts the characters of a string, or the bytes of a binary.",
        "length('Spark ')",
    ),
    Function::new(
        "octet_length",
        &[P::StringOrBinary],
        Returns::Type(T::Int),
        |c| bytes_long(c, 1),
    )
    .doc("Counts the bytes.", "octet_length('é')"),
    Function::new(
        "bit_length",
        &[P::StringOrBinary],
        Returns::Type(T::Int),
        |c| bytes_long(c, 8),
    )
    .doc("Counts the bits.", "bit_length('a')"),
    Function::new(
        "instr",
        &[P::String, P::String],
        Returns::Type(T::Int),
        |c| c.map2::<Text, Text, Int>(|s, sub| Ok(Some(position(sub, s, 1)))),
    )
    .doc(
        "Gives the position of the second string in the first, 0 if there is none.",
        "instr('SparkSQL', 'SQL')",
    ),
    Function::new(
        "locate",
        &[P::String, P::String, P::Int],
        Returns::Type(T::Int),
        locate,
    )
    .also(&["position", "charindex"])
    .optional(1)
    .doc(
        "Gives the position of the first string in the second, from a position on.",
        "locate('bar', 'foobarbar', 5)",
    ),
    Function::new(
        "replace",
        &[P::String, P::String, P::String],
        Returns::Type(T::String),
        replace,
    )
    .optional(1)
    .doc(
        "Replaces every occurrence of the second string by the third.",
        "replace('ABCabc', 'abc', 'DEF')",
    ),
    Function::new(
        "translate",
        &[P::String, P::String, P::String],
        Returns::Type(T::String),
        |c| c.map3::<Text, Text, Text, Text>(|s, from, to| Ok(Some(translate(s, from, to)))),
    )
    .doc(
        "Replaces characters of the second string by those of the third at the same place.",
        "translate('AaBbCc', 'abc', '123')",
    ),
    Function::new(
        "contains",
        &[P::String, P::String],
        Returns::Type(T::Boolean),
        |c| c.map2::<Text, Text, Truth>(|s, sub| Ok(Some(s.contains(sub)))),
    )
    .doc(
        "Whether the first string holds the second.",
        "contains('Spark SQL', 'Spark')",
    ),
    Function::new(
        "startswith",
        &[P::String, P::String],
        Returns::Type(T::Boolean),
        |c| c.map2::<Text, Text, Truth>(|s, sub| Ok(Some(s.starts_with(sub)))),
    )
    .doc(
        "Whether the first string begins with the second.",
        "startswith('Spark SQL', 'Spark')",
    ),
    Function::new(
        "endswith",
        &[P::String, P::String],
        Returns::Type(T::Boolean),
        |c| c.map2::<Text, Text, Truth>(|s, sub| Ok(Some(s.ends_with(sub)))),
    )
    .doc(
        "Whether the first string ends with the second.",
        "endswith('Spark SQL', 'SQL')",
    ),
    Function::new(
        "reverse",
        &[P::TextOrArray],
        Returns::Argument(0),
        super::array::reverse,
    )
    .doc("Turns a string or an array around.", "reverse('abc')"),
    Function::new("ascii", &[P::String], Returns::Type(T::Int), |c| {
        c.map1::<Text, Int>(|s| {
            Ok(Some(
                s.chars()
                    .next()
                    .map_or(0, |ch| i32::try_from(u32::from(ch)).unwrap_or(0)),
            ))
        })
    })
    .doc("Gives the number of the first character.", "ascii('2')"),
    Function::new("chr", &[P::Long], Returns::Type(T::String), |c| {
        c.map1::<Long, Text>(|n| Ok(Some(chr(n))))
    })
    .also(&["char"])
    .doc("Gives the character of a number, modulo 256.", "chr(65)"),
    Function::new(
        "levenshtein",
        &[P::String, P::String, P::Int],
        Returns::Type(T::Int),
        levenshtein,
    )
    .optional(1)
    .doc(
        "Counts the edits from one string to another; -1 beyond a threshold.",
        "levenshtein('kitten', 'sitting')",
    ),
    Function::new("soundex", &[P::Text], Returns::Type(T::String), |c| {
        c.delegate(&datafusion_spark::function::string::soundex())
    })
    .doc("Gives the Soundex code.", "soundex('Miller')"),
    Function::new(
        "find_in_set",
        &[P::String, P::String],
        Returns::Type(T::Int),
        |c| {
            c.map2::<Text, Text, Int>(|s, set| {
                let found = if s.contains(',') {
                    None
                } else {
                    set.split(',').position(|item| item == s)
                };
                Ok(Some(
                    found.and_then(|p| i32::try_from(p + 1).ok()).unwrap_or(0),
                ))
            })
        },
    )
    .doc(
        "Gives the place of a string in a list parted by commas, 0 if it is not there.",
        "find_in_set('ab', 'abc,b,ab,c,def')",
    ),
    Function::new(
        "format_string",
        &[P::String, P::Any],
        Returns::Type(T::String),
        format_string,
    )
    .also(&["printf"])
    .variadic()
    .optional(1)
    .doc(
        "Writes values under a printf format of Java.",
        "format_string('Hello %s %d', 'World', 100)",
    ),
    Function::new("quote", &[P::String], Returns::Type(T::String), |c| {
        c.map1::<Text, Text>(|s| {
            Ok(Some(format!(
                "'{}'",
                s.replace('\\', "\\\\").replace('\'', "\\'")
            )))
        })
    })
    .doc(
        "Puts a string in single quotes, escaping those inside.",
        "quote('it')",
    ),
    Function::new("luhn_check", &[P::String], Returns::Type(T::Boolean), |c| {
        c.delegate(&datafusion_spark::function::string::luhn_check())
    })
    .doc(
        "Whether the digits pass Luhn's check.",
        "luhn_check('8112189876')",
    ),
];

/// A NULL without a type stands for a whole number, or else for another one: DataFusion asks the type of an argument also where
/// there is nothing to write.
fn format_string(call: &Call<'_>) -> Result<ArrayRef> {
    let written = |number: &DataType| {
        let typed = |column: &Column| {
            let array = column.array();
            match array.data_type() {
                DataType::Null => column.with(new_null_array(number, array.len())),
                _ => column.clone(),
            }
        };
        let columns: Vec<Column> = call.columns.iter().map(typed).collect();
        let format = datafusion_spark::function::string::format_string();
        call.delegate_columns(&format, &columns)
    };
    written(&DataType::Int32).or_else(|_| written(&DataType::Float64))
}

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

pub(super) fn is_binary(call: &Call<'_>, index: usize) -> Result<bool> {
    Ok(matches!(
        call.column(index)?.array().data_type(),
        DataType::Binary
    ))
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

/// Position of `sub` in `text` at or after the character position `from`, counted from 1; 0 if there is none.
fn position(sub: &str, text: &str, from: i32) -> i32 {
    let Ok(skip) = usize::try_from(from - 1) else {
        return 0;
    };
    if sub.is_empty() {
        return 1;
    }
    let Some(start) = text
        .char_indices()
        .map(|(i, _)| i)
        .chain([text.len()])
        .nth(skip)
    else {
        return 0;
    };
    let found = text.get(start..).and_then(|rest| {
        rest.find(sub)
            .map(|at| skip + rest[..at].chars().count() + 1)
    });
    found.and_then(|p| i32::try_from(p).ok()).unwrap_or(0)
}

fn locate(call: &Call<'_>) -> Result<ArrayRef> {
    let (subs, texts) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let starts = if call.has(2) {
        Some(call.typed::<Int>(2)?)
    } else {
        None
    };
    Int::rows(call.rows, |row| {
        let start = match &starts {
            None => 1,
            Some(starts) => match starts.get(row) {
                Some(start) => start,
                None => return Ok(Some(0)),
            },
        };
        let (Some(sub), Some(text)) = (subs.get(row), texts.get(row)) else {
            return Ok(None);
        };
        Ok(Some(position(sub, text, start)))
    })
}

fn replace(call: &Call<'_>) -> Result<ArrayRef> {
    let (texts, searches) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let with = if call.has(2) {
        Some(call.typed::<Text>(2)?)
    } else {
        None
    };
    Text::rows(call.rows, |row| {
        let with = match &with {
            None => Some(""),
            Some(with) => with.get(row),
        };
        let (Some(text), Some(search), Some(with)) = (texts.get(row), searches.get(row), with)
        else {
            return Ok(None);
        };
        Ok(Some(if search.is_empty() {
            text.to_string()
        } else {
            text.replace(search, with)
        }))
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

fn chr(number: i64) -> String {
    if number < 0 {
        return String::new();
    }
    u8::try_from(number & 0xFF)
        .map(|byte| char::from(byte).to_string())
        .unwrap_or_default()
}

fn levenshtein(call: &Call<'_>) -> Result<ArrayRef> {
    let (a, b) = (call.typed::<Text>(0)?, call.typed::<Text>(1)?);
    let most = if call.has(2) {
        Some(call.typed::<Int>(2)?)
    } else {
        None
    };
    Int::rows(call.rows, |row| {
        let (Some(a), Some(b)) = (a.get(row), b.get(row)) else {
            return Ok(None);
        };
        let distance = i32::try_from(strsim::levenshtein(a, b)).unwrap_or(i32::MAX);
        Ok(match &most {
            None => Some(distance),
            Some(most) => most
                .get(row)
                .map(|most| if distance > most { -1 } else { distance }),
        })
    })
}
