//! Hashes and encodings of bytes. Must not know text beyond its UTF-8 bytes.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::error::Result;
use md5::{Digest, Md5};
use sluice_decode::cast::push_base64;
use sluice_model::condition::query as condition;

use super::call::{Bytes, Call, Output, Text};
use super::error::{fail, fail_with};
use super::murmur::{hashed, murmur, wide_decimals_as_bytes};
use super::scalar::{Function, Returns, SparkTypeName as T};
use super::signature::Param as P;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("md5", &[P::Binary], Returns::Type(T::String), |c| {
        c.map1::<Bytes, Text>(|bytes| Ok(Some(lower_hex(&Md5::digest(bytes)))))
    })
    .doc("Gives the MD5 sum in hexadecimal.", "md5('Spark')"),
    Function::new("sha1", &[P::Binary], Returns::Type(T::String), |c| {
        c.delegate(&datafusion_spark::function::hash::sha1())
    })
    .also(&["sha"])
    .doc("Gives the SHA-1 sum in hexadecimal.", "sha1('Spark')"),
    Function::new(
        "sha2",
        &[P::Binary, P::Int],
        Returns::Type(T::String),
        |c| c.delegate(&datafusion_spark::function::hash::sha2()),
    )
    .doc(
        "Gives the SHA-2 sum of 224, 256 (or 0), 384 or 512 bits in hexadecimal.",
        "sha2('Spark', 256)",
    ),
    Function::new("crc32", &[P::Binary], Returns::Type(T::Long), |c| {
        c.delegate(&datafusion_spark::function::hash::crc32())
    })
    .doc("Gives the CRC-32 sum.", "crc32('Spark')"),
    Function::new(
        "xxhash64",
        &[P::Any],
        Returns::By(|t| hashed(t, DataType::Int64)),
        |c| {
            let columns = c.columns.iter().map(wide_decimals_as_bytes);
            let columns = columns.collect::<Result<Vec<_>>>()?;
            c.delegate_columns(&datafusion_spark::function::hash::xxhash64(), &columns)
        },
    )
    .variadic()
    .doc(
        "Gives the 64-bit xxHash of the arguments, leaving out NULLs.",
        "xxhash64('Spark', 123)",
    ),
    Function::new(
        "hash",
        &[P::Any],
        Returns::By(|t| hashed(t, DataType::Int32)),
        murmur,
    )
    .variadic()
    .doc(
        "Gives the 32-bit Murmur3 hash of the arguments, leaving out NULLs.",
        "hash('Spark', 123)",
    ),
    Function::new("base64", &[P::Binary], Returns::Type(T::String), |c| {
        c.map1::<Bytes, Text>(|bytes| Ok(Some(base64(bytes))))
    })
    .doc(
        "Writes bytes in base 64, in lines of 76 characters with CR LF between them.",
        "base64('Spark SQL')",
    ),
    Function::new("unbase64", &[P::String], Returns::Type(T::Binary), |c| {
        c.map1::<Text, Bytes>(|text| match unbase64(text) {
            Some(bytes) => Ok(Some(bytes)),
            None => fail(
                &condition::CONVERSION_INVALID_INPUT,
                format!("`{text}` is no base 64"),
            ),
        })
    })
    .doc("Reads base 64.", "unbase64('U3Bhcms=')"),
    Function::new("unhex", &[P::String], Returns::Type(T::Binary), |c| {
        c.map1::<Text, Bytes>(|text| Ok(unhex(text)))
    })
    .doc(
        "Reads hexadecimal digits; NULL if there are others.",
        "unhex('537061726B')",
    ),
    Function::new(
        "encode",
        &[P::String, P::String],
        Returns::Type(T::Binary),
        |c| c.map2::<Text, Text, Bytes>(|text, charset| encode(text, charset).map(Some)),
    )
    .doc(
        "Turns text into the bytes of a charset.",
        "encode('abc', 'utf-8')",
    ),
    Function::new(
        "decode",
        &[P::Binary, P::String],
        Returns::Type(T::String),
        |c| c.map2::<Bytes, Text, Text>(|bytes, charset| decode(bytes, charset).map(Some)),
    )
    .doc(
        "Turns the bytes of a charset into text.",
        "decode(encode('abc', 'utf-8'), 'utf-8')",
    ),
    Function::new(
        "to_binary",
        &[P::String, P::String],
        Returns::Type(T::Binary),
        |c| to_binary(c, true),
    )
    .optional(1)
    .doc(
        "Reads bytes from text: hex (the default), utf-8 or base64.",
        "to_binary('abc', 'utf-8')",
    ),
    Function::new(
        "try_to_binary",
        &[P::String, P::String],
        Returns::Type(T::Binary),
        |c| to_binary(c, false),
    )
    .optional(1)
    .doc(
        "Reads bytes as to_binary does, and gives NULL where that fails.",
        "try_to_binary('a!', 'base64')",
    ),
    Function::new("url_encode", &[P::String], Returns::Type(T::String), |c| {
        c.delegate(&datafusion_spark::function::url::url_encode())
    })
    .doc(
        "Writes a text for the query of a URL.",
        "url_encode('https://spark.apache.org')",
    ),
    Function::new("url_decode", &[P::String], Returns::Type(T::String), |c| {
        let decoded = c.delegate(&datafusion_spark::function::url::url_decode());
        decoded.or_else(|_| {
            fail_with(
                &condition::CANNOT_DECODE_URL,
                "a text is not encoded as the query of a URL is",
                "use `try_url_decode` to get NULL instead",
            )
        })
    })
    .doc(
        "Reads a text from the query of a URL.",
        "url_decode('https%3A%2F%2Fspark.apache.org')",
    ),
    Function::new(
        "parse_url",
        &[P::Text, P::Text, P::Text],
        Returns::Type(T::String),
        |c| {
            let parsed = c.delegate(&datafusion_spark::function::url::parse_url());
            parsed.or_else(|_| {
                fail_with(
                    &condition::INVALID_URL,
                    "a text is no URL",
                    "use `try_parse_url` to get NULL instead",
                )
            })
        },
    )
    .optional(1)
    .doc(
        "Gives a part of a URL.",
        "parse_url('http://spark.apache.org/path?query=1', 'HOST')",
    ),
    Function::new(
        "try_parse_url",
        &[P::Text, P::Text, P::Text],
        Returns::Type(T::String),
        |c| c.delegate(&datafusion_spark::function::url::try_parse_url()),
    )
    .optional(1)
    .doc(
        "Gives a part of a URL, NULL if it is none.",
        "try_parse_url('http://spark.apache.org/path?query=1', 'HOST')",
    ),
    Function::new(
        "try_url_decode",
        &[P::String],
        Returns::Type(T::String),
        |c| c.delegate(&datafusion_spark::function::url::try_url_decode()),
    )
    .doc(
        "Reads a text from the query of a URL, NULL if it is not encoded so.",
        "try_url_decode('https%3A%2F%2Fspark.apache.org')",
    ),
];

/// As `Base64` of Spark writes it, by Java's MIME encoder: no line end behind the last line.
fn base64(bytes: &[u8]) -> String {
    const LINE_BYTES: usize = 57;
    let mut out = String::with_capacity(bytes.len().div_ceil(LINE_BYTES) * 78);
    for line in bytes.chunks(LINE_BYTES) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        push_base64(&mut out, line);
    }
    out
}

fn lower_hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            out.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    out
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok()))
        .collect::<Option<Vec<_>>>()?;
    // An odd number of digits lacks a zero in front.
    let padded: Vec<u8> = std::iter::repeat_n(0, digits.len() % 2)
        .chain(digits)
        .collect();
    Some(
        padded
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

/// The value of a digit of base 64.
fn base64_digit(symbol: char) -> Option<u32> {
    Some(match symbol {
        'A'..='Z' => u32::from(symbol) - u32::from('A'),
        'a'..='z' => u32::from(symbol) - u32::from('a') + 26,
        '0'..='9' => u32::from(symbol) - u32::from('0') + 52,
        '+' => 62,
        '/' => 63,
        _ => return None,
    })
}

/// Whether a text is base 64 and nothing else but white space: what `to_binary` takes.
fn is_base64(text: &str) -> bool {
    let is_taken =
        |symbol: char| symbol == '=' || symbol.is_whitespace() || base64_digit(symbol).is_some();
    text.chars().all(is_taken)
}

/// Reads base 64; characters that are no digits of it are passed over, as Java's MIME decoder does. `None` when a digit is left
/// over, or when it is filled up with `=` in another way than to a multiple of four.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let (text, filling) = text.split_at_checked(text.find('=').unwrap_or(text.len()))?;
    let digits: Vec<u32> = text.chars().filter_map(base64_digit).collect();
    let fills = filling.matches('=').count();
    let is_filled = fills == 0 || (fills <= 2 && (digits.len() + fills).is_multiple_of(4));
    if !is_filled || filling.chars().any(|symbol| base64_digit(symbol).is_some()) {
        return None;
    }
    let mut out = Vec::with_capacity(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let word = group.iter().fold(0, |word, digit| word << 6 | digit) << (6 * (4 - group.len()));
        let [_, a, b, c] = word.to_be_bytes();
        out.extend(
            [a, b, c]
                .iter()
                .take(group.len().checked_sub(1).filter(|n| *n > 0)?),
        );
    }
    Some(out)
}

fn charset<T>(name: &str) -> Result<T> {
    fail(
        &condition::INVALID_PARAMETER_VALUE_CHARSET,
        format!(
            "`{name}` is no charset: write UTF-8, US-ASCII, ISO-8859-1, UTF-16, UTF-16BE or UTF-16LE"
        ),
    )
}

fn encode(text: &str, name: &str) -> Result<Vec<u8>> {
    let narrow = |most: u32| -> Result<Vec<u8>> {
        text.chars()
            .map(|c| match u8::try_from(u32::from(c)) {
                Ok(byte) if u32::from(c) <= most => Ok(byte),
                _ => fail(
                    &condition::MALFORMED_CHARACTER_CODING,
                    format!("`{c}` does not exist in {name}"),
                ),
            })
            .collect()
    };
    match name.to_ascii_uppercase().as_str() {
        "UTF-8" => Ok(text.as_bytes().to_vec()),
        "US-ASCII" => narrow(127),
        "ISO-8859-1" => narrow(255),
        "UTF-16" => Ok([0xFE, 0xFF]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
            .collect()),
        "UTF-16BE" => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
        "UTF-16LE" => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        _ => charset(name),
    }
}

fn decode(bytes: &[u8], name: &str) -> Result<String> {
    let wide = |of: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| of([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).ok()
    };
    let found = match name.to_ascii_uppercase().as_str() {
        "UTF-8" => String::from_utf8(bytes.to_vec()).ok(),
        "US-ASCII" => bytes
            .is_ascii()
            .then(|| bytes.iter().copied().map(char::from).collect()),
        "ISO-8859-1" => Some(bytes.iter().copied().map(char::from).collect()),
        "UTF-16" => match bytes {
            [0xFF, 0xFE, rest @ ..] => wide(u16::from_le_bytes, rest),
            [0xFE, 0xFF, rest @ ..] => wide(u16::from_be_bytes, rest),
            rest => wide(u16::from_be_bytes, rest),
        },
        "UTF-16BE" => wide(u16::from_be_bytes, bytes),
        "UTF-16LE" => wide(u16::from_le_bytes, bytes),
        _ => return charset(name),
    };
    match found {
        Some(text) => Ok(text),
        None => fail(
            &condition::MALFORMED_CHARACTER_CODING,
            format!("the bytes are no {name}"),
        ),
    }
}

fn to_binary(call: &Call<'_>, strict: bool) -> Result<ArrayRef> {
    let texts = call.typed::<Text>(0)?;
    let formats = call.text_or(1, "hex")?;
    Bytes::rows(call.rows, |row| {
        let (Some(text), Some(format)) = (texts.get(row), formats(row)) else {
            return Ok(None);
        };
        let found = match format.to_ascii_lowercase().as_str() {
            "hex" => unhex(text),
            "utf-8" | "utf8" => Some(text.as_bytes().to_vec()),
            "base64" => unbase64(text).filter(|_| is_base64(text)),
            other => {
                return fail(
                    &condition::INVALID_PARAMETER_VALUE,
                    format!("`{other}` is no format of `to_binary`"),
                );
            }
        };
        if found.is_none() && strict {
            return fail(
                &condition::CONVERSION_INVALID_INPUT,
                format!("`{text}` cannot be read as {format}"),
            );
        }
        Ok(found)
    })
}
