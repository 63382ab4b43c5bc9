//! Text: project files, statements, references. Everything here is pure: it is handed file texts and returns
//! values and diagnostics; it never reads the disk and knows nothing of DataFusion.

pub mod query;
pub mod source_map;
pub mod statement;
