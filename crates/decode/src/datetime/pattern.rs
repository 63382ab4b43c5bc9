//! Java's `DateTimeFormatter` patterns as Spark 4 takes them: `yyyy-MM-dd'T'HH:mm:ss[.SSS]`. What Spark forbids is refused by name.
//!
//! Printing is in `pattern_format`, reading in `pattern_parse`; this file knows letters, counts, quotes and brackets.

use super::Zone;
use super::pattern_parse::Parsed;

/// A pattern that was read and checked; texts and values are English (Spark's default locale `en-US`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    pub(super) items: Vec<Item>,
    text: String,
}

/// One part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Text as it stands.
    Literal(String),
    /// A letter and how often it is repeated.
    Field(char, usize),
    /// What stands in brackets.
    Optional(Vec<Item>),
}

/// Why a pattern was refused. Spark's condition is `INVALID_DATETIME_PATTERN`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the datetime pattern `{pattern}` cannot be used: {reason}")]
pub struct PatternError {
    /// The whole pattern.
    pub pattern: String,
    /// What is wrong with it, with the letter.
    pub reason: String,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A letter that Spark does not take (`Y`, `w`, `W`, `u`, `e`, `c`, `A`, `B`, `n`, `N`, `p`), a count without
    /// meaning, or unbalanced quotes or brackets.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let symbols: Vec<char> = pattern.chars().collect();
        let mut reader = Reader {
            symbols: &symbols,
            at: 0,
        };
        let items = reader.items(0).map_err(|reason| PatternError {
            pattern: pattern.to_string(),
            reason,
        })?;
        Ok(Self {
            items,
            text: pattern.to_string(),
        })
    }

    /// The text it was read from.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Reads an instant; `zone` holds where the text names none. `None` when the text does not fit.
    pub fn parse_timestamp(&self, text: &str, zone: &Zone) -> Option<i64> {
        self.read(text)?.instant(zone)
    }

    /// Reads local microseconds; a zone in the text is ignored.
    pub fn parse_timestamp_ntz(&self, text: &str) -> Option<i64> {
        self.read(text)?.local()
    }

    /// Reads days since the epoch.
    pub fn parse_date(&self, text: &str) -> Option<i32> {
        self.read(text)?.days()
    }

    /// Reads the fields of a text; `None` when the text does not fit or goes on after the pattern.
    pub fn read(&self, text: &str) -> Option<Parsed> {
        Parsed::read(&self.items, text)
    }

    /// Whether a letter occurs, in brackets or not.
    pub fn has(&self, letter: char) -> bool {
        fn within(items: &[Item], letter: char) -> bool {
            items.iter().any(|item| match item {
                Item::Literal(_) => false,
                Item::Field(found, _) => *found == letter,
                Item::Optional(inner) => within(inner, letter),
            })
        }
        within(&self.items, letter)
    }
}

struct Reader<'a> {
    symbols: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn items(&mut self, depth: usize) -> Result<Vec<Item>, String> {
        let mut items = vec![];
        while let Some(&symbol) = self.symbols.get(self.at) {
            match symbol {
                '\'' => push_literal(&mut items, &self.quoted()?),
                '[' if depth >= 16 => return Err("brackets nest too deeply".to_string()),
                '[' => {
                    self.at += 1;
                    items.push(Item::Optional(self.items(depth + 1)?));
                }
                ']' if depth == 0 => return Err("`]` without `[`".to_string()),
                ']' => {
                    self.at += 1;
                    return Ok(items);
                }
                '{' | '}' | '#' => return Err(format!("`{symbol}` is reserved")),
                letter if letter.is_ascii_alphabetic() => {
                    let count = self.symbols[self.at..]
                        .iter()
                        .take_while(|next| **next == letter)
                        .count();
                    self.at += count;
                    check(letter, count)?;
                    items.push(Item::Field(letter, count));
                }
                other => {
                    self.at += 1;
                    push_literal(&mut items, other.encode_utf8(&mut [0; 4]));
                }
            }
        }
        // Java closes open brackets at the end by itself.
        Ok(items)
    }

    fn quoted(&mut self) -> Result<String, String> {
        let mut out = String::new();
        self.at += 1;
        if self.symbols.get(self.at) == Some(&'\'') {
            self.at += 1;
            return Ok("'".to_string());
        }
        while let Some(&symbol) = self.symbols.get(self.at) {
            self.at += 1;
            if symbol != '\'' {
                out.push(symbol);
            } else if self.symbols.get(self.at) == Some(&'\'') {
                out.push('\'');
                self.at += 1;
            } else {
                return Ok(out);
            }
        }
        Err("a quote is not closed".to_string())
    }
}

fn push_literal(items: &mut Vec<Item>, text: &str) {
    match items.last_mut() {
        Some(Item::Literal(before)) => before.push_str(text),
        _ => items.push(Item::Literal(text.to_string())),
    }
}

/// Refuses letters and counts that Spark refuses.
fn check(letter: char, count: usize) -> Result<(), String> {
    let allowed = match letter {
        'Y' | 'w' | 'W' | 'u' => {
            return Err(format!(
                "week-based letter `{letter}` is not supported since Spark 3.0; use EXTRACT instead"
            ));
        }
        'A' | 'B' | 'c' | 'e' | 'n' | 'N' | 'p' => {
            return Err(format!("letter `{letter}` is not supported"));
        }
        'y' => 1..=10,
        'G' | 'M' | 'L' | 'E' | 'Q' | 'q' | 'X' | 'x' | 'Z' => {
            let narrow = matches!(letter, 'G' | 'M' | 'L' | 'E' | 'Q' | 'q');
            1..=if narrow { 4 } else { 5 }
        }
        'd' | 'h' | 'H' | 'k' | 'K' | 'm' | 's' => 1..=2,
        'D' => 1..=3,
        'a' | 'F' => 1..=1,
        'S' => 1..=9,
        'z' => 1..=3,
        'V' => 2..=2,
        'O' if count == 1 || count == 4 => return Ok(()),
        _ => return Err(format!("letter `{letter}` has no meaning here")),
    };
    if allowed.contains(&count) {
        return Ok(());
    }
    Err(format!(
        "`{}` is not supported: too many or too few letters",
        letter.to_string().repeat(count.min(20))
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_spark_forbids_is_refused_by_name() {
        for (pattern, named) in [
            ("YYYY-MM-dd", "`Y`"),
            ("ww", "`w`"),
            ("u", "`u`"),
            ("MMMMM", "`MMMMM`"),
            ("yyyy'", "quote"),
            ("a]", "`]`"),
            ("V", "`V`"),
            ("b", "`b`"),
            ("{", "`{`"),
        ] {
            let error = Pattern::new(pattern).unwrap_err();
            assert!(error.reason.contains(named), "{pattern}: {}", error.reason);
        }
    }

    #[test]
    fn quotes_and_brackets_are_read() {
        let pattern = Pattern::new("yyyy'T''x'[.SSS][''Z]").unwrap();
        assert_eq!(pattern.items[1], Item::Literal("T'x".to_string()));
        assert_eq!(
            pattern.items[2],
            Item::Optional(vec![Item::Literal(".".to_string()), Item::Field('S', 3)])
        );
        assert!(pattern.has('Z') && !pattern.has('M'));
    }
}
