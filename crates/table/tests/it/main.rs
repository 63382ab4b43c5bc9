//! Tests of one Delta table on memory and on disk, in one binary. Must not know flows.

#[cfg(test)]
mod support;

#[cfg(test)]
mod append;
#[cfg(test)]
mod codec;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod read;
#[cfg(test)]
mod repair;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod store;
#[cfg(test)]
mod types;
#[cfg(test)]
mod upkeep;
