//! The pipeline of `sluice dev`: one continuous update until it is told to stop, begun again when it ends by itself,
//! each error told once. Must not watch files or print rows.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sluice_graph::DeclaredGraph;
use sluice_model::condition::run::UPDATE_CANCELED;
use sluice_model::event::Event;
use sluice_model::{Diagnostic, Severity, UpdateState};
use sluice_run::{Engine, Mode, Observer, Pulse, Stop, UpdateReport, UpdateRequest};
use tokio::task::JoinHandle;

use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::Workplace;

/// After an update that ended by itself.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells what goes wrong in flows as it happens: an update that goes on has no report.
#[derive(Debug)]
pub(super) struct Troubles {
    screen: Screen,
    texts: SourceTexts,
    /// Messages that were told.
    said: Mutex<HashSet<String>>,
}

impl Troubles {
    /// Of the project in a folder.
    pub(super) fn of(screen: &Screen, folder: &Path) -> Self {
        Self {
            screen: screen.clone(),
            texts: SourceTexts::of_folder(folder),
            said: Mutex::default(),
        }
    }

    fn said(&self) -> MutexGuard<'_, HashSet<String>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells what was not told yet; whether an error is among it.
    fn tell<'a>(&self, found: impl Iterator<Item = &'a Diagnostic>) -> bool {
        let new: Vec<Diagnostic> = {
            let mut said = self.said();
            found
                .filter(|found| *found.condition != UPDATE_CANCELED)
                .filter(|found| said.insert(found.to_string()))
                .cloned()
                .collect()
        };
        self.screen.diagnostics(&new, &self.texts);
        new.iter().any(Diagnostic::is_error)
    }
}

impl Observer for Troubles {
    fn event(&self, _event: &Event) {}

    fn trouble(&self, diagnostics: &[Diagnostic]) {
        if self.tell(diagnostics.iter().filter(|d| d.severity != Severity::Note)) {
            self.screen
                .say("the other flows run on; a change of the project is taken up at once");
        }
    }
}

/// Begins to run, in the background. It ends soon after `stop` is set.
pub(super) fn begin(
    screen: &Screen,
    place: &Workplace,
    troubles: &Arc<Troubles>,
    stop: &Stop,
    begun: Instant,
) -> JoinHandle<()> {
    let running = Running {
        screen: screen.clone(),
        engine: place.engine.clone(),
        declared: place.declared.clone(),
        troubles: Arc::clone(troubles),
        stop: stop.clone(),
        begun: Some(begun),
    };
    tokio::spawn(running.run())
}

struct Running {
    screen: Screen,
    engine: Engine,
    declared: DeclaredGraph,
    troubles: Arc<Troubles>,
    stop: Stop,
    /// When this was begun, until it is up.
    begun: Option<Instant>,
}

impl Running {
    async fn run(mut self) {
        while !self.stop.is_asked() {
            let pulse = Pulse::default();
            let request = UpdateRequest {
                stop: self.stop.clone(),
                mode: Mode::Continuous(pulse.clone()),
                ..UpdateRequest::default()
            };
            let engine = self.engine.clone();
            let declared = self.declared.clone();
            let mut update = std::pin::pin!(engine.update(&declared, &request));
            let report = tokio::select! {
                report = update.as_mut() => report,
                () = pulse.caught_up() => {
                    if !pulse.is_over() {
                        self.up();
                    }
                    update.await
                }
            };
            self.ended(&report);
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.stop.asked() => {}
            }
        }
    }

    /// Every flow has caught up: tells so, once.
    fn up(&mut self) {
        if let Some(begun) = self.begun.take() {
            let ms = begun.elapsed().as_millis();
            self.screen.say(&format!(
                "up        after {}.{}s; Ctrl-C ends it",
                ms / 1000,
                ms % 1000 / 100
            ));
        }
    }

    /// Tells what is new of what is wrong.
    fn ended(&mut self, report: &UpdateReport) {
        let flows = report.flows.iter().flat_map(|flow| &flow.diagnostics);
        let failed = self.troubles.tell(report.diagnostics.iter().chain(flows));
        if report.state == UpdateState::Failed && failed {
            self.screen
                .say("trying again; a change of the project is taken up at once");
        }
    }
}
