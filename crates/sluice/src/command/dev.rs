//! `sluice dev`: the project runs while somebody writes it. Streams are on a Kinesis inside this process, sensors put
//! records on them, tables go to a warehouse of its own, rows of alerts are shown as they come, and what changes is
//! started again. Errors are told and waited out. Must not know how an update works.

mod beside;
mod change;
mod fleet;
mod pipeline;
mod streams;
mod ticker;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Instant;

use sluice_model::Diagnostic;
use sluice_model::condition::command::{
    ARGUMENT_NOT_VALID, DEV_ALREADY_RUNNING, OUTPUT_NOT_WRITABLE,
};

use super::run::{grouped, interrupted};
use crate::arguments::{Dev, Global};
use crate::delivering::Telling;
use crate::edge;
use crate::embedded_kinesis::EmbeddedKinesis;
use crate::exit::Exit;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::watching::Watched;
use crate::workplace::{Purpose, Refused, Workplace, block_on};
use change::Changes;
use fleet::Fleets;
use pipeline::Troubles;

/// A project as it was read, and who tells what goes wrong in it.
type Loaded = (Workplace, Arc<Troubles>);

/// Runs until interrupted.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Dev) -> Result<Exit, Refused> {
    let opened = edge::open(global, asked.key.as_deref()).map_err(|error| refused(*error))?;
    let folder = opened.folder.canonicalize().unwrap_or(opened.folder);
    let own = folder.join(".sluice").join("dev");
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let beside = beside::flags(global, asked, &own, &here.unwrap_or_default());
    let _lock = lock(&folder.join(".sluice"), &beside).map_err(refused)?;
    let mut global = global.clone();
    if global.warehouse.is_none() {
        // The streams begin empty, and so must the tables that remember how far they were read.
        if let Err(error) = fs::remove_dir_all(&own)
            && own.exists()
        {
            return Err(refused(unwritable(&own, &error)));
        }
        global.warehouse = Some(own.display().to_string());
    }
    // stdout is for rows: what goes wrong stands on stderr, also where rows are JSON.
    let is_json = screen.is_json;
    let screen = &screen.for_people();
    block_on(async {
        let begun = Instant::now();
        let kinesis = EmbeddedKinesis::start_at(asked.kinesis_port).await;
        let kinesis = kinesis.map_err(|error| {
            let message = format!("no Kinesis on port {}: {error}", asked.kinesis_port);
            refused(
                Diagnostic::error(&ARGUMENT_NOT_VALID, message)
                    .help("leave `--kinesis-port` out: any free port is taken"),
            )
        })?;
        let mut session = Session {
            screen,
            is_json,
            global,
            beside,
            asked,
            changes: Changes::of(&folder),
            folder,
            fleets: Fleets::new(screen),
            kinesis,
            begun,
        };
        session.run().await;
        let Session {
            fleets, kinesis, ..
        } = session;
        let records = fleets.stop().await;
        kinesis.stop().await;
        screen.say(&match records {
            0 => "ended".to_owned(),
            records => format!("ended; the sensors sent {} records", grouped(records)),
        });
        Ok(Exit::Success)
    })?
}

/// One `sluice dev`.
struct Session<'a> {
    screen: &'a Screen,
    /// Whether rows are JSON.
    is_json: bool,
    global: Global,
    /// Flags of commands that look on.
    beside: String,
    asked: &'a Dev,
    folder: PathBuf,
    changes: Changes,
    fleets: Fleets,
    kinesis: EmbeddedKinesis,
    begun: Instant,
}

impl Session<'_> {
    async fn run(&mut self) {
        let mut interrupt = pin!(interrupted());
        let mut place = None;
        loop {
            let loaded = match place.take() {
                Some(place) => Ok(place),
                None => self.load().await,
            };
            match loaded {
                Ok((loaded, troubles)) => {
                    self.fill_streams(&loaded).await;
                    place = self.develop(&loaded, &troubles, interrupt.as_mut()).await;
                    if place.is_none() {
                        return;
                    }
                }
                Err(refused) => {
                    self.tell(&refused);
                    self.screen.say("waiting for a change of the project");
                    tokio::select! {
                        () = self.changes.next() => {}
                        _ = interrupt.as_mut() => return,
                    }
                }
            }
        }
    }

    /// Reads the project as it is now.
    async fn load(&self) -> Result<Loaded, Refused> {
        let (global, key) = (self.global.clone(), self.asked.key.clone());
        let troubles = Arc::new(Troubles::of(self.screen, &self.folder));
        let observer = Arc::clone(&troubles);
        let endpoint = self.kinesis.endpoint().to_owned();
        let opened = tokio::task::spawn_blocking(move || {
            Workplace::open_with(
                &global,
                key.as_deref(),
                Purpose::Write,
                observer,
                None,
                |declared| streams::turn_to(declared, &endpoint),
            )
        });
        let place = opened.await.unwrap_or_else(|error| {
            Err(refused(Diagnostic::error(
                &sluice_model::condition::run::INTERNAL_ERROR,
                error.to_string(),
            )))
        });
        Ok((place?, troubles))
    }

    /// Makes the streams that the project reads and that are not there yet, and lets sensors put records on them.
    async fn fill_streams(&mut self, place: &Workplace) {
        for stream in streams::streams_of(&place.declared) {
            if self.kinesis.has_stream(&stream).await {
                continue;
            }
            let made = self.kinesis.create_stream(&stream, self.asked.shards).await;
            if let Err(message) = made {
                let error = Diagnostic::error(&ARGUMENT_NOT_VALID, message);
                self.screen.diagnostics(&[error], &SourceTexts::default());
                continue;
            }
            self.screen.say(&format!(
                "stream    `{stream}` on {}, inside this process: AWS is not asked",
                self.kinesis.endpoint()
            ));
            let wanted = place.project.as_ref().map(|p| p.settings.simulate.clone());
            let to = streams::place(&self.kinesis, &stream);
            self.fleets
                .begin(self.asked, to, &wanted.unwrap_or_default(), &self.folder);
        }
    }

    /// Runs the pipeline until its description changes or somebody ends it; `None` for the end.
    async fn develop<F: Future<Output = bool>>(
        &mut self,
        place: &Workplace,
        troubles: &Arc<Troubles>,
        mut interrupt: Pin<&mut F>,
    ) -> Option<Loaded> {
        let screen = self.screen;
        screen.diagnostics(&place.diagnostics, &place.texts);
        let namespace = place.namespace();
        let (engine, declared) = (&place.engine, &place.declared);
        let tables = ticker::tables(engine, declared, &namespace, &self.asked.tap);
        let tables = tables.await.unwrap_or_else(|errors| {
            screen.diagnostics(&errors, &place.texts);
            vec![]
        });
        self.greet(place, tables.len());
        let mut watched: Vec<Watched> = tables
            .into_iter()
            .map(|table| Watched::new(table, false))
            .collect();
        for table in &mut watched {
            // From here on: rows that are there were shown before, or nobody asked for them.
            let _ = table.onlooker(&place.engine, &place.declared).await;
        }
        let stop = sluice_run::Stop::default();
        let telling = self.telling(place).await;
        let running = pipeline::begin(screen, place, troubles, &stop, self.begun);
        let printer = ticker::Printer {
            screen,
            is_json: self.is_json,
            time_zone: &place.time_zone,
        };
        let next = loop {
            let ticks = async {
                let (engine, declared) = (&place.engine, &place.declared);
                if printer.show(engine, declared, &mut watched).await == ticker::Ended::Failed {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = ticks => break None,
                () = self.changes.next() => match self.load().await {
                    Ok(new) => {
                        screen.say("the project has changed");
                        self.begun = Instant::now();
                        break Some(new);
                    }
                    Err(refused) => {
                        self.tell(&refused);
                        screen.say("running on as it was; waiting for the next change");
                    }
                },
                _ = interrupt.as_mut() => {
                    screen.say("stopping after the micro-batches at work; once more to stop at once");
                    tokio::spawn(end_at_once());
                    break None;
                }
            }
        };
        stop.ask();
        let _ = running.await;
        if let Some(telling) = telling {
            telling.end(screen).await;
        }
        next
    }

    /// Destinations hear of what is made up only if the author wants that: simulated alerts wake nobody at night.
    async fn telling(&self, place: &Workplace) -> Option<Telling> {
        if self.asked.deliver {
            return Telling::begin(self.screen, place).await;
        }
        let project = place.project.as_ref();
        if project.is_some_and(|project| !project.settings.destinations.is_empty()) {
            self.screen
                .say("alerts    go to no destination of sluice.yml: `--deliver` sends them");
        }
        None
    }

    fn greet(&self, place: &Workplace, tables: usize) {
        let warehouse = self.global.warehouse.clone().unwrap_or_default();
        let shown = Path::new(&warehouse)
            .strip_prefix(&self.folder)
            .map_or(warehouse.clone(), |inside| inside.display().to_string());
        self.screen
            .say(&format!("project   {}", super::Heading(place)));
        self.screen.say(&format!(
            "tables    in {shown}: `sluice sql {beside}` asks them, `sluice top {beside}` looks on",
            beside = self.beside
        ));
        if tables == 0 {
            self.screen
                .say("rows      none are shown: name tables with `--tap TABLE`");
        }
    }

    fn tell(&self, refused: &Refused) {
        self.screen
            .diagnostics(&refused.diagnostics, &refused.texts);
    }
}

/// Asked for twice: every commit is atomic, so ending here is safe.
async fn end_at_once() {
    if interrupted().await {
        #[allow(
            clippy::exit,
            reason = "asked for twice; every commit is atomic, so ending here is safe"
        )]
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
}

/// One at a time: the warehouse is emptied at the beginning.
fn lock(folder: &Path, beside: &str) -> Result<File, Diagnostic> {
    let path = folder.join("dev.lock");
    let ignore = folder.join(".gitignore");
    let opened = fs::create_dir_all(folder)
        .and_then(|()| {
            // `.sluice/` is never committed by mistake.
            if ignore.exists() {
                return Ok(());
            }
            fs::write(&ignore, "*\n")
        })
        .and_then(|()| {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)
        });
    let file = opened.map_err(|error| unwritable(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(Diagnostic::error(
            &DEV_ALREADY_RUNNING,
            "`sluice dev` runs on this project already",
        )
        .fact("nothing was changed by this one")
        .help("end the other one with Ctrl-C")
        .help(format!(
            "or look at its tables from here: `sluice top {beside}`, `sluice sql {beside}`"
        ))),
        Err(fs::TryLockError::Error(error)) => Err(unwritable(&path, &error)),
    }
}

fn unwritable(path: &Path, error: &std::io::Error) -> Diagnostic {
    let message = format!("cannot write `{}`: {error}", path.display());
    Diagnostic::error(&OUTPUT_NOT_WRITABLE, message).help(
        "make the folder of the project writable, or name another place with `--warehouse DIR`",
    )
}

fn refused(diagnostic: Diagnostic) -> Refused {
    Refused {
        diagnostics: vec![diagnostic],
        texts: SourceTexts::default(),
    }
}
