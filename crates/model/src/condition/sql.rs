//! Conditions of SQL text: lexing and parsing of pipeline statements.

use super::conditions;

conditions! {
    PARSE_SYNTAX_ERROR = "PARSE_SYNTAX_ERROR", "42601", User, No, "The statement is not valid SQL of the pipeline dialect at the marked place.";
}
