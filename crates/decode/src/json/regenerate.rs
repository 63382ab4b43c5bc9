//! JSON text written anew as Jackson copies it: no white space, doubles in Java's form. Must not look for anything in it.

use super::number::Number;
use super::scan::{Scanner, Syntax};
use super::write::push_string;
use crate::cast::text::push_double;

/// Copies the value at the scanner.
pub(super) fn copy(
    out: &mut String,
    scanner: &mut Scanner<'_>,
    depth: usize,
) -> Result<(), Syntax> {
    if depth > sluice_model::limits::JSON_DEPTH_MAX {
        return Err(Syntax("the record nests too deeply"));
    }
    scanner.space()?;
    let open = scanner.peek();
    match open {
        b'{' | b'[' => {
            scanner.position += 1;
            let close = if open == b'{' { b'}' } else { b']' };
            out.push(char::from(open));
            let mut first = true;
            scanner.members(close, |scanner| -> Result<(), Syntax> {
                if !std::mem::take(&mut first) {
                    out.push(',');
                }
                if open == b'{' {
                    push_string(out, &scanner.name()?);
                    out.push(':');
                    scanner.space()?;
                    scanner.expect(b':', "expected `:` after the name of a field")?;
                }
                copy(out, scanner, depth + 1)
            })?;
            out.push(char::from(close));
        }
        b't' | b'f' | b'n' => {
            let word = match open {
                b't' => "true",
                b'f' => "false",
                _ => "null",
            };
            scanner.word(word)?;
            out.push_str(word);
        }
        _ if scanner.at_string() => push_string(out, &scanner.string()?),
        _ => match scanner.number()? {
            Number::Integer(digits) => out.push_str(if digits == "-0" { "0" } else { digits }),
            Number::Real(digits) => push_real(out, digits.parse().unwrap_or(f64::NAN)),
            Number::Special(value) => push_real(out, value),
        },
    }
    Ok(())
}

/// Numbers that JSON has not are quoted.
fn push_real(out: &mut String, value: f64) {
    if value.is_finite() {
        return push_double(out, value);
    }
    out.push('"');
    push_double(out, value);
    out.push('"');
}
