//! Conditions of Kinesis streams and of the credentials that open them. Databricks' names where they exist.

use super::conditions;

conditions! {
    KINESIS_SOURCE_MUST_SPECIFY_STREAM_NAMES_OR_ARNS = "KINESIS_SOURCE_MUST_SPECIFY_STREAM_NAMES_OR_ARNS", "42KDB", User, No, "`read_kinesis` must be told either `streamName` or `streamARN`, not both and not neither. Several streams are separated by commas.";
    KINESIS_SOURCE_MUST_BE_IN_EFO_MODE_TO_CONFIGURE_CONSUMERS = "KINESIS_SOURCE_MUST_BE_IN_EFO_MODE_TO_CONFIGURE_CONSUMERS", "42KDB", User, No, "An option of `read_kinesis` is about a registered consumer, and there is none when shards are polled. Write `consumerMode => 'efo'`, or leave the option out.";
    KINESIS_SOURCE_MUST_SPECIFY_REGISTERED_CONSUMER_ID_AND_TYPE = "KINESIS_SOURCE_MUST_SPECIFY_REGISTERED_CONSUMER_ID_AND_TYPE", "42KDB", User, No, "`registeredConsumerId` and `registeredConsumerIdType` must be given together, with one id for each stream.";
    KINESIS_UNKNOWN_OPTION = "KINESIS_UNKNOWN_OPTION", "42000", User, No, "`read_kinesis` was given an option that does not exist.";
    KINESIS_INVALID_OPTION = "KINESIS_INVALID_OPTION", "22023", User, No, "An option of `read_kinesis` has a value that it does not take.";
    KINESIS_OPTION_WITHOUT_EFFECT = "KINESIS_OPTION_WITHOUT_EFFECT", "01000", User, No, "An option of `read_kinesis` is known and tunes something that this engine does not have, so it changes nothing.";
    CREDENTIAL_NOT_AVAILABLE = "CREDENTIAL_NOT_AVAILABLE", "28000", User, Backoff, "No AWS credentials were found, or those that are configured do not work: an unknown profile, a role that may not be assumed, an expired session. Searched, in this order: the options of the query, environment variables, the shared credentials and configuration files, web identity, container and instance metadata.";
}
