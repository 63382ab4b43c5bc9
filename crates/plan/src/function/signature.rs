//! What a function takes: Spark's parameter types and the implicit casts that lead to them (ANSI rules), in one place
//! for all functions. Must not convert values: `call` does.

mod meeting;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::error::fail;
pub(crate) use meeting::bounded_decimal;
pub use meeting::{common_type, tightest_type};

/// What one parameter accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Param {
    /// `STRING`; every atomic value is written as text.
    String,
    /// `BINARY`; strings give their bytes.
    Binary,
    /// `STRING` or `BINARY` as it comes; anything else atomic becomes `STRING`.
    StringOrBinary,
    /// `STRING`, or any array or `BINARY` as it comes.
    TextOrArray,
    /// `STRING`, or an array of strings.
    TextOrTexts,
    /// An array of strings; items that are atomic are written as text.
    Texts,
    /// `BOOLEAN`.
    Boolean,
    /// `BOOLEAN` only: a text is not read as one.
    ExactBoolean,
    /// An integer as `BIGINT`, or a `BOOLEAN` as it comes.
    Bits,
    /// `INT`; other numbers are cut to it, checked.
    Int,
    /// `INT` only.
    ExactInt,
    /// `INT` from integers that fit it, no text.
    NarrowInt,
    /// `INT` only, and texts as they come.
    IntOrText,
    /// `BIGINT` as it comes; any other number, and text, as `INT`.
    IntOrLong,
    /// `INT` from integers that fit it, and from text; no other number.
    SmallInt,
    /// `BIGINT`; other numbers are cut to it, checked.
    Long,
    /// Any integer as `BIGINT`, no text and no other number.
    WholeLong,
    /// An integer type as it comes, no text.
    Whole,
    /// `STRING` only: nothing else is written as text.
    Text,
    /// `STRING` as `String` takes it, but no bytes.
    NotBinary,
    /// `DATE` only.
    ExactDate,
    /// `TIMESTAMP` only.
    ExactTimestamp,
    /// `TIMESTAMP_NTZ`; timestamps give their wall clock in the session time zone.
    WallClock,
    /// `DOUBLE`.
    Double,
    /// `FLOAT` or a bare NULL as it comes, any other number as `DOUBLE`.
    Floating,
    /// Any numeric type as it comes; strings become `DOUBLE`.
    Numeric,
    /// Any numeric type as it comes, no text.
    Number,
    /// `BIGINT`, `DOUBLE` or `DECIMAL`: smaller integers and floats are widened.
    WideNumeric,
    /// Any number as a `DECIMAL` that holds it; strings become `DECIMAL(38,18)`.
    Decimal,
    /// Seconds as `DECIMAL(18,6)`.
    Seconds,
    /// `DECIMAL` as it comes, everything else numeric as `DOUBLE`.
    WideDecimal,
    /// Numbers, dates and timestamps as they come; strings become `DOUBLE`.
    Orderable,
    /// `DATE`.
    Date,
    /// `TIMESTAMP`; dates start at midnight in the session time zone.
    Timestamp,
    /// `DATE` or `TIMESTAMP` as it comes; strings become `TIMESTAMP`.
    DateOrTimestamp,
    /// `DATE`, `TIMESTAMP` or `STRING` as it comes.
    DateOrTimestampOrText,
    /// As `DateOrTimestampOrText`; numbers are seconds since 1970.
    TimestampSource,
    /// An interval, or an integer as `BIGINT`.
    Step,
    /// Anything, unchanged.
    Any,
    /// All parameters of this kind meet in their least common type.
    Common,
    /// An array.
    Array,
    /// A map.
    Map,
    /// An array or a map.
    ArrayOrMap,
    /// A struct, an array or a map.
    Nested,
    /// An array whose items meet in their least common type with all other `ArrayOf` and `Item` parameters.
    ArrayOf,
    /// A value of that same item type.
    Item,
    /// A value of that same item type, not a bare NULL.
    KnownItem,
    /// A key of `map(k, v, …)`: all keys meet in their least common type.
    Key,
    /// A value of `map(k, v, …)`: all values meet in theirs.
    Value,
}

/// How many arguments and of what kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameters {
    /// The kinds in order.
    pub(crate) kinds: &'static [Param],
    /// How many of the last ones may be left out.
    pub(crate) optional: usize,
    /// Whether the last kind repeats.
    pub(crate) variadic: bool,
}

impl Parameters {
    fn kind(&self, index: usize) -> Param {
        if let [Param::Key, Param::Value] = self.kinds {
            return self.kinds[index % 2];
        }
        self.kinds
            .get(index)
            .or(self.kinds.last())
            .copied()
            .unwrap_or(Param::Any)
    }

    /// Whether a bare NULL stands where an array or a map is wanted: nothing comes of it.
    pub(crate) fn is_nothing(&self, types: &[DataType]) -> bool {
        let mut types = types.iter().enumerate();
        types.any(|(index, found)| {
            found.is_null()
                && matches!(
                    self.kind(index),
                    Param::Array | Param::Map | Param::ArrayOrMap
                )
        })
    }

    /// Checks the number of arguments.
    fn check_count(&self, name: &str, count: usize) -> Result<()> {
        let least = self.kinds.len() - self.optional;
        if count >= least && (self.variadic || count <= self.kinds.len()) {
            return Ok(());
        }
        let wanted = match (self.variadic, least == self.kinds.len()) {
            (true, _) => format!("at least {least}"),
            (false, true) => least.to_string(),
            (false, false) => format!("{least} to {}", self.kinds.len()),
        };
        fail(
            &condition::WRONG_NUM_ARGS,
            format!("`{name}` takes {wanted} arguments, found {count}"),
        )
    }

    /// The Arrow types to which the arguments are cast.
    pub(crate) fn resolve(&self, name: &str, types: &[DataType]) -> Result<Vec<DataType>> {
        self.check_count(name, types.len())?;
        let common = self.common(
            name,
            types,
            &[
                Param::Common,
                Param::Item,
                Param::KnownItem,
                Param::ArrayOf,
                Param::Key,
            ],
        )?;
        let value = self.common(name, types, &[Param::Value])?;
        let mut out = Vec::with_capacity(types.len());
        for (index, found) in types.iter().enumerate() {
            let kind = self.kind(index);
            let common = if kind == Param::Value {
                value.as_ref()
            } else {
                common.as_ref()
            };
            match target(kind, found, common) {
                Some(wanted) => out.push(wanted),
                None => return mismatch(name, index, kind, found),
            }
        }
        Ok(out)
    }

    /// The least common type of all arguments of some kinds.
    fn common(&self, name: &str, types: &[DataType], kinds: &[Param]) -> Result<Option<SparkType>> {
        let mut common: Option<SparkType> = None;
        // `array_contains` looks for a value of any type that compares with the items; all others keep the items as they are.
        let holds = |kind| self.kinds.contains(&kind);
        let meet = if holds(Param::ArrayOf) && !holds(Param::KnownItem) {
            tightest_type
        } else {
            common_type
        };
        for (index, found) in types.iter().enumerate() {
            let kind = self.kind(index);
            let found = match (kind, spark(found)) {
                _ if !kinds.contains(&kind) => continue,
                (Param::ArrayOf, Some(SparkType::Array(item))) => *item,
                (Param::ArrayOf, _) | (_, None) => continue,
                (_, Some(found)) => found,
            };
            common = Some(match common {
                None => found,
                Some(so_far)
                    if matches!(kind, Param::ArrayOf | Param::Item | Param::KnownItem)
                        && one_is_text(&so_far, &found) =>
                {
                    return fail(
                        &condition::DATATYPE_MISMATCH_ARRAY_FUNCTION_DIFF_TYPES,
                        format!("`{name}` does not bring {so_far} and {found} together"),
                    );
                }
                Some(so_far) => match meet(&so_far, &found) {
                    Some(wider) => wider,
                    None => {
                        return fail(
                            &condition::DATATYPE_MISMATCH_DATA_DIFF_TYPES,
                            format!(
                                "the arguments of `{name}` have no common type: {so_far} and {found}"
                            ),
                        );
                    }
                },
            });
        }
        Ok(common)
    }
}

/// Whether a text would have to be cast for two types to meet.
fn one_is_text(left: &SparkType, right: &SparkType) -> bool {
    let void = *left == SparkType::Null || *right == SparkType::Null;
    !void && (*left == SparkType::String) != (*right == SparkType::String)
}

fn mismatch<T>(name: &str, index: usize, kind: Param, found: &DataType) -> Result<T> {
    if kind == Param::KnownItem && found.is_null() {
        return fail(
            &condition::DATATYPE_MISMATCH_NULL_TYPE,
            format!("argument {} of `{name}` is NULL of no type", index + 1),
        );
    }
    let shown = spark(found).map_or_else(|| "interval".to_string(), |t| t.to_string());
    fail(
        &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
        format!(
            "argument {} of `{name}` must be {}, found {shown}",
            index + 1,
            wanted(kind)
        ),
    )
}

fn wanted(kind: Param) -> &'static str {
    match kind {
        Param::String => "a string",
        Param::Binary => "binary",
        Param::StringOrBinary => "a string or binary",
        Param::TextOrArray => "a string or an array",
        Param::TextOrTexts => "a string or an array of strings",
        Param::Texts => "an array of strings",
        Param::Boolean | Param::ExactBoolean => "boolean",
        Param::Int | Param::SmallInt | Param::NarrowInt | Param::ExactInt => "an int",
        Param::IntOrLong => "an int or a bigint",
        Param::IntOrText => "an int or a string",
        Param::Long | Param::WholeLong => "a bigint",
        Param::Whole => "an integer",
        Param::Bits => "an integer or a boolean",
        Param::Text | Param::NotBinary => "a string",
        Param::ExactDate => "a date",
        Param::ExactTimestamp | Param::WallClock => "a timestamp",
        Param::Double | Param::Floating => "a double",
        Param::Numeric
        | Param::Number
        | Param::WideNumeric
        | Param::WideDecimal
        | Param::Decimal
        | Param::Seconds => "numeric",
        Param::Orderable => "numeric, a date or a timestamp",
        Param::Date => "a date",
        Param::Timestamp => "a timestamp",
        Param::DateOrTimestamp => "a date or timestamp",
        Param::DateOrTimestampOrText | Param::TimestampSource => "a date, a timestamp or a string",
        Param::Step => "an interval or an integer",
        Param::Any | Param::Common | Param::Item | Param::KnownItem | Param::Key | Param::Value => {
            "a value"
        }
        Param::Array | Param::ArrayOf => "an array",
        Param::Map => "a map",
        Param::ArrayOrMap => "an array or a map",
        Param::Nested => "a struct, an array or a map",
    }
}

/// The Spark type of an Arrow type, `None` for intervals and what Spark does not have.
pub(crate) fn spark(arrow: &DataType) -> Option<SparkType> {
    SparkType::from_arrow(arrow)
}

fn is_interval(arrow: &DataType) -> bool {
    matches!(arrow, DataType::Interval(_) | DataType::Duration(_))
}

fn is_integral(spark: &SparkType) -> bool {
    matches!(
        spark,
        SparkType::Byte | SparkType::Short | SparkType::Int | SparkType::Long
    )
}

fn is_numeric(spark: &SparkType) -> bool {
    is_integral(spark)
        || matches!(
            spark,
            SparkType::Float | SparkType::Double | SparkType::Decimal(..)
        )
}

fn is_nested(spark: &SparkType) -> bool {
    matches!(
        spark,
        SparkType::Array(_) | SparkType::Map(..) | SparkType::Struct(_)
    )
}

/// Where a value of type `found` goes for a parameter, or `None` if it must not.
#[expect(clippy::too_many_lines, reason = "one arm per kind of parameter")]
fn target(kind: Param, found: &DataType, common: Option<&SparkType>) -> Option<DataType> {
    if is_interval(found) {
        return match kind {
            Param::Any | Param::Common => Some(found.clone()),
            Param::Step => Some(found.clone()),
            Param::String | Param::StringOrBinary => Some(DataType::Utf8),
            _ => None,
        };
    }
    let found_spark = spark(found)?;
    let void = found_spark == SparkType::Null;
    let text = found_spark == SparkType::String;
    let chosen = match kind {
        Param::Any => found_spark,
        Param::String => (!is_nested(&found_spark)).then_some(SparkType::String)?,
        Param::Binary => {
            (void || text || found_spark == SparkType::Binary).then_some(SparkType::Binary)?
        }
        Param::StringOrBinary => match found_spark {
            SparkType::Binary => SparkType::Binary,
            other => (!is_nested(&other)).then_some(SparkType::String)?,
        },
        Param::TextOrArray => match found_spark {
            other @ (SparkType::Array(_) | SparkType::Binary) => other,
            other => (!is_nested(&other)).then_some(SparkType::String)?,
        },
        Param::TextOrTexts => match found_spark {
            array @ SparkType::Array(_) => texts(&array)?,
            other => (!is_nested(&other)).then_some(SparkType::String)?,
        },
        Param::Texts => texts(&found_spark)?,
        Param::Boolean => {
            (void || text || found_spark == SparkType::Boolean).then_some(SparkType::Boolean)?
        }
        Param::ExactBoolean => {
            (void || found_spark == SparkType::Boolean).then_some(SparkType::Boolean)?
        }
        Param::Bits if found_spark == SparkType::Boolean => SparkType::Boolean,
        Param::Bits => (void || is_integral(&found_spark)).then_some(SparkType::Long)?,
        Param::ExactInt => (void || found_spark == SparkType::Int).then_some(SparkType::Int)?,
        Param::NarrowInt => (void || (is_integral(&found_spark) && found_spark != SparkType::Long))
            .then_some(SparkType::Int)?,
        Param::SmallInt => {
            (void || text || (is_integral(&found_spark) && found_spark != SparkType::Long))
                .then_some(SparkType::Int)?
        }
        Param::WholeLong => (void || is_integral(&found_spark)).then_some(SparkType::Long)?,
        Param::Whole if void => SparkType::Int,
        Param::Whole => is_integral(&found_spark).then_some(found_spark)?,
        Param::Text => (void || text).then_some(SparkType::String)?,
        Param::NotBinary => {
            let plain = !is_nested(&found_spark) && found_spark != SparkType::Binary;
            plain.then_some(SparkType::String)?
        }
        Param::ExactDate => (void || found_spark == SparkType::Date).then_some(SparkType::Date)?,
        Param::ExactTimestamp => (void
            || matches!(found_spark, SparkType::Timestamp | SparkType::TimestampNtz))
        .then_some(SparkType::Timestamp)?,
        Param::WallClock => {
            (void || text || is_datetime(&found_spark)).then_some(SparkType::TimestampNtz)?
        }
        Param::IntOrText if text => SparkType::String,
        Param::IntOrText => (void || found_spark == SparkType::Int).then_some(SparkType::Int)?,
        Param::IntOrLong if found_spark == SparkType::Long => SparkType::Long,
        Param::IntOrLong => (void || text || is_numeric(&found_spark)).then_some(SparkType::Int)?,
        Param::Int => (void || text || is_numeric(&found_spark)).then_some(SparkType::Int)?,
        Param::Long => (void || text || is_numeric(&found_spark)).then_some(SparkType::Long)?,
        Param::Floating if void || found_spark == SparkType::Float => found_spark,
        Param::Double | Param::Floating => {
            (void || text || is_numeric(&found_spark)).then_some(SparkType::Double)?
        }
        Param::Number if text => return None,
        Param::Numeric | Param::Number | Param::WideNumeric => numeric(kind, found_spark)?,
        Param::Decimal => meeting::as_decimal(&found_spark)?,
        Param::Seconds => {
            (void || text || is_numeric(&found_spark)).then_some(SparkType::Decimal(18, 6))?
        }
        Param::WideDecimal => match found_spark {
            decimal @ SparkType::Decimal(..) => decimal,
            other => (void || text || is_numeric(&other)).then_some(SparkType::Double)?,
        },
        Param::Orderable if is_datetime(&found_spark) => found_spark,
        Param::Orderable => numeric(kind, found_spark)?,
        Param::Date => (void || text || is_datetime(&found_spark)).then_some(SparkType::Date)?,
        Param::Timestamp => {
            (void || text || is_datetime(&found_spark)).then_some(SparkType::Timestamp)?
        }
        Param::DateOrTimestamp => match found_spark {
            SparkType::String | SparkType::Null => SparkType::Timestamp,
            other => is_datetime(&other).then_some(other)?,
        },
        Param::TimestampSource if is_numeric(&found_spark) => SparkType::Timestamp,
        Param::DateOrTimestampOrText | Param::TimestampSource => match found_spark {
            SparkType::String | SparkType::Null => SparkType::String,
            other => is_datetime(&other).then_some(other)?,
        },
        Param::Step => (void || text || is_integral(&found_spark)).then_some(SparkType::Long)?,
        Param::KnownItem if void => return None,
        Param::Common | Param::Item | Param::KnownItem | Param::Key | Param::Value => {
            common.cloned().unwrap_or(found_spark)
        }
        Param::Array => void_or(found_spark, |t| matches!(t, SparkType::Array(_)))?,
        Param::Map => void_or(found_spark, |t| matches!(t, SparkType::Map(..)))?,
        Param::ArrayOrMap => void_or(found_spark, |t| {
            matches!(t, SparkType::Array(_) | SparkType::Map(..))
        })?,
        Param::Nested => void_or(found_spark, is_nested)?,
        Param::ArrayOf => match found_spark {
            SparkType::Array(item) => SparkType::Array(Box::new(common.cloned().unwrap_or(*item))),
            _ => return None,
        },
    };
    Some(chosen.to_arrow())
}

/// Where an array of what can be written as text goes; a bare NULL is taken for one.
fn texts(found: &SparkType) -> Option<SparkType> {
    let writable = match found {
        SparkType::Array(item) => !is_nested(item),
        other => *other == SparkType::Null,
    };
    writable.then(|| SparkType::Array(Box::new(SparkType::String)))
}

fn void_or(found: SparkType, accept: impl Fn(&SparkType) -> bool) -> Option<SparkType> {
    (found == SparkType::Null || accept(&found)).then_some(found)
}

fn numeric(kind: Param, found: SparkType) -> Option<SparkType> {
    let found = match found {
        SparkType::String | SparkType::Null => SparkType::Double,
        other => is_numeric(&other).then_some(other)?,
    };
    Some(match found {
        SparkType::Byte | SparkType::Short | SparkType::Int if kind == Param::WideNumeric => {
            SparkType::Long
        }
        SparkType::Float if kind == Param::WideNumeric => SparkType::Double,
        other => other,
    })
}

fn is_datetime(spark: &SparkType) -> bool {
    matches!(
        spark,
        SparkType::Date | SparkType::Timestamp | SparkType::TimestampNtz
    )
}

/// An Arrow list of `item`.
pub(crate) fn list_of(item: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", item.clone(), true)))
}
