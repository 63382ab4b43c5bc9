//! Who is told of a project's alerts: its destinations with their secrets looked up, and a delivery that runs beside an
//! update. Must not decide what is told: `serve` does.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::BoxFuture;
use sluice_graph::DeclaredGraph;
use sluice_model::condition::serve::DESTINATION_SECRET_NOT_FOUND;
use sluice_model::destination::{Destination, Secret};
use sluice_model::job::Placed;
use sluice_model::{DatasetName, Diagnostic};
use sluice_run::{Engine, Failure};
use sluice_serve::delivery::{Address, Delivered, Delivery, Feed, Followed, Patience, Teller};
use sluice_table::DeltaTable;
use tokio::task::JoinHandle;

use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::Workplace;

/// How long a command waits at its end for destinations that are behind.
const DRAIN: Duration = Duration::from_secs(10);

/// A delivery at work.
#[derive(Debug)]
pub(crate) struct Telling {
    stop: Arc<AtomicBool>,
    task: JoinHandle<usize>,
}

impl Telling {
    /// Begins to tell the destinations of a place of what is committed from now on; `None` when there are none.
    pub(crate) async fn begin(screen: &Screen, place: &Workplace) -> Option<Self> {
        let mut delivery = begin(screen, place).await?;
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let task = tokio::spawn(async move {
            delivery.run(&asked).await;
            delivery.drain(DRAIN).await
        });
        Some(Self { stop, task })
    }

    /// Ends, after a short wait for destinations that are behind.
    pub(crate) async fn end(mut self, screen: &Screen) {
        self.stop.store(true, Ordering::Relaxed);
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
    let parts: Vec<&str> = written
        .split('.')
        .map(|part| part.trim_matches('`'))
        .collect();
    let name = DatasetName::qualify(&parts, &place.namespace())?;
    place.declared.datasets.contains_key(&name).then_some(name)
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
