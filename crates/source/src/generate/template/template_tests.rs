//! Templates: every one of the Kinesis Data Generator's own help, the one that it refuses, every helper, every
//! mistake. Must not test moment's patterns one by one: those are beside `moment.rs`.

use std::collections::BTreeSet;

use super::*;
use crate::generate::template::catalog::CATALOG;

/// 2026-11-18T11:06:40Z.
const AT_US: i64 = 1_795_000_000_000_000;

fn lines(text: &str, count: u64) -> Vec<String> {
    let mut template = Template::parse(text).unwrap_or_else(|errors| panic!("{text}: {errors:?}"));
    let mut random = Random::new(9);
    (1..=count)
        .map(|number| {
            let mut out = vec![];
            let reading = Reading {
                at_us: AT_US,
                number,
                device: (number - 1) % 3,
                is_anomaly: false,
                seed: 9,
            };
            template.write(&reading, &mut random, &mut out);
            String::from_utf8(out).unwrap()
        })
        .collect()
}

fn line(text: &str) -> String {
    lines(text, 1).remove(0)
}

fn numbers(text: &str) -> BTreeSet<i64> {
    lines(text, 3_000)
        .iter()
        .map(|line| line.parse().unwrap())
        .collect()
}

fn error(text: &str) -> TemplateError {
    Template::parse(text).unwrap_err().remove(0)
}

// The six templates of the Kinesis Data Generator's help page, in their meaning: words, an object, dates, weights.

#[test]
fn names_and_addresses_as_csv() {
    let text = "{{name.firstName}},{{name.lastName}},{{random.number(70)}},{{internet.ip}}";
    for line in lines(text, 50) {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), 4);
        assert!((0..=70).contains(&fields[2].parse::<i64>().unwrap()));
        assert!(fields[3].parse::<std::net::Ipv4Addr>().is_ok());
    }
}

#[test]
fn an_object_over_several_lines_is_one_line() {
    let text = "{\n    \"sensorId\": {{random.number(50)}},\r\n    \"currentTemperature\": {{random.number(\n        {\n            \"min\":10,\n            \"max\":150\n        }\n    )}},\n    \"status\": \"{{random.arrayElement(\n        [\"OK\",\"FAIL\",\"WARN\"]\n    )}}\"\n}\n";
    for line in lines(text, 100) {
        assert!(!line.contains(['\n', '\r']));
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!((0..=50).contains(&value["sensorId"].as_i64().unwrap()));
        assert!((10..=150).contains(&value["currentTemperature"].as_i64().unwrap()));
        assert!(["OK", "FAIL", "WARN"].contains(&value["status"].as_str().unwrap()));
    }
}

#[test]
fn dates() {
    assert_eq!(line("{{date.now}}"), "2026-11-18T11:06:40+00:00");
    assert_eq!(line("{{date.utc}}"), "2026-11-18T11:06:40Z");
    assert_eq!(line("{{date.simTime}}"), "2026-11-18T11:06:40+00:00");
    assert_eq!(
        line(r#"{{date.now("dddd, MMMM Do YYYY, h:mm:ss a")}} // x"#),
        "Wednesday, November 18th 2026, 11:06:40 am // x"
    );
    assert_eq!(
        line(r#"{{date.utc("DD/MMM/YYYY:HH:mm:ss Z")}}"#),
        "18/Nov/2026:11:06:40 +00:00"
    );
    assert_eq!(line("{{date.now(YYYY-MM-DD)}}"), "2026-11-18");
    assert_eq!(line("{{date.now(x)}}"), (AT_US / 1_000).to_string());
    assert!(line("{{date.past}}").as_str() < "2026-11-18T11:06:40");
    assert!(line("{{date.future(3)}}").as_str() > "2026-11-18T11:06:40");
    assert_eq!(line("{{current.timestamp}}"), "2026-11-18T11:06:40+00:00");
}

#[test]
fn weights() {
    let text = r#"{{random.weightedArrayElement({"weights": [0.3,0.2,0.5], "data": ["cat","fish","dog"]})}}"#;
    let all = lines(text, 10_000);
    for (animal, low, high) in [
        ("cat", 2_800, 3_200),
        ("fish", 1_800, 2_200),
        ("dog", 4_800, 5_200),
    ] {
        let count = all.iter().filter(|line| *line == animal).count();
        assert!((low..high).contains(&count), "{animal} {count}");
    }
}

#[test]
fn the_template_that_the_original_refuses() {
    let text = r#"{"device_id":"SENSOR-{{random(1, 3)}}","temperature":{{random(15.0, 35.0)}},"signal":{{random(-80,-40)}},"timestamp":"{{timestamp}}","status":"normal"}"#;
    for line in lines(text, 300) {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        let device = value["device_id"].as_str().unwrap();
        assert!(["SENSOR-1", "SENSOR-2", "SENSOR-3"].contains(&device));
        assert!((15.0..=35.0).contains(&value["temperature"].as_f64().unwrap()));
        assert!((-80..=-40).contains(&value["signal"].as_i64().unwrap()));
        assert_eq!(value["timestamp"], "2026-11-18T11:06:40.000Z");
    }
    assert!(numbers("{{ random(-2, 2) }}") == (-2..=2).collect());
}

#[test]
fn numbers_as_the_original_draws_them() {
    assert_eq!(numbers("{{random.number(3)}}"), (0..=3).collect());
    assert_eq!(
        numbers(r#"{{random.number({"min":2,"max":4})}}"#),
        (2..=4).collect()
    );
    assert_eq!(
        numbers(r#"{{random.number({"min":-4,"max":-1})}}"#),
        (-4..=-2).collect(),
        "an upper bound below zero is not reached"
    );
    assert_eq!(
        numbers(r#"{{random.number({"min":10,"max":30,"precision":10})}}"#),
        [10, 20, 30].into()
    );
    assert_eq!(
        numbers(r#"{{number.int({"min":-4,"max":-1})}}"#),
        (-4..=-1).collect()
    );
    assert!(*numbers("{{random.number}}").last().unwrap() > 90_000);
    assert!(*numbers("{{random.number()}}").last().unwrap() > 90_000);
    for line in lines(
        r#"{{random.number({"min":0,"max":1,"precision":0.1})}}"#,
        200,
    ) {
        assert!(line.len() == 3, "no 0.30000000000000004: {line}");
    }
    for line in lines(
        r#"{{number.float({"min":1,"max":2,"fractionDigits":3})}}"#,
        200,
    ) {
        assert!(
            line.len() == 5 && line.parse::<f64>().unwrap() <= 2.0,
            "{line}"
        );
    }
}

#[test]
fn what_a_fleet_needs() {
    assert_eq!(
        lines(r#"{{device.id("SENSOR-", 2)}} {{seq}} {{device.index}}"#, 4),
        [
            "SENSOR-1 1 1",
            "SENSOR-2 2 2",
            "SENSOR-1 3 3",
            "SENSOR-1 4 1"
        ]
    );
    let walk = lines("{{walk(20, 0.5)}}", 300);
    assert_eq!(
        walk[..3],
        ["20.00", "20.00", "20.00"],
        "each device begins at the start"
    );
    let walk: Vec<f64> = walk.iter().map(|line| line.parse().unwrap()).collect();
    assert!(
        walk.windows(4)
            .all(|four| (four[3] - four[0]).abs() <= 0.51)
    );
    assert!(walk.iter().any(|value| (value - 20.0).abs() > 0.4));
    for line in lines("{{normal(50, 2)}}", 500) {
        assert!((38.0..=62.0).contains(&line.parse::<f64>().unwrap()));
    }
    for line in lines("{{sine(3600, 10)}}", 3) {
        assert!((-10.0..=10.0).contains(&line.parse::<f64>().unwrap()));
    }
    let text = r#"{{anomaly([15.0, 35.0], [80.0, 120.0])}} {{anomaly("OK", "FAIL")}}"#;
    let mut template = Template::parse(text).unwrap();
    assert!(template.has_anomalies());
    for is_anomaly in [false, true] {
        let mut out = vec![];
        let reading = Reading {
            at_us: AT_US,
            number: 1,
            device: 0,
            is_anomaly,
            seed: 1,
        };
        template.write(&reading, &mut Random::new(1), &mut out);
        let line = String::from_utf8(out).unwrap();
        let (value, word) = line.split_once(' ').unwrap();
        assert_eq!(value.parse::<f64>().unwrap() >= 80.0, is_anomaly);
        assert_eq!(word, if is_anomaly { "FAIL" } else { "OK" });
    }
}

#[test]
fn every_helper_writes_something() {
    for (name, _) in CATALOG {
        let line = line(&format!("{{{{{name}}}}}"));
        assert!(!line.is_empty() && !line.contains("{{"), "{name}: {line}");
    }
    for text in [
        "{{random.uuid}}",
        "{{random.boolean}}",
        "{{random.words(2)}}",
        "{{random.alphaNumeric(5)}}",
        r#"{{random.objectElement({"a":1,"b":2})}}"#,
        r#"{{helpers.shuffle(["a","b"])}}"#,
        "{{helpers.slugify(Two Words)}}",
        "{{helpers.replaceSymbolWithNumber(##-##)}}",
        "{{helpers.replaceSymbols(##??)}}",
        "{{finance.account}}",
        "{{finance.mask}}",
        "{{finance.amount}}",
        "{{finance.bitcoinAddress}}",
        "{{commerce.price}}",
        "{{internet.ipv6}}",
        "{{internet.mac}}",
        "{{internet.color}}",
        "{{internet.password(12)}}",
        "{{lorem.words(4)}}",
        "{{lorem.sentence}}",
        "{{lorem.paragraphs(2)}}",
        "{{phone.phoneNumber}}",
        "{{phone.phoneNumber((##) ###-##)}}",
        "{{string.uuid}}",
        "{{datatype.number(5)}}",
        "{{random.arrayElement}}",
        "{{date.recent}}",
    ] {
        assert!(!line(text).is_empty(), "{text}");
    }
    assert!(line("{{internet.email}}").contains('@'));
    let line_of_digits = line("{{helpers.replaceSymbolWithNumber(?-##)}}");
    assert!(line_of_digits.starts_with("?-") && line_of_digits[2..].parse::<u8>().is_ok());
    assert_eq!(line("{{lorem.paragraphs(2)}}").matches("\\n").count(), 1);
}

#[test]
fn braces_of_objects_stay() {
    assert_eq!(
        line(r#"{"a":{"b":"{{helpers.slugify(x)}}"}}"#),
        r#"{"a":{"b":"x"}}"#
    );
    assert_eq!(line("{{{helpers.slugify(x)}}}"), "{x}");
    assert_eq!(line(r#"{{random.arrayElement(["}}"])}}"#), "}}");
    assert_eq!(line("no expression"), "no expression");
}

#[test]
fn mistakes_have_their_places() {
    let found = error("{\n  \"a\": {{random.numbre(5)}},\n}");
    assert_eq!((found.line, found.column, found.length), (2, 10, 13));
    assert_eq!(found.help.as_deref(), Some("did you mean `random.number`?"));
    let found = error("{{uuid}}");
    assert_eq!(found.help.as_deref(), Some("did you mean `random.uuid`?"));
    for (text, message) in [
        ("", "empty"),
        ("  \n ", "empty"),
        ("{{}}", "names a helper"),
        ("{{random.number(5)", "not closed"),
        ("{{random.number(5}}", "not closed"),
        ("{{random.number(5) + 1}}", "nothing may follow"),
        (r#"{{random.number({"min":5,"max":1})}}"#, "above the upper"),
        ("{{random.number({min:5})}}", "no JSON"),
        (r#"{{random.number({"min":"x"})}}"#, "expected a number"),
        (r#"{{random.number({"max":1e300})}}"#, "at most"),
        (r#"{{random.number({"precision":0})}}"#, "precision"),
        ("{{random.arrayElement([])}}", "expected an array"),
        ("{{random.arrayElement(['a','b'])}}", "no JSON"),
        (
            r#"{{random.weightedArrayElement({"weights":[1],"data":["a","b"]})}}"#,
            "1 weights for 2",
        ),
        (
            r#"{{random.weightedArrayElement({"weights":[0],"data":["a"]})}}"#,
            "all weights",
        ),
        ("{{lorem.words(100000)}}", "from 1 to 1000"),
        ("{{random(1)}}", "two numbers"),
        ("{{anomaly(1)}}", "expected two"),
        ("{{helpers.createCard}}", "not built here"),
        ("{{date.between(1)}}", "not built here"),
        ("{{sensorId}}", "there is no helper"),
    ] {
        assert!(
            error(text).message.contains(message),
            "{text}: {}",
            error(text).message
        );
    }
    assert_eq!(
        Template::parse("{{a}}{{b}}{{c}}").unwrap_err().len(),
        3,
        "all at once"
    );
}

#[test]
fn what_is_too_large_is_refused() {
    assert!(error(&"x".repeat(1_100_000)).message.contains("bytes"));
    assert!(
        error(&"{{seq}}".repeat(10_001))
            .message
            .contains("expressions")
    );
    let deep = format!(
        "{{{{random.arrayElement({}1{})}}}}",
        "[".repeat(5_000),
        "]".repeat(5_000)
    );
    assert!(error(&deep).message.contains("no JSON"));
    let much = "{{lorem.paragraphs(1000)}}".repeat(10);
    assert!(error(&much).message.contains("repeat at most"));
    assert!(error(&"{{walk}}".repeat(65)).message.contains("64 walks"));
}
