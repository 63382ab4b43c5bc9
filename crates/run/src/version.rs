//! `VERSION AS OF` and `TIMESTAMP AS OF`: the version of a table that they stand for. Must not read rows.

use sluice_graph::query::TimeTravel;
use sluice_model::condition::graph::UNSUPPORTED_TIME_TRAVEL;
use sluice_model::condition::table::VERSION_NOT_FOUND;
use sluice_model::{Diagnostic, Origin};
use sluice_plan::Session;
use sluice_table::DeltaTable;

use crate::error::Result;

/// The version that is meant. A moment means the newest version that was committed at or before it; one before the
/// first commit or after the last is an error, as in Delta.
pub(crate) async fn version_of(
    table: &DeltaTable,
    travel: &TimeTravel,
    session: &Session,
    origin: &Origin,
) -> Result<u64> {
    let newest = table.version();
    let missing = |what: String| {
        let error = Diagnostic::error(&VERSION_NOT_FOUND, what).at(origin, "");
        error.help("`sluice history TABLE` lists the versions with their times")
    };
    match travel {
        TimeTravel::Version(version) if *version <= newest => Ok(*version),
        TimeTravel::Version(version) => Err(missing(format!(
            "there is no version {version} yet: the newest is {newest}"
        ))
        .into()),
        TimeTravel::Timestamp(text) => {
            let Some(moment_us) = session.moment(text).await else {
                return Err(Diagnostic::error(
                    &UNSUPPORTED_TIME_TRAVEL,
                    format!("`{text}` is no literal timestamp"),
                )
                .at(origin, "")
                .help("write `TIMESTAMP AS OF '2026-01-01 10:00:00'`, or `VERSION AS OF n`")
                .into());
            };
            for version in (0..=newest).rev() {
                let Some(commit) = table.commit_at(version).await? else {
                    break;
                };
                let Some(committed_ms) = commit.timestamp_ms else {
                    continue;
                };
                let committed_us = committed_ms.saturating_mul(1000);
                if version == newest && moment_us > committed_us {
                    return Err(
                        missing(format!("`{text}` is after the newest version, {newest}")).into(),
                    );
                }
                if committed_us <= moment_us {
                    return Ok(version);
                }
            }
            Err(missing(format!(
                "`{text}` is before the oldest version that the log holds"
            ))
            .into())
        }
    }
}
