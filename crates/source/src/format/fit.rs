//! Fits the columns that a file brings to the columns that a schema asks for: by name, with the widenings that Spark's
//! Parquet reader knows. What does not fit is rescued as JSON, or refused. Shared by Parquet and Avro.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{
    Array, ArrayRef, GenericListArray, RecordBatch, RecordBatchOptions, StringArray, StructArray,
    make_array, new_null_array,
};
use arrow_buffer::NullBuffer;
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema};
use serde_json::{Map, Value};
use sluice_model::{SparkField, SparkType};

use super::{FileJob, rescue};
use crate::SourceError;
use crate::files::widened;

/// How the columns of one file become those of the schema.
pub(crate) struct Fitting {
    columns: Vec<(SparkField, Option<usize>, Fit)>,
    /// Columns of the file that the schema does not know, or knows in another case.
    extra: Vec<usize>,
    rescue: bool,
    shown: String,
}

#[derive(Debug)]
enum Fit {
    /// The file has no such column: NULL.
    Missing,
    /// The values convert.
    Cast,
    /// The types do not go together.
    Misfit,
    /// Field by field; with the fields that are left over.
    Struct {
        children: Vec<(Option<usize>, Fit)>,
        extra: Vec<usize>,
    },
    /// Element by element.
    List(Box<Fit>),
}

impl Fitting {
    /// Plans the fitting of a file with these fields.
    ///
    /// # Errors
    /// New columns where the evolution mode stops for them; a type that does not fit where nothing rescues it.
    pub(crate) fn new(job: &FileJob<'_>, found: &Fields) -> Result<Self, SourceError> {
        let wanted: Vec<&SparkField> = job.schema.data.iter().collect();
        let exact = job.options.format_options.case_sensitive && job.schema.rescued.is_some();
        let mut columns = vec![];
        for field in &wanted {
            let index = position(found, &field.name, exact);
            let fit = match index {
                None => Fit::Missing,
                Some(index) => plan(found[index].data_type(), &field.data_type, exact),
            };
            if matches!(fit, Fit::Misfit) && job.schema.rescued.is_none() {
                let data_type = index.map(|index| found[index].data_type());
                return Err(SourceError::TypeMismatch {
                    path: job.shown.to_string(),
                    column: field.name.clone(),
                    found: data_type
                        .and_then(SparkType::from_arrow)
                        .map_or("a type that Spark does not know".into(), |known| {
                            known.to_string()
                        }),
                    expected: field.data_type.to_string(),
                });
            }
            columns.push(((*field).clone(), index, fit));
        }
        let partition = |name: &str| {
            job.schema
                .partitions
                .iter()
                .any(|field| field.name.eq_ignore_ascii_case(name))
        };
        let extra = (0..found.len())
            .filter(|index| {
                !columns.iter().any(|(_, used, _)| *used == Some(*index))
                    && !partition(found[*index].name())
            })
            .collect();
        Ok(Self {
            columns,
            extra,
            rescue: job.schema.rescued.is_some(),
            shown: job.shown.to_string(),
        })
    }

    /// Fits one batch: the schema's columns, then the rescued data if the schema asks for it.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let rows = batch.num_rows();
        let mut fields: Vec<Field> = vec![];
        let mut columns: Vec<ArrayRef> = vec![];
        for (field, index, fit) in &self.columns {
            let target = field.data_type.to_arrow();
            columns.push(match index {
                Some(index) => fit_array(fit, batch.column(*index), &target, None)?,
                None => new_null_array(&target, rows),
            });
            fields.push(field.to_arrow());
        }
        if self.rescue {
            columns.push(Arc::new(self.rescued(batch)));
            fields.push(Field::new("rescued", DataType::Utf8, true));
        }
        let size = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &size)
    }

    fn rescued(&self, batch: &RecordBatch) -> StringArray {
        let partial: Vec<(&str, usize, &Fit)> = self
            .columns
            .iter()
            .filter_map(|(field, index, fit)| {
                index
                    .filter(|_| leaves_something(fit))
                    .map(|index| (field.name.as_str(), index, fit))
            })
            .collect();
        if partial.is_empty() && self.extra.is_empty() {
            return StringArray::new_null(batch.num_rows());
        }
        let schema = batch.schema();
        (0..batch.num_rows())
            .map(|row| {
                let mut left = Map::new();
                for (name, index, fit) in &partial {
                    if let Some(value) = left_over(fit, batch.column(*index), row) {
                        left.insert((*name).to_string(), value);
                    }
                }
                for index in &self.extra {
                    let column = batch.column(*index);
                    if !column.is_null(row) {
                        left.insert(
                            schema.field(*index).name().clone(),
                            rescue::value(column, row),
                        );
                    }
                }
                rescue::text(left, &self.shown)
            })
            .collect()
    }
}

fn position(found: &Fields, name: &str, exact: bool) -> Option<usize> {
    let same = found.iter().position(|field| field.name() == name);
    if exact {
        return same;
    }
    same.or_else(|| {
        found
            .iter()
            .position(|field| field.name().eq_ignore_ascii_case(name))
    })
}

fn plan(found: &DataType, wanted: &SparkType, exact: bool) -> Fit {
    match (found, wanted) {
        (DataType::Struct(found), SparkType::Struct(wanted)) => {
            let children: Vec<(Option<usize>, Fit)> = wanted
                .iter()
                .map(|field| match position(found, &field.name, exact) {
                    None => (None, Fit::Missing),
                    Some(index) => (
                        Some(index),
                        plan(found[index].data_type(), &field.data_type, exact),
                    ),
                })
                .collect();
            let extra = (0..found.len())
                .filter(|index| !children.iter().any(|(used, _)| used == &Some(*index)))
                .collect();
            Fit::Struct { children, extra }
        }
        (DataType::List(element), SparkType::Array(wanted)) => {
            Fit::List(Box::new(plan(element.data_type(), wanted, exact)))
        }
        _ => match SparkType::from_arrow(found) {
            Some(known) if converts(&known, wanted) => Fit::Cast,
            _ => Fit::Misfit,
        },
    }
}

/// Whether every value of one type is a value of the other.
fn converts(found: &SparkType, wanted: &SparkType) -> bool {
    found == wanted
        || matches!(found, SparkType::Null)
        || matches!(
            (found, wanted),
            (SparkType::Binary, SparkType::String) | (SparkType::String, SparkType::Binary)
        )
        || matches!((found, wanted), (SparkType::Map(..), SparkType::Map(..)) if map_converts(found, wanted))
        || widened(found, wanted).is_some_and(|wider| wider == *wanted)
}

fn map_converts(found: &SparkType, wanted: &SparkType) -> bool {
    match (found, wanted) {
        (SparkType::Map(key, value), SparkType::Map(other_key, other_value)) => {
            converts(key, other_key)
                && (value.to_string() == other_value.to_string() || converts(value, other_value))
        }
        _ => false,
    }
}

/// `above` says where a struct around the values is NULL: what is below it is NULL then too, whatever the file holds
/// there. (Where a file promises that a field is never NULL, it holds anything.)
fn fit_array(
    fit: &Fit,
    array: &ArrayRef,
    target: &DataType,
    above: Option<&NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let fitted: ArrayRef = match (fit, target) {
        (Fit::Missing | Fit::Misfit, _) => return Ok(new_null_array(target, array.len())),
        (Fit::Struct { children, .. }, DataType::Struct(fields)) => {
            let source = array.as_struct();
            let nulls = NullBuffer::union(source.nulls(), above);
            let columns = children
                .iter()
                .zip(fields)
                .map(|((index, fit), field)| match index {
                    Some(index) => fit_array(
                        fit,
                        source.column(*index),
                        field.data_type(),
                        nulls.as_ref(),
                    ),
                    None => Ok(new_null_array(field.data_type(), array.len())),
                })
                .collect::<Result<Vec<_>, _>>()?;
            let length = array.len();
            return Ok(Arc::new(StructArray::try_new_with_length(
                fields.clone(),
                columns,
                nulls,
                length,
            )?));
        }
        (Fit::List(element), DataType::List(field)) => {
            let source = array.as_list::<i32>();
            let values = fit_array(element, source.values(), field.data_type(), None)?;
            Arc::new(GenericListArray::<i32>::try_new(
                FieldRef::clone(field),
                source.offsets().clone(),
                values,
                source.nulls().cloned(),
            )?)
        }
        _ => cast_with_options(
            array,
            target,
            &CastOptions {
                safe: false,
                ..CastOptions::default()
            },
        )?,
    };
    let Some(above) = above.filter(|above| above.null_count() > 0) else {
        return Ok(fitted);
    };
    let nulls = NullBuffer::union(fitted.nulls(), Some(above));
    let masked = fitted.to_data().into_builder().nulls(nulls).build()?;
    Ok(make_array(masked))
}

fn leaves_something(fit: &Fit) -> bool {
    match fit {
        Fit::Missing | Fit::Cast => false,
        Fit::Misfit => true,
        Fit::Struct { children, extra } => {
            !extra.is_empty() || children.iter().any(|(_, fit)| leaves_something(fit))
        }
        Fit::List(element) => leaves_something(element),
    }
}

/// What of a value does not fit; a list with leftovers in its elements is kept whole.
fn left_over(fit: &Fit, array: &ArrayRef, row: usize) -> Option<Value> {
    if array.is_null(row) || !leaves_something(fit) {
        return None;
    }
    let Fit::Struct { children, extra } = fit else {
        return Some(rescue::value(array, row));
    };
    let source = array.as_struct();
    let mut left = Map::new();
    for (index, fit) in children {
        if let Some(index) = index
            && let Some(value) = left_over(fit, source.column(*index), row)
        {
            left.insert(source.fields()[*index].name().clone(), value);
        }
    }
    for index in extra {
        if !source.column(*index).is_null(row) {
            left.insert(
                source.fields()[*index].name().clone(),
                rescue::value(source.column(*index), row),
            );
        }
    }
    (!left.is_empty()).then_some(Value::Object(left))
}
