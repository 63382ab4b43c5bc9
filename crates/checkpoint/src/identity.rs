//! The identity of a flow in a Delta log. Must not read logs.

use std::fmt::{self, Write as _};

/// A flow as a Delta log names it: `sluice/<metaData.id of the target>/<flow name>/<incarnation>`.
///
/// Nothing is minted: two engines that start at once, and an engine whose state folder was lost, form the same text.
/// The incarnation rises by one with each full refresh. Names are percent-encoded, so that the four parts stay four.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId {
    /// `metaData.id` of the target table.
    pub table_id: String,
    /// Name of the flow, lower case.
    pub flow: String,
    /// Counts full refreshes, from 0.
    pub incarnation: u32,
}

impl FlowId {
    /// Names a flow.
    #[must_use]
    pub fn new(table_id: &str, flow: &str, incarnation: u32) -> Self {
        Self {
            table_id: table_id.to_owned(),
            flow: flow.to_owned(),
            incarnation,
        }
    }

    /// The Delta application id.
    #[must_use]
    pub fn app_id(&self) -> String {
        format!(
            "{}{}",
            Self::prefix(&self.table_id, &self.flow),
            self.incarnation
        )
    }

    /// What all incarnations of a flow begin with, the last slash included.
    #[must_use]
    pub fn prefix(table_id: &str, flow: &str) -> String {
        format!("sluice/{}/{}/", encode(table_id), encode(flow))
    }

    /// Reads an application id; `None` if it is not one of ours.
    #[must_use]
    pub fn parse(app_id: &str) -> Option<Self> {
        let mut parts = app_id.split('/');
        let ("sluice", table_id, flow, incarnation, None) = (
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next(),
        ) else {
            return None;
        };
        Some(Self {
            table_id: decode(table_id)?,
            flow: decode(flow)?,
            incarnation: incarnation.parse().ok()?,
        })
    }

    /// Eight hexadecimal digits that stand for this flow in file names.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{:08x}", crc32c::crc32c(self.app_id().as_bytes()))
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.app_id())
    }
}

/// The highest incarnation of a flow among the application ids of its target's log; 0 when there is none yet.
#[must_use]
pub fn current_incarnation<'a>(
    app_ids: impl IntoIterator<Item = &'a str>,
    table_id: &str,
    flow: &str,
) -> u32 {
    app_ids
        .into_iter()
        .filter_map(FlowId::parse)
        .filter(|id| id.table_id == table_id && id.flow == flow)
        .map(|id| id.incarnation)
        .max()
        .unwrap_or(0)
}

fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.') {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = tail.get(2..)?;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_application_id_reads_back_whatever_the_flow_is_called() {
        for flow in ["bronze", "a/b", "naïve flow", "%2F", ""] {
            let id = FlowId::new("0f-1", flow, 3);
            assert_eq!(FlowId::parse(&id.app_id()), Some(id.clone()), "{flow}");
            assert!(id.app_id().starts_with(&FlowId::prefix("0f-1", flow)));
        }
        assert_eq!(FlowId::new("T", "bronze", 0).app_id(), "sluice/T/bronze/0");
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        for text in [
            "",
            "sluice/t/f",
            "sluice/t/f/x",
            "sluice/t/f/1/2",
            "spark/t/f/1",
            "sluice/t/%/1",
            "sluice/t/%FF/1",
        ] {
            assert_eq!(FlowId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_current_incarnation_is_the_highest_of_the_same_flow_and_table() {
        let log = [
            "sluice/t/f/0",
            "sluice/t/f/12",
            "sluice/t/f/3",
            "sluice/t/g/40",
            "sluice/u/f/50",
            "other",
        ];
        assert_eq!(current_incarnation(log, "t", "f"), 12);
        assert_eq!(current_incarnation(log, "t", "new"), 0);
    }
}
