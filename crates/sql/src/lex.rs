//! From characters to tokens under Spark's lexical rules: both kinds of quotes are strings, escapes, raw strings,
//! names that begin with a digit, literal suffixes, nested comments. Tokens are sqlparser's, so that its parser
//! takes them. Must not know statements.

use sluice_model::Condition;
use sluice_model::condition::sql::{PARSE_SYNTAX_ERROR, UNCLOSED_BRACKETED_COMMENT};
use sqlparser::tokenizer::{Location, Span, Token};

pub(crate) mod text;

/// A token with its place and its bytes.
#[derive(Debug, Clone)]
pub(crate) struct Lexeme {
    /// The token; a string holds its value, a number its text with suffix.
    pub(crate) token: Token,
    /// Lines and columns from 1, in characters, end exclusive.
    pub(crate) span: Span,
    /// First byte in the text.
    pub(crate) start: usize,
    /// Byte after the last.
    pub(crate) end: usize,
}

/// Text that is no token.
#[derive(Debug, Clone)]
pub(crate) struct LexError {
    pub(crate) condition: &'static Condition,
    pub(crate) message: String,
    pub(crate) span: Span,
    pub(crate) help: Option<&'static str>,
}

impl LexError {
    fn syntax(message: String, span: Span, help: Option<&'static str>) -> Self {
        Self {
            condition: &PARSE_SYNTAX_ERROR,
            message,
            span,
            help,
        }
    }
}

/// Splits a text into tokens without comments and white space. A `-- COMMAND ----------` line, which separates the
/// cells of a notebook, counts as `;`. After an unterminated string, name or comment nothing follows.
pub(crate) fn lex(text: &str) -> (Vec<Lexeme>, Vec<LexError>) {
    let skipped = if text.starts_with('\u{feff}') {
        '\u{feff}'.len_utf8()
    } else {
        0
    };
    let mut lexer = Lexer {
        text,
        position: skipped,
        line: 1,
        column: 1,
        lexemes: vec![],
        errors: vec![],
    };
    while lexer.step() {}
    (lexer.lexemes, lexer.errors)
}

/// Bytes of the `${…}` that a text begins with.
fn reference_length(text: &str) -> Option<usize> {
    let inside = text.strip_prefix("${")?.split_once('}')?.0;
    (!inside.contains('\n')).then_some(inside.len() + 3)
}

struct Lexer<'a> {
    text: &'a str,
    position: usize,
    line: u64,
    column: u64,
    lexemes: Vec<Lexeme>,
    errors: Vec<LexError>,
}

/// Operators, longest first.
const OPERATORS: &[(&str, Token)] = &[
    ("<=>", Token::Spaceship),
    ("==", Token::DoubleEq),
    ("=>", Token::RArrow),
    ("<>", Token::Neq),
    ("!=", Token::Neq),
    ("<=", Token::LtEq),
    (">=", Token::GtEq),
    ("||", Token::StringConcat),
    ("->", Token::Arrow),
    ("::", Token::DoubleColon),
    ("<<", Token::ShiftLeft),
    (">>", Token::ShiftRight),
    ("(", Token::LParen),
    (")", Token::RParen),
    ("[", Token::LBracket),
    ("]", Token::RBracket),
    ("{", Token::LBrace),
    ("}", Token::RBrace),
    (",", Token::Comma),
    (".", Token::Period),
    (";", Token::SemiColon),
    (":", Token::Colon),
    ("=", Token::Eq),
    ("<", Token::Lt),
    (">", Token::Gt),
    ("+", Token::Plus),
    ("-", Token::Minus),
    ("*", Token::Mul),
    ("/", Token::Div),
    ("%", Token::Mod),
    ("!", Token::ExclamationMark),
    ("~", Token::Tilde),
    ("&", Token::Ampersand),
    ("|", Token::Pipe),
    ("^", Token::Caret),
    ("@", Token::AtSign),
];

fn is_name_start(symbol: char) -> bool {
    symbol == '_' || symbol.is_alphabetic()
}

fn is_name_part(symbol: char) -> bool {
    symbol == '_' || symbol.is_alphanumeric()
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn peek_at(&self, characters: usize) -> Option<char> {
        self.rest().chars().nth(characters)
    }

    fn here(&self) -> Location {
        Location::new(self.line, self.column)
    }

    fn advance(&mut self) -> Option<char> {
        let symbol = self.peek()?;
        self.position += symbol.len_utf8();
        if symbol == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
        Some(symbol)
    }

    fn advance_by(&mut self, characters: usize) {
        for _ in 0..characters {
            self.advance();
        }
    }

    fn push(&mut self, token: Token, from: Location, start: usize) {
        let span = Span::new(from, self.here());
        self.lexemes.push(Lexeme {
            token,
            span,
            start,
            end: self.position,
        });
    }

    /// Reads one token, comment or run of white space; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(symbol) = self.peek() else {
            return false;
        };
        let (from, start) = (self.here(), self.position);
        if symbol.is_whitespace() {
            self.advance();
            return true;
        }
        if self.rest().starts_with("--") {
            self.line_comment(from, start);
            return true;
        }
        if self.rest().starts_with("/*") {
            return self.bracketed_comment(from);
        }
        match symbol {
            '\'' | '"' => return self.string(symbol, false, from, start),
            '`' => return self.quoted_name(from, start),
            'r' | 'R' | 'x' | 'X' if matches!(self.peek_at(1), Some('\'' | '"')) => {
                return self.prefixed_string(symbol, from, start);
            }
            '0'..='9' => self.number_or_name(from, start),
            '.' if self.peek_at(1).is_some_and(|c| c.is_ascii_digit())
                && !self.touches_name(start) =>
            {
                self.number(from, start);
            }
            _ if is_name_start(symbol) => self.name(from, start),
            _ => self.operator(from, start),
        }
        true
    }

    /// Whether the last token is a name or a closing bracket that ends right here: then `.` is a field access.
    fn touches_name(&self, start: usize) -> bool {
        self.lexemes.last().is_some_and(|last| {
            last.end == start
                && matches!(last.token, Token::Word(_) | Token::RParen | Token::RBracket)
        })
    }

    fn name(&mut self, from: Location, start: usize) {
        while self.peek().is_some_and(is_name_part) {
            self.advance();
        }
        let token = Token::make_word(
            self.text.get(start..self.position).unwrap_or_default(),
            None,
        );
        self.push(token, from, start);
    }

    fn number_or_name(&mut self, from: Location, start: usize) {
        let word: String = self
            .rest()
            .chars()
            .take_while(|c| is_name_part(*c))
            .collect();
        if text::is_number_word(&word, self.peek_at(word.chars().count())) {
            self.number(from, start);
        } else {
            self.name(from, start);
        }
    }

    fn number(&mut self, from: Location, start: usize) {
        let length = text::number_length(self.rest());
        self.advance_by(length);
        let token = Token::Number(
            self.text
                .get(start..self.position)
                .unwrap_or_default()
                .to_string(),
            false,
        );
        self.push(token, from, start);
    }

    fn operator(&mut self, from: Location, start: usize) {
        let found = OPERATORS
            .iter()
            .find(|(text, _)| self.rest().starts_with(text));
        if let Some((text, token)) = found {
            self.advance_by(text.len());
            self.push(token.clone(), from, start);
            return;
        }
        if let Some(length) = reference_length(self.rest()) {
            // The interpolation has told of it; a name in its place keeps the parser from telling again.
            self.advance_by(length);
            self.push(Token::make_word("unknown", Some('`')), from, start);
            return;
        }
        let symbol = self.advance().unwrap_or_default();
        let shown = if symbol == '\0' {
            "a NUL character".to_string()
        } else {
            format!("`{symbol}`")
        };
        let help = (symbol == '$').then_some("a configuration value is written `${name}`");
        let span = Span::new(from, self.here());
        self.errors.push(LexError::syntax(
            format!("{shown} does not belong in SQL text"),
            span,
            help,
        ));
    }

    fn line_comment(&mut self, from: Location, start: usize) {
        let length = text::line_comment_length(self.rest());
        let end = start + length;
        let is_separator = self
            .text
            .get(start + 2..end)
            .is_some_and(|comment| comment.trim_start().starts_with("COMMAND -----"));
        while self.position < end && self.advance().is_some() {}
        if is_separator {
            self.push(Token::SemiColon, from, start);
        }
    }

    fn bracketed_comment(&mut self, from: Location) -> bool {
        let mut depth = 0_usize;
        loop {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.advance_by(2);
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.advance_by(2);
                if depth == 0 {
                    return true;
                }
            } else if self.advance().is_none() {
                let opening = Span::new(from, Location::new(from.line, from.column + 2));
                self.errors.push(LexError {
                    condition: &UNCLOSED_BRACKETED_COMMENT,
                    message: "the comment that begins here never ends".into(),
                    span: opening,
                    help: Some(
                        "close it with `*/`; comments nest, so each `/*` needs its own `*/`",
                    ),
                });
                return false;
            }
        }
    }

    fn prefixed_string(&mut self, prefix: char, from: Location, start: usize) -> bool {
        self.advance();
        let Some(quote) = self.peek() else {
            return false;
        };
        let is_hex = prefix.eq_ignore_ascii_case(&'x');
        if !self.string(quote, true, from, start) {
            return false;
        }
        if is_hex
            && let Some(Lexeme { token, .. }) = self.lexemes.last_mut()
            && let Token::SingleQuotedString(digits) = token
        {
            *token = Token::HexStringLiteral(std::mem::take(digits));
        }
        true
    }

    fn string(&mut self, quote: char, raw: bool, from: Location, start: usize) -> bool {
        let opening = Span::new(from, Location::new(from.line, from.column + 1));
        self.advance();
        let body = self.position;
        loop {
            match self.advance() {
                None => {
                    let help = "close it with the same quote; a quote inside a string is written twice or as `\\'`";
                    self.errors.push(LexError::syntax(
                        "the string that begins here never ends".into(),
                        opening,
                        Some(help),
                    ));
                    return false;
                }
                Some('\\') if !raw => {
                    self.advance();
                }
                Some(symbol) if symbol == quote => {
                    if raw || self.peek() != Some(quote) {
                        break;
                    }
                    self.advance();
                }
                Some(_) => {}
            }
        }
        let written = self
            .text
            .get(body..self.position - quote.len_utf8())
            .unwrap_or_default();
        let value = if raw {
            written.to_string()
        } else {
            text::unescape(written, quote)
        };
        self.push(Token::SingleQuotedString(value), from, start);
        true
    }

    fn quoted_name(&mut self, from: Location, start: usize) -> bool {
        let opening = Span::new(from, Location::new(from.line, from.column + 1));
        self.advance();
        let mut name = String::new();
        loop {
            match self.advance() {
                None => {
                    self.errors.push(LexError::syntax(
                        "the quoted name that begins here never ends".into(),
                        opening,
                        Some("close it with a back-tick"),
                    ));
                    return false;
                }
                Some('`') if self.peek() == Some('`') => {
                    self.advance();
                    name.push('`');
                }
                Some('`') => break,
                Some(symbol) => name.push(symbol),
            }
        }
        self.push(Token::make_word(&name, Some('`')), from, start);
        true
    }
}

#[cfg(test)]
mod tests;
