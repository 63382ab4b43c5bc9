//! Which file of a folder describes the pipeline. Must not read files: it looks at names.

use sluice_model::condition::project;
use sluice_model::suggest::listed;
use sluice_model::{Diagnostic, Origin};

/// What describes a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpecKind {
    /// A Databricks bundle.
    Bundle,
    /// A specification of Spark Declarative Pipelines.
    Spark,
    /// Nothing: a folder of `.sql` files.
    Folder,
}

/// The description chosen among the names of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecChoice {
    /// Its kind.
    pub kind: SpecKind,
    /// The file; `None` for a bare folder.
    pub file: Option<String>,
    /// Descriptions that lie beside it and are not read.
    pub ignored: Vec<String>,
}

const BUNDLES: [&str; 4] = [
    "databricks.yml",
    "databricks.yaml",
    "bundle.yml",
    "bundle.yaml",
];
const LEGACY_SPECS: [&str; 2] = ["pipeline.yml", "pipeline.yaml"];

/// Chooses among the names in one folder; a name that ends in `/` is a folder.
///
/// A bundle goes before a `spark-pipeline.yml`, which goes before a `pipeline.yml`, which goes before a bare folder:
/// one with `.sql` files or a folder `transformations/`. `None` when nothing here describes a pipeline; an error when
/// two files of the same rank do.
pub fn spec_of<S: AsRef<str>>(names: &[S]) -> Result<Option<SpecChoice>, Box<Diagnostic>> {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let of = |wanted: &dyn Fn(&str) -> bool| -> Vec<&str> {
        let mut found: Vec<&str> = names.iter().copied().filter(|name| wanted(name)).collect();
        found.sort_unstable();
        found
    };
    let ranks = [
        (SpecKind::Bundle, of(&|name| BUNDLES.contains(&name))),
        (SpecKind::Spark, of(&is_spark_spec)),
        (SpecKind::Spark, of(&|name| LEGACY_SPECS.contains(&name))),
    ];
    for (rank, (kind, found)) in ranks.iter().enumerate() {
        match found.as_slice() {
            [] => {}
            [file] => {
                let later = ranks
                    .iter()
                    .skip(rank + 1)
                    .filter(|_| *kind == SpecKind::Bundle);
                let ignored = later
                    .flat_map(|(_, files)| files)
                    .map(|file| (*file).to_owned())
                    .collect();
                return Ok(Some(SpecChoice {
                    kind: *kind,
                    file: Some((*file).to_owned()),
                    ignored,
                }));
            }
            several => return Err(Box::new(too_many(several))),
        }
    }
    let is_bare = names
        .iter()
        .any(|name| is_sql(name) || *name == "transformations/");
    Ok(is_bare.then(|| SpecChoice {
        kind: SpecKind::Folder,
        file: None,
        ignored: vec![],
    }))
}

/// The kind of a file given with `--spec`, judged by its name.
pub(super) fn kind_of(file: &str) -> SpecKind {
    let name = file.rsplit('/').next().unwrap_or_default();
    if BUNDLES.contains(&name) {
        SpecKind::Bundle
    } else {
        SpecKind::Spark
    }
}

/// Whether this is one of the early names, which other tools use too.
pub(super) fn is_legacy_spec(file: &str) -> bool {
    LEGACY_SPECS.contains(&file)
}

pub(super) fn is_sql(path: &str) -> bool {
    has_extension(path, "sql")
}

pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rsplit_once('.')
        .is_some_and(|(stem, found)| !stem.is_empty() && found.eq_ignore_ascii_case(extension))
}

fn is_spark_spec(name: &str) -> bool {
    ["yml", "yaml"].iter().any(|extension| {
        name.strip_suffix(extension)
            .and_then(|rest| rest.strip_suffix('.'))
            .is_some_and(|stem| stem == "spark-pipeline" || stem.ends_with(".spark-pipeline"))
    })
}

fn too_many(found: &[&str]) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(
        &project::MULTIPLE_PIPELINE_SPEC_FILES_FOUND,
        format!(
            "several files of one folder describe a pipeline: {}",
            listed(found.iter().copied())
        ),
    );
    for file in found {
        diagnostic = diagnostic.at(&Origin::new(*file, 1, 1, 0), "");
    }
    diagnostic.help("keep one of them, or name one with `--spec FILE`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(names: &[&str], expected: &str) {
        let shown = match spec_of(names) {
            Ok(None) => "none".to_owned(),
            Ok(Some(choice)) => format!(
                "{:?} {} ignoring {}",
                choice.kind,
                choice.file.unwrap_or_default(),
                choice.ignored.join(",")
            ),
            Err(error) => error.condition.name.to_owned(),
        };
        assert_eq!(shown, expected, "{names:?}");
    }

    #[test]
    fn the_first_rank_wins() {
        check(&[], "none");
        check(&["README.md", "src/"], "none");
        check(&["a.sql"], "Folder  ignoring ");
        check(&["transformations/"], "Folder  ignoring ");
        check(&["A.SQL"], "Folder  ignoring ");
        check(&[".sql"], "none");
        check(
            &["databricks.yml", "a.sql"],
            "Bundle databricks.yml ignoring ",
        );
        check(&["bundle.yaml"], "Bundle bundle.yaml ignoring ");
        check(
            &["spark-pipeline.yml"],
            "Spark spark-pipeline.yml ignoring ",
        );
        check(
            &["iot.spark-pipeline.yaml"],
            "Spark iot.spark-pipeline.yaml ignoring ",
        );
        check(&["pipeline.yml", "a.sql"], "Spark pipeline.yml ignoring ");
        check(
            &["spark-pipeline.yml", "pipeline.yml"],
            "Spark spark-pipeline.yml ignoring ",
        );
        check(
            &["databricks.yml", "spark-pipeline.yml"],
            "Bundle databricks.yml ignoring spark-pipeline.yml",
        );
        check(
            &["spark-pipeline.yml", "spark-pipeline.yaml"],
            "MULTIPLE_PIPELINE_SPEC_FILES_FOUND",
        );
        check(
            &["databricks.yml", "databricks.yaml"],
            "MULTIPLE_PIPELINE_SPEC_FILES_FOUND",
        );
        check(&["not-spark-pipeline.yml"], "none");
    }
}
