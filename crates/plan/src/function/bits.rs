//! Bits, and numbers written in other bases.

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::internal_err;
use datafusion::error::Result;
use sluice_model::SparkType;
use sluice_model::condition::query as condition;

use super::call::{Bytes, Call, Int, Long, Output, Text, Truth};
use super::error::fail;
use super::number::overflow;
use super::scalar::{Function, Returns, SparkTypeName as T, Types};
use super::signature::Param as P;

/// Bits of one bitmap.
const BITMAP_BITS: i64 = 32_768;

/// The family's table.
pub(super) static FUNCTIONS: &[Function] = &[
    Function::new("hex", &[P::Any], Returns::By(hex_type), hex).doc(
        "Writes a number, string or binary in hexadecimal.",
        "hex(17)",
    ),
    Function::new("bin", &[P::Long], Returns::Type(T::String), |c| {
        c.map1::<Long, Text>(|n| Ok(Some(format!("{n:b}"))))
    })
    .doc("Writes a number in binary.", "bin(13)"),
    Function::new(
        "conv",
        &[P::String, P::Int, P::Int],
        Returns::Type(T::String),
        |c| c.map3::<Text, Int, Int, Text>(conv),
    )
    .doc(
        "Writes a number of one base in another.",
        "conv('100', 2, 10)",
    ),
    Function::new(
        "bitmap_bucket_number",
        &[P::Long],
        Returns::Type(T::Long),
        |c| {
            c.map1::<Long, Long>(|n| {
                Ok(Some(if n > 0 {
                    1 + (n - 1) / BITMAP_BITS
                } else {
                    n / BITMAP_BITS
                }))
            })
        },
    )
    .doc(
        "Gives the number of the bitmap of 32768 bits in which a number has its bit.",
        "bitmap_bucket_number(32769)",
    ),
    Function::new(
        "bitmap_bit_position",
        &[P::Long],
        Returns::Type(T::Long),
        |c| {
            c.map1::<Long, Long>(|n| {
                Ok(Some(if n > 0 {
                    (n - 1) % BITMAP_BITS
                } else {
                    (n % BITMAP_BITS).wrapping_neg()
                }))
            })
        },
    )
    .doc(
        "Gives the place of the bit of a number in its bitmap.",
        "bitmap_bit_position(32769)",
    ),
    Function::new(
        "bitmap_count",
        &[P::Any],
        Returns::By(|types| match types.arguments {
            [DataType::Binary] => Ok(DataType::Int64),
            _ => fail(
                &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                "`bitmap_count` takes BINARY",
            ),
        }),
        |c| {
            c.map1::<Bytes, Long>(|bytes| {
                Ok(Some(
                    bytes.iter().map(|byte| i64::from(byte.count_ones())).sum(),
                ))
            })
        },
    )
    .doc(
        "Counts the bits that are set in a bitmap.",
        "bitmap_count(x'1010')",
    ),
    Function::new(
        "shiftleft",
        &[P::IntOrLong, P::Int],
        Returns::By(shift_type),
        |c| shift(c, i32::wrapping_shl, i64::wrapping_shl),
    )
    .doc("Shifts bits to the left.", "shiftleft(2, 1)"),
    Function::new(
        "shiftright",
        &[P::IntOrLong, P::Int],
        Returns::By(shift_type),
        |c| shift(c, i32::wrapping_shr, i64::wrapping_shr),
    )
    .doc(
        "Shifts bits to the right, keeping the sign.",
        "shiftright(4, 1)",
    ),
    Function::new(
        "shiftrightunsigned",
        &[P::IntOrLong, P::Int],
        Returns::By(shift_type),
        |c| {
            shift(
                c,
                |x, n| x.cast_unsigned().wrapping_shr(n).cast_signed(),
                |x, n| x.cast_unsigned().wrapping_shr(n).cast_signed(),
            )
        },
    )
    .doc(
        "Shifts bits to the right, filling with zeros.",
        "shiftrightunsigned(4, 1)",
    ),
    Function::new("bit_count", &[P::Bits], Returns::Type(T::Int), |c| {
        if *c.column(0)?.array().data_type() == DataType::Boolean {
            return c.map1::<Truth, Int>(|set| Ok(Some(i32::from(set))));
        }
        c.map1::<Long, Int>(|n| Ok(i32::try_from(n.count_ones()).ok()))
    })
    .doc("Counts the bits that are set.", "bit_count(7)"),
    Function::new(
        "bit_get",
        &[P::WholeLong, P::Int],
        Returns::By(|_| Ok(DataType::Int8)),
        |c| {
            c.map2::<Long, Int, Int>(|n, at| {
                if !(0..64).contains(&at) {
                    return fail(
                        &condition::INVALID_PARAMETER_VALUE,
                        format!("bit {at} is outside of 0 to 63"),
                    );
                }
                Ok(Some(i32::from(n >> at & 1 == 1)))
            })
        },
    )
    .also(&["getbit"])
    .doc("Gives one bit.", "bit_get(11, 0)"),
];

fn hex_type(types: &Types<'_>) -> Result<DataType> {
    let found = types.arguments.first().unwrap_or(&DataType::Null);
    match SparkType::from_arrow(found) {
        Some(spark) if found.is_nested() || matches!(found, DataType::Timestamp(..)) => fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            format!("`hex` does not take {spark}"),
        ),
        None => fail(
            &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
            "`hex` does not take an interval",
        ),
        Some(_) => Ok(DataType::Utf8),
    }
}

fn hex(call: &Call<'_>) -> Result<ArrayRef> {
    let digits = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(String::new(), |out, byte| out + &format!("{byte:02X}"))
    };
    match call.column(0)?.array().data_type() {
        DataType::Binary => call.map1::<Bytes, Text>(|b| Ok(Some(digits(b)))),
        DataType::Utf8 => call.map1::<Text, Text>(|s| Ok(Some(digits(s.as_bytes())))),
        found if found.is_integer() || found.is_null() => {
            let values = call.as_long(0)?;
            Text::rows(call.rows, |row| {
                Ok(values.get(row).map(|n| format!("{n:X}")))
            })
        }
        DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => {
            let values = call.converted::<Long>(0, &DataType::Int64)?;
            Text::rows(call.rows, |row| {
                Ok(values.get(row).map(|n| format!("{n:X}")))
            })
        }
        DataType::Boolean | DataType::Date32 => {
            let values = call.converted::<Text>(0, &DataType::Utf8)?;
            Text::rows(call.rows, |row| {
                Ok(values.get(row).map(|text| digits(text.as_bytes())))
            })
        }
        found => internal_err!("`hex` was given {found}"),
    }
}

/// Reads digits of one base as an unsigned 64-bit number and writes them in another; a negative base writes a sign.
fn conv(text: &str, from: i32, to: i32) -> Result<Option<String>> {
    let (Ok(from), Ok(size)) = (u32::try_from(from), u32::try_from(to.abs())) else {
        return Ok(None);
    };
    if !(2..=36).contains(&from) || !(2..=36).contains(&size) || text.trim().is_empty() {
        return Ok(None);
    }
    let text = text.trim();
    let (negative, digits) = text
        .strip_prefix('-')
        .map_or((false, text), |rest| (true, rest));
    let mut value = 0_u64;
    for digit in digits.chars().map_while(|c| c.to_digit(from)) {
        match value
            .checked_mul(u64::from(from))
            .and_then(|v| v.checked_add(u64::from(digit)))
        {
            Some(next) => value = next,
            None => return overflow("conv"),
        }
    }
    let mut sign = "";
    if negative {
        value = value.wrapping_neg();
    }
    if to < 0 && value.cast_signed() < 0 {
        sign = "-";
        value = value.wrapping_neg();
    }
    let mut out = vec![];
    loop {
        let digit = u32::try_from(value % u64::from(size))
            .ok()
            .and_then(|d| char::from_digit(d, size));
        out.extend(digit);
        value /= u64::from(size);
        if value == 0 {
            break;
        }
    }
    let digits: String = out.into_iter().rev().collect();
    Ok(Some(format!("{sign}{}", digits.to_ascii_uppercase())))
}

#[expect(clippy::unnecessary_wraps, reason = "functions of types may refuse")]
fn shift_type(types: &Types<'_>) -> Result<DataType> {
    Ok(if types.arguments.first() == Some(&DataType::Int64) {
        DataType::Int64
    } else {
        DataType::Int32
    })
}

fn shift(
    call: &Call<'_>,
    small: fn(i32, u32) -> i32,
    large: fn(i64, u32) -> i64,
) -> Result<ArrayRef> {
    let counts = call.typed::<Int>(1)?;
    if call.returns == &DataType::Int64 {
        let values = call.as_long(0)?;
        return Long::rows(call.rows, |row| {
            Ok(values
                .get(row)
                .zip(counts.get(row))
                .map(|(v, n)| large(v, n.cast_unsigned())))
        });
    }
    let values = call.converted::<Int>(0, &DataType::Int32)?;
    Int::rows(call.rows, |row| {
        Ok(values
            .get(row)
            .zip(counts.get(row))
            .map(|(v, n)| small(v, n.cast_unsigned())))
    })
}
