//! CSV by the rules of Spark's reader: records to columns, and inference of types. JSON lives next door.

mod decode;
mod infer;
mod options;
mod split;
mod value;

pub use decode::CsvDecoder;
pub use infer::CsvInference;
pub use options::CsvOptions;
