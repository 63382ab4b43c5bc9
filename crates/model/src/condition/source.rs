//! Conditions of sources: files and formats.

use super::conditions;

conditions! {
    PATH_NOT_FOUND = "PATH_NOT_FOUND", "42K03", User, No, "The folder or file that a query reads does not exist.";
    PATH_NOT_MAPPED = "PATH_NOT_MAPPED", "42K03", User, No, "A path of the cloud (a volume, a bucket, DBFS) has no place on this machine. Map it in sluice.yml, under `volumes:` or `paths:`.";
    PATH_NOT_ALLOWED = "PATH_NOT_ALLOWED", "42501", User, No, "A path leads where a pipeline must not read: through `..`, into system folders, or into the engine's own state. As a warning: symbolic links lead out of the folder that is read, and what is behind them is left out.";
    PATH_INVALID = "PATH_INVALID", "42K03", User, No, "A path or its pattern cannot be understood: empty, a NUL character, brackets or braces that never close. As a warning: files whose names are not UTF-8 are left out.";
    FILE_UNREADABLE = "FILE_UNREADABLE", "42501", External, No, "A folder or file cannot be read by the user that runs the pipeline: usually its permissions.";
    CF_EMPTY_DIR_FOR_SCHEMA_INFERENCE = "CF_EMPTY_DIR_FOR_SCHEMA_INFERENCE", "42000", User, No, "A schema is to be inferred from files, and there is none. Put a file there, or write `schema => '…'`.";
    UNABLE_TO_INFER_SCHEMA = "UNABLE_TO_INFER_SCHEMA", "42KD9", User, No, "The sampled files hold nothing that a schema can be made of. Write `schema => '…'`.";
    CF_UNKNOWN_OPTION_KEYS_ERROR = "CF_UNKNOWN_OPTION_KEYS_ERROR", "42000", User, No, "`read_files` was given an option that does not exist.";
    READ_FILES_INVALID_OPTION = "READ_FILES_INVALID_OPTION", "22023", User, No, "An option of `read_files` has a value that it does not take.";
    READ_FILES_UNSUPPORTED_OPTION = "READ_FILES_UNSUPPORTED_OPTION", "0A000", User, No, "An option of `read_files`, or a value of it, is known and not supported.";
    CF_ADD_NEW_NOT_SUPPORTED = "CF_ADD_NEW_NOT_SUPPORTED", "0A000", User, No, "`schemaEvolutionMode => 'addNewColumns'` needs a schema that is inferred; with `schema => …` the columns are fixed. Use `schemaHints` instead of `schema`.";
    UNKNOWN_FIELD_EXCEPTION = "UNKNOWN_FIELD_EXCEPTION.NEW_FIELDS_IN_FILE", "KD003", User, No, "Files hold columns that the schema does not know. Under `addNewColumns` the wider schema is stored and the next run reads them; under `failOnNewColumns` the schema must be changed by hand.";
    FAILED_READ_FILE = "FAILED_READ_FILE.NO_HINT", "KD001", User, No, "A file is damaged or is not of the declared format. Mend or remove it, or write `ignoreCorruptFiles => true`.";
    CANNOT_READ_FILE_FOOTER = "CANNOT_READ_FILE_FOOTER", "KD001", User, No, "A Parquet file has no readable footer: it is cut off, still being written, or no Parquet file.";
    FILE_NOT_EXIST = "FAILED_READ_FILE.FILE_NOT_EXIST", "KD001", External, Backoff, "A file that a micro-batch has planned to read is gone. Nothing of the batch was written. Put it back, or run again: the batch is planned again without it, with a warning.";
    FILE_CHANGED = "FILE_CHANGED", "KD001", External, Backoff, "A file changed after it was listed. Nothing of its micro-batch was written; the next attempt plans it again with the file as it is then. Files of a source must be written once: write under another name and rename.";
    FILE_TOO_LARGE = "FILE_TOO_LARGE", "54000", User, No, "A file, or what it unpacks to, passes a limit that protects the engine.";
    MALFORMED_RECORD_IN_PARSING = "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", "22023", User, No, "A record cannot be parsed and `mode => 'FAILFAST'` asks to stop. Use PERMISSIVE or DROPMALFORMED to go on.";
    PARQUET_TYPE_MISMATCH = "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH", "KD001", User, No, "A column of a Parquet file has another type than the schema, and no rescued data column takes the value.";
    FILE_LIST_DAMAGED = "FILE_LIST_DAMAGED", "58030", External, No, "The record of which files a micro-batch took does not match its digest.";
    SOURCE_STORAGE_FAILED = "SOURCE_STORAGE_FAILED", "58030", External, Backoff, "The storage that holds the files did not answer as expected, or a folder that was there before is away. A continuous update tries again, later each time.";
}
