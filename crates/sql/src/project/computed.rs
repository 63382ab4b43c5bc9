//! Fields of a bundle's resources that Databricks computes when it deploys them, as far as the bundle tells them. Must not walk
//! the bundle: `references` does.

use sluice_model::condition::project;
use sluice_model::{Diagnostic, Origin};

/// What a field that nobody wrote is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Computed {
    /// The key of the resource: what it is known by here.
    Key,
    /// `prefix` and the texts of these fields of the resource, with `between` between them.
    Name {
        prefix: &'static str,
        parts: &'static [&'static str],
        between: &'static str,
    },
    /// An identity that only a deployment gives.
    Deployed,
}

/// Kinds of resources whose identity is their full name, with the fields that make it.
const NAMED_IN_FULL: &[(&str, &[&str])] = &[
    ("catalogs", &["name"]),
    ("schemas", &["catalog_name", "name"]),
    ("volumes", &["catalog_name", "schema_name", "name"]),
    (
        "registered_models",
        &["catalog_name", "schema_name", "name"],
    ),
];

/// What a field of a kind of resources is where the bundle does not say it; `None`: nothing that is known.
pub(super) fn field(kind: &str, field: &str) -> Option<Computed> {
    let full = NAMED_IN_FULL.iter().find(|(known, _)| *known == kind);
    match (kind, field, full) {
        ("pipelines" | "jobs", "id" | "name", _) => Some(Computed::Key),
        ("volumes", "volume_path", Some((_, parts))) => Some(Computed::Name {
            prefix: "/Volumes/",
            parts,
            between: "/",
        }),
        (_, "id" | "full_name", Some((_, parts))) => Some(Computed::Name {
            prefix: "",
            parts,
            between: ".",
        }),
        (_, "id", None) => Some(Computed::Deployed),
        _ => None,
    }
}

/// Says that a value is given by a deployment only.
pub(super) fn unknown(path: &str, origin: &Origin) -> Diagnostic {
    let message = format!(
        "`${{{path}}}` is known only once Databricks has deployed it: it stays as it is written"
    );
    Diagnostic::warning(&project::BUNDLE_REFERENCE_NOT_FOUND, message)
        .at(origin, "")
        .help("write the value itself, or `${var.NAME}` and give it with `--var NAME=VALUE`")
}
