//! The graph as declared: datasets and flows with their names made full and their clauses checked one by one;
//! nothing bound to anything else but flows to their targets. Built by [`crate::declare`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use sluice_model::{DatasetKind, DatasetName, FlowKind, FlowName, Namespace, Origin};
use sluice_sql::function::{Function, Functions};
use sluice_sql::query::Query;
use sluice_sql::statement::{
    ColumnDefinition, ExpectationClause, Located, RefreshPolicy, WrittenName,
};

use crate::names::{Names, closest};

/// Pipeline configuration and `SET` values, keys as written.
pub type Settings = BTreeMap<String, String>;

/// A dataset as declared.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Full name. Private tables carry the schema `__private_<pipeline>`, temporary views no schema at all.
    pub name: DatasetName,
    /// The name as the user wrote it.
    pub written: String,
    /// What it is.
    pub kind: DatasetKind,
    /// `PRIVATE`.
    pub private: bool,
    /// Declared columns; empty when none were listed.
    pub columns: Vec<ColumnDefinition>,
    /// Expectations in order of declaration, names unique.
    pub expectations: Vec<ExpectationClause>,
    /// `PARTITIONED BY` columns, as written.
    pub partitioned_by: Vec<Located<String>>,
    /// `CLUSTER BY` columns, as written.
    pub cluster_by: Vec<Located<String>>,
    /// `LOCATION`, as written.
    pub location: Option<Located<String>>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// `TBLPROPERTIES` that are kept, keys as written.
    pub properties: BTreeMap<String, Located<String>>,
    /// `REFRESH POLICY`.
    pub refresh_policy: RefreshPolicy,
    /// Whether a full refresh may empty it (`pipelines.reset.allowed`, default true).
    pub reset_allowed: bool,
    /// Catalog and schema in force where it is declared.
    pub namespace: Namespace,
    /// Place of its name.
    pub origin: Origin,
}

impl Dataset {
    /// A temporary view without clauses.
    #[must_use]
    pub fn temporary_view(name: DatasetName, namespace: Namespace, origin: Origin) -> Self {
        Self {
            written: name.name.clone(),
            name,
            kind: DatasetKind::TemporaryView,
            private: false,
            columns: vec![],
            expectations: vec![],
            partitioned_by: vec![],
            cluster_by: vec![],
            location: None,
            comment: None,
            properties: BTreeMap::new(),
            refresh_policy: RefreshPolicy::default(),
            reset_allowed: true,
            namespace,
            origin,
        }
    }
}

/// A flow's identity: its target and its name. The flow of `CREATE … AS query` is named as the dataset.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId {
    /// What it fills.
    pub target: DatasetName,
    /// Its name, unique per target.
    pub name: FlowName,
}

impl FlowId {
    /// Makes the identity of the implicit flow of a dataset.
    #[must_use]
    pub fn implicit(target: &DatasetName) -> Self {
        Self {
            target: target.clone(),
            name: FlowName::new(&target.name),
        }
    }

    /// Whether this is the flow of `CREATE … AS query`.
    #[must_use]
    pub fn is_implicit(&self) -> bool {
        self.name.as_str() == self.target.name
    }
}

/// The target alone for an implicit flow, else `target.flow`-like words: `flow f of c.s.t`.
impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_implicit() {
            write!(f, "{}", self.target)
        } else {
            write!(f, "{} of {}", self.name, self.target)
        }
    }
}

/// A flow as declared.
#[derive(Debug, Clone)]
pub struct DeclaredFlow {
    /// Target and name.
    pub id: FlowId,
    /// How it moves data.
    pub kind: FlowKind,
    /// Its query.
    pub query: Arc<Query>,
    /// `COMMENT` of the flow itself.
    pub comment: Option<String>,
    /// Configuration overlaid with the `SET` statements above it.
    pub settings: Settings,
    /// Catalog and schema in force where it is declared: they complete the names in its query.
    pub namespace: Namespace,
    /// Place of its declaration (the name).
    pub origin: Origin,
}

/// All datasets and flows of a project, nothing resolved.
#[derive(Debug, Clone, Default)]
pub struct DeclaredGraph {
    /// The pipeline's name.
    pub pipeline: String,
    /// Pipeline configuration.
    pub configuration: Settings,
    /// Datasets by full name.
    pub datasets: BTreeMap<DatasetName, Dataset>,
    /// Flows by identity, those of views included.
    pub flows: BTreeMap<FlowId, DeclaredFlow>,
    /// Functions by full name; temporary ones under [`DatasetName::temporary`].
    pub functions: Arc<BTreeMap<DatasetName, Function>>,
    /// Datasets whose declaration has errors: what reads them is not reported again.
    pub broken: Vec<DatasetName>,
    /// The last parts, in lower case, of the names of tables and views whose statements could not be read.
    pub(crate) unread: BTreeSet<String>,
    /// Whether nothing was declared that an update could fill. Said by `resolve`, which nobody asks for a project
    /// whose statements could not be read.
    pub(crate) is_empty: bool,
    /// How written names find datasets.
    pub(crate) names: Names,
}

impl DeclaredGraph {
    /// Whether a name may be that of a statement which could not be read: that is said where it stands.
    pub(crate) fn is_unread(&self, name: &WrittenName) -> bool {
        let last = name.parts.last().map(|part| part.to_lowercase());
        last.is_some_and(|last| self.unread.contains(&last))
    }

    /// The functions as a statement in a namespace finds them.
    #[must_use]
    pub fn functions_in(&self, namespace: &Namespace) -> Functions {
        Functions::new(Arc::clone(&self.functions), namespace.clone())
    }

    /// The dataset whose name is close enough to the last part of a written one to be what was meant, and how to write it: as its
    /// declaration does, or in full where the last part is right.
    #[must_use]
    pub fn nearest(&self, written: &WrittenName) -> Option<(&Dataset, String)> {
        self.nearest_beside(written, None)
    }

    /// As [`DeclaredGraph::nearest`], for the query of a dataset, which never means that itself.
    pub(crate) fn nearest_beside(
        &self,
        written: &WrittenName,
        reader: Option<&DatasetName>,
    ) -> Option<(&Dataset, String)> {
        let last = written.parts.last().map_or("", String::as_str);
        let others = self.datasets.keys().filter(|name| Some(*name) != reader);
        let near = closest(last, others).and_then(|name| self.datasets.get(name))?;
        let spelled = if near.name.name == last.to_lowercase() {
            near.name.to_string()
        } else {
            near.written.clone()
        };
        Some((near, spelled))
    }

    /// The flows that fill a dataset, in order of their names.
    pub fn flows_of<'a>(
        &'a self,
        target: &'a DatasetName,
    ) -> impl Iterator<Item = &'a DeclaredFlow> {
        self.flows
            .values()
            .filter(move |flow| flow.id.target == *target)
    }
}
