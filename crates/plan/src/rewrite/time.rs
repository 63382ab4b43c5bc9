//! The query time: constant for a whole query, given by the session, never asked of the machine.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use sluice_decode::datetime::Zone;

use crate::SessionSettings;

/// `current_timestamp()`.
pub(crate) fn timestamp(now_us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(now_us), Some("UTC".into()))
}

/// `localtimestamp()`: the wall clock of the session time zone.
pub(crate) fn local(settings: &SessionSettings) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(wall_clock(settings)), None)
}

/// `current_date()` in the session time zone.
pub(crate) fn date(settings: &SessionSettings) -> ScalarValue {
    let days = wall_clock(settings).div_euclid(86_400_000_000);
    ScalarValue::Date32(i32::try_from(days).ok())
}

fn wall_clock(settings: &SessionSettings) -> i64 {
    Zone::parse(&settings.time_zone).map_or(settings.now_us, |zone| zone.to_local(settings.now_us))
}

/// Spark's TIMESTAMP in Arrow.
pub(crate) fn timestamp_type() -> DataType {
    timestamp(0).data_type()
}
