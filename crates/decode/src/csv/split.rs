//! One CSV record into its values, quotes and escapes resolved as univocity does under Spark (`STOP_AT_DELIMITER`). Knows no types.

use super::options::CsvOptions;

/// The values of one record; buffers are used again for the next.
#[derive(Debug, Default)]
pub(crate) struct Values {
    text: String,
    /// End in `text`, and whether the value stood in quotes.
    ends: Vec<(usize, bool)>,
    /// Whether lines of this file end in `\r\n`: inside of values that is one `\n` then.
    pub(crate) windows: bool,
    /// Whether the text is one record, in which line ends are part of a value.
    pub(crate) whole: bool,
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A value and whether it stood in quotes.
    pub(crate) fn get(&self, index: usize) -> Option<(&str, bool)> {
        let (end, quoted) = *self.ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before)?.0,
            None => 0,
        };
        Some((self.text.get(start..end)?, quoted))
    }

    /// Reads the record at `start`; gives the byte after its line end, and whether the line end was there.
    pub(crate) fn read(&mut self, text: &str, start: usize, options: &CsvOptions) -> (usize, bool) {
        self.text.clear();
        self.ends.clear();
        let mut cursor = Cursor {
            text,
            at: start,
            options,
            out: &mut self.text,
            windows: self.windows,
            whole: self.whole,
        };
        loop {
            let begin = cursor.out.len();
            let quoted = cursor.value(begin);
            self.ends.push((cursor.out.len(), quoted));
            if cursor.separator() {
                continue;
            }
            let complete = cursor.line_end();
            return (cursor.at, complete);
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
    options: &'a CsvOptions,
    out: &'a mut String,
    windows: bool,
    whole: bool,
}

impl Cursor<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Whether a value ends here: separator, line end or end of text.
    fn at_border(&self) -> bool {
        let rest = self.rest();
        rest.is_empty()
            || (!self.whole && rest.starts_with(['\n', '\r']))
            || rest.starts_with(self.options.separator.as_str())
    }

    fn separator(&mut self) -> bool {
        let found = self.rest().starts_with(self.options.separator.as_str());
        if found {
            self.at += self.options.separator.len();
        }
        found
    }

    fn line_end(&mut self) -> bool {
        let length = match self.rest().as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\n' | b'\r', ..] => 1,
            _ => 0,
        };
        self.at += length;
        length > 0
    }

    fn take(&mut self) {
        if let Some(symbol) = self.peek() {
            self.out.push(symbol);
            self.at += symbol.len_utf8();
        }
    }

    fn blanks(&mut self) -> usize {
        let rest = self.rest();
        let length = rest.find(|symbol: char| {
            !matches!(symbol, ' ' | '\t') || self.options.separator.starts_with(symbol)
        });
        length.unwrap_or(rest.len())
    }

    /// Reads one value up to its border; says whether it stood in quotes.
    fn value(&mut self, begin: usize) -> bool {
        let blanks = self.blanks();
        let after = self.text.get(self.at + blanks..).unwrap_or_default();
        let opens = self
            .options
            .quote
            .is_some_and(|quote| after.starts_with(quote));
        if opens && (blanks == 0 || self.options.trim_start) {
            self.at += blanks + self.options.quote.map_or(0, char::len_utf8);
            return self.quoted(begin);
        }
        if self.options.trim_start {
            self.at += blanks;
        }
        while !self.at_border() {
            let plain = self.plain();
            if plain == 0 {
                self.take();
            } else {
                self.out
                    .push_str(self.text.get(self.at..self.at + plain).unwrap_or_default());
                self.at += plain;
            }
        }
        self.trim(begin);
        false
    }

    fn trim(&mut self, begin: usize) {
        if self.options.trim_end {
            let kept = self
                .out
                .get(begin..)
                .unwrap_or_default()
                .trim_end_matches([' ', '\t'])
                .len();
            self.out.truncate(begin + kept);
        }
    }

    /// Bytes up to the next one that may end a value.
    fn plain(&self) -> usize {
        let first = self
            .options
            .separator
            .as_bytes()
            .first()
            .copied()
            .unwrap_or(b',');
        let rest = self.rest();
        rest.bytes()
            .position(|byte| byte == first || matches!(byte, b'\n' | b'\r'))
            .unwrap_or(rest.len())
    }

    /// Reads a quoted value; the opening quote was read. A quote that closes nothing makes the rest of the value plain.
    fn quoted(&mut self, begin: usize) -> bool {
        let (quote, escape) = (self.options.quote, self.options.escape);
        while let Some(symbol) = self.peek() {
            let next = self
                .text
                .get(self.at + symbol.len_utf8()..)
                .and_then(|rest| rest.chars().next());
            let escapes = Some(symbol) == escape
                && next.is_some()
                && (next == quote || (next == escape && escape != quote));
            if escapes {
                self.at += symbol.len_utf8();
                self.take();
            } else if Some(symbol) == quote {
                self.at += symbol.len_utf8();
                if self.closes() {
                    return true;
                }
                // Not the closing quote after all: as it stands, up to the separator.
                self.out.push(symbol);
                if next == quote && escape != quote {
                    self.take();
                    if self.at_border() {
                        return true;
                    }
                }
                self.stop_at_delimiter(begin);
                return true;
            } else if matches!(symbol, '\n' | '\r') && !self.options.multi_line && !self.whole {
                return true;
            } else if symbol == '\r' && next == Some('\n') && self.windows {
                self.at += 1;
            } else {
                self.take();
            }
        }
        true
    }

    fn stop_at_delimiter(&mut self, begin: usize) {
        while !self.at_border() {
            self.take();
        }
        if let Some(quote) = self.options.quote {
            self.out.insert(begin, quote);
        }
        self.trim(begin);
    }

    /// After a quote: whether only blanks stand before the border.
    fn closes(&mut self) -> bool {
        let mark = self.at;
        self.at += self.blanks();
        if self.at_border() {
            return true;
        }
        self.at = mark;
        false
    }
}
