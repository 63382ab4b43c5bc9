//! The graph from outside: rules on SQL text, and the committed projects. Must not reach into private parts.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops where it fails"
)]

mod projects;
mod questions;
mod rules;
mod support;
