//! Spark's functions by family, found by name in one registry. Must not know queries: `bind` calls them.

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;

/// Registers every function that a query may call by name: only what behaves as in Spark may be registered here.
///
/// # Errors
/// The registry refuses a function.
pub fn register(registry: &mut dyn FunctionRegistry) -> Result<()> {
    let _ = registry;
    Ok(())
}
