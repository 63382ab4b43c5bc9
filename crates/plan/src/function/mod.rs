//! Spark's functions by family, found by name in one registry. Must not know queries: `bind` calls them.
//!
//! A function is one entry of its family's table: name, parameters, type, sentence, example, code. Only what behaves as in
//! Spark is registered, so whatever `DataFusion` has besides does not exist for a query. Calls that are syntax
//! (`coalesce`, `CASE`, `concat`, `struct`, …) are bound by `bind`, not called from here.

mod aggregate;
mod array;
mod array_zip;
mod bits;
mod call;
mod csv;
mod date_text;
mod date_time;
mod date_unit;
mod decimal_format;
mod element;
mod epoch;
mod error;
mod hash;
mod interval;
mod json;
pub(crate) mod lambda;
mod lists;
pub(crate) mod map;
mod mask;
mod murmur;
mod number;
mod number_text;
mod pattern;
mod regexp;
mod round;
mod scalar;
mod sequence;
pub(crate) mod signature;
mod string;
pub(crate) mod syntax;
mod system;
mod text_build;
mod text_parts;
mod utf8;
mod value;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::functions_window as window;
use datafusion::logical_expr::ScalarUDF;
use sluice_model::Origin;

use scalar::{Function, Udf};

pub use signature::{common_type, tightest_type};

/// The families of scalar functions, as the reference shows them.
static FAMILIES: &[(&str, &[&[Function]])] = &[
    (
        "string",
        &[
            string::FUNCTIONS,
            text_build::FUNCTIONS,
            text_parts::FUNCTIONS,
            number_text::FUNCTIONS,
            mask::FUNCTIONS,
        ],
    ),
    ("regular expression", &[regexp::FUNCTIONS]),
    (
        "number",
        &[
            number::DOUBLES,
            number::FUNCTIONS,
            round::FUNCTIONS,
            bits::FUNCTIONS,
        ],
    ),
    (
        "date and time",
        &[
            date_time::FUNCTIONS,
            date_unit::FUNCTIONS,
            epoch::FUNCTIONS,
            date_text::FUNCTIONS,
            interval::FUNCTIONS,
        ],
    ),
    (
        "array",
        &[array::FUNCTIONS, array_zip::FUNCTIONS, sequence::FUNCTIONS],
    ),
    ("map", &[map::FUNCTIONS]),
    ("hash and encoding", &[hash::FUNCTIONS, utf8::FUNCTIONS]),
    ("JSON", &[json::FUNCTIONS]),
    ("CSV", &[csv::FUNCTIONS]),
    ("system", &[system::FUNCTIONS]),
];

/// One line of the function reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionEntry {
    /// Name, lower case.
    pub name: &'static str,
    /// Further names.
    pub aliases: &'static [&'static str],
    /// Family: `string`, `aggregate`, ….
    pub family: &'static str,
    /// One sentence.
    pub doc: &'static str,
    /// A call that runs.
    pub example: &'static str,
}

/// Every function, family by family.
pub fn entries() -> impl Iterator<Item = FunctionEntry> {
    let scalars = FAMILIES.iter().flat_map(|(family, tables)| {
        tables.iter().copied().flatten().map(|f| FunctionEntry {
            name: f.name,
            aliases: f.aliases,
            family,
            doc: f.doc,
            example: f.example,
        })
    });
    let borrowed = aggregate::BORROWED
        .iter()
        .map(|f| (f.name, f.aliases, f.doc, f.example));
    let ours = aggregate::AGGREGATES
        .iter()
        .map(|f| (f.name, f.aliases, f.doc, f.example));
    let aggregates = borrowed
        .chain(ours)
        .map(|(name, aliases, doc, example)| FunctionEntry {
            name,
            aliases,
            family: "aggregate",
            doc,
            example,
        });
    let lambdas = lambda::FUNCTIONS
        .iter()
        .map(|(name, aliases, doc, example, _)| FunctionEntry {
            name,
            aliases,
            family: "lambda",
            doc,
            example,
        });
    scalars
        .chain(lambdas)
        .chain(aggregates)
        .chain(syntax::CALLS.iter().copied())
}

/// Registers every function that a query may call by name: only what behaves as in Spark may be registered here.
///
/// # Errors
/// The registry refuses a function.
pub fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    for function in FAMILIES
        .iter()
        .flat_map(|(_, tables)| tables.iter().copied().flatten())
    {
        registry.register_udf(Udf::scalar(function, None))?;
    }
    for function in aggregate::functions() {
        registry.register_udaf(function)?;
    }
    for function in window::all_default_window_functions() {
        registry.register_udwf(function)?;
    }
    Ok(())
}

/// A scalar function whose errors come with the place of its call; `None` if it is none of ours.
pub(crate) fn located(name: &str, origin: &Origin) -> Option<Arc<ScalarUDF>> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
        let all = FAMILIES
            .iter()
            .flat_map(|(_, tables)| tables.iter().copied().flatten());
        all.flat_map(|f| {
            std::iter::once(&f.name)
                .chain(f.aliases)
                .map(move |n| (*n, f))
        })
        .collect()
    });
    BY_NAME
        .get(name)
        .map(|function| Udf::scalar(function, Some(origin)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_function_has_one_place_a_sentence_and_an_example() {
        let mut known = HashSet::new();
        for entry in entries() {
            for name in std::iter::once(&entry.name).chain(entry.aliases) {
                assert!(known.insert(*name), "`{name}` stands twice");
                assert_eq!(**name, name.to_lowercase());
            }
            assert!(entry.doc.ends_with('.'), "{}", entry.name);
            assert!(!entry.example.is_empty(), "{}", entry.name);
        }
        assert!(known.len() > 250, "{}", known.len());
    }
}
