//! Murmur3, Spark's `hash`, over values of any type. Must not know the other hashes.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use datafusion::error::Result;
use sluice_model::condition::query as condition;

use super::call::{Call, Column, Int, Output, convert};
use super::error::fail;
use super::scalar::Types;
use crate::rewrite::unify::holds_map;

/// The type of a hash, of what has one: equal maps may hold their entries in different orders, at any depth.
pub(super) fn hashed(types: &Types<'_>, returns: DataType) -> Result<DataType> {
    let is_length = |t: &DataType| matches!(t, DataType::Duration(_) | DataType::Interval(_));
    let (condition, what) = if types.arguments.iter().any(holds_map) {
        let what = "does not take maps: equal ones may be in different orders";
        (&condition::DATATYPE_MISMATCH_HASH_MAP_TYPE, what)
    } else if types.arguments.iter().any(is_length) {
        let what = "of intervals is not built: hash CAST(… AS STRING)";
        (&condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE, what)
    } else {
        return Ok(returns);
    };
    fail(condition, format!("`{}` {what}", types.name))
}

/// Murmur3 as Spark computes it: the hash of one argument seeds the next, the first seed is 42.
pub(super) fn murmur(call: &Call<'_>) -> Result<ArrayRef> {
    let arrays = call
        .columns
        .iter()
        .map(|c| c.expanded(call.rows))
        .collect::<Result<Vec<_>>>()?;
    Int::rows(call.rows, |row| {
        let mut seed = 42_u32;
        for array in &arrays {
            seed = hash_value(array, row, seed)?;
        }
        Ok(Some(seed.cast_signed()))
    })
}

fn hash_value(array: &ArrayRef, row: usize, seed: u32) -> Result<u32> {
    if array.is_null(row) || array.data_type().is_null() {
        return Ok(seed);
    }
    let zero = |bits: u64, negative_zero: u64| if bits == negative_zero { 0 } else { bits };
    Ok(match array.data_type() {
        DataType::Boolean => hash_int(u32::from(array.as_boolean().value(row)), seed),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Date32 => {
            let whole = convert(&array.slice(row, 1), &DataType::Int32)?;
            hash_int(
                whole.as_primitive::<Int32Type>().value(0).cast_unsigned(),
                seed,
            )
        }
        DataType::Int64 => hash_long(
            array.as_primitive::<Int64Type>().value(row).cast_unsigned(),
            seed,
        ),
        DataType::Timestamp(..) => hash_long(
            array
                .as_primitive::<TimestampMicrosecondType>()
                .value(row)
                .cast_unsigned(),
            seed,
        ),
        DataType::Float32 => {
            let bits = array.as_primitive::<Float32Type>().value(row).to_bits();
            hash_int(if bits == 1 << 31 { 0 } else { bits }, seed)
        }
        DataType::Float64 => hash_long(
            zero(
                array.as_primitive::<Float64Type>().value(row).to_bits(),
                1 << 63,
            ),
            seed,
        ),
        DataType::Decimal128(precision, _) => {
            let value = array.as_primitive::<Decimal128Type>().value(row);
            match i64::try_from(value) {
                Ok(small) if *precision <= 18 => hash_long(small.cast_unsigned(), seed),
                _ => hash_bytes(&least_bytes(value), seed),
            }
        }
        DataType::Utf8 => hash_bytes(array.as_string::<i32>().value(row).as_bytes(), seed),
        DataType::Binary => hash_bytes(array.as_binary::<i32>().value(row), seed),
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            (0..items.len()).try_fold(seed, |seed, item| hash_value(&items, item, seed))?
        }
        DataType::Struct(_) => array
            .as_struct()
            .columns()
            .iter()
            .try_fold(seed, |seed, column| hash_value(column, row, seed))?,
        other => {
            return fail(
                &condition::DATATYPE_MISMATCH_UNEXPECTED_INPUT_TYPE,
                format!("`hash` does not take {other}"),
            );
        }
    })
}

/// Decimals of more than 18 digits as the bytes that Spark hashes in their place; others are hashed as numbers.
pub(super) fn wide_decimals_as_bytes(column: &Column) -> Result<Column> {
    let array = column.array();
    if is_wide_decimal(array.data_type()) {
        let values = array.as_primitive::<Decimal128Type>().iter();
        let bytes: BinaryArray = values.map(|value| value.map(least_bytes)).collect();
        return Ok(column.with(Arc::new(bytes)));
    }
    if holds_wide_decimal(array.data_type()) {
        let message = "the hash of decimals of more than 18 digits inside of structs and arrays is not supported yet";
        return fail(&condition::UNSUPPORTED_FEATURE, message.to_string());
    }
    Ok(column.clone())
}

fn is_wide_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(precision, _) if *precision > 18)
}

fn holds_wide_decimal(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item) => holds_wide_decimal(item.data_type()),
        DataType::Struct(fields) => fields.iter().any(|f| holds_wide_decimal(f.data_type())),
        other => is_wide_decimal(other),
    }
}

/// The shortest big-endian form of a number, as Java's `BigInteger` gives it.
fn least_bytes(value: i128) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xFF } else { 0 };
    let skip = bytes
        .windows(2)
        .take_while(|pair| pair[0] == sign && (pair[1] ^ sign) & 0x80 == 0)
        .count();
    bytes[skip..].to_vec()
}

fn mix(hash: u32, word: u32) -> u32 {
    let word = word
        .wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593);
    (hash ^ word)
        .rotate_left(13)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64)
}

fn finish(hash: u32, length: u32) -> u32 {
    let mut hash = hash ^ length;
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

fn hash_int(word: u32, seed: u32) -> u32 {
    finish(mix(seed, word), 4)
}

fn hash_long(word: u64, seed: u32) -> u32 {
    let [a, b, c, d, e, f, g, h] = word.to_le_bytes();
    finish(
        mix(
            mix(seed, u32::from_le_bytes([a, b, c, d])),
            u32::from_le_bytes([e, f, g, h]),
        ),
        8,
    )
}

/// Whole words first; the bytes that are left over are mixed one by one, with their sign, as Spark does.
fn hash_bytes(bytes: &[u8], seed: u32) -> u32 {
    let words = bytes.chunks_exact(4);
    let rest = words.remainder();
    let hash = words.fold(seed, |hash, w| {
        mix(hash, u32::from_le_bytes([w[0], w[1], w[2], w[3]]))
    });
    let hash = rest.iter().fold(hash, |hash, byte| {
        mix(hash, i32::from(byte.cast_signed()).cast_unsigned())
    });
    finish(hash, u32::try_from(bytes.len()).unwrap_or(u32::MAX))
}
