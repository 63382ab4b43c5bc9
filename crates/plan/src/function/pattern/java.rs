//! Java's notation (`java.util.regex.Pattern` of JDK 17, on which Databricks runs) turned into the notation of our engine. Nothing is handed on
//! unread: flags, classes, escapes and anchors come out in their long form, so that no default of the engine decides what a pattern means.

use std::iter::Peekable;
use std::vec::IntoIter;

use datafusion::error::Result as QueryResult;
use sluice_model::condition::query as condition;

use super::super::error::{fail, fail_with};
use super::property;
use super::symbol::{Symbol, bounds, is_space, push_literal, unquoted};
use super::{anchor, class};

/// How deep groups and classes may stand in each other.
const DEPTH_MAX: u32 = 100;
/// How long a pattern may be, in characters.
const LENGTH_MAX: usize = 50_000;

/// Which line ends `^`, `$`, `\Z` and which letters `\b` have to know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// The text is ASCII, not empty, without `\r`, and its last symbol is not `\n`.
    Plain,
    /// Any text.
    All,
}

/// A pattern in the notation of the engine.
pub(super) struct Translated {
    pub(super) regex: String,
    pub(super) names: Vec<(String, usize)>,
}

/// Why a pattern is not taken.
pub(super) enum Refusal {
    /// Java cannot read it either: what is wrong.
    Malformed(String),
    /// Java reads it, and we do not: what it uses.
    Unsupported(&'static str),
}

impl Refusal {
    /// Tells the refusal of a pattern.
    ///
    /// # Errors
    /// Always.
    pub(super) fn tell<T>(self, pattern: &str) -> QueryResult<T> {
        match self {
            Self::Malformed(what) => fail(
                &condition::INVALID_REGEXP,
                format!("the pattern `{pattern}` cannot be read: {what}"),
            ),
            Self::Unsupported(what) => fail_with(
                &condition::INVALID_REGEXP,
                format!("the pattern `{pattern}` uses {what}, which is not supported"),
                "write the pattern without it, or match in two steps",
            ),
        }
    }
}

pub(super) type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn malformed<T>(what: impl Into<String>) -> Result<T> {
    Err(Refusal::Malformed(what.into()))
}

/// Turns a pattern into the notation of the engine.
///
/// # Errors
/// [`Refusal`]
pub(super) fn translate(pattern: &str, lines: Lines) -> Result<Translated> {
    if pattern.chars().count() > LENGTH_MAX {
        return malformed(format!("it is longer than {LENGTH_MAX} characters"));
    }
    let symbols = unquoted(pattern);
    let mut parser = Parser {
        groups_in_all: count_groups(&symbols),
        symbols: symbols.into_iter().peekable(),
        flags: Flags::default(),
        lines,
        depth: 0,
        groups: 0,
        names: vec![],
        out: String::with_capacity(pattern.len() + 8),
    };
    parser.alternatives()?;
    if parser.peek().is_some() {
        return malformed("a `)` closes no group");
    }
    Ok(Translated {
        regex: parser.out,
        names: parser.names,
    })
}

/// How many groups a pattern has that catch: `\12` is group 12 only where there are as many before it.
fn count_groups(symbols: &[Symbol]) -> usize {
    symbols
        .windows(2)
        .filter(|pair| pair[0] == Symbol::Plain('(') && pair[1] != Symbol::Plain('?'))
        .count()
}

/// The flags in force at a place of the pattern.
#[expect(
    clippy::struct_excessive_bools,
    reason = "Java's flags, each on or off by itself"
)]
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    /// `i`: letters of ASCII in both cases; with `unicode_case` all letters.
    pub(super) any_case: bool,
    pub(super) unicode_case: bool,
    pub(super) multi_line: bool,
    dot_all: bool,
    pub(super) unix_lines: bool,
    pub(super) comments: bool,
}

/// Reads a pattern from left to right and writes the other notation.
pub(super) struct Parser {
    symbols: Peekable<IntoIter<Symbol>>,
    pub(super) flags: Flags,
    lines: Lines,
    pub(super) depth: u32,
    groups: usize,
    groups_in_all: usize,
    names: Vec<(String, usize)>,
    out: String,
}

impl Parser {
    /// The next symbol that means something, without taking it.
    pub(super) fn peek(&mut self) -> Option<Symbol> {
        while self.flags.comments {
            match self.symbols.peek() {
                Some(Symbol::Plain(symbol)) if is_space(*symbol) => {
                    self.symbols.next();
                }
                Some(Symbol::Plain('#')) => {
                    while !matches!(self.symbols.next(), None | Some(Symbol::Plain('\n' | '\r'))) {}
                }
                _ => break,
            }
        }
        self.symbols.peek().copied()
    }

    pub(super) fn next(&mut self) -> Option<Symbol> {
        self.peek();
        self.symbols.next()
    }

    /// The next symbol as it stands, spaces too: behind a `\`, inside of braces.
    pub(super) fn next_as_it_is(&mut self) -> Option<char> {
        match self.symbols.next() {
            Some(Symbol::Plain(symbol) | Symbol::Quoted(symbol)) => Some(symbol),
            None => None,
        }
    }

    pub(super) fn peek_as_it_is(&mut self) -> Option<char> {
        match self.symbols.peek() {
            Some(Symbol::Plain(symbol)) => Some(*symbol),
            _ => None,
        }
    }

    /// Takes the next symbol if it is this one.
    pub(super) fn take(&mut self, symbol: char) -> bool {
        let is_next = self.peek() == Some(Symbol::Plain(symbol));
        if is_next {
            self.symbols.next();
        }
        is_next
    }

    /// The symbols up to the end of a brace or an angle, which is taken too.
    pub(super) fn until(&mut self, end: char) -> Result<String> {
        let mut out = String::new();
        loop {
            match self.next_as_it_is() {
                Some(symbol) if symbol == end => return Ok(out),
                Some(symbol) => out.push(symbol),
                None => return malformed(format!("a `{end}` is missing")),
            }
        }
    }

    pub(super) fn deeper(&mut self) -> Result<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return malformed(format!("its groups stand {DEPTH_MAX} deep in each other"));
        }
        Ok(())
    }

    fn alternatives(&mut self) -> Result<()> {
        while let Some(symbol) = self.peek() {
            match symbol {
                Symbol::Plain(')') => return Ok(()),
                Symbol::Plain('|') => {
                    self.next();
                    self.out.push('|');
                }
                _ => self.piece()?,
            }
        }
        Ok(())
    }

    /// One atom with its repetition.
    fn piece(&mut self) -> Result<()> {
        let begin = self.out.len();
        let Some(symbol) = self.next() else {
            return Ok(());
        };
        let mut atom = Atom::Symbols;
        match symbol {
            Symbol::Quoted(symbol) => self.literal(symbol),
            Symbol::Plain('(') => atom = self.group()?,
            Symbol::Plain('[') => {
                let class = class::read(self)?;
                self.push_class(&class);
            }
            Symbol::Plain('\\') => {
                if matches!(self.peek_as_it_is(), Some('A' | 'z' | 'Z' | 'b' | 'B')) {
                    atom = Atom::Place;
                }
                self.escape()?;
            }
            Symbol::Plain('.') => self.out.push_str(match self.flags {
                Flags { dot_all: true, .. } => r"[\x{0}-\x{10FFFF}]",
                Flags {
                    unix_lines: true, ..
                } => r"[^\n]",
                _ => r"[^\n\r\x{85}\x{2028}\x{2029}]",
            }),
            Symbol::Plain(symbol @ ('^' | '$')) => {
                atom = Atom::Place;
                self.place(symbol);
            }
            Symbol::Plain('{') => {
                return Err(Refusal::Unsupported(
                    "a repetition of nothing (write `\\{` for the brace)",
                ));
            }
            Symbol::Plain(symbol @ ('*' | '+' | '?')) => {
                return malformed(format!("nothing stands before `{symbol}`"));
            }
            Symbol::Plain(symbol) => self.literal(symbol),
        }
        self.repetition(begin, &atom)
    }

    fn repetition(&mut self, begin: usize, atom: &Atom) -> Result<()> {
        let times = match self.peek() {
            Some(Symbol::Plain(symbol @ ('*' | '+' | '?'))) => {
                self.next();
                symbol.to_string()
            }
            Some(Symbol::Plain('{')) => {
                self.next();
                bounds(&self.until('}')?)?
            }
            _ => return Ok(()),
        };
        if *atom == Atom::Flags {
            return Err(Refusal::Unsupported("a repetition of nothing"));
        }
        let is_lazy = self.take('?');
        let is_possessive = !is_lazy && self.take('+');
        let may_miss = times == "*" || times == "?" || times.starts_with("{0");
        match atom {
            // A place is there or not, however often it is asked for.
            Atom::Place if may_miss && is_lazy => self.wrap(begin, "(?:|", ")"),
            Atom::Place if may_miss => self.wrap(begin, "(?:", "|)"),
            Atom::Place => {}
            Atom::Symbols | Atom::Flags => {
                self.wrap(begin, "(?:", ")");
                self.out.push_str(&times);
                self.out.push_str(if is_lazy { "?" } else { "" });
            }
        }
        if is_possessive {
            self.wrap(begin, "(?>", ")");
        }
        match self.peek() {
            Some(Symbol::Plain(symbol @ ('*' | '+' | '?'))) => {
                malformed(format!("nothing stands before the second `{symbol}`"))
            }
            _ => Ok(()),
        }
    }

    fn wrap(&mut self, begin: usize, open: &str, close: &str) {
        self.out.insert_str(begin, open);
        self.out.push_str(close);
    }

    fn group(&mut self) -> Result<Atom> {
        self.deeper()?;
        let flags = self.flags;
        let mut atom = Atom::Symbols;
        if self.take('?') {
            match self.next() {
                Some(Symbol::Plain(':')) => self.out.push_str("(?:"),
                Some(Symbol::Plain('>')) => self.out.push_str("(?>"),
                Some(Symbol::Plain(symbol @ ('=' | '!'))) => {
                    atom = Atom::Place;
                    self.out.extend(["(?", symbol.encode_utf8(&mut [0; 4])]);
                }
                Some(Symbol::Plain('<')) => match self.peek() {
                    Some(Symbol::Plain(symbol @ ('=' | '!'))) => {
                        self.next();
                        atom = Atom::Place;
                        self.out.extend(["(?<", symbol.encode_utf8(&mut [0; 4])]);
                    }
                    _ => self.named_group()?,
                },
                Some(Symbol::Plain(symbol)) => {
                    if self.read_flags(symbol)? {
                        self.depth -= 1;
                        return Ok(Atom::Flags);
                    }
                    self.out.push_str("(?:");
                }
                _ => return malformed("a group begins with `(?` and nothing behind it"),
            }
        } else {
            self.groups += 1;
            self.out.push('(');
        }
        self.alternatives()?;
        self.flags = flags;
        if !self.take(')') {
            return malformed("a `)` is missing");
        }
        self.out.push(')');
        self.depth -= 1;
        Ok(atom)
    }

    fn named_group(&mut self) -> Result<()> {
        let name = self.until('>')?;
        let letters = name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        if !letters {
            return malformed(format!("`{name}` is no name of a group"));
        }
        if self.names.iter().any(|(known, _)| *known == name) {
            return malformed(format!("two groups are named `{name}`"));
        }
        self.groups += 1;
        self.names.push((name, self.groups));
        self.out.push('(');
        Ok(())
    }

    /// Reads `i-s)` or `i-s:`; true where the group ends with its flags.
    fn read_flags(&mut self, first: char) -> Result<bool> {
        let (mut symbol, mut on) = (first, true);
        loop {
            let flags = &mut self.flags;
            match symbol {
                'i' => flags.any_case = on,
                'u' => flags.unicode_case = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_all = on,
                'd' => flags.unix_lines = on,
                'x' => flags.comments = on,
                'U' => return Err(Refusal::Unsupported("the flag `U`")),
                'c' => return Err(Refusal::Unsupported("the flag `c`")),
                '-' if on => on = false,
                ')' => return Ok(true),
                ':' => return Ok(false),
                other => return malformed(format!("there is no flag `{other}`")),
            }
            symbol = match self.next() {
                Some(Symbol::Plain(symbol)) => symbol,
                _ => return malformed("the flags of a group do not end"),
            };
        }
    }

    fn place(&mut self, symbol: char) {
        self.out
            .push_str(anchor::of(symbol, &self.flags, self.lines).unwrap_or_default());
    }

    fn literal(&mut self, symbol: char) {
        if !self.flags.any_case || !symbol.is_alphabetic() {
            push_literal(&mut self.out, symbol);
        } else if self.flags.unicode_case {
            self.out.push_str("(?i:");
            push_literal(&mut self.out, symbol);
            self.out.push(')');
        } else if symbol.is_ascii() {
            let (lower, upper) = (symbol.to_ascii_lowercase(), symbol.to_ascii_uppercase());
            self.out.extend(['[', lower, upper, ']']);
        } else {
            push_literal(&mut self.out, symbol);
        }
    }

    fn push_class(&mut self, items: &str) {
        if self.flags.any_case && self.flags.unicode_case {
            self.out.extend(["(?i:[", items, "])"]);
        } else {
            self.out.extend(["[", items, "]"]);
        }
    }

    fn escape(&mut self) -> Result<()> {
        let Some(symbol) = self.next_as_it_is() else {
            return malformed("it ends with a `\\`");
        };
        match symbol {
            'b' if self.peek_as_it_is() == Some('{') => {
                return Err(Refusal::Unsupported("`\\b{g}`"));
            }
            'A' | 'z' | 'Z' | 'b' | 'B' => self.place(symbol),
            'R' => self
                .out
                .push_str(r"(?:\r\n|[\n\x{B}\x{C}\r\x{85}\x{2028}\x{2029}])"),
            'G' | 'X' | 'N' => {
                return Err(Refusal::Unsupported("an escape that only Java knows"));
            }
            'k' => {
                if self.next_as_it_is() != Some('<') {
                    return malformed("`\\k` needs the name of a group, `\\k<name>`");
                }
                let name = self.until('>')?;
                match self.names.iter().find(|(known, _)| *known == name) {
                    Some((_, number)) => self.back_reference(*number),
                    None => return malformed(format!("no group before is named `{name}`")),
                }
            }
            '1'..='9' => self.numbered_reference(symbol),
            _ => match property::shorthand(symbol) {
                Some(class) => self.out.extend(["[", class, "]"]),
                None if matches!(symbol, 'p' | 'P') => {
                    let class = property::read(self, symbol == 'P')?;
                    self.out.extend(["[", &class, "]"]);
                }
                None => {
                    let literal = property::character(self, symbol)?;
                    self.literal(literal);
                }
            },
        }
        Ok(())
    }

    /// Takes further digits only as long as there are as many groups before this place.
    fn numbered_reference(&mut self, first: char) {
        let mut number = first.to_digit(10).unwrap_or_default() as usize;
        while let Some(digit) = self.peek_as_it_is().and_then(|c| c.to_digit(10)) {
            let longer = number * 10 + digit as usize;
            if longer > self.groups_in_all || longer > self.groups {
                break;
            }
            number = longer;
            self.next_as_it_is();
        }
        self.back_reference(number);
    }

    /// A group that is not there yet matches nothing.
    fn back_reference(&mut self, number: usize) {
        if number > self.groups {
            self.out.push_str(NOTHING);
        } else if self.flags.any_case {
            self.out.extend([r"(?i:\", &number.to_string(), ")"]);
        } else {
            self.out.extend([r"(?:\", &number.to_string(), ")"]);
        }
    }
}

/// Matches no text.
const NOTHING: &str = r"[^\x{0}-\x{10FFFF}]";

/// What may be repeated.
#[derive(PartialEq, Eq)]
enum Atom {
    Symbols,
    /// An anchor or look-around: it takes no symbols.
    Place,
    /// `(?i)`: it changes what follows and matches nothing itself.
    Flags,
}
