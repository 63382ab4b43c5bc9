//! `sluice tap`: rows of a table as commits bring them, whoever makes the commits.

use sluice_run::QueryResult;

use super::fail;
use super::run::interrupted;
use crate::arguments::{Global, Mode, Tap, TapFormat};
use crate::exit::Exit;
use crate::render::Screen;
use crate::rows::Rows;
use crate::watching::{Watched, table_named};
use crate::workplace::{Refused, block_on};

/// Rows that are read at a look at most: the next look reads on from the next commit.
const ROWS_MAX: usize = 100_000;
/// Cells are cut at so many characters in a box.
pub(crate) const CELL_WIDTH: usize = 40;

/// Shows rows until the limit, or until interrupted.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Tap) -> Result<Exit, Refused> {
    let place = super::open_sound(global, asked.key.as_deref())?;
    let (engine, declared) = (&place.engine, &place.declared);
    let mut printer = Printer::new(screen, asked.format);
    block_on(async {
        let named = table_named(engine, declared, &place.namespace(), &asked.name).await;
        let name = match named {
            Ok(name) => name,
            Err(errors) => return fail(screen, &errors, &place.texts),
        };
        let mut watched = Watched::new(name, asked.from_start);
        match watched.onlooker(engine, declared).await {
            Ok(Some(_)) => {}
            Ok(None) => screen.say(&format!(
                "waiting for `{}`: no update has made it yet",
                watched.name
            )),
            Err(errors) => return fail(screen, &errors, &place.texts),
        }
        let mut left = asked.limit;
        loop {
            let rows_max = left
                .and_then(|left| usize::try_from(left).ok())
                .map_or(ROWS_MAX, |left| left.min(ROWS_MAX));
            let passing = match watched.rows(engine, declared, rows_max).await {
                Ok(passing) => passing,
                Err(errors) => return fail(screen, &errors, &place.texts),
            };
            for part in &passing.parts {
                let rows = Rows::of(part, &place.time_zone);
                left = left.map(|left| left.saturating_sub(rows.cells.len() as u64));
                if !printer.print(screen, part, &rows) {
                    return Exit::Success;
                }
            }
            if left == Some(0) {
                return Exit::Success;
            }
            if passing.has_more {
                screen.say("… and more rows in these commits");
            }
            tokio::select! {
                () = tokio::time::sleep(asked.interval) => {}
                _ = interrupted() => return Exit::Success,
            }
        }
    })
}

/// Writes rows in a form, a header where it is due.
#[derive(Debug)]
pub(crate) struct Printer {
    format: TapFormat,
    width: Option<usize>,
    /// The columns of the last header.
    header: Option<Vec<String>>,
}

impl Printer {
    pub(crate) fn new(screen: &Screen, format: Option<TapFormat>) -> Self {
        let usual = if screen.is_terminal && !screen.is_json {
            TapFormat::Box
        } else {
            TapFormat::Json
        };
        Self {
            format: format.unwrap_or(usual),
            width: screen.is_terminal.then_some(CELL_WIDTH),
            header: None,
        }
    }

    /// Prints; false when nobody reads any more, or nothing can be written.
    fn print(&mut self, screen: &Screen, part: &QueryResult, rows: &Rows) -> bool {
        let text = match self.format {
            TapFormat::Json => rows.render(Mode::Jsonlines, None),
            TapFormat::Box => rows.render(Mode::Box, self.width),
            TapFormat::Csv => {
                let names: Vec<String> = part
                    .schema
                    .fields()
                    .iter()
                    .map(|field| field.name().clone())
                    .collect();
                let is_new = self.header.as_ref() != Some(&names);
                self.header = Some(names);
                let header = if is_new {
                    rows.csv_header()
                } else {
                    String::new()
                };
                header + &rows.csv_lines()
            }
        };
        screen.records(text.as_bytes())
    }
}
