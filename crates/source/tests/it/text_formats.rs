//! JSON and CSV files.
