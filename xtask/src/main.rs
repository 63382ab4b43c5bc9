//! Chores of the repository: `cargo xtask tidy | complete [NAME] | docs | sample-data`. Must not hold product code.

mod sample_data;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => report(&tidy::check(&root())),
        ["complete", names @ ..] => complete(names),
        ["docs"] => run(cargo().args([
            "run",
            "--quiet",
            "-p",
            "sluice",
            "--",
            "docs",
            "docs/reference",
        ])),
        ["sample-data"] => {
            let landing = root().join("examples/iot-lakehouse/landing");
            report(
                &sample_data::write(&landing)
                    .err()
                    .map(|error| error.to_string())
                    .into_iter()
                    .collect::<Vec<_>>(),
            )
        }
        _ => {
            eprintln!("usage: cargo xtask tidy | complete [NAME…] | docs | sample-data");
            ExitCode::from(2)
        }
    }
}

/// Fills the answers of cases by running them; the diff is reviewed by a person.
fn complete(names: &[&str]) -> ExitCode {
    let mut command = cargo();
    command
        .args(["test", "-p", "sluice", "--test", "cases", "--"])
        .args(names);
    run(command.env("SLUICE_CASES_COMPLETE", "1"))
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn run(command: &mut Command) -> ExitCode {
    match command.current_dir(root()).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run cargo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(findings: &[String]) -> ExitCode {
    for finding in findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
