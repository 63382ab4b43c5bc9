//! Text: project files, statements, references. Everything here is pure: it is handed file texts and returns
//! values and diagnostics; it never reads the disk and knows nothing of DataFusion.

mod cursor;
mod dialect;
pub mod format;
pub mod function;
mod lex;
pub mod parse;
pub mod project;
pub mod query;
mod resolve;
mod rewrite;
mod slip;
pub mod source_map;
pub mod statement;

pub use parse::maintain::{Optimize, Restore, Vacuum};
pub use parse::shell::{
    DescribeForm, ShellStatement, is_complete, parse_shell_statement, split_statements,
};
pub use parse::{functions_called, parse_file, parse_query, parse_scalar};
