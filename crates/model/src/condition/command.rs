//! Conditions of the command line.

use super::conditions;

conditions! {
    UNKNOWN_CONDITION = "UNKNOWN_CONDITION", "42K00", User, No, "`sluice explain` was given a name that is no condition.";
    OUTPUT_NOT_WRITABLE = "OUTPUT_NOT_WRITABLE", "58030", External, No, "A file that the command line asks for, such as `--events FILE`, cannot be written.";
    SHELL_STATEMENT_NOT_SUPPORTED = "SHELL_STATEMENT_NOT_SUPPORTED", "0A000", User, No, "`sluice sql` knows the statement and does not run it. It runs queries, DESCRIBE and SHOW.";
}
