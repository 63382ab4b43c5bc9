//! Tests of the options of `read_kinesis`: each known, each refused with what was expected.

use super::*;

fn parse(arguments: &[(&str, &str)]) -> Result<KinesisOptions, Vec<String>> {
    let place = Origin::new("a.sql", 1, 1, 4);
    let arguments = arguments
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned(), place.clone()));
    KinesisOptions::from_arguments(arguments, &place)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn a_call_as_real_projects_write_it() {
    let options = parse(&[
        ("streamName", "iot-sensor-data"),
        ("initialPosition", "TRIM_HORIZON"),
        ("maxRecordsPerFetch", "10000"),
        ("maxFetchRate", "2.0"),
        ("serviceCredential", "kinesis-credential"),
        ("region", "us-east-1"),
    ])
    .unwrap();
    assert_eq!(
        options.streams,
        [StreamName::Name("iot-sensor-data".into())]
    );
    assert_eq!(options.initial_position, InitialPosition::TrimHorizon);
    assert_eq!(options.shard_bytes_per_second_max, 2 << 20);
    assert_eq!(
        options.service_credential.as_deref(),
        Some("kinesis-credential")
    );
    assert!(options.deaggregate && options.fail_on_data_loss);
    assert_eq!(options.columns().fields().len(), 6);
}

#[test]
fn names_are_read_in_any_case_and_streams_in_a_list() {
    let options = parse(&[
        (
            "STREAMARN",
            "arn:aws:kinesis:eu-west-1:123456789012:stream/a, arn:aws:kinesis:eu-west-1:123456789012:stream/b",
        ),
        ("DeAggregate", "true"),
        ("minfetchperiod", "200ms"),
    ])
    .unwrap();
    assert_eq!(options.streams[1].name(), "b");
    assert_eq!(options.streams[0].region(), Some("eu-west-1"));
    assert_eq!(options.columns().fields().len(), 7);
}

#[test]
fn every_documented_option_is_known_by_its_name() {
    let call = Origin::new("a.sql", 1, 1, 4);
    for name in NAMES {
        let place = Origin::new("a.sql", 1, 1, 4);
        let errors =
            KinesisOptions::from_arguments([((*name).to_owned(), String::new(), place)], &call)
                .err()
                .unwrap_or_default();
        assert!(
            errors
                .iter()
                .all(|error| error.condition != &condition::KINESIS_UNKNOWN_OPTION),
            "{name}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of what is refused")]
fn what_does_not_fit_is_refused_with_what_was_expected() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[], "KINESIS_SOURCE_MUST_SPECIFY_STREAM_NAMES_OR_ARNS"),
        (
            &[
                ("streamName", "a"),
                ("streamARN", "arn:aws:kinesis:x:1:stream/a"),
            ],
            "KINESIS_SOURCE_MUST_SPECIFY_STREAM_NAMES_OR_ARNS",
        ),
        (&[("streamARN", "a")], "KINESIS_INVALID_OPTION"),
        (&[("streamName", " , ")], "KINESIS_INVALID_OPTION"),
        (
            &[("streamName", "a"), ("streamNam", "b")],
            "KINESIS_UNKNOWN_OPTION",
        ),
        (
            &[("streamName", "a"), ("streamname", "b")],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[("streamName", "a"), ("minFetchPeriod", "100ms")],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[("streamName", "a"), ("maxFetchRate", "3")],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[("streamName", "a"), ("maxRecordsPerFetch", "20000")],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[("streamName", "a"), ("initialPosition", "newest")],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[("streamName", "a"), ("awsAccessKey", "k")],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[("streamName", "a"), ("roleExternalId", "k")],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[
                ("streamName", "a"),
                ("serviceCredential", "k"),
                ("roleArn", "r"),
            ],
            "KINESIS_INVALID_OPTION",
        ),
        (
            &[("streamName", "a"), ("consumerName", "me")],
            "KINESIS_SOURCE_MUST_BE_IN_EFO_MODE_TO_CONFIGURE_CONSUMERS",
        ),
        (
            &[
                ("streamName", "a"),
                ("consumerMode", "efo"),
                ("registeredConsumerId", "me"),
            ],
            "KINESIS_SOURCE_MUST_SPECIFY_REGISTERED_CONSUMER_ID_AND_TYPE",
        ),
        (
            &[
                ("streamName", "a,b"),
                ("consumerMode", "efo"),
                ("registeredConsumerId", "me"),
                ("registeredConsumerIdType", "name"),
            ],
            "KINESIS_SOURCE_MUST_SPECIFY_REGISTERED_CONSUMER_ID_AND_TYPE",
        ),
    ];
    for (arguments, expected) in cases {
        let errors = parse(arguments).unwrap_err();
        assert_eq!(errors.len(), 1, "{arguments:?}: {errors:?}");
        assert!(errors[0].contains(expected), "{arguments:?}: {errors:?}");
    }
}

#[test]
fn a_wrong_secret_is_never_shown() {
    let errors = parse(&[("streamName", "a"), ("awsSecretKey", " ")]).unwrap_err();
    assert!(errors[0].contains("the value given"), "{errors:?}");
}

#[test]
fn tuning_that_this_engine_does_not_have_is_noted() {
    let options = parse(&[
        ("streamName", "a"),
        ("shardsPerTask", "5"),
        ("coalesceBinSize", "128000000"),
        ("fetchBufferSize", "20gb"),
    ])
    .unwrap();
    assert_eq!(options.notes.len(), 3);
    let known = &condition::KINESIS_OPTION_WITHOUT_EFFECT;
    assert!(options.notes.iter().all(|note| note.condition == known));
}
