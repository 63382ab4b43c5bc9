//! `session_window(ts, gap)`: the time at which the session of one row ends. A gap is a text that may differ by row; one
//! that is no interval gives NULL, as in Spark. Must not merge sessions: `bind` does.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use sluice_decode::datetime::Zone;
use sluice_model::Diagnostic;
use sluice_model::condition::query as condition;

use crate::bind::Typed;
use crate::error::raise;
use crate::rewrite::interval;
use crate::rewrite::shift;

/// The end of the session that a row alone makes.
pub(crate) fn session_end(time: &Typed, gap: &Typed) -> Typed {
    let returns = time.data_type.clone();
    let function = SessionEnd {
        returns: returns.clone(),
        signature: Signature::any(2, Volatility::Immutable),
    };
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    let args = vec![time.expr.clone(), gap.expr.clone()];
    Typed::new(
        Expr::ScalarFunction(ScalarFunction::new_udf(function, args)),
        returns,
    )
}

/// A length on the calendar, each part for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    months: i32,
    days: i64,
    micros: i64,
}

impl Gap {
    /// Reads `5 minutes`, `1 month 2 days`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_lowercase();
        let text = text.strip_prefix("interval ").unwrap_or(&text);
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.is_empty() || words.len() % 2 == 1 {
            return None;
        }
        let mut gap = Self {
            months: 0,
            days: 0,
            micros: 0,
        };
        for pair in words.chunks(2) {
            match interval::parse(&pair.join(" "), None, None)? {
                ScalarValue::IntervalYearMonth(Some(months)) => {
                    gap.months = gap.months.checked_add(months)?;
                }
                ScalarValue::DurationSecond(Some(seconds)) => {
                    gap.days = gap.days.checked_add(seconds / 86_400)?;
                }
                ScalarValue::DurationMicrosecond(Some(micros)) => {
                    gap.micros = gap.micros.checked_add(micros)?;
                }
                _ => return None,
            }
        }
        Some(gap)
    }

    /// The time this long after another: months and days by the wall clock of the zone.
    fn after(self, time: i64, zone: &Zone) -> Option<i64> {
        let day = shift::on_calendar(zone, time, self.months, self.days)?;
        day.checked_add(self.micros)
    }
}

/// The end of a row's session as a function.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SessionEnd {
    returns: DataType,
    signature: Signature,
}

impl SessionEnd {
    fn run(&self, time: &ArrayRef, gap: &ColumnarValue, zone: &Zone) -> ArrayRef {
        let times = time.as_primitive::<TimestampMicrosecondType>();
        let ends: TimestampMicrosecondArray = match gap {
            ColumnarValue::Scalar(gap) => {
                let gap = gap.try_as_str().flatten().and_then(Gap::parse);
                times.unary_opt(|time| gap?.after(time, zone))
            }
            ColumnarValue::Array(gaps) => {
                let gaps = gaps.as_string::<i32>();
                let end =
                    |(time, gap): (Option<i64>, Option<&str>)| Gap::parse(gap?)?.after(time?, zone);
                times.iter().zip(gaps).map(end).collect()
            }
        };
        Arc::new(ends.with_data_type(self.returns.clone()))
    }
}

impl ScalarUDFImpl for SessionEnd {
    fn name(&self) -> &'static str {
        "session_end"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> datafusion::error::Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(
        &self,
        args: ScalarFunctionArgs,
    ) -> datafusion::error::Result<ColumnarValue> {
        let session = args.config_options.execution.time_zone.as_deref();
        let name = match &self.returns {
            DataType::Timestamp(_, None) => "UTC",
            _ => session.unwrap_or("UTC"),
        };
        let Some(zone) = Zone::parse(name) else {
            let message = format!("`{name}` is no time zone");
            return Err(raise(Diagnostic::error(
                &condition::INVALID_TIMEZONE,
                message,
            )));
        };
        let [time, gap] = args.args.as_slice() else {
            return datafusion::common::internal_err!("a session has a time and a gap");
        };
        let rows = time.to_array(args.number_rows)?;
        Ok(ColumnarValue::Array(self.run(&rows, gap, &zone)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_keep_months_days_and_hours_apart() {
        let gap = |months, days, micros| {
            Some(Gap {
                months,
                days,
                micros,
            })
        };
        assert_eq!(Gap::parse("5 minutes"), gap(0, 0, 300_000_000));
        assert_eq!(
            Gap::parse("INTERVAL 1 month 2 days 1 second"),
            gap(1, 2, 1_000_000)
        );
        assert_eq!(Gap::parse("-3 minutes"), gap(0, 0, -180_000_000));
        assert_eq!(Gap::parse("a while"), None);
        assert_eq!(Gap::parse("5"), None);
        assert_eq!(Gap::parse(""), None);
    }
}
