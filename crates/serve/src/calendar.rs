//! Quartz expressions in a time zone: which times they name. Must not know what runs at them.

use chrono::{DateTime, Offset, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use sluice_model::condition::serve::{SCHEDULE_CRON_INVALID, SCHEDULE_TIME_ZONE_UNKNOWN};
use sluice_model::job::Placed;
use sluice_model::{Diagnostic, Origin};

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// The times that a Quartz expression names in a time zone.
///
/// Where the clocks of the zone go forward, a time that the day does not have is taken at the end of the gap; where they
/// go back, a fixed time happens once, the first time, and what comes every so often goes on through both hours.
#[derive(Debug, Clone)]
pub struct Calendar {
    cron: Cron,
    zone: Tz,
}

impl Calendar {
    /// Understands an expression and a zone; without a zone, UTC.
    ///
    /// # Errors
    /// Everything that is wrong with the two, with their places.
    pub fn parse(
        expression: &Placed<String>,
        time_zone: Option<&Placed<String>>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let zone = match time_zone {
            None => Ok(Tz::UTC),
            Some(written) => written.value.parse::<Tz>().map_err(|_| {
                let message = format!("there is no time zone `{}`", written.value);
                Diagnostic::error(&SCHEDULE_TIME_ZONE_UNKNOWN, message)
                    .at(&written.origin, "")
                    .help("write an IANA name such as `UTC` or `Europe/Berlin`")
            }),
        };
        match (quartz(&expression.value, &expression.origin), zone) {
            (Ok(cron), Ok(zone)) => Ok(Self { cron, zone }),
            (cron, zone) => Err(cron
                .err()
                .map(|error| *error)
                .into_iter()
                .chain(zone.err())
                .collect()),
        }
    }

    /// The first time after this one; `None` when none comes any more.
    #[must_use]
    pub fn next_after(&self, time_us: i64) -> Option<i64> {
        let from = DateTime::<Utc>::from_timestamp_micros(time_us)?.with_timezone(&self.zone);
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        Some(next.timestamp_micros())
    }

    /// The last time up to this one, itself included; `None` when there was none.
    #[must_use]
    pub fn last_until(&self, time_us: i64) -> Option<i64> {
        let until = DateTime::<Utc>::from_timestamp_micros(time_us)?.with_timezone(&self.zone);
        let last = self.cron.find_previous_occurrence(&until, true).ok()?;
        Some(last.timestamp_micros())
    }

    /// A time as its zone writes it: `2026-03-29T03:00:00+02:00`.
    #[must_use]
    pub fn local(&self, time_us: i64) -> String {
        let time = DateTime::<Utc>::from_timestamp_micros(time_us).unwrap_or_default();
        let time = time.with_timezone(&self.zone);
        let offset = time.offset().fix();
        format!("{}{offset}", time.format("%Y-%m-%dT%H:%M:%S"))
    }

    /// Name of the zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        self.zone.name()
    }
}

fn quartz(text: &str, origin: &Origin) -> Result<Cron, Box<Diagnostic>> {
    let wrong = |message: String| {
        Box::new(
            Diagnostic::error(&SCHEDULE_CRON_INVALID, message)
                .at(origin, "")
                .fact("the fields are: second, minute, hour, day of month, month, day of week, and perhaps a year"),
        )
    };
    let upper = text.to_uppercase();
    let mut fields: Vec<&str> = upper.split_whitespace().collect();
    if !matches!(fields.len(), 6 | 7) {
        let message = format!(
            "`{text}` has {} fields; a Quartz expression has 6 or 7",
            fields.len()
        );
        let help = if fields.len() == 5 {
            "put the second in front: `0 …`"
        } else {
            "every night at two: `0 0 2 * * ?`"
        };
        return Err(Box::new(wrong(message).help(help)));
    }
    let (day_of_month, day_of_week) = (fields[3], fields[5]);
    match (day_of_month == "?", day_of_week == "?") {
        (true, true) => {
            let message = format!("`{text}` leaves both days open: only one of them may be `?`");
            return Err(Box::new(
                wrong(message).help("write `*` for the day of month"),
            ));
        }
        (false, false) => {
            let message = format!(
                "`{text}` says both a day of month and a day of week: one of them must be `?`"
            );
            let help = if day_of_week == "*" {
                "write `?` for the day of week, the sixth field"
            } else {
                "write `?` for the day that does not matter"
            };
            return Err(Box::new(wrong(message).help(help)));
        }
        _ => {}
    }
    if let Some(part) = day_of_week.split(',').find(|part| !is_weekday(part)) {
        let message = format!("`{part}` is no day of the week");
        return Err(Box::new(wrong(message).help(
            "days of the week are 1 (Sunday) to 7 (Saturday), or SUN to SAT",
        )));
    }
    // The last day of a week is its Saturday.
    if day_of_week == "L" {
        fields[5] = "SAT";
    }
    let parser = CronParser::builder()
        .seconds(Seconds::Required)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .build();
    parser
        .parse(&fields.join(" "))
        .map_err(|error| wrong(format!("`{text}` is no Quartz expression: {error}")))
}

/// `2`, `MON-FRI`, `6#3`, `6L`, `*/2`, `L`, `?`.
fn is_weekday(part: &str) -> bool {
    let base = part.split('/').next().unwrap_or_default();
    let is_day = |text: &str| {
        let text = text.split('#').next().unwrap_or_default();
        let text = text.strip_suffix('L').unwrap_or(text);
        DAYS.contains(&text)
            || text
                .parse()
                .is_ok_and(|number: u8| (1..=7).contains(&number))
    };
    matches!(base, "*" | "?" | "L") || (!base.is_empty() && base.split('-').all(is_day))
}

#[cfg(test)]
#[path = "calendar_tests.rs"]
mod tests;
