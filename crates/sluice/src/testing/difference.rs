//! Expected and found side by side, so that a person sees at once what differs: rows aligned, lines marked, cells
//! underlined. Must not decide whether an answer holds.

/// Cells that are compared at most before the longest common part is no longer looked for.
const CELLS_MAX: usize = 1_000_000;
/// Equal lines that are kept around a difference.
const CONTEXT: usize = 3;
/// Lines shown at most.
const LINES_MAX: usize = 60;

/// A row of an answer: its cells, or the whole line as one.
pub(crate) type Row = Vec<String>;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Same,
    Expected,
    Found,
}

/// Both answers as one text: `-` was expected and not found, `+` was found and not expected.
pub(crate) fn show(expected: &[Row], found: &[Row]) -> String {
    let merged = merge(expected, found);
    let columns = merged.iter().map(|(_, row)| row.len()).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = merged.iter().filter_map(|(_, row)| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut lines = vec!["  (- expected, + found)".to_owned()];
    let mut position = 0;
    while let Some((mark, row)) = merged.get(position) {
        if *mark == Mark::Same {
            position = equal_rows(&merged, position, &widths, &mut lines);
            continue;
        }
        let of = |mark: Mark, from: usize| {
            let rest = merged.iter().skip(from);
            rest.take_while(|(m, _)| *m == mark).count()
        };
        let missing = of(Mark::Expected, position);
        let surplus = of(Mark::Found, position + missing);
        if missing == 0 || surplus == 0 {
            lines.push(line(*mark, row, &widths));
            position += 1;
            continue;
        }
        for pair in 0..missing.max(surplus) {
            let old = (pair < missing)
                .then(|| merged.get(position + pair))
                .flatten();
            let new = (pair < surplus)
                .then(|| merged.get(position + missing + pair))
                .flatten();
            for (mark, row) in [old, new].into_iter().flatten() {
                lines.push(line(*mark, row, &widths));
            }
            if let (Some((_, old)), Some((_, new))) = (old, new)
                && old.len() == new.len()
                && old.len() > 1
            {
                lines.push(underline(old, new, &widths));
            }
        }
        position += missing + surplus;
    }
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("  … {more} more lines"));
    }
    lines.join("\n")
}

/// Shows rows that are equal, but for the middle of many; returns where they end.
fn equal_rows(
    merged: &[(Mark, Row)],
    from: usize,
    widths: &[usize],
    lines: &mut Vec<String>,
) -> usize {
    let rest = merged.iter().skip(from);
    let count = rest.take_while(|(mark, _)| *mark == Mark::Same).count();
    let end = from + count;
    // The first row is the header of a table: always worth seeing.
    let head = if from == 0 { 1 } else { CONTEXT };
    let tail = if end == merged.len() { 0 } else { CONTEXT };
    for (index, (mark, row)) in merged.iter().enumerate().take(end).skip(from) {
        let is_near = index < from + head || index + tail >= end || count <= head + tail + 1;
        if is_near {
            lines.push(line(*mark, row, widths));
        } else if index == from + head {
            lines.push(format!("  … {} equal", count - head - tail));
        }
    }
    end
}

fn line(mark: Mark, row: &[String], widths: &[usize]) -> String {
    let sign = match mark {
        Mark::Same => ' ',
        Mark::Expected => '-',
        Mark::Found => '+',
    };
    let cells: Vec<String> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| format!("{cell:<width$}"))
        .collect();
    format!("{sign} {}", cells.join(" | "))
        .trim_end()
        .to_owned()
}

/// Marks the cells in which two rows differ.
fn underline(old: &[String], new: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> = old
        .iter()
        .zip(new)
        .zip(widths)
        .map(|((old, new), width)| {
            let length = old.chars().count().max(new.chars().count()).max(1);
            let marks = if old == new { 0 } else { length };
            format!("{:<width$}", "^".repeat(marks))
        })
        .collect();
    format!("  {}", cells.join("   ")).trim_end().to_owned()
}

/// One sequence of rows: those of both sides in order, equal ones once.
fn merge(expected: &[Row], found: &[Row]) -> Vec<(Mark, Row)> {
    let pairs = if expected.len().saturating_mul(found.len()) > CELLS_MAX {
        vec![]
    } else {
        common(expected, found)
    };
    let mut merged = vec![];
    let (mut i, mut j) = (0, 0);
    for (to_i, to_j) in pairs.into_iter().chain([(expected.len(), found.len())]) {
        let missing = expected.get(i..to_i).unwrap_or_default();
        merged.extend(missing.iter().map(|row| (Mark::Expected, row.clone())));
        let surplus = found.get(j..to_j).unwrap_or_default();
        merged.extend(surplus.iter().map(|row| (Mark::Found, row.clone())));
        if let Some(row) = found.get(to_j) {
            merged.push((Mark::Same, row.clone()));
        }
        (i, j) = (to_i + 1, to_j + 1);
    }
    merged
}

/// Positions of the longest common subsequence.
fn common(expected: &[Row], found: &[Row]) -> Vec<(usize, usize)> {
    let wide = found.len() + 1;
    let mut lengths = vec![0_usize; (expected.len() + 1) * wide];
    for (i, old) in expected.iter().enumerate().rev() {
        for (j, new) in found.iter().enumerate().rev() {
            lengths[i * wide + j] = if old == new {
                lengths[(i + 1) * wide + j + 1] + 1
            } else {
                lengths[(i + 1) * wide + j].max(lengths[i * wide + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut pairs = vec![];
    while i < expected.len() && j < found.len() {
        if expected[i] == found[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * wide + j] >= lengths[i * wide + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Vec<Row> {
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
        text.lines().map(cells).collect()
    }

    #[test]
    fn a_changed_cell_is_underlined() {
        let shown = show(
            &rows("id|value\na|20.5\nb|21.0\nc|1"),
            &rows("id|value\na|20.5\nb|22\nc|1"),
        );
        assert_eq!(
            shown,
            "  (- expected, + found)\n  id | value\n  a  | 20.5\n- b  | 21.0\n+ b  | 22\n       ^^^^\n  c  | 1"
        );
    }

    #[test]
    fn rows_that_only_one_side_has_are_marked() {
        let shown = show(&rows("id\na\nb"), &rows("id\nb\nc"));
        assert_eq!(shown, "  (- expected, + found)\n  id\n- a\n  b\n+ c");
    }

    #[test]
    fn many_equal_rows_are_folded() {
        let many: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        let expected = format!("id\n{}\nx", many.join("\n"));
        let found = format!("id\n{}\ny", many.join("\n"));
        let shown = show(&rows(&expected), &rows(&found));
        assert_eq!(
            shown,
            "  (- expected, + found)\n  id\n  … 27 equal\n  27\n  28\n  29\n- x\n+ y"
        );
    }
}
