//! Who is told of a project's alerts: its destinations with their secrets looked up, and a delivery that runs beside an
//! update. Must not decide what is told: `serve` does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sluice_graph::DeclaredGraph;
use sluice_model::condition::serve::{DESTINATION_SECRET_NOT_FOUND, DESTINATION_TABLE_NOT_FOUND};
use sluice_model::destination::{Destination, Secret};
use sluice_model::job::Placed;
use sluice_model::suggest::{closest, did_you_mean};
use sluice_model::{DatasetName, Diagnostic, Namespace};
use sluice_run::{Engine, Failure, Stop};
use sluice_serve::delivery::{Address, Delivered, Delivery, Feed, Followed, Patience, Teller};
use sluice_sql::project::Bundle;
use sluice_table::DeltaTable;
use tokio::task::JoinHandle;

use crate::arguments::Global;
use crate::edge;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::Workplace;

/// How long a command waits at its end for destinations that are behind.
const DRAIN: Duration = Duration::from_secs(10);

/// A delivery at work.
#[derive(Debug)]
pub(crate) struct Telling {
    stop: Stop,
    task: JoinHandle<usize>,
}

impl Telling {
    /// Begins to tell the destinations of a place of what is committed from now on; `None` when there are none.
    pub(crate) async fn begin(screen: &Screen, place: &Workplace) -> Option<Self> {
        let mut delivery = begin(screen, place).await?;
        let stop = Stop::default();
        let asked = stop.clone();
        let task = tokio::spawn(async move {
            delivery.run(&asked).await;
            delivery.drain(DRAIN).await
        });
        Some(Self { stop, task })
    }

    /// Ends, after a short wait for destinations that are behind.
    pub(crate) async fn end(mut self, screen: &Screen) {
        self.stop.ask();
        if !matches!(tokio::time::timeout(DRAIN, &mut self.task).await, Ok(Ok(0))) {
            self.task.abort();
            screen.say(
                "some destinations are behind; nothing is lost, the next run goes on from there",
            );
        }
    }
}

/// Does some work, such as an update, while destinations are told of what it commits. The work never waits for them.
pub(crate) async fn beside<T>(
    screen: &Screen,
    place: &Workplace,
    work: impl Future<Output = T>,
) -> T {
    let telling = Telling::begin(screen, place).await;
    let done = work.await;
    if let Some(telling) = telling {
        telling.end(screen).await;
    }
    done
}

/// The delivery of a place; `None` when nobody is to be told of anything.
async fn begin(screen: &Screen, place: &Workplace) -> Option<Delivery> {
    let project = place.project.as_ref()?;
    let mut feeds = vec![];
    for destination in &project.settings.destinations {
        let wanted = feeds_of(place, destination);
        if wanted.is_empty() {
            continue;
        }
        match address(destination, &place.folder) {
            Ok(address) => feeds.extend(wanted.into_iter().map(|feed| (address.clone(), feed))),
            Err(diagnostic) => screen.diagnostics(&[*diagnostic], &place.texts),
        }
    }
    if feeds.is_empty() {
        return None;
    }
    let teller: Arc<dyn Teller> = Arc::new(Voice {
        screen: screen.clone(),
        texts: SourceTexts::of_folder(&place.folder),
    });
    let patience = Patience::default();
    let begun = Delivery::begin(&place.engine, &project.key, feeds, patience, &teller).await;
    begun
        .map_err(|diagnostic| screen.diagnostics(&[diagnostic], &place.texts))
        .ok()
}

/// What a destination hears of in a pipeline: rows of a table that the pipeline declares, and its updates.
pub(crate) fn feeds_of(place: &Workplace, destination: &Destination) -> Vec<Feed> {
    let mut feeds = vec![];
    if let Some(name) = table_of(place, destination) {
        feeds.push(Feed::Rows {
            name: name.to_string(),
            table: Arc::new(OfDataset {
                engine: place.engine.clone(),
                declared: place.declared.clone(),
                name,
            }),
        });
    }
    if !destination.alerts.is_empty() {
        feeds.push(Feed::Updates {
            alerts: destination.alerts.clone(),
            log: Arc::new(OfEventLog(place.engine.clone())),
        });
    }
    feeds
}

/// The table of a destination, if the pipeline declares it.
pub(crate) fn table_of(place: &Workplace, destination: &Destination) -> Option<DatasetName> {
    let written = &destination.table.as_ref()?.value;
    declared_table(written, &place.namespace(), &place.declared)
}

/// The dataset of a pipeline that a destination's `table` means.
fn declared_table(
    written: &str,
    namespace: &Namespace,
    graph: &DeclaredGraph,
) -> Option<DatasetName> {
    let parts: Vec<&str> = written
        .split('.')
        .map(|part| part.trim_matches('`'))
        .collect();
    let name = DatasetName::qualify(&parts, namespace)?;
    graph.datasets.contains_key(&name).then_some(name)
}

/// Warns of destinations of a table that no pipeline of the project declares. Says nothing where the SQL has errors: what they
/// hide may be the table.
pub(crate) fn without_table(
    global: &Global,
    destinations: &[Destination],
    bundle: Option<&Bundle>,
) -> Vec<Diagnostic> {
    if destinations.iter().all(|found| found.table.is_none()) {
        return vec![];
    }
    let keys: Vec<Option<&str>> = match bundle {
        Some(bundle) => bundle.pipelines.iter().map(|key| Some(&**key)).collect(),
        None => vec![None],
    };
    let declared = keys.into_iter().map(|key| {
        let opened = edge::open(global, key).ok()?;
        let project = opened.project.clone()?;
        let (declared, found) = edge::declared(&opened, &project);
        let mut all = opened.diagnostics.iter().chain(&found);
        (!all.any(Diagnostic::is_error)).then_some((project.namespace, declared))
    });
    let Some(declared) = declared.collect::<Option<Vec<_>>>() else {
        return vec![];
    };
    let tables = destinations
        .iter()
        .filter_map(|found| Some((found, found.table.as_ref()?)));
    tables
        .filter(|(_, table)| {
            let of_one = |(namespace, graph): &(Namespace, DeclaredGraph)| {
                declared_table(&table.value, namespace, graph).is_some()
            };
            !declared.iter().any(of_one)
        })
        .map(|(found, table)| undeclared(&found.name, table, &declared))
        .collect()
}

fn undeclared(
    destination: &str,
    table: &Placed<String>,
    declared: &[(Namespace, DeclaredGraph)],
) -> Diagnostic {
    let written = &table.value;
    let message = format!(
        "`{destination}` is told of no row: no pipeline of the project declares the table `{written}`"
    );
    let diagnostic =
        Diagnostic::warning(&DESTINATION_TABLE_NOT_FOUND, message).at(&table.origin, "");
    let last = written.rsplit('.').next().unwrap_or_default();
    let names = || declared.iter().flat_map(|(_, graph)| graph.datasets.keys());
    let near = closest(
        last.trim_matches('`'),
        names().map(|name| name.name.as_str()),
    );
    match near.and_then(|near| names().find(|name| name.name == near)) {
        Some(near) => diagnostic.help(did_you_mean(near)),
        None => diagnostic,
    }
}

/// A destination with what its secrets say.
pub(crate) fn address(
    destination: &Destination,
    folder: &Path,
) -> Result<Address, Box<Diagnostic>> {
    let url = reveal(&destination.url, folder)?;
    let signing_key = destination
        .signing_secret
        .as_ref()
        .map(|secret| reveal(secret, folder))
        .transpose()?;
    Address::new(
        destination.clone(),
        &url,
        signing_key.map(String::into_bytes),
    )
}

/// What a secret says. Never part of a message.
fn reveal(secret: &Placed<Secret>, folder: &Path) -> Result<String, Box<Diagnostic>> {
    let (found, what) = match &secret.value {
        Secret::Plain(text) => return Ok(text.clone()),
        Secret::Environment(name) => (
            std::env::var(name).ok(),
            format!("the environment variable `{name}` is not set"),
        ),
        Secret::File(path) => (
            std::fs::read_to_string(folder.join(path)).ok(),
            format!("the file `{path}` cannot be read"),
        ),
    };
    let text = found
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    text.ok_or_else(|| {
        Box::new(
            Diagnostic::warning(&DESTINATION_SECRET_NOT_FOUND, what)
                .at(&secret.origin, "")
                .fact("nothing is sent there until it is; no row is lost once it was"),
        )
    })
}

/// Tells people on the terminal.
#[derive(Debug)]
struct Voice {
    screen: Screen,
    texts: SourceTexts,
}

impl Teller for Voice {
    fn tell(&self, destination: &str, delivered: &Delivered<'_>) {
        match delivered {
            Delivered::Taken { rows } => {
                let word = if *rows == 1 { "row" } else { "rows" };
                self.screen
                    .say(&format!("told `{destination}` of {rows} {word}"));
            }
            Delivered::Trouble(found) => {
                self.screen
                    .diagnostics(std::slice::from_ref(*found), &self.texts);
            }
        }
    }
}

/// The table of a dataset.
#[derive(Debug)]
struct OfDataset {
    engine: Engine,
    declared: DeclaredGraph,
    name: DatasetName,
}

impl Followed for OfDataset {
    fn open(&self) -> BoxFuture<'_, Result<Option<DeltaTable>, Failure>> {
        Box::pin(async { Ok(self.engine.table(&self.declared, &self.name).await?) })
    }
}

/// The event log.
#[derive(Debug)]
struct OfEventLog(Engine);

impl Followed for OfEventLog {
    fn open(&self) -> BoxFuture<'_, Result<Option<DeltaTable>, Failure>> {
        Box::pin(self.0.event_log_table())
    }
}
