//! Kinesis, end to end: the real client against a Kinesis inside the process, and against one that misbehaves.

mod conditions;
mod faults;
mod proxy;
mod pushed;
mod reading;
mod resharding;
mod server;
