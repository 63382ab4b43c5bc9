//! Conditions of project files: bundles, specs, variables, discovery.

use super::conditions;

conditions! {
    PROJECT_NOT_FOUND = "PROJECT_NOT_FOUND", "42K00", User, No, "No project was found in this folder or above it: no databricks.yml, no spark-pipeline.yml, no folder of .sql files.";
    MULTIPLE_PIPELINE_SPEC_FILES_FOUND = "MULTIPLE_PIPELINE_SPEC_FILES_FOUND", "42K00", User, No, "One folder holds several files that each describe a pipeline, so it is not clear which one is meant. Delete or rename all but one, or name one with `--spec FILE`.";
    PIPELINE_SPEC_FILE_DOES_NOT_EXIST = "PIPELINE_SPEC_FILE_DOES_NOT_EXIST", "42K00", User, No, "The file given with `--spec` is not in the project.";
    PIPELINE_SPEC_IGNORED = "PIPELINE_SPEC_IGNORED", "01000", User, No, "A second file that describes a pipeline lies beside databricks.yml and is not read: the bundle wins. Name the other with `--spec FILE` to use it instead.";
    PIPELINE_WITHOUT_SPEC = "PIPELINE_WITHOUT_SPEC", "01000", User, No, "No file describes the pipeline: every .sql file of the folder belongs to it, and it is named after the folder. Add a spark-pipeline.yml or databricks.yml to say it exactly.";
    PIPELINE_SPEC_UNEXPECTED_FIELD = "PIPELINE_SPEC_UNEXPECTED_FIELD", "42K00", User, No, "spark-pipeline.yml holds a key that Spark does not know. Known are name, storage, catalog, database, schema, configuration and libraries.";
    PIPELINE_SPEC_MISSING_REQUIRED_FIELD = "PIPELINE_SPEC_MISSING_REQUIRED_FIELD", "42K00", User, No, "A key that must be there is missing from the pipeline's specification.";
    PIPELINE_SPEC_DICT_VALUE_NOT_STRING = "PIPELINE_SPEC_DICT_VALUE_NOT_STRING", "42K00", User, No, "In spark-pipeline.yml every value of `configuration` must be a string: put numbers and booleans in quotes.";
    PIPELINE_SPEC_INVALID_GLOB_PATTERN = "PIPELINE_SPEC_INVALID_GLOB_PATTERN", "42K00", User, No, "A glob of `libraries` is not one that can be used. In spark-pipeline.yml it is a file's path, or a folder followed by `/**`; a `..` that leaves the project is never allowed.";
    PIPELINE_SPEC_LEGACY_GLOB_PATTERN = "PIPELINE_SPEC_LEGACY_GLOB_PATTERN", "01000", User, No, "A glob of spark-pipeline.yml such as `transformations/**/*.sql` worked in early releases of Spark Declarative Pipelines; today's Spark refuses it. Write `transformations/**`.";
    PIPELINE_UNSUPPORTED_DEFINITIONS_FILE_EXTENSION = "PIPELINE_UNSUPPORTED_DEFINITIONS_FILE_EXTENSION", "42K00", User, No, "A file listed as source of the pipeline is not a .sql file.";
    PYTHON_SOURCE_NOT_SUPPORTED = "PYTHON_SOURCE_NOT_SUPPORTED", "0A000", User, No, "The pipeline lists a Python file or a notebook. Sluice runs SQL: write its datasets as SQL statements, or take the file out of `libraries` to run the rest.";
    PIPELINE_SOURCE_NOT_FOUND = "PIPELINE_SOURCE_NOT_FOUND", "42K00", User, No, "A file or folder listed in `libraries` does not exist in the project. Paths are relative to the file that lists them.";
    PIPELINE_WITHOUT_SOURCES = "PIPELINE_WITHOUT_SOURCES", "42K00", User, No, "The pipeline has no .sql file at all, so there is nothing to run.";
    PROJECT_FILE_NOT_FOUND = "PROJECT_FILE_NOT_FOUND", "42K00", User, No, "A file of the project is not there.";
    PROJECT_FILE_NOT_READABLE = "PROJECT_FILE_NOT_READABLE", "58030", External, No, "A file of the project exists and cannot be read: look at its permissions.";
    PROJECT_FILE_NOT_UTF8 = "PROJECT_FILE_NOT_UTF8", "22021", User, No, "A file of the project is not UTF-8 text. Save it as UTF-8.";
    PROJECT_FILE_TOO_LARGE = "PROJECT_FILE_TOO_LARGE", "54000", User, No, "A file of the project is larger than any that people write: 8 MiB for SQL, 4 MiB for YAML. Split it, or check that it is no data file.";
    PROJECT_TOO_MANY_FILES = "PROJECT_TOO_MANY_FILES", "54000", User, No, "The project folder holds more files than a project can have, 20,000. Run in the folder of the project itself, or move data out of it.";
    YAML_SYNTAX_ERROR = "YAML_SYNTAX_ERROR", "42601", User, No, "The file is not valid YAML at the marked place. Common causes: tabs in the indentation, a missing space after a colon, `//` comments (YAML's begin with `#`).";
    YAML_DUPLICATE_KEY = "YAML_DUPLICATE_KEY", "42601", User, No, "A mapping holds the same key twice, so one of the two values would be lost. Delete or rename one.";
    YAML_LIMIT_EXCEEDED = "YAML_LIMIT_EXCEEDED", "54000", User, No, "The YAML is nested deeper, or grows larger through its anchors, than a project file can be.";
    YAML_SLASH_COMMENT = "YAML_SLASH_COMMENT", "01000", User, No, "YAML comments begin with `#`. Text after `//` is part of the value. Put the value in quotes if that is meant.";
    PROJECT_FIELD_TYPE = "PROJECT_FIELD_TYPE", "42K00", User, No, "A key of a project file holds a value of the wrong kind, such as a list where a word is expected.";
    PROJECT_FIELD_VALUE = "PROJECT_FIELD_VALUE", "42K00", User, No, "A key of a project file holds a value that is not one of those it can have.";
    PROJECT_FIELD_UNKNOWN = "PROJECT_FIELD_UNKNOWN", "01000", User, No, "A project file holds a key that neither Databricks nor Sluice knows: probably a misspelling. It has no effect.";
    PROJECT_FIELD_CONFLICT = "PROJECT_FIELD_CONFLICT", "42K00", User, No, "Two keys of a project file say the same thing in two ways; only one of them may be there.";
    PROJECT_FIELD_WITHOUT_EFFECT = "PROJECT_FIELD_WITHOUT_EFFECT", "01000", User, No, "A key is meant for the cloud and has no effect here. Nothing needs to be changed.";
    PROJECT_FIELD_NOT_SUPPORTED = "PROJECT_FIELD_NOT_SUPPORTED", "0A000", User, No, "A key asks for something that Sluice does not do, and ignoring it would change what the pipeline means.";
    SETTINGS_FIELD_UNKNOWN = "SETTINGS_FIELD_UNKNOWN", "42K00", User, No, "sluice.yml holds a key that Sluice does not know. Known are warehouse, volumes, paths, credentials, kinesis, s3, notification_destinations and serve.";
    BUNDLE_INCLUDE_NOT_FOUND = "BUNDLE_INCLUDE_NOT_FOUND", "42K00", User, No, "A path under `include` of databricks.yml names no file.";
    BUNDLE_TARGET_NOT_FOUND = "BUNDLE_TARGET_NOT_FOUND", "42K00", User, No, "The target given with `-t` is not one of the `targets` of databricks.yml.";
    BUNDLE_TARGET_REQUIRED = "BUNDLE_TARGET_REQUIRED", "42K00", User, No, "databricks.yml has several targets and none of them is the default. Name one with `-t`, or mark one with `default: true`.";
    BUNDLE_TARGET_MODE = "BUNDLE_TARGET_MODE", "42K00", User, No, "The mode of a target is `development` or `production`, and in production no pipeline may say `development: true`.";
    BUNDLE_VARIABLE_NOT_DEFINED = "BUNDLE_VARIABLE_NOT_DEFINED", "42K00", User, No, "A variable is given a value, by `--var`, a target or variable-overrides.json, and is not declared under `variables`.";
    BUNDLE_VARIABLE_WITHOUT_VALUE = "BUNDLE_VARIABLE_WITHOUT_VALUE", "42K00", User, No, "A variable of the bundle has no value. Give it one with `--var`, the environment variable `BUNDLE_VAR_<name>`, .databricks/bundle/<target>/variable-overrides.json, the target, or a default; the first that is there wins.";
    BUNDLE_VARIABLE_LOOKUP = "BUNDLE_VARIABLE_LOOKUP", "0A000", User, No, "A variable is to be looked up by name in a Databricks workspace, which is not there. Give it a value with `--var` or `BUNDLE_VAR_<name>`.";
    BUNDLE_REFERENCE_NOT_FOUND = "BUNDLE_REFERENCE_NOT_FOUND", "42K00", User, No, "A `${…}` of the bundle refers to something that is not there.";
    BUNDLE_REFERENCE_CYCLE = "BUNDLE_REFERENCE_CYCLE", "42K00", User, No, "A `${…}` of the bundle refers, through others, to itself.";
    BUNDLE_REFERENCE_LIMIT = "BUNDLE_REFERENCE_LIMIT", "54000", User, No, "The `${…}` of the bundle refer to each other through too many steps, or grow to a text that is too long.";
    PIPELINE_KEY_REQUIRED = "PIPELINE_KEY_REQUIRED", "42K00", User, No, "The bundle declares several pipelines. Name the one to run by its key, as in `sluice run KEY`.";
    PIPELINE_KEY_NOT_FOUND = "PIPELINE_KEY_NOT_FOUND", "42K00", User, No, "The project has no pipeline with this key. A bundle declares its pipelines under `resources`; any other project is one pipeline, whose key is its name.";
    PIPELINE_NOT_DECLARED = "PIPELINE_NOT_DECLARED", "42K00", User, No, "The bundle declares no pipeline under `resources.pipelines`, in databricks.yml, its included files or the target.";
    CONFIGURATION_KEY_NOT_FOUND = "CONFIGURATION_KEY_NOT_FOUND", "42K00", User, No, "SQL refers to `${key}`, and the pipeline's `configuration` has no such key.";
}
