//! The `.test` file: its stations, read and written back. Must not run anything.

use std::fmt;

use super::failure::Failure;
use super::regime::Regime;

/// What a file looks like, for whoever wrote one that cannot be read.
const SHAPE: &str = "begin with `# what this test shows`, then stations such as `--- put landing/1.json`, `--- update`, `--- query`";

/// Which answers may stand where.
const ANSWERS: &str = "possible behind a `query` are one `expect` or one `error`; behind an `update`, `continuous`, `settle`, `stop` or `validate` one `error` and one `note`; behind a `plan` one `error`";

/// One case: one behaviour in one file.
#[derive(Debug, Clone)]
pub struct Case {
    /// Name of its file, as it is shown.
    pub file: String,
    /// The comment lines at the top, as written.
    pub purpose: Vec<String>,
    /// Regimes it opts out of, each with its reason: `# not under: full-refresh (source is trimmed)`.
    pub not_under: Vec<(String, String)>,
    /// The stations in order.
    pub stations: Vec<Station>,
}

/// One station of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// First word after `---`.
    pub verb: String,
    /// The rest of that line.
    pub argument: String,
    /// The lines below, each ended by a line feed.
    pub body: String,
    /// Line of the `---`, from 1.
    pub line: usize,
}

impl Case {
    /// Reads a case from its text.
    pub fn parse(file: &str, text: &str) -> Result<Self, Failure> {
        let mut case = Self {
            file: file.to_owned(),
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
            let first = text.lines().next().unwrap_or_default();
            let message = "the first line must be a comment that says the purpose";
            return Err(Failure::misspelled(file, 1, first, message, SHAPE));
        }
        if case.stations.is_empty() {
            let message = "the test does nothing: it has no `--- …` line";
            return Err(Failure::misspelled(file, 1, "", message, SHAPE));
        }
        case.check_answers()?;
        Ok(case)
    }

    /// Refuses an answer that nothing would ever be held against.
    fn check_answers(&self) -> Result<(), Failure> {
        let mut asked: Option<&Station> = None;
        let mut answered: Vec<&str> = vec![];
        for station in &self.stations {
            if !station.is_answer() {
                asked = Some(station);
                answered.clear();
                continue;
            }
            let head = station.head();
            let message = match asked {
                None => Some(format!("`{head}` has no station before it that it answers")),
                Some(_) if !station.argument.is_empty() => {
                    Some("what is expected stands below, not behind".to_owned())
                }
                Some(asked) if !asked.answers().contains(&station.verb.as_str()) => {
                    Some(format!("`{head}` is no answer of `{}`", asked.head()))
                }
                Some(asked) => {
                    let is_full = asked.verb == "query" && !answered.is_empty();
                    let is_second = is_full || answered.contains(&station.verb.as_str());
                    is_second.then(|| format!("`{}` is answered already", asked.head()))
                }
            };
            if let Some(message) = message {
                let (line, help) = (station.line, ANSWERS);
                return Err(Failure::misspelled(&self.file, line, &head, &message, help));
            }
            answered.push(&station.verb);
        }
        Ok(())
    }

    fn read_purpose(&mut self, line: &str, number: usize) -> Result<(), Failure> {
        if let Some(rest) = line.strip_prefix("# not under:") {
            let (regime, reason) = rest
                .trim()
                .split_once(" (")
                .and_then(|(regime, reason)| Some((regime, reason.strip_suffix(')')?)))
                .ok_or_else(|| {
                    let message = "a regime is left out without a reason";
                    let help = "write `# not under: REGIME (reason)`";
                    Failure::misspelled(&self.file, number, line, message, help)
                })?;
            let names: Vec<&str> = Regime::all().into_iter().map(Regime::name).collect();
            if !names.contains(&regime) {
                let message = format!("`{regime}` is no regime");
                let help = format!("a regime is one of {}", names.join(", "));
                return Err(Failure::misspelled(
                    &self.file, number, line, &message, &help,
                ));
            }
            self.not_under
                .push((regime.to_string(), reason.to_string()));
        }
        if line.starts_with('#') || line.is_empty() {
            self.purpose.push(line.to_string());
            return Ok(());
        }
        let message = format!("expected a comment or a station, found `{line}`");
        Err(Failure::misspelled(
            &self.file, number, line, &message, SHAPE,
        ))
    }

    /// The first comment line, without its `#`.
    #[must_use]
    pub fn title(&self) -> &str {
        let first = self.purpose.first().map(String::as_str).unwrap_or_default();
        first.trim_start_matches('#').trim()
    }

    /// Whether the case takes part in a regime.
    #[must_use]
    pub fn runs_under(&self, regime: &str) -> bool {
        !self.not_under.iter().any(|(name, _)| name == regime)
    }

    /// The body of the station right after `index` if its verb is `verb`.
    #[must_use]
    pub fn answer(&self, index: usize, verb: &str) -> Option<(usize, &Station)> {
        let station = self.stations.get(index + 1)?;
        (station.verb == verb).then_some((index + 1, station))
    }
}

impl Case {
    /// Adds an empty station for the answer of the station at `index`, if no answer follows it.
    pub(super) fn make_room_for(&mut self, index: usize, verb: &str) {
        let next = self.stations.get(index + 1);
        if next.is_some_and(|next| matches!(next.verb.as_str(), "expect" | "error")) {
            return;
        }
        let Some(asked) = self.stations.get_mut(index) else {
            return;
        };
        asked.body = format!("{}\n", asked.answer_text());
        let answer = Station {
            verb: verb.to_owned(),
            argument: String::new(),
            body: String::new(),
            line: asked.line,
        };
        self.stations.insert(index + 1, answer);
    }
}

impl Station {
    /// Its line.
    #[must_use]
    pub fn head(&self) -> String {
        let gap = if self.argument.is_empty() { "" } else { " " };
        format!("--- {}{gap}{}", self.verb, self.argument)
    }

    /// Whether it says what is expected of the station before it.
    fn is_answer(&self) -> bool {
        matches!(self.verb.as_str(), "expect" | "error" | "note")
    }

    /// Verbs of the answers that it can have.
    fn answers(&self) -> &'static [&'static str] {
        match self.verb.as_str() {
            "query" => &["expect", "error"],
            "update" | "continuous" | "settle" | "stop" | "validate" => &["error", "note"],
            "plan" => &["error"],
            _ => &[],
        }
    }

    /// The body without the empty lines that separate it from the next station.
    #[must_use]
    pub fn answer_text(&self) -> &str {
        self.body.trim_end_matches('\n')
    }

    /// The body of a file or input: one trailing empty line, a separator, is not part of it.
    #[must_use]
    pub fn content(&self) -> &str {
        self.body
            .strip_suffix("\n\n")
            .map_or(self.body.as_str(), |_| &self.body[..self.body.len() - 1])
    }

    /// Replaces the body by an answer, keeping the separator.
    pub fn set_answer(&mut self, text: &str) {
        self.body = format!("{}\n\n", text.trim_end_matches('\n'));
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.purpose {
            writeln!(f, "{line}")?;
        }
        for (index, station) in self.stations.iter().enumerate() {
            writeln!(f, "{}", station.head())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_is_held_against_is_refused() {
        for (text, line, told) in [
            ("--- expect\na\n", 2, "no station before it"),
            ("--- error\n...\n", 2, "no station before it"),
            ("--- note\n", 2, "no station before it"),
            (
                "--- query\nSELECT 1 AS a\n--- expect\na\n1\n--- expect\na\n2\n",
                7,
                "is answered already",
            ),
            (
                "--- query\nSELECT 1\n--- expect\n1\n--- error\nx\n",
                6,
                "is answered already",
            ),
            ("--- update\n--- expect\na\n99\n", 3, "no answer of"),
            ("--- query\nSELECT 1\n--- note\n", 4, "no answer of"),
            ("--- put a.json\n1\n--- error\n", 4, "no answer of"),
            (
                "--- update\n--- error\nx\n--- note\ny\n--- error\nz\n",
                7,
                "is answered already",
            ),
            ("--- update\n--- error NOPE\n", 3, "stands below"),
        ] {
            let wrong = Case::parse("a.test", &format!("# x\n{text}")).unwrap_err();
            assert_eq!(wrong.diagnostic.condition.name, "TEST_SYNTAX_ERROR");
            assert_eq!(wrong.diagnostic.origin().unwrap().line, line, "{text}");
            let message = &wrong.diagnostic.message;
            assert!(message.contains(told), "{text}: {message}");
        }
        for text in [
            "--- query\nSELECT 1 AS a\n--- expect\na\n1\n--- query\nSELECT x\n--- error\n...\n",
            "--- update\n--- note\nx\n--- error\ny\n--- validate\n--- error\n...\n",
            "--- plan\n--- error\n...\n",
        ] {
            let read = Case::parse("a.test", &format!("# x\n{text}"));
            assert!(read.is_ok(), "{text}");
        }
    }

    #[test]
    fn only_regimes_that_there_are_can_be_left_out() {
        let of = |regime: &str| {
            let text = format!("# x\n# not under: {regime} (why)\n--- update\n");
            Case::parse("a.test", &text)
        };
        assert!(!of("full-refresh").unwrap().runs_under("full-refresh"));
        let wrong = of("nosuchregime").unwrap_err();
        assert_eq!(wrong.diagnostic.origin().unwrap().line, 2);
        let help = &wrong.diagnostic.helps[0];
        assert!(help.contains("plain, crash, small, parallel, full-refresh"));
    }
}
