//! The `.test` file: its stations, read and written back. Must not run anything.
//!
//! A file is a purpose (comment lines), then stations: `--- <verb> [arguments]` and the lines up to the next one.

use std::fmt;
use std::path::{Path, PathBuf};

/// One case: one behaviour in one file.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// The comment lines at the top, as written.
    pub(crate) purpose: Vec<String>,
    /// Regimes it opts out of, each with its reason: `# not under: full-refresh (source is trimmed)`.
    pub(crate) not_under: Vec<(String, String)>,
    /// The stations in order.
    pub(crate) stations: Vec<Station>,
}

/// One station of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Station {
    /// First word after `---`.
    pub(crate) verb: String,
    /// The rest of that line.
    pub(crate) argument: String,
    /// The lines below, each ended by a line feed.
    pub(crate) body: String,
    /// Line of the `---`, from 1.
    pub(crate) line: usize,
}

impl Case {
    /// Reads a case from its text.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let mut case = Self {
            path: path.to_path_buf(),
            purpose: vec![],
            not_under: vec![],
            stations: vec![],
        };
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if let Some(head) = line.strip_prefix("--- ") {
                let head = head.trim_end();
                let (verb, argument) = head.split_once(' ').unwrap_or((head, ""));
                case.stations.push(Station {
                    verb: verb.to_string(),
                    argument: argument.trim().to_string(),
                    body: String::new(),
                    line: index + 1,
                });
            } else if let Some(station) = case.stations.last_mut() {
                station.body.push_str(line);
            } else {
                case.read_purpose(line.trim_end(), index + 1)?;
            }
        }
        if case.purpose.is_empty() {
            return Err("the first line must be a comment that says the purpose".into());
        }
        if case.stations.is_empty() {
            return Err("no station: a case needs at least one `--- …` line".into());
        }
        Ok(case)
    }

    fn read_purpose(&mut self, line: &str, number: usize) -> Result<(), String> {
        if let Some(rest) = line.strip_prefix("# not under:") {
            let (regime, reason) = rest
                .trim()
                .split_once(" (")
                .and_then(|(regime, reason)| Some((regime, reason.strip_suffix(')')?)))
                .ok_or_else(|| format!("line {number}: expected `# not under: REGIME (reason)`"))?;
            self.not_under
                .push((regime.to_string(), reason.to_string()));
        }
        if line.starts_with('#') || line.is_empty() {
            self.purpose.push(line.to_string());
            return Ok(());
        }
        Err(format!(
            "line {number}: expected a comment or a station, found `{line}`"
        ))
    }

    /// Whether the case takes part in a regime.
    #[must_use]
    pub(crate) fn runs_under(&self, regime: &str) -> bool {
        !self.not_under.iter().any(|(name, _)| name == regime)
    }

    /// The body of the station right after `index` if its verb is `verb`.
    #[must_use]
    pub(crate) fn answer(&self, index: usize, verb: &str) -> Option<(usize, &Station)> {
        let station = self.stations.get(index + 1)?;
        (station.verb == verb).then_some((index + 1, station))
    }
}

impl Station {
    /// The body without the empty lines that separate it from the next station.
    #[must_use]
    pub(crate) fn answer_text(&self) -> &str {
        self.body.trim_end_matches('\n')
    }

    /// The body of a file or input: one trailing empty line, a separator, is not part of it.
    #[must_use]
    pub(crate) fn content(&self) -> &str {
        self.body
            .strip_suffix("\n\n")
            .map_or(self.body.as_str(), |_| &self.body[..self.body.len() - 1])
    }

    /// Replaces the body by an answer, keeping the separator.
    pub(crate) fn set_answer(&mut self, text: &str) {
        self.body = format!("{}\n\n", text.trim_end_matches('\n'));
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.purpose {
            writeln!(f, "{line}")?;
        }
        for (index, station) in self.stations.iter().enumerate() {
            let gap = if station.argument.is_empty() { "" } else { " " };
            writeln!(f, "--- {}{gap}{}", station.verb, station.argument)?;
            let last = index + 1 == self.stations.len();
            let body = if last {
                station.body.trim_end_matches('\n')
            } else {
                station.body.as_str()
            };
            f.write_str(body)?;
            if last && !body.is_empty() {
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
