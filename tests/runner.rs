//! The one test binary that runs all cases (`tests/cases/**/*.test`, and the `tests/` of examples) under all regimes.
//!
//! `cargo test -p sluice --test cases -- NAME` runs what contains NAME; `SLUICE_CASES_COMPLETE=1` fills in answers;
//! `SLUICE_CASES_ALL_CRASHES=1` ends the engine at every durable step instead of a sample. Histories drawn from seeds:
//! `runner/histories`.

#[path = "runner/backstage.rs"]
mod backstage;
#[path = "runner/dice.rs"]
mod dice;
#[path = "runner/foreign.rs"]
mod foreign;
#[path = "runner/histories/mod.rs"]
mod histories;
#[path = "runner/s3/mod.rs"]
mod s3;
#[path = "runner/streams.rs"]
mod streams;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use sluice::testing::{self, Answers, Case, Crashes, Layout, Manners, Regime, Setting};

use backstage::BehindTheBack;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let complete = std::env::var_os("SLUICE_CASES_COMPLETE").is_some();
    let mut trials = vec![Trial::test(
        "every named step of the engine has a case that ends there",
        all_steps,
    )];
    if !complete {
        trials.extend(s3::trials());
        trials.extend(histories::trials());
    }
    for path in case_files(&root()) {
        let shown = path
            .strip_prefix(root())
            .unwrap_or(&path)
            .display()
            .to_string();
        let regimes = if complete {
            vec![Regime::Plain]
        } else {
            Regime::all()
        };
        for regime in regimes {
            let path = path.clone();
            let name = format!(
                "{} {}",
                shown
                    .trim_start_matches("tests/cases/")
                    .trim_end_matches(".test"),
                regime.name()
            );
            trials.push(Trial::test(name, move || run(&path, regime, complete)));
        }
    }
    if !complete {
        match streams::trials(&root(), walk_recorded) {
            Ok(recorded) => trials.extend(recorded),
            Err(error) => trials.push(Trial::test("spark", || Err(Failed::from(error)))),
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(path: &Path, regime: Regime, complete: bool) -> Result<(), Failed> {
    let text = std::fs::read_to_string(path).map_err(|error| Failed::from(error.to_string()))?;
    let root = root();
    let shown = path.strip_prefix(&root).unwrap_or(path).display();
    let failed = |message: String| Failed::from(format!("{}\n{message}", path.display()));
    let case = Case::parse(&shown.to_string(), &text).map_err(|f| failed(f.to_string()))?;
    if !case.runs_under(regime.name()) {
        return Ok(());
    }
    let answers = if complete {
        Answers::Fill
    } else {
        Answers::All
    };
    let manners = manners(answers, project_of(path));
    let (case, result) = walked(case, regime, manners)?;
    if complete && result.is_ok() {
        std::fs::write(path, case.to_string()).map_err(|error| Failed::from(error.to_string()))?;
    }
    result.map_err(|failure| failed(failure.to_string()))
}

/// A case that was made of something recorded.
fn walk_recorded(case: Case, regime: Regime, answers: Answers) -> Result<(), String> {
    let (_, result) = walked(case, regime, manners(answers, None))?;
    result.map_err(|failure| failure.to_string())
}

fn manners(answers: Answers, project: Option<PathBuf>) -> Manners {
    Manners {
        setting: Setting {
            project,
            ..Setting::default()
        },
        answers,
        layout: Layout::Exact,
        crashes: if std::env::var_os("SLUICE_CASES_ALL_CRASHES").is_some() {
            Crashes::Everywhere
        } else {
            Crashes::Sampled
        },
        backstage: Arc::new(BehindTheBack),
    }
}

/// Walks through a case; gives it back with its answers.
fn walked(
    mut case: Case,
    regime: Regime,
    manners: Manners,
) -> Result<(Case, Result<(), testing::Failure>), String> {
    // Plans of deep queries are walked recursively, as in the binary.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(16 * 1024 * 1024)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let work = tokio::spawn(async move {
            let result = testing::run(&mut case, regime, &manners).await;
            (case, result)
        });
        work.await.map_err(|error| error.to_string())
    })
}

/// The project that a test belongs to: the one whose `tests` folder it lies in. Cases bring their own.
fn project_of(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let is_of_project = folder.ends_with("tests");
    is_of_project.then(|| folder.parent().map(Path::to_path_buf))?
}

/// Named steps at which no case ends the engine are steps that nobody has thought about.
fn all_steps() -> Result<(), Failed> {
    let texts = case_files(&root())
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok());
    let ends: std::collections::BTreeSet<String> = texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| {
            line.strip_prefix("--- crash ")?
                .split_whitespace()
                .next()
                .map(str::to_owned)
        })
        .collect();
    let missing: Vec<&str> = sluice_run::STEPS
        .iter()
        .copied()
        .filter(|step| !ends.contains(*step))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Failed::from(format!(
            "no case has `--- crash` at: {}",
            missing.join(", ")
        )))
    }
}

fn root() -> PathBuf {
    if let Some(root) = std::env::var_os("SLUICE_CASES_ROOT") {
        return PathBuf::from(root);
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap_or_else(|_| PathBuf::from("."))
}

/// Every `.test` file, in a fixed order.
fn case_files(root: &Path) -> Vec<PathBuf> {
    let mut waiting = vec![
        root.join("tests/cases"),
        root.join("tests/projects"),
        root.join("examples"),
    ];
    let mut found = vec![];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "test")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
