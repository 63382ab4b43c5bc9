//! Places in a text: begins and ends of lines, bounds of words, as JDK 17 finds them.

use super::java::{Flags, Lines};

const UNIX_TEXT_END: &str = r"(?=\n?\z)";
/// The end, or the place before the last line end; never between `\r` and `\n`.
const TEXT_END: &str = r"(?:(?=(?:\r\n|[\r\x{85}\x{2028}\x{2029}])?\z)|(?<!\r)(?=\n\z))";
const WORD_BOUND: &str = r"(?:(?<=[\p{L}\p{Nd}\p{Mn}_])(?![\p{L}\p{Nd}\p{Mn}_])|(?<![\p{L}\p{Nd}\p{Mn}_])(?=[\p{L}\p{Nd}\p{Mn}_]))";
const NO_WORD_BOUND: &str = r"(?:(?<=[\p{L}\p{Nd}\p{Mn}_])(?=[\p{L}\p{Nd}\p{Mn}_])|(?<![\p{L}\p{Nd}\p{Mn}_])(?![\p{L}\p{Nd}\p{Mn}_]))";

/// The long form of `^`, `$`, `\A`, `\z`, `\Z`, `\b` and `\B`; `None` of any other symbol. The flags are those in force at the place.
pub(super) fn of(symbol: char, flags: &Flags, lines: Lines) -> Option<&'static str> {
    let is_plain = lines == Lines::Plain;
    Some(match symbol {
        'A' => r"\A",
        'z' => r"\z",
        'b' if is_plain => r"\b",
        'b' => WORD_BOUND,
        'B' if is_plain => r"\B",
        'B' => NO_WORD_BOUND,
        '^' if !flags.multi_line => r"\A",
        '^' if is_plain => r"(?m:^)",
        '^' if flags.unix_lines => r"(?:(?:\A|(?<=\n))(?!\z))",
        '^' => r"(?:(?:\A|(?<=[\n\x{85}\x{2028}\x{2029}])|(?<=\r)(?!\n))(?!\z))",
        '$' if flags.multi_line && is_plain => r"(?m:$)",
        '$' if flags.multi_line && flags.unix_lines => r"(?=\n|\z)",
        '$' if flags.multi_line => r"(?:(?=[\r\x{85}\x{2028}\x{2029}]|\z)|(?<!\r)(?=\n))",
        '$' | 'Z' if is_plain => r"\z",
        '$' | 'Z' if flags.unix_lines => UNIX_TEXT_END,
        '$' | 'Z' => TEXT_END,
        _ => return None,
    })
}
