//! `sluice explain [CONDITION]`: the table of conditions for people, offline.

use serde_json::{Value, json};
use sluice_model::condition::{self, Condition, Domain, Retry};
use sluice_model::suggest::{closest, did_you_mean};
use sluice_model::{Diagnostic, condition::command::UNKNOWN_CONDITION};

use crate::exit::Exit;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::Refused;

/// Explains one condition, or lists all.
pub(crate) fn run(screen: &Screen, name: Option<&str>) -> Result<Exit, Refused> {
    match name {
        None => Ok(list(screen)),
        Some(name) => match condition::find(name.trim()) {
            Some(condition) => Ok(one(screen, condition)),
            None => Err(Refused {
                diagnostics: vec![unknown(name.trim())],
                texts: SourceTexts::default(),
            }),
        },
    }
}

fn list(screen: &Screen) -> Exit {
    let mut conditions: Vec<&Condition> = condition::all().collect();
    conditions.sort_by_key(|condition| condition.name);
    if screen.is_json {
        screen.object(&Value::Array(conditions.into_iter().map(object).collect()));
        return Exit::Success;
    }
    for condition in conditions {
        screen.line(&format!(
            "{}  {}",
            condition.name,
            first_sentence(condition.explanation)
        ));
    }
    Exit::Success
}

/// The text before the first `.` or `:` that ends something: one in a name such as `databricks.yml` has no blank behind it.
fn first_sentence(text: &str) -> &str {
    let end = text.match_indices(['.', ':']).find(|(at, mark)| {
        let rest = text.get(at + mark.len()..).unwrap_or_default();
        rest.is_empty() || rest.starts_with(char::is_whitespace)
    });
    end.map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

fn one(screen: &Screen, condition: &Condition) -> Exit {
    if screen.is_json {
        screen.object(&object(condition));
        return Exit::Success;
    }
    screen.line(&format!(
        "{}   SQLSTATE {}\n",
        condition.name, condition.sqlstate
    ));
    screen.line(condition.explanation);
    screen.line(&format!("\n{}", domain(condition.domain)));
    if condition.retry == Retry::Backoff {
        screen.line("It may pass by itself: Sluice tries again before it gives up.");
    }
    Exit::Success
}

fn domain(domain: Domain) -> &'static str {
    match domain {
        Domain::User => "You can mend it: it is about the project, the SQL or the data.",
        Domain::External => "It comes from outside: the disk, the network, or another engine.",
        Domain::Internal => "It is a bug in Sluice: please report it.",
    }
}

fn object(condition: &Condition) -> Value {
    json!({
        "code": condition.name,
        "sqlstate": condition.sqlstate,
        "retryable": condition.retry == Retry::Backoff,
        "explanation": condition.explanation,
    })
}

fn unknown(name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        &UNKNOWN_CONDITION,
        format!("there is no condition `{name}`"),
    );
    match closest(name, condition::all().map(|condition| condition.name)) {
        Some(near) => diagnostic.help(did_you_mean(near)),
        None => diagnostic.help("`sluice explain` lists them all"),
    }
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn a_dot_in_a_name_ends_no_sentence() {
        for (text, expected) in [
            (
                "databricks.yml has targets. Choose one.",
                "databricks.yml has targets",
            ),
            ("Two things: one.", "Two things"),
            ("In `sluice.yml`.", "In `sluice.yml`"),
            (
                "A path s3://bucket/key is wrong.",
                "A path s3://bucket/key is wrong",
            ),
            ("no end", "no end"),
        ] {
            assert_eq!(first_sentence(text), expected);
        }
    }
}
