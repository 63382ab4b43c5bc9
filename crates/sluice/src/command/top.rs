//! `sluice top`: rows per second and in all, flow by flow, from the commits of the tables: whoever makes them.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};
use sluice_graph::DeclaredFlow;
use sluice_model::{Clock, Diagnostic};
use sluice_run::FlowNumbers;

use super::fail;
use super::run::{grouped, interrupted};
use crate::arguments::{Global, Top};
use crate::edge::SystemClock;
use crate::exit::Exit;
use crate::progress::timestamp;
use crate::render::Screen;
use crate::watching::Watched;
use crate::workplace::{Refused, Workplace, block_on};

/// A flow with the table that it fills.
struct Line {
    flow: String,
    table: usize,
    /// Numbers of the commits since this began to look.
    seen: FlowNumbers,
    /// Numbers since the last look.
    passing: FlowNumbers,
}

/// What is known of a table.
struct Table {
    watched: Watched,
    version: Option<u64>,
    rows: Option<u64>,
}

/// Looks until interrupted.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Top) -> Result<Exit, Refused> {
    let place = super::open_sound(global, asked.key.as_deref())?;
    let (mut tables, mut lines) = begin(&place);
    let mut board = (screen.is_terminal && !screen.is_json).then(|| Board::new(lines.len()));
    block_on(async {
        let mut last = Instant::now();
        // The first look only finds out where the tables stand.
        if let Err(errors) = look(&place, &mut tables, &mut lines).await {
            return fail(screen, &errors, &place.texts);
        }
        let mut looks = 0;
        loop {
            tokio::select! {
                () = tokio::time::sleep(asked.interval) => {}
                _ = interrupted() => break,
            }
            if let Err(errors) = look(&place, &mut tables, &mut lines).await {
                return fail(screen, &errors, &place.texts);
            }
            let now = Instant::now();
            let passed = now.duration_since(last);
            last = now;
            match &mut board {
                Some(board) => board.show(&tables, &lines, passed),
                None if screen.is_json => screen.object(&object(&tables, &lines, passed)),
                None => screen.line(&text(&lines, passed)),
            }
            looks += 1;
            if asked.count == Some(looks) || !screen.is_read() {
                break;
            }
        }
        Exit::Success
    })
}

fn begin(place: &Workplace) -> (Vec<Table>, Vec<Line>) {
    let (mut tables, mut lines): (Vec<Table>, Vec<Line>) = (vec![], vec![]);
    let declared = &place.declared;
    let fills_table = |flow: &&DeclaredFlow| {
        let target = declared.datasets.get(&flow.id.target);
        target.is_some_and(|target| target.kind.is_table())
    };
    for flow in declared.flows.values().filter(fills_table) {
        let target = &flow.id.target;
        let known = tables
            .iter()
            .position(|table| &table.watched.name == target);
        let table = known.unwrap_or_else(|| {
            tables.push(Table {
                watched: Watched::new(target.clone(), false),
                version: None,
                rows: None,
            });
            tables.len() - 1
        });
        lines.push(Line {
            flow: sluice_run::flow_display(&flow.id),
            table,
            seen: FlowNumbers::default(),
            passing: FlowNumbers::default(),
        });
    }
    (tables, lines)
}

async fn look(
    place: &Workplace,
    tables: &mut [Table],
    lines: &mut [Line],
) -> Result<(), Vec<Diagnostic>> {
    for line in lines.iter_mut() {
        line.passing = FlowNumbers::default();
    }
    for (index, table) in tables.iter_mut().enumerate() {
        let onlooker = table.watched.onlooker(&place.engine, &place.declared);
        let Some(onlooker) = onlooker.await? else {
            continue;
        };
        let numbers = onlooker.numbers().await?;
        table.version = Some(onlooker.table().version());
        table.rows = onlooker.table().row_count();
        for line in lines.iter_mut().filter(|line| line.table == index) {
            if let Some(passing) = numbers.get(&line.flow) {
                line.passing = *passing;
                line.seen.add(passing);
            }
        }
    }
    Ok(())
}

/// Rows per second with one decimal.
fn rate(rows: u64, passed: Duration) -> String {
    let tenths = u128::from(rows) * 10_000 / passed.as_millis().max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// One line for a look, flows with nothing new left out.
fn text(lines: &[Line], passed: Duration) -> String {
    let words = lines
        .iter()
        .filter(|line| line.passing.commits > 0)
        .map(|line| {
            let mut words = format!("{} +{}", line.flow, line.passing.written_rows);
            if line.passing.dropped_rows > 0 {
                words = format!("{words} (dropped {})", line.passing.dropped_rows);
            }
            format!("{words} {}/s", rate(line.passing.written_rows, passed))
        });
    let words: Vec<String> = words.collect();
    let words = if words.is_empty() {
        "nothing new".to_owned()
    } else {
        words.join("  ")
    };
    format!("{} {words}", timestamp(SystemClock.now_us(), 3))
}

fn object(tables: &[Table], lines: &[Line], passed: Duration) -> Value {
    let flows: Vec<Value> = lines
        .iter()
        .map(|line| {
            let table = tables.get(line.table);
            json!({
                "flow": line.flow,
                "dataset": table.map(|table| table.watched.name.to_string()),
                "version": table.and_then(|table| table.version),
                "rows": table.and_then(|table| table.rows),
                "new_rows": line.passing.written_rows,
                "new_dropped": line.passing.dropped_rows,
                "new_bad_records": line.passing.bad_records,
                "new_commits": line.passing.commits,
            })
        })
        .collect();
    json!({
        "timestamp": timestamp(SystemClock.now_us(), 3),
        "passed_ms": u64::try_from(passed.as_millis()).unwrap_or(u64::MAX),
        "flows": flows,
    })
}

/// Lines that change in place.
struct Board {
    lines: Vec<ProgressBar>,
}

impl Board {
    fn new(flows: usize) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
        let lines = (0..=flows).map(|_| {
            let line = all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                line.set_style(style);
            }
            line
        });
        Self {
            lines: lines.collect(),
        }
    }

    fn show(&mut self, tables: &[Table], lines: &[Line], passed: Duration) {
        let width = lines.iter().map(|line| line.flow.chars().count());
        let width = width.max().unwrap_or(0).max("flow".len());
        let title = format!(
            "{:<width$} {:>10} {:>12} {:>10} {:>8} {:>8}  last commit",
            "flow", "rows/s", "rows", "dropped", "bad", "version"
        );
        let rows = lines.iter().map(|line| {
            let table = tables.get(line.table);
            let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), grouped);
            format!(
                "{:<width$} {:>10} {:>12} {:>10} {:>8} {:>8}  {}",
                line.flow,
                rate(line.passing.written_rows, passed),
                number(table.and_then(|table| table.rows)),
                grouped(line.seen.dropped_rows),
                grouped(line.seen.bad_records),
                number(table.and_then(|table| table.version)),
                ago(line.seen.newest_ms),
            )
        });
        for (bar, text) in self.lines.iter().zip([title].into_iter().chain(rows)) {
            bar.set_message(text);
            bar.tick();
        }
    }
}

/// How long ago, in words; nothing for never.
fn ago(newest_ms: Option<i64>) -> String {
    let Some(newest_ms) = newest_ms else {
        return String::new();
    };
    let passed_ms = (SystemClock.now_us() / 1000 - newest_ms).max(0);
    match passed_ms {
        0..60_000 => format!("{}.{}s ago", passed_ms / 1000, passed_ms % 1000 / 100),
        60_000..3_600_000 => format!("{}m ago", passed_ms / 60_000),
        _ => format!("{}h ago", passed_ms / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_rows_per_second() {
        for (rows, ms, expected) in [
            (0, 1000, "0.0"),
            (100, 1000, "100.0"),
            (1, 3000, "0.3"),
            (5, 0, "5000.0"),
        ] {
            assert_eq!(rate(rows, Duration::from_millis(ms)), expected);
        }
    }
}
