//! What is said of a function that is not there. Must not bind calls.

use sluice_model::Diagnostic;
use sluice_model::condition::query as condition;
use sluice_model::suggest::{closest, did_you_mean};

use super::Binder;
use super::call::Call;
use crate::error::at;
use crate::function::entries;

impl Binder<'_> {
    pub(super) fn unknown_function(call: &Call<'_>) -> Box<Diagnostic> {
        let name = &call.name;
        if let Some((asks, help)) = of_databricks(name) {
            let message = format!("`{name}` asks {asks}");
            let refused = at(&condition::UNSUPPORTED_FUNCTION, &call.origin, message);
            return Box::new(refused.help(help));
        }
        let message = format!("there is no function `{name}`, or Sluice does not have it yet");
        let unknown = at(&condition::UNRESOLVED_ROUTINE, &call.origin, message);
        let names = entries().flat_map(|known| {
            [known.name]
                .into_iter()
                .chain(known.aliases.iter().copied())
        });
        Box::new(match closest(name, names) {
            Some(known) => unknown.help(did_you_mean(known)),
            None => *unknown,
        })
    }
}

/// What a function asks that only a workspace of Databricks has, and what to do instead.
fn of_databricks(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        _ if name.starts_with("ai_") || name == "vector_search" => (
            "a model that Databricks serves",
            "compute the answers outside of the pipeline, and join the table that holds them",
        ),
        "is_member" | "is_account_group_member" => (
            "who belongs to a group of a Databricks account",
            "leave it to those who serve the tables who may see which rows and columns",
        ),
        "secret" | "try_secret" => (
            "a secret scope of Databricks",
            "keep secrets out of queries: `credentials` of sluice.yml take `env:NAME`",
        ),
        "http_request" | "remote_query" => (
            "a connection that a Databricks account holds",
            "fetch the rows outside of the pipeline, and read the files or the table that holds them",
        ),
        _ => return None,
    })
}
