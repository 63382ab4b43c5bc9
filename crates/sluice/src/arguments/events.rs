//! What `sluice logs` can be asked for: an unknown word would find nothing, as a quiet pipeline does. Must not read events.

use sluice_decode::datetime::{Zone, parse_timestamp};
use sluice_model::event::EventLevel;

const LEVELS: [EventLevel; 4] = [
    EventLevel::Metrics,
    EventLevel::Info,
    EventLevel::Warn,
    EventLevel::Error,
];
/// All that `sluice-run` and `sluice-serve` write into an event log.
const TYPES: [&str; 7] = [
    "create_update",
    "update_progress",
    "dataset_definition",
    "flow_definition",
    "planning_information",
    "flow_progress",
    "x_alert",
];

/// A level in any case, as the event log writes it.
pub(super) fn level(text: &str) -> Result<String, String> {
    let names = LEVELS.map(EventLevel::as_str);
    one_of(&names, &text.trim().to_uppercase(), "levels")
}

/// A type of events.
pub(super) fn event_type(text: &str) -> Result<String, String> {
    one_of(&TYPES, text.trim(), "types of events")
}

/// A time as CAST reads one from a text.
pub(super) fn time(text: &str) -> Result<String, String> {
    match parse_timestamp(text, &Zone::Fixed(0)) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write a time as in 2026-11-20T20:00:00Z".to_owned()),
    }
}

fn one_of(known: &[&str], wanted: &str, what: &str) -> Result<String, String> {
    if known.contains(&wanted) {
        return Ok(wanted.to_owned());
    }
    Err(format!("the {what} are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_words_are_told_which_there_are() {
        assert_eq!(level("warn"), Ok("WARN".to_owned()));
        assert_eq!(
            level("FOO"),
            Err("the levels are METRICS, INFO, WARN, ERROR".to_owned())
        );
        assert_eq!(event_type("flow_progress"), Ok("flow_progress".to_owned()));
        assert!(event_type("nosuch").is_err());
    }

    #[test]
    fn a_time_is_one_that_the_event_log_can_be_asked_for() {
        for (text, is_time) in [
            ("2026-11-20T20:00:00Z", true),
            ("2026-11-20 20:00:00", true),
            ("2026-11-20", true),
            ("gestern", false),
            ("", false),
        ] {
            assert_eq!(time(text).is_ok(), is_time, "{text}");
        }
    }
}
