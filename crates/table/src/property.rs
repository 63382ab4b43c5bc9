//! Table properties: which are kept, left out or refused, and their names as Delta writes them. Must not act on any.

use std::collections::BTreeMap;

use sluice_model::quantity;

use crate::TableError;
use crate::codec::{self, Codec};
use crate::schema::wrong;

/// What becomes of a table property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropertyVerdict {
    /// It is stored.
    Kept,
    /// It is stored, though Delta knows no property of this name: a slip of the pen, or another engine's.
    Unknown,
    /// It is not stored, because it asks for a Delta feature that only makes things faster; the reason.
    LeftOut(&'static str),
    /// It cannot be honoured and would change what the table means; the reason.
    Refused(&'static str),
}

/// Decides about a table property before a table is made with it.
#[must_use]
pub fn judge_property(name: &str, value: &str) -> PropertyVerdict {
    let on = value.eq_ignore_ascii_case("true");
    let off = value.eq_ignore_ascii_case("false");
    match name.to_ascii_lowercase().as_str() {
        "delta.appendonly" | "delta.enablechangedatafeed" if !on && !off => {
            PropertyVerdict::Refused("it is `true` or `false`")
        }
        "delta.deletedfileretentionduration" | "delta.logretentionduration"
            if quantity::duration_us(value).is_none() =>
        {
            PropertyVerdict::Refused("it is no duration in weeks, days or less: `interval 7 days`")
        }
        "delta.targetfilesize" if quantity::bytes(value).is_none_or(|bytes| bytes == 0) => {
            PropertyVerdict::Refused("it is no size: `134217728`, `128mb`")
        }
        "delta.settransactionretentionduration" => PropertyVerdict::Refused(
            "transactions are how each batch is written once, and must not expire",
        ),
        "delta.columnmapping.mode" if !value.eq_ignore_ascii_case("none") => {
            PropertyVerdict::Refused("column mapping is not written")
        }
        "delta.enabletypewidening" if on => {
            PropertyVerdict::Refused("type widening is not written")
        }
        codec::PROPERTY if Codec::is_foreign(value) => PropertyVerdict::LeftOut(codec::NOT_WRITTEN),
        codec::PROPERTY if Codec::parse(value).is_none() => PropertyVerdict::Refused(codec::NAMES),
        "delta.enablerowtracking" if on => PropertyVerdict::LeftOut("row tracking is not written"),
        "delta.enabledeletionvectors" if on => {
            PropertyVerdict::LeftOut("deletion vectors are not written")
        }
        "delta.enableicebergcompatv1"
        | "delta.enableicebergcompatv2"
        | "delta.universalformat.enabledformats" => {
            PropertyVerdict::LeftOut("Iceberg metadata is not written")
        }
        "delta.minreaderversion" | "delta.minwriterversion" => {
            PropertyVerdict::LeftOut("the protocol follows from the features in use")
        }
        "delta.checkpointpolicy" => {
            PropertyVerdict::LeftOut("checkpoints are written in the classic form")
        }
        lower if lower.starts_with("delta.feature.") => {
            PropertyVerdict::LeftOut("the protocol follows from the features in use")
        }
        lower => match lower.strip_prefix("delta.") {
            Some(name) if !is_known_to_delta(name) => PropertyVerdict::Unknown,
            _ => PropertyVerdict::Kept,
        },
    }
}

/// Properties of Delta, without `delta.`. Source: the table properties of Delta Lake and Databricks.
const DELTA_PROPERTIES: &[&str] = &[
    "appendOnly",
    "autoOptimize",
    "checkpointInterval",
    "checkpointPolicy",
    "checkpointRetentionDuration",
    "columnMapping.maxColumnId",
    "columnMapping.mode",
    "dataSkippingNumIndexedCols",
    "dataSkippingStatsColumns",
    "deletedFileRetentionDuration",
    "enableChangeDataFeed",
    "enableDeletionVectors",
    "enableExpiredLogCleanup",
    "enableFullRetentionRollback",
    "enableInCommitTimestamps",
    "enableRowTracking",
    "enableTypeWidening",
    "enableVariantShredding",
    "inCommitTimestampEnablementTimestamp",
    "inCommitTimestampEnablementVersion",
    "isolationLevel",
    "logRetentionDuration",
    "minReaderVersion",
    "minWriterVersion",
    "randomizeFilePrefixes",
    "randomPrefixLength",
    "sampleRetentionDuration",
    "setTransactionRetentionDuration",
    "targetFileSize",
    "tuneFileSizesForRewrites",
    "autoOptimize.autoCompact",
    "autoOptimize.optimizeWrite",
    "parquet.compression.codec",
];
const CONSTRAINT_FAMILY: &str = "constraints.";
/// What stands before the name of a CHECK constraint among the properties of a table.
pub const CONSTRAINT_PREFIX: &str = "delta.constraints.";
/// Beginnings of families of them, in lower case.
const DELTA_FAMILIES: &[&str] = &[
    "autooptimize.",
    "checkpoint.",
    "compatibility.",
    CONSTRAINT_FAMILY,
    "coordinatedcommits.",
    "enableicebergcompat",
    "feature.",
    "parquet.",
    "rowtracking.",
    "universalformat.",
    "workloadbasedcolumns.",
];

fn is_known_to_delta(name: &str) -> bool {
    let mut properties = DELTA_PROPERTIES.iter();
    properties.any(|known| known.eq_ignore_ascii_case(name))
        || DELTA_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// A property's name as Delta writes it: names of `delta.` properties are the same in any case, and are looked up as Delta
/// writes them. Source: `DeltaConfigsBase.validateConfigurations`.
#[must_use]
pub fn canonical_property(written: &str) -> String {
    let lower = written.to_ascii_lowercase();
    let Some(name) = lower.strip_prefix("delta.") else {
        return written.to_owned();
    };
    if name.starts_with(CONSTRAINT_FAMILY) {
        let own = written.get("delta.".len() + CONSTRAINT_FAMILY.len()..);
        return format!("{CONSTRAINT_PREFIX}{}", own.unwrap_or_default());
    }
    let mut properties = DELTA_PROPERTIES.iter();
    match properties.find(|known| known.eq_ignore_ascii_case(name)) {
        Some(known) => format!("delta.{known}"),
        None => written.to_owned(),
    }
}

/// The properties that a table is stored with.
///
/// # Errors
/// One of them is refused.
pub(crate) fn kept_properties(
    properties: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, TableError> {
    let mut kept = BTreeMap::new();
    for (name, value) in properties {
        match judge_property(name, value) {
            PropertyVerdict::Kept | PropertyVerdict::Unknown => {
                kept.insert(name.clone(), value.clone());
            }
            PropertyVerdict::LeftOut(_) => {}
            PropertyVerdict::Refused(reason) => {
                return wrong(format!("table property `{name}` = `{value}`: {reason}"));
            }
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_delta_in_any_case() {
        for (written, expected) in [
            (
                "delta.deletedfileretentionduration",
                "delta.deletedFileRetentionDuration",
            ),
            ("DELTA.APPENDONLY", "delta.appendOnly"),
            ("delta.Constraints.Positive", "delta.constraints.Positive"),
            ("delta.feature.x", "delta.feature.x"),
            ("Quality", "Quality"),
        ] {
            assert_eq!(canonical_property(written), expected, "{written}");
        }
    }

    #[test]
    fn values_that_would_be_forgotten_are_refused() {
        for (name, value, is_refused) in [
            (
                "delta.deletedFileRetentionDuration",
                "interval 30 days",
                false,
            ),
            (
                "delta.deletedFileRetentionDuration",
                "interval 30 dayz",
                true,
            ),
            (
                "delta.deletedFileRetentionDuration",
                "interval 1 month",
                true,
            ),
            ("delta.logRetentionDuration", "30", true),
            ("delta.targetFileSize", "128mb", false),
            ("delta.targetFileSize", "0", true),
            ("delta.targetFileSize", "big", true),
            ("delta.appendOnly", "TRUE", false),
            ("delta.appendOnly", "yes", true),
            ("delta.enableChangeDataFeed", "on", true),
        ] {
            let verdict = judge_property(name, value);
            let refused = matches!(verdict, PropertyVerdict::Refused(_));
            assert_eq!(refused, is_refused, "{name} = {value}");
        }
    }
}
