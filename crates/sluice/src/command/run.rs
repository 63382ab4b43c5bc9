//! `sluice run`: one update, shown while it runs, its report at the end.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sluice_graph::SelectionRequest;
use sluice_model::{Diagnostic, FlowStatus, UpdateState};
use sluice_run::{FlowReport, Mode, Pulse, Stop, UpdateReport, UpdateRequest};

use super::Heading;
use crate::arguments::{Global, Run};
use crate::delivering;
use crate::exit::Exit;
use crate::progress::Narrator;
use crate::render::{Screen, diagnostics_json};
use crate::workplace::{Purpose, Refused, Workplace, block_on};

/// Runs one update.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Run) -> Result<Exit, Refused> {
    let narrator = Narrator::new(screen, asked.events.as_deref(), global.verbose > 0);
    let narrator = Arc::new(narrator.map_err(|diagnostic| Refused {
        diagnostics: vec![*diagnostic],
        texts: crate::source_text::SourceTexts::default(),
    })?);
    let place = Workplace::open(
        global,
        asked.key.as_deref(),
        Purpose::Write,
        Arc::clone(&narrator) as _,
        asked.parallelism,
    )?;
    screen.diagnostics(&place.diagnostics, &place.texts);
    let declared_continuous = place.project.as_ref().is_some_and(|p| p.continuous);
    let is_continuous = asked.continuous || (declared_continuous && !asked.once);
    let request = UpdateRequest {
        selection: SelectionRequest::from(&asked.selection),
        allow_data_loss: asked.allow_data_loss,
        mode: if is_continuous {
            Mode::Continuous(Pulse::default())
        } else {
            Mode::Triggered
        },
        stop: Stop::default(),
    };
    let terminated = Arc::new(AtomicBool::new(false));
    let report = block_on(async {
        let listener = tokio::spawn(stop_on_signal(
            screen.clone(),
            request.stop.clone(),
            Arc::clone(&terminated),
        ));
        let report = update(screen, &place, &request).await;
        listener.abort();
        report
    })?;
    narrator.finish();
    if asked.events.as_deref() == Some(Path::new("-")) {
        tell(&screen.aside(), &place, &report);
    } else {
        tell(screen, &place, &report);
    }
    let stopped = match (request.stop.is_asked(), terminated.load(Ordering::Relaxed)) {
        (false, _) => Stopped::No,
        // To be told to end is how a service ends well.
        (true, true) if is_continuous => Stopped::Service,
        (true, _) => Stopped::Interrupted,
    };
    Ok(exit(asked, &report, stopped))
}

/// One update of a place that is open, and what people are told of it.
pub(super) async fn update(
    screen: &Screen,
    place: &Workplace,
    request: &UpdateRequest,
) -> UpdateReport {
    delivering::beside(screen, place, place.engine.update(&place.declared, request)).await
}

/// Shows what went wrong in an update.
pub(super) fn tell_errors(screen: &Screen, place: &Workplace, report: &UpdateReport) {
    let errors: Vec<Diagnostic> = all_diagnostics(report)
        .filter(|diagnostic| diagnostic.is_error())
        .cloned()
        .collect();
    screen.diagnostics(&errors, &place.texts);
}

/// The first signal stops between micro-batches; the second ends at once, which is as safe as any crash.
async fn stop_on_signal(screen: Screen, stop: Stop, terminated: Arc<AtomicBool>) {
    let signal = signalled().await;
    if let Some(signal) = signal {
        terminated.store(signal == Signal::Terminate, Ordering::Relaxed);
        stop.ask();
        screen.say("stopping after the micro-batches at work; once more to stop at once");
    }
    if interrupted().await {
        #[allow(
            clippy::exit,
            reason = "asked for twice; every commit is atomic, so ending here is safe"
        )]
        std::process::exit(i32::from(Exit::Interrupted.code()));
    }
}

/// How the user asked an update to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopped {
    /// It was not asked to.
    No,
    /// By Ctrl-C, or before a triggered update was done.
    Interrupted,
    /// As a service is stopped.
    Service,
}

/// What asks a process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Interrupt,
    Terminate,
}

/// Waits for a signal; `None` when the system gives none.
async fn signalled() -> Option<Signal> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt()).ok()?;
        let mut terminate = signal(SignalKind::terminate()).ok()?;
        tokio::select! {
            _ = interrupt.recv() => Some(Signal::Interrupt),
            _ = terminate.recv() => Some(Signal::Terminate),
        }
    }
    #[cfg(not(unix))]
    {
        tokio::signal::ctrl_c().await.ok()?;
        Some(Signal::Interrupt)
    }
}

/// Waits for a signal to end; false when the system gives none.
pub(super) async fn interrupted() -> bool {
    signalled().await.is_some()
}

fn exit(asked: &Run, report: &UpdateReport, stopped: Stopped) -> Exit {
    let diagnostics: Vec<Diagnostic> = all_diagnostics(report).cloned().collect();
    let violations = report
        .flows
        .iter()
        .flat_map(|flow| &flow.expectations)
        .any(|count| count.failed_records > 0);
    match report.state {
        UpdateState::Completed if asked.fail_on_violations && violations => Exit::Violations,
        UpdateState::Completed if asked.skip_code && !report.changed_anything() => Exit::NothingNew,
        UpdateState::Completed => Exit::Success,
        UpdateState::Canceled if stopped == Stopped::Service => Exit::Success,
        _ if stopped != Stopped::No => Exit::Interrupted,
        _ => match Exit::of(&diagnostics) {
            Exit::Success => Exit::Failure,
            exit => exit,
        },
    }
}

fn all_diagnostics(report: &UpdateReport) -> impl Iterator<Item = &Diagnostic> {
    report
        .diagnostics
        .iter()
        .chain(report.flows.iter().flat_map(|flow| &flow.diagnostics))
}

fn tell(screen: &Screen, place: &Workplace, report: &UpdateReport) {
    if screen.is_json {
        screen.object(&object(place, report));
        return;
    }
    let diagnostics: Vec<Diagnostic> = all_diagnostics(report).cloned().collect();
    screen.diagnostics(&diagnostics, &place.texts);
    let short: String = report.update_id.chars().take(6).collect();
    screen.line(&format!(
        "Update {short}  {}  {}  {}",
        report.state.as_str(),
        Heading(place),
        seconds(report.duration_ms)
    ));
    let names = report
        .flows
        .iter()
        .map(|flow| name(flow).chars().count())
        .max()
        .unwrap_or(0);
    for flow in &report.flows {
        screen.line(&line(flow, names));
    }
}

/// The dataset, with the flow where it has another name.
fn name(flow: &FlowReport) -> String {
    if flow.flow.as_str() == flow.dataset.name {
        flow.dataset.to_string()
    } else {
        format!("{} ({})", flow.dataset, flow.flow)
    }
}

fn line(flow: &FlowReport, names: usize) -> String {
    let mark = match flow.status {
        FlowStatus::Completed => "✓",
        FlowStatus::Idle => "=",
        FlowStatus::Failed => "✗",
        _ => "–",
    };
    let mut words = vec![flow.status.as_str().to_owned()];
    words.extend(
        flow.technique
            .as_ref()
            .map(|technique| technique.name.to_owned()),
    );
    let metrics = &flow.metrics;
    for (number, what) in [
        (metrics.output_rows, "rows"),
        (metrics.deleted_rows, "removed"),
        (metrics.dropped_rows, "dropped"),
        (metrics.bad_records, "bad records"),
        (metrics.late_rows, "late"),
    ] {
        if number > 0 {
            words.push(format!("{} {what}", grouped(number)));
        }
    }
    let violated: Vec<String> = flow
        .expectations
        .iter()
        .filter(|count| count.failed_records > 0)
        .map(|count| format!("{} {}", count.name, grouped(count.failed_records)))
        .collect();
    if !violated.is_empty() {
        words.push(format!("({})", violated.join(", ")));
    }
    if !matches!(flow.status, FlowStatus::Excluded | FlowStatus::Skipped) {
        words.push(seconds(flow.duration_ms));
    }
    format!("  {mark} {:<names$}  {}", name(flow), words.join("  "))
}

/// `1 204 331`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

fn seconds(ms: i64) -> String {
    if ms < 1000 {
        format!("{ms}ms")
    } else {
        format!("{}.{}s", ms / 1000, ms % 1000 / 100)
    }
}

fn object(place: &Workplace, report: &UpdateReport) -> Value {
    let project = place.project.as_ref();
    let diagnostics: Vec<Diagnostic> = place
        .diagnostics
        .iter()
        .chain(all_diagnostics(report))
        .cloned()
        .collect();
    let mut object = json!({
        "update_id": report.update_id,
        "pipeline": project.map(|project| project.key.clone()),
        "target": project.and_then(|project| project.target.clone()),
        "state": report.state.as_str(),
        "duration_ms": report.duration_ms,
        "datasets": report.flows.iter().map(flow_object).collect::<Vec<_>>(),
        "diagnostics": diagnostics_json(&diagnostics),
    });
    if let Some(error) = diagnostics.iter().find(|d| d.is_error()) {
        object["error"] = crate::render::diagnostic_json(error);
    }
    object
}

fn flow_object(flow: &FlowReport) -> Value {
    let metrics = &flow.metrics;
    json!({
        "name": flow.dataset.to_string(),
        "flow": flow.flow.as_str(),
        "kind": flow.dataset_kind,
        "state": flow.status.as_str(),
        "technique": flow.technique.as_ref().map(|technique| technique.name),
        "reason": flow.technique.as_ref().map(|technique| technique.reason.clone()),
        "rows_out": metrics.output_rows,
        "rows_deleted": metrics.deleted_rows,
        "dropped": metrics.dropped_rows,
        "bad_records": metrics.bad_records,
        "late": metrics.late_rows,
        "bytes_out": metrics.output_bytes,
        "files_in": metrics.files,
        "batches": metrics.batches,
        "expectations": flow.expectations,
        "versions": flow.versions.map(|(from, to)| json!({ "from": from, "to": to })),
        "duration_ms": flow.duration_ms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_readable() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (1_204_331, "1 204 331"),
        ] {
            assert_eq!(grouped(number), expected);
        }
        for (ms, expected) in [
            (0, "0ms"),
            (999, "999ms"),
            (1000, "1.0s"),
            (61_290, "61.2s"),
        ] {
            assert_eq!(seconds(ms), expected);
        }
    }
}
