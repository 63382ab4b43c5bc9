//! The symbols of a pattern of Java's, quotes taken away, and what braces hold. Must not know groups.

use std::fmt::Write as _;

use super::java::{Result, malformed};

/// One symbol of a pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Symbol {
    /// A character that may mean something.
    Plain(char),
    /// A character between `\Q` and `\E`: it means itself.
    Quoted(char),
}

/// Takes the quotes `\Q…\E` away.
pub(super) fn unquoted(pattern: &str) -> Vec<Symbol> {
    let mut out = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    loop {
        let mut escaped = false;
        let begin = rest.char_indices().find_map(|(at, symbol)| {
            let quotes = escaped && symbol == 'Q';
            escaped = symbol == '\\' && !escaped;
            quotes.then_some(at)
        });
        let Some(begin) = begin else {
            out.extend(rest.chars().map(Symbol::Plain));
            return out;
        };
        out.extend(rest[..begin - 1].chars().map(Symbol::Plain));
        let (quoted, behind) = rest[begin + 1..]
            .split_once("\\E")
            .unwrap_or((&rest[begin + 1..], ""));
        out.extend(quoted.chars().map(Symbol::Quoted));
        rest = behind;
    }
}

/// `2`, `2,` or `2,5`, as braces hold it.
pub(super) fn bounds(text: &str) -> Result<String> {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        match text.parse::<i32>() {
            Ok(number) if digits => Ok(number),
            _ => malformed(format!("`{{{text}}}` is no repetition")),
        }
    };
    let (least, most) = match text.split_once(',') {
        None => (number(text)?, None),
        Some((least, "")) => (number(least)?, None),
        Some((least, most)) => (number(least)?, Some(number(most)?)),
    };
    if most.is_some_and(|most| most < least) {
        return malformed(format!("`{{{text}}}` ends below its begin"));
    }
    Ok(format!("{{{text}}}"))
}

pub(super) fn is_space(symbol: char) -> bool {
    matches!(symbol, ' ' | '\t' | '\n' | '\u{B}' | '\u{C}' | '\r')
}

/// Writes a character that stands for itself, in a class or outside.
pub(super) fn push_literal(out: &mut String, symbol: char) {
    if symbol.is_ascii_alphanumeric() || (!symbol.is_ascii() && symbol.is_alphabetic()) {
        out.push(symbol);
    } else {
        let _ = write!(out, "\\x{{{:X}}}", u32::from(symbol));
    }
}
