//! One compiled regular expression with Java's meaning, and Java's way of going from match to match. Must not know the functions that use it.

mod anchor;
mod class;
mod java;
mod property;
mod symbol;

use datafusion::error::Result;
use fancy_regex::{Captures, Error, Match, Regex, RegexBuilder, RuntimeError};
use sluice_model::condition::query as condition;

use super::error::{fail, fail_with};
use java::{Lines, translate};

/// The largest number of steps back that a match may take (patterns with look-around, back-references and the like only).
const STEPS_BACK_MAX: usize = 1_000_000;

/// A pattern of Java's, ready to match.
pub(super) struct Pattern {
    text: String,
    ordinary: Regex,
    /// For texts where `$`, `^` and `\b` need more than a look at bytes; `None` where the pattern reads them alike.
    exact: Option<Regex>,
    /// The names of groups, each with its number.
    names: Vec<(String, usize)>,
}

impl Pattern {
    /// Compiles a pattern of Java's.
    ///
    /// # Errors
    /// It cannot be read, or uses what `docs/compatibility.md` lists as not supported.
    pub(super) fn new(text: &str) -> Result<Self> {
        let ordinary = translate(text, Lines::Plain).or_else(|refusal| refusal.tell(text))?;
        let exact = translate(text, Lines::All).or_else(|refusal| refusal.tell(text))?;
        Ok(Self {
            ordinary: build(text, &ordinary.regex)?,
            exact: if exact.regex == ordinary.regex {
                None
            } else {
                Some(build(text, &exact.regex)?)
            },
            text: text.to_string(),
            names: ordinary.names,
        })
    }

    /// The number of groups, the whole match not counted.
    pub(super) fn groups(&self) -> usize {
        self.ordinary.captures_len() - 1
    }

    /// The number of the group of a name.
    pub(super) fn group_of(&self, name: &str) -> Option<usize> {
        self.names
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, number)| *number)
    }

    /// Whether a part of the text matches.
    ///
    /// # Errors
    /// The match took too many steps.
    pub(super) fn is_match(&self, text: &str) -> Result<bool> {
        self.regex(text).is_match(text).or_else(|e| self.tell(&e))
    }

    /// The first match.
    ///
    /// # Errors
    /// As [`Pattern::is_match`].
    pub(super) fn find<'t>(&self, text: &'t str) -> Result<Option<Match<'t>>> {
        self.regex(text).find(text).or_else(|e| self.tell(&e))
    }

    /// The first match with its groups.
    ///
    /// # Errors
    /// As [`Pattern::is_match`].
    pub(super) fn captures<'t>(&self, text: &'t str) -> Result<Option<Captures<'t, str>>> {
        self.regex(text).captures(text).or_else(|e| self.tell(&e))
    }

    /// The matches from left to right, as `java.util.regex.Matcher.find` gives them: an empty match may follow right behind another match, and
    /// two empty ones never stand at the same place.
    pub(super) fn find_all<'p, 't>(&'p self, text: &'t str) -> Matches<'p, 't> {
        Matches {
            pattern: self,
            text,
            from: Some(0),
        }
    }

    /// Splits a text around the matches, into at most `limit` parts unless that is 0 (`UTF8String.split`): an empty match at the very start
    /// makes no part, and the empty pattern makes none at the end either.
    ///
    /// # Errors
    /// As [`Pattern::is_match`].
    pub(super) fn split<'t>(&self, text: &'t str, limit: usize) -> Result<Vec<&'t str>> {
        let mut out = vec![];
        let mut from = 0;
        let mut matches = self.find_all(text);
        while limit == 0 || out.len() + 1 < limit {
            let Some(found) = matches.next()? else { break };
            let behind_all = self.text.is_empty() && found.end() == text.len();
            if found.end() == 0 || behind_all {
                continue;
            }
            out.push(&text[from..found.start()]);
            from = found.end();
        }
        out.push(&text[from..]);
        Ok(out)
    }

    fn regex(&self, text: &str) -> &Regex {
        let ordinary = text.is_ascii()
            && !text.is_empty()
            && !text.ends_with('\n')
            && !text.as_bytes().contains(&b'\r');
        match &self.exact {
            Some(exact) if !ordinary => exact,
            _ => &self.ordinary,
        }
    }

    fn tell<T>(&self, error: &Error) -> Result<T> {
        match error {
            Error::RuntimeError(
                RuntimeError::BacktrackLimitExceeded | RuntimeError::StackOverflow,
            ) => fail_with(
                &condition::INVALID_REGEXP,
                format!(
                    "the pattern `{}` tried {STEPS_BACK_MAX} ways to match a text",
                    self.text
                ),
                "write it without repetitions inside of repetitions, like `(a+)+`",
            ),
            other => unreadable(&self.text, other),
        }
    }
}

fn build(text: &str, regex: &str) -> Result<Regex> {
    RegexBuilder::new(regex)
        .backtrack_limit(STEPS_BACK_MAX)
        .build()
        .or_else(|error| unreadable(text, &error))
}

fn unreadable<T>(pattern: &str, error: &Error) -> Result<T> {
    let reason = error.to_string();
    let reason = reason.lines().last().unwrap_or_default();
    fail(
        &condition::INVALID_REGEXP,
        format!("the pattern `{pattern}` cannot be read: {reason}"),
    )
}

/// What a pattern found in a text, match by match.
pub(super) struct Matches<'p, 't> {
    pattern: &'p Pattern,
    text: &'t str,
    /// Where the search goes on; `None` behind the end.
    from: Option<usize>,
}

impl<'t> Matches<'_, 't> {
    /// The next match.
    ///
    /// # Errors
    /// As [`Pattern::is_match`].
    pub(super) fn next(&mut self) -> Result<Option<Match<'t>>> {
        let Some(from) = self.from else {
            return Ok(None);
        };
        let found = self
            .pattern
            .regex(self.text)
            .find_from_pos(self.text, from)
            .or_else(|e| self.pattern.tell(&e))?;
        self.from = found.as_ref().and_then(|m| self.behind(m));
        Ok(found)
    }

    /// The next match with its groups.
    ///
    /// # Errors
    /// As [`Pattern::is_match`].
    pub(super) fn next_captures(&mut self) -> Result<Option<Captures<'t, str>>> {
        let Some(from) = self.from else {
            return Ok(None);
        };
        let found = self
            .pattern
            .regex(self.text)
            .captures_from_pos(self.text, from)
            .or_else(|e| self.pattern.tell(&e))?;
        self.from = found
            .as_ref()
            .and_then(|c| c.get(0))
            .and_then(|m| self.behind(&m));
        Ok(found)
    }

    fn behind(&self, found: &Match<'_>) -> Option<usize> {
        if found.start() < found.end() {
            return Some(found.end());
        }
        let symbol = self.text[found.end()..].chars().next()?;
        Some(found.end() + symbol.len_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_text_takes_the_fast_form() {
        let pattern = Pattern::new(r"^\w+\b$").unwrap();
        assert!(pattern.exact.is_some());
        assert!(std::ptr::eq(
            pattern.regex("abc"),
            &raw const pattern.ordinary
        ));
        for text in ["", "a\n", "a\rb", "é"] {
            assert!(
                !std::ptr::eq(pattern.regex(text), &raw const pattern.ordinary),
                "{text:?}"
            );
        }
        assert!(Pattern::new("a.b[c-e]").unwrap().exact.is_none());
    }

    #[test]
    fn a_pattern_that_explodes_ends() {
        let pattern = Pattern::new(r"^(a|aa)+\1c$").unwrap();
        let error = pattern
            .is_match(&format!("{}b", "a".repeat(60)))
            .unwrap_err();
        assert!(error.to_string().contains("ways to match"), "{error}");
    }

    #[test]
    fn depth_and_length_have_bounds() {
        assert!(Pattern::new(&"(".repeat(100_000)).is_err());
        assert!(Pattern::new(&format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000))).is_err());
        assert!(Pattern::new(&"[".repeat(100_000)).is_err());
        assert!(Pattern::new("a{1000}{1000}").is_err());
        assert!(Pattern::new("((a{1000}){1000}){1000}").is_err());
    }
}
