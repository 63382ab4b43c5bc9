//! Patterns of paths as Spark and Auto Loader know them: `? * ** [abc] [a-z] [^a] {ab,cd{e,f}}`. Pure text.

use globset::{GlobBuilder, GlobMatcher};
use sluice_model::limits::GLOB_ALTERNATIVES_MAX;

/// A pattern for one name between two slashes.
#[derive(Debug, Clone)]
pub struct SegmentGlob {
    matchers: Vec<GlobMatcher>,
}

impl SegmentGlob {
    /// Parses a pattern.
    ///
    /// # Errors
    /// What is wrong with it: a bracket or brace that never closes, or too many alternatives.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let matchers = expand(pattern)?
            .iter()
            .map(|each| matcher(each, true))
            .collect::<Result<_, _>>()?;
        Ok(Self { matchers })
    }

    /// Whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.matchers.iter().any(|matcher| matcher.is_match(name))
    }
}

/// A pattern over a whole path below a fixed folder.
#[derive(Debug, Clone)]
pub struct PathGlob {
    alternatives: Vec<Alternative>,
    text: String,
}

#[derive(Debug, Clone)]
struct Alternative {
    /// One pattern per path segment; `None` is `**`.
    segments: Vec<Option<GlobMatcher>>,
    /// The whole pattern where `*` crosses slashes.
    loose: GlobMatcher,
}

impl PathGlob {
    /// Parses a pattern of segments, without a leading slash.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(pattern: &str) -> Result<Self, String> {
        let alternatives = expand(pattern)?
            .into_iter()
            .map(|each| {
                let segments = each
                    .split('/')
                    .filter(|segment| !segment.is_empty())
                    .map(|segment| {
                        if segment == "**" {
                            Ok(None)
                        } else {
                            matcher(segment, true).map(Some)
                        }
                    })
                    .collect::<Result<Vec<_>, String>>()?;
                Ok(Alternative {
                    segments,
                    loose: matcher(&each, false)?,
                })
            })
            .collect::<Result<_, String>>()?;
        Ok(Self {
            alternatives,
            text: pattern.to_string(),
        })
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a file is meant: the pattern matches its path, or that of a folder above it, with only partition
    /// folders (`a=1`) in between unless `recursive`. `strict` keeps `*` within one segment.
    #[must_use]
    pub fn matches_file(&self, segments: &[&str], strict: bool, recursive: bool) -> bool {
        let Some((_, folder)) = segments.split_last() else {
            return false;
        };
        let path = segments.join("/");
        self.alternatives.iter().any(|alternative| {
            if !strict && alternative.loose.is_match(&path) {
                return true;
            }
            let reaches = |length: &usize| {
                recursive || folder[*length..].iter().all(|name| name.contains('='))
            };
            alternative.matches(segments)
                || (1..=folder.len())
                    .filter(reaches)
                    .any(|length| alternative.matches(&folder[..length]))
        })
    }

    /// How many folders at the front of a file's path the pattern itself names: below them partition folders start.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.alternatives
            .iter()
            .map(|alternative| alternative.segments.len())
            .min()
            .unwrap_or(0)
    }

    /// Whether files below a folder can still match: prunes the walk.
    #[must_use]
    pub fn may_match_below(&self, folder: &[&str], strict: bool) -> bool {
        !strict
            || self
                .alternatives
                .iter()
                .any(|alternative| alternative.is_prefix(folder))
    }
}

impl Alternative {
    fn matches(&self, path: &[&str]) -> bool {
        matches_all(&self.segments, path)
    }

    fn is_prefix(&self, folder: &[&str]) -> bool {
        for (position, name) in folder.iter().enumerate() {
            match self.segments.get(position) {
                None | Some(None) => return true,
                Some(Some(matcher)) if !matcher.is_match(name) => return false,
                Some(Some(_)) => {}
            }
        }
        true
    }
}

fn matches_all(pattern: &[Option<GlobMatcher>], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((None, rest)), _) => {
            (0..=path.len()).any(|skipped| matches_all(rest, &path[skipped..]))
        }
        (Some((Some(matcher), rest)), Some((name, below))) => {
            matcher.is_match(name) && matches_all(rest, below)
        }
        _ => false,
    }
}

fn matcher(pattern: &str, literal_separator: bool) -> Result<GlobMatcher, String> {
    GlobBuilder::new(pattern)
        .literal_separator(literal_separator)
        .backslash_escape(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| format!("the pattern cannot be read: {}", error.kind()))
}

/// Whether a text holds pattern characters.
pub(crate) fn has_pattern(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|letter| {
        let special = !escaped && matches!(letter, '*' | '?' | '[' | '{');
        escaped = !escaped && letter == '\\';
        special
    })
}

/// Expands braces, nested ones too: `a{b,c{d,e}}` is `ab`, `acd`, `ace`.
fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let mut open = vec![pattern.to_string()];
    let mut done = vec![];
    while let Some(next) = open.pop() {
        if open.len() + done.len() > GLOB_ALTERNATIVES_MAX {
            return Err(format!(
                "braces stand for more than {GLOB_ALTERNATIVES_MAX} alternatives"
            ));
        }
        match first_braces(&next)? {
            None => done.push(next),
            Some((start, end)) => {
                let (head, tail) = (&next[..start], &next[end + 1..]);
                open.extend(
                    split_top(&next[start + 1..end])
                        .into_iter()
                        .map(|choice| format!("{head}{choice}{tail}")),
                );
            }
        }
    }
    done.sort();
    done.dedup();
    Ok(done)
}

/// Byte positions of the first `{` and its `}`; `{` inside brackets is a letter.
fn first_braces(pattern: &str) -> Result<Option<(usize, usize)>, String> {
    let (mut depth, mut start, mut bracket, mut escaped) = (0_usize, None, false, false);
    for (index, letter) in pattern.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match letter {
            '\\' => escaped = true,
            '[' if depth == 0 => bracket = true,
            ']' => bracket = false,
            '{' if !bracket => {
                start.get_or_insert(index);
                depth += 1;
            }
            '}' if !bracket && depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    return Ok(start.map(|first| (first, index)));
                }
            }
            _ => {}
        }
    }
    if depth > 0 {
        Err("a `{` is never closed".into())
    } else {
        Ok(None)
    }
}

/// Splits at commas outside inner braces.
pub(crate) fn split_top(text: &str) -> Vec<&str> {
    let (mut depth, mut bracket, mut escaped, mut start, mut pieces) =
        (0_i32, false, false, 0, vec![]);
    for (index, letter) in text.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match letter {
            '\\' => escaped = true,
            '[' => bracket = true,
            ']' => bracket = false,
            '{' if !bracket => depth += 1,
            '}' if !bracket => depth -= 1,
            ',' if depth == 0 && !bracket => {
                pieces.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, strict: bool, recursive: bool) -> bool {
        let segments: Vec<&str> = path.split('/').collect();
        PathGlob::parse(pattern)
            .unwrap()
            .matches_file(&segments, strict, recursive)
    }

    #[test]
    fn patterns_mean_what_hadoop_means() {
        for (pattern, path, expected) in [
            ("*.json", "a.json", true),
            ("*.json", "b/a.json", false),
            ("2026-*", "2026-01/a.json", true),
            ("2026-*", "2026-01/x/a.json", false),
            ("2026-*", "2026-01/x=1/a.json", true),
            ("*/[ab].json", "d/a.json", true),
            ("*/[^ab].json", "d/a.json", false),
            ("*/[a-c]?.json", "d/bz.json", true),
            ("{ab,cd{e,f}}.csv", "cdf.csv", true),
            ("{ab,cd{e,f}}.csv", "cd.csv", false),
            ("**/a.json", "x/y/z/a.json", true),
            ("**/a.json", "a.json", true),
            ("x{1,2}/**/*.json", "x2/q/r/a.json", true),
        ] {
            assert_eq!(
                check(pattern, path, true, false),
                expected,
                "{pattern} on {path}"
            );
        }
    }

    #[test]
    fn the_loose_globber_and_recursion_reach_further() {
        assert!(check("*.json", "b/a.json", false, false));
        assert!(check("2026-*", "2026-01/x/y/a.json", true, true));
        assert!(!check("2026-*", "2025/x/a.json", true, true));
    }

    #[test]
    fn hopeless_folders_are_pruned() {
        let glob = PathGlob::parse("2026/*/in/*.json").unwrap();
        assert!(glob.may_match_below(&["2026"], true));
        assert!(glob.may_match_below(&["2026", "x"], true));
        assert!(!glob.may_match_below(&["2025"], true));
        assert!(!glob.may_match_below(&["2026", "x", "out"], true));
    }

    #[test]
    fn broken_and_explosive_patterns_are_refused() {
        for pattern in ["{a,b", "[a", &"{a,b}".repeat(20)] {
            assert!(PathGlob::parse(pattern).is_err(), "{pattern}");
        }
    }
}
