//! Which names are functions of our own, which no function of a project hides. Must not bind calls.

use sluice_sql::function::name_parts;
use sqlparser::ast;

use super::Binder;
use super::special::{attempt, cast_function};
use crate::function::lambda::HigherOrder;
use crate::rewrite::sum;

/// Calls that are bound as syntax, without a registered function: a declared function does not hide them either.
const SYNTAX: &[&str] = &[
    "nvl",
    "ifnull",
    "equal_null",
    "coalesce",
    "nvl2",
    "if",
    "iff",
    "nullif",
    "nullifzero",
    "zeroifnull",
    "isnull",
    "isnotnull",
    "greatest",
    "least",
    "concat",
    "mod",
    "div",
    "struct",
    "named_struct",
    "array",
    "typeof",
    "dateadd",
    "date_add",
    "timestampadd",
    "datediff",
    "date_diff",
    "timediff",
    "timestampdiff",
    "count_if",
    "grouping",
    "grouping_id",
    "explode",
    "explode_outer",
    "posexplode",
    "posexplode_outer",
    "inline",
    "inline_outer",
    "stack",
    "json_tuple",
    "convert_timezone",
    "to_timestamp_ntz",
    "arrays_zip",
    "like",
    "ilike",
    "window",
    "session_window",
    "window_time",
    "current_user",
    "user",
    "session_user",
    "current_catalog",
    "current_schema",
    "current_database",
    "current_timezone",
    "current_timestamp",
    "now",
    "getdate",
    "localtimestamp",
    "current_date",
    "curdate",
    "unix_timestamp",
    "input_file_name",
];

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
            || sum::is_aggregate(&name)
            || attempt(&name).is_some()
            || cast_function(&name).is_some()
            || SYNTAX.contains(&name.as_str())
    }
}
