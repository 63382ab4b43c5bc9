//! The rules of the house that a program can check: layers, file headers, sizes, names, conditions with cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Which of our packages each one may use (design.md section 4). An edge that is not here is a mistake.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("sql", &["model"]),
    ("checkpoint", &["model"]),
    ("decode", &["model"]),
    ("graph", &["model", "sql"]),
    ("source", &["model", "checkpoint", "decode"]),
    ("table", &["model", "checkpoint"]),
    ("plan", &["model", "sql", "decode", "graph"]),
    (
        "run",
        &[
            "model",
            "sql",
            "checkpoint",
            "graph",
            "source",
            "table",
            "plan",
        ],
    ),
    ("serve", &["model", "table", "plan", "run"]),
    (
        "sluice",
        &[
            "model",
            "sql",
            "checkpoint",
            "decode",
            "graph",
            "source",
            "table",
            "plan",
            "run",
            "serve",
        ],
    ),
];

/// Crates that a room must not know, directly.
const MUST_NOT_KNOW: &[(&str, &[&str])] = &[
    (
        "model",
        &[
            "datafusion",
            "deltalake",
            "tokio",
            "object_store",
            "sqlparser",
        ],
    ),
    (
        "sql",
        &["datafusion", "deltalake", "tokio", "object_store", "arrow"],
    ),
    (
        "checkpoint",
        &[
            "datafusion",
            "deltalake",
            "tokio",
            "object_store",
            "arrow",
            "sqlparser",
        ],
    ),
    (
        "decode",
        &[
            "datafusion",
            "deltalake",
            "tokio",
            "object_store",
            "sqlparser",
        ],
    ),
    (
        "graph",
        &["datafusion", "deltalake", "tokio", "object_store"],
    ),
    ("source", &["datafusion", "deltalake", "sqlparser"]),
    ("table", &["sqlparser"]),
    ("plan", &["deltalake", "object_store"]),
    ("run", &["clap", "indicatif", "reedline"]),
    (
        "serve",
        &["clap", "indicatif", "reedline", "sqlparser", "deltalake"],
    ),
];

const BANNED_FILE_NAMES: &[&str] = &[
    "utils.rs",
    "util.rs",
    "common.rs",
    "helpers.rs",
    "misc.rs",
    "manager.rs",
];
const SOURCE_LINES_MAX: usize = 500;
const TEST_LINES_MAX: usize = 800;
const FILE_BYTES_MAX: u64 = 512 * 1024;

/// Everything that is untidy, one line each.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let mut findings = vec![];
    layers(root, &mut findings);
    for file in files(root) {
        source_file(root, &file, &mut findings);
    }
    conditions_have_cases(root, &mut findings);
    documented_cases_exist(root, &mut findings);
    findings
}

fn layers(root: &Path, findings: &mut Vec<String>) {
    let known: BTreeSet<&str> = MAY_USE.iter().map(|(name, _)| *name).collect();
    for (package, allowed) in MAY_USE {
        let path = root.join("crates").join(package).join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&path) else {
            findings.push(format!(
                "{}: a room of the design is missing",
                path.display()
            ));
            continue;
        };
        let normal = text.split("[dev-dependencies]").next().unwrap_or_default();
        for line in normal.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if let Some(other) = name
                .strip_prefix("sluice-")
                .filter(|other| known.contains(other))
                && other != *package
                && !allowed.contains(&other)
            {
                findings.push(format!(
                    "crates/{package}: may not use `{other}` (design.md section 4)"
                ));
            }
            let banned = MUST_NOT_KNOW
                .iter()
                .find(|(room, _)| room == package)
                .map_or(&[][..], |(_, list)| *list);
            if banned.contains(&name) {
                findings.push(format!(
                    "crates/{package}: must not know `{name}` (design.md section 4)"
                ));
            }
        }
    }
    let Ok(folders) = fs::read_dir(root.join("crates")) else {
        return;
    };
    for folder in folders.flatten() {
        let name = folder.file_name().to_string_lossy().into_owned();
        if !known.contains(name.as_str()) {
            findings.push(format!("crates/{name}: a package without a written reason"));
        }
    }
}

fn source_file(root: &Path, file: &Path, findings: &mut Vec<String>) {
    let shown = file
        .strip_prefix(root)
        .unwrap_or(file)
        .display()
        .to_string();
    let bytes = fs::metadata(file).map_or(0, |data| data.len());
    let is_data = shown.starts_with("examples/") || shown == "Cargo.lock";
    if bytes > FILE_BYTES_MAX && !is_data {
        findings.push(format!(
            "{shown}: {bytes} bytes; files stay below {FILE_BYTES_MAX}"
        ));
    }
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    if BANNED_FILE_NAMES.contains(&name.as_str()) {
        findings.push(format!(
            "{shown}: `{name}` says nothing about what lives there"
        ));
    }
    if file.extension().is_none_or(|extension| extension != "rs") {
        return;
    }
    let Ok(text) = fs::read_to_string(file) else {
        return;
    };
    if !text.starts_with("//!") {
        findings.push(format!("{shown}: does not open with `//!`"));
    }
    let is_test =
        shown.contains("tests") || shown.contains("benches") || shown.contains("/condition/");
    let limit = if is_test {
        TEST_LINES_MAX
    } else {
        SOURCE_LINES_MAX
    };
    let lines = text.lines().count();
    if lines > limit {
        findings.push(format!(
            "{shown}: {lines} lines; at most {limit}: the design is asking for a room"
        ));
    }
}

/// Each condition that the engine can raise appears in some case or test data.
fn conditions_have_cases(root: &Path, findings: &mut Vec<String>) {
    let cases: String = files(&root.join("tests"))
        .iter()
        .filter(|file| {
            // The script shows what needs a process, a disk or a file too large for a case.
            file.ends_with("projects/run")
                || file
                    .extension()
                    .is_some_and(|extension| extension == "test")
        })
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    // What no project can bring about (a torn disk, another writer's table, a lease) is shown by tests of the rooms.
    let tests: String = files(&root.join("crates"))
        .iter()
        .chain(&files(&root.join("tests/oracle")))
        .filter(|file| {
            let shown = file.display().to_string();
            shown.contains("/tests/") || shown.ends_with("_tests.rs")
        })
        .filter_map(|file| fs::read_to_string(file).ok())
        .collect();
    for file in files(&root.join("crates/model/src/condition")) {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for line in text
            .lines()
            .filter(|line| line.trim_start().contains(" = \""))
        {
            let Some(name) = line.split('"').nth(1) else {
                continue;
            };
            let constant = line.split(" = ").next().unwrap_or_default().trim();
            let is_shown = cases.contains(name) || tests.contains(name) || tests.contains(constant);
            let is_exempt = WITHOUT_CASE.iter().any(|(exempt, _)| *exempt == name);
            if !is_shown && !is_exempt {
                findings.push(format!("condition {name} has no case and no test"));
            }
            if is_shown && is_exempt {
                findings.push(format!(
                    "condition {name} is shown, and exempt all the same"
                ));
            }
        }
    }
}

/// What docs/compatibility.md calls shown is shown: every path under tests/ that it names is there.
fn documented_cases_exist(root: &Path, findings: &mut Vec<String>) {
    let page = "docs/compatibility.md";
    let text = fs::read_to_string(root.join(page)).unwrap_or_default();
    let words = text.split(|letter: char| {
        letter.is_whitespace() || matches!(letter, ',' | '|' | '`' | '(' | ')')
    });
    let paths: BTreeSet<&str> = words
        .filter(|word| {
            ["cases/", "projects/", "oracle/"]
                .iter()
                .any(|folder| word.starts_with(folder))
        })
        .collect();
    if paths.is_empty() {
        findings.push(format!("{page} names no case"));
    }
    for path in paths.iter().map(|path| path.trim_end_matches('.')) {
        if !root.join("tests").join(path).exists() {
            findings.push(format!("{page}: tests/{path} does not exist"));
        }
    }
}

/// Conditions that no case can raise, each with its reason.
const WITHOUT_CASE: &[(&str, &str)] = &[
    (
        "S3_CREDENTIALS_REFUSED",
        "needs keys that AWS refuses: source's tests of s3",
    ),
    (
        "S3_ACCESS_DENIED",
        "needs a bucket of another: source's tests of s3",
    ),
    ("S3_BUCKET_NOT_FOUND", "source's tests of s3"),
    (
        "S3_WRONG_REGION",
        "needs a bucket of AWS: source's tests of s3",
    ),
    (
        "S3_UNAVAILABLE",
        "needs a service in trouble: source's tests of s3",
    ),
    (
        "S3_SETTINGS_INVALID",
        "needs an endpoint that is no URL, in sluice.yml of a machine",
    ),
    ("PROJECT_TOO_MANY_FILES", "needs 20,000 files"),
    (
        "PROJECT_FILE_NOT_READABLE",
        "needs a user who may not read a file; CI runs as root",
    ),
    (
        "WAREHOUSE_NOT_WRITABLE",
        "shown by the binary: tests/projects/run",
    ),
    (
        "CHECKPOINT_FORMAT_UNKNOWN",
        "decided in checkpoint's tests; needs state of a later version",
    ),
    (
        "TABLE_OWNED_BY_OTHER_PIPELINE",
        "needs two projects over one warehouse",
    ),
    (
        "DELIVERY_POSITION_LOST",
        "needs a log whose beginning was cleaned away while nothing ran",
    ),
    (
        "UPDATE_CANCELED",
        "needs a signal in the middle of an update",
    ),
    (
        "STATE_REPAIRED",
        "needs a torn commit on local disk: crates/table tests repair it",
    ),
    (
        "FILE_LIST_DAMAGED",
        "needs a damaged list: crates/source tests",
    ),
    (
        "DELTA_TABLE_NOT_FOUND",
        "the graph finds the table missing first",
    ),
    (
        "DELTA_CONCURRENT_WRITE",
        "needs a writer that wins every race",
    ),
    (
        "SOURCE_HAS_NO_COLUMNS",
        "a note; shown as IDLE by data/folder_empty",
    ),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    let mut waiting = vec![folder.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name == "target" || name == ".git" || name == ".sluice" {
                continue;
            }
            let path = entry.path();
            if path.is_dir() {
                waiting.push(path)
            } else {
                found.push(path)
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_house_is_tidy() {
        let findings = super::check(&crate::root());
        assert!(findings.is_empty(), "\n{}", findings.join("\n"));
    }
}
