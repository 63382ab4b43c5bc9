//! `sluice lineage`: which dataset reads which, as text, Mermaid, DOT or JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::json;
use sluice_graph::{Input, stream_words};
use sluice_model::condition::graph::TABLE_OR_VIEW_NOT_FOUND;
use sluice_model::suggest::{closest, did_you_mean};
use sluice_model::{DatasetName, Diagnostic};
use sluice_sql::query::{ArgumentValue, ReadMode, TableFunction};

use crate::arguments::{Global, GraphFormat, Lineage};
use crate::exit::Exit;
use crate::render::Screen;
use crate::workplace::{Refused, block_on};

/// One arrow between names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    to: String,
    is_stream: bool,
}

/// Shows the graph.
pub(crate) fn run(screen: &Screen, global: &Global, asked: &Lineage) -> Result<Exit, Refused> {
    let place = super::open(global, asked.key.as_deref())?;
    let (graph, _) = block_on(place.engine.resolve(&place.declared))?;
    let arrows: BTreeSet<Arrow> = graph
        .lineage()
        .into_iter()
        .map(|edge| Arrow {
            from: input(&edge.from),
            to: edge.to.to_string(),
            is_stream: edge.mode == ReadMode::Stream,
        })
        .collect();
    let names: BTreeSet<String> = place
        .declared
        .datasets
        .keys()
        .map(ToString::to_string)
        .collect();
    let (arrows, names) = match &asked.dataset {
        None => (arrows, names),
        Some(dataset) => {
            let parts: Vec<&str> = dataset.split('.').collect();
            let full =
                DatasetName::qualify(&parts, &place.namespace()).map(|name| name.to_string());
            let Some(name) = full
                .into_iter()
                .chain([dataset.to_lowercase()])
                .find(|name| names.contains(name))
            else {
                return Err(Refused {
                    diagnostics: vec![unknown(dataset, &names)],
                    texts: place.texts,
                });
            };
            around(&name, &arrows)
        }
    };
    let kinds: BTreeMap<String, &str> = place
        .declared
        .datasets
        .values()
        .map(|dataset| (dataset.name.to_string(), dataset.kind.words()))
        .collect();
    let format = if screen.is_json {
        GraphFormat::Json
    } else {
        asked.format
    };
    match format {
        GraphFormat::Text => screen.result(&text(&names, &arrows, &kinds)),
        GraphFormat::Mermaid => screen.result(&mermaid(&names, &arrows)),
        GraphFormat::Dot => screen.result(&dot(&names, &arrows)),
        GraphFormat::Json => screen.object(&json!({
            "datasets": names.iter().map(|name| json!({ "name": name, "kind": kinds.get(name) })).collect::<Vec<_>>(),
            "edges": arrows
                .iter()
                .map(|arrow| json!({ "from": arrow.from, "to": arrow.to, "stream": arrow.is_stream }))
                .collect::<Vec<_>>(),
        })),
    }
    Ok(Exit::Success)
}

fn unknown(dataset: &str, names: &BTreeSet<String>) -> Diagnostic {
    let message = format!("the project declares no dataset `{dataset}`");
    let diagnostic = Diagnostic::error(&TABLE_OR_VIEW_NOT_FOUND, message);
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let short: Vec<String> = names.iter().map(|name| last(name)).collect();
    match closest(&last(dataset), short.iter().map(String::as_str)) {
        Some(near) => diagnostic.help(did_you_mean(near)),
        None => diagnostic,
    }
}

/// What an input is called.
fn input(input: &Input) -> String {
    let path = |function: &TableFunction| {
        let first = function
            .named("path")
            .or_else(|| function.positional().next());
        match first.map(|argument| &argument.value) {
            Some(ArgumentValue::String(path)) => path.clone(),
            Some(value) => value.to_string(),
            None => function.name.clone(),
        }
    };
    match input {
        Input::Dataset(name) | Input::External(name) => name.to_string(),
        Input::Files(function) => path(function),
        Input::Kinesis(call) => stream_words(call),
        Input::EventLog(Some(table)) => format!("event_log({table})"),
        Input::EventLog(None) => "event_log".to_owned(),
        Input::Path { format, path } => format!("{format}.`{path}`"),
    }
}

/// What a dataset reads and what reads it, at any distance.
fn around(name: &str, arrows: &BTreeSet<Arrow>) -> (BTreeSet<Arrow>, BTreeSet<String>) {
    let spread = |next: &dyn Fn(&Arrow, &str) -> Option<String>| {
        let mut found: BTreeSet<String> = [name.to_owned()].into();
        let mut open = vec![name.to_owned()];
        while let Some(at) = open.pop() {
            for other in arrows.iter().filter_map(|arrow| next(arrow, &at)) {
                if found.insert(other.clone()) {
                    open.push(other);
                }
            }
        }
        found
    };
    let above = spread(&|arrow, at| (arrow.to == at).then(|| arrow.from.clone()));
    let below = spread(&|arrow, at| (arrow.from == at).then(|| arrow.to.clone()));
    let kept = arrows
        .iter()
        .filter(|arrow| {
            above.contains(&arrow.to) && above.contains(&arrow.from)
                || below.contains(&arrow.from) && below.contains(&arrow.to)
        })
        .cloned()
        .collect();
    let outside = |name: &String| arrows.iter().any(|arrow| arrow.to == *name);
    let names = above
        .union(&below)
        .filter(|n| outside(n) || *n == name)
        .cloned()
        .collect();
    (kept, names)
}

fn text(
    names: &BTreeSet<String>,
    arrows: &BTreeSet<Arrow>,
    kinds: &BTreeMap<String, &str>,
) -> String {
    let mut text = String::new();
    for name in names {
        let _ = writeln!(
            text,
            "{name}  {}",
            kinds.get(name).copied().unwrap_or_default()
        );
        for arrow in arrows.iter().filter(|arrow| arrow.to == *name) {
            let how = if arrow.is_stream { "stream of " } else { "" };
            let _ = writeln!(text, "  <- {how}{}", arrow.from);
        }
    }
    text
}

fn mermaid(names: &BTreeSet<String>, arrows: &BTreeSet<Arrow>) -> String {
    let nodes: BTreeSet<&String> = names
        .iter()
        .chain(arrows.iter().flat_map(|a| [&a.from, &a.to]))
        .collect();
    let ids: BTreeMap<&String, usize> = nodes
        .iter()
        .enumerate()
        .map(|(id, name)| (*name, id))
        .collect();
    let mut text = "flowchart LR\n".to_owned();
    for (name, id) in &ids {
        let _ = writeln!(text, "  n{id}[\"{}\"]", name.replace('"', "'"));
    }
    for arrow in arrows {
        let line = if arrow.is_stream { "==>" } else { "-->" };
        if let (Some(from), Some(to)) = (ids.get(&arrow.from), ids.get(&arrow.to)) {
            let _ = writeln!(text, "  n{from} {line} n{to}");
        }
    }
    text
}

fn dot(names: &BTreeSet<String>, arrows: &BTreeSet<Arrow>) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = "digraph pipeline {\n  rankdir=LR;\n".to_owned();
    for name in names {
        let _ = writeln!(text, "  {};", quoted(name));
    }
    for arrow in arrows {
        let style = if arrow.is_stream { " [style=bold]" } else { "" };
        let _ = writeln!(
            text,
            "  {} -> {}{style};",
            quoted(&arrow.from),
            quoted(&arrow.to)
        );
    }
    text.push_str("}\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows() -> BTreeSet<Arrow> {
        let arrow = |from: &str, to: &str, is_stream| Arrow {
            from: from.into(),
            to: to.into(),
            is_stream,
        };
        [
            arrow("files", "a", true),
            arrow("a", "b", true),
            arrow("b", "c", false),
            arrow("x", "c", false),
        ]
        .into()
    }

    #[test]
    fn the_surroundings_of_a_dataset_are_what_it_reads_and_what_reads_it() {
        let (kept, names) = around("b", &arrows());
        let shown: Vec<String> = kept
            .iter()
            .map(|a| format!("{}>{}", a.from, a.to))
            .collect();
        assert_eq!(shown, ["a>b", "b>c", "files>a"]);
        assert_eq!(names, ["a", "b", "c"].map(String::from).into());
    }

    #[test]
    fn forms_of_a_graph() {
        let names: BTreeSet<String> = ["a".to_owned(), "b".to_owned()].into();
        let arrows: BTreeSet<Arrow> = [Arrow {
            from: "a".into(),
            to: "b".into(),
            is_stream: true,
        }]
        .into();
        let kinds = [
            ("a".to_owned(), "view"),
            ("b".to_owned(), "streaming table"),
        ]
        .into();
        assert_eq!(
            text(&names, &arrows, &kinds),
            "a  view\nb  streaming table\n  <- stream of a\n"
        );
        assert_eq!(
            mermaid(&names, &arrows),
            "flowchart LR\n  n0[\"a\"]\n  n1[\"b\"]\n  n0 ==> n1\n"
        );
        assert_eq!(
            dot(&names, &arrows),
            "digraph pipeline {\n  rankdir=LR;\n  \"a\";\n  \"b\";\n  \"a\" -> \"b\" [style=bold];\n}\n"
        );
    }
}
