//! Conditions of updates: leases, expectations, checkpoints.

use super::conditions;

conditions! {
    EXPECTATION_VIOLATION = "EXPECTATION_VIOLATION", "22000", User, No, "A row broke an expectation whose action is FAIL UPDATE. Nothing of its micro-batch was written and the checkpoint stays where it was. Fix the data, or let such rows go with ON VIOLATION DROP ROW.";
    PIPELINE_ALREADY_RUNNING = "PIPELINE_ALREADY_RUNNING", "55006", External, No, "Another engine holds the lease of this pipeline and target. The exit code is 4. Wait for it, or stop it: the lease ends with its process.";
    WAREHOUSE_NOT_WRITABLE = "WAREHOUSE_NOT_WRITABLE", "58030", External, No, "The warehouse cannot be written: it is read-only, full, or belongs to someone else. Committed data is safe; the next run goes on where this one stopped.";
    CHECKPOINT_LOST = "CHECKPOINT_LOST", "58030", External, No, "The progress of a flow is gone and cannot be rebuilt from its table: going on could read the same input twice. A full refresh of the table starts again from nothing.";
    CHECKPOINT_SOURCE_CHANGED = "CHECKPOINT_SOURCE_CHANGED", "55000", User, No, "A streaming flow now reads another source than the one its checkpoint belongs to. Add a second flow to keep both in one table, or start again with a full refresh.";
    CHECKPOINT_FORMAT_UNKNOWN = "CHECKPOINT_FORMAT_UNKNOWN", "0A000", External, No, "The progress of a flow was written by another version of Sluice in a form that this version does not read. Run it with a version that does.";
    RESTORE_LOSES_ROWS = "RESTORE_LOSES_ROWS", "55000", User, No, "RESTORE would lose rows for good, because files whose rows would have to be taken again are gone. Put the files back, or accept the loss with --allow-data-loss.";
    FULL_REFRESH_LOSES_ROWS = "FULL_REFRESH_LOSES_ROWS", "55000", User, No, "A full refresh would lose rows for good, because files that they came from are gone. Restore the files, or accept the loss with --allow-data-loss.";
    TABLE_OWNED_BY_OTHER_PIPELINE = "TABLE_OWNED_BY_OTHER_PIPELINE", "42710", User, No, "A table that this pipeline declares belongs to another pipeline: its property sluice.pipeline names the owner. Rename one of the two, or drop the table.";
    FULL_REFRESH_READS_STREAM_AGAIN = "FULL_REFRESH_READS_STREAM_AGAIN", "01000", User, No, "A full refresh emptied a table that is fed by a Kinesis stream and reads the stream again from its initial position. A stream keeps its records for a day unless told otherwise, so rows that it let go of do not come back; they are in the versions of the table before the refresh until VACUUM.";
    FLOW_QUERY_CHANGED = "FLOW_QUERY_CHANGED", "01000", User, No, "The query of a streaming flow changed between two updates. Rows already written stay as they are; the new query takes the rows from now on. A full refresh applies it to all rows.";
    FULL_REFRESH_NOT_ALLOWED = "FULL_REFRESH_NOT_ALLOWED", "01000", User, No, "A table with pipelines.reset.allowed = false was named in a full refresh: it is refreshed without being emptied.";
    UPDATE_CANCELED = "UPDATE_CANCELED", "57014", User, No, "The update was stopped on request. What was committed stays; the next run goes on from there.";
    DATASET_NOT_RUN = "TABLE_OR_VIEW_NOT_FOUND.NOT_RUN", "42P01", User, No, "The dataset is declared in this project but no update has created its table yet. Run the pipeline first.";
    BAD_RECORDS = "BAD_RECORDS", "01000", User, No, "Records of source files could not be read as what the schema says. They were counted, and kept as NULLs, rescued values or bad records as the options say; the good rows went on.";
    LATE_ROWS_DROPPED = "LATE_ROWS_DROPPED", "01000", User, No, "Rows of a stream came after the watermark had passed their event time: the result that they belong to was given out already, so they were dropped and counted. A longer delay of the watermark waits longer for such rows.";
    STREAMING_AGGREGATE_WITHOUT_WATERMARK = "STREAMING_AGGREGATE_WITHOUT_WATERMARK", "01000", User, No, "A streaming table aggregates a stream without a watermark among the keys. Its groups never end, so each micro-batch writes the whole result anew. A materialized view does the same at less cost.";
    COMPLETE_MODE_NEEDS_ITS_OWN_TABLE = "COMPLETE_MODE_NEEDS_ITS_OWN_TABLE", "42000", User, No, "A flow that writes its whole result anew in each micro-batch (an aggregate over a stream without a watermark) shares its table with another flow, whose rows it would replace. Give each a table of its own.";
    STATE_REPAIRED = "STATE_REPAIRED", "01000", External, No, "At start, unfinished or damaged pieces of table state left by a crash were set aside. The bytes are kept; nothing committed was lost.";
    MATERIALIZED_VIEW_NOT_INCREMENTAL = "MATERIALIZED_VIEW_NOT_INCREMENTALIZABLE", "42K00", User, No, "A materialized view with REFRESH POLICY INCREMENTAL STRICT needs a complete recompute: the message says why. Change the policy, the query, or refresh it fully.";
    SOURCE_HAS_NO_COLUMNS = "SOURCE_HAS_NO_COLUMNS", "01000", User, No, "A source is empty and tells no columns yet, so what reads it waits. Put a file there, or declare the schema.";
    INTERNAL_ERROR = "INTERNAL_ERROR", "XX000", Internal, No, "A bug in Sluice: please report it with the text of this message.";
}
