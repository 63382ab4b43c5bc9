//! The regimes under which every test must give the same tables.

use std::sync::Arc;

use super::answer::{Answers, Layout};
use super::argument::request;
use super::case::Case;
use super::failure::{Failure, Trouble};
use super::fate::Death;
use super::walk::{Backstage, Walk};
use super::world::{Manner, Setting, World};

/// Places at which the engine is ended per test when not all are asked for. Few, as each of them runs the whole test again; the cases
/// of this project are so many that together they still end it at some two thousand places, of every kind.
const CRASHES_SAMPLED: u64 = 2;

/// How many crashes are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crashes {
    /// A few per test.
    Sampled,
    /// One at every durable step, before it and with its answer lost.
    Everywhere,
}

/// How a test is run.
#[derive(Debug, Clone)]
pub struct Manners {
    /// What the world begins with.
    pub setting: Setting,
    /// What is compared under [`Regime::Plain`].
    pub answers: Answers,
    /// How closely.
    pub layout: Layout,
    /// How many crashes are tried under [`Regime::Crash`].
    pub crashes: Crashes,
    /// Further stations.
    pub backstage: Arc<dyn Backstage>,
}

impl Manners {
    fn walk(&self, manner: Manner, answers: Answers) -> Result<Walk, String> {
        let world = World::new(manner, &self.setting)?;
        Ok(Walk::new(world, answers, self.layout, &self.backstage))
    }
}

/// A way of running a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Regime {
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
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::Plain,
            Self::Crash,
            Self::Small,
            Self::Parallel,
            Self::FullRefresh,
        ]
    }

    /// Its name, as tests opt out of it.
    #[must_use]
    pub fn name(self) -> &'static str {
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

/// Runs a test under a regime.
pub async fn run(case: &mut Case, regime: Regime, manners: &Manners) -> Result<(), Failure> {
    let ends_itself = case
        .stations
        .iter()
        .any(|station| matches!(station.verb.as_str(), "crash" | "overtaken"));
    let begin = |answers| {
        let walk = manners.walk(regime.manner(), answers);
        walk.map_err(|message| Failure::at(&case.file, &case.stations, 0, message.into()))
    };
    match regime {
        Regime::Plain => begin(manners.answers)?.through(case).await,
        // A test that ends the engine itself has its own crashes.
        Regime::Crash | Regime::FullRefresh if ends_itself => Ok(()),
        Regime::Crash => crashes(case, manners).await,
        Regime::Small | Regime::Parallel => begin(Answers::Tables)?.through(case).await,
        Regime::FullRefresh => {
            let mut walk = begin(Answers::Tables)?;
            walk.through(case).await?;
            walk.refresh_everything(case).await
        }
    }
}

/// Ends the engine at durable steps: each one in its own world, then goes on without further deaths.
async fn crashes(case: &mut Case, manners: &Manners) -> Result<(), Failure> {
    let begin = |case: &Case| {
        let walk = manners.walk(Regime::Crash.manner(), Answers::Tables);
        walk.map_err(|message| Failure::at(&case.file, &case.stations, 0, message.into()))
    };
    let mut counting = begin(case)?;
    counting.through(case).await?;
    let operations = counting.world.fate.operations();
    let all = manners.crashes == Crashes::Everywhere;
    let step = if all {
        1
    } else {
        (operations / CRASHES_SAMPLED).max(1)
    };
    // A different offset per test, so that the sample of all tests together covers every kind of step.
    let offset = case.file.bytes().map(u64::from).sum::<u64>() % step.max(1);
    let mut number = 1 + offset;
    while number <= operations {
        for after in [false, true] {
            if !all && (number % 2 == 0) != after {
                continue;
            }
            let mut walk = begin(case)?;
            walk.world
                .fate
                .set(Some(Death::Operation { number, after }));
            walk.through(case).await.map_err(|failure| {
                let when = if after { "with its answer lost" } else { "before it" };
                failure.under(&format!(
                    "the engine was ended at durable step {number} of {operations}, {when}, and started again"
                ))
            })?;
        }
        number += step;
    }
    Ok(())
}

/// Stations after which the tables may be others.
const CHANGES: &[&str] = &[
    "file",
    "put",
    "put-hex",
    "rows",
    "given",
    "kinesis",
    "kinesis-hex",
    "stream",
    "reshard",
    "delete-stream",
    "trim-stream",
    "copy",
    "remove",
    "update",
    "continuous",
    "settle",
    "stop",
    "clock",
    "memory",
    "drop",
    "lose-checkpoint",
    "lose",
    "tear",
    "foreign",
];

impl Walk {
    /// Refreshes everything from nothing and asks the last queries again.
    async fn refresh_everything(&mut self, case: &mut Case) -> Result<(), Failure> {
        let last = case
            .stations
            .iter()
            .rposition(|station| CHANGES.contains(&station.verb.as_str()))
            .unwrap_or(0);
        let ended_badly = case
            .stations
            .iter()
            .skip(last)
            .any(|station| station.verb == "error");
        let has_ended = matches!(case.stations[last].verb.as_str(), "update" | "stop");
        if ended_badly || !has_ended {
            return Ok(());
        }
        let failed = |index: usize, trouble: Trouble| {
            let failure = Failure::at(&case.file, &case.stations, index, trouble);
            failure.under("after a full refresh of everything at the end")
        };
        let loaded = self.loaded();
        if loaded.project.is_none() {
            return Ok(());
        }
        let request =
            request("--full-refresh-all --allow-data-loss").map_err(|t| failed(last, t))?;
        let engine = self
            .world
            .engine(&loaded)
            .map_err(|m| failed(last, m.into()))?;
        let report = engine.update(&loaded.declared, &request).await;
        let errors: Vec<String> = report
            .diagnostics
            .iter()
            .filter(|d| d.is_error())
            .map(ToString::to_string)
            .collect();
        if !errors.is_empty() {
            return Err(failed(last, errors.join("; ").into()));
        }
        for index in last..case.stations.len() {
            let station = case.stations[index].clone();
            if station.verb == "query" {
                let asked = self.query(case, index, &station).await;
                asked.map_err(|trouble| {
                    let failure = Failure::at(&case.file, &case.stations, index, trouble);
                    failure.under("after a full refresh of everything at the end")
                })?;
            }
        }
        Ok(())
    }
}
