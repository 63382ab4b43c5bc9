//! Where things lie in a warehouse (design.md section 6). Must not read or write anything.

use std::fmt::Write as _;

use sluice_model::{DatasetName, FlowName};

/// Folder of a table, relative to the warehouse: `<catalog>/<schema>/<table>`, each part percent-encoded.
#[must_use]
pub fn table_folder(name: &DatasetName) -> String {
    format!("{}/{}/{}", encode(&name.catalog), encode(&name.schema), encode(&name.name))
}

/// Folder of a flow's progress, relative to the warehouse; it lives and dies with the table it feeds.
#[must_use]
pub fn checkpoint_folder(table_folder: &str, flow: &FlowName, incarnation: u64) -> String {
    format!("{table_folder}/_sluice/{}/{incarnation}", encode(flow.as_str()))
}

/// The pipeline's own folder, relative to the warehouse: lease, event log, views.
#[must_use]
pub fn pipeline_folder(pipeline: &str, target: Option<&str>) -> String {
    format!("_sluice/{}/{}", encode(pipeline), encode(target.unwrap_or("default")))
}

/// The Delta application id of a flow: nothing is minted, so engines that never met agree on it.
#[must_use]
pub fn application_id(table_id: &str, flow: &FlowName, incarnation: u64) -> String {
    format!("sluice/{table_id}/{}/{incarnation}", encode(flow.as_str()))
}

/// Splits an application id of ours into flow (encoded) and incarnation, if it belongs to the table.
#[must_use]
pub fn split_application_id<'a>(table_id: &str, app_id: &'a str) -> Option<(&'a str, u64)> {
    let rest = app_id.strip_prefix("sluice/")?.strip_prefix(table_id)?.strip_prefix('/')?;
    let (flow, incarnation) = rest.rsplit_once('/')?;
    Some((flow, incarnation.parse().ok()?))
}

/// Lower-cases a name and percent-encodes whatever is not a letter of ASCII, a digit, `_` or `-`.
#[must_use]
pub fn encode(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for byte in part.to_lowercase().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => out.push(char::from(byte)),
            other => {
                // Writing to a String cannot fail.
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    if out.is_empty() { "%".to_string() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_never_reach_the_disk_raw() {
        assert_eq!(encode("a/../b c"), "a%2F%2E%2E%2Fb%20c");
        assert_eq!(encode("Größe"), "gr%C3%B6%C3%9Fe");
        assert_eq!(encode(""), "%");
    }

    #[test]
    fn an_application_id_can_be_taken_apart_again() {
        let id = application_id("0a-1b", &FlowName::new("Silver Flow/2"), 3);
        assert_eq!(split_application_id("0a-1b", &id), Some(("silver%20flow%2F2", 3)));
        assert_eq!(split_application_id("other", &id), None);
    }
}
