//! Time and identity, injected: nobody else asks the machine for the time or a random id, so that expected
//! answers need no masks.

use std::fmt;

/// Tells the time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Microseconds since 1970-01-01T00:00:00Z.
    fn now_us(&self) -> i64;
}

/// Makes identifiers.
pub trait Ids: fmt::Debug + Send + Sync {
    /// A new UUID, lower case with hyphens.
    fn uuid(&self) -> String;
}
