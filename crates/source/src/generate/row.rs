//! One record as JSON or CSV, written field by field straight to bytes. Must not know what a field means.

use std::fmt;
use std::io::Write as _;

use super::moment::TimePattern;
use super::random::{write_fixed, write_uuid};

/// How records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordForm {
    /// One object per line.
    Json,
    /// One row per line; the names are a header of their own.
    Csv,
}

/// A record on its way. In CSV, what is nested is named `outer.inner`.
pub(crate) struct Row<'a> {
    form: RecordForm,
    out: &'a mut Vec<u8>,
    /// Where the names go, while nobody knows them yet.
    header: Option<&'a mut Vec<u8>>,
    prefix: &'static str,
    is_first: bool,
}

impl<'a> Row<'a> {
    pub(crate) fn begin(
        form: RecordForm,
        out: &'a mut Vec<u8>,
        header: Option<&'a mut Vec<u8>>,
    ) -> Self {
        if form == RecordForm::Json {
            out.push(b'{');
        }
        Self {
            form,
            out,
            header,
            prefix: "",
            is_first: true,
        }
    }

    pub(crate) fn end(self) {
        if self.form == RecordForm::Json {
            self.out.push(b'}');
        }
    }

    /// A text, in quotes where the form wants them.
    pub(crate) fn text(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        let start = self.begin_text();
        let _ = write!(self.out, "{value}");
        self.end_text(start);
    }

    /// An instant as text.
    pub(crate) fn time(&mut self, name: &str, pattern: &TimePattern, at_us: i64) {
        self.name(name);
        let start = self.begin_text();
        pattern.write(at_us, self.out);
        self.end_text(start);
    }

    /// A UUID.
    pub(crate) fn uuid(&mut self, name: &str, high: u64, low: u64) {
        self.name(name);
        let start = self.begin_text();
        write_uuid(self.out, high, low);
        self.end_text(start);
    }

    /// A number with so many decimals.
    pub(crate) fn fixed(&mut self, name: &str, value: f64, decimals: usize) {
        self.name(name);
        write_fixed(self.out, value, decimals);
    }

    /// A whole number.
    pub(crate) fn whole(&mut self, name: &str, value: impl fmt::Display) {
        self.name(name);
        let _ = write!(self.out, "{value}");
    }

    /// No value.
    pub(crate) fn null(&mut self, name: &str) {
        self.name(name);
        if self.form == RecordForm::Json {
            self.out.extend_from_slice(b"null");
        }
    }

    /// Begins an object inside; one level is enough for all presets.
    pub(crate) fn open(&mut self, name: &'static str) {
        if self.form == RecordForm::Json {
            self.name(name);
            self.out.push(b'{');
            self.is_first = true;
        } else {
            self.prefix = name;
        }
    }

    /// Ends it.
    pub(crate) fn close(&mut self) {
        if self.form == RecordForm::Json {
            self.out.push(b'}');
            self.is_first = false;
        } else {
            self.prefix = "";
        }
    }

    fn name(&mut self, name: &str) {
        if let Some(header) = self.header.as_deref_mut() {
            let comma = if self.is_first { "" } else { "," };
            let dot = if self.prefix.is_empty() { "" } else { "." };
            let _ = write!(header, "{comma}{}{dot}{name}", self.prefix);
        }
        if !self.is_first {
            self.out.push(b',');
        }
        self.is_first = false;
        if self.form == RecordForm::Json {
            let _ = write!(self.out, "\"{name}\":");
        }
    }

    fn begin_text(&mut self) -> usize {
        let start = self.out.len();
        if self.form == RecordForm::Json {
            self.out.push(b'"');
        }
        start
    }

    /// Closes the quotes, and escapes what must be: hardly ever anything.
    fn end_text(&mut self, start: usize) {
        let quote = usize::from(self.form == RecordForm::Json);
        let written = &self.out[start + quote..];
        let needs_care = match self.form {
            RecordForm::Json => written.iter().any(|b| matches!(b, b'"' | b'\\' | 0..=31)),
            RecordForm::Csv => {
                written.is_empty()
                    || written
                        .iter()
                        .any(|b| matches!(b, b'"' | b',' | b'\n' | b'\r'))
            }
        };
        if needs_care {
            let text = String::from_utf8_lossy(written).into_owned();
            self.out.truncate(start);
            let _ = match self.form {
                RecordForm::Json => serde_json::to_writer(&mut *self.out, &text).is_ok(),
                RecordForm::Csv => write!(self.out, "\"{}\"", text.replace('"', "\"\"")).is_ok(),
            };
        } else if self.form == RecordForm::Json {
            self.out.push(b'"');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(form: RecordForm) -> (String, String) {
        let (mut out, mut header) = (vec![], vec![]);
        let mut row = Row::begin(form, &mut out, Some(&mut header));
        row.text("a", "x,\"y\"");
        row.open("m");
        row.fixed("b", 1.0, 2);
        row.null("c");
        row.close();
        row.whole("d", 7);
        row.text("e", "");
        row.end();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(out), text(header))
    }

    #[test]
    fn json_and_csv_hold_the_same() {
        assert_eq!(
            written(RecordForm::Json).0,
            r#"{"a":"x,\"y\"","m":{"b":1.00,"c":null},"d":7,"e":""}"#
        );
        assert_eq!(
            written(RecordForm::Csv),
            (
                "\"x,\"\"y\"\"\",1.00,,7,\"\"".to_owned(),
                "a,m.b,m.c,d,e".to_owned()
            )
        );
    }
}
