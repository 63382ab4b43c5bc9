//! Conditions of the command line.

use super::conditions;

conditions! {
    UNKNOWN_CONDITION = "UNKNOWN_CONDITION", "42K00", User, No, "`sluice explain` was given a name that is no condition.";
}
