//! `sluice bundle summary`: what the bundle declares for the target, in the shape that scripts take apart.

use serde_json::json;

use crate::arguments::Global;
use crate::exit::Exit;
use crate::render::Screen;
use crate::workplace::Refused;

/// Shows the summary.
pub(crate) fn run(screen: &Screen, global: &Global, key: Option<&str>) -> Result<Exit, Refused> {
    let place = super::open_sound(global, key)?;
    let Some(project) = &place.project else {
        return Ok(Exit::Success);
    };
    let target = project.target.as_deref().unwrap_or("default");
    if screen.is_json {
        screen.object(&json!({
            "bundle": { "target": target, "name": project.name },
            "resources": { "pipelines": { project.key.as_str(): {
                "id": project.key,
                "name": project.name,
                "catalog": project.namespace.catalog,
                "schema": project.namespace.schema,
                "development": project.development,
                "continuous": project.continuous,
                "configuration": project.configuration,
                "libraries": project.sources.iter().map(|path| json!({ "file": { "path": path } })).collect::<Vec<_>>(),
            } } },
        }));
        return Ok(Exit::Success);
    }
    screen.diagnostics(&place.diagnostics, &place.texts);
    screen.line(&format!("Name: {}", project.name));
    screen.line(&format!("Target: {target}"));
    screen.line("Resources:");
    screen.line("  Pipelines:");
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
    Ok(Exit::Success)
}
