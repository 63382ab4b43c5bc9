//! When a stream is idle, so that event time moves on with the clock (`sluice.watermark.idleTimeout`): no row has come for
//! so long, and whoever fills what it reads is well and has caught up. Must not move watermarks: `StreamState` does.
//!
//! The moved watermark is part of the plan of a batch, as every watermark is: whoever does the batch again closes the
//! same windows.

use std::collections::BTreeSet;

use sluice_graph::{FlowId, ResolvedFlow};
use sluice_model::condition::graph::INVALID_TABLE_PROPERTY;
use sluice_model::{Diagnostic, StreamState};
use sluice_plan::StreamContext;

use crate::continuous::trigger::micros;
use crate::error::Result;
use crate::update::{Mode, Update};

/// How a flow waits for rows that come no more.
#[derive(Debug)]
pub(crate) struct Idleness {
    timeout_us: i64,
    /// Since when whoever fills its sources would have filled them.
    quiet_since_us: i64,
}

impl Idleness {
    /// The time between two looks whether it is idle.
    pub(crate) fn look_every(&self) -> std::time::Duration {
        std::time::Duration::from_micros(self.timeout_us.unsigned_abs())
    }

    /// Rows may be on their way: it is idle when none has come for the whole time from now on.
    pub(crate) fn expect_rows_from(&mut self, now_us: i64) {
        self.quiet_since_us = now_us;
    }

    /// Moves the watermarks of a flow that is idle; whether it did.
    pub(crate) fn moves(&self, state: &mut StreamState, now_us: i64) -> bool {
        let moved = state.moved_by_clock(now_us, self.quiet_since_us, self.timeout_us);
        let has_moved = moved.is_some();
        if let Some(moved) = moved {
            *state = moved;
        }
        has_moved
    }
}

impl Update {
    /// How a flow waits for rows that come no more; `None` if it does so for ever, as Spark does. Where a flow that
    /// fills its sources takes no part in the update, rows may wait before that one, and nothing is closed.
    pub(crate) fn idleness_of(&self, flow: &ResolvedFlow) -> Result<Option<Idleness>> {
        let Some(timeout) = self.pace_of(flow)?.idle_timeout else {
            return Ok(None);
        };
        if !self
            .upstream_flows(&flow.id)
            .iter()
            .all(|id| self.takes_part(id))
        {
            return Ok(None);
        }
        Ok(Some(Idleness {
            timeout_us: micros(timeout),
            quiet_since_us: match self.request.mode {
                // What fills its sources has ended before it begins.
                Mode::Triggered => i64::MIN,
                Mode::Continuous(_) => self.engine.clock().now_us(),
            },
        }))
    }

    /// All flows whose rows reach a flow sooner or later.
    pub(crate) fn upstream_flows(&self, flow: &FlowId) -> BTreeSet<FlowId> {
        let graph = &self.prepared.graph;
        let mut found: BTreeSet<FlowId> = BTreeSet::new();
        let mut open = vec![flow.clone()];
        while let Some(id) = open.pop() {
            let tables = graph.upstream_tables(&id);
            for other in graph.flows.keys() {
                if other != flow && tables.contains(&other.target) && found.insert(other.clone()) {
                    open.push(other.clone());
                }
            }
        }
        found
    }

    /// Refuses a timeout on a table whose query has nothing that a watermark would close.
    pub(crate) fn check_idle_timeout(
        &self,
        flow: &ResolvedFlow,
        context: &StreamContext,
    ) -> Result<()> {
        let Some(origin) = self.pace_of(flow)?.idle_origin else {
            return Ok(());
        };
        if context.has_watermark() && context.has_state() && !context.rewrites() {
            return Ok(());
        }
        let message = format!(
            "`sluice.watermark.idleTimeout` of `{}` would close nothing",
            flow.id.target
        );
        Err(Diagnostic::error(&INVALID_TABLE_PROPERTY, message)
            .at(&origin, "")
            .at(
                &flow.origin,
                "this query keeps no state that a watermark closes",
            )
            .fact("nothing was written")
            .help("remove the property, or group by a time window of a stream with WATERMARK")
            .into())
    }
}
