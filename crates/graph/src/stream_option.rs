//! `STREAM t WITH (key = value, …)`: the options of reading a Delta table as a stream, with Delta's names and
//! defaults. Must not know tables: what the options mean for a commit is the reader's business.

use sluice_model::suggest::{closest, did_you_mean};
use std::collections::BTreeMap;

use sluice_model::quantity;

/// Options that are known, lower case, and what to say of those that nothing here carries out.
const NOT_BUILT: &[(&str, &str)] = &[
    (
        "ignoredeletes",
        "`skipChangeCommits = true` leaves out every commit that removes or replaces rows",
    ),
    (
        "ignorechanges",
        "`skipChangeCommits = true` leaves out every commit that removes or replaces rows",
    ),
    (
        "startingtimestamp",
        "name the version: `startingVersion = 12`; `sluice history TABLE` lists them with their times",
    ),
    (
        "readchangefeed",
        "read added rows only, with `skipChangeCommits = true`",
    ),
    ("witheventtimeorder", "it only matters for watermarks"),
    (
        "excluderegex",
        "filter in the query: `WHERE _metadata.file_path NOT RLIKE …`",
    ),
    (
        "schematrackinglocation",
        "columns are followed without it: remove it",
    ),
];

const BUILT: &[&str] = &[
    "skipChangeCommits",
    "maxFilesPerTrigger",
    "maxBytesPerTrigger",
    "startingVersion",
    "failOnDataLoss",
];

/// How a table is read as a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamOptions {
    /// `skipChangeCommits`: commits that remove or replace rows are left out whole.
    pub skip_change_commits: bool,
    /// `maxFilesPerTrigger`: files of a micro-batch at most; `None`: Delta's 1000.
    pub files_max: Option<usize>,
    /// `maxBytesPerTrigger`: bytes of a micro-batch, at least one file; `None`: no limit.
    pub bytes_max: Option<u64>,
    /// `startingVersion`: the first version whose rows are read, at the first start only; `None`: the table as it is
    /// then, and commits after it.
    pub starting_version: Option<u64>,
}

/// An option that cannot be taken: what is wrong, and what to do if that can be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionFault {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl StreamOptions {
    /// Reads options as the parser gives them, keys lower case; takes what is right and lists what is wrong.
    #[must_use]
    pub fn parse(written: &BTreeMap<String, String>) -> (Self, Vec<OptionFault>) {
        let mut options = Self::default();
        let mut faults = vec![];
        for (key, value) in written {
            if let Err(fault) = options.set(key, value) {
                faults.push(fault);
            }
        }
        (options, faults)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), OptionFault> {
        match key {
            "skipchangecommits" => self.skip_change_commits = boolean("skipChangeCommits", value)?,
            "maxfilespertrigger" => {
                self.files_max = Some(positive("maxFilesPerTrigger", value, value.parse().ok())?);
            }
            "maxbytespertrigger" => {
                self.bytes_max = Some(positive(
                    "maxBytesPerTrigger",
                    value,
                    quantity::bytes(value),
                )?);
            }
            "startingversion" => {
                let version = value.parse().map_err(|_| OptionFault {
                    message: format!("`startingVersion` is `{value}`, not the number of a version"),
                    help: Some(
                        "write the number: `sluice history TABLE` lists the versions".into(),
                    ),
                })?;
                self.starting_version = Some(version);
            }
            "failondataloss" if boolean("failOnDataLoss", value)? => {}
            "failondataloss" => {
                return Err(OptionFault {
                    message: "`failOnDataLoss = false` would lose rows without a word".into(),
                    help: Some("remove it".into()),
                });
            }
            other => return Err(unknown(other)),
        }
        Ok(())
    }
}

fn unknown(key: &str) -> OptionFault {
    if let Some((_, help)) = NOT_BUILT.iter().find(|(known, _)| *known == key) {
        return OptionFault {
            message: format!("the stream option `{key}` is known and not built yet"),
            help: Some((*help).to_string()),
        };
    }
    OptionFault {
        message: format!("there is no stream option `{key}`"),
        help: Some(match closest(key, BUILT.iter().copied()) {
            Some(known) => did_you_mean(known),
            None => format!("options of a streamed table: {}", BUILT.join(", ")),
        }),
    }
}

fn boolean(name: &str, value: &str) -> Result<bool, OptionFault> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(OptionFault {
            message: format!("`{name}` is `{value}`, not true or false"),
            help: None,
        }),
    }
}

fn positive<N: PartialOrd + From<u8>>(
    name: &str,
    value: &str,
    number: Option<N>,
) -> Result<N, OptionFault> {
    match number {
        Some(number) if number > N::from(0) => Ok(number),
        _ => Err(OptionFault {
            message: format!("`{name}` is `{value}`, not a number above 0"),
            help: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str, value: &str) -> (StreamOptions, Vec<OptionFault>) {
        StreamOptions::parse(&BTreeMap::from([(key.to_string(), value.to_string())]))
    }

    #[test]
    fn takes_what_delta_takes() {
        assert!(parse("skipchangecommits", "true").0.skip_change_commits);
        assert!(!parse("skipchangecommits", "FALSE").0.skip_change_commits);
        assert_eq!(parse("maxfilespertrigger", "7").0.files_max, Some(7));
        assert_eq!(parse("maxbytespertrigger", "2m").0.bytes_max, Some(2 << 20));
        assert_eq!(parse("startingversion", "3").0.starting_version, Some(3));
        assert_eq!(
            parse("failondataloss", "true"),
            (StreamOptions::default(), vec![])
        );
    }

    #[test]
    fn refuses_the_rest_with_words() {
        for (key, value, words) in [
            (
                "skipchangecommit",
                "true",
                "there is no stream option `skipchangecommit`",
            ),
            (
                "skipchangecommits",
                "yes",
                "`skipChangeCommits` is `yes`, not true or false",
            ),
            (
                "maxfilespertrigger",
                "0",
                "`maxFilesPerTrigger` is `0`, not a number above 0",
            ),
            (
                "maxbytespertrigger",
                "much",
                "`maxBytesPerTrigger` is `much`, not a number above 0",
            ),
            (
                "startingversion",
                "latest",
                "`startingVersion` is `latest`, not the number of a version",
            ),
            (
                "readchangefeed",
                "true",
                "the stream option `readchangefeed` is known and not built yet",
            ),
            (
                "failondataloss",
                "false",
                "`failOnDataLoss = false` would lose rows without a word",
            ),
        ] {
            let (_, faults) = parse(key, value);
            assert_eq!(
                faults
                    .iter()
                    .map(|f| f.message.as_str())
                    .collect::<Vec<_>>(),
                [words]
            );
        }
    }
}
