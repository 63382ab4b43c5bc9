//! Walks a test through a world, station by station. The stations are listed in [`super`].

use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;
use sluice_graph::SelectionRequest;
use sluice_model::{DatasetName, Diagnostic, Severity};
use sluice_run::{Engine, UpdateReport, UpdateRequest};

use super::answer::{Answers, Form, Layout};
use super::argument::{death, disturbance, duration_us, request};
use super::case::{Case, Station};
use super::failure::{Failure, Trouble};
use super::live::LiveUpdate;
use super::settle::must_fail;
use super::statement::{self, Kind};
use super::world::{Loaded, World};
use super::{fixture, kinesis, show};

/// Verbs that everybody knows, for whoever wrote another one.
const VERBS: &str = "a station is one of put, put-hex, rows, kinesis, kinesis-hex, stream, reshard, given, copy, file, remove, target, key, spec, clock, update, continuous, settle, stop, validate, plan, query, expect, error, note, events, history, crash, disturb, overtaken";

/// Further stations, which only our own cases have.
pub trait Backstage: fmt::Debug + Send + Sync {
    /// Does a station; `None` when it knows none of that name.
    fn station<'a>(
        &'a self,
        walk: &'a mut Walk,
        station: &'a Station,
    ) -> Option<BoxFuture<'a, Result<(), Trouble>>>;
}

/// No further stations.
#[derive(Debug, Clone, Copy)]
pub struct NoBackstage;

impl Backstage for NoBackstage {
    fn station<'a>(
        &'a self,
        _: &'a mut Walk,
        _: &'a Station,
    ) -> Option<BoxFuture<'a, Result<(), Trouble>>> {
        None
    }
}

/// A walk in progress.
#[derive(Debug)]
pub struct Walk {
    /// Where it goes.
    pub world: World,
    pub(super) answers: Answers,
    pub(super) layout: Layout,
    backstage: Arc<dyn Backstage>,
    pub(super) said: Vec<Diagnostic>,
    overtaken: Option<String>,
    pub(super) live: Option<LiveUpdate>,
}

impl Walk {
    /// Begins in a world.
    pub(crate) fn new(
        world: World,
        answers: Answers,
        layout: Layout,
        backstage: &Arc<dyn Backstage>,
    ) -> Self {
        Self {
            world,
            answers,
            layout,
            backstage: Arc::clone(backstage),
            said: vec![],
            overtaken: None,
            live: None,
        }
    }

    /// Walks through all stations.
    pub(crate) async fn through(&mut self, case: &mut Case) -> Result<(), Failure> {
        let mut index = 0;
        while let Some(station) = case.stations.get(index).cloned() {
            if let Err(trouble) = self.station(case, index, &station).await {
                return Err(Failure::at(&case.file, &case.stations, index, trouble));
            }
            index += 1;
        }
        Ok(())
    }

    async fn station(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), Trouble> {
        let argument = station.argument.as_str();
        match station.verb.as_str() {
            "file" | "put" => {
                let text = self.world.fill(station.content());
                fixture::write(&self.world, argument, text.as_bytes())
            }
            "put-hex" => {
                let bytes = fixture::unhex(station.answer_text())?;
                fixture::write(&self.world, argument, &bytes)
            }
            "rows" => fixture::rows(&self.world, station),
            "given" => fixture::given(&mut self.world, station),
            "copy" => fixture::copy(&self.world, argument),
            "remove" => fixture::remove(&self.world, argument),
            verb @ ("target" | "key" | "spec" | "memory") => self.world.set(verb, argument),
            "clock" => self.clock(argument),
            "crash" => {
                let death = death(argument, self.world.fate.operations())?;
                self.world.fate.set(Some(death));
                Ok(())
            }
            "disturb" => match argument.strip_prefix("kinesis ") {
                Some(rule) => kinesis::disturb(&mut self.world, rule).await,
                None => {
                    self.world.fate.disturb(disturbance(argument)?);
                    Ok(())
                }
            },
            "overtaken" => {
                self.overtaken = Some(argument.to_owned());
                Ok(())
            }
            "update" => self.update(case, index, station).await,
            "continuous" => self.continuous(case, index, station).await,
            "settle" => self.settle_down(case, index).await,
            "stop" => self.stop(case, index).await,
            "validate" => self.validate(case, index).await,
            "plan" => self.plan(case, index).await,
            "query" => self.query(case, index, station).await,
            "events" => {
                let shown = show::events(&self.world.events.all(), argument);
                self.compare(case, index, &shown, Form::Lines)
            }
            "history" => self.history(case, index, station).await,
            "describe" => self.describe(case, index, station).await,
            // Answers of the station before.
            "expect" | "error" | "note" => Ok(()),
            other => {
                if let Some(done) = kinesis::station(&mut self.world, station).await {
                    return done;
                }
                let backstage = Arc::clone(&self.backstage);
                match backstage.station(self, station) {
                    Some(doing) => doing.await,
                    None => Err(Trouble::misspelled(
                        format!("`{other}` is no station"),
                        VERBS,
                    )),
                }
            }
        }
    }

    fn clock(&self, argument: &str) -> Result<(), Trouble> {
        use sluice_model::Clock as _;
        let time = match argument.strip_prefix('+') {
            Some(step) => self.world.clock.now_us() + duration_us(step)?,
            None => chrono::DateTime::parse_from_rfc3339(argument)
                .map_err(|error| {
                    Trouble::misspelled(
                        format!("`{argument}` is no time: {error}"),
                        "write `--- clock 2026-01-01T00:00:00Z`, or `--- clock +10m`",
                    )
                })?
                .timestamp_micros(),
        };
        self.world.set_clock(time);
        Ok(())
    }

    pub(super) fn loaded(&mut self) -> Loaded {
        let mut loaded = self.world.load();
        self.said = std::mem::take(&mut loaded.diagnostics);
        loaded
    }

    pub(super) fn has_errors(&self) -> bool {
        self.said.iter().any(Diagnostic::is_error)
    }

    async fn update(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), Trouble> {
        let loaded = self.loaded();
        let request = request(&station.argument)?;
        let mut shown = String::new();
        if !self.has_errors() && loaded.project.is_some() {
            self.world.provide_streams(&loaded).await?;
            if let Some(step) = self.overtaken.take() {
                self.overtake(&step, &loaded, &request).await?;
            }
            let mut report = self
                .world
                .engine(&loaded)?
                .update(&loaded.declared, &request)
                .await;
            let died = self.world.fate.is_dead();
            if died {
                self.world.fate.set(None);
            }
            if died && self.answers == Answers::Tables {
                report = self
                    .world
                    .engine(&loaded)?
                    .update(&loaded.declared, &request)
                    .await;
            }
            shown = if died && self.answers != Answers::Tables {
                "killed".into()
            } else {
                show::update(&report)
            };
            self.hear(&report);
        }
        self.compare_flows(case, index, &shown)?;
        self.compare_said(case, index)
    }

    /// Keeps what an update says, whichever flow ended first.
    pub(super) fn hear(&mut self, report: &UpdateReport) {
        self.said.extend(report.diagnostics.iter().cloned());
        let mut flows: Vec<_> = report.flows.iter().collect();
        flows.sort_by_key(|flow| (flow.dataset.clone(), flow.flow.clone()));
        self.said.extend(
            flows
                .iter()
                .flat_map(|flow| flow.diagnostics.iter().cloned()),
        );
    }

    /// Two engines at once: the first waits at a step until the second has done everything. Both must end well.
    async fn overtake(
        &self,
        step: &str,
        loaded: &Loaded,
        request: &UpdateRequest,
    ) -> Result<(), Trouble> {
        let paused = self.world.fate.pause_at(step);
        let (first, second) = (self.world.engine(loaded)?, self.world.engine(loaded)?);
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
                return Err(Trouble::Failed(format!(
                    "the {name} engine ended as {}: {}",
                    report.state.as_str(),
                    errors.join("; ")
                )));
            }
        }
        Ok(())
    }

    async fn validate(&mut self, case: &mut Case, index: usize) -> Result<(), Trouble> {
        let loaded = self.loaded();
        if !self.has_errors() && loaded.project.is_some() {
            let (_, found) = self.world.engine(&loaded)?.resolve(&loaded.declared).await;
            self.said.extend(found);
        }
        self.compare_said(case, index)
    }

    async fn plan(&mut self, case: &mut Case, index: usize) -> Result<(), Trouble> {
        if self.answers.is_rows_only() {
            return Ok(());
        }
        let loaded = self.loaded();
        let planned = self
            .world
            .engine(&loaded)?
            .plan(&loaded.declared, &SelectionRequest::default())
            .await;
        match planned {
            Ok((lines, _)) => match case.answer(index, "error") {
                Some((answer, _)) => Err(must_fail(answer)),
                None => self.compare(case, index, &show::plan(&lines), Form::Set),
            },
            Err(found) => {
                self.said.extend(found);
                self.compare_said(case, index)
            }
        }
    }

    pub(super) async fn query(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), Trouble> {
        let text = self.world.fill(station.answer_text());
        let loaded = self.loaded();
        let project = loaded
            .project
            .as_ref()
            .ok_or("the project cannot be read")?;
        let engine = self.world.engine(&loaded)?;
        let (kind, mut answered) = statement::ask(&engine, &loaded, project, &text).await?;
        if kind == Kind::Statement {
            if self.world.fate.is_dead() {
                self.world.fate.set(None);
                answered = if self.answers == Answers::Tables {
                    statement::ask(&engine, &loaded, project, &text).await?.1
                } else {
                    Ok("killed".to_owned())
                };
            }
            // What it tells are versions and files, which are compared under plain only.
            if answered.is_ok() && self.answers.is_rows_only() {
                return Ok(());
            }
        }
        match answered {
            Ok(shown) => {
                let is_ordered = text.to_lowercase().contains("order by");
                let shown = self.world.mask(&shown);
                if self.answers == Answers::Fill {
                    case.make_room_for(index, "expect");
                }
                match case.answer(index, "expect") {
                    Some((answer, _)) => {
                        self.settle(case, answer, &shown, Form::Table { is_ordered })
                    }
                    None => Err(Trouble::Failed(format!(
                        "an `expect` station is missing; the rows are\n{shown}"
                    ))),
                }
            }
            Err(found) => {
                self.said = found;
                let shown = self.rendered(Severity::Error, &text);
                match case.answer(index, "error") {
                    Some((answer, _)) => self.settle(case, answer, &shown, Form::Lines),
                    None => Err(Trouble::Failed(format!("the query failed\n{shown}"))),
                }
            }
        }
    }

    async fn history(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), Trouble> {
        if self.answers.is_rows_only() {
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
        self.compare(case, index, &shown, Form::Table { is_ordered: true })
    }

    async fn describe(
        &mut self,
        case: &mut Case,
        index: usize,
        station: &Station,
    ) -> Result<(), Trouble> {
        let (engine, loaded, name) = self.table_of(&station.argument)?;
        let table = engine.table(&loaded.declared, &name).await;
        let table = table.map_err(|found| format!("{found:?}"))?;
        let shown = show::description(&table.ok_or("there is no such table")?);
        self.settle(case, index, &shown, Form::Lines)
    }

    /// An engine, the project as it is, and the full name of a table.
    pub fn table_of(&mut self, name: &str) -> Result<(Engine, Loaded, DatasetName), String> {
        let loaded = self.loaded();
        let project = loaded
            .project
            .as_ref()
            .ok_or("the project cannot be read")?;
        let parts: Vec<&str> = name.split('.').collect();
        let name = DatasetName::qualify(&parts, &project.namespace).ok_or("no name")?;
        Ok((self.world.engine(&loaded)?, loaded, name))
    }
}
