//! Conditions of updates: leases, expectations, checkpoints.

use super::conditions;

conditions! {
    EXPECTATION_VIOLATION = "EXPECTATION_VIOLATION", "22000", User, No, "A row broke an expectation whose action is FAIL UPDATE.";
    INTERNAL_ERROR = "INTERNAL_ERROR", "XX000", Internal, No, "A bug in Sluice: please report it with the text of this message.";
}
