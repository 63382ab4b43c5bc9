//! Shows an update while it runs: live lines on a terminal, one Databricks-shaped line per event elsewhere, and every
//! event as a line of JSON where `--events` says. Must not print by itself what `render` can.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use sluice_model::Diagnostic;
use sluice_model::condition::command::OUTPUT_NOT_WRITABLE;
use sluice_model::event::{Event, EventLevel};
use sluice_run::Observer;

use crate::render::Screen;
use crate::source_text::SourceTexts;

/// Shows events as they happen.
#[derive(Debug)]
pub(crate) struct Narrator {
    screen: Screen,
    is_detailed: bool,
    live: Option<Live>,
    events: Mutex<Option<Sink>>,
}

/// Where `--events` goes.
#[derive(Debug)]
enum Sink {
    Stdout,
    File(BufWriter<File>, PathBuf),
}

/// Lines that change in place: the update, and one per flow at work.
#[derive(Debug)]
struct Live {
    lines: MultiProgress,
    update: ProgressBar,
    flows: Mutex<BTreeMap<String, FlowLine>>,
}

/// The line of a flow at work.
#[derive(Debug)]
struct FlowLine {
    bar: ProgressBar,
    /// Rows of all its micro-batches so far.
    rows: u64,
}

impl Narrator {
    /// Makes a narrator; opens the file for events.
    pub(crate) fn new(
        screen: &Screen,
        events: Option<&Path>,
        is_detailed: bool,
    ) -> Result<Self, Box<Diagnostic>> {
        let sink = match events {
            None => None,
            Some(path) if path.as_os_str() == "-" => Some(Sink::Stdout),
            Some(path) => {
                let file = File::create(path)
                    .map_err(|e| Box::new(Diagnostic::error(&OUTPUT_NOT_WRITABLE, lost(path, &e))));
                Some(Sink::File(BufWriter::new(file?), path.to_path_buf()))
            }
        };
        let is_live = screen.is_progress_terminal && !screen.is_quiet() && !is_detailed;
        Ok(Self {
            screen: screen.clone(),
            is_detailed,
            live: is_live.then(Live::new),
            events: Mutex::new(sink),
        })
    }

    /// Takes the live lines away.
    pub(crate) fn finish(&self) {
        if let Some(live) = &self.live {
            live.clear();
        }
    }

    /// Stops writing events, and says so once: the update goes on, and the event log of the pipeline has them all.
    fn lose_events(&self, path: &Path, error: &io::Error) {
        let warning = Diagnostic::warning(&OUTPUT_NOT_WRITABLE, lost(path, error))
            .fact("the update goes on; no further event is written there")
            .help("`sluice logs` shows all events of the pipeline");
        self.screen
            .for_people()
            .diagnostics(&[warning], &SourceTexts::default());
    }
}

fn lost(path: &Path, error: &io::Error) -> String {
    format!("cannot write events to `{}`: {error}", path.display())
}

impl Observer for Narrator {
    fn event(&self, event: &Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *events {
            None => {}
            Some(Sink::Stdout) => self.screen.line(&row(event).to_string()),
            Some(Sink::File(file, path)) => {
                // Whoever follows the file of an update that goes on sees each event at once.
                let written = writeln!(file, "{}", row(event)).and_then(|()| file.flush());
                if let Err(error) = written {
                    self.lose_events(path, &error);
                    *events = None;
                }
            }
        }
        drop(events);
        match &self.live {
            Some(live) => live.event(event),
            None if is_told(event, self.is_detailed) => self.screen.say(&line(event)),
            None => {}
        }
    }
}

/// Progress, and whatever is not well; the rest only when asked.
fn is_told(event: &Event, is_detailed: bool) -> bool {
    match event.level {
        EventLevel::Metrics => false,
        EventLevel::Warn | EventLevel::Error => true,
        EventLevel::Info => {
            is_detailed
                || matches!(
                    event.event_type.as_str(),
                    "update_progress" | "flow_progress"
                )
        }
    }
}

/// `2026-11-20T20:00:01.123Z update_progress INFO "Update 6fc8a8 is RUNNING."`
pub(crate) fn line(event: &Event) -> String {
    format!(
        "{} {} {} {}",
        timestamp(event.timestamp_us, 3),
        event.event_type,
        event.level.as_str(),
        Value::from(event.message.as_str())
    )
}

/// The event as a row of the event log.
fn row(event: &Event) -> Value {
    json!({
        "id": event.id,
        "sequence": event.sequence,
        "timestamp": timestamp(event.timestamp_us, 6),
        "event_type": event.event_type,
        "level": event.level.as_str(),
        "message": event.message,
        "maturity_level": "STABLE",
        "origin": event.origin,
        "error": event.error,
        "details": event.details,
    })
}

/// A time in UTC with so many decimals of the second, 3 or 6.
pub(crate) fn timestamp(us: i64, decimals: u8) -> String {
    let time = chrono::DateTime::from_timestamp_micros(us).unwrap_or_default();
    let pattern = if decimals == 3 {
        "%Y-%m-%dT%H:%M:%S%.3fZ"
    } else {
        "%Y-%m-%dT%H:%M:%S%.6fZ"
    };
    time.format(pattern).to_string()
}

impl Live {
    fn new() -> Self {
        let lines = MultiProgress::new();
        let update = lines.add(spinner());
        update.set_message("Update is starting");
        Self {
            lines,
            update,
            flows: Mutex::default(),
        }
    }

    fn event(&self, event: &Event) {
        let of = |kind: &str, key: &str| {
            event
                .details
                .get(kind)
                .and_then(|d| d.get(key))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        if event.event_type == "update_progress" {
            self.update.set_message(event.message.clone());
        }
        let (Some(status), Some(name)) = (
            of("flow_progress", "status"),
            event.origin.flow_name.clone(),
        ) else {
            if event.level >= EventLevel::Warn {
                let _ = self.lines.println(line(event));
            }
            return;
        };
        let mut flows = self.flows.lock().unwrap_or_else(PoisonError::into_inner);
        match status.as_str() {
            "STARTING" | "PLANNING" | "RUNNING" => {
                let rows = event
                    .details
                    .pointer("/flow_progress/metrics/num_output_rows")
                    .and_then(Value::as_u64);
                let line = flows.entry(name.clone()).or_insert_with(|| FlowLine {
                    bar: self.lines.add(spinner()),
                    rows: 0,
                });
                line.rows += rows.unwrap_or(0);
                let rows = match line.rows {
                    0 => String::new(),
                    rows => format!("  {rows} rows"),
                };
                line.bar
                    .set_message(format!("{name}  {}{rows}", status.to_lowercase()));
            }
            "QUEUED" => {}
            ended => {
                if let Some(line) = flows.remove(&name) {
                    line.bar.finish_and_clear();
                    self.lines.remove(&line.bar);
                }
                if ended == "FAILED" {
                    let _ = self.lines.println(line(event));
                }
            }
        }
    }

    fn clear(&self) {
        self.update.finish_and_clear();
        for line in self
            .flows
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            line.bar.finish_and_clear();
        }
        let _ = self.lines.clear();
    }
}

fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("  {spinner} {msg}  {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

#[cfg(test)]
mod tests {
    use sluice_model::event::EventOrigin;

    use super::*;

    fn event(event_type: &str, level: EventLevel) -> Event {
        Event {
            id: "e".into(),
            timestamp_us: 1_795_204_801_123_456,
            sequence: 1,
            origin: EventOrigin::default(),
            message: "Update 6fc8a8 is \"RUNNING\".".into(),
            level,
            error: None,
            event_type: event_type.into(),
            details: json!({ event_type: {} }),
        }
    }

    #[test]
    fn a_line_has_the_shape_that_scripts_know() {
        assert_eq!(
            line(&event("update_progress", EventLevel::Info)),
            r#"2026-11-20T20:00:01.123Z update_progress INFO "Update 6fc8a8 is \"RUNNING\".""#
        );
    }

    #[test]
    fn progress_and_trouble_are_told() {
        for (event_type, level, is_detailed, expected) in [
            ("update_progress", EventLevel::Info, false, true),
            ("flow_progress", EventLevel::Info, false, true),
            ("flow_progress", EventLevel::Metrics, true, false),
            ("flow_definition", EventLevel::Info, false, false),
            ("flow_definition", EventLevel::Info, true, true),
            ("flow_definition", EventLevel::Warn, false, true),
        ] {
            assert_eq!(
                is_told(&event(event_type, level), is_detailed),
                expected,
                "{event_type} {level:?}"
            );
        }
    }
}
