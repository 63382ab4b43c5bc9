//! Numbers under a pattern of Java's `DecimalFormat` (`#,##0.00`), as `format_number` takes them. Must not know columns.

/// A pattern, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DecimalPattern {
    positive: (String, String),
    negative: (String, String),
    /// Digits between commas; 0 for none.
    group: usize,
    whole_min: usize,
    fraction_min: usize,
    fraction_max: usize,
    /// How many places the point moves to the right: 2 for percent, 3 for per mille.
    shift: usize,
}

impl DecimalPattern {
    /// Reads a pattern; `None` of one that Java refuses, or that has an exponent.
    pub(super) fn read(pattern: &str) -> Option<Self> {
        if pattern.is_empty() {
            return Self::read("#,##0.###").map(|form| Self {
                whole_min: 0,
                fraction_max: 0,
                ..form
            });
        }
        let symbols: Vec<char> = pattern.chars().collect();
        let mut at = 0;
        let mut shift = 0;
        let before = affix(&symbols, &mut at, &mut shift)?;
        let number = at;
        while symbols.get(at).is_some_and(|c| "#0,.".contains(*c)) {
            at += 1;
        }
        let digits: String = symbols[number..at].iter().collect();
        if symbols.get(at) == Some(&'E') && digits.ends_with(['0', '#']) {
            return None;
        }
        let behind = affix(&symbols, &mut at, &mut shift)?;
        let negative = if symbols.get(at) == Some(&';') {
            at += 1;
            let mut ignored = 0;
            let before = affix(&symbols, &mut at, &mut ignored)?;
            while symbols.get(at).is_some_and(|c| "#0,.".contains(*c)) {
                at += 1;
            }
            (before, affix(&symbols, &mut at, &mut ignored)?)
        } else {
            (format!("-{before}"), behind.clone())
        };
        if at < symbols.len() {
            return None;
        }
        let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
        let in_order = |text: &str, first: char| {
            let text = text.replace(',', "");
            !text.trim_start_matches(first).contains(first)
        };
        if fraction.contains(['.', ',']) || whole.ends_with(',') {
            return None;
        }
        if !in_order(whole, '#') || !in_order(fraction, '0') {
            return None;
        }
        let count = |text: &str, symbol: char| text.chars().filter(|c| *c == symbol).count();
        let whole_zeros = count(whole, '0');
        let fraction_zeros = count(fraction, '0');
        // Where no zero is written, the place beside the point counts as one.
        let bare = whole_zeros == 0 && fraction_zeros == 0;
        Some(Self {
            positive: (before, behind),
            negative,
            group: whole.rsplit_once(',').map_or(0, |(_, last)| last.len()),
            whole_min: whole_zeros.max(usize::from(bare && !whole.is_empty())),
            fraction_min: fraction_zeros.max(usize::from(
                bare && whole.is_empty() && !fraction.is_empty(),
            )),
            fraction_max: fraction.len(),
            shift,
        })
    }

    /// Writes a number that is given by its decimal text; `round` gives the text with so many places behind the point.
    pub(super) fn write(&self, text: &str, round: impl Fn(&str, usize) -> String) -> String {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (before, behind) = if is_negative {
            &self.negative
        } else {
            &self.positive
        };
        let number = match text {
            "NaN" => return "NaN".into(),
            "inf" => "\u{221e}".into(),
            _ => self.digits(&round(&shifted(text, self.shift), self.fraction_max)),
        };
        format!("{before}{number}{behind}")
    }

    fn digits(&self, rounded: &str) -> String {
        let (whole, fraction) = rounded.split_once('.').unwrap_or((rounded, ""));
        let whole = whole.trim_start_matches('0');
        let whole = format!(
            "{}{whole}",
            "0".repeat(self.whole_min.saturating_sub(whole.len()))
        );
        let mut fraction = fraction.trim_end_matches('0').to_string();
        while fraction.len() < self.fraction_min {
            fraction.push('0');
        }
        let mut out = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && self.group > 0 && (whole.len() - at).is_multiple_of(self.group) {
                out.push(',');
            }
            out.push(digit);
        }
        if out.is_empty() && fraction.is_empty() {
            out.push('0');
        }
        if !fraction.is_empty() {
            out.extend([".", &fraction]);
        }
        out
    }
}

/// The text before or behind the digits: quotes taken away, percent signs counted.
fn affix(symbols: &[char], at: &mut usize, shift: &mut usize) -> Option<String> {
    let mut out = String::new();
    let mut quoted = false;
    while let Some(symbol) = symbols.get(*at) {
        match symbol {
            '\'' if symbols.get(*at + 1) == Some(&'\'') => {
                out.push('\'');
                *at += 1;
            }
            '\'' => quoted = !quoted,
            '#' | '0' | ',' | '.' | ';' if !quoted => break,
            '%' | '\u{2030}' if !quoted => {
                if *shift > 0 {
                    return None;
                }
                *shift = if *symbol == '%' { 2 } else { 3 };
                out.push(*symbol);
            }
            '\u{a4}' if !quoted => return None,
            other => out.push(*other),
        }
        *at += 1;
    }
    (!quoted).then_some(out)
}

/// A decimal text with its point moved to the right.
fn shifted(text: &str, places: usize) -> String {
    if places == 0 {
        return text.to_string();
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let padded = format!(
        "{fraction}{}",
        "0".repeat(places.saturating_sub(fraction.len()))
    );
    let (moved, rest) = padded.split_at(places);
    if rest.is_empty() {
        format!("{whole}{moved}")
    } else {
        format!("{whole}{moved}.{rest}")
    }
}
