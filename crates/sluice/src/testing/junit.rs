//! Results of tests in the XML that CI systems read. Must not run or print anything.

use std::fmt::Write as _;
use std::time::Duration;

/// A result.
#[derive(Debug)]
pub(crate) struct Entry {
    /// File of the test.
    pub(crate) file: String,
    /// What it shows, with the regime where there are several.
    pub(crate) name: String,
    /// How long it ran.
    pub(crate) took: Duration,
    /// Why it does not hold: a line, and all of it.
    pub(crate) failure: Option<(String, String)>,
}

/// One suite of all results.
pub(crate) fn report(suite: &str, entries: &[Entry]) -> String {
    let failed = entries
        .iter()
        .filter(|entry| entry.failure.is_some())
        .count();
    let total: Duration = entries.iter().map(|entry| entry.took).sum();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{:.3}\">\n",
        escaped(suite),
        entries.len(),
        total.as_secs_f64()
    );
    for entry in entries {
        let class = entry.file.trim_end_matches(".test").replace('/', ".");
        let _ = write!(
            text,
            "<testcase classname=\"{}\" name=\"{}\" file=\"{}\" time=\"{:.3}\"",
            escaped(&class),
            escaped(&entry.name),
            escaped(&entry.file),
            entry.took.as_secs_f64()
        );
        match &entry.failure {
            None => text.push_str("/>\n"),
            Some((message, all)) => {
                let _ = writeln!(
                    text,
                    ">\n<failure message=\"{}\">{}</failure>\n</testcase>",
                    escaped(message),
                    escaped(all)
                );
            }
        }
    }
    text.push_str("</testsuite>\n</testsuites>\n");
    text
}

/// Text inside XML; control characters, which XML cannot hold, become `?`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push(letter),
            control if control.is_control() => out.push('?'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_xml() {
        let entries = [
            Entry {
                file: "tests/a.test".into(),
                name: "a < b".into(),
                took: Duration::from_millis(1500),
                failure: Some(("\"x\"".into(), "1\n2\u{1}".into())),
            },
            Entry {
                file: "tests/b.test".into(),
                name: "b".into(),
                took: Duration::ZERO,
                failure: None,
            },
        ];
        assert_eq!(
            report("plant", &entries),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n\
             <testsuite name=\"plant\" tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"1.500\">\n\
             <testcase classname=\"tests.a\" name=\"a &lt; b\" file=\"tests/a.test\" time=\"1.500\">\n\
             <failure message=\"&quot;x&quot;\">1&#10;2?</failure>\n</testcase>\n\
             <testcase classname=\"tests.b\" name=\"b\" file=\"tests/b.test\" time=\"0.000\"/>\n\
             </testsuite>\n</testsuites>\n"
        );
    }
}
