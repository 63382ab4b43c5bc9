//! Conditions of the command line.

use super::conditions;

conditions! {
    UNKNOWN_CONDITION = "UNKNOWN_CONDITION", "42K00", User, No, "`sluice explain` was given a name that is no condition.";
    OUTPUT_NOT_WRITABLE = "OUTPUT_NOT_WRITABLE", "58030", External, No, "What a command is to write cannot be written: its result on stdout, or a file that the command line asks for, such as `--events FILE`.";
    OUTPUT_EXISTS = "OUTPUT_EXISTS", "42710", User, No, "`sluice export` was to write where something is already. Nothing was written. `--overwrite` replaces it.";
    ARGUMENT_NOT_VALID = "ARGUMENT_NOT_VALID", "22023", User, No, "An argument of the command line is not what it must be, such as a format that cannot be told from a file name.";
    TEST_NOT_FOUND = "TEST_NOT_FOUND", "42K00", User, No, "`sluice test` found no test: the project has no `tests/*.test` file, or none of them contains the text that was asked for.";
    TEST_SYNTAX_ERROR = "TEST_SYNTAX_ERROR", "42601", User, No, "A line of a `.test` file says nothing that a test can say. A test is comment lines that say its purpose, then stations: a line `--- put PATH`, `--- update`, `--- query` and so on, each with its text below.";
    TEST_ANSWER_DIFFERS = "TEST_ANSWER_DIFFERS", "P0004", User, No, "What the pipeline answered is not what the test expects. Below the place both are shown: lines with `-` were expected and not found, lines with `+` were found and not expected. If the new answer is right, `sluice test --update` writes it into the file.";
    TEST_STATION_FAILED = "TEST_STATION_FAILED", "P0001", User, No, "A station of a `.test` file could not be done, so the test ended there.";
    INIT_TEMPLATE_NOT_FOUND = "INIT_TEMPLATE_NOT_FOUND", "42K00", User, No, "`sluice init` has no template of this name. The templates are listed with the error.";
    INIT_NAME_INVALID = "INIT_NAME_INVALID", "42602", User, No, "The name of a new project becomes a folder, a pipeline and a schema, so it may hold letters, digits and underscores only, and begins with a letter.";
    INIT_WOULD_OVERWRITE = "INIT_WOULD_OVERWRITE", "42K00", User, No, "`sluice init` writes into a folder that is empty or not there. This one holds something, and nothing was touched.";
    INIT_CONFIG_INVALID = "INIT_CONFIG_INVALID", "42K00", User, No, "The file given with `sluice init --config-file` cannot be used. It is a JSON object with `project_name` and, if need be, `default_catalog`; `language` is `sql`.";
    SIMULATION_TEMPLATE_INVALID = "SIMULATION_TEMPLATE_INVALID", "42601", User, No, "A template of `sluice simulate` has an expression that cannot be understood: a helper that is unknown, an argument that is no JSON or out of bounds, or braces that are not closed. The templates are those of the Amazon Kinesis Data Generator.";
    SIMULATION_ARGUMENT_INVALID = "SIMULATION_ARGUMENT_INVALID", "42616", User, No, "Arguments of `sluice simulate` do not go together, such as files without an end as fast as possible, or a table that the preset does not have.";
    UNSUPPORTED_SIMULATION_TARGET = "UNSUPPORTED_SIMULATION_TARGET", "0A000", User, No, "`sluice simulate --to` writes to `stdout`, to files with `file:DIR`, and to a stream with `kinesis:STREAM`.";
    SIMULATION_STREAM_NOT_FOUND = "SIMULATION_STREAM_NOT_FOUND", "42704", User, No, "`sluice simulate --to kinesis:STREAM` found no such stream in that region and account. Check the name, the region and whose account the credentials belong to, or let it be made: `--create-stream 1`.";
    SIMULATION_STREAM_NOT_WRITABLE = "SIMULATION_STREAM_NOT_WRITABLE", "58030", External, No, "`sluice simulate` cannot put records on the stream: no region is known, a right is missing, there are no credentials, or the service does not answer; the message tells which. Writing takes kinesis:DescribeStreamSummary and kinesis:PutRecords, `--create-stream` also kinesis:CreateStream. What the stream has taken stays there.";
    EXPECT_TABLE_NOT_VIEW = "EXPECT_TABLE_NOT_VIEW.NO_ALTERNATIVE", "42809", User, No, "`sluice tap` shows rows of tables as they are committed. A view holds no rows: it is computed when it is read.";
    DEV_ALREADY_RUNNING = "DEV_ALREADY_RUNNING", "55006", User, No, "`sluice dev` runs on this project already. It has a warehouse of its own that begins empty each time, so there can be one at a time.";
    DEV_STREAM_WITHOUT_RECORDS = "DEV_STREAM_WITHOUT_RECORDS", "01000", User, No, "`sluice dev` does not know what to put on a stream that the project reads: none of the fleets fits its name. The stream is there and stays empty until somebody puts records on it.";
    STATEMENT_NOT_FORMATTED = "STATEMENT_NOT_FORMATTED", "01000", User, No, "`sluice fmt` left a query as it is: with its lines broken anew it would not be the same tokens and comments, such as a comment inside a comment. Nothing is wrong with the query.";
}
