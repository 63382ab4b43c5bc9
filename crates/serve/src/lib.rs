//! What runs pipelines by themselves and tells people: schedules and the delivery of alerts.
//!
//! It asks `run` for updates and never parses pipeline SQL; words on a terminal belong to `sluice`.
