//! Conditions of the dataflow graph: names, cycles, duplicates, streamingness.

use super::conditions;

conditions! {
    TABLE_OR_VIEW_NOT_FOUND = "TABLE_OR_VIEW_NOT_FOUND", "42P01", User, No, "A query reads a dataset that no file of the project declares and no table of the warehouse provides.";
}
