//! The lexical details: string escapes, the shape of numbers, the extent of a comment.

/// The value of a string literal: Spark's escapes resolved, doubled quotes made one.
///
/// `\%` and `\_` keep their back-slash, because LIKE needs it; `\u0041` and `\U00000041` are code points, `\101` is
/// octal; a back-slash before any other character disappears.
pub(crate) fn unescape(written: &str, quote: char) -> String {
    let mut value = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(symbol) = rest.chars().next() {
        rest = &rest[symbol.len_utf8()..];
        if symbol == quote {
            rest = rest.strip_prefix(quote).unwrap_or(rest);
            value.push(quote);
        } else if symbol == '\\' {
            rest = escape(rest, &mut value);
        } else {
            value.push(symbol);
        }
    }
    value
}

/// Adds what stands behind a back-slash to `value` and returns what follows it.
fn escape<'a>(rest: &'a str, value: &mut String) -> &'a str {
    for (letter, digits) in [('u', 4), ('U', 8)] {
        let code = rest
            .strip_prefix(letter)
            .and_then(|behind| behind.get(..digits));
        let point = code
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        if let Some(point) = point {
            value.push(point);
            return &rest[1 + digits..];
        }
    }
    let octal = rest.get(..3).filter(|code| {
        code.starts_with(['0', '1']) && code.chars().all(|digit| ('0'..='7').contains(&digit))
    });
    if let Some(point) = octal
        .and_then(|code| u32::from_str_radix(code, 8).ok())
        .and_then(char::from_u32)
    {
        value.push(point);
        return &rest[3..];
    }
    let Some(symbol) = rest.chars().next() else {
        return rest;
    };
    match symbol {
        '0' => value.push('\0'),
        'b' => value.push('\u{8}'),
        'n' => value.push('\n'),
        'r' => value.push('\r'),
        't' => value.push('\t'),
        'Z' => value.push('\u{1a}'),
        '%' | '_' => value.extend(['\\', symbol]),
        other => value.push(other),
    }
    &rest[symbol.len_utf8()..]
}

/// The suffixes of numbers, each with the type that it names.
const SUFFIXES: &[(&str, &str)] = &[
    ("BD", "DECIMAL"),
    ("L", "BIGINT"),
    ("S", "SMALLINT"),
    ("Y", "TINYINT"),
    ("D", "DOUBLE"),
    ("F", "FLOAT"),
];

/// Splits `1.5BD` into the number and the type that its suffix names.
pub(crate) fn split_suffix(number: &str) -> (&str, Option<&'static str>) {
    for (suffix, data_type) in SUFFIXES {
        let at = number.len().saturating_sub(suffix.len());
        let tail = number.get(at..).unwrap_or_default();
        if at > 0 && tail.eq_ignore_ascii_case(suffix) {
            return (&number[..at], Some(data_type));
        }
    }
    (number, None)
}

/// Whether a word that begins with a digit is a number rather than a name such as `2024_sales`.
pub(crate) fn is_number_word(word: &str, next: Option<char>) -> bool {
    let (digits, _) = split_suffix(word);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match digits.split_once(['e', 'E']) {
        None => is_digits(digits),
        Some((mantissa, "")) => is_digits(mantissa) && matches!(next, Some('+' | '-')),
        Some((mantissa, exponent)) => is_digits(mantissa) && is_digits(exponent),
    }
}

/// The length in characters (all ASCII) of the number at the start of `rest`, its suffix included.
pub(crate) fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        bytes
            .iter()
            .skip(from)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b' ');
    let mut length = digits(0);
    if byte(length) == b'.' && !(byte(length + 1).is_ascii_alphabetic() || byte(length + 1) == b'_')
    {
        length += 1;
        length += digits(length);
    }
    if matches!(byte(length), b'e' | b'E') {
        let sign = usize::from(matches!(byte(length + 1), b'+' | b'-'));
        let exponent = digits(length + 1 + sign);
        if exponent > 0 {
            length += 1 + sign + exponent;
        }
    }
    for (suffix, _) in SUFFIXES {
        let end = length + suffix.len();
        let matches = rest
            .get(length..end)
            .is_some_and(|tail| tail.eq_ignore_ascii_case(suffix));
        let continues = rest
            .get(end..)
            .is_some_and(|tail| tail.starts_with(|c: char| c == '_' || c.is_alphanumeric()));
        if matches && !continues {
            return end;
        }
    }
    length
}

/// The length in bytes of the `--` comment at the start of `rest`, without the line end. A back-slash at the end of
/// a line continues the comment on the next.
pub(crate) fn line_comment_length(rest: &str) -> usize {
    let mut from = 0;
    while let Some(at) = rest.get(from..).and_then(|tail| tail.find('\n')) {
        let end = from + at;
        if !rest[..end].ends_with('\\') {
            return end;
        }
        from = end + 1;
    }
    rest.len()
}
