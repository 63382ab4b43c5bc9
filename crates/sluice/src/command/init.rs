//! `sluice init`: a new project from a template. Writes into a folder that is empty or not there, and nowhere else.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use sluice_model::condition::command::{
    INIT_CONFIG_INVALID, INIT_NAME_INVALID, INIT_TEMPLATE_NOT_FOUND, INIT_WOULD_OVERWRITE,
    OUTPUT_NOT_WRITABLE,
};
use sluice_model::{Diagnostic, Origin};
use sluice_sql::format::format_file;

use crate::arguments::Init;
use crate::exit::Exit;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::template::{TEMPLATES, Template};
use crate::workplace::Refused;

/// What a new project is called when nobody says.
const NAME: &str = "my_project";
const CATALOG: &str = "main";
/// Longest name: it becomes part of folders, schemas and pipelines.
const NAME_CHARS_MAX: usize = 64;

/// What a configuration file of `databricks bundle init` can say.
#[derive(Debug, Default)]
struct Answers {
    name: Option<String>,
    catalog: Option<String>,
}

/// Writes the project.
pub(crate) fn run(screen: &Screen, asked: &Init) -> Result<Exit, Refused> {
    write(screen, asked).map_err(|diagnostic| Refused {
        diagnostics: vec![*diagnostic],
        texts: SourceTexts::default(),
    })?;
    Ok(Exit::Success)
}

fn write(screen: &Screen, asked: &Init) -> Result<(), Box<Diagnostic>> {
    let template = template(asked.template.as_deref())?;
    let answers = match &asked.config_file {
        Some(path) => answers(path)?,
        None => Answers::default(),
    };
    let name = asked.name.clone().or(answers.name);
    let name = name.unwrap_or_else(|| NAME.to_owned());
    let catalog = answers.catalog.unwrap_or_else(|| CATALOG.to_owned());
    for word in [&name, &catalog] {
        check_name(word)?;
    }
    let folder = asked.output_dir.clone().unwrap_or_default().join(&name);
    let is_free = match fs::read_dir(&folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(_) => !folder.exists(),
    };
    if !is_free {
        let message = format!("`{}` is there already, and not empty", folder.display());
        return Err(Box::new(
            Diagnostic::error(&INIT_WOULD_OVERWRITE, message)
                .fact("nothing was written")
                .help("choose another name with `--name`, or another place with `--output-dir`"),
        ));
    }
    let files = template.files(&name, &catalog);
    for (path, text) in &files {
        write_file(&folder.join(path), &laid_out(path, text))?;
    }
    if screen.is_json {
        let paths: Vec<&String> = files.iter().map(|(path, _)| path).collect();
        screen.object(&json!({
            "template": template.name,
            "name": name,
            "folder": folder.display().to_string(),
            "files": paths,
        }));
    } else {
        for (path, _) in &files {
            screen.say(&format!("  {}", folder.join(path).display()));
        }
        let shown = folder.display();
        screen.line(&format!("Your project is in `{shown}`.\n"));
        screen.line(&format!("  cd {shown} && {}", template.begin));
    }
    Ok(())
}

/// A file as `sluice fmt` would leave it: where lines break depends on the names that were filled in.
fn laid_out(path: &str, text: &str) -> String {
    let is_sql = Path::new(path).extension().is_some_and(|end| end == "sql");
    let formatted = is_sql
        .then(|| format_file(&Arc::from(path), text).ok())
        .flatten();
    formatted.map_or_else(|| text.to_owned(), |formatted| formatted.text)
}

fn template(name: Option<&str>) -> Result<&'static Template, Box<Diagnostic>> {
    let name = name.unwrap_or("files-medallion");
    Template::find(name).ok_or_else(|| {
        let message = format!("there is no template `{name}`");
        let mut diagnostic = Diagnostic::error(&INIT_TEMPLATE_NOT_FOUND, message);
        for template in TEMPLATES {
            diagnostic = diagnostic.fact(format!("{}: {}", template.name, template.about));
        }
        Box::new(diagnostic.help("name one of these: `sluice init files-medallion`"))
    })
}

fn check_name(name: &str) -> Result<(), Box<Diagnostic>> {
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if begins_well && is_word && name.len() <= NAME_CHARS_MAX {
        return Ok(());
    }
    Err(Box::new(
        Diagnostic::error(
            &INIT_NAME_INVALID,
            format!("`{name}` cannot be the name of a project, schema or catalog"),
        )
        .fact("expected: letters, digits and underscores, a letter first, at most 64")
        .help(format!("write `--name {NAME}`")),
    ))
}

/// Reads the answers that `--config-file` gives, in the words of Databricks' templates.
fn answers(path: &Path) -> Result<Answers, Box<Diagnostic>> {
    let wrong = |line: usize, message: String| {
        let line = u32::try_from(line).unwrap_or(1);
        let place = Origin::new(path.display().to_string(), line, 1, 0);
        let help = "write a JSON object such as {\"project_name\": \"plant\", \"default_catalog\": \"main\"}";
        Box::new(
            Diagnostic::error(&INIT_CONFIG_INVALID, message)
                .at(&place, "")
                .help(help),
        )
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(1, error.to_string()))?;
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| wrong(error.line().max(1), format!("it is no JSON: {error}")))?;
    let Value::Object(object) = value else {
        return Err(wrong(1, "it is no JSON object".to_owned()));
    };
    let mut answers = Answers::default();
    for (key, value) in &object {
        let text = value.as_str().map(ToOwned::to_owned);
        match (key.as_str(), text) {
            ("project_name" | "name", Some(text)) => answers.name = Some(text),
            ("default_catalog" | "catalog", Some(text)) => answers.catalog = Some(text),
            ("language", Some(language)) if language.eq_ignore_ascii_case("sql") => {}
            ("language", _) => {
                return Err(wrong(
                    1,
                    "`language` is not `sql`: pipelines here are SQL".to_owned(),
                ));
            }
            // A schema per user is a matter of the workspace.
            ("personal_schemas", Some(_)) => {}
            (other, _) => {
                return Err(wrong(
                    1,
                    format!("`{other}` is no text that a template asks for"),
                ));
            }
        }
    }
    Ok(answers)
}

fn write_file(path: &Path, text: &str) -> Result<(), Box<Diagnostic>> {
    let folder = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| {
            Box::new(
                Diagnostic::error(
                    &OUTPUT_NOT_WRITABLE,
                    format!("cannot write `{}`: {error}", path.display()),
                )
                .help("name a folder that can be written with `--output-dir`"),
            )
        })
}
