//! Which names are functions of our own, which no function of a project hides. Must not bind calls.

use sluice_sql::function::name_parts;
use sqlparser::ast;

use super::Binder;
use crate::function::lambda::HigherOrder;
use crate::function::syntax;

impl Binder<'_> {
    /// Whether a name finds a function of our own before one that the project declares: those of one part do.
    pub(super) fn is_builtin(&self, name: &ast::ObjectName) -> bool {
        let [name] = name_parts(name)[..] else {
            return false;
        };
        let name = name.to_lowercase();
        self.state.scalar_functions().contains_key(&name)
            || self.state.aggregate_functions().contains_key(&name)
            || self.state.window_functions().contains_key(&name)
            || HigherOrder::named(&name).is_some()
            || syntax::is_named(&name)
    }
}
