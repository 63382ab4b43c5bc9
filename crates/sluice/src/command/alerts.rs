//! `sluice alerts`: who is told of what, and a message to try it out.

use sluice_model::condition::serve::DESTINATION_NOT_FOUND;
use sluice_model::destination::{Destination, DestinationKind, PipelineAlert};
use sluice_model::suggest::{closest, did_you_mean, listed};
use sluice_model::{Clock as _, Diagnostic};
use sluice_serve::delivery::{self, Feed, Patience};

use crate::arguments::{AlertList, AlertTest, Alerts, Global, Mode};
use crate::delivering::{address, feeds_of, table_of};
use crate::edge::SystemClock;
use crate::exit::Exit;
use crate::render::Screen;
use crate::rows::Rows;
use crate::workplace::{Refused, Workplace, block_on};

/// Lists destinations, or tries one.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Alerts) -> Result<Exit, Refused> {
    match asked {
        Alerts::List(asked) => list(screen, global, asked),
        Alerts::Test(asked) => test(screen, global, asked),
    }
}

fn list(screen: &Screen, global: &Global, asked: &AlertList) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let mut cells = vec![];
    for destination in destinations(&place) {
        let stands = block_on(stands(&place, destination))?;
        let kind = match destination.kind {
            DestinationKind::Webhook => "webhook",
            DestinationKind::Slack => "slack",
        };
        let table = match (&destination.table, table_of(&place, destination)) {
            (None, _) => String::new(),
            (Some(_), Some(name)) => name.to_string(),
            (Some(written), None) => format!("{} (not of this pipeline)", written.value),
        };
        let alerts: Vec<&str> = destination
            .alerts
            .iter()
            .map(|a| PipelineAlert::as_str(*a))
            .collect();
        cells.push(
            [
                destination.name.clone(),
                kind.to_owned(),
                destination.url.value.to_string(),
                table,
                alerts.join(", "),
                stands,
            ]
            .into_iter()
            .map(Some)
            .collect(),
        );
    }
    let names = [
        "destination",
        "kind",
        "address",
        "table",
        "alerts",
        "next_version",
    ];
    let rows = Rows::of_texts(&names, cells);
    screen.result(&if screen.is_json {
        rows.render(Mode::Json, None)
    } else {
        rows.plain(None)
    });
    Ok(Exit::Success)
}

fn destinations(place: &Workplace) -> &[Destination] {
    let project = place.project.as_ref();
    project.map_or(&[], |project| project.settings.destinations.as_slice())
}

/// The version of its table that a destination hears of next; empty before it heard of any.
async fn stands(place: &Workplace, destination: &Destination) -> String {
    for feed in feeds_of(place, destination) {
        if let Feed::Rows { .. } = feed
            && let Ok(Some(position)) =
                delivery::position(&place.engine, &destination.name, &feed).await
        {
            return position.version.to_string();
        }
    }
    String::new()
}

fn test(screen: &Screen, global: &Global, asked: &AlertTest) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let found = destinations(&place)
        .iter()
        .find(|destination| destination.name == asked.destination);
    let Some(destination) = found else {
        let names = || destinations(&place).iter().map(|d| d.name.as_str());
        let message = format!("sluice.yml declares no destination `{}`", asked.destination);
        let diagnostic = Diagnostic::error(&DESTINATION_NOT_FOUND, message);
        let diagnostic = match closest(&asked.destination, names()) {
            Some(near) => diagnostic.help(did_you_mean(near)),
            None if destinations(&place).is_empty() => {
                diagnostic.help("declare it under `notification_destinations`")
            }
            None => diagnostic.help(format!("declared are {}", listed(names()))),
        };
        return Ok(super::fail(screen, &[diagnostic], &place.texts));
    };
    let address = match address(destination, &place.folder) {
        Ok(address) => address,
        Err(diagnostic) => {
            super::fail(screen, &[*diagnostic], &place.texts);
            return Ok(Exit::Failure);
        }
    };
    let key = place
        .project
        .as_ref()
        .map_or("", |project| project.key.as_str());
    let now_us = SystemClock.now_us();
    match block_on(delivery::test(&address, key, now_us, Patience::default()))? {
        Ok(()) => {
            screen.line(&format!("`{}` took the message", destination.name));
            Ok(Exit::Success)
        }
        Err(diagnostic) => {
            super::fail(screen, &[diagnostic], &place.texts);
            Ok(Exit::Failure)
        }
    }
}
