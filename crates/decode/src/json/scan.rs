//! The byte scanner: tokens of JSON as Jackson takes them under Spark's options. Must not know columns or types.
//!
//! It works on text that was checked as UTF-8 once, so slices between ASCII bytes are text again at no cost. In lines
//! mode a line end is not white space: whatever meets it ends there, and the next record starts after it.

use std::borrow::Cow;

use sluice_model::limits::JSON_DEPTH_MAX;

use super::grammar::Grammar;
use super::shape::Key;

/// The text is not JSON here; the message says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Syntax(pub(crate) &'static str);

/// Reads one token after the other; `position` is public to the room so that a caller can go back to a mark.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    pub(super) bytes: &'a [u8],
    pub(crate) position: usize,
    lines: bool,
    pub(super) grammar: Grammar,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, lines: bool, grammar: Grammar) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            position: 0,
            lines,
            grammar,
        }
    }

    /// The byte at the position, 0 at the end (a NUL in the text is no token either).
    #[inline]
    pub(crate) fn peek(&self) -> u8 {
        self.bytes.get(self.position).copied().unwrap_or(0)
    }

    /// Whether the record is over: end of text, or of the line in lines mode.
    pub(crate) fn at_end(&self) -> bool {
        match self.bytes.get(self.position) {
            None => true,
            Some(b'\n' | b'\r') => self.lines,
            Some(_) => false,
        }
    }

    /// The text from a mark to the position.
    #[inline]
    pub(crate) fn since(&self, mark: usize) -> &'a str {
        self.text.get(mark..self.position).unwrap_or_default()
    }

    /// Steps over white space and comments.
    #[inline]
    pub(crate) fn space(&mut self) -> Result<(), Syntax> {
        loop {
            match self.peek() {
                b' ' => self.position += 1,
                b'!'..=b'.' | b'0'..=b'\x7f' => return Ok(()),
                _ => return self.rare_space(),
            }
        }
    }

    fn rare_space(&mut self) -> Result<(), Syntax> {
        loop {
            match self.peek() {
                b' ' | b'\t' => self.position += 1,
                b'\n' | b'\r' if !self.lines => self.position += 1,
                b'/' if self.grammar.comments => self.comment()?,
                b'\xef' if self.position == 0 && self.text.starts_with('\u{feff}') => {
                    self.position += 3;
                }
                _ => return Ok(()),
            }
        }
    }

    #[cold]
    fn comment(&mut self) -> Result<(), Syntax> {
        let rest = self.bytes.get(self.position + 1..).unwrap_or_default();
        let line_end = |rest: &[u8]| {
            rest.iter()
                .position(|byte| matches!(byte, b'\n' | b'\r'))
                .unwrap_or(rest.len())
        };
        match rest.first() {
            Some(b'/') => self.position += 1 + line_end(rest),
            Some(b'*') => {
                let limit = if self.lines {
                    line_end(rest)
                } else {
                    rest.len()
                };
                let body = rest.get(1..limit).unwrap_or_default();
                let end = body
                    .windows(2)
                    .position(|pair| pair == b"*/")
                    .ok_or(Syntax("a comment is not closed"))?;
                self.position += 2 + end + 2;
            }
            _ => return Err(Syntax("unexpected `/`")),
        }
        Ok(())
    }

    /// Steps over a byte that must come next.
    #[inline]
    pub(crate) fn expect(&mut self, byte: u8, otherwise: &'static str) -> Result<(), Syntax> {
        if self.peek() != byte {
            return Err(self.unexpected(otherwise));
        }
        self.position += 1;
        Ok(())
    }

    #[cold]
    pub(crate) fn unexpected(&self, otherwise: &'static str) -> Syntax {
        if self.at_end() {
            Syntax("the record ends too early")
        } else {
            Syntax(otherwise)
        }
    }

    /// Steps over the name of a field, with its quotes, if it comes next as it stands in most documents.
    #[inline]
    pub(crate) fn accept(&mut self, key: &Key) -> bool {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let found = match (&key.words, rest.first_chunk::<{ Key::BYTES }>()) {
            (Some((words, masks)), Some(window)) => {
                let (window, _) = window.as_chunks::<8>();
                let mut different = 0;
                for ((given, word), mask) in window.iter().zip(words).zip(masks) {
                    different |= (u64::from_le_bytes(*given) ^ word) & mask;
                }
                different == 0
            }
            _ => !key.quoted.is_empty() && rest.starts_with(&key.quoted),
        };
        if found {
            self.position += key.quoted.len();
        }
        found
    }

    /// The eight bytes behind the next one, which may be an opening quote.
    #[inline]
    pub(crate) fn word_behind(&self) -> Option<u64> {
        let word = self.bytes.get(self.position + 1..)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*word))
    }

    /// Whether a string starts here.
    #[inline]
    pub(crate) fn at_string(&self) -> bool {
        match self.peek() {
            b'"' => true,
            b'\'' => self.grammar.single_quotes,
            _ => false,
        }
    }

    /// Reads a string; borrowed when it holds no escape.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Syntax> {
        let quote = self.peek();
        self.position += 1;
        let start = self.position;
        let end = self.plain(quote);
        if self.bytes.get(end) == Some(&quote) {
            self.position = end + 1;
            return Ok(Cow::Borrowed(self.text.get(start..end).unwrap_or_default()));
        }
        self.escaped(quote, start, end).map(Cow::Owned)
    }

    /// Reads a string in double quotes without an escape; `None`, with nothing read, where the long way must decide. Gives
    /// what follows its start too: copying a fixed number of bytes is cheaper than copying few.
    #[inline]
    pub(crate) fn plain_string(&mut self) -> Option<(usize, &'a [u8])> {
        if self.peek() != b'"' {
            return None;
        }
        let mark = self.position;
        self.position += 1;
        let end = self.plain(b'"');
        if self.bytes.get(end) != Some(&b'"') {
            self.position = mark;
            return None;
        }
        self.position = end + 1;
        Some((end - mark - 1, self.bytes.get(mark + 1..)?))
    }

    /// The next byte from the position on that is the quote, a backslash or a control character.
    #[inline]
    fn plain(&self, quote: u8) -> usize {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        let quotes = ONES * u64::from(quote);
        let mut at = self.position;
        while let Some(chunk) = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
            let word = u64::from_le_bytes(*chunk);
            let quote_bits = word ^ quotes;
            let slash_bits = word ^ (ONES * u64::from(b'\\'));
            let zero = |bits: u64| bits.wrapping_sub(ONES) & !bits & HIGHS;
            let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
            let hits = zero(quote_bits) | zero(slash_bits) | control;
            if hits != 0 {
                return at + (hits.trailing_zeros() / 8) as usize;
            }
            at += 8;
        }
        while let Some(&byte) = self.bytes.get(at) {
            if byte == quote || byte == b'\\' || byte < 0x20 {
                return at;
            }
            at += 1;
        }
        at
    }

    #[cold]
    fn escaped(&mut self, quote: u8, start: usize, first: usize) -> Result<String, Syntax> {
        let mut out = self.text.get(start..first).unwrap_or_default().to_string();
        self.position = first;
        loop {
            match self.bytes.get(self.position) {
                None => return Err(Syntax("a string is not closed")),
                Some(b'\\') => self.escape(&mut out)?,
                Some(&byte) if byte == quote => {
                    self.position += 1;
                    return Ok(out);
                }
                Some(&byte)
                    if self.grammar.control_characters
                        && !(self.lines && matches!(byte, b'\n' | b'\r')) =>
                {
                    out.push(char::from(byte));
                    self.position += 1;
                }
                Some(_) => {
                    return Err(self.unexpected("a control character stands inside a string"));
                }
            }
            let start = self.position;
            self.position = self.plain(quote);
            out.push_str(self.since(start));
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Syntax> {
        let letter = self.bytes.get(self.position + 1).copied().unwrap_or(0);
        self.position += 2;
        let symbol = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(out),
            b'\'' if self.grammar.single_quotes => '\'',
            _ if self.grammar.any_escape && !(self.lines && matches!(letter, b'\n' | b'\r')) => {
                self.position -= 1;
                let symbol = self
                    .text
                    .get(self.position..)
                    .and_then(|rest| rest.chars().next());
                let symbol = symbol.ok_or(Syntax("a string is not closed"))?;
                self.position += symbol.len_utf8();
                symbol
            }
            _ => {
                self.position -= 1;
                return Err(self.unexpected("an escape has no meaning"));
            }
        };
        out.push(symbol);
        Ok(())
    }

    /// `\uXXXX`; a surrogate without its partner becomes `?`, as Java writes it.
    fn unicode(&mut self, out: &mut String) -> Result<(), Syntax> {
        let unit = self.hex4()?;
        if !(0xd800..0xe000).contains(&unit) {
            out.push(char::from_u32(unit).unwrap_or('?'));
            return Ok(());
        }
        if unit < 0xdc00 && self.bytes.get(self.position..self.position + 2) == Some(b"\\u") {
            let mark = self.position;
            self.position += 2;
            let low = self.hex4()?;
            if (0xdc00..0xe000).contains(&low) {
                let code = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                out.push(char::from_u32(code).unwrap_or('?'));
                return Ok(());
            }
            self.position = mark;
        }
        out.push('?');
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, Syntax> {
        let digits = self
            .bytes
            .get(self.position..self.position + 4)
            .unwrap_or_default();
        let mut value = 0;
        for digit in digits {
            let digit = char::from(*digit)
                .to_digit(16)
                .ok_or(Syntax("`\\u` needs four hexadecimal digits"))?;
            value = value * 16 + digit;
        }
        if digits.len() < 4 {
            return Err(Syntax("`\\u` needs four hexadecimal digits"));
        }
        self.position += 4;
        Ok(value)
    }

    /// Reads the name of a field.
    #[inline]
    pub(crate) fn name(&mut self) -> Result<Cow<'a, str>, Syntax> {
        if self.at_string() {
            return self.string();
        }
        self.bare_name()
    }

    #[cold]
    fn bare_name(&mut self) -> Result<Cow<'a, str>, Syntax> {
        let start = self.position;
        let rest = self.text.get(start..).unwrap_or_default();
        let part = |symbol: char| {
            symbol.is_alphanumeric() || matches!(symbol, '_' | '$' | '@' | '#' | '*' | '-' | '+')
        };
        let length = rest.find(|symbol| !part(symbol)).unwrap_or(rest.len());
        if !self.grammar.unquoted_names || length == 0 {
            return Err(self.unexpected("expected the name of a field"));
        }
        self.position += length;
        Ok(Cow::Borrowed(self.since(start)))
    }

    /// Reads a word such as `true` that must not go on.
    pub(crate) fn word(&mut self, word: &'static str) -> Result<(), Syntax> {
        let end = self.position + word.len();
        let goes_on = self
            .bytes
            .get(end)
            .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
        if self.bytes.get(self.position..end) != Some(word.as_bytes()) || goes_on {
            return Err(self.unexpected(
                "a value is neither a string, number, object, array, true, false nor null",
            ));
        }
        self.position = end;
        Ok(())
    }

    /// Steps over one value of any kind, checking its grammar.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<(), Syntax> {
        if depth > JSON_DEPTH_MAX {
            return Err(Syntax("the record nests too deeply"));
        }
        self.space()?;
        match self.peek() {
            b'{' => {
                self.position += 1;
                self.members(b'}', |scanner| {
                    scanner.name()?;
                    scanner.colon()?;
                    scanner.skip(depth + 1)
                })
            }
            b'[' => {
                self.position += 1;
                self.members(b']', |scanner| scanner.skip(depth + 1))
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ if self.at_string() => self.string().map(|_| ()),
            _ => self.number().map(|_| ()),
        }
    }

    /// Reads comma-separated members up to the closing byte; the opening one was read.
    #[inline]
    pub(crate) fn members<E: From<Syntax>>(
        &mut self,
        close: u8,
        mut member: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut is_first = true;
        while self.next_member(close, is_first)? {
            is_first = false;
            member(self)?;
        }
        Ok(())
    }

    /// Moves to the start of the next member; `false` behind the closing byte. What stands between members in most documents, with at
    /// most one space behind the comma, takes no call.
    #[inline]
    pub(crate) fn next_member(&mut self, close: u8, is_first: bool) -> Result<bool, Syntax> {
        if self.peek() != b',' && self.peek() != close {
            self.space()?;
        }
        if self.peek() == close {
            self.position += 1;
            return Ok(false);
        }
        if !is_first {
            self.expect(b',', "expected `,` or the end of the object or array")?;
            if self.peek() == b' ' {
                self.position += 1;
            }
        }
        if self.peek() != b'"' {
            self.space()?;
        }
        Ok(true)
    }

    /// Steps over the colon behind the name of a field, and over one space.
    #[inline]
    pub(crate) fn colon(&mut self) -> Result<(), Syntax> {
        if self.peek() != b':' {
            self.space()?;
        }
        self.expect(b':', "expected `:` after the name of a field")?;
        if self.peek() == b' ' {
            self.position += 1;
        }
        Ok(())
    }

    /// Moves to the byte after the end of the current line, from a mark inside it; gives the text of the line.
    pub(crate) fn finish_line(&mut self, mark: usize) -> &'a str {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        let length = rest
            .iter()
            .position(|byte| matches!(byte, b'\n' | b'\r'))
            .unwrap_or(rest.len());
        self.position += length;
        let line = self.since(mark);
        if self.bytes.get(self.position) == Some(&b'\r')
            && self.bytes.get(self.position + 1) == Some(&b'\n')
        {
            self.position += 2;
        } else if self.position < self.bytes.len() {
            self.position += 1;
        }
        line
    }

    /// Moves to the end of the text; gives all of it from a mark.
    pub(crate) fn finish_text(&mut self, mark: usize) -> &'a str {
        self.position = self.bytes.len();
        self.since(mark)
    }

    /// Whether everything was read.
    pub(crate) fn is_done(&self) -> bool {
        self.position >= self.bytes.len()
    }
}
