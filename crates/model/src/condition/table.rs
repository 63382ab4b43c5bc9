//! Conditions of Delta tables: commits, protocol, foreign changes.

use super::conditions;

conditions! {
    TARGET_CHANGED = "TARGET_CHANGED", "55000", External, No, "The target table was changed by another writer in a way that makes going on unsafe.";
}
