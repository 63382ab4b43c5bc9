//! `sluice plan`: what an update would do to each table, and why.

use serde_json::{Value, json};
use sluice_graph::SelectionRequest;
use sluice_run::PlanLine;

use crate::arguments::{Global, Plan};
use crate::exit::Exit;
use crate::render::{Screen, diagnostics_json};
use crate::workplace::{Refused, block_on};

/// Shows the plan.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Plan) -> Result<Exit, Refused> {
    let mut place = super::open_sound(global, asked.key.as_deref())?;
    let selection = SelectionRequest::from(&asked.selection);
    let (lines, found) = match block_on(place.engine.plan(&place.declared, &selection))? {
        Ok(planned) => planned,
        Err(mut errors) => {
            let mut diagnostics = place.diagnostics;
            diagnostics.append(&mut errors);
            return Err(Refused {
                diagnostics,
                texts: place.texts,
            });
        }
    };
    place.diagnostics.extend(found);
    let of = |action: &str| lines.iter().filter(|line| line.action == action).count();
    let added = of("create");
    let changed = of("change") + of("reset");
    let refreshed = of("refresh");
    let unchanged = lines.len() - added - changed - refreshed;
    if screen.is_json {
        screen.object(&json!({
            "plan": lines.iter().map(object).collect::<Vec<_>>(),
            "summary": { "add": added, "change": changed, "refresh": refreshed, "unchanged": unchanged, "delete": 0 },
            "diagnostics": diagnostics_json(&place.diagnostics),
        }));
    } else {
        screen.diagnostics(&place.diagnostics, &place.texts);
        let names = lines
            .iter()
            .map(|line| line.dataset.to_string().chars().count())
            .max()
            .unwrap_or(0);
        for line in &lines {
            screen.line(&text(line, names));
        }
        screen.line(&format!("Plan: {added} to add, {changed} to change, 0 to delete, {refreshed} to refresh, {unchanged} unchanged"));
    }
    let has_changes = added + changed + refreshed > 0;
    Ok(if asked.detailed_exitcode && has_changes {
        Exit::Changes
    } else {
        Exit::Success
    })
}

fn text(line: &PlanLine, names: usize) -> String {
    let technique = line
        .technique
        .as_ref()
        .map(|t| format!("{}: {}", t.name, t.reason));
    let why = technique
        .into_iter()
        .chain((!line.detail.is_empty()).then(|| line.detail.clone()))
        .collect::<Vec<_>>();
    let name = line.dataset.to_string();
    format!(
        "{:<9}  {name:<names$}  {:<17}  {}",
        line.action,
        line.kind.words(),
        why.join("; ")
    )
    .trim_end()
    .to_owned()
}

fn object(line: &PlanLine) -> Value {
    json!({
        "dataset": line.dataset.to_string(),
        "kind": line.kind.words(),
        "action": line.action,
        "technique": line.technique.as_ref().map(|t| t.name),
        "reason": line.technique.as_ref().map(|t| t.reason.clone()),
        "detail": line.detail,
    })
}
