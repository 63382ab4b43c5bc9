//! The verbs, one file each. A command wires and renders; what it shows is computed below.

mod alerts;
mod completion;
mod dev;
mod docs;
mod dot;
mod explain;
mod export;
mod history;
mod init;
mod layout;
mod lineage;
mod logs;
mod maintain;
mod plan;
mod run;
mod schedule;
mod serve;
mod shell;
mod show;
mod simulate;
mod sql;
mod summary;
mod syntax;
mod tap;
mod test;
mod top;
mod validate;
mod version;

use std::fmt;
use std::sync::Arc;

use serde_json::json;
use sluice_graph::SelectionRequest;
use sluice_model::Diagnostic;
use sluice_model::condition::{command, project};

use crate::arguments::{
    Arguments, Bundle, Command, Global, Pipelines, SelectionArguments, Validate,
};
use crate::exit::Exit;
use crate::render::{Screen, diagnostics_json};
use crate::source_text::SourceTexts;
use crate::workplace::{Purpose, Refused, Workplace};

/// Runs the command that was asked for.
pub(crate) fn dispatch(arguments: Arguments) -> Exit {
    let screen = Screen::new(&arguments.global);
    let ended = obey(&screen, &arguments.global, arguments.command);
    let exit = ended.unwrap_or_else(|refused| turned_away(&screen, &refused));
    if screen.is_result_lost() {
        exit.without_result()
    } else {
        exit
    }
}

fn obey(screen: &Screen, global: &Global, command: Command) -> Result<Exit, Refused> {
    match command {
        Command::Validate(asked)
        | Command::Bundle(Bundle::Validate(asked))
        | Command::Pipelines(Pipelines::DryRun(asked)) => check(screen, global, &asked),
        Command::Plan(asked) | Command::Bundle(Bundle::Plan(asked)) => {
            plan::run(screen, global, &asked)
        }
        Command::Run(asked)
        | Command::Bundle(Bundle::Run(asked))
        | Command::Pipelines(Pipelines::Run(asked)) => {
            if asked.validate_only {
                check(
                    screen,
                    global,
                    &Validate {
                        key: asked.key,
                        ..Validate::default()
                    },
                )
            } else {
                run::run(screen, global, &asked)
            }
        }
        Command::Init(asked)
        | Command::Bundle(Bundle::Init(asked))
        | Command::Pipelines(Pipelines::Init(asked)) => init::run(screen, &asked),
        Command::Serve(asked) => serve::run(screen, global, &asked),
        Command::Schedule(asked) => schedule::run(screen, global, &asked),
        Command::Alerts(asked) => alerts::run(screen, global, &asked),
        Command::Dev(asked) => dev::run(screen, global, &asked),
        Command::Tap(asked) => tap::run(screen, global, &asked),
        Command::Top(asked) => top::run(screen, global, &asked),
        Command::Test(asked) => test::run(screen, global, &asked),
        Command::Fmt(asked) => layout::run(screen, global, &asked),
        Command::Sql(asked) => sql::run(screen, global, &asked),
        Command::Show(asked) | Command::Pipelines(Pipelines::Show(asked)) => {
            show::run(screen, global, &asked)
        }
        Command::Logs(asked) | Command::Pipelines(Pipelines::Logs(asked)) => {
            logs::run(screen, global, &asked)
        }
        Command::History(asked) | Command::Pipelines(Pipelines::History(asked)) => {
            history::run(screen, global, &asked)
        }
        Command::Optimize(asked) => maintain::optimize(screen, global, &asked),
        Command::Vacuum(asked) => maintain::vacuum(screen, global, &asked),
        Command::Restore(asked) => maintain::restore(screen, global, &asked),
        Command::Export(asked) => export::run(screen, global, &asked),
        Command::Lineage(asked) => lineage::run(screen, global, &asked),
        Command::Bundle(Bundle::Deploy(_)) | Command::Pipelines(Pipelines::Deploy(_)) => {
            validate::deploy(screen, global)
        }
        Command::Bundle(Bundle::Summary(asked)) => {
            summary::run(screen, global, asked.key.as_deref())
        }
        Command::Docs(asked) => docs::run(screen, &asked.folder),
        Command::Simulate(asked) => simulate::run(screen, global, &asked),
        Command::Explain(asked) => explain::run(screen, asked.condition.as_deref()),
        Command::Completion(asked) => Ok(completion::run(screen, asked.shell)),
        Command::Version => Ok(version::run(screen)),
    }
}

/// Reports why nothing could begin: when only settings and arguments are to blame, the code is the one for those.
fn turned_away(screen: &Screen, refused: &Refused) -> Exit {
    fail(screen, &refused.diagnostics, &refused.texts);
    exit_of(&refused.diagnostics)
}

/// The code for what stands in the way of any beginning.
fn exit_of(diagnostics: &[Diagnostic]) -> Exit {
    let exit = Exit::of(diagnostics);
    let is_setting = |d: &Diagnostic| {
        let is_in_sql = d
            .origin()
            .is_some_and(|origin| origin.file.ends_with(".sql"));
        !is_in_sql && (project::ALL.contains(&d.condition) || command::ALL.contains(&d.condition))
    };
    let mut errors = diagnostics.iter().filter(|d| d.is_error());
    if exit == Exit::Failure && errors.all(is_setting) {
        Exit::Usage
    } else {
        exit
    }
}

fn check(screen: &Screen, global: &Global, asked: &Validate) -> Result<Exit, Refused> {
    match &asked.syntax {
        Some(file) => Ok(syntax::run(screen, file)),
        None => validate::run(screen, global, asked),
    }
}

/// Reports what went wrong and gives the code for it.
pub(crate) fn fail(screen: &Screen, diagnostics: &[Diagnostic], texts: &SourceTexts) -> Exit {
    if screen.is_json {
        screen.object(&json!({ "diagnostics": diagnostics_json(diagnostics) }));
    }
    screen.diagnostics(diagnostics, texts);
    Exit::of(diagnostics)
}

/// Opens a project for questions; one with errors is refused.
fn open_sound(global: &Global, key: Option<&str>) -> Result<Workplace, Refused> {
    let place = open(global, key)?;
    if place.has_errors() {
        return Err(Refused {
            diagnostics: place.diagnostics,
            texts: place.texts,
        });
    }
    Ok(place)
}

/// Opens a project for questions, whatever is wrong with its SQL.
fn open(global: &Global, key: Option<&str>) -> Result<Workplace, Refused> {
    Workplace::open(
        global,
        key,
        Purpose::Read,
        Arc::new(sluice_run::NoObserver),
        None,
    )
}

impl From<&SelectionArguments> for SelectionRequest {
    fn from(asked: &SelectionArguments) -> Self {
        Self {
            refresh: asked.refresh.clone(),
            full_refresh: asked.full_refresh.clone(),
            full_refresh_all: asked.full_refresh_all,
            exclude: asked.exclude.clone(),
        }
    }
}

/// Names the pipeline in a line for people: `pipeline=iot  target=dev`.
struct Heading<'a>(&'a Workplace);

impl fmt::Display for Heading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(project) = &self.0.project else {
            return Ok(());
        };
        write!(f, "pipeline={}", project.key)?;
        match &project.target {
            Some(target) => write!(f, "  target={target}"),
            None => Ok(()),
        }
    }
}
