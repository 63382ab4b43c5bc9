//! Conditions of the command line.

use super::conditions;

conditions! {
    UNKNOWN_CONDITION = "UNKNOWN_CONDITION", "42K00", User, No, "`sluice explain` was given a name that is no condition.";
    USAGE = "USAGE", "42K00", User, No, "The command line asks for things that do not go together. `sluice help COMMAND` shows what a command takes.";
    OUTPUT_NOT_WRITABLE = "OUTPUT_NOT_WRITABLE", "58030", External, No, "A file that the command line asks for, such as `--events FILE`, cannot be written.";
    SHELL_STATEMENT_NOT_SUPPORTED = "SHELL_STATEMENT_NOT_SUPPORTED", "0A000", User, No, "`sluice sql` knows the statement and does not run it. It runs queries, DESCRIBE and SHOW.";
    INTERRUPTED = "INTERRUPTED", "57014", User, No, "The command was interrupted. Whatever it had committed stays; the next update goes on from there.";
}
