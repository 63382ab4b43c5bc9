//! From files to a project: chooses the description, has it read, adds sluice.yml. Must not stop at the first error.

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Namespace, Origin};

use super::discovery::{SpecChoice, is_legacy_spec, kind_of, spec_of};
use super::pipeline::Declared;
use super::reader::Reader;
use super::yaml::Node;
use super::{
    Bundle, LoadOptions, Project, ProjectFiles, SpecKind, bundle, destinations, libraries,
    pipeline, settings,
};

/// Loads the project that the files declare.
///
/// Reports everything that is wrong at once. The project is there whenever its source files are known, even beside
/// errors, so that a check can go on to the SQL; it must not run if any diagnostic is an error.
pub fn load(files: &dyn ProjectFiles, options: &LoadOptions) -> (Option<Project>, Vec<Diagnostic>) {
    let mut reader = Reader {
        files,
        options,
        diagnostics: vec![],
    };
    let project = read(&mut reader).filter(|project| check_key(&mut reader, project));
    let mut settings = settings::read(&mut reader);
    if let Some(project) = &project {
        destinations::address(&mut reader, &project.notifications, &mut settings);
    }
    let project = project.map(|project| Project {
        settings,
        ..project
    });
    (project, reader.diagnostics)
}

/// The bundle that the files declare; `None` where they declare none, or none that can be read: [`load`] says why.
pub fn load_bundle(files: &dyn ProjectFiles, options: &LoadOptions) -> Option<Bundle> {
    let mut reader = Reader {
        files,
        options,
        diagnostics: vec![],
    };
    let choice = choose(&mut reader)?;
    let file = choice.file.filter(|_| choice.kind == SpecKind::Bundle)?;
    let bundle = bundle::resolve(&mut reader, &file)?;
    let pipelines = bundle.resources.get("pipelines").map(Node::entries);
    Some(Bundle {
        name: bundle.name,
        target: bundle.target,
        pipelines: pipelines
            .unwrap_or_default()
            .iter()
            .map(|entry| entry.key.clone())
            .collect(),
    })
}

fn read(reader: &mut Reader<'_>) -> Option<Project> {
    let choice = choose(reader)?;
    for ignored in &choice.ignored {
        let chosen = choice.file.as_deref().unwrap_or_default();
        reader.report(
            Diagnostic::note(
                &project::PIPELINE_SPEC_IGNORED,
                format!("`{ignored}` is not read: `{chosen}` goes first"),
            )
            .help(format!("to use it instead: `--spec {ignored}`")),
        );
    }
    match (choice.kind, choice.file) {
        (SpecKind::Bundle, Some(file)) => {
            let declared = bundle::read(reader, &file)?;
            Some(pipeline::read(reader, declared))
        }
        (SpecKind::Spark, Some(file)) => {
            let node = reader.yaml(&file)?;
            let is_other_tools = node.get("libraries").is_none() && node.get("name").is_none();
            if is_legacy_spec(&file) && is_other_tools {
                return Some(folder(reader));
            }
            check_no_target(reader, &file);
            Some(pipeline::read(
                reader,
                Declared::new(SpecKind::Spark, node, reader.options.folder_name.clone()),
            ))
        }
        _ => Some(folder(reader)),
    }
}

pub(super) fn choose(reader: &mut Reader<'_>) -> Option<SpecChoice> {
    if let Some(spec) = reader.options.spec.clone() {
        if reader.files.read(&spec).is_ok() {
            return Some(SpecChoice {
                kind: kind_of(&spec),
                file: Some(spec),
                ignored: vec![],
            });
        }
        reader.report(Diagnostic::error(
            &project::PIPELINE_SPEC_FILE_DOES_NOT_EXIST,
            format!("there is no file `{spec}`"),
        ));
        return None;
    }
    let top: Vec<&str> = reader
        .files
        .paths()
        .iter()
        .map(String::as_str)
        .filter(|p| !p.contains('/'))
        .collect();
    match spec_of(&top) {
        Ok(Some(choice)) => Some(choice),
        Ok(None) if !libraries::of_folder(reader.files).is_empty() => Some(SpecChoice {
            kind: SpecKind::Folder,
            file: None,
            ignored: vec![],
        }),
        Ok(None) => {
            reader.report(
                Diagnostic::error(
                    &project::PROJECT_NOT_FOUND,
                    format!("`{}` holds no pipeline", reader.options.folder_name),
                )
                .help("a project has a databricks.yml, a spark-pipeline.yml, or .sql files"),
            );
            None
        }
        Err(diagnostic) => {
            reader.report(*diagnostic);
            None
        }
    }
}

/// Only a bundle has several pipelines: a key that is none of the project's one would be taken for a choice.
fn check_key(reader: &mut Reader<'_>, project: &Project) -> bool {
    let Some(key) = &reader.options.pipeline_key else {
        return true;
    };
    // A bundle has looked for it, and takes the key of a job too.
    if project.kind == SpecKind::Bundle || *key == project.key {
        return true;
    }
    let message = format!(
        "the project has no pipeline `{key}`: its one is `{}`",
        project.key
    );
    let diagnostic = Diagnostic::error(&project::PIPELINE_KEY_NOT_FOUND, message);
    reader.report(diagnostic.help("leave the key out"));
    false
}

/// A target means something to a bundle only.
fn check_no_target(reader: &mut Reader<'_>, file: &str) {
    if let Some(target) = &reader.options.target {
        let diagnostic = Diagnostic::error(
            &project::BUNDLE_TARGET_NOT_FOUND,
            format!("the target `{target}` is asked for, and `{file}` has no targets"),
        );
        reader.report(diagnostic.help("leave `-t` out: targets are a thing of databricks.yml"));
    }
}

fn folder(reader: &mut Reader<'_>) -> Project {
    let name = reader.options.folder_name.clone();
    let sources = libraries::of_folder(reader.files);
    check_no_target(reader, "a folder of .sql files");
    if sources.is_empty() {
        reader.report(Diagnostic::error(
            &project::PIPELINE_WITHOUT_SOURCES,
            "the folder has no .sql file",
        ));
    } else {
        let first = sources.first().map_or("", String::as_str);
        let all = match sources.len() {
            1 => "its one .sql file".to_owned(),
            number => format!("all {number} .sql files"),
        };
        reader.report(
            Diagnostic::warning(
                &project::PIPELINE_WITHOUT_SPEC,
                format!("no file describes the pipeline: it is named `{name}` and has {all}"),
            )
            .at(&Origin::new(first, 1, 1, 0), "")
            .help("add a spark-pipeline.yml: `name`, `catalog`, `schema`, `libraries: [{glob: {include: transformations/**}}]`"),
        );
    }
    Project {
        kind: SpecKind::Folder,
        key: name.clone(),
        name,
        target: None,
        development: false,
        continuous: false,
        namespace: Namespace::default(),
        configuration: std::collections::BTreeMap::new(),
        sources,
        event_log: None,
        tags: std::collections::BTreeMap::new(),
        notifications: vec![],
        settings: super::Settings::default(),
    }
}
