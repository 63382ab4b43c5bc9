//! Spark's number formats (`to_char`, `to_number`): `S$9,999.99`, read once and applied both ways. Must not know SQL.

use std::iter::Peekable;
use std::str::Chars;

use sluice_model::Condition;
use sluice_model::condition::query as condition;

/// A format: digits before and behind the point, with the signs around them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberFormat {
    text: String,
    tokens: Vec<Token>,
}

/// Why a text is no format.
#[derive(Debug, Clone, Copy)]
pub struct FormatError {
    /// Spark's condition.
    pub condition: &'static Condition,
    /// What is wrong.
    pub message: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Digits(Vec<Part>),
    Point,
    Dollar,
    /// `S`
    Sign,
    /// `MI`
    Minus,
    /// `PR`: where its opening bracket stands.
    Open,
    Close,
    Unknown,
}

/// A part of the digits: a run of them, or a comma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// A run that begins with 0: all of its digits are there.
    All(usize),
    /// A run that begins with 9: up to so many digits.
    Most(usize),
    Comma,
}

impl Part {
    const fn digits(self) -> usize {
        match self {
            Self::All(count) | Self::Most(count) => count,
            Self::Comma => 0,
        }
    }
}

impl NumberFormat {
    /// Reads a format; letters count in any case.
    ///
    /// # Errors
    /// It is empty, lacks a digit, or has a sign where none may stand.
    pub fn new(text: &str) -> Result<Self, FormatError> {
        let upper = text.to_uppercase();
        let mut symbols = upper.chars().peekable();
        let mut tokens = vec![];
        let mut behind_point = false;
        while let Some(symbol) = symbols.peek().copied() {
            if matches!(symbol, '0' | '9' | ',' | 'G') {
                tokens.push(Token::Digits(parts(&mut symbols, behind_point)));
                continue;
            }
            symbols.next();
            let token = match symbol {
                '.' | 'D' => Token::Point,
                '$' => Token::Dollar,
                'S' => Token::Sign,
                'M' if symbols.next_if_eq(&'I').is_some() => Token::Minus,
                'P' if symbols.next_if_eq(&'R').is_some() => Token::Close,
                _ => Token::Unknown,
            };
            behind_point |= token == Token::Point;
            tokens.push(token);
        }
        check(&tokens)?;
        if tokens.last() == Some(&Token::Close) {
            tokens.insert(0, Token::Open);
        }
        Ok(Self {
            text: text.to_string(),
            tokens,
        })
    }

    /// The format as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Digits in all, and those behind the point.
    pub fn digits(&self) -> (usize, usize) {
        let (whole, fraction) = self.places();
        (whole + fraction, fraction)
    }

    /// Digits before and behind the point.
    fn places(&self) -> (usize, usize) {
        let point = self.tokens.iter().position(|token| *token == Token::Point);
        let (before, behind) = self.tokens.split_at(point.unwrap_or(self.tokens.len()));
        let count = |tokens: &[Token]| {
            let digits = tokens.iter().map(|token| match token {
                Token::Digits(parts) => parts.iter().map(|part| part.digits()).sum(),
                _ => 0,
            });
            digits.sum()
        };
        (count(before), count(behind))
    }

    /// Writes a decimal number, `value` of so many digits behind the point; `#` stand for a number that does not fit.
    pub fn write(&self, value: i128, scale: u32) -> String {
        let digits = value.unsigned_abs().to_string();
        let scale = usize::try_from(scale).unwrap_or(0);
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let (whole, fraction) = (
            whole.trim_start_matches('0'),
            fraction.trim_end_matches('0'),
        );
        let (places, fraction_places) = self.places();
        let fits = whole.len() <= places && fraction.len() <= fraction_places;
        let mut writer = Writer {
            out: String::new(),
            negative: value < 0,
            padding: places.saturating_sub(whole.len()),
            whole: whole.chars(),
            fraction: fraction.chars(),
            fits,
        };
        let mut behind_point = false;
        for token in &self.tokens {
            writer.token(token, behind_point);
            behind_point |= *token == Token::Point;
        }
        writer.settle_point();
        writer.out
    }

    /// Reads a number as an unscaled decimal of the digits behind the point; `None` if the text has another form.
    pub fn read(&self, text: &str) -> Option<i128> {
        let symbols: Vec<char> = text.chars().collect();
        let mut reader = Reader {
            symbols: &symbols,
            at: 0,
        };
        let (mut negative, mut behind_point) = (false, false);
        let (mut whole, mut fraction) = (String::new(), String::new());
        for token in &self.tokens {
            match token {
                Token::Digits(parts) => {
                    let found = reader.digits(parts, behind_point)?;
                    let part = if behind_point {
                        &mut fraction
                    } else {
                        &mut whole
                    };
                    part.push_str(&found);
                }
                // Without a point in the text there are no digits behind it.
                Token::Point => {
                    reader.take('.');
                    behind_point = true;
                }
                Token::Dollar => reader.take('$').then_some(())?,
                Token::Sign if reader.take('+') => {}
                Token::Sign | Token::Minus => negative |= reader.take('-'),
                Token::Open => negative |= reader.take('<'),
                Token::Close => {
                    let open = symbols.contains(&'<');
                    (reader.take('>') == open).then_some(())?;
                }
                Token::Unknown => return None,
            }
        }
        reader.blanks();
        if reader.at < symbols.len() || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let (_, places) = self.places();
        let value: i128 = format!("{whole}{fraction:0<places$}").parse().ok()?;
        Some(if negative { -value } else { value })
    }
}

/// One run of digits and commas.
fn parts(symbols: &mut Peekable<Chars<'_>>, behind_point: bool) -> Vec<Part> {
    let mut out = vec![];
    while let Some(symbol) = symbols.next_if(|s| matches!(s, '0' | '9' | ',' | 'G')) {
        if matches!(symbol, ',' | 'G') {
            out.push(Part::Comma);
            continue;
        }
        let mut count = 1;
        while symbols.next_if(|s| matches!(s, '0' | '9')).is_some() {
            count += 1;
        }
        out.push(if symbol == '0' && !behind_point {
            Part::All(count)
        } else {
            Part::Most(count)
        });
    }
    out
}

/// Checks a format in the order in which Spark does.
fn check(tokens: &[Token]) -> Result<(), FormatError> {
    let refuse = |condition, message| Err(FormatError { condition, message });
    let place = |wanted: &Token| tokens.iter().position(|token| token == wanted);
    if tokens.is_empty() {
        return refuse(&condition::INVALID_FORMAT_EMPTY, "it is empty");
    }
    let digits: Vec<(usize, &Vec<Part>)> = tokens
        .iter()
        .enumerate()
        .filter_map(|(at, token)| match token {
            Token::Digits(parts) => Some((at, parts)),
            _ => None,
        })
        .collect();
    let Some((first, _)) = digits.first() else {
        return refuse(
            &condition::INVALID_FORMAT_WRONG_NUM_DIGIT,
            "it has no digit: 0 or 9",
        );
    };
    let (dollar, point) = (place(&Token::Dollar), place(&Token::Point));
    if dollar.is_some_and(|at| at > *first) {
        let condition = &condition::INVALID_FORMAT_CUR_MUST_BEFORE_DIGIT;
        return refuse(condition, "`$` stands before all digits");
    }
    if let (Some(dollar), Some(point)) = (dollar, point)
        && dollar > point
    {
        let condition = &condition::INVALID_FORMAT_CUR_MUST_BEFORE_DEC;
        return refuse(condition, "`$` stands before the point");
    }
    for (at, parts) in &digits {
        let twice = parts.windows(2).any(|pair| pair == [Part::Comma; 2]);
        if twice || parts.first() == Some(&Part::Comma) || parts.last() == Some(&Part::Comma) {
            let condition = &condition::INVALID_FORMAT_CONT_THOUSANDS_SEPS;
            return refuse(condition, "a comma needs a digit on both sides");
        }
        if point.is_some_and(|point| *at > point) && parts.contains(&Part::Comma) {
            let condition = &condition::INVALID_FORMAT_THOUSANDS_SEPS_MUST_BEFORE_DEC;
            return refuse(condition, "commas stand before the point");
        }
    }
    let single = [
        Token::Point,
        Token::Dollar,
        Token::Sign,
        Token::Minus,
        Token::Close,
    ];
    let count = |wanted: &Token| tokens.iter().filter(|token| *token == wanted).count();
    if single.iter().any(|token| count(token) > 1) {
        return refuse(
            &condition::INVALID_FORMAT_WRONG_NUM_TOKEN,
            "a sign stands twice",
        );
    }
    if !in_order(tokens) {
        return refuse(
            &condition::INVALID_FORMAT_UNEXPECTED_TOKEN,
            "its order is: S or MI, $, digits, point, digits, S, MI or PR",
        );
    }
    Ok(())
}

/// `[MI|S] [$] digits [.] digits [PR|MI|S]`.
fn in_order(tokens: &[Token]) -> bool {
    let mut rest = tokens.iter().peekable();
    rest.next_if(|token| matches!(token, Token::Sign | Token::Minus));
    rest.next_if(|token| **token == Token::Dollar);
    rest.next_if(|token| matches!(token, Token::Digits(_)));
    rest.next_if(|token| **token == Token::Point);
    rest.next_if(|token| matches!(token, Token::Digits(_)));
    rest.next_if(|token| matches!(token, Token::Sign | Token::Minus | Token::Close));
    rest.next().is_none()
}

/// A number on its way to text.
struct Writer<'a> {
    out: String,
    negative: bool,
    /// Places before the first digit that are still to be filled.
    padding: usize,
    whole: Chars<'a>,
    fraction: Chars<'a>,
    fits: bool,
}

impl Writer<'_> {
    fn token(&mut self, token: &Token, behind_point: bool) {
        match token {
            Token::Digits(parts) => parts.iter().for_each(|part| self.part(*part, behind_point)),
            Token::Point => {
                if self.out.ends_with(' ') {
                    self.out.pop();
                    self.out.push('0');
                }
                self.out.push('.');
            }
            Token::Dollar => self.out.push('$'),
            Token::Sign => {
                self.settle_point();
                self.out.push(if self.negative { '-' } else { '+' });
            }
            Token::Minus => {
                self.settle_point();
                self.out.push(if self.negative { '-' } else { ' ' });
            }
            Token::Open if self.negative => self.out.push('<'),
            Token::Close => {
                self.settle_point();
                self.out.push_str(if self.negative { ">" } else { "  " });
            }
            Token::Open | Token::Unknown => {}
        }
    }

    fn part(&mut self, part: Part, behind_point: bool) {
        if part == Part::Comma {
            if self.out.ends_with(|last: char| last.is_ascii_digit()) {
                self.out.push(',');
            } else {
                self.blank();
            }
            return;
        }
        for _ in 0..part.digits() {
            if !self.fits {
                self.out.push('#');
            } else if behind_point {
                self.out.push(self.fraction.next().unwrap_or('0'));
            } else if self.padding == 0 {
                self.out.extend(self.whole.next());
            } else {
                self.padding -= 1;
                match part {
                    Part::All(_) => self.out.push('0'),
                    _ => self.blank(),
                }
            }
        }
    }

    /// A space before the digits; a sign stays beside them.
    fn blank(&mut self) {
        let sign = self.out.pop().filter(|last| match last {
            '+' | '-' | '<' => true,
            other => {
                self.out.push(*other);
                false
            }
        });
        self.out.push(' ');
        self.out.extend(sign);
    }

    /// A point without digits behind it is a space.
    fn settle_point(&mut self) {
        if self.out.ends_with('.') {
            self.out.pop();
            self.out.push(' ');
        }
    }
}

/// A text on its way to a number.
struct Reader<'a> {
    symbols: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.symbols.get(self.at).copied()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// The digits of a run; groups between commas are compared from the right.
    fn digits(&mut self, parts: &[Part], behind_point: bool) -> Option<String> {
        let mut groups = vec![String::new()];
        while let Some(symbol) = self.peek() {
            match (symbol, groups.last_mut()) {
                (digit, Some(group)) if digit.is_ascii_digit() => group.push(digit),
                (',', _) if !behind_point => groups.push(String::new()),
                (blank, _) if blank.is_whitespace() => {}
                _ => break,
            }
            self.at += 1;
        }
        let wanted: Vec<Part> = parts
            .iter()
            .copied()
            .filter(|part| *part != Part::Comma)
            .collect();
        if groups.len() > wanted.len() {
            return None;
        }
        let mut found = groups.iter().rev().map(String::len);
        for part in wanted.iter().rev() {
            let found = found.next().unwrap_or(0);
            let fits = match part {
                Part::All(count) => found == *count,
                Part::Most(count) => found <= *count,
                Part::Comma => true,
            };
            fits.then_some(())?;
        }
        Some(groups.concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_and_read() {
        let format = NumberFormat::new("S$9,999.99").unwrap();
        assert_eq!(format.digits(), (6, 2));
        assert_eq!(format.write(-123_450, 2), "-$1,234.50");
        assert_eq!(format.read("-$1,234.5"), Some(-123_450));
        assert_eq!(format.read("$1234,5"), None);
    }
}
