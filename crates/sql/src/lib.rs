//! Text: project files, statements, references. Everything here is pure: it is handed file texts and returns
//! values and diagnostics; it never reads the disk and knows nothing of DataFusion.

pub mod parse;
pub mod project;
pub mod query;
pub mod source_map;
pub mod statement;

pub use parse::shell::{DescribeForm, ShellStatement, parse_shell_statement};
pub use parse::{parse_file, parse_query};
