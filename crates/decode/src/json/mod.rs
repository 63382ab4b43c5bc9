//! JSON: lines and documents to columns, single texts to values, columns to text, paths into texts, inference of types.

mod decode;
mod function;
mod grammar;
mod infer;
mod number;
mod options;
mod path;
mod regenerate;
pub(crate) mod rescue;
mod scalar;
mod scan;
mod shape;
mod value;
mod write;

pub use decode::JsonDecoder;
pub use function::{from_json, json_array_length, json_object_keys, schema_of_json};
pub use grammar::Grammar;
pub use infer::{Inference, difference};
pub(crate) use infer::{decimal_type, wider_decimal};
pub use options::JsonOptions;
pub(crate) use options::{column, flag, mode, pattern, refused, zone};
pub use path::{JsonPath, PathError, get_json};
pub use write::{JsonForm, to_json};
pub(crate) use write::{push_big_decimal, push_instant, push_string};
