//! Histories drawn from seeds, each a case of its own: records of many kinds, shards that split and merge, a clock that moves,
//! calls and writes that fail or whose answers are lost, engines that die and engines that meet. At its end every table must
//! hold what a recount of the records says.
//!
//! `cargo test -p sluice --test cases -- histories` walks through a few; `SLUICE_HISTORIES=N` through so many,
//! `SLUICE_SEED=S` from this seed on. A history that fails is printed with its seed, as a `.test` file.

mod draw;
mod recount;
mod sound;

use std::path::PathBuf;
use std::sync::Arc;

use libtest_mimic::{Failed, Trial};
use sluice::testing::{Answers, Case, Crashes, Layout, Manners, Regime, Setting};

use crate::walked;
use draw::History;
use sound::Sound;

/// Histories of the usual run.
const USUAL: u64 = 24;

/// A trial for each seed.
pub(crate) fn trials() -> Vec<Trial> {
    let (first, number) = (asked("SLUICE_SEED", 1), asked("SLUICE_HISTORIES", USUAL));
    let seeds = (0..number).map(|further| first.wrapping_add(further));
    seeds
        .map(|seed| Trial::test(format!("histories: seed {seed}"), move || walk(seed)))
        .collect()
}

fn asked(name: &str, otherwise: u64) -> u64 {
    let value = std::env::var(name).ok();
    value
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

fn walk(seed: u64) -> Result<(), Failed> {
    let history = History::draw(seed);
    let name = format!("history-{seed}.test");
    // Written down first: one that never ends can be looked into, too.
    let place = kept(&name, &history.text);
    let told = |what: String| {
        Failed::from(format!(
            "{what}\n\nSLUICE_SEED={seed} SLUICE_HISTORIES=1 walks through it again; as a case: {}",
            place.display()
        ))
    };
    let case = Case::parse(&name, &history.text).map_err(|error| told(error.to_string()))?;
    let manners = Manners {
        setting: Setting::default(),
        answers: if history.restarts_itself {
            Answers::Tables
        } else {
            Answers::Rows
        },
        layout: Layout::Cells,
        crashes: Crashes::Sampled,
        backstage: Arc::new(Sound),
    };
    let (_, result) = walked(case, Regime::Plain, manners).map_err(&told)?;
    result.map_err(|failure| told(failure.to_string()))?;
    let _ = std::fs::remove_file(&place);
    Ok(())
}

/// Writes a history down for whoever looks into it.
fn kept(name: &str, text: &str) -> PathBuf {
    let place = std::env::temp_dir().join(name);
    // Without it the seed still says everything.
    let _ = std::fs::write(&place, text);
    place
}
