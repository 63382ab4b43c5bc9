//! Helpers that the original does not have: what fleets of sensors need (`device.id`, `walk`, `anomaly`), and the forms
//! that people write though the original refuses them (`random(1, 3)`, `timestamp`). Must not draw a number.

use serde_json::Value;

use super::super::moment::TimePattern;
use super::super::random::whole;
use super::Mistake;
use super::argument::{Arguments, decimals_of, shown};
use super::helper::{Helper, WALKING_DEVICES};
use super::resolve::time;

/// What this simulator adds.
pub(super) fn own(
    name: &str,
    arguments: &Arguments<'_>,
    walks: &mut Vec<Option<f64>>,
) -> Result<Option<Helper>, Mistake> {
    let decimals = || -> usize {
        let all = arguments.values.iter().filter_map(Value::as_f64);
        all.map(decimals_of).max().unwrap_or(0).max(2)
    };
    Ok(Some(match name {
        "random" => between(arguments)?,
        "timestamp" => time(arguments, TimePattern::iso_milliseconds()),
        "seq" => Helper::Number,
        "device.id" => {
            let (prefix, most) = match &arguments.values[..] {
                [Value::String(prefix), most] => (prefix.clone(), most.as_u64()),
                [Value::String(prefix)] => (prefix.clone(), Some(u64::MAX)),
                [most] => ("device-".to_owned(), most.as_u64()),
                [] => ("device-".to_owned(), Some(u64::MAX)),
                _ => (String::new(), None),
            };
            let most = most.filter(|most| *most > 0).ok_or_else(|| {
                arguments
                    .mistake("expected a prefix, a number of devices, or both: `\"SENSOR-\", 3`")
            })?;
            Helper::Device(prefix, most)
        }
        "device.index" => Helper::Device(String::new(), u64::MAX),
        "normal" => Helper::Normal {
            mean: arguments.number(&["mean", "mu"], 0, 0.0)?,
            deviation: arguments.number(&["deviation", "sigma"], 1, 1.0)?,
            decimals: decimals(),
        },
        "walk" => {
            let slot = walks.len() / WALKING_DEVICES;
            if slot >= 64 {
                return Err(arguments.mistake("a template has at most 64 walks"));
            }
            walks.resize(walks.len() + WALKING_DEVICES, None);
            Helper::Walk {
                slot,
                start: arguments.number(&["start"], 0, 0.0)?,
                step: arguments.number(&["step"], 1, 1.0)?.abs(),
                decimals: decimals(),
            }
        }
        "sine" => {
            let seconds = arguments.number(&["period"], 0, 86_400.0)?;
            if !(0.001..=1e9).contains(&seconds) {
                return Err(arguments.mistake("the period is a number of seconds above 0"));
            }
            Helper::Sine {
                period_us: whole(seconds * 1e6),
                amplitude: arguments.number(&["amplitude"], 1, 1.0)?,
                decimals: decimals(),
            }
        }
        "anomaly" => match &arguments.values[..] {
            [ordinary, odd] => {
                let both = (range_or_value(ordinary), range_or_value(odd));
                Helper::Anomaly(Box::new(both))
            }
            _ => {
                let message = "expected two: what is usual and what is an anomaly, each a value or a range: `[15.0, 35.0], [80.0, 120.0]`";
                return Err(arguments.mistake(message));
            }
        },
        _ => return Ok(None),
    }))
}

/// `[15.0, 35.0]` is any number between, anything else is itself.
fn range_or_value(value: &Value) -> Helper {
    if let Some([Value::Number(low), Value::Number(high)]) = value.as_array().map(Vec::as_slice) {
        if let (Some(low), Some(high)) = (low.as_i64(), high.as_i64()) {
            return Helper::Whole(low.min(high), low.max(high));
        }
        if let (Some(low), Some(high)) = (low.as_f64(), high.as_f64()) {
            let decimals = decimals_of(low).max(decimals_of(high)).max(2);
            return Helper::Real(low.min(high), low.max(high), decimals);
        }
    }
    Helper::Choice(vec![shown(value)])
}

/// `random(1, 3)`: whole when both ends are, as they are written.
fn between(arguments: &Arguments<'_>) -> Result<Helper, Mistake> {
    match &arguments.values[..] {
        [] => Ok(Helper::Whole(0, 99_999)),
        [low @ Value::Number(_), high @ Value::Number(_)] => {
            let range = Value::Array(vec![low.clone(), high.clone()]);
            Ok(range_or_value(&range))
        }
        _ => Err(arguments.mistake("expected two numbers: `random(1, 3)`")),
    }
}
