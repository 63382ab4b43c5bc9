//! Every limit of the engine on what comes from outside, each with its reason. Sizes in bytes unless named otherwise.

/// A SQL file; larger ones are refused before they are read whole (a pipeline file is text that people write).
pub const SQL_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// A project file in YAML.
pub const YAML_FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// Nodes of a YAML document after anchors are expanded: stops anchors that explode.
pub const YAML_NODES_MAX: usize = 200_000;
/// Source files of one project.
pub const PROJECT_FILES_MAX: usize = 20_000;
/// Nesting of expressions, subqueries and parentheses in SQL: keeps every recursive walk within its stack.
pub const SQL_NESTING_MAX: usize = 200;
/// Depth of one SQL syntax tree, chains of operators included (`a OR b OR …` is as deep as it is long).
pub const SQL_TREE_DEPTH_MAX: usize = 500;
/// Nodes of the expression that the calls of a project's own functions become: each nested call can double it.
pub const SQL_FUNCTION_NODES_MAX: usize = 10_000;
/// Parentheses around relations inside each other (`FROM ((a JOIN b) JOIN c)`): the parser reads each twice, so the
/// cost doubles with each.
pub const SQL_JOIN_PARENTHESES_MAX: usize = 10;
/// Statements of one SQL file.
pub const SQL_STATEMENTS_MAX: usize = 10_000;
/// Nesting of a JSON document.
pub const JSON_DEPTH_MAX: usize = 128;
/// One line of a JSON or CSV file.
pub const LINE_BYTES_MAX: usize = 128 * 1024 * 1024;
/// One string value inside a JSON or CSV record.
pub const STRING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Columns that schema inference adds before further keys go to the rescued data column.
pub const INFERRED_COLUMNS_MAX: usize = 2_000;
/// How often files may widen the columns of an update's flows before it ends and asks to be run again: more than there
/// can be columns at one level, so that only files that come faster than they are read get there.
pub const SCHEMA_CHANGES_MAX: usize = 10_000;
/// Bytes sampled for schema inference per refresh of a source.
pub const INFERENCE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Files sampled for schema inference.
pub const INFERENCE_FILES_MAX: usize = 1_000;
/// Ratio of unpacked to packed bytes beyond which a compressed file is refused, once past the grace: more than gzip can reach (1,032), which
/// files of one repeated line come near.
pub const DECOMPRESSION_RATIO_MAX: u64 = 1_100;
/// Unpacked bytes below which no ratio is checked.
pub const DECOMPRESSION_GRACE_BYTES: u64 = 16 * 1024 * 1024;
/// Files in one folder tree that a listing accepts.
pub const LISTED_FILES_MAX: usize = 10_000_000;
/// Unpacked bytes of one compressed file: it is read as a stream, so this only bounds time and disk.
pub const UNPACKED_FILE_BYTES_MAX: u64 = 64 << 30;
/// A file that must be held whole: whole text, binary files, multi-line CSV, Parquet from an object store.
pub const WHOLE_FILE_BYTES_MAX: u64 = 1 << 30;
/// The footer of a Parquet file, which is held whole.
pub const PARQUET_FOOTER_BYTES_MAX: u64 = 64 << 20;
/// Bad records of one micro-batch that `badRecordsPath` keeps: they wait in a temporary file.
pub const BAD_RECORDS_BYTES_MAX: u64 = 8 << 30;
/// One file of `badRecordsPath`, which is held whole while it is written: after so many bytes the next one begins.
pub const BAD_RECORDS_FILE_BYTES: usize = 16 << 20;
/// A template of the simulator: a record is small, and a template is hardly larger.
pub const SIMULATION_TEMPLATE_BYTES_MAX: u64 = 1024 * 1024;
/// Expressions of one template.
pub const SIMULATION_EXPRESSIONS_MAX: usize = 10_000;
/// How often one expression may repeat something (letters, words, paragraphs).
pub const SIMULATION_REPEATS_MAX: u64 = 1_000;
/// The same, of all expressions together: keeps a record below some megabytes.
pub const SIMULATION_RECORD_REPEATS_MAX: u64 = 20_000;
/// Records per second that may be asked for; as many as there can be is asked for by `max`.
pub const SIMULATED_RECORDS_PER_SECOND_MAX: u64 = 100_000_000;
/// Devices of a simulated fleet. They cost no memory; their names stay short.
pub const SIMULATED_DEVICES_MAX: u64 = 10_000_000;
/// Simulated records on their way at a time, late or to be sent again.
pub const SIMULATED_DELAYED_RECORDS_MAX: usize = 1_000_000;
/// Bytes of these records.
pub const SIMULATED_DELAYED_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Characters of a partition key in a record of the Kinesis Producer Library: the service's own limit.
pub const PARTITION_KEY_CHARACTERS_MAX: usize = 256;
/// Keys and payloads of one such record taken apart. The library packs 1 MiB at most; with the longest keys and payloads
/// of a few bytes that becomes seventeen times as much.
pub const TAKEN_APART_BYTES_MAX: usize = 32 << 20;
/// Alternatives that the braces of a path pattern may stand for.
pub const GLOB_ALTERNATIVES_MAX: usize = 1_024;
/// Events of an update that wait until the event log can be written, before those of micro-batches are left to the next update.
pub const HELD_EVENTS_MAX: usize = 100_000;
