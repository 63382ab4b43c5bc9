//! Which partition key a record has on a stream. Must not know the stream.

use std::fmt;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use super::simulator::Record;

/// Longest partition key that a stream takes, in characters.
const KEY_CHARS_MAX: usize = 256;

/// What tells the partition key of a record: records of one key keep their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartitionKey {
    /// The field of this name; the device where a record has none, or cannot be read.
    Field(String),
    /// Every record has one of its own, so that they spread over all shards.
    Own,
}

impl PartitionKey {
    /// The key of the record with this number.
    pub(super) fn of(&self, record: &Record<'_>, number: u64) -> String {
        match self {
            Self::Own => number.to_string(),
            Self::Field(name) => {
                let found = match record.header {
                    Some(header) => of_csv(header, record.bytes, name),
                    None => of_json(record.bytes, name),
                };
                let found = found.filter(|key| !key.is_empty());
                found.map_or_else(
                    || format!("device-{}", record.device),
                    |key| key.chars().take(KEY_CHARS_MAX).collect(),
                )
            }
        }
    }
}

/// The value of a column. Headers of the simulator have no quotes, and neither have values that tell devices apart.
fn of_csv(header: &[u8], row: &[u8], name: &str) -> Option<String> {
    let mut names = header.split(|byte| *byte == b',');
    let index = names.position(|column| column == name.as_bytes())?;
    let value = row.split(|byte| *byte == b',').nth(index)?;
    let value = std::str::from_utf8(value).ok()?;
    Some(value.trim_matches('"').to_owned())
}

fn of_json(record: &[u8], name: &str) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_slice(record);
    reader.deserialize_map(FieldOf(name)).ok().flatten()
}

/// Reads one field of an object and passes over the others.
struct FieldOf<'a>(&'a str);

impl<'de> Visitor<'de> for FieldOf<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == self.0 {
                let value: serde_json::Value = map.next_value()?;
                found = match value {
                    serde_json::Value::String(text) => Some(text),
                    serde_json::Value::Null => None,
                    other => Some(other.to_string()),
                };
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, header: Option<&str>, bytes: &str) -> String {
        let record = Record {
            table: 0,
            device: 4,
            header: header.map(str::as_bytes),
            bytes: bytes.as_bytes(),
        };
        PartitionKey::Field(name.into()).of(&record, 1)
    }

    #[test]
    fn keys_are_fields_of_records() {
        for (header, bytes, expected) in [
            (None, r#"{"a":{"id":1},"id":"S-1","b":[1]}"#, "S-1"),
            (None, r#"{"id":17}"#, "17"),
            (None, r#"{"id":null}"#, "device-4"),
            (None, r#"{"id":""}"#, "device-4"),
            (None, r#"{"id":"S"#, "device-4"),
            (None, "<html>", "device-4"),
            (Some("a,id"), "1,1003", "1003"),
            (Some("a,id"), "1", "device-4"),
        ] {
            assert_eq!(key("id", header, bytes), expected, "{bytes}");
        }
        let long = format!("{{\"id\":\"{}\"}}", "ü".repeat(300));
        assert_eq!(key("id", None, &long).chars().count(), 256);
    }

    #[test]
    fn own_keys_differ() {
        let record = Record {
            table: 0,
            device: 0,
            header: None,
            bytes: b"{}",
        };
        assert_ne!(
            PartitionKey::Own.of(&record, 1),
            PartitionKey::Own.of(&record, 2)
        );
    }
}
