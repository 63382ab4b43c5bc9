//! Conditions of S3, for whatever lies there: warehouse, state, leases and source files.

use super::conditions;

conditions! {
    S3_CREDENTIALS_REFUSED = "S3_CREDENTIALS_REFUSED", "28000", User, Backoff, "S3 does not accept the credentials: the access key is unknown, its secret is another, a session has ended, or the clock of this machine is wrong. Nothing was changed.";
    S3_ACCESS_DENIED = "S3_ACCESS_DENIED", "42501", User, Backoff, "The credentials are good and may not do what is needed. The message names the IAM action; the guide on S3 has the smallest policy for a warehouse and for sources. Nothing was changed.";
    S3_BUCKET_NOT_FOUND = "S3_BUCKET_NOT_FOUND", "42K03", User, No, "There is no such bucket at this endpoint. Sluice makes no buckets: make it, or correct its name in sluice.yml or in the path.";
    S3_WRONG_REGION = "S3_WRONG_REGION", "58030", User, No, "The bucket is in another region than the one that requests are signed for. Write its region into sluice.yml, under `s3:`, or set AWS_REGION.";
    S3_UNAVAILABLE = "S3_UNAVAILABLE", "58030", External, Backoff, "S3 did not answer, asked to slow down, or broke off, and went on doing so while the request was sent again for a minute. What was committed before stays; the next attempt resumes there.";
    S3_SETTINGS_INVALID = "S3_SETTINGS_INVALID", "22023", User, No, "The settings under `s3:` in sluice.yml lead nowhere: the endpoint is no URL, or settings contradict each other.";
}
