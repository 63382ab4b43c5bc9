//! Walks a case through a world, station by station.
//!
//! | station | does | answer |
//! |---|---|---|
//! | `file PATH` | writes a project file (`$input` in it becomes the input folder) | |
//! | `project FOLDER` | copies a folder of the repository as the project | |
//! | `put PATH` / `put-hex PATH` | writes an input file: `$input/…`, or relative to the project | |
//! | `remove PATH` | deletes a file or folder | |
//! | `target NAME`, `key NAME`, `spec FILE` | chooses the bundle target, the pipeline, its file | |
//! | `clock +10m`, `clock 2026-01-01T00:00:00Z` | moves the clock | |
//! | `crash STEP FLOW` | the next update dies at that step | |
//! | `update [flags]` | runs an update | its flows; then `error` if it must fail, `note` for what it says beside |
//! | `validate` | resolves the project | `error`, `note`, or nothing |
//! | `plan` | says what an update would do | its lines |
//! | `query` | runs SQL | `expect`: the rows, or `error` |
//! | `events [types]` | lists events of the last update | its lines |
//! | `history TABLE` | lists commits | its lines |
//! | `drop TABLE`, `lose-checkpoint TABLE` | deletes a table, or its progress, behind the engine's back | |
//! | `lose TABLE PART`, `tear TABLE PART` | deletes what lies below PART in a table's folder, or cuts its newest file in half | |
//! | `foreign append TABLE`, `foreign overwrite TABLE` | another program writes the rows of a query | |
//! | `foreign delete TABLE PREDICATE`, `foreign optimize TABLE`, `foreign restore TABLE VERSION` | another program changes a table | |
//! | `overtaken STEP FLOW` | the next update waits at that step until another engine has done a whole one | |

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt};
use sluice_graph::SelectionRequest;
use sluice_model::{DatasetName, Diagnostic, Severity};
use sluice_run::{Engine, UpdateRequest};

use crate::case::{Case, Station};
use crate::foreign::{self, Act};
use crate::show;
use crate::source_text::SourceTexts;
use crate::world::{Death, Loaded, World};

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Everything.
    All,
    /// Rows of queries only.
    Tables,
    /// Nothing: answers are filled in.
    Fill,
}

/// A walk in progress.
#[derive(Debug)]
pub(crate) struct Walk {
    world: World,
    answers: Answers,
    said: Vec<Diagnostic>,
    overtaken: Option<String>,
}

impl Walk {
    /// Begins in a world.
    pub(crate) fn new(world: World, answers: Answers) -> Self {
        Self {
            world,
            answers,
            said: vec![],
            overtaken: None,
        }
    }

    /// Walks through all stations.
    pub(crate) async fn through(&mut self, case: &mut Case) -> Result<(), String> {
        for index in 0..case.stations.len() {
            let station = case.stations[index].clone();
            let at = |message: String| {
                format!(
                    "line {}: --- {} {}: {message}",
                    station.line, station.verb, station.argument
                )
            };
            self.station(case, index, &station).await.map_err(at)?;
        }
        Ok(())
    }

    async fn station(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), String> {
        match station.verb.as_str() {
            "file" | "put" => self.write(
                &station.argument,
                self.world.fill(station.content()).into_bytes(),
            ),
            "put-hex" => self.write(&station.argument, unhex(station.answer_text())?),
            "remove" => {
                let place = self.world.place(&station.argument);
                let gone = if place.is_dir() {
                    std::fs::remove_dir_all(&place)
                } else {
                    std::fs::remove_file(&place)
                };
                gone.map_err(|error| error.to_string())
            }
            "project" => self
                .world
                .copy_project(&crate::root().join(&station.argument)),
            "target" => {
                self.world.set_target(Some(&station.argument));
                Ok(())
            }
            "key" => {
                self.world.set_pipeline_key(&station.argument);
                Ok(())
            }
            "spec" => {
                self.world.set_spec(&station.argument);
                Ok(())
            }
            "clock" => self.clock(&station.argument),
            "crash" => {
                self.world
                    .fate
                    .set(Some(Death::Step(station.argument.clone())));
                Ok(())
            }
            "overtaken" => {
                self.overtaken = Some(station.argument.clone());
                Ok(())
            }
            "foreign" => self.foreign(station).await,
            "update" => self.update(case, index, station).await,
            "validate" => self.validate(case, index).await,
            "plan" => self.plan(case, index).await,
            "query" => self.query(case, index, station).await,
            "events" => {
                let shown = show::events(&self.world.events.0.lock().unwrap(), &station.argument);
                self.compare(case, index, &shown)
            }
            "history" => self.history(case, index, station).await,
            "drop" => self.delete_below(&station.argument, "").await,
            "lose" | "tear" => self.damage(station).await,
            "lose-checkpoint" => self.delete_below(&station.argument, "_sluice").await,
            // Answers of the station before.
            "expect" | "error" | "note" => Ok(()),
            other => Err(format!("`{other}` is no station")),
        }
    }

    fn write(&self, path: &str, bytes: Vec<u8>) -> Result<(), String> {
        let place = self.world.place(path);
        let folder = place.parent().ok_or("a file needs a folder")?;
        std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        std::fs::write(&place, bytes).map_err(|error| error.to_string())
    }

    fn clock(&self, argument: &str) -> Result<(), String> {
        use sluice_model::Clock as _;
        let time = match argument.strip_prefix('+') {
            Some(step) => self.world.clock.now_us() + duration_us(step)?,
            None => chrono::DateTime::parse_from_rfc3339(argument)
                .map_err(|error| error.to_string())?
                .timestamp_micros(),
        };
        self.world.set_clock(time);
        Ok(())
    }

    fn loaded(&mut self) -> Loaded {
        let mut loaded = self.world.load();
        self.said = std::mem::take(&mut loaded.diagnostics);
        loaded
    }

    fn has_errors(&self) -> bool {
        self.said.iter().any(Diagnostic::is_error)
    }

    async fn update(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), String> {
        let loaded = self.loaded();
        let request = request(&station.argument)?;
        let mut shown = String::new();
        if let (false, Some(project)) = (self.has_errors(), &loaded.project) {
            if let Some(step) = self.overtaken.take() {
                self.overtake(&step, &loaded, &request).await?;
            }
            let mut report = self
                .world
                .engine(project)?
                .update(&loaded.declared, &request)
                .await;
            let died = self.world.fate.is_dead();
            if died {
                self.world.fate.set(None);
            }
            if died && self.answers == Answers::Tables {
                report = self
                    .world
                    .engine(project)?
                    .update(&loaded.declared, &request)
                    .await;
            }
            shown = if died && self.answers != Answers::Tables {
                "killed".into()
            } else {
                show::update(&report)
            };
            self.said.extend(report.diagnostics.iter().cloned());
            let mut flows: Vec<_> = report.flows.iter().collect();
            flows.sort_by_key(|flow| (flow.dataset.clone(), flow.flow.clone()));
            self.said.extend(
                flows
                    .iter()
                    .flat_map(|flow| flow.diagnostics.iter().cloned()),
            );
        }
        if self.answers != Answers::Tables {
            self.compare(case, index, &shown)?;
        }
        self.compare_said(case, index)
    }

    /// Two engines at once: the first waits at a step until the second has done everything. Both must end well.
    async fn overtake(
        &self,
        step: &str,
        loaded: &Loaded,
        request: &UpdateRequest,
    ) -> Result<(), String> {
        let project = loaded
            .project
            .as_ref()
            .ok_or("the project cannot be read")?;
        let paused = self.world.fate.pause_at(step);
        let (first, second) = (self.world.engine(project)?, self.world.engine(project)?);
        let (declared, asked) = (loaded.declared.clone(), request.clone());
        let first = tokio::spawn(async move { first.update(&declared, &asked).await });
        let waits = tokio::task::block_in_place(|| {
            paused
                .paused
                .recv_timeout(std::time::Duration::from_mins(1))
        });
        waits.map_err(|_| format!("the engine never came to `{step}`"))?;
        let second = second.update(&loaded.declared, request).await;
        paused.go_on.send(()).map_err(|error| error.to_string())?;
        let first = first.await.map_err(|error| error.to_string())?;
        for (name, report) in [("overtaken", first), ("overtaking", second)] {
            let errors = report
                .diagnostics
                .iter()
                .chain(report.flows.iter().flat_map(|flow| &flow.diagnostics));
            let errors: Vec<String> = errors
                .filter(|d| d.is_error())
                .map(ToString::to_string)
                .collect();
            if report.state != sluice_model::UpdateState::Completed {
                return Err(format!(
                    "the {name} engine ended as {}: {}",
                    report.state.as_str(),
                    errors.join("; ")
                ));
            }
        }
        Ok(())
    }

    async fn foreign(&mut self, station: &Station) -> Result<(), String> {
        let words: Vec<&str> = station.argument.splitn(3, ' ').collect();
        let (verb, table, rest) = (
            words[0],
            words.get(1).ok_or("which table?")?,
            words.get(2).copied().unwrap_or_default(),
        );
        let (engine, loaded, name) = self.table_of(table)?;
        let act = match verb {
            "append" | "overwrite" => {
                let namespace = &loaded
                    .project
                    .as_ref()
                    .ok_or("the project cannot be read")?
                    .namespace;
                let query = sluice_sql::parse_query(
                    &Arc::from("query"),
                    station.answer_text(),
                    vec![],
                    namespace,
                );
                let query = query.map_err(|found| format!("{found:?}"))?;
                let rows = engine
                    .query(&loaded.declared, &query)
                    .await
                    .map_err(|found| format!("{found:?}"))?
                    .batches;
                if verb == "append" {
                    Act::Append(rows)
                } else {
                    Act::Overwrite(rows)
                }
            }
            "delete" => Act::Delete(rest.to_owned()),
            "optimize" => Act::Optimize,
            "restore" => Act::Restore(rest.parse().map_err(|_| "which version?")?),
            other => return Err(format!("nobody knows how to `{other}`")),
        };
        let store = self.world.store()?;
        foreign::act(
            self.world.objects(),
            &store,
            &store.table_location(&name),
            act,
        )
        .await
    }

    /// Deletes files of a table, or cuts the newest of them in half.
    async fn damage(&mut self, station: &Station) -> Result<(), String> {
        let (table, part) = station
            .argument
            .split_once(' ')
            .ok_or("a table, and what of it")?;
        let (_, _, name) = self.table_of(table)?;
        let place = self.world.store()?.table_location(&name);
        let objects = self.world.objects();
        let listed: Vec<_> = objects
            .list(Some(place.path()))
            .try_collect()
            .await
            .map_err(|e| e.to_string())?;
        let mut places: Vec<_> = listed.into_iter().map(|object| object.location).collect();
        places.retain(|place| place.as_ref().contains(&format!("/{part}/")));
        places.sort();
        let last = places
            .last()
            .cloned()
            .ok_or("there is nothing of that name")?;
        if station.verb == "tear" {
            let bytes = objects
                .get(&last)
                .await
                .map_err(|e| e.to_string())?
                .bytes()
                .await
                .map_err(|e| e.to_string())?;
            let half = bytes.slice(..bytes.len() / 2);
            return objects
                .put(&last, half.into())
                .await
                .map(drop)
                .map_err(|error| error.to_string());
        }
        for place in places {
            objects
                .delete(&place)
                .await
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn validate(&mut self, case: &mut Case, index: usize) -> Result<(), String> {
        let loaded = self.loaded();
        if let (false, Some(project)) = (self.has_errors(), &loaded.project) {
            let (_, found) = self.world.engine(project)?.resolve(&loaded.declared).await;
            self.said.extend(found);
        }
        self.compare_said(case, index)
    }

    async fn plan(&mut self, case: &mut Case, index: usize) -> Result<(), String> {
        if self.answers == Answers::Tables {
            return Ok(());
        }
        let loaded = self.loaded();
        let project = loaded
            .project
            .as_ref()
            .ok_or("the project cannot be read")?;
        let planned = self
            .world
            .engine(project)?
            .plan(&loaded.declared, &SelectionRequest::default())
            .await;
        match planned {
            Ok((lines, _)) => self.compare(case, index, &show::plan(&lines)),
            Err(found) => {
                self.said.extend(found);
                self.compare_said(case, index)
            }
        }
    }

    async fn query(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), String> {
        let text = self.world.fill(station.answer_text());
        let loaded = self.loaded();
        let project = loaded
            .project
            .as_ref()
            .ok_or("the project cannot be read")?;
        let file: Arc<str> = "query".into();
        let result = match sluice_sql::parse_query(&file, &text, vec![], &project.namespace) {
            Ok(query) => {
                self.world
                    .engine(project)?
                    .query(&loaded.declared, &query)
                    .await
            }
            Err(found) => Err(found),
        };
        match result {
            Ok(result) => {
                let keep_order = text.to_lowercase().contains("order by");
                let shown = self.world.mask(&show::table(&result, keep_order)?);
                match case.answer(index, "expect") {
                    Some((answer, _)) => self.settle(case, answer, &shown),
                    None => Err(format!(
                        "expected an `expect` station; the rows are\n{shown}"
                    )),
                }
            }
            Err(found) => {
                self.said = found;
                let shown = self.rendered(Severity::Error, &text);
                match case.answer(index, "error") {
                    Some((answer, _)) => self.settle(case, answer, &shown),
                    None => Err(format!("the query failed\n{shown}")),
                }
            }
        }
    }

    async fn history(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), String> {
        if self.answers == Answers::Tables {
            return Ok(());
        }
        let (engine, loaded, name) = self.table_of(&station.argument)?;
        let table = engine
            .table(&loaded.declared, &name)
            .await
            .map_err(|found| format!("{found:?}"))?;
        let table = table.ok_or("there is no such table")?;
        let history = table
            .history(None)
            .await
            .map_err(|error| error.to_string())?;
        let schema = history.schema();
        let columns: Vec<usize> = ["version", "operation"]
            .iter()
            .filter_map(|name| schema.index_of(name).ok())
            .collect();
        let narrow = history
            .project(&columns)
            .map_err(|error| error.to_string())?;
        let result = sluice_run::QueryResult {
            schema: narrow.schema(),
            batches: vec![narrow],
        };
        let shown = show::table(&result, true)?;
        self.compare(case, index, &shown)
    }

    fn table_of(&mut self, name: &str) -> Result<(Engine, Loaded, DatasetName), String> {
        let loaded = self.loaded();
        let project = loaded
            .project
            .as_ref()
            .ok_or("the project cannot be read")?;
        let parts: Vec<&str> = name.split('.').collect();
        let name = DatasetName::qualify(&parts, &project.namespace).ok_or("no name")?;
        Ok((self.world.engine(project)?, loaded, name))
    }

    async fn delete_below(&mut self, table: &str, sub_folder: &str) -> Result<(), String> {
        let (_, _, name) = self.table_of(table)?;
        let location = self.world.store()?.table_location(&name);
        let place = if sub_folder.is_empty() {
            location
        } else {
            location.child([sub_folder])
        };
        let objects = self.world.objects();
        let listed: Vec<_> = objects
            .list(Some(place.path()))
            .try_collect()
            .await
            .map_err(|e| e.to_string())?;
        for object in listed {
            objects
                .delete(&object.location)
                .await
                .map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Refreshes everything from nothing and asks the last queries again.
    pub(crate) async fn refresh_everything(&mut self, case: &mut Case) -> Result<(), String> {
        let changes = [
            "file",
            "put",
            "put-hex",
            "remove",
            "update",
            "clock",
            "project",
            "drop",
            "lose-checkpoint",
            "lose",
            "tear",
            "foreign",
        ];
        let last = case
            .stations
            .iter()
            .rposition(|station| changes.contains(&station.verb.as_str()))
            .unwrap_or(0);
        let ended_badly = case
            .stations
            .iter()
            .skip(last)
            .any(|station| station.verb == "error");
        if ended_badly || case.stations[last].verb != "update" {
            return Ok(());
        }
        let loaded = self.loaded();
        let Some(project) = &loaded.project else {
            return Ok(());
        };
        let request = request("--full-refresh-all --allow-data-loss")?;
        let report = self
            .world
            .engine(project)?
            .update(&loaded.declared, &request)
            .await;
        let errors: Vec<String> = report
            .diagnostics
            .iter()
            .filter(|d| d.is_error())
            .map(ToString::to_string)
            .collect();
        if !errors.is_empty() {
            return Err(format!(
                "the full refresh at the end failed: {}",
                errors.join("; ")
            ));
        }
        for index in last..case.stations.len() {
            let station = case.stations[index].clone();
            if station.verb == "query" {
                self.query(case, index, &station)
                    .await
                    .map_err(|m| format!("line {} after a full refresh: {m}", station.line))?;
            }
        }
        Ok(())
    }

    /// Errors and notes of the last station against the stations behind it.
    fn compare_said(&mut self, case: &mut Case, index: usize) -> Result<(), String> {
        if self.answers == Answers::Tables {
            return Ok(());
        }
        let errors = self.rendered(Severity::Error, "");
        let notes = self.rendered(Severity::Warning, "");
        let mut error_answer = case.answer(index, "error").map(|(answer, _)| answer);
        let note_answer = match error_answer {
            Some(answer) => case.answer(answer, "note").map(|(answer, _)| answer),
            None => {
                let note = case.answer(index, "note").map(|(answer, _)| answer);
                if let Some(note) = note {
                    error_answer = case.answer(note, "error").map(|(answer, _)| answer);
                }
                note
            }
        };
        match error_answer {
            Some(answer) => self.settle(case, answer, &errors)?,
            None if !errors.is_empty() => return Err(format!("unexpected errors\n{errors}")),
            None => {}
        }
        match note_answer {
            Some(answer) => self.settle(case, answer, &notes),
            None => Ok(()),
        }
    }

    fn rendered(&self, severity: Severity, query: &str) -> String {
        let mut texts = SourceTexts::of_folder(self.world.project_folder());
        texts.give("query", query);
        let wanted = |d: &&Diagnostic| (severity == Severity::Error) == d.is_error();
        let frames: Vec<String> = self
            .said
            .iter()
            .filter(wanted)
            .map(|d| {
                crate::render::frame(d, &texts, false)
                    .trim_end()
                    .to_string()
            })
            .collect();
        self.world.mask(&frames.join("\n\n"))
    }

    fn compare(&self, case: &mut Case, index: usize, shown: &str) -> Result<(), String> {
        if self.answers == Answers::Tables {
            Ok(())
        } else {
            self.settle(case, index, shown)
        }
    }

    fn settle(&self, case: &mut Case, index: usize, shown: &str) -> Result<(), String> {
        let shown = self.world.mask(shown);
        let station = &mut case.stations[index];
        if self.answers == Answers::Fill {
            station.set_answer(&shown);
            return Ok(());
        }
        let normal = |text: &str| {
            text.lines()
                .map(str::trim_end)
                .collect::<Vec<_>>()
                .join("\n")
                .trim_end()
                .to_string()
        };
        let (expected, found) = (normal(station.answer_text()), normal(&shown));
        if expected == found {
            return Ok(());
        }
        Err(format!("expected\n{expected}\nfound\n{found}"))
    }
}

fn request(flags: &str) -> Result<UpdateRequest, String> {
    let mut request = UpdateRequest {
        stop: Arc::new(AtomicBool::new(false)),
        ..UpdateRequest::default()
    };
    let mut words = flags.split_whitespace();
    while let Some(word) = words.next() {
        let mut list = || {
            words
                .next()
                .map(|names| names.split(',').map(str::to_owned).collect())
                .unwrap_or_default()
        };
        match word {
            "--full-refresh-all" => request.selection.full_refresh_all = true,
            "--allow-data-loss" => request.allow_data_loss = true,
            "--full-refresh" => request.selection.full_refresh = list(),
            "--refresh" | "--select" => request.selection.refresh = list(),
            "--exclude" => request.selection.exclude = list(),
            other => return Err(format!("`{other}` is no flag of update")),
        }
    }
    Ok(request)
}

fn duration_us(text: &str) -> Result<i64, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .ok_or("a duration needs a unit")?;
    let (number, unit) = text.split_at(split);
    let number: i64 = number
        .parse()
        .map_err(|_| "a duration begins with a number")?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        other => return Err(format!("`{other}` is no unit: s, m, h, d")),
    };
    Ok(number * seconds * 1_000_000)
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    (0..digits.len())
        .step_by(2)
        .map(|at| {
            digits
                .get(at..at + 2)
                .and_then(|pair| u8::from_str_radix(pair, 16).ok())
                .ok_or_else(|| "no hexadecimal digits".to_string())
        })
        .collect()
}
