//! What may stand between a relation and its alias: a version, options, a watermark, a sample.

use std::collections::BTreeSet;

use sluice_model::condition::sql::{
    CANNOT_USE_MULTI_ALIASES_IN_WATERMARK_CLAUSE, INVALID_INTERVAL_FORMAT,
    REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE,
};
use sqlparser::tokenizer::{Span, Token};

use super::Rewriter;
use super::literal::take_interval;
use super::time_travel::time_travel;
use crate::cursor::{Cursor, Parsed};
use crate::lex::Lexeme;
use crate::parse::parse_expression;
use crate::query::{Relation, Watermark};
use crate::statement::{Located, RefusedClause};

impl Rewriter<'_> {
    /// Takes every suffix, in any order, each once.
    pub(super) fn suffixes(&mut self, relation: &mut Relation) -> Parsed<()> {
        loop {
            let here = self.cursor.here();
            if let Some(version) = time_travel(&mut self.cursor)? {
                self.once(relation.time_travel.is_none(), here, "a version")?;
                relation.time_travel = Some(version);
            } else if self.cursor.sees(&["WITH"]) && self.opens_after_with() {
                self.cursor.next();
                self.options(relation)?;
            } else if self.cursor.sees(&["TABLESAMPLE"]) {
                self.sample()?;
            } else if sees_watermark(&self.cursor) {
                self.once(relation.watermark.is_none(), here, "WATERMARK")?;
                relation.watermark = Some(self.watermark()?);
            } else {
                return Ok(());
            }
        }
    }

    fn once(&self, first: bool, here: Span, what: &str) -> Parsed<()> {
        if first {
            Ok(())
        } else {
            Err(self
                .cursor
                .fail(here, format!("{what} is given twice"))
                .into())
        }
    }

    fn opens_after_with(&self) -> bool {
        self.cursor
            .peek_nth(1)
            .is_some_and(|next| next.token == Token::LParen)
    }

    /// `(key [= value], …)`.
    fn options(&mut self, relation: &mut Relation) -> Parsed<()> {
        let mut given: BTreeSet<String> = relation.options.keys().cloned().collect();
        let options = self.cursor.list(|cursor| {
            let here = cursor.here();
            let key = option_key(cursor)?;
            if !given.insert(key.to_lowercase()) {
                return Err(cursor.fail(here, format!("`{key}` is given twice")).into());
            }
            let value = if cursor.take_symbol(&Token::Eq) {
                option_value(cursor)?
            } else {
                "true".to_string()
            };
            Ok((key.to_lowercase(), value))
        })?;
        relation.options.extend(options);
        Ok(())
    }

    /// `WATERMARK expr [AS name] DELAY OF INTERVAL n unit`.
    pub(super) fn watermark(&mut self) -> Parsed<Watermark> {
        let origin = self.cursor.origin(self.cursor.here());
        self.cursor.need(&["WATERMARK"])?;
        let from = self.cursor.at;
        let Some(delay) = delay_at(&self.cursor) else {
            return self.cursor.expected_words(&["DELAY"]);
        };
        let (end, name) = self.watermark_name(from, delay)?;
        let expression = parse_expression(self.cursor.part(from, end), "the event time")?;
        let is_column = (from..end).all(|at| {
            matches!(
                self.cursor.lexemes.get(at).map(|lexeme| &lexeme.token),
                Some(Token::Word(_) | Token::Period)
            )
        });
        if name.is_none() && !is_column {
            let error = self.cursor.fail_with(
                &REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE,
                &expression.origin,
                "the event time is an expression and has no name",
            );
            return Err(error
                .help(format!(
                    "name it: `WATERMARK {} AS event_time DELAY OF ...`",
                    expression.text
                ))
                .into());
        }
        self.cursor.at = delay + 2;
        let interval_from = self.cursor.at;
        let literal = if self.cursor.sees(&["INTERVAL"]) {
            take_interval(&mut self.cursor)?
        } else {
            None
        };
        let Some(literal) = literal else {
            return self.cursor.expected("`INTERVAL` with a number and a unit");
        };
        match literal.microseconds() {
            Some(delay_us) if delay_us >= 0 => Ok(Watermark {
                expression,
                name,
                delay_us,
                origin,
            }),
            _ => {
                let place = self
                    .cursor
                    .origin(self.cursor.span_of(interval_from, self.cursor.at));
                let message =
                    "the delay of a watermark is not negative, and has no months or years";
                Err(self
                    .cursor
                    .fail_with(&INVALID_INTERVAL_FORMAT, &place, message))
            }
        }
    }

    /// The end of the event time expression, and the name behind it.
    fn watermark_name(&self, from: usize, delay: usize) -> Parsed<(usize, Option<String>)> {
        let is_as = |at: usize| {
            matches!(self.cursor.lexemes.get(at).map(|lexeme| &lexeme.token),
                Some(Token::Word(word)) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("AS"))
        };
        let word = |at: usize| match self.cursor.lexemes.get(at).map(|lexeme| &lexeme.token) {
            Some(Token::Word(word)) => Some(word.value.clone()),
            _ => None,
        };
        if delay >= from + 3 && is_as(delay - 2) {
            return Ok((delay - 2, word(delay - 1)));
        }
        let mut ahead = self.cursor.part(from, delay);
        while !ahead.is_end() {
            if ahead.take(&["AS"]) && ahead.sees_symbol(&Token::LParen) {
                let place = ahead.origin(ahead.here());
                let message = "the event time of a watermark takes one name";
                return Err(ahead.fail_with(
                    &CANNOT_USE_MULTI_ALIASES_IN_WATERMARK_CLAUSE,
                    &place,
                    message,
                ));
            }
            if ahead.sees_symbol(&Token::LParen) {
                ahead.skip_group()?;
            } else {
                ahead.next();
            }
        }
        Ok((delay, None))
    }

    /// A watermark on a subquery: read whole and refused.
    pub(super) fn refuse_watermark(&mut self) -> Parsed<()> {
        let from = self.cursor.at;
        self.watermark()?;
        self.refuse(
            from,
            "WATERMARK on a subquery",
            "put the WATERMARK behind the STREAM inside the subquery",
        );
        Ok(())
    }

    /// `TABLESAMPLE (…) [REPEATABLE (n)]`: read and refused.
    pub(super) fn sample(&mut self) -> Parsed<()> {
        let from = self.cursor.at;
        self.cursor.next();
        if !self.cursor.take(&["SYSTEM"]) {
            self.cursor.take(&["BERNOULLI"]);
        }
        if !self.cursor.sees_symbol(&Token::LParen) {
            return self.cursor.expected("`(` with the size of the sample");
        }
        self.cursor.skip_group()?;
        if self.cursor.take(&["REPEATABLE"]) {
            self.cursor.skip_group()?;
        }
        self.refuse(
            from,
            "TABLESAMPLE",
            "filter on a hash of a key, or use LIMIT",
        );
        Ok(())
    }

    fn refuse(&mut self, from: usize, clause: &str, help: &str) {
        let origin = self
            .cursor
            .origin(self.cursor.span_of(from, self.cursor.at));
        let value = RefusedClause {
            clause: clause.into(),
            help: help.into(),
        };
        self.refused.push(Located { value, origin });
    }
}

/// Whether a watermark clause comes next, and not a relation or an alias of that name.
pub(super) fn sees_watermark(cursor: &Cursor<'_>) -> bool {
    let is_name = matches!(
        cursor.peek_nth(1).map(|next| &next.token),
        None | Some(Token::Comma | Token::RParen | Token::Period | Token::Eq)
    );
    cursor.sees(&["WATERMARK"]) && !is_name && delay_at(cursor).is_some()
}

/// The index of `DELAY OF` behind the watermark that comes next, outside parentheses.
fn delay_at(cursor: &Cursor<'_>) -> Option<usize> {
    let mut ahead = *cursor;
    ahead.next();
    loop {
        if ahead.sees(&["DELAY", "OF"]) {
            return Some(ahead.at);
        }
        match ahead.peek()?.token {
            Token::LParen => {
                ahead.skip_group().ok()?;
            }
            Token::RParen | Token::Comma | Token::SemiColon => return None,
            _ => {
                ahead.next();
            }
        }
    }
}

/// A key of options: a name with dots, or a string.
pub(crate) fn option_key(cursor: &mut Cursor<'_>) -> Parsed<String> {
    if let Some(Lexeme {
        token: Token::SingleQuotedString(key),
        ..
    }) = cursor.peek()
    {
        cursor.next();
        return Ok(key.clone());
    }
    let mut key = cursor.name("the name of an option")?.value;
    while cursor.take_symbol(&Token::Period) {
        key.push('.');
        key.push_str(&cursor.name("a name after `.`")?.value);
    }
    Ok(key)
}

/// A value of options and properties: a string, a number, a truth value, as text.
pub(crate) fn option_value(cursor: &mut Cursor<'_>) -> Parsed<String> {
    let sign = if cursor.take_symbol(&Token::Minus) {
        "-"
    } else {
        ""
    };
    let what = "a string, a number, `true` or `false`";
    match cursor.peek().map(|lexeme| &lexeme.token) {
        Some(Token::SingleQuotedString(_)) if sign.is_empty() => {
            cursor.string(what).map(|text| text.value)
        }
        Some(Token::Number(text, _)) => {
            cursor.next();
            Ok(format!("{sign}{text}"))
        }
        Some(Token::Word(word))
            if sign.is_empty()
                && ["true", "false"]
                    .iter()
                    .any(|value| word.value.eq_ignore_ascii_case(value)) =>
        {
            cursor.next();
            Ok(word.value.to_ascii_lowercase())
        }
        _ => cursor.expected(what),
    }
}
