//! Plans as text for people. Must not choose or run anything.

use datafusion::physical_plan::displayable;

use crate::bind::BoundQuery;
use crate::error::{Result, diagnose};

impl BoundQuery {
    /// The logical plan as it was bound, one step per line.
    #[must_use]
    pub fn explain_logical(&self) -> String {
        self.plan.display_indent().to_string()
    }

    /// The logical plan after optimization and the physical plan.
    ///
    /// # Errors
    /// DataFusion cannot plan the query.
    pub async fn explain(&self) -> Result<String> {
        let state = self.session.state();
        let optimized = state
            .optimize(&self.plan)
            .map_err(|e| diagnose(&e, Some(&self.origin)))?;
        let physical = self.physical_plan().await?;
        let physical = displayable(physical.as_ref()).indent(false).to_string();
        Ok(format!(
            "logical plan\n{}\n\nphysical plan\n{}",
            optimized.display_indent(),
            physical.trim_end()
        ))
    }
}
