//! Conditions of Kinesis streams and of the credentials that open them. Databricks' names where they exist.

use super::conditions;

conditions! {
    KINESIS_SOURCE_MUST_SPECIFY_STREAM_NAMES_OR_ARNS = "KINESIS_SOURCE_MUST_SPECIFY_STREAM_NAMES_OR_ARNS", "42KDB", User, No, "`read_kinesis` must be told either `streamName` or `streamARN`, not both and not neither. Several streams are separated by commas.";
    KINESIS_SOURCE_MUST_BE_IN_EFO_MODE_TO_CONFIGURE_CONSUMERS = "KINESIS_SOURCE_MUST_BE_IN_EFO_MODE_TO_CONFIGURE_CONSUMERS", "42KDB", User, No, "An option of `read_kinesis` is about a registered consumer, and there is none when shards are polled. Write `consumerMode => 'efo'`, or leave the option out.";
    KINESIS_SOURCE_MUST_SPECIFY_REGISTERED_CONSUMER_ID_AND_TYPE = "KINESIS_SOURCE_MUST_SPECIFY_REGISTERED_CONSUMER_ID_AND_TYPE", "42KDB", User, No, "`registeredConsumerId` and `registeredConsumerIdType` must be given together, with one id for each stream.";
    KINESIS_UNKNOWN_OPTION = "KINESIS_UNKNOWN_OPTION", "42000", User, No, "`read_kinesis` was given an option that does not exist.";
    KINESIS_INVALID_OPTION = "KINESIS_INVALID_OPTION", "22023", User, No, "An option of `read_kinesis` has a value that it does not take.";
    KINESIS_OPTION_WITHOUT_EFFECT = "KINESIS_OPTION_WITHOUT_EFFECT", "01000", User, No, "An option of `read_kinesis` is known and tunes something that this engine does not have, so it changes nothing.";
    KINESIS_REGION_MISSING = "KINESIS_REGION_MISSING", "42KDB", User, No, "No region is known for a stream. Write `region => 'us-east-1'` in the query, `kinesis: {region: us-east-1}` in sluice.yml, or set AWS_REGION.";
    KINESIS_STREAM_NOT_FOUND = "KINESIS_STREAM_NOT_FOUND", "42704", User, Backoff, "There is no such stream in that region and account. Check the name, the region and whose account the credentials belong to. When the stream appears, the flow goes on by itself.";
    KINESIS_ACCESS_DENIED = "KINESIS_ACCESS_DENIED", "42501", User, Backoff, "The credentials may not do what reading the stream needs. The message names the IAM action. Reading takes kinesis:ListShards, kinesis:GetShardIterator, kinesis:GetRecords and kinesis:DescribeStreamSummary; enhanced fan-out also kinesis:RegisterStreamConsumer, kinesis:DescribeStreamConsumer and kinesis:SubscribeToShard; an encrypted stream kms:Decrypt. When the right is granted, the flow goes on by itself.";
    KINESIS_UNREACHABLE = "KINESIS_UNREACHABLE", "08001", External, Backoff, "The Kinesis service did not answer, or answered with errors of its own, for longer than a short interruption takes. Nothing is lost: the next attempt goes on where the last micro-batch ended.";
    KINESIS_REQUEST_REFUSED = "KINESIS_REQUEST_REFUSED", "58000", External, Backoff, "The Kinesis service refused a request for a reason that has no name of its own; the message tells it.";
    KINESIS_DATA_LOST = "SOURCE_DATA_LOST.KINESIS_TRIMMED", "22000", External, No, "A stream no longer holds records that were to be read: they passed its retention, or the stream lost a shard before its end was read. Nothing was written. To accept the gap and go on, write `failOnDataLoss => false`: the loss is then an event. Raise the stream's retention before it happens again.";
    KINESIS_RECORDS_NOT_DEAGGREGATED = "KINESIS_RECORDS_NOT_DEAGGREGATED", "01000", User, No, "Records look like aggregates of the Kinesis Producer Library, and their checksum or content is damaged. They were kept as they are, one row each, and counted.";
    KINESIS_INTERRUPTED = "KINESIS_INTERRUPTED", "01000", External, No, "Calls of the Kinesis service were throttled, failed or timed out and were made again after a pause. Nothing was lost.";
    CREDENTIAL_NOT_MAPPED = "CREDENTIAL_NOT_MAPPED", "42704", User, No, "A query names a service credential, and sluice.yml does not say what it is on this machine. Map it under `credentials:`, for example `credentials: {kinesis-credential: {profile: dev}}`.";
    CREDENTIAL_NOT_AVAILABLE = "CREDENTIAL_NOT_AVAILABLE", "28000", User, Backoff, "No AWS credentials were found, or those that are configured do not work: an unknown profile, a role that may not be assumed, an expired session. Searched, in this order: the options of the query, environment variables, the shared credentials and configuration files, web identity, container and instance metadata.";
}
