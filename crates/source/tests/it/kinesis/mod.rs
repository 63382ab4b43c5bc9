//! Kinesis, end to end: the real client against a Kinesis inside the process, and against one that misbehaves.

#![expect(
    clippy::large_futures,
    reason = "futures of the AWS client, one of each test"
)]

mod conditions;
mod faults;
mod proxy;
mod pushed;
mod reading;
mod resharding;
mod server;
