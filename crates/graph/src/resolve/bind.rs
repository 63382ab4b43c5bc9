//! Binding: what each relation of a query is. Must not look at columns beyond asking for those of outside sources.

use sluice_model::condition::graph as condition;
use sluice_model::condition::sql::IDENTIFIER_TOO_MANY_NAME_PARTS;
use sluice_model::suggest;
use sluice_model::{DatasetName, Diagnostic, Namespace};
use sluice_sql::query::{ArgumentValue, ReadMode, Relation, RelationSource, TableFunction};
use sluice_sql::statement::WrittenName;

use crate::names::closest;
use crate::{
    DeclaredFlow, DeclaredGraph, ExternalSchema, ExternalSource, ExternalTables, Input,
    RelationSchema, StreamOptions,
};

/// A relation with what it is.
#[derive(Debug)]
pub(crate) struct BoundRelation {
    pub(crate) input: Input,
    pub(crate) columns: BoundColumns,
}

/// What is known of the columns of a bound relation before anything is analyzed.
#[derive(Debug)]
pub(crate) enum BoundColumns {
    /// Those of a dataset of this pipeline.
    OfDataset,
    /// These.
    Known(RelationSchema),
    /// Not before the update runs, for this reason.
    Unknown(String),
}

/// A flow whose relations are bound as far as possible.
#[derive(Debug)]
pub(crate) struct BoundFlow<'a> {
    pub(crate) flow: &'a DeclaredFlow,
    /// By relation number; `None` where an error was reported.
    pub(crate) relations: Vec<Option<BoundRelation>>,
    /// What is wrong with the relations.
    pub(crate) errors: Vec<Diagnostic>,
}

impl BoundFlow<'_> {
    /// The datasets of this pipeline that the flow reads, with the relation's number.
    pub(crate) fn datasets(&self) -> impl Iterator<Item = (usize, &DatasetName)> {
        self.relations
            .iter()
            .enumerate()
            .filter_map(|(index, relation)| match relation {
                Some(BoundRelation {
                    input: Input::Dataset(name),
                    ..
                }) => Some((index, name)),
                _ => None,
            })
    }
}

/// Binds the relations of a flow.
pub(crate) fn bind<'a>(
    graph: &'a DeclaredGraph,
    flow: &'a DeclaredFlow,
    externals: &dyn ExternalTables,
) -> BoundFlow<'a> {
    let mut bound = BoundFlow {
        flow,
        relations: vec![],
        errors: vec![],
    };
    bound
        .errors
        .extend(flow.query.refused.iter().map(|refused| {
            let message = format!("`{}` is not supported", refused.value.clause);
            Diagnostic::error(&condition::UNSUPPORTED_CLAUSE, message)
                .at(&refused.origin, "")
                .help(refused.value.help.clone())
        }));
    for relation in &flow.query.relations {
        let mut errors = check_form(graph, flow, relation);
        errors.extend(check_options(graph, flow, relation));
        match bind_source(graph, flow, relation, externals) {
            Ok(found) if errors.is_empty() => bound.relations.push(Some(found)),
            Ok(_) => bound.relations.push(None),
            Err(more) => {
                // What a store says of a table names no place in the query.
                let placed = more.into_iter().map(|error| match error.origin() {
                    Some(_) => error,
                    None => error.at(&relation.origin, ""),
                });
                errors.extend(placed);
                bound.relations.push(None);
            }
        }
        bound.errors.append(&mut errors);
    }
    bound
}

/// Refuses options behind a stream that nothing would heed.
fn check_options(
    graph: &DeclaredGraph,
    flow: &DeclaredFlow,
    relation: &Relation,
) -> Vec<Diagnostic> {
    if relation.options.is_empty() {
        return vec![];
    }
    let error = |message: String| {
        Diagnostic::error(&condition::INVALID_STREAM_OPTION, message).at(&relation.origin, "")
    };
    if let RelationSource::Function(function) = &relation.source {
        let help = format!(
            "write them as arguments: `{}('…', name => value)`",
            function.name
        );
        return vec![error(format!("`{}` takes no WITH", function.name)).help(help)];
    }
    if relation.mode == ReadMode::Batch {
        let message = "options of a stream stand behind a relation that is read whole";
        return vec![
            error(message.into()).help("read it as a stream: `STREAM t WITH (…)`, or remove them"),
        ];
    }
    if let RelationSource::Name(name) = &relation.source
        && let Some(dataset) = graph
            .names
            .find(&name.parts, &flow.namespace)
            .and_then(|name| graph.datasets.get(&name))
        && !dataset.kind.is_table()
    {
        let message = format!("`{}` is a view and takes no options", dataset.written);
        return vec![error(message).help("put them where the view itself reads a table")];
    }
    let (_, faults) = StreamOptions::parse(&relation.options);
    let faults = faults.into_iter().map(|fault| match fault.help {
        Some(help) => error(fault.message).help(help),
        None => error(fault.message),
    });
    faults.collect()
}

/// Refuses what may be written behind a relation and is not built or makes no sense.
fn check_form(graph: &DeclaredGraph, flow: &DeclaredFlow, relation: &Relation) -> Vec<Diagnostic> {
    let mut errors = vec![];
    if relation.time_travel.is_some() {
        let what = match (&relation.source, relation.mode) {
            (_, ReadMode::Stream) => Some("a stream"),
            (RelationSource::Function(_), _) => Some("a table function"),
            (RelationSource::Path { format, .. }, _) if format != "delta" => Some("files"),
            (RelationSource::Name(name), _) => graph
                .names
                .find(&name.parts, &flow.namespace)
                .and_then(|name| graph.datasets.get(&name))
                .filter(|dataset| !dataset.kind.is_table())
                .map(|_| "a view"),
            _ => None,
        };
        if let Some(what) = what {
            errors.push(
                Diagnostic::error(
                    &condition::UNSUPPORTED_TIME_TRAVEL,
                    format!("a version of {what} cannot be read"),
                )
                .at(
                    &relation.origin,
                    "versions exist for tables that are read as a batch",
                ),
            );
        }
    }
    errors
}

fn bind_source(
    graph: &DeclaredGraph,
    flow: &DeclaredFlow,
    relation: &Relation,
    externals: &dyn ExternalTables,
) -> Result<BoundRelation, Vec<Diagnostic>> {
    match &relation.source {
        RelationSource::Name(name) => bind_name(graph, flow, name, externals),
        RelationSource::Function(function) => {
            bind_function(graph, flow, function, relation, externals)
        }
        RelationSource::Path { format, path }
            if relation.mode == ReadMode::Stream && !format.eq_ignore_ascii_case("delta") =>
        {
            let message = format!(
                "`{}` streams ``{format}.`{path}` ``, which is read whole only",
                flow.id
            );
            Err(vec![
                Diagnostic::error(&condition::UNSUPPORTED_STREAMING_SOURCE, message)
                    .at(&relation.origin, "")
                    .help(format!(
                        "write `STREAM read_files('{path}', format => '{format}')`"
                    )),
            ])
        }
        RelationSource::Path { format, path } => {
            let schema = externals.schema(&ExternalSource::Path {
                format,
                path,
                mode: relation.mode,
            })?;
            let columns = match schema {
                ExternalSchema::Known(schema) => BoundColumns::Known(schema),
                ExternalSchema::Unknown(reason) => BoundColumns::Unknown(reason),
                ExternalSchema::Missing => {
                    return Err(vec![
                        Diagnostic::error(
                            &sluice_model::condition::source::PATH_NOT_FOUND,
                            format!("`{}` reads `{path}`, which does not exist", flow.id),
                        )
                        .at(&relation.origin, ""),
                    ]);
                }
            };
            Ok(BoundRelation {
                input: Input::Path {
                    format: format.clone(),
                    path: path.clone(),
                },
                columns,
            })
        }
    }
}

fn bind_name(
    graph: &DeclaredGraph,
    flow: &DeclaredFlow,
    name: &WrittenName,
    externals: &dyn ExternalTables,
) -> Result<BoundRelation, Vec<Diagnostic>> {
    let declared = graph.names.find(&name.parts, &flow.namespace);
    let is_declared = declared.is_some();
    if let Some(dataset) = declared
        .as_ref()
        .filter(|name| graph.datasets.contains_key(*name))
    {
        return Ok(BoundRelation {
            input: Input::Dataset(dataset.clone()),
            columns: BoundColumns::OfDataset,
        });
    }
    // A declared table that was taken out of the graph is read as it lies in the warehouse: so `sluice sql` asks.
    let Some(full) = declared.or_else(|| DatasetName::qualify(&name.parts, &flow.namespace)) else {
        return Err(vec![too_many_parts(name)]);
    };
    let schema = if !is_declared && is_live(name) {
        ExternalSchema::Missing
    } else {
        externals.schema(&ExternalSource::Table(&full))?
    };
    let columns = match schema {
        ExternalSchema::Known(schema) => BoundColumns::Known(schema),
        ExternalSchema::Unknown(reason) => BoundColumns::Unknown(reason),
        ExternalSchema::Missing if graph.is_unread(name) => return Err(vec![]),
        ExternalSchema::Missing => return Err(vec![not_found(graph, flow, name, externals)]),
    };
    Ok(BoundRelation {
        input: Input::External(full),
        columns,
    })
}

fn too_many_parts(name: &WrittenName) -> Diagnostic {
    Diagnostic::error(
        &IDENTIFIER_TOO_MANY_NAME_PARTS,
        format!("`{}` has {} parts", name.parts.join("."), name.parts.len()),
    )
    .at(&name.origin, "a name has one to three parts")
}

fn not_found(
    graph: &DeclaredGraph,
    flow: &DeclaredFlow,
    name: &WrittenName,
    externals: &dyn ExternalTables,
) -> Diagnostic {
    let written = name.parts.join(".");
    let error = Diagnostic::error(
        &condition::TABLE_OR_VIEW_NOT_FOUND,
        format!(
            "`{}` reads `{written}`, which no file declares",
            flow.id.target.name
        ),
    )
    .at(&name.origin, "");
    let reader = &flow.id.target;
    if let Some((near, spelled)) = graph.nearest_beside(name, Some(reader)) {
        return error.help(format!("did you mean `{spelled}` ({})?", near.origin));
    }
    let outside = externals.names();
    let last = name.parts.last().map_or("", String::as_str);
    match closest(last, outside.iter().filter(|name| *name != reader)) {
        Some(near) => error.help(format!("did you mean `{near}`, a table of the warehouse?")),
        None => searched(error, name, &flow.namespace),
    }
}

/// Adds where a name was looked for, and how a table that is named in full comes to be there.
fn searched(error: Diagnostic, name: &WrittenName, namespace: &Namespace) -> Diagnostic {
    let full = DatasetName::qualify(&name.parts, namespace);
    match full.filter(|_| name.parts.len() > 1 && !is_live(name)) {
        Some(full) => error
            .fact(format!("searched: this pipeline, then `{full}` in the warehouse"))
            .help("where another project writes it, give both the same `warehouse` in sluice.yml; a Delta table that lies elsewhere is read by its path: delta.`/path/to/table`"),
        None if is_live(name) => error.fact("searched: this pipeline"),
        None => error.fact(format!(
            "searched: this pipeline, then schema `{}.{}` of the warehouse",
            namespace.catalog, namespace.schema
        )),
    }
}

/// `LIVE.name`: a dataset of this pipeline and nothing else.
fn is_live(name: &WrittenName) -> bool {
    matches!(name.parts.as_slice(), [first, _] if first.eq_ignore_ascii_case("live"))
}

fn bind_function(
    graph: &DeclaredGraph,
    flow: &DeclaredFlow,
    function: &TableFunction,
    relation: &Relation,
    externals: &dyn ExternalTables,
) -> Result<BoundRelation, Vec<Diagnostic>> {
    let input = match function.name.as_str() {
        "read_files" => Input::Files(function.clone()),
        "read_kinesis" => Input::Kinesis(function.clone()),
        // Elsewhere it reads nothing: `plan` makes its numbers.
        "range" => return Err(vec![no_stream(function)]),
        "event_log" => Input::EventLog(event_log_table(graph, flow, function)?),
        "read_kafka" | "read_pubsub" | "read_pulsar" | "read_statestore" | "table_changes"
        | "cloud_files_state" => {
            return Err(vec![
                Diagnostic::error(
                    &condition::UNSUPPORTED_SOURCE,
                    format!("`{}` is known and not built yet", function.name),
                )
                .at(&function.origin, "the call itself is read and checked")
                .help("to work on the rest of the pipeline now: put sample records into a folder and read it with `read_files`"),
            ]);
        }
        other => {
            let error = Diagnostic::error(
                &condition::UNRESOLVABLE_TABLE_VALUED_FUNCTION,
                format!("there is no table function `{other}`"),
            )
            .at(&function.origin, "");
            let known = [
                "read_files",
                "event_log",
                "range",
                "cloud_files",
                "read_kinesis",
            ];
            return Err(vec![match suggest::closest(other, known) {
                Some(near) => error.help(suggest::did_you_mean(near)),
                None => error,
            }]);
        }
    };
    if let Some(error) = misread(&input, function, relation.mode) {
        return Err(vec![error]);
    }
    let columns = match externals.schema(&ExternalSource::Function(function, relation.mode))? {
        ExternalSchema::Known(schema) => BoundColumns::Known(schema),
        ExternalSchema::Unknown(reason) => BoundColumns::Unknown(reason),
        ExternalSchema::Missing => {
            BoundColumns::Unknown(format!("`{}` found nothing to read yet", function.name))
        }
    };
    Ok(BoundRelation { input, columns })
}

/// Refuses STREAM before what has no new rows, and its absence before what has nothing else.
fn misread(input: &Input, function: &TableFunction, mode: ReadMode) -> Option<Diagnostic> {
    let name = &function.name;
    match (input, mode) {
        (Input::Files(_), _)
        | (Input::Kinesis(_), ReadMode::Stream)
        | (Input::EventLog(_), ReadMode::Batch) => None,
        (Input::Kinesis(_), ReadMode::Batch) => Some(
            Diagnostic::error(
                &condition::UNSUPPORTED_BATCH_SOURCE,
                format!("`{name}` can be read as a stream only"),
            )
            .at(&function.origin, "STREAM is missing here")
            .help(format!("read it as a stream: `FROM STREAM {name}(…)`"))
            .help("to look at what has arrived: land it in a streaming table, and query that"),
        ),
        _ => Some(no_stream(function)),
    }
}

fn no_stream(function: &TableFunction) -> Diagnostic {
    let message = format!("`{}` cannot be read as a stream", function.name);
    Diagnostic::error(&condition::UNSUPPORTED_STREAMING_SOURCE, message)
        .at(&function.origin, "")
        .help("read it without STREAM")
}

fn event_log_table(
    graph: &DeclaredGraph,
    flow: &DeclaredFlow,
    function: &TableFunction,
) -> Result<Option<DatasetName>, Vec<Diagnostic>> {
    let Some(ArgumentValue::Table(table)) =
        function.arguments.first().map(|argument| &argument.value)
    else {
        return Ok(None);
    };
    match graph.names.find(&table.parts, &flow.namespace) {
        Some(name) => Ok(Some(name)),
        None => Err(vec![
            Diagnostic::error(
                &condition::TABLE_OR_VIEW_NOT_FOUND,
                format!(
                    "`event_log` is asked for `{}`, which this pipeline does not declare",
                    table.parts.join(".")
                ),
            )
            .at(&table.origin, "")
            .help("name a table of this pipeline: `event_log(TABLE(t))`"),
        ]),
    }
}
