//! `sluice serve`: runs the jobs of the project in this process until it is stopped, one line per event.

mod arrival;
mod notices;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use sluice_graph::SelectionRequest;
use sluice_model::condition::run::PIPELINE_ALREADY_RUNNING;
use sluice_model::condition::serve::SCHEDULE_NOT_DECLARED;
use sluice_model::job::{Job, JobTrigger, Pause, PipelineTask, Placed};
use sluice_model::{Clock as _, DatasetName, Diagnostic, UpdateState};
use sluice_run::{NoObserver, Stop, UpdateRequest};
use sluice_serve::{Happening, Memory, Outside, Scheduler, Seen, TaskEnd, Timing, Until};

use super::run::interrupted;
use super::schedule::{Timetable, named, sound_timetable, utc, words};
use crate::arguments::{Global, Serve};
use crate::delivering::Telling;
use crate::edge::SystemClock;
use crate::exit::Exit;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::{Purpose, Refused, Workplace, block_on};
use notices::Notices;

/// Runs jobs until stopped.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Serve) -> Result<Exit, Refused> {
    let mut table = sound_timetable(screen, global)?;
    named(&mut table, &asked.jobs)?;
    let target = table.target.clone();
    let jobs = active(table)?;
    let mut places = BTreeMap::new();
    for task in jobs.iter().flat_map(|(job, _)| &job.tasks) {
        if !places.contains_key(&task.pipeline) {
            let place = open(global, &task.pipeline)?;
            places.insert(task.pipeline.clone(), place);
        }
    }
    let Some(store) = places
        .values()
        .next()
        .map(|place| place.engine.warehouse().clone())
    else {
        return Ok(Exit::Success);
    };
    let outside = Arc::new(Serving {
        screen: screen.clone(),
        global: global.clone(),
        notices: Notices::of(screen, jobs.iter().map(|(job, _)| job), &places),
        places,
    });
    for (job, _) in &jobs {
        outside.line(job, "scheduled", &words(job), &Value::Null);
    }
    let serving = Arc::clone(&outside);
    let failed = block_on(async {
        let mut tellings = vec![];
        for place in serving.places.values() {
            tellings.extend(Telling::begin(screen, place).await);
        }
        let memory = Memory::new(&store, target.as_deref());
        let scheduler = Scheduler::new(jobs, outside, memory).await;
        let mut scheduler = scheduler.map_err(|error| Refused {
            diagnostics: vec![error.diagnostic()],
            texts: SourceTexts::default(),
        })?;
        let until = if asked.once {
            Until::NothingIsDue
        } else {
            Until::Stopped(Box::pin(stopped(screen.clone())))
        };
        let failed = scheduler.run(until).await;
        join_all(tellings.into_iter().map(|telling| telling.end(screen))).await;
        serving.notices.end().await;
        Ok(failed)
    })??;
    Ok(match (asked.once, failed) {
        (true, failed) if failed > 0 => Exit::Failure,
        // Stopping is how serving ends.
        _ => Exit::Success,
    })
}

/// The first signal stops; the second ends at once, which is as safe as any crash.
async fn stopped(screen: Screen) {
    interrupted().await;
    screen.say("stopping after the micro-batches at work; once more to stop at once");
    tokio::spawn(async {
        if interrupted().await {
            #[allow(
                clippy::exit,
                reason = "asked for twice; every commit is atomic, so ending here is safe"
            )]
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
}

/// The jobs that start by themselves.
fn active(table: Timetable) -> Result<Vec<(Job, Timing)>, Refused> {
    let mut paused = vec![];
    let mut active = vec![];
    for (job, timing) in table.jobs {
        match timing {
            Some(_) if job.pause != Pause::Unpaused => paused.push(job),
            Some(timing) if !job.tasks.is_empty() => active.push((job, timing)),
            _ => {}
        }
    }
    if !active.is_empty() {
        return Ok(active);
    }
    let mut diagnostic = Diagnostic::error(&SCHEDULE_NOT_DECLARED, "nothing starts by itself here");
    for job in &paused {
        let why = match job.pause {
            Pause::ByTarget => "paused by the target",
            Pause::Paused | Pause::Unpaused => "paused",
        };
        diagnostic = diagnostic.fact(format!("`{}` is {why}", job.key));
    }
    let help = if paused.iter().any(|job| job.pause == Pause::ByTarget) {
        "choose another target with `-t`, or write `pause_status: UNPAUSED` into the job"
    } else {
        "declare a job with a `schedule` under `resources`, `jobs` of databricks.yml"
    };
    Err(Refused {
        diagnostics: vec![diagnostic.help(help)],
        texts: table.texts,
    })
}

fn open(global: &Global, pipeline: &str) -> Result<Workplace, Refused> {
    let (observer, purpose) = (Arc::new(NoObserver), Purpose::Write);
    Workplace::open(global, Some(pipeline), purpose, observer, None)
}

/// What the scheduler needs of this program.
#[derive(Debug)]
struct Serving {
    screen: Screen,
    global: Global,
    /// The pipelines as they were when serving began; a run reads its project anew.
    places: BTreeMap<String, Workplace>,
    notices: Notices,
}

impl Serving {
    /// One line per event, or one object.
    fn line(&self, job: &Job, event: &str, text: &str, details: &Value) {
        let time = utc(SystemClock.now_us());
        self.screen.line(&if self.screen.is_json {
            let mut object =
                json!({ "time": time, "job": job.key, "event": event, "message": text });
            if let (Some(object), Some(details)) = (object.as_object_mut(), details.as_object()) {
                object.extend(details.clone());
            }
            object.to_string()
        } else {
            let gap = if text.is_empty() { "" } else { "  " };
            format!("{time} {} {event}{gap}{text}", job.key)
        });
    }

    async fn update(&self, task: &PipelineTask, stop: Stop) -> TaskEnd {
        let place = match open(&self.global, &task.pipeline) {
            Ok(place) => place,
            Err(refused) => {
                self.screen
                    .diagnostics(&refused.diagnostics, &refused.texts);
                return TaskEnd::Failed;
            }
        };
        let request = UpdateRequest {
            selection: SelectionRequest {
                refresh: task.refresh.clone(),
                full_refresh: task.full_refresh_selection.clone(),
                full_refresh_all: task.full_refresh,
                exclude: vec![],
            },
            stop: stop.clone(),
            ..UpdateRequest::default()
        };
        let report = place.engine.update(&place.declared, &request).await;
        super::run::tell_errors(&self.screen, &place, &report);
        let is_busy = report
            .diagnostics
            .iter()
            .any(|d| d.is_error() && d.condition == &PIPELINE_ALREADY_RUNNING);
        match report.state {
            UpdateState::Completed => TaskEnd::Completed,
            UpdateState::Canceled => TaskEnd::Stopped,
            _ if stop.is_asked() => TaskEnd::Stopped,
            _ if is_busy => TaskEnd::Busy,
            _ => TaskEnd::Failed,
        }
    }

    async fn version(&self, table: &Placed<String>) -> Result<String, Diagnostic> {
        let Some(place) = self.places.values().next() else {
            return Ok(String::new());
        };
        let parts: Vec<&str> = table
            .value
            .split('.')
            .map(|p| p.trim_matches('`'))
            .collect();
        let Some(name) = DatasetName::qualify(&parts, &place.namespace()) else {
            return Ok(String::new());
        };
        let owner = self
            .places
            .values()
            .find(|p| p.declared.datasets.contains_key(&name));
        let place = owner.unwrap_or(place);
        match place.engine.table(&place.declared, &name).await {
            Ok(Some(table)) => Ok(format!("{} {}", table.id(), table.version())),
            Ok(None) => Ok("none".to_owned()),
            Err(mut found) => Err(found.swap_remove(0).at(&table.origin, "")),
        }
    }
}

impl Outside for Serving {
    fn now_us(&self) -> i64 {
        SystemClock.now_us()
    }

    fn run(&self, task: &PipelineTask, stop: Stop) -> BoxFuture<'_, TaskEnd> {
        let task = task.clone();
        Box::pin(async move { self.update(&task, stop).await })
    }

    fn look<'a>(&'a self, trigger: &'a JobTrigger) -> BoxFuture<'a, Result<Seen, Diagnostic>> {
        Box::pin(async move {
            match trigger {
                JobTrigger::FileArrival { url, .. } => match self.places.values().next() {
                    Some(place) => Ok(vec![arrival::look(&place.engine, url).await?]),
                    None => Ok(vec![]),
                },
                JobTrigger::TableUpdate { tables, .. } => {
                    let mut seen = vec![];
                    for table in tables {
                        seen.push(self.version(table).await?);
                    }
                    Ok(seen)
                }
                JobTrigger::Cron { .. } | JobTrigger::Periodic { .. } | JobTrigger::Continuous => {
                    Ok(vec![])
                }
            }
        })
    }

    fn tell(&self, job: &Job, happening: &Happening<'_>) {
        self.notices.tell(job, happening);
        let (event, text, details) = match happening {
            Happening::Started { due_us, missed, .. } => {
                let due = utc(*due_us);
                let text = match missed {
                    0 => format!("for {due}"),
                    1 => format!("for {due}, and for one start before it that was missed"),
                    number => {
                        format!("for {due}, and for {number} starts before it that were missed")
                    }
                };
                ("started", text, json!({ "due": due, "missed": missed }))
            }
            Happening::Waits => ("waits", "for the run at work".to_owned(), Value::Null),
            Happening::LeftOut => {
                let text = "too many runs are at work".to_owned();
                ("left out", text, Value::Null)
            }
            Happening::TriedAgain { task, attempt } => {
                let text = format!("{} (attempt {attempt})", task.key);
                (
                    "tries again",
                    text,
                    json!({ "task": task.key, "attempt": attempt }),
                )
            }
            Happening::TaskEnded { task, end } => {
                let word = match end {
                    TaskEnd::Completed => "completed",
                    TaskEnd::Failed => "failed",
                    TaskEnd::Stopped => "was stopped",
                    TaskEnd::Busy => "found another engine at work",
                };
                let text = format!("{} {word}", task.key);
                ("task", text, json!({ "task": task.key }))
            }
            Happening::TaskLeftOut { task } => {
                let text = format!(
                    "{} left out: what it depends on did not end as it needs",
                    task.key
                );
                ("task", text, json!({ "task": task.key }))
            }
            Happening::TimedOut => ("stopped", "its time is up".to_owned(), Value::Null),
            Happening::TakesLong => (
                "takes long",
                "longer than its health rule allows".to_owned(),
                Value::Null,
            ),
            Happening::Ended { well, .. } => {
                let word = if *well { "completed" } else { "failed" };
                (word, String::new(), Value::Null)
            }
            Happening::Hindered { diagnostic } => {
                self.screen
                    .diagnostics(std::slice::from_ref(*diagnostic), &SourceTexts::default());
                ("hindered", diagnostic.message.clone(), Value::Null)
            }
        };
        self.line(job, event, &text, &details);
    }
}
