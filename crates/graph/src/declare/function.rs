//! Functions as declared, and which of them the queries and expressions of a project find. Must not look into bodies.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_model::condition::graph as condition;
use sluice_model::{DatasetName, Diagnostic};
use sluice_sql::function::{CreateFunction, Function, Functions};

use super::{Declaring, Place};
use crate::DeclaredGraph;

impl Declaring {
    pub(super) fn function(
        &mut self,
        function: CreateFunction,
        place: &Place,
        all: &mut BTreeMap<DatasetName, Function>,
    ) {
        let written = &function.name;
        let name = if function.temporary {
            Some(DatasetName::temporary(&written.parts.join(".")))
        } else {
            self.table_name(written, false, &place.namespace)
        };
        let Some(name) = name else { return };
        if let Some(first) = all.get(&name) {
            let error = Diagnostic::error(
                &condition::ROUTINE_ALREADY_EXISTS,
                format!("the function `{name}` is declared twice"),
            )
            .at(&written.origin, "declared again here")
            .at(&first.declaration.name.origin, "first declared here")
            .help("rename or remove one of the two: the order of statements in a project means nothing");
            self.report(error);
            return;
        }
        let function = Function {
            declaration: function,
            namespace: place.namespace.clone(),
        };
        all.insert(name, function);
    }
}

impl DeclaredGraph {
    /// Lets the queries and expressions of the graph find the functions of the project.
    pub(super) fn give_functions(&mut self, all: BTreeMap<DatasetName, Function>) {
        if all.is_empty() {
            return;
        }
        self.functions = Arc::new(all);
        for flow in self.flows.values_mut() {
            let functions = Functions::new(Arc::clone(&self.functions), flow.namespace.clone());
            Arc::make_mut(&mut flow.query).functions = functions;
        }
        for dataset in self.datasets.values_mut() {
            let functions = Functions::new(Arc::clone(&self.functions), dataset.namespace.clone());
            for clause in &mut dataset.expectations {
                clause.predicate.functions = functions.clone();
            }
            for column in &mut dataset.columns {
                for expression in [&mut column.default, &mut column.generated]
                    .into_iter()
                    .flatten()
                {
                    expression.functions = functions.clone();
                }
            }
        }
    }
}
