//! How a written name finds a dataset of this pipeline, and which name comes closest when it does not.
//!
//! Order (dialect.md sections 0.3 and 4): temporary view, private table, dataset of the pipeline completed by the
//! namespace in force. CTEs never come here: the parser has bound them. What is not found is outside the pipeline.

use std::collections::{BTreeMap, BTreeSet};

use sluice_model::{DatasetName, Namespace};

/// The names that a pipeline declares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    temporary: BTreeSet<String>,
    /// A private table's name as if it were public, and its real one.
    private: BTreeMap<DatasetName, DatasetName>,
    private_last_part: BTreeMap<String, DatasetName>,
    public: BTreeSet<DatasetName>,
}

impl Names {
    pub(crate) fn add_temporary(&mut self, name: &DatasetName) {
        self.temporary.insert(name.name.clone());
    }

    pub(crate) fn add_public(&mut self, name: &DatasetName) {
        self.public.insert(name.clone());
    }

    pub(crate) fn add_private(&mut self, as_if_public: &DatasetName, name: &DatasetName) {
        self.private.insert(as_if_public.clone(), name.clone());
        self.private_last_part
            .insert(name.name.clone(), name.clone());
    }

    /// The dataset of this pipeline that the written parts mean.
    pub(crate) fn find(&self, parts: &[String], namespace: &Namespace) -> Option<DatasetName> {
        let is_live = parts.len() == 2
            && parts
                .first()
                .is_some_and(|part| part.eq_ignore_ascii_case("live"));
        let full = DatasetName::qualify(parts, namespace)?;
        if parts.len() == 1 || is_live {
            if self.temporary.contains(&full.name) {
                return Some(DatasetName::temporary(&full.name));
            }
            if let Some(private) = self.private_last_part.get(&full.name) {
                return Some(private.clone());
            }
        }
        if let Some(private) = self.private.get(&full) {
            return Some(private.clone());
        }
        if self.public.contains(&full) {
            return Some(full);
        }
        if !is_live {
            return None;
        }
        // `LIVE` means this pipeline, whatever schema: a name that is there once is meant.
        let mut same = self.public.iter().filter(|name| name.name == full.name);
        match (same.next(), same.next()) {
            (Some(only), None) => Some(only.clone()),
            _ => None,
        }
    }
}

/// The schema of a pipeline's private tables.
pub(crate) fn private_schema(pipeline: &str) -> String {
    let safe: String = pipeline
        .to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '_'
            }
        })
        .collect();
    format!("__private_{safe}")
}

/// The candidate closest to a written name by its last part, if it is close enough to be a slip of the pen.
pub(crate) fn closest<'a>(
    written: &str,
    candidates: impl Iterator<Item = &'a DatasetName>,
) -> Option<&'a DatasetName> {
    let written = written.to_lowercase();
    candidates
        .map(|candidate| (strsim::jaro_winkler(&written, &candidate.name), candidate))
        .filter(|(likeness, candidate)| *likeness >= 0.85 || candidate.name == written)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let mut names = Names::default();
        names.add_temporary(&DatasetName::temporary("clean"));
        names.add_public(&DatasetName::new("main", "default", "clean"));
        names.add_public(&DatasetName::new("main", "default", "raw"));
        names.add_public(&DatasetName::new("main", "gold", "facts"));
        names.add_private(
            &DatasetName::new("main", "default", "raw"),
            &DatasetName::new("main", "__private_p", "raw"),
        );
        names
    }

    #[test]
    fn finds_by_the_order_of_the_dialect() {
        let names = names();
        for (written, expected) in [
            ("clean", Some("clean")),
            ("CLEAN", Some("clean")),
            ("default.clean", Some("main.default.clean")),
            ("raw", Some("main.__private_p.raw")),
            ("main.default.raw", Some("main.__private_p.raw")),
            ("facts", None),
            ("gold.facts", Some("main.gold.facts")),
            ("LIVE.facts", Some("main.gold.facts")),
            ("live.clean", Some("clean")),
            ("nothing", None),
            ("a.b.c.d", None),
        ] {
            let parts: Vec<String> = written.split('.').map(str::to_owned).collect();
            let found = names
                .find(&parts, &Namespace::default())
                .map(|name| name.to_string());
            assert_eq!(found.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn suggests_only_what_is_close() {
        let all = [
            DatasetName::new("main", "default", "silver_sensor_cleaned"),
            DatasetName::temporary("gold"),
        ];
        let suggest = |written: &str| closest(written, all.iter()).map(ToString::to_string);
        assert_eq!(
            suggest("silver_sensor_clean").as_deref(),
            Some("main.default.silver_sensor_cleaned")
        );
        assert_eq!(suggest("bronze"), None);
    }

    #[test]
    fn private_schemas_are_safe_in_paths() {
        assert_eq!(
            private_schema("IoT-Lakehouse/dev [x]"),
            "__private_iot_lakehouse_dev__x_"
        );
    }
}
