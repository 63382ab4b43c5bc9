//! Arguments of the verbs that look on while a pipeline runs, and of the one that runs it for its author. Must not do
//! anything.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use sluice_source::generate::Preset;

use super::simulate::duration_us;

#[derive(Debug, Clone, Args)]
pub(crate) struct Tap {
    /// A table, or the flow that fills it
    #[arg(value_name = "FLOW|TABLE")]
    pub(crate) name: String,
    /// End after so many rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    /// How often to look
    #[arg(long, value_name = "TIME", value_parser = interval, default_value = "500ms")]
    pub(crate) interval: Duration,
    /// Form of the rows; without it `box` on a terminal, else `json`
    #[arg(long, value_enum)]
    pub(crate) format: Option<TapFormat>,
    /// Begin with the rows that are there
    #[arg(long)]
    pub(crate) from_start: bool,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

/// Form of passing rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TapFormat {
    /// One object per line.
    Json,
    /// A header, then one row per line.
    Csv,
    /// A table drawn with lines, one per look.
    Box,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Top {
    /// How often to look
    #[arg(long, value_name = "TIME", value_parser = interval, default_value = "1s")]
    pub(crate) interval: Duration,
    /// End after so many looks
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
    /// Key of the pipeline in the bundle
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Dev {
    /// Key of the pipeline in the bundle
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The fleet whose records go on the streams; without it, `simulate:` of sluice.yml, else the one that fits the name of the stream
    #[arg(long, value_name = "PRESET", conflicts_with_all = ["template", "no_simulate"],
          value_parser = PossibleValuesParser::new(Preset::ALL.map(Preset::name)))]
    pub(crate) preset: Option<String>,
    /// A template of the Amazon Kinesis Data Generator instead
    #[arg(long, value_name = "FILE", conflicts_with = "no_simulate")]
    pub(crate) template: Option<PathBuf>,
    /// Records per time, as in `100/s`
    #[arg(long, value_name = "RATE", conflicts_with = "no_simulate", value_parser = super::simulate::rate)]
    pub(crate) rate: Option<super::Pace>,
    /// Put nothing on the streams
    #[arg(long)]
    pub(crate) no_simulate: bool,
    /// Show the rows of these tables as they come; without it, of those with `alert` in their name, else of those that nothing reads
    #[arg(long, value_name = "TABLES", value_delimiter = ',')]
    pub(crate) tap: Vec<String>,
    /// Send rows of alert tables to the destinations of sluice.yml too
    #[arg(long)]
    pub(crate) deliver: bool,
    /// Port of the Kinesis of this machine, so that other programs find it; without it, any free one
    #[arg(
        long,
        value_name = "PORT",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub(crate) kinesis_port: u16,
    /// Shards of each stream
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) shards: u32,
}

fn interval(text: &str) -> Result<Duration, String> {
    let us = duration_us(text)?;
    // Faster is only heat.
    Ok(Duration::from_micros(us.max(50_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_not_too_short() {
        assert_eq!(interval("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(interval("1ms"), Ok(Duration::from_millis(50)));
        assert!(interval("often").is_err());
    }
}
