//! The columns that a source gives, and how they grow when files bring new ones.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema, SchemaRef};
use sluice_model::limits::INFERRED_COLUMNS_MAX;
use sluice_model::{SparkField, SparkType};

use super::StoredSchema;
use crate::option::{FileFormat, ReadFilesOptions, SchemaHint};

/// The name of the column of file metadata.
pub const METADATA_COLUMN: &str = "_metadata";

/// What one read of a source gives: columns of the files, of partition folders, and of what did not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceSchema {
    /// Format of the files.
    pub format: FileFormat,
    /// Columns of the files, partition columns taken out; all may be NULL.
    pub data: Vec<SparkField>,
    /// Columns of partition folders.
    pub partitions: Vec<SparkField>,
    /// Name of the rescued data column, if there is one.
    pub rescued: Option<String>,
    /// Name of the declared column that takes the text of bad records, if there is one; it is among `data`.
    pub corrupt: Option<String>,
}

impl SourceSchema {
    /// Puts columns of files and folders together under the options: a partition column stands above a column of
    /// the same name in the files.
    #[must_use]
    pub fn new(
        format: FileFormat,
        data: Vec<SparkField>,
        partitions: Vec<SparkField>,
        options: &ReadFilesOptions,
    ) -> Self {
        let rescued_name = options.rescued_column.as_ref();
        let data: Vec<SparkField> = data
            .into_iter()
            .filter(|field| rescued_name != Some(&field.name))
            .filter(|field| {
                !partitions
                    .iter()
                    .any(|partition| partition.name.eq_ignore_ascii_case(&field.name))
            })
            .map(|field| SparkField {
                data_type: all_nullable(&field.data_type),
                nullable: true,
                ..field
            })
            .collect();
        let corrupt_name = &options.format_options.corrupt_record_column;
        let corrupt = data
            .iter()
            .find(|field| {
                format.is_parsed_text()
                    && field.name == *corrupt_name
                    && field.data_type == SparkType::String
            })
            .map(|field| field.name.clone());
        let rescues = !matches!(format, FileFormat::Text | FileFormat::BinaryFile);
        Self {
            format,
            data,
            partitions,
            rescued: options.rescued_column.clone().filter(|_| rescues),
            corrupt,
        }
    }

    /// The schema that a caller stored earlier, under today's options: what they declare stands above it, and a hint may name a
    /// column before any file has it.
    #[must_use]
    pub fn from_stored(stored: &StoredSchema, options: &ReadFilesOptions) -> Self {
        let mut data = options.schema.as_ref().unwrap_or(&stored.data).clone();
        let declared = |partition: &SparkField| {
            let mut fields = options.schema.iter().flatten();
            let found = fields.find(|field| field.name.eq_ignore_ascii_case(&partition.name));
            found.map_or_else(
                || partition.clone(),
                |field| SparkField::new(field.name.clone(), field.data_type.clone()),
            )
        };
        let is_stored = |hint: &&SchemaHint| {
            let mut known = stored.data.iter().chain(&stored.partitions);
            hint.path
                .first()
                .is_none_or(|name| known.any(|field| field.name.eq_ignore_ascii_case(name)))
        };
        for hint in options.schema_hints.iter().filter(|hint| !is_stored(hint)) {
            apply_hints(&mut data, std::slice::from_ref(hint));
        }
        let partitions = stored.partitions.iter().map(declared).collect();
        Self::new(
            options.format.unwrap_or(stored.format),
            data,
            partitions,
            options,
        )
    }

    /// The form to store.
    #[must_use]
    pub fn to_stored(&self) -> StoredSchema {
        StoredSchema {
            format: self.format,
            data: self.data.clone(),
            partitions: self.partitions.clone(),
        }
    }

    /// All columns in their order: files, folders, rescued data.
    #[must_use]
    pub fn columns(&self) -> Vec<SparkField> {
        let rescued = self
            .rescued
            .iter()
            .map(|name| SparkField::new(name, SparkType::String));
        self.data
            .iter()
            .chain(&self.partitions)
            .cloned()
            .chain(rescued)
            .collect()
    }

    /// The Arrow schema of the batches; with `metadata`, `_metadata` comes last.
    #[must_use]
    pub fn to_arrow(&self, metadata: bool) -> SchemaRef {
        let mut fields: Vec<Field> = self.columns().iter().map(SparkField::to_arrow).collect();
        if metadata {
            fields.push(Field::new(
                METADATA_COLUMN,
                DataType::Struct(metadata_fields()),
                false,
            ));
        }
        Arc::new(Schema::new(fields))
    }
}

/// The fields of `_metadata`.
#[must_use]
pub(super) fn metadata_fields() -> Fields {
    Fields::from(vec![
        Field::new("file_path", DataType::Utf8, false),
        Field::new("file_name", DataType::Utf8, false),
        Field::new("file_size", DataType::Int64, false),
        Field::new("file_block_start", DataType::Int64, false),
        Field::new("file_block_length", DataType::Int64, false),
        Field::new(
            "file_modification_time",
            SparkType::Timestamp.to_arrow(),
            false,
        ),
    ])
}

/// A reader cannot keep the promise that a value is there, so everything it gives may be NULL (as in Spark).
fn all_nullable(data_type: &SparkType) -> SparkType {
    match data_type {
        SparkType::Struct(fields) => SparkType::Struct(
            fields
                .iter()
                .map(|field| SparkField {
                    data_type: all_nullable(&field.data_type),
                    nullable: true,
                    ..field.clone()
                })
                .collect(),
        ),
        SparkType::Array(element) => SparkType::Array(Box::new(all_nullable(element))),
        SparkType::Map(key, value) => SparkType::Map(key.clone(), Box::new(all_nullable(value))),
        other => other.clone(),
    }
}

/// Writes hinted types over inferred ones; a hinted column or field that is not there is added.
pub(crate) fn apply_hints(fields: &mut Vec<SparkField>, hints: &[SchemaHint]) {
    for hint in hints {
        apply_hint(fields, &hint.path, &hint.data_type);
    }
}

fn apply_hint(fields: &mut Vec<SparkField>, path: &[String], data_type: &SparkType) {
    let Some((name, below)) = path.split_first() else {
        return;
    };
    let index = fields
        .iter()
        .position(|field| field.name.eq_ignore_ascii_case(name))
        .unwrap_or_else(|| {
            fields.push(SparkField::new(name, SparkType::Struct(vec![])));
            fields.len() - 1
        });
    if let Some(field) = fields.get_mut(index) {
        apply_below(&mut field.data_type, below, data_type);
    }
}

fn apply_below(target: &mut SparkType, path: &[String], data_type: &SparkType) {
    match (target, path.split_first()) {
        (target, None) => *target = data_type.clone(),
        (SparkType::Array(element), Some((name, below)))
            if name.eq_ignore_ascii_case("element") =>
        {
            apply_below(element, below, data_type);
        }
        (SparkType::Map(_, value), Some((name, below))) if name.eq_ignore_ascii_case("value") => {
            apply_below(value, below, data_type);
        }
        (SparkType::Array(element), Some(_)) => apply_below(element, path, data_type),
        (SparkType::Struct(fields), Some(_)) => apply_hint(fields, path, data_type),
        (target, Some(_)) => {
            let mut fields = vec![];
            apply_hint(&mut fields, path, data_type);
            *target = SparkType::Struct(fields);
        }
    }
}

/// Adds to `known` what `found` has and it has not: columns, and fields inside structs. Types that are known stay.
///
/// With `types_grow`, numeric types also grow: of files that are looked at together. Returns whether anything was added.
pub(crate) fn merge_fields(
    known: &mut Vec<SparkField>,
    found: &[SparkField],
    case_sensitive: bool,
    types_grow: bool,
) -> bool {
    let mut changed = false;
    for field in found {
        let same = |other: &&mut SparkField| {
            other.name == field.name
                || (!case_sensitive && other.name.eq_ignore_ascii_case(&field.name))
        };
        let full = known.len() >= INFERRED_COLUMNS_MAX;
        match known.iter_mut().find(same) {
            Some(other) => {
                changed |= merge_type(
                    &mut other.data_type,
                    &field.data_type,
                    case_sensitive,
                    types_grow,
                );
            }
            None if field.data_type == SparkType::Null || full => {}
            None => {
                known.push(SparkField {
                    nullable: true,
                    ..field.clone()
                });
                changed = true;
            }
        }
    }
    changed
}

fn merge_type(
    known: &mut SparkType,
    found: &SparkType,
    case_sensitive: bool,
    types_grow: bool,
) -> bool {
    match (&mut *known, found) {
        (SparkType::Struct(fields), SparkType::Struct(more)) => {
            merge_fields(fields, more, case_sensitive, types_grow)
        }
        (SparkType::Array(element), SparkType::Array(more)) => {
            merge_type(element, more, case_sensitive, types_grow)
        }
        (SparkType::Map(_, value), SparkType::Map(_, more)) => {
            merge_type(value, more, case_sensitive, types_grow)
        }
        (narrow, wide) if types_grow => match widened(narrow, wide) {
            Some(wider) if wider != *narrow => {
                *known = wider;
                true
            }
            _ => false,
        },
        _ => false,
    }
}

/// The type that holds both, for the widenings that Delta and Auto Loader allow.
pub(crate) fn widened(narrow: &SparkType, wide: &SparkType) -> Option<SparkType> {
    use SparkType::{Byte, Date, Decimal, Double, Float, Int, Long, Short, TimestampNtz};
    let rank = |data_type: &SparkType| {
        [Byte, Short, Int, Long]
            .iter()
            .position(|each| each == data_type)
    };
    if let (Some(left), Some(right)) = (rank(narrow), rank(wide)) {
        return Some(if left >= right {
            narrow.clone()
        } else {
            wide.clone()
        });
    }
    match (narrow, wide) {
        (Byte | Short | Int | Float, Double) => Some(Double),
        (Date, TimestampNtz) => Some(TimestampNtz),
        (Decimal(p, s), Decimal(q, t)) => {
            let scale = *s.max(t);
            let whole = (i16::from(*p) - i16::from(*s)).max(i16::from(*q) - i16::from(*t));
            let precision = u8::try_from(whole + i16::from(scale))
                .ok()
                .filter(|precision| *precision <= 38)?;
            Some(Decimal(precision, scale))
        }
        (whole, Decimal(q, t)) => {
            let digits = [3_i16, 5, 10, 20].get(rank(whole)?).copied()?;
            (i16::from(*q) - i16::from(*t) >= digits).then_some(Decimal(*q, *t))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sluice_model::data_type::parse_schema;

    fn check(known: &str, found: &str, types_grow: bool, expected: &str) {
        let mut fields = parse_schema(known).unwrap();
        let changed = merge_fields(&mut fields, &parse_schema(found).unwrap(), true, types_grow);
        let wanted = parse_schema(expected).unwrap();
        assert_eq!(fields, wanted, "{known} + {found}");
        assert_eq!(changed, parse_schema(known).unwrap() != wanted);
    }

    #[test]
    fn new_columns_and_fields_come_last_and_known_types_stay() {
        check("a INT", "b STRING, a STRING", false, "a INT, b STRING");
        check(
            "a STRUCT<x: INT>",
            "a STRUCT<y: INT, x: STRING>",
            false,
            "a STRUCT<x: INT, y: INT>",
        );
        check(
            "a ARRAY<STRUCT<x: INT>>",
            "a ARRAY<STRUCT<y: INT>>",
            false,
            "a ARRAY<STRUCT<x: INT, y: INT>>",
        );
        check("a INT", "n VOID", false, "a INT");
    }

    #[test]
    fn hints_stand_above_inferred_types_and_add_what_is_missing() {
        let mut fields =
            parse_schema("a STRING, s STRUCT<x: STRING>, l ARRAY<STRUCT<y: STRING>>").unwrap();
        let hints =
            SchemaHint::parse_list("A INT, s.x DATE, s.z INT, l.element.y INT, n DOUBLE").unwrap();
        apply_hints(&mut fields, &hints);
        let expected = "a INT, s STRUCT<x: DATE, z: INT>, l ARRAY<STRUCT<y: INT>>, n DOUBLE";
        assert_eq!(fields, parse_schema(expected).unwrap());
    }

    #[test]
    fn what_is_declared_now_stands_above_what_was_stored() {
        let stored = StoredSchema {
            format: FileFormat::Json,
            data: parse_schema("id BIGINT, dev STRING").unwrap(),
            partitions: parse_schema("day STRING").unwrap(),
        };
        let options = ReadFilesOptions {
            format: Some(FileFormat::Csv),
            schema: Some(parse_schema("id STRING, x INT, day DATE").unwrap()),
            ..ReadFilesOptions::defaults(crate::option::SourceCall::StreamReadFiles)
        };
        let known = SourceSchema::from_stored(&stored, &options);
        assert_eq!(known.format, FileFormat::Csv);
        assert_eq!(known.data, parse_schema("id STRING, x INT").unwrap());
        assert_eq!(known.partitions, parse_schema("day DATE").unwrap());
        let kept = known.to_stored();
        let again = SourceSchema::from_stored(&kept, &options);
        assert_eq!(again.to_stored(), kept);
    }

    #[test]
    fn a_hint_may_name_a_column_before_a_file_has_it() {
        let stored = StoredSchema {
            format: FileFormat::Json,
            data: parse_schema("a STRING").unwrap(),
            partitions: vec![],
        };
        let options = ReadFilesOptions {
            schema_hints: SchemaHint::parse_list("A INT, `unit price` DOUBLE").unwrap(),
            ..ReadFilesOptions::defaults(crate::option::SourceCall::StreamReadFiles)
        };
        let known = SourceSchema::from_stored(&stored, &options).data;
        assert_eq!(
            known,
            parse_schema("a STRING, `unit price` DOUBLE").unwrap()
        );
    }

    #[test]
    fn types_widen_only_when_asked_and_only_safely() {
        check("a INT", "a BIGINT", false, "a INT");
        check(
            "a INT, b BIGINT, c INT, d DECIMAL(10,2), e DATE",
            "a BIGINT, b INT, c DOUBLE, d DECIMAL(10,4), e TIMESTAMP_NTZ",
            true,
            "a BIGINT, b BIGINT, c DOUBLE, d DECIMAL(12,4), e TIMESTAMP_NTZ",
        );
        check(
            "a BIGINT, b STRING, c BIGINT",
            "a DOUBLE, b INT, c DECIMAL(10,0)",
            true,
            "a BIGINT, b STRING, c BIGINT",
        );
    }
}
