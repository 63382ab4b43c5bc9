//! The sample data of `examples/iot-lakehouse`: a week of readings of sixty devices and the change events of seven
//! tables, always the same bytes. It holds what real landing zones hold: late readings, repeated lines, broken
//! lines, unknown sensor types, deletes, changes within the same second. Must not ask for time or randomness.

mod changes;
mod events;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use flate2::{Compression, GzBuilder};

/// 2026-11-14T00:00:00Z in milliseconds: the first day of readings.
const FIRST_DAY_MS: i64 = 1_794_614_400_000;
const SECOND_MS: i64 = 1_000;
const HOUR_MS: i64 = 3_600 * SECOND_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A file of JSON lines, by its path below the landing folder.
struct LandingFile {
    path: String,
    lines: Vec<String>,
}

/// Writes all files below `landing`, replacing what is there.
pub fn write(landing: &Path) -> io::Result<()> {
    if landing.exists() {
        fs::remove_dir_all(landing)?;
    }
    let mut random = Random(20_261_114);
    let mut files = changes::files(&mut random);
    files.extend(events::files(&mut random));
    for file in files {
        let path = landing.join(&file.path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = file.lines.join("\n") + "\n";
        if file.path.ends_with(".gz") {
            let mut packed = GzBuilder::new()
                .mtime(0)
                .write(Vec::new(), Compression::best());
            packed.write_all(text.as_bytes())?;
            fs::write(path, packed.finish()?)?;
        } else {
            fs::write(path, text)?;
        }
    }
    Ok(())
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    fn below(&mut self, end: i64) -> i64 {
        i64::try_from(self.next() % u64::try_from(end).unwrap_or(1)).unwrap_or(0)
    }

    /// A number from `low` to `high`, in steps of a tenth.
    fn tenths(&mut self, low: f64, high: f64) -> f64 {
        let steps = ((high - low) * 10.0) as i64;
        low + self.below(steps + 1) as f64 / 10.0
    }

    /// True `percent` times of a hundred.
    fn chance(&mut self, percent: i64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.next() as usize % from.len()]
    }
}

/// A JSON string, or `null`. The texts here need no escapes.
fn text(value: Option<&str>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| format!("\"{value}\""))
}

/// `2026-11-14`, `00:07:12` and the milliseconds of an instant in UTC.
fn parts(at_ms: i64) -> (String, String, i64) {
    // Days to a date: the algorithm of Howard Hinnant's "chrono-compatible low-level date algorithms".
    let days = at_ms.div_euclid(DAY_MS) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let of_day = at_ms.rem_euclid(DAY_MS);
    let seconds = of_day / SECOND_MS;
    (
        format!("{year:04}-{month:02}-{day:02}"),
        format!(
            "{:02}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        ),
        of_day % SECOND_MS,
    )
}
