//! Functions that a project declares, and how a query finds them by name. Must not give them a meaning: `plan` does.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use sluice_model::{DatasetName, Namespace, SparkType};
use sqlparser::ast;

use crate::query::Expression;
use crate::statement::{ColumnDefinition, WrittenName};

/// `CREATE [OR REPLACE] [TEMPORARY] FUNCTION … RETURN expression`.
#[derive(Debug, Clone)]
pub struct CreateFunction {
    /// Name as written.
    pub name: WrittenName,
    /// `TEMPORARY`: known by its bare name, in every schema.
    pub temporary: bool,
    /// Parameters in order; each has a type.
    pub parameters: Vec<ColumnDefinition>,
    /// `RETURNS`; `None` where the expression decides.
    pub returns: Option<SparkType>,
    /// `COMMENT`.
    pub comment: Option<String>,
    /// The expression behind `RETURN`, over the parameters.
    pub body: Expression,
}

/// A function with the namespace that completes the names in its body.
#[derive(Debug, Clone)]
pub struct Function {
    /// What was declared.
    pub declaration: CreateFunction,
    /// Catalog and schema in force where it is declared.
    pub namespace: Namespace,
}

impl Function {
    /// Signature and body in words that do not depend on spelling or place.
    fn words(&self) -> String {
        let parameters = self.declaration.parameters.iter().map(|parameter| {
            let default = parameter.default.as_ref().map(|e| e.tree.to_string());
            format!(
                "{} {:?} {default:?}",
                parameter.name.value.to_lowercase(),
                parameter.data_type
            )
        });
        let parameters: Vec<String> = parameters.collect();
        let (returns, body) = (&self.declaration.returns, &self.declaration.body.tree);
        format!("({}) {returns:?} = {body}", parameters.join(", "))
    }
}

/// The functions of a project as one query finds them; cloning is cheap.
#[derive(Debug, Clone, Default)]
pub struct Functions {
    all: Arc<BTreeMap<DatasetName, Function>>,
    namespace: Namespace,
}

impl Functions {
    /// Makes the view that a statement has of all functions, with the namespace in force there. A temporary function
    /// stands under [`DatasetName::temporary`].
    #[must_use]
    pub fn new(all: Arc<BTreeMap<DatasetName, Function>>, namespace: Namespace) -> Self {
        Self { all, namespace }
    }

    /// The same functions seen from another namespace.
    #[must_use]
    pub fn within(&self, namespace: &Namespace) -> Self {
        Self::new(Arc::clone(&self.all), namespace.clone())
    }

    /// Looks a name of one to three parts up: temporary functions first, then those of the schema in force.
    #[must_use]
    pub fn find<S: AsRef<str>>(&self, parts: &[S]) -> Option<(&DatasetName, &Function)> {
        let temporary = match parts {
            [name] => self
                .all
                .get_key_value(&DatasetName::temporary(name.as_ref())),
            _ => None,
        };
        temporary.or_else(|| {
            self.all
                .get_key_value(&DatasetName::qualify(parts, &self.namespace)?)
        })
    }

    /// Signatures and bodies of the functions that a tree calls, directly or through others: what a change of them is
    /// judged by.
    #[must_use]
    pub fn fingerprint(&self, tree: &impl ast::Visit) -> Vec<String> {
        let mut found: BTreeMap<DatasetName, String> = BTreeMap::new();
        let mut open = self.called(tree);
        while let Some((name, function)) = open.pop() {
            if found.contains_key(name) {
                continue;
            }
            found.insert(name.clone(), function.words());
            let there = self.within(&function.namespace);
            let declaration = &function.declaration;
            let defaults = declaration
                .parameters
                .iter()
                .filter_map(|p| p.default.as_ref());
            for expression in defaults.chain([&declaration.body]) {
                let names = there.called(&expression.tree);
                let names: Vec<DatasetName> = names.into_iter().map(|(n, _)| n.clone()).collect();
                open.extend(names.iter().filter_map(|name| self.all.get_key_value(name)));
            }
        }
        found
            .into_iter()
            .map(|(name, words)| format!("function {name} {words}"))
            .collect()
    }

    /// The functions that a tree itself calls.
    fn called(&self, tree: &impl ast::Visit) -> Vec<(&DatasetName, &Function)> {
        let mut found = vec![];
        if self.all.is_empty() {
            return found;
        }
        let _: ControlFlow<()> = ast::visit_expressions(tree, |expr| {
            if let ast::Expr::Function(function) = expr {
                found.extend(self.find(&name_parts(&function.name)));
            }
            ControlFlow::Continue(())
        });
        found
    }
}

/// The parts of a name in a tree.
#[must_use]
pub fn name_parts(name: &ast::ObjectName) -> Vec<&str> {
    let idents = name.0.iter().filter_map(ast::ObjectNamePart::as_ident);
    idents.map(|ident| ident.value.as_str()).collect()
}
