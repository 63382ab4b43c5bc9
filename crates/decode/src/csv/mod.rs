//! CSV by the rules of Spark's reader: records to columns and back, and inference of types. JSON lives next door.

mod decode;
mod function;
mod infer;
mod options;
mod split;
mod value;
mod write;

pub use decode::CsvDecoder;
pub use function::{from_csv, schema_of_csv};
pub use infer::CsvInference;
pub use options::CsvOptions;
pub use write::CsvForm;
