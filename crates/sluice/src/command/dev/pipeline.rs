//! The pipeline of `sluice dev`: update after update until it is told to stop, each error told once. Must not watch files
//! or print rows.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use sluice_graph::DeclaredGraph;
use sluice_model::condition::run::UPDATE_CANCELED;
use sluice_model::{Diagnostic, UpdateState};
use sluice_run::{Engine, Stop, UpdateReport, UpdateRequest};
use tokio::task::JoinHandle;

use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::Workplace;

/// Between two updates.
const PAUSE: Duration = Duration::from_millis(100);
/// After one that failed.
const PAUSE_FAILED: Duration = Duration::from_secs(1);

/// Begins to update, in the background. It ends soon after `stop` is set.
pub(super) fn begin(
    screen: &Screen,
    place: &Workplace,
    stop: &Stop,
    begun: Instant,
) -> JoinHandle<()> {
    let running = Running {
        screen: screen.clone(),
        engine: place.engine.clone(),
        declared: place.declared.clone(),
        texts: SourceTexts::of_folder(&place.folder),
        stop: stop.clone(),
        said: HashSet::new(),
        begun: Some(begun),
    };
    tokio::spawn(running.run())
}

struct Running {
    screen: Screen,
    engine: Engine,
    declared: DeclaredGraph,
    texts: SourceTexts,
    stop: Stop,
    /// Messages that were told.
    said: HashSet<String>,
    /// When this was begun, until it is up.
    begun: Option<Instant>,
}

impl Running {
    async fn run(mut self) {
        let request = UpdateRequest {
            stop: self.stop.clone(),
            ..UpdateRequest::default()
        };
        while !self.stop.is_asked() {
            let report = self.engine.update(&self.declared, &request).await;
            self.tell(&report);
            let pause = if report.state == UpdateState::Failed {
                PAUSE_FAILED
            } else {
                PAUSE
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Tells that it is up, and what is new of what is wrong.
    fn tell(&mut self, report: &UpdateReport) {
        let flows = report.flows.iter().flat_map(|flow| &flow.diagnostics);
        let new: Vec<Diagnostic> = report
            .diagnostics
            .iter()
            .chain(flows)
            .filter(|found| *found.condition != UPDATE_CANCELED)
            .filter(|found| self.said.insert(found.to_string()))
            .cloned()
            .collect();
        self.screen.diagnostics(&new, &self.texts);
        match report.state {
            UpdateState::Completed => {
                if let Some(begun) = self.begun.take() {
                    let ms = begun.elapsed().as_millis();
                    self.screen.say(&format!(
                        "up        after {}.{}s; Ctrl-C ends it",
                        ms / 1000,
                        ms % 1000 / 100
                    ));
                }
                // What comes again after it was well is news.
                self.said.clear();
            }
            UpdateState::Failed if new.iter().any(Diagnostic::is_error) => self
                .screen
                .say("trying again; a change of the project is taken up at once"),
            _ => {}
        }
    }
}
