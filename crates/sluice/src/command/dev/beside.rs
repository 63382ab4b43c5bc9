//! What other commands are told, typed into the same shell, so that they see what `sluice dev` sees. Must not look anywhere.

use std::path::Path;

use crate::arguments::{Dev, Global};

/// The flags that lead to the same tables from the current folder; `own` is where they are unless asked otherwise.
pub(super) fn flags(global: &Global, asked: &Dev, own: &Path, here: &Path) -> String {
    let near = own.strip_prefix(here).unwrap_or(own);
    let warehouse = global
        .warehouse
        .clone()
        .unwrap_or_else(|| near.display().to_string());
    let written = |path: &std::path::PathBuf| path.display().to_string();
    let flags = [
        ("--warehouse", Some(warehouse)),
        ("--project", global.project.as_ref().map(written)),
        ("--spec", global.spec.as_ref().map(written)),
        ("--target", global.target.clone()),
        ("--key", asked.key.clone()),
    ];
    let flags = flags.into_iter();
    let flags = flags.filter_map(|(flag, value)| Some(format!("{flag} {}", quoted(&value?))));
    flags.collect::<Vec<_>>().join(" ")
}

/// A word as a shell takes it for one.
fn quoted(word: &str) -> String {
    let is_plain = |one: char| one.is_alphanumeric() || "/._-:+@%,=".contains(one);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::arguments::{Arguments, Command};

    #[test]
    fn what_is_typed_leads_to_the_same_tables() {
        for (line, here, expected) in [
            ("", "/p", "--warehouse .sluice/dev"),
            ("", "/p/src", "--warehouse /p/.sluice/dev"),
            (
                "--project p iot -t dev",
                "/",
                "--warehouse p/.sluice/dev --project p --target dev --key iot",
            ),
            ("--warehouse w", "/p", "--warehouse w"),
        ] {
            let words = ["sluice", "dev"].into_iter();
            let arguments = Arguments::parse_from(words.chain(line.split_whitespace()));
            let Command::Dev(asked) = &arguments.command else {
                panic!("not dev");
            };
            let own = Path::new("/p/.sluice/dev");
            let found = flags(&arguments.global, asked, own, Path::new(here));
            assert_eq!(found, expected, "{line}");
        }
        assert_eq!(quoted("my tables"), "'my tables'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
