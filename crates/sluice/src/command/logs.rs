//! `sluice logs`: events of past updates, from the event log.

use serde_json::Value;

use super::sql::report;
use crate::arguments::{Global, Logs, Mode};
use crate::exit::Exit;
use crate::render::Screen;
use crate::statement;
use crate::workplace::{Refused, Workplace, block_on};

/// Shows the newest events that match, oldest first.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Logs) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let text = query(&place, asked);
    block_on(async {
        let mut rows = match statement::run(&place.shell(), &text).await {
            Ok(rows) => rows,
            Err(errors) => return report(screen, &place, &text, &errors),
        };
        rows.cells.reverse();
        if screen.is_json {
            screen.result(&rows.render(Mode::Json, None));
            return Exit::Success;
        }
        for row in &rows.cells {
            let [timestamp, event_type, level, message, ..] = row.as_slice() else {
                continue;
            };
            let word = |cell: &Option<String>| cell.clone().unwrap_or_default();
            screen.line(&format!(
                "{} {} {} {}",
                word(timestamp),
                word(event_type),
                word(level),
                Value::from(word(message))
            ));
        }
        Exit::Success
    })
}

fn query(place: &Workplace, asked: &Logs) -> String {
    let mut conditions = vec!["TRUE".to_owned()];
    let among = |column: &str, words: &[String]| {
        let words: Vec<String> = words.iter().map(|word| literal(word)).collect();
        (!words.is_empty()).then(|| format!("{column} IN ({})", words.join(", ")))
    };
    conditions.extend(among("level", &asked.level));
    conditions.extend(among("event_type", &asked.event_type));
    if asked.level.is_empty() {
        conditions.push("level <> 'METRICS'".to_owned());
    }
    if let Some(id) = &asked.update_id {
        conditions.push(format!(
            "get_json_object(origin, '$.update_id') LIKE {}",
            literal(&format!("{id}%"))
        ));
    }
    conditions.extend(
        asked
            .start_time
            .as_ref()
            .map(|time| format!("timestamp >= CAST({} AS TIMESTAMP)", literal(time))),
    );
    conditions.extend(
        asked
            .end_time
            .as_ref()
            .map(|time| format!("timestamp < CAST({} AS TIMESTAMP)", literal(time))),
    );
    format!(
        "SELECT date_format(timestamp, \"yyyy-MM-dd'T'HH:mm:ss.SSS'Z'\") AS timestamp, event_type, level, message, \
         get_json_object(origin, '$.update_id') AS update_id, get_json_object(origin, '$.dataset_name') AS dataset_name, \
         id, details FROM (SELECT * FROM {} WHERE {} \
         ORDER BY timestamp DESC, CAST(get_json_object(sequence, '$.data_plane_id.seq_no') AS BIGINT) DESC LIMIT {}) \
         ORDER BY timestamp DESC, CAST(get_json_object(sequence, '$.data_plane_id.seq_no') AS BIGINT) DESC",
        event_log(place),
        conditions.join(" AND "),
        asked.number
    )
}

/// The event log of the pipeline, as a relation.
pub(crate) fn event_log(place: &Workplace) -> String {
    let key = place
        .project
        .as_ref()
        .map_or("", |project| project.key.as_str());
    format!("event_log({})", literal(key))
}

/// A text as a literal of SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::literal;

    #[test]
    fn texts_cannot_leave_their_quotes() {
        assert_eq!(literal("a'b\\c"), r"'a\'b\\c'");
    }
}
