//! Bytes and text to typed Arrow columns and back, under Spark 4's ANSI rules: JSON, CSV, casts, dates and their patterns.
//!
//! JSON files and `from_json`, CSV files and `from_csv`, casts in a query and casts on ingest are one thing and have one
//! code: this. Must not know files, async or DataFusion, and never asks for the time. Arrow forms are those of
//! [`sluice_model::SparkType::to_arrow`].

#![allow(
    clippy::match_same_arms,
    reason = "one arm per rule reads like the table it stands for"
)]
#![allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "zones and arrays are handed on alike"
)]

pub mod cast;
mod column;
pub mod csv;
pub mod datetime;
pub mod json;
mod number_format;
mod record;

pub use number_format::{FormatError, NumberFormat};
pub use record::{BadRecord, DecodeError, Decoded, ParseMode};
