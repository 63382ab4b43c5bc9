//! A walk over the tokens of one statement, and the errors that it meets. Must not know which statements there are.

use sluice_model::condition::sql::{IDENTIFIER_TOO_MANY_NAME_PARTS, PARSE_SYNTAX_ERROR};
use sluice_model::{Condition, Diagnostic, Namespace, Origin};
use sqlparser::tokenizer::{Location, Span, Token};

use crate::lex::Lexeme;
use crate::slip;
use crate::source_map::SourceMap;
use crate::statement::{Located, WrittenName};

/// A value, or the error that ended the statement.
pub(crate) type Parsed<T> = Result<T, Box<Diagnostic>>;

/// The text that is parsed, and how to speak about its places.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The text after `${…}` was replaced.
    pub(crate) text: &'a str,
    /// From spans to places.
    pub(crate) map: SourceMap,
}

/// A position in a list of tokens. Copying it is how one looks ahead.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a> {
    /// The text.
    pub(crate) source: &'a Source<'a>,
    /// Catalog and schema in force.
    pub(crate) namespace: &'a Namespace,
    /// The tokens of the statement.
    pub(crate) lexemes: &'a [Lexeme],
    /// Index of the next token.
    pub(crate) at: usize,
    /// What follows the tokens, if they are a part of a statement.
    pub(crate) after: Option<&'a Lexeme>,
    /// Where they end.
    pub(crate) end: Location,
}

impl<'a> Cursor<'a> {
    /// Begins at the first token.
    pub(crate) fn new(
        source: &'a Source<'a>,
        namespace: &'a Namespace,
        lexemes: &'a [Lexeme],
    ) -> Self {
        let end = lexemes
            .last()
            .map_or(Location::new(1, 1), |last| last.span.end);
        Self {
            source,
            namespace,
            lexemes,
            at: 0,
            after: None,
            end,
        }
    }

    /// A cursor over some of the tokens.
    pub(crate) fn part(&self, from: usize, to: usize) -> Self {
        let lexemes = self.lexemes.get(from..to).unwrap_or_default();
        let last = to.checked_sub(1).and_then(|last| self.lexemes.get(last));
        let end = last.map_or(self.end, |last| last.span.end);
        let after = self.lexemes.get(to).or(self.after);
        Self {
            lexemes,
            at: 0,
            after,
            end,
            ..*self
        }
    }

    /// The next token.
    pub(crate) fn peek(&self) -> Option<&'a Lexeme> {
        self.lexemes.get(self.at)
    }

    /// The token `ahead` behind the next.
    pub(crate) fn peek_nth(&self, ahead: usize) -> Option<&'a Lexeme> {
        self.lexemes.get(self.at + ahead)
    }

    /// Whether nothing is left.
    pub(crate) fn is_end(&self) -> bool {
        self.at >= self.lexemes.len()
    }

    /// Takes the next token.
    pub(crate) fn next(&mut self) -> Option<&'a Lexeme> {
        let lexeme = self.peek()?;
        self.at += 1;
        Some(lexeme)
    }

    /// The bare word `ahead` behind the next token, if one stands there.
    pub(crate) fn word_nth(&self, ahead: usize) -> Option<&'a str> {
        match &self.peek_nth(ahead)?.token {
            Token::Word(word) if word.quote_style.is_none() => Some(&word.value),
            _ => None,
        }
    }

    /// Whether these words come next.
    pub(crate) fn sees(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| {
            self.word_nth(ahead)
                .is_some_and(|found| found.eq_ignore_ascii_case(word))
        })
    }

    /// Takes these words if they come next.
    pub(crate) fn take(&mut self, words: &[&str]) -> bool {
        let found = self.sees(words);
        if found {
            self.at += words.len();
        }
        found
    }

    /// Takes these words.
    pub(crate) fn need(&mut self, words: &[&str]) -> Parsed<()> {
        for word in words {
            if !self.take(&[word]) {
                return self.expected_words(&[word]);
            }
        }
        Ok(())
    }

    /// Whether this symbol comes next.
    pub(crate) fn sees_symbol(&self, symbol: &Token) -> bool {
        self.peek().is_some_and(|lexeme| lexeme.token == *symbol)
    }

    /// Takes this symbol if it comes next.
    pub(crate) fn take_symbol(&mut self, symbol: &Token) -> bool {
        let found = self.sees_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    /// Takes this symbol.
    pub(crate) fn need_symbol(&mut self, symbol: &Token) -> Parsed<()> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            self.expected(&format!("`{symbol}`"))
        }
    }

    /// Takes a name of one part.
    pub(crate) fn name(&mut self, what: &str) -> Parsed<Located<String>> {
        match self.peek() {
            Some(Lexeme {
                token: Token::Word(word),
                span,
                ..
            }) => {
                self.at += 1;
                Ok(Located {
                    value: word.value.clone(),
                    origin: self.origin(*span),
                })
            }
            _ => self.expected(what),
        }
    }

    /// Takes a name of one to three parts.
    pub(crate) fn qualified_name(&mut self, what: &str) -> Parsed<WrittenName> {
        let from = self.at;
        let mut parts = vec![self.name(what)?.value];
        while self.take_symbol(&Token::Period) {
            parts.push(self.name("a name after `.`")?.value);
        }
        let origin = self.origin(self.span_of(from, self.at));
        let is_live = parts
            .first()
            .is_some_and(|part| part.eq_ignore_ascii_case("live"));
        if parts.len() > 3 + usize::from(is_live) {
            let shown = parts.join(".");
            return Err(self.fail_with(
                &IDENTIFIER_TOO_MANY_NAME_PARTS,
                &origin,
                format!(
                    "`{shown}` has {} parts, a table name has at most three",
                    parts.len()
                ),
            ));
        }
        Ok(WrittenName { parts, origin })
    }

    /// Takes a string; neighbouring strings make one.
    pub(crate) fn string(&mut self, what: &str) -> Parsed<Located<String>> {
        let from = self.at;
        let mut value = String::new();
        while let Some(Lexeme {
            token: Token::SingleQuotedString(part),
            ..
        }) = self.peek()
        {
            value.push_str(part);
            self.at += 1;
        }
        if self.at == from {
            return self.expected(what);
        }
        Ok(Located {
            value,
            origin: self.origin(self.span_of(from, self.at)),
        })
    }

    /// Takes `( item, … )`.
    pub(crate) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.need_symbol(&Token::LParen)?;
        let mut items = vec![];
        loop {
            items.push(item(self)?);
            if self.take_symbol(&Token::Comma) {
                if self.sees_symbol(&Token::RParen) {
                    return Err(self.trailing_comma());
                }
                continue;
            }
            if self.take_symbol(&Token::RParen) {
                return Ok(items);
            }
            return self.expected("`,` or `)`");
        }
    }

    /// The error of a comma before a closing parenthesis.
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "errors travel boxed, as in `Parsed`"
    )]
    pub(crate) fn trailing_comma(&self) -> Box<Diagnostic> {
        let span = self.span_of(self.at.saturating_sub(1), self.at);
        self.fail(span, "a comma stands before `)`")
            .help("remove the comma")
            .into()
    }

    /// Moves behind the closing bracket of the group that opens at the next token, and returns the index of that
    /// bracket.
    pub(crate) fn skip_group(&mut self) -> Parsed<usize> {
        let opening = self.here();
        let mut depth = 0_usize;
        while let Some(lexeme) = self.next() {
            match lexeme.token {
                Token::LParen | Token::LBracket => depth += 1,
                Token::RParen | Token::RBracket => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Ok(self.at - 1);
                    }
                }
                _ => {}
            }
        }
        Err(self
            .fail(self.end_span(), "the statement ends inside parentheses")
            .at(&self.origin(opening), "opened here")
            .help("add the missing `)`")
            .into())
    }

    /// The text from one token to before another.
    pub(crate) fn text(&self, from: usize, to: usize) -> &'a str {
        let start = self.lexemes.get(from).map_or(0, |lexeme| lexeme.start);
        let end = to
            .checked_sub(1)
            .and_then(|last| self.lexemes.get(last))
            .map_or(start, |lexeme| lexeme.end);
        self.source.text.get(start..end).unwrap_or_default()
    }

    /// The span from one token to before another; the end of the statement if there is none.
    pub(crate) fn span_of(&self, from: usize, to: usize) -> Span {
        let last = to.saturating_sub(1).max(from);
        match (self.lexemes.get(from), self.lexemes.get(last)) {
            (Some(first), Some(last)) => Span::new(first.span.start, last.span.end),
            (Some(first), None) => first.span,
            _ => self.end_span(),
        }
    }

    /// The point behind the last token.
    pub(crate) fn end_span(&self) -> Span {
        Span::new(self.end, self.end)
    }

    /// The span of the next token, or the end.
    pub(crate) fn here(&self) -> Span {
        self.peek()
            .map_or_else(|| self.end_span(), |lexeme| lexeme.span)
    }

    /// The place of a span.
    pub(crate) fn origin(&self, span: Span) -> Origin {
        self.source.map.origin(span)
    }

    /// A value with the place of the tokens it was read from.
    pub(crate) fn located<T>(&self, value: T, from: usize) -> Located<T> {
        Located {
            value,
            origin: self.origin(self.span_of(from, self.at)),
        }
    }

    /// A syntax error at a span.
    pub(crate) fn fail(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(&PARSE_SYNTAX_ERROR, message).at(&self.origin(span), "")
    }

    /// An error of a named condition.
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "errors travel boxed, as in `Parsed`"
    )]
    #[expect(clippy::unused_self, reason = "stands beside `fail` at its calls")]
    pub(crate) fn fail_with(
        &self,
        condition: &'static Condition,
        origin: &Origin,
        message: impl Into<String>,
    ) -> Box<Diagnostic> {
        Diagnostic::error(condition, message).at(origin, "").into()
    }

    /// The error that something else was expected at the next token.
    pub(crate) fn expected<T>(&self, what: &str) -> Parsed<T> {
        Err(slip::unexpected(self, self.at, what).into())
    }

    /// The error that one of these words was expected at the next token, with the nearest as a guess.
    pub(crate) fn expected_words<T>(&self, words: &[&str]) -> Parsed<T> {
        let what: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let mut error = slip::unexpected(self, self.at, &slip::one_of(&what));
        if let Some(help) = self
            .word_nth(0)
            .and_then(|found| slip::did_you_mean(found, words))
        {
            error.helps.retain(|known| *known != help);
            error.helps.insert(0, help);
        }
        Err(error.into())
    }
}
