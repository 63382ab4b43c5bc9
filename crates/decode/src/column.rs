//! Growing columns that can take back what they were given: a record that turns out bad halfway is undone by [`Column::truncate`].
//!
//! Arrow's builders cannot shrink, so these are plain vectors that become Arrow arrays at the end. Must not read text.

mod values;

use std::sync::Arc;

use arrow_array::builder::NullBufferBuilder;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, BooleanArray, ListArray, MapArray, NullArray, StructArray};
use arrow_buffer::{BooleanBufferBuilder, OffsetBuffer};
use arrow_schema::{ArrowError, DataType, Field, Fields};
use sluice_model::{SparkField, SparkType};

pub(crate) use values::{Bytes, Values};

/// A column in the making. Lengths of nested columns are their own: [`Column::truncate`] follows the offsets.
#[derive(Debug)]
pub(crate) enum Column {
    Null(usize),
    Boolean(BooleanBufferBuilder, NullBufferBuilder),
    Byte(Values<i8>),
    Short(Values<i16>),
    Int(Values<i32>),
    Long(Values<i64>),
    Float(Values<f32>),
    Double(Values<f64>),
    Decimal(Values<i128>, u8, i8),
    Text(Bytes),
    Binary(Bytes),
    Date(Values<i32>),
    Timestamp(Values<i64>, bool),
    List {
        offsets: Vec<i32>,
        nulls: NullBufferBuilder,
        element: Box<Column>,
    },
    Map {
        offsets: Vec<i32>,
        nulls: NullBufferBuilder,
        keys: Bytes,
        values: Box<Column>,
    },
    Struct {
        fields: Vec<Column>,
        nulls: NullBufferBuilder,
    },
}

impl Column {
    pub(crate) fn new(data_type: &SparkType) -> Self {
        match data_type {
            SparkType::Null => Self::Null(0),
            SparkType::Boolean => {
                Self::Boolean(BooleanBufferBuilder::new(0), NullBufferBuilder::new(0))
            }
            SparkType::Byte => Self::Byte(Values::new()),
            SparkType::Short => Self::Short(Values::new()),
            SparkType::Int => Self::Int(Values::new()),
            SparkType::Long => Self::Long(Values::new()),
            SparkType::Float => Self::Float(Values::new()),
            SparkType::Double => Self::Double(Values::new()),
            SparkType::Decimal(precision, scale) => {
                Self::Decimal(Values::new(), *precision, *scale)
            }
            SparkType::String => Self::Text(Bytes::new()),
            SparkType::Binary => Self::Binary(Bytes::new()),
            SparkType::Date => Self::Date(Values::new()),
            SparkType::Timestamp => Self::Timestamp(Values::new(), true),
            SparkType::TimestampNtz => Self::Timestamp(Values::new(), false),
            SparkType::Array(element) => Self::List {
                offsets: vec![0],
                nulls: NullBufferBuilder::new(0),
                element: Box::new(Self::new(element)),
            },
            SparkType::Map(_, value) => Self::Map {
                offsets: vec![0],
                nulls: NullBufferBuilder::new(0),
                keys: Bytes::new(),
                values: Box::new(Self::new(value)),
            },
            SparkType::Struct(fields) => Self::Struct {
                fields: fields
                    .iter()
                    .map(|field| Self::new(&field.data_type))
                    .collect(),
                nulls: NullBufferBuilder::new(0),
            },
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Null(length) => *length,
            Self::Boolean(values, _) => values.len(),
            Self::Byte(values) => values.len(),
            Self::Short(values) => values.len(),
            Self::Int(values) | Self::Date(values) => values.len(),
            Self::Long(values) | Self::Timestamp(values, _) => values.len(),
            Self::Float(values) => values.len(),
            Self::Double(values) => values.len(),
            Self::Decimal(values, ..) => values.len(),
            Self::Text(bytes) | Self::Binary(bytes) => bytes.len(),
            Self::List { offsets, .. } | Self::Map { offsets, .. } => offsets.len() - 1,
            Self::Struct { nulls, .. } => nulls.len(),
        }
    }

    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Null(length) => *length += 1,
            Self::Boolean(values, nulls) => {
                values.append(false);
                nulls.append_null();
            }
            Self::Byte(values) => values.push_null(),
            Self::Short(values) => values.push_null(),
            Self::Int(values) | Self::Date(values) => values.push_null(),
            Self::Long(values) | Self::Timestamp(values, _) => values.push_null(),
            Self::Float(values) => values.push_null(),
            Self::Double(values) => values.push_null(),
            Self::Decimal(values, ..) => values.push_null(),
            Self::Text(bytes) | Self::Binary(bytes) => bytes.push_null(),
            Self::List { offsets, nulls, .. } | Self::Map { offsets, nulls, .. } => {
                offsets.push(offsets.last().copied().unwrap_or(0));
                nulls.append_null();
            }
            Self::Struct { fields, nulls } => {
                fields.iter_mut().for_each(Self::push_null);
                nulls.append_null();
            }
        }
    }

    /// Takes back everything from `length` on; shorter columns stay as they are.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length >= self.len()
            && !matches!(
                self,
                Self::List { .. } | Self::Map { .. } | Self::Struct { .. }
            )
        {
            return;
        }
        match self {
            Self::Null(count) => *count = length,
            Self::Boolean(values, nulls) => {
                values.truncate(length);
                nulls.truncate(length);
            }
            Self::Byte(values) => values.truncate(length),
            Self::Short(values) => values.truncate(length),
            Self::Int(values) | Self::Date(values) => values.truncate(length),
            Self::Long(values) | Self::Timestamp(values, _) => values.truncate(length),
            Self::Float(values) => values.truncate(length),
            Self::Double(values) => values.truncate(length),
            Self::Decimal(values, ..) => values.truncate(length),
            Self::Text(bytes) | Self::Binary(bytes) => bytes.truncate(length),
            Self::List {
                offsets,
                nulls,
                element,
            } => element.truncate(cut(offsets, nulls, length)),
            Self::Map {
                offsets,
                nulls,
                keys,
                values,
            } => {
                let end = cut(offsets, nulls, length);
                keys.truncate(end);
                values.truncate(end);
            }
            Self::Struct { fields, nulls } => {
                for field in fields {
                    field.truncate(length);
                }
                if length < nulls.len() {
                    nulls.truncate(length);
                }
            }
        }
    }

    /// The Arrow array of everything pushed; the column is empty again.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        match self {
            Self::Null(length) => Ok(Arc::new(NullArray::new(std::mem::take(length)))),
            Self::Boolean(values, nulls) => {
                Ok(Arc::new(BooleanArray::new(values.finish(), nulls.finish())))
            }
            Self::Byte(values) => values.finish::<Int8Type>(DataType::Int8),
            Self::Short(values) => values.finish::<Int16Type>(DataType::Int16),
            Self::Int(values) => values.finish::<Int32Type>(DataType::Int32),
            Self::Long(values) => values.finish::<Int64Type>(DataType::Int64),
            Self::Float(values) => values.finish::<Float32Type>(DataType::Float32),
            Self::Double(values) => values.finish::<Float64Type>(DataType::Float64),
            Self::Decimal(values, precision, scale) => {
                values.finish::<Decimal128Type>(DataType::Decimal128(*precision, *scale))
            }
            Self::Text(bytes) => bytes.finish_text(),
            Self::Binary(bytes) => bytes.finish_binary(),
            Self::Date(values) => values.finish::<Date32Type>(DataType::Date32),
            Self::Timestamp(values, zoned) => {
                let spark = if *zoned {
                    SparkType::Timestamp
                } else {
                    SparkType::TimestampNtz
                };
                values.finish::<TimestampMicrosecondType>(spark.to_arrow())
            }
            Self::List {
                offsets,
                nulls,
                element,
            } => {
                let offsets = OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into());
                let items = element.finish()?;
                let field = Arc::new(Field::new("element", items.data_type().clone(), true));
                Ok(Arc::new(ListArray::try_new(
                    field,
                    offsets,
                    items,
                    nulls.finish(),
                )?))
            }
            Self::Map {
                offsets,
                nulls,
                keys,
                values,
            } => {
                let offsets = OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into());
                finish_map(offsets, nulls, keys.finish_text()?, values.finish()?)
            }
            // A struct does not know its names: `finish_as` does.
            Self::Struct { .. } => Err(ArrowError::SchemaError(
                "a struct needs its type".to_string(),
            )),
        }
    }

    /// As [`Column::finish`], with the type at hand, which structs need for their names.
    pub(crate) fn finish_as(&mut self, data_type: &SparkType) -> Result<ArrayRef, ArrowError> {
        match (self, data_type) {
            (Self::Struct { fields, nulls }, SparkType::Struct(types)) => {
                let length = nulls.len();
                let nulls = nulls.finish();
                let arrays: Vec<ArrayRef> = fields
                    .iter_mut()
                    .zip(types)
                    .map(|(column, field)| column.finish_as(&field.data_type))
                    .collect::<Result<_, _>>()?;
                let names: Fields = types
                    .iter()
                    .zip(&arrays)
                    .map(|(field, array)| Field::new(&field.name, array.data_type().clone(), true))
                    .collect();
                Ok(Arc::new(StructArray::try_new_with_length(
                    names, arrays, nulls, length,
                )?))
            }
            (
                Self::List {
                    offsets,
                    nulls,
                    element,
                },
                SparkType::Array(inner),
            ) => {
                let offsets = OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into());
                let items = element.finish_as(inner)?;
                let field = Arc::new(Field::new("element", items.data_type().clone(), true));
                Ok(Arc::new(ListArray::try_new(
                    field,
                    offsets,
                    items,
                    nulls.finish(),
                )?))
            }
            (
                Self::Map {
                    offsets,
                    nulls,
                    keys,
                    values,
                },
                SparkType::Map(_, inner),
            ) => {
                let offsets = OffsetBuffer::new(std::mem::replace(offsets, vec![0]).into());
                finish_map(
                    offsets,
                    nulls,
                    keys.finish_text()?,
                    values.finish_as(inner)?,
                )
            }
            (column, _) => column.finish(),
        }
    }
}

fn cut(offsets: &mut Vec<i32>, nulls: &mut NullBufferBuilder, length: usize) -> usize {
    if length < offsets.len() - 1 {
        offsets.truncate(length + 1);
        nulls.truncate(length);
    }
    usize::try_from(offsets.last().copied().unwrap_or(0)).unwrap_or(0)
}

fn finish_map(
    offsets: OffsetBuffer<i32>,
    nulls: &mut NullBufferBuilder,
    keys: ArrayRef,
    values: ArrayRef,
) -> Result<ArrayRef, ArrowError> {
    let fields = Fields::from(vec![
        Field::new("key", keys.data_type().clone(), false),
        Field::new("value", values.data_type().clone(), true),
    ]);
    let entries = StructArray::try_new(fields.clone(), vec![keys, values], None)?;
    let field = Arc::new(Field::new("key_value", DataType::Struct(fields), false));
    Ok(Arc::new(MapArray::try_new(
        field,
        offsets,
        entries,
        nulls.finish(),
        false,
    )?))
}

/// The same fields with NULL allowed everywhere, as Spark reads files: a reader cannot keep a promise of the writer.
pub(crate) fn nullable(fields: &[SparkField]) -> Vec<SparkField> {
    fields
        .iter()
        .map(|field| SparkField {
            name: field.name.clone(),
            data_type: nullable_type(&field.data_type),
            nullable: true,
            comment: field.comment.clone(),
        })
        .collect()
}

pub(crate) fn nullable_type(data_type: &SparkType) -> SparkType {
    match data_type {
        SparkType::Struct(fields) => SparkType::Struct(nullable(fields)),
        SparkType::Array(element) => SparkType::Array(Box::new(nullable_type(element))),
        SparkType::Map(key, value) => SparkType::Map(key.clone(), Box::new(nullable_type(value))),
        other => other.clone(),
    }
}
