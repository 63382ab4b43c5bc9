//! `sluice simulate`: records of sensors that do not exist, at a pace, to stdout, into files or to a stream. What was asked for is
//! checked here; the pace is in `simulate/pump.rs`, at the edge: the simulator itself knows no clock. Must not make a record.

mod pump;
mod stream;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use sluice_model::condition::command::{
    OUTPUT_NOT_WRITABLE, SIMULATION_ARGUMENT_INVALID, SIMULATION_TEMPLATE_INVALID,
    UNSUPPORTED_SIMULATION_TARGET,
};
use sluice_model::condition::project::PROJECT_FILE_NOT_FOUND;
use sluice_model::suggest::listed;
use sluice_model::{Clock, Diagnostic, Ids, Origin};
use sluice_source::generate::{
    Faults, FolderOptions, Preset, Rate, RecordForm, RollingFiles, Simulation, Simulator,
    StreamPlace, Template,
};
use sluice_sql::project::{ProjectFileError, describe, text_of};

use super::fail;
use crate::arguments::{Global, Pace, RecordFormat, Simulate};
use crate::edge::{RandomIds, SystemClock};
use crate::exit::Exit;
use crate::project_disk;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::{Refused, block_on};
pub(crate) use pump::Stop;
use pump::{Ended, Schedule, Target, pump, stop_on_interrupt};

/// Simulates until the end that was asked for, or until interrupted.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Simulate) -> Result<Exit, Refused> {
    let mut texts = SourceTexts::default();
    let prepared = prepare(asked, &mut texts).and_then(|prepared| {
        let place = match &prepared.to {
            To::Stream(stream) => Some(stream::place(global, asked, stream)?),
            To::Stdout | To::Folder(_) => None,
        };
        Ok((prepared, place))
    });
    let (prepared, place) = prepared.map_err(|diagnostics| Refused { diagnostics, texts })?;
    let stop = Arc::new(Stop::default());
    let ended = block_on(async {
        let listener = tokio::spawn(stop_on_interrupt(screen.clone(), Arc::clone(&stop)));
        let ended = match open(screen, asked, prepared, place.as_ref()).await {
            Ok(mut running) => Ok((running.run(asked, &stop).await, running)),
            Err(diagnostic) => Err(Refused {
                diagnostics: vec![*diagnostic],
                texts: SourceTexts::default(),
            }),
        };
        listener.abort();
        ended
    })?;
    let (ended, running) = ended?;
    if let Err(diagnostic) = ended {
        return Ok(fail(screen, &[*diagnostic], &SourceTexts::default()));
    }
    tell(screen, &running);
    Ok(if stop.is_asked.load(Ordering::Relaxed) {
        Exit::Interrupted
    } else {
        Exit::Success
    })
}

/// Simulates a fleet onto a stream until asked to stop: what `sluice dev` does. Tells how many records there were.
pub(crate) async fn simulate_to_stream(
    screen: &Screen,
    asked: &Simulate,
    place: &StreamPlace,
    stop: &Stop,
) -> Result<u64, Vec<Diagnostic>> {
    let prepared = prepare(asked, &mut SourceTexts::default())?;
    let told = |diagnostic: Box<Diagnostic>| vec![*diagnostic];
    let mut running = open(screen, asked, prepared, Some(place))
        .await
        .map_err(told)?;
    running.run(asked, stop).await.map_err(told)?;
    Ok(running.simulator.counts().arrived)
}

/// A simulation whose target is open.
struct Running {
    simulator: Simulator,
    target: Target,
    schedule: Schedule,
    seed: u64,
}

/// Opens what records go to; `place` for a stream.
async fn open(
    screen: &Screen,
    asked: &Simulate,
    prepared: Prepared,
    place: Option<&StreamPlace>,
) -> Result<Running, Box<Diagnostic>> {
    let Prepared {
        maker,
        to,
        schedule,
        simulation,
    } = prepared;
    let seed = simulation.seed;
    let target = match (place, to) {
        (Some(place), _) => stream::open(asked, &maker, place).await?,
        (None, To::Folder(folder)) => Target::Files(
            files(asked, &maker, &folder, &schedule, seed)
                .map_err(|error| Box::new(unwritable(asked, &error)))?,
        ),
        (None, To::Stdout | To::Stream(_)) => Target::stdout(screen),
    };
    let simulator = match maker {
        Maker::Preset(preset) => Simulator::of_preset(preset, simulation),
        Maker::Template(template) => Simulator::of_template(template, simulation),
    };
    Ok(Running {
        simulator,
        target,
        schedule,
        seed,
    })
}

impl Running {
    async fn run(&mut self, asked: &Simulate, stop: &Stop) -> Result<(), Box<Diagnostic>> {
        let ended = pump(&mut self.simulator, &mut self.target, &self.schedule, stop);
        match ended.await {
            Ok(()) | Err(Ended::ReaderGone) => Ok(()),
            Err(Ended::Failed(error)) => Err(Box::new(unwritable(asked, &error))),
            Err(Ended::Stream(error)) => Err(Box::new(stream::unwritable(asked, &error))),
        }
    }
}

/// What was asked for, checked.
struct Prepared {
    maker: Maker,
    to: To,
    schedule: Schedule,
    simulation: Simulation,
}

/// Where records are to go.
enum To {
    Stdout,
    Folder(PathBuf),
    Stream(String),
}

/// What makes records, before it is begun.
enum Maker {
    Preset(Preset),
    Template(Template),
}

fn prepare(asked: &Simulate, texts: &mut SourceTexts) -> Result<Prepared, Vec<Diagnostic>> {
    let to = to(&asked.to).map_err(|diagnostic| vec![*diagnostic])?;
    let maker = match (
        &asked.template,
        asked.preset.as_deref().and_then(Preset::find),
    ) {
        (Some(file), _) => Maker::Template(template(file, texts)?),
        (None, Some(preset)) => Maker::Preset(preset),
        (None, None) => return Err(vec![invalid("name a preset or a template")]),
    };
    let checked = check(asked, &maker, &to);
    let only_table = checked.map_err(|diagnostic| vec![*diagnostic])?;
    let devices = asked.devices.unwrap_or(match &maker {
        Maker::Preset(preset) => preset.devices(),
        Maker::Template(_) => 1,
    });
    let simulation = Simulation {
        seed: asked.seed.unwrap_or_else(random_seed),
        devices,
        faults: Faults {
            anomalies: asked.anomalies,
            late: asked.late,
            duplicates: asked.duplicates,
            broken: asked.broken,
            late_by_us: asked.late_by,
        },
        number_field: asked.number_field.clone(),
        form: form(asked, &maker),
        only_table,
    };
    Ok(Prepared {
        schedule: schedule(asked, &maker, devices),
        maker,
        to,
        simulation,
    })
}

/// Reads `stdout`, `file:DIR` or `kinesis:STREAM`, which may have slashes as a URL has.
fn to(written: &str) -> Result<To, Box<Diagnostic>> {
    if matches!(written, "stdout" | "-") {
        return Ok(To::Stdout);
    }
    match written.split_once(':') {
        Some(("file", folder)) if !folder.is_empty() => Ok(To::Folder(PathBuf::from(folder))),
        Some(("kinesis", stream)) if !stream.trim_matches('/').is_empty() => {
            Ok(To::Stream(stream.trim_matches('/').to_owned()))
        }
        _ => Err(Box::new(
            Diagnostic::error(
                &UNSUPPORTED_SIMULATION_TARGET,
                format!("records cannot be written to `{written}`"),
            )
            .help("write them to `--to stdout`, into files: `--to file:DIR`, or to a stream: `--to kinesis:STREAM`"),
        )),
    }
}

fn template(file: &Path, texts: &mut SourceTexts) -> Result<Template, Vec<Diagnostic>> {
    let name = file.to_string_lossy();
    let bytes = project_disk::read(file).map_err(|error| {
        vec![match error {
            ProjectFileError::NotFound => Diagnostic::error(
                &PROJECT_FILE_NOT_FOUND,
                format!("there is no file `{name}`"),
            ),
            error => describe(&name, &error),
        }]
    })?;
    let text = text_of(&name, bytes).map_err(|diagnostic| vec![*diagnostic])?;
    texts.give(&name, &text);
    Template::parse(&text).map_err(|errors| {
        let errors = errors.into_iter().map(|error| {
            let origin = Origin::new(&*name, error.line, error.column, error.length);
            let diagnostic =
                Diagnostic::error(&SIMULATION_TEMPLATE_INVALID, error.message).at(&origin, "");
            match error.help {
                Some(help) => diagnostic.help(help),
                None => diagnostic,
            }
        });
        errors.collect()
    })
}

fn invalid(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(&SIMULATION_ARGUMENT_INVALID, message)
}

/// What clap cannot know to be wrong. Gives the only table that is wanted.
fn check(asked: &Simulate, maker: &Maker, to: &To) -> Result<Option<usize>, Box<Diagnostic>> {
    let is_folder = matches!(to, To::Folder(_));
    let stream_flag = [
        ("--partition-key", asked.partition_key.is_some()),
        ("--create-stream", asked.create_stream.is_some()),
        ("--region", asked.region.is_some()),
        ("--endpoint", asked.endpoint.is_some()),
        ("--credential", asked.credential.is_some()),
    ];
    let stream_flag = stream_flag.iter().find(|(_, is_given)| *is_given);
    let is_endless = asked.count.is_none() && asked.to_time.is_none();
    let waits = asked.speedup.is_some() || (asked.from.is_none() && asked.rate != Some(Pace::Max));
    let refused = if is_folder && is_endless && !waits {
        Some(invalid("files as fast as possible fill the disk when there is no end").help(
            "add an end: `--count N` or `--to-time TIME`; or a pace: `--rate 100/s` or `--speedup 60`",
        ))
    } else if let (Some((flag, _)), false) = (stream_flag, matches!(to, To::Stream(_))) {
        Some(invalid(format!("`{flag}` is for streams")).help("add `--to kinesis:STREAM`"))
    } else if asked.gzip && !is_folder {
        Some(
            invalid("`--gzip` is for files")
                .help("pack the rows yourself: `sluice simulate … | gzip`"),
        )
    } else if asked.from.is_some() && asked.rate == Some(Pace::Max) {
        Some(invalid("simulated time needs a rate: `--rate max` has none").help(
            "leave `--rate` out: simulated time does not wait, whatever the rate; or write `--rate 100/s`",
        ))
    } else if asked.to_time.is_some_and(|to| Some(to) <= asked.from) {
        Some(invalid("`--to-time` is not behind `--from`"))
    } else {
        match maker {
            Maker::Template(template) if asked.number_field.is_some() && !template.is_object() => {
                Some(
                    invalid("`--number-field` adds a field to a JSON object, and the template is none")
                        .help("write `{{seq}}` into the template"),
                )
            }
            Maker::Template(template) if asked.anomalies > 0.0 && !template.has_anomalies() => {
                Some(invalid("`--anomalies` finds nothing in the template that makes one").help(
                    "say in the template what is usual and what is not: `{{anomaly([15.0, 35.0], [80.0, 120.0])}}`",
                ))
            }
            _ => None,
        }
    };
    if let Some(refused) = refused {
        return Err(Box::new(refused));
    }
    let Maker::Preset(preset) = maker else {
        return Ok(None);
    };
    match &asked.table {
        None if is_folder || preset.tables().len() == 1 => Ok(None),
        // Rows of several tables on one stream are of no use to anybody.
        None => Ok(Some(0)),
        Some(name) => table(*preset, name),
    }
}

/// The table of this name, or of this last part of a name.
fn table(preset: Preset, name: &str) -> Result<Option<usize>, Box<Diagnostic>> {
    let is_it = |table: &&str| *table == name || table.rsplit('/').next() == Some(name);
    let tables = preset.tables();
    match tables.iter().position(is_it) {
        Some(index) if !name.is_empty() => Ok(Some(index)),
        _ => {
            let names = tables.iter().filter_map(|table| table.rsplit('/').next());
            let help = if tables.len() == 1 {
                "it has one: leave `--table` out".to_owned()
            } else {
                format!("its tables are {}", listed(names))
            };
            let message = format!("`{}` has no table `{name}`", preset.name());
            Err(Box::new(invalid(message).help(help)))
        }
    }
}

fn form(asked: &Simulate, maker: &Maker) -> RecordForm {
    match (asked.format, maker) {
        (Some(RecordFormat::Json), _) => RecordForm::Json,
        (Some(RecordFormat::Csv), _) => RecordForm::Csv,
        (None, Maker::Preset(preset)) => preset.form(),
        (None, Maker::Template(template)) => template.form(),
    }
}

fn schedule(asked: &Simulate, maker: &Maker, devices: u64) -> Schedule {
    let began_us = SystemClock.now_us();
    let natural = match maker {
        Maker::Preset(preset) => preset.rate(devices),
        Maker::Template(_) => Rate::new(devices, 1_000_000),
    };
    let rate = match asked.rate {
        Some(Pace::Rate(rate)) => Some(rate),
        Some(Pace::Max) => None,
        None => Some(natural),
    };
    Schedule {
        from_us: asked.from.unwrap_or(began_us),
        speed: match asked.from {
            Some(_) => asked.speedup,
            None => rate.map(|_| 1.0),
        },
        rate,
        began_us,
        to_us: asked.to_time,
        count: asked.count,
    }
}

fn random_seed() -> u64 {
    let digits: String = RandomIds.uuid().chars().take(8).collect();
    u64::from_str_radix(&digits, 16).unwrap_or(1)
}

fn files(
    asked: &Simulate,
    maker: &Maker,
    folder: &Path,
    schedule: &Schedule,
    seed: u64,
) -> io::Result<RollingFiles> {
    let name = match maker {
        Maker::Preset(preset) => preset.name().to_owned(),
        Maker::Template(_) => "template".to_owned(),
    };
    let from = chrono::DateTime::from_timestamp_micros(schedule.from_us).unwrap_or_default();
    let tables = match maker {
        Maker::Preset(preset) => preset.tables(),
        Maker::Template(_) => &[""],
    };
    let usual = asked.from.is_none().then_some(10_000_000);
    RollingFiles::create(FolderOptions {
        folder: folder.to_path_buf(),
        tables: tables.iter().map(|table| (*table).to_owned()).collect(),
        stem: format!("{name}-{}-{seed}", from.format("%Y%m%dT%H%M%S")),
        extension: match form(asked, maker) {
            RecordForm::Json => "json".to_owned(),
            RecordForm::Csv => "csv".to_owned(),
        },
        is_packed: asked.gzip,
        records_max: asked.rows_per_file,
        age_us_max: asked
            .files_every
            .or(usual)
            .map(|us| i64::try_from(us).unwrap_or(i64::MAX)),
    })
}

fn unwritable(asked: &Simulate, error: &io::Error) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        &OUTPUT_NOT_WRITABLE,
        format!("cannot write records to `{}`: {error}", asked.to),
    )
    .fact("files that are complete stay; the one at work was taken away");
    if error.kind() == io::ErrorKind::AlreadyExists {
        diagnostic.help("the same simulation has been here: take another folder, --seed or --from")
    } else {
        diagnostic
    }
}

/// What was made: on stderr when the records themselves are the result.
fn tell(screen: &Screen, running: &Running) {
    let counts = running.simulator.counts();
    let seed = running.seed;
    let (mut files, mut stream) = (None, None);
    match &running.target {
        Target::Stdout { .. } => {}
        Target::Files(written) => files = Some((written.files(), written.bytes())),
        Target::Stream(written) => stream = Some((written.sent(), written.sent_again())),
    }
    if screen.is_json && (files.is_some() || stream.is_some()) {
        let mut object = json!({
            "seed": seed,
            "records": counts.records,
            "anomalies": counts.anomalies,
            "late": counts.late,
            "duplicates": counts.duplicates,
            "broken": counts.broken,
            "arrived": counts.arrived,
        });
        if let Some((files, bytes)) = files {
            object["files"] = json!(files);
            object["bytes"] = json!(bytes);
        }
        if let Some((sent, again)) = stream {
            object["sent"] = json!(sent);
            object["sent_again"] = json!(again);
        }
        screen.object(&object);
        return;
    }
    let mut text = format!("{} records", counts.records);
    for (count, word) in [
        (counts.anomalies, "with anomalies"),
        (counts.late, "late"),
        (counts.duplicates, "twice"),
        (counts.broken, "broken"),
    ] {
        if count > 0 {
            text = format!("{text}, {count} {word}");
        }
    }
    if let Some((files, bytes)) = files {
        text = format!("{text}; {files} files, {bytes} bytes");
    }
    if let Some((sent, again)) = stream {
        text = format!("{text}; {sent} taken by the stream");
        if again > 0 {
            text = format!("{text}, {again} refusals");
        }
    }
    screen.say(&format!("{text}; --seed {seed}"));
}
