//! When a flow of a continuous update may begin to work again. Must not wait: it says times.

use std::time::Duration;

use sluice_graph::query::ReadMode;
use sluice_graph::{Input, Pace, ResolvedFlow};
use sluice_model::FlowKind;

use crate::error::{Result, internal};
use crate::inputs::leaves::leaves;
use crate::update::Update;

/// A refresh whose inputs are all Delta tables, as Databricks has it.
const REFRESH_OF_TABLES: Duration = Duration::from_mins(1);
/// A refresh that reads something else, as Databricks has it.
const REFRESH_OF_OTHERS: Duration = Duration::from_mins(10);
/// A view that reads the outside world looks at it no more often than this, however short its interval is.
const OUTSIDE_EVERY: Duration = Duration::from_secs(1);

/// The rhythm of a flow.
#[derive(Debug, Clone)]
pub(crate) struct Trigger {
    /// Its settings.
    pub(crate) pace: Pace,
    /// The time between two beginnings of work, at least.
    pub(crate) interval: Duration,
    /// The time after which a materialized view looks at its inputs though nobody called.
    pub(crate) look_every: Duration,
}

impl Update {
    /// The pace that the settings of a flow ask for. Wrong ones were refused when the project was read.
    pub(crate) fn pace_of(&self, flow: &ResolvedFlow) -> Result<Pace> {
        let dataset = self.dataset(&flow.id.target)?;
        Ok(
            Pace::of(&flow.settings, &dataset.definition.properties).map_err(|fault| {
                internal(&format!("`{}` was not refused: {}", fault.key, fault.value))
            })?,
        )
    }

    /// The rhythm of a flow: a stream takes rows as soon as they are there unless it is told to wait.
    pub(crate) fn trigger_of(&self, flow: &ResolvedFlow) -> Result<Trigger> {
        let pace = self.pace_of(flow)?;
        let mut reads_outside = false;
        let mut reads_others = false;
        for leaf in leaves(&self.prepared.graph, flow) {
            match &leaf.input {
                Input::Dataset(_) => {}
                Input::External(_) => reads_outside = true,
                Input::Path { format, .. } if format == "delta" => reads_outside = true,
                _ if leaf.mode == ReadMode::Stream => {}
                _ => reads_others = true,
            }
        }
        let default = match flow.kind {
            FlowKind::Complete if reads_others => REFRESH_OF_OTHERS,
            FlowKind::Complete => REFRESH_OF_TABLES,
            FlowKind::Append | FlowKind::AppendOnce | FlowKind::View => Duration::ZERO,
        };
        let interval = pace.interval.unwrap_or(default);
        let least = if reads_outside || reads_others {
            OUTSIDE_EVERY
        } else {
            REFRESH_OF_TABLES
        };
        Ok(Trigger {
            interval,
            look_every: interval.max(least),
            pace,
        })
    }
}

/// A span as microseconds of the clock.
pub(crate) fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}
