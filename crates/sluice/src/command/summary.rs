//! `sluice bundle summary`: what the bundle declares for the target, in the shape that scripts take apart.

use serde_json::{Map, Value, json};
use sluice_sql::project::Project;

use crate::arguments::Global;
use crate::edge;
use crate::exit::Exit;
use crate::render::Screen;
use crate::workplace::{Refused, Workplace};

/// Shows the pipeline that is named, or all of the bundle.
pub(crate) fn run(screen: &Screen, global: &Global, key: Option<&str>) -> Result<Exit, Refused> {
    let bundle = edge::bundle(global).map_err(|error| Refused::one(*error))?;
    let keys: Vec<Option<&str>> = match &bundle {
        Some(bundle) if key.is_none() && bundle.pipelines.len() > 1 => {
            bundle.pipelines.iter().map(|key| Some(&**key)).collect()
        }
        _ => vec![key],
    };
    let places: Vec<Workplace> = keys
        .into_iter()
        .map(|key| super::open_sound(global, key))
        .collect::<Result<_, _>>()?;
    let pipelines: Vec<(&Workplace, &Project)> = places
        .iter()
        .filter_map(|place| Some((place, place.project.as_ref()?)))
        .collect();
    let Some((_, first)) = pipelines.first() else {
        return Ok(Exit::Success);
    };
    let name = bundle.as_ref().map_or(&first.name, |bundle| &bundle.name);
    let target = first.target.as_deref().unwrap_or("default");
    if screen.is_json {
        let objects: Map<String, Value> = pipelines
            .iter()
            .map(|(_, project)| (project.key.clone(), object(project)))
            .collect();
        screen.object(&json!({
            "bundle": { "target": target, "name": name },
            "resources": { "pipelines": objects },
        }));
        return Ok(Exit::Success);
    }
    for place in &places {
        screen.diagnostics(&place.diagnostics, &place.texts);
    }
    screen.line(&format!("Name: {name}"));
    screen.line(&format!("Target: {target}"));
    screen.line("Resources:");
    screen.line("  Pipelines:");
    for (place, project) in pipelines {
        screen.line(&format!("    {}:", project.key));
        screen.line(&format!("      Name: {}", project.name));
        screen.line(&format!(
            "      Writes: {}.{}",
            project.namespace.catalog, project.namespace.schema
        ));
        screen.line(&format!("      Files: {}", project.sources.len()));
        screen.line(&format!(
            "      Datasets: {}",
            place.declared.datasets.len()
        ));
    }
    Ok(Exit::Success)
}

fn object(project: &Project) -> Value {
    let libraries = project.sources.iter();
    let libraries = libraries.map(|path| json!({ "file": { "path": path } }));
    json!({
        "id": project.key,
        "name": project.name,
        "catalog": project.namespace.catalog,
        "schema": project.namespace.schema,
        "development": project.development,
        "continuous": project.continuous,
        "configuration": project.configuration,
        "libraries": libraries.collect::<Vec<_>>(),
    })
}
