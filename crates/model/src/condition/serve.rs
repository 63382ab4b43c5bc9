//! Conditions of schedules and of what is told to people.

use super::conditions;

conditions! {
    SCHEDULE_CRON_INVALID = "SCHEDULE_CRON_INVALID", "42601", User, No, "A `quartz_cron_expression` is not one. It has six or seven fields, `second minute hour day-of-month month day-of-week [year]`; of the two days one must be `?`; days of the week are 1 (Sunday) to 7 (Saturday) or SUN to SAT. Every night at two: `0 0 2 * * ?`.";
    SCHEDULE_TIME_ZONE_UNKNOWN = "SCHEDULE_TIME_ZONE_UNKNOWN", "22009", User, No, "A `timezone_id` is no time zone of the IANA database, such as UTC or Europe/Berlin.";
    SCHEDULE_PIPELINE_NOT_FOUND = "SCHEDULE_PIPELINE_NOT_FOUND", "42K00", User, No, "A task of a job names a pipeline that the bundle does not declare. Write `pipeline_id: ${resources.pipelines.KEY.id}`.";
    SCHEDULE_TASK_NOT_FOUND = "SCHEDULE_TASK_NOT_FOUND", "42K00", User, No, "A task depends on one that its job does not have, or, through others, on itself.";
    SCHEDULE_TASK_WITHOUT_EFFECT = "SCHEDULE_TASK_WITHOUT_EFFECT", "01000", User, No, "A task of a job is no pipeline task and is left out: Sluice runs updates of pipelines only.";
    SCHEDULE_NOT_DECLARED = "SCHEDULE_NOT_DECLARED", "42K00", User, No, "There is nothing that starts by itself: the project declares no job with a `schedule`, `trigger` or `continuous`, and no pipeline with a `trigger`, or all of them are paused.";
    SCHEDULE_JOB_NOT_FOUND = "SCHEDULE_JOB_NOT_FOUND", "42K00", User, No, "The bundle declares no job with this key.";
    DESTINATION_KIND_UNSUPPORTED = "DESTINATION_KIND_UNSUPPORTED", "0A000", User, No, "A destination of sluice.yml has a form that Sluice cannot send, such as e-mail. It sends `webhook` (plain JSON) and `slack`.";
    DESTINATION_SECRET_PLAIN = "DESTINATION_SECRET_PLAIN", "01000", User, No, "An address or key of a destination stands in sluice.yml itself, where everybody who reads the project sees it. Write `env:NAME` or `file:PATH` and keep it there.";
    DESTINATION_URL_NOT_ALLOWED = "DESTINATION_URL_NOT_ALLOWED", "42K00", User, No, "The address of a destination is not an `http://` or `https://` one with a host, or holds a user and password.";
    DESTINATION_SECRET_NOT_FOUND = "DESTINATION_SECRET_NOT_FOUND", "42K00", External, No, "The environment variable or the file that holds the address or key of a destination is not there, or empty. Nothing is sent to it until it is; no row is lost.";
    DESTINATION_NOT_FOUND = "DESTINATION_NOT_FOUND", "42K00", User, No, "sluice.yml declares no destination of this name under `notification_destinations`.";
    DESTINATION_COLUMN_NOT_FOUND = "DESTINATION_COLUMN_NOT_FOUND", "42703", User, No, "A column of a destination's `deduplication_key` is not one of its table. Nothing is sent to it; no row is lost.";
    DESTINATION_TABLE_NOT_FOUND = "DESTINATION_TABLE_NOT_FOUND", "01000", User, No, "The `table` of a destination in sluice.yml is none that a pipeline of the project declares, so that nobody is ever told of its rows. A name without a schema is one of the pipeline's own schema.";
    NOTIFICATION_WITHOUT_DESTINATION = "NOTIFICATION_WITHOUT_DESTINATION", "01000", User, No, "A recipient of a pipeline's `notifications` hears nothing: Sluice sends no e-mail. Declare a destination with the recipient's address as its name in sluice.yml, with `slack` or `webhook`.";
    DELIVERY_DELAYED = "DELIVERY_DELAYED", "08000", External, Backoff, "A destination did not take a message. It is sent again, later and later, with the same deduplication key; nothing is lost, and no flow waits for it.";
    DELIVERY_GIVEN_UP = "DELIVERY_GIVEN_UP", "08000", External, No, "A destination did not take a message after all attempts. The message is kept in the folder `dead` beside the destination's position, and delivery goes on with the next rows.";
    DELIVERY_POSITION_LOST = "DELIVERY_POSITION_LOST", "01000", External, No, "Rows of an alert table cannot be told any more: the table's log or files do not reach back to where the destination stands. Delivery goes on with what is there; the event says from which version on.";
    DELIVERY_ROWS_REPLACED = "DELIVERY_ROWS_REPLACED", "01000", User, No, "A commit replaced rows of an alert table instead of appending some. A destination is told of appended rows only: feed it from a streaming table.";
}
