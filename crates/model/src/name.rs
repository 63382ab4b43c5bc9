//! Names of datasets and flows, and how a short name becomes a full one. Must not know where tables lie.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The catalog and schema that complete an unqualified name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Namespace {
    /// Catalog, lower case.
    pub catalog: String,
    /// Schema, lower case.
    pub schema: String,
}

impl Namespace {
    /// Makes a namespace; both parts are lower-cased, as Unity Catalog does.
    #[must_use]
    pub fn new(catalog: &str, schema: &str) -> Self {
        Self {
            catalog: catalog.to_lowercase(),
            schema: schema.to_lowercase(),
        }
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self::new("main", "default")
    }
}

/// The full name of a dataset, lower case: `catalog.schema.name`.
///
/// A temporary view belongs to no catalog: its catalog and schema are empty and it prints as its bare name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DatasetName {
    /// Catalog, lower case; empty for a temporary view.
    pub catalog: String,
    /// Schema, lower case; empty for a temporary view.
    pub schema: String,
    /// Last part, lower case.
    pub name: String,
}

impl DatasetName {
    /// Makes a full name, lower-casing its parts.
    #[must_use]
    pub fn new(catalog: &str, schema: &str, name: &str) -> Self {
        Self {
            catalog: catalog.to_lowercase(),
            schema: schema.to_lowercase(),
            name: name.to_lowercase(),
        }
    }

    /// Makes the name of a temporary view.
    #[must_use]
    pub fn temporary(name: &str) -> Self {
        Self::new("", "", name)
    }

    /// Completes one to three written parts with a namespace; a leading `LIVE` part is ignored.
    /// Returns `None` for no parts or more than three.
    #[must_use]
    pub fn qualify<S: AsRef<str>>(parts: &[S], namespace: &Namespace) -> Option<Self> {
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        let parts = match parts.as_slice() {
            [first, rest @ ..] if rest.len() == 1 && first.eq_ignore_ascii_case("live") => rest,
            all => all,
        };
        match parts {
            [name] => Some(Self::new(&namespace.catalog, &namespace.schema, name)),
            [schema, name] => Some(Self::new(&namespace.catalog, schema, name)),
            [catalog, schema, name] => Some(Self::new(catalog, schema, name)),
            _ => None,
        }
    }

    /// Whether this names a temporary view.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        self.catalog.is_empty() && self.schema.is_empty()
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_temporary() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}.{}.{}", self.catalog, self.schema, self.name)
        }
    }
}

/// The name of a flow within its target: one part, lower case. The implicit flow of
/// `CREATE … AS query` is named as its table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FlowName(String);

impl FlowName {
    /// Makes a flow name, lower-cased.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_lowercase())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FlowName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
