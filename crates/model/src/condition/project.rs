//! Conditions of project files: bundles, specs, variables, discovery.

use super::conditions;

conditions! {
    PROJECT_NOT_FOUND = "PROJECT_NOT_FOUND", "42K00", User, No, "No project was found in this folder or above it: no databricks.yml, no spark-pipeline.yml, no folder of .sql files.";
}
