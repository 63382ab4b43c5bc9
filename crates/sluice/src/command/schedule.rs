//! `sluice schedule`: what a bundle starts by itself, and when it does so next.

use chrono::{DateTime, SecondsFormat, Utc};
use sluice_model::condition::command::ARGUMENT_NOT_VALID;
use sluice_model::condition::serve::SCHEDULE_JOB_NOT_FOUND;
use sluice_model::job::{Job, JobTrigger, Pause};
use sluice_model::suggest::{closest, did_you_mean, listed};
use sluice_model::{Clock as _, Diagnostic};
use sluice_serve::Timing;

use crate::arguments::{Global, Mode, Next, Schedule};
use crate::edge::{self, SystemClock};
use crate::exit::Exit;
use crate::render::Screen;
use crate::rows::Rows;
use crate::source_text::SourceTexts;
use crate::workplace::Refused;

/// The jobs of a project, each with its timing; none for jobs that only people start.
pub(crate) struct Timetable {
    pub(crate) target: Option<String>,
    pub(crate) jobs: Vec<(Job, Option<Timing>)>,
    pub(crate) diagnostics: Vec<Diagnostic>,
    pub(crate) texts: SourceTexts,
}

/// Reads the jobs of the project; what is wrong with them is among the diagnostics.
pub(crate) fn timetable(global: &Global) -> Result<Timetable, Refused> {
    let (folder, schedules, mut diagnostics) =
        edge::schedules(global).map_err(|diagnostic| Refused {
            diagnostics: vec![*diagnostic],
            texts: SourceTexts::default(),
        })?;
    let jobs = schedules.jobs.into_iter().map(|job| {
        let timing = Timing::of(&job).unwrap_or_else(|found| {
            diagnostics.extend(found);
            None
        });
        (job, timing)
    });
    let jobs = jobs.collect();
    Ok(Timetable {
        target: schedules.target,
        jobs,
        diagnostics,
        texts: SourceTexts::of_folder(&folder),
    })
}

/// As [`timetable`]; one with errors is refused.
pub(crate) fn sound_timetable(screen: &Screen, global: &Global) -> Result<Timetable, Refused> {
    let table = timetable(global)?;
    if table.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(Refused {
            diagnostics: table.diagnostics,
            texts: table.texts,
        });
    }
    screen.diagnostics(&table.diagnostics, &table.texts);
    Ok(table)
}

/// The jobs of these names.
pub(crate) fn named(table: &mut Timetable, names: &[String]) -> Result<(), Refused> {
    for name in names {
        if !table.jobs.iter().any(|(job, _)| job.key == *name) {
            let keys = || table.jobs.iter().map(|(job, _)| job.key.as_str());
            let message = format!("the bundle declares no job `{name}`");
            let diagnostic = Diagnostic::error(&SCHEDULE_JOB_NOT_FOUND, message);
            let diagnostic = match closest(name, keys()) {
                Some(near) => diagnostic.help(did_you_mean(near)),
                None if table.jobs.is_empty() => diagnostic.help("it declares no jobs at all"),
                None => diagnostic.help(format!("declared are {}", listed(keys()))),
            };
            return Err(Refused {
                diagnostics: vec![diagnostic],
                texts: SourceTexts::default(),
            });
        }
    }
    if !names.is_empty() {
        table.jobs.retain(|(job, _)| names.contains(&job.key));
    }
    Ok(())
}

/// Lists jobs, or when they start.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Schedule) -> Result<Exit, Refused> {
    let mut table = sound_timetable(screen, global)?;
    let rows = match asked {
        Schedule::List => list(&table),
        Schedule::Next(asked) => {
            named(&mut table, asked.job.as_slice())?;
            next(&table, asked)?
        }
    };
    screen.result(&if screen.is_json {
        rows.render(Mode::Json, None)
    } else {
        rows.plain(None)
    });
    Ok(Exit::Success)
}

fn list(table: &Timetable) -> Rows {
    let cells = table.jobs.iter().map(|(job, _)| {
        let mut pipelines: Vec<&str> = job.tasks.iter().map(|t| t.pipeline.as_str()).collect();
        pipelines.dedup();
        [
            job.key.clone(),
            words(job),
            pause(job).to_owned(),
            pipelines.join(", "),
        ]
        .into_iter()
        .map(Some)
        .collect()
    });
    Rows::of_texts(&["job", "starts", "state", "pipelines"], cells.collect())
}

/// What starts a job, in words.
pub(crate) fn words(job: &Job) -> String {
    match &job.trigger {
        None => "by hand".to_owned(),
        Some(JobTrigger::Cron {
            expression,
            time_zone,
        }) => {
            let zone = time_zone.as_ref().map_or("UTC", |zone| zone.value.as_str());
            format!("at {} ({zone})", expression.value)
        }
        Some(JobTrigger::Periodic { every_seconds }) => match every_seconds {
            s if s % 86_400 == 0 => format!("every {} d", s / 86_400),
            s => format!("every {} h", s / 3600),
        },
        Some(JobTrigger::FileArrival { url, .. }) => format!("on new files in {}", url.value),
        Some(JobTrigger::TableUpdate {
            tables, needs_all, ..
        }) => {
            let names: Vec<&str> = tables.iter().map(|table| table.value.as_str()).collect();
            let word = if *needs_all { "all of" } else { "any of" };
            format!("on new versions of {word} {}", names.join(", "))
        }
        Some(JobTrigger::Continuous) => "when the run before has ended".to_owned(),
    }
}

fn pause(job: &Job) -> &'static str {
    match (job.pause, &job.trigger) {
        (_, None) => "",
        (Pause::Unpaused, _) => "active",
        (Pause::Paused, _) => "paused",
        (Pause::ByTarget, _) => "paused by the target",
    }
}

fn next(table: &Timetable, asked: &Next) -> Result<Rows, Refused> {
    let from_us = match asked.from.as_deref() {
        None => SystemClock.now_us(),
        Some(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(time) => time.timestamp_micros(),
            Err(error) => {
                let message = format!("`{text}` is no time: {error}");
                return Err(Refused {
                    diagnostics: vec![
                        Diagnostic::error(&ARGUMENT_NOT_VALID, message)
                            .help("write it as in 2026-11-20T20:00:00Z"),
                    ],
                    texts: SourceTexts::default(),
                });
            }
        },
    };
    let mut starts: Vec<(i64, Vec<Option<String>>)> = vec![];
    for (job, timing) in &table.jobs {
        let Some(timing) = timing else {
            continue;
        };
        let mut time_us = from_us;
        for _ in 0..asked.number {
            let Some(next_us) = timing.next_after(time_us, time_us) else {
                break;
            };
            let local = match timing {
                Timing::At(calendar) => {
                    format!("{} {}", calendar.local(next_us), calendar.zone())
                }
                _ => utc(next_us),
            };
            let cells = [job.key.clone(), local, utc(next_us), pause(job).to_owned()];
            starts.push((next_us, cells.into_iter().map(Some).collect()));
            time_us = next_us;
        }
    }
    starts.sort_by_key(|(time_us, _)| *time_us);
    let cells = starts.into_iter().map(|(_, cells)| cells).collect();
    Ok(Rows::of_texts(&["job", "start", "utc", "state"], cells))
}

/// A time as text in UTC.
pub(crate) fn utc(time_us: i64) -> String {
    DateTime::<Utc>::from_timestamp_micros(time_us)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Secs, true)
}
