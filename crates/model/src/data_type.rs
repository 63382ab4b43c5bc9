//! Spark's data types: their DDL text (`a INT, b STRUCT<c: STRING>`) and their Arrow form. Must not convert values: `decode` does.

mod parse;

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, TimeUnit};

use parse::Parser;

/// A Spark SQL data type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SparkType {
    /// `BOOLEAN`
    Boolean,
    /// `TINYINT`
    Byte,
    /// `SMALLINT`
    Short,
    /// `INT`
    Int,
    /// `BIGINT`
    Long,
    /// `FLOAT`
    Float,
    /// `DOUBLE`
    Double,
    /// `DECIMAL(precision, scale)`, precision at most 38
    Decimal(u8, i8),
    /// `STRING`
    String,
    /// `BINARY`
    Binary,
    /// `DATE`
    Date,
    /// `TIMESTAMP`: an instant, microseconds UTC
    Timestamp,
    /// `TIMESTAMP_NTZ`: microseconds without zone
    TimestampNtz,
    /// `VOID`
    Null,
    /// `ARRAY<element>`
    Array(Box<SparkType>),
    /// `MAP<key, value>`
    Map(Box<SparkType>, Box<SparkType>),
    /// `STRUCT<name: type, …>`
    Struct(Vec<SparkField>),
}

/// A named field of a struct or column of a schema; nullable unless `NOT NULL` was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SparkField {
    /// Name, case kept.
    pub name: String,
    /// Type.
    pub data_type: SparkType,
    /// Whether NULL is allowed.
    pub nullable: bool,
    /// `COMMENT`, if any.
    pub comment: Option<String>,
}

/// Why a type text was refused: message and byte offset into the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TypeError {
    /// What was found and expected.
    pub message: String,
    /// Byte offset into the text.
    pub offset: usize,
}

impl SparkType {
    /// The Arrow type that carries this one everywhere in the engine: timestamps are `Timestamp(us, "UTC")`,
    /// strings `Utf8`, decimals `Decimal128`, lists with nullable items named `element`, maps with entries
    /// `key_value` of `key` (not null) and `value`.
    #[must_use]
    pub fn to_arrow(&self) -> DataType {
        match self {
            Self::Boolean => DataType::Boolean,
            Self::Byte => DataType::Int8,
            Self::Short => DataType::Int16,
            Self::Int => DataType::Int32,
            Self::Long => DataType::Int64,
            Self::Float => DataType::Float32,
            Self::Double => DataType::Float64,
            Self::Decimal(precision, scale) => DataType::Decimal128(*precision, *scale),
            Self::String => DataType::Utf8,
            Self::Binary => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::TimestampNtz => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Null => DataType::Null,
            Self::Array(element) => {
                DataType::List(Arc::new(Field::new("element", element.to_arrow(), true)))
            }
            Self::Map(key, value) => {
                let entries = Fields::from(vec![
                    Field::new("key", key.to_arrow(), false),
                    Field::new("value", value.to_arrow(), true),
                ]);
                DataType::Map(
                    Arc::new(Field::new("key_value", DataType::Struct(entries), false)),
                    false,
                )
            }
            Self::Struct(fields) => {
                DataType::Struct(fields.iter().map(SparkField::to_arrow).collect())
            }
        }
    }

    /// The Spark type of an Arrow type, or `None` where Spark has none (unsigned 64-bit, durations, …).
    #[must_use]
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        Some(match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Int8 => Self::Byte,
            DataType::Int16 | DataType::UInt8 => Self::Short,
            DataType::Int32 | DataType::UInt16 => Self::Int,
            DataType::Int64 | DataType::UInt32 => Self::Long,
            DataType::UInt64 => Self::Decimal(20, 0),
            DataType::Float16 | DataType::Float32 => Self::Float,
            DataType::Float64 => Self::Double,
            DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
                Self::Decimal(*p, *s)
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::String,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, Some(_)) => Self::Timestamp,
            DataType::Timestamp(_, None) => Self::TimestampNtz,
            DataType::Null => Self::Null,
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::ListView(item)
            | DataType::FixedSizeList(item, _) => {
                Self::Array(Box::new(Self::from_arrow(item.data_type())?))
            }
            DataType::Map(entries, _) => match entries.data_type() {
                DataType::Struct(fields) => match fields.as_ref() {
                    [key, value] => Self::Map(
                        Box::new(Self::from_arrow(key.data_type())?),
                        Box::new(Self::from_arrow(value.data_type())?),
                    ),
                    _ => return None,
                },
                _ => return None,
            },
            DataType::Struct(fields) => Self::Struct(
                fields
                    .iter()
                    .map(|f| SparkField::from_arrow(f))
                    .collect::<Option<_>>()?,
            ),
            DataType::Dictionary(_, value) => Self::from_arrow(value)?,
            _ => return None,
        })
    }

    /// Parses one type: `INT`, `DECIMAL(10, 2)`, `ARRAY<STRUCT<a: INT, b STRING NOT NULL>>`; case-insensitive.
    ///
    /// # Errors
    /// The text is no type of Spark's DDL, or nests too deeply.
    pub fn parse(text: &str) -> Result<Self, TypeError> {
        let mut parser = Parser::new(text);
        let data_type = parser.data_type()?;
        parser.end()?;
        Ok(data_type)
    }
}

/// Parses a schema text as `from_json` and `schema =>` take it: `a INT, b STRING COMMENT 'x'`, or `STRUCT<a: INT>`.
///
/// # Errors
/// The text is no schema of Spark's DDL.
pub fn parse_schema(text: &str) -> Result<Vec<SparkField>, TypeError> {
    if let Ok(SparkType::Struct(fields)) = SparkType::parse(text) {
        return Ok(fields);
    }
    let mut parser = Parser::new(text);
    if parser.peek_end() {
        return Ok(vec![]);
    }
    let fields = parser.fields()?;
    parser.end()?;
    Ok(fields)
}

impl SparkField {
    /// A nullable field without a comment.
    #[must_use]
    pub fn new(name: impl Into<String>, data_type: SparkType) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable: true,
            comment: None,
        }
    }

    /// The Arrow field.
    #[must_use]
    pub fn to_arrow(&self) -> Field {
        Field::new(&self.name, self.data_type.to_arrow(), self.nullable)
    }

    /// The field of an Arrow field, or `None` where Spark has no such type.
    #[must_use]
    pub fn from_arrow(field: &Field) -> Option<Self> {
        let data_type = SparkType::from_arrow(field.data_type())?;
        Some(Self {
            name: field.name().clone(),
            data_type,
            nullable: field.is_nullable(),
            comment: None,
        })
    }
}

/// Spark's `simpleString`: `bigint`, `array<struct<a:int>>`.
impl std::fmt::Display for SparkType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean => f.write_str("boolean"),
            Self::Byte => f.write_str("tinyint"),
            Self::Short => f.write_str("smallint"),
            Self::Int => f.write_str("int"),
            Self::Long => f.write_str("bigint"),
            Self::Float => f.write_str("float"),
            Self::Double => f.write_str("double"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
            Self::String => f.write_str("string"),
            Self::Binary => f.write_str("binary"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::TimestampNtz => f.write_str("timestamp_ntz"),
            Self::Null => f.write_str("void"),
            Self::Array(element) => write!(f, "array<{element}>"),
            Self::Map(key, value) => write!(f, "map<{key},{value}>"),
            Self::Struct(fields) => {
                f.write_str("struct<")?;
                for (index, field) in fields.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{}", field.name, field.data_type)?;
                }
                f.write_str(">")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, shown: &str) {
        let parsed = SparkType::parse(text).unwrap();
        assert_eq!(parsed.to_string(), shown);
        assert_eq!(
            SparkType::from_arrow(&parsed.to_arrow())
                .unwrap()
                .to_string(),
            shown
        );
    }

    #[test]
    fn types_round_trip_through_text_and_arrow() {
        check("bigint", "bigint");
        check("DECIMAL( 12 , 2 )", "decimal(12,2)");
        check(
            "array<struct<a:int,b: MAP<STRING, array<double>>>>",
            "array<struct<a:int,b:map<string,array<double>>>>",
        );
        check("STRUCT<>", "struct<>");
    }

    #[test]
    fn a_schema_is_a_list_of_columns_or_one_struct() {
        let listed = parse_schema("a INT NOT NULL COMMENT 'it''s', `b c`: STRING").unwrap();
        assert_eq!(listed.len(), 2);
        assert!(!listed[0].nullable);
        assert_eq!(listed[0].comment.as_deref(), Some("it's"));
        assert_eq!(listed[1].name, "b c");
        assert_eq!(parse_schema("struct<a:int>").unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_type_is_refused_with_its_place() {
        for (text, offset) in [
            ("INTT", 0),
            ("array<", 6),
            ("decimal(39,0)", 13),
            ("map<int>", 7),
            ("int int", 4),
        ] {
            assert_eq!(SparkType::parse(text).unwrap_err().offset, offset, "{text}");
        }
        assert!(SparkType::parse(&"array<".repeat(10_000)).is_err());
    }
}
