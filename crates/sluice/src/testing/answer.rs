//! Whether an answer holds: what a station expects against what was found. Must not run anything.

use super::difference::{self, Row};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// Everything.
    All,
    /// Rows of queries only; an engine that was ended is started again at once.
    Tables,
    /// Rows of queries only, whatever becomes of updates: one may fail, and one that was ended stays so.
    Rows,
    /// Nothing: answers are filled in where they do not hold.
    Fill,
}

impl Answers {
    /// Whether nothing but rows of queries is compared.
    pub(super) fn is_rows_only(self) -> bool {
        matches!(self, Self::Tables | Self::Rows)
    }
}

/// How closely the text of an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// To the letter: our own cases.
    Exact,
    /// By cells: spaces do not matter, nor does the order of rows unless the query orders them, and an `update` with
    /// nothing below it says nothing. Tests that people write by hand.
    Cells,
}

/// What an answer is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A header and rows.
    Table { is_ordered: bool },
    /// Lines in order.
    Lines,
    /// Lines whose order means nothing.
    Set,
}

/// Stands for any further lines.
const ANYTHING: &str = "...";

/// `None` when the answer holds, else both sides as one text.
pub(crate) fn compare(expected: &str, found: &str, form: Form, layout: Layout) -> Option<String> {
    let (expected, found) = (trimmed(expected), trimmed(found));
    if expected == found {
        return None;
    }
    let is_partial = expected.iter().any(|line| line == ANYTHING);
    if layout == Layout::Exact && !is_partial {
        let rows = |lines: &[String]| sorted_out(lines, form);
        return Some(difference::show(&rows(&expected), &rows(&found)));
    }
    let mut wanted = sorted_out(&expected, form);
    wanted.retain(|row| !matches!(row.as_slice(), [only] if only == ANYTHING));
    let mut there = sorted_out(&found, form);
    if is_partial {
        keep_wanted(&wanted, &mut there);
    }
    let header = match form {
        Form::Table { is_ordered: false } => Some(1),
        Form::Set => Some(0),
        Form::Table { is_ordered: true } | Form::Lines => None,
    };
    if let Some(header) = header {
        for rows in [&mut wanted, &mut there] {
            if let Some(body) = rows.get_mut(header..) {
                body.sort();
            }
        }
    }
    (wanted != there).then(|| difference::show(&wanted, &there))
}

fn trimmed(text: &str) -> Vec<String> {
    let lines = text.trim_end().lines();
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Leaves out of what was found what nobody asked for, where there is enough of what was.
fn keep_wanted(wanted: &[Row], there: &mut Vec<Row>) {
    let mut open = wanted.to_vec();
    let kept: Vec<Row> = there
        .iter()
        .filter(|row| {
            let position = open.iter().position(|wanted| wanted == *row);
            position.map(|position| open.remove(position)).is_some()
        })
        .cloned()
        .collect();
    if open.is_empty() {
        *there = kept;
    }
}

fn sorted_out(lines: &[String], form: Form) -> Vec<Row> {
    let line = |line: &String| match form {
        Form::Table { .. } => line
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect(),
        Form::Lines | Form::Set => {
            let words: Vec<&str> = line.split_whitespace().collect();
            vec![words.join(" ")]
        }
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(expected: &str, found: &str, form: Form, layout: Layout) -> bool {
        compare(expected, found, form, layout).is_none()
    }

    #[test]
    fn by_cells_spaces_and_order_do_not_matter() {
        let table = Form::Table { is_ordered: false };
        let found = "id  | value\nabc | 1\nb   | 2";
        for (expected, does) in [
            ("id | value\nb | 2\nabc | 1", true),
            ("id | value\nb | 2", false),
            ("id | value\nb | 2\n...", true),
            ("id | value\nb | 3\n...", false),
            ("id | value\nb | 2\nb | 2\n...", false),
            ("value | id\nb | 2\nabc | 1", false),
        ] {
            assert_eq!(
                holds(expected, found, table, Layout::Cells),
                does,
                "{expected}"
            );
        }
        let ordered = Form::Table { is_ordered: true };
        assert!(!holds(
            "id | value\nb | 2\nabc | 1",
            found,
            ordered,
            Layout::Cells
        ));
        assert!(holds(
            "a  COMPLETED\nb IDLE",
            "b  IDLE\na  COMPLETED",
            Form::Set,
            Layout::Cells
        ));
    }

    #[test]
    fn exactly_means_to_the_letter() {
        let table = Form::Table { is_ordered: false };
        assert!(holds(
            "id | v\na  | 1\n",
            "id | v\na  | 1",
            table,
            Layout::Exact
        ));
        assert!(!holds(
            "id | v\na | 1",
            "id | v\na  | 1",
            table,
            Layout::Exact
        ));
        assert!(!holds("id\nb\na", "id\na\nb", table, Layout::Exact));
    }
}
