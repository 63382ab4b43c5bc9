//! The events that begin an update: what was asked, and what the graph is.

use serde_json::json;
use sluice_graph::query::ArgumentValue;
use sluice_graph::{Input, ResolvedFlow, stream_words};
use sluice_model::event::{EventLevel, EventOrigin};
use sluice_model::{Diagnostic, FlowKind, UpdateState};

use super::{EventLog, Said, details, source_location};
use crate::engine::Engine;
use crate::update::{Update, UpdateRequest};

impl EventLog {
    /// `create_update`.
    pub(crate) fn create_update(&self, engine: &Engine, request: &UpdateRequest) {
        let selection = &request.selection;
        let body = json!({
            "cause": "USER_ACTION",
            "run_as": engine.options.user,
            "full_refresh": selection.full_refresh_all,
            "full_refresh_selection": selection.full_refresh,
            "refresh_selection": selection.refresh,
            "validate_only": false,
        });
        let user = &engine.options.user;
        self.say(
            EventOrigin::default(),
            Said {
                event_type: "create_update",
                level: EventLevel::Info,
                message: format!("Update {} started by {user}.", self.update_short),
                details: details::details("create_update", body),
            },
        );
        self.update_state(UpdateState::Queued);
    }

    /// The update failed before any flow ran.
    pub(crate) fn update_failed(&self, diagnostics: &[Diagnostic]) {
        self.update_hindered(UpdateState::Failed, diagnostics);
    }

    /// The update waits for what failed before any flow ran, and begins again.
    pub(crate) fn update_waits(&self, diagnostics: &[Diagnostic]) {
        self.update_hindered(UpdateState::WaitingForResources, diagnostics);
    }

    fn update_hindered(&self, state: UpdateState, diagnostics: &[Diagnostic]) {
        let is_fatal = state == UpdateState::Failed;
        let first = diagnostics
            .iter()
            .find(|d| d.is_error())
            .map(ToString::to_string)
            .unwrap_or_default();
        let said = Said {
            event_type: "update_progress",
            level: if is_fatal {
                EventLevel::Error
            } else {
                EventLevel::Warn
            },
            message: format!(
                "Update {} is {}. {first}",
                self.update_short,
                state.as_str()
            ),
            details: details::update_progress(state),
        };
        let error = details::error(diagnostics, is_fatal);
        let id = self.ids.uuid();
        self.record(id, EventOrigin::default(), said, Some(error));
    }

    /// `dataset_definition` and `flow_definition` of every dataset and flow.
    pub(crate) fn definitions(&self, update: &Update) {
        let graph = &update.prepared.graph;
        for (name, dataset) in &graph.datasets {
            let definition = &dataset.definition;
            let expectations: Vec<_> = definition
                .expectations
                .iter()
                .map(|clause| {
                    let expectation = &clause.expectation;
                    json!({ "name": expectation.name, "constraint": expectation.predicate, "action": expectation.on_violation })
                })
                .collect();
            let origin = EventOrigin {
                dataset_name: Some(name.to_string()),
                source_code_location: Some(source_location(&definition.origin)),
                ..EventOrigin::default()
            };
            self.say(
                origin,
                Said {
                    event_type: "dataset_definition",
                    level: EventLevel::Info,
                    message: format!("Dataset '{name}' defined as {}.", definition.kind.words()),
                    details: details::dataset_definition(
                        definition.kind,
                        dataset.flows.len(),
                        &expectations,
                    ),
                },
            );
        }
        for flow in graph
            .flows
            .values()
            .filter(|flow| flow.kind != FlowKind::View)
        {
            self.flow_definition(update, flow);
        }
    }

    fn flow_definition(&self, update: &Update, flow: &ResolvedFlow) {
        let definition = details::FlowDefinition {
            output_dataset: flow.id.target.to_string(),
            input_datasets: flow
                .inputs
                .iter()
                .map(|input| input_name(&input.input))
                .collect(),
            kind: flow.kind,
            schema: flow.query_schema.as_deref(),
            comment: flow.comment.as_deref(),
        };
        self.say(
            update.origin_of(&flow.id),
            Said {
                event_type: "flow_definition",
                level: EventLevel::Info,
                message: format!(
                    "Flow '{}' defined as {}.",
                    Update::flow_display(&flow.id),
                    flow_words(flow.kind)
                ),
                details: details::flow_definition(&definition),
            },
        );
    }
}

impl Update {
    /// Records an event about a flow.
    pub(crate) fn say_flow(
        &self,
        flow: &ResolvedFlow,
        event_type: &str,
        message: String,
        details: serde_json::Value,
    ) {
        self.log.say(
            self.origin_of(&flow.id),
            Said {
                event_type,
                level: EventLevel::Info,
                message,
                details,
            },
        );
    }
}

fn flow_words(kind: FlowKind) -> &'static str {
    match kind {
        FlowKind::Append | FlowKind::AppendOnce => "APPEND",
        FlowKind::Complete => "MATERIALIZED_VIEW",
        FlowKind::View => "VIEW",
    }
}

/// An input in words: full dataset name, path, or function.
pub(crate) fn input_name(input: &Input) -> String {
    match input {
        Input::Dataset(name) | Input::External(name) => name.to_string(),
        Input::Files(function) => match function.positional().next().map(|path| &path.value) {
            Some(ArgumentValue::String(path)) => path.clone(),
            Some(other) => other.to_string(),
            None => function.name.clone(),
        },
        Input::Kinesis(call) => stream_words(call),
        Input::EventLog(_) => "event_log".into(),
        Input::Path { format, path } => format!("{format}.`{path}`"),
    }
}
