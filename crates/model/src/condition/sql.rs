//! Conditions of SQL text: lexing and parsing of pipeline statements.

use super::conditions;

conditions! {
    PARSE_SYNTAX_ERROR = "PARSE_SYNTAX_ERROR", "42601", User, No, "The statement is not valid SQL of the pipeline dialect at the marked place.";
    UNCLOSED_BRACKETED_COMMENT = "UNCLOSED_BRACKETED_COMMENT", "42601", User, No, "A comment that begins with /* has no end. Bracketed comments nest, so each /* needs its own */.";
    FAILED_TO_PARSE_TOO_COMPLEX = "FAILED_TO_PARSE_TOO_COMPLEX", "54001", User, No, "The statement nests parentheses, CASE, subqueries or operators too deeply to be read safely. Split it into several views, or write a long chain of OR as IN.";
    SQL_FILE_TOO_LARGE = "SQL_FILE_TOO_LARGE", "54000", User, No, "A SQL file is larger, or holds more statements, than a file that people write. Split it into several files.";
    UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND = "UNSUPPORTED_PIPELINE_SPARK_SQL_COMMAND", "0A000", User, No, "A pipeline file declares streaming tables, materialized views, views, flows and functions, and may SET and USE. Queries and commands that act at once (SELECT, INSERT, MERGE, DROP, ...) do not belong in it; run queries with `sluice sql`.";
    UNSUPPORTED_PIPELINE_PIVOT = "UNSUPPORTED_FEATURE.PIPELINE_PIVOT", "0A000", User, No, "PIVOT cannot be used in a pipeline file, because the columns of the result would depend on the data. Write one CASE or FILTER aggregate per column.";
    UNSUPPORTED_AUTO_CDC_FROM_SNAPSHOT = "UNSUPPORTED_FEATURE.AUTO_CDC_FROM_SNAPSHOT", "0A000", User, No, "AUTO CDC compares no snapshots here: it reads a stream of changes.";
    DUPLICATE_CLAUSES = "DUPLICATE_CLAUSES", "42614", User, No, "A clause that may stand once was written twice. Remove one of them.";
    SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED = "SPECIFY_CLUSTER_BY_WITH_PARTITIONED_BY_IS_NOT_ALLOWED", "42908", User, No, "A table is either partitioned or clustered. Remove PARTITIONED BY or CLUSTER BY.";
    MULTIPART_FLOW_NAME_NOT_SUPPORTED = "MULTIPART_FLOW_NAME_NOT_SUPPORTED", "0A000", User, No, "The name of a flow has one part; it belongs to its target table, not to a schema.";
    IDENTIFIER_TOO_MANY_NAME_PARTS = "IDENTIFIER_TOO_MANY_NAME_PARTS", "42601", User, No, "A table name has at most three parts: catalog.schema.name.";
    UNSUPPORTED_DATATYPE = "UNSUPPORTED_DATATYPE", "0A000", User, No, "A column is declared with a data type that Spark SQL does not have, or that cannot be stored.";
    DUPLICATE_ROUTINE_PARAMETER_NAMES = "DUPLICATE_ROUTINE_PARAMETER_NAMES", "42734", User, No, "Two parameters of a function have the same name (letter case does not count).";
    USER_DEFINED_FUNCTIONS = "USER_DEFINED_FUNCTIONS", "42601", User, No, "A function is declared in a way that no function can be: a parameter without DEFAULT behind one with DEFAULT, NOT NULL on a parameter, an aggregate in the expression, or a call of itself.";
    TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS = "TEMP_VIEW_NAME_TOO_MANY_NAME_PARTS", "428EK", User, No, "The name of a temporary view has one part: the view belongs to the pipeline, not to a schema.";
    INVALID_INTERVAL_FORMAT = "INVALID_INTERVAL_FORMAT", "22006", User, No, "An INTERVAL literal is not a number with a unit, a list of them, or a text of the form that its unit range asks for.";
    REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE = "REQUIRES_EXPLICIT_NAME_IN_WATERMARK_CLAUSE", "42000", User, No, "The event time of a WATERMARK clause is an expression and needs a name: WATERMARK expr AS name DELAY OF INTERVAL ....";
    CANNOT_USE_MULTI_ALIASES_IN_WATERMARK_CLAUSE = "CANNOT_USE_MULTI_ALIASES_IN_WATERMARK_CLAUSE", "42000", User, No, "The event time of a WATERMARK clause takes one name, not a list.";
    AUTOCDC_EMPTY_KEYS = "AUTOCDC_EMPTY_KEYS", "42601", User, No, "AUTO CDC needs at least one column in KEYS.";
    AUTOCDC_MULTIPART_COLUMN_IDENTIFIER = "AUTOCDC_MULTIPART_COLUMN_IDENTIFIER", "42703", User, No, "AUTO CDC names top-level columns of its source: one part, no table name and no struct field.";
    AUTOCDC_IGNORE_NULL_EMPTY_COLUMN_LIST = "AUTOCDC_IGNORE_NULL_EMPTY_COLUMN_LIST", "42601", User, No, "IGNORE NULL UPDATES ON needs at least one column.";
}
