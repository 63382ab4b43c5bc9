//! Arguments of stations: flags of an update, durations. Must not run anything.

use sluice_run::UpdateRequest;

use super::failure::Trouble;
use super::fate::{Death, Disturbance};

/// The flags of `update`.
pub(super) fn request(flags: &str) -> Result<UpdateRequest, Trouble> {
    let mut request = UpdateRequest::default();
    let mut words = flags.split_whitespace();
    while let Some(word) = words.next() {
        let mut list = || {
            words
                .next()
                .map(|names| names.split(',').map(str::to_owned).collect())
                .unwrap_or_default()
        };
        match word {
            "--full-refresh-all" => request.selection.full_refresh_all = true,
            "--allow-data-loss" => request.allow_data_loss = true,
            "--full-refresh" => request.selection.full_refresh = list(),
            "--refresh" | "--select" => request.selection.refresh = list(),
            "--exclude" => request.selection.exclude = list(),
            other => {
                return Err(Trouble::misspelled(
                    format!("`{other}` is no flag of update"),
                    "flags are --refresh, --select, --exclude, --full-refresh, --full-refresh-all and --allow-data-loss",
                ));
            }
        }
    }
    Ok(request)
}

/// `data-written silver`, or `operation 17 after` for the so-and-so-many-th one after those that were.
pub(super) fn death(text: &str, operations: u64) -> Result<Death, Trouble> {
    let Some(rest) = text.strip_prefix("operation ") else {
        return Ok(Death::Step(text.to_owned()));
    };
    let wrong = || {
        Trouble::misspelled(
            format!("`{text}` is no operation"),
            "write which one from now on, and when: `--- crash operation 17 before`, or `after`",
        )
    };
    let (number, when) = rest.split_once(' ').ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let after = match when {
        "before" => false,
        "after" => true,
        _ => return Err(wrong()),
    };
    Ok(Death::Operation {
        number: operations + number,
        after,
    })
}

/// `put.plan silver 2`: the step, a part of the path, how often; `after`: they are done all the same.
pub(super) fn disturbance(text: &str) -> Result<Disturbance, Trouble> {
    let wrong = || {
        Trouble::misspelled(
            format!("`{text}` is no disturbance"),
            "write a step, a part of the path, and how often: `--- disturb put.plan silver 2`; or what happens to calls: `--- disturb kinesis GetRecords throttled 3`",
        )
    };
    let words: Vec<&str> = text.split_whitespace().collect();
    let (step, place, times, after) = match words.as_slice() {
        [step, place, times] => (step, place, times, false),
        [step, place, times, "after"] => (step, place, times, true),
        _ => return Err(wrong()),
    };
    Ok(Disturbance {
        step: (*step).to_owned(),
        place: (*place).to_owned(),
        times: times.parse().map_err(|_| wrong())?,
        after,
    })
}

/// `10m` in microseconds.
pub(super) fn duration_us(text: &str) -> Result<i64, Trouble> {
    let wrong = || {
        Trouble::misspelled(
            format!("`{text}` is no duration"),
            "write a number and a unit: 90s, 10m, 2h, 1d",
        )
    };
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    number.checked_mul(seconds * 1_000_000).ok_or_else(wrong)
}
