//! Literals that sqlparser does not know: intervals in Spark's spellings, numbers with a suffix, short type names.

use sluice_model::condition::sql::INVALID_INTERVAL_FORMAT;
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

use super::Rewriter;
use super::interval::{IntervalLiteral, is_amount, unit};
use crate::cursor::{Cursor, Parsed};
use crate::lex::text::split_suffix;

impl Rewriter<'_> {
    /// Takes an interval literal; `false` if the word `interval` is a name here.
    pub(super) fn interval(&mut self) -> Parsed<bool> {
        let (from, span) = (self.cursor.at, self.cursor.here());
        let Some(literal) = take_interval(&mut self.cursor)? else {
            return Ok(false);
        };
        let value = self.cursor.span_of(from + 1, self.cursor.at);
        self.emit(Token::make_keyword("INTERVAL"), span);
        self.emit(Token::SingleQuotedString(literal.text()), value);
        Ok(true)
    }

    /// Takes a number; one with a suffix becomes a cast.
    pub(super) fn number(&mut self, text: &str, span: Span) {
        self.cursor.next();
        let (digits, data_type) = split_suffix(text);
        let Some(data_type) = data_type else {
            self.emit(Token::Number(text.to_string(), false), span);
            return;
        };
        let plain = match digits.split_once(['e', 'E']) {
            Some((mantissa, exponent)) if data_type == "DECIMAL" => shifted(mantissa, exponent),
            _ => digits.to_string(),
        };
        let digits = plain.as_str();
        let sign = self.take_sign(digits, data_type);
        for token in [Token::make_keyword("CAST"), Token::LParen] {
            self.emit(token, span);
        }
        if sign {
            self.emit(Token::Minus, span);
        }
        for token in [
            Token::Number(digits.to_string(), false),
            Token::make_keyword("AS"),
        ] {
            self.emit(token, span);
        }
        for token in type_tokens(digits, data_type) {
            self.emit(token, span);
        }
        self.emit(Token::RParen, span);
    }

    /// Takes back a minus before the smallest integer of a type, whose digits alone do not fit: `-128Y`.
    fn take_sign(&mut self, digits: &str, data_type: &str) -> bool {
        let smallest = match data_type {
            "TINYINT" => "128",
            "SMALLINT" => "32768",
            "BIGINT" => "9223372036854775808",
            _ => return false,
        };
        let is_unary = matches!(
            self.out.last(),
            Some(TokenWithSpan {
                token: Token::Minus,
                ..
            })
        ) && !self
            .out
            .iter()
            .rev()
            .nth(1)
            .is_some_and(|before| is_operand_end(&before.token));
        let takes = digits == smallest && is_unary;
        if takes {
            self.out.pop();
        }
        takes
    }

    /// `BYTE` and `SHORT` as types, which sqlparser does not know. Returns whether it took the word.
    pub(super) fn type_name(&mut self, upper: &str) -> bool {
        let before = self.out.last().map(|last| &last.token);
        let behind_as =
            matches!(before, Some(Token::Word(word)) if word.value.eq_ignore_ascii_case("AS"));
        let is_type = before == Some(&Token::DoubleColon)
            || (behind_as && self.level().opened_by == super::Opening::Cast);
        if is_type && let Some(lexeme) = self.cursor.next() {
            let name = if upper == "BYTE" {
                "TINYINT"
            } else {
                "SMALLINT"
            };
            self.emit(Token::make_keyword(name), lexeme.span);
        }
        is_type
    }
}

fn is_operand_end(token: &Token) -> bool {
    match token {
        Token::Word(word) => {
            word.quote_style.is_some() || word.keyword == sqlparser::keywords::Keyword::NoKeyword
        }
        Token::Number(..) | Token::SingleQuotedString(_) | Token::RParen | Token::RBracket => true,
        _ => false,
    }
}

/// More places than a DECIMAL has: an exponent beyond it is refused all the same.
const EXPONENT_MAX: i64 = 100;

/// `1.5` and `-3` as `0.0015`: the digits that a DECIMAL of this number holds.
fn shifted(mantissa: &str, exponent: &str) -> String {
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse().unwrap_or(EXPONENT_MAX);
    let exponent = exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX);
    let places = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    let digits = if exponent < 0 {
        format!("{}{whole}{fraction}", "0".repeat(places))
    } else {
        format!("{whole}{fraction:0<places$}")
    };
    let point = if exponent < 0 {
        whole.len()
    } else {
        whole.len() + places
    };
    match digits.split_at(point) {
        (whole, "") => whole.to_string(),
        (whole, fraction) => format!("{whole}.{fraction}"),
    }
}

fn type_tokens(digits: &str, data_type: &str) -> Vec<Token> {
    let mut tokens = vec![Token::make_keyword(data_type)];
    if data_type == "DECIMAL" {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let scale = fraction.bytes().filter(u8::is_ascii_digit).count();
        let precision = (whole.trim_start_matches('0').len() + scale)
            .max(scale)
            .max(1);
        tokens.push(Token::LParen);
        tokens.push(Token::Number(precision.to_string(), false));
        tokens.push(Token::Comma);
        tokens.push(Token::Number(scale.to_string(), false));
        tokens.push(Token::RParen);
    }
    tokens
}

/// Takes `INTERVAL …` in any of Spark's spellings; `None`, with nothing taken, if the word is a name here.
pub(crate) fn take_interval(cursor: &mut Cursor<'_>) -> Parsed<Option<IntervalLiteral>> {
    let mut ahead = *cursor;
    ahead.next();
    let sign = ahead.peek().map(|lexeme| &lexeme.token);
    let signed = matches!(sign, Some(Token::Minus | Token::Plus));
    let negative = matches!(sign, Some(Token::Minus));
    ahead.at += usize::from(signed);
    let literal = match ahead.peek().map(|lexeme| &lexeme.token) {
        Some(Token::SingleQuotedString(text)) => quoted(&mut ahead, text)?,
        Some(Token::Number(..)) if signed && ahead.word_nth(1).and_then(unit).is_none() => {
            return Ok(None);
        }
        Some(Token::Number(..)) => amounts(&mut ahead)?,
        _ => return Ok(None),
    };
    *cursor = ahead;
    Ok(Some(if negative { literal.negate() } else { literal }))
}

/// `'1' DAY`, `'1 02:03' DAY TO MINUTE`, `'24 HOURS'`; the string comes next.
fn quoted(cursor: &mut Cursor<'_>, text: &str) -> Parsed<IntervalLiteral> {
    let from = cursor.at;
    if let (Some(first), Some(last)) = (
        cursor.word_nth(1).and_then(unit),
        cursor.word_nth(3).and_then(unit),
    ) && cursor
        .word_nth(2)
        .is_some_and(|to| to.eq_ignore_ascii_case("TO"))
    {
        cursor.at += 4;
        return IntervalLiteral::from_range(text, first, last)
            .ok_or_else(|| invalid(cursor, from, "as `INTERVAL '1 02:03:04' DAY TO SECOND`"));
    }
    if is_amount(text) {
        return amounts(cursor);
    }
    cursor.next();
    IntervalLiteral::from_text(text).ok_or_else(|| {
        invalid(
            cursor,
            from,
            "as `INTERVAL '24 HOURS'` or `INTERVAL 24 HOURS`",
        )
    })
}

/// `1 DAY 2 HOURS`.
fn amounts(cursor: &mut Cursor<'_>) -> Parsed<IntervalLiteral> {
    let mut parts = vec![];
    loop {
        let mut ahead = *cursor;
        let negative = ahead.sees_symbol(&Token::Minus);
        ahead.at += usize::from(negative || ahead.sees_symbol(&Token::Plus));
        let amount = match ahead.peek().map(|lexeme| &lexeme.token) {
            Some(Token::Number(text, _) | Token::SingleQuotedString(text)) => text.as_str(),
            _ => break,
        };
        let Some(unit) = ahead.word_nth(1).and_then(unit) else {
            break;
        };
        let signed = if negative {
            format!("-{amount}")
        } else {
            amount.to_string()
        };
        let Some(part) = IntervalLiteral::part(&signed, unit) else {
            return Err(invalid(&ahead, ahead.at, "as `INTERVAL 24 HOURS`"));
        };
        parts.push(part);
        ahead.at += 2;
        *cursor = ahead;
    }
    if parts.is_empty() {
        cursor.next();
        return cursor.expected("a unit such as `DAY` or `HOURS`");
    }
    Ok(IntervalLiteral { parts })
}

#[expect(
    clippy::unnecessary_box_returns,
    reason = "errors travel boxed, as in `Parsed`"
)]
fn invalid(cursor: &Cursor<'_>, from: usize, form: &str) -> Box<sluice_model::Diagnostic> {
    let origin = cursor.origin(cursor.span_of(from, from + 1));
    cursor
        .fail_with(
            &INVALID_INTERVAL_FORMAT,
            &origin,
            "this is not the text of an interval",
        )
        .help(format!("write it {form}"))
        .into()
}
