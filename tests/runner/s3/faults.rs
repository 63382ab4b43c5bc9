//! Each request of an update is spoiled once, in each way: the update, or the next one, still brings every row once.
//!
//! CI takes a sample of requests for each way; `SLUICE_CASES_ALL_CRASHES` takes all.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use super::project::Project;
use super::server::{Fault, Server};
use super::{Outcome, PLANT, check};

/// Requests of an update that the sample spoils in each way.
const SAMPLED: usize = 2;
/// Updates until everything must be there.
const UPDATES_MAX: usize = 4;

/// One trial for each way to spoil requests, of an update that makes all tables and of one that finds them.
pub(super) fn trials() -> Vec<Trial> {
    let ways = Fault::OF_THE_MOMENT.into_iter().enumerate();
    ways.flat_map(|(index, fault)| {
        [false, true].map(|second| {
            let which = if second { "a later" } else { "the first" };
            let name =
                format!("s3: every row once although requests of {which} update meet {fault:?}");
            Trial::test(name, move || {
                sweep(index, fault, second).map_err(Failed::from)
            })
        })
    })
    .collect()
}

fn sweep(index: usize, fault: Fault, second: bool) -> Outcome {
    let requests = run(None, second)?;
    let everywhere = std::env::var_os("SLUICE_CASES_ALL_CRASHES").is_some();
    let step = if everywhere { 1 } else { requests / SAMPLED };
    // Each way begins elsewhere, so that together they meet more requests.
    let first = if everywhere {
        0
    } else {
        index * step / Fault::OF_THE_MOMENT.len()
    };
    for number in (first..requests).step_by(step.max(1)) {
        run(Some((number, fault)), second)
            .map_err(|error| format!("request {number} of {requests} met {fault:?}: {error}"))?;
    }
    Ok(())
}

/// One history: two updates with a file each, a request of one of them spoiled. Gives how many requests that update sent.
fn run(spoiled: Option<(usize, Fault)>, second: bool) -> Result<usize, String> {
    let server = Server::start(&["lake", "landing"])?;
    let project = Project::new(&server, "s3://lake/wh", PLANT)?;
    let mut requests = 0;
    let files = [
        "{\"id\":1,\"site\":\"a\"}\n{\"id\":2}\n{\"id\":3,\"site\":\"b\"}\n",
        "{\"id\":4,\"site\":\"a\"}\n",
    ];
    for (number, lines) in files.into_iter().enumerate() {
        server.put("landing", &format!("in/{number}.json"), lines)?;
        let is_chosen = (number == 1) == second;
        match spoiled.filter(|_| is_chosen) {
            Some((which, fault)) => {
                server.judge(move |seen, _| (seen == which).then_some(fault));
            }
            None => server.relent(),
        }
        complete(&server, &project)?;
        if let (Some((which, _)), true) = (spoiled, is_chosen)
            && server.seen() <= which
        {
            return Err(format!("only {} requests were sent", server.seen()));
        }
        if is_chosen {
            requests = server.seen();
        }
    }
    server.relent();
    let expected = "1,a\n2,\n3,b\n4,a";
    check(
        &project.query("SELECT * FROM bronze ORDER BY id")?,
        expected,
        "bronze",
    )?;
    let expected = "1,a\n3,b\n4,a";
    check(
        &project.query("SELECT * FROM silver ORDER BY id")?,
        expected,
        "silver",
    )?;
    check(
        &project.query("SELECT * FROM gold ORDER BY site")?,
        "a,2\nb,1",
        "gold",
    )?;
    logs_are_sound(&server.bucket("lake"))?;
    Ok(requests)
}

/// Updates until one ends well. A lease whose end was not heard of is waited for by taking it away.
fn complete(server: &Server, project: &Project) -> Outcome {
    let mut last = String::new();
    for _ in 0..UPDATES_MAX {
        let ended = project.sluice(&["run"])?;
        match ended.code {
            Some(0) => return Ok(()),
            Some(4) => {
                let lease = server
                    .bucket("lake")
                    .join("wh/_sluice/plant/default/lease.json");
                std::fs::remove_file(lease).map_err(|error| error.to_string())?;
            }
            Some(1) => {}
            _ => return Err(format!("{ended:?}")),
        }
        last = format!("{ended:?}");
    }
    Err(format!("no update ended well; the last one: {last}"))
}

/// Every log has all its versions, every application's transactions follow each other, and no file is added twice.
fn logs_are_sound(folder: &Path) -> Outcome {
    for log in logs(folder) {
        let said = |what: String| Err(format!("{}: {what}", log.display()));
        let mut txns: BTreeMap<String, i64> = BTreeMap::new();
        let mut added = BTreeSet::new();
        for version in 0.. {
            let Ok(text) = std::fs::read_to_string(log.join(format!("{version:020}.json"))) else {
                let files = std::fs::read_dir(&log).map_or(0, Iterator::count);
                if files > version {
                    return said(format!("{files} files and no version {version}"));
                }
                break;
            };
            for line in text.lines() {
                let action: Value =
                    serde_json::from_str(line).map_err(|error| error.to_string())?;
                if let Some(txn) = action.get("txn") {
                    let app = txn["appId"].as_str().unwrap_or_default().to_owned();
                    let number = txn["version"].as_i64().unwrap_or(-1);
                    let expected = txns.get(&app).map_or(0, |last| last + 1);
                    if number != expected {
                        return said(format!("{app}: {number} follows where {expected} should"));
                    }
                    txns.insert(app, number);
                }
                if let Some(add) = action.get("add")
                    && !added.insert(add["path"].to_string())
                {
                    return said(format!("{} is added twice", add["path"]));
                }
            }
        }
    }
    Ok(())
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return vec![];
    };
    let folders = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir());
    folders
        .flat_map(|path| {
            if path.ends_with("_delta_log") {
                vec![path]
            } else {
                logs(&path)
            }
        })
        .collect()
}
