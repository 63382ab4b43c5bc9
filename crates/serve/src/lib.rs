//! What runs pipelines by themselves and tells people: schedules and the delivery of alerts.
//!
//! It asks `run` for updates and never parses pipeline SQL; words on a terminal belong to `sluice`.

mod calendar;
mod decide;
pub mod delivery;
mod job_run;
mod memory;
mod records;
mod scheduler;

pub use calendar::Calendar;
pub use decide::{Cause, Decision, JobFacts, Seen, Timing, Verdict, decide};
pub use memory::{Memory, Remembered};
pub use scheduler::{Happening, Outside, Scheduler, TaskEnd, Until};
