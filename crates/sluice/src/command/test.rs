//! `sluice test`: the `.test` files of a project, each in a world of its own; a line per test, the difference where one
//! does not hold, JUnit for CI.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::{Value, json};
use sluice_model::Diagnostic;
use sluice_model::condition::command::{OUTPUT_NOT_WRITABLE, TEST_NOT_FOUND};

use crate::arguments::{Global, Regimes, Test};
use crate::edge;
use crate::exit::Exit;
use crate::render::{Screen, diagnostic_json};
use crate::source_text::SourceTexts;
use crate::testing::junit::{self, Entry};
use crate::testing::{
    self, Answers, Case, Crashes, Failure, Layout, Manners, NoBackstage, Regime, Setting,
};
use crate::workplace::{Refused, block_on};

/// Largest `.test` file that is read.
const TEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A test that has run.
struct Ran {
    file: String,
    title: String,
    regime: Regime,
    took: Duration,
    failure: Option<Failure>,
    is_rewritten: bool,
}

/// Runs the tests.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Test) -> Result<Exit, Refused> {
    let opened = edge::open(global, asked.key.as_deref()).map_err(|d| refused(*d))?;
    let folder = opened
        .folder
        .canonicalize()
        .unwrap_or(opened.folder.clone());
    let files = test_files(&folder, asked);
    if files.is_empty() {
        return Err(refused(nothing_found(&folder, asked)));
    }
    let setting = Setting {
        project: Some(folder.clone()),
        target: global.target.clone(),
        pipeline_key: asked.key.clone(),
        spec: global.spec.as_deref().map(|spec| below(spec, &folder)),
        variables: global.variables.clone(),
    };
    let manners = Manners {
        setting,
        answers: if asked.update {
            Answers::Fill
        } else {
            Answers::All
        },
        layout: Layout::Cells,
        crashes: match asked.regimes {
            Some(Regimes::All) => Crashes::Everywhere,
            Some(Regimes::Sample) | None => Crashes::Sampled,
        },
        backstage: Arc::new(NoBackstage),
    };
    let regimes = match asked.regimes {
        Some(_) => Regime::all(),
        None => vec![Regime::Plain],
    };
    let work = files.iter().flat_map(|file| {
        let name = below(file, &folder);
        regimes.iter().map(move |regime| (name.clone(), *regime))
    });
    let work: Vec<(String, Regime)> = work.collect();
    let width = files
        .iter()
        .map(|file| below(file, &folder).chars().count());
    let width = width.max().unwrap_or(0);
    let ran = block_on(all(screen, &folder, asked, &manners, work, width))?;
    if ran.is_empty() {
        let message = "no test has what was asked for in its path or first line";
        let nothing = Diagnostic::error(&TEST_NOT_FOUND, message);
        return Err(refused(nothing.help("`sluice test` runs them all")));
    }
    tell(screen, &folder, &ran);
    if let Some(path) = &asked.junit {
        let name = opened.project.map_or_else(String::new, |p| p.name);
        write_junit(path, &name, &ran).map_err(refused)?;
    }
    let has_failures = ran.iter().any(|ran| ran.failure.is_some());
    Ok(if has_failures {
        Exit::Failure
    } else {
        Exit::Success
    })
}

fn refused(diagnostic: Diagnostic) -> Refused {
    Refused {
        diagnostics: vec![diagnostic],
        texts: SourceTexts::default(),
    }
}

/// Runs tests side by side and tells each one as it comes to its end, in order.
async fn all(
    screen: &Screen,
    folder: &Path,
    asked: &Test,
    manners: &Manners,
    work: Vec<(String, Regime)>,
    width: usize,
) -> Vec<Ran> {
    let at_once = std::thread::available_parallelism().map_or(2, usize::from);
    let running = work.into_iter().map(|(file, regime)| {
        let (folder, asked, manners) = (folder.to_path_buf(), asked.clone(), manners.clone());
        tokio::spawn(async move { one(&folder, &asked, file, regime, &manners).await })
    });
    let mut done = futures::stream::iter(running).buffered(at_once);
    let mut ran = vec![];
    while let Some(ended) = done.next().await {
        let Ok(Some(ended)) = ended else { continue };
        if !screen.is_json {
            screen.line(&line(&ended, width));
            if let Some(failure) = &ended.failure {
                screen.result(&explained(screen, folder, failure));
            }
        }
        ran.push(ended);
    }
    ran
}

/// Runs one test; `None` when it is not asked for, or leaves the regime out.
async fn one(
    folder: &Path,
    asked: &Test,
    file: String,
    regime: Regime,
    manners: &Manners,
) -> Option<Ran> {
    let begun = Instant::now();
    let mut ran = Ran {
        file,
        title: String::new(),
        regime,
        took: Duration::ZERO,
        failure: None,
        is_rewritten: false,
    };
    let mut case = match read(folder, &ran.file) {
        Ok(case) => case,
        Err(failure) => {
            ran.failure = Some(failure);
            let is_told = regime == Regime::Plain && is_asked_for(asked, &ran);
            return is_told.then_some(ran);
        }
    };
    case.title().clone_into(&mut ran.title);
    if !is_asked_for(asked, &ran) || !case.runs_under(regime.name()) {
        return None;
    }
    let before = case.to_string();
    ran.failure = testing::run(&mut case, regime, manners).await.err();
    let after = case.to_string();
    if asked.update && ran.failure.is_none() && after != before {
        match std::fs::write(folder.join(&ran.file), after) {
            Ok(()) => ran.is_rewritten = true,
            Err(error) => {
                let message = format!("the answers cannot be written: {error}");
                ran.failure = Some(Failure::at(&ran.file, &case.stations, 0, message.into()));
            }
        }
    }
    ran.took = begun.elapsed();
    Some(ran)
}

fn is_asked_for(asked: &Test, ran: &Ran) -> bool {
    let Some(keyword) = &asked.keyword else {
        return true;
    };
    let keyword = keyword.to_lowercase();
    ran.file.to_lowercase().contains(&keyword) || ran.title.to_lowercase().contains(&keyword)
}

fn read(folder: &Path, file: &str) -> Result<Case, Failure> {
    let unreadable = |message: &str| {
        Failure::misspelled(
            file,
            1,
            "",
            message,
            "a test is a UTF-8 text of at most 64 MiB",
        )
    };
    let path = folder.join(file);
    let bytes = std::fs::metadata(&path).map_or(0, |data| data.len());
    if bytes > TEST_BYTES_MAX {
        return Err(unreadable("the file is larger than any test"));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&error.to_string()))?;
    Case::parse(file, &text.replace("\r\n", "\n"))
}

/// Test files of a project in a fixed order.
fn test_files(folder: &Path, asked: &Test) -> Vec<PathBuf> {
    let mut waiting = vec![folder.join("tests")];
    let mut found = vec![];
    while let Some(at) = waiting.pop() {
        let entries = std::fs::read_dir(&at).into_iter().flatten().flatten();
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type());
            let is_test = path
                .extension()
                .is_some_and(|extension| extension == "test");
            if kind.is_ok_and(|kind| kind.is_dir()) {
                waiting.push(path);
            } else if is_test {
                found.push(path);
            }
        }
    }
    if let Some(pattern) = &asked.pattern {
        let pattern = pattern.trim_start_matches("./");
        found.retain(|path| below(path, folder).contains(pattern));
    }
    found.sort();
    found
}

fn nothing_found(folder: &Path, asked: &Test) -> Diagnostic {
    match &asked.pattern {
        Some(pattern) if !test_files(folder, &Test { pattern: None, ..asked.clone() }).is_empty() => {
            Diagnostic::error(
                &TEST_NOT_FOUND,
                format!("no test file has `{pattern}` in its path"),
            )
            .help("`sluice test` runs them all")
        }
        _ => Diagnostic::error(&TEST_NOT_FOUND, "the project has no tests")
            .fact(format!("looked for `*.test` in `{}`", folder.join("tests").display()))
            .help("write one: a comment that says what it shows, then `--- put landing/1.json` with lines of data, `--- update`, `--- query` with SQL; `sluice test --update` fills in the answers"),
    }
}

fn below(path: &Path, folder: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.display().to_string().replace('\\', "/")
}

fn line(ran: &Ran, width: usize) -> String {
    let word = match (&ran.failure, ran.is_rewritten) {
        (Some(_), _) => "FAIL",
        (None, true) => "FILL",
        (None, false) => "ok  ",
    };
    let regime = match ran.regime {
        Regime::Plain => String::new(),
        other => format!("  [{}]", other.name()),
    };
    format!("{word}  {:<width$}  {}{regime}", ran.file, ran.title)
        .trim_end()
        .to_owned()
}

/// A failure as people read it, indented below its test.
fn explained(screen: &Screen, folder: &Path, failure: &Failure) -> String {
    let texts = SourceTexts::of_folder(folder);
    let mut text = screen.frame(&failure.diagnostic, &texts);
    if let Some(difference) = &failure.difference {
        text.push('\n');
        text.push_str(difference);
    }
    let lines: Vec<String> = text.lines().map(|line| format!("      {line}")).collect();
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    format!("{}\n\n", lines.join("\n"))
}

fn tell(screen: &Screen, folder: &Path, ran: &[Ran]) {
    let failed = ran.iter().filter(|ran| ran.failure.is_some()).count();
    let filled = ran.iter().filter(|ran| ran.is_rewritten).count();
    let passed = ran.len() - failed;
    if screen.is_json {
        screen.object(&json!({
            "project": folder.display().to_string(),
            "passed": passed,
            "failed": failed,
            "tests": ran.iter().map(object).collect::<Vec<_>>(),
        }));
        return;
    }
    let mut words = format!("{passed} passed, {failed} failed");
    if filled > 0 {
        words = format!("{words}; answers written into {filled}");
    }
    screen.line(&words);
}

fn object(ran: &Ran) -> Value {
    let mut object = json!({
        "file": ran.file,
        "name": ran.title,
        "regime": ran.regime.name(),
        "status": if ran.failure.is_some() { "failed" } else { "passed" },
        "duration_ms": u64::try_from(ran.took.as_millis()).unwrap_or(u64::MAX),
    });
    if let Some(failure) = &ran.failure {
        object["error"] = diagnostic_json(&failure.diagnostic);
        object["difference"] = json!(failure.difference);
    }
    object
}

fn write_junit(path: &Path, name: &str, ran: &[Ran]) -> Result<(), Diagnostic> {
    let entries: Vec<Entry> = ran
        .iter()
        .map(|ran| Entry {
            file: ran.file.clone(),
            name: match ran.regime {
                Regime::Plain => ran.title.clone(),
                other => format!("{} [{}]", ran.title, other.name()),
            },
            took: ran.took,
            failure: ran
                .failure
                .as_ref()
                .map(|failure| (failure.diagnostic.message.clone(), failure.to_string())),
        })
        .collect();
    std::fs::write(path, junit::report(name, &entries)).map_err(|error| {
        let message = format!("cannot write `{}`: {error}", path.display());
        Diagnostic::error(&OUTPUT_NOT_WRITABLE, message)
            .fact("the tests have run")
            .help("name a file in a folder that is there and can be written")
    })
}
