//! The micro-batch that a streaming query runs in: its watermarks, its state before and after. Must not run queries.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use sluice_model::condition::query::{
    STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE, STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE,
};
use sluice_model::{Diagnostic, OperatorState, Origin, StateFile, StreamState, WatermarkState};

use super::state::{NoState, StateBackend};
use crate::error::raise;

/// What a streaming query shares with the micro-batch that it runs in. One for each execution; clones of a session hold
/// the same one.
///
/// Binding registers clauses and operators; running fills in what they saw; [`Self::drain`] and [`Self::after`] end it.
#[derive(Debug)]
pub struct StreamContext {
    before: StreamState,
    now_us: i64,
    backend: Arc<dyn StateBackend>,
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    clauses: Vec<(String, i64)>,
    latest: BTreeMap<usize, i64>,
    operators: Vec<Registered>,
    begun: BTreeSet<String>,
    after: BTreeMap<String, OperatorState>,
    late_rows: u64,
    unfinished: Vec<SendableRecordBatchStream>,
    is_over: bool,
}

/// An operator with state, as binding made it.
#[derive(Debug, Clone)]
struct Registered {
    name: String,
    gives: Gives,
}

/// What an operator with state gives out, batch by batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gives {
    /// Its whole result.
    Whole,
    /// Rows whose event time was not before the watermark moved by so many microseconds, 0 or less, when the last batch
    /// ended.
    After(i64),
    /// Rows of any event time: what waits for them waits for ever.
    Anything,
}

impl std::fmt::Debug for Now {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Now")
            .field("clauses", &self.clauses)
            .field("latest", &self.latest)
            .field("operators", &self.operators)
            .field("late_rows", &self.late_rows)
            .finish_non_exhaustive()
    }
}

impl StreamContext {
    /// The context of a batch that begins with this state and was planned at `now_us`, microseconds since the epoch.
    #[must_use]
    pub fn new(before: StreamState, now_us: i64, backend: Arc<dyn StateBackend>) -> Self {
        Self {
            before,
            now_us,
            backend,
            now: Mutex::default(),
        }
    }

    /// The context of a query that is bound to learn what it is, and not run.
    #[must_use]
    pub fn dry() -> Self {
        Self::new(StreamState::default(), 0, Arc::new(NoState))
    }

    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The watermark in force, microseconds: state at or before it is closed by this batch.
    #[must_use]
    pub fn watermark_us(&self) -> i64 {
        self.before.watermark_us
    }

    /// The watermark of the batch before, microseconds: rows at or before it are late, and state at or before it is gone.
    #[must_use]
    pub fn late_us(&self) -> i64 {
        self.before.late_us
    }

    /// Where state lies.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn StateBackend> {
        &self.backend
    }

    /// Whether the query has a `WATERMARK` clause.
    #[must_use]
    pub fn has_watermark(&self) -> bool {
        !self.now().clauses.is_empty()
    }

    /// Registers a `WATERMARK` clause; gives its number.
    pub(crate) fn clause(&self, definition: String, delay_us: i64) -> usize {
        let mut now = self.now();
        now.clauses.push((definition, delay_us));
        now.clauses.len() - 1
    }

    /// Notes the latest event time that a clause has seen.
    pub(crate) fn saw(&self, clause: usize, latest_us: i64) {
        let mut now = self.now();
        let known = now.latest.entry(clause).or_insert(latest_us);
        *known = (*known).max(latest_us);
    }

    /// Registers an operator with state under `kind` and a number.
    pub(crate) fn operator(&self, kind: &str, gives: Gives) -> String {
        let mut now = self.now();
        let name = format!("{kind}-{}", now.operators.len());
        now.operators.push(Registered {
            name: name.clone(),
            gives,
        });
        name
    }

    /// What reaches an operator that is bound next, at the latest: what those bound before give out, whichever of them it
    /// reads.
    pub(crate) fn reaches(&self) -> Gives {
        let now = self.now();
        let gives = now.operators.iter().map(|known| known.gives);
        gives.fold(Gives::After(0), |all, one| match (all, one) {
            (Gives::Whole, _) | (_, Gives::Whole) => Gives::Whole,
            (Gives::Anything, _) | (_, Gives::Anything) => Gives::Anything,
            (Gives::After(all_us), Gives::After(one_us)) => Gives::After(all_us.min(one_us)),
        })
    }

    /// By how much rows that reach an operator may lie behind the watermark, microseconds, 0 or less.
    pub(crate) fn lag_us(&self) -> i64 {
        match self.reaches() {
            Gives::After(us) => us,
            Gives::Whole | Gives::Anything => 0,
        }
    }

    /// Whether each batch gives the whole result, so that it replaces what the target holds: COMPLETE mode.
    #[must_use]
    pub fn rewrites(&self) -> bool {
        let now = self.now();
        now.operators
            .iter()
            .any(|known| known.gives == Gives::Whole)
    }

    /// Whether the query has operators with state.
    #[must_use]
    pub fn has_state(&self) -> bool {
        !self.now().operators.is_empty()
    }

    /// Begins an operator: the files of its state, which must have the shape that it has now.
    ///
    /// # Errors
    /// The state has another shape, or the operator runs twice in one batch.
    pub(crate) fn begin(&self, operator: &str, shape: &[String]) -> Result<Vec<StateFile>> {
        if !self.now().begun.insert(operator.to_string()) {
            return internal_err!("the stateful operator `{operator}` ran twice in one batch");
        }
        let Some(stored) = self.before.operators.get(operator) else {
            return Ok(vec![]);
        };
        if stored.shape == shape {
            return Ok(stored.files.clone());
        }
        Err(raise(other_shape(&stored.shape, shape)))
    }

    /// Ends an operator: this is its state now.
    pub(crate) fn finish(&self, operator: &str, state: OperatorState) {
        self.now().after.insert(operator.to_string(), state);
    }

    /// Counts rows that came too late.
    pub(crate) fn late(&self, rows: u64) {
        self.now().late_rows += rows;
    }

    /// Takes a stream that was given up before its end: what it still does is part of the batch.
    pub(crate) fn given_up(&self, stream: SendableRecordBatchStream) {
        let mut now = self.now();
        if !now.is_over {
            now.unfinished.push(stream);
        }
    }

    /// Ends the batch, whatever became of it: nothing is read any more.
    pub fn abandon(&self) {
        let unfinished = {
            let mut now = self.now();
            now.is_over = true;
            std::mem::take(&mut now.unfinished)
        };
        drop(unfinished);
    }

    /// Reads to the end what the query left unread (a join with nothing on its other side): watermarks and state are of
    /// all rows of the batch. Call it after the query has ended and before [`Self::after`].
    ///
    /// # Errors
    /// What a row cannot be computed for.
    pub async fn drain(&self) -> Result<()> {
        loop {
            let Some(mut stream) = self.now().unfinished.pop() else {
                return Ok(());
            };
            while let Some(batch) = stream.next().await {
                batch?;
            }
        }
    }

    /// Rows that came too late in this batch.
    #[must_use]
    pub fn late_rows(&self) -> u64 {
        self.now().late_rows
    }

    /// What the next batch begins with.
    ///
    /// # Errors
    /// An operator was not run to its end: without its state, the next batch would not know of this one.
    pub fn after(&self) -> Result<StreamState> {
        let now = self.now();
        let mut clauses = BTreeMap::new();
        for (number, (definition, delay_us)) in now.clauses.iter().enumerate() {
            let known = self.before.clauses.get(&number.to_string());
            let before = known.map_or(0, |clause| clause.watermark_us);
            // Spark counts watermarks in whole milliseconds.
            let seen = now.latest.get(&number).map(|latest| {
                let floor = |us: i64| us.div_euclid(1000) * 1000;
                floor(*latest).saturating_sub(floor(*delay_us))
            });
            let watermark_us = seen.map_or(before, |seen| seen.max(before));
            let as_of_us = match seen {
                Some(_) => Some(self.now_us),
                None => known.and_then(|clause| clause.as_of_us),
            };
            clauses.insert(
                number.to_string(),
                WatermarkState {
                    definition: definition.clone(),
                    watermark_us,
                    as_of_us,
                },
            );
        }
        for known in &now.operators {
            if !now.after.contains_key(&known.name) {
                return internal_err!("the stateful operator `{}` did not run", known.name);
            }
        }
        let lowest = clauses.values().map(|clause| clause.watermark_us).min();
        Ok(StreamState {
            watermark_us: lowest.unwrap_or(0).max(self.before.watermark_us),
            late_us: self.before.watermark_us,
            clauses,
            operators: now.after.clone(),
        })
    }

    /// Refuses a query that cannot go on from what earlier batches kept: with other watermarks, or with other operators.
    /// `is_begun`: there were such batches. One that kept nothing for an operator knew nothing of it, and its rows would be
    /// missing in what the operator gives.
    ///
    /// # Errors
    /// Watermarks or operators are others than before, and there was state or is now.
    pub fn check_kept(
        &self,
        is_begun: bool,
        origin: &Origin,
    ) -> std::result::Result<(), Box<Diagnostic>> {
        let now = self.now();
        let kept: Vec<&str> = self.before.operators.keys().map(String::as_str).collect();
        if !is_begun || (kept.is_empty() && now.operators.is_empty()) {
            return Ok(());
        }
        let clauses = self.before.clauses.values();
        let was = lines_of(clauses.map(|clause| clause.definition.as_str()), &kept);
        let registered: Vec<&str> = now
            .operators
            .iter()
            .map(|known| known.name.as_str())
            .collect();
        let clauses = now.clauses.iter();
        let is = lines_of(
            clauses.map(|(definition, _)| definition.as_str()),
            &registered,
        );
        if was == is {
            return Ok(());
        }
        Err(Box::new(other_shape(&was, &is).at(origin, "")))
    }
}

/// Watermarks and operators in words. What an operator keeps beside its state bears its name with something behind it.
fn lines_of<'a>(clauses: impl Iterator<Item = &'a str>, operators: &[&str]) -> Vec<String> {
    let is_beside = |name: &str| {
        let mut owners = operators.iter();
        owners.any(|owner| {
            name.strip_prefix(owner)
                .is_some_and(|rest| rest.starts_with('-'))
        })
    };
    let own: BTreeSet<&str> = operators
        .iter()
        .copied()
        .filter(|name| !is_beside(name))
        .collect();
    let nothing = own.is_empty().then(|| "no operator with state".to_string());
    clauses
        .map(|clause| format!("watermark {clause}"))
        .chain(own.iter().map(|name| format!("operator `{name}`")))
        .chain(nothing)
        .collect()
}

/// The refusal of state that was made by another query.
fn other_shape(was: &[String], is: &[String]) -> Diagnostic {
    let message = "the query now needs other state than it has kept so far";
    let differs = |line: &&String| !(was.contains(line) && is.contains(line));
    let of_values = |line: &String| line.starts_with("aggregate") || line.starts_with("partial");
    let condition = if was.iter().chain(is).filter(differs).all(of_values) {
        &STATE_STORE_VALUE_SCHEMA_NOT_COMPATIBLE
    } else {
        &STATE_STORE_KEY_SCHEMA_NOT_COMPATIBLE
    };
    let mut diagnostic = Diagnostic::error(condition, message);
    for line in was.iter().filter(|line| !is.contains(line)) {
        diagnostic = diagnostic.fact(format!("the state was made with: {line}"));
    }
    for line in is.iter().filter(|line| !was.contains(line)) {
        diagnostic = diagnostic.fact(format!("the query now has: {line}"));
    }
    if was.iter().all(|line| is.contains(line)) && is.iter().all(|line| was.contains(line)) {
        diagnostic = diagnostic.fact("its parts are the same in another order");
    }
    diagnostic
        .fact("nothing was changed: with the query as it was, the flow goes on")
        .help("to start with the new query from nothing: `sluice run --full-refresh TABLE`")
}
