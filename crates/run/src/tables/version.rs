//! `VERSION AS OF` and `TIMESTAMP AS OF`: the version of a table that they stand for. Must not read rows.

use sluice_graph::query::TimeTravel;
use sluice_model::condition::graph::INVALID_TIME_TRAVEL_TIMESTAMP;
use sluice_model::condition::table::{
    DELTA_CANNOT_RESTORE_TABLE_VERSION, DELTA_CANNOT_RESTORE_TIMESTAMP_EARLIER,
    DELTA_CANNOT_RESTORE_TIMESTAMP_GREATER, DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION,
    DELTA_TIMESTAMP_GREATER_THAN_COMMIT, DELTA_VERSION_NOT_FOUND,
};
use sluice_model::{Condition, Diagnostic, Origin};
use sluice_plan::Session;
use sluice_table::DeltaTable;

use crate::error::{Failure, Result};

/// What a version is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A query of a pipeline: its moments are literals, so that it means the same in every update.
    ByFlow,
    /// A question of the moment.
    ByQuestion,
    /// RESTORE.
    ToRestore,
}

/// The version that is meant. A moment means the newest version that was committed at or before it; one before the
/// first commit or after the last is an error, as in Delta.
pub(crate) async fn version_of(
    table: &DeltaTable,
    travel: &TimeTravel,
    session: &Session,
    wanted: Wanted,
    origin: &Origin,
) -> Result<u64> {
    let newest = table.version();
    match travel {
        TimeTravel::Version(version) => {
            let oldest = oldest(table).await?;
            if (oldest..=newest).contains(version) {
                return Ok(*version);
            }
            let message = format!(
                "there is no version {version}: {}",
                available(oldest, newest)
            );
            let pair = (
                &DELTA_VERSION_NOT_FOUND,
                &DELTA_CANNOT_RESTORE_TABLE_VERSION,
            );
            Err(missing(wanted, pair, message, origin))
        }
        TimeTravel::Timestamp(text) => {
            let mut moment = session.moment(text).await;
            if moment.is_none() && wanted != Wanted::ByFlow {
                moment = session.moment_of(text).await;
            }
            match moment {
                Some(moment_us) => at_moment(table, text, moment_us, wanted, origin).await,
                None => Err(no_moment(text, wanted).at(origin, "").into()),
            }
        }
    }
}

fn no_moment(text: &str, wanted: Wanted) -> Diagnostic {
    let message = match wanted {
        Wanted::ByFlow => format!("`{text}` is no literal timestamp"),
        _ => format!("`{text}` is no timestamp"),
    };
    Diagnostic::error(&INVALID_TIME_TRAVEL_TIMESTAMP, message)
        .help("write `TIMESTAMP AS OF '2026-01-01 10:00:00'`, or `VERSION AS OF n`")
}

/// Halves the log: what Delta calls the time of a commit only grows from one to the next.
async fn at_moment(
    table: &DeltaTable,
    text: &str,
    moment_us: i64,
    wanted: Wanted,
    origin: &Origin,
) -> Result<u64> {
    let (oldest, newest) = (oldest(table).await?, table.version());
    let earlier = |message: String| {
        let pair = (
            &DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION,
            &DELTA_CANNOT_RESTORE_TIMESTAMP_EARLIER,
        );
        missing(wanted, pair, message, origin)
    };
    let Some(newest_us) = committed_us(table, oldest, newest).await? else {
        return Err(earlier("the log tells no times".to_string()));
    };
    if moment_us > newest_us {
        let message = format!(
            "`{text}` is after the newest version, {newest} of {}",
            shown(newest_us)
        );
        let pair = (
            &DELTA_TIMESTAMP_GREATER_THAN_COMMIT,
            &DELTA_CANNOT_RESTORE_TIMESTAMP_GREATER,
        );
        return Err(missing(wanted, pair, message, origin));
    }
    let (mut after, mut end) = (oldest, newest + 1);
    while after < end {
        let middle = after + (end - after) / 2;
        let middle_us = committed_us(table, oldest, middle).await?;
        if middle_us.is_some_and(|at| at > moment_us) {
            end = middle;
        } else {
            after = middle + 1;
        }
    }
    if let Some(found) = after.checked_sub(1).filter(|found| *found >= oldest)
        && committed_us(table, oldest, found).await?.is_some()
    {
        return Ok(found);
    }
    let first_us = committed_us(table, oldest, after).await?;
    Err(earlier(format!(
        "`{text}` is before the oldest version that the log holds, {oldest} of {}",
        shown(first_us.unwrap_or(newest_us))
    )))
}

/// When a version was committed, microseconds since 1970: what its commit tells, or else the one before it that tells.
async fn committed_us(table: &DeltaTable, oldest: u64, version: u64) -> Result<Option<i64>> {
    for version in (oldest..=version).rev() {
        let commit = table.commit_at(version).await?;
        if let Some(committed_ms) = commit.and_then(|commit| commit.timestamp_ms) {
            return Ok(Some(committed_ms.saturating_mul(1000)));
        }
    }
    Ok(None)
}

/// The oldest version that can be read.
async fn oldest(table: &DeltaTable) -> Result<u64> {
    Ok(table.oldest_version().await?)
}

fn available(oldest: u64, newest: u64) -> String {
    if oldest == newest {
        format!("there is only version {newest}")
    } else {
        format!("versions {oldest} to {newest} can be read")
    }
}

fn shown(time_us: i64) -> String {
    let time = chrono::DateTime::from_timestamp_micros(time_us).unwrap_or_default();
    time.format("%Y-%m-%d %H:%M:%S%.3f UTC").to_string()
}

fn missing(
    wanted: Wanted,
    (to_read, to_restore): (&'static Condition, &'static Condition),
    message: String,
    origin: &Origin,
) -> Failure {
    let condition = match wanted {
        Wanted::ToRestore => to_restore,
        Wanted::ByFlow | Wanted::ByQuestion => to_read,
    };
    Diagnostic::error(condition, message)
        .at(origin, "")
        .help("`DESCRIBE HISTORY TABLE` lists the versions with their times")
        .into()
}
