//! Conditions of Delta tables: commits, protocol, foreign changes, their store.

use super::conditions;

conditions! {
    TARGET_CHANGED = "TARGET_CHANGED", "55000", External, No, "The target table was changed by another writer in a way that makes going on unsafe: it was dropped and made again, or restored to an earlier version. Nothing was written. Look at the table's history, then fill it again from the beginning with `--full-refresh`.";
    TARGET_ROWS_REMOVED = "TARGET_ROWS_REMOVED", "01000", External, No, "Another writer removed or replaced rows of a streaming table (DELETE, UPDATE, MERGE, INSERT OVERWRITE). They stay so, and the flows of the table go on appending what they have not taken yet. A full refresh writes the removed rows again.";
    DELTA_TABLE_NOT_FOUND = "DELTA_TABLE_NOT_FOUND", "42P01", External, No, "There is no Delta table at the place: no folder `_delta_log` with at least one commit.";
    DELTA_TABLE_DAMAGED = "DELTA_TABLE_DAMAGED", "XXKDD", External, No, "The log of the table, or a data file that it names, does not read: a commit is empty or cut off, a checkpoint is damaged, a version is missing, or a file is gone. Nothing was written. A backup is the way back; a damaged last commit on local disk is repaired at the next start.";
    DELTA_UNSUPPORTED_FEATURES_FOR_READ = "DELTA_UNSUPPORTED_FEATURES_FOR_READ", "56038", External, No, "The table uses features of the Delta protocol that a reader must know and this engine does not.";
    DELTA_UNSUPPORTED_FEATURES_FOR_WRITE = "DELTA_UNSUPPORTED_FEATURES_FOR_WRITE", "0AKDC", External, No, "The table uses features of the Delta protocol that a writer must know and this engine does not. It can still be read.";
    DELTA_NOT_NULL_CONSTRAINT_VIOLATED = "DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "23502", User, No, "A row has NULL in a column that was declared NOT NULL. Nothing of the batch was written. Declare an expectation with ON VIOLATION DROP ROW to leave such rows out.";
    DELTA_VIOLATE_CONSTRAINT_WITH_VALUES = "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "23001", User, No, "A row breaks a CHECK constraint of the table. Nothing of the batch was written.";
    DELTA_FAILED_TO_MERGE_FIELDS = "DELTA_FAILED_TO_MERGE_FIELDS", "22005", User, No, "The schema of the rows does not fit the schema of the table: a column changed its type, a name appears twice, or a type has no form in Delta. Change the query, or run the table with `--full-refresh`.";
    DELTA_CONCURRENT_WRITE = "DELTA_CONCURRENT_WRITE", "2D521", External, Backoff, "Another writer changed files that a batch was about to replace. Nothing was written; the batch is tried again.";
    DELTA_SOURCE_TABLE_IGNORE_CHANGES = "DELTA_SOURCE_TABLE_IGNORE_CHANGES", "0A000", User, No, "Rows of a table that is read as a stream were deleted or replaced, and a stream can only take added rows. Read it with `skipChangeCommits`, read it without STREAM in a materialized view, or run the flow with `--full-refresh`.";
    DELTA_VERSION_NOT_FOUND = "DELTA_VERSION_NOT_FOUND", "22003", User, No, "The table has no such version: it was never made, or the log that held it was cleaned up. `DESCRIBE HISTORY` lists those that are there.";
    DELTA_TIMESTAMP_GREATER_THAN_COMMIT = "DELTA_TIMESTAMP_GREATER_THAN_COMMIT", "42816", User, No, "`TIMESTAMP AS OF` names a time after the table's newest version: what the table will hold then is not known yet.";
    DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION = "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION", "42816", User, No, "`TIMESTAMP AS OF` names a time before the oldest version that the log still holds.";
    DELTA_CANNOT_RESTORE_TABLE_VERSION = "DELTA_CANNOT_RESTORE_TABLE_VERSION", "22003", User, No, "RESTORE names a version that the table does not have. Nothing was changed.";
    DELTA_CANNOT_RESTORE_TIMESTAMP_GREATER = "DELTA_CANNOT_RESTORE_TIMESTAMP_GREATER", "22003", User, No, "RESTORE names a time after the table's newest version. Nothing was changed.";
    DELTA_CANNOT_RESTORE_TIMESTAMP_EARLIER = "DELTA_CANNOT_RESTORE_TIMESTAMP_EARLIER", "22003", User, No, "RESTORE names a time before the oldest version that the log still holds. Nothing was changed.";
    DELTA_FILES_VACUUMED = "DELTA_FILES_VACUUMED", "55019", User, No, "A version is to be read or restored whose data files VACUUM has deleted since. Nothing was changed. Later versions are whole: VACUUM deletes only what the versions within the retention do not need.";
    DELTA_CANNOT_MODIFY_APPEND_ONLY = "DELTA_CANNOT_MODIFY_APPEND_ONLY", "42809", User, No, "The table's property `delta.appendOnly` is true: rows may be added and never go. A full refresh, a recomputed materialized view and an overwrite are refused. Nothing was changed.";
    DELTA_NON_PARTITION_COLUMN_REFERENCE = "DELTA_NON_PARTITION_COLUMN_REFERENCE", "42P10", User, No, "The WHERE of OPTIMIZE chooses partitions, and names a column that is none.";
    DELTA_ZORDERING_ON_PARTITION_COLUMN = "DELTA_ZORDERING_ON_PARTITION_COLUMN", "42P10", User, No, "ZORDER BY names a partition column: all rows of a file have the same value there.";
    DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST = "DELTA_ZORDERING_COLUMN_DOES_NOT_EXIST", "42703", User, No, "ZORDER BY names a column that the table does not have.";
    DELTA_ZORDERING_ON_COLUMN_WITHOUT_STATS = "DELTA_ZORDERING_ON_COLUMN_WITHOUT_STATS", "KD00D", User, No, "ZORDER BY names a column without smallest and largest values in the log, such as a struct, an array or a map: readers could skip nothing by it.";
    DELTA_CLUSTERING_WITH_ZORDER_BY = "DELTA_CLUSTERING_WITH_ZORDER_BY", "42613", User, No, "The table is declared with CLUSTER BY, which OPTIMIZE follows by itself; ZORDER BY contradicts it.";
    DELTA_OPTIMIZE_FULL_NOT_SUPPORTED = "DELTA_OPTIMIZE_FULL_NOT_SUPPORTED", "42601", User, No, "`OPTIMIZE t FULL` is for tables with CLUSTER BY, and this one has none.";
    DELTA_VACUUM_RETENTION_TOO_SHORT = "DELTA_VACUUM_RETENTION_TOO_SHORT", "22023", User, No, "VACUUM was asked to delete files that left the table more recently than it keeps them (`delta.deletedFileRetentionDuration`, seven days unless set). Queries and streams that are running could still need them. Nothing was deleted. The configuration `spark.databricks.delta.retentionDurationCheck.enabled = false`, or `sluice vacuum --force`, allows it while nothing runs.";
    STORAGE_ERROR = "STORAGE_ERROR", "58030", External, Backoff, "Reading or writing the store failed: disk full, no permission, network, or a service that did not answer. Whatever was committed before stays; the next start resumes there.";
    STORAGE_UNSAFE = "STORAGE_UNSAFE", "0A000", External, No, "The store lets an object be written that must only be created once, so that two writers would overwrite each other's commits. Tables are only kept in stores with conditional writes.";
    DELTA_OPERATION_FAILED = "DELTA_OPERATION_FAILED", "58000", External, No, "An operation on a Delta table failed for a reason that has no name of its own; the message tells it.";
}
