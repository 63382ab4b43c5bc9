//! The regimes under which every case must give the same tables.

use crate::case::Case;
use crate::station::{Answers, Walk};
use crate::world::{Death, Manner, World};

/// Places at which the engine is ended per case when not all are asked for.
const CRASHES_SAMPLED: u64 = 6;

/// A way of running a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Regime {
    /// As a user would; everything is compared.
    Plain,
    /// Ended at durable steps and restarted; tables are compared.
    Crash,
    /// One file per micro-batch, one flow at a time.
    Small,
    /// Four flows and partitions at a time.
    Parallel,
    /// Everything is refreshed from nothing at the end.
    FullRefresh,
}

impl Regime {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        vec![
            Self::Plain,
            Self::Crash,
            Self::Small,
            Self::Parallel,
            Self::FullRefresh,
        ]
    }

    /// Its name, as cases opt out of it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Crash => "crash",
            Self::Small => "small",
            Self::Parallel => "parallel",
            Self::FullRefresh => "full-refresh",
        }
    }

    fn manner(self) -> Manner {
        match self {
            Self::Plain | Self::Crash | Self::FullRefresh => Manner::default(),
            Self::Small => Manner {
                batch_files_max: Some(1),
                parallelism: 1,
            },
            Self::Parallel => Manner {
                batch_files_max: None,
                parallelism: 4,
            },
        }
    }
}

/// Runs a case under a regime.
pub(crate) async fn run(case: &mut Case, regime: Regime, complete: bool) -> Result<(), String> {
    let tables_only = case
        .stations
        .iter()
        .any(|station| matches!(station.verb.as_str(), "crash" | "overtaken"));
    match regime {
        Regime::Plain => {
            let answers = if complete {
                Answers::Fill
            } else {
                Answers::All
            };
            Walk::new(World::new(regime.manner())?, answers)
                .through(case)
                .await
        }
        // A case that ends the engine itself has its own crashes.
        Regime::Crash | Regime::FullRefresh if tables_only => Ok(()),
        Regime::Crash => crashes(case).await,
        Regime::Small | Regime::Parallel => {
            Walk::new(World::new(regime.manner())?, Answers::Tables)
                .through(case)
                .await
        }
        Regime::FullRefresh => {
            let mut walk = Walk::new(World::new(regime.manner())?, Answers::Tables);
            walk.through(case).await?;
            walk.refresh_everything(case).await
        }
    }
}

/// Ends the engine at durable steps: each one in its own world, then goes on without further deaths.
async fn crashes(case: &mut Case) -> Result<(), String> {
    let counting = World::new(Regime::Crash.manner())?;
    let fate = counting.fate.clone();
    Walk::new(counting, Answers::Tables).through(case).await?;
    let operations = fate.operations();
    let all = std::env::var_os("SLUICE_CASES_ALL_CRASHES").is_some();
    let step = if all {
        1
    } else {
        (operations / CRASHES_SAMPLED).max(1)
    };
    // A different offset per case, so that the sample of all cases together covers every kind of step.
    let mut number = 1 + sum_of_name(case) % step;
    while number <= operations {
        for after in [false, true] {
            if !all && (number % 2 == 0) != after {
                continue;
            }
            let world = World::new(Regime::Crash.manner())?;
            world.fate.set(Some(Death::Operation { number, after }));
            let walk = Walk::new(world, Answers::Tables).through(case).await;
            walk.map_err(|message| {
                format!(
                    "ended at operation {number} of {operations} ({}): {message}",
                    if after { "answer lost" } else { "before" }
                )
            })?;
        }
        number += step;
    }
    Ok(())
}

/// A number that is the same wherever the repository lies: from the case's folder and file name.
fn sum_of_name(case: &Case) -> u64 {
    let parts = case.path.components().rev().take(2);
    parts
        .flat_map(|part| part.as_os_str().as_encoded_bytes().to_vec())
        .map(u64::from)
        .sum()
}
