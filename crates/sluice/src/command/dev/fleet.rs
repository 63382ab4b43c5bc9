//! What is put on the streams while somebody develops: a fleet for each, from the arguments, from sluice.yml, or from the
//! name of the stream. Must not make records.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sluice_model::Diagnostic;
use sluice_model::condition::command::DEV_STREAM_WITHOUT_RECORDS;
use sluice_model::suggest::listed;
use sluice_source::generate::{Preset, Rate, StreamPlace};
use tokio::task::JoinHandle;

use super::super::simulate::{Stop, simulate_to_stream};
use crate::arguments::{Dev, Pace, Simulate};
use crate::render::Screen;
use crate::source_text::SourceTexts;

/// Records of all devices of a stream, unless asked otherwise: enough to see something at once.
const RECORDS_PER_SECOND: u64 = 20;
/// Share of readings that stand out, so that alerts come.
const ANOMALIES: f64 = 0.05;

/// What is put on one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Records {
    Preset(Preset),
    Template(PathBuf),
    /// Nothing, as sluice.yml wants it.
    Nothing,
    /// Nobody knows.
    Unknown,
}

/// The fleets at work.
#[derive(Debug)]
pub(super) struct Fleets {
    screen: Screen,
    stop: Arc<Stop>,
    running: Vec<JoinHandle<Result<u64, Vec<Diagnostic>>>>,
}

impl Fleets {
    pub(super) fn new(screen: &Screen) -> Self {
        Self {
            screen: screen.clone(),
            stop: Arc::default(),
            running: vec![],
        }
    }

    /// Begins to put records on a stream, if it is known which. Says what it does.
    pub(super) fn begin(
        &mut self,
        asked: &Dev,
        place: StreamPlace,
        wanted: &BTreeMap<String, String>,
        folder: &Path,
    ) {
        let stream = place.stream.clone();
        if asked.no_simulate {
            return;
        }
        let (preset, template) = match records(asked, &stream, wanted, folder) {
            Records::Preset(preset) => (Some(preset.name().to_owned()), None),
            Records::Template(file) => (None, Some(file)),
            Records::Nothing => return,
            Records::Unknown => {
                self.screen
                    .diagnostics(&[nothing_fits(&stream)], &SourceTexts::default());
                return;
            }
        };
        let anomalies = if preset.is_some() { ANOMALIES } else { 0.0 };
        let what = match (&preset, &template) {
            (Some(preset), _) => preset.clone(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => return,
        };
        let rate = asked
            .rate
            .unwrap_or(Pace::Rate(Rate::new(RECORDS_PER_SECOND, 1_000_000)));
        let share = if preset.is_some() {
            ", 5% of its readings stand out"
        } else {
            ""
        };
        self.screen
            .say(&format!("sensors   {what} on `{stream}`{share}"));
        let simulate = Simulate::on_stream(&stream, preset, template, rate, anomalies);
        let (screen, stop) = (self.screen.clone(), Arc::clone(&self.stop));
        self.running.push(tokio::spawn(async move {
            let ended = simulate_to_stream(&screen, &simulate, &place, &stop).await;
            if let Err(errors) = &ended {
                screen.diagnostics(errors, &SourceTexts::default());
            }
            ended
        }));
    }

    /// Ends them all; all that is on its way arrives. Tells how many records there were.
    pub(super) async fn stop(self) -> u64 {
        let mut records = 0;
        self.stop.ask();
        for running in self.running {
            // The next one wakes up too.
            self.stop.ask();
            if let Ok(Ok(count)) = running.await {
                records += count;
            }
        }
        records
    }
}

fn records(asked: &Dev, stream: &str, wanted: &BTreeMap<String, String>, folder: &Path) -> Records {
    if let Some(file) = &asked.template {
        return Records::Template(file.clone());
    }
    if let Some(preset) = asked.preset.as_deref().and_then(Preset::find) {
        return Records::Preset(preset);
    }
    match wanted.get(stream).map(String::as_str) {
        Some("none") => Records::Nothing,
        Some(name) => match Preset::find(name) {
            Some(preset) => Records::Preset(preset),
            None => Records::Template(folder.join(name)),
        },
        None => Preset::of_stream(stream).map_or(Records::Unknown, Records::Preset),
    }
}

fn nothing_fits(stream: &str) -> Diagnostic {
    let message = format!("no fleet fits the name of stream `{stream}`, so it stays empty");
    Diagnostic::warning(&DEV_STREAM_WITHOUT_RECORDS, message)
        .help(format!(
            "name one: `sluice dev --preset NAME`, one of {}",
            listed(Preset::ALL.map(Preset::name))
        ))
        .help(format!(
            "or in sluice.yml: `simulate: {{{stream}: NAME}}`, a preset or the file of a template"
        ))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn chosen(line: &str, stream: &str, wanted: &[(&str, &str)]) -> Records {
        let arguments =
            Arguments::parse_from(["sluice", "dev"].into_iter().chain(line.split_whitespace()));
        let Command::Dev(asked) = arguments.command else {
            panic!("not dev");
        };
        let wanted = wanted
            .iter()
            .map(|(stream, what)| ((*stream).to_owned(), (*what).to_owned()))
            .collect();
        records(&asked, stream, &wanted, Path::new("/p"))
    }

    #[test]
    fn a_stream_gets_the_records_that_are_asked_for_before_those_of_its_name() {
        let bridge = Records::Preset(Preset::BridgeSensors);
        assert_eq!(chosen("", "iot-sensor-data", &[]), bridge);
        assert_eq!(chosen("", "bridge_sensors_prod", &[]), bridge);
        assert_eq!(
            chosen("", "iot-sensor-data-stream", &[]),
            Records::Preset(Preset::FleetPoc)
        );
        assert_eq!(chosen("", "clicks", &[]), Records::Unknown);
        assert_eq!(
            chosen("", "clicks", &[("clicks", "bridge-sensors")]),
            bridge
        );
        assert_eq!(
            chosen("", "clicks", &[("clicks", "none")]),
            Records::Nothing
        );
        assert_eq!(
            chosen("", "clicks", &[("clicks", "click.json")]),
            Records::Template("/p/click.json".into())
        );
        let asked = chosen("--preset sensor-logs", "clicks", &[("clicks", "none")]);
        assert_eq!(asked, Records::Preset(Preset::SensorLogs));
    }
}
