//! `sluice docs DIR`: writes the reference pages that are made from the code. For `cargo xtask docs`; hidden from help.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use sluice_model::Diagnostic;
use sluice_model::condition::command::OUTPUT_NOT_WRITABLE;
use sluice_model::condition::{self, Condition};
use sluice_plan::function::{FunctionEntry, entries};

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::render::Screen;
use crate::source_text::SourceTexts;
use crate::workplace::Refused;

/// Writes the pages.
pub(crate) fn run(screen: &Screen, folder: &Path) -> Result<Exit, Refused> {
    for (name, text) in [
        ("cli.md", cli()),
        ("conditions.md", conditions()),
        ("functions.md", functions()),
    ] {
        let path = folder.join(name);
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&path, text));
        written.map_err(|error| Refused {
            diagnostics: vec![Diagnostic::error(
                &OUTPUT_NOT_WRITABLE,
                format!("cannot write `{}`: {error}", path.display()),
            )],
            texts: SourceTexts::default(),
        })?;
        screen.say(&path.display().to_string());
    }
    Ok(Exit::Success)
}

const GENERATED: &str = "<!-- Made from the code by `cargo xtask docs`: edit there. -->\n\n";

fn cli() -> String {
    let mut command = Arguments::command().term_width(100);
    command.build();
    let mut text = format!("# Command line\n\n{GENERATED}");
    command_page(&mut text, &mut command, 1);
    text
}

fn command_page(text: &mut String, command: &mut clap::Command, depth: usize) {
    if depth > 1 {
        let _ = write!(
            text,
            "{} `{}`\n\n",
            "#".repeat(depth),
            command.get_bin_name().unwrap_or_default()
        );
    }
    let mut shown = command.clone();
    if depth > 1 {
        // What every command takes is told once, at the top.
        shown = shown.mut_args(|argument| {
            let is_everywhere = argument.is_global_set();
            argument.hide(is_everywhere)
        });
    }
    let help = shown.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(text, "```text\n{}\n```\n\n", help.join("\n").trim());
    for below in command.get_subcommands_mut() {
        if !below.is_hide_set() && below.get_name() != "help" {
            command_page(text, below, depth + 1);
        }
    }
}

fn conditions() -> String {
    let rooms: [(&str, &[&Condition]); 9] = [
        ("Project files", condition::project::ALL),
        ("SQL text", condition::sql::ALL),
        ("Graph", condition::graph::ALL),
        ("Queries", condition::query::ALL),
        ("Sources", condition::source::ALL),
        ("Kinesis", condition::kinesis::ALL),
        ("Tables", condition::table::ALL),
        ("Updates", condition::run::ALL),
        ("Command line", condition::command::ALL),
    ];
    let mut text = format!(
        "# Error conditions\n\n{GENERATED}`sluice explain NAME` prints the same, offline.\n\n"
    );
    for (room, conditions) in rooms {
        let _ = write!(
            text,
            "## {room}\n\n| condition | SQLSTATE | meaning |\n|---|---|---|\n"
        );
        for condition in conditions {
            let _ = writeln!(
                text,
                "| `{}` | {} | {} |",
                condition.name,
                condition.sqlstate,
                cell(condition.explanation)
            );
        }
        text.push('\n');
    }
    text
}

fn functions() -> String {
    let mut text = format!(
        "# Functions\n\n{GENERATED}Functions have Spark's names, types and NULLs, in ANSI mode. Their answers are compared with PySpark 4.3 \
         (`tests/oracle/functions/`).\nA function that is not here is refused by name when the project is checked.\n\n"
    );
    let all: Vec<FunctionEntry> = entries().collect();
    let mut families: Vec<&str> = vec![];
    for entry in &all {
        if !families.contains(&entry.family) {
            families.push(entry.family);
        }
    }
    for family in families {
        let _ = write!(
            text,
            "## {}\n\n| function | meaning | example |\n|---|---|---|\n",
            heading(family)
        );
        let mut of_family: Vec<&FunctionEntry> =
            all.iter().filter(|entry| entry.family == family).collect();
        of_family.sort_by_key(|entry| entry.name);
        for entry in of_family {
            let names: Vec<String> = [&entry.name]
                .into_iter()
                .chain(entry.aliases)
                .map(|name| format!("`{name}`"))
                .collect();
            let _ = writeln!(
                text,
                "| {} | {} | `{}` |",
                names.join(", "),
                cell(entry.doc),
                cell(entry.example)
            );
        }
        text.push('\n');
    }
    text
}

fn heading(family: &str) -> String {
    let mut letters = family.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
