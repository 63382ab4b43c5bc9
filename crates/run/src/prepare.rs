//! From the declared graph to the resolved one: asks the warehouse and the files what they hold, as far as the
//! queries need to know, and lists each source once.
//!
//! The graph asks synchronously and purely; here the world is asked. So it is resolved twice or more: a first time to
//! learn what it needs to know, and again with the answers.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use sluice_graph::query::{Argument, ArgumentValue, ReadMode, TableFunction};
use sluice_graph::{
    Dataset, DeclaredGraph, ExternalSchema, ExternalSource, ExternalTables, Input, RelationSchema,
    ResolvedGraph, resolve,
};
use sluice_model::condition::graph::LOCATION_OVERLAP;
use sluice_model::condition::query::UNSUPPORTED_FEATURE;
use sluice_model::{DatasetName, Diagnostic, FlowKind, Origin};
use sluice_plan::analyze::SessionAnalyzer;
use sluice_source::StoredSchema;
use sluice_table::Location;

use crate::engine::Engine;
use crate::error::Result;
use crate::event_log::rows;
use crate::inputs::files::{self, FileColumns, FileInput, FileInputs};
use crate::inputs::kinesis;
use crate::inputs::leaves::leaves;
use crate::inputs::left_out::left_out;
use crate::progress;
use crate::tables::Tables;
use crate::tables::description::judged_properties;

/// Rounds of asking before something must be wrong: each round answers everything that is open.
const ROUNDS_MAX: usize = 6;

/// A graph ready to be checked or run.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The graph.
    pub(crate) graph: ResolvedGraph,
    /// What is wrong with it, and notes.
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// File sources by the place of their call.
    pub(crate) files: FileInputs,
    /// What the graph was resolved from.
    declared: DeclaredGraph,
    known: HashMap<Question, Answer>,
}

impl Prepared {
    /// Whether nothing may run.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// What would be wrong with the graph if files of the call at a place had these columns, and all else were as it was.
    pub(crate) fn errors_with(
        &self,
        engine: &Engine,
        call: &Origin,
        columns: &RelationSchema,
    ) -> Result<Vec<Diagnostic>> {
        let analyzer = SessionAnalyzer::new(engine.session(engine.clock().now_us())?);
        let mut known = self.known.clone();
        for (question, answer) in &mut known {
            if question.is_about(call) {
                *answer = Ok(ExternalSchema::Known(columns.clone()));
            }
        }
        let answers = Answers {
            known: &known,
            open: RefCell::default(),
        };
        let (_, mut diagnostics) = resolve(&self.declared, &analyzer, &answers);
        diagnostics.retain(Diagnostic::is_error);
        Ok(diagnostics)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Question {
    Table(DatasetName),
    Function(Origin, ReadMode),
    Path(String, String, ReadMode),
}

impl Question {
    fn is_about(&self, call: &Origin) -> bool {
        match self {
            Self::Table(_) => false,
            Self::Function(place, _) => place == call,
            Self::Path(format, path, _) => files_of_path(format, path).origin == *call,
        }
    }
}

type Answer = std::result::Result<ExternalSchema, Vec<Diagnostic>>;

/// Answers what is known and remembers what is not.
struct Answers<'a> {
    known: &'a HashMap<Question, Answer>,
    open: RefCell<Vec<(Question, Option<TableFunction>)>>,
}

impl ExternalTables for Answers<'_> {
    fn schema(&self, source: &ExternalSource<'_>) -> Answer {
        let (question, function) = match source {
            ExternalSource::Table(name) => (Question::Table((*name).clone()), None),
            ExternalSource::Function(function, mode) => (
                Question::Function(function.origin.clone(), *mode),
                Some((*function).clone()),
            ),
            ExternalSource::Path { format, path, mode } => (
                Question::Path((*format).to_string(), (*path).to_string(), *mode),
                None,
            ),
        };
        if let Some(answer) = self.known.get(&question) {
            return answer.clone();
        }
        self.open.borrow_mut().push((question, function));
        Ok(ExternalSchema::Unknown("not looked at yet".into()))
    }

    fn names(&self) -> Vec<DatasetName> {
        vec![]
    }
}

/// Resolves a declared graph against the warehouse and the files as they are now.
pub(crate) async fn prepare(
    engine: &Engine,
    tables: &Tables,
    declared: &DeclaredGraph,
) -> Result<Prepared> {
    prepare_anew(engine, tables, declared, &BTreeSet::new()).await
}

/// As [`prepare`], where the columns that `anew` has stored for its file sources count no more: tables that are
/// filled from nothing learn their columns from nothing.
pub(crate) async fn prepare_anew(
    engine: &Engine,
    tables: &Tables,
    declared: &DeclaredGraph,
    anew: &BTreeSet<DatasetName>,
) -> Result<Prepared> {
    tables.know_places(declared);
    let session = engine.session(engine.clock().now_us())?;
    let analyzer = SessionAnalyzer::new(session);
    let mut known = HashMap::new();
    let mut inputs = HashMap::new();
    for _ in 0..ROUNDS_MAX {
        let answers = Answers {
            known: &known,
            open: RefCell::default(),
        };
        let (graph, mut diagnostics) = resolve(declared, &analyzer, &answers);
        let mut open = answers.open.into_inner();
        if open.is_empty() {
            diagnostics.extend(misplaced(engine, declared));
            diagnostics.extend(kinesis::notes(&graph));
            diagnostics.extend(all_left_out(&inputs));
            diagnostics.extend(declared.datasets.values().flat_map(judged_properties));
            return Ok(Prepared {
                graph,
                diagnostics,
                files: inputs.into(),
                declared: declared.clone(),
                known,
            });
        }
        open.dedup_by(|a, b| a.0 == b.0);
        for (question, function) in open {
            if known.contains_key(&question) {
                continue;
            }
            let answer = match (&question, &function) {
                (Question::Table(name), _) => table_columns(tables, name).await,
                (Question::Function(_, mode), Some(function)) => {
                    let stored = match mode {
                        ReadMode::Stream => {
                            stored_schemas(engine, tables, &graph, function, anew).await
                        }
                        ReadMode::Batch => Ok(vec![]),
                    };
                    match stored {
                        Ok(stored) => {
                            function_columns(engine, function, *mode, stored, &mut inputs).await
                        }
                        Err(found) => Err(found),
                    }
                }
                (Question::Path(format, path, mode), _) => {
                    path_columns(engine, format, path, *mode, &mut inputs).await
                }
                (Question::Function(..), None) => Ok(ExternalSchema::Missing),
            };
            known.insert(question, answer);
        }
    }
    Err(crate::error::internal("the graph keeps asking for what it was told").into())
}

/// What the sources left out, in the order of their places.
fn all_left_out(inputs: &HashMap<Origin, FileInput>) -> Vec<Diagnostic> {
    let mut inputs: Vec<&FileInput> = inputs.values().collect();
    inputs.sort_by(|one, other| one.origin.cmp(&other.origin));
    inputs.into_iter().flat_map(left_out).collect()
}

async fn table_columns(tables: &Tables, name: &DatasetName) -> Answer {
    match tables.open(name).await {
        Ok(Some(table)) => Ok(ExternalSchema::Known(RelationSchema::plain(table.schema()))),
        Ok(None) => Ok(ExternalSchema::Missing),
        Err(failure) => Err(failure.into_diagnostics()),
    }
}

async fn function_columns(
    engine: &Engine,
    function: &TableFunction,
    mode: ReadMode,
    stored: Vec<StoredSchema>,
    inputs: &mut HashMap<Origin, FileInput>,
) -> Answer {
    match function.name.as_str() {
        "read_files" | "cloud_files" => match files::look(engine, function, mode, stored).await? {
            FileColumns::Known(input) => {
                let columns = input.columns(true);
                inputs.insert(function.origin.clone(), *input);
                Ok(ExternalSchema::Known(columns))
            }
            FileColumns::Unknown(reason) => Ok(ExternalSchema::Unknown(reason)),
        },
        "read_kinesis" => Ok(ExternalSchema::Known(RelationSchema::plain(
            kinesis::columns(function)?,
        ))),
        "event_log" => Ok(ExternalSchema::Known(RelationSchema::plain(rows::schema()))),
        other => Err(vec![
            Diagnostic::error(
                &UNSUPPORTED_FEATURE,
                format!("the table function `{other}` is not supported yet"),
            )
            .at(&function.origin, ""),
        ]),
    }
}

/// The columns of this call that each flow that reads it has stored.
async fn stored_schemas(
    engine: &Engine,
    tables: &Tables,
    graph: &ResolvedGraph,
    function: &TableFunction,
    anew: &BTreeSet<DatasetName>,
) -> std::result::Result<Vec<StoredSchema>, Vec<Diagnostic>> {
    let mut stored = vec![];
    for flow in graph
        .flows
        .values()
        .filter(|flow| flow.kind != FlowKind::View && !anew.contains(&flow.id.target))
    {
        for leaf in leaves(graph, flow) {
            let Input::Files(call) = &leaf.input else {
                continue;
            };
            if call.origin != function.origin {
                continue;
            }
            let found = progress::stored_schema(engine, tables, &flow.id, &leaf.key).await;
            if let Some((_, schema)) = found.map_err(crate::error::Failure::into_diagnostics)? {
                stored.push(schema);
            }
        }
    }
    Ok(stored)
}

/// The columns of ``delta.`path` ``, or of files: ``csv.`path` `` is `read_files` with nothing but a format.
async fn path_columns(
    engine: &Engine,
    format: &str,
    path: &str,
    mode: ReadMode,
    inputs: &mut HashMap<Origin, FileInput>,
) -> Answer {
    if format == "delta" {
        let location = engine
            .location_at(path)
            .map_err(|error| vec![error.diagnostic()])?;
        return match sluice_table::DeltaTable::open(engine.store(), &location).await {
            Ok(Some(table)) => Ok(ExternalSchema::Known(RelationSchema::plain(table.schema()))),
            Ok(None) => Ok(ExternalSchema::Missing),
            Err(error) => Err(vec![error.diagnostic()]),
        };
    }
    let function = files_of_path(format, path);
    let found = files::look(engine, &function, mode, vec![]).await;
    // The call is ours: the place that people know is the one where the path is written.
    let found = found.map_err(|mut errors| {
        for error in &mut errors {
            error
                .labels
                .retain(|label| label.origin.file != function.origin.file);
        }
        errors
    });
    match found? {
        FileColumns::Known(input) => {
            let columns = input.columns(true);
            inputs.insert(function.origin, *input);
            Ok(ExternalSchema::Known(columns))
        }
        FileColumns::Unknown(reason) => Ok(ExternalSchema::Unknown(reason)),
    }
}

/// ``csv.`path` `` as the call that it stands for; its place stands for the path, so that it is found again.
pub(crate) fn files_of_path(format: &str, path: &str) -> TableFunction {
    let origin = Origin::new(format!("{format}.`{path}`"), 1, 1, 0);
    let argument = |name: Option<&str>, text: &str| Argument {
        name: name.map(str::to_owned),
        value: ArgumentValue::String(text.to_string()),
        origin: origin.clone(),
    };
    TableFunction {
        name: "read_files".into(),
        // As Spark reads it: no header, and no column but those of the files.
        arguments: vec![
            argument(None, path),
            argument(Some("format"), format),
            argument(Some("header"), "false"),
            argument(Some("rescuedDataColumn"), ""),
        ],
        origin: origin.clone(),
    }
}

/// What is wrong with the places of tables: a LOCATION that is no folder, and tables that lie in one another.
fn misplaced(engine: &Engine, declared: &DeclaredGraph) -> Vec<Diagnostic> {
    let mut placed: Vec<(&Dataset, Location)> = vec![];
    let mut wrong = vec![];
    let tables = declared.datasets.values();
    for dataset in tables.filter(|dataset| dataset.kind.is_table()) {
        let location = match engine.location_of(dataset) {
            Ok(location) => location,
            Err(diagnostic) => {
                wrong.push(*diagnostic);
                continue;
            }
        };
        let overlapped = placed.iter().find(|(_, other)| location.overlaps(other));
        if let Some((other, _)) = overlapped {
            let written = [dataset, *other]
                .into_iter()
                .find_map(|dataset| dataset.location.as_ref());
            let place = written.map_or(&dataset.origin, |written| &written.origin);
            let (one, other) = (&dataset.name, &other.name);
            let message = format!("tables `{one}` and `{other}` would lie in one folder");
            wrong.push(
                Diagnostic::error(&LOCATION_OVERLAP, message)
                    .at(place, "")
                    .help("give each table a folder of its own, or leave LOCATION out"),
            );
        }
        placed.push((dataset, location));
    }
    wrong
}
