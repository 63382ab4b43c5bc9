//! `sluice history`: past updates, newest first, from the event log; with a table, its versions.

use sluice_model::DatasetName;

use super::logs::event_log;
use super::sql::report;
use crate::arguments::{Global, History, Mode};
use crate::exit::Exit;
use crate::render::Screen;
use crate::rows::Rows;
use crate::statement;
use crate::workplace::{Refused, Workplace, block_on};

/// One update as its events tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Past {
    update_id: String,
    started: String,
    ended: String,
    state: String,
}

/// Lists the updates.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &History) -> Result<Exit, Refused> {
    if let Some(table) = asked.key.as_deref()
        && let Some(place) = place_of_table(global, table)
    {
        return versions(screen, &place, table, asked.number);
    }
    let place = super::open(global, asked.key.as_deref())?;
    let text = format!(
        "SELECT get_json_object(origin, '$.update_id'), \
         date_format(timestamp, \"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\"), get_json_object(details, '$.update_progress.state') \
         FROM {} WHERE event_type = 'update_progress' \
         ORDER BY timestamp, CAST(get_json_object(sequence, '$.data_plane_id.seq_no') AS BIGINT)",
        event_log(&place)
    );
    block_on(async {
        let rows = match statement::run(&place.shell(), &text).await {
            Ok(rows) => rows,
            Err(errors) => return report(screen, &place, &text, &errors),
        };
        let mut updates = updates(&rows.cells);
        updates.reverse();
        updates.truncate(asked.number as usize);
        let cells = updates
            .into_iter()
            .map(|past| {
                [past.update_id, past.state, past.started, past.ended]
                    .into_iter()
                    .map(Some)
                    .collect()
            })
            .collect();
        let rows = Rows::of_texts(&["update_id", "state", "started", "ended"], cells);
        screen.result(&if screen.is_json {
            rows.render(Mode::Json, None)
        } else {
            rows.plain(None)
        });
        Exit::Success
    })
}

/// The project, if it has a dataset of that name; a key of a pipeline wins.
fn place_of_table(global: &Global, table: &str) -> Option<Workplace> {
    if !table.contains('.')
        && super::open(global, Some(table)).is_ok_and(|place| is_key(&place, table))
    {
        return None;
    }
    let place = super::open(global, None).ok()?;
    let parts: Vec<&str> = table
        .split('.')
        .map(|part| part.trim_matches('`'))
        .collect();
    let name = DatasetName::qualify(&parts, &place.namespace())?;
    (table.contains('.') || place.declared.datasets.contains_key(&name)).then_some(place)
}

fn is_key(place: &Workplace, key: &str) -> bool {
    place
        .project
        .as_ref()
        .is_some_and(|project| project.key == key)
}

/// Lists the versions of a table.
fn versions(screen: &Screen, place: &Workplace, table: &str, number: u32) -> Result<Exit, Refused> {
    let text = format!("DESCRIBE HISTORY {table} LIMIT {number}");
    block_on(async {
        let rows = match statement::run(&place.shell(), &text).await {
            Ok(rows) => rows,
            Err(errors) => return report(screen, place, &text, &errors),
        };
        screen.result(&if screen.is_json {
            rows.render(Mode::Json, None)
        } else {
            let columns = ["version", "timestamp", "operation", "operationMetrics"];
            rows.only(&columns).plain(None)
        });
        Exit::Success
    })
}

/// Updates in order of their start; the state is the last one told.
fn updates(cells: &[Vec<Option<String>>]) -> Vec<Past> {
    let mut updates: Vec<Past> = vec![];
    for row in cells {
        let [Some(id), Some(time), Some(state)] = row.as_slice() else {
            continue;
        };
        match updates.iter_mut().find(|past| past.update_id == *id) {
            Some(past) => {
                past.ended.clone_from(time);
                past.state.clone_from(state);
            }
            None => updates.push(Past {
                update_id: id.clone(),
                started: time.clone(),
                ended: time.clone(),
                state: state.clone(),
            }),
        }
    }
    updates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_is_what_its_last_event_says() {
        let row = |id: &str, time: &str, state: &str| {
            vec![Some(id.into()), Some(time.into()), Some(state.into())]
        };
        let found = updates(&[
            row("a", "1", "QUEUED"),
            row("a", "2", "COMPLETED"),
            row("b", "3", "RUNNING"),
            vec![None, None, None],
        ]);
        let shown: Vec<String> = found
            .iter()
            .map(|p| format!("{} {} {} {}", p.update_id, p.started, p.ended, p.state))
            .collect();
        assert_eq!(shown, ["a 1 2 COMPLETED", "b 3 3 RUNNING"]);
    }
}
