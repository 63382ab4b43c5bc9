//! Conditions of the dataflow graph: names, cycles, duplicates, streamingness.

use super::conditions;

conditions! {
    TABLE_OR_VIEW_NOT_FOUND = "TABLE_OR_VIEW_NOT_FOUND", "42P01", User, No, "A query reads, or a flow fills, a dataset that no file of the project declares and no table of the warehouse provides.";
    DUPLICATE_OUTPUT = "PIPELINE_DUPLICATE_IDENTIFIERS.OUTPUT", "42710", User, No, "Two statements declare a dataset of the same name. A dataset is declared once; further queries into a streaming table are flows of their own: CREATE FLOW f AS INSERT INTO t BY NAME SELECT ….";
    ROUTINE_ALREADY_EXISTS = "ROUTINE_ALREADY_EXISTS", "42723", User, No, "Two statements of a project declare a function of the same name.";
    DUPLICATE_FLOW = "PIPELINE_DUPLICATE_IDENTIFIERS.FLOW", "42710", User, No, "Two flows of one target have the same name. The query of CREATE … AS is a flow named as its table.";
    DATASET_WITHOUT_FLOW = "PIPELINE_DATASET_WITHOUT_FLOW", "0A000", User, No, "A dataset is declared without a query and no flow fills it.";
    RUN_EMPTY_PIPELINE = "RUN_EMPTY_PIPELINE", "42617", User, No, "The project declares no table and no persisted view, so there is nothing to run.";
    GRAPH_CYCLE = "PIPELINE_GRAPH_NOT_TOPOLOGICALLY_SORTED", "0A000", User, No, "Datasets read each other in a circle, so that none of them can be computed first.";
    MATERIALIZED_VIEW_WITH_MULTIPLE_QUERIES = "MATERIALIZED_VIEW_WITH_MULTIPLE_QUERIES", "42000", User, No, "A materialized view is defined by exactly one query: the one behind its AS.";
    BATCH_RELATION_FOR_STREAMING_TABLE = "INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE", "42000", User, No, "A streaming table must be fed by a stream: at least one relation of the query is read with STREAM. A batch query fills it only as INSERT ONCE.";
    STREAMING_RELATION_FOR_MATERIALIZED_VIEW = "INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_MATERIALIZED_VIEW", "42000", User, No, "A materialized view is computed from whole inputs: its query must not read with STREAM.";
    STREAMING_RELATION_FOR_ONCE_FLOW = "INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_ONCE_FLOW", "42000", User, No, "An INSERT ONCE flow runs a batch query a single time: it must not read with STREAM.";
    STREAMING_RELATION_FOR_PERSISTED_VIEW = "INVALID_FLOW_QUERY_TYPE.STREAMING_RELATION_FOR_PERSISTED_VIEW", "42000", User, No, "A persisted view is read by anyone as a batch: its query must not read with STREAM.";
    INCOMPATIBLE_BATCH_VIEW_READ = "INCOMPATIBLE_BATCH_VIEW_READ", "42000", User, No, "STREAM was put before something that is no stream: a view with a batch query, or a materialized view, whose refresh may change any row.";
    INCOMPATIBLE_STREAMING_VIEW_READ = "INCOMPATIBLE_STREAMING_VIEW_READ", "42000", User, No, "A view with a streaming query was read as a batch. Read it with STREAM, or set pipelines.incompatibleViewCheck.enabled to false to read every view as what it is.";
    INVALID_TEMP_OBJ_REFERENCE = "INVALID_TEMP_OBJ_REFERENCE", "42K0F", User, No, "A persisted view outlives the pipeline and so cannot read a temporary view.";
    INVALID_RESETTABLE_DEPENDENCY = "INVALID_RESETTABLE_DEPENDENCY", "42000", User, No, "A streaming table that must not be reset streams from one that may be reset; a full refresh of the latter would break it. Set pipelines.reset.allowed alike on both.";
    LOCATION_OVERLAP = "INVALID_PARAMETER_VALUE.LOCATION_OVERLAP", "22023", User, No, "Two tables would lie in one folder, or one inside the other: their rows would mix, and VACUUM of one would delete files of the other.";
    DECLARED_SCHEMA_NOT_COMPATIBLE = "USER_SPECIFIED_AND_INFERRED_SCHEMA_NOT_COMPATIBLE", "42000", User, No, "A query yields a column that the declared column list does not hold, or one whose type cannot be cast to the declared type.";
    UNABLE_TO_INFER_PIPELINE_TABLE_SCHEMA = "UNABLE_TO_INFER_PIPELINE_TABLE_SCHEMA", "42KD9", User, No, "Several flows fill a table without declared columns and give one column different types.";
    PARTITION_COLUMN_NOT_FOUND = "PARTITION_COLUMN_NOT_FOUND_IN_SCHEMA", "42000", User, No, "PARTITIONED BY or CLUSTER BY names a column that the dataset does not have.";
    ALL_PARTITION_COLUMNS_NOT_ALLOWED = "ALL_PARTITION_COLUMNS_NOT_ALLOWED", "KD005", User, No, "A table needs at least one column that is not a partition column.";
    INVALID_PARTITION_COLUMN_DATA_TYPE = "INVALID_PARTITION_COLUMN_DATA_TYPE", "0A000", User, No, "Partition columns hold plain values: no struct, array or map.";
    VIEW_COLUMN_ARITY_MISMATCH = "CREATE_VIEW_COLUMN_ARITY_MISMATCH", "21S01", User, No, "The column list of a view has another length than the output of its query.";
    INVALID_FLOW_TARGET = "INVALID_FLOW_TARGET", "42809", User, No, "A flow fills something that takes no flows: only streaming tables do.";
    DUPLICATE_EXPECTATION = "DUPLICATE_EXPECTATION", "42710", User, No, "Two expectations of one dataset have the same name, so their counts could not be told apart.";
    EXPECTATION_NOT_BOOLEAN = "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN", "42K09", User, No, "The predicate of an expectation is not boolean.";
    UNALIASED_COLUMN = "UNALIASED_COLUMN", "42601", User, No, "A column of a table is made by an expression without a name. Give it one: expression AS name.";
    INVALID_COLUMN_NAME = "DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES", "42K05", User, No, "A column name holds a space or one of , ; { } ( ) = or a tab or line break, which Delta tables do not take.";
    VOID_COLUMN = "DELTA_COMPLEX_TYPE_COLUMN_CONTAINS_NULL_TYPE", "22005", User, No, "A column of a table, or a part of one, has the type VOID: only NULLs without a type, or an empty array, ever made it.";
    MATERIALIZED_VIEW_COLUMN_CLAUSE = "MATERIALIZED_VIEW_COLUMN_CLAUSE", "42601", User, No, "Columns of a materialized view come from its query: DEFAULT and GENERATED have no meaning there.";
    INVALID_COLUMN_DEFAULT = "INVALID_DEFAULT_VALUE.DATA_TYPE", "42623", User, No, "A DEFAULT or GENERATED expression has a type that cannot be cast to the column's.";
    UNSUPPORTED_STREAMING_OPERATOR = "UNSUPPORTED_STREAMING_OPERATOR", "0A000", User, No, "The query needs the end of a stream, or a memory of it that is not built yet (DISTINCT, a join of two streams, an order of all rows …). A materialized view can hold such a query today.";
    UNSUPPORTED_STREAMING_SOURCE = "UNSUPPORTED_STREAMING_SOURCE", "0A000", User, No, "STREAM was put before a source that has no notion of new rows.";
    UNSUPPORTED_BATCH_SOURCE = "UNSUPPORTED_BATCH_SOURCE", "0A000", User, No, "A source that has no whole, only what arrives, was read without STREAM.";
    UNSUPPORTED_SOURCE = "UNSUPPORTED_SOURCE", "0A000", User, No, "The table function is known and not built yet.";
    UNSUPPORTED_AUTO_CDC = "UNSUPPORTED_AUTO_CDC", "0A000", User, No, "AUTO CDC (APPLY CHANGES) is known and not built yet.";
    UNSUPPORTED_REPLACE_FLOW = "UNSUPPORTED_REPLACE_FLOW", "0A000", User, No, "REPLACE WHERE and REPLACE USING flows are known and not built yet.";
    UNSUPPORTED_CLAUSE = "UNSUPPORTED_CLAUSE", "0A000", User, No, "The clause is known on Databricks and not supported here. It is refused, because leaving it out would change what the table holds or who may see it.";
    INVALID_TIME_TRAVEL_TIMESTAMP = "INVALID_TIME_TRAVEL_TIMESTAMP_EXPR.INPUT", "42K0E", User, No, "What stands behind TIMESTAMP AS OF is no timestamp. In a pipeline it is a literal, so that the query means the same in every update.";
    UNSUPPORTED_TIME_TRAVEL = "UNSUPPORTED_FEATURE.TIME_TRAVEL", "0A000", User, No, "Versions exist for tables read as a batch: not for streams, views and files.";
    INVALID_STREAM_OPTION = "INVALID_STREAM_OPTION", "42616", User, No, "An option behind STREAM t WITH (…) is unknown, not built, has a value that it cannot have, or stands where nothing would heed it.";
    UNRESOLVABLE_TABLE_VALUED_FUNCTION = "UNRESOLVABLE_TABLE_VALUED_FUNCTION", "42883", User, No, "No table function has this name.";
    UNKNOWN_PIPELINE_PROPERTY = "UNKNOWN_PIPELINE_PROPERTY", "01000", User, No, "A table property in the `pipelines.` room has a name that is not known; it is dropped.";
    DELTA_UNKNOWN_CONFIGURATION = "DELTA_UNKNOWN_CONFIGURATION", "F0000", User, No, "A table property in the `delta.` room has a name that Delta does not know. It is kept with the table as text and has no effect.";
    TABLE_PROPERTY_WITHOUT_EFFECT = "TABLE_PROPERTY_WITHOUT_EFFECT", "01000", User, No, "A table property asks for a feature of Delta that makes some things faster and that this engine does not write (deletion vectors, row tracking, other checkpoints). The table is made without it and holds the same rows.";
    INVALID_TABLE_PROPERTY = "INVALID_TABLE_PROPERTY", "42616", User, No, "A table property has a value that it cannot have, or would break the promise of exactly once.";
    INVALID_CONF_VALUE = "INVALID_CONF_VALUE.REQUIREMENT", "22022", User, No, "A setting of the pipeline's configuration, or one that SET gives, has a value that it cannot have.";
    CLAUSE_NOTED = "CLAUSE_WITHOUT_EFFECT", "01000", User, No, "A clause is accepted for compatibility and has no effect here.";
    SCHEMA_UNKNOWN_UNTIL_RUN = "SCHEMA_UNKNOWN_UNTIL_RUN", "01000", User, No, "A source could not be sampled, so the columns of what reads it are checked when the update runs.";
    UPSTREAM_FAILED = "UPSTREAM_FAILED", "01000", User, No, "Nothing was found wrong here, but a dataset that this one reads has errors, so its columns could not be checked.";
    COLUMN_CAST_TO_DECLARED_TYPE = "COLUMN_CAST_TO_DECLARED_TYPE", "01000", User, No, "A query column has another type than the declared one and is cast to it under ANSI rules: a value that does not fit fails the flow.";
}
