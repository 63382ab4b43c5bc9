//! Which times Quartz expressions name, and which expressions are none.

use super::*;

fn placed(text: &str) -> Placed<String> {
    Placed {
        value: text.to_owned(),
        origin: Origin::new("databricks.yml", 1, 1, 0),
    }
}

fn us(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text)
        .unwrap()
        .timestamp_micros()
}

#[track_caller]
fn check(expression: &str, zone: &str, after: &str, expected: &[&str]) {
    let calendar = Calendar::parse(&placed(expression), Some(&placed(zone))).unwrap();
    let mut time = us(after);
    let mut found = vec![];
    for _ in expected {
        match calendar.next_after(time) {
            Some(next) => {
                assert!(next > time, "time goes on");
                found.push(calendar.local(next));
                time = next;
            }
            None => found.push("never".to_owned()),
        }
    }
    assert_eq!(found, expected, "{expression} in {zone}");
}

#[test]
fn hours_steps_and_weekdays() {
    let after = "2026-01-01T00:00:00Z"; // a Thursday
    for (expression, expected) in [
        (
            "0 0 * * * ?",
            ["2026-01-01T01:00:00+00:00", "2026-01-01T02:00:00+00:00"],
        ),
        (
            "0 0/15 * ? * MON-FRI",
            ["2026-01-01T00:15:00+00:00", "2026-01-01T00:30:00+00:00"],
        ),
        (
            "0 0 12 ? * 1",
            ["2026-01-04T12:00:00+00:00", "2026-01-11T12:00:00+00:00"],
        ),
        (
            "0 0 12 ? * 6L",
            ["2026-01-30T12:00:00+00:00", "2026-02-27T12:00:00+00:00"],
        ),
        (
            "0 0 12 ? * 6#3",
            ["2026-01-16T12:00:00+00:00", "2026-02-20T12:00:00+00:00"],
        ),
        (
            "0 0 12 L * ?",
            ["2026-01-31T12:00:00+00:00", "2026-02-28T12:00:00+00:00"],
        ),
        (
            "0 0 12 15W * ?",
            ["2026-01-15T12:00:00+00:00", "2026-02-16T12:00:00+00:00"],
        ),
        (
            "0 0 12 ? * L",
            ["2026-01-03T12:00:00+00:00", "2026-01-10T12:00:00+00:00"],
        ),
        ("0 0 0 1 1 ? 2027", ["2027-01-01T00:00:00+00:00", "never"]),
        ("0 0 0 30 2 ?", ["never", "never"]),
    ] {
        check(expression, "UTC", after, &expected);
    }
}

#[test]
fn a_time_that_the_day_does_not_have_is_taken_at_the_end_of_the_gap() {
    check(
        "0 30 2 * * ?",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        &["2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"],
    );
}

#[test]
fn a_fixed_time_in_a_repeated_hour_happens_once_and_steps_go_on() {
    check(
        "0 30 2 * * ?",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        &["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"],
    );
    check(
        "0 0/30 * * * ?",
        "Europe/Berlin",
        "2026-10-25T00:00:00Z",
        &[
            "2026-10-25T02:30:00+02:00",
            "2026-10-25T02:00:00+01:00",
            "2026-10-25T02:30:00+01:00",
            "2026-10-25T03:00:00+01:00",
        ],
    );
}

#[test]
fn what_is_no_quartz_expression_is_told() {
    for (expression, expected) in [
        (
            "0 2 * * ?",
            "`0 2 * * ?` has 5 fields; a Quartz expression has 6 or 7",
        ),
        (
            "0 0 2 * * *",
            "`0 0 2 * * *` says both a day of month and a day of week: one of them must be `?`",
        ),
        (
            "0 0 2 ? * ?",
            "`0 0 2 ? * ?` leaves both days open: only one of them may be `?`",
        ),
        ("0 0 2 ? * 0", "`0` is no day of the week"),
        ("0 0 2 ? * MON,8", "`8` is no day of the week"),
        ("0 0 2 ? * MO", "`MO` is no day of the week"),
    ] {
        let found = Calendar::parse(&placed(expression), None).unwrap_err();
        assert_eq!(found[0].message, expected);
        assert_eq!(found[0].condition.name, "SCHEDULE_CRON_INVALID");
    }
    for expression in [
        "0 0 25 * * ?",
        "0 60 2 * * ?",
        "0 0 2 32 * ?",
        "0 0 2 * 13 ?",
        "a b c ? * MON",
    ] {
        assert!(
            Calendar::parse(&placed(expression), None).is_err(),
            "{expression}"
        );
    }
    let found = Calendar::parse(&placed("0 0 * * * ?"), Some(&placed("Mars/Olympus"))).unwrap_err();
    assert_eq!(found[0].condition.name, "SCHEDULE_TIME_ZONE_UNKNOWN");
}

#[test]
fn the_last_time_is_the_one_that_the_way_forward_comes_to() {
    for (expression, until) in [
        ("0 0 * * * ?", "2026-01-01T05:00:00Z"),
        ("0 0 * * * ?", "2026-01-01T05:00:00.5Z"),
        ("0 0 * * * ?", "2026-01-01T04:59:59.9Z"),
        // In the night in which the clocks go forward, and in the one in which they go back.
        ("0 30 2 * * ?", "2026-03-29T01:00:00Z"),
        ("0 30 2 * * ?", "2026-03-29T00:59:59Z"),
        ("0 30 2 * * ?", "2026-10-25T00:45:00Z"),
        ("0 30 2 * * ?", "2026-10-25T01:45:00Z"),
        ("0 0/20 * * * ?", "2026-10-25T00:59:00Z"),
        ("0 0/20 * * * ?", "2026-10-25T01:00:00Z"),
    ] {
        let calendar =
            Calendar::parse(&placed(expression), Some(&placed("Europe/Berlin"))).unwrap();
        let until_us = us(until);
        let mut last = until_us - 3 * 86_400_000_000;
        while let Some(next) = calendar.next_after(last).filter(|next| *next <= until_us) {
            last = next;
        }
        let found = calendar
            .last_until(until_us)
            .map(|time| calendar.local(time));
        assert_eq!(
            found,
            Some(calendar.local(last)),
            "{expression} until {until}"
        );
    }
    let calendar = Calendar::parse(&placed("0 0 0 1 1 ? 2027"), None).unwrap();
    assert_eq!(calendar.last_until(us("2026-01-01T00:00:00Z")), None);
}
