//! Conditions of the meaning of a query: columns, types, functions, values.

use super::conditions;

conditions! {
    UNRESOLVED_COLUMN = "UNRESOLVED_COLUMN.WITH_SUGGESTION", "42703", User, No, "A query names a column that none of its inputs has.";
}
