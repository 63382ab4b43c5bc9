//! `IDENTIFIER('a.b')`: a name written as a constant text. Must not resolve the name.

use sqlparser::ast::Ident;
use sqlparser::tokenizer::{Span, Token};

use super::Rewriter;
use crate::cursor::Parsed;
use crate::query::RelationSource;
use crate::statement::WrittenName;

impl Rewriter<'_> {
    /// Writes the name in place of the call, if a call of IDENTIFIER comes next.
    pub(super) fn identifier(&mut self) -> Parsed<bool> {
        let Some((parts, span)) = self.name_in_text()? else {
            return Ok(false);
        };
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.emit(Token::Period, span);
            }
            self.emit(Token::make_word(part, Some('`')), span);
        }
        Ok(true)
    }

    /// The relation of `FROM IDENTIFIER('a.b')`, which comes next.
    pub(super) fn named_source(&mut self) -> Parsed<Option<(RelationSource, Ident)>> {
        let Some((parts, span)) = self.name_in_text()? else {
            return Ok(None);
        };
        let alias = Ident {
            value: parts.last().cloned().unwrap_or_default(),
            quote_style: Some('`'),
            span: Span::empty(),
        };
        let origin = self.cursor.origin(span);
        Ok(Some((
            RelationSource::Name(WrittenName { parts, origin }),
            alias,
        )))
    }

    /// The parts of the name; `None` if `identifier` is no call here.
    fn name_in_text(&mut self) -> Parsed<Option<(Vec<String>, Span)>> {
        let opens = self
            .cursor
            .peek_nth(1)
            .is_some_and(|next| next.token == Token::LParen);
        if !opens {
            return Ok(None);
        }
        let from = self.cursor.at;
        self.cursor.next();
        self.cursor.next();
        let mut text = String::new();
        loop {
            match self.cursor.peek().map(|lexeme| &lexeme.token) {
                Some(Token::SingleQuotedString(part)) => text.push_str(part),
                _ => return self.cursor.expected("a constant text with a name"),
            }
            self.cursor.next();
            if !self.cursor.take_symbol(&Token::StringConcat) {
                break;
            }
        }
        if !self.cursor.take_symbol(&Token::RParen) {
            return self
                .cursor
                .expected("`)`, or `||` and a further constant text");
        }
        let span = self.cursor.span_of(from, self.cursor.at);
        match parts_of(&text) {
            Some(parts) => Ok(Some((parts, span))),
            None => Err(self
                .cursor
                .fail(span, format!("`{text}` is not a name"))
                .into()),
        }
    }
}

/// The parts of a name, back-ticks removed; `None` if it is none.
fn parts_of(text: &str) -> Option<Vec<String>> {
    let mut parts = vec![];
    let mut rest = text.trim();
    loop {
        let (part, behind) = if let Some(quoted) = rest.strip_prefix('`') {
            quoted.split_once('`')?
        } else {
            rest.split_at(rest.find('.').unwrap_or(rest.len()))
        };
        if part.is_empty() || part.contains(char::is_whitespace) && !rest.starts_with('`') {
            return None;
        }
        parts.push(part.to_string());
        if behind.is_empty() {
            return Some(parts);
        }
        rest = behind.strip_prefix('.')?;
    }
}

#[cfg(test)]
mod tests {
    use super::parts_of;

    #[test]
    fn a_text_is_taken_apart_at_its_points() {
        let parts = |text: &str| parts_of(text).map(|parts| parts.join("|"));
        assert_eq!(parts("a.b.c").as_deref(), Some("a|b|c"));
        assert_eq!(parts("`a.b`.c").as_deref(), Some("a.b|c"));
        assert_eq!(parts(" t ").as_deref(), Some("t"));
        assert_eq!(parts("a..b"), None);
        assert_eq!(parts("a b"), None);
        assert_eq!(parts(""), None);
        assert_eq!(parts("`a"), None);
    }
}
