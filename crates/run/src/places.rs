//! Names of folders (design.md section 6). Must not read or write anything.

use std::fmt::Write as _;

/// Lower-cases a name and percent-encodes whatever is not a letter of ASCII, a digit, `_` or `-`.
pub(crate) fn encode(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.to_lowercase().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => out.push(char::from(byte)),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    if out.is_empty() { "%".to_string() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_reach_the_disk_raw() {
        assert_eq!(encode("a/../b c"), "a%2F%2E%2E%2Fb%20c");
        assert_eq!(encode("Größe"), "gr%C3%B6%C3%9Fe");
        assert_eq!(encode(""), "%");
    }
}
