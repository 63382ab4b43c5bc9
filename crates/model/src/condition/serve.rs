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
}
