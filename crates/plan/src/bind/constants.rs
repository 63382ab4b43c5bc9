//! Arguments that must be the same for all rows. Must not say what they mean.

use sluice_model::Origin;
use sluice_model::condition::query as condition;

use super::Typed;
use crate::error::{Result, at};
use crate::rewrite::fold;

/// The places, from 0, of the arguments that must be constants (each is a check of its own in Spark's expression).
fn places(function: &str) -> &'static [usize] {
    match function {
        "schema_of_json" | "schema_of_csv" | "date_part" | "datepart" | "ntile" => &[0],
        "percentile_approx" | "approx_percentile" => &[1, 2],
        "percentile"
        | "listagg"
        | "string_agg"
        | "histogram_numeric"
        | "approx_count_distinct"
        | "first"
        | "first_value"
        | "last"
        | "last_value"
        | "any_value"
        | "sort_array"
        | "to_binary"
        | "try_to_binary"
        | "nth_value" => &[1],
        _ => &[],
    }
}

/// Refuses a column where a function takes a constant.
pub(super) fn check(function: &str, args: &[Typed], origin: &Origin) -> Result<()> {
    for place in places(function) {
        let Some(arg) = args.get(*place) else {
            continue;
        };
        if !fold::is_constant(&arg.expr) {
            let message = format!("argument {} of `{function}` must be a constant", place + 1);
            let condition = &condition::DATATYPE_MISMATCH_NON_FOLDABLE_INPUT;
            return Err(at(condition, origin, message));
        }
    }
    Ok(())
}
