//! `VERSION AS OF`, `TIMESTAMP AS OF` and their short forms. Must not know which version a time means.

use sqlparser::tokenizer::Token;

use super::literal::take_interval;
use crate::cursor::{Cursor, Parsed};
use crate::lex::Lexeme;
use crate::query::TimeTravel;

/// `@v3`, `@20260101000000000`, `[FOR] VERSION AS OF 3`, `[FOR] TIMESTAMP AS OF …`.
pub(crate) fn time_travel(cursor: &mut Cursor<'_>) -> Parsed<Option<TimeTravel>> {
    if cursor.sees_symbol(&Token::AtSign) {
        return at_version(cursor).map(Some);
    }
    let skipped = usize::from(cursor.sees(&["FOR"]));
    let mut ahead = *cursor;
    ahead.at += skipped;
    let is_version =
        ahead.take(&["VERSION", "AS", "OF"]) || ahead.take(&["SYSTEM_VERSION", "AS", "OF"]);
    if !is_version
        && !ahead.take(&["TIMESTAMP", "AS", "OF"])
        && !ahead.take(&["SYSTEM_TIME", "AS", "OF"])
    {
        return Ok(None);
    }
    *cursor = ahead;
    if is_version {
        version(cursor).map(Some)
    } else {
        timestamp(cursor).map(Some)
    }
}

fn version(cursor: &mut Cursor<'_>) -> Parsed<TimeTravel> {
    let version = match cursor.peek().map(|lexeme| &lexeme.token) {
        Some(Token::Number(text, _) | Token::SingleQuotedString(text)) => text.parse().ok(),
        _ => None,
    };
    match version {
        Some(version) => {
            cursor.next();
            Ok(TimeTravel::Version(version))
        }
        None => cursor.expected("a version number"),
    }
}

fn at_version(cursor: &mut Cursor<'_>) -> Parsed<TimeTravel> {
    cursor.next();
    let what = "`v` with a version number, or 17 digits of a timestamp (yyyyMMddHHmmssSSS)";
    let Some(lexeme) = cursor.peek() else {
        return cursor.expected(what);
    };
    let text = cursor.text(cursor.at, cursor.at + 1);
    let found = match &lexeme.token {
        Token::Word(_) => text
            .strip_prefix(['v', 'V'])
            .and_then(|n| n.parse().ok())
            .map(TimeTravel::Version),
        Token::Number(..) => compact_timestamp(text).map(TimeTravel::Timestamp),
        _ => None,
    };
    match found {
        Some(travel) => {
            cursor.next();
            Ok(travel)
        }
        None => cursor.expected(what),
    }
}

/// A literal, or a constant expression as far as it goes: `current_timestamp() - INTERVAL 1 DAY`.
fn timestamp(cursor: &mut Cursor<'_>) -> Parsed<TimeTravel> {
    let from = cursor.at;
    loop {
        match cursor.peek().map(|lexeme| &lexeme.token) {
            Some(Token::LParen) => {
                cursor.skip_group()?;
            }
            Some(Token::Word(_)) if cursor.sees(&["INTERVAL"]) => {
                if take_interval(cursor)?.is_none() {
                    return cursor.expected("an interval");
                }
            }
            Some(Token::Word(_)) => {
                cursor.next();
                if cursor.sees_symbol(&Token::LParen) {
                    cursor.skip_group()?;
                } else if matches!(
                    cursor.peek(),
                    Some(Lexeme {
                        token: Token::SingleQuotedString(_),
                        ..
                    })
                ) {
                    cursor.next();
                }
            }
            Some(Token::SingleQuotedString(_) | Token::Number(..)) => {
                cursor.next();
            }
            _ => return cursor.expected("a timestamp"),
        }
        if !cursor.take_symbol(&Token::Minus) && !cursor.take_symbol(&Token::Plus) {
            break;
        }
    }
    let only = cursor.lexemes.get(from).filter(|_| cursor.at == from + 1);
    Ok(TimeTravel::Timestamp(match only {
        Some(Lexeme {
            token: Token::SingleQuotedString(value),
            ..
        }) => value.clone(),
        _ => cursor.text(from, cursor.at).to_string(),
    }))
}

/// `20260102030405678` as `2026-01-02 03:04:05.678`.
fn compact_timestamp(digits: &str) -> Option<String> {
    let part = |from: usize, to: usize| digits.get(from..to);
    (digits.len() == 17 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(())?;
    Some(format!(
        "{}-{}-{} {}:{}:{}.{}",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
        part(14, 17)?
    ))
}
