//! The schema of a source in a form that lasts: what an update infers, the next one reads again.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sluice_model::{SparkField, SparkType};

use crate::option::FileFormat;

/// A schema as it is stored with the table that the source feeds. Types are in Spark's own JSON form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredSchema {
    /// Format of the files.
    pub format: FileFormat,
    /// Columns of the files.
    #[serde(with = "fields_as_json")]
    pub data: Vec<SparkField>,
    /// Columns of partition folders.
    #[serde(with = "fields_as_json")]
    pub partitions: Vec<SparkField>,
}

mod fields_as_json {
    use super::{SparkField, Value, field_from, field_to};
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(
        fields: &[SparkField],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        fields
            .iter()
            .map(field_to)
            .collect::<Vec<Value>>()
            .serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<SparkField>, D::Error> {
        let values = Vec::<Value>::deserialize(deserializer)?;
        values
            .iter()
            .map(|value| {
                field_from(value).ok_or_else(|| D::Error::custom("a field is not one of Spark's"))
            })
            .collect()
    }
}

fn field_to(field: &SparkField) -> Value {
    let mut out = Map::new();
    out.insert("name".into(), field.name.clone().into());
    out.insert("type".into(), type_to(&field.data_type));
    out.insert("nullable".into(), field.nullable.into());
    if let Some(comment) = &field.comment {
        out.insert("metadata".into(), json!({ "comment": comment }));
    }
    Value::Object(out)
}

fn field_from(value: &Value) -> Option<SparkField> {
    let mut field = SparkField::new(value.get("name")?.as_str()?, type_from(value.get("type")?)?);
    field.nullable = value
        .get("nullable")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    field.comment = value
        .pointer("/metadata/comment")
        .and_then(Value::as_str)
        .map(str::to_string);
    Some(field)
}

fn type_to(data_type: &SparkType) -> Value {
    match data_type {
        SparkType::Array(element) => {
            json!({ "type": "array", "elementType": type_to(element), "containsNull": true })
        }
        SparkType::Map(key, value) => {
            json!({ "type": "map", "keyType": type_to(key), "valueType": type_to(value), "valueContainsNull": true })
        }
        SparkType::Struct(fields) => {
            json!({ "type": "struct", "fields": fields.iter().map(field_to).collect::<Vec<_>>() })
        }
        primitive => primitive.to_string().into(),
    }
}

fn type_from(value: &Value) -> Option<SparkType> {
    if let Some(text) = value.as_str() {
        return SparkType::parse(text).ok();
    }
    Some(match value.get("type")?.as_str()? {
        "array" => SparkType::Array(Box::new(type_from(value.get("elementType")?)?)),
        "map" => SparkType::Map(
            Box::new(type_from(value.get("keyType")?)?),
            Box::new(type_from(value.get("valueType")?)?),
        ),
        "struct" => SparkType::Struct(
            value
                .get("fields")?
                .as_array()?
                .iter()
                .map(field_from)
                .collect::<Option<_>>()?,
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::data_type::parse_schema;

    #[test]
    fn any_schema_comes_back_as_it_was_stored() {
        let mut data =
            parse_schema("id BIGINT NOT NULL COMMENT 'k', tags MAP<STRING, ARRAY<DECIMAL(10,2)>>")
                .unwrap();
        data.push(SparkField::new(
            "odd",
            SparkType::Struct(vec![SparkField::new("a b:c", SparkType::TimestampNtz)]),
        ));
        let stored = StoredSchema {
            format: FileFormat::BinaryFile,
            data,
            partitions: vec![SparkField::new("date", SparkType::Date)],
        };
        let text = serde_json::to_string(&stored).unwrap();
        assert_eq!(serde_json::from_str::<StoredSchema>(&text).unwrap(), stored);
    }

    #[test]
    fn a_damaged_form_is_refused() {
        for text in [
            r#"{"format":"json","data":[{"name":"a"}],"partitions":[]}"#,
            r#"{"format":"json","data":[{"name":"a","type":"intt"}],"partitions":[]}"#,
        ] {
            assert!(
                serde_json::from_str::<StoredSchema>(text).is_err(),
                "{text}"
            );
        }
    }
}
