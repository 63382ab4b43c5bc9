//! `sluice validate`, and `bundle deploy` which needs no more: settings, SQL, names, types and order of the whole project; everything that is wrong at once.

use serde_json::{Value, json};
use sluice_graph::ResolvedGraph;
use sluice_model::{DatasetKind, Diagnostic, Severity};
use sluice_sql::project::Bundle;

use crate::arguments::{Global, Validate};
use crate::delivering::without_table;
use crate::edge;
use crate::exit::Exit;
use crate::render::{Screen, count, diagnostics_json};
use crate::source_text::SourceTexts;
use crate::workplace::{Refused, Workplace, block_on};

/// A pipeline with all that is wrong with it.
struct Checked {
    key: String,
    /// `None` where the project's own description forbids to go on.
    found: Option<(Workplace, ResolvedGraph)>,
    diagnostics: Vec<Diagnostic>,
    texts: SourceTexts,
    exit: Exit,
}

/// Checks the pipeline that is named, or all of the project.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Validate) -> Result<Exit, Refused> {
    let bundle = edge::bundle(global).map_err(|error| Refused::one(*error))?;
    let several = bundle
        .as_ref()
        .filter(|bundle| asked.key.is_none() && bundle.pipelines.len() > 1);
    let Some(several) = several else {
        let checked = check(global, asked, asked.key.as_deref(), bundle.as_ref())?;
        if screen.is_json {
            screen.object(&checked.object());
        } else {
            checked.show(screen, &mut vec![]);
        }
        return Ok(checked.exit);
    };
    let checked: Vec<Checked> = several
        .pipelines
        .iter()
        .map(|key| {
            check(global, asked, Some(key), bundle.as_ref())
                .unwrap_or_else(|refused| Checked::refused(key, refused))
        })
        .collect();
    let failed = checked.iter().map(|checked| checked.exit);
    let exit = failed.fold(Exit::Success, |exit, of_one| match exit {
        Exit::Success => of_one,
        exit => exit,
    });
    if screen.is_json {
        screen.object(&json!({
            "valid": exit == Exit::Success,
            "name": several.name,
            "target": several.target,
            "pipelines": checked.iter().map(Checked::object).collect::<Vec<_>>(),
        }));
    } else {
        let mut told = vec![];
        for checked in &checked {
            checked.show(screen, &mut told);
        }
    }
    Ok(exit)
}

fn check(
    global: &Global,
    asked: &Validate,
    key: Option<&str>,
    bundle: Option<&Bundle>,
) -> Result<Checked, Refused> {
    let mut place = super::open(global, key)?;
    let mut diagnostics = std::mem::take(&mut place.diagnostics);
    let (graph, found) = block_on(place.engine.resolve(&place.declared))?;
    add_new(&mut diagnostics, found);
    let jobs = super::schedule::timetable(global)?;
    add_new(&mut diagnostics, jobs.diagnostics);
    if let Some(project) = &place.project {
        let unheard = without_table(global, &project.settings.destinations, bundle);
        add_new(&mut diagnostics, unheard);
    }
    let warnings = diagnostics.iter().any(|d| d.severity == Severity::Warning);
    let exit = match Exit::of(&diagnostics) {
        Exit::Success if asked.strict && warnings => Exit::Failure,
        exit => exit,
    };
    Ok(Checked {
        key: place.project.as_ref().map_or("", |p| &p.key).to_owned(),
        texts: std::mem::take(&mut place.texts),
        found: Some((place, graph)),
        diagnostics,
        exit,
    })
}

impl Checked {
    fn refused(key: &str, refused: Refused) -> Self {
        Self {
            key: key.to_owned(),
            found: None,
            exit: super::exit_of(&refused.diagnostics),
            diagnostics: refused.diagnostics,
            texts: refused.texts,
        }
    }

    fn object(&self) -> Value {
        let Some((place, graph)) = &self.found else {
            return json!({
                "valid": false,
                "pipeline": self.key,
                "diagnostics": diagnostics_json(&self.diagnostics),
            });
        };
        let datasets = place.declared.datasets.values().map(|dataset| {
            let resolved = graph.datasets.get(&dataset.name);
            let schema = resolved.and_then(|resolved| resolved.schema.as_ref());
            json!({
                "name": dataset.name.to_string(),
                "kind": dataset.kind.words(),
                "columns": schema.map(super::show::columns),
            })
        });
        let project = place.project.as_ref();
        json!({
            "valid": self.exit == Exit::Success,
            "name": project.map(|project| project.name.clone()),
            "pipeline": project.map(|project| project.key.clone()),
            "target": project.and_then(|project| project.target.clone()),
            "files": project.map_or(0, |project| project.sources.len()),
            "datasets": datasets.collect::<Vec<_>>(),
            "diagnostics": diagnostics_json(&self.diagnostics),
        })
    }

    /// Shows it for people; what is among `told` stands above already.
    fn show(&self, screen: &Screen, told: &mut Vec<Diagnostic>) {
        let before = told.len();
        add_new(told, self.diagnostics.clone());
        screen.diagnostics(told.get(before..).unwrap_or_default(), &self.texts);
        screen.line(&self.heading());
        screen.line(&count(&self.diagnostics).map_or_else(
            || "Validation OK".to_owned(),
            |count| format!("Found {count}"),
        ));
    }

    fn heading(&self) -> String {
        let Some((place, _)) = &self.found else {
            return format!("Name: {}", self.key);
        };
        let kinds = || place.declared.datasets.values().map(|d| d.kind);
        let of = |kind: DatasetKind| kinds().filter(|k| *k == kind).count();
        let (streaming, materialized) = (
            of(DatasetKind::StreamingTable),
            of(DatasetKind::MaterializedView),
        );
        let project = place.project.as_ref();
        let name = project.map_or("", |project| project.name.as_str());
        let target = project
            .and_then(|project| project.target.as_deref())
            .map_or_else(String::new, |t| format!("   Target: {t}"));
        let files = project.map_or(0, |project| project.sources.len());
        format!(
            "Name: {name}{target}   Tables: {} ({streaming} streaming, {materialized} materialized)   Files: {files}",
            streaming + materialized
        )
    }
}

/// Checks the project, which runs from where it lies.
pub(crate) fn deploy(screen: &Screen, global: &Global) -> Result<Exit, Refused> {
    let exit = run(screen, global, &Validate::default())?;
    if exit == Exit::Success {
        screen.say(
            "nothing to deploy: `sluice run` and `sluice serve` take the project from its folder",
        );
    }
    Ok(exit)
}

/// Adds what is not said yet: the graph repeats nothing of its declaration, but a file may be named by both.
fn add_new(known: &mut Vec<Diagnostic>, found: Vec<Diagnostic>) {
    for diagnostic in found {
        let is_known = known.iter().any(|other| {
            other.to_string() == diagnostic.to_string() && other.origin() == diagnostic.origin()
        });
        if !is_known {
            known.push(diagnostic);
        }
    }
}
